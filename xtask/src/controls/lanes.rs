//! Rows side by side: most of their tests wait for something. Each row's switch is in the environment of its own runners,
//! and each test has programs, folders and ports of its own, so rows share no state. The app's runners go one after the other,
//! because they share the folder in which vitest keeps its books. It judges nothing.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::{Result, anyhow};

use super::claims::{Runner, Sources};

/// How many runners of Rust tests go at once.
const RUST_LANES: usize = 2;

/// A row with all its tests.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) id: &'a str,
    pub(super) tests: Vec<String>,
    /// The same tests, by who runs them.
    parts: Vec<Part<'a>>,
}

/// Those of a row's tests that one runner runs.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) row: &'a str,
    pub(super) who: Runner,
    pub(super) tests: Vec<String>,
}

impl<'a> Row<'a> {
    /// Sorts the tests by who runs them.
    pub(super) fn new(id: &'a str, tests: Vec<String>, sources: &Sources) -> Self {
        let part = |who| {
            let own = |test: &&String| sources.has(who, test);
            let tests: Vec<_> = tests.iter().filter(own).cloned().collect();
            (!tests.is_empty()).then_some(Part {
                row: id,
                who,
                tests,
            })
        };
        let parts = [Runner::Rust, Runner::App, Runner::Browser];
        let parts = parts.into_iter().filter_map(part).collect();
        Self { id, tests, parts }
    }

    /// A test that nobody runs, if there is one.
    pub(super) fn nobodys(&self) -> Option<&str> {
        let known = |test: &&String| self.parts.iter().any(|part| part.tests.contains(test));
        let unknown = self.tests.iter().find(|test| !known(test));
        unknown.map(String::as_str)
    }
}

/// What there is to do in one kind of lane: the place of the row, and its part.
type Queue<'a> = Mutex<VecDeque<(usize, &'a Part<'a>)>>;

/// What is known of a row so far.
#[derive(Debug)]
struct Progress {
    /// Parts that are still to be worked.
    left: usize,
    problems: Vec<String>,
}

/// Does `work` with every part of all rows. `done` hears of each row, with what is wrong with it, as soon as all its parts
/// were worked.
///
/// # Errors
/// Those of `work`; other lanes still go to their end.
pub(super) fn run<'a>(
    rows: &'a [Row<'a>],
    work: impl Fn(&Part<'_>) -> Result<Option<String>> + Sync,
    done: impl FnMut(&Row<'_>, Option<String>) + Send,
) -> Result<()> {
    let (rust, app) = (queue(rows, true), queue(rows, false));
    let progress = rows.iter().map(|row| Progress {
        left: row.parts.len(),
        problems: Vec::new(),
    });
    let board = Mutex::new((progress.collect::<Vec<_>>(), done));
    let lane = |queue: &Queue<'_>| {
        while let Some((place, part)) = held(queue).pop_front() {
            let problem = work(part)?;
            let mut board = held(&board);
            let (progress, done) = &mut *board;
            let (Some(row), Some(progress)) = (rows.get(place), progress.get_mut(place)) else {
                continue;
            };
            progress.problems.extend(problem);
            progress.left = progress.left.saturating_sub(1);
            if progress.left == 0 {
                let problems = &progress.problems;
                done(row, (!problems.is_empty()).then(|| problems.join("; ")));
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let lanes = std::iter::repeat_n(&rust, RUST_LANES).chain([&app]);
        let lanes: Vec<_> = lanes.map(|queue| scope.spawn(|| lane(queue))).collect();
        let ended = lanes.into_iter().map(|lane| {
            let lost = |_| anyhow!("a lane panicked");
            lane.join().map_err(lost).flatten()
        });
        ended.collect::<Vec<_>>().into_iter().collect()
    })
}

/// The parts of Rust's tests, or of the app's.
fn queue<'a>(rows: &'a [Row<'a>], rust: bool) -> Queue<'a> {
    let parts = |(place, row): (usize, &'a Row<'a>)| {
        let own = move |part: &&Part<'_>| (part.who == Runner::Rust) == rust;
        row.parts.iter().filter(own).map(move |part| (place, part))
    };
    Mutex::new(rows.iter().enumerate().flat_map(parts).collect())
}

fn held<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    fn part(row: &'static str, who: Runner) -> Part<'static> {
        let tests = vec!["x".to_owned()];
        Part { row, who, tests }
    }

    fn row(id: &'static str, who: &[Runner]) -> Row<'static> {
        let parts = who.iter().map(|who| part(id, *who)).collect();
        let tests = Vec::new();
        Row { id, tests, parts }
    }

    #[test]
    fn every_part_is_worked_and_every_row_is_told_once_with_all_its_problems() {
        let rows = [
            row("G-1", &[Runner::Rust]),
            row("G-2", &[Runner::Rust, Runner::App, Runner::Browser]),
            row("G-3", &[Runner::Browser]),
        ];
        let mut told = Vec::new();
        let work = |part: &Part<'_>| Ok((part.row == "G-2").then(|| format!("{:?}", part.who)));
        run(&rows, work, |row, problem| {
            told.push((row.id.to_owned(), problem));
        })
        .unwrap();
        told.sort();
        let [one, (id, problem), three] = told.as_slice() else {
            panic!("{told:?}")
        };
        assert_eq!(
            (one, three),
            (&("G-1".to_owned(), None), &("G-3".to_owned(), None))
        );
        let problem = problem.as_ref().unwrap();
        assert_eq!(
            (id.as_str(), problem.split("; ").count()),
            ("G-2", 3),
            "{problem}"
        );
    }

    #[test]
    fn a_runner_that_can_t_be_started_is_an_error() {
        let rows = [row("G-1", &[Runner::Rust]), row("G-2", &[Runner::App])];
        let work = |part: &Part<'_>| match part.who {
            Runner::App => bail!("no npm"),
            _ => Ok(None),
        };
        assert!(run(&rows, work, |_, _| ()).is_err());
    }
}
