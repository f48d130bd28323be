//! Gateways on one network, in virtual time, and what strangers try with them.

use super::*;

const LAN: u32 = 2;

fn at(millis: u64) -> Monotonic {
    Monotonic::from_start(Duration::from_millis(millis))
}

fn link(last: u8) -> Link {
    Link {
        index: LAN,
        addresses: vec![
            (IpAddr::from([192, 168, 1, last]), 24),
            ("fd00::7".parse().unwrap(), 64),
            ("fe80::7".parse().unwrap(), 64),
        ],
    }
}

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 168, 1, last], PORT))
}

fn gateway(last: u8, port: u16) -> Responder {
    let label = Label::of_local("gate.local").unwrap();
    let mut responder = Responder::new(label, None, port, last, at(0));
    responder.set_links(vec![link(last)], at(0));
    responder
}

/// Lets time pass on one network of these machines; what they send reaches all, themselves too.
fn run(machines: &mut [(u8, &mut Responder)], from: u64, to: u64) {
    for now in (from..to).step_by(10) {
        let mut air = Vec::new();
        for (last, machine) in machines.iter_mut() {
            air.extend(
                machine
                    .poll(at(now))
                    .into_iter()
                    .map(|packet| (*last, packet)),
            );
        }
        while let Some((of, packet)) = air.pop() {
            for (last, machine) in machines.iter_mut() {
                let hears = packet.to == Target::All || packet.to == Target::One(address(*last));
                if hears {
                    let answer = machine.receive(LAN, address(of), &packet.bytes, at(now));
                    air.extend(answer.map(|answer| (*last, answer)));
                }
            }
        }
    }
}

/// Another gateway, which begins after six seconds.
fn later(own: Option<&str>) -> Responder {
    let label = Label::of_local("gate.local").unwrap();
    let own: Option<Own> = own.map(|kept| kept.parse().unwrap());
    let mut responder = Responder::new(label, own.as_ref(), 8440, 100, at(6_000));
    responder.set_links(vec![link(8)], at(6_000));
    responder
}

fn own(gate: &Responder) -> Option<String> {
    gate.own().map(|own| own.name())
}

fn settled() -> Responder {
    let mut gate = gateway(7, 8440);
    run(&mut [(7, &mut gate)], 0, 5_000);
    assert_eq!((gate.name(), gate.due()), (Some("gate.local"), None));
    gate
}

fn query(name: &Name, kind: u16, unicast: bool) -> Message {
    let question = Question {
        name: name.clone(),
        kind,
        unicast,
    };
    Message {
        id: 77,
        questions: vec![question],
        ..Message::default()
    }
}

fn host() -> Name {
    Name::of(&["gate", "local"])
}

fn asked(gate: &mut Responder, from: SocketAddr, query: &Message, now: u64) -> Option<Message> {
    let packet = gate.receive(LAN, from, &query.write(), at(now))?;
    Some(Message::read(&packet.bytes).unwrap())
}

#[test]
fn a_free_name_is_won_within_a_second_and_announced_twice() {
    let mut gate = gateway(7, 8440);
    assert_eq!(gate.name(), None);
    let mut sent = Vec::new();
    for now in (0..3_000).step_by(10) {
        for packet in gate.poll(at(now)) {
            assert_eq!((packet.link, packet.to), (LAN, Target::All));
            sent.push((now, Message::read(&packet.bytes).unwrap()));
        }
    }
    let kinds: Vec<_> = sent
        .iter()
        .map(|(_, message)| message.is_response)
        .collect();
    assert_eq!(kinds, [false, false, false, true, true]);
    assert!(sent[3].0 <= 1_000, "{}", sent[3].0);
    assert!(sent[2].1.questions.iter().all(|asked| asked.kind == ANY));
    assert!(sent[4].0 - sent[3].0 >= 1_000);
}

/// Everything that is ever said about the gateway.
#[test]
fn m_8_nothing_but_name_addresses_and_port_is_told() {
    let mut gate = settled();
    let every = Message {
        questions: [
            &host(),
            &gate.instance(),
            &Name::of(&SERVICE),
            &Name::of(&SERVICES),
        ]
        .map(|name| query(name, ANY, true).questions.remove(0))
        .into(),
        ..Message::default()
    };
    let told = asked(&mut gate, address(9), &every, 6_000).unwrap();
    let mut kinds: Vec<_> = told.answers.iter().map(|record| record.kind).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, [A, PTR, PTR, TXT, AAAA, SRV]);
    let text = told
        .answers
        .iter()
        .find(|record| record.kind == TXT)
        .unwrap();
    assert_eq!(text.data, [0]);
    let service = told
        .answers
        .iter()
        .find(|record| record.kind == SRV)
        .unwrap();
    assert_eq!(service.data[..6], [0, 0, 0, 0, 0x20, 0xf8]);
    assert_eq!(&service.data[6..], host().wire());
}

