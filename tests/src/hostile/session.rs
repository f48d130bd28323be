//! One connection of our own camera: answers, and then pictures in real time.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Result, bail};
use data_encoding::BASE64;

use super::rtp::{self, Packer};
use super::{Manner, Shared};
use crate::wait::{self, Watch};

/// How long it waits for a visitor's next word before it looks after its pictures.
const LISTEN: Duration = Duration::from_millis(10);

/// From unit to unit of sound, in time and in samples.
const SOUND_EVERY: Duration = Duration::from_millis(20);
const SOUND_TICKS: u32 = 160;

/// Bytes of rubbish at a time.
const RUBBISH: usize = 64 * 1024;

/// Serves until either side has enough.
pub(super) fn serve(stream: &TcpStream, shared: &Shared) {
    let mut session = Session {
        stream,
        shared,
        heard: Vec::new(),
        packer: Packer::default(),
        playing: None,
        shown: 0,
        heard_of: 0,
        random: 0x9e37_79b9,
    };
    // However it ends, the visitor sees a broken connection: cameras do that.
    drop(session.run());
    drop(stream.shutdown(std::net::Shutdown::Both));
}

struct Session<'a> {
    stream: &'a TcpStream,
    shared: &'a Shared,
    heard: Vec<u8>,
    packer: Packer,
    playing: Option<Watch>,
    shown: u32,
    heard_of: u32,
    random: u32,
}

