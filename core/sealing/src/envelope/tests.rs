//! Envelopes: what opens, and each way in which a server, a thief or a neighbour could cheat.

use proptest::prelude::*;

use super::*;
use crate::fixture::{
    Household, OWNER_SEED, RECOVERY_SEED, SEALER_SEED, START, household, key, reader,
};
use crate::record::Record;

fn start(home: &Household) -> EpochStart {
    EpochStart {
        scope: home.scope,
        start: START,
        previous: [Hash::ZERO; 2],
    }
}

fn secret(home: &Household) -> EpochSecret {
    EpochSecret::new(home.scope, Secret::new([42; 32]))
}

fn sealed_by(seed: u8, home: &Household) -> Vec<u8> {
    let mut out = Vec::new();
    seal(
        &key(seed),
        &home.roster,
        &start(home),
        &secret(home),
        &mut out,
    )
    .unwrap();
    let (record, _) = Record::split(&out).unwrap().unwrap();
    record.body.to_vec()
}

fn verify(body: &[u8], home: &Household) -> Result<VerifiedEnvelope, EnvelopeError> {
    Envelope::decode(body)?.verify(&home.roster)
}

/// Signs a changed body anew, as a malicious sealer or a thief of its key could.
fn resigned(body: &[u8], seed: u8) -> Vec<u8> {
    let message = &body[..body.len() - Signature::LEN];
    [message, key(seed).sign(SIGNING_CONTEXT, message).as_bytes()].concat()
}

#[test]
fn every_recipient_opens_it_and_nobody_else() {
    let home = household();
    let envelope = verify(&sealed_by(SEALER_SEED, &home), &home).unwrap();
    for seed in [OWNER_SEED, RECOVERY_SEED] {
        let opened = envelope.open(&reader(seed)).unwrap();
        assert_eq!(opened.commitment(), secret(&home).commitment());
    }
    assert_eq!(
        envelope.open(&reader(66)).unwrap_err(),
        EnvelopeError::NotForMe
    );
}

#[test]
fn p1_a_forged_hour_is_refused() {
    let home = household();
    let mut out = Vec::new();
    // The cloud makes a whole hour with a secret of its own, wrapped to the right people.
    let forged = seal(
        &key(66),
        &home.roster,
        &start(&home),
        &secret(&home),
        &mut out,
    );
    assert_eq!(forged, Err(EnvelopeError::NotTheSealer));
    let body = resigned(&sealed_by(SEALER_SEED, &home), 66);
    assert_eq!(
        verify(&body, &home).unwrap_err(),
        EnvelopeError::BadSignature
    );
}

#[test]
fn n_4_every_changed_byte_of_an_envelope_is_refused() {
    let home = household();
    let body = sealed_by(SEALER_SEED, &home);
    for at in 0..body.len() {
        let mut changed = body.clone();
        changed[at] ^= 1;
        assert!(verify(&changed, &home).is_err(), "byte {at}");
    }
}

#[test]
fn g_10_p2_a_ghost_recipient_is_refused_even_with_the_sealers_signature() {
    let home = household();
    let mut body = sealed_by(SEALER_SEED, &home);
    let ghost = reader(66);
    let at = Envelope::decode(&body).unwrap();
    let mut wraps = at.wraps.clone();
    let info = wrap_info(
        &home.scope,
        at.roster_head,
        ghost.public().id(),
        Suite::X25519,
    );
    let (enc, sealed) = ghost
        .public()
        .wrap(&info, at.commitment.as_bytes(), secret(&home).expose())
        .unwrap();
    let sealed = sealed.try_into().unwrap();
    wraps.push(Wrap {
        key: ghost.public().id(),
        suite: Suite::X25519,
        enc,
        sealed,
    });
    wraps.sort_by_key(|wrap| wrap.key);
    body.truncate(1 + 48 + 16 + 8 + 8 + 32 + 32 + 64);
    let mut out = Writer::new();
    out.fixed(&body).u16(wraps.len().try_into().unwrap());
    for wrap in &wraps {
        out.fixed(wrap.key.as_bytes())
            .u16(wrap.suite.code())
            .vec16(&wrap.enc)
            .fixed(&wrap.sealed);
    }
    out.fixed(&[0; Signature::LEN]);
    let body = resigned(out.as_slice(), SEALER_SEED);
    assert_eq!(
        verify(&body, &home).unwrap_err(),
        EnvelopeError::WrongRecipients
    );
}

