//! Plans, their prices, and permissions. They belong to the app: both environments share them.

use crate::driver::{Row, Tx, params};
use crate::error::StoreError;
use guildhall_domain::ids::{AppId, PermissionId, PlanId, PriceId};
use guildhall_domain::json::JsonObject;
use guildhall_domain::plan::{Interval, Money, Permission, Plan, Price, Status};
use guildhall_domain::{EnvironmentId, Timestamp};

const PLANS: &str = "SELECT id, name, description, priority, status, restrict_to_admin, member_limit,
    redirects, created_at, number FROM plans WHERE app = $1 ORDER BY priority NULLS LAST, number";
const PRICES: &str =
    "SELECT p.id, p.plan, p.name, p.amount, p.currency, p.interval_unit, p.interval_count, p.status,
    p.number, p.trial_days FROM prices p JOIN plans ON plans.id = p.plan WHERE plans.app = $1 ORDER BY p.number";
const GRANTS: &str = "SELECT g.plan, g.permission FROM plan_permissions g JOIN plans ON plans.id = g.plan
    WHERE plans.app = $1 ORDER BY g.plan, g.permission";
const PERMISSIONS: &str = "SELECT id, name, description FROM permissions WHERE app = $1 ORDER BY name, id";
const INSERT: &str = "INSERT INTO plans (id, app, name, description, priority, status, restrict_to_admin,
    member_limit, redirects, created_at, number) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
const UPDATE: &str = "UPDATE plans SET name = $1, description = $2, priority = $3, status = $4,
    restrict_to_admin = $5, member_limit = $6, redirects = $7 WHERE id = $8 AND app = $9";
const DELETE: &str = "DELETE FROM plans WHERE id = $1 AND app = $2";
const INSERT_PRICE: &str =
    "INSERT INTO prices (id, plan, name, amount, currency, interval_unit, interval_count,
    status, created_at, number, trial_days) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
const SET_PRICE_STATUS: &str = "UPDATE prices SET status = $1 WHERE id = $2 AND plan = $3";
/// Numbers are never given twice, also if what had one is gone.
const NEXT_NUMBER: &str = "UPDATE numbers SET last = last + 1 WHERE noun = $1 RETURNING last";
const INSERT_PERMISSION: &str =
    "INSERT INTO permissions (id, app, name, description) VALUES ($1, $2, $3, $4)";
const DELETE_PERMISSION: &str = "DELETE FROM permissions WHERE id = $1 AND app = $2";
const GRANT: &str = "INSERT INTO plan_permissions (plan, permission) VALUES ($1, $2) ON CONFLICT DO NOTHING";
const WITHDRAW: &str = "DELETE FROM plan_permissions WHERE plan = $1 AND permission = $2";
const ADD_HOLDER: &str = "INSERT INTO plan_holders (plan, environment, holders) VALUES ($1, $2, 1)
    ON CONFLICT (plan, environment) DO UPDATE SET holders = plan_holders.holders + 1 RETURNING holders";
const REMOVE_HOLDER: &str =
    "UPDATE plan_holders SET holders = holders - 1 WHERE plan = $1 AND environment = $2";

const HOLDERS: &str = "SELECT plan, holders FROM plan_holders WHERE environment = $1";

