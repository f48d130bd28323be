//! The tracks of a session: where their packets come from and where they go.

use bartizan_domain::{Monotonic, Track};

use super::{Event, Session, State, Step, Transmit, event_of, offer};
use crate::rtp::Arrival;
use crate::rtp::receiver::Receiver;
use crate::rtp::reorder::Reorder;
use crate::rtsp::error::SessionError;
use crate::rtsp::transport::UdpChannel;

/// One track that is received.
#[derive(Debug)]
pub(super) struct Slot {
    /// What requests for this track name.
    pub(super) uri: String,
    pub(super) receiver: Receiver,
    /// Channels of media and reports, when they are interleaved.
    pub(super) channels: Option<(u8, u8)>,
    reorder: Reorder,
}

impl Slot {
    pub(super) fn new(uri: String, receiver: Receiver) -> Self {
        Self {
            uri,
            receiver,
            channels: None,
            reorder: Reorder::default(),
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Monotonic> {
        self.reorder.poll_timeout()
    }

    /// Tells what is known of the track before anything came of it, once.
    pub(super) fn tell_config(&mut self, sink: &mut dyn FnMut(Event)) {
        let track = self.receiver.track();
        if let Some(config) = self.receiver.take_initial_config() {
            sink(Event::Config { track, config });
        }
    }
}

impl Session {
    /// Takes an interleaved packet; one of an unknown channel is passed over, as cameras send tracks
    /// that nobody asked for.
    pub(super) fn interleaved(
        &mut self,
        at: Arrival,
        channel: u8,
        payload: &[u8],
        sink: &mut dyn FnMut(Event),
    ) {
        if self.is_ended() {
            return;
        }
        let of_slot = |slot: &Slot| {
            let (rtp, rtcp) = slot.channels?;
            match channel {
                _ if channel == rtp => Some(UdpChannel::Rtp),
                _ if channel == rtcp => Some(UdpChannel::Rtcp),
                _ => None,
            }
        };
        let mut slots = self.slots.iter().enumerate();
        let found = slots.find_map(|(index, slot)| Some((index, of_slot(slot)?)));
        match found {
            Some((index, UdpChannel::Rtp)) => {
                let epoch = self.note_rtp(at, index);
                if let Some(slot) = self.slots.get_mut(index) {
                    // Some cameras send as soon as a track is set up.
                    slot.tell_config(sink);
                    let track = slot.receiver.track();
                    slot.receiver.handle_rtp(at, epoch, payload, &mut |output| {
                        sink(event_of(track, output));
                    });
                }
            }
            Some((index, UdpChannel::Rtcp)) => self.reports(at, index, payload, sink),
            None => {}
        }
    }

    /// Takes a datagram, which may have overtaken others.
    pub(super) fn datagram(
        &mut self,
        at: Arrival,
        index: usize,
        channel: UdpChannel,
        data: &[u8],
        sink: &mut dyn FnMut(Event),
    ) {
        if channel == UdpChannel::Rtcp {
            return self.reports(at, index, data, sink);
        }
        let Some((&[_, _, high, low], _)) = data.split_first_chunk() else {
            return;
        };
        let epoch = self.note_rtp(at, index);
        if let Some(slot) = self.slots.get_mut(index) {
            slot.tell_config(sink);
            let (track, receiver) = (slot.receiver.track(), &mut slot.receiver);
            let sequence = u16::from_be_bytes([high, low]);
            slot.reorder.push(at.now, sequence, data, &mut |packet| {
                receiver.handle_rtp(at, epoch, packet, &mut |output| {
                    sink(event_of(track, output));
                });
            });
        }
    }

    /// Gives up on datagrams that have been waited for long enough.
    pub(super) fn release_late(&mut self, at: Arrival, sink: &mut dyn FnMut(Event)) {
        let Some(epoch) = self.epoch else {
            return;
        };
        for slot in &mut self.slots {
            let (track, receiver) = (slot.receiver.track(), &mut slot.receiver);
            slot.reorder.handle_timeout(at.now, &mut |packet| {
                receiver.handle_rtp(at, epoch, packet, &mut |output| {
                    sink(event_of(track, output));
                });
            });
        }
    }

    /// Takes RTCP; a goodbye of the video ends the session.
    fn reports(&mut self, at: Arrival, index: usize, data: &[u8], sink: &mut dyn FnMut(Event)) {
        let Some(slot) = self.slots.get_mut(index) else {
            return;
        };
        let bye = slot.receiver.handle_rtcp(at, data);
        if bye && offer::is_video(slot.receiver.track()) && self.state == State::Playing {
            let during = Step::Playing;
            self.end(SessionError::Closed { during }, sink);
        }
    }

    fn note_rtp(&mut self, at: Arrival, index: usize) -> Monotonic {
        // Video is the first slot.
        if index == 0 {
            self.last_video = at.now;
        }
        *self.epoch.get_or_insert(at.now)
    }

    /// Queues a receiver report for every track that has received something.
    pub(super) fn send_reports(&mut self, now: Monotonic) {
        for slot in &mut self.slots {
            let track = slot.receiver.track();
            let Some(report) = slot.receiver.report(now) else {
                continue;
            };
            self.transmits.push_back(match slot.channels {
                Some((_, channel)) => Transmit::Tcp(interleave(channel, &report)),
                None => Transmit::Udp {
                    track,
                    channel: UdpChannel::Rtcp,
                    data: report,
                },
            });
        }
    }

    /// Empty RTP and RTCP packets from our ports, so that firewalls on the way let the camera's through.
    pub(super) fn open_firewall(&mut self, track: Track) {
        let rtp = vec![0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let rtcp = vec![0x80, 201, 0, 1, 0, 0, 0, 0];
        for (channel, data) in [(UdpChannel::Rtp, rtp), (UdpChannel::Rtcp, rtcp)] {
            self.transmits.push_back(Transmit::Udp {
                track,
                channel,
                data,
            });
        }
    }
}

/// An interleaved packet (RFC 2326 §10.12); reports are far shorter than its 16-bit length.
fn interleave(channel: u8, data: &[u8]) -> Vec<u8> {
    let len = u16::try_from(data.len()).unwrap_or(u16::MAX);
    let mut out = Vec::with_capacity(data.len().saturating_add(4));
    out.extend_from_slice(&[b'$', channel]);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(data.get(..len.into()).unwrap_or(data));
    out
}
