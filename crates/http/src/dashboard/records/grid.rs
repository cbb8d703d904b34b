//! The grid.

use super::label;
use crate::dashboard::desk::{Desk, can_be_mended};
use crate::dashboard::form::Form;
use crate::dashboard::shell::Shell;
use crate::dashboard::tables::{meant, named, shown};
use crate::dashboard::when::{self, When};
use askama::Template;
use axum::response::Response;
use guildhall_app::records::{Found, Included, Node, PageOf};
use guildhall_app::{Access, AppError};
use guildhall_domain::Code;
use guildhall_domain::data_table::{DataTable, Field, FieldKind, numbered};
use guildhall_domain::record::FieldValue;
use guildhall_domain::scope::Action;
use serde_json::{Map, Value, json};

/// Records on a page.
const PAGE: i64 = 50;
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
    previous: Option<String>,
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

/// `GET …/tables/{table}?field=&test=&value=&sort=&dir=&after=&before=`
pub(in crate::dashboard) async fn list(desk: Desk) -> Result<Response, AppError> {
    let access = desk.allow(Action::RecordRead)?;
    let table = named(&desk)?;
    let count = desk.guildhall().record_counts(&access).await?;
    let total = count.iter().find(|(number, _)| *number == table.number).map_or(0, |(_, count)| *count);
    let (page, error) = match turned(&desk, &access, table).await {
        Ok(page) => (page, None),
        // A filter that a field cannot take is told beside the filter.
        Err(error) if can_be_mended(&error) => (Page::default(), Some(error)),
        Err(error) => return Err(error),
    };
    let told = error.as_ref().map(|error| error.message.to_string());
    let page = grid(&desk, table, page, total, told)?;
    match error {
        Some(error) => desk.refused(error, &page),
        None => desk.page(&page),
    }
}

/// A page of the grid.
#[derive(Default)]
struct Page {
    nodes: Vec<Node>,
    /// The numbers of the records next to which the pages before and after lie.
    previous: Option<i64>,
    next: Option<i64>,
}

/// Which way a page lies from the record that the address names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The first page, whatever the address names.
    First,
    /// Behind it.
    On,
    /// Before it: what lies behind it in the opposite order.
    Back,
}

/// The page that the address names. Going back so far that no page would be full leads to the first.
async fn turned(desk: &Desk, access: &Access<'_>, table: &DataTable) -> Result<Page, AppError> {
    let named = |name: &str| desk.query.text(name).is_some();
    let way = match (named("before"), named("after")) {
        (true, _) => Way::Back,
        (false, true) => Way::On,
        (false, false) => Way::First,
    };
    let found = read(desk, access, table, way).await?;
    let (found, way) = match way {
        Way::Back if (found.items.len() as i64) < PAGE => {
            (read(desk, access, table, Way::First).await?, Way::First)
        }
        way => (found, way),
    };
    let PageOf { items: mut nodes, has_more, .. } = found;
    if way == Way::Back {
        nodes.reverse();
    }
    let number = |node: Option<&Node>| node.map(|node| node.record.key.sequence());
    let (first, last) = (number(nodes.first()), number(nodes.last()));
    let (previous, next) = match way {
        Way::First => (None, last.filter(|_| has_more)),
        Way::On => (first, last.filter(|_| has_more)),
        Way::Back => (first.filter(|_| has_more), last),
    };
    Ok(Page { nodes, previous, next })
}

async fn read(
    desk: &Desk,
    access: &Access<'_>,
    table: &DataTable,
    way: Way,
) -> Result<PageOf<Node>, AppError> {
    let query = query(desk, table, way)?;
    match desk.guildhall().query_records(access, &table.key, Some(&query)).await? {
        Found::Many(page) => Ok(page),
        _ => Err(AppError::internal("a grid's query found no page")),
    }
}

/// What is asked for, as the client API would say it: the same query, with the same bounds.
fn query(desk: &Desk, table: &DataTable, way: Way) -> Result<Value, AppError> {
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
    let (sort, descending) = match table.field(given.get("sort")) {
        Some(field) => (field.key.as_str(), given.get("dir") == "desc"),
        None => ("internalOrder", true),
    };
    let direction = if descending == (way == Way::Back) { "asc" } else { "desc" };
    many["orderBy"] = json!({ sort: direction });
    let place = match way {
        Way::First => None,
        Way::On => given.text("after"),
        Way::Back => given.text("before"),
    };
    if let Some(place) = place.and_then(|text| text.parse::<i64>().ok()) {
        many["after"] = place.into();
    }
    Ok(json!({ "findMany": many }))
}

fn grid(
    desk: &Desk,
    table: &DataTable,
    page: Page,
    total: i64,
    error: Option<String>,
) -> Result<GridPage, AppError> {
    let given = &desk.query;
    let shown_fields: Vec<_> = columns(table).collect();
    let here = desk.link(&format!("/tables/{}", table.key));
    let with = |without: &str, more: &str| {
        // Another order or filter begins at the first page again.
        let mut kept = Form::default();
        for (name, value) in ["field", "test", "value", "sort", "dir"].map(|name| (name, given.get(name))) {
            if !value.is_empty() && !without.split(',').any(|left_out| left_out == name) {
                kept.push(name.into(), value.into());
            }
        }
        let rest = kept.query_without(&[]);
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
    let rows = page.nodes.iter().map(|node| Row {
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
        first: page.previous.map(|_| with("", "")),
        previous: page.previous.map(|place| with("", &format!("before={place}"))),
        next: page.next.map(|place| with("", &format!("after={place}"))),
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
        (Some(FieldValue::Date(at)), _) => (when::exact(*at), None),
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
