//! The records of a data table: a grid with filter, order and pages, and a form for one record.

use super::desk::{Desk, can_be_mended};
use super::shell::Shell;
use super::tables::{meant, named, shown};
use super::when::When;
use askama::Template;
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_app::records::{Found, Included, Node, PageOf};
use guildhall_domain::Code;
use guildhall_domain::data_table::{DataTable, Field, FieldKind, numbered};
use guildhall_domain::record::FieldValue;
use guildhall_domain::scope::Action;
use serde_json::{Map, Value, json};

/// Records on a page.
const PAGE: i64 = 50;
/// Records and members that a picker offers.
const OFFERED: i64 = 100;
/// Fields that the grid shows; the record's own page shows all.
const COLUMNS_MAX: usize = 8;

#[derive(Template)]
#[template(path = "dashboard/records.html")]
struct GridPage {
    shell: Shell,
    table: DataTable,
    columns: Vec<Column>,
    hidden: usize,
    rows: Vec<Row>,
    field: String,
    test: String,
    value: String,
    filters: Vec<(String, String)>,
    tests: Vec<(&'static str, &'static str)>,
    total: i64,
    filtered: bool,
    next: Option<String>,
    first: Option<String>,
    error: Option<String>,
}

struct Column {
    name: String,
    /// Where its order is turned; nothing where it has none.
    sort: Option<String>,
    /// `ascending` or `descending`, for `aria-sort`.
    sorted: Option<&'static str>,
    numeric: bool,
}

struct Row {
    id: String,
    cells: Vec<Cell>,
    updated: When,
}

struct Cell {
    text: String,
    numeric: bool,
    /// Where the cell leads, if it points at something.
    link: Option<String>,
    /// The name of its field in a form and its value there, where a script may edit it in place.
    edit: Option<(String, String)>,
}

/// The tests that a filter offers.
const TESTS: [(&str, &str); 7] = [
    ("equals", "is"),
    ("contains", "contains"),
    ("gt", "is more than"),
    ("lt", "is less than"),
    ("not", "is not"),
    ("set", "has a value"),
    ("unset", "has no value"),
];

/// `GET …/tables/{table}?field=&test=&value=&sort=&dir=&skip=`
pub(super) async fn list(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::RecordRead)?;
    let table = named(&desk)?;
    let count = desk.guildhall().record_counts(&access).await?;
    let total = count.iter().find(|(number, _)| *number == table.number).map_or(0, |(_, count)| *count);
    let found = match query(&desk, table) {
        Ok(query) => desk.guildhall().query_records(&access, &table.key, Some(&query)).await,
        Err(error) => Err(error),
    };
    let (page, error) = match found {
        Ok(Found::Many(page)) => (page, None),
        Ok(_) => return Err(AppError::internal("a grid's query found no page")),
        // A filter that a field cannot take is told beside the filter.
        Err(error) if can_be_mended(&error) => {
            (PageOf { items: Vec::new(), has_more: false, limit: None }, Some(error))
        }
        Err(error) => return Err(error),
    };
    let told = error.as_ref().map(|error| error.message.to_string());
    let page = grid(&desk, table, page, total, told)?;
    match error {
        Some(error) => desk.refused(error, &page),
        None => desk.page(&page),
    }
}

/// What is asked for, as the client API would say it: the same query, with the same bounds.
fn query(desk: &Desk, table: &DataTable) -> Result<Value, AppError> {
    let given = &desk.query;
    let mut many = json!({ "take": PAGE });
    if let Some(field) = table.field(given.get("field")) {
        let value = meant(field.kind, given.get("value"));
        let condition = match given.get("test") {
            "set" => json!({ "not": null }),
            "unset" => json!({ "equals": null }),
            "contains" if field.kind.is_text() => json!({ "contains": value, "mode": "insensitive" }),
            test @ ("equals" | "gt" | "lt" | "not") => json!({ test: value }),
            "contains" => {
                return Err(AppError::because(Code::InputInvalid, "Only text can contain something."));
            }
            _ => json!({ "equals": value }),
        };
        many["where"] = json!({ field.key.as_str(): condition });
    }
    let pointing = columns(table).filter(|field| field.kind.is_relation());
    let include: Map<_, _> = pointing.map(|field| (field.key.clone(), Value::Bool(true))).collect();
    if !include.is_empty() {
        many["include"] = Value::Object(include);
    }
    let direction = if given.get("dir") == "desc" { "desc" } else { "asc" };
    let sort = given.get("sort");
    if table.field(sort).is_some() {
        many["orderBy"] = json!({ sort: direction });
    } else {
        many["orderBy"] = json!({ "internalOrder": "desc" });
    }
    if let Some(after) = given.text("after").and_then(|text| text.parse::<i64>().ok()) {
        many["after"] = after.into();
    }
    Ok(json!({ "findMany": many }))
}

