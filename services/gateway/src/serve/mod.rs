//! The second process: API and recorder. It holds ciphertext and metadata, never a clear frame, an epoch
//! secret or a sealer key.

mod backend;
mod cameras;
mod claim;
mod feeds;
mod ingest;
mod keeper;
mod link;
mod listening;
mod live;
mod state;
mod supervisor;

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use anyhow::{Context, Result};
use bartizan_base::{AtRest, Clock, Error, RootKey, RootKeySource, SystemClock, Tasks};
use bartizan_domain::StreamId;
use bartizan_http::Api;
use bartizan_protocol::ipc::ToIngest;
use bartizan_recordings::{Config, RealDisk, Recorder};
use bartizan_sandbox::{GatewayPaths, ParentDeath, lock_gateway};
use bartizan_store::Store;
use tokio::signal::unix::{SignalKind, signal};

pub(crate) use self::listening::Listening;
use self::live::Hub;
pub(crate) use self::state::Gateway;
use self::state::Parts;
use self::supervisor::Supervisor;

/// How long requests and viewers may take to end.
const GRACE: Duration = Duration::from_secs(3);

/// What `serve` is started with.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Everything that is kept.
    pub(crate) data: PathBuf,
    /// The ingest's private folder, which this process must not reach.
    pub(crate) ingest_state: PathBuf,
    /// Where and how to listen.
    pub(crate) listening: Listening,
    /// `$CREDENTIALS_DIRECTORY`.
    pub(crate) credentials: Option<PathBuf>,
    /// Bytes that are always left free.
    pub(crate) free_space_floor: u64,
    /// One JSON object instead of the two lines.
    pub(crate) json: bool,
}

/// Locks the process in and serves until it is told to end.
pub(crate) fn run(settings: Settings) -> Result<()> {
    bartizan_base::files::create_private_dir(&settings.data)?;
    let mut writable = vec![settings.data.as_path()];
    writable.dedup();
    let readable: Vec<_> = settings.credentials.iter().map(PathBuf::as_path).collect();
    let paths = GatewayPaths {
        writable: &writable,
        readable: &readable,
        keep_out: &[settings.ingest_state.as_path()],
    };
    let report = lock_gateway(&paths, ParentDeath::Follows)?;
    if report.is_complete() {
        tracing::info!(%report, "locked in");
    } else {
        tracing::warn!(%report, "locked in less than this program wants: a newer kernel has all of it");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(16)
        .thread_name("gateway")
        .enable_all()
        .build()?;
    runtime.block_on(serve(settings))
}

async fn serve(settings: Settings) -> Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let tasks = Tasks::new();
    let mut ends = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
    let control = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    let (supervisor, suggested, arrivals) = Supervisor::start(control)?;
    let gateway = load(&settings, Arc::clone(&clock), supervisor, suggested).await?;
    start_recorder_events(&gateway)?;
    let heard = ingest::serve(
        Arc::clone(&gateway),
        arrivals.links,
        tasks.shutdown_signal(),
    );
    tasks.spawn("ingest", heard);
    let sealer = gateway.greeted().await?;
    let open = settings.listening.open(&gateway, arrivals.pairs).await?;
    let (origin, guide_link) = (open.origin(), open.guide_link());
    let offer = claim::open(&gateway, clock.monotonic())?;
    let link = offer
        .as_ref()
        .map(|offer| offer.link((&origin, open.pin), &gateway, sealer));
    let api = Api::new(
        Arc::clone(&gateway),
        bartizan_http::Settings {
            clock,
            tasks: tasks.clone(),
            claim: offer.map(claim::Offer::into_window),
        },
    )?;
    if let Some(guide) = open.guide {
        tasks.spawn("guide", bartizan_http::serve_guide(guide, tasks.clone()));
    }
    if let Some(keeper) = open.keeper {
        tasks.spawn("names", keeper.run(tasks.shutdown_signal()));
    }
    claim::announce(&origin, link.as_ref(), guide_link.as_ref(), settings.json)?;
    let [terminate, interrupt] = &mut ends;
    let ended = async {
        match (terminate, interrupt) {
            (Ok(terminate), Ok(interrupt)) => {
                tokio::select! { _ = terminate.recv() => (), _ = interrupt.recv() => () }
            }
            _ => std::future::pending().await,
        }
    };
    tokio::select! {
        () = bartizan_http::serve(api, open.listener) => {}
        () = ended => {}
    }
    tracing::info!("ending");
    tasks.shutdown(GRACE).await;
    gateway.recorder.clone().close();
    gateway.store.close().await;
    Ok(())
}

async fn load(
    settings: &Settings,
    clock: Arc<dyn Clock>,
    supervisor: Supervisor,
    suggested: Vec<String>,
) -> Result<Arc<Gateway>> {
    let root = RootKey::load(settings.credentials.as_deref(), &settings.data)?;
    let root_key = root.source();
    if root_key == RootKeySource::File {
        tracing::warn!(
            "the root key is a file beside the data: whoever takes the whole disk takes it along; \
             a systemd credential bound to a TPM is stronger"
        );
    }
    let store = Store::open(&settings.data.join("gateway.db"), AtRest::new(&root)).await?;
    let config = Config {
        free_space_floor: settings.free_space_floor,
        ..Config::default()
    };
    let disk = Arc::new(RealDisk::new(settings.data.join("recordings")));
    let (recorder, report) =
        Recorder::open(disk, config, Arc::clone(&clock)).context("can't open the recordings")?;
    tracing::info!(
        streams = report.streams.len(),
        found = report.segments_found,
        "recordings open"
    );
    let cell: Arc<OnceLock<Weak<Gateway>>> = Arc::default();
    let told = Arc::clone(&cell);
    let on_watched = move |stream: StreamId, watched: bool| {
        if let Some(gateway) = told.get().and_then(Weak::upgrade) {
            gateway.order(&ToIngest::Watched { stream, watched });
        }
    };
    let parts = Parts {
        store,
        recorder,
        hub: Arc::new(Hub::new(Box::new(on_watched))),
        clock,
        root_key,
        supervisor,
        suggested,
        free_space_floor: settings.free_space_floor,
    };
    let gateway = Gateway::load(parts)
        .await
        .map_err(|error| in_full(&error))?;
    cell.get_or_init(|| Arc::downgrade(&gateway));
    Ok(gateway)
}

/// An error with its causes, for the log.
fn in_full(error: &Error) -> anyhow::Error {
    anyhow::anyhow!("{}", bartizan_base::chain(error))
}

fn start_recorder_events(gateway: &Arc<Gateway>) -> Result<()> {
    let events = gateway
        .recorder
        .events()
        .context("the recorder's events are taken already")?;
    let gateway = Arc::downgrade(gateway);
    std::thread::Builder::new()
        .name("recorder-events".to_owned())
        .spawn(move || {
            while let (Ok(event), Some(gateway)) = (events.recv(), gateway.upgrade()) {
                gateway.heed_recorder(event);
            }
        })?;
    Ok(())
}
