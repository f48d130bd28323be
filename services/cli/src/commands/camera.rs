//! Adding, listing, testing, changing and removing cameras.

use bartizan_client::cameras::NewCamera;
use bartizan_domain::Secret;
use bartizan_media::url::Source as Address;
use bartizan_protocol::api::{self, Change, StreamStatus};
use serde_json::{Value, json};

use crate::args::{
    CameraAdd, CameraRemove, CameraSet, CameraTest, Keep, KeepChange, Limit, Source,
};
use crate::context::{Context, typed};
use crate::failure::Failure;
use crate::output::show_bytes;

/// Bytes of a gigabyte.
const GB: u64 = 1_000_000_000;

pub(super) async fn add(context: &Context, args: CameraAdd) -> Result<(), Failure> {
    let new = NewCamera {
        name: args.name,
        main: settings(typed(args.url)?.expose(), &args.source)?,
        sub: sub_settings(args.sub.as_deref(), &args.source)?,
        retention: retention(args.keep),
    };
    let camera = context.session().await?.add_camera(&new).await?;
    context.out.line(format!(
        "Added {}: {}\nSee how it is doing: bartizan camera list",
        camera.name.as_str(),
        camera.source
    ));
    context.out.result(&described(&camera));
    Ok(())
}

pub(super) async fn list(context: &Context) -> Result<(), Failure> {
    let cameras = context.session().await?.cameras().await?;
    let rows: Vec<[String; 4]> = cameras.iter().map(row).collect();
    if rows.is_empty() {
        context
            .out
            .line("There are no cameras yet: bartizan camera add --help");
    } else {
        context.out.table(["NAME", "STATE", "SOURCE", "ID"], &rows);
    }
    let cameras: Vec<Value> = cameras.iter().map(described).collect();
    context.out.result(&json!({ "cameras": cameras }));
    Ok(())
}

fn row(camera: &api::Camera) -> [String; 4] {
    let states = camera.streams.iter().map(|stream| {
        let state = state(&stream.status);
        format!("{}: {state}", stream.rendition)
    });
    [
        camera.name.as_str().to_owned(),
        states.collect::<Vec<_>>().join("; "),
        camera.source.clone(),
        camera.id.to_string(),
    ]
}

/// A stream's state in a few words.
pub(super) fn state(status: &StreamStatus) -> String {
    match status {
        StreamStatus::Connecting { problem: None } => "connecting".to_owned(),
        StreamStatus::Connecting {
            problem: Some(problem),
        } => {
            format!("no picture ({})", problem.message)
        }
        StreamStatus::Streaming { tracks } => {
            let shapes = tracks
                .iter()
                .map(|track| format!("{} {}", track.codec, track.shape));
            format!("recording {}", shapes.collect::<Vec<_>>().join(" + "))
        }
        StreamStatus::Paused => "paused".to_owned(),
    }
}

/// A camera for programs.
pub(super) fn described(camera: &api::Camera) -> Value {
    json!({
        "id": camera.id,
        "name": camera.name.as_str(),
        "source": camera.source,
        "streams": camera.streams,
        "retention": camera.retention,
    })
}

pub(super) async fn test(context: &Context, args: CameraTest) -> Result<(), Failure> {
    let session = context.session().await?;
    let report = if is_address(&args.camera) {
        session.probe(settings(&args.camera, &args.source)?).await?
    } else {
        let camera = session.camera(&args.camera).await?;
        session.probe_camera(camera.id, args.rendition).await?
    };
    let video = &report.video;
    let rate = f64::from(video.frames_per_1000_s) / 1_000.0;
    context.out.line(format!(
        "Picture: {} {}×{}, {rate:.1} pictures a second, {} a second{}",
        video.codec,
        video.width,
        video.height,
        show_bytes(video.bits_per_s / 8),
        video
            .keyframe_interval_ms
            .map(|millis| format!(", a keyframe every {:.1} s", f64::from(millis) / 1_000.0))
            .unwrap_or_default()
    ));
    if let Some(audio) = &report.audio {
        context.out.line(format!(
            "Sound: {} {} Hz, {} channels",
            audio.codec, audio.sample_rate, audio.channels
        ));
    }
    if !report.unsupported.is_empty() {
        let names = report.unsupported.join(", ");
        context.out.line(format!("Left out: {names}"));
    }
    context.out.line(format!(
        "First picture after {} ms.",
        report.first_picture_ms
    ));
    context.out.result(&json!(report));
    Ok(())
}

