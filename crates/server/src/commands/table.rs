//! `guildhall table …`: data tables, their fields, and moving records in and out.

mod records;

use super::Print;
use super::transfer::{ExportFlags, ImportFlags};
use crate::output;
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use guildhall_app::Guildhall;
use guildhall_app::data_tables::{FieldChange, FieldDraft, TableChange, TableDraft, field_kind, full_view};
use guildhall_domain::audit::Actor;
use guildhall_domain::data_table::{AccessRule, DataTable};
use guildhall_domain::ids::AppId;
use guildhall_domain::json as strict_json;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a data table from a JSON file: {key, name, createRule, readRule, updateRule, deleteRule, fields}
    Create {
        /// The app's id
        #[arg(long)]
        app: String,
        /// The file, or `-` for standard input
        #[arg(long)]
        file: PathBuf,
        #[command(flatten)]
        print: Print,
    },
    /// List an app's data tables
    List {
        /// The app's id
        #[arg(long)]
        app: String,
        #[command(flatten)]
        print: Print,
    },
    /// Show a data table with its fields
    Show {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        print: Print,
    },
    /// Change key, name or access rules
    Update {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        change: Change,
        #[command(flatten)]
        print: Print,
    },
    /// Delete a data table with all its records; tells what goes unless it is confirmed
    Delete {
        #[command(flatten)]
        named: Named,
        /// The table's key, to say that you mean it
        #[arg(long)]
        confirm: Option<String>,
        #[command(flatten)]
        print: Print,
    },
    /// Add a field from a JSON file: {key, name, type, required, unique, defaultValue, tableOrder, referencedTable}
    AddField {
        #[command(flatten)]
        named: Named,
        /// The file, or `-` for standard input
        #[arg(long)]
        file: PathBuf,
        #[command(flatten)]
        print: Print,
    },
    /// Change a field
    ChangeField {
        #[command(flatten)]
        named: Named,
        /// The field's key
        #[arg(long)]
        field: String,
        #[command(flatten)]
        change: ChangedField,
        #[command(flatten)]
        print: Print,
    },
    /// Remove a field with its values; tells what goes unless it is confirmed
    RemoveField {
        #[command(flatten)]
        named: Named,
        /// The field's key
        #[arg(long)]
        field: String,
        /// The field's key once more, to say that you mean it
        #[arg(long)]
        confirm: Option<String>,
        #[command(flatten)]
        print: Print,
    },
    /// Bring records in from JSON lines or CSV; ids, owners and dates are kept
    Import {
        /// The table's key or id
        #[arg(long)]
        table: String,
        #[command(flatten)]
        flags: ImportFlags,
    },
    /// Take all records of an environment out
    Export {
        /// The table's key or id
        #[arg(long)]
        table: String,
        #[command(flatten)]
        flags: ExportFlags,
    },
}

/// Which data table.
#[derive(Debug, Args)]
pub(super) struct Named {
    /// The app's id
    #[arg(long)]
    app: String,
    /// The table's key or id
    #[arg(long)]
    table: String,
}

#[derive(Debug, Args)]
pub(super) struct Change {
    /// What callers name it by from now on
    #[arg(long)]
    key: Option<String>,
    /// What people see
    #[arg(long)]
    name: Option<String>,
    /// Who may create records: PUBLIC, AUTHENTICATED, AUTHENTICATED_OWN or ADMIN_ONLY
    #[arg(long, value_name = "RULE")]
    create_rule: Option<AccessRule>,
    /// Who may read them
    #[arg(long, value_name = "RULE")]
    read_rule: Option<AccessRule>,
    /// Who may change them
    #[arg(long, value_name = "RULE")]
    update_rule: Option<AccessRule>,
    /// Who may delete them
    #[arg(long, value_name = "RULE")]
    delete_rule: Option<AccessRule>,
}

#[derive(Debug, Args)]
pub(super) struct ChangedField {
    /// The key of its values from now on
    #[arg(long)]
    key: Option<String>,
    /// What people see
    #[arg(long)]
    name: Option<String>,
    /// What it holds; one kind of text can become another
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Whether every write must leave it with a value
    #[arg(long)]
    required: Option<bool>,
    /// Whether no two records may share a value
    #[arg(long)]
    unique: Option<bool>,
    /// What a new record gets, as JSON; `null` for nothing
    #[arg(long, value_name = "JSON")]
    default_value: Option<String>,
    /// Order among the fields; lower first
    #[arg(long)]
    table_order: Option<i64>,
}

impl Command {
    pub(super) fn json(&self) -> bool {
        match self {
            Command::Create { print, .. }
            | Command::List { print, .. }
            | Command::Show { print, .. }
            | Command::Update { print, .. }
            | Command::Delete { print, .. }
            | Command::AddField { print, .. }
            | Command::ChangeField { print, .. }
            | Command::RemoveField { print, .. } => print.json,
            Command::Import { flags, .. } => flags.print.json,
            Command::Export { .. } => false,
        }
    }
}

