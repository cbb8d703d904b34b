//! When keys were last used: noted in memory by requests, written down by a job.

use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::Timestamp;
use guildhall_domain::ids::KeyId;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The latest use of each key since the start, in microseconds; 0 where there is none to write.
#[derive(Default)]
pub(crate) struct LastUsed(Mutex<HashMap<KeyId, Arc<AtomicI64>>>);

impl LastUsed {
    pub(super) fn of(&self, key: &KeyId) -> Arc<AtomicI64> {
        Arc::clone(self.0.lock().entry(key.clone()).or_default())
    }

    fn take(&self) -> Vec<(KeyId, i64)> {
        let noted = self.0.lock();
        let taken = noted.iter().map(|(key, at)| (key.clone(), at.swap(0, Ordering::Relaxed)));
        taken.filter(|(_, at)| *at != 0).collect()
    }

    fn put_back(&self, uses: &[(KeyId, i64)]) {
        for (key, at) in uses {
            self.of(key).fetch_max(*at, Ordering::Relaxed);
        }
    }
}

impl Guildhall {
    /// Writes down the uses noted since the last time. If that fails, they are kept for the next.
    ///
    /// # Errors
    /// `StoreUnavailable`, `Busy`.
    pub async fn flush_last_used(&self) -> Result<(), AppError> {
        let uses = self.last_used().take();
        if uses.is_empty() {
            return Ok(());
        }
        let writing = uses.clone();
        let written = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                for (key, at) in &writing {
                    tx.keys().note_used(key, Timestamp::from_micros(*at)).await?;
                }
                Ok(())
            })
        });
        written.await.inspect_err(|_| self.last_used().put_back(&uses))
    }
}
