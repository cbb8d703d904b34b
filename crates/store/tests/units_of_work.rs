//! A unit of work happens whole or not at all, and fails alone.

use guildhall_domain::Timestamp;
use guildhall_domain::ids::AppId;
use guildhall_domain::{App, Mode};
use guildhall_store::{IdempotencyPlace, KeptRequest, Store, StoreError, StoreSettings, Ticket};
use guildhall_testkit::{Database, Engine, both_engines};
use std::sync::mpsc;
use std::sync::{Arc, Barrier};

async fn open(engine: Engine, write_queue_max: usize) -> (Store, Database) {
    let database = Database::create(engine).await;
    let settings = StoreSettings {
        target: database.target.clone(),
        now: Timestamp::from_micros(1),
        secret: [7; 16],
        write_queue_max,
        write_batch_max: 1024,
        postgres_connections_max: 4,
        statement_timeout_ms: 10_000,
    };
    (Store::open(settings).await.expect("it opens"), database)
}

fn app(name: &str) -> App {
    App {
        id: AppId::from_text(format!("app_{name}")),
        name: name.into(),
        shop: None,
        api_access: true,
        passwordless: false,
        session_seconds: 60,
        member_self_delete: true,
        time_zone: "UTC".into(),
        currency: "usd".into(),
        dunning: guildhall_domain::contract::DunningPolicy::default(),
        created_at: Timestamp::from_micros(1),
    }
}

async fn insert(store: &Store, name: &str) -> Result<(), StoreError> {
    let app = app(name);
    store.write(move |tx| Box::pin(async move { tx.apps().insert(&app).await })).await
}

async fn names(store: &Store) -> Vec<String> {
    let listed: Result<_, StoreError> =
        store.scan(|tx| Box::pin(async move { tx.apps().list().await })).await;
    listed.expect("a list").into_iter().map(|app| app.name).collect()
}

fn with_shop(name: &str) -> App {
    App { shop: Some("one.example.com".into()), ..app(name) }
}

/// What the unit at work tells, waited for without keeping a thread of the runtime.
async fn heard<T: Send + 'static>(receiver: mpsc::Receiver<T>) -> T {
    let waiting = tokio::task::spawn_blocking(move || receiver.recv());
    waiting.await.expect("no panic").expect("somebody tells")
}

