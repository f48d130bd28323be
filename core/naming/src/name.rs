//! Names that a gateway may have on its network: a label, and the same with a number behind it.

use std::fmt;
use std::str::FromStr;

/// Names of one label: `gate`, `gate-2`, …, `gate-9`.
pub(crate) const MAX_NAMES: u32 = 9;

/// The first label of a host name: 1 to 60 letters, digits and hyphens, so that a number still fits behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label(String);

impl Label {
    /// Of `name.local`; `None` for every other name.
    pub fn of_local(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let label = name.strip_suffix(".local")?;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let good = (1..=60).contains(&label.len())
            && label.bytes().all(plain)
            && !label.starts_with('-')
            && !label.ends_with('-');
        good.then(|| Self(label.to_owned()))
    }

    /// With its number: 1 is the label itself.
    pub(crate) fn numbered(&self, number: u32) -> String {
        match number {
            1 => self.0.clone(),
            number => format!("{}-{number}", self.0),
        }
    }
}

/// The name that a gateway goes by for good: the first that it won under a label, or one that it had for a day while it
/// could not have that. It is asked for before all others. Written as it is kept: `gate.local 2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    label: Label,
    number: u32,
}

impl Own {
    pub(crate) const fn new(label: Label, number: u32) -> Self {
        Self { label, number }
    }

    /// As others ask for it: `gate-2.local`.
    pub fn name(&self) -> String {
        format!("{}.local", self.label.numbered(self.number))
    }

    /// Whether it was won when `label` was asked for: with another one, as when the owner chooses another name, it
    /// counts for nothing.
    pub fn is_of(&self, label: &Label) -> bool {
        self.label == *label
    }

    pub(crate) const fn number(&self) -> u32 {
        self.number
    }
}

impl fmt::Display for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.local {}", self.label.0, self.number)
    }
}

/// A text is not a name as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a name as it is kept: gate.local 2 is expected")]
pub struct NotAName;

impl FromStr for Own {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        let (name, number) = text.split_once(' ').ok_or(NotAName)?;
        let label = Label::of_local(name).ok_or(NotAName)?;
        let number = number.parse().map_err(|_opaque| NotAName)?;
        let own = Self { label, number };
        let known = (1..=MAX_NAMES).contains(&number) && own.to_string() == text;
        known.then_some(own).ok_or(NotAName)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_local_names_are_taken() {
        for name in ["gate.local", "GATE-1.Local", "a.local"] {
            assert!(Label::of_local(name).is_some(), "{name}");
        }
        let long = format!("{}.local", "a".repeat(61));
        for name in [
            "gate",
            "gate.home",
            "a.b.local",
            ".local",
            "-a.local",
            "a-.local",
            "ä.local",
            &long,
        ] {
            assert_eq!(Label::of_local(name), None, "{name}");
        }
    }

    #[test]
    fn a_name_is_kept_with_what_was_asked_for() {
        let gate = Label::of_local("gate.local").unwrap();
        let own = Own::new(gate.clone(), 2);
        assert_eq!(own.to_string(), "gate.local 2");
        assert_eq!(own.to_string().parse(), Ok(own.clone()));
        assert_eq!(own.name(), "gate-2.local");
        assert!(own.is_of(&gate));
        // Somebody who asks for this name has another gateway in mind than one that was given it.
        assert!(!own.is_of(&Label::of_local("gate-2.local").unwrap()));
        assert_eq!(Own::new(gate, 1).name(), "gate.local");
    }

    #[test]
    fn anything_else_is_no_name_that_was_kept() {
        for text in [
            "",
            "gate.local",
            "gate.local ",
            "gate.local 0",
            "gate.local 10",
            "gate.local 02",
            "gate.local +2",
            "gate.local 2 ",
            "Gate.local 2",
            "gate.home 2",
            " 2",
        ] {
            assert_eq!(text.parse::<Own>(), Err(NotAName), "{text}");
        }
    }
}
