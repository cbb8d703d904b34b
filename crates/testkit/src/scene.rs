//! What tests set up before the behaviour they are about.

use crate::{SeededChance, TestServer};
use futures_util::stream;
use guildhall_app::apps::AppChange;
use guildhall_app::import::{ImportOutcome, ImportRow, OnError};
use guildhall_app::members::Importer;
use guildhall_app::plans::PlanDraft;
use guildhall_app::{Guildhall, Settings};
use guildhall_domain::Mode;
use guildhall_domain::audit::Actor;
use guildhall_domain::ids::PlanId;
use guildhall_domain::json::JsonObject;
use guildhall_domain::key::KeyKind;
use guildhall_domain::scope::{Scope, Scopes};
use guildhall_store::{Store, StoreSettings};
use serde_json::Value;
use std::sync::Arc;

impl TestServer {
    /// Imports members, one for each object, as the command line does.
    pub async fn import(&self, mode: Mode, rows: impl IntoIterator<Item = Value>) -> ImportOutcome {
        let place = self.guildhall.command_line_access(&self.app, mode).await.expect("the app is there");
        let rows = rows.into_iter().zip(1..);
        let rows = rows.map(|(row, line)| ImportRow::from_json_line(line, &row.to_string()));
        let importer = Importer::new(&self.guildhall, place, false, OnError::Skip);
        importer.run(stream::iter(rows), |_| ()).await
    }

    /// Imports that many members into the sandbox, `member0@example.com` and so on. The sandbox
    /// must have the room.
    pub async fn crowd(&self, size: usize) {
        let rows =
            (0..size).map(|number| serde_json::json!({ "email": format!("member{number}@example.com") }));
        let outcome = self.import(Mode::Sandbox, rows).await;
        assert_eq!(outcome.taken, size as u64, "{outcome:?}");
    }

    /// A plan without prices.
    pub async fn free_plan(&self, name: &str, member_limit: Option<i64>) -> PlanId {
        let draft = PlanDraft {
            name: name.to_owned(),
            description: None,
            priority: None,
            restrict_to_admin: false,
            member_limit,
            redirects: JsonObject::empty(),
            prices: Vec::new(),
        };
        self.guildhall.create_plan(&self.app, draft, Actor::CommandLine).await.expect("a plan is made").id
    }

    /// An unlimited store key of the sandbox, of an app that has this shop from now on.
    pub async fn store_key(&self, shop: &str) -> String {
        self.change_app(AppChange { shop: Some(shop.to_owned()), ..AppChange::default() }).await;
        self.key(Mode::Sandbox, |draft| draft.kind = KeyKind::Store).await.1
    }

    /// Changes the app.
    pub async fn change_app(&self, change: AppChange) {
        self.guildhall.update_app(&self.app, change, Actor::CommandLine).await.expect("the app changes");
    }

    /// A sandbox key that may also manage.
    pub async fn managing_key(&self) -> String {
        self.key(Mode::Sandbox, |draft| {
            draft.scopes = Scopes::of([Scope::Members, Scope::Tables, Scope::Manage])
        })
        .await
        .1
    }

    /// The same database opened once more, as another process would.
    pub async fn second_process(&self) -> Guildhall {
        let mut settings = Settings::new(self.database.target.clone());
        settings.postgres_connections_max = 2;
        let chance = Arc::new(SeededChance::new(2));
        Guildhall::open(settings, self.clock.clone(), chance).await.expect("the database opens again")
    }

    /// The store under the database, for looking at what no API shows.
    pub async fn second_store(&self) -> Store {
        let settings = StoreSettings {
            target: self.database.target.clone(),
            now: self.guildhall.now(),
            secret: [0; 16],
            write_queue_max: 8,
            write_batch_max: 8,
            postgres_connections_max: 2,
            statement_timeout_ms: 10_000,
        };
        Store::open(settings).await.expect("the database opens again")
    }

    /// How many members the sandbox says it has.
    pub async fn total(&self) -> u64 {
        let list = self.request("GET", "/members?limit=1").send().await.json();
        list["totalCount"].as_u64().expect("a count")
    }
}
