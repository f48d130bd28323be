//! What processes use, read from `/proc`: processor time, memory and disk writes of a program and all
//! its descendants. Figures are sums over processes; of dead ones only what their parents waited for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Sub;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

/// Ticks a second in `/proc/PID/stat`; the kernel shows 100 to every program (`man 5 proc`, `USER_HZ`).
const TICKS_PER_S: u64 = 100;

/// What a set of processes has used so far, or in between when subtracted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Usage {
    /// Processor time in user and kernel mode, descendants that ended included, in milliseconds.
    pub(crate) cpu_ms: u64,
    /// Memory, shared pages divided among their users (Pss), in bytes. Not a difference when subtracted.
    pub(crate) memory_bytes: u64,
    /// Bytes that went or will go to disks.
    pub(crate) written_bytes: u64,
    /// Processes alive. Not a difference when subtracted.
    pub(crate) processes: usize,
}

impl Sub for Usage {
    type Output = Self;

    fn sub(self, rhs: Self) -> Self {
        Self {
            cpu_ms: self.cpu_ms.saturating_sub(rhs.cpu_ms),
            written_bytes: self.written_bytes.saturating_sub(rhs.written_bytes),
            ..self
        }
    }
}

/// What the processes `roots` and all their descendants have used.
pub(crate) fn usage(roots: &[u32]) -> Result<Usage> {
    let stats = stats()?;
    let mut sum = Usage::default();
    for pid in family(roots, &stats) {
        let Some(stat) = stats.get(&pid) else {
            continue;
        };
        sum.cpu_ms += stat.ticks * 1_000 / TICKS_PER_S;
        // A process that ends between two reads has no memory and no more writes.
        sum.memory_bytes += field(pid, "smaps_rollup", "Pss:").unwrap_or(0) * 1_024;
        sum.written_bytes += field(pid, "io", "write_bytes:").unwrap_or(0);
        sum.processes += 1;
    }
    Ok(sum)
}

/// Processor time of the whole machine that was not idle, to see how busy others were.
pub(crate) fn machine_busy() -> Result<Duration> {
    let text = fs::read_to_string("/proc/stat").context("can't read /proc/stat")?;
    let first = text.lines().next().unwrap_or_default();
    let ticks: Vec<u64> = first
        .split_whitespace()
        .skip(1)
        .filter_map(|word| word.parse().ok())
        .collect();
    // user nice system idle iowait irq softirq steal (guest is part of user)
    let busy = ticks
        .iter()
        .take(8)
        .enumerate()
        .filter(|(at, _)| ![3, 4].contains(at));
    let busy: u64 = busy.map(|(_, ticks)| ticks).sum();
    Ok(Duration::from_millis(busy * 1_000 / TICKS_PER_S))
}

/// One process, from `/proc/PID/stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// Own time and that of descendants that were waited for.
    ticks: u64,
}

fn stats() -> Result<BTreeMap<u32, Stat>> {
    let entries = fs::read_dir("/proc").context("can't list /proc")?;
    let stat = |entry: fs::DirEntry| -> Option<(u32, Stat)> {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let text = fs::read_to_string(entry.path().join("stat")).ok()?;
        Some((pid, parse_stat(&text)?))
    };
    Ok(entries.flatten().filter_map(stat).collect())
}

/// Fields are counted behind the last `)`, because a program's name may hold anything.
fn parse_stat(text: &str) -> Option<Stat> {
    let (_, rest) = text.rsplit_once(')')?;
    let words: Vec<_> = rest.split_whitespace().collect();
    let number = |at: usize| words.get(at)?.parse::<u64>().ok();
    // man 5 proc: state is field 3, ppid 4, utime 14, stime 15, cutime 16, cstime 17.
    let ticks = (11..15).map(number).sum::<Option<u64>>()?;
    let parent = u32::try_from(number(1)?).ok()?;
    Some(Stat { parent, ticks })
}

/// `roots` and all that descend from them.
fn family(roots: &[u32], stats: &BTreeMap<u32, Stat>) -> BTreeSet<u32> {
    let mut family: BTreeSet<u32> = roots.iter().copied().collect();
    loop {
        let born = stats
            .iter()
            .filter(|(_, stat)| family.contains(&stat.parent));
        let born: Vec<u32> = born
            .map(|(pid, _)| *pid)
            .filter(|pid| !family.contains(pid))
            .collect();
        if born.is_empty() {
            return family;
        }
        family.extend(born);
    }
}

/// The number behind `name` in a file of `/proc/PID`.
fn field(pid: u32, file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let text = "7 (a) b) S 5 7 7 0 -1 0 0 0 0 0 10 20 30 40 20 0 1 0";
        assert_eq!(
            parse_stat(text),
            Some(Stat {
                parent: 5,
                ticks: 100
            })
        );
        assert_eq!(parse_stat("7 (short"), None);
    }

    #[test]
    fn a_family_is_all_generations() {
        let stats = [(1, 0), (2, 1), (3, 2), (4, 9)]
            .map(|(pid, parent)| (pid, Stat { parent, ticks: 0 }))
            .into();
        assert_eq!(family(&[1], &stats), [1, 2, 3].into());
    }

    #[test]
    fn own_usage_grows_with_work_and_holds_a_child() {
        let me = std::process::id();
        let before = usage(&[me]).unwrap();
        let mut child = run::program("sleep").arg("5").spawn().unwrap();
        let mut sum = 0_u64;
        while (usage(&[me]).unwrap() - before).cpu_ms < 20 {
            sum = (0..1_000_000).fold(sum, |sum, step| sum.rotate_left(3) ^ step);
        }
        let after = usage(&[me]).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(
            after.processes > before.processes && after.memory_bytes > 0,
            "{sum}"
        );
        assert!(machine_busy().unwrap() > Duration::ZERO);
    }
}
