//! One engine under the cases, spoken to in the model's ids.

use futures_util::stream;
use guildhall_app::AppError;
use guildhall_app::auth::CommandLineAccess;
use guildhall_app::data_tables::{FieldDraft, TableDraft};
use guildhall_app::import::{ImportRow, OnError};
use guildhall_app::members::Importer;
use guildhall_app::records::{Written, write_found, write_written};
use guildhall_domain::audit::Actor;
use guildhall_domain::data_table::{AccessRules, DataTable};
use guildhall_domain::ids::AppId;
use guildhall_domain::{Mode, Timestamp};
use guildhall_model::generate::{FieldSketch, Step, TableSketch};
use guildhall_model::{World, member_id, record_id};
use guildhall_testkit::{Engine, TestServer};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// An engine with an app of its own for each case.
pub struct Bench {
    server: TestServer,
    app: AppId,
    place: Arc<CommandLineAccess>,
    /// The model's ids and the engine's.
    ids: HashMap<String, String>,
}

impl Bench {
    /// A new database of an engine.
    pub async fn start(engine: Engine) -> Self {
        let server = TestServer::start(engine).await;
        let place =
            server.guildhall.command_line_access(&server.app, Mode::Live).await.expect("the app is there");
        Self { app: server.app.clone(), place: Arc::new(place), server, ids: HashMap::new() }
    }

