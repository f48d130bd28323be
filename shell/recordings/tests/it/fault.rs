//! A disk in memory whose power can be cut and which can be full, slow, read-only or gone.
//!
//! What was written after the last sync of its file may or may not survive a power cut, page by page; of
//! names that no folder sync covered a prefix survives. The seed decides.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bartizan_base::clock::TestClock;
use bartizan_recordings::disk::{Access, Device, Disk, DiskFile, Space};

const PAGE: u64 = 4096;

type PageBytes = Vec<u8>;

#[derive(Debug, Clone, Default)]
struct Inode {
    pages: BTreeMap<u64, PageBytes>,
    reserved: BTreeSet<u64>,
    len: u64,
    /// What the disk has for sure, where it differs from `pages`.
    dirty: BTreeMap<u64, Option<PageBytes>>,
    durable_len: u64,
}

#[derive(Debug, Clone)]
enum NameOp {
    Set(String, u64),
    Gone(String),
}

/// What was done, for tests that look at the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Did {
    Wrote(String),
    Punched(String, u64),
    Unlinked(String),
    Synced(String),
    SyncedAll,
}

/// How the disk misbehaves.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// Every call fails like this.
    pub gone: Option<ErrorKind>,
    /// Every change fails like this.
    pub read_only: Option<ErrorKind>,
    /// Writes to this volume path at these offsets fail.
    pub bad: Option<(String, std::ops::Range<u64>)>,
    /// Time that each sync takes.
    pub sync_takes: Duration,
    /// No punching, no reserving, no direct writes.
    pub poor: bool,
}

#[derive(Debug, Clone, Default)]
struct State {
    names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    pending: Vec<NameOp>,
    inodes: BTreeMap<u64, Inode>,
    next: u64,
    capacity: u64,
    faults: Faults,
    log: Vec<Did>,
    generation: u64,
    device: u64,
}

type Act = Box<dyn FnOnce() + Send>;

/// What others do while the disk syncs next.
#[derive(Clone, Default)]
struct Meanwhile(Arc<Mutex<Option<Act>>>);

impl std::fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meanwhile")
    }
}

/// The disk. Clones are the same disk; [`FaultDisk::fork`] makes another one.
#[derive(Debug, Clone)]
pub struct FaultDisk {
    state: Arc<Mutex<State>>,
    clock: TestClock,
    generation: u64,
    meanwhile: Meanwhile,
}

impl FaultDisk {
    pub fn new(clock: &TestClock, capacity: u64) -> Self {
        let state = State {
            capacity,
            device: 7,
            ..State::default()
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            clock: clock.clone(),
            generation: 0,
            meanwhile: Meanwhile::default(),
        }
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Another disk with the same content.
    pub fn fork(&self) -> Self {
        let state = Arc::new(Mutex::new(self.locked().clone()));
        Self {
            state,
            clock: self.clock.clone(),
            generation: self.generation,
            meanwhile: Meanwhile::default(),
        }
    }

    pub fn set_faults(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.locked().faults);
    }

    /// Has `act` happen while the next sync lasts.
    pub fn while_it_syncs(&self, act: impl FnOnce() + Send + 'static) {
        *self.meanwhile.0.lock().unwrap() = Some(Box::new(act));
    }

    /// What is to happen while a sync lasts happens now, if it has not yet.
    pub fn hurry(&self) {
        let act = self.meanwhile.0.lock().unwrap().take();
        if let Some(act) = act {
            act();
        }
    }

    pub fn set_capacity(&self, capacity: u64) {
        self.locked().capacity = capacity;
    }

    pub fn take_log(&self) -> Vec<Did> {
        std::mem::take(&mut self.locked().log)
    }

    pub fn names(&self) -> Vec<String> {
        self.locked().names.keys().cloned().collect()
    }

    pub fn used(&self) -> u64 {
        self.locked().used()
    }

    /// Removes every file whose name has `part` in it, durably.
    pub fn lose(&self, part: &str) {
        let mut state = self.locked();
        state.names.retain(|name, _| !name.contains(part));
        state.durable_names.retain(|name, _| !name.contains(part));
    }

