//! Fields of a table: add, change, remove.

use super::{find, named_once};
use crate::apps::checked_name;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::audit::Actor;
use guildhall_domain::data_table::{DataTable, FIELDS_MAX, Field, FieldKind, is_field_key, named};
use guildhall_domain::ids::{AppId, FieldId};
use guildhall_domain::record::{FILTERABLE_CHARS_MAX, parse_value};
use guildhall_domain::{Code, Timestamp};
use guildhall_store::{Constraint, StoreError, Tx};
use serde_json::{Value, json};

/// What a field is to be.
pub struct FieldDraft {
    /// The key of its values: a letter, then letters, digits, `_` and `-`, 64 in all.
    pub key: String,
    /// What people see.
    pub name: String,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether every write must leave it with a value.
    pub required: bool,
    /// Whether no two records of an environment may share a value. TEXT_UNIQUE always is.
    pub unique: bool,
    /// What a new record gets if nothing is given.
    pub default: Option<Value>,
    /// Order among the fields; lower first.
    pub position: Option<i64>,
    /// Key or id of the table whose records it points at.
    pub referenced_table: Option<String>,
}

/// What may change about a field; what is `None` stays.
#[derive(Default)]
pub struct FieldChange {
    /// The key of its values; callers must use the new one from then on.
    pub key: Option<String>,
    /// What people see.
    pub name: Option<String>,
    /// What it holds: one kind of text can become another.
    pub kind: Option<FieldKind>,
    /// Whether every write must leave it with a value.
    pub required: Option<bool>,
    /// Whether no two records may share a value.
    pub unique: Option<bool>,
    /// What a new record gets; `Some(None)` for nothing.
    pub default: Option<Option<Value>>,
    /// Order among the fields; `Some(None)` for the end.
    pub position: Option<Option<i64>>,
}

/// A field that has passed what can be checked without its table.
pub(super) struct Prepared {
    field: Field,
    referenced_table: Option<String>,
}

impl FieldDraft {
    pub(super) fn prepare(self, id: FieldId, position: Option<i64>) -> Result<Prepared, AppError> {
        let mut field = Field {
            id,
            number: 0,
            key: checked_field_key(self.key)?,
            name: checked_name(&self.name)?,
            kind: self.kind,
            required: self.required,
            unique: self.unique || self.kind == FieldKind::TextUnique,
            default: None,
            position: self.position.or(position),
            referenced_table: None,
        };
        check_unique(&field)?;
        set_default(&mut field, self.default)?;
        if field.kind.points_at_records() != self.referenced_table.is_some() {
            let message = format!("The field {} of type {} {}.", field.key, field.kind.as_str(), {
                match field.kind.points_at_records() {
                    true => "needs a referencedTable",
                    false => "takes no referencedTable",
                }
            });
            return Err(AppError::because(Code::InputInvalid, message));
        }
        Ok(Prepared { field, referenced_table: self.referenced_table })
    }
}

/// Stores a field. Whoever stands on an older view of the table, or of the one it points at, is told so.
pub(super) async fn insert_field(
    tx: &mut Tx,
    tables: &[DataTable],
    table: &DataTable,
    prepared: Prepared,
    now: Timestamp,
) -> Result<(), AppError> {
    let mut field = prepared.field;
    if table.fields.len() >= FIELDS_MAX {
        return Err(Code::FieldLimit.into());
    }
    if let Some(target) = &prepared.referenced_table {
        let target = named(tables, target).ok_or_else(|| {
            AppError::because(
                Code::TableNotFound,
                format!("The field {} refers to no table of this app.", field.key),
            )
        })?;
        field.referenced_table = Some(target.number);
        tx.data_tables().touch(target.number, now).await?;
    }
    named_once(tx.data_tables().insert_field(table.number, &field, now).await)?;
    Ok(tx.data_tables().touch(table.number, now).await?)
}