fn grid(
    desk: &Desk,
    table: &DataTable,
    page: PageOf<Node>,
    total: i64,
    error: Option<String>,
) -> Result<GridPage, AppError> {
    let given = &desk.query;
    let shown_fields: Vec<_> = columns(table).collect();
    let here = desk.link(&format!("/tables/{}", table.key));
    let with = |without: &str, more: &str| {
        // Another order or filter begins at the first page again.
        let mut kept = super::form::Form::default();
        for (name, value) in ["field", "test", "value", "sort", "dir"].map(|name| (name, given.get(name))) {
            if !value.is_empty() && !without.split(',').any(|left_out| left_out == name) {
                kept.push(name.into(), value.into());
            }
        }
        let rest = kept.query_without("");
        let joint = if rest.is_empty() || more.is_empty() { "" } else { "&" };
        format!("{here}?{rest}{joint}{more}")
    };
    let columns = shown_fields.iter().map(|field| {
        let current = given.get("sort") == field.key;
        let descending = current && given.get("dir") == "desc";
        let turned = if current && !descending { "desc" } else { "asc" };
        Column {
            name: field.name.clone(),
            sort: field
                .kind
                .is_indexed()
                .then(|| with("sort,dir", &format!("sort={}&dir={turned}", field.key))),
            sorted: current.then_some(if descending { "descending" } else { "ascending" }),
            numeric: is_numeric(field.kind),
        }
    });
    let last = page.items.last().map(|node| node.record.key.sequence());
    let rows = page.items.iter().map(|node| Row {
        cells: shown_fields.iter().map(|field| cell(desk, node, field)).collect(),
        updated: desk.when(node.record.updated_at),
        id: node.record.id.clone(),
    });
    let filters = table.fields.iter().filter(|field| !field.kind.is_many());
    Ok(GridPage {
        shell: desk.shell(table.name.clone(), "tables"),
        columns: columns.collect(),
        hidden: table.fields.len() - shown_fields.len(),
        rows: rows.collect(),
        field: given.get("field").to_owned(),
        test: given.get("test").to_owned(),
        value: given.get("value").to_owned(),
        filters: filters.map(|field| (field.key.clone(), field.name.clone())).collect(),
        tests: TESTS.to_vec(),
        total,
        filtered: table.field(given.get("field")).is_some(),
        next: last.filter(|_| page.has_more).map(|last| with("", &format!("after={last}"))),
        first: given.text("after").map(|_| with("", "")),
        table: table.clone(),
        error,
    })
}

/// The fields that the grid shows.
fn columns(table: &DataTable) -> impl Iterator<Item = &Field> {
    table.fields.iter().filter(|field| !field.kind.is_many()).take(COLUMNS_MAX)
}

fn is_numeric(kind: FieldKind) -> bool {
    matches!(kind, FieldKind::Number | FieldKind::Decimal)
}

fn cell(desk: &Desk, node: &Node, field: &Field) -> Cell {
    let value = node.record.value(field.number);
    let raw = value.map(shown).unwrap_or_default();
    let included = node.included.iter().find(|(number, _)| *number == field.number).map(|(_, found)| found);
    let target = || {
        let tables = &desk.place.as_ref()?.definitions().tables;
        numbered(tables, field.referenced_table?)
    };
    let (text, link) = match (value, included) {
        (None, _) => (String::new(), None),
        (Some(FieldValue::Boolean(truth)), _) => (if *truth { "Yes" } else { "No" }.to_owned(), None),
        (Some(FieldValue::Date(at)), _) => (super::when::exact(*at), None),
        (_, Some(Included::Member(member))) => {
            let text = member.email.clone().unwrap_or_else(|| member.id.clone());
            (text, Some(desk.link(&format!("/members/{}", member.id))))
        }
        (_, Some(Included::Record(record))) => match target() {
            Some(table) => {
                let link = desk.link(&format!("/tables/{}/records/{raw}", table.key));
                (label(record, table), Some(link))
            }
            None => (raw.clone(), None),
        },
        (Some(_), _) => (raw.clone(), None),
    };
    let whole = text.chars().count() <= 120;
    let edit = (whole && !field.kind.is_relation()).then(|| (format!("field.{}", field.key), raw));
    let text = if whole { text } else { text.chars().take(120).collect() };
    Cell { text, numeric: is_numeric(field.kind), link, edit }
}

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

/// A label for a record in a picker: its first text, then its id.
fn label(node: &Node, table: &DataTable) -> String {
    let texts = table.fields.iter().filter(|field| field.kind.is_text());
    let text =
        texts.filter_map(|field| node.record.value(field.number)).map(shown).find(|text| !text.is_empty());
    text.map_or_else(|| node.record.id.clone(), |text| text.chars().take(80).collect())
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
pub(super) async fn new(desk: Desk) -> Result<Response, AppError> {
    desk.allow(Action::RecordWrite)?;
    let page = record_page(&desk, None).await?;
    desk.page(&page)
}

/// `GET …/tables/{table}/records/{record}`
pub(super) async fn show(desk: Desk) -> Result<Response, AppError> {
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
pub(super) async fn create(desk: Desk) -> Result<Response, AppError> {
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
pub(super) async fn update(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::RecordWrite)?;
    let table = named(&desk)?;
    let (data, id) = (data(&desk, table), desk.param("record"));
    match desk.guildhall().update_record(&access, &table.key, id, &data).await {
        Ok(_) => Ok(desk.done(&format!("/tables/{}/records/{id}", table.key), "saved")),
        Err(error) => again(&desk, error).await,
    }
}

/// `POST …/tables/{table}/records/{record}/delete`
pub(super) async fn delete(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::RecordWrite)?;
    let table = named(&desk)?;
    match desk.guildhall().delete_record(&access, &table.key, desk.param("record")).await {
        Ok(_) => Ok(desk.done(&format!("/tables/{}", table.key), "deleted")),
        Err(error) => again(&desk, error).await,
    }
}