    /// Which engine it is.
    pub fn name(&self) -> &'static str {
        self.server.guildhall.engine_name()
    }

    /// What time it is there.
    pub fn now(&self) -> Timestamp {
        self.server.guildhall.now()
    }

    /// The address of a member.
    pub fn email(number: i64) -> String {
        format!("member{number}@example.com")
    }

    /// A new app with these tables, and with members in live.
    pub async fn begin(&mut self, tables: &[TableSketch], members: &[(bool, Option<&str>)]) {
        let created = self.server.guildhall.create_app("Case", None, Actor::CommandLine).await;
        self.app = created.expect("an app is made").app.id;
        self.ids.clear();
        self.define(tables).await;
        self.place = Arc::new(self.access().await);
        self.admit(members).await;
    }

    /// Fields that point at tables which are not there yet are added when they are.
    async fn define(&self, tables: &[TableSketch]) {
        for (index, table) in tables.iter().enumerate() {
            let fields =
                table.fields.iter().filter(|field| field.target.is_none_or(|target| target <= index));
            let draft = TableDraft {
                key: table.key.clone(),
                name: table.key.clone(),
                rules: AccessRules::default(),
                fields: fields.map(|field| draft(tables, field)).collect(),
            };
            let created = self.server.guildhall.create_table(&self.app, draft, Actor::CommandLine).await;
            created.expect("a table is made");
        }
        for (index, table) in tables.iter().enumerate() {
            for field in table.fields.iter().filter(|field| field.target.is_some_and(|target| target > index))
            {
                let draft = draft(tables, field);
                let made = self
                    .server
                    .guildhall
                    .create_field(&self.app, &table.key, draft, Actor::CommandLine)
                    .await;
                made.expect("a field is made");
            }
        }
    }

    async fn admit(&mut self, members: &[(bool, Option<&str>)]) {
        let rows = members.iter().zip(1..).map(|((imported, created_at), number)| {
            let mut row = json!({ "email": Self::email(number) });
            if *imported {
                row["id"] = format!("legacy-{number}").into();
            }
            if let Some(created_at) = created_at {
                row["createdAt"] = (*created_at).into();
            }
            ImportRow::from_json_line(number as u64, &row.to_string())
        });
        let importer = Importer::new(&self.server.guildhall, self.access().await, false, OnError::Stop);
        let outcome = importer.run(stream::iter(rows.collect::<Vec<_>>()), |_| ()).await;
        assert_eq!(outcome.taken, members.len() as u64, "{outcome:?}");
        let place = Arc::clone(&self.place);
        for number in 1..=members.len() as i64 {
            let member = self.server.guildhall.get_member(&place.access(), &Self::email(number)).await;
            let member = member.expect("an answer").expect("the member");
            self.ids.insert(member_id(number), member.id.to_string());
        }
    }

    async fn access(&self) -> CommandLineAccess {
        self.server.guildhall.command_line_access(&self.app, Mode::Live).await.expect("the app is there")
    }

    /// The tables as they are here.
    pub fn tables(&self) -> Vec<DataTable> {
        self.place.access().definitions().tables.clone()
    }

    /// Does what the model is about to do.
    pub async fn apply(&mut self, world: &World, step: &Step) -> Result<String, &'static str> {
        let (guildhall, place) = (self.server.guildhall.clone(), Arc::clone(&self.place));
        let access = place.access();
        let answer = match step {
            Step::Create { table, data, owner } => {
                let (key, data) = (&world.table(*table).key, self.engines_object(data));
                let owner = owner.as_ref().map(|id| self.engines_id(id));
                let created = guildhall.create_record(&access, key, &data, owner).await;
                if let Ok(written) = &created {
                    let id = record_id(*table, written.record.key.sequence());
                    self.ids.insert(id, written.record.id.clone());
                }
                created.map(|written| self.written(key, &written, &place))
            }
            Step::Update { table, id, data } => {
                let (key, data) = (&world.table(*table).key, self.engines_object(data));
                let updated = guildhall.update_record(&access, key, &self.engines_id(id), &data).await;
                updated.map(|written| self.written(key, &written, &place))
            }
            Step::Delete { table, id } => {
                let key = &world.table(*table).key;
                let deleted = guildhall.delete_record(&access, key, &self.engines_id(id)).await;
                deleted.map(|record| {
                    self.written(key, &Written { record, links: Vec::new(), owned: None }, &place)
                })
            }
            Step::DeleteMember { id } => {
                guildhall.delete_member(&access, &self.engines_id(id)).await.map(|()| String::new())
            }
            Step::Wait(micros) => {
                self.server.clock.advance_us(*micros);
                Ok(String::new())
            }
        };
        answer.map_err(code)
    }

    /// What it answers to a query.
    pub async fn query(&self, world: &World, table: i64, query: &Value) -> Result<String, &'static str> {
        let place = Arc::clone(&self.place);
        let (key, query) = (&world.table(table).key, self.engines(query));
        let found =
            self.server.guildhall.query_records(&place.access(), key, Some(&query)).await.map_err(code)?;
        let mut out = Vec::new();
        write_found(&mut out, &found, &place.access().definitions().tables);
        Ok(self.models(out))
    }

    fn written(&self, key: &str, written: &Written, place: &CommandLineAccess) -> String {
        let access = place.access();
        let table = access.definitions().tables.iter().find(|table| table.key == key).expect("the table");
        let mut out = Vec::new();
        write_written(&mut out, written, table);
        self.models(out)
    }

    fn engines_id(&self, id: &str) -> String {
        self.ids.get(id).cloned().unwrap_or_else(|| id.to_owned())
    }

    fn engines_object(&self, object: &Map<String, Value>) -> Map<String, Value> {
        object.iter().map(|(key, value)| (key.clone(), self.engines(value))).collect()
    }

    /// JSON with the engine's ids.
    fn engines(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.engines_id(text).into(),
            Value::Array(items) => items.iter().map(|item| self.engines(item)).collect(),
            Value::Object(object) => Value::Object(self.engines_object(object)),
            other => other.clone(),
        }
    }

    /// Text with the model's ids.
    fn models(&self, text: Vec<u8>) -> String {
        let text = String::from_utf8(text).expect("JSON is text");
        let quoted = |id: &String| format!("\"{id}\"");
        self.ids.iter().fold(text, |text, (model, engine)| text.replace(&quoted(engine), &quoted(model)))
    }
}

/// A fault of ours is no answer: it says what it was.
fn code(error: AppError) -> &'static str {
    assert!(error.code.status() < 500, "{error:?}");
    error.code.name()
}

fn draft(tables: &[TableSketch], field: &FieldSketch) -> FieldDraft {
    FieldDraft {
        key: field.key.clone(),
        name: field.key.clone(),
        kind: field.kind,
        required: field.required,
        unique: field.unique,
        default: field.default.clone(),
        position: None,
        referenced_table: field.target.map(|target| tables[target].key.clone()),
    }
}