impl Guildhall {
    /// Adds a field to a table. Records that are there have no value in it, so it cannot be required
    /// unless there are none.
    ///
    /// # Errors
    /// `TableNotFound`, `FieldExists`, `FieldLimit`, `FieldConflict`, `InputInvalid`, `NameInvalid`,
    /// `FieldValueInvalid` (the default), `Busy`, `StoreUnavailable`.
    pub async fn create_field(
        &self,
        app: &AppId,
        table: &str,
        draft: FieldDraft,
        actor: Actor,
    ) -> Result<DataTable, AppError> {
        let (subject, required) = (format!("{table}.{}", draft.key), draft.required);
        let detail = json!({ "type": draft.kind.as_str() });
        let prepared = draft.prepare(FieldId::new(self.chance().entropy()), None)?;
        let (app_id, name, now) = (app.clone(), table.to_owned(), self.now());
        self.define(app, actor, "field.create", subject, detail, move |tx| {
            Box::pin(async move {
                let (tables, table) = find(tx, &app_id, &name).await?;
                if required && tx.data_tables().record_counts(table.number).await? != (0, 0) {
                    let message = "Records that are there would lack this required field: add it without `required`, \
                                   fill it, then require it.";
                    return Err(AppError::because(Code::FieldConflict, message));
                }
                let mut prepared = prepared;
                let last = table.fields.iter().filter_map(|field| field.position).max();
                prepared.field.position =
                    prepared.field.position.or(Some(last.map_or(0, |last| last.saturating_add(1))));
                insert_field(tx, &tables, &table, prepared, now).await?;
                Ok(find(tx, &app_id, &name).await?.1)
            })
        })
        .await
    }

    /// Changes a field. What is stored must fit: nothing missing if it is to be required, nothing twice
    /// if it is to be unique, nothing too long if it is to be shorter.
    ///
    /// # Errors
    /// `TableNotFound`, `FieldNotFound`, `FieldExists`, `FieldConflict`, `InputInvalid`, `NameInvalid`,
    /// `FieldValueInvalid` (the default), `Busy`, `StoreUnavailable`.
    pub async fn update_field(
        &self,
        app: &AppId,
        table: &str,
        field: &str,
        change: FieldChange,
        actor: Actor,
    ) -> Result<DataTable, AppError> {
        let (app_id, name, key, now) = (app.clone(), table.to_owned(), field.to_owned(), self.now());
        let subject = format!("{table}.{field}");
        self.define(app, actor, "field.update", subject, json!({}), move |tx| {
            Box::pin(async move {
                let (_, table) = find(tx, &app_id, &name).await?;
                let old = table.field(&key).ok_or(Code::FieldNotFound)?;
                let new = change.apply(old)?;
                check_stored(tx, table.number, old, &new).await?;
                let updated = tx.data_tables().update_field(table.number, old, &new).await;
                if let Err(StoreError::Conflict(Constraint::RecordField(_))) = updated {
                    let message = format!("Records share a value of {}, so it cannot be unique.", new.key);
                    return Err(AppError::because(Code::FieldConflict, message));
                }
                named_once(updated)?;
                tx.data_tables().touch(table.number, now).await?;
                Ok(find(tx, &app_id, &name).await?.1)
            })
        })
        .await
    }

