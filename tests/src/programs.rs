//! Where the programs of the product are. Tests do not build them: whoever runs the tests has built them before,
//! in the same profile and with the same features (`cargo build --workspace --bins`; `cargo xtask test` does).

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

/// The gateway: supervisor, API and recorder.
pub const GATEWAY: &str = "bartizan-gateway";

/// The sealer of foreign cameras.
pub const INGEST: &str = "bartizan-ingest";

/// The command line.
pub const CLI: &str = "bartizan";

/// The file of a program: it lies beside the folder of the running test (`target/PROFILE/deps`).
///
/// # Errors
/// It was not built; the message says how.
pub fn find(name: &str) -> Result<PathBuf> {
    let test = std::env::current_exe().context("can't find the running test's own file")?;
    let folder = test.parent().and_then(|deps| deps.parent());
    let folder = folder.context("a test lies in target/PROFILE/deps")?;
    let program = folder.join(name);
    if program.is_file() {
        return Ok(program);
    }
    bail!(
        "{} is not built: run `cargo build --workspace --bins` first (or test with `cargo xtask test`)",
        program.display()
    )
}

/// A folder for what tests make once and use again: `target/fixtures`.
///
/// # Errors
/// It can't be made.
pub fn fixtures() -> Result<PathBuf> {
    let test = std::env::current_exe().context("can't find the running test's own file")?;
    let target = test
        .ancestors()
        .nth(3)
        .context("a test lies in target/PROFILE/deps")?;
    let folder = target.join("fixtures");
    std::fs::create_dir_all(&folder).with_context(|| format!("can't make {}", folder.display()))?;
    Ok(folder)
}
