//! The bounded line of jobs that wait for a password thread.
//!
//! It is short, because whoever waits longer than a moment is better told to come back; and who
//! gives up leaves it at once, so that callers who hang up keep nobody else out. It knows nothing of
//! what the jobs do, and a job must not unwind.

use super::argon2id::Memory;
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;

/// Work for one thread, done in that thread's memory. It returns how to announce the outcome.
pub(super) type Job = Box<dyn FnOnce(&mut Memory) -> Announce + Send>;
/// Hands the outcome to who waits for it. Called when the thread counts as free again, so that a
/// caller who has an answer never finds its own job still in the way.
pub(super) type Announce = Box<dyn FnOnce() + Send>;

/// Jobs waiting and threads at work.
pub(super) struct Queue {
    /// The most jobs that may be waiting or at work together.
    jobs_max: usize,
    line: Mutex<Line>,
    arrived: Condvar,
}

#[derive(Default)]
struct Line {
    /// In order of their numbers.
    waiting: VecDeque<(u64, Job)>,
    next_number: u64,
    busy: usize,
    closed: bool,
}

impl Queue {
    /// A queue for that many threads, with room for that many jobs while all of them are at work.
    pub(super) fn new(threads: usize, waiting_max: usize) -> Self {
        Self {
            jobs_max: threads.saturating_add(waiting_max),
            line: Mutex::default(),
            arrived: Condvar::new(),
        }
    }

    /// Lines a job up. Nothing if there is no room; the job is then dropped.
    pub(super) fn join(&self, job: Job) -> Option<Place<'_>> {
        let mut line = self.line.lock();
        if line.closed || line.waiting.len() + line.busy >= self.jobs_max {
            return None;
        }
        let number = line.next_number;
        line.next_number += 1;
        line.waiting.push_back((number, job));
        drop(line);
        self.arrived.notify_one();
        Some(Place { queue: self, number })
    }

    /// Does jobs, one after another, until the queue is closed. What each thread runs.
    pub(super) fn work(&self) {
        let mut memory = Memory::default();
        while let Some(job) = self.next() {
            let announce = job(&mut memory);
            self.line.lock().busy -= 1;
            announce();
        }
    }

    /// Drops what waits and ends the threads, each after the job it is in.
    pub(super) fn close(&self) {
        let waiting = {
            let mut line = self.line.lock();
            line.closed = true;
            std::mem::take(&mut line.waiting)
        };
        drop(waiting);
        self.arrived.notify_all();
    }

    /// How many jobs wait for a thread.
    pub(super) fn waiting(&self) -> usize {
        self.line.lock().waiting.len()
    }

    /// How many threads are at work.
    pub(super) fn busy(&self) -> usize {
        self.line.lock().busy
    }

    fn next(&self) -> Option<Job> {
        let mut line = self.line.lock();
        loop {
            if line.closed {
                return None;
            }
            if let Some((_, job)) = line.waiting.pop_front() {
                line.busy += 1;
                return Some(job);
            }
            self.arrived.wait(&mut line);
        }
    }

    fn leave(&self, number: u64) {
        let left = {
            let mut line = self.line.lock();
            match line.waiting.binary_search_by_key(&number, |(number, _)| *number) {
                Ok(at) => line.waiting.remove(at),
                Err(_) => None,
            }
        };
        // Outside the lock: dropping a job wipes its password.
        drop(left);
    }
}

/// A job's place in the line. Dropping it takes the job out, unless a thread has it already.
pub(super) struct Place<'a> {
    queue: &'a Queue,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.queue.leave(self.number);
    }
}
