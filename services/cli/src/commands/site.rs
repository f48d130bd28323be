//! The gateway, the household, and the disk.

use bartizan_protocol::api::{DiskAlert, RootKeyKind};
use serde_json::{Value, json};

use super::account;
use super::camera;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::show_bytes;

pub(super) async fn status(context: &Context) -> Result<(), Failure> {
    let session = context.session().await?;
    let site = session.site().await?;
    let history = session.sync().await?;
    let cameras = session.cameras().await?;
    let roster = history.current();
    let out = context.out;
    out.line(format!(
        "Gateway:   {} (version {})",
        session.transport().origin(),
        site.version
    ));
    out.line(format!("Household: {}", roster.genesis()));
    out.line(format!(
        "Roster:    {} statements, {} members, {} devices; verified by this device",
        roster.len(),
        roster.members().count(),
        roster.devices().count()
    ));
    let kept = match site.root_key {
        RootKeyKind::Credential => "sealed by the gateway's machine",
        RootKeyKind::File => {
            "under a key on the gateway's disk: whoever has the whole disk has them"
        }
    };
    out.line(format!("Secrets:   {kept}"));
    out.line(format!(
        "Signed in: until {}",
        context.show(session.identity().expires)
    ));
    for one in &cameras {
        for stream in &one.streams {
            let (name, rendition) = (one.name.as_str(), stream.rendition);
            out.line(format!(
                "{name} ({rendition}): {}",
                camera::state(&stream.status)
            ));
        }
    }
    let described: Vec<Value> = cameras.iter().map(camera::described).collect();
    let mut result = account::described(&session);
    for (name, value) in [
        ("version", json!(site.version)),
        ("rosterLen", json!(roster.len())),
        ("rosterHead", json!(roster.head())),
        ("rootKey", json!(site.root_key)),
        ("gatewayNowMs", json!(site.now_ms)),
        ("counters", json!(session.counters().await?)),
        ("cameras", json!(described)),
    ] {
        result.insert(name.to_owned(), value);
    }
    out.result(&result.into());
    Ok(())
}

/// What is wrong with the disk, and what that means.
const fn explained(alert: DiskAlert) -> &'static str {
    match alert {
        DiskAlert::Full => "the disk is full: nothing is recorded until there is room",
        DiskAlert::ReadOnly => {
            "the disk can't be written to: nothing is recorded until that works again"
        }
        DiskAlert::Failing => {
            "the disk fails: nothing is recorded until it works; the gateway's log says more"
        }
        DiskAlert::Slow => "the disk does not keep up: some recordings are lost",
    }
}

pub(super) async fn storage(context: &Context) -> Result<(), Failure> {
    let session = context.session().await?;
    let storage = session.storage().await?;
    let cameras = session.cameras().await?;
    let out = context.out;
    out.line(format!(
        "Recordings take {}; {} are free, of which {} always stay free.",
        show_bytes(storage.used_bytes),
        show_bytes(storage.free_bytes),
        show_bytes(storage.floor_bytes)
    ));
    if let Some(alert) = storage.alert {
        out.line(format!("ALERT: {}", explained(alert)));
    }
    let rows: Vec<[String; 4]> = storage
        .streams
        .iter()
        .map(|stream| {
            let camera = cameras.iter().find(|camera| camera.id == stream.camera);
            let name =
                camera.map_or_else(|| stream.camera.to_string(), |c| c.name.as_str().to_owned());
            let time = |time: Option<_>| time.map_or_else(|| "-".to_owned(), |t| context.show(t));
            [
                format!("{name} ({})", stream.rendition),
                show_bytes(stream.bytes),
                time(stream.oldest_ms),
                time(stream.newest_ms),
            ]
        })
        .collect();
    if !rows.is_empty() {
        out.table(["STREAM", "SIZE", "OLDEST", "NEWEST"], &rows);
    }
    out.result(&json!(storage));
    Ok(())
}