both_engines! {
    async fn a_unit_that_fails_leaves_nothing(engine) {
        let (store, _database) = open(engine, 64).await;
        let failed: Result<(), StoreError> = store.write(|tx| Box::pin(async move {
            tx.apps().insert(&app("half")).await?;
            tx.environments().insert(&AppId::from_text("app_half"), Mode::Live).await?;
            Err(StoreError::Corrupt("on purpose".into()))
        })).await;
        assert!(failed.is_err());
        assert!(names(&store).await.is_empty());
    }

    async fn a_unit_that_panics_fails_alone(engine) {
        let (store, _database) = open(engine, 64).await;
        let neighbours: Vec<_> = (0..20).map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                if number == 10 {
                    let panicked: Result<(), StoreError> = store.write(|tx| Box::pin(async move {
                        tx.apps().insert(&app("panicked")).await?;
                        panic!("on purpose")
                    })).await;
                    assert!(matches!(panicked, Err(StoreError::Panicked)));
                } else {
                    insert(&store, &format!("neighbour{number}")).await.expect("a neighbour is stored");
                }
            })
        }).collect();
        for neighbour in neighbours {
            neighbour.await.expect("no panic outside the unit");
        }
        let names = names(&store).await;
        assert_eq!(names.len(), 19);
        assert!(!names.contains(&"panicked".to_owned()));
        insert(&store, "afterwards").await.expect("the store goes on");
    }

    async fn a_conflict_is_named_and_leaves_its_neighbours_alone(engine) {
        let (store, _database) = open(engine, 64).await;
        let (first, second) = (with_shop("first"), with_shop("second"));
        let insert = |app: App| store.write(move |tx| Box::pin(async move { tx.apps().insert(&app).await }));
        let stored: Result<(), StoreError> = insert(first).await;
        stored.expect("the first is stored");
        let refused: Result<(), StoreError> = insert(second).await;
        assert!(matches!(refused, Err(StoreError::Conflict(guildhall_store::Constraint::Shop))));
        assert_eq!(names(&store).await, ["first"]);
    }

    async fn a_caller_that_goes_away_does_not_stop_its_unit(engine) {
        let (store, _database) = open(engine, 64).await;
        let (begun, has_begun) = mpsc::channel();
        let (go, may_go) = mpsc::channel::<()>();
        let writing = store.clone();
        let caller = tokio::spawn(async move {
            let written: Result<(), StoreError> = writing.write(move |tx| Box::pin(async move {
                begun.send(()).expect("the test listens");
                tokio::task::block_in_place(|| may_go.recv()).expect("the test lets it go on");
                tx.apps().insert(&app("kept")).await
            })).await;
            written
        });
        heard(has_begun).await;
        caller.abort();
        assert!(caller.await.is_err());
        go.send(()).expect("the unit waits");
        while names(&store).await != ["kept"] {
            tokio::task::yield_now().await;
        }
    }

    async fn too_many_waiting_units_are_turned_away(engine) {
        let (store, _database) = open(engine, 2).await;
        let (go, may_go) = mpsc::channel::<()>();
        let (begun, has_begun) = mpsc::channel();
        let blocking = store.clone();
        let blocked = tokio::spawn(async move {
            let written: Result<(), StoreError> = blocking.write(move |_| Box::pin(async move {
                begun.send(()).expect("the test listens");
                tokio::task::block_in_place(|| may_go.recv()).expect("the test lets it go on");
                Ok(())
            })).await;
            written
        });
        heard(has_begun).await;
        let mut waiting = Vec::new();
        let mut turned_away = 0;
        for number in 0..8 {
            let name = format!("app{number}");
            let mut write = Box::pin({
                let store = store.clone();
                async move { insert(&store, &name).await }
            });
            // Polled once, a write takes its place in the queue or is turned away at once.
            match futures_util::poll!(&mut write) {
                std::task::Poll::Ready(Err(StoreError::Overloaded)) => turned_away += 1,
                _ => waiting.push(write),
            }
        }
        assert!(turned_away >= 5, "{turned_away}");
        go.send(()).expect("the unit waits");
        blocked.await.expect("no panic").expect("it ends");
        for write in waiting {
            write.await.expect("what was let in is stored");
        }
        assert_eq!(names(&store).await.len(), 8 - turned_away);
    }

    async fn the_authority_version_moves_for_every_process(engine) {
        let (store, database) = open(engine, 64).await;
        let before = store.authority_version().await.expect("a version");
        let settings = StoreSettings {
            target: database.target.clone(), now: Timestamp::from_micros(1), secret: [9; 16],
            write_queue_max: 8, write_batch_max: 8, postgres_connections_max: 2, statement_timeout_ms: 10_000,
        };
        let other = Store::open(settings).await.expect("it opens");
        for _ in 0..3 {
            let seen = store.authority_version().await.expect("a version");
            let bumped: Result<(), StoreError> =
                other.write(|tx| Box::pin(async move { tx.authority().bump().await })).await;
            bumped.expect("it is bumped");
            assert_eq!(store.authority_version().await.expect("a version"), seen + 1);
        }
        insert(&store, "unrelated").await.expect("it is stored");
        assert_eq!(store.authority_version().await.expect("a version"), before + 3);
    }

    async fn what_is_said_to_be_stored_is_stored_also_when_a_unit_swallows_a_conflict(engine) {
        let (store, _database) = open(engine, 64).await;
        let first = with_shop("first");
        let stored: Result<(), StoreError> = store.write(move |tx| Box::pin(async move { tx.apps().insert(&first).await })).await;
        stored.expect("the first is stored");
        let written: Result<(), StoreError> = store.write(|tx| Box::pin(async move {
            tx.apps().insert(&app("before")).await?;
            let refused = tx.apps().insert(&with_shop("second")).await;
            assert!(matches!(refused, Err(StoreError::Conflict(guildhall_store::Constraint::Shop))));
            Ok(())
        })).await;
        let stored = names(&store).await.contains(&"before".to_owned());
        assert_eq!(written.is_ok(), stored, "{written:?}");
        insert(&store, "afterwards").await.expect("the store goes on");
    }

    async fn a_scan_sees_one_moment_however_long_it_takes(engine) {
        let (store, _database) = open(engine, 64).await;
        insert(&store, "before").await.expect("it is stored");
        let (looked, has_looked) = mpsc::channel();
        let (go, may_go) = mpsc::channel::<()>();
        let scanning = store.clone();
        let scan = tokio::spawn(async move {
            let seen: Result<_, StoreError> = scanning.scan(move |tx| Box::pin(async move {
                let first = tx.apps().list().await?.len();
                looked.send(()).expect("the test listens");
                tokio::task::block_in_place(|| may_go.recv()).expect("the test lets it go on");
                Ok((first, tx.apps().list().await?.len()))
            })).await;
            seen
        });
        heard(has_looked).await;
        insert(&store, "meanwhile").await.expect("a scan keeps no writer waiting");
        go.send(()).expect("the scan waits");
        assert_eq!(scan.await.expect("no panic").expect("a result"), (1, 1));
        assert_eq!(names(&store).await.len(), 2);
    }

    async fn nobody_sees_half_a_unit(engine) {
        let (store, _database) = open(engine, 64).await;
        let (half, is_half_done) = mpsc::channel();
        let (go, may_go) = mpsc::channel::<()>();
        let writing = store.clone();
        let write = tokio::spawn(async move {
            let written: Result<(), StoreError> = writing.write(move |tx| Box::pin(async move {
                tx.apps().insert(&app("one")).await?;
                half.send(()).expect("the test listens");
                tokio::task::block_in_place(|| may_go.recv()).expect("the test lets it go on");
                tx.apps().insert(&app("two")).await
            })).await;
            written
        });
        heard(is_half_done).await;
        let read: Result<_, StoreError> = store.read(|tx| Box::pin(async move { tx.apps().list().await })).await;
        assert_eq!((read.expect("a list").len(), names(&store).await.len()), (0, 0));
        go.send(()).expect("the unit waits");
        write.await.expect("no panic").expect("it is stored");
        assert_eq!(names(&store).await.len(), 2);
    }

    async fn no_change_is_lost_among_many_at_once(engine) {
        let (store, _database) = open(engine, 4096).await;
        let before = store.authority_version().await.expect("a version");
        let bumps: Vec<_> = (0..100).map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let bumped: Result<(), StoreError> = store.write(|tx| Box::pin(async move {
                    tx.authority().lock().await?;
                    tx.authority().bump().await
                })).await;
                bumped
            })
        }).collect();
        for bump in bumps {
            bump.await.expect("no panic").expect("it is bumped");
        }
        assert_eq!(store.authority_version().await.expect("a version"), before + 100);
    }

    async fn a_unit_that_panics_lets_go_of_what_it_locked(engine) {
        let (store, _database) = open(engine, 64).await;
        for _ in 0..6 {
            let panicked: Result<(), StoreError> = store.write(|tx| Box::pin(async move {
                tx.authority().lock().await?;
                tx.authority().bump().await?;
                panic!("on purpose")
            })).await;
            assert!(matches!(panicked, Err(StoreError::Panicked)));
        }
        let before = store.authority_version().await.expect("a version");
        let bumped: Result<(), StoreError> = store.write(|tx| Box::pin(async move {
            tx.authority().lock().await?;
            tx.authority().bump().await
        })).await;
        bumped.expect("nobody holds the lock");
        assert_eq!(store.authority_version().await.expect("a version"), before + 1);
    }

    async fn what_waits_at_the_close_is_stored_and_what_comes_after_is_refused(engine) {
        let (store, database) = open(engine, 4096).await;
        let writes: Vec<_> = (0..50).map(|number| {
            let store = store.clone();
            tokio::spawn(async move { insert(&store, &format!("app{number}")).await.is_ok() })
        }).collect();
        let mut stored = 0;
        store.close().await;
        for write in writes {
            stored += usize::from(write.await.expect("no panic"));
        }
        let late = insert(&store, "late").await;
        assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
        let settings = StoreSettings {
            target: database.target.clone(), now: Timestamp::from_micros(1), secret: [9; 16],
            write_queue_max: 8, write_batch_max: 8, postgres_connections_max: 2, statement_timeout_ms: 10_000,
        };
        let reopened = Store::open(settings).await.expect("it opens again");
        assert_eq!(names(&reopened).await.len(), stored, "what was acknowledged, and nothing else");
        assert_eq!(reopened.check_integrity().await.expect("an answer"), None);
    }
}

