//! Honest passkeys come in; each thing that can be wrong keeps them out. The standard's own examples (`WebAuthn` L3
//! §16) are judged as it says.

use data_encoding::HEXLOWER;
use proptest::prelude::*;
use serde_json::json;

use super::soft::{PRESENT, Soft, VERIFIED};
use super::*;

const ORIGIN: &str = "https://gateway.home:8443";
const MEMBER: MemberId = MemberId::new([11; 16]);
const OTHER: MemberId = MemberId::new([12; 16]);

fn at(seconds: u64) -> Monotonic {
    Monotonic::from_start(Duration::from_secs(seconds))
}

fn party() -> RelyingParty {
    RelyingParty::of_origin(ORIGIN).unwrap()
}

fn door() -> Passkeys {
    Passkeys::new(&Secret::new([1; 32]))
}

fn honest() -> Soft {
    Soft::new(ORIGIN, "gateway.home", MEMBER.as_bytes())
}

fn registers(door: &mut Passkeys, soft: &Soft) -> Result<Passkey, PasskeyError> {
    let ceremony = door.begin(&party(), Purpose::Register(MEMBER), [7; 32], at(0));
    let made = soft.creates(&ceremony);
    let registered = door.register((&party(), MEMBER), (&ceremony, &made), at(1))?;
    Ok(registered.named(name(), UtcMillis(5), false))
}

fn name() -> Name {
    Name::parse("Phone").unwrap()
}

/// A stored passkey and what holds its key.
fn registered() -> (Soft, Passkey) {
    let soft = honest();
    let passkey = registers(&mut door(), &soft).unwrap();
    (soft, passkey)
}

/// One answer, given at once, in a ceremony of its own.
fn asserts(
    door: &mut Passkeys,
    soft: &Soft,
    stored: Option<&Passkey>,
) -> Result<Asserted, PasskeyError> {
    let random = *sha256(&[&soft.counter.to_be_bytes(), &soft.id]).as_bytes();
    let ceremony = door.begin(&party(), Purpose::Assert, random, at(0));
    let answer = Answer::parse(&soft.gets(&ceremony))?;
    door.assert(&party(), (&ceremony, &answer), stored, at(1))
}

#[test]
fn g_15_an_honest_passkey_shows_its_member() {
    let (soft, mut passkey) = registered();
    assert_eq!(
        (passkey.rp_id.as_str(), passkey.member),
        ("gateway.home", MEMBER)
    );
    let mut door = door();
    let used = asserts(&mut door, &soft, Some(&passkey)).unwrap();
    assert_eq!(
        (used.member(), used.credential()),
        (MEMBER, passkey.lookup())
    );
    passkey.note(&used, UtcMillis(9)).unwrap();
    assert_eq!(passkey.last_used, Some(UtcMillis(9)));
    // The control is that nobody else comes in with what is known of it.
    let mut thief = honest();
    thief.id.clone_from(&soft.id);
    let refused = asserts(&mut door, &thief, Some(&passkey)).unwrap_err();
    assert_eq!(refused, PasskeyError::BadSignature);
}

#[test]
fn g_15_a_copied_passkey_is_noticed_by_its_counter() {
    let (mut soft, mut passkey) = registered();
    let mut door = door();
    soft.counter = 5;
    let used = asserts(&mut door, &soft, Some(&passkey)).unwrap();
    passkey.note(&used, UtcMillis(9)).unwrap();
    for counter in [5, 4, 0] {
        soft.counter = counter;
        let refused = asserts(&mut door, &soft, Some(&passkey)).unwrap_err();
        assert_eq!(refused, PasskeyError::CounterWentBack, "{counter}");
    }
    // Two uses at the same time are judged by the same stored counter; the second is not written down.
    assert_eq!(
        passkey.note(&used, UtcMillis(9)).unwrap_err(),
        PasskeyError::CounterWentBack
    );
}

