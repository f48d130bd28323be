//! The RTSP byte stream: where it is cut makes no difference, and nothing over the limits comes out.
#![no_main]

use bartizan_media::rtsp::framing::{Framer, MAX_BODY, Piece};
use libfuzzer_sys::fuzz_target;

/// What came out of `pieces`, and whether all were taken.
fn cut<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<String>, bool) {
    let (mut framer, mut out) = (Framer::default(), Vec::new());
    for piece in pieces {
        let fed = framer.feed(piece, &mut |piece| {
            let (Piece::Data { payload: body, .. } | Piece::Message { body, .. }) = &piece;
            assert!(body.len() <= MAX_BODY);
            out.push(format!("{piece:?}"));
        });
        if fed.is_err() {
            return (out, false);
        }
    }
    (out, true)
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, bytes) = input;
    let whole = cut(std::iter::once(bytes));
    let pieces = cut(bytes.chunks(usize::from(size).max(1)));
    assert_eq!(whole, pieces);
});
