//! The only place that starts tasks, so that shutdown can wait for every one of them.
//!
//! A program has one [`Tasks`] group, clones of which go wherever tasks are started; a task that runs
//! long takes a [`Shutdown`] and ends when it says so. What this does not do: restart tasks, or limit
//! how many there are (whoever starts them on a peer's behalf does).

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;

use crate::chain;

/// A group of tasks that end together. Clones are the same group.
#[derive(Clone)]
pub struct Tasks(Arc<Group>);

struct Group {
    running: Mutex<JoinSet<&'static str>>,
    stop: watch::Sender<bool>,
}

/// Tells a task that the program is ending.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<bool>);

/// How a shutdown went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Tasks that ended by themselves within the grace.
    pub finished: usize,
    /// Tasks that were cut off.
    pub aborted: usize,
}

impl Default for Tasks {
    fn default() -> Self {
        Self::new()
    }
}

impl Tasks {
    /// An empty group.
    pub fn new() -> Self {
        let (stop, _) = watch::channel(false);
        let running = Mutex::new(JoinSet::new());
        Self(Arc::new(Group { running, stop }))
    }

    /// Starts `work` on the current runtime. After [`shutdown`](Self::shutdown) has begun it is dropped
    /// unstarted.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn spawn(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        self.start(name, |running| {
            running.spawn(async move {
                work.await;
                name
            });
        });
    }

    /// Runs `work`, which may block, on a thread kept for that. It can't be cut off: it must end soon,
    /// or watch [`Shutdown::is_begun`].
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn spawn_blocking(&self, name: &'static str, work: impl FnOnce() + Send + 'static) {
        self.start(name, |running| {
            running.spawn_blocking(move || {
                work();
                name
            });
        });
    }

    /// For a task to wait on.
    pub fn shutdown_signal(&self) -> Shutdown {
        Shutdown(self.0.stop.subscribe())
    }

    /// Tasks that have not ended.
    pub fn running(&self) -> usize {
        self.with_running(|running| {
            reap(running);
            running.len()
        })
    }

    /// Tells all tasks to end, waits for `grace`, and cuts off the rest.
    pub async fn shutdown(&self, grace: Duration) -> Ended {
        self.0.stop.send_replace(true);
        let mut running = self.with_running(|running| {
            reap(running);
            std::mem::take(running)
        });
        let all = running.len();
        let waited = timeout(grace, async {
            while let Some(ended) = running.join_next().await {
                report(ended);
            }
        });
        let aborted = match waited.await {
            Ok(()) => 0,
            Err(_elapsed) => running.len(),
        };
        running.abort_all();
        let finished = all.saturating_sub(aborted);
        Ended { finished, aborted }
    }

    fn start(&self, name: &'static str, start: impl FnOnce(&mut JoinSet<&'static str>)) {
        self.with_running(|running| {
            reap(running);
            if *self.0.stop.borrow() {
                tracing::debug!(task = name, "task not started: the program is ending");
            } else {
                start(running);
            }
        });
    }

    fn with_running<T>(&self, act: impl FnOnce(&mut JoinSet<&'static str>) -> T) -> T {
        act(&mut self
            .0
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks")
            .field("running", &self.running())
            .finish_non_exhaustive()
    }
}

impl Shutdown {
    /// Whether the program is ending.
    pub fn is_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Ends when the program is ending, or its group is gone. Safe to drop and call again, as in
    /// `select!`.
    pub async fn begun(&mut self) {
        // An error means that the group is gone, which is an end too.
        drop(self.0.wait_for(|stop| *stop).await);
    }
}

/// Forgets tasks that have ended, so that a group of many short ones does not grow.
fn reap(running: &mut JoinSet<&'static str>) {
    while let Some(ended) = running.try_join_next() {
        report(ended);
    }
}

fn report(ended: Result<&'static str, JoinError>) {
    match ended {
        Ok(name) => tracing::trace!(task = name, "task ended"),
        Err(error) if error.is_cancelled() => {}
        Err(error) => tracing::error!(err = %chain(&error), "task panicked"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn shutdown_waits_for_tasks_that_listen() {
        let tasks = Tasks::new();
        let done = Arc::new(AtomicUsize::new(0));
        for _ in 0..3 {
            let (mut shutdown, done) = (tasks.shutdown_signal(), Arc::clone(&done));
            tasks.spawn("listener", async move {
                shutdown.begun().await;
                done.fetch_add(1, Ordering::SeqCst);
            });
        }
        let ended = tasks.shutdown(Duration::from_secs(10)).await;
        assert_eq!(
            ended,
            Ended {
                finished: 3,
                aborted: 0
            }
        );
        assert_eq!(done.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn a_deaf_task_is_cut_off() {
        let tasks = Tasks::new();
        tasks.spawn("deaf", std::future::pending());
        let ended = tasks.shutdown(Duration::from_millis(10)).await;
        assert_eq!(
            ended,
            Ended {
                finished: 0,
                aborted: 1
            }
        );
    }

    #[tokio::test]
    async fn nothing_starts_after_shutdown() {
        let tasks = Tasks::new();
        assert!(!tasks.shutdown_signal().is_begun());
        tasks.shutdown(Duration::ZERO).await;
        tasks.spawn("late", std::future::pending());
        assert_eq!(tasks.running(), 0);
        assert!(tasks.shutdown_signal().is_begun());
    }

    #[tokio::test]
    async fn ended_tasks_are_forgotten() {
        let tasks = Tasks::new();
        for _ in 0..100 {
            tasks.spawn("short", async {});
        }
        tasks.spawn_blocking("blocking", || {});
        while tasks.running() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(tasks.shutdown(Duration::ZERO).await.finished, 0);
    }

    #[tokio::test]
    async fn a_signal_outlives_its_group() {
        let tasks = Tasks::new();
        let mut shutdown = tasks.shutdown_signal();
        drop(tasks);
        shutdown.begun().await;
    }
}