/// Reached as `tx.plans()`.
pub struct Plans<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Plans<'_> {
    /// All plans of an app with prices and permissions, in the order they are shown.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&mut self, app: &AppId) -> Result<Vec<Plan>, StoreError> {
        let values = params![app.as_str()];
        let mut plans = self.tx.all(PLANS, values, |row| plan_from_row(row, app)).await?;
        let prices = self.tx.all(PRICES, values, price_from_row).await?;
        let grants = self.tx.all(GRANTS, values, |row| {
            Ok((PlanId::from_text(row.text(0)?), PermissionId::from_text(row.text(1)?)))
        });
        let grants = grants.await?;
        for plan in &mut plans {
            plan.prices = prices.iter().filter(|price| price.plan == plan.id).cloned().collect();
            let granted = grants.iter().filter(|(of, _)| *of == plan.id);
            plan.permissions = granted.map(|(_, permission)| permission.clone()).collect();
        }
        Ok(plans)
    }

    /// Stores a new plan, without prices and permissions, and gives it its number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn insert(&mut self, plan: &mut Plan) -> Result<(), StoreError> {
        plan.number = self.next_number("plan").await?;
        let values = params![
            plan.id.as_str(),
            plan.app.as_str(),
            &plan.name,
            plan.description.as_deref(),
            plan.priority,
            plan.status.as_str(),
            plan.restrict_to_admin,
            plan.member_limit,
            plan.redirects.as_str(),
            plan.created_at,
            plan.number
        ];
        self.tx.execute(INSERT, values).await.map(|_| ())
    }

    /// Stores a plan's changed facts, without prices and permissions. False if the app has no
    /// such plan.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn update(&mut self, plan: &Plan) -> Result<bool, StoreError> {
        let values = params![
            &plan.name,
            plan.description.as_deref(),
            plan.priority,
            plan.status.as_str(),
            plan.restrict_to_admin,
            plan.member_limit,
            plan.redirects.as_str(),
            plan.id.as_str(),
            plan.app.as_str()
        ];
        self.tx.execute(UPDATE, values).await.map(|rows| rows == 1)
    }

    /// Deletes a plan with its prices. False if the app has no such plan.
    ///
    /// # Errors
    /// `Conflict(Reference)` while members hold it.
    pub async fn delete(&mut self, app: &AppId, id: &PlanId) -> Result<bool, StoreError> {
        self.tx.execute(DELETE, params![id.as_str(), app.as_str()]).await.map(|rows| rows == 1)
    }

    async fn next_number(&mut self, noun: &str) -> Result<i64, StoreError> {
        let number = self.tx.first(NEXT_NUMBER, params![noun], |row| row.int(0)).await?;
        number.ok_or_else(|| StoreError::corrupt("the numbers of a noun are missing"))
    }

    /// Stores whether a price can still be taken. False if the plan has no such price.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_price_status(
        &mut self,
        plan: &PlanId,
        price: &PriceId,
        status: Status,
    ) -> Result<bool, StoreError> {
        let values = params![status.as_str(), price.as_str(), plan.as_str()];
        self.tx.execute(SET_PRICE_STATUS, values).await.map(|rows| rows == 1)
    }

    /// Stores a new price of a plan, and gives it its number.
    ///
    /// # Errors
    /// `Conflict(Reference)` if there is no such plan.
    pub async fn insert_price(&mut self, price: &mut Price, now: Timestamp) -> Result<(), StoreError> {
        price.number = self.next_number("price").await?;
        let (unit, count) = price.interval.parts().unwrap_or(("once", 1));
        let values = params![
            price.id.as_str(),
            price.plan.as_str(),
            price.name.as_deref(),
            price.money.minor,
            &price.money.currency,
            unit,
            i64::from(count),
            price.status.as_str(),
            now,
            price.number,
            i64::from(price.trial_days)
        ];
        self.tx.execute(INSERT_PRICE, values).await.map(|_| ())
    }

    /// All permissions of an app, by name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn permissions(&mut self, app: &AppId) -> Result<Vec<Permission>, StoreError> {
        let values = params![app.as_str()];
        let found = self.tx.all(PERMISSIONS, values, |row| {
            Ok(Permission {
                id: PermissionId::from_text(row.text(0)?),
                name: row.string(1)?,
                description: row.opt_string(2)?,
            })
        });
        found.await
    }

    /// Stores a new permission.
    ///
    /// # Errors
    /// `Conflict(PermissionName)` if the app has one of that name.
    pub async fn insert_permission(
        &mut self,
        app: &AppId,
        permission: &Permission,
    ) -> Result<(), StoreError> {
        let values = params![
            permission.id.as_str(),
            app.as_str(),
            &permission.name,
            permission.description.as_deref()
        ];
        self.tx.execute(INSERT_PERMISSION, values).await.map(|_| ())
    }

    /// Deletes a permission and every grant of it to plans. False if the app has none such.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete_permission(&mut self, app: &AppId, id: &PermissionId) -> Result<bool, StoreError> {
        let values = params![id.as_str(), app.as_str()];
        self.tx.execute(DELETE_PERMISSION, values).await.map(|rows| rows == 1)
    }

    /// Lets a plan grant a permission. Granting twice is the same as once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn grant(&mut self, plan: &PlanId, permission: &PermissionId) -> Result<(), StoreError> {
        self.tx.execute(GRANT, params![plan.as_str(), permission.as_str()]).await.map(|_| ())
    }

    /// Takes a permission from a plan. False if the plan did not grant it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn withdraw(&mut self, plan: &PlanId, permission: &PermissionId) -> Result<bool, StoreError> {
        let values = params![plan.as_str(), permission.as_str()];
        self.tx.execute(WITHDRAW, values).await.map(|rows| rows == 1)
    }

    /// Counts one more holder of a plan; tells how many there are with it.
    ///
    /// # Errors
    /// `Conflict(Reference)` if there is no such plan.
    pub async fn add_holder(&mut self, plan: &PlanId, environment: EnvironmentId) -> Result<i64, StoreError> {
        let values = params![plan.as_str(), environment];
        let holders = self.tx.first(ADD_HOLDER, values, |row| row.int(0)).await?;
        holders.ok_or_else(|| StoreError::corrupt("the count of a plan's holders is missing"))
    }

    /// How many members of an environment hold each plan; plans that nobody ever held are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn holders(&mut self, environment: EnvironmentId) -> Result<Vec<(PlanId, i64)>, StoreError> {
        let values = params![environment];
        self.tx.all(HOLDERS, values, |row| Ok((PlanId::from_text(row.text(0)?), row.int(1)?))).await
    }

    /// Counts one holder less.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_holder(
        &mut self,
        plan: &PlanId,
        environment: EnvironmentId,
    ) -> Result<(), StoreError> {
        self.tx.execute(REMOVE_HOLDER, params![plan.as_str(), environment]).await.map(|_| ())
    }
}

fn plan_from_row(row: &Row<'_>, app: &AppId) -> Result<Plan, StoreError> {
    Ok(Plan {
        id: PlanId::from_text(row.text(0)?),
        app: app.clone(),
        name: row.string(1)?,
        description: row.opt_string(2)?,
        priority: row.opt_int(3)?,
        status: row.parsed(4, Status::from_stored)?,
        restrict_to_admin: row.bool(5)?,
        member_limit: row.opt_int(6)?,
        redirects: JsonObject::from_stored(row.string(7)?),
        prices: Vec::new(),
        permissions: Vec::new(),
        created_at: row.time(8)?,
        number: row.int(9)?,
    })
}

fn price_from_row(row: &Row<'_>) -> Result<Price, StoreError> {
    let count = u32::try_from(row.int(6)?).map_err(|_| StoreError::corrupt("a price's interval"))?;
    Ok(Price {
        id: PriceId::from_text(row.text(0)?),
        plan: PlanId::from_text(row.text(1)?),
        name: row.opt_string(2)?,
        money: Money { minor: row.int(3)?, currency: row.string(4)? },
        interval: row.parsed(5, |unit| Interval::from_parts(unit, count))?,
        status: row.parsed(7, Status::from_stored)?,
        number: row.int(8)?,
        trial_days: u32::try_from(row.int(9)?).map_err(|_| StoreError::corrupt("a price's trial"))?,
    })
}
