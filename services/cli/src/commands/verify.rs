//! Offline checks: an exported file with its proof, or the recordings in a gateway's data folder.
//!
//! A recording is held against the roster that this device verified; an export brings its own, and whose it
//! is has to be recognised by the household's hash.

use std::path::Path;

use bartizan_client::profile::{Profile, ProfileError, Seen};
use bartizan_client::verify::{Finding, Report, verify_export};
use bartizan_client::{ClientError, Session};
use bartizan_domain::{Hash, StreamId};
use bartizan_sealing::Gap;
use bartizan_sealing::verify::StreamVerifier;
use serde_json::{Value, json};

use crate::args::Verify;
use crate::context::Context;
use crate::failure::{BROKEN, DONE, Failure};
use crate::output::show_bytes;
use crate::volumes::Store;

/// Findings that are printed one by one.
const SHOWN: usize = 20;

pub(super) async fn verify(context: &Context, args: &Verify) -> Result<u8, Failure> {
    let mut reports = if args.path.is_dir() {
        recordings(context, &args.path).await?
    } else {
        vec![verify_export(&args.path).await?]
    };
    let own = own_household(&context.profile())?;
    for report in &mut reports {
        recognise(report, args.household, own);
        tell(context, report, own);
    }
    let whole = reports.iter().all(Report::is_whole);
    context.out.line(if whole {
        "Nothing is wrong."
    } else {
        "SOMETHING IS WRONG: see above where and what."
    });
    let values: Vec<Value> = reports.iter().map(described).collect();
    context
        .out
        .result(&json!({ "whole": whole, "reports": values }));
    Ok(if whole { DONE } else { BROKEN })
}

