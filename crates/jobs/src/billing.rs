//! Renewals: what is due about contracts is done when it is due.

use guildhall_app::Guildhall;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How often it is looked whether something is due, when nothing in this process says so.
const EVERY: Duration = Duration::from_secs(1);
/// How often it is tried again what could not be billed as it was.
const AGAIN_EVERY: Duration = Duration::from_secs(3600);

/// Does what is due until the server stops.
pub(crate) async fn run(guildhall: Guildhall, mut stopped: watch::Receiver<bool>) {
    let mut clocks: Option<JoinHandle<()>> = None;
    let mut taken_up: Option<Instant> = None;
    while !*stopped.borrow() {
        if taken_up.is_none_or(|at| at.elapsed() >= AGAIN_EVERY) && take_up(&guildhall).await {
            taken_up = Some(Instant::now());
        }
        // Beside the others: a clock that is moved by years must not keep real customers waiting.
        if clocks.as_ref().is_none_or(JoinHandle::is_finished) {
            clocks = Some(tokio::spawn(run_clocks(guildhall.clone())));
        }
        match guildhall.run_due_contracts().await {
            // There may be more.
            Ok(done) if done > 0 => continue,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(?error, "it was not looked whether contracts are due; it will be again")
            }
        }
        tokio::select! {
            _ = stopped.changed() => {}
            () = guildhall.billing_due().notified() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
    if let Some(clocks) = clocks {
        // It could take long. Whoever comes next goes on from where it is.
        clocks.abort();
    }
}

async fn run_clocks(guildhall: Guildhall) {
    loop {
        match guildhall.run_clocks().await {
            Ok(done) if done > 0 => {}
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(?error, "sandboxes' clocks were not looked after; they will be again");
                return;
            }
        }
    }
}

async fn take_up(guildhall: &Guildhall) -> bool {
    match guildhall.take_up_set_aside().await {
        Ok(contracts) => {
            if contracts > 0 {
                tracing::info!(contracts, "contracts that could not be billed are tried again");
            }
            true
        }
        Err(error) => {
            tracing::warn!(?error, "contracts that could not be billed are not tried again yet");
            false
        }
    }
}