#[test]
fn r_6_a_passkey_without_user_verification_is_refused() {
    for flags in [PRESENT, 0, VERIFIED & !PRESENT] {
        let mut soft = honest();
        soft.flags = flags;
        let refused = registers(&mut door(), &soft).unwrap_err();
        assert_eq!(refused, PasskeyError::NotVerified, "{flags:b}");
        let (mut soft, passkey) = registered();
        soft.flags = flags;
        let refused = asserts(&mut door(), &soft, Some(&passkey)).unwrap_err();
        assert_eq!(refused, PasskeyError::NotVerified, "{flags:b}");
    }
}

type Change = fn(&mut Soft);

#[test]
fn r_4_passkeys_that_answer_another_page_are_refused() {
    let changes: [Change; 6] = [
        |soft| soft.origin = "https://gateway.home.evil.example:8443".to_owned(),
        |soft| soft.origin = "http://gateway.home:8443".to_owned(),
        |soft| soft.origin = "https://gateway.home".to_owned(),
        |soft| soft.rp_id = "evil.example".to_owned(),
        |soft| soft.rp_id = "home".to_owned(),
        |soft| soft.cross_origin = true,
    ];
    for change in changes {
        let mut soft = honest();
        change(&mut soft);
        let refused = registers(&mut door(), &soft).unwrap_err();
        assert_eq!(refused, PasskeyError::OtherPage, "{}", soft.origin);
        let (mut soft, passkey) = registered();
        change(&mut soft);
        let refused = asserts(&mut door(), &soft, Some(&passkey)).unwrap_err();
        assert_eq!(refused, PasskeyError::OtherPage, "{}", soft.origin);
    }
}

#[test]
fn r_4_a_ceremony_counts_once_for_its_purpose_member_and_page_and_for_five_minutes() {
    const BAD: PasskeyError = PasskeyError::BadCeremony;
    let (soft, passkey) = registered();
    let mut door = door();
    let answer = |ceremony: &[u8]| Answer::parse(&soft.gets(ceremony)).unwrap();
    let begin = |door: &Passkeys, purpose| door.begin(&party(), purpose, [3; 32], at(0));
    let ceremony = begin(&door, Purpose::Assert);
    let mut asserts = |ceremony: &[u8], now| {
        let proof = (ceremony, &answer(ceremony));
        door.assert(&party(), proof, Some(&passkey), at(now)).err()
    };
    assert_eq!(asserts(&ceremony, 299), None);
    assert_eq!(asserts(&ceremony, 299), Some(BAD));
    let foreign = Passkeys::new(&Secret::new([2; 32]));
    for (ceremony, now) in [
        (begin(&foreign, Purpose::Assert), 1),
        (begin(&foreign, Purpose::Register(MEMBER)), 1),
        (
            foreign.begin(&party(), Purpose::Assert, [4; 32], at(0)),
            300,
        ),
        (Vec::new(), 1),
    ] {
        assert_eq!(asserts(&ceremony, now), Some(BAD));
    }
    let mut other = self::door();
    let late = other.begin(&party(), Purpose::Assert, [4; 32], at(0));
    let proof = (late.as_slice(), &answer(&late));
    let refused = other.assert(&party(), proof, Some(&passkey), at(300));
    assert_eq!(refused.unwrap_err(), BAD);
    let theirs = begin(&other, Purpose::Register(OTHER));
    let made = honest().creates(&theirs);
    for member in [MEMBER, MemberId::new([0; 16])] {
        let refused = other.register((&party(), member), (&theirs, &made), at(1));
        assert_eq!(refused.unwrap_err(), BAD);
    }
    let elsewhere = RelyingParty::of_origin("https://other.home:8443").unwrap();
    let refused = other.register((&elsewhere, OTHER), (&theirs, &made), at(1));
    assert_eq!(refused.unwrap_err(), BAD);
}

#[test]
fn r_4_an_answer_to_another_ceremony_is_refused() {
    let (soft, passkey) = registered();
    let mut door = door();
    let [first, second] =
        [3, 4].map(|random| door.begin(&party(), Purpose::Assert, [random; 32], at(0)));
    let answer = Answer::parse(&soft.gets(&first)).unwrap();
    let refused = door.assert(&party(), (&second, &answer), Some(&passkey), at(1));
    assert_eq!(refused.unwrap_err(), PasskeyError::BadCeremony);
    let ceremony = door.begin(&party(), Purpose::Register(MEMBER), [5; 32], at(0));
    let made = honest().creates(&first);
    let refused = door.register((&party(), MEMBER), (&ceremony, &made), at(1));
    assert_eq!(refused.unwrap_err(), PasskeyError::BadCeremony);
}

