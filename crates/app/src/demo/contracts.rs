//! Contracts with some months behind them: running, on trial, paused, cancelled, one that cannot be charged. They
//! are made and billed by the use cases, in a sandbox whose clock is set back for it and then comes up to the present.
//! Live has no such clock and no provider of its own, so there are none there.

use super::{HISTORY_DAYS, email_of};
use crate::auth::{Access, LastingAccess};
use crate::contracts::{
    AttemptChange, AttemptFilter, ContractChange, ContractDraft, DiscountValue, LineDraft, PlanMode,
};
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::attempt::AttemptStatus;
use guildhall_domain::contract::ContractStatus;
use guildhall_domain::time::MICROS_PER_SECOND;
use guildhall_domain::{Mode, Timestamp};
use guildhall_store::{BilledFilter, BilledOrder, Clock, Way};
use serde_json::json;

const DAY_US: i64 = 86_400 * MICROS_PER_SECOND;
/// Into how many days the making of contracts is gathered.
const WAVES: u64 = 20;

/// Something that happens to the contract of one member.
#[derive(Clone, Copy)]
enum Step {
    Make,
    Pause,
    Cancel,
    Discount,
    Upgrade,
    Skip,
}

/// The price that a contract is for, and how it is paid.
#[derive(Clone, Copy)]
struct Prices {
    plus: i64,
    patron: i64,
}

/// When a member's contract is made, in days before the present.
fn made_ago(index: u64, count: u64) -> i64 {
    match index % 12 {
        // Still on trial.
        10 => 6,
        // Its first charge falls due some days ago, and is being tried again now.
        11 => 18,
        _ => HISTORY_DAYS - (index * WAVES / count) as i64 * HISTORY_DAYS / WAVES as i64,
    }
}

/// What happens to a member's contract, each with how many days ago.
fn steps(index: u64, count: u64) -> Vec<(i64, Step)> {
    let made = made_ago(index, count);
    let mut steps = vec![(made, Step::Make)];
    let later = match index % 12 {
        2 => Some((12, Step::Pause)),
        3 => Some((25, Step::Cancel)),
        7 => Some((made - 1, Step::Discount)),
        8 => Some((2, Step::Skip)),
        9 => Some((made - 40, Step::Upgrade)),
        _ => None,
    };
    steps.extend(later.filter(|(ago, _)| (1..made).contains(ago)));
    steps
}

impl Guildhall {
    /// Makes contracts for the first members of the demo; tells how many. None if there are contracts already, if
    /// somebody has stopped the clock, and in live.
    pub(super) async fn demo_contracts(&self, place: &LastingAccess, count: u64) -> Result<u64, AppError> {
        let access = place.access();
        let now = self.now();
        let ago = |days: i64| now.plus_micros(-days * DAY_US);
        let Some(prices) = prices(&access).filter(|_| count > 0 && access.mode() == Mode::Sandbox) else {
            return Ok(0);
        };
        if !self.set_clock_back(&access, ago(HISTORY_DAYS)).await? {
            return Ok(0);
        }
        let mut story: Vec<_> = (0..count)
            .flat_map(|index| steps(index, count).into_iter().map(move |(ago, step)| (ago, index, step)))
            .collect();
        story.sort_by_key(|(ago, index, _)| (-ago, *index));
        let mut made = vec![None; usize::try_from(count).unwrap_or(0)];
        let mut days = HISTORY_DAYS;
        for (ago_days, index, step) in story {
            if ago_days < days {
                days = ago_days;
                self.advance_clock(&access, ago(days)).await?;
            }
            let Some(contract) = made.get_mut(index as usize) else { continue };
            match (step, *contract) {
                (Step::Make, _) => *contract = self.demo_contract(&access, index, prices, ago(days)).await?,
                (step, Some(number)) => self.demo_step(&access, number, step, prices).await?,
                (_, None) => {}
            }
        }
        self.advance_clock(&access, self.now()).await?;
        self.release_clock(&access).await?;
        Ok(made.iter().flatten().count() as u64)
    }

