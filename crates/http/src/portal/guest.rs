//! What a handler has before it: who came by which link, and what they sent.

use crate::Http;
use crate::dashboard::form::Form;
use guildhall_app::{AppError, Guildhall, PortalVisit};
use guildhall_domain::Code;

/// One request, let in.
pub(super) struct Guest {
    pub http: Http,
    /// Who came; nobody on addresses that are open to everyone.
    pub visit: Option<PortalVisit>,
    pub params: Vec<(String, String)>,
    pub query: Form,
    pub form: Form,
    /// The path that was asked for.
    pub path: String,
}

impl Guest {
    pub fn guildhall(&self) -> &Guildhall {
        self.http.guildhall()
    }

    /// Who came.
    ///
    /// # Errors
    /// `PortalLinkInvalid`, on addresses that are open to everyone.
    pub fn visit(&self) -> Result<&PortalVisit, AppError> {
        self.visit.as_ref().ok_or_else(|| Code::PortalLinkInvalid.into())
    }

    /// A part of the path; empty if it has none of this name.
    pub fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The number in the path.
    ///
    /// # Errors
    /// `RouteUnknown` if it is none.
    pub fn number(&self) -> Result<i64, AppError> {
        let text = self.param("number");
        let number = text.parse().ok().filter(|number: &i64| number.to_string() == text);
        number.ok_or_else(|| Code::RouteUnknown.into())
    }
}