pub(super) async fn set(context: &Context, args: CameraSet) -> Result<(), Failure> {
    let keep = args.keep;
    let has_keep = keep.retention_days.is_some() || keep.retention_gb.is_some();
    let mut patch = api::CameraPatch {
        name: args.name,
        main: typed_settings(args.url, &args.source)?,
        sub: typed_settings(args.sub, &args.source)?.map_or(Change::Keep, Change::Set),
        retention: None,
    };
    if args.no_sub {
        patch.sub = Change::Remove;
    }
    if patch == api::CameraPatch::default() && !has_keep {
        let usage = "say what to change: --name, --url, --sub, --no-sub, --retention-days or --retention-gb";
        return Err(Failure::Usage(usage.to_owned()));
    }
    let session = context.session().await?;
    let camera = session.camera(&args.camera).await?;
    patch.retention = has_keep.then(|| kept(camera.retention, keep));
    let is_less = patch
        .retention
        .is_some_and(|after| is_shorter(camera.retention, after));
    let had_sub = camera.streams.len() > 1;
    let camera = session.patch_camera(camera.id, &patch).await?;
    let name = camera.name.as_str();
    context.out.line(format!("Changed {name}."));
    if is_less {
        context
            .out
            .line("Older recordings beyond that are deleted within a minute.");
    }
    if args.no_sub && had_sub {
        context.out.line(
            "Its small stream is not recorded any more. What was recorded of it stays until the retention removes it.",
        );
    }
    context.out.result(&described(&camera));
    Ok(())
}

/// An address that was typed, or stands on standard input for `-`.
fn typed_settings(
    url: Option<String>,
    source: &Source,
) -> Result<Option<api::SourceSettings>, Failure> {
    let Some(url) = url.map(typed).transpose()? else {
        return Ok(None);
    };
    settings(url.expose(), source).map(Some)
}

/// Whether something that is kept now may be too much afterwards.
fn is_shorter(before: api::Retention, after: api::Retention) -> bool {
    let tighter =
        |old: Option<u64>, now: Option<u64>| now.is_some_and(|now| old.is_none_or(|old| now < old));
    tighter(before.max_bytes, after.max_bytes)
        || tighter(
            before.max_hours.map(u64::from),
            after.max_hours.map(u64::from),
        )
}

/// A camera's limits with those that were given in place of its own.
fn kept(now: api::Retention, change: KeepChange) -> api::Retention {
    let gigabytes = |limit: Limit<u64>| limit.0.map(|gb| gb.saturating_mul(GB));
    let hours = |limit: Limit<u32>| limit.0.map(|days| days.saturating_mul(24));
    api::Retention {
        max_bytes: change.retention_gb.map_or(now.max_bytes, gigabytes),
        max_hours: change.retention_days.map_or(now.max_hours, hours),
    }
}

pub(super) async fn remove(context: &Context, args: &CameraRemove) -> Result<(), Failure> {
    let session = context.session().await?;
    let camera = session.camera(&args.camera).await?;
    let name = camera.name.as_str();
    let question = format!("Remove {name} and all its recordings?");
    if !args.yes && !context.out.agrees(&question) {
        return Err(Failure::Usage("nothing was removed".to_owned()));
    }
    session.remove_camera(camera.id).await?;
    context.out.line(format!("Removed {name}."));
    context
        .out
        .result(&json!({ "removed": camera.id, "name": name }));
    Ok(())
}

fn is_address(text: &str) -> bool {
    text.contains("://") || text.to_ascii_lowercase().starts_with("synthetic:")
}

/// An address as typed; its faults are told before anything is sent.
fn settings(url: &str, source: &Source) -> Result<api::SourceSettings, Failure> {
    Address::parse(url).map_err(|error| Failure::Usage(error.to_string()))?;
    Ok(api::SourceSettings {
        url: Secret::new(url.trim().to_owned()),
        transport: source.transport,
        certificate: source.certificate,
    })
}

fn sub_settings(
    url: Option<&str>,
    source: &Source,
) -> Result<Option<api::SourceSettings>, Failure> {
    url.map(|url| settings(url, source)).transpose()
}

fn retention(keep: Keep) -> api::Retention {
    api::Retention {
        max_bytes: keep.retention_gb.map(|gb| gb.saturating_mul(GB)),
        max_hours: keep.retention_days.map(|days| days.saturating_mul(24)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_is_not_given_stays_as_it_is() {
        let now = api::Retention {
            max_bytes: Some(200 * GB),
            max_hours: Some(24),
        };
        let change = KeepChange {
            retention_days: Some(Limit(Some(14))),
            retention_gb: None,
        };
        let both = kept(now, change);
        assert_eq!(
            (both.max_bytes, both.max_hours),
            (Some(200 * GB), Some(336))
        );
        let lifted = KeepChange {
            retention_days: None,
            retention_gb: Some(Limit(None)),
        };
        let age = kept(now, lifted);
        assert_eq!((age.max_bytes, age.max_hours), (None, Some(24)));
        assert!(is_shorter(age, both), "a size where there was none");
        assert!(!is_shorter(now, both) && !is_shorter(now, now));
    }
}
