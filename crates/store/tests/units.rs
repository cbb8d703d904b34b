//! What units of work and reads see of each other; how units fail is in `units_of_work.rs`.

use guildhall_domain::ids::AppId;
use guildhall_domain::{App, Timestamp};
use guildhall_store::{Constraint, Store, StoreError, StoreSettings};
use guildhall_testkit::{Database, Engine, both_engines};
use std::sync::mpsc;

async fn open(engine: Engine, write_queue_max: usize) -> (Store, Database) {
    let database = Database::create(engine).await;
    let settings = StoreSettings {
        target: database.target.clone(),
        now: Timestamp::from_micros(1),
        secret: [7; 16],
        write_queue_max,
        write_batch_max: 1024,
        postgres_connections_max: 4,
    };
    (Store::open(settings).await.expect("it opens"), database)
}

fn app(name: &str, shop: Option<&str>) -> App {
    App {
        id: AppId::from_text(format!("app_{name}")),
        name: name.into(),
        shop: shop.map(str::to_owned),
        api_access: true,
        passwordless: false,
        created_at: Timestamp::from_micros(1),
    }
}

async fn insert(store: &Store, app: App) -> Result<(), StoreError> {
    store.write(move |tx| Box::pin(async move { tx.apps().insert(&app).await })).await
}

async fn names(store: &Store) -> Vec<String> {
    let listed: Result<_, StoreError> =
        store.scan(|tx| Box::pin(async move { tx.apps().list().await })).await;
    listed.expect("a list").into_iter().map(|app| app.name).collect()
}

async fn heard<T: Send + 'static>(receiver: mpsc::Receiver<T>) -> T {
    let waiting = tokio::task::spawn_blocking(move || receiver.recv());
    waiting.await.expect("no panic").expect("somebody tells")
}

both_engines! {
    async fn what_is_said_to_be_stored_is_stored_also_when_a_unit_swallows_a_conflict(engine) {
        let (store, _database) = open(engine, 64).await;
        insert(&store, app("first", Some("one.example.com"))).await.expect("it is stored");
        let written: Result<(), StoreError> = store.write(|tx| Box::pin(async move {
            tx.apps().insert(&app("before", None)).await?;
            let refused = tx.apps().insert(&app("second", Some("one.example.com"))).await;
            assert!(matches!(refused, Err(StoreError::Conflict(Constraint::Shop))));
            Ok(())
        })).await;
        let stored = names(&store).await.contains(&"before".to_owned());
        assert_eq!(written.is_ok(), stored, "{written:?}");
        insert(&store, app("afterwards", None)).await.expect("the store goes on");
    }

    async fn a_scan_sees_one_moment_however_long_it_takes(engine) {
        let (store, _database) = open(engine, 64).await;
        insert(&store, app("before", None)).await.expect("it is stored");
        let (looked, has_looked) = mpsc::channel();
        let (go, may_go) = mpsc::channel::<()>();
        let scanning = store.clone();
        let scan = tokio::spawn(async move {
            let seen: Result<_, StoreError> = scanning.scan(move |tx| Box::pin(async move {
                let first = tx.apps().list().await?.len();
                looked.send(()).expect("the test listens");
                may_go.recv().expect("the test lets it go on");
                Ok((first, tx.apps().list().await?.len()))
            })).await;
            seen
        });
        heard(has_looked).await;
        insert(&store, app("meanwhile", None)).await.expect("a scan keeps no writer waiting");
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
                tx.apps().insert(&app("one", None)).await?;
                half.send(()).expect("the test listens");
                may_go.recv().expect("the test lets it go on");
                tx.apps().insert(&app("two", None)).await
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
            tokio::spawn(async move { insert(&store, app(&format!("app{number}"), None)).await.is_ok() })
        }).collect();
        let mut stored = 0;
        store.close().await;
        for write in writes {
            stored += usize::from(write.await.expect("no panic"));
        }
        let late = insert(&store, app("late", None)).await;
        assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
        let settings = StoreSettings {
            target: database.target.clone(), now: Timestamp::from_micros(1), secret: [9; 16],
            write_queue_max: 8, write_batch_max: 8, postgres_connections_max: 2,
        };
        let reopened = Store::open(settings).await.expect("it opens again");
        assert_eq!(names(&reopened).await.len(), stored, "what was acknowledged, and nothing else");
        assert_eq!(reopened.check_integrity().await.expect("an answer"), None);
    }
}
