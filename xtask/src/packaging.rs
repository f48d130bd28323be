//! Lets the service manager itself judge the units that we ship. Nothing is installed or started.

use anyhow::Result;

use crate::report::{Outcome, Report};
use crate::{repo, run};

/// The exposure that a unit may have, in tenths: 0 is sealed, 100 is bare.
const MAX_EXPOSURE: u32 = 20;

const ANALYZE: &str = "systemd-analyze";

/// What a machine that builds the programs, but has not installed them, may complain about.
const NOT_INSTALLED: &str = "is not executable: No such file or directory";

/// Checks each unit's words and its exposure.
pub(crate) fn check(report: &mut Report) {
    report.section("units", || {
        if !run::exists(ANALYZE) {
            return Ok(Outcome::Skip("there is no systemd-analyze".to_owned()));
        }
        let units = repo::files(&repo::root().join("packaging/systemd"))?;
        let mut problems = Vec::new();
        for unit in units.iter().filter(|file| file.is("service")) {
            problems.extend(judge(&format!("packaging/systemd/{}", unit.path))?);
        }
        if problems.is_empty() {
            return Ok(Outcome::Pass);
        }
        Ok(Outcome::Fail(problems.join("; ")))
    });
}

fn judge(unit: &str) -> Result<Vec<String>> {
    let answer = run::quiet(run::program(ANALYZE).args(["verify", "--man=no", unit]))?;
    let mut problems = complaints(unit, &answer.stderr);
    let mut security = run::program(ANALYZE);
    security.args([
        "security",
        "--offline=true",
        &format!("--threshold={MAX_EXPOSURE}"),
        unit,
    ]);
    let answer = run::quiet(&mut security)?;
    if !answer.status.success() {
        let verdict = answer.stdout.lines().next_back().unwrap_or_default();
        problems.push(format!("{unit} is too exposed: {verdict}"));
    }
    Ok(problems)
}

/// Lines about `unit` itself: a machine without a running service manager complains about itself, too.
fn complaints(unit: &str, stderr: &str) -> Vec<String> {
    let name = unit.rsplit('/').next().unwrap_or(unit);
    let lines = stderr.lines().filter(|line| line.contains(name));
    lines
        .filter(|line| !line.contains(NOT_INSTALLED))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_missing_program_is_excused() {
        let text = "x.service: Command /usr/bin/x is not executable: No such file or directory\n\
                    Failed to see the bus\nx.service:3: Unknown key name 'NoNewPrivilege' in section 'Service', ignoring.\n";
        assert_eq!(complaints("packaging/x.service", text).len(), 1);
    }
}
