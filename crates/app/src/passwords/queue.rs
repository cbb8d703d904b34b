//! The bounded line of jobs that wait for a password thread.
//!
//! It is short, because whoever waits longer than a moment is better told to come back; and who
//! gives up leaves it at once, so that callers who hang up keep nobody else out. Parties take turns, and
//! when it is full the party that fills most of it makes room for one that has less. It knows nothing of
//! what the jobs do, and a job must not unwind.

use super::argon2id::Memory;
use parking_lot::{Condvar, Mutex};
use std::collections::{HashMap, VecDeque};

/// Work for one thread, done in that thread's memory. It returns how to announce the outcome.
pub(super) type Job = Box<dyn FnOnce(&mut Memory) -> Announce + Send>;
/// Hands the outcome to who waits for it. Called when the thread counts as free again, so that a
/// caller who has an answer never finds its own job still in the way.
pub(super) type Announce = Box<dyn FnOnce() + Send>;

/// Places in the line and threads at work.
pub(super) struct Queue {
    /// The most places that may be taken at a time.
    places_max: usize,
    line: Mutex<Line>,
    arrived: Condvar,
}

#[derive(Default)]
struct Line {
    /// Who has jobs waiting, whose turn is next first. Nobody is in it without one.
    turns: VecDeque<Turn>,
    /// How many places each party has: reserved, waiting or at work.
    taken: HashMap<u32, usize>,
    next_number: u64,
    busy: usize,
    closed: bool,
}

/// A party's jobs, in order of their numbers.
struct Turn {
    party: u32,
    waiting: VecDeque<(u64, Job)>,
}

impl Queue {
    /// A queue for that many threads, with room for that many jobs while all of them are at work.
    pub(super) fn new(threads: usize, waiting_max: usize) -> Self {
        Self {
            places_max: threads.saturating_add(waiting_max),
            line: Mutex::default(),
            arrived: Condvar::new(),
        }
    }

    /// Takes a place for a job that is still to come. Nothing if there is no room.
    pub(super) fn reserve(&self, party: u32) -> Option<Place<'_>> {
        let mut line = self.line.lock();
        let pushed_out = match line.taken.values().sum::<usize>() < self.places_max {
            true => None,
            false => Some(line.push_out(party)?),
        };
        if line.closed {
            return None;
        }
        *line.taken.entry(party).or_default() += 1;
        drop(line);
        // Outside the lock: dropping a job wipes its password.
        drop(pushed_out);
        Some(Place { queue: self, party, number: None })
    }

    /// Does jobs, one after another, until the queue is closed. What each thread runs.
    pub(super) fn work(&self) {
        let mut memory = Memory::default();
        while let Some((party, job)) = self.next() {
            let announce = job(&mut memory);
            {
                let mut line = self.line.lock();
                line.busy -= 1;
                line.give_back(party);
            }
            announce();
        }
    }

    /// Drops what waits and ends the threads, each after the job it is in.
    pub(super) fn close(&self) {
        let waiting = {
            let mut line = self.line.lock();
            line.closed = true;
            std::mem::take(&mut line.turns)
        };
        drop(waiting);
        self.arrived.notify_all();
    }

    /// How many jobs wait for a thread.
    pub(super) fn waiting(&self) -> usize {
        self.line.lock().turns.iter().map(|turn| turn.waiting.len()).sum()
    }

    /// How many threads are at work.
    pub(super) fn busy(&self) -> usize {
        self.line.lock().busy
    }

    fn next(&self) -> Option<(u32, Job)> {
        let mut line = self.line.lock();
        loop {
            if line.closed {
                return None;
            }
            if let Some(next) = line.next() {
                line.busy += 1;
                return Some(next);
            }
            self.arrived.wait(&mut line);
        }
    }
}

impl Line {
    /// The first job of the party whose turn it is, which then goes to the end.
    fn next(&mut self) -> Option<(u32, Job)> {
        let mut turn = self.turns.pop_front()?;
        let (_, job) = turn.waiting.pop_front()?;
        let party = turn.party;
        if !turn.waiting.is_empty() {
            self.turns.push_back(turn);
        }
        Some((party, job))
    }

    fn join(&mut self, party: u32, job: Job) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        match self.turns.iter_mut().find(|turn| turn.party == party) {
            Some(turn) => turn.waiting.push_back((number, job)),
            None => self.turns.push_back(Turn { party, waiting: VecDeque::from([(number, job)]) }),
        }
        number
    }

    /// Takes a job out. Nothing if a thread has it, or it had to make room.
    fn leave(&mut self, party: u32, number: u64) -> Option<Job> {
        let at = self.turns.iter().position(|turn| turn.party == party)?;
        let waiting = &mut self.turns[at].waiting;
        let found = waiting.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        let (_, job) = waiting.remove(found)?;
        if waiting.is_empty() {
            self.turns.remove(at);
        }
        self.give_back(party);
        Some(job)
    }

    /// Takes out the newest job of the party that has most waiting, if it has more places than `party`
    /// would then have.
    fn push_out(&mut self, party: u32) -> Option<Job> {
        let longest = self.turns.iter().max_by_key(|turn| turn.waiting.len())?;
        let places = |party| self.taken.get(&party).copied().unwrap_or(0);
        if places(longest.party) <= places(party) + 1 {
            return None;
        }
        let (party, (number, _)) = (longest.party, longest.waiting.back()?);
        self.leave(party, *number)
    }

    fn give_back(&mut self, party: u32) {
        if let Some(places) = self.taken.get_mut(&party) {
            *places -= 1;
            if *places == 0 {
                self.taken.remove(&party);
            }
        }
    }
}

/// A place in the line, with a job or still without. Dropping it takes the job out, unless a thread
/// has it already.
pub(super) struct Place<'a> {
    queue: &'a Queue,
    party: u32,
    /// The job's number, once there is one.
    number: Option<u64>,
}

impl Place<'_> {
    /// Lines the job up.
    pub(super) fn fill(&mut self, job: Job) {
        if self.number.is_none() {
            self.number = Some(self.queue.line.lock().join(self.party, job));
            self.queue.arrived.notify_one();
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut line = self.queue.line.lock();
        let left = match self.number {
            Some(number) => line.leave(self.party, number),
            None => {
                line.give_back(self.party);
                None
            }
        };
        drop(line);
        // Outside the lock: dropping a job wipes its password.
        drop(left);
    }
}
