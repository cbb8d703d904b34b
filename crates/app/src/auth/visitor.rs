//! A visitor: somebody on an app's own site, let in by the app's public key or id, and a member if
//! it brought a token that is good.
//!
//! A visitor is no [`Caller`](super::Caller): public keys are known to everyone, so they open only the
//! use cases that say so by taking a `Visitor`.

use super::caller::Who;
use super::identities::Identity;
use super::visitor_limits::{Pace, VisitorCall};
use super::{Access, Presented, RateState, rate_limited};
use crate::definitions::Definitions;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::idempotency::Holder;
use crate::tokens::SignedIn;
use guildhall_domain::app::Environment;
use guildhall_domain::audit::Actor;
use guildhall_domain::ids::{AppId, KeyId};
use guildhall_domain::key::{KeyKind, RateLimit};
use guildhall_domain::session::USER_AGENT_CHARS_MAX;
use guildhall_domain::{Code, EnvironmentId, Mode, Timestamp};
use std::net::IpAddr;
use std::sync::Arc;

/// What a request to the client API brought along.
#[derive(Clone, Copy)]
pub struct Arrived<'a> {
    /// The key, if there was one, and where the request came from.
    pub presented: Presented<'a>,
    /// The app's id, if it was named.
    pub app: Option<&'a str>,
    /// The member's token, if there was one.
    pub token: Option<&'a str>,
    /// What the browser calls itself.
    pub user_agent: Option<&'a str>,
    /// The id of the request.
    pub request: &'a str,
}

/// Whether a visitor is a member.
#[derive(Clone, Debug)]
enum Standing {
    /// It brought no token.
    Stranger,
    /// It brought a token that is not good.
    Doubtful,
    /// It brought one that is.
    Member(SignedIn),
}

/// Somebody on an app's site.
#[derive(Clone)]
pub struct Visitor {
    definitions: Arc<Definitions>,
    environment: Environment,
    key: Option<Arc<Identity>>,
    rate: Option<RateState>,
    standing: Standing,
    address: IpAddr,
    user_agent: Option<String>,
    request: Arc<str>,
}

impl Guildhall {
    /// Finds out which app's site somebody comes from, and whether it is signed in there. What it
    /// comes for is counted against the limits of its address, unless it was before.
    ///
    /// # Errors
    /// `AppNotFound` if neither a public key of ours nor an app was named, or both and they do not
    /// belong together; `RateLimited`; `StoreUnavailable`.
    pub async fn admit_visitor(
        &self,
        arrived: Arrived<'_>,
        counted: Option<VisitorCall>,
    ) -> Result<Visitor, AppError> {
        let mut visitor = match arrived.presented.key {
            Some(_) => self.visitor_by_key(arrived).await?,
            None => self.visitor_by_app(arrived).await?,
        };
        if let Some(call) = counted {
            visitor.rate = self.pace(&visitor, arrived.presented.address, call).await?;
        }
        if let Some(token) = arrived.token {
            let app = visitor.definitions.app.id.clone();
            let good = self.judge_token(&app, visitor.environment, token).await?;
            visitor.standing = good.map_or(Standing::Doubtful, |good| Standing::Member(good.member));
        }
        Ok(visitor)
    }

    async fn visitor_by_key(&self, arrived: Arrived<'_>) -> Result<Visitor, AppError> {
        let found = self.identity(arrived.presented, KeyKind::Public).await;
        let identity = found.map_err(|error| match error.code {
            Code::KeyMissing | Code::KeyInvalid => Code::AppNotFound.into(),
            _ => error,
        })?;
        let (Some(definitions), Some((id, mode))) = (&identity.definitions, identity.key.environment) else {
            return Err(Code::AppNotFound.into());
        };
        if arrived.app.is_some_and(|app| app != definitions.app.id.as_str()) {
            return Err(Code::AppNotFound.into());
        }
        let (definitions, environment) = (Arc::clone(definitions), Environment { id, mode });
        Ok(Visitor::new(definitions, environment, Some(identity), arrived))
    }

    /// An app's id alone means its live environment: a sandbox is entered by its key.
    async fn visitor_by_app(&self, arrived: Arrived<'_>) -> Result<Visitor, AppError> {
        let unknown = || self.refuse_bad_key(arrived.presented.address, Code::AppNotFound);
        let app = arrived.app.map(AppId::from_text).ok_or_else(unknown)?;
        let version = self.store().authority_version().await?;
        let (definitions, environment) = match self.identities().recall_app(version, &app) {
            Some(known) => known,
            None => {
                self.let_strangers_look(arrived.presented.address)?;
                let found = self.live_app(app).await?.ok_or_else(unknown)?;
                self.identities().remember_app(version, found)
            }
        };
        Ok(Visitor::new(definitions, environment, None, arrived))
    }

