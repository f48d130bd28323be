//! Video packets into access units: H.264 (RFC 6184, packetization modes 0 and 1) and H.265
//! (RFC 7798, without DONL).
//!
//! Where an access unit ends is told by the marker bit, by the timestamp and by the first slice of a
//! picture, because each of them is wrong in some camera. The first pictures are held until the next
//! one begins; when the marker proved right, later ones are given away at once. Parameter sets are
//! taken out, delimiters and filler dropped, everything else is kept: signatures live in SEI. An access
//! unit with a missing middle is never given away. Interleaved modes are not read.

mod payload;
mod sets;
#[cfg(test)]
mod tests;

pub use sets::VideoParameters;

use bartizan_domain::limits::MAX_ACCESS_UNIT;

use self::payload::{Header, Piece, Start};
use self::sets::Sets;
use super::Packet;
use crate::codec::{h264, h265, nal};

/// Access units whose marker must be right before it is trusted.
const LESSONS: u8 = 2;

/// How video is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavor {
    /// H.264.
    H264,
    /// H.265.
    H265,
}

/// A whole access unit without times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assembled {
    /// Parameters that changed with it.
    pub parameters: Option<VideoParameters>,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Decoding can start here.
    pub key: bool,
    /// Packets that were lost before it, and access units that were unusable.
    pub lost: u32,
    /// Length-prefixed NAL units.
    pub data: Vec<u8>,
}

/// How the end of an access unit is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Boundary {
    /// By the next one's beginning; this many access units have had a right marker.
    Learning(u8),
    /// By the marker.
    Marker,
    /// By the next one's beginning, for the marker is on every slice.
    Next,
}

/// The access unit that is being put together.
#[derive(Debug, Default)]
struct Pending {
    timestamp: u32,
    data: Vec<u8>,
    /// Where the length of the NAL unit that is being written stands.
    open: Option<usize>,
    nals: usize,
    has_slice: bool,
    rasl: bool,
    /// Type of its random access slices (H.265).
    irap: Option<u8>,
    /// The marker was set, and nothing followed.
    marked: bool,
    /// Something of it is missing or unreadable.
    damaged: bool,
}

/// Puts one video track's access units together.
#[derive(Debug)]
pub struct Assembler {
    flavor: Flavor,
    sets: Sets,
    boundary: Boundary,
    pending: Option<Pending>,
    /// The rest of the access unit with this timestamp is not wanted.
    skip: Option<u32>,
    /// Timestamp of the access unit that was given away last.
    finished: Option<u32>,
    /// The next packet may be in the middle of an access unit.
    unsure: bool,
    lost: u32,
    capacity: usize,
    seen_key: bool,
    /// Leading pictures refer to what was never had.
    skip_rasl: bool,
}

impl Assembler {
    /// Starts with the parameter sets that the session description gave, as NAL units.
    pub fn new(flavor: Flavor, from_description: &[Vec<u8>]) -> Self {
        let mut sets = Sets::new(flavor);
        for nal in from_description {
            sets.offer(nal);
        }
        Self {
            flavor,
            sets,
            boundary: Boundary::Learning(0),
            pending: None,
            skip: None,
            finished: None,
            unsure: true,
            lost: 0,
            capacity: 4_096,
            seen_key: false,
            skip_rasl: true,
        }
    }

    /// Parameters known from the session description alone; call once, before the first packet.
    pub fn initial_parameters(&mut self) -> Option<VideoParameters> {
        self.sets.changed()
    }

    /// Takes the next packet, before which `lost` are missing; gives away up to two access units.
    pub fn push(&mut self, packet: &Packet<'_>, lost: u32, out: &mut dyn FnMut(Assembled)) {
        if lost > 0 {
            self.note_loss(packet.timestamp, lost, out);
        }
        if self.skips(packet) {
            return;
        }
        let start = payload::peek(self.flavor, packet.payload);
        self.divide(packet, start, out);
        if self.repeats_finished(packet, start) {
            return;
        }
        if self.pending.is_none() && !self.begin(packet.timestamp, start) {
            self.skip = (!packet.marker).then_some(packet.timestamp);
            return;
        }
        self.unsure = false;
        self.take(packet);
        if packet.marker {
            self.mark(out);
        }
    }

    /// Forgets what is unfinished, because the sender started anew.
    pub fn restart(&mut self) {
        if self.pending.take().is_some() {
            self.lost = self.lost.saturating_add(1);
        }
        (self.skip, self.finished, self.unsure) = (None, None, true);
    }

    /// Gives the pending access unit away if its last packet was marked.
    pub fn flush(&mut self, out: &mut dyn FnMut(Assembled)) {
        if self.pending.as_ref().is_some_and(|p| p.marked) {
            self.finish(out);
        }
    }

    /// Packets are missing: what is pending is whole, or spoilt.
    fn note_loss(&mut self, timestamp: u32, lost: u32, out: &mut dyn FnMut(Assembled)) {
        match self.pending.as_ref() {
            Some(pending) if pending.marked => self.finish(out),
            Some(pending) => {
                self.skip = (pending.timestamp == timestamp).then_some(timestamp);
                self.pending = None;
            }
            None => {}
        }
        self.lost = self.lost.saturating_add(lost);
        self.unsure = true;
    }

