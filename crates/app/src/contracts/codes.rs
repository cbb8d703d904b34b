//! Discount codes of an app: what customers type, and what it takes off.

use super::change::check_discount;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use guildhall_domain::Code;
use guildhall_domain::audit::Actor;
use guildhall_domain::ids::AppId;
pub use guildhall_store::DiscountCode;
use serde_json::json;

/// The longest code, in characters.
const CODE_CHARS_MAX: usize = 64;

impl Guildhall {
    /// An app's codes, by code.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn discount_codes(&self, app: &AppId) -> Result<Vec<DiscountCode>, AppError> {
        let app = app.clone();
        let listed = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.discount_codes().list(&app).await?) })
        });
        listed.await
    }

    /// Makes a code, or changes what it takes off from now on.
    ///
    /// # Errors
    /// `InputInvalid`, `AppNotFound`, `Busy`, `StoreUnavailable`.
    pub async fn put_discount_code(
        &self,
        app: &AppId,
        code: DiscountCode,
        actor: Actor,
    ) -> Result<DiscountCode, AppError> {
        check_discount(code.value)?;
        let plain = !code.code.is_empty() && code.code.chars().all(|c| c.is_ascii_graphic());
        if !plain || code.code.len() > CODE_CHARS_MAX {
            let message = "A code has 1 to 64 visible ASCII characters.";
            return Err(AppError::because(Code::InputInvalid, message));
        }
        let (app_id, now) = (app.clone(), self.now());
        let detail = json!({ "code": code.code });
        self.define(app, actor, "discount-code.put", code.code.clone(), detail, move |tx| {
            Box::pin(async move {
                tx.discount_codes().put(&app_id, &code, now).await?;
                Ok(code)
            })
        })
        .await
    }

    /// Deletes a code. Contracts that have it keep what it takes off.
    ///
    /// # Errors
    /// `DiscountCodeUnknown`, `AppNotFound`, `Busy`, `StoreUnavailable`.
    pub async fn delete_discount_code(&self, app: &AppId, code: &str, actor: Actor) -> Result<(), AppError> {
        // What can be no code never reaches a statement: PostgreSQL refuses some texts outright.
        if code.contains('\0') {
            return Err(Code::DiscountCodeUnknown.into());
        }
        let (app_id, code) = (app.clone(), code.to_owned());
        let subject = code.clone();
        self.define(app, actor, "discount-code.delete", subject, json!({}), move |tx| {
            Box::pin(async move {
                match tx.discount_codes().delete(&app_id, &code).await? {
                    true => Ok(()),
                    false => Err(Code::DiscountCodeUnknown.into()),
                }
            })
        })
        .await
    }
}
