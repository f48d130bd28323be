//! The client against the gateway's real HTTP layer, over loopback sockets, with a backend in memory.

mod house;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bartizan_access::claim::ClaimWindow;
use bartizan_base::{Clock, SystemClock, Tasks};
use bartizan_domain::text::Name;
use bartizan_domain::{DeviceId, Fingerprint, MemberId, Rendition, Secret, StreamId, UtcMillis};
use bartizan_http::tls::site_certificate;
use bartizan_http::{Api, Listener, Settings, serve};
use bartizan_identity::{Operation, Role};
use bartizan_protocol::api;
use bartizan_protocol::claim::ClaimLink;
use tempfile::TempDir;

use crate::account::{Claimed, NewDevice, read_recovery};
use crate::cameras::NewCamera;
use crate::export::Request;
use crate::fixture::{FRAMES, SITE, START, Sealer, signing_key};
use crate::live_file;
use crate::recordings::Range;
use crate::transport::{DialError, TransportError};
use crate::verify::verify_export;
use crate::{Advice, ClientError, Profile, Session, claim, sign_in};
use house::House;

/// A gateway that listens on this machine.
struct Gateway {
    house: Arc<House>,
    tasks: Tasks,
    link: ClaimLink,
    tmp: TempDir,
}

impl Gateway {
    async fn start(secure: bool) -> Self {
        let (house, tasks) = (Arc::new(House::default()), Tasks::new());
        let settings = Settings {
            clock: Arc::new(SystemClock),
            tasks: tasks.clone(),
            claim: Some(ClaimWindow::open(
                Secret::new([7; 32]),
                SystemClock.monotonic(),
            )),
        };
        let api = Api::new(Arc::clone(&house), settings).unwrap();
        let any = "127.0.0.1:0".parse().unwrap();
        let listener = if secure {
            let names = ["127.0.0.1".to_owned()];
            let certificate = site_certificate(None, &names, SystemClock.utc()).unwrap();
            let config = certificate.server_config().unwrap();
            Listener::with_tls(any, config, &[]).await.unwrap()
        } else {
            Listener::in_clear(any, &[]).await.unwrap()
        };
        let scheme = if secure { "https" } else { "http" };
        let link = ClaimLink {
            origin: format!("{scheme}://{}", listener.address()),
            token: Secret::new([7; 32]),
            gateway: signing_key(21).public().fingerprint(),
            sealer: signing_key(22).public().fingerprint(),
            pin: None,
        };
        tasks.spawn("serve", serve(api, listener));
        let tmp = tempfile::tempdir().unwrap();
        Self {
            house,
            tasks,
            link,
            tmp,
        }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.tmp.path().join(name)
    }

    async fn try_claim(&self) -> Result<Claimed, ClientError> {
        let device = NewDevice {
            profile: Profile::at(self.path("owner")),
            name: name("Laptop"),
            suggested: true,
            pin: None,
        };
        claim(&self.link, &name("Ada"), &self.path("recovery.txt"), device).await
    }

    async fn claimed() -> (Self, Session) {
        let gateway = Self::start(false).await;
        let claimed = gateway.try_claim().await.unwrap();
        (gateway, claimed.session)
    }

    /// Claimed, with one camera that recorded `segments`.
    async fn recording(segments: u32) -> (Self, Session, StreamId) {
        let (gateway, session) = Self::claimed().await;
        let camera = session.add_camera(&camera("Door")).await.unwrap();
        let history = session.history().await.unwrap();
        let mut sealer = Sealer::for_camera(history, camera.id);
        for _ in 0..segments {
            sealer.segment();
        }
        gateway.house.state().sealer = Some(sealer);
        let stream = StreamId {
            camera: camera.id,
            rendition: Rendition::Main,
        };
        (gateway, session, stream)
    }

