//! Changing a contract.

use super::ContractView;
use super::create::{LineDraft, check_total, checked_price, checked_quantity, item};
use super::unit::{Setting, Unit};
use crate::auth::Access;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::Code;
use guildhall_domain::contract::{ContractStatus, Discount, DiscountValue, Happened, Period, PlanChange};
use guildhall_domain::ids::cuid;
use guildhall_domain::time::Timestamp;
use guildhall_store::Tx;
use serde_json::{Map, Value, json};

/// The longest note, in characters (Appstle C.1, 11).
pub(super) const NOTE_CHARS_MAX: usize = 1_000;

/// One change of a contract.
#[derive(Clone, Debug)]
pub enum ContractChange {
    /// To this state. The one it is in is no change.
    Status(ContractStatus),
    /// Rests; for so many of its periods, if a number is said.
    Pause {
        /// How many periods.
        cycles: Option<u32>,
    },
    /// Rests until a date, and runs by itself from there on.
    PauseUntil(Timestamp),
    /// Is ended, with why: a word and words.
    Cancel {
        /// A word to count by, at most 500 characters.
        feedback: Option<String>,
        /// In words, at most 1,000 characters.
        note: Option<String>,
    },
    /// Is billed on another date.
    NextBilling(Timestamp),
    /// Is billed more or less often.
    Period(Period),
    /// Is delivered more or less often.
    Delivery(Period),
    /// Successful charges before it may be cancelled.
    MinCycles(Option<u32>),
    /// Successful charges after which it has run its term; none, or 0, for no end.
    MaxCycles(Option<u32>),
    /// A line more.
    AddLine {
        /// What for.
        line: LineDraft,
        /// Billed with the next charge only.
        one_time: bool,
    },
    /// A line less, by its number.
    RemoveLine(i64),
    /// How many of a line, and what one costs.
    UpdateLine {
        /// The line's number.
        line: i64,
        /// 1 to 9,999.
        quantity: Option<u32>,
        /// In major units, as text.
        price: Option<String>,
        /// Whether `price` is for one of several; otherwise for all of the line together.
        price_per_unit: bool,
        /// The number of the price that it becomes for.
        variant: Option<i64>,
        /// What people call this way of paying.
        selling_plan_name: Option<String>,
    },
    /// Free-form pairs of a line.
    LineAttributes {
        /// The line's number.
        line: i64,
        /// The pairs.
        attributes: Vec<(String, String)>,
    },
    /// Another price, with what that costs or gives back.
    Plan {
        /// The line's number; the first if none is named.
        line: Option<i64>,
        /// The number of the price that it was for, instead of the line's own.
        old_variant: Option<i64>,
        /// The number of the price.
        variant: i64,
        /// How it is paid for.
        mode: PlanMode,
    },
    /// Forgets the change that was to come with the next period.
    ForgetDowngrade,
    /// A reduction.
    AddDiscount {
        /// What people call it.
        title: String,
        /// How much.
        value: DiscountValue,
        /// How many charges.
        limit: Option<u32>,
    },
    /// A reduction by code.
    ApplyCode(String),
    /// A reduction less, by its id.
    RemoveDiscount(String),
    /// Shown on every order.
    OrderNote(String),
    /// Free-form pairs: in place of those there are, or laid over them.
    Attributes {
        /// The pairs.
        attributes: Vec<(String, String)>,
        /// Whether those there are go.
        overwrite: bool,
    },
    /// Where to deliver: a JSON object.
    Address(Map<String, Value>),
}

/// How a change of plan is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanMode {
    /// Dearer: the difference at once. Cheaper: at once, with credit.
    Prorate,
    /// Dearer: the difference at once. Cheaper: with the next period.
    DowngradeLater,
    /// At once, and neither charge nor credit.
    SkipBilling,
}

