//! A file of more than 4 GiB, stored sparsely: 64-bit sizes and offsets.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;

use bartizan_domain::UtcMillis;
use bartizan_media::Codec;
use bartizan_media::codec::g711;
use bartizan_media::mp4::{ConfigNo, MAX_SAMPLE, Mp4Writer, Sample};

use crate::tools::packets;

#[test]
fn a_file_of_many_gibibytes_is_read_to_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("large.mp4");
    let mut file = File::create(&path).unwrap();
    let mut out = Vec::new();
    let mut writer = Mp4Writer::new(UtcMillis(0), &mut out);
    let track = writer
        .add_track(&g711::track_config(Codec::Pcmu, 8_000, 1).unwrap())
        .unwrap();
    file.write_all(&out).unwrap();

    // Silence of zeros, which the file system need not store.
    let silence = vec![0; MAX_SAMPLE];
    let step = i64::try_from(MAX_SAMPLE).unwrap();
    for at in 0..515 {
        let (pts, dts) = (at * step, at * step);
        let sample = Sample {
            pts,
            dts,
            key: true,
            config: ConfigNo::FIRST,
            data: &silence,
        };
        out.clear();
        writer.sample(track, sample, &mut out).unwrap();
        file.seek_relative(i64::try_from(out.len()).unwrap())
            .unwrap();
    }
    out.clear();
    let done = writer.finish(&mut out).unwrap();
    file.write_all(&out).unwrap();
    assert_eq!(file.stream_position().unwrap(), done.media_end());
    assert!(done.media_end() > u64::from(u32::MAX));
    file.write_all(&done.moov().unwrap()).unwrap();
    let patch = done.mdat_size();
    file.write_all_at(&patch.bytes, patch.offset).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();

    let found = packets(&path, "a:0");
    assert_eq!(found.len(), 515);
    assert!(found.iter().all(|packet| packet.size == MAX_SAMPLE));
    assert_eq!(found[514].pts, 514 * step);
}
