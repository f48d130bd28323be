//! A verified log together with every state that it went through: what a recording of last month was
//! made under is the roster of last month.

use bartizan_domain::Hash;

use super::{Roster, RosterError, Statement};

/// A roster and how it came about.
#[derive(Debug, Clone)]
pub struct History {
    statements: Vec<Statement>,
    current: Roster,
}

impl History {
    /// Verifies a whole log whose genesis has the hash `pinned`.
    ///
    /// # Errors
    /// As [`Roster::replay`]; a genesis other than the pinned one is [`RosterError::OtherSite`].
    pub fn replay(pinned: Hash, statements: Vec<Statement>) -> Result<Self, RosterError> {
        let current = Roster::replay(&statements)?;
        if current.genesis() != pinned {
            return Err(RosterError::OtherSite);
        }
        Ok(Self {
            statements,
            current,
        })
    }

    /// Verifies a genesis; whoever calls this pins it.
    pub fn begin(genesis: Statement) -> Result<Self, RosterError> {
        let current = Roster::begin(&genesis)?;
        Ok(Self {
            statements: vec![genesis],
            current,
        })
    }

    /// Verifies and adds the next statement.
    pub fn append(&mut self, statement: Statement) -> Result<(), RosterError> {
        self.current.apply(&statement)?;
        self.statements.push(statement);
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
        let first = self.statements.get(..usize::try_from(len).ok()?)?;
        Roster::replay(first).ok()
    }
}
