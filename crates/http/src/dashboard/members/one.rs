//! One member: what is known, what it holds, where it is signed in, and what happened.

use super::{name_of, named, shown};
use crate::dashboard::audit::{Entry, entries};
use crate::dashboard::contracts::Row;
use crate::dashboard::desk::{Desk, can_be_mended};
use crate::dashboard::events::EventRow;
use crate::dashboard::shell::Shell;
use crate::dashboard::when::When;
use askama::Template;
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_app::members::Member;
use guildhall_app::trail::TrailFilter;
use guildhall_domain::scope::Action;

/// Entries and events that the page shows; their own pages have the rest.
const SHOWN: usize = 15;

#[derive(Template)]
#[template(path = "dashboard/member.html")]
pub(super) struct MemberPage {
    shell: Shell,
    id: String,
    heading: String,
    email: String,
    verified: bool,
    login_redirect: String,
    profile_image: String,
    stripe_customer_id: Option<String>,
    created: When,
    last_login: Option<When>,
    fields: Vec<FieldRow>,
    meta_data: String,
    json: String,
    contracts: Vec<Row>,
    plans: Vec<PlanRow>,
    addable: Vec<(String, String)>,
    permissions: Vec<String>,
    sessions: Vec<SessionRow>,
    entries: Vec<Entry>,
    events: Vec<EventRow>,
    error: Option<String>,
}

struct FieldRow {
    key: String,
    label: String,
    value: String,
}

struct PlanRow {
    id: String,
    name: String,
    status: &'static str,
    since: When,
}

struct SessionRow {
    id: String,
    method: &'static str,
    address: String,
    browser: String,
    begun: When,
    ends: When,
    live: bool,
}

/// `GET …/members/{member}`
pub(in crate::dashboard) async fn show(desk: Desk) -> Result<Response, AppError> {
    let member = named(&desk, &desk.allow(Action::MemberRead)?).await?;
    let page = page(&desk, member, None).await?;
    desk.page(&page)
}

/// The page, with a complaint and with what was typed in, if it comes back from its form.
pub(super) async fn page(desk: &Desk, member: Member, error: Option<String>) -> Result<MemberPage, AppError> {
    let access = desk.allow(Action::MemberRead)?;
    let (definitions, guildhall) = (access.definitions(), desk.guildhall());
    let id = member.id.to_string();
    let sessions = guildhall.list_sessions(&access, &id).await?;
    let filter = TrailFilter { subject: Some(id.clone()), ..TrailFilter::default() };
    let trail = guildhall.audit_trail(desk.place()?, filter, None, SHOWN).await?;
    let (events, _) = guildhall.page_of_events(&access, Some(&id), None, SHOWN as i64).await?;
    let values = member.custom_fields.to_map().unwrap_or_default();
    let typed = |name: &str, stored: String| match error {
        Some(_) => desk.form.get(name).to_owned(),
        None => stored,
    };
    let fields = definitions.custom_fields.iter().map(|field| FieldRow {
        value: typed(&format!("field.{}", field.key), shown(values.get(&field.key))),
        key: field.key.clone(),
        label: field.label.clone(),
    });
    let billed = guildhall.member_contracts(&access, &member).await?.contracts;
    let free = member.contracts.iter().filter(|contract| contract.payment.is_none());
    let plans = free.map(|contract| {
        let plan = contract.plan.as_ref().and_then(|plan| definitions.plan(plan));
        let id = contract.plan.as_ref().map_or_else(|| contract.id.to_string(), ToString::to_string);
        PlanRow {
            name: plan.map_or_else(|| id.clone(), |plan| plan.name.clone()),
            id,
            status: contract.status.as_str(),
            since: desk.when(contract.created_at),
        }
    });
    let held = |id: &guildhall_domain::ids::PlanId| {
        member.contracts.iter().any(|held| held.is_held() && held.plan.as_ref() == Some(id))
    };
    let addable = definitions.plans.iter().filter(|plan| plan.is_free() && !held(&plan.id));
    let name = name_of(&member, &definitions.custom_fields);
    let email = member.email.clone().unwrap_or_default();
    let heading = [&name, &email, &id].into_iter().find(|text| !text.is_empty()).cloned().unwrap_or_default();
    let granted = member.contracts.iter().filter(|contract| contract.access);
    let granted = granted.filter_map(|contract| definitions.plan(contract.plan.as_ref()?));
    let granted = granted.flat_map(|plan| &plan.permissions).chain(&member.permissions);
    let mut permissions: Vec<_> =
        granted.filter_map(|id| definitions.permission_name(id)).map(str::to_owned).collect();
    permissions.sort_unstable();
    permissions.dedup();
    let now = desk.now();
    Ok(MemberPage {
        shell: desk.shell(heading.clone(), "members"),
        heading,
        verified: if error.is_some() { desk.form.ticked("verified") } else { member.verified },
        email: typed("email", email),
        login_redirect: typed("loginRedirect", member.login_redirect.clone().unwrap_or_default()),
        profile_image: typed("profileImage", member.profile_image.clone().unwrap_or_default()),
        stripe_customer_id: member.stripe_customer_id.clone(),
        created: desk.when(member.created_at),
        last_login: member.last_login_at.map(|at| desk.when(at)),
        fields: fields.collect(),
        meta_data: typed("metaData", pretty(member.meta_data.as_str())),
        json: typed("json", pretty(member.json.as_str())),
        contracts: billed.iter().map(|held| Row::of(held, desk)).collect(),
        plans: plans.collect(),
        addable: addable.map(|plan| (plan.id.to_string(), plan.name.clone())).collect(),
        permissions,
        sessions: sessions
            .into_iter()
            .map(|session| SessionRow {
                live: session.is_live(now),
                id: session.id.to_string(),
                method: session.method.as_str(),
                address: session.address.unwrap_or_default(),
                browser: session.user_agent.unwrap_or_default(),
                begun: desk.when(session.created_at),
                ends: desk.when(session.revoked_at.unwrap_or(session.expires_at)),
            })
            .collect(),
        entries: entries(desk, trail),
        events: events.into_iter().map(|event| EventRow::of(event, desk)).collect(),
        id,
        error,
    })
}

