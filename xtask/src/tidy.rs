//! House rules that no compiler knows: headers, lengths, left-overs, provenance, the shape of decisions.
//! It never rewrites anything.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::repo::{self, File};

/// Longest file that is not a test, in lines.
const MAX_LINES: usize = 800;

/// Longest Svelte component, in lines.
const MAX_COMPONENT_LINES: usize = 250;

/// Documents that stay short, with their limits in lines.
const SHORT: [(&str, usize); 2] = [("README.md", 120), ("ARCHITECTURE.md", 250)];

/// Left-overs that are never committed. Split, so that this file does not hold them.
const LEFT_OVERS: [&str; 8] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
    concat!("dbg", "!("),
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("#[ign", "ore"),
    concat!("<<<<", "<<<"),
];

/// Paths of one machine.
const MACHINE_PATHS: [&str; 4] = [
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
];

/// What every decision record holds.
const DECISION_PARTS: [&str; 5] = [
    "Status:",
    "## Context",
    "## Decision",
    "## Consequences",
    "## Alternatives",
];

/// Everything untidy.
pub(crate) fn problems() -> Result<Vec<String>> {
    let files = repo::files(repo::root())?;
    let mut problems: Vec<String> = files.iter().flat_map(file_problems).collect();
    problems.extend(fixture_problems(&files));
    problems.extend(promise_problems(&files));
    Ok(problems)
}

/// What is wrong with one file.
fn file_problems(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    let is_code = ["rs", "ts", "svelte", "py", "sh", "js", "css"]
        .iter()
        .any(|kind| file.is(kind));
    if file.is("rs") && !file.text.starts_with("//!") {
        found.push("does not open with `//!` and what it is for".to_owned());
    }
    if is_code {
        found.extend(length_problem(file));
        found.extend(LEFT_OVERS.iter().filter_map(|word| left_over(file, word)));
    }
    if !is_lock(file) {
        found.extend(
            MACHINE_PATHS
                .iter()
                .filter_map(|path| left_over(file, path)),
        );
    }
    if let Some((_, limit)) = SHORT.iter().find(|(path, _)| *path == file.path) {
        found.extend(too_long(file, *limit));
    }
    if file.path.starts_with("docs/adr/") {
        found.extend(decision_problems(file));
    }
    if file.path.ends_with("package-lock.json") && file.text.contains("\"resolved\": \"http") {
        found.push("records download addresses (set omit-lockfile-registry-resolved)".to_owned());
    }
    let name = |what| format!("{}: {what}", file.path);
    found.into_iter().map(name).collect()
}

fn is_lock(file: &File) -> bool {
    file.is("lock") || file.path.ends_with("package-lock.json")
}

fn length_problem(file: &File) -> Option<String> {
    if file.is_test() || file.path.contains("/generated/") {
        return None;
    }
    too_long(
        file,
        if file.is("svelte") {
            MAX_COMPONENT_LINES
        } else {
            MAX_LINES
        },
    )
}

fn too_long(file: &File, limit: usize) -> Option<String> {
    let lines = file.text.lines().count();
    (lines > limit).then(|| format!("has {lines} lines; the limit is {limit}"))
}

/// Where `word` stands in the file, if it does.
fn left_over(file: &File, word: &str) -> Option<String> {
    let (line, _) = file
        .text
        .lines()
        .enumerate()
        .find(|(_, line)| line.contains(word))?;
    Some(format!("line {} holds `{word}`", line + 1))
}

