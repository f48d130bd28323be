//! Letting a further device of the same member in, and being let in.
//!
//! The new device believes nothing that the gateway says without a check: the link's secret opens the key store, the
//! link's hashes name the roster's first statement and one that it must have got to, and that roster must know the
//! store's identity.

use bartizan_base::random;
use bartizan_domain::{Hash, Secret, UtcMillis};
use bartizan_identity::RosterError;
use bartizan_identity::invitation::Invitation;
use bartizan_identity::keystore::Keystore;
use bartizan_identity::roster::History;
use bartizan_protocol::api;
use bartizan_protocol::blob::Blob;
use bartizan_protocol::invitation::InvitationLink;
use http::Method;

use crate::error::ClientError;
use crate::joining::{NewDevice, Welcome, absent, admit, replayed};
use crate::routes;
use crate::session::Session;
use crate::transport::{Call, Origin, Proof};

impl Session {
    /// Leaves the member's key store with the gateway, locked under a fresh secret, and gives the link that opens
    /// it, once, until the moment beside it. On the gateway's own machine the link is for the first name that the
    /// gateway has elsewhere; where it has none, it is for this machine only.
    pub async fn invite(&self) -> Result<(InvitationLink, UtcMillis), ClientError> {
        let head = self.sync().await?.current().head();
        let invitation = Invitation::new(Secret::new(random::bytes()?));
        let locked = self.keys().lock(&invitation.lock(), random::bytes()?);
        let request = api::InvitationRequest {
            id: Blob(invitation.id().as_bytes().to_vec()),
            keystore: Blob(locked),
        };
        let call = Call::send(Method::POST, routes::INVITATIONS, &request)?;
        let opened: api::Invitation = self.transport().json(call).await?;
        let link = InvitationLink {
            origin: for_others(self.transport().origin(), &opened.origins).to_string(),
            invitation,
            genesis: self.identity().genesis,
            head: Some(head),
            pin: self.transport().pin(),
        };
        Ok((link, opened.expires_ms))
    }
}

/// What another device opens: what this one uses, or where nobody else can use that, the first that others can.
fn for_others(own: &Origin, offered: &[String]) -> Origin {
    let usable = |origin: &Origin| origin.is_secure() && !origin.is_loopback();
    let mut offered = offered.iter().filter_map(|text| text.parse().ok());
    let other = own.is_loopback().then(|| offered.find(usable)).flatten();
    other.unwrap_or_else(|| own.clone())
}

/// Joins the household of whoever made `link`, as a further device of the same member.
pub async fn join(link: &InvitationLink, device: NewDevice) -> Result<Session, ClientError> {
    let transport = device.transport(link.origin.parse()?, link.pin)?;
    let ask = api::InvitationProof {
        id: Blob(link.invitation.id().as_bytes().to_vec()),
    };
    let call = Call::send(Method::POST, routes::INVITED, &ask)?.proof(Proof::None);
    let answer = transport.json::<api::SignInAnswer>(call).await;
    let answer = answer.map_err(|error| absent(error, ClientError::NotClaimed))?;
    let (history, keystore) = check_invited(&answer, link)?;
    let welcome = Welcome {
        history,
        keystore,
        grant: answer.grant,
        device_names: answer.device_names,
    };
    admit(&transport, &device, welcome).await
}

/// The roster and keys that this link is for.
fn check_invited(
    answer: &api::SignInAnswer,
    link: &InvitationLink,
) -> Result<(History, Keystore), ClientError> {
    let history = replayed(&answer.statements)?;
    if history.current().genesis() != link.genesis && !bartizan_domain::sabotage::off("L-6") {
        return Err(ClientError::OtherHousehold);
    }
    let reaches = |head: Hash| {
        history
            .statements()
            .iter()
            .any(|known| known.hash() == head)
    };
    if !link.head.is_none_or(reaches) && !bartizan_domain::sabotage::off("N-4") {
        return Err(ClientError::RosterRolledBack);
    }
    let locked = answer.keystore.as_ref().ok_or(ClientError::NotMe)?;
    let keystore = Keystore::unlock(locked.as_ref(), &link.invitation.lock())
        .map_err(ClientError::Keystore)?;
    let roster = history.current();
    let identity = keystore.identity().public();
    let member = roster.member(keystore.member);
    let known = member.is_some_and(|member| member.identity == identity);
    if !known || roster.site() != keystore.site {
        return Err(ClientError::Roster(RosterError::UnknownAuthor));
    }
    Ok((history, keystore))
}

