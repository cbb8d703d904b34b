//! Tables: create, change, delete.

use super::field::{FieldDraft, insert_field};
use super::{find, named_once};
use crate::apps::checked_name;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::Code;
use guildhall_domain::audit::Actor;
use guildhall_domain::data_table::{
    AccessRule, AccessRules, DataTable, FIELDS_MAX, TABLES_MAX, is_table_key,
};
use guildhall_domain::ids::{AppId, DataTableId, FieldId};
use serde_json::json;

/// What a table is to be.
pub struct TableDraft {
    /// What callers name it by: a letter, then letters, digits, `_` and `-`, 64 in all.
    pub key: String,
    /// What people see.
    pub name: String,
    /// Who may do what through the client API.
    pub rules: AccessRules,
    /// Its fields.
    pub fields: Vec<FieldDraft>,
}

/// What may change about a table; what is `None` stays.
#[derive(Default)]
pub struct TableChange {
    /// What callers name it by. Callers that use the old key get "not found".
    pub key: Option<String>,
    /// What people see.
    pub name: Option<String>,
    /// Who may create records.
    pub create: Option<AccessRule>,
    /// Who may read them.
    pub read: Option<AccessRule>,
    /// Who may change them.
    pub update: Option<AccessRule>,
    /// Who may delete them.
    pub delete: Option<AccessRule>,
}

/// What went, or would go, with a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedTable {
    /// The table.
    pub table: DataTable,
    /// Records in live.
    pub live_records: i64,
    /// Records in the sandbox.
    pub sandbox_records: i64,
}

impl DeletedTable {
    fn account(&self) -> String {
        let (table, fields) = (&self.table.key, self.table.fields.len());
        let (live, sandbox) = (self.live_records, self.sandbox_records);
        format!(
            "This deletes the table {table} with {fields} fields, {live} live records and {sandbox} sandbox \
             records. Confirm it with the table's key."
        )
    }
}

impl Guildhall {
    /// Creates a table with its fields. A field may point at the table itself by its key.
    ///
    /// # Errors
    /// `AppNotFound`, `InputInvalid`, `NameInvalid`, `TableExists`, `TableLimit`, `TableNotFound` (of a
    /// reference), `FieldExists`, `FieldLimit`, `FieldValueInvalid` (a default), `Busy`,
    /// `StoreUnavailable`.
    pub async fn create_table(
        &self,
        app: &AppId,
        draft: TableDraft,
        actor: Actor,
    ) -> Result<DataTable, AppError> {
        let key = checked_table_key(draft.key)?;
        let (id, now) = (DataTableId::new(self.chance().entropy()), self.now());
        if draft.fields.len() > FIELDS_MAX {
            return Err(Code::FieldLimit.into());
        }
        let fields = draft.fields.into_iter().map(|field| (FieldId::new(self.chance().entropy()), field));
        let fields: Vec<_> = fields.collect();
        let table = DataTable {
            id,
            number: 0,
            app: app.clone(),
            name: checked_name(&draft.name)?,
            key: key.clone(),
            rules: draft.rules,
            imported_ids: false,
            version: 1,
            fields: Vec::new(),
            created_at: now,
            updated_at: None,
        };
        let detail = json!({ "name": table.name, "fields": fields.len() });
        let app_id = app.clone();
        self.define(app, actor, "table.create", key.clone(), detail, move |tx| {
            Box::pin(async move {
                if tx.data_tables().list(&app_id).await?.len() >= TABLES_MAX {
                    return Err(Code::TableLimit.into());
                }
                let environments = tx.environments().of_app(&app_id).await?;
                let environments: Vec<_> =
                    environments.into_iter().map(|environment| environment.id).collect();
                let number = named_once(tx.data_tables().insert(&table, &environments).await)?;
                for (position, (id, field)) in fields.into_iter().enumerate() {
                    let (tables, table) = find(tx, &app_id, &key).await?;
                    insert_field(tx, &tables, &table, field.prepare(id, Some(position as i64))?, now).await?;
                }
                let (_, table) = find(tx, &app_id, &key).await?;
                debug_assert_eq!(table.number, number);
                Ok(table)
            })
        })
        .await
    }

