//! How many requests each address may make to the client API: so many at once, and then as many a
//! second as make that number in 30 seconds.

use super::addresses::subscriber;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;

/// The time in which the limit may be used up once.
const PERIOD_US: i64 = 30_000_000;
/// Addresses remembered at a time. When more come, those that have been quiet are forgotten, and if
/// none has, all.
const ADDRESSES_MAX: usize = 65_536;

/// When each address will have used up nothing any more.
#[derive(Default)]
pub(crate) struct VisitorLimits(Mutex<HashMap<IpAddr, i64>>);

/// What the limit says to one request.
pub(super) enum Pace {
    /// Go on.
    Go {
        /// How many more may come at once.
        remaining: u32,
        /// Microseconds until all may.
        reset_us: i64,
    },
    /// Too many.
    Wait {
        /// Microseconds until one may come.
        wait_us: i64,
    },
}

impl VisitorLimits {
    pub(super) fn pace(&self, address: IpAddr, limit: u32, now_us: i64) -> Pace {
        let step_us = PERIOD_US / i64::from(limit.max(1));
        let mut quiet_at = self.0.lock();
        if quiet_at.len() >= ADDRESSES_MAX {
            quiet_at.retain(|_, at| *at > now_us);
            if quiet_at.len() >= ADDRESSES_MAX {
                quiet_at.clear();
            }
        }
        let at = quiet_at.entry(subscriber(address)).or_insert(now_us);
        let next_us = (*at).max(now_us) + step_us;
        let over_us = next_us - now_us - PERIOD_US;
        if over_us > 0 {
            return Pace::Wait { wait_us: over_us };
        }
        *at = next_us;
        Pace::Go {
            remaining: u32::try_from(-over_us / step_us).unwrap_or(u32::MAX),
            reset_us: next_us - now_us,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_use_its_limit_at_once_and_then_earns_it_back() {
        let limits = VisitorLimits::default();
        let address = "192.0.2.1".parse().expect("an address");
        let goes = |now_us| matches!(limits.pace(address, 200, now_us), Pace::Go { .. });
        assert_eq!((0..250).filter(|_| goes(0)).count(), 200);
        assert!(!goes(149_999));
        assert!(goes(150_000) && !goes(150_000));
        assert_eq!((0..250).filter(|_| goes(60_000_000)).count(), 200);
        assert!(matches!(
            limits.pace("192.0.2.2".parse().expect("an address"), 200, 0),
            Pace::Go { remaining: 199, .. }
        ));
    }
}
