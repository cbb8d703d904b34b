//! What was acknowledged survives `kill -9`, ten times over, under 200 writers.
//!
//! On SQLite the server is killed, on PostgreSQL the database. After each kill every
//! acknowledged write must be there, or a later one of the same writer that was under way.

use guildhall_testkit::postgres::{Cluster, Durability};
use guildhall_testkit::installation::{Installation, Process, installation};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

const WRITERS: usize = 200;
const KILLS: usize = 10;
/// Acknowledged writes of a round before the kill, at least; the kill then comes between others.
const WRITES_BEFORE_KILL: i64 = 400;

/// One member and what its writer knows of it.
struct Writer {
    id: String,
    sent: AtomicI64,
    acknowledged: AtomicI64,
    /// Whether a plan was last known to be held; nothing while a change is under way.
    created: AtomicI64,
}

struct Scenario {
    client: Client,
    key: String,
    plan: String,
    writers: Vec<Arc<Writer>>,
}

#[derive(Clone)]
struct Round {
    url: String,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicI64>,
}

impl Scenario {
    async fn prepare(on: &Installation) -> Self {
        let app = on.json(&["app", "create", "--name", "Crash"]);
        let app = app["id"].as_str().expect("an id").to_owned();
        on.json(&["app", "update", "--app", &app, "--passwordless", "on"]);
        let plan = on.json(&["plan", "create", "--app", &app, "--name", "Basic"]);
        let key = ["key", "create", "--app", &app, "--kind", "secret", "--env", "live", "--name", "crash"];
        let key = on.json(&[&key[..], &["--rate-limit", "none"]].concat());
        let client = Client::builder().timeout(Duration::from_secs(20)).build().expect("a client");
        Self {
            client,
            key: key["key"].as_str().expect("a key").to_owned(),
            plan: plan["id"].as_str().expect("an id").to_owned(),
            writers: Vec::new(),
        }
    }

    async fn create_writers(&mut self, url: &str) {
        for number in 0..WRITERS {
            let email = format!("writer{number}@example.com");
            let (status, body) = self.post(url, "/members", json!({ "email": email })).await.expect("an answer");
            assert_eq!(status, StatusCode::OK, "{body}");
            self.writers.push(Arc::new(Writer {
                id: body["data"]["id"].as_str().expect("an id").to_owned(),
                sent: AtomicI64::new(0),
                acknowledged: AtomicI64::new(0),
                created: AtomicI64::new(0),
            }));
        }
    }

    /// Lets all writers write until the round is stopped; returns when all have ended.
    fn write(self: &Arc<Self>, round: &Round) -> Vec<tokio::task::JoinHandle<()>> {
        let each = self.writers.iter().enumerate();
        each.map(|(number, writer)| {
            let (scenario, round, writer) = (Arc::clone(self), round.clone(), Arc::clone(writer));
            tokio::spawn(async move { scenario.write_one(number, &writer, &round).await })
        })
        .collect()
    }

    async fn write_one(&self, number: usize, writer: &Writer, round: &Round) {
        while !round.stop.load(Ordering::Relaxed) {
            let next = writer.sent.fetch_add(1, Ordering::SeqCst) + 1;
            let url = format!("{}/members/{}", round.url, writer.id);
            let request = self.client.patch(url).header("x-api-key", &self.key);
            let Ok(response) = request.json(&json!({ "json": { "n": next } })).send().await else { continue };
            match response.status() {
                StatusCode::OK => {
                    writer.acknowledged.fetch_max(next, Ordering::SeqCst);
                    round.acknowledged.fetch_add(1, Ordering::SeqCst);
                }
                // A database that is gone is told as such, never as a fault or a hang.
                status => assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE),
            }
            if number.is_multiple_of(10) {
                self.create_one(number, writer, round).await;
            }
        }
    }

    /// Creates a member with a plan beside the writer's own, numbered so that it can be found.
    async fn create_one(&self, number: usize, writer: &Writer, round: &Round) {
        let next = writer.created.load(Ordering::SeqCst) + 1;
        let body = json!({ "email": created_email(number, next), "plans": [{ "planId": self.plan }] });
        if let Ok((status, body)) = self.post(&round.url, "/members", body).await {
            // A creation whose answer was lost is there already when it is tried again.
            let there = status == StatusCode::OK || body["code"] == "email-already-in-use";
            if there {
                writer.created.store(next, Ordering::SeqCst);
            }
        }
    }

    async fn verify(&self, url: &str) {
        for (number, writer) in self.writers.iter().enumerate() {
            let member = self.get(url, &writer.id).await;
            let stored = member["json"]["n"].as_i64().unwrap_or(0);
            let (acknowledged, sent) =
                (writer.acknowledged.load(Ordering::SeqCst), writer.sent.load(Ordering::SeqCst));
            assert!((acknowledged..=sent).contains(&stored), "{acknowledged} <= {stored} <= {sent}");
            for created in 1..=writer.created.load(Ordering::SeqCst) {
                let member = self.get(url, &created_email(number, created)).await;
                let plans = member["planConnections"].as_array().map(Vec::len);
                assert_eq!(plans, Some(1), "a creation is there whole or not at all");
            }
        }
    }

    /// The count that is kept agrees with the members that are there, and so does the plan's.
    async fn verify_counters(&self, url: &str, on: &Installation) {
        let (mut after, mut seen, mut holders) = (0, 0_i64, 0_i64);
        let total = loop {
            let page = self.get_json(url, &format!("/members?limit=100&after={after}")).await;
            let members = page["data"].as_array().expect("a list");
            seen += members.len() as i64;
            holders += members.iter().filter(|m| m["planConnections"] != json!([])).count() as i64;
            after = page["endCursor"].as_i64().expect("a number");
            if page["hasNextPage"] == false {
                break page["totalCount"].as_i64();
            }
        };
        assert_eq!(total, Some(seen));
        assert_eq!(kept_holders(on).await, holders);
    }

    async fn post(&self, url: &str, path: &str, body: Value) -> reqwest::Result<(StatusCode, Value)> {
        let request = self.client.post(format!("{url}{path}")).header("x-api-key", &self.key).json(&body);
        let response = request.send().await?;
        Ok((response.status(), response.json().await?))
    }

    async fn get(&self, url: &str, id_or_email: &str) -> Value {
        self.get_json(url, &format!("/members/{id_or_email}")).await["data"].clone()
    }

    async fn get_json(&self, url: &str, path: &str) -> Value {
        let request = self.client.get(format!("{url}{path}")).header("x-api-key", &self.key);
        request.send().await.expect("an answer").json().await.expect("JSON")
    }
}