    /// Whether `packet` belongs to an access unit that is not wanted.
    fn skips(&mut self, packet: &Packet<'_>) -> bool {
        if self.skip != Some(packet.timestamp) {
            self.skip = None;
            return false;
        }
        if packet.marker && self.boundary != Boundary::Next {
            self.skip = None;
            self.finished = Some(packet.timestamp);
            self.unsure = true;
        }
        true
    }

    /// Ends the pending access unit if `packet` is of the next one.
    fn divide(&mut self, packet: &Packet<'_>, start: Start, out: &mut dyn FnMut(Assembled)) {
        let Some(pending) = self.pending.as_mut() else {
            return;
        };
        if pending.timestamp != packet.timestamp {
            if pending.is_picture() {
                self.finish(out);
            } else {
                // Parameter sets stamped unlike their picture.
                pending.timestamp = packet.timestamp;
            }
        } else if pending.marked && matches!(start, Start::Before | Start::FirstSlice) {
            self.finish(out);
        } else if pending.marked && start == Start::LaterSlice {
            pending.marked = false;
            self.boundary = Boundary::Next;
        }
    }

    /// Whether `packet` continues an access unit that was given away too early; then the marker is not
    /// trusted any more.
    fn repeats_finished(&mut self, packet: &Packet<'_>, start: Start) -> bool {
        let repeats = self.pending.is_none()
            && self.finished == Some(packet.timestamp)
            && start == Start::LaterSlice;
        if repeats {
            if !self.unsure {
                self.boundary = Boundary::Next;
                self.lost = self.lost.saturating_add(1);
            }
            self.skip = Some(packet.timestamp);
        }
        repeats
    }

    /// Whether an access unit can begin with a packet that starts so.
    fn begin(&mut self, timestamp: u32, start: Start) -> bool {
        if self.unsure && matches!(start, Start::Continuation | Start::LaterSlice) {
            return false;
        }
        self.pending = Some(Pending {
            timestamp,
            data: Vec::with_capacity(self.capacity),
            ..Pending::default()
        });
        true
    }

    fn take(&mut self, packet: &Packet<'_>) {
        let Some(mut pending) = self.pending.take() else {
            return;
        };
        let whole = payload::unpack(self.flavor, packet.payload, &mut |piece| {
            self.add(&mut pending, piece);
        });
        pending.damaged |= whole.is_err();
        self.pending = Some(pending);
    }

    fn add(&mut self, pending: &mut Pending, piece: Piece<'_>) {
        match piece {
            Piece::Whole(nal) => {
                self.close_nal(pending);
                pending.open_nal();
                pending.append(nal);
                self.close_nal(pending);
            }
            Piece::Fragment {
                header,
                start,
                end,
                data,
            } => {
                if start || pending.open.is_none() {
                    // Without loss, a fragment that lacks its start bit is a camera's mistake.
                    self.close_nal(pending);
                    pending.open_nal();
                    pending.append(header.as_bytes());
                }
                pending.append(data);
                if end {
                    self.close_nal(pending);
                }
            }
        }
    }

    /// Ends the NAL unit that is being written: keeps it, takes it out or drops it.
    fn close_nal(&mut self, pending: &mut Pending) {
        let Some(at) = pending.open.take() else {
            return;
        };
        let body = at.saturating_add(nal::LENGTH_SIZE);
        let unit = pending.data.get(body..).unwrap_or(&[]);
        let kept = match self.flavor {
            Flavor::H264 => keep_h264(unit),
            Flavor::H265 => keep_h265(unit),
        };
        match kept {
            Kept::Dropped => pending.data.truncate(at),
            Kept::ParameterSet => {
                if !pending.has_slice {
                    self.sets.offer(unit);
                }
                pending.data.truncate(at);
            }
            Kept::Other => pending.seal_nal(at),
            Kept::Slice { rasl, irap } => {
                pending.has_slice = true;
                pending.rasl |= rasl;
                pending.irap = pending.irap.or(irap);
                pending.seal_nal(at);
            }
        }
    }

    /// The marker bit was set on the packet just taken.
    fn mark(&mut self, out: &mut dyn FnMut(Assembled)) {
        let Some(mut pending) = self.pending.take() else {
            return;
        };
        self.close_nal(&mut pending);
        pending.marked = pending.is_picture();
        let now = pending.marked && self.boundary == Boundary::Marker;
        self.pending = Some(pending);
        if now {
            self.finish(out);
        }
    }