    async fn live_app(&self, app: AppId) -> Result<Option<(Definitions, Environment)>, AppError> {
        if !guildhall_domain::text::is_id(app.as_str()) {
            return Ok(None);
        }
        let found = self.store().read::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                if tx.apps().find(&app).await?.is_none() {
                    return Ok(None);
                }
                let definitions = Definitions::load(tx, &app).await?;
                Ok(Some((definitions, crate::apps::environment(tx, &app, Mode::Live).await?)))
            })
        });
        found.await
    }

    /// A key that says something of its limit is held to that; else the address is to its own, of all
    /// calls and of calls of this sort.
    async fn pace(
        &self,
        visitor: &Visitor,
        address: IpAddr,
        call: VisitorCall,
    ) -> Result<Option<RateState>, AppError> {
        if let Some(identity) = &visitor.key
            && identity.key.rate_limit != RateLimit::Default
        {
            return self.admit(identity).await;
        }
        let of_all = self.pace_of(address, VisitorCall::Other)?;
        match call {
            VisitorCall::Other => Ok(Some(of_all)),
            call => self.pace_of(address, call).map(Some),
        }
    }

    fn pace_of(&self, address: IpAddr, call: VisitorCall) -> Result<RateState, AppError> {
        let (limit, window_s) = call.limit(self.limits());
        match self.visitor_limits().pace(address, call, (limit, window_s), self.clock().monotonic_us()) {
            Pace::Go { remaining, reset_us } => Ok(RateState { limit, window_s, remaining, reset_us }),
            Pace::Wait { wait_us } => Err(rate_limited(limit, window_s, wait_us)),
        }
    }
}

impl Visitor {
    fn new(
        definitions: Arc<Definitions>,
        environment: Environment,
        key: Option<Arc<Identity>>,
        arrived: Arrived<'_>,
    ) -> Self {
        let visible = |text: &str| {
            let kept = text.chars().filter(|c| !c.is_control()).take(USER_AGENT_CHARS_MAX);
            kept.collect::<String>()
        };
        Self {
            definitions,
            environment,
            key,
            rate: None,
            standing: Standing::Stranger,
            address: arrived.presented.address,
            user_agent: arrived.user_agent.map(visible),
            request: arrived.request.into(),
        }
    }

    /// What is defined in the app.
    pub fn definitions(&self) -> &Arc<Definitions> {
        &self.definitions
    }

    /// Live or sandbox.
    pub fn mode(&self) -> Mode {
        self.environment.mode
    }

    /// The environment's number, for logs.
    pub fn environment_number(&self) -> u32 {
        self.environment.id.number()
    }

    /// The id of the public key, for logs.
    pub fn key_id(&self) -> Option<&KeyId> {
        self.key.as_ref().map(|identity| &identity.key.id)
    }

    /// What the limit said; nothing for unlimited keys.
    pub fn rate(&self) -> Option<RateState> {
        self.rate
    }

    /// As it is known after it took its time over a body.
    pub fn keeping_rate_of(mut self, earlier: &Visitor) -> Self {
        self.rate = earlier.rate;
        self
    }

    /// Notes that a call with this key succeeded. In memory; a job writes it down.
    pub fn note_used(&self, at: Timestamp) {
        if let Some(identity) = &self.key {
            identity.uses.note(at);
        }
    }

    /// Counts a call with this key that succeeded. `route` is a template, never a path.
    pub fn note_call(&self, method: &'static str, route: &'static str, at: Timestamp) {
        if let Some(identity) = &self.key {
            identity.uses.note_call(method, route, at);
        }
    }

    /// Whose idempotency keys come with this visitor's requests: those of the token it brought, whether or
    /// not that is good any more; else those of the app's whole site.
    pub fn holder(&self, token: Option<&str>) -> Holder {
        match (token.filter(|token| !token.is_empty()), &self.key) {
            (Some(token), _) => Holder::by_token(self.environment.id, token),
            (None, Some(identity)) => Holder::new(self.environment.id, identity.key.id.as_str()),
            (None, None) => Holder::new(self.environment.id, self.definitions.app.id.as_str()),
        }
    }

    /// Whether it brought a token that is good.
    pub fn is_member(&self) -> bool {
        matches!(self.standing, Standing::Member(_))
    }

    pub(crate) fn environment(&self) -> EnvironmentId {
        self.environment.id
    }

    pub(crate) fn place(&self) -> Environment {
        self.environment
    }

    pub(crate) fn address(&self) -> IpAddr {
        self.address
    }

    pub(crate) fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }

    /// The member that it is.
    ///
    /// # Errors
    /// `LoginRequired` without a token, `TokenInvalid` with one that is not good.
    pub(crate) fn member(&self) -> Result<&SignedIn, AppError> {
        match &self.standing {
            Standing::Member(member) => Ok(member),
            Standing::Stranger => Err(Code::LoginRequired.into()),
            Standing::Doubtful => Err(Code::TokenInvalid.into()),
        }
    }

    /// Leave to act in the environment, for use cases that are for visitors.
    pub(crate) fn access(&self) -> Access<'_> {
        Access::of(Who::Visitor(self), &self.definitions, self.environment)
    }

    /// For the records of what it does.
    pub(super) fn actor(&self) -> (Actor, Option<String>) {
        let actor = match (&self.standing, &self.key) {
            (Standing::Member(member), _) => Actor::Member(member.id.clone()),
            (_, Some(identity)) => Actor::Key(identity.key.id.clone()),
            (_, None) => Actor::Visitor,
        };
        (actor, Some(self.request.as_ref().to_owned()))
    }
}
