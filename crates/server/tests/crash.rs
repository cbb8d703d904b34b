//! What was acknowledged is there after a crash, and nothing is half done: the server is killed on
//! SQLite, the database under it on PostgreSQL, while everybody writes. And what is asked again with an
//! `Idempotency-Key` until it is answered is done once, on both.

mod crash {
    pub mod database;
    pub mod retries;
    pub mod traffic;
}

use crash::database::Database;
use crash::retries::Retries;
use crash::traffic::{Traffic, Writer, verify};
use guildhall_testkit::postgres::{Cluster, Durability};
use guildhall_testkit::process::{Place, Process};
use guildhall_testkit::{Engine, run};
use reqwest::Method;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

const BINARY: &str = env!("CARGO_BIN_EXE_guildhall");
const WRITERS: usize = 200;
const ROUNDS: u64 = 10;
const RETRY_ROUNDS: u64 = 8;
/// Long enough for a slow machine; reached only if something hangs.
const ROUND_TIMEOUT: Duration = Duration::from_secs(60);
/// From the database's return to the first write.
const HEALING_TIMEOUT: Duration = Duration::from_secs(10);

/// What every round needs to know.
struct Scene {
    installation: Place,
    key: String,
    plan: String,
}

impl Scene {
    fn set_up(installation: Place) -> Self {
        let app = installation.json(&["app", "create", "--name", "Crash"]);
        let app = app["id"].as_str().expect("an id").to_owned();
        installation.json(&["app", "update", "--app", &app, "--passwordless", "on"]);
        let key = ["key", "create", "--app", &app, "--env", "live", "--kind", "secret", "--name", "writers"];
        let key = installation.json(&[&key[..], &["--rate-limit", "none"]].concat());
        let plan = installation.json(&["plan", "create", "--app", &app, "--name", "Free"]);
        Self {
            key: key["key"].as_str().expect("a key").to_owned(),
            plan: plan["id"].as_str().expect("an id").to_owned(),
            installation,
        }
    }

    async fn database(&self) -> Database {
        match self.installation.database_url() {
            Some(url) => Database::postgres(url).await,
            None => Database::sqlite(&self.installation.database_file()),
        }
    }

    fn traffic(&self, server: &Process) -> Traffic {
        Traffic::new(server.url(""), &self.key, &self.plan)
    }

    async fn writers(&self, server: &Process) -> Vec<Writer> {
        let traffic = self.traffic(server);
        let mut writers = Vec::new();
        for index in 0..WRITERS {
            let body = json!({ "email": format!("writer-{index}@example.com"), "json": { "n": 0 } });
            let made = traffic.call(Method::POST, "/members", &body).await.done();
            writers.push(Writer::new(index, made["data"]["id"].as_str().expect("an id")));
        }
        writers
    }
}

/// How many writes are acknowledged in a round before the kill: another number each time, so that
/// the kill meets another moment.
fn enough(round: u64) -> u64 {
    // A step of Knuth's generator scatters the rounds over 300 to 811.
    300 + (round.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407) >> 55)
}

async fn server_is_killed() {
    let scene = Scene::set_up(Place::new(BINARY, Engine::Sqlite));
    let mut server = scene.installation.start(&[]);
    let mut writers = scene.writers(&server).await;
    for round in 0..ROUNDS {
        let traffic = Arc::new(scene.traffic(&server));
        traffic.server_may_go.store(true, SeqCst);
        let running = traffic.start(writers);
        traffic.wait_for(&traffic.acknowledged, enough(round)).await;
        server.kill_9();
        writers = running.finish().await;
        assert_eq!(traffic.unavailable.load(SeqCst), 0, "no request was turned away");

        server = scene.installation.start(&[]);
        let database = Database::sqlite(&scene.installation.database_file());
        assert_eq!(database.rows("PRAGMA integrity_check").await, [["ok"]]);
        assert!(database.rows("PRAGMA foreign_key_check").await.is_empty());
        verify(&scene.traffic(&server), &database, &mut writers).await;
    }
    assert_eq!(server.terminate(), 0);
}

async fn database_is_killed() {
    let mut cluster = Cluster::start_own(Durability::Durable);
    let url = cluster.create_database().url().to_owned();
    let scene = Scene::set_up(Place::with_database(BINARY, Some(url.clone())));
    let mut server = scene.installation.start(&[]);
    let mut writers = scene.writers(&server).await;
    for round in 0..ROUNDS {
        let traffic = Arc::new(scene.traffic(&server));
        let running = traffic.start(writers);
        traffic.wait_for(&traffic.acknowledged, enough(round)).await;
        assert_eq!(traffic.unavailable.load(SeqCst), 0, "before the kill nobody is turned away");
        traffic.database_may_be_away.store(true, SeqCst);
        cluster.kill_9();
        // Each writer has met the outage at least once on average.
        traffic.wait_for(&traffic.unavailable, WRITERS as u64).await;
        cluster.restart();
        let before = traffic.acknowledged.load(SeqCst);
        let first = traffic.wait_for(&traffic.acknowledged, before + 1);
        tokio::time::timeout(HEALING_TIMEOUT, first).await.expect("the server heals by itself");
        let healed = before + enough(round) / 2;
        traffic.wait_for(&traffic.acknowledged, healed).await;
        traffic.stop.store(true, SeqCst);
        writers = running.finish().await;

        let database = Database::postgres(&url).await;
        verify(&scene.traffic(&server), &database, &mut writers).await;
    }
    assert_eq!(server.terminate(), 0);
}

mod acknowledged_writes_survive_a_kill {
    use super::*;

    #[test]
    fn sqlite() {
        run(server_is_killed());
    }

    #[test]
    fn postgres() {
        run(database_is_killed());
    }
}

/// The server is killed while clients post with keys of their own and ask again until they are answered.
async fn server_is_killed_under_retries(engine: Engine) {
    let scene = Scene::set_up(Place::new(BINARY, engine));
    let mut server = scene.installation.start(&[]);
    let retries = Retries::start(server.url(""), &scene.key);
    for round in 0..RETRY_ROUNDS {
        retries.wait_for_answers(enough(round) / 4).await;
        server.kill_9();
        assert!(!server.output().contains(crash::retries::KEY_START), "a key is not for the log");
        server = scene.installation.start(&[]);
        let database = scene.database().await;
        // Instead of waiting until those who were killed can be taken to be dead.
        database.execute("UPDATE idempotency_keys SET leased_until = 0 WHERE status IS NULL").await;
        retries.go_on_at(server.url(""));
    }
    let keys = retries.finish().await;
    let made = "SELECT email, COUNT(*) FROM members GROUP BY email";
    let made = scene.database().await.counts(made).await;
    let audited = "SELECT COUNT(*) FROM audit_entries WHERE action = 'member.create'";
    assert_eq!(scene.database().await.number(audited).await, keys.len() as i64);
    assert_eq!(made.len(), keys.len());
    for email in keys {
        assert_eq!(made.get(&email), Some(&1), "{email}");
    }
    assert_eq!(server.terminate(), 0);
}

mod a_retried_request_is_carried_out_once_whenever_the_server_is_killed {
    use super::*;

    #[test]
    fn sqlite() {
        run(server_is_killed_under_retries(Engine::Sqlite));
    }

    #[test]
    fn postgres() {
        run(server_is_killed_under_retries(Engine::Postgres));
    }
}