    /// Flips a byte of a file, durably.
    pub fn damage(&self, name: &str, offset: u64) {
        let mut state = self.locked();
        let inode = state.names[name];
        let page = state
            .inodes
            .get_mut(&inode)
            .unwrap()
            .pages
            .get_mut(&(offset / PAGE))
            .unwrap();
        page[usize::try_from(offset % PAGE).unwrap()] ^= 0xff;
    }

    /// Cuts the power: handles die, and what was not synced is there or not as `seed` says. Gives the disk
    /// after the power is back.
    pub fn cut_power(&self, seed: u64) -> Self {
        let mut state = self.locked();
        let mut dice = Dice(seed | 1);
        state.generation += 1;
        let pending = std::mem::take(&mut state.pending);
        let kept = dice.below(pending.len() as u64 + 1);
        let mut names = std::mem::take(&mut state.durable_names);
        for op in pending.into_iter().take(usize::try_from(kept).unwrap()) {
            match op {
                NameOp::Set(name, inode) => drop(names.insert(name, inode)),
                NameOp::Gone(name) => drop(names.remove(&name)),
            }
        }
        for inode in state.inodes.values_mut() {
            inode.cut_power(&mut dice);
        }
        let alive: BTreeSet<u64> = names.values().copied().collect();
        state.inodes.retain(|inode, _| alive.contains(inode));
        (state.names, state.durable_names) = (names.clone(), names);
        state.faults = Faults {
            poor: state.faults.poor,
            ..Faults::default()
        };
        let generation = state.generation;
        Self {
            state: Arc::clone(&self.state),
            clock: self.clock.clone(),
            generation,
            meanwhile: Meanwhile::default(),
        }
    }

    /// Another, empty disk at the same place.
    pub fn swap_empty(&self) {
        let mut state = self.locked();
        state.names.clear();
        state.durable_names.clear();
        state.pending.clear();
        state.device += 1;
    }

    fn change(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.look()?;
        match state.faults.read_only {
            Some(kind) => Err(kind.into()),
            None => Ok(state),
        }
    }

    fn look(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.locked();
        if state.generation != self.generation {
            return Err(ErrorKind::BrokenPipe.into());
        }
        match state.faults.gone {
            Some(kind) => Err(kind.into()),
            None => Ok(state),
        }
    }
}

impl Inode {
    fn pages_taken(&self) -> u64 {
        let only_reserved = self
            .reserved
            .iter()
            .filter(|page| !self.pages.contains_key(page));
        self.pages.len() as u64 + only_reserved.count() as u64
    }

    fn touch(&mut self, page: u64) {
        let old = self.pages.get(&page).cloned();
        self.dirty.entry(page).or_insert(old);
    }

    fn cut_power(&mut self, dice: &mut Dice) {
        let mut lost = false;
        for (page, old) in std::mem::take(&mut self.dirty) {
            if dice.below(2) == 0 {
                lost = true;
                match old {
                    Some(bytes) => drop(self.pages.insert(page, bytes)),
                    None => drop(self.pages.remove(&page)),
                }
            }
        }
        if lost && dice.below(2) == 0 {
            self.len = self.durable_len;
        }
        // What a file system shows when a file grows over it again is zeroes.
        let end = self.len.div_ceil(PAGE);
        self.pages.retain(|page, _| *page < end);
        self.durable_len = self.len;
    }
}

impl State {
    fn used(&self) -> u64 {
        let named: BTreeSet<u64> = self.names.values().copied().collect();
        named
            .iter()
            .map(|inode| self.inodes[inode].pages_taken() * PAGE)
            .sum()
    }

