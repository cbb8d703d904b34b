//! Who runs an app: its operators and their roles.

use super::Operator;
use crate::auth::{OperatorAccess, SignedOperator};
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::record::Recorder;
use guildhall_domain::Code;
use guildhall_domain::ids::{AppId, OperatorId};
use guildhall_domain::operator::Role;
use guildhall_domain::text::is_id;
use serde_json::json;

/// Somebody who runs an app.
#[derive(Clone, Debug)]
pub struct Teammate {
    /// Who it is.
    pub operator: Operator,
    /// The role they were given in this app; nothing for those who are here because they own the server.
    pub role: Option<Role>,
}

impl Guildhall {
    /// The apps that an operator can open: id, name and role, oldest first.
    ///
    /// # Errors
    /// `StoreUnavailable`.
    pub async fn operator_apps(&self, who: &SignedOperator) -> Result<Vec<(AppId, String, Role)>, AppError> {
        let (id, all) = (who.id().clone(), who.operator().server_owner);
        let listed = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                if !all {
                    return Ok(tx.operators().apps(&id).await?);
                }
                let apps = tx.apps().list().await?.into_iter();
                Ok(apps.map(|app| (app.id, app.name, Role::Owner)).collect())
            })
        });
        listed.await
    }

    /// Everyone who runs the app: owners of the server first, then those with a role, oldest first.
    ///
    /// # Errors
    /// `RoleMissing`, `StoreUnavailable`.
    pub async fn team(&self, access: &OperatorAccess) -> Result<Vec<Teammate>, AppError> {
        let (app, _) = access.manage(Role::ReadOnly)?;
        let app = app.clone();
        let listed = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let owners = tx.operators().server_owners().await?.into_iter();
                let mut team: Vec<_> = owners.map(|operator| Teammate { operator, role: None }).collect();
                let with_role = tx.operators().team(&app).await?.into_iter();
                let with_role = with_role.filter(|(operator, _)| !operator.server_owner);
                team.extend(with_role.map(|(operator, role)| Teammate { operator, role: Some(role) }));
                Ok(team)
            })
        });
        listed.await
    }

    /// Gives somebody of the team another role, or takes it away. Nobody changes their own: an app must
    /// not lose its last owner by a slip.
    ///
    /// # Errors
    /// `RoleMissing`, `InputInvalid` for one's own role, `OperatorNotFound`, `Busy`, `StoreUnavailable`.
    pub async fn set_role(
        &self,
        access: &OperatorAccess,
        operator: &str,
        role: Option<Role>,
    ) -> Result<(), AppError> {
        let (app, actor) = access.manage(Role::Owner)?;
        if access.who().id().as_str() == operator {
            return Err(AppError::because(
                Code::InputInvalid,
                "You cannot change your own role; ask another owner.",
            ));
        }
        if !is_id(operator) {
            return Err(Code::OperatorNotFound.into());
        }
        let (app, operator, now) = (app.clone(), OperatorId::from_text(operator), self.now());
        let recorder =
            Recorder { request: access.who().request(), ..Recorder::of(actor, Some(app.clone()), now) };
        let set = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                if tx.operators().role(&operator, &app).await?.is_none() {
                    return Err(Code::OperatorNotFound.into());
                }
                match role {
                    Some(role) => tx.operators().put_role(&operator, &app, role, now).await?,
                    None => drop(tx.operators().delete_role(&operator, &app).await?),
                }
                let detail = json!({ "role": role.map(Role::as_str) });
                recorder.audit(tx, "operator.role.set", operator.as_str(), &detail).await
            })
        });
        set.await
    }
}
