//! A device that is signed in: its way to the gateway, its keys, and the roster as it verified it.
//!
//! The roster is believed only from the pinned genesis on, statement by statement, and never goes back behind
//! what this device has seen. Whoever appends to it signs with the member's own identity.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bartizan_access::{DeviceKey, token};
use bartizan_base::{Clock, SystemClock};
use bartizan_domain::{DeviceId, EpochId, Hash, MemberId, SiteId, StreamId, UtcMillis};
use bartizan_identity::keystore::Keystore;
use bartizan_identity::roster::{History, MAX_STATEMENTS};
use bartizan_identity::{Operation, RosterError, Statement};
use bartizan_protocol::api;
use bytes::Bytes;

use crate::error::ClientError;
use crate::profile::{Account, Profile, Seen};
use crate::routes;
use crate::stream::HighWater;
use crate::transport::{Call, MAX_ENVELOPE, Origin, Transport, Trust};

/// How often a statement is made anew because the roster has grown meanwhile.
pub const MAX_APPENDS: u32 = 5;

/// Who this device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Whose household.
    pub site: SiteId,
    /// Who.
    pub member: MemberId,
    /// With which device.
    pub device: DeviceId,
    /// Hash of the pinned genesis.
    pub genesis: Hash,
    /// When the token ends.
    pub expires: UtcMillis,
}

/// A device that is signed in.
pub struct Session {
    profile: Profile,
    identity: Identity,
    transport: Transport,
    keys: Arc<Keystore>,
    /// `None` until the genesis has come.
    history: Mutex<Option<Arc<History>>>,
}

impl Session {
    /// Opens the account in `profile`. Nothing is sent.
    pub fn open(profile: Profile) -> Result<Self, ClientError> {
        let account = profile.load()?;
        let statements = profile.roster()?;
        let history = if statements.is_empty() {
            None
        } else {
            Some(replay(&account, statements)?)
        };
        Self::assemble(profile, account, history)
    }

    /// For an account that was just made and saved.
    pub(crate) fn assemble(
        profile: Profile,
        account: Account,
        history: Option<History>,
    ) -> Result<Self, ClientError> {
        let origin: Origin = account.origin.parse()?;
        let trust = account.pin.map_or(Trust::FirstUse, Trust::Pinned);
        let key = DeviceKey::from_pkcs8(account.device_key.expose())?;
        let transport = Transport::new(origin, trust).signed_in(key, account.token);
        let identity = Identity {
            site: account.site,
            member: account.member,
            device: account.device,
            genesis: account.genesis,
            expires: account.expires,
        };
        Ok(Self {
            profile,
            identity,
            transport,
            keys: Arc::new(account.keystore),
            history: Mutex::new(history.map(Arc::new)),
        })
    }

    /// Who this device is.
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The account's folder.
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The way to the gateway.
    pub const fn transport(&self) -> &Transport {
        &self.transport
    }

    /// The member's keys.
    pub fn keys(&self) -> Arc<Keystore> {
        Arc::clone(&self.keys)
    }

    /// The verified roster, fetched when this device has none yet.
    pub async fn history(&self) -> Result<Arc<History>, ClientError> {
        match self.kept() {
            Some(history) => Ok(history),
            None => self.sync().await,
        }
    }

    /// The site as the gateway describes it.
    pub async fn site(&self) -> Result<api::Site, ClientError> {
        let site: api::Site = self.transport.json(Call::get(routes::SITE)).await?;
        if site.site != self.identity.site || site.member != self.identity.member {
            return Err(ClientError::NotMe);
        }
        Ok(site)
    }

    /// Makes the token good for longer once less than half of its time is left, so that a device that is used
    /// stays signed in.
    pub async fn keep_signed_in(&mut self) -> Result<(), ClientError> {
        let enough = SystemClock.utc().saturating_add(token::LIFETIME / 2);
        if self.identity.expires > enough {
            return Ok(());
        }
        let call = Call {
            method: http::Method::POST,
            ..Call::get(routes::TOKEN)
        };
        let renewed: api::Renewed = self.transport.json(call).await?;
        self.profile.note_expiry(renewed.expires_ms)?;
        self.identity.expires = renewed.expires_ms;
        Ok(())
    }

    /// Fetches and verifies what the roster has gained. The gateway can't take a statement back: a log that
    /// is shorter than, or differs from, what this device has seen is an error.
    pub async fn sync(&self) -> Result<Arc<History>, ClientError> {
        let before = self.kept();
        let seen = self.profile.seen()?;
        let mut statements: Vec<Statement> = Vec::new();
        let known = before.as_ref().map_or(0, |history| history.current().len());
        loop {
            let from = known.saturating_add(statements.len() as u64);
            let answer = self.statements(from).await?;
            if answer.is_empty() {
                break;
            }
            statements.extend(answer);
            if statements.len() > MAX_STATEMENTS {
                return Err(ClientError::Roster(RosterError::Full {
                    what: "statements",
                }));
            }
        }
        let history = self.extend(before, statements)?;
        check_seen(&history, &seen)?;
        self.keep(history)
    }

    /// Signs and appends a statement; made anew when somebody else was faster.
    pub async fn append(&self, operation: Operation) -> Result<Arc<History>, ClientError> {
        let send = async |statement: &Statement| {
            let body = api::StatementRequest {
                statement: statement.as_bytes().into(),
            };
            let call = Call::send(http::Method::POST, routes::ROSTER, &body)?;
            Ok(self.transport.done(call).await?)
        };
        let ((), history) = self.submit(&operation, send).await?;
        Ok(history)
    }

