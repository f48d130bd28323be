//! Everything that can be judged without running the product.

use std::thread;

use anyhow::Result;

use crate::provision::{self, Purpose};
use crate::report::{Outcome, Report};
use crate::{budgets, controls, deny, generated, layers, packaging, repo, run, tidy, web};

/// Lint, test and sabotage share one build: this feature arms the switches, which stay closed until a
/// variable names one. It never compiles in a release build.
pub(crate) const FEATURES: &str = "bartizan-domain/sabotage";

/// `cargo xtask check`.
pub(crate) fn run(report: &mut Report) -> Result<()> {
    provision::ensure(Purpose::Check)?;
    sections(report);
    Ok(())
}

/// All checks, quick ones first; the tools are installed already.
pub(crate) fn sections(report: &mut Report) {
    report.section("fmt", format);
    report.check("tidy", tidy::problems);
    report.check("layers", layers::problems);
    controls::check(report);
    packaging::check(report);
    deny::sections(report);
    // The gateway holds the app, so the app comes before every compilation of the gateway.
    web::check_build(report);
    // The app's types are checked meanwhile: that is one long thought of one processor.
    thread::scope(|scope| {
        let app = scope.spawn(web::look);
        report.section("clippy", || clippy(&["--workspace"]));
        report.section("doc", document);
        generated::check(report);
        report.section("web check", || web::judge(app.join()));
    });
    web::test(report);
    budgets::check(report);
}

fn format() -> Result<Outcome> {
    run::must(&mut run::cargo(["fmt", "--all", "--", "--check"]))?;
    if repo::has("fuzz/Cargo.toml") {
        let fuzz = ["fmt", "--manifest-path", "fuzz/Cargo.toml", "--", "--check"];
        run::must(&mut run::cargo(fuzz))?;
    }
    Ok(Outcome::Pass)
}

/// Lints the packages that `scope` selects.
pub(crate) fn clippy(scope: &[&str]) -> Result<Outcome> {
    let mut command = run::cargo(["clippy", "--quiet", "--locked", "--all-targets"]);
    command.args(["--features", FEATURES]).args(scope);
    run::must(command.args(["--", "-D", "warnings"]))?;
    Ok(Outcome::Pass)
}

/// Builds programs and tests of the packages that `scope` selects, so that no later step builds again.
pub(crate) fn build(scope: &[&str]) -> Result<()> {
    let mut command = run::cargo(["build", "--quiet", "--locked", "--bins", "--tests"]);
    run::must(command.args(["--features", FEATURES]).args(scope))
}

fn document() -> Result<Outcome> {
    let mut command = run::cargo(["doc", "--quiet", "--locked", "--workspace", "--no-deps"]);
    command.args(["--features", FEATURES]);
    run::must(command.env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(Outcome::Pass)
}
