//! Operators: people who run the installation, the one-time links that let them in, their sessions and
//! their roles.

mod invite;
mod link;
mod session;
mod sign_in;
mod team;

pub use guildhall_store::{Operator, OperatorSession};
pub use invite::{Invitation, Invited};
pub use link::{LinkHolder, OperatorLink};
pub use session::BegunSession;
pub use team::Teammate;

use crate::apps::checked_name;
use crate::error::{AppError, or_conflict};
use crate::guildhall::Guildhall;
use crate::passwords::{Password, PasswordHash, PasswordPlace};
use crate::record::Recorder;
use guildhall_domain::audit::Actor;
use guildhall_domain::email::Email;
use guildhall_domain::ids::{AppId, OperatorId};
use guildhall_domain::operator::{OPERATOR_PASSWORD_CHARS_MIN, Role};
use guildhall_domain::{Code, Timestamp};
use guildhall_store::{Constraint, Tx};
use serde_json::json;
use std::net::IpAddr;

/// Where a request to sign in came from.
#[derive(Clone, Copy)]
pub struct Origin<'a> {
    /// The client's address.
    pub address: IpAddr,
    /// What the browser calls itself.
    pub user_agent: Option<&'a str>,
    /// The id of the request.
    pub request: &'a str,
}

/// What a new operator may run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The server with all its apps.
    Server,
    /// One app, in a role.
    App(AppId, Role),
}

impl Guildhall {
    /// Creates an operator, with a link to set the password.
    ///
    /// # Errors
    /// `EmailInvalid`, `NameInvalid`, `OperatorExists`, `AppNotFound`, `Busy`, `StoreUnavailable`.
    pub async fn create_operator(
        &self,
        email: &str,
        name: &str,
        reach: Reach,
        actor: Actor,
    ) -> Result<(Operator, OperatorLink), AppError> {
        let email = Email::parse(email).ok_or(Code::EmailInvalid)?;
        let operator = self.new_operator(&email, name, reach == Reach::Server)?;
        let now = self.now();
        let (recorder, stored) = (Recorder::of(actor.clone(), None, now), operator.clone());
        let created = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                insert(tx, &stored, &email, now).await?;
                if let Reach::App(app, role) = reach {
                    tx.apps().find(&app).await?.ok_or(Code::AppNotFound)?;
                    tx.operators().put_role(&stored.id, &app, role, now).await?;
                }
                recorder.audit(tx, "operator.create", stored.id.as_str(), &json!({})).await
            })
        });
        created.await?;
        let link = self.create_link(Some(operator.id.clone()), actor).await?;
        Ok((operator, link))
    }

    /// A link to set an operator's password anew.
    ///
    /// # Errors
    /// `OperatorNotFound`, `Busy`, `StoreUnavailable`.
    pub async fn reset_operator_password(&self, email: &str, actor: Actor) -> Result<OperatorLink, AppError> {
        let email = Email::parse(email).ok_or(Code::OperatorNotFound)?;
        let found = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.operators().find_by_email(&email).await?) })
        });
        let operator = found.await?.ok_or(Code::OperatorNotFound)?;
        self.create_link(Some(operator.id), actor).await
    }

    fn new_operator(&self, email: &Email, name: &str, server_owner: bool) -> Result<Operator, AppError> {
        Ok(Operator {
            id: OperatorId::new(self.chance().entropy()),
            email: email.as_given().to_owned(),
            name: checked_name(name)?,
            server_owner,
            has_password: false,
        })
    }

    async fn hash_operator_password(&self, password: Password) -> Result<PasswordHash, AppError> {
        if password.chars() < OPERATOR_PASSWORD_CHARS_MIN {
            let message =
                format!("The password must have at least {OPERATOR_PASSWORD_CHARS_MIN} characters.");
            return Err(AppError::because(Code::PasswordTooShort, message));
        }
        Ok(self.operator_password_place()?.hash(password, self.chance().entropy()).await?)
    }

    /// A place in the line of passwords. Operators are of no environment: they have a turn of their own.
    fn operator_password_place(&self) -> Result<PasswordPlace<'_>, AppError> {
        Ok(self.passwords().place(0)?)
    }

    /// 32 fresh bytes as text, for links and sessions.
    fn fresh_token(&self) -> String {
        let mut random = [0; 32];
        self.chance().fill(&mut random);
        random.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

async fn insert(tx: &mut Tx, operator: &Operator, email: &Email, now: Timestamp) -> Result<(), AppError> {
    let inserted = tx.operators().insert(operator, email, now).await;
    or_conflict(inserted, &[(Constraint::OperatorEmail, Code::OperatorExists)])
}
