//! Data tables: what there is, and the editor of one table's fields and rules.

use super::desk::{Desk, can_be_mended};
use super::form::Form;
use super::shell::Shell;
use askama::Template;
use axum::response::Response;
use guildhall_app::AppError;
use guildhall_app::data_tables::{FieldChange, FieldDraft, TableChange, TableDraft};
use guildhall_domain::Code;
use guildhall_domain::data_table::{AccessRule, AccessRules, DataTable, Field, FieldKind, numbered};
use guildhall_domain::record::FieldValue;
use guildhall_domain::scope::Action;
use serde_json::Value;

/// What an access rule opens, in words.
const RULES: [(AccessRule, &str); 4] = [
    (AccessRule::AdminOnly, "Only servers and operators"),
    (AccessRule::AuthenticatedOwn, "The member that owns the record"),
    (AccessRule::Authenticated, "Every signed-in member"),
    (AccessRule::Public, "Everyone"),
];

#[derive(Template)]
#[template(path = "dashboard/tables.html")]
struct TablesPage {
    shell: Shell,
    tables: Vec<TableRow>,
    name: String,
    key: String,
    error: Option<String>,
}

struct TableRow {
    key: String,
    name: String,
    fields: usize,
    records: i64,
    read: &'static str,
}

fn rule_words(rule: AccessRule) -> &'static str {
    RULES.iter().find(|(known, _)| *known == rule).map_or("", |(_, words)| words)
}

async fn list_page(desk: &Desk, error: Option<String>) -> Result<TablesPage, AppError> {
    let access = desk.allow(Action::RecordRead)?;
    let counts = desk.guildhall().record_counts(&access).await?;
    let tables = access.definitions().tables.iter().map(|table| TableRow {
        key: table.key.clone(),
        name: table.name.clone(),
        fields: table.fields.len(),
        records: counts.iter().find(|(number, _)| *number == table.number).map_or(0, |(_, count)| *count),
        read: rule_words(table.rules.read),
    });
    Ok(TablesPage {
        tables: tables.collect(),
        shell: desk.shell("Data tables", "tables"),
        name: desk.form.get("name").to_owned(),
        key: desk.form.get("key").to_owned(),
        error,
    })
}

/// `GET …/tables`
pub(super) async fn list(desk: Desk) -> Result<Response, AppError> {
    let page = list_page(&desk, None).await?;
    desk.page(&page)
}

/// `POST …/tables`: a name and a key; fields and rules follow on the table's own page.
pub(super) async fn create(desk: Desk) -> Result<Response, AppError> {
    let (app, actor) = desk.manage()?;
    let draft = TableDraft {
        key: desk.form.get("key").trim().to_owned(),
        name: desk.form.get("name").to_owned(),
        rules: AccessRules::default(),
        fields: Vec::new(),
    };
    match desk.guildhall().create_table(&app, draft, actor).await {
        Ok(table) => Ok(desk.done(&format!("/tables/{}/schema", table.key), "created")),
        Err(error) if can_be_mended(&error) => {
            let page = list_page(&desk, Some(error.message.to_string())).await?;
            desk.refused(error, &page)
        }
        Err(error) => Err(error),
    }
}

#[derive(Template)]
#[template(path = "dashboard/schema.html")]
struct SchemaPage {
    shell: Shell,
    table: DataTable,
    /// Label, name in the form, and each rule with whether it is the one.
    rules: Vec<(&'static str, &'static str, Vec<Choice>)>,
    fields: Vec<FieldRow>,
    kinds: Vec<Choice>,
    targets: Vec<Choice>,
    /// The field that is being changed.
    edited: Option<FieldRow>,
    edited_kinds: Vec<Choice>,
    form: Form,
    error: Option<String>,
}

struct Choice {
    value: &'static str,
    label: String,
    chosen: bool,
}

struct FieldRow {
    key: String,
    name: String,
    kind: FieldKind,
    required: bool,
    unique: bool,
    default: String,
    target: String,
    indexed: bool,
    position: String,
}

impl FieldRow {
    fn of(field: &Field, tables: &[DataTable]) -> Self {
        Self {
            key: field.key.clone(),
            name: field.name.clone(),
            kind: field.kind,
            required: field.required,
            unique: field.unique,
            default: field.default.as_ref().map(shown).unwrap_or_default(),
            target: field
                .referenced_table
                .and_then(|number| numbered(tables, number))
                .map(|table| table.key.clone())
                .unwrap_or_default(),
            indexed: field.kind.is_indexed(),
            position: field.position.map(|position| position.to_string()).unwrap_or_default(),
        }
    }
}

