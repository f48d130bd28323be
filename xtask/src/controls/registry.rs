//! The rows of the register: which exist, which states they may have, and what each state must say.

use std::collections::BTreeSet;

use anyhow::Result;
use serde::Deserialize;

use super::sabotage;

/// Rows of each component, by the letter of their ids.
const COMPONENTS: [(char, u32); 9] = [
    ('A', 8),
    ('G', 23),
    ('L', 13),
    ('K', 10),
    ('C', 12),
    ('N', 7),
    ('S', 20),
    ('R', 11),
    ('M', 15),
];

/// The whole register.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Registry {
    #[serde(rename = "row")]
    pub(super) rows: Vec<Row>,
}

/// One control: what must hold, and how far that is shown.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) property: String,
    pub(super) state: State,
    #[serde(default)]
    pub(super) tests: Vec<String>,
    #[serde(default)]
    missing: Option<String>,
    #[serde(default)]
    why: Option<String>,
}

/// How far a row is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    /// All of it, by tests that were seen failing.
    Proved,
    /// Some of it; `missing` says what is left.
    Partial,
    /// Nothing yet.
    Planned,
    /// Not a property of this product; `why` says so.
    NotApplicable,
}

impl Registry {
    pub(super) fn parse(text: &str) -> Result<Self> {
        Ok(toml::from_str(text)?)
    }

    /// Missing, unknown and double rows, and rows that do not say what their state asks for.
    pub(super) fn problems(&self) -> Vec<String> {
        if sabotage::off("A-8") {
            return Vec::new();
        }
        let expected: BTreeSet<String> = COMPONENTS
            .iter()
            .flat_map(|(letter, count)| {
                (1..=*count).map(move |number| format!("{letter}-{number}"))
            })
            .collect();
        let mut seen = BTreeSet::new();
        let mut problems = Vec::new();
        for row in &self.rows {
            if !seen.insert(row.id.clone()) {
                problems.push(format!("{} is listed twice", row.id));
            }
            problems.extend(row.problem().map(|problem| format!("{} {problem}", row.id)));
        }
        problems.extend(
            seen.difference(&expected)
                .map(|id| format!("{id} is no row of the matrix")),
        );
        problems.extend(
            expected
                .difference(&seen)
                .map(|id| format!("{id} is not listed")),
        );
        problems
    }

    /// One line: how many rows are in which state.
    pub(super) fn sum(&self) -> String {
        let count = |state| self.rows.iter().filter(|row| row.state == state).count();
        format!(
            "{} rows: {} proved, {} partial, {} planned, {} not applicable",
            self.rows.len(),
            count(State::Proved),
            count(State::Partial),
            count(State::Planned),
            count(State::NotApplicable)
        )
    }
}

impl Row {
    fn problem(&self) -> Option<&'static str> {
        if sabotage::off("A-8") {
            return None;
        }
        let given =
            |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
        match self.state {
            _ if self.property.trim().is_empty() => Some("says no property"),
            State::Proved if self.tests.is_empty() => Some("is proved by no test"),
            State::Proved | State::Planned if self.missing.is_some() => {
                Some("says `missing`, but is not partial")
            }
            State::Partial if !given(&self.missing) => {
                Some("is partial and does not say what is missing")
            }
            State::Planned | State::NotApplicable if !self.tests.is_empty() => {
                Some("lists tests, but is neither proved nor partial")
            }
            State::NotApplicable if !given(&self.why) => {
                Some("is not applicable and does not say why")
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, rest: &str) -> String {
        format!("[[row]]\nid = '{id}'\nproperty = 'p'\n{rest}\n")
    }

    fn whole() -> String {
        let ids = COMPONENTS.iter().flat_map(|(letter, count)| {
            (1..=*count).map(move |number| format!("{letter}-{number}"))
        });
        ids.map(|id| row(&id, "state = 'planned'")).collect()
    }

    #[test]
    fn a_whole_register_has_119_rows() {
        let registry = Registry::parse(&whole()).unwrap();
        assert_eq!(registry.rows.len(), 119);
        assert_eq!(registry.problems(), Vec::<String>::new());
    }

    #[test]
    fn a_8_missing_unknown_and_double_rows_fail() {
        let text = whole().replace("'G-22'", "'G-24'") + &row("A-1", "state = 'planned'");
        let problems = Registry::parse(&text).unwrap().problems();
        let expected = [
            "A-1 is listed twice",
            "G-24 is no row of the matrix",
            "G-22 is not listed",
        ];
        assert_eq!(problems, expected);
    }

    #[test]
    fn a_8_states_must_say_what_they_mean() {
        for (rest, fine) in [
            ("state = 'proved'\ntests = ['a_1_x']", true),
            ("state = 'proved'", false),
            ("state = 'partial'\nmissing = 'the cloud'", true),
            ("state = 'partial'\nmissing = ' '", false),
            ("state = 'planned'\ntests = ['a_1_x']", false),
            ("state = 'not-applicable'\nwhy = 'no radio'", true),
            ("state = 'not-applicable'", false),
        ] {
            let registry = Registry::parse(&row("A-1", rest)).unwrap();
            let row = registry.rows.first().unwrap();
            assert_eq!(row.problem().is_none(), fine, "{rest}");
        }
        assert!(Registry::parse(&row("A-1", "state = 'done'")).is_err());
    }
}
