//! Who gets a grant, whose device it adds, and what ends it.

use proptest::prelude::*;

use super::withdrawals::MAX_MEMBERS;
use super::*;
use crate::decide::tests::{recovery_key, roster, stranger_key};

const CONTEXT: &[u8] = b"test";
const OWNER: MemberId = MemberId::new([1; 16]);
const MEMBER: MemberId = MemberId::new([11; 16]);
const VIEWER: MemberId = MemberId::new([12; 16]);
const NOW: UtcMillis = UtcMillis(1_000_000);

fn at(seconds: u64) -> Monotonic {
    Monotonic::from_start(Duration::from_secs(seconds))
}

fn door() -> SignIn {
    SignIn::new(&Secret::new([1; 32]))
}

/// Somebody whose passkey or invitation was judged just now.
fn judged(door: &SignIn, member: MemberId) -> Entrant {
    Entrant::member(member, door.moment())
}

fn signed(challenge: &[u8]) -> [u8; 64] {
    *recovery_key().sign(CONTEXT, challenge).as_bytes()
}

#[test]
fn the_words_admit_one_device() {
    let (mut door, roster) = (door(), roster());
    let challenge = door.challenge([1; 16], at(0));
    let proof = (challenge.as_slice(), signed(&challenge));
    let recovered = door
        .recover(&roster, CONTEXT, (proof.0, &proof.1), at(119))
        .unwrap();
    let grant = Secret::new([5; 32]);
    door.grant(&grant, recovered.entrant(), at(119)).unwrap();
    let spent = (at(120), NOW);
    assert!(door.spend(&roster, (&[5; 32], OWNER), spent).is_ok());
    assert_eq!(
        door.spend(&roster, (&[5; 32], OWNER), spent).unwrap_err(),
        SignInError::BadGrant
    );
}

#[test]
fn r_8_a_grant_admits_devices_of_its_member_and_of_nobody_else() {
    let (mut door, roster) = (door(), roster());
    let words = Recovered {
        identity: roster.recovery().0.id(),
    };
    let member = judged(&door, MEMBER);
    let mut refused = |entrant, member| {
        door.grant(&Secret::new([5; 32]), entrant, at(1)).unwrap();
        door.spend(&roster, (&[5; 32], member), (at(1), NOW)).err()
    };
    for other in [OWNER, VIEWER, MemberId::new([77; 16])] {
        assert_eq!(refused(member, other), Some(SignInError::OtherMember));
    }
    assert_eq!(refused(member, MEMBER), None);
    assert_eq!(
        refused(words.entrant(), MEMBER),
        Some(SignInError::OtherMember)
    );
    assert_eq!(refused(words.entrant(), OWNER), None);
}

#[test]
fn a_grant_ends_with_its_members_time_and_when_it_is_withdrawn() {
    let (mut door, roster) = (door(), roster());
    let grant = Secret::new([5; 32]);
    door.grant(&grant, judged(&door, VIEWER), at(1)).unwrap();
    let late = door.spend(&roster, (&[5; 32], VIEWER), (at(1), UtcMillis(2_000_000)));
    assert_eq!(late.unwrap_err(), SignInError::BadGrant);
    door.withdraw(VIEWER);
    let gone = door.spend(&roster, (&[5; 32], VIEWER), (at(1), NOW));
    assert_eq!(gone.unwrap_err(), SignInError::BadGrant);
}

#[test]
fn a_challenge_counts_once_and_for_two_minutes() {
    let (mut door, roster) = (door(), roster());
    let challenge = door.challenge([1; 16], at(0));
    let proof = signed(&challenge);
    assert!(
        door.recover(&roster, CONTEXT, (&challenge, &proof), at(1))
            .is_ok()
    );
    for (challenge, now) in [(challenge, 2), (door.challenge([2; 16], at(0)), 120)] {
        let late = door.recover(&roster, CONTEXT, (&challenge, &signed(&challenge)), at(now));
        assert_eq!(late.unwrap_err(), SignInError::BadChallenge);
    }
}

#[test]
fn a_challenge_of_another_process_or_with_a_changed_byte_is_none() {
    let (mut door, roster) = (door(), roster());
    let foreign = SignIn::new(&Secret::new([2; 32])).challenge([1; 16], at(0));
    let own = door.challenge([1; 16], at(0));
    let changed = (0..own.len()).map(|at| {
        let mut bytes = own.clone();
        bytes[at] ^= 1;
        bytes
    });
    let cut = vec![Vec::new(), own[1..].to_vec()];
    for challenge in changed.chain([foreign]).chain(cut) {
        let proof = signed(&challenge);
        let refused = door.recover(&roster, CONTEXT, (&challenge, &proof), at(1));
        assert_eq!(refused.unwrap_err(), SignInError::BadChallenge);
    }
}

#[test]
fn r_5_wrong_words_are_slowed_and_lock_nobody_out() {
    let (mut door, roster) = (door(), roster());
    let challenge = door.challenge([1; 16], at(0));
    let wrong = *stranger_key().sign(CONTEXT, &challenge).as_bytes();
    for _ in 0..20 {
        let refused = door.recover(&roster, CONTEXT, (&challenge, &wrong), at(1));
        assert_eq!(refused.unwrap_err(), SignInError::WrongWords);
    }
    let refused = door.recover(&roster, CONTEXT, (&challenge, &wrong), at(2));
    assert!(matches!(refused, Err(SignInError::TooMany { .. })));
    assert!(
        door.recover(&roster, CONTEXT, (&challenge, &signed(&challenge)), at(2))
            .is_ok()
    );
}