    async fn end(self) {
        self.tasks.shutdown(std::time::Duration::from_secs(5)).await;
    }
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn camera(text: &str) -> NewCamera {
    let url = Secret::new("rtsp://me:secret@cam/".to_owned());
    NewCamera {
        name: name(text),
        main: api::SourceSettings {
            url,
            transport: api::Transport::Tcp,
            certificate: None,
        },
        sub: None,
        retention: api::Retention::default(),
    }
}

fn all() -> Range {
    Range {
        from: UtcMillis(0),
        to: UtcMillis(u64::MAX / 2),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_is_claimed_once() {
    let (gateway, session) = Gateway::claimed().await;
    assert_eq!(session.identity().site, SITE);
    assert_eq!(session.site().await.unwrap().version, "test");
    let words = read_recovery(&gateway.path("recovery.txt")).unwrap();
    let history = session.history().await.unwrap();
    let (recovery, _) = history.current().recovery();
    assert_eq!(*recovery, words.identity().public());

    let again = gateway.try_claim().await.unwrap_err();
    assert_eq!(again.advice(), Advice::Change);
    let other = NewDevice {
        profile: Profile::at(gateway.path("other")),
        name: name("Other"),
        suggested: true,
        pin: None,
    };
    let file = gateway.path("other.txt");
    let late = claim(&gateway.link, &name("Eve"), &file, other).await;
    assert!(matches!(late, Err(ClientError::NotClaimable)));
    assert!(!file.exists());
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l_6_a_gateway_that_is_not_the_links_is_not_claimed() {
    let mut gateway = Gateway::start(false).await;
    gateway.link.sealer = Fingerprint::new([1; 32]);
    let refused = gateway.try_claim().await;
    assert!(matches!(refused, Err(ClientError::OtherGateway { .. })));
    assert!(gateway.house.state().history.is_none());
    assert!(!gateway.path("recovery.txt").exists());
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_the_sealer_does_not_confirm_is_not_used() {
    let gateway = Gateway::start(false).await;
    gateway.house.state().not_pinned = true;
    let refused = gateway.try_claim().await;
    assert!(matches!(refused, Err(ClientError::NotPinned)));
    assert!(Session::open(Profile::at(gateway.path("owner"))).is_err());
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_existing_recovery_file_is_not_touched() {
    let gateway = Gateway::start(false).await;
    let file = gateway.path("recovery.txt");
    std::fs::write(&file, "precious").unwrap();
    let refused = gateway.try_claim().await;
    assert!(matches!(refused, Err(ClientError::Exists { .. })));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
    assert!(gateway.house.state().history.is_none());
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recovery_words_make_a_second_device() {
    let (gateway, owner) = Gateway::claimed().await;
    let words = read_recovery(&gateway.path("recovery.txt")).unwrap();
    let device = |folder: &str, called: &str, suggested| NewDevice {
        profile: Profile::at(gateway.path(folder)),
        name: name(called),
        suggested,
        pin: None,
    };
    let origin = || gateway.link.origin.parse().unwrap();
    let phone = device("phone", "Phone", false);
    let phone = sign_in(origin(), &words, phone).await.unwrap();
    assert_eq!(phone.identity().member, owner.identity().member);
    assert_eq!(phone.identity().genesis, owner.identity().genesis);
    assert_eq!(phone.devices().await.unwrap().len(), 2);

    // A name that nobody chose is numbered; one that somebody chose stays.
    for (folder, called, suggested) in [("third", "Laptop", true), ("fourth", "Phone", false)] {
        let device = device(folder, called, suggested);
        sign_in(origin(), &words, device).await.unwrap();
    }
    let devices = phone.devices().await.unwrap();
    let mut names: Vec<_> = devices.iter().map(|device| device.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["Laptop", "Laptop 2", "Phone", "Phone"]);

    let other = bartizan_identity::recovery::RecoveryKey::from_entropy(Secret::new([3; 32]));
    let nobody = device("nobody", "Phone", true);
    let refused = sign_in(origin(), &other, nobody).await.unwrap_err();
    let refused = refused.api().unwrap();
    assert_eq!((refused.status, refused.signed_out), (401, false));

    // A device that was removed is out at once.
    owner.remove_device(phone.identity().device).await.unwrap();
    let out = phone.site().await.unwrap_err();
    assert!(out.api().unwrap().signed_out);
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_device_is_called_what_the_roster_says() {
    // This gateway calls devices for ever what they were called when they joined.
    let (gateway, owner) = Gateway::claimed().await;
    let device = owner.identity().device;
    owner.rename_device(device, name("Hall")).await.unwrap();
    let called = owner.devices().await.unwrap().remove(0).name;
    assert_eq!(called, name("Hall"));
    let length = owner.history().await.unwrap().current().len();
    owner.rename_device(device, name("Hall")).await.unwrap();
    assert_eq!(owner.history().await.unwrap().current().len(), length);
    let nobodys = DeviceId::new([9; 16]);
    let refused = owner.rename_device(nobodys, name("Hall")).await;
    let not_found = bartizan_identity::RosterError::NotFound;
    assert!(matches!(refused, Err(ClientError::Roster(error)) if error == not_found));
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cameras_come_change_and_go() {
    let (gateway, session) = Gateway::claimed().await;
    let door = session.add_camera(&camera("Door")).await.unwrap();
    session.add_camera(&camera("Yard")).await.unwrap();
    let patch = api::CameraPatch {
        name: Some(name("Front door")),
        main: None,
        sub: api::Change::Keep,
        retention: None,
    };
    session.patch_camera(door.id, &patch).await.unwrap();
    assert_eq!(session.camera("Front door").await.unwrap().id, door.id);
    session.remove_camera(door.id).await.unwrap();
    let gone = session.camera("Front door").await;
    assert!(matches!(gone, Err(ClientError::NoSuchCamera { .. })));
    let history = session.history().await.unwrap();
    assert_eq!(history.current().cameras().count(), 1);

    // The account and its roster are there for the next process.
    let again = Session::open(Profile::at(gateway.path("owner"))).unwrap();
    let kept = again.history().await.unwrap();
    assert_eq!(kept.current().head(), history.current().head());
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_used_stays_signed_in() {
    let (gateway, session) = Gateway::claimed().await;
    let (fresh, profile) = (session.identity().expires, session.profile().clone());
    let mut session = session;
    session.keep_signed_in().await.unwrap();
    assert_eq!(session.identity().expires, fresh, "more than half is left");

    let soon = SystemClock.utc().saturating_add(60_000);
    profile.note_expiry(soon).unwrap();
    let mut session = Session::open(profile.clone()).unwrap();
    assert_eq!(session.identity().expires, soon);
    session.keep_signed_in().await.unwrap();
    assert!(session.identity().expires >= fresh);
    let again = Session::open(profile).unwrap();
    assert_eq!(again.identity().expires, session.identity().expires);
    again.site().await.unwrap();
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn problems_are_told_in_the_gateways_words_without_its_tricks() {
    let (gateway, session) = Gateway::claimed().await;
    let source = camera("x").main;
    let refused = session.probe(source).await.unwrap_err();
    let api = refused.api().unwrap();
    assert_eq!(api.kind, "camera-unauthorized");
    assert_eq!(api.detail, "The camera[2J wants another password.");
    assert_eq!(refused.advice(), Advice::LookInto);
    let door = session.add_camera(&camera("Door")).await.unwrap();
    let busy = session
        .probe_camera(door.id, Rendition::Main)
        .await
        .unwrap_err();
    assert_eq!(busy.advice(), Advice::TryAgain);
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_was_overtaken_is_made_anew() {
    let (gateway, session) = Gateway::claimed().await;
    let admin = |member| Operation::AddMember {
        member,
        role: Role::Admin,
        identity: signing_key(31).public(),
        expires: None,
        cameras: Vec::new(),
    };
    session
        .append(admin(MemberId::new([31; 16])))
        .await
        .unwrap();
    gateway.house.state().overtake = Some(Operation::AddDevice {
        member: MemberId::new([31; 16]),
        device: DeviceId::new([32; 16]),
        thumbprint: Fingerprint::new([33; 32]),
    });
    session.add_camera(&camera("Door")).await.unwrap();
    let history = session.history().await.unwrap();
    assert_eq!(history.current().len(), 4);
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn n_4_a_roster_that_was_cut_or_forked_is_refused() {
    let (gateway, session) = Gateway::claimed().await;
    session.add_camera(&camera("Door")).await.unwrap();
    let profile = session.profile().clone();
    // A device that lost its copy of the log, and a gateway that hides the last statement.
    std::fs::remove_file(profile.folder().join("roster")).unwrap();
    let again = Session::open(profile).unwrap();
    gateway.house.state().hidden = 1;
    let refused = again.history().await;
    assert!(matches!(refused, Err(ClientError::RosterRolledBack)));
    gateway.house.state().hidden = 0;
    assert!(again.history().await.is_ok());
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_an_mp4_with_a_proof_that_holds() {
    let (gateway, session, stream) = Gateway::recording(8).await;
    let file = gateway.path("door.mp4");
    let from = START.saturating_add(3_000);
    let request = Request {
        stream,
        range: Range {
            from,
            to: START.saturating_add(9_000),
        },
        file: &file,
    };
    let mut steps = 0;
    let exported = session.export(request, |_| steps += 1).await.unwrap();
    assert!(steps > 0);
    let [one] = exported.as_slice() else {
        panic!("one file");
    };
    // From the keyframe before `from`, to just before `to`.
    assert_eq!(one.first, START.saturating_add(2_000));
    assert_eq!(one.last, START.saturating_add(8_960));
    assert_eq!(one.frames, 2 * 7_000 / 40);
    assert_eq!((one.segments, one.unsigned), (4, 0));
    let bytes = std::fs::read(&file).unwrap();
    assert_eq!(&bytes[4..8], b"ftyp");
    assert_eq!(bytes.len() as u64, one.bytes);

    let report = verify_export(&file).await.unwrap();
    assert_eq!(report.findings, []);
    assert_eq!(report.frames, one.frames);
    assert_eq!(report.genesis, Some(session.identity().genesis));
    assert_eq!(report.exporter.unwrap().member, session.identity().member);

    let again = session.export(request, |_| ()).await;
    assert!(matches!(again, Err(ClientError::Exists { .. })));
    let mut changed = bytes;
    *changed.last_mut().unwrap() ^= 1;
    std::fs::write(&file, changed).unwrap();
    assert!(!verify_export(&file).await.unwrap().is_whole());
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_download_is_taken_up_again() {
    let (gateway, session, stream) = Gateway::recording(6).await;
    gateway.house.breaks.store(3, Ordering::SeqCst);
    let file = gateway.path("door.mp4");
    let request = Request {
        stream,
        range: all(),
        file: &file,
    };
    let exported = session.export(request, |_| ()).await.unwrap();
    assert_eq!(exported[0].frames, u64::from(6 * 2 * FRAMES));
    assert_eq!(gateway.house.breaks.load(Ordering::SeqCst), 0);
    assert!(verify_export(&file).await.unwrap().is_whole());
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gaps_and_new_epochs_are_exported_across() {
    let (gateway, session, stream) = Gateway::recording(2).await;
    if let Some(sealer) = &mut gateway.house.state().sealer {
        sealer.gap(30_000);
        sealer.roll(2);
        sealer.segment();
    }
    let file = gateway.path("door.mp4");
    let request = Request {
        stream,
        range: all(),
        file: &file,
    };
    let exported = session.export(request, |_| ()).await.unwrap();
    assert_eq!(exported[0].gaps.len(), 1);
    assert_eq!(exported[0].segments, 3);
    assert!(verify_export(&file).await.unwrap().is_whole());
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_begins_with_a_keyframe_even_across_epochs() {
    let (gateway, session, stream) = Gateway::recording(2).await;
    if let Some(sealer) = &mut gateway.house.state().sealer {
        sealer.keyless = true;
        for epoch in 2..4 {
            sealer.roll(epoch);
            sealer.segment();
        }
    }
    let file = gateway.path("door.mp4");
    let request = Request {
        stream,
        range: Range {
            from: START.saturating_add(6_500),
            to: START.saturating_add(7_000),
        },
        file: &file,
    };
    let exported = session.export(request, |_| ()).await.unwrap();
    assert_eq!(exported[0].first, START.saturating_add(2_000));
    assert_eq!(exported[0].segments, 3);
    assert!(verify_export(&file).await.unwrap().is_whole());
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_recordings_are_not_exported() {
    let (gateway, session, stream) = Gateway::recording(3).await;
    if let Some(sealer) = &mut gateway.house.state().sealer {
        let middle = sealer.out.len() / 2;
        sealer.out[middle] ^= 1;
    }
    let file = gateway.path("door.mp4");
    let request = Request {
        stream,
        range: all(),
        file: &file,
    };
    let refused = session.export(request, |_| ()).await;
    assert!(matches!(refused, Err(ClientError::Stream(_))));
    assert_eq!(std::fs::read_dir(gateway.tmp.path()).unwrap().count(), 2);
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_recorded_is_said() {
    let (gateway, session, stream) = Gateway::recording(1).await;
    let file = gateway.path("door.mp4");
    let range = Range {
        from: UtcMillis(1),
        to: UtcMillis(2),
    };
    let request = Request {
        stream,
        range,
        file: &file,
    };
    let refused = session.export(request, |_| ()).await;
    assert!(matches!(refused, Err(ClientError::NothingRecorded)));
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn live_becomes_a_file_and_leaves_a_mark() {
    let (gateway, session, stream) = Gateway::recording(3).await;
    let file = gateway.path("live.mp4");
    let request = live_file::Request {
        stream,
        seconds: 4,
        file: Some(&file),
    };
    let watched = session.watch(request, |_| ()).await.unwrap();
    assert_eq!(watched.pictures, 100);
    assert_eq!(watched.file.as_deref(), Some(file.as_path()));
    assert_eq!(std::fs::metadata(&file).unwrap().len(), watched.bytes);
    let floor = session.floor(stream).unwrap().unwrap();
    assert_eq!(floor.counter, 1);
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_stream_that_ends_is_joined_again_and_gives_no_frame_twice() {
    let (gateway, session, stream) = Gateway::recording(3).await;
    gateway.house.breaks.store(2, Ordering::SeqCst);
    let request = live_file::Request {
        stream,
        seconds: 5,
        file: None,
    };
    let watched = session.watch(request, |_| ()).await.unwrap();
    assert_eq!((watched.pictures, watched.rejoins), (125, 2));
    assert_eq!(watched.file, None);
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_10_another_certificate_is_not_the_gateway() {
    let gateway = Gateway::start(true).await;
    let claimed = gateway.try_claim().await.unwrap();
    let pin = claimed.session.transport().pin().unwrap();
    assert!(claimed.session.site().await.is_ok());

    let profile = Profile::at(gateway.path("owner"));
    let mut account = profile.load().unwrap();
    assert_eq!(account.pin, Some(pin));
    account.pin = Some(Fingerprint::new([1; 32]));
    profile.save(&account).unwrap();
    let refused = Session::open(profile).unwrap().site().await.unwrap_err();
    assert!(matches!(
        refused,
        ClientError::Transport(TransportError::Dial(DialError::WrongGateway(_)))
    ));
    assert_eq!(refused.advice(), Advice::LookInto);
    gateway.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_away_is_tried_again_later() {
    let (gateway, session) = Gateway::claimed().await;
    gateway.end().await;
    let away = session.site().await.unwrap_err();
    assert_eq!(away.advice(), Advice::TryAgain);
}
