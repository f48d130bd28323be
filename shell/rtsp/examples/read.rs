//! Reads many cameras in one thread and tells what that costs: `read [TICK_MS [SECONDS]] < URLS`, one
//! URL a line. Video and sound are taken apart and dropped.
#![forbid(unsafe_code)]

use std::io::{self, BufRead};
use std::net::TcpStream as StdTcpStream;
use std::time::Duration;

use bartizan_base::{Clock, SystemClock};
use bartizan_domain::Track;
use bartizan_media::rtp::Arrival;
use bartizan_media::rtsp::{Event, SessionConfig, Transport};
use bartizan_media::url::RtspUrl;
use bartizan_rtsp::connection::SCRATCH_BYTES;
use bartizan_rtsp::{Connection, Progress, Settings};
use mio::net::TcpStream;
use mio::{Events, Poll, Token};

/// How long cameras are left to start before anything is counted.
const WARM_UP: Duration = Duration::from_secs(5);

/// What has come, since counting began.
#[derive(Debug, Default)]
struct Count {
    video: u64,
    sound: u64,
    keys: u64,
    lost: u64,
    bytes: usize,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse());
    let tick = Duration::from_millis(args.next().transpose()?.unwrap_or(20));
    let span = Duration::from_secs(args.next().transpose()?.unwrap_or(20));
    let mut poll = Poll::new()?;
    let mut connections = Vec::new();
    for line in io::stdin().lock().lines() {
        let token = Token(connections.len());
        connections.push((connect(&line?, &poll, token)?, false));
    }
    let streams = connections.len();
    let count = read(&mut poll, &mut connections, tick, WARM_UP)?;
    show("warm-up", &count);
    let (cpu, began) = (cpu_time()?, SystemClock.monotonic());
    let count = read(&mut poll, &mut connections, tick, span)?;
    let cpu = cpu_time()?.saturating_sub(cpu);
    let passed = SystemClock.monotonic().since(began);
    show("counted", &count);
    let stream_seconds = passed.as_secs_f64() * f64::from(u32::try_from(streams)?);
    let per_stream = cpu.as_secs_f64() * 1_000.0 / stream_seconds;
    show("ms of CPU per stream and second", &per_stream);
    for (connection, _) in connections {
        connection.close(SystemClock.monotonic());
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "an example that tells its result")]
fn show(what: &str, value: &dyn std::fmt::Debug) {
    println!("{what}: {value:?}");
}

fn connect(url: &str, poll: &Poll, token: Token) -> Result<Connection, Box<dyn std::error::Error>> {
    let url = RtspUrl::parse(url)?;
    let stream = StdTcpStream::connect((url.host(), url.port()))?;
    stream.set_nonblocking(true)?;
    let settings = Settings {
        session: SessionConfig {
            url,
            transport: Transport::Tcp,
            sound: true,
        },
        pin: None,
    };
    let now = SystemClock.monotonic();
    let mut connection = Connection::new(TcpStream::from_std(stream), settings, now)?;
    connection.start(poll.registry(), token, now)?;
    Ok(connection)
}

/// One tick for all: sleep, ask the poll once, read whoever has something.
fn read(
    poll: &mut Poll,
    connections: &mut [(Connection, bool)],
    tick: Duration,
    span: Duration,
) -> Result<Count, Box<dyn std::error::Error>> {
    let mut count = Count::default();
    let mut sink = |event| {
        if let Event::Unit(unit) = event {
            match unit.track {
                Track::Video => count.video += 1,
                _ => count.sound += 1,
            }
            count.keys += u64::from(unit.key && unit.track == Track::Video);
            count.lost += u64::from(unit.lost_packets);
            count.bytes += unit.data.len();
        }
    };
    let mut events = Events::with_capacity(1_024);
    let mut scratch = vec![0; SCRATCH_BYTES];
    let began = SystemClock.monotonic();
    let mut ticks = 0_u32;
    while SystemClock.monotonic().since(began) < span {
        sleep_until(began + tick * ticks);
        ticks += 1;
        poll.poll(&mut events, Some(Duration::ZERO))?;
        let at = Arrival {
            now: SystemClock.monotonic(),
            utc: SystemClock.utc(),
        };
        for event in &events {
            if let Some((connection, more)) = connections.get_mut(event.token().0) {
                let closed = event.is_read_closed();
                let progress = connection.readable(&mut scratch, at, closed, &mut sink)?;
                *more = progress == Progress::More;
            }
        }
        for (connection, more) in &mut *connections {
            if *more {
                let progress = connection.readable(&mut scratch, at, false, &mut sink)?;
                *more = progress == Progress::More;
            }
            if connection.next_timeout().is_some_and(|due| due <= at.now) {
                connection.tick(at, &mut sink)?;
            }
        }
    }
    Ok(count)
}

#[expect(clippy::disallowed_methods, reason = "the example is its own loop")]
fn sleep_until(due: bartizan_domain::Monotonic) {
    std::thread::sleep(due.since(SystemClock.monotonic()));
}

/// Time on the processor of this thread (`/proc/self/schedstat`).
fn cpu_time() -> Result<Duration, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = text.split_ascii_whitespace().next().unwrap_or_default();
    Ok(Duration::from_nanos(nanos.parse()?))
}
