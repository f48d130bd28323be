//! Live.

use bartizan_client::live_file::Request;
use serde_json::json;

use crate::args::Live;
use crate::context::Context;
use crate::failure::Failure;
use crate::moment::show_span;

pub(super) async fn live(context: &Context, args: &Live) -> Result<(), Failure> {
    let session = context.session().await?;
    let (camera, stream) = context.stream(&session, &args.stream).await?;
    let request = Request {
        stream,
        seconds: args.seconds,
        file: args.output.as_deref(),
    };
    let total = u64::from(args.seconds).saturating_mul(1_000);
    let bar = context.out.progress("watching", total, false);
    let watched = session
        .watch(request, |millis| bar.set_position(millis))
        .await;
    bar.finish_and_clear();
    let watched = watched?;
    let took = watched.first_picture.as_millis();
    context.out.line(format!(
        "{}: {} of footage, first picture after {took} ms{}",
        camera.name.as_str(),
        show_span(watched.last.since(watched.first)),
        watched
            .delay_ms
            .map(|millis| format!(", {millis} ms behind the camera"))
            .unwrap_or_default()
    ));
    if let Some(file) = &watched.file {
        context.out.line(format!("Written: {}", file.display()));
    }
    context.out.result(&json!({
        "camera": camera.id,
        "rendition": stream.rendition,
        "file": watched.file,
        "bytes": watched.bytes,
        "pictures": watched.pictures,
        "frames": watched.frames,
        "firstMs": watched.first,
        "lastMs": watched.last,
        "firstPictureMs": u64::try_from(took).unwrap_or(u64::MAX),
        "delayMs": watched.delay_ms,
        "rejoins": watched.rejoins,
    }));
    Ok(())
}