#[test]
fn an_address_is_answered_and_a_missing_family_is_said_to_be_missing() {
    let mut gate = settled();
    let told = asked(&mut gate, address(9), &query(&host(), A, false), 6_000).unwrap();
    assert_eq!(told.answers[0].data, [192, 168, 1, 7]);
    assert!(told.answers[0].flush && told.id == 0 && told.questions.is_empty());
    let mut plain = gateway(8, 8440);
    plain.set_links(
        vec![Link {
            index: LAN,
            addresses: vec![([192, 168, 1, 8].into(), 24)],
        }],
        at(0),
    );
    run(&mut [(8, &mut plain)], 0, 5_000);
    let told = asked(&mut plain, address(9), &query(&host(), AAAA, false), 6_000).unwrap();
    assert_eq!(told.answers[0].kind, NSEC);
    assert_eq!(
        told.answers[0].data[host().wire().len()..],
        [0, 4, 0x40, 0, 0, 0]
    );
}

#[test]
fn who_asks_from_another_port_is_answered_alone_and_briefly() {
    let mut gate = settled();
    let from = SocketAddr::from(([192, 168, 1, 9], 40_000));
    let packet = gate
        .receive(LAN, from, &query(&host(), A, false).write(), at(6_000))
        .unwrap();
    assert_eq!(packet.to, Target::One(from));
    let told = Message::read(&packet.bytes).unwrap();
    assert_eq!((told.id, told.questions.len()), (77, 1));
    assert!(
        told.answers
            .iter()
            .all(|record| !record.flush && record.ttl <= 10)
    );
}

#[test]
fn strangers_from_afar_and_other_names_get_nothing() {
    let mut gate = settled();
    let far = SocketAddr::from(([203, 0, 113, 5], PORT));
    assert_eq!(asked(&mut gate, far, &query(&host(), A, true), 6_000), None);
    let other = Name::of(&["other", "local"]);
    assert_eq!(
        asked(&mut gate, address(9), &query(&other, ANY, true), 6_000),
        None
    );
    assert_eq!(
        asked(&mut gate, address(9), &query(&host(), TXT, true), 6_000),
        None
    );
    assert_eq!(gate.receive(LAN, address(9), b"rubbish", at(6_000)), None);
    assert_eq!(
        gate.receive(99, address(9), &query(&host(), A, true).write(), at(6_000)),
        None
    );
}

#[test]
fn what_the_asker_knows_is_not_said_again() {
    let mut gate = settled();
    let mut known = query(&host(), A, true);
    known.answers = vec![unique(&host(), A, vec![192, 168, 1, 7])];
    assert_eq!(asked(&mut gate, address(9), &known, 6_000), None);
    known.answers[0].ttl = 10;
    assert!(asked(&mut gate, address(9), &known, 6_000).is_some());
}

#[test]
fn a_flood_of_questions_is_answered_in_small_measure() {
    let mut gate = settled();
    let loud = query(&host(), A, false).write();
    let to_all =
        (6_000..7_000).filter(|now| gate.receive(LAN, address(9), &loud, at(*now)).is_some());
    assert_eq!(to_all.count(), 1);
    let quiet = query(&host(), A, true).write();
    let to_one =
        (8_000..9_000).filter(|now| gate.receive(LAN, address(9), &quiet, at(*now)).is_some());
    assert_eq!(to_one.count(), 20);
    assert!(gate.sent.len() + gate.answered.len() < 10);
}

#[test]
fn the_second_of_two_takes_the_next_name() {
    let mut first = settled();
    let mut second = later(None);
    run(&mut [(7, &mut first), (8, &mut second)], 6_000, 12_000);
    assert_eq!(
        (first.name(), second.name()),
        (Some("gate.local"), Some("gate-2.local"))
    );
}

#[test]
fn two_that_begin_together_end_with_two_names() {
    let (mut first, mut second) = (gateway(7, 8440), gateway(8, 8440));
    run(&mut [(7, &mut first), (8, &mut second)], 0, 12_000);
    let mut names = [first.name().unwrap(), second.name().unwrap()];
    names.sort_unstable();
    assert_eq!(names, ["gate-2.local", "gate.local"]);
}