/// A value as a form shows it.
pub(super) fn shown(value: &FieldValue) -> String {
    match value {
        FieldValue::Text(text) => text.clone(),
        FieldValue::Number(number) => number.to_string(),
        FieldValue::Decimal(decimal) => decimal.to_string(),
        FieldValue::Boolean(truth) => truth.to_string(),
        FieldValue::Date(at) => at.to_iso(),
        FieldValue::Reference { id, .. } => id.clone(),
    }
}

/// What a text in a form means for a field of some kind.
pub(super) fn meant(kind: FieldKind, text: &str) -> Value {
    let trimmed = text.trim();
    match kind {
        FieldKind::Number => trimmed.parse::<i64>().map_or_else(|_| Value::from(trimmed), Value::from),
        FieldKind::Boolean => match trimmed {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            other => Value::from(other),
        },
        FieldKind::Text => Value::from(text.replace("\r\n", "\n").replace('\0', "")),
        _ => Value::from(trimmed.replace('\0', "")),
    }
}

/// The table that the path names.
pub(super) fn named(desk: &Desk) -> Result<&DataTable, AppError> {
    let (tables, name) = (&desk.place()?.definitions().tables, desk.param("table"));
    let found = tables.iter().find(|table| table.key == name || table.id.as_str() == name);
    found.ok_or_else(|| Code::TableNotFound.into())
}

fn schema_page(desk: &Desk, error: Option<String>) -> Result<SchemaPage, AppError> {
    let (table, tables) = (named(desk)?.clone(), &desk.place()?.definitions().tables);
    let rule = |label: &'static str, name: &'static str, current: AccessRule| {
        let choices = RULES.iter().map(|(rule, words)| Choice {
            value: rule.as_str(),
            label: (*words).to_owned(),
            chosen: *rule == current,
        });
        (label, name, choices.collect())
    };
    let edited = table.field(desk.query.get("edit"));
    let kinds = |current: Option<FieldKind>| {
        let offered = FieldKind::ALL.iter().filter(|kind| current.is_none_or(|old| old.can_become(**kind)));
        let chosen = match current {
            Some(kind) => kind.as_str(),
            None => desk.form.get("type"),
        };
        offered
            .map(|kind| Choice {
                value: kind.as_str(),
                label: kind_words(*kind).to_owned(),
                chosen: kind.as_str() == chosen,
            })
            .collect()
    };
    Ok(SchemaPage {
        shell: desk.shell(format!("{}: fields", table.name), "tables"),
        rules: vec![
            rule("Read", "read", table.rules.read),
            rule("Create", "create", table.rules.create),
            rule("Change", "update", table.rules.update),
            rule("Delete", "delete", table.rules.delete),
        ],
        fields: table.fields.iter().map(|field| FieldRow::of(field, tables)).collect(),
        kinds: kinds(None),
        edited_kinds: edited.map(|field| kinds(Some(field.kind))).unwrap_or_default(),
        targets: tables
            .iter()
            .map(|other| Choice {
                value: "",
                label: other.key.clone(),
                chosen: desk.form.get("target") == other.key,
            })
            .collect(),
        edited: edited.map(|field| FieldRow::of(field, tables)),
        form: desk.form.clone(),
        table,
        error,
    })
}

fn kind_words(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Text => "Text (long, not searchable by index)",
        FieldKind::TextFilterable => "Text (short, indexed)",
        FieldKind::TextUnique => "Text (short, unique)",
        FieldKind::Number => "Whole number",
        FieldKind::Decimal => "Decimal",
        FieldKind::Boolean => "Yes or no",
        FieldKind::Date => "Date and time",
        FieldKind::Email => "Email address",
        FieldKind::Url => "Web address",
        FieldKind::Reference => "One record of a table",
        FieldKind::ReferenceMany => "Many records of a table",
        FieldKind::MemberReference => "One member",
        FieldKind::MemberReferenceMany => "Many members",
    }
}

/// `GET …/tables/{table}/schema?edit=`
pub(super) async fn schema(desk: Desk) -> Result<Response, AppError> {
    let page = schema_page(&desk, None)?;
    desk.page(&page)
}

