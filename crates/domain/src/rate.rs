//! The sliding limit: how many requests any one second may hold.

use std::collections::VecDeque;

/// The length of the window, in microseconds.
pub const WINDOW_US: i64 = 1_000_000;

/// The last admissions of one caller. In no window of one second are there more than the limit,
/// wherever the window starts, and a caller that spaces its requests evenly at the limit is never
/// refused. Memory: eight bytes for each admission within the last second.
#[derive(Debug, Default)]
pub struct SlidingWindow {
    admitted_us: VecDeque<i64>,
}

/// What the limit says to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Admitted {
        /// How many more would be admitted at this instant.
        remaining: u32,
        /// Microseconds until the oldest admission leaves the window.
        reset_us: i64,
    },
    /// Too many.
    Refused {
        /// Microseconds until one would be admitted.
        wait_us: i64,
    },
}

impl SlidingWindow {
    /// Asks for one admission at `now_us`, a monotonic time in microseconds.
    pub fn admit(&mut self, now_us: i64, limit: u32) -> Verdict {
        self.forget(now_us);
        let limit = limit as usize;
        if self.admitted_us.len() >= limit {
            // A limit that was lowered meanwhile leaves more than `limit` behind; the one that
            // must go first is the one `limit` places from the end.
            let blocking = self.admitted_us[self.admitted_us.len() - limit.max(1)];
            return Verdict::Refused { wait_us: (blocking + WINDOW_US - now_us).max(1) };
        }
        self.admitted_us.push_back(now_us);
        let oldest = *self.admitted_us.front().unwrap_or(&now_us);
        Verdict::Admitted {
            remaining: (limit - self.admitted_us.len()) as u32,
            reset_us: oldest + WINDOW_US - now_us,
        }
    }

    /// Whether a request would be refused, without counting it.
    pub fn is_full(&mut self, now_us: i64, limit: u32) -> bool {
        self.forget(now_us);
        self.admitted_us.len() >= limit as usize
    }

    /// Whether nothing of the last second is left, so that the window can be dropped.
    pub fn is_idle(&mut self, now_us: i64) -> bool {
        self.forget(now_us);
        self.admitted_us.is_empty()
    }

    fn forget(&mut self, now_us: i64) {
        while self.admitted_us.front().is_some_and(|at| now_us - at >= WINDOW_US) {
            self.admitted_us.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn admitted(window: &mut SlidingWindow, now_us: i64, limit: u32) -> bool {
        matches!(window.admit(now_us, limit), Verdict::Admitted { .. })
    }

    proptest! {
        #[test]
        fn no_second_holds_more_than_the_limit(
            gaps in prop::collection::vec(0_i64..120_000, 1..400), limit in 1_u32..40,
        ) {
            let mut window = SlidingWindow::default();
            let mut now = 0;
            let mut times = Vec::new();
            for gap in gaps {
                now += gap;
                if admitted(&mut window, now, limit) {
                    times.push(now);
                }
            }
            for (index, start) in times.iter().enumerate() {
                let within = times[index..].iter().take_while(|at| **at < start + WINDOW_US).count();
                prop_assert!(within <= limit as usize);
            }
        }

        #[test]
        fn pacing_at_the_limit_is_never_refused(limit in 1_u32..200) {
            let mut window = SlidingWindow::default();
            let gap = (WINDOW_US + i64::from(limit) - 1) / i64::from(limit);
            for turn in 0..1_000 {
                prop_assert!(admitted(&mut window, turn * gap, limit));
            }
        }

        #[test]
        fn the_wait_that_is_told_is_enough(limit in 1_u32..40, burst in 1_usize..80) {
            let mut window = SlidingWindow::default();
            for at in 0..burst {
                if let Verdict::Refused { wait_us } = window.admit(at as i64, limit) {
                    let later = at as i64 + wait_us;
                    prop_assert!(admitted(&mut window, later, limit));
                    break;
                }
            }
        }
    }

    #[test]
    fn it_tells_what_is_left() {
        let mut window = SlidingWindow::default();
        assert_eq!(window.admit(0, 2), Verdict::Admitted { remaining: 1, reset_us: WINDOW_US });
        assert_eq!(window.admit(400_000, 2), Verdict::Admitted { remaining: 0, reset_us: 600_000 });
        assert_eq!(window.admit(500_000, 2), Verdict::Refused { wait_us: 500_000 });
        assert!(window.is_full(999_999, 2));
        assert!(!window.is_full(1_000_000, 2));
        assert!(window.is_idle(1_400_000));
    }
}
