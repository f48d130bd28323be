//! A sealer of random records: the right form and chain, without any key.

use bartizan_domain::wire::Writer;
use bartizan_domain::{
    CameraId, EpochId, Hash, KeyId, Rendition, SiteId, StreamId, Track, UtcMillis,
};
use bartizan_sealing::record::{Flags, Header, Kind, append_single, link};
use bartizan_sealing::{Scope, SegmentHeader};

/// The camera of number `n`.
pub(crate) fn camera(n: u8) -> CameraId {
    CameraId::new([n; 16])
}

/// The main stream of camera `n`.
pub(crate) fn main_of(n: u8) -> StreamId {
    StreamId {
        camera: camera(n),
        rendition: Rendition::Main,
    }
}

/// An epoch id as a sealer makes it.
pub(crate) fn epoch_id(start: UtcMillis, salt: u8) -> EpochId {
    let mut id = [salt; 16];
    id[..6].copy_from_slice(&start.0.to_be_bytes()[2..]);
    EpochId::new(id)
}

/// One stream's sealer.
#[derive(Debug, Clone)]
pub(crate) struct Sealer {
    pub(crate) stream: StreamId,
    pub(crate) epoch: EpochId,
    pub(crate) number: u64,
    pub(crate) counter: u64,
    chain: Hash,
    frames: u32,
    bytes: u64,
    noise: u64,
    running: bool,
}

impl Sealer {
    pub(crate) fn new(stream: StreamId) -> Self {
        let noise = u64::from_le_bytes(stream.camera.as_bytes()[..8].try_into().unwrap()) | 1;
        Self {
            stream,
            epoch: EpochId::new([1; 16]),
            number: 0,
            counter: 0,
            chain: Hash::ZERO,
            frames: 0,
            bytes: 0,
            noise,
            running: false,
        }
    }

    fn scope(&self) -> Scope {
        let site = SiteId::new([9; 16]);
        Scope {
            site,
            camera: self.stream.camera,
            epoch: self.epoch,
        }
    }

    fn noise(&mut self, len: usize) -> Vec<u8> {
        let mut body = Vec::with_capacity(len + 8);
        while body.len() < len {
            // xorshift64
            self.noise ^= self.noise << 13;
            self.noise ^= self.noise >> 7;
            self.noise ^= self.noise << 17;
            body.extend_from_slice(&self.noise.to_le_bytes());
        }
        body.truncate(len);
        body
    }

    fn push(&mut self, kind: Kind, key: bool, index: u32, body: &[u8], out: &mut Vec<u8>) {
        let flags = Flags { key, config: key };
        let body_len = u32::try_from(body.len()).unwrap();
        let (rendition, track) = (self.stream.rendition, Track::Video);
        let header = Header {
            body_len,
            kind,
            flags,
            rendition,
            track,
            index,
        };
        self.chain = link(&self.chain, &header.covered(), body);
        out.extend_from_slice(&header.encode(&self.chain));
        out.extend_from_slice(body);
        self.bytes += body.len() as u64 + 16;
    }

    /// Begins segment `self.number`.
    pub(crate) fn header(&mut self, start: UtcMillis) -> Vec<u8> {
        let mut out = Vec::new();
        let salt = self.noise(16).try_into().unwrap();
        let header = SegmentHeader {
            scope: self.scope(),
            rendition: self.stream.rendition,
            number: self.number,
            salt,
            start,
            session: 1,
            previous: self.chain,
            sealer: KeyId::new([4; 16]),
        };
        (self.chain, self.frames, self.bytes, self.running) = (Hash::ZERO, 0, 0, true);
        self.push(Kind::SegmentHeader, false, 0, &header.encode(), &mut out);
        out
    }

    /// One frame with a body of `len` bytes; the first of a segment is a keyframe.
    pub(crate) fn frame(&mut self, len: usize) -> Vec<u8> {
        let body = self.noise(len);
        let mut out = Vec::with_capacity(len + 16);
        self.push(Kind::Frame, self.frames == 0, self.frames, &body, &mut out);
        self.frames += 1;
        out
    }

    /// Ends the segment.
    pub(crate) fn close(&mut self, end: UtcMillis) -> Vec<u8> {
        let mut body = Writer::new();
        body.u64(self.number)
            .time(end)
            .u64(self.bytes)
            .fixed(&[7; 16]);
        let mut out = Vec::new();
        self.push(
            Kind::SegmentClose,
            false,
            self.frames,
            body.as_slice(),
            &mut out,
        );
        self.number += 1;
        self.running = false;
        out
    }

    /// A manifest that names the current segment.
    pub(crate) fn manifest(&mut self, time: UtcMillis) -> Vec<u8> {
        let mut body = Writer::new();
        body.u8(1)
            .fixed(&[9; 16])
            .fixed(self.stream.camera.as_bytes());
        body.u8(self.stream.rendition.code())
            .fixed(self.epoch.as_bytes())
            .fixed(&[4; 16]);
        body.fixed(&[0; 32])
            .u64(self.counter)
            .time(time)
            .fixed(&[0; 32]);
        match (self.running, self.number.checked_sub(1)) {
            (true, _) => body.u8(1).u64(self.number).u32(self.frames).u8(1),
            (false, Some(last)) => body.u8(1).u64(last).u32(self.frames).u8(2),
            (false, None) => body.u8(0),
        };
        if self.running || self.number > 0 {
            body.fixed(self.chain.as_bytes());
        }
        body.u8(0).fixed(&[3; 64]);
        self.counter += 1;
        let mut out = Vec::new();
        append_single(
            &mut out,
            Kind::Manifest,
            self.stream.rendition,
            body.as_slice(),
        );
        out
    }

    /// A whole segment of `frames` frames of `len` bytes over `millis`, and its manifest.
    pub(crate) fn segment(
        &mut self,
        start: UtcMillis,
        millis: u64,
        frames: usize,
        len: usize,
    ) -> Vec<u8> {
        let mut out = self.header(start);
        for _ in 0..frames {
            out.extend(self.frame(len));
        }
        let end = start.saturating_add(millis);
        out.extend(self.close(end));
        out.extend(self.manifest(end));
        out
    }

    /// Where the segment stands: frames and chain.
    pub(crate) fn head(&self) -> (u32, Hash) {
        (self.frames, self.chain)
    }
}

/// An envelope record of one wrap.
pub(crate) fn envelope(camera: CameraId, epoch: EpochId, start: UtcMillis) -> Vec<u8> {
    let mut body = Writer::new();
    body.u8(1)
        .fixed(&[9; 16])
        .fixed(camera.as_bytes())
        .fixed(epoch.as_bytes());
    body.fixed(&[4; 16])
        .time(start)
        .u64(1)
        .fixed(&[0; 32])
        .fixed(&[0; 32])
        .fixed(&[0; 64]);
    body.u16(1)
        .fixed(&[5; 16])
        .u16(0x20)
        .vec16(&[6; 32])
        .fixed(&[8; 48])
        .fixed(&[3; 64]);
    let mut out = Vec::new();
    append_single(&mut out, Kind::Envelope, Rendition::Main, body.as_slice());
    out
}
