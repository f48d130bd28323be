//! Gates on the way in, for tests that let something else happen between two steps of a request.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

/// Places on a new device's way in at which a test may hold it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Point {
    /// Its passkey or invitation was judged; the grant is not given yet.
    Judged,
    /// Its grant was spent; it is not on the roster yet.
    Join,
}

/// A gate at each point: all open until a test shuts one.
#[derive(Debug, Default)]
pub(crate) struct Gates(Mutex<BTreeMap<Point, Gate>>);

/// A gate that is shut.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate {
    reached: Arc<Notify>,
    opened: Arc<Notify>,
}

impl Gate {
    /// Waits until somebody stands before it.
    pub(crate) async fn reached(&self) {
        self.reached.notified().await;
    }

    pub(crate) fn open(&self) {
        self.opened.notify_one();
    }
}

impl Gates {
    /// Shuts one, for whoever comes next.
    pub(crate) fn shut(&self, point: Point) -> Gate {
        let gate = Gate::default();
        let mut gates = self.0.lock().unwrap();
        gates.insert(point, gate.clone());
        gate
    }

    pub(crate) async fn pass(&self, point: Point) {
        let gate = self.0.lock().unwrap().remove(&point);
        if let Some(gate) = gate {
            gate.reached.notify_one();
            gate.opened.notified().await;
        }
    }
}
