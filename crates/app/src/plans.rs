//! Plans, prices and permissions: what an app offers.

use crate::apps::checked_name;
use crate::definitions::Definitions;
use crate::error::{AppError, or_conflict};
use crate::guildhall::Guildhall;
use crate::record::Recorder;
use guildhall_domain::Code;
use guildhall_domain::audit::Actor;
use guildhall_domain::ids::{AppId, PermissionId, PlanId, PriceId};
use guildhall_domain::json::JsonObject;
use guildhall_domain::plan::{Interval, Money, Permission, Plan, Price, Status};
use guildhall_domain::text::is_id;
use guildhall_store::{Constraint, Tx};
use serde_json::json;

/// What a plan is to be.
pub struct PlanDraft {
    /// What members see.
    pub name: String,
    /// What operators write about it.
    pub description: Option<String>,
    /// Order among plans; lower first.
    pub priority: Option<i64>,
    /// Whether only servers and operators may give it.
    pub restrict_to_admin: bool,
    /// How many members of one environment may hold it.
    pub member_limit: Option<i64>,
    /// Redirects: `afterLogin`, `afterLogout`, `afterSignup`.
    pub redirects: JsonObject,
    /// Its prices; none: it is free.
    pub prices: Vec<PriceDraft>,
}

/// What a price is to be.
pub struct PriceDraft {
    /// What operators call it.
    pub name: Option<String>,
    /// How much.
    pub money: Money,
    /// How often.
    pub interval: Interval,
    /// How many days a new contract may be used before its first charge.
    pub trial_days: u32,
}

/// What may change about a plan; what is `None` stays.
#[derive(Default)]
pub struct PlanChange {
    /// What members see.
    pub name: Option<String>,
    /// What operators write about it; `Some(None)` clears it.
    pub description: Option<Option<String>>,
    /// Order among plans; `Some(None)` clears it.
    pub priority: Option<Option<i64>>,
    /// Whether it can still be taken.
    pub status: Option<Status>,
    /// Whether only servers and operators may give it.
    pub restrict_to_admin: Option<bool>,
    /// How many members of one environment may hold it; `Some(None)` lifts the limit.
    pub member_limit: Option<Option<i64>>,
}

impl Guildhall {
    /// Everything defined in an app.
    ///
    /// # Errors
    /// `AppNotFound`, `StoreUnavailable`.
    pub async fn definitions(&self, app: &AppId) -> Result<Definitions, AppError> {
        let app = app.clone();
        let loaded = self
            .store()
            .scan::<_, AppError, _>(move |tx| Box::pin(async move { Definitions::load(tx, &app).await }));
        loaded.await
    }

    /// Creates a plan with its prices.
    ///
    /// # Errors
    /// `AppNotFound`, `NameInvalid`, `InputInvalid`, `Busy`, `StoreUnavailable`.
    pub async fn create_plan(&self, app: &AppId, draft: PlanDraft, actor: Actor) -> Result<Plan, AppError> {
        let now = self.now();
        let name = checked_name(&draft.name)?;
        check_member_limit(draft.member_limit)?;
        let id = PlanId::named(&name, self.chance().entropy());
        let prices = draft.prices.into_iter().map(|price| self.prepare_price(&id, &name, price));
        let mut plan = Plan {
            prices: prices.collect::<Result<_, _>>()?,
            id,
            app: app.clone(),
            name,
            description: draft.description,
            priority: draft.priority,
            status: Status::Active,
            restrict_to_admin: draft.restrict_to_admin,
            member_limit: draft.member_limit,
            redirects: draft.redirects,
            permissions: Vec::new(),
            created_at: now,
            number: 0,
        };
        let detail = json!({ "name": plan.name, "prices": plan.prices.len() });
        self.define(app, actor, "plan.create", plan.id.to_string(), detail, move |tx| {
            Box::pin(async move {
                tx.plans().insert(&mut plan).await?;
                for price in &mut plan.prices {
                    tx.plans().insert_price(price, now).await?;
                }
                Ok(plan)
            })
        })
        .await
    }

