//! Growing delays: how often something may be tried before each further try has to wait.

use crate::time::{MICROS_PER_SECOND, Timestamp};

/// How one kind of attempt is slowed down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// So many attempts need not wait for each other.
    pub free: u32,
    /// The first delay, in microseconds; each further attempt doubles it.
    pub first_delay_us: i64,
    /// No delay grows beyond this, in microseconds.
    pub delay_us_max: i64,
    /// When nothing was tried for so long, in microseconds, all is forgotten.
    pub forgotten_after_us: i64,
}

/// What was tried so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempts {
    /// How often.
    pub count: i64,
    /// When last.
    pub last_at: Timestamp,
    /// From when on it may be tried again.
    pub free_at: Timestamp,
}

impl Throttle {
    /// For guesses at passwords and codes: delays from a second to a quarter of an hour.
    pub const fn guesses(free: u32) -> Self {
        Self {
            free,
            first_delay_us: MICROS_PER_SECOND,
            delay_us_max: 900 * MICROS_PER_SECOND,
            forgotten_after_us: 24 * 3600 * MICROS_PER_SECOND,
        }
    }

    /// For mails that somebody has sent to an address: delays from a minute to an hour.
    pub const fn mails(free: u32) -> Self {
        Self {
            free,
            first_delay_us: 60 * MICROS_PER_SECOND,
            delay_us_max: 3600 * MICROS_PER_SECOND,
            forgotten_after_us: 3600 * MICROS_PER_SECOND,
        }
    }

    /// Counts one more attempt.
    ///
    /// # Errors
    /// The microseconds that are still to wait.
    pub fn admit(&self, before: Option<Attempts>, now: Timestamp) -> Result<Attempts, i64> {
        let remembered = before.filter(|before| now < before.last_at.plus_micros(self.forgotten_after_us));
        // Without a delay there is nothing to wait for, also if the last attempt was counted before this
        // one and began after it.
        if let Some(before) = remembered
            && before.last_at < before.free_at
            && now < before.free_at
        {
            return Err(before.free_at.micros() - now.micros());
        }
        let count = remembered.map_or(0, |before| before.count) + 1;
        Ok(Attempts { count, last_at: now, free_at: now.plus_micros(self.delay_us(count)) })
    }

    /// How long the next attempt has to wait after this many.
    fn delay_us(&self, count: i64) -> i64 {
        let beyond = count - i64::from(self.free);
        if beyond < 0 {
            return 0;
        }
        let doublings = u32::try_from(beyond).unwrap_or(u32::MAX).min(40);
        self.first_delay_us.saturating_mul(1 << doublings).min(self.delay_us_max)
    }
}

impl Attempts {
    /// One attempt less, because it was no guess: the right answer came.
    pub fn forgive_one(self) -> Self {
        Self { count: (self.count - 1).max(0), free_at: self.last_at, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = MICROS_PER_SECOND;

    #[test]
    fn delays_double_up_to_their_bound_and_are_forgotten() {
        let throttle = Throttle::guesses(3);
        let mut now = Timestamp::from_seconds(1000);
        let mut attempts = None;
        for _ in 0..3 {
            attempts = Some(throttle.admit(attempts, now).expect("the first are free"));
        }
        for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
            assert_eq!(throttle.admit(attempts, now), Err(seconds * SECOND));
            now = now.plus_micros(seconds * SECOND);
            attempts = Some(throttle.admit(attempts, now).expect("the delay is over"));
        }
        now = now.plus_micros(throttle.forgotten_after_us);
        assert_eq!(throttle.admit(attempts, now).expect("forgotten").count, 1);
    }

    #[test]
    fn attempts_that_are_counted_out_of_order_need_not_wait() {
        let throttle = Throttle::guesses(3);
        let later = throttle.admit(None, Timestamp::from_seconds(10)).expect("the first is free");
        assert!(throttle.admit(Some(later), Timestamp::from_seconds(9)).is_ok());
        assert!(throttle.admit(Some(later.forgive_one()), Timestamp::from_seconds(9)).is_ok());
    }

    #[test]
    fn no_number_of_attempts_overflows() {
        let many = Attempts {
            count: i64::MAX - 1,
            last_at: Timestamp::from_seconds(0),
            free_at: Timestamp::from_seconds(0),
        };
        let throttle = Throttle::guesses(1);
        let next = throttle.admit(Some(many), Timestamp::from_seconds(1)).expect("it is free");
        assert_eq!(next.free_at, Timestamp::from_seconds(901));
    }
}