/// A request that is being carried out, in an app of its own.
async fn carried_out(store: &Store) -> Ticket {
    insert(store, "asked").await.expect("the app is stored");
    let found: Result<_, StoreError> = store
        .write(|tx| {
            Box::pin(async move {
                let app = AppId::from_text("app_asked");
                tx.environments().insert(&app, Mode::Live).await?;
                tx.environments().of_app(&app).await
            })
        })
        .await;
    let environment = found.expect("it is stored")[0].id;
    let place = IdempotencyPlace { environment, owner: "key_1".into(), key_hash: [1; 32] };
    let (ticket, now) = (Ticket::new(place, 1), Timestamp::from_micros(1));
    let noted = ticket.clone();
    let begun: Result<_, StoreError> = store
        .write(move |tx| {
            Box::pin(async move { tx.idempotency_keys().insert(&noted, b"request", now, now).await })
        })
        .await;
    assert!(begun.expect("it is stored"));
    ticket
}

async fn kept(store: &Store, ticket: &Ticket) -> KeptRequest {
    let place = ticket.place().clone();
    let found: Result<_, StoreError> = store
        .write_aside(move |tx| Box::pin(async move { tx.idempotency_keys().find_locked(&place).await }))
        .await;
    found.expect("it is read").expect("it is there")
}

