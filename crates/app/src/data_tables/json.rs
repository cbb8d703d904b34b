//! Definitions as JSON: what the management API's bodies and the files of `guildhall table` hold.

use super::{FieldDraft, TableDraft};
use crate::error::AppError;
use crate::fields::{Fields, wrong};
use guildhall_domain::Code;
use guildhall_domain::data_table::{AccessRule, AccessRules, FieldKind};
use serde_json::{Map, Value};

impl TableDraft {
    /// `{key, name, createRule?, readRule?, updateRule?, deleteRule?, fields?}`; rules are closed unless
    /// they say otherwise.
    ///
    /// # Errors
    /// `BodyInvalid`.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, AppError> {
        let mut fields = Fields::new(object);
        let closed = AccessRules::default();
        let drafts = fields.array("fields")?.unwrap_or_default().into_iter().map(|item| match item {
            Value::Object(object) => FieldDraft::from_json(object),
            _ => Err(wrong("fields", "an array of objects")),
        });
        Ok(Self {
            fields: drafts.collect::<Result<_, _>>()?,
            key: fields.required_text("key")?,
            name: fields.required_text("name")?,
            rules: AccessRules {
                create: access_rule(&mut fields, "createRule")?.unwrap_or(closed.create),
                read: access_rule(&mut fields, "readRule")?.unwrap_or(closed.read),
                update: access_rule(&mut fields, "updateRule")?.unwrap_or(closed.update),
                delete: access_rule(&mut fields, "deleteRule")?.unwrap_or(closed.delete),
            },
        })
    }
}

impl FieldDraft {
    /// `{key, name?, type, required?, unique?, defaultValue?, tableOrder?, referencedTable?}`
    ///
    /// # Errors
    /// `BodyInvalid`.
    pub fn from_json(object: Map<String, Value>) -> Result<Self, AppError> {
        let mut fields = Fields::new(object);
        let key = fields.required_text("key")?;
        Ok(Self {
            name: fields.text("name")?.unwrap_or_else(|| key.clone()),
            key,
            kind: field_kind(&fields.required_text("type")?)?,
            required: fields.bool("required")?.unwrap_or(false),
            unique: fields.bool("unique")?.unwrap_or(false),
            default: fields.take("defaultValue"),
            position: fields.int("tableOrder")?,
            referenced_table: fields.text("referencedTable")?,
        })
    }
}

/// A rule under this name, if there is one.
///
/// # Errors
/// `BodyInvalid`.
pub fn access_rule(fields: &mut Fields, name: &str) -> Result<Option<AccessRule>, AppError> {
    let given = fields.text(name)?;
    given.map(|text| text.parse().map_err(|_| wrong(name, "an access rule"))).transpose()
}

/// A kind of field by the vendor's name.
///
/// # Errors
/// `BodyInvalid`.
pub fn field_kind(text: &str) -> Result<FieldKind, AppError> {
    text.parse().map_err(|reason: String| AppError::because(Code::BodyInvalid, reason))
}
