//! Slowing down who tries too often: by the address it comes from, and by what it tries on.
//!
//! An attempt is counted before it is made, in a unit of work of its own or in that of the attempt, so
//! that many at once cannot all pass before the first of them is counted; the right answer takes it
//! back. Accounts that do not exist are counted like those that do.

use crate::auth::{Visitor, rate_limited, subscriber};
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::Timestamp;
use guildhall_domain::key::HashedKey;
use guildhall_domain::throttle::Throttle;
use guildhall_domain::time::MICROS_PER_SECOND;
use guildhall_store::Tx;
use std::net::IpAddr;

/// An address may try so many times what may be tried on one account: it can be that of an office.
const ADDRESS_FACTOR: u32 = 10;
/// All guesses at reset codes of an environment together, in terms of what may be tried on one
/// account: such a code says by itself whose it is, so every guess is one at all of them.
const ENVIRONMENT_FACTOR: u32 = 20;

/// What is guessed at.
#[derive(Clone, Copy)]
pub(super) enum Guess {
    Password,
    LogInCode,
    SignUpCode,
    ResetCode,
}

/// What is mailed.
#[derive(Clone, Copy)]
pub(super) enum Mailing {
    LogInCode,
    SignUpCode,
    ResetCode,
    VerifyEmail,
}

/// Attempts about to be made.
#[derive(Clone)]
pub(crate) struct Tries {
    /// In an order that is the same everywhere, because each is locked in turn.
    of_many: Vec<(HashedKey, Throttle)>,
    of_one: Option<(HashedKey, Throttle)>,
}

impl Guildhall {
    /// A guess at something of the account with this address.
    pub(super) fn guess(&self, visitor: &Visitor, at: Guess, email_normal: &str) -> Tries {
        let free = self.limits().sign_in_attempts;
        let kind = match at {
            Guess::Password => "password",
            Guess::LogInCode => "log-in code",
            Guess::SignUpCode => "sign-up code",
            Guess::ResetCode => "reset code",
        };
        let by_address = subject(visitor, kind, "from", &subscriber(visitor.address()).to_string());
        Tries {
            of_many: vec![(by_address, Throttle::guesses(free.saturating_mul(ADDRESS_FACTOR)))],
            of_one: Some((subject(visitor, kind, "at", email_normal), Throttle::guesses(free))),
        }
    }

    /// A guess at a code that is anybody's.
    pub(super) fn guess_at_all(&self, visitor: &Visitor, at: Guess) -> Tries {
        let mut tries = self.guess(visitor, at, "");
        let free = self.limits().sign_in_attempts;
        if let Some((everybody, _)) = tries.of_one.take() {
            tries.of_many[0].1 = Throttle::guesses(free.saturating_mul(2));
            tries.of_many.push((everybody, Throttle::guesses(free.saturating_mul(ENVIRONMENT_FACTOR))));
        }
        tries
    }

    /// A mail to this address, at a visitor's wish.
    pub(super) fn mailing(&self, visitor: &Visitor, what: Mailing, email_normal: &str) -> Tries {
        let free = self.limits().sign_in_attempts;
        let kind = match what {
            Mailing::LogInCode => "log-in mail",
            Mailing::SignUpCode => "sign-up mail",
            Mailing::ResetCode => "reset mail",
            Mailing::VerifyEmail => "verification mail",
        };
        // All kinds together, by address: what is slowed down is sending mail.
        let by_address = subject(visitor, "mail", "from", &subscriber(visitor.address()).to_string());
        Tries {
            of_many: vec![(by_address, Throttle::mails(free.saturating_mul(ADDRESS_FACTOR)))],
            of_one: Some((subject(visitor, kind, "to", email_normal), Throttle::mails(free))),
        }
    }

    /// Counts attempts in a unit of work of their own.
    ///
    /// # Errors
    /// `RateLimited`, `Busy`, `StoreUnavailable`.
    pub(crate) async fn count(&self, tries: &Tries) -> Result<(), AppError> {
        let (tries, now) = (tries.clone(), self.now());
        let counted = self
            .store()
            .write_aside::<_, AppError, _>(move |tx| Box::pin(async move { tries.count(tx, now).await }));
        counted.await
    }
}

impl Tries {
    /// A guess at the password of an operator.
    pub(crate) fn at_operator(free: u32, address: IpAddr, email_normal: &str) -> Self {
        let subject = |relation: &str, whom: &str| HashedKey::of(&format!("operator\n{relation}\n{whom}"));
        let by_address = subject("from", &subscriber(address).to_string());
        Self {
            of_many: vec![(by_address, Throttle::guesses(free.saturating_mul(ADDRESS_FACTOR)))],
            of_one: Some((subject("at", email_normal), Throttle::guesses(free))),
        }
    }

    /// A guess at the password of an operator who has a session already.
    pub(crate) fn at_operator_change(free: u32, operator: &str) -> Self {
        let subject = HashedKey::of(&format!("operator\nchange\n{operator}"));
        Self { of_many: Vec::new(), of_one: Some((subject, Throttle::guesses(free))) }
    }

    /// A mail with a link to the customer portal, at the wish of somebody with a key: only the mailbox is counted,
    /// for the wishes of a whole site come from one address.
    pub(crate) fn at_portal_mail(free: u32, environment: u32, email_normal: &str) -> Self {
        let subject = HashedKey::of(&format!("{environment}\nportal mail\nto\n{email_normal}"));
        Self { of_many: Vec::new(), of_one: Some((subject, Throttle::mails(free))) }
    }

    /// Counts them.
    ///
    /// # Errors
    /// `RateLimited`, with the time to wait; then none of them is counted.
    pub(crate) async fn count(&self, tx: &mut Tx, now: Timestamp) -> Result<(), AppError> {
        for (subject, throttle) in self.of_many.iter().chain(&self.of_one) {
            let before = tx.attempts().find_locked(*subject, now).await?;
            let after = throttle.admit(before, now).map_err(|wait_us| too_many(throttle, wait_us))?;
            tx.attempts().update(*subject, after).await?;
        }
        Ok(())
    }

    /// Takes them back: they were no guesses. What was guessed at one account is forgotten, because
    /// its owner has come.
    pub(crate) async fn forgive(&self, tx: &mut Tx, now: Timestamp) -> Result<(), AppError> {
        for (subject, _) in &self.of_many {
            if let Some(attempts) = tx.attempts().find_locked(*subject, now).await? {
                tx.attempts().update(*subject, attempts.forgive_one()).await?;
            }
        }
        if let Some((subject, _)) = &self.of_one {
            tx.attempts().forget(*subject).await?;
        }
        Ok(())
    }
}

fn too_many(throttle: &Throttle, wait_us: i64) -> AppError {
    let window_s = u32::try_from(throttle.forgotten_after_us / MICROS_PER_SECOND).unwrap_or(u32::MAX);
    rate_limited(throttle.free, window_s, wait_us)
}

/// Who or what is counted, as a hash.
fn subject(visitor: &Visitor, kind: &str, relation: &str, whom: &str) -> HashedKey {
    HashedKey::of(&format!("{}\n{kind}\n{relation}\n{whom}", visitor.environment_number()))
}
