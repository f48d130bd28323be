//! One camera for measurements of delay: loops a clip over RTSP and TCP, and stamps each picture at the
//! moment when it is written to the socket. It is made for our own gateway on this machine, and checks nothing.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::film::{self, Film, Picture};
use super::load;
use crate::run::{self, Stopwatch};

/// Largest payload of a packet.
const PAYLOAD: usize = 1_400;

/// Fragment of a NAL unit (RFC 6184 §5.8).
const FU_A: u8 = 0x1c;

/// Payload type, 96 in the description.
const VIDEO: u8 = 0x60;

/// Ticks of a picture (RFC 6184 §8.2.1).
const TICKS: u32 = 90_000 / load::FPS;

const DESCRIPTION: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\n\
    m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\n\
    a=control:video\r\n";

/// A running camera; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Camera {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
}

impl Camera {
    /// Shows `film` to whoever connects, each from its start.
    pub(super) fn start(film: Film) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("no port is free")?;
        let address = listener.local_addr()?;
        let ended = Arc::new(AtomicBool::new(false));
        let (theirs, film) = (Arc::clone(&ended), Arc::new(film));
        drop(thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if theirs.load(Ordering::Relaxed) {
                    break;
                }
                let (film, ended) = (Arc::clone(&film), Arc::clone(&theirs));
                // However a visit ends, the visitor notices.
                drop(thread::spawn(move || drop(serve(&stream, &film, &ended))));
            }
        }));
        Ok(Self { address, ended })
    }

    /// Its address.
    pub(super) fn url(&self) -> String {
        format!("rtsp://{}/live", self.address)
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // Wakes the listener; when that fails it ends with the process.
        drop(TcpStream::connect(self.address));
    }
}

/// The visitor's end of a connection: answers and pictures must not mix.
type Visitor = Arc<Mutex<TcpStream>>;

fn say(visitor: &Visitor, bytes: &[u8]) -> std::io::Result<()> {
    let mut stream = visitor.lock().unwrap_or_else(PoisonError::into_inner);
    stream.write_all(bytes)
}

/// Answers one visitor until it leaves.
fn serve(stream: &TcpStream, film: &Arc<Film>, ended: &Arc<AtomicBool>) -> Result<()> {
    stream.set_nodelay(true)?;
    let visitor = Arc::new(Mutex::new(stream.try_clone()?));
    let mut input = BufReader::new(stream);
    let mut channel = 0;
    while let Some(head) = request(&mut input)? {
        let method = head.split(' ').next().unwrap_or_default();
        if method == "SETUP" {
            channel = wanted_channel(&head);
        }
        say(&visitor, answer(&head, method, channel).as_bytes())?;
        match method {
            "PLAY" => {
                let (visitor, film) = (Arc::clone(&visitor), Arc::clone(film));
                let ended = Arc::clone(ended);
                // It ends when it can't write any more.
                drop(thread::spawn(move || {
                    show(&visitor, &film, channel, &ended);
                }));
            }
            "TEARDOWN" => break,
            _ => {}
        }
    }
    stream.shutdown(std::net::Shutdown::Both)?;
    Ok(())
}

/// The next request; what is framed before it is the visitor's RTCP (RFC 2326 §10.12).
fn request(input: &mut impl BufRead) -> Result<Option<String>> {
    while input.fill_buf()?.first() == Some(&b'$') {
        let mut frame = [0; 4];
        input.read_exact(&mut frame)?;
        let [_, _, high, low] = frame;
        let len = u64::from(u16::from_be_bytes([high, low]));
        std::io::copy(&mut input.take(len), &mut std::io::sink())?;
    }
    let mut head = String::new();
    loop {
        let before = head.len();
        if input.read_line(&mut head)? == 0 {
            return Ok(None);
        }
        match head.get(before..) {
            Some("\r\n" | "\n") => return Ok(Some(head)),
            _ if head.len() > 64 * 1_024 => bail!("the visitor's request has no end"),
            _ => {}
        }
    }
}

fn wanted_channel(head: &str) -> u8 {
    let wanted = head.split_once("interleaved=");
    let number = wanted.and_then(|(_, rest)| rest.split('-').next()?.parse().ok());
    number.unwrap_or(0)
}

fn answer(head: &str, method: &str, channel: u8) -> String {
    let sequence = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("cseq").then(|| value.trim())
    });
    let fields = match method {
        "OPTIONS" => {
            "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER\r\n".to_owned()
        }
        "DESCRIBE" => format!(
            "Content-Type: application/sdp\r\nContent-Length: {}\r\n",
            DESCRIPTION.len()
        ),
        "SETUP" => format!(
            "Transport: RTP/AVP/TCP;unicast;interleaved={channel}-{}\r\nSession: 1;timeout=60\r\n",
            channel.saturating_add(1)
        ),
        _ => "Session: 1\r\n".to_owned(),
    };
    let body = if method == "DESCRIBE" {
        DESCRIPTION
    } else {
        ""
    };
    let sequence = sequence.unwrap_or_default();
    format!("RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\n{fields}\r\n{body}")
}