    /// Changes key, name or rules of a table.
    ///
    /// # Errors
    /// `TableNotFound`, `TableExists`, `InputInvalid`, `NameInvalid`, `Busy`, `StoreUnavailable`.
    pub async fn update_table(
        &self,
        app: &AppId,
        table: &str,
        change: TableChange,
        actor: Actor,
    ) -> Result<DataTable, AppError> {
        let key = change.key.map(checked_table_key).transpose()?;
        let name = change.name.as_deref().map(checked_name).transpose()?;
        let (app_id, named, now) = (app.clone(), table.to_owned(), self.now());
        self.define(app, actor, "table.update", table.to_owned(), json!({}), move |tx| {
            Box::pin(async move {
                let (_, mut table) = find(tx, &app_id, &named).await?;
                table.key = key.unwrap_or(table.key);
                table.name = name.unwrap_or(table.name);
                table.rules.create = change.create.unwrap_or(table.rules.create);
                table.rules.read = change.read.unwrap_or(table.rules.read);
                table.rules.update = change.update.unwrap_or(table.rules.update);
                table.rules.delete = change.delete.unwrap_or(table.rules.delete);
                named_once(tx.data_tables().update(&table).await)?;
                tx.data_tables().touch(table.number, now).await?;
                let id = table.id.to_string();
                Ok(find(tx, &app_id, &id).await?.1)
            })
        })
        .await
    }

    /// Makes room in a table for records that keep the ids they had elsewhere.
    ///
    /// # Errors
    /// `TableNotFound`, `Busy`, `StoreUnavailable`.
    pub(crate) async fn accept_imported_ids(
        &self,
        app: &AppId,
        table: &str,
        actor: Actor,
    ) -> Result<(), AppError> {
        let (app_id, named) = (app.clone(), table.to_owned());
        self.define(app, actor, "table.accept-ids", table.to_owned(), json!({}), move |tx| {
            Box::pin(async move {
                let (tables, table) = find(tx, &app_id, &named).await?;
                tx.data_tables().note_imported_ids(table.number).await?;
                // Those who show references to the table's records must look at the ids from now on.
                for referring in tables.iter().filter(|other| refers(other, table.number)) {
                    tx.data_tables()
                        .touch(referring.number, referring.updated_at.unwrap_or(referring.created_at))
                        .await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Deletes a table with its fields and all its records in both environments. `confirmation` must be
    /// its key; without it nothing happens, and the error tells what would go.
    ///
    /// # Errors
    /// `TableNotFound`, `ConfirmationMissing`, `TableReferenced` (by fields of other tables), `Busy`,
    /// `StoreUnavailable`.
    pub async fn delete_table(
        &self,
        app: &AppId,
        table: &str,
        confirmation: Option<String>,
        actor: Actor,
    ) -> Result<DeletedTable, AppError> {
        let (app_id, named) = (app.clone(), table.to_owned());
        self.define(app, actor, "table.delete", table.to_owned(), json!({}), move |tx| {
            Box::pin(async move {
                let (tables, table) = find(tx, &app_id, &named).await?;
                refuse_if_referenced(&tables, &table)?;
                let (live_records, sandbox_records) = tx.data_tables().record_counts(table.number).await?;
                let deleted = DeletedTable { table, live_records, sandbox_records };
                if confirmation.as_deref() != Some(&deleted.table.key) {
                    return Err(AppError::because(Code::ConfirmationMissing, deleted.account()));
                }
                tx.data_tables().delete(&deleted.table).await?;
                Ok(deleted)
            })
        })
        .await
    }
}

fn refers(table: &DataTable, number: i64) -> bool {
    table.fields.iter().any(|field| field.referenced_table == Some(number))
}

fn refuse_if_referenced(tables: &[DataTable], table: &DataTable) -> Result<(), AppError> {
    let others = tables.iter().filter(|other| other.number != table.number);
    let fields = others.flat_map(|other| other.fields.iter().map(move |field| (other, field)));
    let referring = fields.filter(|(_, field)| field.referenced_table == Some(table.number));
    let named: Vec<_> = referring.map(|(other, field)| format!("{}.{}", other.key, field.key)).collect();
    if named.is_empty() {
        return Ok(());
    }
    let message = format!("These fields refer to {}: {}. Remove them first.", table.key, named.join(", "));
    Err(AppError::because(Code::TableReferenced, message))
}

fn checked_table_key(key: String) -> Result<String, AppError> {
    if is_table_key(&key) {
        return Ok(key);
    }
    let message = "A table's key is a letter, then letters, digits, `_` and `-`, at most 64, and does not begin with \
                   `tbl_`.";
    Err(AppError::because(Code::InputInvalid, message))
}
