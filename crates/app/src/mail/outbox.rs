//! The outbox: looking at it, and sending what is due.
//!
//! A mail is taken for a minute by whoever sends it, so that neither a crash loses it nor two nodes
//! send it at once. One that the mail server took is noted; if the note fails, it is sent twice
//! rather than never.

use crate::auth::Access;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::paging::{Leaf, Turn};
use futures_util::future::BoxFuture;
use guildhall_domain::Timestamp;
use guildhall_domain::mail::MailKind;
use guildhall_domain::time::MICROS_PER_SECOND;
use guildhall_store::Mail;

/// How many mails are listed at most; the newest.
const LISTED_MAX: i64 = 1000;
/// How many mails are taken at a time.
const TAKEN_MAX: i64 = 20;
/// How long taken mails are left to whoever took them: longer than sending so many can take.
const TAKEN_US: i64 = 300 * MICROS_PER_SECOND;
/// How long to wait after each failure; the last one is for all that follow.
const RETRY_AFTER_S: [i64; 6] = [10, 30, 120, 600, 1800, 3600];

/// Why a mail was not taken. The text is for operators.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// Worth trying again: no connection, or the server says later.
    Later(String),
    /// The server will never take this mail, whatever happens.
    Never(String),
}

/// Hands one mail on.
pub trait Mailer: Send + Sync + 'static {
    /// Sends it, or says why not.
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), Refusal>>;
}

impl Guildhall {
    /// The environment's mails that were not sent, oldest first: all of them, where no mail server is
    /// set.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn list_mails(&self, access: &Access<'_>) -> Result<Vec<Mail>, AppError> {
        let environment = access.environment();
        let listed = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.mails().list_unsent(environment, LISTED_MAX).await?) })
        });
        Ok(listed.await?.into_iter().map(without_invitation).collect())
    }

    /// A page of the environment's mails before a number, newest first, sent or not, and whether there
    /// are more. They hold codes and links, so it takes leave to write.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn page_of_mails(
        &self,
        access: &Access<'_>,
        before: Option<i64>,
        limit: i64,
    ) -> Result<(Vec<Mail>, bool), AppError> {
        let leaf = self.turn_mails(access, Turn::of(before, None), limit).await?;
        Ok((leaf.items, leaf.older.is_some()))
    }

    /// A page of the environment's mails, sent or not.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn turn_mails(
        &self,
        access: &Access<'_>,
        turn: Turn,
        limit: i64,
    ) -> Result<Leaf<Mail>, AppError> {
        let environment = access.environment();
        let fit = usize::try_from(limit).unwrap_or(0);
        let listed = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let mut turn = turn;
                loop {
                    let read = tx.mails().page(environment, turn.part(), limit + 1).await?;
                    match Leaf::of(read, turn, fit, |mail| mail.number) {
                        Some(leaf) => return Ok(leaf),
                        None => turn = Turn::First,
                    }
                }
            })
        });
        let Leaf { items, newer, older } = listed.await?;
        Ok(Leaf { items: items.into_iter().map(without_invitation).collect(), newer, older })
    }

    /// Sends the mails that are due, one after another. How many were sent.
    ///
    /// # Errors
    /// `Busy`, `StoreUnavailable`. What was taken and not noted is due again later.
    pub async fn send_due_mails(&self, mailer: &dyn Mailer) -> Result<usize, AppError> {
        let mut sent = 0;
        loop {
            let taken = self.take_due_mails().await?;
            if taken.is_empty() {
                return Ok(sent);
            }
            for mail in &taken {
                let outcome = mailer.send(mail).await;
                sent += usize::from(outcome.is_ok());
                self.note_outcome(mail, outcome).await?;
            }
        }
    }

    async fn take_due_mails(&self) -> Result<Vec<Mail>, AppError> {
        let now = self.now();
        let taken = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.mails().claim(now, now.plus_micros(TAKEN_US), TAKEN_MAX).await?) })
        });
        let mut taken = taken.await?;
        taken.sort_by_key(|mail| mail.number);
        Ok(taken)
    }

    async fn note_outcome(&self, mail: &Mail, outcome: Result<(), Refusal>) -> Result<(), AppError> {
        let (number, now) = (mail.number, self.now());
        let next_at = next_try(mail.attempts, now);
        if let Err(refusal) = &outcome {
            let (never, why) = match refusal {
                Refusal::Later(why) => (false, why),
                Refusal::Never(why) => (true, why),
            };
            tracing::warn!(
                mail.number = number,
                kind = mail.kind.as_str(),
                never,
                why,
                "a mail was not sent"
            );
        }
        let noted = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                match outcome {
                    Ok(()) => tx.mails().mark_sent(number, now).await?,
                    Err(Refusal::Later(why)) => tx.mails().mark_unsent(number, Some(next_at), &why).await?,
                    Err(Refusal::Never(why)) => tx.mails().mark_unsent(number, None, &why).await?,
                }
                Ok(())
            })
        });
        noted.await
    }
}

/// An invitation's link makes its reader the operator who is invited. It is for that one's mailbox only,
/// not for whoever may look at the outbox.
fn without_invitation(mut mail: Mail) -> Mail {
    if mail.kind == MailKind::OperatorInvitation {
        mail.text.clear();
    }
    mail
}

/// When to try again after so many attempts.
fn next_try(attempts: i64, now: Timestamp) -> Timestamp {
    let place = usize::try_from(attempts - 1).unwrap_or(0).min(RETRY_AFTER_S.len() - 1);
    now.plus_micros(RETRY_AFTER_S[place] * MICROS_PER_SECOND)
}
