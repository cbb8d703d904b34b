//! When keys were last used, and how often each route was called with them: noted in memory by requests,
//! written down by a job.

use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::Timestamp;
use guildhall_domain::ids::KeyId;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// What was noted of each key since the last time it was written down.
#[derive(Default)]
pub(crate) struct LastUsed(Mutex<HashMap<KeyId, Arc<Uses>>>);

/// What was noted of one key.
#[derive(Default)]
pub(crate) struct Uses {
    /// The latest use, in microseconds; 0 if there is none to write.
    at: AtomicI64,
    /// A handful of routes on one day, or on two around midnight: looking through them costs less than
    /// hashing.
    calls: Mutex<Vec<Calls>>,
}

/// Calls of one route on one day (since 1970-01-01, UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Calls {
    day: i64,
    method: &'static str,
    route: &'static str,
    count: i64,
}

impl Uses {
    pub(super) fn note(&self, at: Timestamp) {
        self.at.fetch_max(at.micros(), Ordering::Relaxed);
    }

    pub(super) fn note_call(&self, method: &'static str, route: &'static str, at: Timestamp) {
        self.add(Calls { day: at.day(), method, route, count: 1 });
    }

    fn add(&self, more: Calls) {
        let same =
            |known: &Calls| (known.day, known.method, known.route) == (more.day, more.method, more.route);
        let mut calls = self.calls.lock();
        match calls.iter_mut().find(|known| same(known)) {
            Some(known) => known.count += more.count,
            None => calls.push(more),
        }
    }
}

/// What is to be written of one key.
#[derive(Clone)]
struct Noted {
    key: KeyId,
    at: i64,
    calls: Vec<Calls>,
}

impl LastUsed {
    pub(super) fn of(&self, key: &KeyId) -> Arc<Uses> {
        Arc::clone(self.0.lock().entry(key.clone()).or_default())
    }

    fn take(&self) -> Vec<Noted> {
        let noted = self.0.lock();
        let taken = noted.iter().map(|(key, uses)| Noted {
            key: key.clone(),
            at: uses.at.swap(0, Ordering::Relaxed),
            calls: std::mem::take(&mut *uses.calls.lock()),
        });
        taken.filter(|noted| noted.at != 0 || !noted.calls.is_empty()).collect()
    }

    fn put_back(&self, taken: &[Noted]) {
        for noted in taken {
            let uses = self.of(&noted.key);
            uses.at.fetch_max(noted.at, Ordering::Relaxed);
            for calls in &noted.calls {
                uses.add(*calls);
            }
        }
    }
}

impl Guildhall {
    /// Writes down the uses noted since the last time. If that fails, they are kept for the next.
    ///
    /// # Errors
    /// `StoreUnavailable`, `Busy`.
    pub async fn flush_last_used(&self) -> Result<(), AppError> {
        let taken = self.last_used().take();
        if taken.is_empty() {
            return Ok(());
        }
        let mut writing = taken.clone();
        // In one order everywhere: two nodes that flush at once must not wait for each other.
        writing.sort_by(|one, other| one.key.cmp(&other.key));
        let written = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                for noted in &mut writing {
                    if noted.at != 0 {
                        tx.keys().note_used(&noted.key, Timestamp::from_micros(noted.at)).await?;
                    }
                    noted.calls.sort_by_key(|calls| (calls.day, calls.route, calls.method));
                    for calls in &noted.calls {
                        let route = format!("{} {}", calls.method, calls.route);
                        tx.key_calls().add(&noted.key, calls.day, &route, calls.count).await?;
                    }
                }
                Ok(())
            })
        });
        written.await.inspect_err(|_| self.last_used().put_back(&taken))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_written_is_added_to_what_came_since() {
        let (kept, key) = (LastUsed::default(), KeyId::from_text("key_a"));
        let uses = kept.of(&key);
        let (earlier, later) = (Timestamp::from_seconds(10), Timestamp::from_seconds(86_400 + 10));
        uses.note(later);
        uses.note_call("GET", "/members", earlier);
        uses.note_call("GET", "/members", earlier);
        let taken = kept.take();
        assert!(kept.take().is_empty());
        uses.note(earlier);
        uses.note_call("GET", "/members", earlier);
        uses.note_call("GET", "/members", later);
        uses.note_call("POST", "/members", earlier);
        kept.put_back(&taken);
        let again = kept.take();
        assert_eq!((again.len(), again[0].at), (1, later.micros()));
        let mut counts: Vec<_> = again[0].calls.iter().map(|c| (c.day, c.method, c.count)).collect();
        counts.sort_unstable();
        assert_eq!(counts, [(0, "GET", 3), (0, "POST", 1), (1, "GET", 1)]);
    }
}