/// Site and genesis of this device's household, if it has one.
fn own_household(profile: &Profile) -> Result<Option<(bartizan_domain::SiteId, Hash)>, Failure> {
    match profile.load() {
        Ok(account) => Ok(Some((account.site, account.genesis))),
        Err(ProfileError::NoAccount { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// An export proves something of the household that it names, so that has to be the right one.
fn recognise(
    report: &mut Report,
    wanted: Option<Hash>,
    own: Option<(bartizan_domain::SiteId, Hash)>,
) {
    let forged = match (wanted, own) {
        (Some(wanted), _) => report.genesis != Some(wanted),
        (None, Some((site, genesis))) => {
            report.site == Some(site) && report.genesis.is_some_and(|found| found != genesis)
        }
        (None, None) => false,
    };
    if forged {
        report.find(Finding {
            what: "it is of another household than the one that is asked for".to_owned(),
            segment: None,
            time: None,
        });
    }
}

async fn recordings(context: &Context, path: &Path) -> Result<Vec<Report>, Failure> {
    let unreadable = |source| Failure::Machine {
        what: format!("the recordings in {} can't be read", path.display()),
        source,
    };
    let store = Store::open(path).map_err(unreadable)?;
    let Some(store) = store else {
        let usage = format!(
            "{} holds no recordings of a gateway: name its data folder, or an exported MP4 file",
            path.display()
        );
        return Err(Failure::Usage(usage));
    };
    let session = roster_session(context)?;
    let history = session.history().await?;
    let roster = history.current();
    let of = (roster.site(), roster.genesis());
    let seen = session.profile().seen()?;
    let total = store.streams().map(|stream| store.size(stream)).sum();
    let bar = context.out.progress("verifying", total, true);
    let mut reports = Vec::new();
    for stream in store.streams() {
        let find = |epoch| store.envelope(stream.camera, epoch);
        let mut verifier = StreamVerifier::new(&history, find);
        let walked = store.walk(stream, &mut verifier, |bytes| bar.inc(bytes));
        let walked = walked.map_err(unreadable)?;
        let mut report = Report::of_recording(stream, of, verifier.finish());
        check_newest(&mut report, &seen, walked.last_counter);
        reports.push(report);
    }
    bar.finish_and_clear();
    if reports.is_empty() {
        context.out.line("There are no recordings yet.");
    }
    Ok(reports)
}

fn roster_session(context: &Context) -> Result<Session, Failure> {
    match Session::open(context.profile()) {
        Ok(session) => Ok(session),
        Err(ClientError::Profile(ProfileError::NoAccount { .. })) => Err(Failure::Usage(
            "recordings are checked against the household's roster, which a signed-in device has: sign in \
             first, or name its account with --profile"
                .to_owned(),
        )),
        Err(error) => Err(error.into()),
    }
}

/// This device has watched further than the recording goes: its end is missing.
fn check_newest(report: &mut Report, seen: &Seen, last: Option<u64>) {
    let stream: StreamId = report.stream;
    let Some(high) = seen.streams.get(&stream) else {
        return;
    };
    if last.is_none_or(|last| last < high.counter) {
        report.find(Finding {
            what: "the recording ends before what this device has already seen".to_owned(),
            segment: None,
            time: Some(high.time),
        });
    }
}

fn tell(context: &Context, report: &Report, own: Option<(bartizan_domain::SiteId, Hash)>) {
    let out = context.out;
    let what = if report.exporter.is_some() {
        "Export"
    } else {
        "Recording"
    };
    let time = |time: Option<_>| time.map_or_else(|| "?".to_owned(), |time| context.show(time));
    if report.segments == 0 && report.is_whole() {
        let StreamId { camera, rendition } = report.stream;
        return out.line(format!(
            "Nothing is recorded of camera {camera} ({rendition})."
        ));
    }
    out.line(format!(
        "{what} of camera {} ({}), {} to {}: {} segments, {} frames, {} signatures, {}",
        report.stream.camera,
        report.stream.rendition,
        time(report.first),
        time(report.last),
        report.segments,
        report.frames,
        report.manifests,
        show_bytes(report.bytes),
    ));
    if let Some(exporter) = &report.exporter {
        out.line(format!(
            "  exported by member {} at {}",
            exporter.member,
            context.show(exporter.made)
        ));
    }
    if let Some(genesis) = report.genesis {
        let mine = own.is_some_and(|(_, own)| own == genesis);
        let whose = if mine {
            "this device's own"
        } else {
            "compare it with the one that its owner sees in `bartizan status`"
        };
        out.line(format!("  household {genesis} ({whose})"));
    }
    for gap in &report.gaps {
        out.line(gap_line(context, gap));
    }
    if report.unsigned > 0 {
        out.line(format!(
            "  the last {} frames are not signed yet",
            report.unsigned
        ));
    }
    for finding in report.findings.iter().take(SHOWN) {
        out.line(finding_line(context, finding));
    }
    let more = report.finding_count.saturating_sub(SHOWN as u64);
    if more > 0 {
        out.line(format!("  … and {more} more findings"));
    }
}

fn finding_line(context: &Context, finding: &Finding) -> String {
    let time = finding
        .time
        .map(|time| format!(" at {}", context.show(time)));
    let segment = finding.segment.map(|number| format!(", segment {number}"));
    format!(
        "  WRONG{}{}: {}",
        time.unwrap_or_default(),
        segment.unwrap_or_default(),
        finding.what
    )
}

/// A signed gap for people.
pub(super) fn gap_line(context: &Context, gap: &Gap) -> String {
    let reason = reason(gap);
    format!(
        "  gap from {} to {}: {}",
        context.show(gap.from),
        context.show(gap.to),
        reason.as_str().unwrap_or_default().replace('-', " ")
    )
}

/// A signed gap for programs.
pub(super) fn gap_value(gap: &Gap) -> Value {
    json!({
        "reason": reason(gap),
        "fromMs": gap.from,
        "toMs": gap.to,
        "firstSegment": gap.first_segment,
        "segments": gap.segments,
    })
}

fn reason(gap: &Gap) -> Value {
    json!(gap.reason)
}

fn described(report: &Report) -> Value {
    let findings = report.findings.iter().map(|finding| {
        json!({ "what": finding.what, "segment": finding.segment, "timeMs": finding.time })
    });
    let exporter = report.exporter.map(|exporter| {
        json!({
            "member": exporter.member,
            "madeMs": exporter.made,
            "fromMs": exporter.from,
            "toMs": exporter.to,
        })
    });
    json!({
        "camera": report.stream.camera,
        "rendition": report.stream.rendition,
        "whole": report.is_whole(),
        "site": report.site,
        "household": report.genesis,
        "exporter": exporter,
        "bytes": report.bytes,
        "segments": report.segments,
        "frames": report.frames,
        "manifests": report.manifests,
        "unsignedFrames": report.unsigned,
        "firstMs": report.first,
        "lastMs": report.last,
        "gaps": report.gaps.iter().map(gap_value).collect::<Vec<_>>(),
        "findings": findings.collect::<Vec<_>>(),
        "findingCount": report.finding_count,
    })
}
