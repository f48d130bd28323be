//! The law of the three floors: arrows between rooms only go down, and what enters from outside is
//! budgeted. The law itself is data in `layers.toml` and `budget.toml`; this file only judges.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use serde::Deserialize;

use crate::{repo, run};

/// The graph is judged for one platform, so that the figures are the same on every machine.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Law {
    arrow: Vec<Arrow>,
    core: CoreLaw,
    graph: GraphLaw,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Arrow {
    from: String,
    to: String,
    why: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CoreLaw {
    forbidden: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GraphLaw {
    banned: Vec<String>,
    single: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Budget {
    external_crates: Ratchet,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ratchet {
    limit: usize,
    reason: String,
}

/// One room of ours and the rooms that it names as dependencies.
#[derive(Debug, Default)]
struct Room {
    path: String,
    uses: BTreeSet<String>,
    uses_in_tests: BTreeSet<String>,
}

/// A crate of others, as the build resolves it.
type External = BTreeMap<String, BTreeSet<String>>;

/// Everything that breaks the law.
pub(crate) fn problems() -> Result<Vec<String>> {
    let law: Law = toml::from_str(&repo::read("xtask/layers.toml")?).context("layers.toml")?;
    let budget: Budget =
        toml::from_str(&repo::read("xtask/budget.toml")?).context("budget.toml")?;
    let metadata = MetadataCommand::new()
        .current_dir(repo::root())
        .no_deps()
        .exec()?;
    let rooms = rooms(&metadata)?;
    let mut problems = reasons(&law, &budget);
    problems.extend(rooms.iter().flat_map(|room| crossings(room, &law.arrow)));
    for package in &metadata.packages {
        problems.extend(manifest_problems(package)?);
    }
    for room in rooms.iter().filter(|room| floor(&room.path) == Floor::Core) {
        problems.extend(core_problems(room, &law.core)?);
    }
    let external = external(&["--workspace", "-e", "normal,build,dev"])?;
    problems.extend(graph_problems(
        &external,
        &law.graph,
        &budget.external_crates,
    ));
    Ok(problems)
}

/// Rows without a reason.
fn reasons(law: &Law, budget: &Budget) -> Vec<String> {
    let unreasoned = law.arrow.iter().filter(|arrow| arrow.why.trim().is_empty());
    let mut problems: Vec<_> = unreasoned
        .map(|arrow| format!("the arrow {} -> {} has no reason", arrow.from, arrow.to))
        .collect();
    if budget.external_crates.reason.trim().is_empty() {
        problems.push("the budget of external crates has no reason".to_owned());
    }
    problems
}

/// Our rooms, by their place in the repository.
fn rooms(metadata: &Metadata) -> Result<Vec<Room>> {
    let places: BTreeMap<&str, String> = metadata
        .packages
        .iter()
        .map(|package| Ok((package.name.as_str(), place(package)?)))
        .collect::<Result<_>>()?;
    let room = |package: &Package| -> Result<Room> {
        let mut room = Room {
            path: place(package)?,
            ..Room::default()
        };
        for dependency in &package.dependencies {
            let Some(target) = places.get(dependency.name.as_str()) else {
                continue;
            };
            let uses = match dependency.kind {
                DependencyKind::Development => &mut room.uses_in_tests,
                _ => &mut room.uses,
            };
            uses.insert(target.clone());
        }
        Ok(room)
    };
    metadata.packages.iter().map(room).collect()
}

/// The folder of a package, from the root.
fn place(package: &Package) -> Result<String> {
    let folder = package
        .manifest_path
        .parent()
        .context("a manifest lies in a folder")?;
    let place = folder.strip_prefix(repo::root().to_str().context("the root is not UTF-8")?)?;
    Ok(place.as_str().to_owned())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Floor {
    Core,
    Shell,
    Services,
    Tests,
    Tasks,
}

fn floor(path: &str) -> Floor {
    match path.split('/').next().unwrap_or_default() {
        "core" => Floor::Core,
        "shell" => Floor::Shell,
        "services" => Floor::Services,
        "tests" => Floor::Tests,
        _ => Floor::Tasks,
    }
}

/// Arrows of `room` that the law does not know. Tests of a room may look sideways, never up.
fn crossings(room: &Room, arrows: &[Arrow]) -> Vec<String> {
    let listed = |to: &str| {
        arrows
            .iter()
            .any(|arrow| arrow.from == room.path && arrow.to == to)
    };
    let shared =
        |to: &str| to == "core/domain" || (to == "shell/base" && floor(&room.path) == Floor::Shell);
    let allowed = |to: &str, in_tests: bool| match (floor(&room.path), floor(to)) {
        (Floor::Tasks, _) | (_, Floor::Tests | Floor::Tasks) => false,
        (from, target) if from == target => in_tests || shared(to) || listed(to),
        (from, target) => target < from,
    };
    let built = room.uses.iter().filter(|to| !allowed(to, false));
    let tested = room.uses_in_tests.iter().filter(|to| !allowed(to, true));
    built
        .chain(tested)
        .map(|to| {
            format!(
                "{} may not use {to}: the arrow is not in xtask/layers.toml",
                room.path
            )
        })
        .collect()
}

/// What a manifest and its crate roots must say.
fn manifest_problems(package: &Package) -> Result<Vec<String>> {
    let path = place(package)?;
    let manifest: toml::Table = toml::from_str(&repo::read(&format!("{path}/Cargo.toml"))?)
        .with_context(|| format!("{path}/Cargo.toml"))?;
    let mut problems = Vec::new();
    if !inherits_lints(&manifest) {
        problems.push(format!(
            "{path}/Cargo.toml lacks `[lints] workspace = true`"
        ));
    }
    for name in own_versions(&manifest) {
        problems.push(format!(
            "{path}/Cargo.toml: {name} must come from [workspace.dependencies]"
        ));
    }
    // What lies in `tests/` is held by the lint alone, and is no part of a program.
    let roots = package
        .targets
        .iter()
        .filter(|target| !target.is_custom_build() && !target.is_test());
    for target in roots {
        let text = std::fs::read_to_string(&target.src_path)?;
        if !text.contains("#![forbid(unsafe_code)]") {
            problems.push(format!(
                "{path}: {} lacks #![forbid(unsafe_code)]",
                target.name
            ));
        }
    }
    Ok(problems)
}

fn inherits_lints(manifest: &toml::Table) -> bool {
    let lints = manifest.get("lints").and_then(toml::Value::as_table);
    lints.and_then(|lints| lints.get("workspace")) == Some(&toml::Value::Boolean(true))
}

/// Dependencies that state a version or path of their own.
fn own_versions(manifest: &toml::Table) -> Vec<String> {
    let platforms = manifest.get("target").and_then(toml::Value::as_table);
    let platforms = platforms.into_iter().flat_map(toml::Table::values);
    let scopes = platforms
        .filter_map(toml::Value::as_table)
        .chain([manifest]);
    let sections = scopes.flat_map(|scope| {
        ["dependencies", "dev-dependencies", "build-dependencies"]
            .into_iter()
            .filter_map(|name| scope.get(name).and_then(toml::Value::as_table))
    });
    sections
        .flatten()
        .filter(|(_, value)| value.get("workspace") != Some(&toml::Value::Boolean(true)))
        .map(|(name, _)| name.clone())
        .collect()
}

/// Crates of a core room, direct or not, that do I/O.
fn core_problems(room: &Room, law: &CoreLaw) -> Result<Vec<String>> {
    let manifest = format!("{}/Cargo.toml", room.path);
    let crates = external(&["--manifest-path", &manifest, "-e", "normal,build"])?;
    let found = law
        .forbidden
        .iter()
        .filter(|name| crates.contains_key(*name));
    Ok(found
        .map(|name| format!("{} depends on {name}, which does I/O", room.path))
        .collect())
}

/// Crates of others that `cargo tree` finds. (`cargo metadata` also lists what no feature turns on.)
fn external(scope: &[&str]) -> Result<External> {
    let fixed = [
        "tree", "--locked", "--target", PLATFORM, "--prefix", "none", "--format", "{p}",
    ];
    let text = run::capture(run::cargo(fixed).args(scope))?;
    Ok(parse_tree(&text))
}

/// Reads lines of the form `name v1.2.3 (*)`; those with a folder behind are our own rooms.
fn parse_tree(text: &str) -> External {
    let mut crates = External::new();
    for line in text.lines().filter(|line| !line.contains("(/")) {
        let mut words = line.split_whitespace();
        if let (Some(name), Some(version)) = (words.next(), words.next()) {
            crates
                .entry(name.to_owned())
                .or_default()
                .insert(version.to_owned());
        }
    }
    crates
}

fn graph_problems(crates: &External, law: &GraphLaw, ratchet: &Ratchet) -> Vec<String> {
    let mut problems = Vec::new();
    for name in law.banned.iter().filter(|name| crates.contains_key(*name)) {
        problems.push(format!(
            "{name} is banned; `cargo tree -i {name}` shows who brings it"
        ));
    }
    for name in &law.single {
        let versions = crates.get(name).map_or(0, BTreeSet::len);
        if versions > 1 {
            problems.push(format!("{name} is in the build in {versions} versions"));
        }
    }
    let count: usize = crates.values().map(BTreeSet::len).sum();
    if count > ratchet.limit {
        let limit = ratchet.limit;
        problems.push(format!(
            "{count} external crates; the budget is {limit} (xtask/budget.toml)"
        ));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(path: &str, uses: &[&str], uses_in_tests: &[&str]) -> Room {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Room {
            path: path.to_owned(),
            uses: set(uses),
            uses_in_tests: set(uses_in_tests),
        }
    }

    fn arrows() -> Vec<Arrow> {
        let (from, to, why) = ("core/sealing".into(), "core/identity".into(), "x".into());
        vec![Arrow { from, to, why }]
    }

    #[test]
    fn arrows_down_are_free() {
        for room in [
            room(
                "shell/store",
                &["core/domain", "core/access", "shell/base"],
                &[],
            ),
            room("services/gateway", &["shell/http", "core/sealing"], &[]),
            room("core/sealing", &["core/identity", "core/domain"], &[]),
            room("shell/rtsp", &[], &["shell/synthetic"]),
            room("tests", &["shell/client", "core/media"], &[]),
        ] {
            assert_eq!(crossings(&room, &arrows()), Vec::<String>::new());
        }
    }

    #[test]
    fn arrows_up_and_unlisted_arrows_sideways_are_refused() {
        for room in [
            room("core/media", &["shell/base"], &[]),
            room("core/media", &[], &["shell/base"]),
            room("core/media", &["core/identity"], &[]),
            room("core/identity", &["core/sealing"], &[]),
            room("shell/http", &["shell/store"], &[]),
            room("shell/http", &["services/gateway"], &[]),
            room("services/gateway", &["services/ingest"], &[]),
            room("xtask", &["core/domain"], &[]),
        ] {
            assert_eq!(crossings(&room, &arrows()).len(), 1, "{room:?}");
        }
    }

    #[test]
    fn own_versions_and_missing_lints_are_seen() {
        let manifest: toml::Table = toml::from_str(
            "[dependencies]\na = '1'\nb = { workspace = true }\nc.workspace = true\n\
             [target.'cfg(unix)'.dev-dependencies]\nd = { path = '../d' }\n",
        )
        .unwrap();
        assert_eq!(own_versions(&manifest), ["d", "a"]);
        assert!(!inherits_lints(&manifest));
        let linted = toml::from_str("[lints]\nworkspace = true").unwrap();
        assert!(inherits_lints(&linted));
    }

    #[test]
    fn the_graph_is_budgeted() {
        let crates =
            parse_tree("a v1.0.0\nring v0.17.0 (*)\na v2.0.0 (proc-macro)\nours v0.1.0 (/x)\n");
        let law = GraphLaw {
            banned: vec!["ring".to_owned()],
            single: vec!["a".to_owned(), "absent".to_owned()],
        };
        let ratchet = |limit| Ratchet {
            limit,
            reason: "x".to_owned(),
        };
        assert_eq!(graph_problems(&crates, &law, &ratchet(2)).len(), 3);
        assert_eq!(graph_problems(&crates, &law, &ratchet(3)).len(), 2);
    }
}
