//! A caller: a key that was let in, and what it may do.

use super::identities::Identity;
use super::operator::SignedOperator;
use super::portal::PortalVisit;
use super::seconds_up;
use super::visitor::Visitor;
use crate::definitions::Definitions;
use crate::error::AppError;
use crate::idempotency::Holder;
use crate::record::Recorder;
use guildhall_domain::app::{Environment, shop_domain};
use guildhall_domain::audit::Actor;
use guildhall_domain::data_table::Asker;
use guildhall_domain::ids::KeyId;
use guildhall_domain::portal::PortalPowers;
use guildhall_domain::scope::Action;
use guildhall_domain::{Code, EnvironmentId, Mode, Timestamp};
use std::sync::Arc;

/// What the rate limit said to an admitted request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateState {
    /// How many requests may be made in the window.
    pub limit: u32,
    /// The window, in seconds.
    pub window_s: u32,
    /// How many more it may make right now.
    pub remaining: u32,
    /// Microseconds until the next place is free.
    pub reset_us: i64,
}

impl RateState {
    /// Whole seconds until the next place is free.
    pub fn reset_s(self) -> u32 {
        seconds_up(self.reset_us)
    }
}

/// Somebody with a valid key, admitted by its limit. Knows the id of the request it makes.
#[derive(Clone)]
pub struct Caller {
    identity: Arc<Identity>,
    partner: Option<Arc<Identity>>,
    rate: Option<RateState>,
    request: Option<Arc<str>>,
}

impl Caller {
    pub(super) fn new(identity: Arc<Identity>, rate: Option<RateState>) -> Self {
        Self { identity, partner: None, rate, request: None }
    }

    /// With the partner whose key was presented beside its own.
    pub(super) fn beside(mut self, partner: Option<Arc<Identity>>) -> Self {
        self.partner = partner;
        self
    }

    /// As it is known now.
    pub(super) fn with_identity(mut self, identity: Arc<Identity>) -> Self {
        self.identity = identity;
        self
    }

    /// With the id that audit entries of this request carry.
    pub fn with_request(mut self, request: &str) -> Self {
        self.request = Some(request.into());
        self
    }

    /// What the rate limit said; nothing for unlimited keys.
    pub fn rate(&self) -> Option<RateState> {
        self.rate
    }

    /// The id of the key, for logs.
    pub fn key_id(&self) -> &KeyId {
        &self.identity.key.id
    }

    /// The environment's number, for logs.
    pub fn environment_number(&self) -> Option<u32> {
        self.identity.key.environment.map(|(environment, _)| environment.number())
    }

    /// Whose idempotency keys come with this caller's requests: those of its key. A partner's have no
    /// environment to be kept in.
    pub fn holder(&self) -> Option<Holder> {
        let (environment, _) = self.identity.key.environment?;
        Some(Holder::new(environment, self.key_id().as_str()))
    }

    /// Notes that a call with this key, and its partner's, succeeded. In memory; a job writes it down.
    pub fn note_used(&self, at: Timestamp) {
        for identity in [Some(&self.identity), self.partner.as_ref()].into_iter().flatten() {
            identity.uses.note(at);
        }
    }

    /// Counts a call with this key that succeeded, for what the dashboard tells of it. `route` is a
    /// template, never a path.
    pub fn note_call(&self, method: &'static str, route: &'static str, at: Timestamp) {
        self.identity.uses.note_call(method, route, at);
    }

    /// What a link to the customer portal may open that this caller asks for.
    pub fn portal_powers(&self) -> PortalPowers {
        PortalPowers::of_scopes(self.identity.key.scopes)
    }

    /// Asks to do something. The only way to an environment.
    ///
    /// # Errors
    /// `ScopeMissing` if the key's kind or scopes do not allow it.
    pub fn allow(&self, action: Action) -> Result<Access<'_>, AppError> {
        let key = &self.identity.key;
        if !key.may(action) {
            return Err(Code::ScopeMissing.into());
        }
        match (&self.identity.definitions, key.environment) {
            (Some(definitions), Some((environment, mode))) => {
                Ok(Access { who: Who::Caller(self), definitions, environment, mode })
            }
            _ => Err(Code::KeyInvalid.into()),
        }
    }
}

/// Leave to act in one environment, given for one action.
#[derive(Clone, Copy)]
pub struct Access<'c> {
    who: Who<'c>,
    definitions: &'c Arc<Definitions>,
    environment: EnvironmentId,
    mode: Mode,
}

#[derive(Clone, Copy)]
pub(super) enum Who<'c> {
    Caller(&'c Caller),
    Visitor(&'c Visitor),
    Operator(&'c SignedOperator),
    Portal(&'c PortalVisit),
    CommandLine,
}

/// Leave for a person at the command line, who holds the database itself and so needs no key.
pub struct CommandLineAccess {
    definitions: Arc<Definitions>,
    environment: Environment,
}

impl CommandLineAccess {
    pub(crate) fn new(definitions: Definitions, environment: Environment) -> Self {
        Self { definitions: Arc::new(definitions), environment }
    }

    /// The access that use cases take.
    pub fn access(&self) -> Access<'_> {
        Access {
            who: Who::CommandLine,
            definitions: &self.definitions,
            environment: self.environment.id,
            mode: self.environment.mode,
        }
    }
}

impl<'c> Access<'c> {
    pub(super) fn of(who: Who<'c>, definitions: &'c Arc<Definitions>, place: Environment) -> Self {
        Self { who, definitions, environment: place.id, mode: place.mode }
    }

    /// The environment.
    pub fn environment(&self) -> EnvironmentId {
        self.environment
    }

    /// Live or sandbox.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// What is defined in the app.
    pub fn definitions(&self) -> &'c Arc<Definitions> {
        self.definitions
    }

    /// Who asks, as the access rules of data tables see it.
    pub(crate) fn asker(&self) -> Asker {
        match self.who {
            Who::Caller(_) | Who::CommandLine | Who::Operator(_) => Asker::Admin,
            Who::Visitor(visitor) => {
                visitor.member().map_or(Asker::Stranger, |member| Asker::Member(member.key))
            }
            Who::Portal(visit) => Asker::Member(visit.member()),
        }
    }

    /// Whether a store named by this domain is the app's.
    ///
    /// # Errors
    /// `InputInvalid` if it is no domain; `ShopForeign` if it is another's.
    pub fn check_store(&self, domain: &str) -> Result<(), AppError> {
        // Surrounding white space is not part of a domain, whoever may be generous with it elsewhere.
        let plain = !domain.chars().any(char::is_whitespace);
        let named = shop_domain(domain).filter(|_| plain).ok_or_else(|| {
            AppError::because(Code::InputInvalid, "A shop is a domain such as your-store.myshopify.com.")
        })?;
        if named == self.definitions.app.store_name() { Ok(()) } else { Err(Code::ShopForeign.into()) }
    }

    /// For the records of what is done with this access.
    pub(crate) fn recorder(&self, now: Timestamp) -> Recorder {
        let (actor, request) = match self.who {
            Who::Caller(caller) => {
                (Actor::Key(caller.key_id().clone()), caller.request.as_deref().map(str::to_owned))
            }
            Who::Visitor(visitor) => visitor.actor(),
            Who::Operator(operator) => (operator.actor(), operator.request()),
            Who::Portal(visit) => visit.actor(),
            Who::CommandLine => (Actor::CommandLine, None),
        };
        Recorder {
            app: Some(self.definitions.app.id.clone()),
            environment: Some(self.environment),
            actor,
            request,
            now,
        }
    }
}
