//! Exactly once under fire: servers that bill the same contracts are killed again and again, and the database under
//! them twice, until everything that is due is done. Then the provider's books, the attempts and an independent
//! calculation must say the same.
//!
//! In the live environment the contracts have been due for three weeks, day by day. In the sandbox the clock is
//! moved over the same three weeks, while whoever moves it is killed.

#[path = "crash/database.rs"]
#[expect(dead_code, reason = "the crash tests, which it is shared with, need more of it")]
mod database;
mod fire {
    pub mod books;
    pub mod scene;
    pub mod servers;
}

use database::Database;
use fire::scene::{CONTRACTS, Scene};
use fire::servers::Servers;
use guildhall_testkit::postgres::{Cluster, Durability};
use guildhall_testkit::process::Place;
use guildhall_testkit::{Engine, run};
use std::time::{Duration, Instant};

const BINARY: &str = env!("CARGO_BIN_EXE_guildhall");
/// How often a server is killed.
const KILLS: u64 = 20;
/// At which of these kills it is the database instead, where that is a server too.
const DATABASE_KILLS: [u64; 2] = [7, 14];
/// Long enough for a slow machine; reached only if something hangs.
const FIRE_TIMEOUT: Duration = Duration::from_secs(240);
/// How often it is looked how far they have come.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Where the servers' data is.
enum Ground {
    Sqlite,
    Postgres(Cluster, String),
}

impl Ground {
    async fn look(&self, scene: &Scene) -> Database {
        match self {
            Ground::Sqlite => Database::sqlite(&scene.place.database_file()),
            Ground::Postgres(_, url) => Database::postgres(url).await,
        }
    }
}

async fn under_fire(mut ground: Ground, place: Place, processes: usize) {
    let scene = Scene::set_up(place).await;
    let mut servers = Servers::start(&scene, processes).await;
    let mut database = ground.look(&scene).await;
    let deadline = Instant::now() + FIRE_TIMEOUT;
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let moving = scene.advance_clock(&servers);
    // Nobody is killed before the clock has been told where to go.
    while !moving.is_finished() && database.number(TARGETS).await == 0 {
        looks.tick().await;
    }
    let expected = i64::try_from(scene.expected_paid()).expect("a small number");
    let mut kills = 0;
    loop {
        assert!(Instant::now() < deadline, "{kills} kills: {:?}", fire::books::unfinished(&database).await);
        looks.tick().await;
        servers.look_after().await;
        let done = database.number(PAID).await;
        if kills < KILLS && done >= servers.moment(kills, KILLS, expected) {
            match &mut ground {
                Ground::Postgres(cluster, url) if DATABASE_KILLS.contains(&kills) => {
                    cluster.kill_9();
                    cluster.restart();
                    database = Database::postgres(url).await;
                }
                _ => servers.kill_one().await,
            }
            kills += 1;
        } else if done >= expected && fire::books::unfinished(&database).await.is_empty() {
            break;
        }
    }
    assert_eq!(kills, KILLS, "all of the kills came before the work was done");
    moving.abort();
    fire::books::verify(&scene, &database).await;
    servers.stop().await;
}

/// Clocks that are being moved.
const TARGETS: &str = "SELECT COUNT(*) FROM environments WHERE clock_target IS NOT NULL";
/// Charges that were made.
const PAID: &str = "SELECT COUNT(*) FROM fake_charges WHERE outcome = 'paid'";

mod every_period_is_charged_exactly_once_under_fire {
    use super::*;

    #[test]
    fn sqlite_with_one_process() {
        run(under_fire(Ground::Sqlite, Place::new(BINARY, Engine::Sqlite), 1));
    }

    #[test]
    fn postgres_with_three_processes() {
        let cluster = Cluster::start_own(Durability::Durable);
        let url = cluster.create_database().url().to_owned();
        let place = Place::with_database(BINARY, Some(url.clone()));
        run(under_fire(Ground::Postgres(cluster, url), place, 3));
    }
}

#[test]
fn there_is_enough_to_do_for_every_kind() {
    assert!(fire::scene::KINDS.len() * 2 <= CONTRACTS);
}
