//! What every command needs: where the account is, where results go, what time it is here.

use std::env;
use std::io::{BufRead, Read};
use std::path::PathBuf;

use bartizan_base::{Clock, SystemClock};
use bartizan_client::recordings::Range;
use bartizan_client::{ClientError, Profile, Session};
use bartizan_domain::text::Name;
use bartizan_domain::{Rendition, Secret, StreamId, UtcMillis};
use bartizan_protocol::api;
use jiff::tz::TimeZone;

use crate::args::{Global, Stream};
use crate::failure::Failure;
use crate::moment;
use crate::output::Output;

/// Longest line that is read from standard input, in bytes.
const MAX_LINE: u64 = 4_096;

/// The surroundings of one command.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) out: Output,
    profile: PathBuf,
    zone: TimeZone,
}

impl Context {
    pub(crate) fn new(global: &Global, out: Output) -> Result<Self, Failure> {
        let named = global.profile.clone();
        let named = named.or_else(|| env::var_os("BARTIZAN_PROFILE").map(PathBuf::from));
        let profile = match named.filter(|path| !path.as_os_str().is_empty()) {
            Some(profile) => profile,
            None => Profile::default_folder(env::var_os("XDG_DATA_HOME"), env::var_os("HOME"))?,
        };
        Ok(Self {
            out,
            profile,
            zone: TimeZone::system(),
        })
    }

    /// The account's folder.
    pub(crate) fn profile(&self) -> Profile {
        Profile::at(self.profile.clone())
    }

    /// This device's account, kept signed in. A gateway that can't be asked now is asked the next time.
    pub(crate) async fn session(&self) -> Result<Session, Failure> {
        let mut session = Session::open(self.profile())?;
        drop(session.keep_signed_in().await);
        Ok(session)
    }

    /// The camera that was named, and its stream.
    pub(crate) async fn stream(
        &self,
        session: &Session,
        wanted: &Stream,
    ) -> Result<(api::Camera, StreamId), Failure> {
        let camera = session.camera(&wanted.camera).await?;
        let rendition = wanted.rendition;
        let has = camera.streams.iter().any(|one| one.rendition == rendition);
        if !has && rendition == Rendition::Sub {
            return Err(ClientError::NoRendition { rendition }.into());
        }
        let id = camera.id;
        let stream = StreamId {
            camera: id,
            rendition,
        };
        Ok((camera, stream))
    }

    /// The camera that was named, and its stream, of which there are recordings: they outlive a stream that was taken
    /// away.
    pub(crate) async fn recorded_stream(
        &self,
        session: &Session,
        wanted: &Stream,
    ) -> Result<(api::Camera, StreamId), Failure> {
        let (camera, rendition) = (session.camera(&wanted.camera).await?, wanted.rendition);
        let id = camera.id;
        let stream = StreamId {
            camera: id,
            rendition,
        };
        let has = camera.streams.iter().any(|one| one.rendition == rendition);
        if has {
            return Ok((camera, stream));
        }
        let moment = Range {
            from: UtcMillis(0),
            to: UtcMillis(1),
        };
        match session.recordings(stream, moment).await {
            Err(error) if error.api().is_some_and(|refusal| refusal.status == 404) => {
                Err(ClientError::NoRendition { rendition }.into())
            }
            other => other.map(|_spans| (camera, stream)).map_err(Failure::from),
        }
    }

    /// Reads what was typed for `option`.
    pub(crate) fn moment(&self, option: &'static str, text: &str) -> Result<UtcMillis, Failure> {
        moment::parse(text, now(), &self.zone).map_err(|source| Failure::Time { option, source })
    }

    /// A time as people here read it.
    pub(crate) fn show(&self, time: UtcMillis) -> String {
        moment::show(time, &self.zone)
    }
}

/// The text that was typed, or the first line of standard input for `-`.
pub(crate) fn typed(text: String) -> Result<Secret<String>, Failure> {
    if text != "-" {
        return Ok(Secret::new(text));
    }
    let mut line = String::new();
    let mut input = std::io::stdin().lock().take(MAX_LINE);
    let read = input.read_line(&mut line);
    read.map_err(|source| Failure::Machine {
        what: "standard input can't be read".to_owned(),
        source,
    })?;
    Ok(Secret::new(line.trim().to_owned()))
}

/// What time it is.
pub(crate) fn now() -> UtcMillis {
    SystemClock.utc()
}

/// What this device is called, and whether nobody said so.
pub(crate) fn device_name(given: Option<Name>) -> (Name, bool) {
    let suggested = given.is_none();
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = given
        .or_else(|| Name::parse(&host).ok())
        .or_else(|| Name::parse("Command line").ok());
    (name.expect("the last of these is a name"), suggested)
}
