//! What the kernel really enforces after a lock: for the log, the posture page and the tests.

use std::fmt;

use landlock::{LandlockStatus, RestrictionStatus, RulesetStatus};

/// What one of the profiles achieved on this kernel.
///
/// No new privileges, no core dump and no attaching by other processes of the same user are not listed:
/// they are always enforced, or the lock fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Which files the process can reach.
    pub landlock: LandlockState,
    /// Which system calls the process can make.
    pub seccomp: SeccompState,
}

/// How far Landlock binds the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LandlockState {
    /// Every rule is enforced.
    Full {
        /// The ABI in use: 6 or later.
        abi: u8,
    },
    /// The kernel's Landlock is older than the rules. From ABI 1 on files are bound, and seccomp stands
    /// in for the rest.
    Partial {
        /// The ABI in use: 1 to 5.
        abi: u8,
    },
    /// Landlock is in the kernel but not among its active security modules (`lsm=` at boot).
    Disabled,
    /// The kernel has no Landlock (before 5.13, or built without).
    Missing,
}

/// Whether system calls are filtered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeccompState {
    /// They are.
    On {
        /// Instructions of all filters together.
        instructions: usize,
    },
    /// The kernel is built without seccomp filters.
    Missing,
}

/// What an attacker inside the process could still do although the profile says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hole {
    /// Open whatever file the process's user may open.
    Files,
    /// Make any system call: open sockets, start programs, send data elsewhere.
    Calls,
}

impl Report {
    /// Nothing is enforced: what a sabotaged test build reports.
    pub(crate) const NOTHING: Self = Self {
        landlock: LandlockState::Disabled,
        seccomp: SeccompState::Missing,
    };

    /// What is not enforced; empty when the profile holds in full.
    pub fn holes(&self) -> Vec<Hole> {
        let files = matches!(
            self.landlock,
            LandlockState::Disabled | LandlockState::Missing
        );
        let calls = matches!(self.seccomp, SeccompState::Missing);
        [(files, Hole::Files), (calls, Hole::Calls)]
            .into_iter()
            .filter_map(|(open, hole)| open.then_some(hole))
            .collect()
    }

    /// Whether the profile holds in full.
    pub fn is_complete(&self) -> bool {
        self.holes().is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "files: {}, system calls: {}",
            self.landlock, self.seccomp
        )
    }
}

impl fmt::Display for LandlockState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { abi } => write!(f, "bound (Landlock ABI {abi})"),
            Self::Partial { abi } => write!(f, "bound (older Landlock, ABI {abi})"),
            Self::Disabled => f.write_str("not bound: Landlock is not active in this kernel"),
            Self::Missing => f.write_str("not bound: this kernel has no Landlock"),
        }
    }
}

impl fmt::Display for SeccompState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::On { .. } => f.write_str("filtered"),
            Self::Missing => f.write_str("not filtered: this kernel has no seccomp filters"),
        }
    }
}

impl fmt::Display for Hole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Files => "files of the same user are in reach",
            Self::Calls => "system calls are not filtered",
        })
    }
}

impl From<RestrictionStatus> for LandlockState {
    fn from(status: RestrictionStatus) -> Self {
        let abi = match status.landlock {
            LandlockStatus::NotEnabled => return Self::Disabled,
            LandlockStatus::NotImplemented => return Self::Missing,
            // The discriminant is the ABI's number, and there are nine.
            LandlockStatus::Available { effective_abi, .. } => effective_abi as u8,
        };
        match status.ruleset {
            RulesetStatus::FullyEnforced => Self::Full { abi },
            RulesetStatus::PartiallyEnforced => Self::Partial { abi },
            RulesetStatus::NotEnforced => Self::Disabled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_landlock_is_no_hole_but_a_missing_one_is() {
        let seccomp = SeccompState::On { instructions: 1 };
        let old = Report {
            landlock: LandlockState::Partial { abi: 2 },
            seccomp,
        };
        assert!(old.is_complete());
        let none = Report {
            landlock: LandlockState::Disabled,
            seccomp,
        };
        assert_eq!(none.holes(), [Hole::Files]);
        let neither = Report {
            landlock: LandlockState::Missing,
            seccomp: SeccompState::Missing,
        };
        assert_eq!(neither.holes(), [Hole::Files, Hole::Calls]);
    }
}