#[test]
fn foreign_and_removed_passkeys_and_those_of_other_members_are_refused() {
    let (soft, passkey) = registered();
    let mut door = door();
    for stored in [None, Some(&registered().1)] {
        let refused = asserts(&mut door, &soft, stored).unwrap_err();
        assert_eq!(refused, PasskeyError::Unknown);
    }
    for user in [OTHER.as_bytes().as_slice(), b""] {
        let mut soft = honest();
        let passkey = registers(&mut door, &soft);
        soft.user = user.to_vec();
        // The first registration spends its ceremony; the second one needs another door.
        let passkey = passkey
            .or_else(|_| registers(&mut self::door(), &soft))
            .unwrap();
        let refused = asserts(&mut door, &soft, Some(&passkey)).unwrap_err();
        assert_eq!(refused, PasskeyError::Unknown);
    }
    let moved = Passkey {
        rp_id: "other.home".to_owned(),
        ..passkey
    };
    let refused = asserts(&mut door, &soft, Some(&moved)).unwrap_err();
    assert_eq!(refused, PasskeyError::Unknown);
}

#[test]
fn what_may_be_copied_is_said_at_the_beginning_and_never_changes() {
    let mut soft = honest();
    soft.flags = VERIFIED | 0b1000;
    let passkey = registers(&mut door(), &soft).unwrap();
    assert!(passkey.backup_eligible);
    soft.flags = VERIFIED | 0b1_1000;
    assert!(asserts(&mut door(), &soft, Some(&passkey)).is_ok());
    soft.flags = VERIFIED;
    let refused = asserts(&mut door(), &soft, Some(&passkey)).unwrap_err();
    assert_eq!(refused, PasskeyError::Unknown);
    soft.flags = VERIFIED | 0b1_0000;
    let refused = asserts(&mut door(), &soft, Some(&passkey)).unwrap_err();
    assert!(matches!(refused, PasskeyError::Malformed(_)));
}

#[test]
fn secrets_are_sent_back() {
    let mut soft = honest();
    let secret = "b".repeat(43);
    for extensions in [
        json!({ "prf": { "enabled": true, "results": { "first": secret } } }),
        json!({ "hmacGetSecret": { "output1": secret } }),
        json!({ "largeBlob": { "blob": secret } }),
    ] {
        soft.extensions = extensions;
        let refused = registers(&mut door(), &soft).unwrap_err();
        assert_eq!(refused, PasskeyError::SecretSent);
        let refused = Answer::parse(&soft.gets(&[0; 72])).unwrap_err();
        assert_eq!(refused, PasskeyError::SecretSent);
    }
    soft.extensions = json!({ "prf": { "enabled": true }, "credProps": { "rk": true } });
    assert!(registers(&mut door(), &soft).is_ok());
}

#[test]
fn r_5_wrong_passkeys_are_slowed_and_lock_nobody_out() {
    let (soft, passkey) = registered();
    let (mut door, thief) = (door(), honest());
    for number in 0..=20 {
        let refused = asserts(&mut door, &thief, Some(&passkey)).unwrap_err();
        let slowed = matches!(refused, PasskeyError::TooMany { .. });
        assert_eq!(slowed, number == 20, "{number}");
    }
    assert!(asserts(&mut door, &soft, Some(&passkey)).is_ok());
}