impl Guildhall {
    /// Changes a contract.
    ///
    /// # Errors
    /// `ContractNotFound`, and what the domain's rules refuse: see [`guildhall_domain::contract::Contract`];
    /// `InputInvalid`; `PriceRetired`; `PlanFull`; `Busy`; `StoreUnavailable`.
    pub async fn change_contract(
        &self,
        access: &Access<'_>,
        number: i64,
        change: ContractChange,
    ) -> Result<ContractView, AppError> {
        let setting = self.setting(access);
        let entropy = cuid(self.chance().entropy());
        let changed = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let now = setting.now(tx).await?;
                let mut unit = setting.find(tx, number).await?;
                let action = change.action();
                let happened = unit.apply(tx, &setting, change, entropy, now).await?;
                if happened.is_empty() {
                    return Ok(unit.view());
                }
                unit.store(tx, &setting, &happened, None, now).await?;
                let id = unit.held.contract.id.to_string();
                let detail = json!({ "number": number, "status": unit.held.contract.status().as_str() });
                setting.recorder.audit(tx, action, &id, &detail).await?;
                Ok(unit.view())
            })
        });
        let changed = changed.await?;
        self.billing_due().notify_one();
        Ok(changed)
    }
}

impl ContractChange {
    /// As the audit trail names it.
    const fn action(&self) -> &'static str {
        match self {
            Self::Status(ContractStatus::Active) => "contract.resume",
            Self::Status(ContractStatus::Paused) | Self::Pause { .. } | Self::PauseUntil(_) => {
                "contract.pause"
            }
            Self::Status(_) | Self::Cancel { .. } => "contract.cancel",
            Self::NextBilling(_) => "contract.next-billing",
            Self::Period(_) => "contract.billing-interval",
            Self::Delivery(_) => "contract.delivery-interval",
            Self::MinCycles(_) => "contract.min-cycles",
            Self::MaxCycles(_) => "contract.max-cycles",
            Self::AddLine { .. } => "contract.line.add",
            Self::RemoveLine(_) => "contract.line.remove",
            Self::UpdateLine { .. } | Self::LineAttributes { .. } => "contract.line.update",
            Self::Plan { .. } => "contract.plan.change",
            Self::ForgetDowngrade => "contract.downgrade.forget",
            Self::AddDiscount { .. } | Self::ApplyCode(_) => "contract.discount.add",
            Self::RemoveDiscount(_) => "contract.discount.remove",
            Self::OrderNote(_) | Self::Attributes { .. } | Self::Address(_) => "contract.update",
        }
    }
}

pub(super) fn checked_note(note: String, max: usize) -> Result<String, AppError> {
    if note.chars().count() > max {
        return Err(AppError::because(Code::InputInvalid, format!("A note has at most {max} characters.")));
    }
    Ok(note)
}

fn checked_pairs(pairs: Vec<(String, String)>) -> Result<Vec<(String, String)>, AppError> {
    let fit = pairs.len() <= 100 && pairs.iter().all(|(key, value)| key.len() <= 255 && value.len() <= 5_000);
    if !fit {
        let message = "There can be 100 attributes; a key has at most 255 bytes, a value 5000.";
        return Err(AppError::because(Code::InputInvalid, message));
    }
    Ok(pairs)
}

impl Unit {
    /// Does with the contract what is asked, in memory; tells what came of it.
    /// Applies a change by the domain's rules and the bound of one charge; stores nothing.
    pub(super) async fn apply(
        &mut self,
        tx: &mut Tx,
        setting: &Setting,
        change: ContractChange,
        fresh_id: String,
        now: Timestamp,
    ) -> Result<Vec<Happened>, AppError> {
        let subtotal = self.held.contract.terms.subtotal();
        let happened = self.follow(tx, setting, change, fresh_id, now).await?;
        // What was made before there was this bound can still be changed otherwise.
        if self.held.contract.terms.subtotal() > subtotal {
            check_total(&self.held.contract.terms)?;
        }
        Ok(happened)
    }

