//! Lets in who may come, and makes the desk for the handler.
//!
//! The order is fixed: the route and what it needs; the session; the app and the role in it; then the
//! body, the mark that shows that the form is ours, and the session and role once more, because a body
//! can take minutes and what was taken away meanwhile must not act. A form that may be carried out only once
//! goes through `once`.

use super::desk::{Desk, Upload};
use super::form::Form;
use super::once;
use super::page::{problem, redirect};
use super::routes::{DASHBOARD_ROUTES, DashboardRoute, Needs};
use crate::address::client_address;
use crate::observe::RequestId;
use crate::{Http, body};
use axum::extract::{MatchedPath, RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::Response;
use bytes::Bytes;
use guildhall_app::{AppError, OperatorAccess, SignedOperator};
use guildhall_domain::scope::Action;
use guildhall_domain::{Code, Mode};
use subtle::ConstantTimeEq;

/// The cookie that holds a session's token.
pub(super) const COOKIE: &str = "guildhall_session";
/// The name of the mark in forms.
pub(super) const MARK: &str = "mark";
/// The largest file of members that is taken, in bytes.
pub(super) const UPLOAD_BYTES_MAX: usize = 24 * 1024 * 1024;

/// Answers every address of the dashboard.
pub(super) async fn serve(
    State(http): State<Http>,
    matched: MatchedPath,
    params: Result<RawPathParams, axum::extract::rejection::RawPathParamsRejection>,
    request: Request,
) -> Response {
    let found = find(matched.as_str(), request.method());
    let params = params.map(|params| {
        params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>()
    });
    match (found, params) {
        (Ok(route), Ok(params)) => match enter(http, route, params, request).await {
            Ok(Entry::Desk(desk)) => once::answer(*desk, route.handler).await.unwrap_or_else(problem),
            Ok(Entry::Elsewhere(response)) => response,
            Err(error) => problem(error),
        },
        (Err(error), _) => problem(error),
        // What does not decode to UTF-8 names nothing.
        (_, Err(_)) => problem(Code::RouteUnknown.into()),
    }
}

/// What a request gets.
enum Entry {
    Desk(Box<Desk>),
    /// Another answer than the handler's: to sign in first.
    Elsewhere(Response),
}

/// The route, which every address of the dashboard has: there is no other way to a handler.
fn find(path: &str, method: &Method) -> Result<&'static DashboardRoute, AppError> {
    let method = if *method == Method::HEAD { "GET" } else { method.as_str() };
    let mut of_path = DASHBOARD_ROUTES.iter().filter(|route| route.path == path);
    of_path.find(|route| route.method == method).ok_or_else(|| Code::MethodNotAllowed.into())
}

async fn enter(
    http: Http,
    route: &'static DashboardRoute,
    params: Vec<(String, String)>,
    mut request: Request,
) -> Result<Entry, AppError> {
    let headers = request.headers().clone();
    let posted = request.method() == Method::POST;
    if posted {
        refuse_foreign(&http, &headers)?;
    }
    let body = std::mem::take(request.body_mut());
    let arrival = Arrival {
        token: cookie(&headers),
        request: request
            .extensions()
            .get::<RequestId>()
            .map_or_else(String::new, |id| id.as_str().to_owned()),
        params: &params,
        route,
    };
    let entered = arrival.admit(&http).await?;
    let Some(mut entered) = entered else {
        return Ok(Entry::Elsewhere(to_sign_in(&request, posted)));
    };
    let (mut form, mut upload) = (Form::default(), None);
    if posted {
        let bytes_max = if route.takes_file { UPLOAD_BYTES_MAX } else { http.settings().body_bytes_max };
        let bytes = body::collect(body, bytes_max).await?;
        (form, upload) = read_form(&headers, bytes).await?;
        match arrival.admit(&http).await? {
            Some(again) => entered = again,
            None => return Ok(Entry::Elsewhere(to_sign_in(&request, posted))),
        }
        if let Some(operator) = &entered.0 {
            let (given, own) = (form.get(MARK).as_bytes(), operator.form_mark().as_bytes());
            if !bool::from(given.ct_eq(own)) {
                return Err(Code::FormForeign.into());
            }
        }
    } else {
        body::discard(body).await;
    }
    let (operator, place) = entered;
    let clock = match &place {
        Some(place) if place.mode() == Mode::Sandbox => {
            Some(http.guildhall().environment_clock(&place.allow(Action::ContractRead)?).await?)
        }
        _ => None,
    };
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let desk = Desk {
        operator,
        place,
        clock,
        query: Form::parse(request.uri().query().unwrap_or_default().as_bytes()),
        form,
        upload,
        path: request.uri().path().to_owned(),
        address: client_address(&http, &request),
        user_agent: user_agent.map(str::to_owned),
        request: arrival.request,
        http,
        params,
    };
    Ok(Entry::Desk(Box::new(desk)))
}

