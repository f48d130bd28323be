//! Where things lie in the repository, and which files are ours. Writes nothing.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Folders that hold nothing of ours, whatever their place.
const SKIPPED_NAMES: [&str; 3] = [".git", "node_modules", "target"];

/// Folders that hold nothing of ours, by their place.
const SKIPPED_PATHS: [&str; 4] = ["data", "fuzz/artifacts", "fuzz/corpus", "web/dist"];

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Cargo's target folder: two above this program.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let program = std::env::current_exe().context("can't find this program")?;
    let dir = program.parent().and_then(Path::parent);
    Ok(dir
        .context("this program lies in no target folder")?
        .to_owned())
}

/// The text of a file of the repository.
pub(crate) fn read(path: &str) -> Result<String> {
    fs::read_to_string(root().join(path)).with_context(|| format!("can't read {path}"))
}

/// Whether a file or folder of the repository exists.
pub(crate) fn has(path: &str) -> bool {
    root().join(path).exists()
}

/// One file of the repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct File {
    /// Its path from the root, with slashes.
    pub(crate) path: String,
    /// Its text, empty when it is not UTF-8.
    pub(crate) text: String,
}

impl File {
    /// Whether the name ends in `.{extension}`.
    pub(crate) fn is(&self, extension: &str) -> bool {
        Path::new(&self.path).extension() == Some(OsStr::new(extension))
    }

    /// Whether it holds tests only, by its place or its name.
    pub(crate) fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        self.path
            .split('/')
            .any(|part| part == "tests" || part == "e2e")
            || name == "tests.rs"
            || name.contains(".test.")
    }
}

/// Every file of ours under `dir`, sorted by path.
pub(crate) fn files(dir: &Path) -> Result<Vec<File>> {
    let mut found = Vec::new();
    collect(dir, dir, &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(root: &Path, dir: &Path, found: &mut Vec<File>) -> Result<()> {
    let entries = fs::read_dir(dir).with_context(|| format!("can't list {}", dir.display()))?;
    for entry in entries {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        let relative = path.strip_prefix(root)?.to_string_lossy().into_owned();
        let skipped = SKIPPED_NAMES.iter().any(|name| entry.file_name() == *name)
            || SKIPPED_PATHS.contains(&relative.as_str());
        if kind.is_dir() && !skipped {
            collect(root, &path, found)?;
        } else if kind.is_file() {
            let bytes =
                fs::read(&path).with_context(|| format!("can't read {}", path.display()))?;
            found.push(File {
                path: relative,
                text: String::from_utf8(bytes).unwrap_or_default(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_output_is_not_ours() {
        let dir = tempfile::tempdir().unwrap();
        for path in ["src/a.rs", "target/b.rs", "web/node_modules/c.js", "z.md"] {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let found = files(dir.path()).unwrap();
        let paths: Vec<_> = found.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["src/a.rs", "z.md"]);
    }

    #[test]
    fn files_of_tests_are_told_from_others() {
        let file = |path: &str| File {
            path: path.to_owned(),
            text: String::new(),
        };
        for path in [
            "core/media/tests/it/main.rs",
            "a/b/tests.rs",
            "web/src/x.test.ts",
        ] {
            assert!(file(path).is_test(), "{path}");
        }
        assert!(!file("core/media/src/contests.rs").is_test());
    }
}
