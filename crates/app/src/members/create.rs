//! Creating a member.

use super::values::{self, Object};
use super::{Member, Shown, write_member};
use crate::auth::Access;
use crate::definitions::Definitions;
use crate::error::{AppError, or_conflict};
use crate::guildhall::Guildhall;
use crate::passwords::{Password, PasswordHash};
use crate::record::Recorder;
use guildhall_domain::contract::{ConnectionStatus, Contract, ContractKind, ContractSummary};
use guildhall_domain::email::Email;
use guildhall_domain::event::EventKind;
use guildhall_domain::ids::{ContractId, Entropy, PlanId};
use guildhall_domain::json::JsonObject;
use guildhall_domain::member::{PASSWORD_CHARS_MIN, merge_meta_data};
use guildhall_domain::member_id::{MemberIdCodec, MemberKey};
use guildhall_domain::plan::{Plan, Status};
use guildhall_domain::{Code, EnvironmentId, Timestamp};
use guildhall_store::{Constraint, NewMember, Tx};
use serde_json::json;
use std::sync::Arc;

/// What a caller says about a member to be.
#[derive(Default)]
pub struct Draft {
    /// The address to sign in with. Required.
    pub email: Option<String>,
    /// Required unless the app has passwordless sign-in.
    pub password: Option<Password>,
    /// Ids of free plans to start with.
    pub plans: Vec<String>,
    /// Values of custom fields; keys that are not defined are dropped.
    pub custom_fields: Object,
    /// Free-form pairs.
    pub meta_data: Object,
    /// A free-form document.
    pub json: Object,
    /// Where to go after signing in.
    pub login_redirect: Option<String>,
    /// Whether the address is known to be the member's.
    pub verified: bool,
}

/// A draft that has passed every check that needs no database.
pub(crate) struct Checked {
    pub email: Option<Email>,
    pub member: Member,
    pub password_hash: Option<String>,
    pub imported_id: bool,
    /// 8 random bytes for the id.
    pub nonce: u64,
}

/// A member that needs nothing any more but to be stored.
pub(crate) struct PreparedMember {
    checked: Checked,
    definitions: Arc<Definitions>,
    environment: EnvironmentId,
    codec: MemberIdCodec,
    sandbox_max: i64,
    recorder: Recorder,
}

impl PreparedMember {
    /// Stores the member with its plans, and the records of it.
    pub(crate) async fn store(self, tx: &mut Tx) -> Result<Member, AppError> {
        let environment = self.environment;
        let admission = Admitter { environment, codec: &self.codec, sandbox_max: self.sandbox_max };
        let member = admission.insert(tx, &self.definitions, self.checked).await?;
        record_created(tx, &self.recorder, environment, &member, &self.definitions).await?;
        Ok(member)
    }
}

impl Guildhall {
    /// Creates a member with its free plans. Either all of it happens or nothing.
    ///
    /// # Errors
    /// `EmailMissing`, `EmailInvalid`, `EmailTaken`, `PasswordMissing`, `PasswordTooShort`,
    /// `PasswordTooLong`, `PlanNotFound`, `PlanNotFree`, `PlanFull`, `SandboxFull`, `BodyInvalid`,
    /// `BodyTooLarge`, `Busy`, `StoreUnavailable`.
    pub async fn create_member(&self, access: &Access<'_>, draft: Draft) -> Result<Member, AppError> {
        if draft.password.is_none() && !access.definitions().app.passwordless {
            check_address(draft.email.as_deref())?;
            return Err(Code::PasswordMissing.into());
        }
        let prepared = self.prepare_member(access, draft).await?;
        self.store().write(move |tx| Box::pin(prepared.store(tx))).await
    }

    /// Does everything about a new member that can be done before the unit of work that stores it.
    ///
    /// # Errors
    /// As [`Guildhall::create_member`].
    pub(crate) async fn prepare_member(
        &self,
        access: &Access<'_>,
        draft: Draft,
    ) -> Result<PreparedMember, AppError> {
        let definitions = Arc::clone(access.definitions());
        let email = check_address(draft.email.as_deref())?;
        check_password(draft.password.as_ref())?;
        let plans = free_plans(&definitions, &draft.plans)?;
        let now = self.now();
        let mut member = blank(now);
        let custom_fields = values::custom_fields(draft.custom_fields, &definitions);
        member.custom_fields = values::stored_custom_fields(&custom_fields)?;
        let meta_data = merge_meta_data(Object::new(), draft.meta_data);
        member.meta_data = values::meta_data(&meta_data)?;
        member.json = values::json(&draft.json)?;
        member.login_redirect = values::redirect(draft.login_redirect)?;
        member.email = Some(email.as_given().to_owned());
        member.verified = draft.verified;
        member.contracts = self.free_contracts(&plans, now);

        // Hashing is dear: what is doomed is turned away before it. The unit of work below
        // decides all the same.
        self.turn_away_early(access, &email).await?;
        let password_hash = self.hash(access.environment(), draft.password).await?;
        let checked = Checked {
            email: Some(email),
            member,
            password_hash: password_hash.map(|hash| hash.as_str().to_owned()),
            imported_id: false,
            nonce: nonce(self.chance().entropy()),
        };
        Ok(PreparedMember {
            checked,
            definitions,
            environment: access.environment(),
            codec: self.store().member_ids().clone(),
            sandbox_max: self.limits().sandbox_members_max,
            recorder: access.recorder(now),
        })
    }

