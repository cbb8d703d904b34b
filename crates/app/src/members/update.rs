//! Changing a member.

use super::create::payload;
use super::values::{self, Object};
use super::{Member, find_locked};
use crate::auth::Access;
use crate::definitions::Definitions;
use crate::error::{AppError, or_conflict};
use crate::guildhall::Guildhall;
use guildhall_domain::Code;
use guildhall_domain::email::Email;
use guildhall_domain::event::EventKind;
use guildhall_domain::member::{merge, merge_meta_data};
use guildhall_store::Constraint;
use serde_json::json;
use std::sync::Arc;

/// What a caller wants changed; what is `None` stays.
#[derive(Default)]
pub struct Change {
    /// Another address. Sends no mail.
    pub email: Option<String>,
    /// Values laid over the stored ones; keys that are not defined are dropped.
    pub custom_fields: Option<Object>,
    /// Pairs laid over the stored ones; keys whose value is falsy go.
    pub meta_data: Option<Object>,
    /// A document that replaces the stored one.
    pub json: Option<Object>,
    /// Where to go after signing in; `Some(None)` clears it.
    pub login_redirect: Option<Option<String>>,
    /// Whether the address is known to be the member's.
    pub verified: Option<bool>,
    /// Address of a picture; `Some(None)` clears it.
    pub profile_image: Option<Option<String>>,
}

impl Change {
    /// The names of what is to change, for the audit trail: values stay out of it.
    fn names(&self) -> Vec<&'static str> {
        let named = [
            (self.email.is_some(), "email"),
            (self.custom_fields.is_some(), "customFields"),
            (self.meta_data.is_some(), "metaData"),
            (self.json.is_some(), "json"),
            (self.login_redirect.is_some(), "loginRedirect"),
            (self.verified.is_some(), "verified"),
            (self.profile_image.is_some(), "profileImage"),
        ];
        named.into_iter().filter(|(changes, _)| *changes).map(|(_, name)| name).collect()
    }

    /// Lays the change over a member.
    fn apply(self, member: &mut Member, definitions: &Definitions) -> Result<(), AppError> {
        if let Some(new) = self.custom_fields {
            let new = values::custom_fields(new, definitions);
            let merged = merge(values::stored(&member.custom_fields)?, new);
            member.custom_fields = values::stored_custom_fields(&merged)?;
        }
        if let Some(new) = self.meta_data {
            let merged = merge_meta_data(values::stored(&member.meta_data)?, new);
            member.meta_data = values::meta_data(&merged)?;
        }
        if let Some(new) = self.json {
            member.json = values::json(&new)?;
        }
        if let Some(new) = self.login_redirect {
            member.login_redirect = values::redirect(new)?;
        }
        if let Some(new) = self.profile_image {
            member.profile_image = values::image(new)?;
        }
        if let Some(new) = self.verified {
            member.verified = new;
        }
        Ok(())
    }
}

impl Guildhall {
    /// Changes a member and returns it as it then is. Reading, merging and storing are one unit
    /// of work: two changes at once both take effect.
    ///
    /// # Errors
    /// `MemberNotFound`, `EmailInvalid`, `EmailTaken`, `BodyInvalid`, `BodyTooLarge`, `Busy`,
    /// `StoreUnavailable`.
    pub async fn update_member(
        &self,
        access: &Access<'_>,
        id: &str,
        mut change: Change,
    ) -> Result<Member, AppError> {
        let email = change.email.as_deref().map(values::email).transpose()?;
        let names = change.names();
        let detail = json!({ "changed": names });
        change.email = None;
        let (definitions, now) = (Arc::clone(access.definitions()), self.now());
        let (place, codec, recorder) =
            (access.place(), self.store().member_ids().clone(), access.recorder(now));
        let id = id.to_owned();
        let updated = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let mut member = find_locked(tx, &codec, place, &id).await?;
                if names.is_empty() {
                    return Ok(member);
                }
                change.apply(&mut member, &definitions)?;
                tx.members().update(&member, now).await?;
                if let Some(email) = email {
                    change_email(tx, &mut member, &email).await?;
                }
                recorder.audit(tx, "member.update", &id, &detail).await?;
                let payload = payload(&member, &definitions);
                recorder.event(tx, place.id, EventKind::MemberUpdated, &id, &payload).await?;
                Ok(member)
            })
        });
        updated.await
    }
}

/// Gives a member another address. Codes and links that were mailed to the old one end.
pub(crate) async fn change_email(
    tx: &mut guildhall_store::Tx,
    member: &mut Member,
    email: &Email,
) -> Result<(), AppError> {
    let changed = tx.members().update_email(member.key, email).await;
    or_conflict(changed, &[(Constraint::MemberEmail, Code::EmailTaken)])?;
    tx.one_time_codes().delete_of_member(member.key).await?;
    tx.portal_tokens().delete_of_member(member.key).await?;
    member.email = Some(email.as_given().to_owned());
    Ok(())
}
