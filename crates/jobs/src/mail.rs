//! Sending the outbox: at once when this process has written a mail, and every few seconds for what
//! others wrote and what is to be tried again.

use guildhall_app::Guildhall;
use guildhall_app::mail::Mailer;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often the outbox is looked at without being told to.
const LOOK_EVERY: Duration = Duration::from_secs(5);

pub(super) async fn send(guildhall: Guildhall, mailer: Arc<dyn Mailer>, mut stopped: watch::Receiver<bool>) {
    loop {
        if let Err(error) = guildhall.send_due_mails(&*mailer).await {
            tracing::warn!(?error, "the outbox could not be looked at; its mails are kept for the next time");
        }
        tokio::select! {
            _ = stopped.changed() => return,
            () = guildhall.mail_written().notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}