/// A decision record: `NNNN-title.md` with its five parts.
fn decision_problems(file: &File) -> Vec<String> {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let numbered = name.split_once('-').is_some_and(|(number, _)| {
        number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    let parts = DECISION_PARTS
        .iter()
        .filter(|part| !file.text.contains(*part));
    let mut found: Vec<_> = parts.map(|part| format!("lacks `{part}`")).collect();
    if !numbered {
        found.push("is not named NNNN-title.md".to_owned());
    }
    found
}

/// Fixtures without a row that says where they come from. A row may name a folder, with a slash.
fn fixture_problems(files: &[File]) -> Vec<String> {
    let list = "fixtures/README.md";
    let text = files
        .iter()
        .find(|file| file.path == list)
        .map_or("", |file| &file.text);
    let rows: BTreeSet<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(path, _)| path)
        .collect();
    let covered = |path: &str| {
        rows.iter()
            .any(|row| path == *row || (row.ends_with('/') && path.starts_with(row)))
    };
    files
        .iter()
        .filter(|file| file.path != list)
        .filter_map(|file| file.path.strip_prefix("fixtures/"))
        .filter(|path| !covered(path))
        .map(|path| format!("fixtures/{path}: has no row in {list}"))
        .collect()
}

/// Documents whose tables name tests in their last column: each must exist.
fn promise_problems(files: &[File]) -> Vec<String> {
    let exists = |test: &str| {
        let (function, quoted) = (format!("fn {test}("), format!("\"{test}"));
        files.iter().any(|file| {
            (file.is("rs") && file.text.contains(&function))
                || (file.is("ts") && file.text.contains(&quoted))
        })
    };
    let documents = files
        .iter()
        .filter(|file| ["docs/promises.md", "docs/camera-cves.md"].contains(&file.path.as_str()));
    documents
        .flat_map(|file| last_cells(&file.text).map(move |cell| (file, cell)))
        .filter(|(_, test)| !exists(test))
        .map(|(file, test)| format!("{}: no test is called `{test}`", file.path))
        .collect()
}

/// The backticked words in the last cell of each table row.
fn last_cells(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter_map(|line| {
            line.strip_prefix('|')?
                .strip_suffix('|')?
                .rsplit('|')
                .next()
        })
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn sources_open_with_their_purpose() {
        assert_eq!(file_problems(&file("a.rs", "//! Why.\n")).len(), 0);
        assert_eq!(file_problems(&file("a.rs", "fn main() {}\n")).len(), 1);
    }

    #[test]
    fn long_files_are_named_unless_they_are_tests() {
        let text = format!("//! x\n{}", "\n".repeat(MAX_LINES));
        assert_eq!(file_problems(&file("core/a.rs", &text)).len(), 1);
        assert_eq!(file_problems(&file("core/tests/a.rs", &text)).len(), 0);
        assert_eq!(
            file_problems(&file("README.md", &"\n".repeat(121))).len(),
            1
        );
    }

    #[test]
    fn left_overs_and_machine_paths_are_found() {
        for word in LEFT_OVERS.iter().chain(&MACHINE_PATHS) {
            let text = format!("//! x\n// {word} y\n");
            let problems = file_problems(&file("a.rs", &text));
            assert_eq!(problems, [format!("a.rs: line 2 holds `{word}`")]);
        }
        let lock = file("web/package-lock.json", "\"resolved\": \"https://x\"");
        assert_eq!(file_problems(&lock).len(), 1);
    }

    #[test]
    fn decisions_have_five_parts_and_a_number() {
        let whole = DECISION_PARTS.join("\n");
        assert_eq!(file_problems(&file("docs/adr/0001-x.md", &whole)).len(), 0);
        assert_eq!(file_problems(&file("docs/adr/1-x.md", &whole)).len(), 1);
        assert_eq!(
            file_problems(&file("docs/adr/0001-x.md", "Status: y")).len(),
            4
        );
    }

    #[test]
    fn every_fixture_has_a_row() {
        let list = file("fixtures/README.md", "| `a.bin` | x |\n| `seeds/` | y |\n");
        let files = [
            list,
            file("fixtures/a.bin", ""),
            file("fixtures/seeds/1", ""),
            file("fixtures/b.bin", ""),
        ];
        assert_eq!(
            fixture_problems(&files),
            ["fixtures/b.bin: has no row in fixtures/README.md"]
        );
    }

    #[test]
    fn promised_tests_exist() {
        let table =
            "| what | test |\n|---|---|\n| `x` fast | `it_is_fast` |\n| y | `it_is_gone` |\n";
        let files = [
            file("docs/promises.md", table),
            file("a.rs", "fn it_is_fast() {}"),
        ];
        assert_eq!(
            promise_problems(&files),
            ["docs/promises.md: no test is called `it_is_gone`"]
        );
    }
}
