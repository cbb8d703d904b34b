//! Who is asking: from a presented key to a [`Caller`].
//!
//! The order is fixed: a key that was good when last seen never meets the limit on bad keys, so
//! strangers at the same address cannot lock it out; everything else meets that limit before it
//! is hashed or looked up. Only then state, kind and address are judged, and last the key's own
//! rate. Why a key was refused is for the log; the caller always learns the same.

mod addresses;
mod caller;
mod identities;
mod last_used;
mod operator;
mod portal;
mod store_key;
mod visitor;
mod visitor_limits;

pub(crate) use addresses::subscriber;
pub use caller::{Access, Caller, CommandLineAccess, RateState};
pub(crate) use identities::Identities;
pub(crate) use last_used::LastUsed;
pub use operator::{LastingAccess, OperatorAccess, SignedOperator};
pub use portal::PortalVisit;
pub use visitor::{Arrived, Visitor};
pub use visitor_limits::VisitorCall;
pub(crate) use visitor_limits::VisitorLimits;

use crate::definitions::Definitions;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::Code;
use guildhall_domain::key::{Key, KeyKind, PlainKey, RateLimit, Shape};
use guildhall_domain::rate::{Verdict, WINDOW_US};
use identities::Identity;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// A request that comes up to this long before the limit would let it in waits instead of being
/// refused, so that the jitter of a timer never costs a well-paced client a request.
const HOLD_US_MAX: i64 = 20_000;

/// What a request brought along.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    /// The text of the key header, if there was one.
    pub key: Option<&'a str>,
    /// Where it came from.
    pub address: IpAddr,
}

impl Guildhall {
    /// Finds out who presents this key, if keys of that kind open the door in question.
    ///
    /// # Errors
    /// `KeyMissing` if there is no key or text that can be none; `KeyInvalid` if it is unknown,
    /// revoked, expired, of another kind or from a forbidden address; `RateLimited`;
    /// `StoreUnavailable`.
    pub async fn identify(&self, presented: Presented<'_>, kind: KeyKind) -> Result<Caller, AppError> {
        let identity = self.identity(presented, kind).await?;
        let rate = self.admit(&identity).await?;
        Ok(Caller::new(identity, rate))
    }

    /// The key that is presented, judged, but not yet counted against its rate.
    async fn identity(&self, presented: Presented<'_>, kind: KeyKind) -> Result<Arc<Identity>, AppError> {
        let version = self.store().authority_version().await?;
        let text = presented.key.unwrap_or_default();
        let identity = match self.identities().recall(version, text) {
            Some(identity) => identity,
            None => self.look_up(version, presented).await?,
        };
        let judged = self.judge(&identity.key, kind, presented.address);
        self.identities().note_good(text, judged.is_ok());
        if let Err(reason) = judged {
            tracing::debug!(key.id = %identity.key.id, reason, "a key was refused");
            return Err(self.refuse_bad_key(presented.address, Code::KeyInvalid));
        }
        Ok(identity)
    }

    /// Looks at a caller again after it took its time over a body: what was revoked or changed since
    /// counts. Its rate is not asked a second time.
    ///
    /// # Errors
    /// As [`Guildhall::identify`].
    pub async fn identify_again(
        &self,
        caller: Caller,
        presented: Presented<'_>,
        kind: KeyKind,
    ) -> Result<Caller, AppError> {
        let version = self.store().authority_version().await?;
        let text = presented.key.unwrap_or_default();
        let identity = match self.identities().recall(version, text) {
            Some(identity) => identity,
            None => self.look_up(version, presented).await?,
        };
        match self.judge(&identity.key, kind, presented.address) {
            Ok(()) => Ok(caller.with_identity(identity)),
            Err(_) => Err(Code::KeyInvalid.into()),
        }
    }

