//! What the app may weigh and hold: the size of what a browser loads before it shows anything, the number of
//! packages, and things that a strict Content-Security-Policy would refuse. It reads the built app in `web/dist`;
//! whether the app works is shown in browsers.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::repo::{self, File};
use crate::report::Report;
use crate::run;

/// Bytes of gzip: the entry's script with everything that it imports at once.
const MAX_SCRIPT: usize = 60_000;

/// Bytes of gzip: the styles that the page loads at once.
const MAX_STYLE: usize = 20_000;

/// Packages that ship in the app.
const MAX_RUNTIME_PACKAGES: usize = 3;

/// Packages in the lock file, those for other systems included.
const MAX_LOCKED_PACKAGES: usize = 130;

const DIST: &str = "web/dist";

/// Addresses that stand in scripts and are never loaded: namespaces, where Svelte explains its errors, and the example of
/// a gateway's own address.
const NAMES: [&str; 3] = [
    "http://www.w3.org/",
    "https://svelte.dev/e/",
    "https://NAME.local",
];

/// Checks packages and the built app.
pub(crate) fn check(report: &mut Report) {
    report.check("web budgets", || {
        let mut problems = packages(
            &repo::read("web/package.json")?,
            &repo::read("web/package-lock.json")?,
        )?;
        problems.extend(scripts_are_off(&repo::read("web/.npmrc")?));
        problems.extend(sources(&repo::files(&repo::root().join("web/src"))?));
        let dist = repo::files(&repo::root().join(DIST)).context("the app is not built")?;
        problems.extend(built(&dist));
        problems.extend(weights(&dist)?);
        Ok(problems)
    });
}

/// What is over a limit, if anything is; the figure is printed in any case.
fn within(what: &str, figure: usize, limit: usize) -> Option<String> {
    run::say(&format!("web budgets: {what}: {figure} (limit {limit})"));
    (figure > limit).then(|| format!("{what}: {figure}, and the limit is {limit}"))
}

fn packages(package: &str, lock: &str) -> Result<Vec<String>> {
    let count = |text: &str, name: &str| -> Result<usize> {
        let value: Value = serde_json::from_str(text)?;
        let found = value.get(name).and_then(Value::as_object);
        Ok(found.map_or(0, serde_json::Map::len))
    };
    let runtime = count(package, "dependencies").context("web/package.json")?;
    // The first entry is the app itself.
    let locked = count(lock, "packages").context("web/package-lock.json")?;
    let locked = locked.saturating_sub(1);
    Ok([
        within("packages that ship", runtime, MAX_RUNTIME_PACKAGES),
        within("packages in the lock file", locked, MAX_LOCKED_PACKAGES),
    ]
    .into_iter()
    .flatten()
    .collect())
}

fn scripts_are_off(npmrc: &str) -> Option<String> {
    let off = npmrc
        .lines()
        .any(|line| line.trim() == "ignore-scripts=true");
    (!off).then(|| "web/.npmrc must say `ignore-scripts=true`".to_owned())
}

/// Markup that goes around the template's escaping.
fn sources(files: &[File]) -> Vec<String> {
    let raw = |file: &&File| file.is("svelte") && file.text.contains(concat!("{@", "html"));
    let name = |file: &File| format!("web/src/{}: holds raw HTML", file.path);
    files.iter().filter(raw).map(name).collect()
}

/// What the Content-Security-Policy would refuse in the built files, and addresses of others.
fn built(dist: &[File]) -> Vec<String> {
    let mut problems = Vec::new();
    for file in dist.iter().filter(|file| file.is("html")) {
        let inline = inline_parts(&file.text).into_iter();
        problems.extend(inline.map(|part| format!("{DIST}/{}: {part}", file.path)));
    }
    // Licences are read, not run.
    for file in dist.iter().filter(|file| !file.is("txt")) {
        for address in addresses(&file.text) {
            problems.push(format!("{DIST}/{}: names {address}", file.path));
        }
    }
    problems
}