    async fn turn_away_early(&self, access: &Access<'_>, email: &Email) -> Result<(), AppError> {
        let environment = access.environment();
        let is_sandbox = access.mode() == guildhall_domain::Mode::Sandbox;
        let email = email.clone();
        let checked = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let taken = tx.members().email_is_taken(environment, &email).await?;
                Ok((taken, tx.environments().member_count(environment).await?))
            })
        });
        let (taken, count) = checked.await?;
        if taken {
            return Err(Code::EmailTaken.into());
        }
        if is_sandbox && count >= self.limits().sandbox_members_max {
            return Err(self.sandbox_full());
        }
        Ok(())
    }

    fn sandbox_full(&self) -> AppError {
        sandbox_full(self.limits().sandbox_members_max)
    }

    async fn hash(
        &self,
        environment: EnvironmentId,
        password: Option<Password>,
    ) -> Result<Option<PasswordHash>, AppError> {
        let Some(password) = password else { return Ok(None) };
        let place = self.password_place(environment)?;
        Ok(Some(place.hash(password, self.chance().entropy()).await?))
    }

    /// Holds on several plans, a microsecond apart: members show them by age, and so in this order.
    pub(super) fn free_contracts(&self, plans: &[&Plan], now: Timestamp) -> Vec<ContractSummary> {
        let ages = plans.iter().zip(0..);
        ages.map(|(plan, place)| self.free_contract(plan, now.plus_micros(place))).collect()
    }

    pub(super) fn free_contract(&self, plan: &Plan, now: Timestamp) -> ContractSummary {
        ContractSummary {
            id: ContractId::new(self.chance().entropy()),
            plan: Some(plan.id.clone()),
            kind: ContractKind::Free,
            status: ConnectionStatus::Active,
            access: true,
            created_at: now,
            payment: None,
        }
    }
}

/// Lets members into one environment: counts them, gives them their place and stores them.
pub(crate) struct Admitter<'a> {
    pub environment: EnvironmentId,
    pub codec: &'a MemberIdCodec,
    pub sandbox_max: i64,
}

impl Admitter<'_> {
    pub(crate) async fn insert(
        &self,
        tx: &mut Tx,
        definitions: &Definitions,
        checked: Checked,
    ) -> Result<Member, AppError> {
        let admission = tx.environments().admit(self.environment).await?;
        if admission.mode == guildhall_domain::Mode::Sandbox && admission.count > self.sandbox_max {
            return Err(sandbox_full(self.sandbox_max));
        }
        let mut member = checked.member;
        // An imported id can be that of a member made here, which no index on imported ids knows of.
        if checked.imported_id
            && let Some(sequence) = self.codec.open(admission.mode, member.id.as_str())
            && tx.members().find_by_key(self.environment, sequence, member.id.as_str()).await?.is_some()
        {
            return Err(Code::MemberExists.into());
        }
        member.key = admission.key;
        if !checked.imported_id {
            member.id = self.codec.seal(admission.mode, admission.key, checked.nonce);
        }
        let new = NewMember {
            imported_id: checked.imported_id,
            email_normal: checked.email.map(|email| email.normal().to_owned()),
            password_hash: checked.password_hash,
            member,
        };
        let inserted = tx.members().insert(self.environment, &new).await;
        or_conflict(
            inserted,
            &[
                (Constraint::MemberEmail, Code::EmailTaken),
                (Constraint::MemberImportedId, Code::MemberExists),
            ],
        )?;
        for contract in &new.member.contracts {
            insert_free(tx, self.environment, definitions, new.member.key, contract).await?;
        }
        Ok(new.member)
    }
}