    /// Removes a field with its values from all records of both environments. `confirmation` must be its
    /// key if there are records; the error tells what would go.
    ///
    /// # Errors
    /// `TableNotFound`, `FieldNotFound`, `ConfirmationMissing`, `Busy`, `StoreUnavailable`.
    pub async fn delete_field(
        &self,
        app: &AppId,
        table: &str,
        field: &str,
        confirmation: Option<String>,
        actor: Actor,
    ) -> Result<DataTable, AppError> {
        let (app_id, name, key, now) = (app.clone(), table.to_owned(), field.to_owned(), self.now());
        let subject = format!("{table}.{field}");
        self.define(app, actor, "field.delete", subject, json!({}), move |tx| {
            Box::pin(async move {
                let (_, table) = find(tx, &app_id, &name).await?;
                let field = table.field(&key).ok_or(Code::FieldNotFound)?;
                let (live, sandbox) = tx.data_tables().record_counts(table.number).await?;
                if (live, sandbox) != (0, 0) && confirmation.as_deref() != Some(&key) {
                    let message = format!(
                        "This deletes what {live} live records and {sandbox} sandbox records have in the field \
                         {key}. Confirm it with the field's key."
                    );
                    return Err(AppError::because(Code::ConfirmationMissing, message));
                }
                tx.data_tables().delete_field(table.number, field).await?;
                tx.data_tables().touch(table.number, now).await?;
                if let Some(target) = field.referenced_table {
                    tx.data_tables().touch(target, now).await?;
                }
                Ok(find(tx, &app_id, &name).await?.1)
            })
        })
        .await
    }
}

impl FieldChange {
    fn apply(self, old: &Field) -> Result<Field, AppError> {
        let mut new = old.clone();
        new.key = self.key.map_or(Ok(new.key), checked_field_key)?;
        new.name = self.name.map_or(Ok(new.name), |name| checked_name(&name))?;
        new.required = self.required.unwrap_or(new.required);
        new.position = self.position.unwrap_or(new.position);
        if let Some(kind) = self.kind {
            if !old.kind.can_become(kind) {
                let message = format!(
                    "A {} cannot become a {}: add another field, copy the values and remove this one.",
                    old.kind.as_str(),
                    kind.as_str()
                );
                return Err(AppError::because(Code::FieldConflict, message));
            }
            // What was unique because of its kind is so no longer.
            new.unique &= old.kind != FieldKind::TextUnique && kind.can_be_unique();
            new.kind = kind;
        }
        new.unique = self.unique.unwrap_or(new.unique) || new.kind == FieldKind::TextUnique;
        check_unique(&new)?;
        if let Some(default) = self.default {
            set_default(&mut new, default)?;
        }
        Ok(new)
    }
}

/// Whether what is stored fits a changed field.
async fn check_stored(tx: &mut Tx, table: i64, old: &Field, new: &Field) -> Result<(), AppError> {
    if new.required && !old.required && tx.data_tables().has_gaps(table, old).await? {
        let message = format!("Some records have no value in {}, so it cannot be required.", new.key);
        return Err(AppError::because(Code::FieldConflict, message));
    }
    let narrower = new.kind != old.kind && new.kind != FieldKind::Text;
    if narrower && tx.data_tables().has_longer(table, old, FILTERABLE_CHARS_MAX as i64).await? {
        let message = format!("Some values of {} have more than {FILTERABLE_CHARS_MAX} characters.", new.key);
        return Err(AppError::because(Code::FieldConflict, message));
    }
    Ok(())
}

fn set_default(field: &mut Field, default: Option<Value>) -> Result<(), AppError> {
    field.default = match default.filter(|value| !value.is_null()) {
        None => None,
        Some(_) if field.kind.is_relation() || field.unique => {
            let message = format!("The field {} can have no default value.", field.key);
            return Err(AppError::because(Code::InputInvalid, message));
        }
        Some(value) => Some(parse_value(field, &value)?),
    };
    Ok(())
}

fn check_unique(field: &Field) -> Result<(), AppError> {
    if !field.unique || field.kind.can_be_unique() {
        return Ok(());
    }
    let message = format!("A field of type {} cannot be unique.", field.kind.as_str());
    Err(AppError::because(Code::InputInvalid, message))
}

fn checked_field_key(key: String) -> Result<String, AppError> {
    if is_field_key(&key) {
        return Ok(key);
    }
    let message = "A field's key is a letter, then letters, digits, `_` and `-`, at most 64, and none of the names \
                   that records have: id, createdAt, updatedAt, internalOrder, createdByMemberId, AND, OR, NOT.";
    Err(AppError::because(Code::InputInvalid, message))
}
