//! The file's boxes, tables and limits; whether players agree is asked in `tests/it`.

use bartizan_domain::UtcMillis;
use proptest::prelude::*;

use super::*;
use crate::codec::{aac, g711, h264, opus};
use crate::{Codec, TrackConfig};

fn video() -> TrackConfig {
    let sps = [
        0x67, 0x42, 0xc0, 0x28, 0xd9, 0, 0x78, 2, 0x27, 0xe5, 0xc0, 0x44, 0, 0, 3, 0, 4, 0, 0, 3,
        0, 0xc8, 0x3c, 0x60, 0xc9, 0x20,
    ];
    let pps = [0x68, 0xcb, 0x83, 0xcb, 0x20];
    let sets = h264::ParameterSets::parse(&sps, &pps).unwrap();
    sets.track_config()
}

fn sound() -> TrackConfig {
    let config = aac::AudioSpecificConfig::low_complexity(48_000, 1).unwrap();
    config.track_config(48_000)
}

fn sample(pts: i64, dts: i64, key: bool, data: &[u8]) -> Sample<'_> {
    Sample {
        pts,
        dts,
        key,
        config: ConfigNo::FIRST,
        data,
    }
}

/// The bodies of the boxes at `path`, in file order.
fn find<'a>(bytes: &'a [u8], path: &[[u8; 4]]) -> Vec<&'a [u8]> {
    let Some((kind, deeper)) = path.split_first() else {
        return vec![bytes];
    };
    let (mut found, mut rest) = (Vec::new(), bytes);
    while let Some((size, _)) = rest.split_first_chunk::<4>() {
        let (this, next) = match u32::from_be_bytes(*size) {
            1 => rest.split_at(long(&rest[8..])),
            size => rest.split_at(usize::try_from(size).unwrap()),
        };
        if this[4..8] == kind[..] {
            found.extend(find(&this[8..], deeper));
        }
        rest = next;
    }
    found
}

/// The 64-bit number at the front.
fn long(bytes: &[u8]) -> usize {
    let number = u64::from_be_bytes(bytes[..8].try_into().unwrap());
    number.try_into().unwrap()
}

fn put_size(file: &mut [u8], patch: Patch) {
    let at = usize::try_from(patch.offset).unwrap();
    file[at..at + 8].copy_from_slice(&patch.bytes);
}

fn table(file: &[u8], track: usize, kind: [u8; 4]) -> Option<&[u8]> {
    let tables = find(file, &[*b"moov", *b"trak", *b"mdia", *b"minf", *b"stbl"])[track];
    find(tables, &[kind]).first().copied()
}

fn words(bytes: &[u8]) -> Vec<u32> {
    let words = bytes.chunks_exact(4);
    words
        .map(|w| u32::from_be_bytes(w.try_into().unwrap()))
        .collect()
}

/// A whole file, as a caller would put it together.
fn complete(writer: Mp4Writer, mut file: Vec<u8>) -> Vec<u8> {
    let done = writer.finish(&mut file).unwrap();
    assert_eq!(usize::try_from(done.media_end()), Ok(file.len()));
    put_size(&mut file, done.mdat_size());
    file.extend(done.moov().unwrap());
    file
}

fn begin(tracks: &[TrackConfig]) -> (Mp4Writer, Vec<TrackNo>, Vec<u8>) {
    let mut file = Vec::new();
    let mut writer = Mp4Writer::new(UtcMillis(1_700_000_000_000), &mut file);
    let added = tracks
        .iter()
        .map(|config| writer.add_track(config).unwrap());
    let numbers = added.collect();
    (writer, numbers, file)
}

