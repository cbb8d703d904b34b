//! Making a contract, and with it whoever is to hold it.

use super::unit::{Setting, Unit};
use super::{ContractView, Tally, item_of};
use crate::auth::Access;
use crate::definitions::Definitions;
use crate::error::{AppError, or_conflict};
use crate::guildhall::Guildhall;
use crate::members::{Admitter, Checked, blank, count_holder, record_created};
use guildhall_domain::contract::{
    Contract, ContractKind, Draft, Happened, Item, LINES_MAX, Line, Notes, Period, Schedule, Standing,
    TOTAL_MAX, Terms,
};
use guildhall_domain::email::Email;
use guildhall_domain::ids::{ContractId, Entropy};
use guildhall_domain::member::Member;
use guildhall_domain::member_id::{CUSTOMER_NUMBERS_FROM, MemberIdCodec};
use guildhall_domain::plan::{Interval, Money};
use guildhall_domain::time::{MICROS_PER_SECOND, Timestamp};
use guildhall_domain::{Code, text};
use guildhall_store::{Constraint, HeldContract, Holder, PaymentMethod, Tx};
use serde_json::json;

const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;
/// The most of one thing in a line (Appstle C.1, 24).
pub(crate) const QUANTITY_MAX: u32 = 9_999;
/// The longest name of a thing, in characters.
const TITLE_CHARS_MAX: usize = 255;

/// A contract that somebody asks for.
#[derive(Clone, Debug, Default)]
pub struct ContractDraft {
    /// The customer's number. A member is made if none carries it.
    pub customer: i64,
    /// The address of the member that is made.
    pub email: Option<String>,
    /// What is held; at least one.
    pub lines: Vec<LineDraft>,
    /// A three-letter code; that of the first price, or the app's own.
    pub currency: Option<String>,
    /// How often it is billed; as the first price says if nothing is said.
    pub period: Option<Period>,
    /// How often something is delivered; as it is billed if nothing is said.
    pub delivery: Option<Period>,
    /// When it is billed first; at the end of the price's trial, or at once.
    pub next_billing: Option<Timestamp>,
    /// Whether a price's trial lasts until `next_billing`; otherwise a date that is given leaves no trial.
    pub begins_in_trial: bool,
    /// Successful charges before it may be cancelled.
    pub min_cycles: Option<u32>,
    /// Successful charges after which it has run its term.
    pub max_cycles: Option<u32>,
    /// Whether it is made paused.
    pub paused: bool,
    /// A payment method: its number or what the provider knows it by, bare or as a global id.
    pub payment_method: Option<String>,
    /// Whether it may be made, paused, though there is nothing to charge.
    pub without_payment_method: bool,
    /// What delivery adds to every charge, in major units as text.
    pub delivery_price: Option<String>,
    /// What is written about it.
    pub notes: Notes,
}

/// A line that somebody asks for.
#[derive(Clone, Debug, Default)]
pub struct LineDraft {
    /// The number of a price of ours, or of something that is none.
    pub variant: i64,
    /// 1 to 9,999.
    pub quantity: u32,
    /// What one costs, in major units as text; a price of ours knows it by itself.
    pub price: Option<String>,
    /// The number of what it is a variant of.
    pub product: Option<i64>,
    /// The number of the way of paying for it.
    pub selling_plan: Option<i64>,
    /// What people call it.
    pub title: Option<String>,
    /// Free-form pairs.
    pub attributes: Vec<(String, String)>,
}

impl Guildhall {
    /// Makes a contract. If no member carries the customer's number, that member is made with it.
    ///
    /// # Errors
    /// `InputInvalid` for what cannot be billed; `CustomerNumberInvalid`; `EmailInvalid`; `EmailTaken`;
    /// `PaymentMethodMissing`; `PaymentMethodUnclear`; `NextBillingPast`; `PriceRetired`; `PlanFull`; `SandboxFull`; `Busy`;
    /// `StoreUnavailable`.
    pub async fn create_contract(
        &self,
        access: &Access<'_>,
        draft: ContractDraft,
    ) -> Result<ContractView, AppError> {
        let setting = self.setting(access);
        let maker = Maker {
            codec: self.store().member_ids().clone(),
            sandbox_max: self.limits().sandbox_members_max,
            entropy: [self.chance().entropy(), self.chance().entropy()],
            makes_methods: self.payments().of(access.mode()).is_some_and(|provider| provider.is_fake()),
            setting,
        };
        let created = self.store().write::<_, AppError, _>(move |tx| Box::pin(maker.make(tx, draft)));
        let created = created.await?;
        self.billing_due().notify_one();
        Ok(created)
    }

