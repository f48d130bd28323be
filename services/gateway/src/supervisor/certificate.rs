//! A certificate that the owner gives: opened here, where links and folders of other programs can be followed,
//! and read by the gateway, which has no right to either. The bytes are never looked at here.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use bartizan_base::passing::send_line;
use bartizan_protocol::broker::FromSupervisor;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(3);

/// Chain and key.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    /// PEM file of the chain.
    pub(crate) chain: PathBuf,
    /// PEM file of the key.
    pub(crate) key: PathBuf,
}

/// What tells one version of a file from another.
type Version = (u64, u64, u64, i64, i64);

impl Given {
    fn open(&self) -> io::Result<[File; 2]> {
        Ok([File::open(&self.chain)?, File::open(&self.key)?])
    }

    fn versions(&self) -> io::Result<[Version; 2]> {
        let version = |found: Metadata| {
            (
                found.dev(),
                found.ino(),
                found.size(),
                found.mtime(),
                found.mtime_nsec(),
            )
        };
        Ok([
            version(fs::metadata(&self.chain)?),
            version(fs::metadata(&self.key)?),
        ])
    }

    /// Whether both files can be opened at all.
    ///
    /// # Errors
    /// They can't.
    pub(crate) fn check(&self) -> Result<()> {
        self.open()
            .map(drop)
            .context("can't open the TLS certificate or its key")
    }

    /// Hands both files to the gateway, open.
    pub(super) fn hand_to(&self, gateway: &UnixStream) -> Result<()> {
        let [chain, key] = self
            .open()
            .context("can't open the TLS certificate or its key")?;
        let line = serde_json::to_vec(&FromSupervisor::Certificate)?;
        Ok(send_line(gateway, &line, &[chain.as_fd(), key.as_fd()])?)
    }

    /// Calls `changed` whenever one of the files is another than before, until that says no.
    pub(super) fn watch(self, changed: impl Fn() -> bool + Send + 'static) -> Result<()> {
        let mut known = self.versions().ok();
        thread::Builder::new()
            .name("certificate".to_owned())
            .spawn(move || {
                loop {
                    thread::park_timeout(LOOK);
                    // Between a removal and the new file there is none: that is no change yet.
                    let Ok(now) = self.versions() else { continue };
                    if known.replace(now) != Some(now) && !changed() {
                        break;
                    }
                }
            })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::sync::mpsc::channel;

    use bartizan_base::passing::Lines;

    use super::*;

    #[test]
    fn changed_files_are_noticed_and_handed_over_open() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("chain1"), "first").unwrap();
        fs::write(at("key"), "secret").unwrap();
        // As certificate managers do it: the name is a link to the newest file.
        std::os::unix::fs::symlink(at("chain1"), at("chain")).unwrap();
        let given = Given {
            chain: at("chain"),
            key: at("key"),
        };
        given.check().unwrap();
        let (told, inbox) = channel();
        given.clone().watch(move || told.send(()).is_ok()).unwrap();
        fs::write(at("chain2"), "second").unwrap();
        fs::remove_file(at("chain")).unwrap();
        std::os::unix::fs::symlink(at("chain2"), at("chain")).unwrap();
        inbox.recv_timeout(Duration::from_secs(30)).unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        given.hand_to(&ours).unwrap();
        let mut lines = Lines::default();
        lines.receive(&theirs).unwrap();
        assert!(lines.next_line().is_some());
        let texts = [(); 2].map(|()| {
            let mut text = String::new();
            File::from(lines.next_file().unwrap())
                .read_to_string(&mut text)
                .unwrap();
            text
        });
        assert_eq!(texts, ["second", "secret"]);
        fs::remove_file(at("key")).unwrap();
        assert!(given.check().is_err() && given.hand_to(&ours).is_err());
    }
}