both_engines! {
    async fn a_unit_under_a_ticket_notes_that_it_wrote_if_it_did(engine) {
        let (store, _database) = open(engine, 64).await;
        let ticket = carried_out(&store).await;
        let aside: Result<(), StoreError> = ticket.clone().carried_by(store.write_aside(|tx| {
            Box::pin(async move { tx.apps().insert(&app("aside")).await })
        })).await;
        aside.expect("it is stored");
        let failed: Result<(), StoreError> = ticket.clone().carried_by(store.write(|tx| Box::pin(async move {
            tx.apps().insert(&app("failed")).await?;
            Err(StoreError::Corrupt("on purpose".into()))
        }))).await;
        assert!(failed.is_err());
        assert!(!kept(&store, &ticket).await.wrote);
        ticket.clone().carried_by(insert(&store, "done")).await.expect("it is stored");
        assert!(kept(&store, &ticket).await.wrote);
        ticket.clone().carried_by(insert(&store, "more")).await.expect("a request may write twice");
    }

    async fn a_unit_whose_ticket_was_taken_over_leaves_nothing(engine) {
        let (store, _database) = open(engine, 64).await;
        let ticket = carried_out(&store).await;
        let (next, now) = (Ticket::new(ticket.place().clone(), 2), Timestamp::from_micros(2));
        let taking = next.clone();
        let taken: Result<(), StoreError> = store.write(move |tx| Box::pin(async move {
            tx.idempotency_keys().take_over(&taking, b"request", now, now).await
        })).await;
        taken.expect("it is taken over");
        let late = ticket.clone().carried_by(insert(&store, "late")).await;
        assert!(matches!(late, Err(StoreError::Superseded)));
        assert!(!kept(&store, &next).await.wrote);
        assert_eq!(names(&store).await, ["asked"]);
        next.carried_by(insert(&store, "next")).await.expect("this one may");
        assert_eq!(names(&store).await.len(), 2);
    }
}

#[test]
fn sqlite_makes_many_units_durable_together() {
    guildhall_testkit::run(async {
        let (store, _database) = open(Engine::Sqlite, 4096).await;
        let before = store.gauges();
        let gate = Arc::new(Barrier::new(2));
        let held = Arc::clone(&gate);
        let blocking = store.clone();
        let first = tokio::spawn(async move {
            let written: Result<(), StoreError> = blocking
                .write(move |_| {
                    Box::pin(async move {
                        held.wait();
                        Ok(())
                    })
                })
                .await;
            written
        });
        let mut waiting: Vec<_> = (0..200)
            .map(|number| {
                let store = store.clone();
                Box::pin(async move { insert(&store, &format!("app{number}")).await })
            })
            .collect();
        for write in &mut waiting {
            assert!(futures_util::poll!(write).is_pending());
        }
        tokio::task::spawn_blocking(move || gate.wait()).await.expect("no panic");
        first.await.expect("no panic").expect("it ends");
        for write in waiting {
            write.await.expect("it is stored");
        }
        let after = store.gauges();
        assert_eq!(after.writes_total - before.writes_total, 201);
        assert!(after.commits_total - before.commits_total <= 3, "one flush served many");
    });
}
