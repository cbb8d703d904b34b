//! What a member sees and changes of its own.

use super::sign_up::writable_fields;
use super::{Account, redirect_of_plans};
use crate::auth::Visitor;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::members::Change;
use guildhall_domain::Code;
use guildhall_domain::ids::PlanId;
use guildhall_domain::json::JsonObject;
use serde_json::{Map, Value};

impl Guildhall {
    /// The visitor's own account.
    ///
    /// # Errors
    /// `LoginRequired`, `TokenInvalid`, `StoreUnavailable`.
    pub async fn own_account(&self, visitor: &Visitor) -> Result<Account, AppError> {
        let (who, environment) = (visitor.member()?.clone(), visitor.environment());
        let found = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let sequence = who.key.sequence();
                match tx.members().find_by_key(environment, sequence, who.id.as_str()).await? {
                    Some(member) => Account::of(tx, member).await,
                    None => Err(Code::TokenInvalid.into()),
                }
            })
        });
        found.await
    }

    /// As [`Guildhall::own_account`]; nothing for who is no member, whatever token it brought.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn account_of(&self, visitor: &Visitor) -> Result<Option<Account>, AppError> {
        match self.own_account(visitor).await {
            Ok(account) => Ok(Some(account)),
            Err(error) if matches!(error.code, Code::LoginRequired | Code::TokenInvalid) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Lays values over the visitor's custom fields. Those that are not defined, or not a member's to
    /// write, are left out silently, as the vendor does.
    ///
    /// # Errors
    /// `LoginRequired`, `TokenInvalid`, `BodyInvalid`, `Busy`, `StoreUnavailable`.
    pub async fn update_own_fields(
        &self,
        visitor: &Visitor,
        fields: Map<String, Value>,
    ) -> Result<Account, AppError> {
        let fields = writable_fields(visitor.definitions(), fields);
        let custom_fields = (!fields.is_empty()).then_some(fields);
        self.change_own(visitor, Change { custom_fields, ..Change::default() }).await?;
        self.own_account(visitor).await
    }

    /// The visitor's JSON.
    ///
    /// # Errors
    /// `LoginRequired`, `TokenInvalid`, `StoreUnavailable`.
    pub async fn own_json(&self, visitor: &Visitor) -> Result<JsonObject, AppError> {
        Ok(self.own_account(visitor).await?.member.json)
    }

    /// Replaces the visitor's JSON, and returns it as stored.
    ///
    /// # Errors
    /// `LoginRequired`, `TokenInvalid`, `BodyTooLarge`, `Busy`, `StoreUnavailable`.
    pub async fn replace_own_json(
        &self,
        visitor: &Visitor,
        json: Map<String, Value>,
    ) -> Result<JsonObject, AppError> {
        self.change_own(visitor, Change { json: Some(json), ..Change::default() }).await?;
        self.own_json(visitor).await
    }

    async fn change_own(&self, visitor: &Visitor, change: Change) -> Result<(), AppError> {
        let id = visitor.member()?.id.clone();
        let changed = self.update_member(&visitor.access(), id.as_str(), change).await;
        changed.map(|_| ()).map_err(gone_is_signed_out)
    }

    /// Gives the visitor a free plan, and says where it sends new holders; empty for nowhere.
    ///
    /// # Errors
    /// `LoginRequired`, `TokenInvalid`, `PlanRestricted`, and as `add_plan`.
    pub async fn add_own_plan(&self, visitor: &Visitor, plan: &str) -> Result<(Account, String), AppError> {
        let id = visitor.member()?.id.clone();
        let known = visitor.definitions().plan(&PlanId::from_text(plan));
        // A plan that costs money is refused for that, also if it is restricted as well.
        if known.is_some_and(|plan| plan.is_free() && plan.restrict_to_admin) {
            return Err(Code::PlanRestricted.into());
        }
        self.add_plan(&visitor.access(), id.as_str(), plan).await.map_err(gone_is_signed_out)?;
        let account = self.own_account(visitor).await?;
        let added = account
            .member
            .contracts
            .iter()
            .filter(|contract| contract.plan.as_ref().is_some_and(|held| held.as_str() == plan));
        let added: Vec<_> = added.cloned().collect();
        let redirect = redirect_of_plans(visitor.definitions(), &added, "afterSignup");
        Ok((account, redirect.unwrap_or_default()))
    }

    /// Takes a free plan from the visitor.
    ///
    /// # Errors
    /// `LoginRequired`, `TokenInvalid`, and as `remove_plan`.
    pub async fn remove_own_plan(&self, visitor: &Visitor, plan: &str) -> Result<Account, AppError> {
        let id = visitor.member()?.id.clone();
        self.remove_plan(&visitor.access(), id.as_str(), plan).await.map_err(gone_is_signed_out)?;
        self.own_account(visitor).await
    }

    /// Deletes the visitor's own member, and with it its sessions. Returns its id.
    ///
    /// # Errors
    /// `LoginRequired`, `TokenInvalid`, `SelfDeleteOff`, `Busy`, `StoreUnavailable`.
    pub async fn delete_own(&self, visitor: &Visitor) -> Result<String, AppError> {
        let id = visitor.member()?.id.clone();
        if !visitor.definitions().app.member_self_delete {
            return Err(Code::SelfDeleteOff.into());
        }
        self.delete_member(&visitor.access(), id.as_str()).await.map_err(gone_is_signed_out)?;
        Ok(id.as_str().to_owned())
    }
}

/// A member that is gone takes its sessions along: what its token opened is closed.
fn gone_is_signed_out(error: AppError) -> AppError {
    if error.code == Code::MemberNotFound { Code::TokenInvalid.into() } else { error }
}
