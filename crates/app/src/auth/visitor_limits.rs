//! How many requests each address may make to the client API: so many at once, and then as many a
//! second as make that number in the limit's window. Calls that read, make and change records have
//! limits of their own beside that of all calls.

use super::addresses::subscriber;
use crate::guildhall::Limits;
use guildhall_domain::time::MICROS_PER_SECOND;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;

/// Addresses remembered at a time, each for every sort of call. When more come, those that have been quiet are forgotten, and if
/// none has, all.
const ADDRESSES_MAX: usize = 65_536;

/// What a visitor's request is about, as far as limits tell calls apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VisitorCall {
    /// It reads records or tables.
    ReadsRecords,
    /// It makes a record.
    CreatesRecord,
    /// It changes or deletes a record.
    ChangesRecord,
    /// Anything else.
    Other,
}

impl VisitorCall {
    /// How many such calls an address may make, in how many seconds. Of [`VisitorCall::Other`], that is
    /// the limit of all calls.
    pub(super) const fn limit(self, limits: Limits) -> (u32, u32) {
        match self {
            VisitorCall::ReadsRecords => (limits.client_record_reads, 1),
            VisitorCall::CreatesRecord => (limits.client_record_creates, 60),
            VisitorCall::ChangesRecord => (limits.client_record_changes, 60),
            VisitorCall::Other => (limits.client_rate_limit, 30),
        }
    }
}

/// When each address will have used up nothing any more, of each sort of call.
#[derive(Default)]
pub(crate) struct VisitorLimits(Mutex<HashMap<(IpAddr, VisitorCall), i64>>);

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
    /// Counts a call against a limit of so many in so many seconds.
    pub(super) fn pace(
        &self,
        address: IpAddr,
        call: VisitorCall,
        (limit, window_s): (u32, u32),
        now_us: i64,
    ) -> Pace {
        let window_us = i64::from(window_s) * MICROS_PER_SECOND;
        let step_us = window_us / i64::from(limit.max(1));
        let mut quiet_at = self.0.lock();
        if quiet_at.len() >= ADDRESSES_MAX {
            quiet_at.retain(|_, at| *at > now_us);
            if quiet_at.len() >= ADDRESSES_MAX {
                quiet_at.clear();
            }
        }
        let at = quiet_at.entry((subscriber(address), call)).or_insert(now_us);
        let next_us = (*at).max(now_us) + step_us;
        let over_us = next_us - now_us - window_us;
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
        let goes =
            |now_us| matches!(limits.pace(address, VisitorCall::Other, (200, 30), now_us), Pace::Go { .. });
        assert_eq!((0..250).filter(|_| goes(0)).count(), 200);
        assert!(!goes(149_999));
        assert!(goes(150_000) && !goes(150_000));
        assert_eq!((0..250).filter(|_| goes(60_000_000)).count(), 200);
        assert!(matches!(
            limits.pace("192.0.2.2".parse().expect("an address"), VisitorCall::Other, (200, 30), 0),
            Pace::Go { remaining: 199, .. }
        ));
        let creates = |now_us| {
            let pace = limits.pace(address, VisitorCall::CreatesRecord, (10, 60), now_us);
            matches!(pace, Pace::Go { .. })
        };
        assert_eq!((0..20).filter(|_| creates(60_000_000)).count(), 10, "each sort has its own");
        assert!(creates(66_000_000) && !creates(66_000_000));
    }
}