fn answer<T>(desk: &Desk, result: Result<T, AppError>, to: &str, notice: &str) -> Result<Response, AppError> {
    match result {
        Ok(_) => Ok(desk.done(to, notice)),
        Err(error) if can_be_mended(&error) => {
            let page = schema_page(desk, Some(error.message.to_string()))?;
            desk.refused(error, &page)
        }
        Err(error) => Err(error),
    }
}

fn rule_of(form: &Form, name: &str) -> Result<Option<AccessRule>, AppError> {
    let Some(text) = form.text(name) else { return Ok(None) };
    text.parse().map(Some).map_err(|reason: String| AppError::because(Code::InputInvalid, reason))
}

/// `POST …/tables/{table}`: name, key and rules.
pub(super) async fn update(desk: Desk) -> Result<Response, AppError> {
    let (app, actor) = desk.manage()?;
    let key = named(&desk)?.key.clone();
    let form = &desk.form;
    let updated = async {
        let change = TableChange {
            key: form.text("key").filter(|new| *new != key),
            name: form.text("name"),
            create: rule_of(form, "create")?,
            read: rule_of(form, "read")?,
            update: rule_of(form, "update")?,
            delete: rule_of(form, "delete")?,
        };
        desk.guildhall().update_table(&app, &key, change, actor).await
    };
    let updated = updated.await;
    let to = updated.as_ref().map_or(key, |table| table.key.clone());
    answer(&desk, updated, &format!("/tables/{to}/schema"), "saved")
}

/// `POST …/tables/{table}/fields`
pub(super) async fn create_field(desk: Desk) -> Result<Response, AppError> {
    let (app, actor) = desk.manage()?;
    let key = named(&desk)?.key.clone();
    let form = &desk.form;
    let created = async {
        let kind: FieldKind = form
            .get("type")
            .parse()
            .map_err(|reason: String| AppError::because(Code::InputInvalid, reason))?;
        let draft = FieldDraft {
            key: form.get("key").trim().to_owned(),
            name: form.text("name").unwrap_or_else(|| form.get("key").trim().to_owned()),
            kind,
            required: form.ticked("required"),
            unique: form.ticked("unique"),
            default: form.text("default").map(|text| meant(kind, &text)),
            position: None,
            referenced_table: form.text("target").filter(|_| kind.points_at_records()),
        };
        desk.guildhall().create_field(&app, &key, draft, actor).await
    };
    let created = created.await;
    answer(&desk, created, &format!("/tables/{key}/schema"), "created")
}

/// `POST …/tables/{table}/fields/{field}`
pub(super) async fn update_field(desk: Desk) -> Result<Response, AppError> {
    let (app, actor) = desk.manage()?;
    let table = named(&desk)?;
    let (key, form) = (table.key.clone(), &desk.form);
    let old = table.field(desk.param("field")).ok_or(Code::FieldNotFound)?;
    let updated = async {
        let kind = match form.text("type") {
            Some(text) => {
                text.parse().map_err(|reason: String| AppError::because(Code::InputInvalid, reason))?
            }
            None => old.kind,
        };
        let default = form.text("default").map(|text| meant(kind, &text));
        let change = FieldChange {
            key: form.text("key").filter(|new| *new != old.key),
            name: form.text("name"),
            kind: Some(kind).filter(|kind| *kind != old.kind),
            required: Some(form.ticked("required")),
            unique: Some(form.ticked("unique")),
            default: Some(default),
            position: Some(form.int("position", "The order")?),
        };
        desk.guildhall().update_field(&app, &key, &old.key, change, actor).await
    };
    let updated = updated.await;
    answer(&desk, updated, &format!("/tables/{key}/schema"), "saved")
}

/// `POST …/tables/{table}/fields/{field}/delete`, confirmed by the field's key.
pub(super) async fn delete_field(desk: Desk) -> Result<Response, AppError> {
    let (app, actor) = desk.manage()?;
    let (key, field) = (named(&desk)?.key.clone(), desk.param("field"));
    let confirmation = desk.form.text("confirm");
    let deleted = desk.guildhall().delete_field(&app, &key, field, confirmation, actor).await;
    answer(&desk, deleted, &format!("/tables/{key}/schema"), "deleted")
}

/// `POST …/tables/{table}/delete`, confirmed by the table's key.
pub(super) async fn delete(desk: Desk) -> Result<Response, AppError> {
    let (app, actor) = desk.manage()?;
    let key = named(&desk)?.key.clone();
    let confirmation = desk.form.text("confirm");
    let deleted = desk.guildhall().delete_table(&app, &key, confirmation, actor).await;
    answer(&desk, deleted, "/tables", "deleted")
}
