//! Apps and their flags.

use crate::driver::{Row, Tx, params};
use crate::error::StoreError;
use guildhall_domain::App;
use guildhall_domain::contract::{DunningOutcome, DunningPolicy};
use guildhall_domain::ids::AppId;

const COLUMNS: &str = "id, name, shop, api_access, passwordless, created_at, session_seconds,
    member_self_delete, time_zone, currency, dunning_retries, dunning_days, dunning_outcome";
const INSERT: &str = "INSERT INTO apps (id, name, shop, api_access, passwordless, created_at,
    session_seconds, member_self_delete, time_zone, currency, dunning_retries, dunning_days, dunning_outcome)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
const UPDATE: &str = "UPDATE apps SET name = $1, shop = $2, api_access = $3, passwordless = $4,
    session_seconds = $5, member_self_delete = $6, time_zone = $7, currency = $8, dunning_retries = $9,
    dunning_days = $10, dunning_outcome = $11 WHERE id = $12";

/// Reached as `tx.apps()`.
pub struct Apps<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl Apps<'_> {
    /// Stores a new app. Its environments are stored apart.
    ///
    /// # Errors
    /// `Conflict(Shop)` if another app has the shop.
    pub async fn insert(&mut self, app: &App) -> Result<(), StoreError> {
        let values = params![
            app.id.as_str(),
            &app.name,
            app.shop.as_deref(),
            app.api_access,
            app.passwordless,
            app.created_at,
            app.session_seconds,
            app.member_self_delete,
            &app.time_zone,
            &app.currency,
            i64::from(app.dunning.retries),
            i64::from(app.dunning.days),
            app.dunning.outcome.as_str()
        ];
        self.tx.execute(INSERT, values).await.map(|_| ())
    }

    /// Stores an app's changed name, shop and flags.
    ///
    /// # Errors
    /// `Conflict(Shop)` if another app has the shop.
    pub async fn update(&mut self, app: &App) -> Result<(), StoreError> {
        let values = params![
            &app.name,
            app.shop.as_deref(),
            app.api_access,
            app.passwordless,
            app.session_seconds,
            app.member_self_delete,
            &app.time_zone,
            &app.currency,
            i64::from(app.dunning.retries),
            i64::from(app.dunning.days),
            app.dunning.outcome.as_str(),
            app.id.as_str()
        ];
        self.tx.execute(UPDATE, values).await.map(|_| ())
    }

    /// One app.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(&mut self, id: &AppId) -> Result<Option<App>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM apps WHERE id = $1");
        self.tx.first(&sql, params![id.as_str()], from_row).await
    }

    /// All apps, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&mut self) -> Result<Vec<App>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM apps ORDER BY created_at, id");
        self.tx.all(&sql, params![], from_row).await
    }
}

fn from_row(row: &Row<'_>) -> Result<App, StoreError> {
    Ok(App {
        id: AppId::from_text(row.text(0)?),
        name: row.string(1)?,
        shop: row.opt_string(2)?,
        api_access: row.bool(3)?,
        passwordless: row.bool(4)?,
        created_at: row.time(5)?,
        session_seconds: row.int(6)?,
        member_self_delete: row.bool(7)?,
        time_zone: row.string(8)?,
        currency: row.string(9)?,
        dunning: DunningPolicy {
            retries: small(row, 10)?,
            days: small(row, 11)?,
            outcome: row.parsed(12, DunningOutcome::from_stored)?,
        },
    })
}

fn small(row: &Row<'_>, column: usize) -> Result<u32, StoreError> {
    u32::try_from(row.int(column)?).map_err(|_| StoreError::corrupt("an app's dunning policy"))
}