/// Inline scripts, styles and handlers of a page.
fn inline_parts(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    for tag in html.split('<').skip(1) {
        let (tag, content) = tag.split_once('>').unwrap_or((tag, ""));
        let mut words = tag.split_whitespace();
        let name = words.next().unwrap_or_default();
        let words: Vec<_> = words.collect();
        let attribute = |prefix: &str| words.iter().any(|word| word.starts_with(prefix));
        if name == "style" || attribute("style=") {
            found.push("has an inline style".to_owned());
        }
        if name == "script" && (!attribute("src=") || !content.trim().is_empty()) {
            found.push("has an inline script".to_owned());
        }
        let handler = |word: &&&str| {
            let name = word.split('=').next().unwrap_or_default();
            word.contains('=') && name.starts_with("on")
        };
        if let Some(handler) = words.iter().find(handler) {
            found.push(format!("has an inline handler `{handler}`"));
        }
    }
    found
}

/// Addresses with a scheme and a host that are not known to be mere names.
fn addresses(text: &str) -> BTreeSet<String> {
    let ends = |char: char| char.is_whitespace() || "\"'`)<>\\,;$".contains(char);
    let mut found = BTreeSet::new();
    for scheme in ["http://", "https://", "ws://", "wss://"] {
        for (at, _) in text.match_indices(scheme) {
            let rest = text.get(at..).unwrap_or_default();
            let address = rest.split(ends).next().unwrap_or_default();
            let is_name = NAMES.iter().any(|name| address.starts_with(name));
            // A bare scheme is put before this page's own host.
            if address.len() > scheme.len() && !is_name && stands_alone(text, at) {
                found.insert(address.to_owned());
            }
        }
    }
    found
}

/// Whether what begins at `at` is not the tail of a longer word, as `ws://` is of no other scheme.
fn stands_alone(text: &str, at: usize) -> bool {
    let before = text.get(..at).and_then(|text| text.chars().next_back());
    before.is_none_or(|char| !char.is_ascii_alphanumeric())
}

/// Sizes of what a browser loads before it shows anything.
fn weights(dist: &[File]) -> Result<Vec<String>> {
    let text = |path: &str| dist.iter().find(|file| file.path == path);
    let page = text("index.html").context("the built app has no index.html")?;
    let loaded = attributes(&page.text);
    let scripts = with_imports(
        dist,
        loaded
            .iter()
            .filter(|path| is(path, "js"))
            .cloned()
            .collect(),
    );
    let styles: BTreeSet<String> = loaded.into_iter().filter(|path| is(path, "css")).collect();
    Ok([
        within(
            "bytes of the first script (gzip)",
            gzip(&scripts)?,
            MAX_SCRIPT,
        ),
        within("bytes of the first style (gzip)", gzip(&styles)?, MAX_STYLE),
    ]
    .into_iter()
    .flatten()
    .collect())
}

fn is(path: &str, extension: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|found| found == extension)
}

/// Files that the page names: values of `src` and `href` that begin with a slash, without it.
fn attributes(html: &str) -> BTreeSet<String> {
    let values = html
        .split(['"', '\''])
        .filter_map(|part| part.strip_prefix('/'));
    values.map(str::to_owned).collect()
}

/// `entries` and what they import at once, however deep. What is imported on demand does not count.
fn with_imports(dist: &[File], entries: BTreeSet<String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<String> = entries.into_iter().collect();
    while let Some(path) = open.pop() {
        let file = dist.iter().find(|file| file.path == path);
        if let (Some(file), true) = (file, found.insert(path.clone())) {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let imports = static_imports(&file.text).into_iter();
            open.extend(imports.map(|name| format!("{folder}/{name}")));
        }
    }
    found
}

/// Names behind `from"./` and `import"./`, as the bundler writes them; `import("./` is on demand.
fn static_imports(script: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for word in ["from", "import"] {
        for (at, _) in script.match_indices(word) {
            let rest = script
                .get(at + word.len()..)
                .unwrap_or_default()
                .trim_start();
            let quoted = rest.strip_prefix(['"', '\'', '`']);
            let name = quoted.and_then(|rest| rest.strip_prefix("./"));
            let name = name.and_then(|rest| rest.split(['"', '\'', '`']).next());
            found.extend(name.map(str::to_owned));
        }
    }
    found
}