/// Counts one more holder of a plan. The count is checked here, under the lock on its row, so that a plan's
/// limit holds however many come at once.
pub(crate) async fn count_holder(
    tx: &mut Tx,
    environment: EnvironmentId,
    definitions: &Definitions,
    plan: &PlanId,
) -> Result<(), AppError> {
    let holders = tx.plans().add_holder(plan, environment).await;
    // The plan may have been deleted since the definitions were read.
    let holders = or_conflict(holders, &[(Constraint::Reference, Code::PlanNotFound)])?;
    let limit = definitions.plan(plan).and_then(|plan| plan.member_limit);
    if limit.is_some_and(|limit| holders > limit) {
        return Err(Code::PlanFull.into());
    }
    Ok(())
}

/// Stores a hold on a free plan and counts its holder.
pub(super) async fn insert_free(
    tx: &mut Tx,
    environment: EnvironmentId,
    definitions: &Definitions,
    member: MemberKey,
    held: &ContractSummary,
) -> Result<(), AppError> {
    let plan = held.plan.clone().ok_or(Code::PlanNotFound)?;
    count_holder(tx, environment, definitions, &plan).await?;
    let mut contract = Contract::free(held.id.clone(), member, plan, held.created_at);
    let inserted = tx.contracts().insert(environment, &mut contract, "").await;
    or_conflict(
        inserted,
        &[(Constraint::PlanHeld, Code::PlanAlreadyHeld), (Constraint::Reference, Code::PlanNotFound)],
    )
}

pub(crate) async fn record_created(
    tx: &mut Tx,
    recorder: &Recorder,
    environment: EnvironmentId,
    member: &Member,
    definitions: &Definitions,
) -> Result<(), AppError> {
    let id = member.id.as_str();
    let plans: Vec<_> = member.contracts.iter().filter_map(|contract| contract.plan.as_ref()).collect();
    recorder.audit(tx, "member.create", id, &json!({ "plans": plans })).await?;
    let payload = payload(member, definitions);
    recorder.event(tx, environment, EventKind::MemberCreated, id, &payload).await?;
    for contract in &member.contracts {
        let payload = super::plans::payload(member, contract, definitions);
        recorder.event(tx, environment, EventKind::MemberPlanAdded, id, &payload).await?;
    }
    Ok(())
}

/// The member object that events carry, with its JSON left out as in lists.
pub(crate) fn payload(member: &Member, definitions: &Definitions) -> String {
    let mut out = Vec::with_capacity(1024);
    write_member(&mut out, member, definitions, Shown::default());
    String::from_utf8(out).expect("a member object is written as UTF-8")
}

/// The address, which must be there and be one.
fn check_address(email: Option<&str>) -> Result<Email, AppError> {
    let email = email.filter(|email| !email.is_empty()).ok_or(Code::EmailMissing)?;
    values::email(email)
}

/// A password that is given must be long enough.
pub(crate) fn check_password(password: Option<&Password>) -> Result<(), AppError> {
    match password {
        Some(password) if password.chars() < PASSWORD_CHARS_MIN => Err(Code::PasswordTooShort.into()),
        _ => Ok(()),
    }
}

/// The plans with these ids, each once: they must exist, be active and cost nothing.
pub(super) fn free_plans<'d>(
    definitions: &'d Definitions,
    ids: &[String],
) -> Result<Vec<&'d Plan>, AppError> {
    let mut plans: Vec<&Plan> = Vec::new();
    for id in ids {
        let plan = free_plan(definitions, id)?;
        if !plans.iter().any(|known| known.id == plan.id) {
            plans.push(plan);
        }
    }
    Ok(plans)
}

/// The free plan with this id.
pub(super) fn free_plan<'d>(definitions: &'d Definitions, id: &str) -> Result<&'d Plan, AppError> {
    let plan = definitions.plan(&PlanId::from_text(id)).ok_or(Code::PlanNotFound)?;
    if plan.status != Status::Active {
        return Err(Code::PlanNotFound.into());
    }
    if !plan.is_free() {
        return Err(Code::PlanNotFree.into());
    }
    Ok(plan)
}

/// A member with nothing in it yet. Key and id are given on admission.
pub(crate) fn blank(now: Timestamp) -> Member {
    Member {
        key: MemberKey::from_stored(0),
        id: guildhall_domain::member_id::MemberId::from_text(""),
        email: None,
        verified: false,
        custom_fields: JsonObject::empty(),
        meta_data: JsonObject::empty(),
        json: JsonObject::empty(),
        permissions: Vec::new(),
        login_redirect: None,
        profile_image: None,
        stripe_customer_id: None,
        last_login_at: None,
        created_at: now,
        contracts: Vec::new(),
    }
}

pub(super) fn nonce(entropy: Entropy) -> u64 {
    u128::from_be_bytes(entropy) as u64
}

fn sandbox_full(max: i64) -> AppError {
    AppError::because(Code::SandboxFull, format!("The sandbox has reached its limit of {max} members."))
}
