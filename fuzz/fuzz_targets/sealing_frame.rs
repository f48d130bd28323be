//! What a member who holds the epoch's secret can put into a frame or a close: any clear text under a good tag.
#![no_main]

use bartizan_domain::{Hash, Rendition, Track};
use bartizan_fuzz::{SCOPE, START, epoch, key, seal_frame};
use bartizan_sealing::record::{Flags, Header, check_of, link};
use bartizan_sealing::segment::MAX_CONFIG;
use bartizan_sealing::{Kind, Record, SegmentHeader, SegmentOpener};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (choice, clear) = input;
    let segment = SegmentHeader {
        scope: SCOPE,
        rendition: Rendition::Main,
        number: 7,
        salt: [5; 16],
        start: START,
        session: 1,
        previous: Hash::ZERO,
        sealer: key(4).public().id(),
    };
    let body = segment.encode();
    let plain = |kind, len: usize, flags, track| Header {
        body_len: u32::try_from(len).expect("fuzzers' inputs are short"),
        kind,
        flags,
        rendition: Rendition::Main,
        track,
        index: 0,
    };
    let begin = plain(
        Kind::SegmentHeader,
        body.len(),
        Flags::default(),
        Track::Video,
    );
    let id = link(&Hash::ZERO, &begin.covered(), &body);
    let begin = [begin.encode(&id).as_slice(), &body].concat();
    let (begin, _) = Record::split(&begin).expect("ours").expect("whole");
    let mut opener = SegmentOpener::begin(&epoch(), &begin).expect("our own segment");

    let flags = Flags {
        key: choice & 1 != 0,
        config: choice & 2 != 0,
    };
    let track = Track::from_code(choice >> 2 & 3).expect("two bits");
    let header = plain(Kind::Frame, clear.len() + 16, flags, track);
    let sealed = seal_frame(&segment, &id, &header, clear);
    let chain = link(&id, &header.covered(), &sealed);
    let frame = [header.encode(&chain).as_slice(), &sealed].concat();
    let (frame, _) = Record::split(&frame).expect("ours").expect("whole");
    assert_eq!(check_of(&chain), frame.check);
    if let Ok(opened) = opener.frame(&frame) {
        assert_eq!((opened.key, opened.track), (flags.key, track));
        assert!(opened.decode_offset <= 0);
        assert!(
            opened
                .config
                .is_none_or(|config| config.len() <= MAX_CONFIG)
        );
    }

    let close = plain(
        Kind::SegmentClose,
        clear.len(),
        Flags::default(),
        Track::Video,
    );
    let close = [close.encode(&Hash::ZERO).as_slice(), clear].concat();
    let (close, _) = Record::split(&close).expect("ours").expect("whole");
    assert!(opener.close(&close).is_err());
});
