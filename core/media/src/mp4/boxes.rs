//! The shape of ISO BMFF boxes (14496-12 §4.2): a 32-bit size that is filled in when the box ends.
//!
//! The limits of [`super`] keep every box below 4 GiB; `mdat` alone has a 64-bit size and is not made
//! here.

/// Boxes being written.
#[derive(Debug, Default)]
pub(super) struct Boxes {
    bytes: Vec<u8>,
}

impl Boxes {
    pub(super) fn into_vec(self) -> Vec<u8> {
        self.bytes
    }

    /// A box of type `kind` with what `body` writes.
    pub(super) fn boxed(&mut self, kind: [u8; 4], body: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.u32(0).bytes(&kind);
        body(self);
        let len = self.bytes.len().saturating_sub(start);
        let len = u32::try_from(len).expect("the limits keep an index below 4 GiB");
        if let Some(size) = self
            .bytes
            .get_mut(start..)
            .and_then(<[u8]>::first_chunk_mut)
        {
            *size = len.to_be_bytes();
        }
    }

    /// A `FullBox` (14496-12 §4.2.2).
    pub(super) fn full(
        &mut self,
        kind: [u8; 4],
        version: u8,
        flags: u32,
        body: impl FnOnce(&mut Self),
    ) {
        self.boxed(kind, |out| {
            out.u32(u32::from(version) << 24 | flags & 0x00ff_ffff);
            body(out);
        });
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    pub(super) fn zeros(&mut self, count: usize) -> &mut Self {
        self.bytes.resize(self.bytes.len().saturating_add(count), 0);
        self
    }

    pub(super) fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(super) fn i16(&mut self, value: i16) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(super) fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(super) fn i32(&mut self, value: i32) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(super) fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(super) fn i64(&mut self, value: i64) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    /// The number of entries of a table.
    pub(super) fn count(&mut self, count: usize) -> &mut Self {
        self.u32(u32::try_from(count).expect("the limits keep tables below 2^26 entries"))
    }

    /// The unity matrix of headers (14496-12 §6.2.2).
    pub(super) fn matrix(&mut self) -> &mut Self {
        for value in [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000] {
            self.u32(value);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_filled_in() {
        let mut out = Boxes::default();
        out.boxed(*b"moov", |out| {
            out.full(*b"abcd", 1, 2, |out| {
                out.bytes(&[9]);
            });
        });
        let expected = b"\0\0\0\x15moov\0\0\0\x0dabcd\x01\0\0\x02\x09";
        assert_eq!(out.into_vec(), expected);
    }
}
