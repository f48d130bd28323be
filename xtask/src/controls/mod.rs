//! The register of security controls (`docs/controls.toml`) against the tests that claim them.
//!
//! A test claims a row by its name: `g_22_unknown_suite_is_refused` claims G-22, and
//! `g_22_n_5_…` claims two rows; the app's tests do so too. A row is `proved` only when its tests exist, its control has a switch
//! (`sabotage::off("G-22")`), and `--sabotage` has seen each test fail with the control off.
//! Whether the tests pass is the test runner's business.

mod app;
mod claims;
mod lanes;
mod registry;
mod sabotage;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};

use crate::provision::{self, Purpose};
use crate::report::Report;
use crate::{repo, run};

use claims::Sources;
use registry::{Registry, Row, State};

/// What to check.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Also runs each claimed test with its control switched off, and demands that it fails.
    #[arg(long)]
    sabotage: bool,
    /// Prints the tests that claim each row, as the register lists them, and whether the row has a switch.
    #[arg(long, conflicts_with = "sabotage")]
    claims: bool,
    /// Only this row, with `--sabotage`; one that lists no tests yet is run with those that claim it.
    #[arg(long, requires = "sabotage", value_name = "ID")]
    row: Option<String>,
}

const REGISTER: &str = "docs/controls.toml";

/// `cargo xtask controls`.
pub(crate) fn run(args: &Args, report: &mut Report) -> Result<()> {
    if args.claims {
        let (registry, sources) = read()?;
        registry.rows.iter().for_each(|row| show(row, &sources));
    }
    check(report);
    if args.sabotage {
        provision::ensure(Purpose::Test)?;
        report.runner("sabotage", || {
            let (registry, sources) = read()?;
            sabotage::run(&registry, &sources, args.row.as_deref())
        });
    }
    Ok(())
}

/// Compares the register with the sources.
pub(crate) fn check(report: &mut Report) {
    report.check("controls", || {
        let (registry, sources) = read()?;
        let (problems, notes) = judge(&registry, &sources);
        for note in notes {
            run::complain(&format!("controls: note: {note}"));
        }
        run::say(&format!("controls: {}", registry.sum()));
        Ok(problems)
    });
}

/// Runs every claimed test with its control off.
pub(crate) fn sabotage(report: &mut Report) {
    report.runner("sabotage", || {
        let (registry, sources) = read()?;
        sabotage::run(&registry, &sources, None)
    });
}

fn read() -> Result<(Registry, Sources)> {
    let registry = Registry::parse(&repo::read(REGISTER)?).context(REGISTER)?;
    Ok((registry, Sources::scan(&repo::files(repo::root())?)))
}

/// One row with the tests that claim it, if there are any.
fn show(row: &Row, sources: &Sources) {
    let tests = sources.claiming(&row.id);
    if !tests.is_empty() {
        let switch = if sources.switches.contains(&row.id) {
            ""
        } else {
            " (no switch)"
        };
        let names: Vec<_> = tests
            .iter()
            .map(|test| format!("  \"{test}\",\n"))
            .collect();
        run::say(&format!(
            "# {}{switch}\ntests = [\n{}]",
            row.id,
            names.concat()
        ));
    }
}

/// What is wrong, and what is worth knowing.
fn judge(registry: &Registry, sources: &Sources) -> (Vec<String>, Vec<String>) {
    if sabotage::off("A-8") {
        return Default::default();
    }
    let mut problems = registry.problems();
    let mut notes = Vec::new();
    let rows: BTreeMap<&str, &Row> = registry
        .rows
        .iter()
        .map(|row| (row.id.as_str(), row))
        .collect();
    let mut names = BTreeSet::new();
    for claim in &sources.claims {
        if !names.insert((claim.runner, &claim.test)) {
            problems.push(format!("two tests are called {}", claim.test));
        }
        for id in &claim.rows {
            match rows.get(id.as_str()) {
                None => problems.push(format!("{} claims the unknown row {id}", claim.test)),
                Some(row) if row.state == State::Planned => {
                    notes.push(format!(
                        "{} claims {id}, which is still planned",
                        claim.test
                    ));
                }
                Some(row) if !row.tests.contains(&claim.test) => problems.push(format!(
                    "{} claims {id}, whose row does not list it",
                    claim.test
                )),
                Some(_) => {}
            }
        }
    }
    for row in &registry.rows {
        problems.extend(
            row.tests
                .iter()
                .filter_map(|test| unclaimed(row, test, sources)),
        );
        if !row.tests.is_empty() && !sources.switches.contains(&row.id) {
            problems.push(format!(
                "{} has tests, but no control point asks sabotage::off",
                row.id
            ));
        }
    }
    let unknown = sources
        .switches
        .iter()
        .filter(|id| !rows.contains_key(id.as_str()));
    problems.extend(unknown.map(|id| format!("a control point asks for the unknown row {id}")));
    (problems, notes)
}

