//! Claiming, signing in and signing out.

use std::io::Read;
use std::path::Path;

use bartizan_client::account::{MAX_RECOVERY_FILE, NewDevice, parse_recovery, read_recovery};
use bartizan_client::cameras::NewCamera;
use bartizan_client::transport::Origin;
use bartizan_client::{ClientError, Session};
use bartizan_domain::Secret;
use bartizan_domain::text::Name;
use bartizan_protocol::api;
use bartizan_protocol::claim::ClaimLink;
use bartizan_protocol::invitation::InvitationLink;
use serde_json::{Map, Value, json};

use crate::args::{Claim, SignIn, SignOut, ThisDevice};
use crate::context::{Context, device_name, typed};
use crate::failure::Failure;

/// This device, which has no account yet.
fn new_device(context: &Context, args: ThisDevice) -> NewDevice {
    let (name, suggested) = device_name(args.device_name);
    NewDevice {
        profile: context.profile(),
        name,
        suggested,
        pin: args.pin,
    }
}

pub(super) async fn claim(context: &Context, args: Claim) -> Result<(), Failure> {
    let link = typed(args.link)?;
    let link: ClaimLink = link.expose().parse().map_err(ClientError::from)?;
    let device = new_device(context, args.device);
    let claimed = bartizan_client::claim(&link, &args.name, &args.recovery_out, device).await?;
    let file = args.recovery_out.display();
    context.out.line(format!(
        "You own this household now.\n\n\
         The recovery key is in {file}. Print or copy it, keep it away from the gateway, and delete the \
         file: its 24 words are the only way back in when all devices are lost."
    ));
    let cameras = add_suggested(context, &claimed.session, claimed.suggested).await;
    if cameras.is_empty() {
        let example = "rtsp://user:password@192.168.1.20/stream1";
        context
            .out
            .line(format!("\nNext: bartizan camera add Door '{example}'"));
    }
    let mut result = described(&claimed.session);
    result.insert("recovery".to_owned(), json!(args.recovery_out));
    result.insert("cameras".to_owned(), json!(cameras));
    context.out.result(&result.into());
    Ok(())
}

/// Adds the cameras that whoever started the gateway named. One that fails is told and does not stop the
/// others: the claim has been made.
async fn add_suggested(
    context: &Context,
    session: &Session,
    suggested: Vec<api::SourceSettings>,
) -> Vec<Value> {
    let mut added = Vec::new();
    for (place, main) in suggested.into_iter().enumerate() {
        let name = format!("Camera {}", place.saturating_add(1));
        let Ok(name) = Name::parse(&name) else {
            continue;
        };
        let camera = NewCamera {
            name: name.clone(),
            main,
            sub: None,
            retention: api::Retention::default(),
        };
        match session.add_camera(&camera).await {
            Ok(camera) => {
                let (name, source) = (camera.name.as_str(), &camera.source);
                context.out.line(format!("Added {name}: {source}"));
                added.push(json!({ "id": camera.id, "name": name }));
            }
            Err(error) => {
                let message = Failure::from(error).message();
                context
                    .out
                    .note(format!("{} was not added: {message}", name.as_str()));
            }
        }
    }
    added
}

pub(super) async fn sign_in(context: &Context, args: SignIn) -> Result<(), Failure> {
    let device = new_device(context, args.device);
    let session = if let Some(words) = args.recovery {
        let origin: Origin = args.link.parse().map_err(ClientError::from)?;
        let words = if words == Path::new("-") {
            parse_recovery(read_words()?.expose()).map_err(ClientError::from)?
        } else {
            read_recovery(&words)?
        };
        bartizan_client::sign_in(origin, &words, device).await?
    } else {
        let link = typed(args.link)?;
        let link: InvitationLink = link.expose().parse().map_err(ClientError::from)?;
        bartizan_client::invitation::join(&link, device).await?
    };
    context.out.line("This device is signed in.");
    context.out.result(&described(&session).into());
    Ok(())
}

fn read_words() -> Result<Secret<String>, Failure> {
    let mut text = String::new();
    let read = std::io::stdin()
        .take(MAX_RECOVERY_FILE)
        .read_to_string(&mut text);
    let text = Secret::new(text);
    read.map_err(|source| Failure::Machine {
        what: "the recovery words can't be read from standard input".to_owned(),
        source,
    })?;
    Ok(text)
}

pub(super) async fn sign_out(context: &Context, args: &SignOut) -> Result<(), Failure> {
    if !args.local {
        let session = context.session().await?;
        let removed = session.remove_device(session.identity().device).await;
        removed.inspect_err(|_error| {
            let advice = "to forget the keys here all the same: bartizan sign-out --local";
            context.out.note(advice);
        })?;
    }
    context.profile().forget()?;
    context
        .out
        .line("This device holds no keys of the household any more.");
    context
        .out
        .result(&json!({ "signedOut": true, "removedFromHousehold": !args.local }));
    Ok(())
}

/// Who this device is, for programs.
pub(super) fn described(session: &Session) -> Map<String, Value> {
    let identity = session.identity();
    let fields = [
        ("gateway", json!(session.transport().origin().to_string())),
        ("site", json!(identity.site)),
        ("member", json!(identity.member)),
        ("device", json!(identity.device)),
        ("household", json!(identity.genesis)),
        ("profile", json!(session.profile().folder())),
        ("expiresMs", json!(identity.expires)),
    ];
    Map::from_iter(fields.map(|(name, value)| (name.to_owned(), value)))
}
