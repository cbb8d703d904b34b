//! Lets in who comes by a link, and makes the guest for the handler.
//!
//! The link's token comes once in the address. It goes into a cookie and the browser is sent on without it, so that it
//! does not stay in the address, in the history or in what the browser tells other sites. Then the order is that of the
//! dashboard: where a form comes from, the link, the body, the link once more, the form's mark.

use super::guest::Guest;
use super::page::{problem, redirect};
use super::routes::{PORTAL_ROUTES, PortalRoute};
use crate::dashboard::form::Form;
use crate::observe::RequestId;
use crate::{Http, body};
use axum::extract::{MatchedPath, RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::Response;
use guildhall_app::{AppError, Guildhall, PortalVisit};
use guildhall_domain::{Code, Timestamp};
use subtle::ConstantTimeEq;

/// The cookie that holds the link's token.
const COOKIE: &str = "guildhall_portal";
/// The name of the mark in forms.
const MARK: &str = "mark";

/// Answers every address of the portal.
pub(super) async fn serve(
    State(http): State<Http>,
    matched: MatchedPath,
    params: Result<RawPathParams, axum::extract::rejection::RawPathParamsRejection>,
    request: Request,
) -> Response {
    let found = find(matched.as_str(), request.method());
    // What does not decode to UTF-8 names nothing.
    let params = params.map_err(|_| AppError::new(Code::RouteUnknown)).map(|params| {
        params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>()
    });
    let answered = async {
        let (route, params) = (found?, params?);
        match enter(&http, route, params, request).await? {
            Entry::Guest(guest) => (route.handler)(*guest).await,
            Entry::Elsewhere(response) => Ok(response),
        }
    };
    answered.await.unwrap_or_else(problem)
}

/// What a request gets.
enum Entry {
    Guest(Box<Guest>),
    /// Another answer than the handler's: the way on, once the token is put away.
    Elsewhere(Response),
}

fn find(path: &str, method: &Method) -> Result<&'static PortalRoute, AppError> {
    let method = if *method == Method::HEAD { "GET" } else { method.as_str() };
    let mut of_path = PORTAL_ROUTES.iter().filter(|route| route.path == path);
    of_path.find(|route| route.method == method).ok_or_else(|| Code::MethodNotAllowed.into())
}

async fn enter(
    http: &Http,
    route: &PortalRoute,
    params: Vec<(String, String)>,
    mut request: Request,
) -> Result<Entry, AppError> {
    let (headers, posted) = (request.headers().clone(), request.method() == Method::POST);
    let query = Form::parse(request.uri().query().unwrap_or_default().as_bytes());
    let id = request.extensions().get::<RequestId>().map_or_else(String::new, |id| id.as_str().to_owned());
    let body = std::mem::take(request.body_mut());
    let path = request.uri().path().to_owned();
    if posted {
        refuse_foreign(http.guildhall(), &headers)?;
    } else {
        body::discard(body).await;
        if route.path == "/portal" && query.ticked("token") {
            return put_away(http, query.get("token"), &id).await.map(Entry::Elsewhere);
        }
        let visit = match route.needs_link {
            true => Some(visit(http.guildhall(), &headers, &id).await?),
            false => None,
        };
        let (http, form) = (http.clone(), Form::default());
        return Ok(Entry::Guest(Box::new(Guest { http, visit, params, query, form, path })));
    }
    visit(http.guildhall(), &headers, &id).await?;
    let form = Form::parse(&body::collect(body, http.settings().body_bytes_max).await?);
    // A body can take minutes, and a link that has ended meanwhile must not act.
    let visit = visit(http.guildhall(), &headers, &id).await?;
    if !bool::from(form.get(MARK).as_bytes().ct_eq(visit.form_mark().as_bytes())) {
        return Err(Code::FormForeign.into());
    }
    let (http, visit) = (http.clone(), Some(visit));
    Ok(Entry::Guest(Box::new(Guest { http, visit, params, query, form, path })))
}

/// The link's token goes from the address into a cookie. Nothing is used up: programs that look for harm in mails open
/// every link.
async fn put_away(http: &Http, token: &str, request: &str) -> Result<Response, AppError> {
    let guildhall = http.guildhall();
    let visit = guildhall.portal_visit(token, request).await?;
    let mut response = redirect("/portal");
    let cookie = set_cookie(guildhall, Some((token, visit.expires_at())));
    response.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    Ok(response)
}

async fn visit(guildhall: &Guildhall, headers: &HeaderMap, request: &str) -> Result<PortalVisit, AppError> {
    guildhall.portal_visit(&cookie(headers), request).await
}

/// `Set-Cookie` for a link's token until it ends; with nothing, it is forgotten. `Secure` where the server is reached so.
pub(super) fn set_cookie(guildhall: &Guildhall, token: Option<(&str, Timestamp)>) -> Option<HeaderValue> {
    let (value, age) = match token {
        Some((token, end)) => (token, (end.seconds() - guildhall.now().seconds()).max(0)),
        None => ("", 0),
    };
    let secure = if guildhall.public_url().starts_with("https://") { "; Secure" } else { "" };
    let text = format!("{COOKIE}={value}; Path=/portal; HttpOnly; SameSite=Lax; Max-Age={age}{secure}");
    HeaderValue::from_str(&text).ok()
}

/// The token in the cookie; empty if there is none.
fn cookie(headers: &HeaderMap) -> String {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value.to_owned()).unwrap_or_default()
}

/// A form that another site sends is refused before it is read. These pages tell nobody where they are, so a browser may
/// name `null` as the origin of their forms; then its word on the site counts, and the mark in any case.
fn refuse_foreign(guildhall: &Guildhall, headers: &HeaderMap) -> Result<(), AppError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if text("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none") {
        return Err(Code::FormForeign.into());
    }
    let Some(origin) = text("origin").filter(|origin| *origin != "null") else { return Ok(()) };
    let host = origin.split_once("://").map(|(_, host)| host);
    let own = host.is_some() && (host == text("host") || origin == guildhall.public_url());
    if own { Ok(()) } else { Err(Code::FormForeign.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_found_among_other_cookies() {
        let mut headers = HeaderMap::new();
        assert_eq!(cookie(&headers), "");
        headers.append(header::COOKIE, HeaderValue::from_static("a=b; guildhall_portal=abc; c=d"));
        assert_eq!(cookie(&headers), "abc");
        headers.insert(header::COOKIE, HeaderValue::from_static("xguildhall_portal=abc"));
        assert_eq!(cookie(&headers), "");
    }
}