#[test]
fn a_file_is_ftyp_mdat_moov_and_its_samples_are_where_it_says() {
    let (mut writer, tracks, mut file) = begin(&[video(), sound()]);
    for at in 0..100_i64 {
        let picture = [u8::try_from(at).unwrap(); 50];
        let key = at % 50 == 0;
        let shown = sample(at * 3_600, at * 3_600, key, &picture);
        writer.sample(tracks[0], shown, &mut file).unwrap();
        for packet in 0..2 {
            let time = at * 1_920 + packet * 960;
            let heard = sample(time, time, true, &[200]);
            writer.sample(tracks[1], heard, &mut file).unwrap();
        }
    }
    let file = complete(writer, file);
    let kinds = [*b"ftyp", *b"mdat", *b"moov"];
    let mut rest = file.as_slice();
    for kind in kinds {
        assert_eq!(rest[4..8], kind);
        let size = match words(&rest[..4])[0] {
            1 => long(&rest[8..]),
            size => usize::try_from(size).unwrap(),
        };
        rest = &rest[size..];
    }
    assert!(rest.is_empty());

    // 25 pictures a second: four chunks of one second, described by one run.
    assert_eq!(words(table(&file, 0, *b"stsc").unwrap()), [0, 1, 1, 25, 1]);
    let chunks = table(&file, 0, *b"co64").unwrap();
    let second = long(&chunks[16..]);
    assert_eq!(file[second], 25);
    assert_eq!(
        words(table(&file, 0, *b"stts").unwrap()),
        [0, 1, 100, 3_600]
    );
    assert_eq!(words(table(&file, 0, *b"stss").unwrap()), [0, 2, 1, 51]);
    assert_eq!(table(&file, 0, *b"ctts"), None);
    assert_eq!(table(&file, 1, *b"stss"), None);
    // The last packet lasts as AAC does, not as the one before it.
    let last = [0, 2, 199, 960, 1, 1_024];
    assert_eq!(words(table(&file, 1, *b"stts").unwrap()), last);
}

#[test]
fn tracks_that_start_apart_are_shifted_by_edit_lists() {
    let (mut writer, tracks, mut file) = begin(&[video(), sound()]);
    // The picture begins at 2 s and is reordered by two frames, sound begins at 1.5 s.
    for (pts, dts) in [(187_200, 180_000), (194_400, 183_600), (190_800, 187_200)] {
        let shown = sample(pts, dts, dts == 180_000, &[1]);
        writer.sample(tracks[0], shown, &mut file).unwrap();
    }
    let heard = sample(72_000, 72_000, true, &[2]);
    writer.sample(tracks[1], heard, &mut file).unwrap();
    let file = complete(writer, file);
    let edits = find(&file, &[*b"moov", *b"trak", *b"edts", *b"elst"]);
    let (delay, shown) = (187_200 - 135_000, 194_400 + 3_600 - 187_200);
    let minus_one = u32::MAX;
    assert_eq!(
        words(&edits[0][4..]),
        [
            2, 0, delay, minus_one, minus_one, 65_536, 0, shown, 0, 7_200, 65_536
        ]
    );
    assert_eq!(words(&edits[1][4..]), [1, 0, 1_920, 0, 0, 65_536]);
    assert_eq!(
        words(table(&file, 0, *b"ctts").unwrap()),
        [0, 3, 1, 7_200, 1, 10_800, 1, 3_600]
    );
    let header = find(&file, &[*b"moov", *b"mvhd"])[0];
    assert_eq!(words(&header[20..])[..3], [90_000, 0, delay + shown]);
    assert_eq!(
        words(&header[4..])[1],
        1_700_000_000_u32.wrapping_add(2_082_844_800)
    );
}

#[test]
fn a_gap_keeps_its_length() {
    let (mut writer, tracks, mut file) = begin(&[video()]);
    for time in [0, 3_600, 903_600, 907_200] {
        let shown = sample(time, time, true, &[1]);
        writer.sample(tracks[0], shown, &mut file).unwrap();
    }
    let far = 907_200 + MAX_DELTA + 1;
    let too_far = writer.sample(tracks[0], sample(far, far, true, &[1]), &mut file);
    let ticks = MAX_DELTA.unsigned_abs() + 1;
    assert_eq!(too_far, Err(Mp4Error::GapTooLong { ticks }));
    let file = complete(writer, file);
    let expected = [0, 3, 1, 3_600, 1, 900_000, 2, 3_600];
    assert_eq!(words(table(&file, 0, *b"stts").unwrap()), expected);
}