fn created_email(writer: usize, number: i64) -> String {
    format!("made{writer}.{number}@example.com")
}

async fn kept_holders(on: &Installation) -> i64 {
    const SQL: &str = "SELECT CAST(COALESCE(SUM(holders), 0) AS BIGINT) FROM plan_holders";
    match &on.database_url {
        None => {
            let connection = rusqlite::Connection::open(on.data_dir.join("guildhall.db")).expect("it opens");
            connection.query_row(SQL, [], |row| row.get(0)).expect("a sum")
        }
        Some(url) => {
            let (client, connection) =
                tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("it connects");
            let driving = tokio::spawn(connection);
            let sum = client.query_one(SQL, &[]).await.expect("a sum").get(0);
            driving.abort();
            sum
        }
    }
}

/// Runs one round up to the kill.
async fn write_until(scenario: &Arc<Scenario>, url: &str, kill: impl AsyncFnOnce()) {
    let round = Round { url: url.to_owned(), stop: Arc::default(), acknowledged: Arc::default() };
    let writers = scenario.write(&round);
    while round.acknowledged.load(Ordering::SeqCst) < WRITES_BEFORE_KILL {
        tokio::task::yield_now().await;
    }
    kill().await;
    round.stop.store(true, Ordering::SeqCst);
    for writer in writers {
        writer.await.expect("a writer saw only what it may see");
    }
}

mod acknowledged_writes_survive_a_kill {
    use super::*;

    #[test]
    fn sqlite() {
        guildhall_testkit::run(async {
            let folder = tempfile::tempdir().expect("a folder");
            let on = installation(env!("CARGO_BIN_EXE_guildhall"), folder.path(), None);
            let mut scenario = Scenario::prepare(&on).await;
            let mut server = on.serve(&[]);
            scenario.create_writers(&server.url).await;
            let scenario = Arc::new(scenario);
            for _ in 0..KILLS {
                let url = server.url.clone();
                write_until(&scenario, &url, async || server.kill_9()).await;
                server = on.serve(&[]);
                scenario.verify(&server.url).await;
            }
            scenario.verify_counters(&server.url, &on).await;
            assert_integrity(&on, server);
        });
    }

    #[test]
    fn postgres() {
        guildhall_testkit::run(async {
            let folder = tempfile::tempdir().expect("a folder");
            let mut cluster = Cluster::start_own(Durability::Durable);
            let database = cluster.create_database().url().to_owned();
            let on = installation(env!("CARGO_BIN_EXE_guildhall"), folder.path(), Some(database));
            let mut scenario = Scenario::prepare(&on).await;
            let server = on.serve(&[]);
            scenario.create_writers(&server.url).await;
            let scenario = Arc::new(scenario);
            for _ in 0..KILLS {
                let kill = async || {
                    cluster.kill_9();
                    cluster.restart();
                };
                write_until(&scenario, &server.url, kill).await;
                wait_until_healed(&scenario, &server).await;
                scenario.verify(&server.url).await;
            }
            scenario.verify_counters(&server.url, &on).await;
            let (status, _) = server.terminate();
            assert!(status.success());
        });
    }

    fn assert_integrity(on: &Installation, server: Process) {
        let (status, _) = server.terminate();
        assert!(status.success());
        let connection = rusqlite::Connection::open(on.data_dir.join("guildhall.db")).expect("it opens");
        let found: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("an answer");
        assert_eq!(found, "ok");
    }

    /// The server finds its way back to a database that was restarted, by itself.
    async fn wait_until_healed(scenario: &Scenario, server: &Process) {
        let url = format!("{}/readyz", server.url);
        let healed = async {
            while !scenario.client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), healed).await.expect("the server heals");
    }
}