/// Who was let in, and to which environment.
type Admitted = (Option<SignedOperator>, Option<OperatorAccess>);

/// What is looked at to find out who comes, and whether they may.
struct Arrival<'a> {
    token: Option<String>,
    request: String,
    params: &'a [(String, String)],
    route: &'static DashboardRoute,
}

impl Arrival<'_> {
    /// Nothing if somebody has to sign in first.
    ///
    /// # Errors
    /// `AppNotFound` where they have no role, `RoleMissing` where it is too weak.
    async fn admit(&self, http: &Http) -> Result<Option<Admitted>, AppError> {
        let operator = match &self.token {
            Some(token) => http.guildhall().signed_operator(token, &self.request).await?,
            None => None,
        };
        let operator = match (self.route.needs, operator) {
            // Their forms are made without a session, so none is asked for its mark.
            (Needs::Nobody, _) => return Ok(Some((None, None))),
            (_, None) => return Ok(None),
            (_, Some(operator)) => operator,
        };
        let place = match self.route.needs {
            Needs::Nobody | Needs::Operator => None,
            Needs::ServerOwner => {
                operator.own_server()?;
                None
            }
            Needs::App(role) => {
                let mode = self.param("mode").parse::<Mode>().map_err(|_| Code::RouteUnknown)?;
                let place = http.guildhall().operator_access(&operator, self.param("app"), mode).await?;
                place.manage(role)?;
                Some(place)
            }
        };
        Ok(Some((Some(operator), place)))
    }

    fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// A form that another site sends is refused before it is read. Browsers say where it comes from; what
/// says nothing is no browser, and has no cookie that somebody else could use.
fn refuse_foreign(http: &Http, headers: &HeaderMap) -> Result<(), AppError> {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let fetch_site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    if fetch_site.is_some_and(|site| site != "same-origin" && site != "none") {
        return Err(Code::FormForeign.into());
    }
    let Some(origin) = text(header::ORIGIN) else { return Ok(()) };
    let host = origin.split_once("://").map(|(_, host)| host);
    let own = host.is_some() && (host == text(header::HOST) || origin == http.guildhall().public_url());
    // A page with `Referrer-Policy: no-referrer` sends `null`; ours do not.
    if own { Ok(()) } else { Err(Code::FormForeign.into()) }
}

/// The token in the session's cookie.
fn cookie(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value.to_owned())
}

/// `Set-Cookie` for a session; with nothing, it is forgotten. `Secure` where the server is reached so.
pub(super) fn set_cookie(http: &Http, token: Option<&str>) -> Option<HeaderValue> {
    use guildhall_app::operators::BegunSession;
    let (value, age) = token.map_or(("", 0), |token| (token, BegunSession::LIFE_S));
    let secure = if http.guildhall().public_url().starts_with("https://") { "; Secure" } else { "" };
    let text = format!("{COOKIE}={value}; Path=/dashboard; HttpOnly; SameSite=Lax; Max-Age={age}{secure}");
    HeaderValue::from_str(&text).ok()
}

/// To the sign-in page, and from there back to the page that was asked for.
fn to_sign_in(request: &Request, posted: bool) -> Response {
    let path = request.uri().path_and_query().map_or("/dashboard", |path| path.as_str());
    if posted || path == "/dashboard" {
        return redirect("/dashboard/sign-in");
    }
    let next: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
    redirect(&format!("/dashboard/sign-in?next={next}"))
}

/// A form in either encoding, and the file that it brought.
async fn read_form(headers: &HeaderMap, bytes: Bytes) -> Result<(Form, Option<Upload>), AppError> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let Some(boundary) = content_type.and_then(|text| multer::parse_boundary(text).ok()) else {
        return Ok((Form::parse(&bytes), None));
    };
    let wrong = |_| AppError::because(Code::BodyInvalid, "The form did not arrive whole.");
    let whole = futures_util::stream::once(async move { Ok::<_, std::io::Error>(bytes) });
    let mut parts = multer::Multipart::new(whole, boundary);
    let (mut form, mut upload) = (Form::default(), None);
    while let Some(part) = parts.next_field().await.map_err(wrong)? {
        let name = part.name().unwrap_or_default().to_owned();
        match part.file_name().map(str::to_owned) {
            Some(file) => {
                let bytes = part.bytes().await.map_err(wrong)?.to_vec();
                upload = Some(Upload { name: file, bytes });
            }
            None => form.push(name, part.text().await.map_err(wrong)?),
        }
    }
    Ok((form, upload))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=b; guildhall_session=abc; c=d"));
        assert_eq!(cookie(&headers).as_deref(), Some("abc"));
        headers.clear();
        headers.append(header::COOKIE, HeaderValue::from_static("xguildhall_session=abc"));
        assert_eq!(cookie(&headers), None);
    }
}
