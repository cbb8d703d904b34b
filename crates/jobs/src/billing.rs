//! Renewals: what is due about contracts is done when it is due.

use guildhall_app::Guildhall;
use std::time::Duration;
use tokio::sync::watch;

/// How often it is looked whether something is due, when nothing in this process says so.
const EVERY: Duration = Duration::from_secs(1);

/// Does what is due until the server stops.
pub(crate) async fn run(guildhall: Guildhall, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        match guildhall.run_billing().await {
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
}
