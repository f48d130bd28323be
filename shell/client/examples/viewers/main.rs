//! Viewers for measurements, in a process of their own: `viewers PROFILE start RUNS GOP_MS`, `viewers
//! PROFILE latency SECONDS` or `viewers PROFILE crowd VIEWERS SECONDS`, for the first camera of an account.
//!
//! Each line that it prints is a JSON object; times are microseconds. The camera must put its [`stamp`]
//! into every picture, on the same machine. Nothing is summed up here, and nothing decoded.
#![forbid(unsafe_code)]

mod crowd;
mod latency;
mod opening;
mod stamp;
mod start;
mod walk;

use std::error::Error;
use std::str::FromStr;

use bartizan_client::{Profile, Session};
use bartizan_domain::{Rendition, StreamId};

/// A measurement that fails only has to say why.
type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let profile = Profile::at(word(&mut args)?);
    let scenario: String = word(&mut args)?;
    let stream = first_stream(&profile).await?;
    match scenario.as_str() {
        "start" => start::run(&profile, stream, word(&mut args)?, word(&mut args)?).await,
        "latency" => latency::run(&profile, stream, word(&mut args)?).await,
        "crowd" => crowd::run(&profile, stream, word(&mut args)?, word(&mut args)?).await,
        other => Err(format!("there is no scenario {other}").into()),
    }
}

fn word<T: FromStr>(args: &mut impl Iterator<Item = String>) -> Result<T, Failure> {
    let word = args.next().ok_or("an argument is missing")?;
    word.parse()
        .map_err(|_unreadable| format!("{word} is not a good argument").into())
}

async fn first_stream(profile: &Profile) -> Result<StreamId, Failure> {
    let cameras = Session::open(profile.clone())?.cameras().await?;
    let camera = cameras.first().ok_or("the account has no camera")?.id;
    Ok(StreamId {
        camera,
        rendition: Rendition::Main,
    })
}

#[expect(clippy::print_stdout, reason = "an example that tells its results")]
fn tell(line: &serde_json::Value) {
    println!("{line}");
}