    /// Adds a price to a plan.
    ///
    /// # Errors
    /// `PlanNotFound`, `NameInvalid`, `Busy`, `StoreUnavailable`.
    pub async fn create_price(
        &self,
        app: &AppId,
        plan: &PlanId,
        draft: PriceDraft,
        actor: Actor,
    ) -> Result<Price, AppError> {
        let name = draft.name.clone().unwrap_or_default();
        let mut price = self.prepare_price(plan, &name, draft)?;
        let now = self.now();
        let detail =
            json!({ "plan": plan.as_str(), "amount": price.money.minor, "currency": price.money.currency });
        let (app_id, plan) = (app.clone(), plan.clone());
        self.define(app, actor, "price.create", price.id.to_string(), detail, move |tx| {
            Box::pin(async move {
                find_plan(tx, &app_id, &plan).await?;
                tx.plans().insert_price(&mut price, now).await?;
                Ok(price)
            })
        })
        .await
    }

    /// Retires a price, or offers it again. Whoever holds a retired one keeps it and is billed as before; it takes no
    /// new contracts, and no contract changes to it.
    ///
    /// # Errors
    /// `PlanNotFound`, `PriceNotFound`, `Busy`, `StoreUnavailable`.
    pub async fn set_price_status(
        &self,
        app: &AppId,
        plan: &PlanId,
        price: &PriceId,
        status: Status,
        actor: Actor,
    ) -> Result<Price, AppError> {
        let detail = json!({ "plan": plan.as_str(), "status": status.as_str() });
        let (app_id, plan, id) = (app.clone(), plan.clone(), price.clone());
        self.define(app, actor, "price.update", price.to_string(), detail, move |tx| {
            Box::pin(async move {
                let found = find_plan(tx, &app_id, &plan).await?;
                let price =
                    found.prices.into_iter().find(|price| price.id == id).ok_or(Code::PriceNotFound)?;
                tx.plans().set_price_status(&plan, &id, status).await?;
                Ok(Price { status, ..price })
            })
        })
        .await
    }

    /// Changes a plan.
    ///
    /// # Errors
    /// `PlanNotFound`, `NameInvalid`, `InputInvalid`, `Busy`, `StoreUnavailable`.
    pub async fn update_plan(
        &self,
        app: &AppId,
        id: &PlanId,
        change: PlanChange,
        actor: Actor,
    ) -> Result<Plan, AppError> {
        let name = change.name.as_deref().map(checked_name).transpose()?;
        check_member_limit(change.member_limit.flatten())?;
        let (app_id, plan_id) = (app.clone(), id.clone());
        self.define(app, actor, "plan.update", id.to_string(), json!({}), move |tx| {
            Box::pin(async move {
                let mut plan = find_plan(tx, &app_id, &plan_id).await?;
                plan.name = name.unwrap_or(plan.name);
                plan.description = change.description.unwrap_or(plan.description);
                plan.priority = change.priority.unwrap_or(plan.priority);
                plan.status = change.status.unwrap_or(plan.status);
                plan.restrict_to_admin = change.restrict_to_admin.unwrap_or(plan.restrict_to_admin);
                plan.member_limit = change.member_limit.unwrap_or(plan.member_limit);
                tx.plans().update(&plan).await?;
                Ok(plan)
            })
        })
        .await
    }

    /// Deletes a plan that nobody holds.
    ///
    /// # Errors
    /// `PlanNotFound`, `PlanInUse`, `Busy`, `StoreUnavailable`.
    pub async fn delete_plan(&self, app: &AppId, id: &PlanId, actor: Actor) -> Result<(), AppError> {
        let (app_id, plan_id) = (app.clone(), id.clone());
        self.define(app, actor, "plan.delete", id.to_string(), json!({}), move |tx| {
            Box::pin(async move {
                // What can be no id never reaches a statement: PostgreSQL refuses some texts outright.
                if !is_id(plan_id.as_str()) {
                    return Err(Code::PlanNotFound.into());
                }
                let deleted = tx.plans().delete(&app_id, &plan_id).await;
                let deleted = or_conflict(deleted, &[(Constraint::Reference, Code::PlanInUse)])?;
                if deleted { Ok(()) } else { Err(Code::PlanNotFound.into()) }
            })
        })
        .await
    }

