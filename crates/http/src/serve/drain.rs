//! Who is connected, and how they are told to leave.
//!
//! A connection looks at one atomic per poll; the map of wakers is touched when it comes, when it
//! goes and when the server shuts down, never per request.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::Waker;
use tokio::sync::{Notify, OwnedSemaphorePermit};

const SERVING: u8 = 0;
const LEAVING: u8 = 1;
const CUT: u8 = 2;

/// What is asked of the connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// To go on.
    Serving,
    /// To finish the request under way and close.
    Leaving,
    /// To close at once.
    Cut,
}

/// The open connections.
#[derive(Default)]
pub(super) struct Drain {
    stage: AtomicU8,
    next: AtomicU64,
    places: Mutex<HashMap<u64, Option<Waker>>>,
    emptied: Notify,
}

impl Drain {
    /// Counts a connection in, until its place is dropped.
    pub(super) fn enter(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> Place {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.places.lock().insert(id, None);
        Place { drain: Arc::clone(self), id, awake: false, _permit: permit }
    }

    /// How many are connected.
    pub(super) fn open(&self) -> usize {
        self.places.lock().len()
    }

    /// Tells all to leave after the request they are at.
    pub(super) fn ask_to_leave(&self) {
        self.tell(LEAVING);
    }

    /// Tells all to leave now.
    pub(super) fn cut(&self) {
        self.tell(CUT);
    }

    /// Resolves when nobody is connected.
    pub(super) async fn emptied(&self) {
        while self.open() > 0 {
            self.emptied.notified().await;
        }
    }

    fn tell(&self, stage: u8) {
        // Stored before the lock is taken: a connection that leaves its waker after we looked
        // finds the new stage when it looks next, because it does so after taking the lock.
        self.stage.store(stage, Ordering::Release);
        for waker in self.places.lock().values().flatten() {
            waker.wake_by_ref();
        }
    }
}

/// One connection's place among the open ones, and its permit to be open.
pub(super) struct Place {
    drain: Arc<Drain>,
    id: u64,
    awake: bool,
    _permit: OwnedSemaphorePermit,
}

impl Place {
    /// What is asked of this connection. The first call leaves the task's waker, so that a change
    /// is noticed; a task keeps one waker all its life.
    pub(super) fn stage(&mut self, waker: &Waker) -> Stage {
        if !self.awake {
            self.drain.places.lock().insert(self.id, Some(waker.clone()));
            self.awake = true;
        }
        match self.drain.stage.load(Ordering::Acquire) {
            SERVING => Stage::Serving,
            LEAVING => Stage::Leaving,
            _ => Stage::Cut,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.drain.places.lock();
        places.remove(&self.id);
        if places.is_empty() {
            // Kept for the next waiter if there is none yet; `emptied` looks again anyway.
            self.drain.emptied.notify_one();
        }
    }
}
