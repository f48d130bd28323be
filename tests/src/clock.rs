//! A machine whose wall clock somebody sets, for the real programs: libfaketime, preloaded, adds an offset that it
//! reads from a file. Monotonic time does not notice, as on a real machine.
//!
//! The gateway hands nothing of its environment to the sealer, and the sealer sees no file but its own folder. So
//! the sealer is started through a wrapper that names the library again, and each of the two processes has a file
//! of its own in a folder that it may read; [`FakeClock::set`] writes both.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::programs;

/// Where Debian's `libfaketime` lies, behind the name of the machine.
const LIBRARIES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
];

/// A clock that can be set.
#[derive(Debug)]
pub struct FakeClock {
    library: PathBuf,
    data: PathBuf,
    folder: TempDir,
}

impl FakeClock {
    /// Prepares a fresh data folder whose gateway runs by this clock.
    ///
    /// # Errors
    /// The machine has no libfaketime.
    pub fn new() -> Result<Self> {
        let mut known = LIBRARIES.iter().map(PathBuf::from);
        let library = known.find(|path| path.exists());
        let library =
            library.context("libfaketime is not installed (apt-get install libfaketime)")?;
        let folder = tempfile::Builder::new()
            .prefix("bartizan-clock-")
            .tempdir()?;
        let clock = Self {
            library,
            data: folder.path().join("data"),
            folder,
        };
        for file in clock.files() {
            let parent = file.parent().context("the files lie in folders")?;
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(parent)?;
        }
        clock.set(0)?;
        Ok(clock)
    }

    /// The folder for the gateway's data.
    pub fn data(&self) -> &Path {
        &self.data
    }

    fn files(&self) -> [PathBuf; 2] {
        [
            self.data.join("gateway/offset"),
            self.data.join("ingest/offset"),
        ]
    }

    /// Sets the clock: so many seconds beside the real time.
    ///
    /// # Errors
    /// The files can't be written.
    pub fn set(&self, seconds: i64) -> Result<()> {
        for file in self.files() {
            let part = file.with_extension("part");
            fs::write(&part, format!("{seconds:+}\n"))?;
            fs::rename(&part, &file)?;
        }
        Ok(())
    }

    fn variables(&self, file: &Path) -> Vec<(String, String)> {
        let pairs = [
            ("LD_PRELOAD", self.library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", file.display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("FAKETIME_DISABLE_SHM", "1".to_owned()),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    /// What the gateway and its owner's command line are started with.
    pub fn env(&self) -> Vec<(OsString, OsString)> {
        let [gateway, _] = self.files();
        let variables = self.variables(&gateway).into_iter();
        variables
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }

    /// The program to start as sealer.
    ///
    /// # Errors
    /// The real one is not built, or no file can be written.
    pub fn ingest(&self) -> Result<PathBuf> {
        let [_, ingest] = self.files();
        let mut script = "#!/bin/sh\n".to_owned();
        for (name, value) in self.variables(&ingest) {
            script += &format!("export {name}='{value}'\n");
        }
        script += &format!(
            "exec '{}' \"$@\"\n",
            programs::find(programs::INGEST)?.display()
        );
        let path = self.folder.path().join("bartizan-ingest");
        fs::write(&path, script)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::process;

    #[test]
    fn a_program_sees_the_clock_jump() {
        let clock = match FakeClock::new() {
            Ok(clock) => clock,
            Err(error) => return crate::skipped(&error.to_string()),
        };
        let seen = |clock: &FakeClock| -> u64 {
            let mut date = process::command("date");
            let said =
                process::must(date.arg("+%s").envs(clock.env()), Duration::from_secs(9)).unwrap();
            said.text().trim().parse().unwrap()
        };
        let now = crate::wait::now().0 / 1_000;
        assert!(seen(&clock).abs_diff(now) < 5);
        clock.set(3_600).unwrap();
        assert!(seen(&clock).abs_diff(now + 3_600) < 5);
        clock.set(-3_600).unwrap();
        assert!(seen(&clock).abs_diff(now - 3_600) < 5);
    }
}