#[test]
fn p9_a_secret_other_than_the_committed_one_is_refused() {
    let home = household();
    let body = sealed_by(SEALER_SEED, &home);
    let honest = Envelope::decode(&body).unwrap();
    // A wrap that opens fine, but to another secret: two readers would see two different films.
    let other = EpochSecret::new(home.scope, Secret::new([43; 32]));
    let me = reader(RECOVERY_SEED);
    let info = wrap_info(
        &home.scope,
        honest.roster_head,
        me.public().id(),
        Suite::X25519,
    );
    let (enc, sealed) = me
        .public()
        .wrap(&info, honest.commitment.as_bytes(), other.expose())
        .unwrap();
    let mut forged = honest.clone();
    let wrap = forged
        .wraps
        .iter_mut()
        .find(|wrap| wrap.key == me.public().id())
        .unwrap();
    (wrap.enc, wrap.sealed) = (enc, sealed.try_into().unwrap());
    let error = VerifiedEnvelope(forged).open(&me).unwrap_err();
    assert_eq!(error, EnvelopeError::NotCommitted);
}

#[test]
fn g_22_a_secret_other_than_the_committed_one_decrypts_nothing() {
    p9_a_secret_other_than_the_committed_one_is_refused();
}

#[test]
fn g_22_p12_a_suite_other_than_the_keys_is_refused() {
    let home = household();
    let envelope = Envelope::decode(&sealed_by(SEALER_SEED, &home)).unwrap();
    let mut downgraded = envelope.clone();
    let owner = reader(OWNER_SEED);
    let wrap = downgraded
        .wraps
        .iter_mut()
        .find(|wrap| wrap.key == owner.public().id())
        .unwrap();
    wrap.suite = Suite::X25519;
    let verdict = downgraded.clone().verify(&home.roster).unwrap_err();
    assert!(matches!(verdict, EnvelopeError::WrongRecipients));
    let error = VerifiedEnvelope(downgraded).open(&owner).unwrap_err();
    assert_eq!(error, EnvelopeError::Downgraded);
}

#[test]
fn p12_unknown_suites_are_refused() {
    let home = household();
    let body = sealed_by(SEALER_SEED, &home);
    let suite_at = 1 + 48 + 16 + 8 + 8 + 32 + 32 + 64 + 2 + 16;
    let mut changed = body.clone();
    changed[suite_at..suite_at + 2].copy_from_slice(&0x0010_u16.to_be_bytes());
    let error = Envelope::decode(&changed).unwrap_err();
    assert_eq!(
        error,
        WireError::Unknown {
            field: "suite",
            value: 0x0010
        }
    );
}

#[test]
fn p13_another_household_refuses_it() {
    let home = household();
    let mut other = household();
    let body = sealed_by(SEALER_SEED, &home);
    let more = bartizan_identity::Operation::AddSealer {
        key: key(77).public(),
    };
    let statement = bartizan_identity::Statement::sign(
        &key(OWNER_SEED),
        other.scope.site,
        other.roster.next(),
        START,
        more,
    );
    other.roster.apply(&statement).unwrap();
    assert_eq!(
        verify(&body, &other).unwrap_err(),
        EnvelopeError::OtherRoster
    );
}

proptest! {
    #[test]
    fn foreign_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..600)) {
        drop(Envelope::decode(&body));
    }
}
