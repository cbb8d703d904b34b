//! Who may read many rows now, and who waits.

use super::StoreSettings;
use crate::error::StoreError;
use guildhall_domain::EnvironmentId;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Reads of many rows that are under way at a time; others wait for one to end.
const SCANS_MAX: usize = 8;

/// Turns for reads that can touch many rows: only so many are under way at a time, so that they leave
/// processor and connections to the requests that need little of either.
#[derive(Clone)]
pub(super) struct Turns {
    free: Arc<Semaphore>,
    shares: Arc<Mutex<HashMap<EnvironmentId, Arc<Semaphore>>>>,
    share: usize,
    patience: Duration,
}

impl Turns {
    pub(super) fn of(settings: &StoreSettings) -> Self {
        let turns_max = (settings.postgres_connections_max / 2).clamp(1, SCANS_MAX);
        Self {
            free: Arc::new(Semaphore::new(turns_max)),
            shares: Arc::default(),
            share: (turns_max / 2).max(1),
            patience: Duration::from_millis(settings.statement_timeout_ms.into()),
        }
    }

    /// Waits for one of the turns that queries of an environment may have at a time, which are half of all:
    /// whoever asks much must not keep others from asking.
    pub(super) async fn take_of(
        &self,
        environment: EnvironmentId,
    ) -> Result<[OwnedSemaphorePermit; 2], StoreError> {
        let share = Arc::clone(
            self.shares.lock().entry(environment).or_insert_with(|| Arc::new(Semaphore::new(self.share))),
        );
        let own = tokio::time::timeout(self.patience, share.acquire_owned()).await;
        let own = own.ok().and_then(Result::ok).ok_or(StoreError::Overloaded)?;
        Ok([own, self.take().await?])
    }

    /// Waits for a turn, which lasts until what is returned is dropped: also if the caller has gone away
    /// and its statement has not.
    pub(super) async fn take(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        let turn = tokio::time::timeout(self.patience, Arc::clone(&self.free).acquire_owned()).await;
        turn.ok().and_then(Result::ok).ok_or(StoreError::Overloaded)
    }
}
