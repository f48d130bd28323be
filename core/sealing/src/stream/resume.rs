//! Where a stream goes on: what its sealer knows and what its recorder has, as one.
//!
//! Neither is asked or believed here beyond that: whether a manifest is the sealer's own is for the caller to check.

use bartizan_domain::{Hash, UtcMillis};

use super::Position;
use crate::segment::SegmentEnd;

/// Where a stream stood when its last sealer or recorder stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resume {
    /// Counter, hash and time of the last manifest.
    pub manifest: Option<(u64, Hash, UtcMillis)>,
    /// The last segment as the recorder has it, when no manifest closed it.
    pub tail: Option<SegmentEnd>,
    /// The last moment that is known to be recorded.
    pub until: Option<UtcMillis>,
    /// The number of the next segment.
    pub next_segment: u64,
    /// Segments from this number on, up to `next_segment`, never reached the disk.
    pub lost_from: Option<u64>,
}

/// What the recorder has of a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Counter, hash and time of the last manifest.
    pub manifest: Option<(u64, Hash, UtcMillis)>,
    /// The last segment, and the last moment that it speaks of.
    pub tail: Option<(SegmentEnd, UtcMillis)>,
    /// No segment has a number as high as this.
    pub next_segment: u64,
}

impl Resume {
    /// A stream that never was.
    pub const FRESH: Self = Self {
        manifest: None,
        tail: None,
        until: None,
        next_segment: 0,
        lost_from: None,
    };

    /// Joins what the sealer wrote down itself, if it has, with what the recorder has. No counter or number is used
    /// again that either of them knows, and each number that is left out counts as lost.
    pub fn join(own: Option<Position>, recorded: &Recorded) -> Self {
        let time = recorded.manifest.map(|(_, _, time)| time);
        let until = recorded.tail.map(|(_, end)| end).max(time);
        let own_manifest = own
            .and_then(|own| Some((own.counter.checked_sub(1)?, own.manifest)))
            .map(|(counter, hash)| (counter, hash, until.unwrap_or_default()));
        let manifest = match (own_manifest, recorded.manifest) {
            (Some(own), Some(recorded)) if own.0 > recorded.0 => Some(own),
            (own, recorded) => recorded.or(own),
        };
        let own_next = own.map_or(0, |own| own.next_segment);
        let next_segment = recorded.next_segment.max(own_next);
        // The recorder may count numbers of which it has no segment (any more).
        let behind_tail = recorded.tail.map(|(tail, _)| tail.number.saturating_add(1));
        let lost_from = behind_tail.unwrap_or(recorded.next_segment);
        Self {
            manifest,
            tail: recorded.tail.map(|(tail, _)| tail),
            until,
            next_segment,
            lost_from: (lost_from < next_segment).then_some(lost_from),
        }
    }
}
