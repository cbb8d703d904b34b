//! Inviting somebody to run an app.

use super::{Operator, OperatorLink, insert};
use crate::auth::OperatorAccess;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::mail;
use crate::record::Recorder;
use guildhall_domain::Code;
use guildhall_domain::email::Email;
use guildhall_domain::mail::{MailKind, Values};
use guildhall_domain::operator::Role;
use serde_json::json;
use std::sync::Arc;

/// Who is to be invited, and as what.
pub struct Invitation<'a> {
    /// The address to sign in with.
    pub email: &'a str,
    /// What to call them.
    pub name: &'a str,
    /// Their role in the app.
    pub role: Role,
}

/// What became of an invitation.
pub enum Invited {
    /// They can sign in already and see the app from now on.
    Known(Operator),
    /// A mail with a link is on its way to them.
    Mailed(Operator),
    /// There is no mail server: hand them this link.
    Link(Operator, OperatorLink),
}

impl Guildhall {
    /// Invites somebody to run the app: makes the operator if there is none with this address, and gives
    /// them the role.
    ///
    /// The link sets a password, so whoever sees it could be that operator. It is only shown to the one
    /// who invites where the invited has nothing yet but what this app's owner gives.
    ///
    /// # Errors
    /// `RoleMissing`, `EmailInvalid`, `NameInvalid`, `InputInvalid` for oneself, `Busy`, `StoreUnavailable`.
    pub async fn invite_operator(
        &self,
        access: &OperatorAccess,
        invitation: Invitation<'_>,
    ) -> Result<Invited, AppError> {
        let (app, actor) = access.manage(Role::Owner)?;
        let (app, role, now) = (app.clone(), invitation.role, self.now());
        let email = Email::parse(invitation.email).ok_or(Code::EmailInvalid)?;
        let fresh = self.new_operator(&email, invitation.name, false)?;
        let own = access.who().id().clone();
        let recorder = Recorder {
            request: access.who().request(),
            ..Recorder::of(actor.clone(), Some(app.clone()), now)
        };
        let stored = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let found = tx.operators().find_by_email(&email).await?;
                let operator = match found {
                    Some(operator) if operator.id == own => {
                        return Err(AppError::because(Code::InputInvalid, "You run this app already."));
                    }
                    Some(operator) => operator,
                    None => {
                        insert(tx, &fresh, &email, now).await?;
                        recorder.audit(tx, "operator.create", fresh.id.as_str(), &json!({})).await?;
                        fresh
                    }
                };
                let elsewhere = tx.operators().apps(&operator.id).await?.iter().any(|(id, _, _)| *id != app);
                tx.operators().put_role(&operator.id, &app, role, now).await?;
                let detail = json!({ "role": role.as_str() });
                recorder.audit(tx, "operator.invite", operator.id.as_str(), &detail).await?;
                Ok((operator, elsewhere))
            })
        });
        let (operator, elsewhere) = stored.await?;
        if operator.has_password || operator.server_owner {
            return Ok(Invited::Known(operator));
        }
        if self.sends_mail() {
            let link = self.create_link(Some(operator.id.clone()), actor).await?;
            self.mail_invitation(access, &operator, &link).await?;
            return Ok(Invited::Mailed(operator));
        }
        if elsewhere {
            return Ok(Invited::Known(operator));
        }
        let link = self.create_link(Some(operator.id.clone()), actor).await?;
        Ok(Invited::Link(operator, link))
    }

    async fn mail_invitation(
        &self,
        access: &OperatorAccess,
        operator: &Operator,
        link: &OperatorLink,
    ) -> Result<(), AppError> {
        let (definitions, now) = (Arc::clone(access.definitions()), self.now());
        let environment = access.allow(guildhall_domain::scope::Action::ManageWrite)?.environment();
        let (to, link) = (operator.email.clone(), format!("{}{}", self.public_url(), link.path()));
        let written = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let app = &definitions.app;
                let values = Values { app: &app.name, email: &to, link: &link, ..Values::default() };
                mail::write(tx, app, environment, MailKind::OperatorInvitation, &to, values, now).await
            })
        });
        written.await?;
        self.mail_written().notify_one();
        Ok(())
    }
}