    fn claim(&mut self, inode: u64, first: u64, last: u64, reserve: bool) -> io::Result<()> {
        let free = self.capacity.saturating_sub(self.used()) / PAGE;
        let file = self.inodes.get_mut(&inode).ok_or(ErrorKind::NotFound)?;
        let wanted: Vec<u64> = (first..=last)
            .filter(|page| !file.pages.contains_key(page) && !file.reserved.contains(page))
            .collect();
        if wanted.len() as u64 > free {
            return Err(ErrorKind::StorageFull.into());
        }
        if reserve {
            file.reserved.extend(wanted);
        }
        Ok(())
    }
}

impl Disk for FaultDisk {
    fn open(&self, path: &str, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = if access.write {
            self.change()?
        } else {
            self.look()?
        };
        let inode = match state.names.get(path) {
            Some(inode) => *inode,
            None if access.create => {
                state.next += 1;
                let inode = state.next;
                state.inodes.insert(inode, Inode::default());
                state.names.insert(path.to_owned(), inode);
                state.pending.push(NameOp::Set(path.to_owned(), inode));
                inode
            }
            None => return Err(ErrorKind::NotFound.into()),
        };
        let direct = access.direct && !state.faults.poor;
        drop(state);
        Ok(Arc::new(FaultFile {
            disk: self.clone(),
            inode,
            path: path.to_owned(),
            direct,
        }))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let prefix = format!("{dir}/");
        let state = self.look()?;
        let below = state
            .names
            .keys()
            .filter_map(|name| name.strip_prefix(&prefix));
        let names: BTreeSet<String> = below
            .map(|rest| rest.split('/').next().unwrap().to_owned())
            .collect();
        Ok(names.into_iter().collect())
    }

    fn make_dir(&self, _: &str) -> io::Result<()> {
        self.look().map(drop)
    }

    fn remove_dir(&self, _: &str) -> io::Result<()> {
        self.change().map(drop)
    }

    fn unlink(&self, path: &str) -> io::Result<()> {
        let mut state = self.change()?;
        state.names.remove(path).ok_or(ErrorKind::NotFound)?;
        state.pending.push(NameOp::Gone(path.to_owned()));
        state.log.push(Did::Unlinked(path.to_owned()));
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.change()?;
        let inode = state.names.remove(from).ok_or(ErrorKind::NotFound)?;
        state.names.insert(to.to_owned(), inode);
        // One step of the file system's journal, here one after the other: both survive or the first.
        state.pending.push(NameOp::Set(to.to_owned(), inode));
        state.pending.push(NameOp::Gone(from.to_owned()));
        Ok(())
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.clock.advance(self.look()?.faults.sync_takes);
        self.hurry();
        let mut state = self.change()?;
        // A journal is written in order.
        for op in std::mem::take(&mut state.pending) {
            match op {
                NameOp::Set(name, inode) => drop(state.durable_names.insert(name, inode)),
                NameOp::Gone(name) => drop(state.durable_names.remove(&name)),
            }
        }
        state.log.push(Did::Synced(dir.to_owned()));
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync_dir("")?;
        let mut state = self.change()?;
        for inode in state.inodes.values_mut() {
            inode.dirty.clear();
            inode.durable_len = inode.len;
        }
        state.log.push(Did::SyncedAll);
        Ok(())
    }

    fn space(&self) -> io::Result<Space> {
        let state = self.look()?;
        Ok(Space {
            free: state.capacity.saturating_sub(state.used()),
            total: state.capacity,
        })
    }

    fn device(&self) -> io::Result<Device> {
        Ok(Device {
            number: self.look()?.device,
            is_root: false,
        })
    }

    fn lock(&self) -> io::Result<()> {
        self.change().map(drop)
    }
}

#[derive(Debug)]
struct FaultFile {
    disk: FaultDisk,
    inode: u64,
    path: String,
    direct: bool,
}

impl FaultFile {
    fn with<T>(&self, act: impl FnOnce(&mut Inode) -> T) -> io::Result<T> {
        let mut state = self.disk.look()?;
        state
            .inodes
            .get_mut(&self.inode)
            .map(act)
            .ok_or_else(|| ErrorKind::NotFound.into())
    }
}