    /// Signs `operation` as the roster's next statement and lets `send` bring it to the gateway; both again
    /// when the roster has grown meanwhile.
    pub(crate) async fn submit<T>(
        &self,
        operation: &Operation,
        send: impl AsyncFn(&Statement) -> Result<T, ClientError>,
    ) -> Result<(T, Arc<History>), ClientError> {
        for _ in 0..MAX_APPENDS {
            let history = self.sync().await?;
            let statement = self.sign(&history, operation.clone());
            let mut after = History::clone(&history);
            after
                .append(statement.clone())
                .map_err(ClientError::Roster)?;
            match send(&statement).await {
                Ok(answer) => return Ok((answer, self.keep(after)?)),
                Err(error)
                    if error
                        .api()
                        .is_some_and(crate::transport::ApiError::is_conflict) =>
                {
                    // Refused for another reason when the roster is as it was.
                    if self.sync().await?.current().head() == history.current().head() {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(ClientError::Busy)
    }

    /// The envelope record of an epoch, as the gateway has it.
    pub async fn envelope(&self, stream: StreamId, epoch: EpochId) -> Result<Bytes, ClientError> {
        let target = routes::envelope(stream.camera, epoch);
        Ok(self
            .transport
            .bytes(Call::get(&target), MAX_ENVELOPE)
            .await?)
    }

    /// The highest manifest of a stream that this device has seen.
    pub fn floor(&self, stream: StreamId) -> Result<Option<HighWater>, ClientError> {
        Ok(self.profile.seen()?.streams.get(&stream).copied())
    }

    /// Keeps the highest manifest of a stream.
    pub fn note(&self, stream: StreamId, high: Option<HighWater>) -> Result<(), ClientError> {
        if let Some(high) = high {
            self.profile.note(|seen| seen.note(stream, high))?;
        }
        Ok(())
    }

    fn sign(&self, history: &History, operation: Operation) -> Statement {
        let (key, site) = (self.keys.identity(), self.identity.site);
        Statement::sign(
            &key,
            site,
            history.current().next(),
            not_before(history),
            operation,
        )
    }

    async fn statements(&self, from: u64) -> Result<Vec<Statement>, ClientError> {
        let target = routes::roster(from);
        let answer: api::Statements = self.transport.json(Call::get(&target)).await?;
        if answer.from != from && !answer.statements.is_empty() {
            return Err(ClientError::RosterRolledBack);
        }
        let statements = answer.statements.iter();
        let decoded = statements.map(|bytes| Statement::decode(bytes.as_ref()));
        Ok(decoded.collect::<Result<_, _>>()?)
    }

    fn extend(
        &self,
        before: Option<Arc<History>>,
        statements: Vec<Statement>,
    ) -> Result<History, ClientError> {
        let Some(before) = before else {
            return History::replay(self.identity.genesis, statements).map_err(ClientError::Roster);
        };
        let mut history = Arc::unwrap_or_clone(before);
        for statement in statements {
            history.append(statement).map_err(ClientError::Roster)?;
        }
        Ok(history)
    }

    fn kept(&self) -> Option<Arc<History>> {
        let kept = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().map(Arc::clone)
    }

    /// Takes a longer roster over, on the disk first.
    fn keep(&self, history: History) -> Result<Arc<History>, ClientError> {
        let (len, head) = history.current().next();
        let grown = self.kept().is_none_or(|kept| kept.current().len() < len);
        if grown {
            self.profile.save_roster(history.statements())?;
            self.profile
                .note(|seen: &mut Seen| seen.note_roster(len, head))?;
        }
        let history = Arc::new(history);
        let mut kept = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(Arc::clone(&history));
        Ok(history)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

/// Now, or the time of the last statement when this device's clock is behind its author's: a roster does
/// not go back in time.
pub(crate) fn not_before(history: &History) -> UtcMillis {
    let last = history.statements().last().map(|last| last.time);
    SystemClock.utc().max(last.unwrap_or_default())
}

fn replay(account: &Account, statements: Vec<Statement>) -> Result<History, ClientError> {
    History::replay(account.genesis, statements).map_err(ClientError::Roster)
}

/// The roster holds the statement that this device once saw last.
fn check_seen(history: &History, seen: &Seen) -> Result<(), ClientError> {
    let Some((len, head)) = seen.roster else {
        return Ok(());
    };
    let place = usize::try_from(len).ok().and_then(|len| len.checked_sub(1));
    let there = place.and_then(|place| history.statements().get(place));
    if there.is_some_and(|statement| statement.hash() == head)
        || bartizan_domain::sabotage::off("N-4")
    {
        Ok(())
    } else {
        Err(ClientError::RosterRolledBack)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::history;

    #[test]
    fn n_4_a_roster_behind_what_was_seen_is_refused() {
        let history = history();
        let (len, head) = history.current().next();
        let seen = |len, head| Seen {
            roster: Some((len, head)),
            ..Seen::default()
        };
        assert!(check_seen(&history, &seen(len, head)).is_ok());
        assert!(check_seen(&history, &Seen::default()).is_ok());
        for seen in [seen(len + 1, head), seen(len, Hash::new([1; 32]))] {
            let refused = check_seen(&history, &seen);
            assert!(matches!(refused, Err(ClientError::RosterRolledBack)));
        }
    }
}
