//! The form of one record, new or old.

use super::label;
use crate::dashboard::desk::{Desk, can_be_mended};
use crate::dashboard::shell::Shell;
use crate::dashboard::tables::{meant, named, shown};
use crate::dashboard::when::When;
use askama::Template;
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_app::records::{Found, Included, Node};
use guildhall_domain::Code;
use guildhall_domain::data_table::{DataTable, Field, FieldKind, numbered};
use guildhall_domain::scope::Action;
use serde_json::{Map, Value, json};

/// Records and members that a picker offers.
const OFFERED: i64 = 100;

#[derive(Template)]
#[template(path = "dashboard/record.html")]
struct RecordPage {
    shell: Shell,
    table: DataTable,
    /// Empty for a record that is to be.
    id: String,
    owner: String,
    inputs: Vec<Input>,
    times: Option<(When, When)>,
    error: Option<String>,
}

/// One field of the form.
struct Input {
    key: String,
    name: String,
    kind: FieldKind,
    required: bool,
    value: String,
    /// What a picker offers: id and label.
    offered: Vec<(String, String)>,
    /// More than what is offered can be chosen, by its id.
    open: bool,
    /// What a field of many points at.
    linked: Vec<(String, String)>,
    /// Whether there is more behind that.
    more: bool,
}

impl Input {
    fn is_long(&self) -> bool {
        self.kind == FieldKind::Text
    }

    fn is_choice(&self) -> bool {
        self.kind == FieldKind::Boolean
    }

    fn is_many(&self) -> bool {
        self.kind.is_many()
    }

    fn is_picker(&self) -> bool {
        self.kind.is_relation() && !self.is_many()
    }

    fn hint(&self) -> &'static str {
        match self.kind {
            FieldKind::Date => "A time such as 2026-01-31T12:00:00Z",
            FieldKind::Number => "A whole number",
            FieldKind::Decimal => "A number such as 9.50",
            FieldKind::Url => "https://…",
            FieldKind::MemberReference => "Choose a member, or give an id",
            FieldKind::Reference => "Choose a record, or give an id",
            _ => "",
        }
    }
}

/// What a picker offers: the newest records or members.
async fn offered(desk: &Desk, field: &Field) -> Result<(Vec<(String, String)>, bool), AppError> {
    use guildhall_app::members::MemberSearch;
    if field.kind.points_at_members() {
        let access = desk.allow(Action::MemberRead)?;
        let search = MemberSearch { limit: OFFERED as usize, ..MemberSearch::default() };
        let found = desk.guildhall().search_members(&access, search).await?;
        let members = found.members.into_iter().map(|member| {
            let id = member.id.to_string();
            (id.clone(), member.email.unwrap_or(id))
        });
        return Ok((members.collect(), found.next.is_some()));
    }
    let access = desk.allow(Action::RecordRead)?;
    let tables = &access.definitions().tables;
    let Some(target) = field.referenced_table.and_then(|number| numbered(tables, number)) else {
        return Ok((Vec::new(), false));
    };
    let query = json!({ "findMany": { "take": OFFERED, "orderBy": { "internalOrder": "desc" } } });
    match desk.guildhall().query_records(&access, &target.key, Some(&query)).await? {
        Found::Many(page) => {
            let more = page.has_more;
            Ok((page.items.iter().map(|node| (node.record.id.clone(), label(node, target))).collect(), more))
        }
        _ => Ok((Vec::new(), false)),
    }
}

/// A record with what its fields of many point at.
async fn find(desk: &Desk, table: &DataTable) -> Result<Node, AppError> {
    let access = desk.allow(Action::RecordRead)?;
    let mut unique = json!({ "where": { "id": desk.param("record") } });
    let many: Map<_, _> = table
        .fields
        .iter()
        .filter(|field| field.kind.is_many())
        .take(guildhall_domain::query::INCLUDES_MAX)
        .map(|field| (field.key.clone(), json!({ "take": 50 })))
        .collect();
    if !many.is_empty() {
        unique["include"] = Value::Object(many);
    }
    let query = json!({ "findUnique": unique });
    match desk.guildhall().query_records(&access, &table.key, Some(&query)).await? {
        Found::Unique(node) => Ok(node),
        _ => Err(Code::RecordNotFound.into()),
    }
}