    /// Where units on contracts take place for whoever has this access.
    pub(crate) fn setting(&self, access: &Access<'_>) -> Setting {
        Setting {
            environment: access.environment(),
            definitions: std::sync::Arc::clone(access.definitions()),
            recorder: access.recorder(self.now()),
        }
    }
}

struct Maker {
    setting: Setting,
    codec: MemberIdCodec,
    sandbox_max: i64,
    entropy: [Entropy; 2],
    makes_methods: bool,
}

impl Maker {
    async fn make(self, tx: &mut Tx, draft: ContractDraft) -> Result<ContractView, AppError> {
        let now = self.setting.now(tx).await?;
        let terms = terms(&draft, &self.setting.definitions, now)?;
        let (member, number) = self.customer(tx, &draft).await?;
        let method = self.method(tx, &draft, &member, now).await?;
        let trial_days = self.trial_days(&draft);
        let trial = draft.next_billing.unwrap_or_else(|| now.plus_micros(trial_days * MICROS_PER_DAY));
        let trial_ends_at = (trial_days > 0 && trial > now).then_some(trial);
        let next = draft.next_billing.or(trial_ends_at).unwrap_or(now);
        let mut terms = Terms { payment_method: method.as_ref().map(|method| method.number), ..terms };
        if let Some(schedule) = &mut terms.schedule {
            schedule.anchor = next;
        }
        let kind = if terms.schedule.is_some() { ContractKind::Recurring } else { ContractKind::Once };
        let paused = draft.paused || method.is_none();
        let (holder, notes) = (member.key, draft.notes);
        let draft = Draft {
            id: ContractId::new(self.entropy[0]),
            holder,
            kind,
            terms,
            next,
            trial_ends_at,
            paused,
            notes,
        };
        let mut contract = Contract::create(draft, now)?;
        let holder = Holder {
            id: member.id.clone(),
            email: member.email.clone(),
            number,
            custom_fields: member.custom_fields.clone(),
            created_at: member.created_at,
        };
        let name = super::view::display_name(&contract, &holder);
        let environment = self.setting.environment;
        tx.contracts().insert(environment, &mut contract, &name).await?;
        if let Some(plan) = contract.plan() {
            count_holder(tx, environment, &self.setting.definitions, plan).await?;
        }
        if let Some((slot, due_at)) = contract.queued() {
            let held = HeldContract { contract: contract.clone(), holder: holder.clone(), counted: true };
            let unit = Unit::created(held, None);
            let mut attempt = unit.new_attempt(slot, due_at, contract.due_minor(), now);
            tx.billing_attempts().put(environment, &mut attempt).await?;
        }
        let (id, summary) = (contract.id.to_string(), contract.summary());
        let mut tally = Tally::default();
        tally.changed(&contract, Standing::default(), now.day());
        let unit = Unit::created(HeldContract { contract, holder, counted: true }, method);
        unit.tell(tx, &self.setting, &summary, &[Happened::Created], None, now).await?;
        tally.store(tx, environment).await?;
        let detail = json!({ "customer": number, "plan": summary.plan, "number": unit.held.contract.number });
        self.setting.recorder.audit(tx, "contract.create", &id, &detail).await?;
        Ok(unit.view())
    }