#[test]
fn whoever_uses_a_passkey_too_often_slows_only_themselves() {
    let (soft, passkey) = registered();
    let mut door = door();
    for number in 0..=u8::try_from(MAX_SPENT).unwrap() {
        let ceremony = door.begin(&party(), Purpose::Assert, [number; 32], at(0));
        let answer = Answer::parse(&soft.gets(&ceremony)).unwrap();
        let result = door.assert(&party(), (&ceremony, &answer), Some(&passkey), at(1));
        let busy = matches!(result, Err(PasskeyError::Busy));
        assert_eq!(busy, usize::from(number) == MAX_SPENT, "{number}");
    }
    let mut others = Soft::new(ORIGIN, "gateway.home", OTHER.as_bytes());
    let ceremony = door.begin(&party(), Purpose::Register(OTHER), [1; 32], at(0));
    let made = others.creates(&ceremony);
    let theirs = door.register((&party(), OTHER), (&ceremony, &made), at(1));
    let theirs = theirs
        .unwrap()
        .named(Name::parse("Key").unwrap(), UtcMillis(5), false);
    others.counter = 1;
    assert!(asserts(&mut door, &others, Some(&theirs)).is_ok());
}

#[test]
fn begun_ceremonies_are_remembered_nowhere() {
    let door = door();
    let before = format!("{door:?}");
    for number in 0..10_000_u32 {
        let random = *sha256(&[&number.to_be_bytes()]).as_bytes();
        assert_eq!(
            door.begin(&party(), Purpose::Assert, random, at(0)).len(),
            CEREMONY_LEN
        );
    }
    assert_eq!(format!("{door:?}"), before);
}

#[test]
fn passkeys_belong_to_names() {
    for (origin, id) in [
        ("http://localhost:8440", "localhost"),
        ("https://gateway.local", "gateway.local"),
        ("https://cam1.home.arpa:8443", "cam1.home.arpa"),
        ("https://1e100.example", "1e100.example"),
    ] {
        let party = RelyingParty::of_origin(origin).unwrap();
        assert_eq!((party.origin(), party.id()), (origin, id));
    }
    for (origin, instead) in [
        ("http://127.0.0.1:8440", Some("http://localhost:8440")),
        ("https://[::1]:8440", Some("https://localhost:8440")),
        ("http://[::1]", Some("http://localhost")),
        ("https://192.168.1.7:8443", None),
        ("https://[fe80::1]:8443", None),
        ("https://127.1", None),
        ("https://0x7f.1", None),
        ("https://a.0x7f", None),
        ("https://192.168.1.7.", None),
        ("", None),
    ] {
        let refused = RelyingParty::of_origin(origin).unwrap_err();
        assert_eq!(refused.instead.as_deref(), instead, "{origin}");
    }
}

/// `WebAuthn` L3 §16.2 (ES256, no attestation) and §16.3 (self attestation, not looked at): what the standard's
/// authenticators say, with the challenges and the flags that it chose for them.
mod standard {
    use super::*;

