use super::*;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::task::{Context, Waker};
use tokio::task::{JoinHandle, JoinSet};

const SALT: [u8; SALT_BYTES] = *b"sixteen bytes ok";

fn pool(threads: usize, waiting_max: usize) -> Arc<PasswordPool> {
    let threads = NonZeroUsize::new(threads).expect("a pool has threads");
    Arc::new(PasswordPool::new(PoolSettings { threads, waiting_max }).expect("threads start"))
}

fn password(text: &str) -> Password {
    Password::new(text).expect("the test's password is short enough")
}

/// Keeps one thread of a pool at work until it is opened.
struct Gate {
    open: mpsc::Sender<()>,
    job: JoinHandle<Result<(), PasswordError>>,
}

impl Gate {
    async fn shut(pool: &Arc<PasswordPool>) -> Self {
        let (open, opened) = mpsc::channel();
        let (started, start) = oneshot::channel();
        let pool = Arc::clone(pool);
        let job = tokio::spawn(async move {
            pool.run(move |_| {
                let _ = started.send(());
                opened.recv().map_err(|_| PasswordError::Failed)
            })
            .await
        });
        start.await.expect("the job starts");
        Self { open, job }
    }

    async fn open(self) {
        self.open.send(()).expect("the job is waiting");
        assert_eq!(self.job.await.expect("no panic"), Ok(()));
    }
}

#[tokio::test]
async fn a_hashed_password_verifies_and_another_does_not() {
    let pool = pool(2, 4);
    let hash = pool.hash(password("hunter2"), SALT).await.expect("hashed");
    let right = pool.verify(hash.clone(), password("hunter2"), SALT).await;
    assert!(matches!(right, Ok(Verdict::Right { upgrade: None })));
    let wrong = pool.verify(hash, password("hunter3"), SALT).await;
    assert!(matches!(wrong, Ok(Verdict::Wrong)));
    let absent = pool.verify_absent(password("hunter2")).await;
    assert!(matches!(absent, Ok(Verdict::Wrong)));
    assert_eq!((pool.waiting(), pool.busy()), (0, 0));
}

