//! How many bad keys each address may present.

use guildhall_domain::rate::{SlidingWindow, Verdict};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;

/// Addresses remembered at a time. When more misbehave at once, the idle ones are forgotten, and
/// if none is idle, all.
const ADDRESSES_MAX: usize = 65_536;

#[derive(Default)]
pub(crate) struct Addresses(Mutex<HashMap<IpAddr, SlidingWindow>>);

impl Addresses {
    /// Whether this address has presented as many bad keys as it may.
    pub(super) fn is_full(&self, address: IpAddr, now_us: i64, limit: u32) -> bool {
        let mut windows = self.0.lock();
        let window = windows.get_mut(&subscriber(address));
        window.is_some_and(|window| window.is_full(now_us, limit))
    }

    /// Counts one bad key. False if it was one too many.
    pub(super) fn count(&self, address: IpAddr, now_us: i64, limit: u32) -> bool {
        let mut windows = self.0.lock();
        if windows.len() >= ADDRESSES_MAX {
            windows.retain(|_, window| !window.is_idle(now_us));
            if windows.len() >= ADDRESSES_MAX {
                windows.clear();
            }
        }
        let window = windows.entry(subscriber(address)).or_default();
        matches!(window.admit(now_us, limit), Verdict::Admitted { .. })
    }
}

/// What one subscriber can choose freely is one address: an IPv4 address, or an IPv6 /64.
pub(crate) fn subscriber(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(network.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_subscriber_cannot_escape_by_changing_the_host_part() {
        let addresses = Addresses::default();
        let one: IpAddr = "2001:db8::1".parse().expect("an address");
        let other: IpAddr = "2001:db8::ffff:2".parse().expect("an address");
        assert!(addresses.count(one, 0, 1));
        assert!(addresses.is_full(other, 0, 1));
        assert!(!addresses.count(other, 0, 1));
        assert!(!addresses.is_full("2001:db8:1::1".parse().expect("an address"), 0, 1));
    }

    #[test]
    fn memory_is_bounded() {
        let addresses = Addresses::default();
        for host in 0..(ADDRESSES_MAX as u32 + 10) {
            addresses.count(IpAddr::V4(host.into()), 0, 5);
        }
        assert!(addresses.0.lock().len() <= ADDRESSES_MAX);
    }
}