pub(super) async fn run(command: Command, guildhall: &Guildhall) -> anyhow::Result<ExitCode> {
    let by = Actor::CommandLine;
    match command {
        Command::Create { app, file, print } => {
            let draft = TableDraft::from_json(object_in(&file)?)?;
            let app = AppId::from_text(app);
            let table = guildhall.create_table(&app, draft, by).await?;
            show(guildhall, &table, print).await?;
        }
        Command::List { app, print } => list(guildhall, &AppId::from_text(app), print).await?,
        Command::Show { named, print } => {
            let tables = guildhall.definitions(&named.app()).await?.tables;
            let table = guildhall_domain::data_table::named(&tables, &named.table);
            let table = table.context("there is no data table with this key or id")?;
            show(guildhall, table, print).await?;
        }
        Command::Update { named, change, print } => {
            let change = TableChange {
                key: change.key,
                name: change.name,
                create: change.create_rule,
                read: change.read_rule,
                update: change.update_rule,
                delete: change.delete_rule,
            };
            show(guildhall, &guildhall.update_table(&named.app(), &named.table, change, by).await?, print)
                .await?;
        }
        Command::Delete { named, confirm, print } => {
            let gone = guildhall.delete_table(&named.app(), &named.table, confirm, by).await?;
            let records = json!({ "live": gone.live_records, "sandbox": gone.sandbox_records });
            let fields = gone.table.fields.len();
            let value =
                json!({ "id": gone.table.id, "key": gone.table.key, "fields": fields, "records": records });
            output::show(print.json, &value, output::fields);
        }
        Command::AddField { named, file, print } => {
            let draft = FieldDraft::from_json(object_in(&file)?)?;
            show(guildhall, &guildhall.create_field(&named.app(), &named.table, draft, by).await?, print)
                .await?;
        }
        Command::ChangeField { named, field, change, print } => {
            let change = change.parsed()?;
            let table = guildhall.update_field(&named.app(), &named.table, &field, change, by).await?;
            show(guildhall, &table, print).await?;
        }
        Command::RemoveField { named, field, confirm, print } => {
            let table = guildhall.delete_field(&named.app(), &named.table, &field, confirm, by).await?;
            show(guildhall, &table, print).await?;
        }
        Command::Import { table, flags } => return records::import(guildhall, &table, &flags).await,
        Command::Export { table, flags } => records::export(guildhall, &table, &flags).await?,
    }
    Ok(ExitCode::SUCCESS)
}

impl Named {
    fn app(&self) -> AppId {
        AppId::from_text(&self.app)
    }
}

impl ChangedField {
    fn parsed(self) -> anyhow::Result<FieldChange> {
        let default = match self.default_value.as_deref() {
            None => None,
            Some("null") => Some(None),
            Some(text) => {
                Some(Some(strict_json::parse(text.as_bytes()).context("--default-value takes JSON")?))
            }
        };
        Ok(FieldChange {
            key: self.key,
            name: self.name,
            kind: self.kind.as_deref().map(field_kind).transpose()?,
            required: self.required,
            unique: self.unique,
            default,
            position: self.table_order.map(Some),
        })
    }
}

async fn list(guildhall: &Guildhall, app: &AppId, print: Print) -> anyhow::Result<()> {
    let tables = guildhall.definitions(app).await?.tables;
    let views: Vec<_> = tables.iter().map(|table| full_view(table, &tables)).collect();
    output::show(print.json, &views.into(), |views| {
        output::table(views, &["id", "key", "name", "createRule", "readRule", "updateRule", "deleteRule"])
    });
    Ok(())
}

async fn show(guildhall: &Guildhall, table: &DataTable, print: Print) -> anyhow::Result<()> {
    let tables = guildhall.definitions(&table.app).await?.tables;
    output::show(print.json, &full_view(table, &tables), |view| {
        let mut about = view.clone();
        let fields = about.as_object_mut().and_then(|about| about.remove("fields")).unwrap_or_default();
        let columns =
            ["key", "name", "type", "required", "unique", "indexed", "defaultValue", "referencedTableId"];
        format!("{}\n\n{}", output::fields(&about), output::table(&fields, &columns))
    });
    Ok(())
}

/// The one JSON object in a file.
fn object_in(file: &Path) -> anyhow::Result<Map<String, Value>> {
    let bytes = if file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin(), &mut bytes).map(|_| bytes)
    } else {
        std::fs::read(file)
    };
    let bytes = bytes.with_context(|| format!("cannot read {}", file.display()))?;
    match strict_json::parse(&bytes).with_context(|| format!("{} is not JSON", file.display()))? {
        Value::Object(object) => Ok(object),
        _ => bail!("{} must hold a JSON object", file.display()),
    }
}
