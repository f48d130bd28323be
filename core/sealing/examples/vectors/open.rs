//! An epoch in the hands of someone who holds its secret: a sealer, a member, a thief.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf;
use bartizan_domain::{Hash, Rendition, Secret, Track};
use bartizan_sealing::record::{Flags, Header, link};
use bartizan_sealing::{EpochSecret, Frame, Kind, Scope, SegmentHeader, SegmentSealer};

use crate::edit::Bytes;
use crate::film::{audio_config, split, video_config};
use crate::house::{SEALER_KEY, T0, key};

/// One epoch, open.
pub(crate) struct Open {
    pub(crate) scope: Scope,
    pub(crate) secret: [u8; 32],
}

impl Open {
    pub(crate) fn epoch(&self) -> EpochSecret {
        EpochSecret::new(self.scope, Secret::new(self.secret))
    }

    pub(crate) fn header(&self, number: u64) -> SegmentHeader {
        SegmentHeader {
            scope: self.scope,
            rendition: Rendition::Main,
            number,
            salt: [u8::try_from(number).expect("small"); 16],
            start: T0,
            session: 5,
            previous: Hash::ZERO,
            sealer: key(SEALER_KEY).public().id(),
        }
    }

    /// Header, four frames of two tracks, close.
    pub(crate) fn segment(&self, header: &SegmentHeader) -> Vec<Bytes> {
        let (video, audio) = (video_config(64, 36), audio_config());
        let frame = |track, key, config| Frame {
            track,
            key,
            captured: T0,
            pts: 9_000,
            decode_offset: -3,
            config,
            data: b"\x00\x00\x00\x02\x65\x88",
        };
        let mut out = Vec::new();
        let mut sealer = SegmentSealer::begin(&self.epoch(), header, &mut out);
        for frame in [
            frame(Track::Video, true, Some(video.as_slice())),
            frame(Track::Audio, true, Some(audio.as_slice())),
            frame(Track::Video, false, None),
            frame(Track::Audio, true, None),
        ] {
            sealer.frame(&frame, &mut out).expect("a small frame");
        }
        sealer.close(T0.saturating_add(400), &mut out);
        split(&out)
            .iter()
            .map(|record| record.bytes.to_vec())
            .collect()
    }

    /// `header`'s segment with one frame of any clear text under a good tag.
    pub(crate) fn forge(
        &self,
        header: &SegmentHeader,
        flags: Flags,
        track: Track,
        clear: &[u8],
    ) -> Bytes {
        let body = header.encode();
        let plain = |kind, len: usize, flags, track| Header {
            body_len: u32::try_from(len).expect("short"),
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
        let frame = plain(Kind::Frame, clear.len() + 16, flags, track);
        let aad = [id.as_bytes().as_slice(), &frame.covered()].concat();
        let nonce = [frame.kind as u8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let mut sealed = clear.to_vec();
        self.segment_key(header)
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(aad),
                &mut sealed,
            )
            .expect("short");
        let chain = link(&id, &frame.covered(), &sealed);
        [
            begin.encode(&id).as_slice(),
            &body,
            &frame.encode(&chain),
            &sealed,
        ]
        .concat()
    }

    fn segment_key(&self, header: &SegmentHeader) -> LessSafeKey {
        let Scope {
            site,
            camera,
            epoch,
        } = header.scope;
        let number = header.number.to_be_bytes();
        let label = [
            b"bartizan/v1/segment".as_slice(),
            site.as_bytes(),
            camera.as_bytes(),
            epoch.as_bytes(),
            &[header.rendition.code()],
            &number,
            &header.salt,
        ];
        let mut key = [0; 32];
        hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, &self.secret)
            .expand(&[&label.concat()], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut key))
            .expect("32 bytes are within HKDF's limit");
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).expect("32 bytes are a key"))
    }
}
