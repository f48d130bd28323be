//! Joining live while records arrive and are written: no record is missing and none comes twice.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;

use bartizan_base::clock::SystemClock;
use bartizan_domain::UtcMillis;
use bartizan_recordings::{Config, RealDisk, Recorder};

use crate::sealer::{Sealer, main_of};

#[test]
fn a_viewer_who_joins_gets_every_byte_of_the_running_segment_once() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(RealDisk::new(folder.path().join("recordings")));
    let commit_interval = std::time::Duration::from_millis(10);
    let config = Config {
        commit_interval,
        free_space_floor: 0,
        ..Config::default()
    };
    let (recorder, _) = Recorder::open(disk, config, Arc::new(SystemClock)).unwrap();
    let stream = main_of(1);
    let mut sealer = Sealer::new(stream);
    let mut viewers = Vec::new();
    let mut all = Vec::new();
    for round in 0..60_u64 {
        let append = |records: &[u8], all: &mut Vec<u8>| {
            recorder.append(stream, records).unwrap();
            all.extend_from_slice(records);
        };
        append(
            &sealer.header(UtcMillis(1_000_000 + round * 1_000)),
            &mut all,
        );
        for frame in 0..40 {
            append(&sealer.frame(4_000), &mut all);
            if frame % 13 == 7 {
                let running = recorder.running_segment(stream).unwrap();
                assert_eq!((running.number, running.end), (round, all.len() as u64));
                let (recorder, (done, result)) = (recorder.clone(), channel());
                let len = running.end - running.offset;
                let viewer = thread::spawn(move || {
                    let mut reader = recorder.read(stream, running.offset, len).unwrap();
                    done.send(reader.read_to_end().unwrap()).unwrap();
                });
                viewers.push((viewer, result, running));
            }
        }
        append(
            &sealer.close(UtcMillis(1_001_000 + round * 1_000)),
            &mut all,
        );
        assert_eq!(recorder.running_segment(stream), None);
    }
    for (viewer, result, running) in viewers {
        viewer.join().unwrap();
        let range = usize::try_from(running.offset).unwrap()..usize::try_from(running.end).unwrap();
        assert!(result.recv().unwrap() == all[range]);
    }
    let len = all.len() as u64;
    assert!(
        recorder
            .read(stream, 0, len)
            .unwrap()
            .read_to_end()
            .unwrap()
            == all
    );
    recorder.close();
}
