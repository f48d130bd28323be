//! The hunt for canaries: texts that cameras burn into picture, sound and metadata are looked for in files, logs,
//! packets and the memory of processes, as they are and in the disguises that a leak may give them (base64 in
//! all three alignments and both alphabets, hexadecimal in both cases).
//!
//! A hunt that finds nothing shows something only beside one that finds: tests let it find what it should, too.

use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use aho_corasick::AhoCorasick;
use anyhow::{Context, Result};
use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};

/// Bytes that are read at a time.
const PIECE: usize = 1024 * 1024;

/// Bytes of one mapping that are read: larger ones are reservations.
const MAX_MAPPING: u64 = 4 * 1024 * 1024 * 1024;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Where.
    pub place: String,
    /// Which canary, and in which disguise.
    pub what: String,
    /// How many bytes from the beginning.
    pub offset: u64,
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {} of {}", self.what, self.offset, self.place)
    }
}

/// What is looked for.
#[derive(Debug)]
pub struct Hunt {
    search: AhoCorasick,
    names: Vec<String>,
    longest: usize,
}

impl Hunt {
    /// Looks for these texts. Parts of at least 12 bytes that stay the same in every alignment are looked for
    /// in base64, so a canary has 16 bytes or more.
    ///
    /// # Errors
    /// There are too many.
    pub fn new(canaries: &[&str]) -> Result<Self> {
        let (mut patterns, mut names) = (Vec::new(), Vec::new());
        for canary in canaries {
            for (disguise, pattern) in disguises(canary.as_bytes()) {
                names.push(format!("canary {canary:?} as {disguise}"));
                patterns.push(pattern);
            }
        }
        let longest = patterns.iter().map(Vec::len).max().unwrap_or(1);
        let search = AhoCorasick::new(&patterns).context("the canaries can't be searched for")?;
        Ok(Self {
            search,
            names,
            longest,
        })
    }

    /// Traces in `bytes`, the first of each kind.
    pub fn bytes(&self, place: &str, bytes: &[u8]) -> Vec<Trace> {
        let mut found = Vec::new();
        self.scan(place, 0, bytes, &mut found);
        found
    }

    fn scan(&self, place: &str, offset: u64, bytes: &[u8], found: &mut Vec<Trace>) {
        for hit in self.search.find_iter(bytes) {
            let what = self
                .names
                .get(hit.pattern().as_usize())
                .cloned()
                .unwrap_or_default();
            if !found
                .iter()
                .any(|trace: &Trace| trace.what == what && trace.place == place)
            {
                let offset = offset + hit.start() as u64;
                found.push(Trace {
                    place: place.to_owned(),
                    what,
                    offset,
                });
            }
        }
    }

    /// Traces in all files below `folder`, except those that `spare` names.
    ///
    /// # Errors
    /// A file can't be read.
    pub fn folder(&self, folder: &Path, spare: impl Fn(&Path) -> bool) -> Result<Vec<Trace>> {
        let mut found = Vec::new();
        for file in files_below(folder)?.into_iter().filter(|file| !spare(file)) {
            let opened =
                File::open(&file).with_context(|| format!("can't open {}", file.display()))?;
            let place = file.display().to_string();
            // Names hold nothing either.
            found.extend(self.bytes(&format!("the name {place}"), place.as_bytes()));
            self.stream(&place, opened, &mut found)?;
        }
        Ok(found)
    }

    fn stream(&self, place: &str, mut from: impl Read, found: &mut Vec<Trace>) -> Result<()> {
        let (mut buffer, mut kept, mut offset) = (vec![0; PIECE + self.longest], 0, 0);
        loop {
            let count = from.read(buffer.get_mut(kept..).unwrap_or_default())?;
            if count == 0 {
                return Ok(());
            }
            let filled = kept + count;
            self.scan(
                place,
                offset,
                buffer.get(..filled).unwrap_or_default(),
                found,
            );
            let keep = filled.min(self.longest);
            buffer.copy_within(filled - keep..filled, 0);
            offset += (filled - keep) as u64;
            kept = keep;
        }
    }

    /// Traces in everything that process `pid` has mapped readable.
    ///
    /// # Errors
    /// Its memory can't be read: that needs the rights of a debugger.
    pub fn memory(&self, pid: u32) -> Result<Vec<Trace>> {
        let maps = fs::read_to_string(format!("/proc/{pid}/maps"))
            .context("its mappings can't be read")?;
        let memory =
            File::open(format!("/proc/{pid}/mem")).context("its memory can't be opened")?;
        let mut found = Vec::new();
        let mut read = 0;
        for (start, end, name) in maps.lines().filter_map(mapping) {
            let place = format!("memory of process {pid} ({name})");
            read += self.range(&place, &memory, (start, end), &mut found);
        }
        anyhow::ensure!(read > 0, "nothing of its memory can be read");
        Ok(found)
    }