/// JSON with line breaks, for a person to edit.
pub(super) fn pretty(json: &str) -> String {
    let value = serde_json::from_str::<serde_json::Value>(json).unwrap_or_default();
    serde_json::to_string_pretty(&value).unwrap_or_default()
}

#[derive(Template)]
#[template(path = "dashboard/member_delete.html")]
struct DeletePage {
    shell: Shell,
    id: String,
    heading: String,
    plans: usize,
}

/// `GET …/members/{member}/delete`
pub(in crate::dashboard) async fn confirm_delete(desk: Desk) -> Result<Response, AppError> {
    let member = named(&desk, &desk.allow(Action::MemberWrite)?).await?;
    let page = DeletePage {
        shell: desk.shell("Delete a member", "members"),
        heading: member.email.clone().unwrap_or_else(|| member.id.to_string()),
        plans: member.contracts.len(),
        id: member.id.to_string(),
    };
    desk.page(&page)
}

/// `POST …/members/{member}/delete`
pub(in crate::dashboard) async fn delete(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::MemberWrite)?;
    desk.guildhall().delete_member(&access, desk.param("member")).await?;
    Ok(desk.done("/members", "deleted"))
}

/// `POST …/members/{member}/plans`
pub(in crate::dashboard) async fn add_plan(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::MemberWrite)?;
    let added = desk.guildhall().add_plan(&access, desk.param("member"), desk.form.get("plan")).await;
    back(&desk, added, "plan-added").await
}

/// `POST …/members/{member}/plans/remove`
pub(in crate::dashboard) async fn remove_plan(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::MemberWrite)?;
    let removed = desk.guildhall().remove_plan(&access, desk.param("member"), desk.form.get("plan")).await;
    back(&desk, removed, "plan-removed").await
}

/// `POST …/members/{member}/sessions/end`
pub(in crate::dashboard) async fn end_session(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::MemberWrite)?;
    let ended = desk.guildhall().revoke_session(&access, desk.form.get("session")).await;
    back(&desk, ended, "session-ended").await
}

/// `POST …/members/{member}/sessions/end-all`
pub(in crate::dashboard) async fn end_sessions(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::MemberWrite)?;
    let ended = desk.guildhall().revoke_sessions(&access, desk.param("member")).await;
    back(&desk, ended.map(|_| ()), "sessions-ended").await
}

/// Back to the member, or the member's page with what was wrong.
async fn back(desk: &Desk, result: Result<(), AppError>, notice: &str) -> Result<Response, AppError> {
    match result {
        Ok(()) => Ok(desk.done(&format!("/members/{}", desk.param("member")), notice)),
        Err(error) if can_be_mended(&error) => {
            let member = named(desk, &desk.allow(Action::MemberRead)?).await?;
            let mut page = page(desk, member, None).await?;
            page.error = Some(error.message.to_string());
            desk.refused(error, &page)
        }
        Err(error) => Err(error),
    }
}
