//! The RTSP byte stream: where it is cut makes no difference as long as there is no rubbish in it (how
//! much of that is skipped depends on what can be seen), and nothing over the limits comes out.
#![no_main]

use bartizan_media::rtsp::framing::{Framer, MAX_BODY, Piece};
use libfuzzer_sys::fuzz_target;

/// What came out of `pieces`, whether all were taken, and whether rubbish was skipped.
fn cut<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<String>, bool, bool) {
    let (mut framer, mut out, mut good) = (Framer::default(), Vec::new(), true);
    for piece in pieces {
        let fed = framer.feed(piece, &mut |piece| {
            let (Piece::Data { payload: body, .. } | Piece::Message { body, .. }) = &piece;
            assert!(body.len() <= MAX_BODY);
            out.push(format!("{piece:?}"));
        });
        if fed.is_err() {
            good = false;
            break;
        }
    }
    let rubbish = !format!("{framer:?}").ends_with("garbage: 0 }");
    (out, good, rubbish)
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, bytes) = input;
    let (whole, good, rubbish) = cut(std::iter::once(bytes));
    let (pieces, taken, _) = cut(bytes.chunks(usize::from(size).max(1)));
    if !rubbish {
        assert_eq!((whole, good), (pieces, taken));
    }
});