#[test]
fn equal_decode_times_are_spread_and_presentation_is_kept() {
    let (mut writer, tracks, mut file) = begin(&[video()]);
    for time in [0, 3_600, 3_600, 3_600, 7_200] {
        let shown = sample(time, time, true, &[1]);
        writer.sample(tracks[0], shown, &mut file).unwrap();
    }
    let back = writer.sample(tracks[0], sample(7_199, 7_199, true, &[1]), &mut file);
    assert_eq!(back, Err(Mp4Error::Backwards { ticks: 1 }));
    let file = complete(writer, file);
    let deltas = [0, 3, 1, 3_600, 2, 1, 2, 3_598];
    assert_eq!(words(table(&file, 0, *b"stts").unwrap()), deltas);
    let (one, two) = (u32::MAX, u32::MAX - 1);
    let offsets = [0x0100_0000, 4, 2, 0, 1, one, 1, two, 1, 0];
    assert_eq!(words(table(&file, 0, *b"ctts").unwrap()), offsets);
}

#[test]
fn a_change_of_configuration_is_a_second_sample_entry() {
    let (mut writer, tracks, mut file) = begin(&[video()]);
    let mut sets = h264::ParameterSets::from_avcc(&video().extra).unwrap();
    sets.add_pps(&[0x68, 0b0101_1000]).unwrap();
    let other = writer.add_config(tracks[0], &sets.track_config()).unwrap();
    assert_eq!(writer.add_config(tracks[0], &video()), Ok(ConfigNo::FIRST));
    let changed = writer.add_config(tracks[0], &sound());
    assert_eq!(changed, Err(Mp4Error::TrackChanged));
    let mut put = |time, key, config| {
        let shown = Sample {
            config,
            ..sample(time, time, key, &[1])
        };
        writer.sample(tracks[0], shown, &mut file)
    };
    assert_eq!(put(0, false, ConfigNo::FIRST), Err(Mp4Error::NotKey));
    assert_eq!(put(0, true, ConfigNo::FIRST), Ok(()));
    assert_eq!(put(3_600, false, ConfigNo::FIRST), Ok(()));
    assert_eq!(put(7_200, false, other), Err(Mp4Error::NotKey));
    assert_eq!(put(7_200, true, other), Ok(()));
    assert_eq!(put(10_800, true, ConfigNo(7)), Err(Mp4Error::Unknown));
    let file = complete(writer, file);
    assert_eq!(
        words(table(&file, 0, *b"stsc").unwrap()),
        [0, 2, 1, 2, 1, 2, 1, 2]
    );
    assert_eq!(words(table(&file, 0, *b"stsd").unwrap())[1], 2);
}

#[test]
fn opus_leaves_out_its_run_up() {
    let config = opus::OpusConfig::live(1).unwrap().track_config();
    let (mut writer, tracks, mut file) = begin(&[config]);
    for at in 0..10 {
        let heard = sample(at * 960, at * 960, true, &[0xf8]);
        writer.sample(tracks[0], heard, &mut file).unwrap();
    }
    let file = complete(writer, file);
    let edit = find(&file, &[*b"moov", *b"trak", *b"edts", *b"elst"])[0];
    let duration = (9_600 - 3_840) * 90_000 / 48_000;
    assert_eq!(words(&edit[4..]), [1, 0, duration, 0, 3_840, 65_536]);
    let roll = table(&file, 0, *b"sgpd").unwrap();
    assert_eq!(roll[roll.len() - 2..], (-4_i16).to_be_bytes());
}

#[test]
fn limits_hold_and_errors_change_nothing() {
    let (mut writer, tracks, mut file) = begin(&[video()]);
    let mut put = |shown| writer.sample(tracks[0], shown, &mut file);
    assert_eq!(
        put(sample(0, 0, true, &[])),
        Err(Mp4Error::SampleSize { len: 0 })
    );
    let large = vec![0; MAX_SAMPLE + 1];
    let len = large.len();
    assert_eq!(
        put(sample(0, 0, true, &large)),
        Err(Mp4Error::SampleSize { len })
    );
    assert_eq!(put(sample(0, 1, true, &[1])), Err(Mp4Error::Time));
    assert_eq!(
        put(sample(MAX_TIME + 1, 0, true, &[1])),
        Err(Mp4Error::Time)
    );
    assert_eq!(put(sample(1 << 40, 0, true, &[1])), Err(Mp4Error::Time));
    assert_eq!(
        writer.sample(TrackNo(1), sample(0, 0, true, &[1]), &mut file),
        Err(Mp4Error::Unknown)
    );
    for _ in 1..MAX_TRACKS {
        writer.add_track(&sound()).unwrap();
    }
    assert_eq!(writer.add_track(&sound()), Err(Mp4Error::TooManyTracks));
    assert_eq!(writer.finish(&mut file).unwrap_err(), Mp4Error::Empty);
    assert!(proof_box(&vec![0; MAX_PROOF + 1]).is_err());
    let proof = proof_box(b"see above").unwrap();
    assert_eq!(proof[..8], *b"\0\0\0\x21uuid");
}