#[cfg(test)]
mod tests {
    use bartizan_identity::keystore::KeystoreError;
    use bartizan_identity::{ReaderKey, Statement, Suite};

    use super::*;
    use crate::fixture::{genesis, history, keystore, signing_key};

    fn invitation() -> Invitation {
        Invitation::new(Secret::new([5; 32]))
    }

    fn link() -> InvitationLink {
        InvitationLink {
            origin: "http://127.0.0.1:1".to_owned(),
            invitation: invitation(),
            genesis: history().current().genesis(),
            head: Some(history().current().head()),
            pin: None,
        }
    }

    fn answer(history: &History, lock: &Invitation) -> api::SignInAnswer {
        let statements = history.statements().iter().map(Statement::as_bytes);
        api::SignInAnswer {
            statements: statements.map(Blob::from).collect(),
            keystore: Some(Blob(keystore().lock(&lock.lock(), [1; 12]))),
            member: keystore().member,
            grant: Blob(vec![1; 32]),
            device_names: Vec::new(),
        }
    }

    #[test]
    fn a_link_is_for_an_address_that_other_devices_can_open() {
        let linked = |own: &str, offered: &[&str]| {
            let offered: Vec<_> = offered.iter().map(|text| (*text).to_owned()).collect();
            for_others(&own.parse().unwrap(), &offered).to_string()
        };
        let (here, gate) = ("https://localhost:8440", "https://gate.local:8440");
        assert_eq!(linked(here, &[gate, "https://192.168.1.7:8440"]), gate);
        let useless = ["", "http://gate.local", "https://127.0.0.1", "https://a/b"];
        assert_eq!(linked(here, &useless), here);
        assert_eq!(
            linked("https://192.168.1.7", &[gate]),
            "https://192.168.1.7"
        );
    }

    #[test]
    fn the_link_opens_roster_and_keys() {
        let (found, keys) = check_invited(&answer(&history(), &invitation()), &link()).unwrap();
        assert_eq!(found.current().head(), history().current().head());
        assert_eq!(keys.encode(), keystore().encode());
    }

    #[test]
    fn l_6_another_household_than_the_links_is_refused() {
        let other = InvitationLink {
            genesis: Hash::new([1; 32]),
            ..link()
        };
        let refused = check_invited(&answer(&history(), &invitation()), &other);
        assert!(matches!(refused, Err(ClientError::OtherHousehold)));
    }

    #[test]
    fn n_4_a_roster_from_before_the_invitation_is_refused() {
        let older = History::begin(genesis()).unwrap();
        let refused = check_invited(&answer(&older, &invitation()), &link());
        assert!(matches!(refused, Err(ClientError::RosterRolledBack)));
        let unsaid = InvitationLink {
            head: None,
            ..link()
        };
        assert!(check_invited(&answer(&older, &invitation()), &unsaid).is_ok());
    }

    #[test]
    fn a_key_store_of_somebody_else_is_refused() {
        let mut strange = answer(&history(), &invitation());
        let keys = keystore();
        let reader = ReaderKey::from_seed(Suite::X25519, Secret::new([5; 32]));
        let seed = Secret::new([66; 32]);
        assert_ne!(signing_key(66).public(), keys.identity().public());
        let keys = Keystore::new(keys.site, keys.member, seed, reader);
        strange.keystore = Some(Blob(keys.lock(&invitation().lock(), [1; 12])));
        let refused = check_invited(&strange, &link());
        assert!(matches!(
            refused,
            Err(ClientError::Roster(RosterError::UnknownAuthor))
        ));
    }

    #[test]
    fn another_secret_opens_nothing() {
        let other = Invitation::new(Secret::new([6; 32]));
        let refused = check_invited(&answer(&history(), &other), &link());
        assert!(matches!(
            refused,
            Err(ClientError::Keystore(KeystoreError::DoesNotOpen))
        ));
    }
}
