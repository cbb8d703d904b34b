//! Beginning a session, and ending one's own.

use super::{Account, SignIn, redirect_of_plans};
use crate::auth::Visitor;
use crate::definitions::Definitions;
use crate::error::AppError;
use crate::guildhall::Guildhall;
use crate::members::Member;
use crate::record::Recorder;
use guildhall_domain::ids::SessionId;
use guildhall_domain::member_id::MemberKey;
use guildhall_domain::session::{Session, SignInMethod, session_end};
use guildhall_store::Tx;
use serde_json::json;
use std::sync::Arc;

/// A session that needs nothing any more but its member.
pub(super) struct Beginning {
    session: Session,
    recorder: Recorder,
}

/// A session that has begun.
pub(super) struct Begun {
    session: Session,
    account: Account,
}

impl Guildhall {
    /// A session that begins now.
    pub(super) fn beginning(&self, visitor: &Visitor, method: SignInMethod) -> Beginning {
        let now = self.now();
        let session = Session {
            id: SessionId::new(self.chance().entropy()),
            environment: visitor.environment(),
            member: MemberKey::from_stored(0),
            method,
            address: Some(visitor.address().to_string()),
            user_agent: visitor.user_agent().map(str::to_owned),
            created_at: now,
            expires_at: session_end(now, visitor.definitions().app.session_seconds),
            revoked_at: None,
        };
        Beginning { session, recorder: visitor.access().recorder(now) }
    }

    /// What a member gets that has signed in.
    pub(super) async fn signed_in(
        &self,
        visitor: &Visitor,
        begun: Begun,
        redirect: impl FnOnce(&Definitions, &Member) -> Option<String>,
    ) -> Result<SignIn, AppError> {
        let definitions = visitor.definitions();
        let member = &begun.account.member;
        let token = self.sign_token(&definitions.app.id, &member.id, &begun.session).await?;
        let redirect = redirect(definitions, member).unwrap_or_default();
        Ok(SignIn { token, expires_at: begun.session.expires_at, redirect, account: begun.account })
    }

    /// Ends the visitor's own session, if it has one, and says where to go then. Its token can still be
    /// verified offline until it expires; we refuse it from now on.
    ///
    /// # Errors
    /// `Busy`, `StoreUnavailable`.
    pub async fn log_out(&self, visitor: &Visitor) -> Result<Option<String>, AppError> {
        let Ok(member) = visitor.member() else {
            return Ok(None);
        };
        let (member, now) = (member.clone(), self.now());
        let (place, recorder) = (visitor.place(), visitor.access().recorder(now));
        let definitions = Arc::clone(visitor.definitions());
        let ended = self.store().write::<_, AppError, _>(move |tx| {
            Box::pin(async move {
                tx.sessions().revoke(place.id, &member.session, now).await?;
                let detail = json!({ "session": member.session });
                recorder.audit(tx, "member.log-out", member.id.as_str(), &detail).await?;
                let sequence = member.key.sequence();
                let found = tx.members().find_by_key(place.id, sequence, member.id.as_str()).await?;
                Ok(found.and_then(|m| redirect_of_plans(&definitions, &m.contracts, "afterLogout")))
            })
        });
        ended.await
    }
}

impl Beginning {
    /// Stores the session of a member that has just proved who it is.
    pub(super) async fn store(mut self, tx: &mut Tx, mut member: Member) -> Result<Begun, AppError> {
        self.session.member = member.key;
        member.last_login_at = Some(self.session.created_at);
        tx.sessions().insert(&self.session).await?;
        let detail = json!({ "session": self.session.id, "method": self.session.method.as_str() });
        self.recorder.audit(tx, "member.sign-in", member.id.as_str(), &detail).await?;
        let account = Account::of(tx, member).await?;
        Ok(Begun { session: self.session, account })
    }
}

/// Where a member goes after logging in: its own redirect, or its plans'.
pub(super) fn after_log_in(definitions: &Definitions, member: &Member) -> Option<String> {
    let own = member.login_redirect.clone();
    own.or_else(|| redirect_of_plans(definitions, &member.contracts, "afterLogin"))
}

/// Where a new member goes.
pub(super) fn after_sign_up(definitions: &Definitions, member: &Member) -> Option<String> {
    redirect_of_plans(definitions, &member.contracts, "afterSignup")
}
