//! Custom-field definitions of apps.

use crate::driver::{Row, Tx, params};
use crate::error::StoreError;
use guildhall_domain::Timestamp;
use guildhall_domain::custom_field::{CustomField, Visibility};
use guildhall_domain::ids::{AppId, CustomFieldId};

const LIST: &str = "SELECT id, key, label, hidden, visibility, restrict_to_admin, position
    FROM custom_fields WHERE app = $1 ORDER BY position NULLS LAST, created_at, key";
const INSERT: &str = "INSERT INTO custom_fields (id, app, key, label, hidden, visibility, restrict_to_admin,
    position, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const UPDATE: &str =
    "UPDATE custom_fields SET label = $1, hidden = $2, visibility = $3, restrict_to_admin = $4,
    position = $5 WHERE app = $6 AND key = $7";
const DELETE: &str = "DELETE FROM custom_fields WHERE app = $1 AND key = $2";

/// Reached as `tx.custom_fields()`.
pub struct CustomFields<'t> {
    pub(crate) tx: &'t mut Tx,
}

impl CustomFields<'_> {
    /// An app's fields, in the order they are shown.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&mut self, app: &AppId) -> Result<Vec<CustomField>, StoreError> {
        self.tx.all(LIST, params![app.as_str()], from_row).await
    }

    /// Stores a new field.
    ///
    /// # Errors
    /// `Conflict(CustomFieldKey)` if the app has one with that key.
    pub async fn insert(
        &mut self,
        app: &AppId,
        field: &CustomField,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let values = params![
            field.id.as_str(),
            app.as_str(),
            &field.key,
            &field.label,
            field.hidden,
            field.visibility.as_str(),
            field.restrict_to_admin,
            field.position,
            now
        ];
        self.tx.execute(INSERT, values).await.map(|_| ())
    }

    /// Stores everything of a field but its key, which members' values are kept under. False if
    /// the app has no such field.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn update(&mut self, app: &AppId, field: &CustomField) -> Result<bool, StoreError> {
        let values = params![
            &field.label,
            field.hidden,
            field.visibility.as_str(),
            field.restrict_to_admin,
            field.position,
            app.as_str(),
            &field.key
        ];
        self.tx.execute(UPDATE, values).await.map(|rows| rows == 1)
    }

    /// Deletes a definition; values that members have stay where they are. False if the app has
    /// no such field.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete(&mut self, app: &AppId, key: &str) -> Result<bool, StoreError> {
        self.tx.execute(DELETE, params![app.as_str(), key]).await.map(|rows| rows == 1)
    }
}

fn from_row(row: &Row<'_>) -> Result<CustomField, StoreError> {
    Ok(CustomField {
        id: CustomFieldId::from_text(row.text(0)?),
        key: row.string(1)?,
        label: row.string(2)?,
        hidden: row.bool(3)?,
        visibility: row.parsed(4, Visibility::from_stored)?,
        restrict_to_admin: row.bool(5)?,
        position: row.opt_int(6)?,
    })
}
