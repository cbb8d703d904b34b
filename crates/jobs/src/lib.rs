//! What the server does by itself, beside requests.
//!
//! Each job calls a use case of `guildhall_app`; none names the store.

mod billing;
mod mail;

use guildhall_app::Guildhall;
use guildhall_app::mail::Mailer;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How often the last uses of keys are written down.
const LAST_USED_EVERY: Duration = Duration::from_secs(2);
/// How often what signing in leaves behind and old idempotency keys are cleared away.
const CLEAR_EVERY: Duration = Duration::from_secs(600);
/// How long to wait when contracts could not be brought into the figures.
const COUNT_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// How often the database looks at what it chooses its plans by.
const STATISTICS_EVERY: Duration = Duration::from_secs(3600);

/// The running jobs.
pub struct Jobs {
    stop: watch::Sender<bool>,
    running: Vec<JoinHandle<()>>,
}

/// Starts all jobs. Without a mailer, mails stay in the outbox.
pub fn start(guildhall: Guildhall, mailer: Option<Arc<dyn Mailer>>) -> Jobs {
    let (stop, stopped) = watch::channel(false);
    let mut running = vec![
        tokio::spawn(flush_last_used(guildhall.clone(), stopped.clone())),
        tokio::spawn(clear_ended_sign_ins(guildhall.clone(), stopped.clone())),
        tokio::spawn(clear_old_idempotency_keys(guildhall.clone(), stopped.clone())),
        tokio::spawn(refresh_statistics(guildhall.clone(), stopped.clone())),
        tokio::spawn(billing::run(guildhall.clone(), stopped.clone())),
        tokio::spawn(count_contracts(guildhall.clone(), stopped.clone())),
    ];
    if let Some(mailer) = mailer {
        running.push(tokio::spawn(mail::send(guildhall, mailer, stopped)));
    }
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

async fn clear_ended_sign_ins(guildhall: Guildhall, mut stopped: watch::Receiver<bool>) {
    loop {
        if let Err(error) = guildhall.clear_ended_sign_ins().await {
            tracing::warn!(?error, "what signing in left behind was not cleared away");
        }
        if tokio::time::timeout(CLEAR_EVERY, stopped.changed()).await.is_ok() {
            return;
        }
    }
}

async fn clear_old_idempotency_keys(guildhall: Guildhall, mut stopped: watch::Receiver<bool>) {
    loop {
        if let Err(error) = guildhall.clear_old_idempotency_keys().await {
            tracing::warn!(?error, "old idempotency keys were not cleared away");
        }
        if tokio::time::timeout(CLEAR_EVERY, stopped.changed()).await.is_ok() {
            return;
        }
    }
}

/// Once after the start: contracts that an older version made. A database that has none says so by an empty index.
async fn count_contracts(guildhall: Guildhall, mut stopped: watch::Receiver<bool>) {
    loop {
        let counting = tokio::select! {
            counted = guildhall.count_contracts() => counted,
            _ = stopped.changed() => return,
        };
        match counting {
            Ok(0) => return,
            Ok(contracts) => {
                tracing::info!(contracts, "contracts were brought into the figures");
                return;
            }
            Err(error) => {
                tracing::warn!(?error, "contracts were not all brought into the figures; the rest will be");
            }
        }
        if tokio::time::timeout(COUNT_AGAIN_AFTER, stopped.changed()).await.is_ok() {
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
