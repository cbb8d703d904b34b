//! Custom fields: which extra facts an app keeps about its members.

use crate::apps::checked_name;
use crate::error::{AppError, or_conflict};
use crate::guildhall::Guildhall;
use guildhall_domain::audit::Actor;
use guildhall_domain::custom_field::{CUSTOM_FIELDS_MAX, CustomField, Visibility};
use guildhall_domain::ids::{AppId, CustomFieldId};
use guildhall_domain::{Code, text};
use guildhall_store::Constraint;
use serde_json::json;

/// What a field is to be, or everything about it that may change.
pub struct FieldDraft {
    /// The key in `customFields`.
    pub key: String,
    /// What people see.
    pub label: String,
    /// Whether forms leave it out.
    pub hidden: bool,
    /// Who sees it.
    pub visibility: Visibility,
    /// Whether members themselves cannot write it.
    pub restrict_to_admin: bool,
    /// Order among the fields; lower first.
    pub position: Option<i64>,
}

impl Guildhall {
    /// Defines a field.
    ///
    /// # Errors
    /// `AppNotFound`, `InputInvalid` (key), `NameInvalid` (label), `CustomFieldExists`,
    /// `CustomFieldLimit`, `Busy`, `StoreUnavailable`.
    pub async fn create_custom_field(
        &self,
        app: &AppId,
        draft: FieldDraft,
        actor: Actor,
    ) -> Result<CustomField, AppError> {
        let field = self.prepare_field(draft)?;
        let (app_id, now) = (app.clone(), self.now());
        let detail = json!({ "label": field.label });
        self.define(app, actor, "custom-field.create", field.key.clone(), detail, move |tx| {
            Box::pin(async move {
                if tx.custom_fields().list(&app_id).await?.len() as i64 >= CUSTOM_FIELDS_MAX {
                    return Err(Code::CustomFieldLimit.into());
                }
                let inserted = tx.custom_fields().insert(&app_id, &field, now).await;
                or_conflict(inserted, &[(Constraint::CustomFieldKey, Code::CustomFieldExists)])?;
                Ok(field)
            })
        })
        .await
    }

    /// Changes everything of a field but its key.
    ///
    /// # Errors
    /// `CustomFieldNotFound`, `NameInvalid`, `Busy`, `StoreUnavailable`.
    pub async fn update_custom_field(
        &self,
        app: &AppId,
        draft: FieldDraft,
        actor: Actor,
    ) -> Result<CustomField, AppError> {
        let mut field = self.prepare_field(draft)?;
        let app_id = app.clone();
        self.define(app, actor, "custom-field.update", field.key.clone(), json!({}), move |tx| {
            Box::pin(async move {
                let known = tx.custom_fields().list(&app_id).await?;
                let known = known.into_iter().find(|known| known.key == field.key);
                field.id = known.ok_or(Code::CustomFieldNotFound)?.id;
                tx.custom_fields().update(&app_id, &field).await?;
                Ok(field)
            })
        })
        .await
    }

    /// Deletes a field's definition. Values that members have stay stored and are shown again if
    /// the field is defined anew.
    ///
    /// # Errors
    /// `CustomFieldNotFound`, `Busy`, `StoreUnavailable`.
    pub async fn delete_custom_field(&self, app: &AppId, key: &str, actor: Actor) -> Result<(), AppError> {
        let (app_id, key) = (app.clone(), key.to_owned());
        self.define(app, actor, "custom-field.delete", key.clone(), json!({}), move |tx| {
            Box::pin(async move {
                // What can be no key never reaches a statement: PostgreSQL refuses some texts outright.
                let deleted = text::is_key(&key) && tx.custom_fields().delete(&app_id, &key).await?;
                if deleted { Ok(()) } else { Err(Code::CustomFieldNotFound.into()) }
            })
        })
        .await
    }

    fn prepare_field(&self, draft: FieldDraft) -> Result<CustomField, AppError> {
        if !text::is_key(&draft.key) {
            let message =
                "A key has 1 to 64 lower-case letters, digits, `-` or `_`, and starts with a letter.";
            return Err(AppError::because(Code::InputInvalid, message));
        }
        Ok(CustomField {
            id: CustomFieldId::new(self.chance().entropy()),
            label: checked_name(&draft.label)?,
            key: draft.key,
            hidden: draft.hidden,
            visibility: draft.visibility,
            restrict_to_admin: draft.restrict_to_admin,
            position: draft.position,
        })
    }
}