/// Bytes of files of the built app, each compressed as a web server would.
fn gzip(paths: &BTreeSet<String>) -> Result<usize> {
    let mut sum = 0;
    for path in paths {
        let mut command = run::program("gzip");
        command
            .args(["-9", "-n", "-c"])
            .arg(format!("{DIST}/{path}"));
        let output = command.output().context("can't start gzip")?;
        anyhow::ensure!(output.status.success(), "gzip can't read {DIST}/{path}");
        sum += output.stdout.len();
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        let (path, text) = (path.to_owned(), text.to_owned());
        File { path, text }
    }

    #[test]
    fn packages_are_counted() {
        let lock = |count: usize| {
            let names: Vec<_> = (0..=count).map(|n| format!("\"p{n}\":{{}}")).collect();
            format!("{{\"packages\":{{{}}}}}", names.join(","))
        };
        let package = r#"{"dependencies":{"a":"1","b":"1","c":"1"}}"#;
        assert_eq!(packages(package, &lock(130)).unwrap().len(), 0);
        assert_eq!(packages(package, &lock(131)).unwrap().len(), 1);
        let package = r#"{"dependencies":{"a":"1","b":"1","c":"1","d":"1"}}"#;
        assert_eq!(packages(package, &lock(0)).unwrap().len(), 1);
        assert!(packages("", "{}").is_err());
    }

    #[test]
    fn install_scripts_stay_off() {
        assert_eq!(scripts_are_off("audit=false\nignore-scripts=true\n"), None);
        assert!(scripts_are_off("ignore-scripts=false\n").is_some());
        assert!(scripts_are_off("#ignore-scripts=true\n").is_some());
    }

    #[test]
    fn raw_html_is_found() {
        let raw = file("A.svelte", concat!("<p>{@", "html text}</p>"));
        assert_eq!(sources(&[raw]).len(), 1);
        assert_eq!(sources(&[file("B.svelte", "<p>{text}</p>")]).len(), 0);
    }

    #[test]
    fn a_page_holds_nothing_inline() {
        let fine = "<!doctype html><link rel=\"stylesheet\" href=\"/a.css\">\
                    <script type=\"module\" src=\"/a.js\"></script>";
        assert_eq!(inline_parts(fine), Vec::<String>::new());
        for bad in [
            "<script>alert(1)</script>",
            "<script src=\"/a.js\">x</script>",
            "<style>p{}</style>",
            "<p style=\"color:red\">",
            "<img src=\"/a.png\" onerror=\"x()\">",
        ] {
            assert_eq!(inline_parts(bad).len(), 1, "{bad}");
        }
    }

    #[test]
    fn addresses_of_others_are_found() {
        let fine = "x(\"http://www.w3.org/2000/svg\",`https://svelte.dev/e/x`,\"https://\"+h,`wss://${h}`)";
        assert!(addresses(fine).is_empty());
        let bad = "fetch('https://cdn.example/x.js');new WebSocket(\"wss://b.example\")";
        let expected = ["https://cdn.example/x.js", "wss://b.example"].map(str::to_owned);
        assert_eq!(addresses(bad), expected.into());
    }

    #[test]
    fn imports_are_followed_except_those_on_demand() {
        let dist = [
            file(
                "assets/a.js",
                "import{x}from\"./b.js\";import\"./c.js\";import(\"./d.js\")",
            ),
            file("assets/b.js", "import{y}from\"./a.js\""),
            file("assets/c.js", ""),
            file("assets/d.js", ""),
        ];
        let page = "<script type=\"module\" src=\"/assets/a.js\"></script>";
        let found = with_imports(&dist, attributes(page));
        let expected = ["assets/a.js", "assets/b.js", "assets/c.js"].map(str::to_owned);
        assert_eq!(found, expected.into());
    }
}
