//! Time and chance, passed in so that tests can hold them still.

use guildhall_domain::Timestamp;
use guildhall_domain::ids::Entropy;
use rand::Rng;
use std::time::Instant;

/// What time it is.
pub trait Clock: Send + Sync + 'static {
    /// The time of day.
    fn now(&self) -> Timestamp;

    /// Microseconds since some fixed moment, never going back. For limits and durations.
    fn monotonic_us(&self) -> i64;
}

/// Where random bytes come from.
pub trait Chance: Send + Sync + 'static {
    /// Fills the slice with bytes that nobody can foresee.
    fn fill(&self, bytes: &mut [u8]);

    /// 16 fresh bytes.
    fn entropy(&self) -> Entropy {
        let mut bytes = Entropy::default();
        self.fill(&mut bytes);
        bytes
    }
}

/// The machine's clock.
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the time of day")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let micros = since.map_or(0, |elapsed| elapsed.as_micros());
        Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
    }

    fn monotonic_us(&self) -> i64 {
        i64::try_from(self.start.elapsed().as_micros()).unwrap_or(i64::MAX)
    }
}

/// The machine's cryptographic randomness, seeded from the operating system.
#[derive(Default)]
pub struct SystemChance;

impl Chance for SystemChance {
    #[expect(clippy::disallowed_methods, reason = "the one place that draws from the system")]
    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}