    async fn follow(
        &mut self,
        tx: &mut Tx,
        setting: &Setting,
        change: ContractChange,
        fresh_id: String,
        now: Timestamp,
    ) -> Result<Vec<Happened>, AppError> {
        use ContractChange as To;
        let contract = self.contract();
        let updated = Ok::<_, AppError>(vec![Happened::Updated]);
        Ok(match change {
            To::Status(ContractStatus::Active) => contract.resume(now)?,
            To::Status(ContractStatus::Paused) => contract.pause(None, now)?,
            To::Status(ContractStatus::Cancelled) => contract.cancel(None, None, now)?,
            To::Status(other) => {
                let message = format!("A contract cannot be made {}.", other.as_str());
                return Err(AppError::because(Code::InputInvalid, message));
            }
            To::Pause { cycles } => {
                let resume_at = cycles.filter(|cycles| *cycles > 0).and_then(|cycles| {
                    let schedule = contract.terms.schedule.as_ref()?;
                    let mut at = contract.next_billing()?;
                    for _ in 0..cycles.min(1_000) {
                        at = schedule.after(at)?;
                    }
                    Some(at)
                });
                contract.pause(resume_at, now)?
            }
            To::PauseUntil(until) => {
                if until <= now {
                    let message = "The date to resume on must be in the future.";
                    return Err(AppError::because(Code::InputInvalid, message));
                }
                contract.pause(Some(until), now)?
            }
            To::Cancel { feedback, note } => {
                let feedback = feedback.map(|feedback| checked_note(feedback, 500)).transpose()?;
                let note = note.map(|note| checked_note(note, NOTE_CHARS_MAX)).transpose()?;
                contract.cancel(feedback, note, now)?
            }
            To::NextBilling(at) => contract.set_next_billing(at, now)?,
            To::Period(period) => contract.set_period(period, now)?,
            To::Delivery(period) => contract.set_delivery(period, now)?,
            To::MinCycles(min) => contract.set_min_cycles(min.filter(|min| *min > 0), now)?,
            To::MaxCycles(max) => contract.set_max_cycles(max.filter(|max| *max > 0), now)?,
            To::AddLine { line, one_time } => {
                let quantity = checked_quantity(line.quantity)?;
                let item = item(&line, &setting.definitions, &contract.terms.currency)?;
                contract.add_line(item, quantity, one_time, now)?;
                updated?
            }
            To::RemoveLine(line) => contract.remove_line(line, now)?,
            To::UpdateLine { line, quantity, price, price_per_unit, variant, selling_plan_name } => self
                .update_line(
                    setting,
                    LineUpdate { line, quantity, price, price_per_unit, variant, selling_plan_name },
                    now,
                )?,
            To::LineAttributes { line, attributes } => {
                let attributes = checked_pairs(attributes)?;
                contract.line(line)?;
                if let Some(found) = contract.terms.lines.iter_mut().find(|found| found.number == line) {
                    found.attributes = attributes;
                }
                contract.updated_at = now;
                updated?
            }
            To::Plan { line, old_variant, variant, mode } => {
                self.change_plan(setting, line, old_variant, variant, mode, now)?
            }
            To::ForgetDowngrade => contract.forget_downgrade(now)?,
            To::AddDiscount { title, value, limit } => {
                check_discount(value)?;
                let title = checked_note(title, 255)?;
                let discount = Discount { id: fresh_id, title, value, limit, used: 0, by_code: false };
                contract.add_discount(discount, now)?
            }
            To::ApplyCode(code) => {
                let known = tx.discount_codes().find(&setting.definitions.app.id, &code).await?;
                let known = known.ok_or(Code::DiscountCodeUnknown)?;
                let discount = Discount {
                    id: fresh_id,
                    title: code,
                    value: known.value,
                    limit: known.cycles,
                    used: 0,
                    by_code: true,
                };
                contract.add_discount(discount, now)?
            }
            To::RemoveDiscount(id) => contract.remove_discount(&id, now)?,
            To::OrderNote(note) => {
                contract.notes.order_note = Some(checked_note(note, NOTE_CHARS_MAX)?);
                contract.updated_at = now;
                updated?
            }
            To::Attributes { attributes, overwrite } => {
                let attributes = checked_pairs(attributes)?;
                let old = if overwrite { Vec::new() } else { std::mem::take(&mut contract.notes.attributes) };
                let kept = old.into_iter().filter(|(key, _)| !attributes.iter().any(|(new, _)| new == key));
                contract.notes.attributes = checked_pairs(kept.chain(attributes.clone()).collect())?;
                contract.updated_at = now;
                updated?
            }
            To::Address(address) => {
                if Value::Object(address.clone()).to_string().len() > 5_000 {
                    return Err(AppError::because(Code::InputInvalid, "The address is too long."));
                }
                contract.notes.address = Some(address);
                contract.updated_at = now;
                updated?
            }
        })
    }

