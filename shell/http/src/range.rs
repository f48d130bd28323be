//! The `Range` header of one byte range (RFC 9110 §14.1.2), against what is kept of a stream.
//!
//! Several ranges in one request are refused: nobody of ours sends them, and they multiply work.

use std::ops::Range;

/// What a `Range` header asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ByteRange {
    /// From a first byte to a last one, both included.
    FromTo(u64, u64),
    /// From a byte to the end.
    From(u64),
    /// The last so many bytes.
    Last(u64),
}

/// A header that can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "one range like `bytes=0-1023`, `bytes=1024-` or `bytes=-1024` is expected in the Range header"
)]
pub(crate) struct BadRange;

impl ByteRange {
    /// Reads the header's value.
    pub(crate) fn parse(value: &str) -> Result<Self, BadRange> {
        let (unit, range) = value.split_once('=').ok_or(BadRange)?;
        let (first, last) = range.trim().split_once('-').ok_or(BadRange)?;
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return Err(BadRange);
        }
        match (first, last) {
            ("", last) => Ok(Self::Last(digits(last)?)),
            (first, "") => Ok(Self::From(digits(first)?)),
            (first, last) => {
                let (first, last) = (digits(first)?, digits(last)?);
                if first > last {
                    return Err(BadRange);
                }
                Ok(Self::FromTo(first, last))
            }
        }
    }

    /// The bytes that are meant, of those that are kept; `None` when the first of them is not kept (any
    /// more, or yet), which is not satisfiable (RFC 9110 §14.1.2).
    pub(crate) fn within(self, kept: &Range<u64>) -> Option<Range<u64>> {
        let range = match self {
            Self::FromTo(first, last) => first..last.saturating_add(1).min(kept.end),
            Self::From(first) => first..kept.end,
            Self::Last(count) => kept.end.saturating_sub(count).max(kept.start)..kept.end,
        };
        (range.start >= kept.start && range.start < range.end).then_some(range)
    }
}

fn digits(text: &str) -> Result<u64, BadRange> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(BadRange);
    }
    text.parse().map_err(|_overflow| BadRange)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_three_forms_are_read() {
        assert_eq!(ByteRange::parse("bytes=0-0"), Ok(ByteRange::FromTo(0, 0)));
        assert_eq!(ByteRange::parse("Bytes=5-"), Ok(ByteRange::From(5)));
        assert_eq!(ByteRange::parse("bytes=-7"), Ok(ByteRange::Last(7)));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-4",
            "bytes=0-1,4-5",
            "bytes=+1-2",
            "bytes=1-2-3",
            "bytes=a-b",
            "items=0-1",
            "bytes=18446744073709551616-",
        ] {
            assert_eq!(ByteRange::parse(text), Err(BadRange), "{text}");
        }
    }

    #[test]
    fn only_kept_bytes_are_given() {
        let kept = 100..200;
        assert_eq!(ByteRange::FromTo(100, 199).within(&kept), Some(100..200));
        assert_eq!(
            ByteRange::FromTo(150, u64::MAX).within(&kept),
            Some(150..200)
        );
        assert_eq!(ByteRange::From(199).within(&kept), Some(199..200));
        assert_eq!(ByteRange::Last(10).within(&kept), Some(190..200));
        assert_eq!(ByteRange::Last(u64::MAX).within(&kept), Some(100..200));
        for gone in [
            ByteRange::FromTo(99, 150),
            ByteRange::From(200),
            ByteRange::Last(0),
        ] {
            assert_eq!(gone.within(&kept), None, "{gone:?}");
        }
        assert_eq!(ByteRange::Last(5).within(&(7..7)), None);
    }

    proptest! {
        #[test]
        fn whatever_is_asked_stays_within(text in "bytes=[0-9]{0,20}-[0-9]{0,20}", a in any::<u64>(), b in any::<u64>()) {
            let kept = a.min(b)..a.max(b);
            if let Some(range) = ByteRange::parse(&text).ok().and_then(|range| range.within(&kept)) {
                prop_assert!(kept.start <= range.start && range.start < range.end && range.end <= kept.end);
            }
        }

        #[test]
        fn foreign_text_never_panics(text in ".{0,64}") {
            prop_assert!(ByteRange::parse(&text).is_err() || text.contains('='));
        }
    }
}