#[test]
fn what_is_remembered_is_bounded() {
    let (mut door, roster) = (door(), roster());
    for number in 0..=u8::try_from(MAX_OPEN).unwrap() {
        let challenge = door.challenge([number; 16], at(0));
        let result = door.recover(&roster, CONTEXT, (&challenge, &signed(&challenge)), at(1));
        assert_eq!(result.is_err(), usize::from(number) == MAX_OPEN, "{number}");
    }
    let recovered = Recovered {
        identity: roster.recovery().0.id(),
    };
    for number in 0..=u8::try_from(MAX_OPEN).unwrap() {
        let result = door.grant(&Secret::new([number; 32]), recovered.entrant(), at(1));
        assert_eq!(result.is_err(), usize::from(number) == MAX_OPEN, "{number}");
    }
    let other = judged(&door, MEMBER);
    assert!(door.grant(&Secret::new([99; 32]), other, at(1)).is_ok());
    for number in 0..u8::try_from(MAX_OPEN).unwrap() {
        // One and the same member, however often they were judged.
        door.withdraw(VIEWER);
        let again = judged(&door, MEMBER);
        let result = door.grant(&Secret::new([100 + number; 32]), again, at(1));
        assert_eq!(result.is_err(), usize::from(number) + 1 == MAX_OPEN);
    }
}

#[test]
fn a_grant_ends_with_the_words_that_gave_it() {
    let (mut door, roster) = (door(), roster());
    let identity = stranger_key().public().id();
    let others = Recovered { identity }.entrant();
    door.grant(&Secret::new([5; 32]), others, at(0)).unwrap();
    let refused = door.spend(&roster, (&[5; 32], OWNER), (at(1), NOW));
    assert_eq!(refused.unwrap_err(), SignInError::BadGrant);
}

#[test]
fn r_8_whoever_was_judged_before_a_withdrawal_gets_no_grant() {
    let (mut door, roster) = (door(), roster());
    let [early, other] = [MEMBER, VIEWER].map(|member| judged(&door, member));
    door.withdraw(MEMBER);
    let late = judged(&door, MEMBER);
    for (number, entrant, lets_in) in [(1, early, false), (2, other, true), (3, late, true)] {
        let granted = door.grant(&Secret::new([number; 32]), entrant, at(1));
        assert_eq!(granted.is_ok(), lets_in, "{number}");
    }
    let spent = door.spend(&roster, (&[1; 32], MEMBER), (at(1), NOW));
    assert_eq!(spent.unwrap_err(), SignInError::BadGrant);
    assert!(
        door.spend(&roster, (&[3; 32], MEMBER), (at(1), NOW))
            .is_ok()
    );
}

#[test]
fn withdrawals_of_many_members_are_remembered_within_bounds_and_none_is_forgotten() {
    let mut door = door();
    let member = |number: usize| MemberId::new([u8::try_from(number).unwrap(); 16]);
    let early: Vec<_> = (0..=MAX_MEMBERS)
        .map(|number| judged(&door, member(number)))
        .collect();
    for number in 0..=MAX_MEMBERS {
        door.withdraw(member(number));
        assert!(early[..=number].iter().all(|entrant| !door.holds(*entrant)));
        assert!(door.withdrawals.last.len() <= MAX_MEMBERS);
    }
    // At the limit all who are being judged start again, and whoever starts after it comes in.
    assert!(!door.holds(Entrant::member(member(200), Moment::default())));
    assert!((0..=MAX_MEMBERS).all(|number| door.holds(judged(&door, member(number)))));
}

/// One step of what happens at the door.
#[derive(Debug, Clone, Copy)]
enum Step {
    Judge(usize),
    /// Gives a grant to the judged one with this number.
    Grant(usize),
    /// Adds a device with the grant of this number.
    Spend(usize),
    Withdraw(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3_usize).prop_map(Step::Judge),
        (0..12_usize).prop_map(Step::Grant),
        (0..12_usize).prop_map(Step::Spend),
        (0..3_usize).prop_map(Step::Withdraw),
    ]
}

proptest! {
    /// Whatever comes between the judgement, the grant and the device: all of it counts only when the member's
    /// grants were not taken back meanwhile.
    #[test]
    fn r_8_no_course_of_removals_lets_in_who_was_judged_before(
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let members = [OWNER, MEMBER, VIEWER];
        let (mut door, roster) = (door(), roster());
        let mut withdrawn = [0; 3];
        // Of everybody who was judged: who, how often their grants had been taken back, and their open grant.
        let mut all: Vec<(usize, u32, Entrant, bool)> = Vec::new();
        for step in steps {
            match step {
                Step::Judge(who) => {
                    all.push((who, withdrawn[who], judged(&door, members[who]), false));
                }
                Step::Withdraw(who) => {
                    withdrawn[who] += 1;
                    door.withdraw(members[who]);
                    for one in all.iter_mut().filter(|one| one.0 == who) {
                        one.3 = false;
                    }
                }
                Step::Grant(number) => {
                    let open = |who| all.iter().filter(|one| one.0 == who && one.3).count();
                    let Some((who, before, entrant, had)) = all.get(number).copied() else { continue };
                    let good = before == withdrawn[who] && open(who) < MAX_OPEN;
                    let random = Secret::new([u8::try_from(number).unwrap(); 32]);
                    prop_assert_eq!(door.grant(&random, entrant, at(1)).is_ok(), good);
                    all[number].3 = had || good;
                }
                Step::Spend(number) => {
                    let Some((who, .., open)) = all.get(number).copied() else { continue };
                    let grant = [u8::try_from(number).unwrap(); 32];
                    let spent = door.spend(&roster, (&grant, members[who]), (at(1), NOW));
                    prop_assert_eq!(spent.is_ok(), open);
                    all[number].3 = false;
                }
            }
        }
    }
}
