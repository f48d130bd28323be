//! The hunt for clear frames (row C-2): a camera with canaries in picture, sound and metadata is recorded, watched
//! and exported, and then everything around it is searched.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use bartizan_domain::UtcMillis;
use bartizan_tests::capture::{Capture, Ports};
use bartizan_tests::gateway::Settings;
use bartizan_tests::hostile::film::Film;
use bartizan_tests::hostile::{Manner, Peer};
use bartizan_tests::house::House;
use bartizan_tests::hunt::{Hunt, Trace};
use bartizan_tests::{skipped, wait};

/// In every picture's metadata, and once a second in the sound.
const FRAMES: &str = "canary-frame-5fd7c1b0e94a";

/// In the camera's private name.
const NAME: &str = "canary-name-b83e01d6f2c7";

fn camera() -> Peer {
    let film = Film::shoot(
        &format!("audio=true&width=320&height=240&fps=10&gop=1s&canary={FRAMES}"),
        4,
    )
    .unwrap();
    assert!(film.sound.len() > 100);
    Peer::start(film, Manner::Honest).unwrap()
}

/// Records, watches and exports.
fn lived_in(camera: &Peer) -> (House, std::path::PathBuf) {
    let house = House::claimed(Settings::default()).unwrap();
    house.add(NAME, &camera.url(), &[]).unwrap();
    house.wait_streaming(None).unwrap();
    let from = wait::now();
    house.owner.must(["live", NAME, "--seconds", "3"]).unwrap();
    house.owner.must(["camera", "test", &camera.url()]).unwrap();
    wait::pause(Duration::from_secs(5));
    let file = house.owner.file("export.mp4");
    house
        .export(NAME, (from, UtcMillis(from.0 + 5_000)), &file)
        .unwrap();
    (house, file)
}

#[test]
fn c_2_no_clear_frame_is_in_a_file_a_log_or_a_packet() {
    let camera = camera();
    let capture = Capture::start(Hunt::new(&[FRAMES]).unwrap())
        .map_err(|error| skipped(&error.to_string()))
        .ok();
    let (mut house, export) = lived_in(&camera);
    let frames = Hunt::new(&[FRAMES]).unwrap();
    let all = Hunt::new(&[FRAMES, NAME]).unwrap();

    let own = |path: &Path| path == export;
    let mut traces = frames.folder(house.owner.folder(), own).unwrap();
    traces.extend(all.folder(house.gateway.data(), |_| false).unwrap());
    if let Some(capture) = capture {
        traces.extend(packets(capture, camera.port(), house.gateway.port()));
    }
    house.gateway.stop().unwrap();
    traces.extend(all.folder(house.gateway.data(), |_| false).unwrap());
    traces.extend(all.bytes("the log", house.gateway.log().join("\n").as_bytes()));
    assert_none(&traces);

    // The hunt would have found them: the export, which the owner asked for, holds frames in clear.
    let exported = std::fs::read(&export).unwrap();
    assert!(
        !frames.bytes("the export", &exported).is_empty(),
        "the hunt is blind"
    );
}

fn assert_none(traces: &[Trace]) {
    let mut places = BTreeMap::new();
    for trace in traces {
        *places.entry((&trace.place, &trace.what)).or_insert(0_u32) += 1;
    }
    assert!(traces.is_empty(), "{} traces: {places:#?}", traces.len());
}

/// Traces in all packets but those of the camera's own connection, which must have some.
fn packets(capture: Capture, camera: u16, gateway: u16) -> Vec<Trace> {
    let caught = capture.finish().unwrap();
    let is_of = |ports: &Ports, port| ports.0 == port || ports.1 == port;
    let (own, others): (Vec<_>, Vec<_>) = caught
        .traces
        .into_iter()
        .partition(|(ports, _)| is_of(ports, camera));
    assert!(own.len() > 50, "the hunt is blind: {} traces", own.len());
    let packets = caught.packets.iter();
    let packets = packets.filter(|(ports, _)| is_of(ports, gateway));
    let count: usize = packets.map(|(_, count)| count).sum();
    assert!(count > 50, "{count} packets of the gateway");
    let located = others.into_iter().map(|((from, to), trace)| Trace {
        place: format!("a packet from port {from} to port {to}"),
        ..trace
    });
    located.collect()
}

#[test]
fn c_2_no_clear_frame_is_in_the_memory_of_a_process_but_the_sealer() {
    let camera = camera();
    let (house, _export) = lived_in(&camera);
    let hunt = Hunt::new(&[FRAMES]).unwrap();
    let pids = house.gateway.pids().unwrap();
    let sealer = match hunt.memory(pids.ingest) {
        Ok(traces) => traces,
        Err(error) => return skipped(&format!("{error:#}")),
    };
    let mut traces = Vec::new();
    for _ in 0..3 {
        for pid in [pids.supervisor, pids.serve] {
            traces.extend(hunt.memory(pid).unwrap());
        }
        wait::pause(Duration::from_millis(700));
    }
    assert_none(&traces);
    // Where clear frames must be, the hunt finds them.
    assert!(!sealer.is_empty(), "the hunt is blind");
    // And should the sealer crash, it leaves no picture of its memory.
    for pid in [pids.ingest, pids.serve] {
        let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
        let cores = limits
            .lines()
            .find(|line| line.starts_with("Max core file size"))
            .unwrap();
        let words: Vec<_> = cores.split_whitespace().rev().take(3).collect();
        assert_eq!(words, ["bytes", "0", "0"], "{cores}");
    }
}