/// Why `test` is no proof of `row`, if it is none.
fn unclaimed(row: &Row, test: &str, sources: &Sources) -> Option<String> {
    let Some(claim) = sources.claims.iter().find(|claim| claim.test == test) else {
        return Some(format!("{} lists {test}, which is no test", row.id));
    };
    if claim.ignored {
        return Some(format!("{} lists {test}, which is ignored", row.id));
    }
    (!claim.rows.contains(&row.id))
        .then(|| format!("{} lists {test}, which does not claim it", row.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::File;

    fn sources(text: &str) -> Sources {
        let path = "core/sealing/src/suite.rs".to_owned();
        let text = text.replace('@', "#[test]\nfn ");
        Sources::scan(&[File { path, text }])
    }

    fn registry(rows: &str) -> Registry {
        Registry::parse(rows).unwrap()
    }

    const PROVED: &str =
        "[[row]]\nid = 'G-22'\nproperty = 'x'\nstate = 'proved'\ntests = ['g_22_a']\n";

    /// Problems beyond those of an incomplete register.
    fn judged(rows: &str, text: &str) -> (Vec<String>, Vec<String>) {
        let registry = registry(rows);
        let missing = registry.problems();
        let (problems, notes) = judge(&registry, &sources(text));
        let beyond = problems
            .into_iter()
            .filter(|problem| !missing.contains(problem));
        (beyond.collect(), notes)
    }

    #[test]
    fn a_8_a_proved_row_needs_its_test_and_its_switch() {
        let whole = "fn x() { sabotage::off(\"G-22\"); }\n@g_22_a() {}\n";
        assert_eq!(judged(PROVED, whole).0, Vec::<String>::new());
        assert_eq!(judged(PROVED, "@g_22_a() {}\n").0.len(), 1);
        assert_eq!(
            judged(PROVED, "fn x() { sabotage::off(\"G-22\"); }\n")
                .0
                .len(),
            1
        );
        let ignored = whole.replace('@', concat!("#[ign", "ore]\n@"));
        assert_eq!(judged(PROVED, &ignored).0.len(), 1);
    }

    #[test]
    fn a_8_claims_of_unknown_or_unlisted_rows_fail() {
        let whole = "fn x() { sabotage::off(\"G-22\"); }\n@g_22_a() {}\n";
        let unlisted = format!("{whole}@g_22_b() {{}}\n");
        assert_eq!(
            judged(PROVED, &unlisted).0,
            ["g_22_b claims G-22, whose row does not list it"]
        );
        let unknown = format!("{whole}@g_99_b() {{}}\n");
        assert_eq!(
            judged(PROVED, &unknown).0,
            ["g_99_b claims the unknown row G-99"]
        );
        let twice = format!("{whole}@g_22_a() {{}}\n");
        assert_eq!(judged(PROVED, &twice).0, ["two tests are called g_22_a"]);
        let switch = format!("{whole}fn y() {{ sabotage::off(\"G-99\"); }}\n");
        assert_eq!(
            judged(PROVED, &switch).0,
            ["a control point asks for the unknown row G-99"]
        );
    }

    #[test]
    fn a_claim_of_a_planned_row_is_only_worth_a_note() {
        let planned = "[[row]]\nid = 'G-22'\nproperty = 'x'\nstate = 'planned'\n";
        let (problems, notes) = judged(planned, "@g_22_a() {}\n");
        assert_eq!((problems.len(), notes.len()), (0, 1));
    }

    #[test]
    fn the_register_of_this_repository_is_whole() {
        let (registry, _) = read().unwrap();
        assert_eq!(registry.problems(), Vec::<String>::new());
    }
}