    /// Reads a key that is not in memory. What is no key, or not known, counts against the
    /// address.
    async fn look_up(&self, version: i64, presented: Presented<'_>) -> Result<Arc<Identity>, AppError> {
        let (now_us, limit) = (self.clock().monotonic_us(), self.limits().bad_key_limit);
        let text = presented.key.unwrap_or_default();
        let stranger = !self.identities().was_good(text);
        if stranger && self.identities().addresses().is_full(presented.address, now_us, limit) {
            return Err(rate_limited(limit, 1, WINDOW_US));
        }
        let Some(plain) = presented.key.and_then(PlainKey::presented) else {
            return Err(self.refuse_bad_key(presented.address, Code::KeyMissing));
        };
        let hash = plain.hash();
        let found = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let Some(key) = tx.keys().find_by_hash(hash).await? else {
                    return Ok(None);
                };
                let definitions = match &key.app {
                    Some(app) => Some(Definitions::load(tx, app).await?),
                    None => None,
                };
                Ok(Some((key, definitions)))
            })
        });
        match found.await? {
            Some((key, definitions)) => {
                Ok(self.identities().remember(version, &plain, key, definitions, self.last_used()))
            }
            None if Shape::of(plain.reveal()).is_some() => {
                Err(self.refuse_bad_key(presented.address, Code::KeyInvalid))
            }
            None => Err(self.refuse_bad_key(presented.address, Code::KeyMissing)),
        }
    }

    /// Whether an address that has presented nothing good yet may have something looked up.
    fn let_strangers_look(&self, address: IpAddr) -> Result<(), AppError> {
        let (now_us, limit) = (self.clock().monotonic_us(), self.limits().bad_key_limit);
        match self.identities().addresses().is_full(address, now_us, limit) {
            true => Err(rate_limited(limit, 1, WINDOW_US)),
            false => Ok(()),
        }
    }

    fn judge(&self, key: &Key, kind: KeyKind, address: IpAddr) -> Result<(), &'static str> {
        if key.kind != kind {
            return Err("it is of another kind");
        }
        if !key.is_active(self.now()) {
            return Err("it is revoked or expired");
        }
        if !key.allows_address(address) {
            return Err("it may not be used from this address");
        }
        Ok(())
    }

    /// Counts a bad key against its address. Beyond the limit the answer is the limit's.
    fn refuse_bad_key(&self, address: IpAddr, code: Code) -> AppError {
        let (now_us, limit) = (self.clock().monotonic_us(), self.limits().bad_key_limit);
        let admitted = self.identities().addresses().count(address, now_us, limit);
        if admitted { code.into() } else { rate_limited(limit, 1, WINDOW_US) }
    }

    /// Asks the key's own limit, waiting out what little is missing.
    async fn admit(&self, identity: &Identity) -> Result<Option<RateState>, AppError> {
        let limit = match identity.key.rate_limit {
            RateLimit::Unlimited => return Ok(None),
            RateLimit::PerSecond(limit) => limit,
            RateLimit::Default => self.limits().rate_limit,
        };
        let mut held = false;
        loop {
            // Bound first, so that the lock is released before anything waits.
            let verdict = identity.window.lock().admit(self.clock().monotonic_us(), limit);
            match verdict {
                Verdict::Admitted { remaining, reset_us } => {
                    return Ok(Some(RateState { limit, window_s: 1, remaining, reset_us }));
                }
                // Held once: whoever meets others at the end of the wait is one too many.
                Verdict::Refused { wait_us } if wait_us <= HOLD_US_MAX && !held => {
                    hold(wait_us).await;
                    held = true;
                }
                Verdict::Refused { wait_us } => return Err(rate_limited(limit, 1, wait_us)),
            }
        }
    }
}

async fn hold(wait_us: i64) {
    tokio::time::sleep(Duration::from_micros(wait_us.unsigned_abs())).await;
}

/// Over a limit, of a key or of an address.
pub(crate) fn rate_limited(limit: u32, window_s: u32, wait_us: i64) -> AppError {
    let rate = RateState { limit, window_s, remaining: 0, reset_us: wait_us };
    AppError { retry_after_s: Some(rate.reset_s()), rate: Some(rate), ..AppError::new(Code::RateLimited) }
}

/// Whole seconds, rounded up, at least one: `Retry-After` knows no fractions, and telling too
/// little would bring the client back too early.
fn seconds_up(us: i64) -> u32 {
    u32::try_from((us + 999_999) / 1_000_000).unwrap_or(u32::MAX).max(1)
}