    fn update_line(
        &mut self,
        setting: &Setting,
        update: LineUpdate,
        now: Timestamp,
    ) -> Result<Vec<Happened>, AppError> {
        let contract = self.contract();
        let line = contract.line(update.line)?.clone();
        let quantity = update.quantity.map(checked_quantity).transpose()?;
        let currency = contract.terms.currency.clone();
        let minor = update.price.as_deref().map(|price| checked_price(price, &currency)).transpose()?;
        let of = if update.price_per_unit { 1 } else { i64::from(quantity.unwrap_or(line.quantity)) };
        let minor = minor.map(|minor| match minor % of {
            0 => Ok(minor / of),
            _ => {
                let message = format!("A price for {of} together must be the same for each of them.");
                Err(AppError::because(Code::InputInvalid, message))
            }
        });
        let minor = minor.transpose()?;
        let mut happened = Vec::new();
        if let Some(variant) = update.variant.filter(|variant| *variant != line.item.variant) {
            let to = item(&LineDraft { variant, ..LineDraft::default() }, &setting.definitions, &currency)?;
            let change = PlanChange { line: line.number, to, skip_billing: true, prorate_downgrade: false };
            happened = contract.change_plan(change, now)?;
        }
        happened.extend(contract.update_line(update.line, quantity, minor, update.selling_plan_name, now)?);
        Ok(happened)
    }

    fn change_plan(
        &mut self,
        setting: &Setting,
        line: Option<i64>,
        old_variant: Option<i64>,
        variant: i64,
        mode: PlanMode,
        now: Timestamp,
    ) -> Result<Vec<Happened>, AppError> {
        let contract = self.contract();
        let by_variant = |old| contract.terms.lines.iter().find(|line| line.item.variant == old);
        let number = match (line, old_variant) {
            (Some(number), _) => contract.line(number)?.number,
            (None, Some(old)) => by_variant(old).map(|line| line.number).ok_or(Code::LineNotFound)?,
            (None, None) => contract.terms.first_line().map(|line| line.number).ok_or(Code::LineNotFound)?,
        };
        let draft = LineDraft { variant, ..LineDraft::default() };
        let to = item(&draft, &setting.definitions, &contract.terms.currency)?;
        let skip_billing = mode == PlanMode::SkipBilling;
        let prorate_downgrade = mode == PlanMode::Prorate;
        Ok(contract.change_plan(PlanChange { line: number, to, skip_billing, prorate_downgrade }, now)?)
    }
}

struct LineUpdate {
    line: i64,
    quantity: Option<u32>,
    price: Option<String>,
    price_per_unit: bool,
    variant: Option<i64>,
    selling_plan_name: Option<String>,
}

pub(crate) fn check_discount(value: DiscountValue) -> Result<(), AppError> {
    let fits = match value {
        DiscountValue::Percentage(hundredths) => (1..=100).contains(&hundredths),
        DiscountValue::Fixed(minor) | DiscountValue::FixedEach(minor) => {
            (1..=100_000_000_000).contains(&minor)
        }
    };
    if fits {
        return Ok(());
    }
    Err(AppError::because(
        Code::InputInvalid,
        "A discount is a percentage from 1 to 100, or an amount above 0.",
    ))
}
