//! `bartizan-gateway`: records sealed streams and serves them. `run` is the supervisor, which starts this
//! program again as `serve`, and the ingest.
#![forbid(unsafe_code)]

mod serve;
mod supervisor;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use bartizan_base::log;
use clap::{Args, Parser, Subcommand};

/// Exit code for bad usage or configuration (sysexits.h, `EX_USAGE`).
const EX_USAGE: u8 = 64;

/// The Bartizan gateway: records cameras so that only the household's own devices can watch.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts the gateway and keeps it running.
    Run(RunArgs),
    /// Serves API and recorder; started by `run`.
    #[command(hide = true)]
    Serve(ServeArgs),
    /// Prints the description of the API (OpenAPI 3.1).
    Openapi,
}

#[derive(Debug, Clone, Args)]
struct RunArgs {
    #[command(flatten)]
    serve: ServeArgs,
    /// A camera that the owner is offered at the claim; may be repeated. A URL with a password is better
    /// given in the environment, where other users of the machine can't list it.
    #[arg(
        long = "camera",
        value_name = "URL",
        env = "BARTIZAN_CAMERAS",
        value_delimiter = ' '
    )]
    #[arg(hide_env_values = true)]
    cameras: Vec<String>,
    /// The ingest program; by default beside this one.
    #[arg(long, value_name = "FILE")]
    ingest: Option<PathBuf>,
    /// Serve with this certificate chain (PEM) instead of the site's own. It is taken over anew when it changes.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// Its private key (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
struct ServeArgs {
    /// Folder for everything that is kept.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Address and port to listen on. Loopback addresses are served in clear, all others with TLS 1.3.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8440")]
    listen: SocketAddr,
    /// Serve with TLS on a loopback address, too.
    #[arg(long)]
    tls: bool,
    /// A host name that the gateway is called by; may be repeated. The first that ends in `.local` is told on the
    /// own network. Without one, a gateway that listens beyond this machine is `bartizan.local`.
    #[arg(long = "name", value_name = "HOST")]
    names: Vec<String>,
    /// Tell no name on the own network (multicast DNS).
    #[arg(long)]
    no_mdns: bool,
    /// Port of the page that leads through trusting the site's own certificate, in clear. Without it, 8441, and
    /// none on a loopback address.
    #[arg(long, value_name = "PORT")]
    guide: Option<u16>,
    /// The supervisor hands in the certificate.
    #[arg(long, hide = true)]
    tls_given: bool,
    /// Space in MiB that recordings always leave free on the disk.
    #[arg(long, value_name = "MIB", default_value_t = 2_048)]
    keep_free: u64,
    /// How much to log: error, warn, info or debug.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log: String,
    /// Print one JSON object instead of lines.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let (level, worked) = match &cli.command {
        Command::Run(arguments) => (arguments.serve.log.as_str(), true),
        Command::Serve(arguments) => (arguments.log.as_str(), true),
        Command::Openapi => ("warn", false),
    };
    if let Err(error) = log::start(level) {
        drop(log::start("info"));
        tracing::error!(%error, "bad usage");
        return ExitCode::from(EX_USAGE);
    }
    match work(cli.command) {
        Ok(code) => code,
        Err(error) => {
            tracing::error!(error = %format!("{error:#}"), serving = worked, "gateway ended");
            exit_code(&error)
        }
    }
}

/// Help and version are no failures; everything else is bad usage.
fn usage(error: &clap::Error) -> ExitCode {
    // Nothing can be done about a closed terminal.
    drop(error.print());
    if error.use_stderr() {
        ExitCode::from(EX_USAGE)
    } else {
        ExitCode::SUCCESS
    }
}

/// A configuration that can't work is told apart from a failure that another start may not meet.
fn exit_code(error: &anyhow::Error) -> ExitCode {
    let configuration = error.is::<bartizan_sandbox::SandboxError>()
        || error.is::<bartizan_base::rootkey::RootKeyError>()
        || error.is::<bartizan_http::listen::ListenError>();
    if configuration {
        ExitCode::from(EX_USAGE)
    } else {
        ExitCode::FAILURE
    }
}

fn work(command: Command) -> Result<ExitCode> {
    match command {
        Command::Run(arguments) => supervisor::run(programs(arguments)?),
        Command::Serve(arguments) => {
            serve::run(settings(&arguments))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Openapi => {
            print_openapi();
            Ok(ExitCode::SUCCESS)
        }
    }
}

#[expect(clippy::print_stdout, reason = "this verb prints a document")]
fn print_openapi() {
    print!("{}", bartizan_http::openapi_json());
}

/// The ingest's private folder lies beside what the gateway may read, not within.
fn ingest_state(data: &Path) -> PathBuf {
    data.join("ingest")
}

fn gateway_data(data: &Path) -> PathBuf {
    data.join("gateway")
}

fn programs(arguments: RunArgs) -> Result<supervisor::Programs> {
    let gateway = std::env::current_exe().context("can't find this program's file")?;
    let beside = gateway.with_file_name("bartizan-ingest");
    let serve = arguments.serve;
    // What lies in it is private by itself; the folder may be one that the owner made.
    std::fs::create_dir_all(&serve.data).context("can't make the data folder")?;
    let data = serve
        .data
        .canonicalize()
        .context("can't use the data folder")?;
    // Each process locks itself in around its own folder, and names the other's as out of bounds.
    for private in [gateway_data(&data), ingest_state(&data)] {
        bartizan_base::files::create_private_dir(&private)?;
    }
    let mut gateway_args = vec![
        format!("--data={}", data.display()),
        format!("--listen={}", serve.listen),
        format!("--keep-free={}", serve.keep_free),
    ];
    gateway_args.extend(serve.names.iter().map(|name| format!("--name={name}")));
    gateway_args.extend(serve.tls.then(|| "--tls".to_owned()));
    gateway_args.extend(serve.json.then(|| "--json".to_owned()));
    gateway_args.extend(serve.no_mdns.then(|| "--no-mdns".to_owned()));
    gateway_args.extend(serve.guide.map(|port| format!("--guide={port}")));
    let given = arguments.tls_certificate.zip(arguments.tls_key);
    let certificate = given.map(|(chain, key)| supervisor::Given { chain, key });
    if let Some(given) = &certificate {
        given.check()?;
        gateway_args.push("--tls-given".to_owned());
    }
    Ok(supervisor::Programs {
        ingest: arguments.ingest.unwrap_or(beside),
        ingest_state: ingest_state(&data),
        gateway,
        gateway_args,
        suggested: arguments.cameras,
        certificate,
        log: serve.log,
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "systemd names its credentials here"
)]
fn credentials() -> Option<PathBuf> {
    std::env::var("CREDENTIALS_DIRECTORY")
        .ok()
        .map(PathBuf::from)
}

fn settings(arguments: &ServeArgs) -> serve::Settings {
    serve::Settings {
        ingest_state: ingest_state(&arguments.data),
        data: gateway_data(&arguments.data),
        listening: serve::Listening {
            address: arguments.listen,
            tls: arguments.tls,
            names: arguments.names.clone(),
            given: arguments.tls_given,
            guide: arguments.guide,
            announced: !arguments.no_mdns,
        },
        credentials: credentials(),
        free_space_floor: arguments.keep_free.saturating_mul(1024 * 1024),
        json: arguments.json,
    }
}
