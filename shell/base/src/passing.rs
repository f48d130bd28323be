//! Lines of text over a Unix socket, some of them with open files attached (`SCM_RIGHTS`, unix(7)).
//!
//! Between our own processes only: the supervisor hands connected sockets to those that may not open
//! any. What the lines mean is the callers' business.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// Longest line in bytes, its end included.
pub const MAX_LINE: usize = 64 * 1024;

/// Open files that one line may carry.
pub const MAX_FILES: usize = 4;

/// Lines that have arrived and not been taken.
const MAX_WAITING: usize = 1024 * 1024;

/// Sends `line` (without its end) with `files` attached.
///
/// # Errors
/// The socket failed, or the line does not fit its buffer: then the other side does not read.
pub fn send_line(socket: impl AsFd, line: &[u8], files: &[BorrowedFd<'_>]) -> io::Result<()> {
    if line.len() >= MAX_LINE || files.len() > MAX_FILES {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FILES))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !files.is_empty() && !control.push(SendAncillaryMessage::ScmRights(files)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let slices = [IoSlice::new(line), IoSlice::new(b"\n")];
    let sent = loop {
        match sendmsg(&socket, &slices, &mut control, SendFlags::NOSIGNAL) {
            Err(Errno::INTR) => {}
            other => break other?,
        }
    };
    // A line is far smaller than a socket's buffer: one that is cut means that nobody reads.
    if sent == line.len() + 1 {
        Ok(())
    } else {
        Err(io::ErrorKind::WriteZero.into())
    }
}

/// Receives lines and the files that come with them, in order.
#[derive(Debug, Default)]
pub struct Lines {
    incoming: Vec<u8>,
    files: VecDeque<OwnedFd>,
}

impl Lines {
    /// Takes in what has arrived with one system call. False when there is nothing for now (on a
    /// non-blocking socket).
    ///
    /// # Errors
    /// `UnexpectedEof` when the other side is gone, `InvalidData` when it sends no line ends.
    pub fn receive(&mut self, socket: impl AsFd) -> io::Result<bool> {
        if self.incoming.len() > MAX_WAITING {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut bytes = [0; 4096];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4 * MAX_FILES))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut slices = [IoSliceMut::new(&mut bytes)];
        let flags = RecvFlags::CMSG_CLOEXEC;
        let count = match recvmsg(socket, &mut slices, &mut control, flags) {
            Ok(received) => received.bytes,
            Err(Errno::AGAIN) => return Ok(false),
            Err(Errno::INTR) => return Ok(true),
            Err(error) => return Err(error.into()),
        };
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(files) = message {
                self.files.extend(files);
            }
        }
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.incoming
            .extend_from_slice(bytes.get(..count).unwrap_or_default());
        Ok(true)
    }

    /// The next whole line, without its end.
    pub fn next_line(&mut self) -> Option<Vec<u8>> {
        let end = self.incoming.iter().position(|byte| *byte == b'\n')?;
        let mut line: Vec<u8> = self.incoming.drain(..=end).collect();
        line.pop();
        Some(line)
    }

    /// The next file: files come in the order of the lines that they were sent with.
    pub fn next_file(&mut self) -> Option<OwnedFd> {
        self.files.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn files_arrive_with_their_lines() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (mut near, far) = UnixStream::pair().unwrap();
        send_line(&ours, b"plain", &[]).unwrap();
        send_line(&ours, b"with a file", &[far.as_fd()]).unwrap();
        drop(far);
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        while seen.len() < 2 {
            lines.receive(&theirs).unwrap();
            seen.extend(std::iter::from_fn(|| lines.next_line()));
        }
        assert_eq!(seen, [b"plain".to_vec(), b"with a file".to_vec()]);
        let mut passed = File::from(lines.next_file().unwrap());
        passed.write_all(b"hello").unwrap();
        drop(passed);
        let mut text = String::new();
        near.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
        assert!(lines.next_file().is_none());
    }

    #[test]
    fn the_other_side_going_away_is_told() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(ours);
        let error = Lines::default().receive(&theirs).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn endless_lines_are_refused() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let mut lines = Lines::default();
        let error = loop {
            ours.write_all(&[b'x'; 4096]).unwrap();
            if let Err(error) = lines.receive(&theirs) {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