    fn finish(&mut self, out: &mut dyn FnMut(Assembled)) {
        let Some(mut pending) = self.pending.take() else {
            return;
        };
        if pending.open.is_some() {
            // The timestamp changed within a fragmented NAL unit.
            pending.damaged = true;
        }
        self.finished = Some(pending.timestamp);
        self.learn(pending.marked);
        let key = match self.flavor {
            Flavor::H264 => h264::is_key(&pending.data),
            Flavor::H265 => h265::is_key(&pending.data),
        };
        let (false, Ok(key)) = (pending.damaged, key) else {
            self.lost = self.lost.saturating_add(1);
            return;
        };
        if self.is_undecodable_leading(&pending, key) {
            return;
        }
        if !key {
            // Keyframes are many times larger: for them the buffer grows instead.
            self.capacity = pending.data.len().saturating_add(pending.data.len() / 4);
        }
        out(Assembled {
            parameters: self.sets.changed(),
            timestamp: pending.timestamp,
            key,
            lost: std::mem::take(&mut self.lost),
            data: pending.data,
        });
    }

    fn learn(&mut self, marked: bool) {
        if let (Boundary::Learning(lessons), true) = (self.boundary, marked) {
            self.boundary = match lessons.saturating_add(1) {
                LESSONS => Boundary::Marker,
                lessons => Boundary::Learning(lessons),
            };
        }
    }

    /// RASL pictures after the random access point that decoding started at (23008-2 §8.1.3).
    fn is_undecodable_leading(&mut self, pending: &Pending, key: bool) -> bool {
        if let Some(irap) = pending.irap {
            let broken_link = matches!(irap, 16..=18);
            self.skip_rasl = !self.seen_key || broken_link;
        }
        self.seen_key |= key;
        pending.rasl && self.skip_rasl
    }
}

impl Pending {
    /// Whether there is something of a picture in it, if only rubbish; else it is what stands before.
    const fn is_picture(&self) -> bool {
        self.has_slice || self.damaged
    }

    fn open_nal(&mut self) {
        self.nals = self.nals.saturating_add(1);
        self.damaged |= self.nals > nal::MAX_NALS;
        self.open = Some(self.data.len());
        self.append(&[0; nal::LENGTH_SIZE]);
    }

    /// Adds bytes; an access unit that would pass its limit keeps none.
    fn append(&mut self, bytes: &[u8]) {
        if self.data.len().saturating_add(bytes.len()) > MAX_ACCESS_UNIT {
            self.damaged = true;
        }
        if self.damaged {
            self.data = Vec::new();
            self.open = self.open.map(|_| 0);
        } else {
            self.data.extend_from_slice(bytes);
        }
    }

    /// Writes the length of the NAL unit that started at `at`; an empty one vanishes.
    fn seal_nal(&mut self, at: usize) {
        let body = at.saturating_add(nal::LENGTH_SIZE);
        let len = self.data.len().saturating_sub(body);
        match (u32::try_from(len), self.data.get_mut(at..body)) {
            (Ok(1..), Some(field)) => {
                let len = u32::try_from(len).unwrap_or(u32::MAX);
                field.copy_from_slice(&len.to_be_bytes());
            }
            _ => self.data.truncate(at),
        }
    }
}

/// What becomes of a NAL unit.
enum Kept {
    Dropped,
    Other,
    ParameterSet,
    Slice { rasl: bool, irap: Option<u8> },
}

fn keep_h264(unit: &[u8]) -> Kept {
    match h264::NalType::of(unit) {
        None | Some(h264::NalType::DELIMITER | h264::NalType::FILLER) => Kept::Dropped,
        Some(h264::NalType::SPS | h264::NalType::PPS) => Kept::ParameterSet,
        Some(kind) if kind.is_slice() => Kept::Slice {
            rasl: false,
            irap: None,
        },
        Some(_) => Kept::Other,
    }
}

fn keep_h265(unit: &[u8]) -> Kept {
    match h265::NalType::of(unit) {
        None | Some(h265::NalType::DELIMITER | h265::NalType::FILLER) => Kept::Dropped,
        Some(kind) if kind.is_parameter_set() => Kept::ParameterSet,
        Some(kind) if kind.is_slice() => Kept::Slice {
            rasl: kind.is_rasl(),
            irap: kind.is_irap().then_some(kind.code()),
        },
        Some(_) => Kept::Other,
    }
}

/// The first slice of a picture begins with a set bit: `first_mb_in_slice` 0 (14496-10 §7.3.3) or
/// `first_slice_segment_in_pic_flag` (23008-2 §7.3.6.1).
const fn begins_picture(first_byte: u8) -> bool {
    first_byte & 0x80 != 0
}

impl Flavor {
    /// Bytes of a NAL unit's header.
    const fn header_len(self) -> usize {
        match self {
            Self::H264 => 1,
            Self::H265 => 2,
        }
    }

    /// What a NAL unit with this header and first payload byte says about access units.
    fn start_of(self, header: Header, first: Option<u8>) -> Start {
        let bytes = header.as_bytes();
        let (slice, before) = match self {
            Self::H264 => h264::NalType::of(bytes)
                .map_or((false, false), |t| (t.is_slice(), t.begins_access_unit())),
            Self::H265 => h265::NalType::of(bytes)
                .map_or((false, false), |t| (t.is_slice(), t.begins_access_unit())),
        };
        match first {
            Some(first) if slice && begins_picture(first) => Start::FirstSlice,
            _ if slice => Start::LaterSlice,
            _ if before => Start::Before,
            _ => Start::Other,
        }
    }
}