#[test]
fn two_on_one_machine_end_with_two_names() {
    let (mut first, mut second) = (gateway(7, 8440), gateway(7, 9440));
    run(&mut [(7, &mut first), (7, &mut second)], 0, 12_000);
    assert_ne!(first.name(), second.name());
}

#[test]
fn one_claim_of_anothers_does_not_take_the_name_away() {
    let mut gate = settled();
    let claim = response(vec![unique(&host(), A, vec![192, 168, 1, 66])]).write();
    assert_eq!(gate.receive(LAN, address(66), &claim, at(6_000)), None);
    assert_eq!(gate.name(), Some("gate.local"));
    run(&mut [(7, &mut gate)], 6_000, 12_000);
    assert_eq!((gate.name(), gate.due()), (Some("gate.local"), None));
}

/// Somebody says that the name which the gateway has or asks for is theirs.
fn contest(gate: &mut Responder, now: u64) {
    let claim = response(vec![unique(&gate.host(), A, vec![192, 168, 1, 66])]).write();
    assert_eq!(gate.receive(LAN, address(66), &claim, at(now)), None);
}

#[test]
fn who_claims_every_name_takes_none_for_longer_than_they_speak() {
    let mut gate = settled();
    for packet in 0..10 {
        contest(&mut gate, 6_000 + packet);
    }
    assert!(gate.has_given_up() && gate.name().is_none());
    assert_eq!(
        asked(&mut gate, address(9), &query(&host(), A, true), 6_010),
        None
    );
    run(&mut [(7, &mut gate)], 6_000, 10_990);
    assert_eq!(gate.name(), None);
    run(&mut [(7, &mut gate)], 10_990, 15_000);
    assert_eq!((gate.name(), gate.due()), (Some("gate.local"), None));
    assert!(asked(&mut gate, address(9), &query(&host(), A, true), 15_000).is_some());
}

#[test]
fn another_name_is_given_back_for_the_own_one() {
    let mut gate = settled();
    contest(&mut gate, 6_000);
    contest(&mut gate, 6_001);
    run(&mut [(7, &mut gate)], 6_000, 12_000);
    assert_eq!(gate.name(), Some("gate-2.local"));
    let mut said = Vec::new();
    for now in (12_000..620_000).step_by(10) {
        said.extend(gate.poll(at(now)));
    }
    assert_eq!((gate.name(), gate.due()), (Some("gate.local"), None));
    let said: Vec<_> = said
        .iter()
        .map(|packet| Message::read(&packet.bytes).unwrap())
        .collect();
    let second = Name::of(&["gate-2", "local"]);
    let left = said
        .iter()
        .flat_map(|message| &message.answers)
        .filter(|record| record.name == second);
    assert!(left.clone().count() > 0);
    assert!(
        left.into_iter()
            .all(|record| record.ttl == 0 && !record.flush)
    );
}

#[test]
fn while_the_first_name_is_anothers_the_second_is_kept() {
    let mut first = settled();
    let mut second = later(None);
    run(&mut [(7, &mut first), (8, &mut second)], 6_000, 1_300_000);
    assert_eq!(
        (first.name(), second.name()),
        (Some("gate.local"), Some("gate-2.local"))
    );
}

#[test]
fn after_a_restart_the_own_name_is_asked_for_first() {
    let mut gate = later(Some("gate.local 2"));
    run(&mut [(8, &mut gate)], 6_000, 700_000);
    assert_eq!((gate.name(), gate.due()), (Some("gate-2.local"), None));
    assert_eq!(gate.own().unwrap().to_string(), "gate.local 2");
}

#[test]
fn who_can_not_have_the_own_name_takes_another_and_asks_again() {
    let mut first = later(Some("gate.local 3"));
    first.set_links(vec![link(7)], at(6_000));
    run(&mut [(7, &mut first)], 6_000, 12_000);
    let mut second = later(Some("gate.local 3"));
    run(&mut [(7, &mut first), (8, &mut second)], 12_000, 18_000);
    assert_eq!(
        (first.name(), second.name()),
        (Some("gate-3.local"), Some("gate.local"))
    );
    assert_eq!(own(&second).as_deref(), Some("gate-3.local"));
    run(&mut [(8, &mut second)], 18_000, 700_000);
    assert_eq!((second.name(), second.due()), (Some("gate-3.local"), None));
}

