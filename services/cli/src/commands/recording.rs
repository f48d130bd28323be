//! What was recorded, and exporting it.

use bartizan_client::export::{Exported, Request};
use bartizan_client::recordings::Range;
use bartizan_domain::UtcMillis;
use serde_json::{Value, json};

use super::verify::gap_line;
use crate::args::{Export, Recordings};
use crate::context::{Context, now};
use crate::failure::Failure;
use crate::moment::show_span;
use crate::output::show_bytes;

pub(super) async fn list(context: &Context, args: &Recordings) -> Result<(), Failure> {
    let range = range(context, args.from.as_deref(), args.to.as_deref())?;
    let session = context.session().await?;
    let (camera, stream) = context.recorded_stream(&session, &args.stream).await?;
    let spans = session.recordings(stream, range).await?;
    let rows: Vec<[String; 3]> = spans
        .iter()
        .map(|span| {
            [
                context.show(span.start_ms),
                context.show(span.end_ms),
                show_span(span.end_ms.since(span.start_ms)),
            ]
        })
        .collect();
    if rows.is_empty() {
        context.out.line("Nothing was recorded in this time.");
    } else {
        context.out.table(["FROM", "TO", "LENGTH"], &rows);
    }
    context.out.result(&json!({
        "camera": camera.id,
        "rendition": stream.rendition,
        "spans": spans,
    }));
    Ok(())
}

pub(super) async fn export(context: &Context, args: &Export) -> Result<(), Failure> {
    let range = range(context, Some(&args.from), Some(&args.to))?;
    let session = context.session().await?;
    let (camera, stream) = context.recorded_stream(&session, &args.stream).await?;
    let request = Request {
        stream,
        range,
        file: &args.output,
    };
    let bar = context.out.progress("exporting", 0, true);
    let exported = session
        .export(request, |progress| {
            bar.set_length(progress.total);
            bar.set_position(progress.arrived);
        })
        .await;
    bar.finish_and_clear();
    let exported = exported?;
    for file in &exported {
        tell(context, file);
    }
    let files: Vec<Value> = exported.iter().map(described).collect();
    context.out.result(&json!({
        "camera": camera.id,
        "rendition": stream.rendition,
        "files": files,
    }));
    Ok(())
}

fn tell(context: &Context, file: &Exported) {
    let out = context.out;
    out.line(format!(
        "Written: {} ({}), from {} to {}",
        file.file.display(),
        show_bytes(file.bytes),
        context.show(file.first),
        context.show(file.last)
    ));
    out.line(format!("Proof:   {}", file.proof.display()));
    for gap in &file.gaps {
        out.line(gap_line(context, gap));
    }
    if file.unsigned > 0 {
        out.note(format!(
            "The last {} frames are so new that the sealer has not signed them yet.",
            file.unsigned
        ));
    }
}

fn described(file: &Exported) -> Value {
    json!({
        "file": file.file,
        "proof": file.proof,
        "sha256": file.sha256,
        "bytes": file.bytes,
        "firstMs": file.first,
        "lastMs": file.last,
        "frames": file.frames,
        "segments": file.segments,
        "unsignedFrames": file.unsigned,
        "gaps": file.gaps.iter().map(super::verify::gap_value).collect::<Vec<_>>(),
    })
}

/// Without `from` since the beginning, without `to` until now.
fn range(context: &Context, from: Option<&str>, to: Option<&str>) -> Result<Range, Failure> {
    let from = from
        .map(|text| context.moment("--from", text))
        .transpose()?;
    let to = to.map(|text| context.moment("--to", text)).transpose()?;
    let range = Range {
        from: from.unwrap_or(UtcMillis(0)),
        to: to.unwrap_or_else(now),
    };
    if range.from >= range.to {
        let usage = "--from must be earlier than --to";
        return Err(Failure::Usage(usage.to_owned()));
    }
    Ok(range)
}