#[test]
fn configurations_that_cannot_be_are_refused() {
    let mut writer = Mp4Writer::new(UtcMillis(0), &mut Vec::new());
    let no_audio = TrackConfig {
        audio: None,
        ..g711::track_config(Codec::Pcmu, 8_000, 1).unwrap()
    };
    let no_time = TrackConfig {
        timescale: 0,
        ..sound()
    };
    let wrong_codec = TrackConfig {
        codec: Codec::H265,
        ..video()
    };
    let nothing = TrackConfig {
        extra: Vec::new(),
        ..sound()
    };
    for bad in [no_audio, no_time, wrong_codec, nothing] {
        assert!(matches!(writer.add_track(&bad), Err(Mp4Error::Config(_))));
    }
}

#[test]
fn a_large_sample_is_a_chunk_of_its_own() {
    let (mut writer, tracks, mut file) = begin(&[video()]);
    let large = vec![7; MAX_SAMPLE];
    let mut held = Vec::new();
    for at in 0..4 {
        let shown = sample(at, at, true, &large);
        writer.sample(tracks[0], shown, &mut file).unwrap();
        held.push(file.len());
    }
    // At most one chunk is held back.
    assert!(held.windows(2).all(|pair| pair[1] - pair[0] == MAX_SAMPLE));
    let file = complete(writer, file);
    assert_eq!(words(table(&file, 0, *b"stsc").unwrap()), [0, 1, 1, 1, 1]);
}

#[test]
fn fast_start_moves_every_chunk_by_the_size_of_moov() {
    let (mut writer, tracks, mut file) = begin(&[video()]);
    writer
        .sample(tracks[0], sample(0, 0, true, &[9, 9]), &mut file)
        .unwrap();
    let done = writer.finish(&mut file).unwrap();
    let front = done.fast_start().unwrap();
    put_size(&mut file, done.mdat_size());
    let at = usize::try_from(front.offset).unwrap();
    let file = [&file[..at], &front.moov, &file[at..]].concat();
    let chunks = table(&file, 0, *b"co64").unwrap();
    let first = long(&chunks[8..]);
    assert_eq!(file[first..], [9, 9]);
}

proptest! {
    #[test]
    fn any_times_give_a_file_or_an_error(
        units in proptest::collection::vec((any::<bool>(), -9_000_i64..90_000_000, 0_i64..90_000, any::<bool>()), 0..40),
        lone in any::<i64>(),
    ) {
        let (mut writer, tracks, mut file) = begin(&[video(), sound()]);
        let mut taken = [0_u32; 2];
        for (is_video, dts, offset, key) in units {
            let track = usize::from(!is_video);
            let unit = sample(dts + offset, dts, key, &[1, 2, 3]);
            taken[track] += u32::from(writer.sample(tracks[track], unit, &mut file).is_ok());
        }
        let last = sample(lone, lone, true, &[4]);
        taken[1] += u32::from(writer.sample(tracks[1], last, &mut file).is_ok());
        if taken == [0, 0] {
            prop_assert_eq!(writer.finish(&mut file).unwrap_err(), Mp4Error::Empty);
        } else {
            let file = complete(writer, file);
            let kept: Vec<_> = taken.into_iter().filter(|count| *count > 0).collect();
            for (track, count) in kept.into_iter().enumerate() {
                prop_assert_eq!(words(table(&file, track, *b"stsz").unwrap())[2], count);
                let deltas = words(table(&file, track, *b"stts").unwrap());
                let total: u32 = deltas[2..].chunks(2).map(|run| run[0]).sum();
                prop_assert_eq!(total, count);
            }
        }
    }
}