impl DiskFile for FaultFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.with(|inode| {
            let len = (buffer.len() as u64).min(inode.len.saturating_sub(offset));
            let len = usize::try_from(len).unwrap();
            let mut done = 0;
            while done < len {
                let at = offset + done as u64;
                let within = usize::try_from(at % PAGE).unwrap();
                let piece = (4096 - within).min(len - done);
                match inode.pages.get(&(at / PAGE)) {
                    Some(page) => {
                        buffer[done..done + piece].copy_from_slice(&page[within..within + piece])
                    }
                    None => buffer[done..done + piece].fill(0),
                }
                done += piece;
            }
            len
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.direct {
            assert!(offset.is_multiple_of(PAGE) && (bytes.len() as u64).is_multiple_of(PAGE));
            assert_eq!(
                bytes.as_ptr().align_offset(4096),
                0,
                "direct writes are aligned"
            );
        }
        let mut state = self.disk.change()?;
        if let Some((path, range)) = &state.faults.bad
            && *path == self.path
            && range.contains(&offset)
        {
            return Err(ErrorKind::Other.into());
        }
        let end = offset + bytes.len() as u64;
        if !bytes.is_empty() {
            state.claim(self.inode, offset / PAGE, (end - 1) / PAGE, false)?;
        }
        let inode = state
            .inodes
            .get_mut(&self.inode)
            .ok_or(ErrorKind::NotFound)?;
        for page in offset / PAGE..end.div_ceil(PAGE) {
            inode.touch(page);
            let content = inode.pages.entry(page).or_insert_with(|| vec![0; 4096]);
            let (from, to) = (offset.max(page * PAGE), end.min((page + 1) * PAGE));
            let place = |at: u64, base: u64| usize::try_from(at - base).unwrap();
            content[place(from, page * PAGE)..place(to, page * PAGE)]
                .copy_from_slice(&bytes[place(from, offset)..place(to, offset)]);
        }
        inode.len = inode.len.max(end);
        state.log.push(Did::Wrote(self.path.clone()));
        Ok(())
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<bool> {
        let mut state = self.disk.change()?;
        if state.faults.poor {
            return Ok(false);
        }
        state.claim(self.inode, offset / PAGE, (offset + len - 1) / PAGE, true)?;
        let inode = state
            .inodes
            .get_mut(&self.inode)
            .ok_or(ErrorKind::NotFound)?;
        inode.len = inode.len.max(offset + len);
        Ok(true)
    }

    fn punch(&self, offset: u64, len: u64) -> io::Result<bool> {
        let mut state = self.disk.change()?;
        if state.faults.poor {
            return Ok(false);
        }
        let inode = state
            .inodes
            .get_mut(&self.inode)
            .ok_or(ErrorKind::NotFound)?;
        for page in offset / PAGE..(offset + len) / PAGE {
            inode.touch(page);
            inode.pages.remove(&page);
            inode.reserved.remove(&page);
        }
        state.log.push(Did::Punched(self.path.clone(), offset));
        Ok(true)
    }

    fn sync(&self) -> io::Result<()> {
        let takes = self.disk.look()?.faults.sync_takes;
        self.disk.clock.advance(takes);
        self.disk.hurry();
        drop(self.disk.change()?);
        self.with(|inode| {
            inode.dirty.clear();
            inode.durable_len = inode.len;
        })?;
        self.disk.locked().log.push(Did::Synced(self.path.clone()));
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        self.with(|inode| inode.len)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        drop(self.disk.change()?);
        self.with(|inode| {
            let dead: Vec<u64> = inode
                .pages
                .range(len.div_ceil(PAGE)..)
                .map(|(n, _)| *n)
                .collect();
            for page in dead {
                inode.touch(page);
                inode.pages.remove(&page);
            }
            inode.len = len;
        })
    }

    fn allocated(&self) -> io::Result<u64> {
        self.with(|inode| inode.pages_taken() * PAGE)
    }

    fn is_direct(&self) -> bool {
        self.direct
    }
}

/// A small reproducible source of chance.
#[derive(Debug, Clone)]
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit.max(1)
    }
}