#[test]
fn another_name_than_the_owner_now_chooses_counts_for_nothing() {
    for kept in ["door.local 2", "gate-2.local 1"] {
        let mut gate = later(Some(kept));
        assert_eq!(gate.own(), None);
        run(&mut [(8, &mut gate)], 6_000, 12_000);
        assert_eq!(gate.name(), Some("gate.local"), "{kept}");
        assert_eq!(own(&gate).as_deref(), Some("gate.local"));
    }
}

#[test]
fn while_the_own_name_is_anothers_the_one_that_was_taken_stays() {
    let (mut first, mut second) = (settled(), later(None));
    run(&mut [(7, &mut first), (8, &mut second)], 6_000, 12_000);
    let mut third = later(Some("gate.local 2"));
    third.set_links(vec![link(9)], at(12_000));
    let mut all = [(7, &mut first), (8, &mut second), (9, &mut third)];
    run(&mut all, 12_000, 18_000);
    assert_eq!(third.name(), Some("gate-3.local"));
    // The first name is free now; the own one is not.
    run(&mut [(8, &mut second), (9, &mut third)], 18_000, 700_000);
    assert_eq!(third.name(), Some("gate-3.local"));
    assert_eq!(own(&third).as_deref(), Some("gate-2.local"));
}

#[test]
fn a_name_that_was_had_for_a_day_is_the_own_one() {
    const HOUR: u64 = 3_600_000;
    let (mut first, mut second) = (settled(), later(Some("gate.local 1")));
    run(&mut [(7, &mut first), (8, &mut second)], 6_000, 12_000);
    assert_eq!(second.name(), Some("gate-2.local"));
    // The wires are silent but for the question of every ten minutes.
    let mut pass = |from: u64, to: u64, second: &mut Responder| {
        for start in (from..to).step_by(600_000) {
            run(&mut [(7, &mut first), (8, second)], start, start + 5_000);
        }
    };
    pass(600_000, 23 * HOUR, &mut second);
    assert_eq!(own(&second).as_deref(), Some("gate.local"));
    pass(23 * HOUR, 25 * HOUR, &mut second);
    assert_eq!(own(&second).as_deref(), Some("gate-2.local"));
    assert_eq!(second.due(), None);
}

#[test]
fn who_goes_on_claiming_every_name_is_asked_less_and_less_often() {
    let mut gate = settled();
    let mut seen = Vec::new();
    let mut now = 6_000;
    for _ in 0..9 {
        while !gate.has_given_up() {
            contest(&mut gate, now);
        }
        let due = gate.due().unwrap();
        seen.push(due.since(at(now)).as_secs());
        now = u64::try_from(due.since_start().as_millis()).unwrap();
        assert!(!gate.poll(due).is_empty());
    }
    assert_eq!(seen, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
    run(&mut [(7, &mut gate)], now, now + 700_000);
    now += 700_000;
    while !gate.has_given_up() {
        contest(&mut gate, now);
    }
    assert_eq!(gate.due(), Some(at(now + 5_000)));
}

#[test]
fn many_conflicts_within_ten_seconds_let_the_search_rest() {
    let mut gate = settled();
    // New addresses begin anew each time, so that the names are never all taken.
    for number in 0..15_u8 {
        assert!(!gate.has_given_up(), "{number}");
        contest(&mut gate, 6_000 + u64::from(number) * 600);
        if number < 14 {
            gate.set_links(
                vec![link(100 + number)],
                at(6_000 + u64::from(number) * 600),
            );
        }
    }
    assert!(gate.has_given_up());
}

#[test]
fn a_new_address_begins_anew_even_in_a_rest() {
    let mut gate = settled();
    for _ in 0..10 {
        contest(&mut gate, 6_000);
    }
    assert!(gate.has_given_up());
    gate.set_links(vec![link(9)], at(6_100));
    run(&mut [(9, &mut gate)], 6_100, 9_000);
    assert_eq!(gate.name(), Some("gate.local"));
}

#[test]
fn new_addresses_are_announced_and_the_end_is_told() {
    let mut gate = settled();
    gate.set_links(vec![link(9)], at(6_000));
    run(&mut [(9, &mut gate)], 6_000, 12_000);
    let told = asked(&mut gate, address(10), &query(&host(), A, true), 13_000).unwrap();
    assert_eq!(told.answers[0].data, [192, 168, 1, 9]);
    let goodbye = gate.goodbye();
    let told = Message::read(&goodbye[0].bytes).unwrap();
    assert!(told.answers.iter().all(|record| record.ttl == 0));
    assert_eq!(gateway(7, 8440).goodbye(), []);
}