    /// Creates a permission.
    ///
    /// # Errors
    /// `AppNotFound`, `NameInvalid`, `PermissionExists`, `Busy`, `StoreUnavailable`.
    pub async fn create_permission(
        &self,
        app: &AppId,
        name: &str,
        description: Option<String>,
        actor: Actor,
    ) -> Result<Permission, AppError> {
        let id = PermissionId::new(self.chance().entropy());
        let permission = Permission { id, name: checked_name(name)?, description };
        let detail = json!({ "name": permission.name });
        let app_id = app.clone();
        self.define(app, actor, "permission.create", permission.id.to_string(), detail, move |tx| {
            Box::pin(async move {
                let inserted = tx.plans().insert_permission(&app_id, &permission).await;
                or_conflict(inserted, &[(Constraint::PermissionName, Code::PermissionExists)])?;
                Ok(permission)
            })
        })
        .await
    }

    /// Deletes a permission, wherever it is granted.
    ///
    /// # Errors
    /// `PermissionNotFound`, `Busy`, `StoreUnavailable`.
    pub async fn delete_permission(
        &self,
        app: &AppId,
        id: &PermissionId,
        actor: Actor,
    ) -> Result<(), AppError> {
        let (app_id, permission) = (app.clone(), id.clone());
        self.define(app, actor, "permission.delete", id.to_string(), json!({}), move |tx| {
            Box::pin(async move {
                let possible = is_id(permission.as_str());
                let deleted = possible && tx.plans().delete_permission(&app_id, &permission).await?;
                if deleted { Ok(()) } else { Err(Code::PermissionNotFound.into()) }
            })
        })
        .await
    }

    /// Lets a plan grant a permission, or no longer. Doing it twice is the same as once.
    ///
    /// # Errors
    /// `PlanNotFound`, `PermissionNotFound`, `Busy`, `StoreUnavailable`.
    pub async fn set_plan_permission(
        &self,
        app: &AppId,
        plan: &PlanId,
        permission: &PermissionId,
        granted: bool,
        actor: Actor,
    ) -> Result<(), AppError> {
        let action = if granted { "plan.permission.grant" } else { "plan.permission.withdraw" };
        let detail = json!({ "permission": permission.as_str() });
        let (app_id, plan_id, permission) = (app.clone(), plan.clone(), permission.clone());
        self.define(app, actor, action, plan.to_string(), detail, move |tx| {
            Box::pin(async move {
                find_plan(tx, &app_id, &plan_id).await?;
                let known = tx.plans().permissions(&app_id).await?;
                if !known.iter().any(|known| known.id == permission) {
                    return Err(Code::PermissionNotFound.into());
                }
                if granted {
                    tx.plans().grant(&plan_id, &permission).await?;
                } else {
                    tx.plans().withdraw(&plan_id, &permission).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Runs a change to an app's definitions with all that every such change needs: the lock, the
    /// new authority version and the audit entry.
    pub(crate) async fn define<T, F>(
        &self,
        app: &AppId,
        actor: Actor,
        action: &'static str,
        subject: String,
        detail: serde_json::Value,
        work: F,
    ) -> Result<T, AppError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> guildhall_store::Work<'t, Result<T, AppError>> + Send + 'static,
    {
        let recorder = Recorder::of(actor, Some(app.clone()), self.now());
        let app = app.clone();
        let defined = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                tx.authority().lock().await?;
                tx.apps().find(&app).await?.ok_or(Code::AppNotFound)?;
                let result = work(tx).await?;
                tx.authority().bump().await?;
                recorder.audit(tx, action, &subject, &detail).await?;
                Ok(result)
            })
        });
        defined.await
    }

    fn prepare_price(&self, plan: &PlanId, name: &str, draft: PriceDraft) -> Result<Price, AppError> {
        Ok(Price {
            id: PriceId::named(name, self.chance().entropy()),
            plan: plan.clone(),
            name: draft.name.as_deref().map(checked_name).transpose()?,
            money: draft.money,
            interval: draft.interval,
            status: Status::Active,
            number: 0,
            trial_days: draft.trial_days,
        })
    }
}

async fn find_plan(tx: &mut Tx, app: &AppId, id: &PlanId) -> Result<Plan, AppError> {
    let plans = tx.plans().list(app).await?;
    plans.into_iter().find(|plan| plan.id == *id).ok_or_else(|| Code::PlanNotFound.into())
}

fn check_member_limit(limit: Option<i64>) -> Result<(), AppError> {
    if limit.is_some_and(|limit| limit < 0) {
        return Err(AppError::because(Code::InputInvalid, "A member limit cannot be negative."));
    }
    Ok(())
}
