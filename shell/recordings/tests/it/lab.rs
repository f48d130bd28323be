//! A recorder on a [`FaultDisk`], stepped by hand, and small helpers to ask it.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use bartizan_base::clock::{Clock, TestClock};
use bartizan_domain::{StreamId, UtcMillis};
use bartizan_recordings::{
    Config, Event, Loss, OpenReport, ReadError, Rebuilder, Recorder, SegmentRow, Writer,
};

use crate::fault::FaultDisk;

/// When the tests take place.
pub const NOW: UtcMillis = UtcMillis(1_800_000_000_000);

/// Small sizes: extents of three data pages, volumes of four extents, chunks of two pages.
pub fn config() -> Config {
    Config {
        extent_bytes: 16 * 1024,
        volume_bytes: 64 * 1024,
        chunk_bytes: 8 * 1024,
        commit_interval: Duration::from_millis(500),
        queue_bytes: 64 * 1024,
        free_space_floor: 0,
        min_kept: Duration::ZERO,
        ..Config::default()
    }
}

pub struct Lab {
    pub disk: FaultDisk,
    pub clock: TestClock,
    pub recorder: Recorder,
    pub writer: Writer,
    pub rebuilder: Rebuilder,
    pub report: OpenReport,
    events: Receiver<Event>,
}

impl Lab {
    pub fn new() -> Self {
        Self::with(config(), 64 * 1024 * 1024)
    }

    pub fn with(config: Config, capacity: u64) -> Self {
        let clock = TestClock::at(NOW);
        let disk = FaultDisk::new(&clock, capacity);
        Self::open(disk, clock, config)
    }

    pub fn open(disk: FaultDisk, clock: TestClock, config: Config) -> Self {
        let parts =
            Recorder::open_unattended(Arc::new(disk.clone()), config, Arc::new(clock.clone()));
        let parts = parts.unwrap();
        let events = parts.recorder.events().unwrap();
        let (recorder, writer) = (parts.recorder, parts.writer);
        let (rebuilder, report) = (parts.rebuilder, parts.report);
        Self {
            disk,
            clock,
            recorder,
            writer,
            rebuilder,
            report,
            events,
        }
    }

    /// Another process opens the same disk.
    pub fn reopen(self) -> Self {
        let Self { disk, clock, .. } = self;
        Self::open(disk, clock, config())
    }

    /// Lets time pass and the writer work.
    pub fn pass(&mut self, millis: u64) {
        self.clock.advance(Duration::from_millis(millis));
        self.writer.step();
    }

    /// Time enough for everything to be committed.
    pub fn commit(&mut self) {
        self.pass(600);
    }

    pub fn append(&self, stream: StreamId, records: &[u8]) {
        self.recorder.append(stream, records).unwrap();
    }

    pub fn events(&self) -> Vec<Event> {
        self.events.try_iter().collect()
    }

    pub fn losses(&self) -> Vec<Loss> {
        let lost = |event| match event {
            Event::Lost(loss) => Some(loss),
            _ => None,
        };
        self.events().into_iter().filter_map(lost).collect()
    }

    pub fn rows(&self, stream: StreamId) -> Vec<SegmentRow> {
        match self
            .recorder
            .segments(stream, UtcMillis(0), UtcMillis(u64::MAX), usize::MAX)
        {
            Err(ReadError::UnknownStream) => Vec::new(),
            rows => rows.unwrap(),
        }
    }

    /// The bytes of a stretch.
    pub fn bytes(&self, stream: StreamId, offset: u64, len: u64) -> Result<Vec<u8>, ReadError> {
        self.recorder.read(stream, offset, len)?.read_to_end()
    }

    /// All bytes from `offset` to the end of the stream.
    pub fn bytes_from(&self, stream: StreamId, offset: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        let Ok(mut reader) = self.recorder.read(stream, offset, u64::MAX) else {
            return bytes;
        };
        loop {
            match reader.next_piece() {
                Ok(Some(piece)) => bytes.extend_from_slice(&piece),
                Ok(None) => return bytes,
                Err(ReadError::Absent { .. }) => return bytes,
                Err(error) => panic!("{error:?} at {}", reader.position()),
            }
        }
    }

    pub fn now(&self) -> UtcMillis {
        self.clock.utc()
    }
}
