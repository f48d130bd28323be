//! Our own camera on a thread: honest, or with the manners of the worst of them. It listens on a loopback port,
//! keeps that port while it is cut off, and counts who comes.
//!
//! [`film`] makes its pictures, [`rtp`] packs them, [`session`] speaks RTSP. It speaks TCP only, and never more
//! than one stream.

pub mod film;
pub mod rtp;
mod session;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use bartizan_domain::UtcMillis;

use self::film::Film;
use crate::wait;

/// How it behaves. What is set counts at once, for connections that are open, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manner {
    /// As a camera should.
    Honest,
    /// Asks for a password, whatever is given.
    Unauthorized,
    /// Sends its visitors to another address.
    Redirect(String),
    /// Says what is no RTSP.
    Rubbish,
    /// Greets like another kind of server.
    Banner,
    /// Answers half a line, and no more.
    HalfAnswer,
    /// Never ends its header.
    EndlessHead,
    /// Announces a small description and sends without end.
    EndlessSdp,
    /// Sends a description with a thousand tracks.
    CrowdedSdp,
    /// Has only video that nobody records.
    Unsupported,
    /// Says that there is no such stream.
    NotFound,
    /// Plays, and sends nothing any more.
    Stall,
    /// Resets the connection in the middle of a frame, again and again.
    Reset,
    /// Sends packets whose lengths, counts and numbers are lies, between good ones.
    Lies,
    /// Time stamps that never move.
    FrozenTime,
    /// Time stamps that jump to and fro.
    JumpingTime,
    /// Time stamps that pass the end of their range every second.
    WrappingTime,
}

impl Manner {
    /// Those under which a camera never gives a picture.
    pub fn all_without_picture() -> Vec<Self> {
        vec![
            Self::Unauthorized,
            Self::Redirect("rtsp://127.0.0.1:9/elsewhere".to_owned()),
            Self::Rubbish,
            Self::Banner,
            Self::HalfAnswer,
            Self::EndlessHead,
            Self::EndlessSdp,
            Self::CrowdedSdp,
            Self::Unsupported,
            Self::NotFound,
            Self::Stall,
            Self::Reset,
        ]
    }

    /// Whether what is wrong stays so until somebody changes a setting, so that calling soon is of no use.
    pub const fn needs_person(&self) -> bool {
        matches!(
            self,
            Self::Unauthorized | Self::Redirect(_) | Self::Unsupported | Self::NotFound
        )
    }
}

#[derive(Debug)]
struct State {
    manner: Manner,
    cut: bool,
    ended: bool,
    visits: Vec<UtcMillis>,
    open: Vec<TcpStream>,
}

/// What the threads of a camera share.
#[derive(Debug)]
struct Shared {
    film: Film,
    state: Mutex<State>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn manner(&self) -> Manner {
        self.lock().manner.clone()
    }

    /// Whether a connection is to go on.
    fn is_up(&self) -> bool {
        let state = self.lock();
        !state.cut && !state.ended
    }
}

/// A camera. It ends when this is dropped.
#[derive(Debug)]
pub struct Peer {
    shared: Arc<Shared>,
    address: SocketAddr,
    listening: Option<JoinHandle<()>>,
}

impl Peer {
    /// Starts one.
    ///
    /// # Errors
    /// No port is free.
    pub fn start(film: Film, manner: Manner) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("can't listen on loopback")?;
        let address = listener.local_addr()?;
        let (visits, open) = (Vec::new(), Vec::new());
        let state = State {
            manner,
            cut: false,
            ended: false,
            visits,
            open,
        };
        let shared = Arc::new(Shared {
            film,
            state: Mutex::new(state),
        });
        let theirs = Arc::clone(&shared);
        let listening = thread::spawn(move || listen(listener, address, &theirs));
        Ok(Self {
            shared,
            address,
            listening: Some(listening),
        })
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("rtsp://{}/live", self.address)
    }

    /// Its port.
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Changes its manners.
    pub fn set(&self, manner: Manner) {
        self.shared.lock().manner = manner;
    }

    /// Pulls its cable: open connections break, and nobody listens any more. Says when.
    pub fn cut(&self) -> UtcMillis {
        let mut state = self.shared.lock();
        state.cut = true;
        for stream in state.open.drain(..) {
            // Broken already is what is wanted.
            drop(stream.shutdown(std::net::Shutdown::Both));
        }
        wait::now()
    }

    /// Puts the cable in again.
    pub fn mend(&self) {
        self.shared.lock().cut = false;
    }

    /// When connections came.
    pub fn visits(&self) -> Vec<UtcMillis> {
        self.shared.lock().visits.clone()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        self.cut();
        if let Some(thread) = self.listening.take() {
            // A camera that panicked has failed its test already.
            drop(thread.join());
        }
    }
}

/// Listens while the cable is in; connections have threads of their own.
fn listen(first: TcpListener, address: SocketAddr, shared: &Arc<Shared>) {
    let mut listener = Some(first);
    while !shared.lock().ended {
        if shared.lock().cut {
            listener = None;
        } else if listener.is_none() {
            listener = TcpListener::bind(address).ok();
        }
        match listener.as_ref().map(accept) {
            Some(Some(stream)) => {
                let mut state = shared.lock();
                state.visits.push(wait::now());
                state.open.extend(stream.try_clone());
                drop(state);
                let theirs = Arc::clone(shared);
                // It ends with its connection.
                drop(thread::spawn(move || session::serve(&stream, &theirs)));
            }
            _ => wait::pause(Duration::from_millis(5)),
        }
    }
}

fn accept(listener: &TcpListener) -> Option<TcpStream> {
    listener.set_nonblocking(true).ok()?;
    let (stream, _) = listener.accept().ok()?;
    stream.set_nonblocking(false).ok()?;
    stream.set_nodelay(true).ok()?;
    Some(stream)
}
