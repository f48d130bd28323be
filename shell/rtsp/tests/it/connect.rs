//! Signing in, TLS and the first look.

use std::time::Duration;

use bartizan_base::SystemClock;
use bartizan_domain::{Fingerprint, Track};
use bartizan_media::rtsp::auth::Scheme;
use bartizan_media::rtsp::{AuthFailure, Event, SessionError, Transport};
use bartizan_rtsp::{ConnectionError, ProbeError, probe, tls};

use crate::camera::{Camera, Clip};
use crate::viewer::{self, DirectDial, Seen};

const TICK: Duration = Duration::from_millis(20);

fn ten_frames(seen: &Seen) -> bool {
    seen.units(Track::Video).len() >= 10
}

/// `url` with credentials.
fn with_user(url: &str, user: &str) -> String {
    url.replacen("://", &format!("://{user}@"), 1)
}

#[test]
fn both_schemes_sign_in_and_wrong_passwords_are_told() {
    for (option, scheme) in [(&[][..], Scheme::Digest), (&["--basic"], Scheme::Basic)] {
        let options = [&["--user", "admin:p@ss"], option].concat();
        let camera = Camera::serve(&[Clip::H264], &options);
        let right = with_user(camera.url(), "admin:p%40ss");
        let (seen, error) = viewer::watch(
            viewer::settings(&right, Transport::Tcp, None),
            TICK,
            ten_frames,
        );
        assert!(error.is_none(), "{error:?}");
        let auth = seen.events.iter().find_map(|event| match event {
            Event::Described { auth, .. } => *auth,
            _ => None,
        });
        assert_eq!(auth, Some(scheme));
        for (url, failure) in [
            (with_user(camera.url(), "admin:wrong"), AuthFailure::Refused),
            (camera.url().to_owned(), AuthFailure::NoCredentials),
        ] {
            let settings = viewer::settings(&url, Transport::Tcp, None);
            let (_, error) = viewer::watch(settings, TICK, ten_frames);
            let expected = SessionError::Unauthorized(failure);
            assert!(matches!(error, Some(ConnectionError::Session(e)) if e == expected));
        }
    }
}

#[test]
fn a_certificate_is_trusted_by_its_fingerprint_only() {
    let key = rcgen::generate_simple_self_signed(vec!["camera.test".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let pem = folder.path().join("camera.pem");
    let text = [key.cert.pem(), key.signing_key.serialize_pem()].concat();
    std::fs::write(&pem, text).unwrap();
    let camera = Camera::serve(&[Clip::H264], &["--tls", pem.to_str().unwrap()]);
    let right = tls::fingerprint(key.cert.der());
    for pin in [None, Some(Fingerprint::new([7; 32]))] {
        let settings = viewer::settings(camera.url(), Transport::Tcp, pin);
        let (seen, error) = viewer::watch(settings, TICK, ten_frames);
        let Some(ConnectionError::UntrustedCertificate { sha256 }) = error else {
            panic!("{error:?}");
        };
        assert_eq!(sha256, right);
        assert_eq!(seen.events, []);
    }
    // UDP is not used within TLS, even when it is asked for.
    let settings = viewer::settings(camera.url(), Transport::Udp, Some(right));
    let (seen, error) = viewer::watch(settings, TICK, ten_frames);
    assert!(error.is_none() && ten_frames(&seen), "{error:?}");
}

#[test]
fn a_first_look_tells_what_the_camera_sends() {
    let camera = Camera::serve(&[Clip::H265Reordered], &[]);
    for transport in [Transport::Tcp, Transport::Udp] {
        let settings = viewer::settings(camera.url(), transport, None);
        let report = probe(&settings, &mut DirectDial, &SystemClock).unwrap();
        assert_eq!((report.video.width, report.video.height), (640, 360));
        let rate = report.video.frame_rate.unwrap();
        assert!((24.0..=26.0).contains(&rate), "{rate}");
        let interval = report.video.keyframe_interval_ms.unwrap();
        assert!((900..=1_100).contains(&interval), "{interval}");
        assert!(report.video.reordered);
        assert!(report.audio.unwrap().heard);
        assert_eq!(report.auth, None);
    }
}

#[test]
fn a_first_look_tells_why_there_is_nothing_to_see() {
    let camera = Camera::serve(&[Clip::H264], &[]);
    let settings = viewer::settings(&format!("{}x", camera.url()), Transport::Tcp, None);
    let error = probe(&settings, &mut DirectDial, &SystemClock).unwrap_err();
    let not_found = matches!(
        &error,
        ProbeError::Connection(ConnectionError::Session(SessionError::NotFound))
    );
    assert!(not_found, "{error:?}");
    drop(camera);
    let error = probe(&settings, &mut DirectDial, &SystemClock).unwrap_err();
    assert!(matches!(error, ProbeError::Dial(_)), "{error:?}");
}