    struct Example {
        id: &'static str,
        create: [&'static str; 3],
        get: [&'static str; 4],
        /// Whether the standard's example has user verification: at the registration, at the assertion.
        verified: [bool; 2],
    }

    const EXAMPLES: [Example; 2] = [
        Example {
            id: "f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4",
            create: [
                "00c30fb78531c464d2b6771dab8d7b603c01162f2fa486bea70f283ae556e130",
                "7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a22414d4d507434557878475453746e63647134313759447742466938767049612d7077386f4f755657345441222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e206d617920626520657874656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320746869733a20426b5165446a646354427258426941774a544c453551227d",
                "a363666d74646e6f6e656761747453746d74a068617574684461746158a4bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b559000000008446ccb9ab1db374750b2367ff6f3a1f0020f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4a5010203262001215820afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61225820930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220",
            ],
            get: [
                "39c0e7521417ba54d43e8dc95174f423dee9bf3cd804ff6d65c857c9abf4d408",
                "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b51900000000",
                "7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a224f63446e55685158756c5455506f334a5558543049393770767a7a59425039745a63685879617630314167222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73657d",
                "3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd380221008480ac0f0b93538174f575bf11a1dd5d78c6e486013f937295ea13653e331e87",
            ],
            verified: [false, false],
        },
        Example {
            id: "455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58c",
            create: [
                "7869c2b772d4b58eba9378cf8f29e26cf935aa77df0da89fa99c0bdc0a76f7e5",
                "7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a2265476e4374334c55745936366b336a506a796e6962506b31716e666644616966715a774c33417032392d55222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e206d617920626520657874656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320746869733a205539685458764b453255526b4d6e625f307859485667227d",
                "a363666d74667061636b65646761747453746d74a263616c672663736967584630440220067a20754ab925005dbf378097c92120031581c73228d1fb4f5b881bcd7da98302207fc7b147558c7c0eba3af18bd9d121fa3d3a26d17fe3f220272178f473b6006d68617574684461746158a4bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b55d00000000df850e09db6afbdfab51697791506cfc0020455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58ca5010203262001215820eb151c8176b225cc651559fecf07af450fd85802046656b34c18f6cf193843c5225820927b8aa427a2be1b8834d233a2d34f61f13bfd44119c325d5896e183fee484f2",
            ],
            get: [
                "4478a10b1352348dd160c1353b0d469b5db19eb91c27f7dfa6fed39fe26af20b",
                "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50900000000",
                "7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a225248696843784e534e493352594d45314f7731476d3132786e726b634a5f6666707637546e2d4a71386773222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e206d617920626520657874656e6465642077697468206164646974696f6e616c206669656c647320696e20746865206675747572652c207375636820617320746869733a206754623533727a36456853576f6d58477a696d433151227d",
                "304402203310b9431903c401f1be2bdc8d23a4007682dbbddcf846994947b7f465daf84002204e94dd00047b316061b3b99772b7efd95994a83ef584b3b6b825ea3550251b66",
            ],
            verified: [true, false],
        },
    ];

    fn unhex(text: &str) -> Vec<u8> {
        HEXLOWER.decode(text.as_bytes()).unwrap()
    }

    #[test]
    fn its_examples_are_read_as_it_says() {
        let party = RelyingParty::of_origin("https://example.org").unwrap();
        for example in EXAMPLES {
            let [challenge, client_data, object] = example.create.map(unhex);
            of_own_page(&client_data, Kind::Create, &party, &challenge).unwrap();
            let data = AuthenticatorData::parse(attestation_object(&object).unwrap()).unwrap();
            assert_eq!(verified(&data, &party).is_ok(), example.verified[0]);
            assert!(data.flags.present());
            let (id, key) = data.attested.unwrap();
            assert_eq!(id, unhex(example.id));
            let [challenge, authenticator_data, client_data, signature] = example.get.map(unhex);
            of_own_page(&client_data, Kind::Get, &party, &challenge).unwrap();
            let answer = Answer {
                id: id.to_vec(),
                client_data,
                authenticator_data,
                signature,
                user_handle: None,
            };
            assert!(key.verifies(&answer.signed(), &answer.signature));
            let data = AuthenticatorData::parse(&answer.authenticator_data).unwrap();
            assert_eq!(verified(&data, &party).is_ok(), example.verified[1]);
            let swapped = PublicKey::decode(key.as_bytes()).unwrap();
            assert!(!swapped.verifies(&answer.signed()[1..], &answer.signature));
        }
    }
}

/// What a real browser hands over, PRF and all.
#[test]
fn chromium_is_understood() {
    let recorded =
        include_str!("../../../../fixtures/passkey/chromium-156-virtual-authenticator.json");
    let recorded: Value = serde_json::from_str(recorded).unwrap();
    let party = RelyingParty::of_origin("http://localhost:8440").unwrap();
    let mut door = door();
    let begun = door.begin(&party, Purpose::Register(MEMBER), [7; 32], at(0));
    let made = (begun.as_slice(), &recorded["registration"]);
    let registered = door.register((&party, MEMBER), made, at(1)).unwrap();
    let mut passkey = registered.named(name(), UtcMillis(5), false);
    assert!(passkey.backup_eligible);
    let begun = door.begin(&party, Purpose::Assert, [8; 32], at(0));
    let answer = Answer::parse(&recorded["authentication"]).unwrap();
    let used = door
        .assert(&party, (&begun, &answer), Some(&passkey), at(1))
        .unwrap();
    passkey.note(&used, UtcMillis(6)).unwrap();
    assert_eq!((used.member(), passkey.counter), (MEMBER, 2));
}

/// Other kinds of keys, each with a signature of its own.
mod keys {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};

    use super::*;

