//! One file a group of commands; each says what it did to `Output` and ends with an exit code.

mod account;
mod camera;
mod device;
mod recording;
mod site;
mod verify;
mod watch;

use crate::args::{Camera, Command, Device};
use crate::context::Context;
use crate::failure::{DONE, Failure};

/// Runs a command; gives the exit code.
pub(crate) async fn run(context: &Context, command: Command) -> Result<u8, Failure> {
    match command {
        Command::Claim(args) => account::claim(context, args).await?,
        Command::SignIn(args) => account::sign_in(context, args).await?,
        Command::SignOut(args) => account::sign_out(context, &args).await?,
        Command::Status => site::status(context).await?,
        Command::Storage => site::storage(context).await?,
        Command::Camera(Camera::Add(args)) => camera::add(context, args).await?,
        Command::Camera(Camera::List) => camera::list(context).await?,
        Command::Camera(Camera::Test(args)) => camera::test(context, args).await?,
        Command::Camera(Camera::Set(args)) => camera::set(context, args).await?,
        Command::Camera(Camera::Remove(args)) => camera::remove(context, &args).await?,
        Command::Live(args) => watch::live(context, &args).await?,
        Command::Recordings(args) => recording::list(context, &args).await?,
        Command::Export(args) => recording::export(context, &args).await?,
        Command::Verify(args) => return verify::verify(context, &args).await,
        Command::Device(Device::List) => device::list(context).await?,
        Command::Device(Device::Invite) => device::invite(context).await?,
        Command::Device(Device::Rename(args)) => device::rename(context, args).await?,
        Command::Device(Device::Remove(args)) => device::remove(context, &args).await?,
    }
    Ok(DONE)
}
