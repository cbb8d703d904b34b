//! A clock that stands still until it is moved, and chance that a seed fixes.

use guildhall_app::{Chance, Clock};
use guildhall_domain::Timestamp;
use parking_lot::Mutex;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::sync::atomic::{AtomicI64, Ordering};

/// 2026-01-31T12:00:00Z, a day on which months are hard.
const START_US: i64 = 1_769_860_800_000_000;

/// Stands at one moment until [`MockClock::advance_us`] moves it.
pub struct MockClock(AtomicI64);

impl Default for MockClock {
    fn default() -> Self {
        Self(AtomicI64::new(START_US))
    }
}

impl MockClock {
    /// Moves time of day and monotonic time forward.
    pub fn advance_us(&self, us: i64) {
        self.0.fetch_add(us, Ordering::SeqCst);
    }
}

impl Clock for MockClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }

    fn monotonic_us(&self) -> i64 {
        self.0.load(Ordering::SeqCst) - START_US
    }
}

/// Always the same bytes for the same seed.
pub struct SeededChance(Mutex<ChaCha8Rng>);

impl SeededChance {
    /// Chance from a seed.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(ChaCha8Rng::seed_from_u64(seed)))
    }
}

impl Chance for SeededChance {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().fill_bytes(bytes);
    }
}
