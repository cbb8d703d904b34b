//! Mail to members: written into the outbox in the unit of work that it tells of, sent later by a job.
//!
//! What a mail says comes from the app's template, or from ours. Without a mail server the outbox is
//! where mails stay, and operators read them there.

mod outbox;
mod smtp;
mod templates;

pub use guildhall_domain::mail::{MailKind, Template};
pub use guildhall_store::Mail;
pub use outbox::{Mailer, Refusal};
pub use smtp::{SmtpError, SmtpMailer};

use crate::error::AppError;
use guildhall_domain::mail::Values;
use guildhall_domain::{App, EnvironmentId, Timestamp};
use guildhall_store::Tx;

/// Puts a mail into the outbox.
pub(crate) async fn write(
    tx: &mut Tx,
    app: &App,
    environment: EnvironmentId,
    kind: MailKind,
    to: &str,
    values: Values<'_>,
    now: Timestamp,
) -> Result<(), AppError> {
    let own = tx.mails().template(&app.id, kind).await?;
    let template = own.unwrap_or_else(|| kind.default_template());
    let content = template.render(&values).map_err(|error| AppError::internal(error.to_string()))?;
    Ok(tx.mails().insert(environment, kind, to, &content, now).await?)
}
