//! What the server does by itself, beside requests.
//!
//! Each job calls a use case of `guildhall_app`; none names the store.

use guildhall_app::Guildhall;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How often the last uses of keys are written down.
const LAST_USED_EVERY: Duration = Duration::from_secs(2);

/// How often the database looks at what it chooses its plans by.
const STATISTICS_EVERY: Duration = Duration::from_secs(3600);

/// The running jobs.
pub struct Jobs {
    stop: watch::Sender<bool>,
    running: Vec<JoinHandle<()>>,
}

/// Starts all jobs.
pub fn start(guildhall: Guildhall) -> Jobs {
    let (stop, stopped) = watch::channel(false);
    let running = vec![
        tokio::spawn(flush_last_used(guildhall.clone(), stopped.clone())),
        tokio::spawn(refresh_statistics(guildhall, stopped)),
    ];
    Jobs { stop, running }
}

impl Jobs {
    /// Lets each job finish what it is at, and ends them.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        for job in self.running {
            if job.await.is_err() {
                tracing::error!("a job ended in a panic");
            }
        }
    }
}

async fn flush_last_used(guildhall: Guildhall, mut stopped: watch::Receiver<bool>) {
    loop {
        let ended = tokio::time::timeout(LAST_USED_EVERY, stopped.changed()).await;
        if let Err(error) = guildhall.flush_last_used().await {
            tracing::warn!(
                ?error,
                "the last uses of keys were not written down; they are kept for the next time"
            );
        }
        if ended.is_ok() {
            return;
        }
    }
}

async fn refresh_statistics(guildhall: Guildhall, mut stopped: watch::Receiver<bool>) {
    loop {
        if let Err(error) = guildhall.refresh_statistics().await {
            tracing::warn!(?error, "the database's statistics were not refreshed");
        }
        if tokio::time::timeout(STATISTICS_EVERY, stopped.changed()).await.is_ok() {
            return;
        }
    }
}
