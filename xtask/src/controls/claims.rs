//! Reads the sources for tests that claim rows by their names, and for control points with a switch.
//! It reads lines, not languages: attributes stand on their own lines, as rustfmt leaves them, a test of the
//! app opens with `test("m_7_…"`, and what a comment says counts for nothing.

use std::collections::BTreeSet;

use crate::repo::File;

/// The letters of the matrix, as test names have them.
const LETTERS: &str = "aglkcnsrm";

/// Who runs a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Runner {
    /// nextest.
    Rust,
    /// The app's unit tests.
    App,
    /// The app in real browsers.
    Browser,
}

/// A test whose name claims rows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Claim {
    /// Who runs it.
    pub(super) runner: Runner,
    /// The file that holds it, from the repository's root.
    pub(super) file: String,
    /// The function's name.
    pub(super) test: String,
    /// The rows, as in the register: `G-22`.
    pub(super) rows: Vec<String>,
    /// Whether an attribute keeps the runner from running it.
    pub(super) ignored: bool,
}

/// What the sources say about controls.
#[derive(Debug, Default)]
pub(super) struct Sources {
    pub(super) claims: Vec<Claim>,
    /// Rows for which a control point asks whether it is off.
    pub(super) switches: BTreeSet<String>,
    /// Those of them whose control point is in the app.
    pub(super) app_switches: BTreeSet<String>,
}

impl Sources {
    /// Reads every Rust file, and the app's.
    pub(super) fn scan(files: &[File]) -> Self {
        let mut sources = Self::default();
        for file in files.iter().filter(|file| file.is("rs")) {
            sources.claims.extend(claims(file));
            sources
                .switches
                .extend(switches(&file.text, concat!("sabotage::", "off(")));
        }
        for file in files
            .iter()
            .filter(|file| file.is("ts") || file.is("svelte"))
        {
            if let Some(runner) = app_runner(file) {
                sources.claims.extend(app_claims(file, runner));
            } else {
                let rows = switches(&file.text, concat!("sabo", "taged("));
                sources.app_switches.extend(rows);
            }
        }
        sources
            .switches
            .extend(sources.app_switches.iter().cloned());
        sources
    }

    /// The tests that claim a row, and are run.
    pub(super) fn claiming(&self, row: &str) -> Vec<String> {
        let claims = self
            .claims
            .iter()
            .filter(|claim| claim.rows.iter().any(|id| id == row));
        claims
            .filter(|claim| !claim.ignored)
            .map(|claim| claim.test.clone())
            .collect()
    }

    /// Whether `runner` has a test of this name; one name may stand for the same test in two languages.
    pub(super) fn has(&self, runner: Runner, test: &str) -> bool {
        let of = |claim: &Claim| claim.runner == runner && claim.test == test;
        self.claims.iter().any(of)
    }

    /// The files that hold `tests` of `runner`.
    pub(super) fn files(&self, runner: Runner, tests: &[String]) -> BTreeSet<&str> {
        let of = |claim: &&Claim| claim.runner == runner && tests.contains(&claim.test);
        let claims = self.claims.iter().filter(of);
        claims.map(|claim| claim.file.as_str()).collect()
    }
}

/// Who runs the tests of one of the app's files, if it holds any.
fn app_runner(file: &File) -> Option<Runner> {
    if !file.path.starts_with("web/") {
        return None;
    }
    if file.path.ends_with(".e2e.ts") {
        return Some(Runner::Browser);
    }
    file.path.ends_with(".test.ts").then_some(Runner::App)
}

/// Tests of the app: `test("m_7_…"`, at the front of a line. One that is skipped or narrowed is marked.
fn app_claims(file: &File, runner: Runner) -> Vec<Claim> {
    let claim = |line: &str| {
        let rest = line.trim().strip_prefix("test")?;
        let (modifier, rest) = rest.split_once("(\"")?;
        let (test, _) = rest.split_once('"')?;
        let rows = rows_of(test);
        let known = modifier.is_empty() || modifier.starts_with('.');
        let word = test
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        (known && word && !rows.is_empty()).then(|| Claim {
            runner,
            file: file.path.clone(),
            test: test.to_owned(),
            rows,
            ignored: !modifier.is_empty(),
        })
    };
    file.text.lines().filter_map(claim).collect()
}

fn claims(file: &File) -> Vec<Claim> {
    let (mut found, mut test, mut ignored) = (Vec::new(), false, false);
    for line in file.text.lines().map(str::trim) {
        if let Some(attribute) = line.strip_prefix("#[") {
            let path = attribute.split(['(', ']', ' ']).next().unwrap_or_default();
            test |= path == "test" || path.ends_with("::test");
            ignored |= path == concat!("ign", "ore");
        } else if let Some(name) = function(line) {
            let rows = rows_of(name);
            if test && !rows.is_empty() {
                let test = name.to_owned();
                found.push(Claim {
                    runner: Runner::Rust,
                    file: file.path.clone(),
                    test,
                    rows,
                    ignored,
                });
            }
            (test, ignored) = (false, false);
        } else if !line.starts_with("//") {
            (test, ignored) = (false, false);
        }
    }
    found
}

