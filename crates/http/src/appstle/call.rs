//! A call that was let in: who makes it and what it brought.

use super::answer::Answer;
use super::params::{Params, whole_number};
use super::problem::Problem;
use crate::{Http, body};
use axum::Extension;
use axum::extract::{FromRequestParts, Request};
use axum::http::Uri;
use axum::http::request::Parts;
use axum::response::Response;
use guildhall_app::fields::Fields;
use guildhall_app::{Access, Caller, Guildhall};
use guildhall_domain::scope::Action;

/// What every handler of this dialect starts from. The order is the dialect's (wire contract A.2): who calls is known
/// already; first ask for an [`Access`](Call::allow), then look at the store that is named, then at parameters.
pub(crate) struct Call {
    http: Http,
    caller: Caller,
    uri: Uri,
}

impl Call {
    /// What the use cases stand on.
    pub fn guildhall(&self) -> &Guildhall {
        self.http.guildhall()
    }

    /// Leave to do something.
    pub fn allow(&self, action: Action) -> Result<Access<'_>, Problem> {
        Ok(self.caller.allow(action)?)
    }

    /// Who makes it.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The address it was made to.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The parameters of its query.
    pub fn params(&self) -> Result<Params, Problem> {
        Params::of(&self.uri)
    }

    /// The number in a part of its path. 400 if it is none: it is a parameter like others to the vendor.
    pub fn number(&self, name: &str, text: &str) -> Result<i64, Problem> {
        whole_number(name, text)
    }

    /// The largest body that is taken.
    pub fn body_bytes_max(&self) -> usize {
        self.http.settings().body_bytes_max
    }

    /// The fields of its body, which must be an object.
    pub async fn fields(&self, request: Request) -> Result<Fields, Problem> {
        Ok(Fields::new(body::json_object(request, self.http.settings().body_bytes_max).await?))
    }

    /// The answer to it.
    pub(super) fn answer(&self, result: Result<Answer, Problem>) -> Response {
        match result {
            Ok(answer) => answer.into_response(),
            Err(problem) => problem.respond(self.uri.path()),
        }
    }
}

impl FromRequestParts<Http> for Call {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, http: &Http) -> Result<Self, Self::Rejection> {
        use axum::response::IntoResponse;
        let caller = Extension::<Caller>::from_request_parts(parts, http).await;
        let Extension(caller) = caller.map_err(IntoResponse::into_response)?;
        Ok(Self { http: http.clone(), caller, uri: parts.uri.clone() })
    }
}