    /// Gives the bytes that could be read; pages without anything behind them can't.
    fn range(
        &self,
        place: &str,
        memory: &File,
        (start, end): (u64, u64),
        found: &mut Vec<Trace>,
    ) -> u64 {
        let mut buffer = vec![0; PIECE + self.longest];
        let (mut at, mut read) = (start, 0);
        while at < end {
            let want = usize::try_from(end - at)
                .unwrap_or(usize::MAX)
                .min(buffer.len());
            match memory.read_at(buffer.get_mut(..want).unwrap_or_default(), at) {
                Ok(count) if count > 0 => {
                    self.scan(
                        place,
                        at - start,
                        buffer.get(..count).unwrap_or_default(),
                        found,
                    );
                    read += count as u64;
                }
                _ => {}
            }
            at += PIECE as u64;
        }
        read
    }
}

/// A readable mapping of `/proc/PID/maps` and its name. The kernel's own pages are no memory of the process.
fn mapping(line: &str) -> Option<(u64, u64, &str)> {
    let mut words = line.split_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let rights = words.next()?;
    let name = words.nth(3).unwrap_or("anonymous");
    let (start, end) = (
        u64::from_str_radix(start, 16).ok()?,
        u64::from_str_radix(end, 16).ok()?,
    );
    let wanted = rights.starts_with('r') && !name.starts_with("[v") && end - start <= MAX_MAPPING;
    wanted.then_some((start, end, name))
}

fn disguises(canary: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut found = vec![
        ("it is".to_owned(), canary.to_vec()),
        (
            "hexadecimal".to_owned(),
            HEXLOWER.encode(canary).into_bytes(),
        ),
        (
            "HEXADECIMAL".to_owned(),
            HEXUPPER.encode(canary).into_bytes(),
        ),
    ];
    for skipped in 0..3 {
        // Whole groups of three bytes look the same whatever stands around them.
        let rest = canary.get(skipped..).unwrap_or_default();
        let whole = rest.get(..rest.len() / 3 * 3).unwrap_or_default();
        for (name, encoding) in [("base64", &BASE64_NOPAD), ("base64url", &BASE64URL_NOPAD)] {
            found.push((
                format!("{name} from byte {skipped}"),
                encoding.encode(whole).into_bytes(),
            ));
        }
    }
    found
}

/// All regular files below `folder`, or itself.
///
/// # Errors
/// A folder can't be read.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut waiting) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(path) = waiting.pop() {
        let meta = fs::symlink_metadata(&path)
            .with_context(|| format!("can't look at {}", path.display()))?;
        if meta.is_dir() {
            for entry in fs::read_dir(&path)? {
                waiting.push(entry?.path());
            }
        } else if meta.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANARY: &str = "canary-of-the-test-0123456789";

    fn hunt() -> Hunt {
        Hunt::new(&[CANARY]).unwrap()
    }

    #[test]
    fn every_disguise_is_seen_through() {
        let hunt = hunt();
        for before in ["", "x", "xy"] {
            let text = format!("{before}{CANARY} and more");
            for bytes in [
                text.clone().into_bytes(),
                BASE64_NOPAD.encode(text.as_bytes()).into_bytes(),
                BASE64URL_NOPAD.encode(text.as_bytes()).into_bytes(),
                HEXLOWER.encode(text.as_bytes()).into_bytes(),
                HEXUPPER.encode(text.as_bytes()).into_bytes(),
            ] {
                assert!(
                    !hunt.bytes("here", &bytes).is_empty(),
                    "{before:?} {bytes:?}"
                );
            }
        }
        assert!(
            hunt.bytes("here", b"canary-of-another-test-01234567890")
                .is_empty()
        );
    }

    #[test]
    fn a_canary_across_two_pieces_of_a_file_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = vec![b'.'; PIECE + hunt().longest - 7];
        bytes.extend_from_slice(CANARY.as_bytes());
        bytes.resize(3 * PIECE, b'.');
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(folder.path().join("sub/file"), bytes).unwrap();
        let found = hunt().folder(folder.path(), |_| false).unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            hunt()
                .folder(folder.path(), |file| file.ends_with("file"))
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn own_memory_holds_what_this_test_holds() {
        let secret = CANARY.to_owned();
        match hunt().memory(std::process::id()) {
            Ok(found) => assert!(!found.is_empty()),
            Err(error) => crate::skipped(&format!("memory can't be read here: {error:#}")),
        }
        drop(secret);
    }
}
