//! An operator: a person with a session in the dashboard, and what their role lets them do in an app.
//!
//! As for keys, an [`Access`] is the only way to an environment, and [`OperatorAccess::allow`] the only
//! way for an operator to one. The role is read at every request: what was taken from somebody is gone
//! at the next.

use super::caller::Who;
use super::{Access, CommandLineAccess};
use crate::definitions::Definitions;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::idempotency::Holder;
use guildhall_domain::app::Environment;
use guildhall_domain::audit::Actor;
use guildhall_domain::ids::{AppId, OperatorId, OperatorSessionId};
use guildhall_domain::operator::Role;
use guildhall_domain::scope::Action;
use guildhall_domain::text::is_id;
use guildhall_domain::{Code, Mode};
use guildhall_store::Operator;
use std::sync::Arc;

/// A person who is signed in.
#[derive(Clone)]
pub struct SignedOperator(Arc<Parts>);

struct Parts {
    operator: Operator,
    session: OperatorSessionId,
    form_mark: String,
    request: String,
}

impl SignedOperator {
    pub(crate) fn new(
        operator: Operator,
        session: OperatorSessionId,
        form_mark: String,
        request: &str,
    ) -> Self {
        Self(Arc::new(Parts { operator, session, form_mark, request: request.to_owned() }))
    }

    /// Who it is.
    pub fn operator(&self) -> &Operator {
        &self.0.operator
    }

    /// The operator's id.
    pub fn id(&self) -> &OperatorId {
        &self.0.operator.id
    }

    /// The session that the request came with.
    pub fn session(&self) -> &OperatorSessionId {
        &self.0.session
    }

    /// What every form of this session carries, so that no other site can send one in its name. It
    /// follows from the session's token and tells nothing about it.
    pub fn form_mark(&self) -> &str {
        &self.0.form_mark
    }

    /// For audit entries.
    pub fn actor(&self) -> Actor {
        Actor::Operator(self.id().clone())
    }

    pub(crate) fn request(&self) -> Option<String> {
        Some(self.0.request.clone()).filter(|request| !request.is_empty())
    }

    /// Asks for what belongs to the server itself.
    ///
    /// # Errors
    /// `RoleMissing` unless the operator owns the server.
    pub fn own_server(&self) -> Result<Actor, AppError> {
        if self.0.operator.server_owner { Ok(self.actor()) } else { Err(Code::RoleMissing.into()) }
    }
}

/// An operator in one environment of an app in which they have a role.
#[derive(Clone)]
pub struct OperatorAccess {
    who: SignedOperator,
    role: Role,
    definitions: Arc<Definitions>,
    environment: Environment,
}

impl OperatorAccess {
    /// Who it is.
    pub fn who(&self) -> &SignedOperator {
        &self.who
    }

    /// Their role in the app.
    pub fn role(&self) -> Role {
        self.role
    }

    /// What is defined in the app. Whoever has a role may see that.
    pub fn definitions(&self) -> &Arc<Definitions> {
        &self.definitions
    }

    /// Live or sandbox.
    pub fn mode(&self) -> Mode {
        self.environment.mode
    }

    /// Whose forms these are, so that each is carried out once: the session's.
    pub fn holder(&self) -> Holder {
        Holder::new(self.environment.id, self.who.session().as_str())
    }

    /// Asks to do something. The only way to the environment.
    ///
    /// # Errors
    /// `RoleMissing` if the role does not allow it.
    pub fn allow(&self, action: Action) -> Result<Access<'_>, AppError> {
        if !self.role.allows(action) {
            return Err(Code::RoleMissing.into());
        }
        Ok(Access::of(Who::Operator(&self.who), &self.definitions, self.environment))
    }

    /// Asks to do something to the app itself: which app it is, and on whose behalf.
    ///
    /// # Errors
    /// `RoleMissing` if the role is weaker than the one needed.
    pub fn manage(&self, needs: Role) -> Result<(&AppId, Actor), AppError> {
        if self.role < needs {
            return Err(Code::RoleMissing.into());
        }
        Ok((&self.definitions.app.id, self.who.actor()))
    }

    /// The same as something that a long piece of work can hold on to.
    ///
    /// # Errors
    /// `RoleMissing`.
    pub fn lasting(&self, action: Action) -> Result<LastingAccess, AppError> {
        self.allow(action)?;
        Ok(LastingAccess(Lasting::Operator(self.clone())))
    }
}

/// Leave to act in an environment for as long as a piece of work takes, such as an import.
pub struct LastingAccess(Lasting);

enum Lasting {
    CommandLine(CommandLineAccess),
    Operator(OperatorAccess),
}

impl LastingAccess {
    /// The access that use cases take.
    pub fn access(&self) -> Access<'_> {
        match &self.0 {
            Lasting::CommandLine(place) => place.access(),
            Lasting::Operator(place) => {
                Access::of(Who::Operator(&place.who), &place.definitions, place.environment)
            }
        }
    }
}

impl From<CommandLineAccess> for LastingAccess {
    fn from(place: CommandLineAccess) -> Self {
        Self(Lasting::CommandLine(place))
    }
}

impl Guildhall {
    /// An operator's place in an environment of an app. An app in which they have no role is not there
    /// for them.
    ///
    /// # Errors
    /// `AppNotFound`, `StoreUnavailable`.
    pub async fn operator_access(
        &self,
        who: &SignedOperator,
        app: &str,
        mode: Mode,
    ) -> Result<OperatorAccess, AppError> {
        if !is_id(app) {
            return Err(Code::AppNotFound.into());
        }
        let app = AppId::from_text(app);
        let role = match who.operator().server_owner {
            true => Role::Owner,
            false => self.role_in(who.id(), &app).await?.ok_or(Code::AppNotFound)?,
        };
        let (definitions, environment) = self.place_of(app, mode).await?;
        Ok(OperatorAccess { who: who.clone(), role, definitions, environment })
    }

    async fn role_in(&self, operator: &OperatorId, app: &AppId) -> Result<Option<Role>, AppError> {
        let (operator, app) = (operator.clone(), app.clone());
        let found = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move { Ok(tx.operators().role(&operator, &app).await?) })
        });
        found.await
    }

    /// An app's definitions, from memory while they stand, and one of its environments.
    pub(super) async fn place_of(
        &self,
        app: AppId,
        mode: Mode,
    ) -> Result<(Arc<Definitions>, Environment), AppError> {
        let version = self.store().authority_version().await?;
        let wanted = |environments: &[Environment]| {
            environments.iter().find(|environment| environment.mode == mode).copied()
        };
        if let Some((definitions, environments)) = self.identities().recall_place(version, &app) {
            return Ok((definitions, wanted(&environments).ok_or(Code::AppNotFound)?));
        }
        let found = self.store().scan::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                let definitions = Definitions::load(tx, &app).await?;
                let environments = tx.environments().of_app(&app).await?;
                Ok((definitions, environments))
            })
        });
        let (definitions, environments) = self.identities().remember_place(version, found.await?);
        Ok((definitions, wanted(&environments).ok_or(Code::AppNotFound)?))
    }
}
