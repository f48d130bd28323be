//! The household's devices.

use bartizan_client::transport::Origin;
use bartizan_protocol::api;
use serde_json::{Value, json};

use crate::args::{DeviceRemove, DeviceRename};
use crate::context::Context;
use crate::failure::Failure;

/// Of a link that no phone can open.
const ONLY_HERE: &str = "This link works on this machine only. For a phone, serve the home network: cargo xtask up --lan, or \
                         bartizan-gateway run --listen 0.0.0.0:8440";

pub(super) async fn list(context: &Context) -> Result<(), Failure> {
    let devices = context.session().await?.devices().await?;
    let rows: Vec<[String; 4]> = devices
        .iter()
        .map(|device| {
            let this = if device.this { " (this one)" } else { "" };
            let until = device.token_expires_ms.map(|time| context.show(time));
            [
                format!("{}{this}", device.name.as_str()),
                context.show(device.added_ms),
                until.unwrap_or_else(|| "signed out".to_owned()),
                device.id.to_string(),
            ]
        })
        .collect();
    context
        .out
        .table(["NAME", "ADDED", "SIGNED IN UNTIL", "ID"], &rows);
    let devices: Vec<Value> = devices.iter().map(described).collect();
    context.out.result(&json!({ "devices": devices }));
    Ok(())
}

pub(super) async fn invite(context: &Context) -> Result<(), Failure> {
    let session = context.session().await?;
    let (link, expires) = session.invite().await?;
    let text = link.to_string();
    let only_here = link
        .origin
        .parse()
        .is_ok_and(|origin: Origin| origin.is_loopback());
    if only_here {
        context.out.note(ONLY_HERE);
    }
    context.out.line(format!(
        "Open this on your new device, once, before {}. It lets that device in as you: show it to nobody else.\n",
        context.show(expires)
    ));
    if let Some(code) = bartizan_base::terminal::code(&text) {
        context.out.line(code);
    }
    context.out.line(&text);
    context
        .out
        .result(&json!({ "link": text, "expiresMs": expires, "onlyHere": only_here }));
    Ok(())
}

pub(super) async fn rename(context: &Context, args: DeviceRename) -> Result<(), Failure> {
    let session = context.session().await?;
    let device = find(session.devices().await?, &args.device)?;
    let (was, name) = (device.name.as_str(), args.name.as_str());
    session.rename_device(device.id, args.name.clone()).await?;
    context.out.line(format!("{was} is called {name} now."));
    context
        .out
        .result(&json!({ "device": device.id, "name": name }));
    Ok(())
}

pub(super) async fn remove(context: &Context, args: &DeviceRemove) -> Result<(), Failure> {
    let session = context.session().await?;
    let device = find(session.devices().await?, &args.device)?;
    if device.this {
        let usage = "this is the device that you use: bartizan sign-out";
        return Err(Failure::Usage(usage.to_owned()));
    }
    session.remove_device(device.id).await?;
    let name = device.name.as_str();
    context.out.line(format!(
        "Removed {name}: it can do nothing any more. What it has seen before stays seen; its member's reader \
         key is still on the household's list."
    ));
    context
        .out
        .result(&json!({ "removed": device.id, "name": name }));
    Ok(())
}

fn find(devices: Vec<api::Device>, name: &str) -> Result<api::Device, Failure> {
    let id = name.parse().ok();
    let wanted =
        |device: &api::Device| Some(device.id) == id || device.name.as_str() == name.trim();
    let mut found = devices.into_iter().filter(wanted);
    match (found.next(), found.next()) {
        (Some(device), None) => Ok(device),
        (Some(_), Some(_)) => Err(Failure::Usage(
            "several devices are called so: use the id that `bartizan device list` shows"
                .to_owned(),
        )),
        (None, _) => Err(Failure::Usage(
            "there is no such device: `bartizan device list` shows what there is".to_owned(),
        )),
    }
}

fn described(device: &api::Device) -> Value {
    json!({
        "id": device.id,
        "member": device.member,
        "name": device.name.as_str(),
        "this": device.this,
        "addedMs": device.added_ms,
        "tokenExpiresMs": device.token_expires_ms,
    })
}
