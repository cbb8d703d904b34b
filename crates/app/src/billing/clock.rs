//! The clock of a sandbox: frozen, moved forward, let go. While it moves, what is due in between is done in order,
//! each at its own time.

use crate::auth::Access;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use futures_util::StreamExt;
use guildhall_domain::event::EventKind;
use guildhall_domain::time::{MICROS_PER_SECOND, Timestamp};
use guildhall_domain::{Code, EnvironmentId, Mode};
use guildhall_store::{Clock, DueContract};
use serde_json::json;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Nothing about one contract is due twice within this time: what is due in it can be done side by side.
const STRIDE_US: i64 = 12 * 3_600 * MICROS_PER_SECOND;
/// Clocks that are looked after at a time.
const CLOCKS_MAX: usize = 8;
/// Contracts leased at a time.
const BATCH: i64 = 512;
/// The farthest that a clock may be moved at once, in days.
const DAYS_MAX: i64 = 3_660;
/// How long to leave contracts alone that somebody else is at.
const PATIENCE: Duration = Duration::from_millis(50);
/// Events that are counted for what a move did, at most.
const TALLIED_MAX: i64 = 50_000;
/// After how many times of that somebody must have ended without giving them up, and they cannot be done.
const WAITS_MAX: u32 = 1_500;

/// How a sandbox's clock stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockState {
    /// The environment's time.
    pub now: Timestamp,
    /// Whether it stands still.
    pub frozen: bool,
    /// Where it is being moved to.
    pub target: Option<Timestamp>,
}

/// A clock on its way.
#[derive(Debug)]
pub struct ClockMove(JoinHandle<Result<(), AppError>>);

impl ClockMove {
    /// Waits until it has arrived.
    ///
    /// # Errors
    /// What kept it from going on; it will be tried again.
    pub async fn arrived(self) -> Result<(), AppError> {
        self.0.await.map_err(|_| AppError::internal("moving a clock ended in a panic"))?
    }
}

/// What happened to contracts, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Charges that succeeded.
    pub charged: u64,
    /// Charges that did not.
    pub failed: u64,
    /// Contracts that began to rest.
    pub paused: u64,
    /// Contracts that run again.
    pub resumed: u64,
    /// Contracts that were ended.
    pub cancelled: u64,
    /// Contracts that have run their term.
    pub expired: u64,
    /// Whether so much happened that not all of it was counted.
    pub cut: bool,
}

