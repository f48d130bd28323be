//! What devices are called: by statements that every device checks, and that change nobody's rights.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bartizan_tests::cli::Cli;
use bartizan_tests::gateway::Settings;
use bartizan_tests::house::House;
use bartizan_tests::wait;

const CAMERA: &str = "synthetic:?width=320&height=180&fps=15&gop=4s";

/// Lets a device of the owner in.
fn invite(house: &House, name: &str) -> Cli {
    let invited = house.owner.must(["device", "invite"]).unwrap();
    let link = invited["link"].as_str().unwrap();
    let device = Cli::new().unwrap();
    let sign_in = ["sign-in", link, "--device-name", name];
    device.must(sign_in).unwrap();
    device
}

/// As a device sees them.
fn names(device: &Cli) -> BTreeSet<String> {
    let listed = device.must(["device", "list"]).unwrap();
    let devices = listed["devices"].as_array().unwrap().iter();
    let names = devices.map(|device| device["name"].as_str().unwrap().to_owned());
    names.collect()
}

/// How often an epoch was rolled while the camera recorded: a segment then goes on without a keyframe.
fn rolls(house: &House) -> usize {
    // Until the last such segment is closed.
    wait::pause(Duration::from_secs(5));
    let stream = house.stream(None).unwrap();
    let recorded = house.viewer().unwrap().recorded(stream).unwrap();
    let mut segments = BTreeMap::<u64, bool>::new();
    for frame in recorded.pictures() {
        *segments.entry(frame.place.segment).or_default() |= frame.key;
    }
    segments.values().filter(|has_key| !**has_key).count()
}

#[test]
fn a_device_is_renamed_for_all_devices_and_recording_goes_on() {
    let mut house = House::claimed(Settings::with_cameras([CAMERA])).unwrap();
    house.wait_streaming(None).unwrap();
    wait::pause(Duration::from_secs(1));
    let phone = invite(&house, "Galaxy S24");
    let tablet = invite(&house, "Tablet");
    let before = rolls(&house);
    assert!(before >= 1, "a device that joins rolls the epoch");

    for (device, was, name) in [
        (&phone, "Galaxy S24", "Mum’s phone 📱"),
        (&house.owner, "Tablet", "Kitchen"),
        (&tablet, "Kitchen", "Hall"),
    ] {
        let said = device.must(["device", "rename", was, name]).unwrap();
        assert_eq!(said["name"], name);
    }
    let refused = phone.run(["device", "rename", "Tablet", "Ghost"]).unwrap();
    assert_eq!(refused.code, Some(64), "{}", refused.text);
    assert_eq!(rolls(&house), before, "a name rolls none");

    let called = |device: &Cli| {
        let mut all = names(device);
        all.retain(|name| name == "Mum’s phone 📱" || name == "Hall");
        (all.len(), names(device).len())
    };
    for device in [&phone, &tablet, &house.owner] {
        assert_eq!(called(device), (2, 3));
    }
    // The gateway remembers them, and gives them to whoever does not check.
    house.gateway.stop().unwrap();
    house.gateway.begin().unwrap();
    house.wait_streaming(None).unwrap();
    assert_eq!(called(&tablet), (2, 3));
    let listed = house.member().unwrap().get("/api/v1/devices").unwrap();
    assert!(listed.to_string().contains("Mum’s phone"), "{listed}");
    house.must_verify().unwrap();
}
