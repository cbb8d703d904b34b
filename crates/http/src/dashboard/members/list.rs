//! The list of members, with its search.

use super::filters::{self, FilterRow};
use super::{name_of, shown};
use crate::dashboard::count::grouped;
use crate::dashboard::desk::Desk;
use crate::dashboard::page::redirect;
use crate::dashboard::pager::Pager;
use crate::dashboard::shell::Shell;
use crate::dashboard::when::When;
use askama::Template;
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_app::members::{EXAMINED_MAX, MemberOrder, MemberSearch};
use guildhall_domain::ids::PlanId;
use guildhall_domain::scope::Action;

/// Members on a page.
const PAGE: usize = 50;
/// What the address says of a filter.
pub(super) const FILTER: &[&str] = &["q", "plan", "field", "value", "order"];

#[derive(Template)]
#[template(path = "dashboard/members.html")]
pub(super) struct ListPage {
    shell: Shell,
    error: Option<String>,
    /// Saved ones.
    filters: Vec<FilterRow>,
    /// The one that is shown, as pairs of a form.
    filter: Vec<(String, String)>,
    /// Whether it is none of the saved ones.
    unsaved: bool,
    filter_name: String,
    query: String,
    plan: String,
    field: String,
    value: String,
    order: String,
    plans: Vec<(String, String)>,
    fields: Vec<(String, String)>,
    /// The label of the field that is looked in, as a column of its own.
    column: Option<String>,
    rows: Vec<Row>,
    total: String,
    searching: bool,
    examined_max: i64,
    cut_short: bool,
    /// Whether it was turned back to.
    back: bool,
    pager: Pager,
    first: Option<String>,
    free_plans: Vec<(String, String)>,
}

struct Row {
    id: String,
    email: Option<String>,
    name: String,
    verified: bool,
    plans: Vec<String>,
    value: String,
    created: When,
    last_login: Option<When>,
}

/// `GET …/members?q=&plan=&field=&value=&order=&after=&before=`
pub(in crate::dashboard) async fn list(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::MemberRead)?;
    let wanted = desk.query.text("q");
    // An id is found at once, wherever it came from.
    if let Some(id) = wanted.as_deref().filter(|text| guildhall_domain::text::is_id(text))
        && let Some(member) = desk.guildhall().get_member(&access, id).await?
    {
        return Ok(redirect(&desk.link(&format!("/members/{}", member.id))));
    }
    let page = list_page(&desk, None).await?;
    desk.page(&page)
}

/// The list that the address asks for, with what was wrong about a form on it.
pub(super) async fn list_page(desk: &Desk, error: Option<String>) -> Result<ListPage, AppError> {
    let access = desk.allow(Action::MemberRead)?;
    let (query, definitions) = (&desk.query, access.definitions());
    let wanted = query.text("q");
    let (key, value) = (query.get("field").to_owned(), query.text("value"));
    let search = MemberSearch {
        email: wanted.clone(),
        plan: query.text("plan").map(PlanId::from_text),
        field: value.clone().filter(|_| !key.is_empty()).map(|value| (key.clone(), value)),
        order: match query.get("order") {
            "oldest" => MemberOrder::Oldest,
            "email" => MemberOrder::Email,
            _ => MemberOrder::Newest,
        },
        back: query.text("before").is_some(),
        after: query.text("before").or_else(|| query.text("after")),
        limit: PAGE,
    };
    let unknown_plan = search.plan.as_ref().is_some_and(|plan| definitions.plan(plan).is_none());
    let nul = [&search.email, &search.after].into_iter().flatten().any(|text| text.contains('\0'));
    if unknown_plan || nul {
        return Err(guildhall_domain::Code::QueryInvalid.into());
    }
    let (searching, back) = (!search.is_everything(), search.back);
    let found = desk.guildhall().search_members(&access, search).await?;
    let plan_name =
        |id: &PlanId| definitions.plan(id).map_or_else(|| id.to_string(), |plan| plan.name.clone());
    let rows = found.members.iter().map(|member| Row {
        id: member.id.to_string(),
        email: member.email.clone(),
        name: name_of(member, &definitions.custom_fields),
        verified: member.verified,
        plans: member
            .contracts
            .iter()
            .filter(|held| held.is_held())
            .filter_map(|held| held.plan.as_ref().map(plan_name))
            .collect(),
        value: shown(member.custom_fields.to_map().unwrap_or_default().get(&key)),
        created: desk.when(member.created_at),
        last_login: member.last_login_at.map(|at| desk.when(at)),
    });
    let rows: Vec<_> = rows.collect();
    let further = if back { &found.previous } else { &found.next };
    let fields: Vec<_> =
        definitions.custom_fields.iter().map(|field| (field.key.clone(), field.label.clone())).collect();
    let plan_pairs = |free: bool| {
        let plans = definitions.plans.iter().filter(|plan| !free || plan.is_free());
        plans.map(|plan| (plan.id.to_string(), plan.name.clone())).collect::<Vec<_>>()
    };
    let filters = filters::rows(desk).await?;
    Ok(ListPage {
        shell: desk.shell("Members", "members"),
        error,
        filter_name: desk.form.get("name").to_owned(),
        filter: query
            .only(FILTER)
            .under("")
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        unsaved: !filters.iter().any(|filter| filter.current),
        filters,
        column: fields.iter().find(|(known, _)| *known == key).map(|(_, label)| label.clone()),
        query: wanted.unwrap_or_default(),
        plan: query.get("plan").to_owned(),
        field: key.clone(),
        value: value.unwrap_or_default(),
        order: query.get("order").to_owned(),
        plans: plan_pairs(false),
        free_plans: plan_pairs(true),
        fields,
        total: grouped(found.total),
        searching,
        examined_max: EXAMINED_MAX,
        back,
        cut_short: rows.len() < PAGE && further.is_some(),
        first: found
            .previous
            .is_some()
            .then(|| format!("{}?{}", desk.link("/members"), query.query_without(&["before", "after"]))),
        pager: Pager::of(
            desk,
            "/members",
            found.previous.map(|place| ("before", place)),
            found.next.map(|place| ("after", place)),
        ),
        rows,
    })
}
