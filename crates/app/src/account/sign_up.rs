//! Signing up, with a password or with a mailed code.

use super::SignIn;
use super::session::after_sign_up;
use super::tries::Guess;
use crate::auth::Visitor;
use crate::definitions::Definitions;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::members::{Draft, checked_email};
use crate::passwords::Password;
use guildhall_domain::Code;
use guildhall_domain::ids::PlanId;
use guildhall_domain::one_time::Purpose;
use guildhall_domain::session::SignInMethod;
use serde_json::{Map, Value};

/// What somebody says about the member it wants to be.
pub struct SignUp {
    /// The address.
    pub email: String,
    /// How the address or the account is proved.
    pub proof: SignUpProof,
    /// Ids of plans. Those that cost money are left out, as the vendor does: they are bought later.
    pub plans: Vec<String>,
    /// Values of custom fields; what is not defined or not a member's to write is left out.
    pub custom_fields: Map<String, Value>,
    /// Free-form pairs.
    pub meta_data: Map<String, Value>,
}

/// How a new member signs in.
pub enum SignUpProof {
    /// It chooses a password.
    Password(Password),
    /// It has the code that was mailed to its address; so the address is known to be its own.
    Code(String),
}

impl Guildhall {
    /// Makes a member of a visitor, and signs it in.
    ///
    /// # Errors
    /// As `create_member`; also `PlanRestricted`, `LoginCodeInvalid`, `RateLimited`.
    pub async fn sign_up(&self, visitor: &Visitor, sign_up: SignUp) -> Result<SignIn, AppError> {
        let definitions = visitor.definitions();
        let mut draft = Draft {
            email: Some(sign_up.email),
            plans: wanted_plans(definitions, sign_up.plans)?,
            custom_fields: writable_fields(definitions, sign_up.custom_fields),
            meta_data: sign_up.meta_data,
            ..Draft::default()
        };
        match sign_up.proof {
            SignUpProof::Password(password) => {
                draft.password = Some(password);
                self.store_sign_up(visitor, draft).await
            }
            SignUpProof::Code(code) => self.store_sign_up_by_code(visitor, draft, code).await,
        }
    }

    async fn store_sign_up(&self, visitor: &Visitor, draft: Draft) -> Result<SignIn, AppError> {
        let prepared = self.prepare_member(&visitor.access(), draft).await?;
        let (beginning, now) = (self.beginning(visitor, SignInMethod::Password), self.now());
        let begun = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let member = prepared.store(tx).await?;
                tx.accounts().note_sign_in(member.key, None, now).await?;
                beginning.store(tx, member).await
            })
        });
        self.signed_in(visitor, begun.await?, after_sign_up).await
    }

    async fn store_sign_up_by_code(
        &self,
        visitor: &Visitor,
        mut draft: Draft,
        code: String,
    ) -> Result<SignIn, AppError> {
        let email = checked_email(draft.email.as_deref().unwrap_or_default())?;
        draft.verified = true;
        let prepared = self.prepare_member(&visitor.access(), draft).await?;
        let tries = self.guess(visitor, Guess::SignUpCode, email.normal());
        let (beginning, now) = (self.beginning(visitor, SignInMethod::EmailCode), self.now());
        let environment = visitor.environment();
        // A wrong guess is counted, so its unit of work must not fail.
        let begun = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                tries.count(tx, now).await?;
                if !super::codes::take(tx, environment, Purpose::SignUp, email.normal(), &code, now).await? {
                    return Ok(None);
                }
                tries.forgive(tx, now).await?;
                let member = prepared.store(tx).await?;
                tx.accounts().note_sign_in(member.key, None, now).await?;
                beginning.store(tx, member).await.map(Some)
            })
        });
        let begun = begun.await?.ok_or(Code::LoginCodeInvalid)?;
        self.signed_in(visitor, begun, after_sign_up).await
    }
}

/// The plans of a sign-up that a member may give itself.
fn wanted_plans(definitions: &Definitions, ids: Vec<String>) -> Result<Vec<String>, AppError> {
    let mut wanted = Vec::new();
    for id in ids {
        let plan = definitions.plan(&PlanId::from_text(id.as_str())).ok_or(Code::PlanNotFound)?;
        if !plan.is_free() {
            continue;
        }
        if plan.restrict_to_admin {
            return Err(Code::PlanRestricted.into());
        }
        wanted.push(id);
    }
    Ok(wanted)
}

/// What of custom fields is a member's to write.
pub(super) fn writable_fields(
    definitions: &Definitions,
    mut given: Map<String, Value>,
) -> Map<String, Value> {
    given.retain(|key, _| {
        definitions.custom_fields.iter().any(|field| field.key == *key && !field.restrict_to_admin)
    });
    given
}