    /// The member that carries the number, made if there is none, and the number.
    async fn customer(&self, tx: &mut Tx, draft: &ContractDraft) -> Result<(Member, i64), AppError> {
        let (environment, number) = (self.setting.environment, draft.customer);
        if let Some(member) = tx.members().find_by_customer_number(environment, number).await? {
            tx.members().lock(member.key).await?;
            let member = tx.members().find_at(member.key).await?;
            return Ok((member.ok_or(Code::MemberNotFound)?, number));
        }
        if !(1..CUSTOMER_NUMBERS_FROM).contains(&number) {
            return Err(Code::CustomerNumberInvalid.into());
        }
        let email = draft.email.as_deref().filter(|email| !email.is_empty());
        let email: Option<Email> = email.map(crate::members::checked_email).transpose()?;
        let mut member = blank(self.setting.recorder.now);
        member.email = email.as_ref().map(|email| email.as_given().to_owned());
        let nonce = u128::from_be_bytes(self.entropy[1]) as u64;
        let checked = Checked { email, member, password_hash: None, imported_id: false, nonce };
        let admitter = Admitter { environment, codec: &self.codec, sandbox_max: self.sandbox_max };
        let member = admitter.insert(tx, &self.setting.definitions, checked).await?;
        let set = tx.members().set_customer_number(member.key, number).await;
        or_conflict(set, &[(Constraint::CustomerNumber, Code::CustomerNumberTaken)])?;
        record_created(tx, &self.setting.recorder, environment, &member, &self.setting.definitions).await?;
        Ok((member, number))
    }

    async fn method(
        &self,
        tx: &mut Tx,
        draft: &ContractDraft,
        member: &Member,
        now: Timestamp,
    ) -> Result<Option<PaymentMethod>, AppError> {
        let mut methods = tx.payments().methods_of(member.key).await?;
        if let Some(named) = draft.payment_method.as_deref().filter(|named| !named.is_empty()) {
            return self.named_method(tx, named, methods, member, now).await.map(Some);
        }
        match methods.len() {
            1 => Ok(methods.pop()),
            0 if draft.without_payment_method => Ok(None),
            0 => Err(Code::PaymentMethodMissing.into()),
            _ => Err(Code::PaymentMethodUnclear.into()),
        }
    }

    async fn named_method(
        &self,
        tx: &mut Tx,
        named: &str,
        methods: Vec<PaymentMethod>,
        member: &Member,
        now: Timestamp,
    ) -> Result<PaymentMethod, AppError> {
        let bare = named.rsplit('/').next().unwrap_or(named);
        let known = |method: &PaymentMethod| method.reference == bare || method.number.to_string() == bare;
        if let Some(method) = methods.into_iter().find(known) {
            return Ok(method);
        }
        if !self.makes_methods || !text::is_id(bare) {
            return Err(Code::PaymentMethodMissing.into());
        }
        let mut method = PaymentMethod {
            number: 0,
            member: member.key,
            reference: bare.to_owned(),
            provider: "fake".into(),
            brand: "visa".into(),
            last_digits: "4242".into(),
            expiry_month: 12,
            expiry_year: 2040,
            revoked_at: None,
        };
        tx.payments().insert_method(self.setting.environment, &mut method, now).await?;
        Ok(method)
    }

