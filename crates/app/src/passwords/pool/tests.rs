use super::*;
use parking_lot::Mutex;
use std::future::Future;
use std::pin::{Pin, pin};
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

fn place(pool: &PasswordPool) -> PasswordPlace<'_> {
    pool.place(1).expect("there is room")
}

async fn hash_for(pool: &PasswordPool, party: u32, text: &str) -> Result<PasswordHash, PasswordError> {
    pool.place(party)?.hash(password(text), SALT).await
}

async fn hash(pool: &PasswordPool, text: &str) -> Result<PasswordHash, PasswordError> {
    hash_for(pool, 1, text).await
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
            place(&pool)
                .run(move |_| {
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
    let hash = hash(&pool, "hunter2").await.expect("hashed");
    let right = place(&pool).verify(hash.clone(), password("hunter2"), SALT).await;
    assert!(matches!(right, Ok(Verdict::Right { upgrade: None })));
    let wrong = place(&pool).verify(hash, password("hunter3"), SALT).await;
    assert!(matches!(wrong, Ok(Verdict::Wrong)));
    let absent = place(&pool).verify_absent(password("hunter2")).await;
    assert!(matches!(absent, Ok(Verdict::Wrong)));
    assert_eq!((pool.waiting(), pool.busy()), (0, 0));
}

#[tokio::test]
async fn an_imported_hash_is_upgraded_with_the_fresh_salt() {
    let pool = pool(1, 0);
    let old = "$2a$05$abcdefghijklmnopqrstuuMpLhh66NJUQMuZ6FwRQX0sqAEKeWcKW";
    let old = PasswordHash::parse(old).expect("bcrypt is known");
    let verdict = place(&pool).verify(old, password("U*U"), SALT).await;
    let Ok(Verdict::Right { upgrade: Some(new) }) = verdict else {
        panic!("right, and due for an upgrade: {verdict:?}");
    };
    let made = hash(&pool, "U*U").await.expect("hashed");
    assert_eq!(new.as_str(), made.as_str());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flood_fills_the_queue_and_the_rest_hears_busy_at_once() {
    let pool = pool(1, 8);
    let gate = Gate::shut(&pool).await;
    let mut flood = JoinSet::new();
    for number in 0..500 {
        let pool = Arc::clone(&pool);
        flood.spawn(async move { hash(&pool, &format!("password {number}")).await });
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
        flood.spawn(async move { hash(&pool, "the same for all").await });
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
        hash(&pool, "hunter2").await.expect("the thread is free");
    }
    let gate = Gate::shut(&pool).await;
    let refused = hash(&pool, "hunter2").await;
    assert_eq!(refused.err(), Some(PasswordError::Busy));
    gate.open().await;
}

#[tokio::test]
async fn a_place_taken_beforehand_is_kept_and_given_back() {
    let pool = pool(1, 0);
    let taken = place(&pool);
    assert_eq!(hash(&pool, "hunter2").await.err(), Some(PasswordError::Busy));
    taken.hash(password("hunter2"), SALT).await.expect("it had a place");
    drop(place(&pool));
    hash(&pool, "hunter2").await.expect("the place is free again");
}

#[tokio::test]
async fn parties_take_turns_and_the_one_with_most_makes_room() {
    fn poll<F: Future>(call: Pin<&mut F>) -> bool {
        call.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }
    let pool = pool(1, 3);
    let gate = Gate::shut(&pool).await;
    let done = Arc::new(Mutex::new(Vec::new()));
    let job = |party: u32, name: &'static str| {
        let (pool, done) = (&pool, Arc::clone(&done));
        async move {
            let note = move |_: &mut Memory| {
                done.lock().push(name);
                Ok(())
            };
            pool.place(party)?.run(note).await
        }
    };
    let (mut a1, mut a2, mut a3) = (pin!(job(1, "a1")), pin!(job(1, "a2")), pin!(job(1, "a3")));
    let (mut a4, mut b1, mut b2, mut b3) =
        (pin!(job(1, "a4")), pin!(job(2, "b1")), pin!(job(2, "b2")), pin!(job(2, "b3")));
    for waits in [a1.as_mut(), a2.as_mut(), a3.as_mut()] {
        assert!(!poll(waits));
    }
    assert_eq!(a4.as_mut().await, Err(PasswordError::Busy), "one party gets all places, and no more");
    assert!(!poll(b1.as_mut()));
    assert_eq!(a3.as_mut().await, Err(PasswordError::Busy), "the newest made room");
    assert!(!poll(b2.as_mut()), "the first has three still, with the one at work");
    assert_eq!(a2.as_mut().await, Err(PasswordError::Busy));
    assert_eq!(b3.as_mut().await, Err(PasswordError::Busy), "now both have two");
    assert_eq!((pool.waiting(), pool.busy()), (3, 1));
    gate.open().await;
    for outcome in [a1.await, b1.await, b2.await] {
        assert_eq!(outcome, Ok(()));
    }
    assert_eq!(*done.lock(), ["a1", "b1", "b2"]);
    assert_eq!((pool.waiting(), pool.busy()), (0, 0));
    hash_for(&pool, 3, "hunter2").await.expect("nothing is left of it");
}

#[tokio::test]
async fn a_panic_fails_its_own_job_alone() {
    let pool = pool(1, 2);
    let before = hash(&pool, "hunter2").await.expect("hashed");
    let broken = place(&pool).run(|_| -> Result<(), PasswordError> { panic!("on purpose") }).await;
    assert_eq!(broken, Err(PasswordError::Failed));
    assert_eq!((pool.waiting(), pool.busy()), (0, 0));
    let after = hash(&pool, "hunter2").await.expect("the thread lives on");
    assert_eq!(before.as_str(), after.as_str());
}

#[tokio::test]
async fn a_dropped_call_leaves_the_queue_and_makes_room() {
    let pool = pool(1, 1);
    let gate = Gate::shut(&pool).await;
    let ran = Arc::new(AtomicBool::new(false));
    {
        let ran = Arc::clone(&ran);
        let mut call = pin!(place(&pool).run(move |_| {
            ran.store(true, Ordering::Relaxed);
            Ok(())
        }));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(pool.waiting(), 1);
        let refused = hash(&pool, "no room").await;
        assert_eq!(refused.err(), Some(PasswordError::Busy));
    }
    assert_eq!(pool.waiting(), 0);
    let mut next = pin!(hash(&pool, "the room it left"));
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
    let mut next = pin!(hash(&pool, "hunter2"));
    assert!(next.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    gate.open.send(()).expect("the job still runs");
    next.await.expect("hashed after it");
}

#[tokio::test]
async fn threads_are_named_after_their_work() {
    let pool = pool(1, 0);
    let name = place(&pool).run(|_| Ok(std::thread::current().name().map(String::from))).await;
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
    assert_eq!(place(&pool).run(|_| niceness()).await, Ok(before.max(NICENESS)));
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
    place(&pool)
        .run(move |_| {
            AT_EXIT.set(Some(AtExit(ended)));
            Ok(())
        })
        .await
        .expect("the job runs");
    drop(pool);
    end.recv().expect("the thread said goodbye");
}
