//! Licences, sources, banned crates and known vulnerabilities, judged by cargo-deny after `deny.toml`.

use anyhow::Result;

use crate::provision;
use crate::report::{Outcome, Report};
use crate::run;

/// What cargo-deny says when the database of vulnerabilities is out of reach.
const OUT_OF_REACH: &str = "failed to fetch advisory database";

/// `cargo xtask deny`.
pub(crate) fn run(report: &mut Report) -> Result<()> {
    provision::ensure_deny()?;
    sections(report);
    Ok(())
}

/// The two checks; the tool is installed already.
pub(crate) fn sections(report: &mut Report) {
    report.section("deny", || judge(&["bans", "licenses", "sources"]));
    report.section("advisories", || judge(&["advisories"]));
}

fn judge(checks: &[&str]) -> Result<Outcome> {
    let mut command = run::cargo(["deny", "--locked", "--color", "never", "check"]);
    command.args(["--hide-inclusion-graph"]).args(checks);
    command.env("PATH", provision::path_with_tools()?);
    let answer = run::quiet(&mut command)?;
    if answer.status.success() {
        return Ok(Outcome::Pass);
    }
    if answer.stderr.contains(OUT_OF_REACH) {
        return Ok(Outcome::Skip(
            "the advisory database can't be reached".to_owned(),
        ));
    }
    run::complain(answer.stderr.trim_end());
    Ok(Outcome::Fail(format!(
        "cargo-deny ended with {}",
        answer.status
    )))
}