    fn trial_days(&self, draft: &ContractDraft) -> i64 {
        if draft.next_billing.is_some() && !draft.begins_in_trial {
            return 0;
        }
        let definitions = &self.setting.definitions;
        let prices = draft.lines.iter().filter_map(|line| definitions.price_numbered(line.variant));
        prices.map(|(_, price)| i64::from(price.trial_days)).max().unwrap_or(0)
    }
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> AppError {
    AppError::because(Code::InputInvalid, message)
}

/// What is billed. The anchor of the schedule is set when the first date is known.
fn terms(draft: &ContractDraft, definitions: &Definitions, now: Timestamp) -> Result<Terms, AppError> {
    let app = &definitions.app;
    let first = draft.lines.first().ok_or_else(|| invalid("A contract needs at least one line."))?;
    let priced = definitions.price_numbered(first.variant);
    let currency = match (&draft.currency, priced) {
        (Some(given), _) => Money::price(0, given).map(|money| money.currency),
        (None, Some((_, price))) => Some(price.money.currency.clone()),
        (None, None) => Some(app.currency.clone()),
    };
    let currency = currency.ok_or_else(|| invalid("A currency is a three-letter code."))?;
    if draft.lines.len() > LINES_MAX {
        return Err(Code::TooManyLines.into());
    }
    let lines = draft.lines.iter().zip(1..).map(|(line, number)| {
        let item = item(line, definitions, &currency)?;
        let quantity = checked_quantity(line.quantity)?;
        Ok(Line { number, item, quantity, one_time: false, attributes: line.attributes.clone() })
    });
    let lines = lines.collect::<Result<Vec<_>, AppError>>()?;
    let once = priced.is_some_and(|(_, price)| price.interval == Interval::Once);
    let period = draft.period.or_else(|| lines.iter().find_map(|line| line.item.period));
    if period.is_none() && !once {
        return Err(invalid(
            "A contract for something that is no price of ours says how often it is billed.",
        ));
    }
    let schedule = period.map(|period| Schedule { anchor: now, period, time_zone: app.time_zone.clone() });
    if draft.min_cycles.zip(draft.max_cycles).is_some_and(|(min, max)| max > 0 && min > max) {
        return Err(invalid("minCycles cannot be more than maxCycles."));
    }
    let delivery =
        draft.delivery_price.as_deref().map(|price| checked_price(price, &currency)).transpose()?;
    let terms = Terms {
        last_line: lines.len() as i64,
        lines,
        currency,
        schedule,
        delivery: draft.delivery,
        min_cycles: draft.min_cycles.filter(|min| *min > 0),
        max_cycles: draft.max_cycles.filter(|max| *max > 0),
        discounts: Vec::new(),
        delivery_minor: delivery.unwrap_or(0),
        payment_method: None,
    };
    check_total(&terms)?;
    Ok(terms)
}

/// Refuses what comes to too much for one charge.
pub(super) fn check_total(terms: &Terms) -> Result<(), AppError> {
    if terms.fits() {
        return Ok(());
    }
    let most = Money::to_major(TOTAL_MAX, &terms.currency);
    Err(invalid(format!("All lines of a contract together come to {most} at most.")))
}

pub(crate) fn checked_quantity(quantity: u32) -> Result<u32, AppError> {
    let fits = (1..=QUANTITY_MAX).contains(&quantity);
    fits.then_some(quantity).ok_or_else(|| invalid("A quantity is from 1 to 9999."))
}

/// An amount in major units, from 0 up, in minor units.
pub(crate) fn checked_price(price: &str, currency: &str) -> Result<i64, AppError> {
    let minor = Money::from_major(price, currency).filter(|minor| *minor >= 0);
    minor.ok_or_else(|| {
        invalid("A price is an amount of the contract's currency, with no more digits than it has.")
    })
}

/// What a line is for: a price of ours, or what came with it.
pub(crate) fn item(line: &LineDraft, definitions: &Definitions, currency: &str) -> Result<Item, AppError> {
    let given = line.price.as_deref().map(|price| checked_price(price, currency)).transpose()?;
    if let Some((plan, price)) = definitions.price_numbered(line.variant) {
        if !plan.offers(price) {
            return Err(Code::PriceRetired.into());
        }
        let ours = item_of(plan, price);
        if price.money.currency != currency && given.is_none() {
            let message =
                format!("The price {} is in {}, the contract in {currency}.", price.id, price.money.currency);
            return Err(invalid(message));
        }
        return Ok(Item { unit_minor: given.unwrap_or(ours.unit_minor), ..ours });
    }
    let unit_minor = given.ok_or_else(|| {
        invalid(format!(
            "There is no price with the number {}; a line for something else needs a price.",
            line.variant
        ))
    })?;
    let title = line.title.clone().unwrap_or_else(|| format!("Item {}", line.variant));
    Ok(Item {
        plan: None,
        price: None,
        variant: line.variant,
        product: line.product,
        selling_plan: line.selling_plan,
        title: title.chars().take(TITLE_CHARS_MAX).collect(),
        selling_plan_name: None,
        unit_minor,
        period: None,
    })
}