#[tokio::test]
async fn an_imported_hash_is_upgraded_with_the_fresh_salt() {
    let pool = pool(1, 0);
    let old = "$2a$05$abcdefghijklmnopqrstuuMpLhh66NJUQMuZ6FwRQX0sqAEKeWcKW";
    let old = PasswordHash::parse(old).expect("bcrypt is known");
    let verdict = pool.verify(old, password("U*U"), SALT).await;
    let Ok(Verdict::Right { upgrade: Some(new) }) = verdict else {
        panic!("right, and due for an upgrade: {verdict:?}");
    };
    let made = pool.hash(password("U*U"), SALT).await.expect("hashed");
    assert_eq!(new.as_str(), made.as_str());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flood_fills_the_queue_and_the_rest_hears_busy_at_once() {
    let pool = pool(1, 8);
    let gate = Gate::shut(&pool).await;
    let mut flood = JoinSet::new();
    for number in 0..500 {
        let pool = Arc::clone(&pool);
        flood.spawn(async move { pool.hash(password(&format!("password {number}")), SALT).await });
    }
    // With the only thread at work, all but eight must come back before any is hashed.
    for _ in 0..492 {
        let outcome = flood.join_next().await.expect("500 were sent").expect("no panic");
        assert_eq!(outcome.err(), Some(PasswordError::Busy));
    }
    assert_eq!((pool.waiting(), pool.busy()), (8, 1));

    gate.open().await;
    let mut hashes = Vec::new();
    while let Some(outcome) = flood.join_next().await {
        hashes.push(outcome.expect("no panic").expect("it was let in, so it is hashed"));
    }
    hashes.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    hashes.dedup_by(|a, b| a.as_str() == b.as_str());
    assert_eq!(hashes.len(), 8, "each got the hash of its own password");
    assert_eq!((pool.waiting(), pool.busy()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_load_every_call_is_answered() {
    let pool = pool(1, 8);
    let mut flood = JoinSet::new();
    for _ in 0..500 {
        let pool = Arc::clone(&pool);
        flood.spawn(async move { pool.hash(password("the same for all"), SALT).await });
    }
    let mut hashed = 0;
    let mut busy = 0;
    while let Some(outcome) = flood.join_next().await {
        match outcome.expect("no panic") {
            Ok(_) => hashed += 1,
            Err(PasswordError::Busy) => busy += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(hashed + busy, 500);
    assert!(hashed >= 9, "a thread and eight places: {hashed}");
}

#[tokio::test]
async fn without_places_to_wait_a_free_thread_still_takes_a_job() {
    let pool = pool(1, 0);
    for _ in 0..3 {
        // One's own last job is never what makes the pool busy.
        pool.hash(password("hunter2"), SALT).await.expect("the thread is free");
    }
    let gate = Gate::shut(&pool).await;
    let refused = pool.hash(password("hunter2"), SALT).await;
    assert_eq!(refused.err(), Some(PasswordError::Busy));
    gate.open().await;
}

#[tokio::test]
async fn a_panic_fails_its_own_job_alone() {
    let pool = pool(1, 2);
    let before = pool.hash(password("hunter2"), SALT).await.expect("hashed");
    let broken = pool.run(|_| -> Result<(), PasswordError> { panic!("on purpose") }).await;
    assert_eq!(broken, Err(PasswordError::Failed));
    assert_eq!((pool.waiting(), pool.busy()), (0, 0));
    let after = pool.hash(password("hunter2"), SALT).await.expect("the thread lives on");
    assert_eq!(before.as_str(), after.as_str());
}

#[tokio::test]
async fn a_dropped_call_leaves_the_queue_and_makes_room() {
    let pool = pool(1, 1);
    let gate = Gate::shut(&pool).await;
    let ran = Arc::new(AtomicBool::new(false));
    {
        let ran = Arc::clone(&ran);
        let mut call = pin!(pool.run(move |_| {
            ran.store(true, Ordering::Relaxed);
            Ok(())
        }));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(pool.waiting(), 1);
        let refused = pool.hash(password("no room"), SALT).await;
        assert_eq!(refused.err(), Some(PasswordError::Busy));
    }
    assert_eq!(pool.waiting(), 0);
    let mut next = pin!(pool.hash(password("the room it left"), SALT));
    assert!(next.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    gate.open().await;
    next.await.expect("hashed");
    assert!(!ran.load(Ordering::Relaxed), "a cancelled job never runs");
}

#[tokio::test]
async fn a_call_dropped_while_it_runs_harms_nobody() {
    let pool = pool(1, 1);
    let gate = Gate::shut(&pool).await;
    gate.job.abort();
    assert!(gate.job.await.expect_err("aborted").is_cancelled());
    let mut next = pin!(pool.hash(password("hunter2"), SALT));
    assert!(next.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    gate.open.send(()).expect("the job still runs");
    next.await.expect("hashed after it");
}

#[tokio::test]
async fn threads_are_named_after_their_work() {
    let pool = pool(1, 0);
    let name = pool.run(|_| Ok(std::thread::current().name().map(String::from))).await;
    assert_eq!(name, Ok(Some("password-0".into())));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn threads_yield_to_all_others() {
    fn niceness() -> Result<i32, PasswordError> {
        let this_thread = Some(rustix::thread::gettid());
        rustix::process::getpriority_process(this_thread).map_err(|_| PasswordError::Failed)
    }
    let before = niceness().expect("readable");
    let pool = pool(1, 0);
    assert_eq!(pool.run(|_| niceness()).await, Ok(before.max(NICENESS)));
    assert_eq!(niceness(), Ok(before), "only the pool's threads are lowered");
}

#[tokio::test]
async fn dropping_the_pool_ends_its_threads() {
    struct AtExit(mpsc::Sender<()>);
    impl Drop for AtExit {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    thread_local! {
        static AT_EXIT: std::cell::RefCell<Option<AtExit>> = const { std::cell::RefCell::new(None) };
    }
    let (ended, end) = mpsc::channel();
    let pool = pool(1, 0);
    pool.run(move |_| {
        AT_EXIT.set(Some(AtExit(ended)));
        Ok(())
    })
    .await
    .expect("the job runs");
    drop(pool);
    end.recv().expect("the thread said goodbye");
}