/// Sends pictures at their pace until the visitor is gone. One that is late does not shift the others.
fn show(visitor: &Visitor, film: &Film, channel: u8, ended: &AtomicBool) {
    let (watch, every) = (Stopwatch::start(), Duration::from_secs(1) / load::FPS);
    let mut packer = Packer {
        channel,
        ..Packer::default()
    };
    let (mut due, mut bytes) = (Duration::ZERO, Vec::new());
    for (number, picture) in (0_u64..).zip(film.looped()) {
        run::pause(due.saturating_sub(watch.elapsed()));
        bytes.clear();
        packer.picture(&film::stamped(picture, number, film::now_us()), &mut bytes);
        if ended.load(Ordering::Relaxed) || say(visitor, &bytes).is_err() {
            break;
        }
        due += every;
    }
}

/// Puts pictures into RTP packets, interleaved in the RTSP connection.
#[derive(Debug, Default)]
struct Packer {
    channel: u8,
    sequence: u16,
    timestamp: u32,
}

impl Packer {
    fn picture(&mut self, picture: &Picture, out: &mut Vec<u8>) {
        for (left, unit) in (0..picture.len()).rev().zip(picture) {
            self.unit(unit, left == 0, out);
        }
        self.timestamp = self.timestamp.wrapping_add(TICKS);
    }

    /// A NAL unit as one packet, or as fragments (RFC 6184 §5.6, §5.8).
    fn unit(&mut self, unit: &[u8], last: bool, out: &mut Vec<u8>) {
        let Some((head, body)) = unit.split_first() else {
            return;
        };
        if unit.len() <= PAYLOAD {
            return self.packet(&[], unit, last, out);
        }
        let parts = body.chunks(PAYLOAD);
        let count = parts.len();
        for (at, part) in parts.enumerate() {
            let start = u8::from(at == 0) << 7;
            let end = u8::from(at + 1 == count) << 6;
            let heads = [(head & 0xe0) | FU_A, start | end | (head & 0x1f)];
            self.packet(&heads, part, last && end != 0, out);
        }
    }

    /// RFC 3550 §5.1 within RFC 2326 §10.12.
    fn packet(&mut self, heads: &[u8], payload: &[u8], marker: bool, out: &mut Vec<u8>) {
        let len = u16::try_from(12 + heads.len() + payload.len()).unwrap_or(u16::MAX);
        out.extend([b'$', self.channel]);
        out.extend(len.to_be_bytes());
        out.extend([0x80, VIDEO | (u8::from(marker) << 7)]);
        out.extend(self.sequence.to_be_bytes());
        out.extend(self.timestamp.to_be_bytes());
        out.extend(b"cam1");
        out.extend_from_slice(heads);
        out.extend_from_slice(payload);
        self.sequence = self.sequence.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn film() -> Film {
        let long = [b"\0\0\x01\x65".as_slice(), &[7; 3_000]].concat();
        Film::parse(&[b"\0\0\x01\x09\x10".as_slice(), &long].concat()).unwrap()
    }

    #[test]
    fn it_answers_and_then_sends_stamped_pictures_at_their_pace() {
        let camera = Camera::start(film()).unwrap();
        let address = camera.url();
        let address = address
            .trim_start_matches("rtsp://")
            .trim_end_matches("/live");
        let mut stream = TcpStream::connect(address).unwrap();
        let mut input = BufReader::new(stream.try_clone().unwrap());
        for (method, expected) in [
            ("DESCRIBE", DESCRIPTION),
            (
                "SETUP",
                "Transport: RTP/AVP/TCP;unicast;interleaved=4-5\r\n",
            ),
            ("PLAY", "CSeq: 7\r\n"),
        ] {
            let field = "Transport: RTP/AVP/TCP;unicast;interleaved=4-5\r\n";
            let report = b"$\x05\0\x02ab";
            stream.write_all(report).unwrap();
            let text = format!("{method} rtsp://x/ RTSP/1.0\r\nCSeq: 7\r\n{field}\r\n");
            stream.write_all(text.as_bytes()).unwrap();
            let mut heard = request(&mut input).unwrap().unwrap();
            if method == "DESCRIBE" {
                let mut body = vec![0; DESCRIPTION.len()];
                input.read_exact(&mut body).unwrap();
                heard.push_str(&String::from_utf8(body).unwrap());
            }
            assert!(heard.contains(expected), "{heard}");
        }
        let watch = Stopwatch::start();
        // The stamp's packet and three fragments of each of two pictures.
        let packets: Vec<_> = (0..8).map(|_| packet(&mut input)).collect();
        assert!(watch.elapsed() >= Duration::from_millis(20));
        assert!(packets[0].ends_with(b"\x80") && packets[0][12] == 6);
        assert_eq!((packets[1][13], packets[3][13]), (0x85, 0x45));
        assert_eq!([0, 1, 3, 7].map(|at| packets[at][1] >> 7), [0, 0, 1, 1]);
        assert_eq!(packets[7][3], 7);
    }

    fn packet(input: &mut impl Read) -> Vec<u8> {
        let mut head = [0; 4];
        input.read_exact(&mut head).unwrap();
        assert_eq!(head[..2], [b'$', 4]);
        let mut packet = vec![0; usize::from(u16::from_be_bytes([head[2], head[3]]))];
        input.read_exact(&mut packet).unwrap();
        packet
    }
}