    /// Stops the clock in the past, where only an environment without contracts can be. False if it is none, or if
    /// its clock stands already.
    async fn set_clock_back(&self, access: &Access<'_>, to: Timestamp) -> Result<bool, AppError> {
        let (environment, recorder) = (access.environment(), access.recorder(self.now()));
        let set = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let clock = tx.clocks().find_locked(environment).await?;
                for status in ContractStatus::ALL {
                    let filter = BilledFilter { status, plan: None, attention: false };
                    let order = BilledOrder::Newest;
                    let any = tx.contracts().billed_marks(environment, &filter, order, Way::Start, 1).await?;
                    if !any.is_empty() {
                        return Ok(false);
                    }
                }
                if clock.at.is_some() {
                    return Ok(false);
                }
                tx.clocks().set(Clock { at: Some(to), target: None, ..clock }).await?;
                let subject = environment.number().to_string();
                recorder.audit(tx, "clock.freeze", &subject, &json!({ "at": to })).await?;
                Ok(true)
            })
        });
        set.await
    }

    /// One member's contract, if the member is there.
    async fn demo_contract(
        &self,
        access: &Access<'_>,
        index: u64,
        prices: Prices,
        now: Timestamp,
    ) -> Result<Option<i64>, AppError> {
        let Some(member) = self.get_member(access, &email_of(index)).await? else {
            return Ok(None);
        };
        let customer = self.customer_number(access, member.id.as_str()).await?;
        let method = match index % 12 {
            5 => "fake_declined_from_3rd_renewal",
            11 => "fake_declined",
            _ => "fake_succeeds",
        };
        let variant = if index.is_multiple_of(12) { prices.patron } else { prices.plus };
        let draft = ContractDraft {
            customer,
            lines: vec![LineDraft { variant, quantity: 1, ..LineDraft::default() }],
            payment_method: Some(method.into()),
            next_billing: (index % 12 == 11).then(|| now.plus_micros(14 * DAY_US)),
            begins_in_trial: true,
            ..ContractDraft::default()
        };
        let made = self.create_contract(access, draft).await;
        refused_is_fine(made.map(|view| Some(view.contract().number)))
    }

    async fn demo_step(
        &self,
        access: &Access<'_>,
        number: i64,
        step: Step,
        prices: Prices,
    ) -> Result<(), AppError> {
        let change = match step {
            Step::Make => return Ok(()),
            Step::Skip => return self.demo_skip(access, number).await,
            Step::Pause => {
                let until = self.environment_clock(access).await?.now.plus_micros(32 * DAY_US);
                ContractChange::PauseUntil(until)
            }
            Step::Cancel => ContractChange::Cancel {
                feedback: Some("moved away".into()),
                note: Some("Says hello to everyone.".into()),
            },
            Step::Discount => ContractChange::AddDiscount {
                title: "Welcome".into(),
                value: DiscountValue::Percentage(20),
                limit: Some(3),
            },
            Step::Upgrade => ContractChange::Plan {
                line: None,
                old_variant: None,
                variant: prices.patron,
                mode: PlanMode::DowngradeLater,
            },
        };
        refused_is_fine(self.change_contract(access, number, change).await.map(|_| ()))
    }

    async fn demo_skip(&self, access: &Access<'_>, number: i64) -> Result<(), AppError> {
        let filter = AttemptFilter {
            contract: Some(number),
            statuses: vec![AttemptStatus::Queued],
            ..AttemptFilter::default()
        };
        let (queued, _) = self.list_attempts(access, filter, 0, 1).await?;
        let Some((attempt, _)) = queued.first() else { return Ok(()) };
        refused_is_fine(self.change_attempt(access, attempt.number, AttemptChange::Skip).await.map(|_| ()))
    }
}

/// The demo's own prices; nothing if somebody has taken them away.
fn prices(access: &Access<'_>) -> Option<Prices> {
    let number = |name: &str| {
        let plan = access.definitions().plans.iter().find(|plan| plan.name == name)?;
        plan.prices.first().map(|price| price.number)
    };
    Some(Prices { plus: number("Plus")?, patron: number("Patron")? })
}

/// What a rule refuses is left out of the story: it is only there to be looked at.
fn refused_is_fine<T: Default>(done: Result<T, AppError>) -> Result<T, AppError> {
    done.or_else(|error| if error.code.status() < 500 { Ok(T::default()) } else { Err(error) })
}