    #[test]
    fn eddsa_and_rs256_are_understood() {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let public = pair.public_key().as_ref();
        let cose = [
            b"\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20".as_slice(),
            public,
        ]
        .concat();
        let key = PublicKey::decode(&cose).unwrap();
        assert!(key.verifies(b"message", pair.sign(b"message").as_ref()));
        assert!(!key.verifies(b"another", pair.sign(b"message").as_ref()));

        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        // RFC 8017 §A.1.1 in DER: 9 bytes of heads with a zero, the modulus, 2 bytes of head, the exponent.
        let public = pair.public_key().as_ref();
        let (n, e) = (&public[9..265], &public[267..]);
        let head = b"\xa4\x01\x03\x03\x39\x01\x00\x20\x59\x01\x00".as_slice();
        let cose = [head, n, b"\x21\x43", e].concat();
        let key = PublicKey::decode(&cose).unwrap();
        let mut signature = vec![0; pair.public_modulus_len()];
        let random = SystemRandom::new();
        pair.sign(&RSA_PKCS1_SHA256, &random, b"message", &mut signature)
            .unwrap();
        assert!(key.verifies(b"message", &signature));
        assert!(!key.verifies(b"another", &signature));
    }

    #[test]
    fn keys_that_are_none_are_refused() {
        let point = [7_u8; 32];
        let head = b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20".as_slice();
        let off_curve = [head, &point, b"\x22\x58\x20", &point].concat();
        let ed = |curve: u8| {
            [
                &[0xa4, 1, 1, 3, 0x27, 0x20, curve, 0x21, 0x58, 0x20],
                point.as_slice(),
            ]
            .concat()
        };
        let small_rsa = [
            b"\xa4\x01\x03\x03\x39\x01\x00\x20\x58\x80".as_slice(),
            &[0x81; 128],
            b"\x21\x43\x01\x00\x01",
        ]
        .concat();
        for wrong in [
            Vec::new(),
            b"\xa0".to_vec(),
            off_curve,
            ed(4),
            [ed(6), vec![0]].concat(),
            small_rsa,
            b"\xbf\xff".to_vec(),
        ] {
            assert!(PublicKey::decode(&wrong).is_err(), "{wrong:02x?}");
        }
    }
}

type Field = fn(&mut Answer) -> &mut Vec<u8>;

#[test]
fn a_cut_or_changed_answer_is_never_good() {
    let (soft, passkey) = registered();
    let mut door = door();
    let ceremony = door.begin(&party(), Purpose::Assert, [9; 32], at(0));
    let good = Answer::parse(&soft.gets(&ceremony)).unwrap();
    let fields: [Field; 3] = [
        |answer| &mut answer.client_data,
        |answer| &mut answer.authenticator_data,
        |answer| &mut answer.signature,
    ];
    for field in fields {
        for cut in 0..field(&mut good.clone()).len() {
            for changed in [true, false] {
                let mut answer = good.clone();
                if changed {
                    field(&mut answer)[cut] ^= 1;
                } else {
                    field(&mut answer).truncate(cut);
                }
                let result = door.assert(&party(), (&ceremony, &answer), Some(&passkey), at(1));
                assert!(result.is_err(), "{cut}");
            }
        }
    }
    assert!(
        door.assert(&party(), (&ceremony, &good), Some(&passkey), at(1))
            .is_ok()
    );
}

proptest! {
    #[test]
    fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _parsed = AuthenticatorData::parse(&bytes).is_ok();
        let _found = attestation_object(&bytes).is_ok();
        prop_assert!(PublicKey::decode(&bytes).is_err());
    }

    #[test]
    fn foreign_origins_never_panic(text in ".{0,60}") {
        let named = RelyingParty::of_origin(&text);
        prop_assert!(named.is_err() || !named.unwrap().id().is_empty());
    }

    #[test]
    fn foreign_documents_never_panic(id in "[A-Za-z0-9_-]{0,8}", kind in "(public-key)?") {
        let document = json!({ "id": id, "rawId": id, "type": kind, "response": {
            "clientDataJSON": id, "authenticatorData": id, "signature": id, "userHandle": id } });
        let answer = Answer::parse(&document);
        prop_assert!(answer.is_err() || kind == "public-key");
    }
}
