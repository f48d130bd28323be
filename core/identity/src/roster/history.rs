//! A verified log together with every state that it went through: what a recording of last month was
//! made under is the roster of last month.

use bartizan_domain::Hash;

use super::{Roster, RosterError, Statement};

/// Statements between two checkpoints.
const EVERY: usize = 64;

/// A roster and how it came about.
#[derive(Debug, Clone)]
pub struct History {
    statements: Vec<Statement>,
    current: Roster,
    /// The roster after each [`EVERY`] statements, so that old ones are not replayed from the start.
    checkpoints: Vec<Roster>,
}

impl History {
    /// Verifies a whole log whose genesis has the hash `pinned`.
    ///
    /// # Errors
    /// As [`Roster::replay`]; a genesis other than the pinned one is [`RosterError::OtherSite`].
    pub fn replay(pinned: Hash, statements: Vec<Statement>) -> Result<Self, RosterError> {
        let mut statements = statements.into_iter();
        let mut history = Self::begin(statements.next().ok_or(RosterError::NoGenesis)?)?;
        if history.current.genesis() != pinned {
            return Err(RosterError::OtherSite);
        }
        for statement in statements {
            history.append(statement)?;
        }
        Ok(history)
    }

    /// Verifies a genesis; whoever calls this pins it.
    pub fn begin(genesis: Statement) -> Result<Self, RosterError> {
        let current = Roster::begin(&genesis)?;
        Ok(Self {
            statements: vec![genesis],
            current,
            checkpoints: Vec::new(),
        })
    }

    /// Verifies and adds the next statement; on an error nothing changes.
    pub fn append(&mut self, statement: Statement) -> Result<(), RosterError> {
        self.current.apply(&statement)?;
        self.statements.push(statement);
        if self.statements.len().is_multiple_of(EVERY) {
            self.checkpoints.push(self.current.clone());
        }
        Ok(())
    }

    /// The roster now.
    pub const fn current(&self) -> &Roster {
        &self.current
    }

    /// The log.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// The roster as it was after `len` statements; `None` when it never had that length.
    pub fn at(&self, len: u64) -> Option<Roster> {
        if len == self.current.len() {
            return Some(self.current.clone());
        }
        let len = usize::try_from(len).ok()?;
        let known = (len / EVERY)
            .checked_sub(1)
            .and_then(|place| self.checkpoints.get(place));
        let Some(known) = known else {
            return Roster::replay(self.statements.get(..len)?).ok();
        };
        let mut roster = known.clone();
        for statement in self.statements.get(len / EVERY * EVERY..len)? {
            roster.apply(statement).ok()?;
        }
        Some(roster)
    }
}
