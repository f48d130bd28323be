//! Documents that programs write and people review: checked in, and drift fails.

use std::fs;

use anyhow::{Context, Result};

use crate::report::{Outcome, Report};
use crate::{check, repo, run, types};

/// Writing or checking.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Writes nothing; fails when a document is out of date.
    #[arg(long)]
    check: bool,
}

/// A document and who writes it.
#[derive(Debug)]
struct Document {
    path: &'static str,
    writer: Writer,
}

#[derive(Debug)]
enum Writer {
    /// A program, on its standard output.
    Program(&'static str, &'static [&'static str]),
    /// `types`, from the OpenAPI document at this path.
    Types(&'static str),
}

const GATEWAY: &str = "api/gateway.json";

/// Each is active as soon as its file exists. What is made from another one comes after it.
const DOCUMENTS: [Document; 2] = [
    Document {
        path: GATEWAY,
        writer: Writer::Program("bartizan-gateway", &["openapi"]),
    },
    Document {
        path: "web/src/api/generated/documents.ts",
        writer: Writer::Types(GATEWAY),
    },
];

/// `cargo xtask gen`.
#[expect(
    clippy::unnecessary_wraps,
    reason = "every verb of checks has this shape"
)]
pub(crate) fn run(args: &Args, report: &mut Report) -> Result<()> {
    for document in &DOCUMENTS {
        if args.check {
            section(document, report);
        } else {
            report.section(document.path, || write(document));
        }
    }
    Ok(())
}

/// Checks every document that exists.
pub(crate) fn check(report: &mut Report) {
    for document in DOCUMENTS.iter().filter(|document| repo::has(document.path)) {
        section(document, report);
    }
}

fn section(document: &Document, report: &mut Report) {
    report.section(document.path, || {
        if produce(document)? == repo::read(document.path)? {
            return Ok(Outcome::Pass);
        }
        Ok(Outcome::Fail(
            "is out of date; run `cargo xtask gen`".to_owned(),
        ))
    });
}

fn produce(document: &Document) -> Result<String> {
    match document.writer {
        Writer::Types(openapi) => types::typescript(&repo::read(openapi)?),
        Writer::Program(name, words) => {
            check::build(&["--workspace"])?;
            let program = repo::target_dir()?.join("debug").join(name);
            let program = program.to_str().context("the target folder is not UTF-8")?;
            run::capture(run::program(program).args(words))
        }
    }
}

fn write(document: &Document) -> Result<Outcome> {
    let path = repo::root().join(document.path);
    let text = produce(document)?;
    fs::create_dir_all(path.parent().context("a document lies in a folder")?)?;
    fs::write(path, text).with_context(|| format!("can't write {}", document.path))?;
    Ok(Outcome::Pass)
}