/// The name of the function that `line` opens.
fn function(line: &str) -> Option<&str> {
    let rest = line
        .strip_prefix("async ")
        .unwrap_or(line)
        .strip_prefix("fn ")?;
    rest.split(['(', '<']).next()
}

/// The rows at the front of a test's name: `g_22_n_5_x` is about G-22 and N-5.
fn rows_of(name: &str) -> Vec<String> {
    let mut rows = Vec::new();
    let mut rest = name;
    while let Some((row, after)) = row(rest) {
        rows.push(row);
        rest = after;
    }
    rows
}

fn row(name: &str) -> Option<(String, &str)> {
    let (letter, rest) = name.split_once('_')?;
    let (number, rest) = rest.split_once('_')?;
    let known = letter.len() == 1 && LETTERS.contains(letter);
    let numbered = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    (known && numbered).then(|| (format!("{}-{number}", letter.to_uppercase()), rest))
}

/// Rows named in calls such as `sabotage::off("…")`, of which `call` is the front.
fn switches(text: &str, call: &str) -> Vec<String> {
    let comment = |line: &&str| line.trim_start().starts_with("//");
    let code: Vec<_> = text.lines().filter(|line| !comment(line)).collect();
    let code = code.join("\n");
    let calls = code.split(call).skip(1);
    let rows = calls.filter_map(|call| {
        let (row, _) = call.trim_start().strip_prefix('"')?.split_once('"')?;
        Some(row.to_owned())
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rust(text: &str) -> File {
        File {
            path: "core/a/src/lib.rs".to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn only_tests_whose_names_begin_with_rows_claim_them() {
        let text = "
            @test]
            fn g_22_unknown_suite_is_refused() {}
            @tokio::test(start_paused = true)]
            // Two rows at once.
            async fn k_4_k_5_flood_is_shed() {}
            fn g_1_helper() {}
            @test]
            fn good_morning() {}
            @test]
            fn x_1_no_such_component() {}
        ";
        // So that these lines claim nothing when this very file is read.
        let found: Vec<_> = claims(&rust(&text.replace('@', "#[")))
            .into_iter()
            .map(|claim| (claim.test, claim.rows))
            .collect();
        let expected = [
            (
                "g_22_unknown_suite_is_refused".to_owned(),
                vec!["G-22".to_owned()],
            ),
            (
                "k_4_k_5_flood_is_shed".to_owned(),
                vec!["K-4".to_owned(), "K-5".to_owned()],
            ),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn ignored_tests_are_marked() {
        let text = format!(
            "#[test]\n#[{} = \"slow\"]\nfn a_1_x() {{}}\n",
            concat!("ign", "ore")
        );
        assert!(claims(&rust(&text))[0].ignored);
    }

    #[test]
    fn switches_are_found_across_lines() {
        let text =
            "if sabotage::off(\"G-22\") || bartizan_domain::sabotage::off(\n    \"N-5\",\n) {}";
        let call = concat!("sabotage::", "off(");
        assert_eq!(switches(text, call), ["G-22", "N-5"]);
        assert!(switches("/// A control point asks `sabotage::off(\"G-1\")`.", call).is_empty());
    }

    #[test]
    fn the_apps_tests_and_switches_are_found() {
        let file = |path: &str, text: &str| File {
            path: path.to_owned(),
            text: text
                .replace('@', "test")
                .replace('%', concat!("sabo", "taged(")),
        };
        let files = [
            file(
                "web/src/a.test.ts",
                "@(\"m_7_a\", () => {\n  @.skip(\"m_6_b\", x);\n@(\"m_6 c\")",
            ),
            file(
                "web/e2e/b.e2e.ts",
                "@(\"l_6_m_8_d\", async () => {\n// @(\"m_1_e\"\n",
            ),
            file("web/src/a.ts", "if (%\"M-7\")) {}"),
            file("web/src/b.test.ts", "%\"M-6\")"),
        ];
        let sources = Sources::scan(&files);
        let found: Vec<_> = sources
            .claims
            .iter()
            .map(|claim| (claim.test.as_str(), claim.runner, claim.ignored))
            .collect();
        let expected = [
            ("m_7_a", Runner::App, false),
            ("m_6_b", Runner::App, true),
            ("l_6_m_8_d", Runner::Browser, false),
        ];
        assert_eq!(found, expected);
        assert_eq!(sources.app_switches, ["M-7".to_owned()].into());
        assert!(sources.has(Runner::App, "m_7_a") && !sources.has(Runner::Rust, "m_7_a"));
        let of = |runner| sources.files(runner, &["m_7_a".to_owned(), "m_6_b".to_owned()]);
        assert_eq!(of(Runner::App), ["web/src/a.test.ts"].into());
        assert!(of(Runner::Browser).is_empty());
    }
}