impl Guildhall {
    /// How the environment's clock stands.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn environment_clock(&self, access: &Access<'_>) -> Result<ClockState, AppError> {
        let environment = access.environment();
        let found = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.clocks().find(environment).await?) })
        });
        Ok(self.state(found.await?))
    }

    fn state(&self, clock: Clock) -> ClockState {
        ClockState {
            now: clock.at.unwrap_or_else(|| self.now()),
            frozen: clock.at.is_some(),
            target: clock.target,
        }
    }

    /// Stops the sandbox's clock where it is. One that stands stays as it is.
    ///
    /// # Errors
    /// `ClockOfLive`, `Busy`, `StoreUnavailable`.
    pub async fn freeze_clock(&self, access: &Access<'_>) -> Result<ClockState, AppError> {
        let now = self.now();
        self.set_clock(access, "clock.freeze", move |clock| {
            clock.at = clock.at.or(Some(now));
            Ok(())
        })
        .await
    }

    /// Lets the sandbox's clock go by the real time again. What is due later than that waits for it.
    ///
    /// # Errors
    /// `ClockOfLive`, `ClockMoving`, `Busy`, `StoreUnavailable`.
    pub async fn release_clock(&self, access: &Access<'_>) -> Result<ClockState, AppError> {
        let released = self.set_clock(access, "clock.release", |clock| {
            if clock.target.is_some() {
                return Err(Code::ClockMoving.into());
            }
            clock.at = None;
            Ok(())
        });
        let released = released.await?;
        self.billing_due().notify_one();
        Ok(released)
    }

    /// Moves the sandbox's frozen clock forward, and does what is due on the way. Returns when it has arrived. If
    /// this process ends on the way, another goes on.
    ///
    /// # Errors
    /// `ClockOfLive`, `ClockRunning` if it is not frozen, `ClockBack`, `ClockMoving`, `InputInvalid` for more than ten
    /// years, `Busy`, `StoreUnavailable`.
    pub async fn advance_clock(&self, access: &Access<'_>, to: Timestamp) -> Result<ClockState, AppError> {
        self.begin_clock_move(access, to).await?.arrived().await?;
        self.environment_clock(access).await
    }

    /// As [`Guildhall::advance_clock`], but returns at once; the clock goes on whether or not anybody waits for it.
    ///
    /// # Errors
    /// As of that, but for what happens on the way.
    pub async fn begin_clock_move(&self, access: &Access<'_>, to: Timestamp) -> Result<ClockMove, AppError> {
        self.set_clock(access, "clock.advance", move |clock| {
            let at = clock.at.ok_or(Code::ClockRunning)?;
            if clock.target.is_some() {
                return Err(Code::ClockMoving.into());
            }
            if to < at {
                return Err(Code::ClockBack.into());
            }
            if to.micros() - at.micros() > DAYS_MAX * 86_400 * MICROS_PER_SECOND {
                return Err(AppError::because(
                    Code::InputInvalid,
                    "A clock can be moved by ten years at most.",
                ));
            }
            clock.target = Some(to);
            Ok(())
        })
        .await?;
        // On a task of its own: if the caller goes away, what it has leased is not left lying.
        let (mover, environment) = (self.clone(), access.environment());
        Ok(ClockMove(tokio::spawn(async move { mover.move_clock(environment).await })))
    }

    /// The number of the environment's newest event: what a clock's move did comes after it.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn last_event(&self, access: &Access<'_>) -> Result<i64, AppError> {
        let environment = access.environment();
        let found = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.events().last(environment).await?) })
        });
        found.await
    }

    /// What happened to the environment's contracts after an event.
    ///
    /// # Errors
    /// `StoreUnavailable`, `Busy`.
    pub async fn happened_since(&self, access: &Access<'_>, event: i64) -> Result<Tally, AppError> {
        let environment = access.environment();
        let counted = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.events().tally(environment, event, TALLIED_MAX).await?) })
        });
        let counted = counted.await?;
        let of = |kind: EventKind| {
            let found = counted.iter().find(|(known, _)| known == kind.as_str());
            found.map_or(0, |(_, count)| count.unsigned_abs())
        };
        Ok(Tally {
            charged: of(EventKind::MembershipBillingSuccess),
            failed: of(EventKind::MembershipBillingFailure),
            paused: of(EventKind::MembershipPaused),
            resumed: of(EventKind::MembershipActivated),
            cancelled: of(EventKind::MembershipCancelled),
            expired: of(EventKind::MembershipExpired),
            cut: counted.iter().map(|(_, count)| count).sum::<i64>() >= TALLIED_MAX,
        })
    }

    async fn set_clock(
        &self,
        access: &Access<'_>,
        action: &'static str,
        change: impl FnOnce(&mut Clock) -> Result<(), AppError> + Send + 'static,
    ) -> Result<ClockState, AppError> {
        if access.mode() != Mode::Sandbox {
            return Err(Code::ClockOfLive.into());
        }
        let (environment, recorder) = (access.environment(), access.recorder(self.now()));
        let set = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let mut clock = tx.clocks().find_locked(environment).await?;
                change(&mut clock)?;
                tx.clocks().set(clock).await?;
                let detail = json!({ "at": clock.at, "target": clock.target });
                recorder.audit(tx, action, &environment.number().to_string(), &detail).await?;
                Ok(clock)
            })
        });
        Ok(self.state(set.await?))
    }

    /// Does what is due in environments whose clocks stand, and goes on with those that are being moved. Tells how
    /// much there was. One that cannot go on holds up none of the others.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn run_clocks(&self) -> Result<usize, AppError> {
        let frozen = self
            .store()
            .read::<_, AppError, _>(|tx| Box::pin(async move { Ok(tx.clocks().frozen().await?) }));
        let worked = futures_util::stream::iter(frozen.await?).map(|clock| async move {
            let worked = match clock {
                Clock { target: Some(_), environment, .. } => self.move_clock(environment).await.map(|()| 1),
                Clock { at: Some(at), environment, .. } => self.work_at(environment, at).await,
                Clock { at: None, .. } => Ok(0),
            };
            worked.unwrap_or_else(|error| {
                let environment = clock.environment.number();
                tracing::warn!(
                    environment,
                    ?error,
                    "a sandbox's clock does not go on; it will be tried again"
                );
                0
            })
        });
        let worked: Vec<usize> = worked.buffer_unordered(CLOCKS_MAX).collect().await;
        Ok(worked.into_iter().sum())
    }

    /// Does what is due in an environment whose clock stands there.
    async fn work_at(&self, environment: EnvironmentId, at: Timestamp) -> Result<usize, AppError> {
        let leased = self.lease_in(environment, at).await?;
        self.work_off(&leased, |_| at).await?;
        Ok(leased.len())
    }

    async fn lease_in(
        &self,
        environment: EnvironmentId,
        horizon: Timestamp,
    ) -> Result<Vec<DueContract>, AppError> {
        let now = self.now();
        let until = now.plus_micros(self.billing_lease_us());
        let leased = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                Ok(tx.contracts().lease_due_in(environment, horizon, now, until, BATCH).await?)
            })
        });
        leased.await
    }

    /// Moves a clock to its target, from what is due to what is due.
    async fn move_clock(&self, environment: EnvironmentId) -> Result<(), AppError> {
        let mut waits = 0;
        loop {
            let looked = self.store().read::<_, AppError, _>(move |tx| {
                Box::pin(async move {
                    Ok((tx.clocks().find(environment).await?, tx.contracts().earliest(environment).await?))
                })
            });
            let (clock, earliest) = looked.await?;
            let (Some(at), Some(target)) = (clock.at, clock.target) else {
                return Ok(());
            };
            let Some(earliest) = earliest.filter(|earliest| *earliest <= target) else {
                return self.set_forward(environment, target).await;
            };
            let horizon = earliest.max(at).plus_micros(STRIDE_US).min(target);
            let leased = self.lease_in(environment, horizon).await?;
            if leased.is_empty() {
                waits += 1;
                if waits > WAITS_MAX {
                    return Err(AppError::internal("a contract that is due cannot be billed; see the log"));
                }
                tokio::time::sleep(PATIENCE).await;
                continue;
            }
            waits = 0;
            let first = leased.iter().map(|due| due.wake_at).min().unwrap_or(at);
            self.set_forward(environment, first.max(at)).await?;
            self.work_off(&leased, |due| due.wake_at.max(at)).await?;
        }
    }

    /// Sets a clock that is being moved forward, never back; it has arrived when it reaches its target.
    async fn set_forward(&self, environment: EnvironmentId, to: Timestamp) -> Result<(), AppError> {
        let set = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let clock = tx.clocks().find_locked(environment).await?;
                let (Some(at), Some(target)) = (clock.at, clock.target) else {
                    return Ok(());
                };
                let at = at.max(to);
                let target = Some(target).filter(|target| *target > at);
                Ok(tx.clocks().set(Clock { at: Some(at), target, ..clock }).await?)
            })
        });
        set.await
    }
}
