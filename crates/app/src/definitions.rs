//! What an app's members refer to: plans, permissions, custom fields and data tables. Small, read on every
//! request, changed rarely; kept in memory for as long as the authority version stands.

use crate::error::AppError;
use guildhall_domain::App;
use guildhall_domain::custom_field::CustomField;
use guildhall_domain::data_table::DataTable;
use guildhall_domain::ids::{AppId, PermissionId, PlanId};
use guildhall_domain::plan::{Permission, Plan};
use guildhall_store::Tx;

/// An app with everything defined in it.
#[derive(Debug)]
pub struct Definitions {
    /// The app itself.
    pub app: App,
    /// Its plans, in the order they are shown.
    pub plans: Vec<Plan>,
    /// Its permissions, by name.
    pub permissions: Vec<Permission>,
    /// Its custom fields, in the order they are shown.
    pub custom_fields: Vec<CustomField>,
    /// Its data tables, oldest first.
    pub tables: Vec<DataTable>,
}

impl Definitions {
    /// Reads them. `AppNotFound` if there is no such app.
    pub(crate) async fn load(tx: &mut Tx, app: &AppId) -> Result<Self, AppError> {
        let found = tx.apps().find(app).await?;
        let app = found.ok_or(guildhall_domain::Code::AppNotFound)?;
        Ok(Self {
            plans: tx.plans().list(&app.id).await?,
            permissions: tx.plans().permissions(&app.id).await?,
            custom_fields: tx.custom_fields().list(&app.id).await?,
            tables: tx.data_tables().list(&app.id).await?,
            app,
        })
    }

    /// The plan with this id.
    pub fn plan(&self, id: &PlanId) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.id == *id)
    }

    /// The name of a permission; nothing once it is deleted.
    pub fn permission_name(&self, id: &PermissionId) -> Option<&str> {
        let found = self.permissions.iter().find(|permission| permission.id == *id);
        found.map(|permission| permission.name.as_str())
    }
}