async fn record_page(desk: &Desk, error: Option<String>) -> Result<RecordPage, AppError> {
    let table = named(desk)?;
    let tables = &desk.place()?.definitions().tables;
    let node = if desk.param("record").is_empty() { None } else { Some(find(desk, table).await?) };
    let mut inputs = Vec::with_capacity(table.fields.len());
    for field in &table.fields {
        let name = format!("field.{}", field.key);
        let stored = node.as_ref().and_then(|node| node.record.value(field.number)).map(shown);
        let default = || field.default.as_ref().filter(|_| node.is_none()).map(shown);
        let value = match (&error, desk.form.ticked(&name)) {
            (Some(_), true) => desk.form.get(&name).to_owned(),
            _ => stored.or_else(default).unwrap_or_default(),
        };
        let (offered, open) =
            if field.kind.is_relation() { offered(desk, field).await? } else { (Vec::new(), false) };
        let (mut linked, mut more) = (Vec::new(), false);
        let included =
            node.iter().flat_map(|node| &node.included).find(|(number, _)| *number == field.number);
        match included {
            Some((_, Included::Records(page))) => {
                let target = field.referenced_table.and_then(|number| numbered(tables, number));
                linked.extend(
                    page.items.iter().filter_map(|node| Some((node.record.id.clone(), label(node, target?)))),
                );
                more = page.has_more;
            }
            Some((_, Included::Members(page))) => {
                let label = |id: &String, email: &Option<String>| email.clone().unwrap_or_else(|| id.clone());
                linked.extend(
                    page.items.iter().map(|member| (member.id.clone(), label(&member.id, &member.email))),
                );
                more = page.has_more;
            }
            _ => {}
        }
        inputs.push(Input {
            key: field.key.clone(),
            name: field.name.clone(),
            kind: field.kind,
            required: field.required,
            value,
            offered,
            open,
            linked,
            more,
        });
    }
    let title =
        node.as_ref().map_or_else(|| format!("New record in {}", table.name), |node| label(node, table));
    Ok(RecordPage {
        shell: desk.shell(title, "tables"),
        id: desk.param("record").to_owned(),
        owner: desk.form.get("owner").to_owned(),
        times: node
            .as_ref()
            .map(|node| (desk.when(node.record.created_at), desk.when(node.record.updated_at))),
        table: table.clone(),
        inputs,
        error,
    })
}

/// `GET …/tables/{table}/records/new`
pub(in crate::dashboard) async fn new(desk: Desk) -> Result<Response, AppError> {
    desk.allow(Action::RecordWrite)?;
    let page = record_page(&desk, None).await?;
    desk.page(&page)
}

/// `GET …/tables/{table}/records/{record}`
pub(in crate::dashboard) async fn show(desk: Desk) -> Result<Response, AppError> {
    let page = record_page(&desk, None).await?;
    desk.page(&page)
}

/// What the form says, as a write to the API says it. Empty is no value; for a new record, nothing is
/// said of it, so that defaults apply.
fn data(desk: &Desk, table: &DataTable) -> Map<String, Value> {
    let mut data = Map::new();
    for field in &table.fields {
        let name = format!("field.{}", field.key);
        if field.kind.is_many() {
            let ids = |name: String| {
                let form = &desk.form;
                let given: Vec<_> = form.all(&name).filter(|id| !id.trim().is_empty()).collect();
                given.into_iter().map(|id| json!({ "id": id.trim() })).collect::<Vec<_>>()
            };
            let (connect, disconnect) =
                (ids(format!("connect.{}", field.key)), ids(format!("disconnect.{}", field.key)));
            let mut change = Map::new();
            if !connect.is_empty() {
                change.insert("connect".into(), connect.into());
            }
            if !disconnect.is_empty() {
                change.insert("disconnect".into(), disconnect.into());
            }
            if !change.is_empty() {
                data.insert(field.key.clone(), change.into());
            }
            continue;
        }
        if !desk.form.ticked(&name) {
            continue;
        }
        let text = desk.form.get(&name);
        if text.trim().is_empty() {
            if !desk.param("record").is_empty() {
                data.insert(field.key.clone(), Value::Null);
            }
            continue;
        }
        data.insert(field.key.clone(), meant(field.kind, text));
    }
    data
}

async fn again(desk: &Desk, error: AppError) -> Result<Response, AppError> {
    if !can_be_mended(&error) {
        return Err(error);
    }
    let page = record_page(desk, Some(error.message.to_string())).await?;
    desk.refused(error, &page)
}

/// `POST …/tables/{table}/records`
pub(in crate::dashboard) async fn create(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::RecordWrite)?;
    let table = named(&desk)?;
    let (data, owner) = (data(&desk, table), desk.form.text("owner"));
    match desk.guildhall().create_record(&access, &table.key, &data, owner).await {
        Ok(written) => {
            Ok(desk.done(&format!("/tables/{}/records/{}", table.key, written.record.id), "created"))
        }
        Err(error) => again(&desk, error).await,
    }
}

/// `POST …/tables/{table}/records/{record}`
pub(in crate::dashboard) async fn update(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::RecordWrite)?;
    let table = named(&desk)?;
    let (data, id) = (data(&desk, table), desk.param("record"));
    match desk.guildhall().update_record(&access, &table.key, id, &data).await {
        Ok(_) => Ok(desk.done(&format!("/tables/{}/records/{id}", table.key), "saved")),
        Err(error) => again(&desk, error).await,
    }
}

/// `POST …/tables/{table}/records/{record}/delete`
pub(in crate::dashboard) async fn delete(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::RecordWrite)?;
    let table = named(&desk)?;
    match desk.guildhall().delete_record(&access, &table.key, desk.param("record")).await {
        Ok(_) => Ok(desk.done(&format!("/tables/{}", table.key), "deleted")),
        Err(error) => again(&desk, error).await,
    }
}
