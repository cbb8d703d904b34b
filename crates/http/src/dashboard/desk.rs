//! What a handler has before it: who asks, for which app, and what they sent.

use super::form::Form;
use super::page::{html, redirect};
use super::shell::Shell;
use super::when::When;
use crate::Http;
use crate::problem::{failed, status};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use guildhall_app::billing::clock::ClockState;
use guildhall_app::operators::Origin;
use guildhall_app::{Access, AppError, Guildhall, OperatorAccess, SignedOperator};
use guildhall_domain::audit::Actor;
use guildhall_domain::ids::AppId;
use guildhall_domain::operator::Role;
use guildhall_domain::scope::Action;
use guildhall_domain::{Code, Timestamp};
use std::net::IpAddr;

/// A file that a form brought along.
#[derive(Debug)]
pub(super) struct Upload {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// One request, let in.
pub(super) struct Desk {
    pub http: Http,
    pub operator: Option<SignedOperator>,
    pub place: Option<OperatorAccess>,
    /// How the sandbox's clock stands, if the place is one.
    pub clock: Option<ClockState>,
    pub params: Vec<(String, String)>,
    pub query: Form,
    pub form: Form,
    pub upload: Option<Upload>,
    /// The path that was asked for.
    pub path: String,
    pub address: IpAddr,
    pub user_agent: Option<String>,
    pub request: String,
}

impl Desk {
    pub fn guildhall(&self) -> &Guildhall {
        self.http.guildhall()
    }

    pub fn now(&self) -> Timestamp {
        self.guildhall().now()
    }

    /// A moment, told from now.
    pub fn when(&self, at: Timestamp) -> When {
        When::new(at, self.now())
    }

    /// What time it is for contracts here: a sandbox may have a clock of its own.
    pub fn time(&self) -> Timestamp {
        self.clock.map_or_else(|| self.now(), |clock| clock.now)
    }

    /// A moment in the life of a contract, told from the time here.
    pub fn when_here(&self, at: Timestamp) -> When {
        When::new(at, self.time()).standing(self.clock.is_some_and(|clock| clock.frozen))
    }

    /// A part of the path; empty if it has none of this name.
    pub fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Who asks.
    ///
    /// # Errors
    /// `SignInRequired`, on addresses that are open to everyone.
    pub fn operator(&self) -> Result<&SignedOperator, AppError> {
        self.operator.as_ref().ok_or_else(|| Code::SignInRequired.into())
    }

    /// Where in which app.
    ///
    /// # Errors
    /// `AppNotFound`, on addresses that are of no app.
    pub fn place(&self) -> Result<&OperatorAccess, AppError> {
        self.place.as_ref().ok_or_else(|| Code::AppNotFound.into())
    }

    /// Leave to do something in the environment.
    ///
    /// # Errors
    /// `RoleMissing`.
    pub fn allow(&self, action: Action) -> Result<Access<'_>, AppError> {
        self.place()?.allow(action)
    }

    /// Leave to change the app itself: which app, and on whose behalf.
    ///
    /// # Errors
    /// `RoleMissing`.
    pub fn manage(&self) -> Result<(AppId, Actor), AppError> {
        let (app, actor) = self.place()?.manage(Role::Admin)?;
        Ok((app.clone(), actor))
    }

    pub fn origin(&self) -> Origin<'_> {
        Origin { address: self.address, user_agent: self.user_agent.as_deref(), request: &self.request }
    }

    /// What all pages share, under a title and a place in the navigation.
    pub fn shell(&self, title: impl Into<String>, section: &'static str) -> Shell {
        Shell::of(self, title.into(), section)
    }

    /// An address of the environment: `/dashboard/apps/app_…/sandbox` and what is given.
    pub fn link(&self, rest: &str) -> String {
        let place = self.place.as_ref();
        let base = place.map_or_else(String::new, |place| {
            format!("/dashboard/apps/{}/{}", place.definitions().app.id, place.mode())
        });
        format!("{base}{rest}")
    }

    /// A page.
    ///
    /// # Errors
    /// `Internal` if it cannot be written.
    pub fn page(&self, template: &impl Template) -> Result<Response, AppError> {
        html(StatusCode::OK, template)
    }

    /// A form once more, with what was wrong; its status is the error's.
    ///
    /// # Errors
    /// `Internal` if it cannot be written.
    pub fn refused(&self, error: AppError, template: &impl Template) -> Result<Response, AppError> {
        Ok(failed(html(status(error.code.status()), template)?, error))
    }

    /// Sends the browser to an address of the environment, to say there what was done.
    pub fn done(&self, rest: &str, notice: &str) -> Response {
        let joint = if rest.contains('?') { '&' } else { '?' };
        redirect(&format!("{}{joint}done={notice}", self.link(rest)))
    }
}

/// Whether an error is one that the person at the form can mend there.
pub(super) fn can_be_mended(error: &AppError) -> bool {
    matches!(error.code.status(), 400 | 409 | 413) || error.code == Code::PasswordWrong
}