impl Session<'_> {
    fn run(&mut self) -> Result<()> {
        self.stream.set_read_timeout(Some(LISTEN))?;
        self.stream
            .set_write_timeout(Some(Duration::from_secs(2)))?;
        if self.shared.manner() == Manner::Banner {
            self.say(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n")?;
        }
        while self.shared.is_up() {
            self.listen()?;
            while let Some(request) = self.next_request() {
                self.answer(&request)?;
            }
            if let Some(watch) = self.playing {
                self.show(watch)?;
            }
        }
        Ok(())
    }

    fn say(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(bytes)?)
    }

    fn listen(&mut self) -> Result<()> {
        let mut chunk = [0; 4_096];
        match self.stream.read(&mut chunk) {
            Ok(0) => bail!("the visitor left"),
            Ok(count) => self
                .heard
                .extend_from_slice(chunk.get(..count).unwrap_or_default()),
            Err(error) if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// The next request's head. Requests to a camera have no body, and what is framed is the visitor's RTCP.
    fn next_request(&mut self) -> Option<String> {
        while self.heard.first() == Some(&b'$') {
            let len = self
                .heard
                .get(2..4)?
                .iter()
                .fold(0, |len, byte| len << 8 | usize::from(*byte));
            if self.heard.len() < 4 + len {
                return None;
            }
            self.heard.drain(..4 + len);
        }
        let end = self.heard.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head: Vec<u8> = self.heard.drain(..end + 4).collect();
        Some(String::from_utf8_lossy(&head).into_owned())
    }

    fn answer(&mut self, request: &str) -> Result<()> {
        let sequence = request
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("cseq:")
                    .map(|rest| rest.trim().to_owned())
            })
            .unwrap_or_default();
        let method = request.split(' ').next().unwrap_or_default();
        let head = |status: &str| format!("RTSP/1.0 {status}\r\nCSeq: {sequence}\r\n");
        match (self.shared.manner(), method) {
            (Manner::Rubbish, _) => return self.rubbish(),
            (Manner::Banner, _) => {
                self.say(b"Invalid SSH identification string.\r\n")?;
                bail!("this is another kind of server");
            }
            (Manner::HalfAnswer, _) => return self.say(b"RTSP/1.0 200 OK\r\nCSe"),
            (Manner::EndlessHead, _) => {
                return self.endless(&head("200 OK"), b"X-Camera: aaaaaaaaaaaaaaaaaaaaaaa\r\n");
            }
            (Manner::Unauthorized, _) => {
                let ask =
                    "WWW-Authenticate: Digest realm=\"cam\", nonce=\"0123456789abcdef\"\r\n\r\n";
                return self.say(format!("{}{ask}", head("401 Unauthorized")).as_bytes());
            }
            (Manner::Redirect(to), "DESCRIBE") => {
                let text = format!("{}Location: {to}\r\n\r\n", head("302 Found"));
                return self.say(text.as_bytes());
            }
            (Manner::NotFound, "DESCRIBE") => {
                return self.say(format!("{}\r\n", head("404 Not Found")).as_bytes());
            }
            (Manner::EndlessSdp, "DESCRIBE") => {
                let head = format!(
                    "{}Content-Type: application/sdp\r\nContent-Length: 4000000000\r\n\r\nv=0\r\n",
                    head("200 OK")
                );
                return self.endless(&head, b"a=x-camera:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
            }
            _ => {}
        }
        let body = match method {
            "DESCRIBE" => self.describe(),
            _ => String::new(),
        };
        let more = match method {
            "OPTIONS" => {
                "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER\r\n".to_owned()
            }
            "DESCRIBE" => "Content-Type: application/sdp\r\n".to_owned(),
            "SETUP" => self.set_up(request),
            _ => "Session: 42\r\n".to_owned(),
        };
        let length = if body.is_empty() {
            String::new()
        } else {
            format!("Content-Length: {}\r\n", body.len())
        };
        self.say(format!("{}{more}{length}\r\n{body}", head("200 OK")).as_bytes())?;
        match method {
            "PLAY" => self.playing = Some(Watch::start()),
            "TEARDOWN" => bail!("the visitor is done"),
            _ => {}
        }
        Ok(())
    }

    /// Takes the channels that the visitor wants for the track that its address ends with.
    fn set_up(&mut self, request: &str) -> String {
        let channel = request
            .split_once("interleaved=")
            .and_then(|(_, rest)| rest.split('-').next()?.parse().ok());
        let channel: u8 = channel.unwrap_or(0);
        if request
            .lines()
            .next()
            .is_some_and(|line| line.contains("/sound"))
        {
            self.packer.channels.1 = channel;
        } else {
            self.packer.channels.0 = channel;
        }
        let pair = (channel, channel.saturating_add(1));
        format!(
            "Transport: RTP/AVP/TCP;unicast;interleaved={}-{}\r\nSession: 42;timeout=60\r\n",
            pair.0, pair.1
        )
    }

    fn describe(&self) -> String {
        let film = &self.shared.film;
        let sets = format!("{},{}", BASE64.encode(&film.sps), BASE64.encode(&film.pps));
        let head = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\n";
        let video = match self.shared.manner() {
            Manner::Unsupported => "m=video 0 RTP/AVP 26\r\na=rtpmap:26 JPEG/90000\r\n".to_owned(),
            _ => format!(
                "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n\
                 a=fmtp:96 packetization-mode=1;sprop-parameter-sets={sets}\r\n"
            ),
        };
        let tracks = match self.shared.manner() {
            Manner::CrowdedSdp => 1_000,
            _ => 1,
        };
        let track = |number| format!("{video}a=control:track{number}\r\n");
        let sound = if film.sound.is_empty() {
            ""
        } else {
            "m=audio 0 RTP/AVP 0\r\na=control:sound\r\n"
        };
        format!(
            "{head}{}{sound}",
            (0..tracks).map(track).collect::<String>()
        )
    }

    fn endless(&mut self, head: &str, line: &[u8]) -> Result<()> {
        self.say(head.as_bytes())?;
        let lines = line.repeat(RUBBISH / line.len());
        while self.shared.is_up() {
            self.say(&lines)?;
        }
        Ok(())
    }

    fn rubbish(&mut self) -> Result<()> {
        while self.shared.is_up() {
            let bytes: Vec<u8> = (0..RUBBISH)
                .map(|_| self.next_random().to_be_bytes()[0])
                .collect();
            self.say(&bytes)?;
        }
        Ok(())
    }

    /// Sends what is due.
    fn show(&mut self, watch: Watch) -> Result<()> {
        let film = &self.shared.film;
        let manner = self.shared.manner();
        let mut out = Vec::new();
        while film.every * self.shown <= watch.elapsed() {
            let at = usize::try_from(self.shown)? % film.pictures.len().max(1);
            let Some(picture) = film.pictures.get(at) else {
                bail!("the film is empty");
            };
            let timestamp = self.timestamp(&manner);
            self.shown += 1;
            match manner {
                Manner::Stall | Manner::CrowdedSdp => continue,
                Manner::Reset if self.shown > 3 => return self.reset(),
                Manner::Lies => self.packer.lie(&mut out),
                _ => {}
            }
            self.packer.picture(&picture.nals, timestamp, &mut out);
        }
        self.let_hear(watch, &mut out);
        self.say(&out)
    }

    fn let_hear(&mut self, watch: Watch, out: &mut Vec<u8>) {
        let film = &self.shared.film;
        let looped = film
            .sound
            .iter()
            .cycle()
            .skip(usize::try_from(self.heard_of).unwrap_or(0) % film.sound.len().max(1));
        for unit in looped {
            if SOUND_EVERY * self.heard_of > watch.elapsed() {
                break;
            }
            self.packer
                .sound(unit, self.heard_of.wrapping_mul(SOUND_TICKS), out);
            self.heard_of += 1;
        }
    }

    fn timestamp(&mut self, manner: &Manner) -> u32 {
        let every = u32::try_from(self.shared.film.every.as_micros()).unwrap_or(u32::MAX);
        let ticks = u64::from(self.shown) * u64::from(every) * u64::from(rtp::CLOCK) / 1_000_000;
        let honest = u32::try_from(ticks % (1 << 32)).unwrap_or(0);
        match manner {
            Manner::FrozenTime => 7,
            Manner::JumpingTime if self.shown % 5 == 4 => self.next_random(),
            // One second before the end, again and again.
            Manner::WrappingTime => (u32::MAX - rtp::CLOCK).wrapping_add(honest),
            _ => honest,
        }
    }

    /// Half a frame, and the end without goodbye: what was not sent yet is thrown away (`SO_LINGER` 0).
    fn reset(&mut self) -> Result<()> {
        let mut out = Vec::new();
        rtp::frame(0, &[0x80; 1_200], &mut out);
        self.say(out.get(..300).unwrap_or_default())?;
        wait::pause(Duration::from_millis(20));
        rustix::net::sockopt::set_socket_linger(self.stream, Some(Duration::ZERO))?;
        bail!("reset")
    }

    /// Xorshift: rubbish has no need to be good.
    const fn next_random(&mut self) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        self.random
    }
}
