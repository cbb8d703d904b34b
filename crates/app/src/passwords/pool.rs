//! The threads that hash: how many, how eager, and what happens when they cannot keep up.
//!
//! Request handling never hashes on its own threads. It asks the pool, and the pool either takes the
//! job or says [`PasswordError::Busy`] at once; it never lets callers pile up. The line itself is in
//! `queue`, what a job computes in `PasswordHash`.

use super::argon2id::{Argon2Hash, Memory};
use super::queue::{Announce, Job, Place, Queue};
use super::{Password, PasswordError, PasswordHash, SALT_BYTES, Verdict};
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::oneshot;

/// How far hashing yields to everything else: 0 is an ordinary thread, 19 the humblest.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// How much hashing may go on.
#[derive(Clone, Copy, Debug)]
pub struct PoolSettings {
    /// How many passwords are worked on at a time. Each thread keeps 19 MiB once it has been used;
    /// an imported hash may take up to 256 MiB more while it is verified.
    pub threads: NonZeroUsize,
    /// How many more may wait while all threads are at work. Beyond it, callers get
    /// [`PasswordError::Busy`].
    pub waiting_max: usize,
}

/// Hashes and verifies passwords on threads of its own, named `password-0` and so on. They run at
/// low priority where the system has such a thing for threads (Linux).
///
/// To cancel, drop the future: a job that has not started leaves the queue, one that has is
/// finished for nothing. Dropping the pool returns at once and discards what waits; each thread
/// ends when the job it is in is done.
pub struct PasswordPool {
    queue: Arc<Queue>,
    taken: AtomicU64,
}

/// A place in a pool's line, for one job. Dropped, it is free again.
#[must_use]
pub struct PasswordPlace<'p> {
    pool: &'p PasswordPool,
    place: Place<'p>,
}

impl PasswordPool {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system will not start a thread.
    pub fn new(settings: PoolSettings) -> std::io::Result<Self> {
        let threads = settings.threads.get();
        let queue = Arc::new(Queue::new(threads, settings.waiting_max));
        let pool = Self { queue, taken: AtomicU64::new(0) };
        for number in 0..threads {
            let queue = Arc::clone(&pool.queue);
            std::thread::Builder::new().name(format!("password-{number}")).spawn(move || {
                yield_to_others();
                queue.work();
            })?;
        }
        Ok(pool)
    }

    /// A place in the line for one job, on behalf of a party: parties take turns. Ask for it before
    /// anything that a caller who is sent away should not have caused.
    ///
    /// # Errors
    /// [`PasswordError::Busy`] if there is no room.
    pub fn place(&self, party: u32) -> Result<PasswordPlace<'_>, PasswordError> {
        let place = self.queue.reserve(party).ok_or(PasswordError::Busy)?;
        Ok(PasswordPlace { pool: self, place })
    }

    /// How many jobs wait for a thread now.
    pub fn waiting(&self) -> usize {
        self.queue.waiting()
    }

    /// How many jobs were taken on since the start.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// How many threads are at work now.
    pub fn busy(&self) -> usize {
        self.queue.busy()
    }
}

impl PasswordPlace<'_> {
    /// Hashes a new password. The salt must be fresh from a secure source.
    ///
    /// # Errors
    /// [`PasswordError::Busy`] if it had to make room for another party, or [`PasswordError::Failed`].
    pub async fn hash(
        self,
        password: Password,
        salt: [u8; SALT_BYTES],
    ) -> Result<PasswordHash, PasswordError> {
        self.run(move |memory| PasswordHash::create(&password, salt, memory)).await
    }

    /// Compares a password with a stored hash. If it is right and the hash is not made as new ones
    /// are, the verdict brings one that is, made with `fresh_salt`; there is one exception, a
    /// password of more than 72 bytes that met a bcrypt hash, which never looked at the rest.
    ///
    /// # Errors
    /// [`PasswordError::Busy`] if it had to make room for another party, or [`PasswordError::Failed`].
    pub async fn verify(
        self,
        hash: PasswordHash,
        password: Password,
        fresh_salt: [u8; SALT_BYTES],
    ) -> Result<Verdict, PasswordError> {
        self.run(move |memory| hash.verify(&password, fresh_salt, memory)).await
    }

    /// What to call when there is no hash to compare with, so that an unknown name takes as long
    /// as a wrong password: the work of verifying one of our own hashes. Always
    /// [`Verdict::Wrong`].
    ///
    /// # Errors
    /// [`PasswordError::Busy`] if it had to make room for another party, or [`PasswordError::Failed`].
    pub async fn verify_absent(self, password: Password) -> Result<Verdict, PasswordError> {
        self.run(move |memory| {
            let nobody = Argon2Hash::blank([0; SALT_BYTES])?;
            black_box(nobody.matches(password.as_bytes(), memory)?);
            Ok(Verdict::Wrong)
        })
        .await
    }

    /// Runs one job on a thread of the pool. If it panics, it fails alone: a password thread keeps
    /// nothing between jobs but memory that every hash overwrites before reading.
    pub(super) async fn run<T: Send + 'static>(
        mut self,
        work: impl FnOnce(&mut Memory) -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |memory| -> Announce {
            let outcome =
                catch_unwind(AssertUnwindSafe(|| work(memory))).unwrap_or(Err(PasswordError::Failed));
            // Nobody may be waiting any more, and that is fine.
            Box::new(move || drop(sender.send(outcome)))
        });
        self.place.fill(job);
        self.pool.taken.fetch_add(1, Ordering::Relaxed);
        // A job that never ran was taken out of the line.
        receiver.await.unwrap_or(Err(PasswordError::Busy))
    }
}

impl Drop for PasswordPool {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Lowers this thread's priority. Should that be refused, hashing is merely less polite.
fn yield_to_others() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{getpriority_process, setpriority_process};
        let this_thread = Some(rustix::thread::gettid());
        // A server started with a lower priority still stays where it was put.
        if getpriority_process(this_thread).is_ok_and(|now| now < NICENESS) {
            let _ = setpriority_process(this_thread, NICENESS);
        }
    }
}

#[cfg(test)]
mod tests;
