//! Where a request came from.

use crate::Http;
use crate::serve::PeerAddress;
use axum::extract::Request;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The client's address: the peer's, or, if the peer is a proxy that the operator trusts, the
/// last address in `X-Forwarded-For` that no trusted proxy wrote. Anything before it could have
/// been written by the client itself; so the walk from the right ends at the first entry that is
/// no trusted proxy, and if that entry is no address, at the proxy that passed it on.
pub(crate) fn client_address(http: &Http, request: &Request) -> IpAddr {
    let peer = request.extensions().get::<PeerAddress>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip().to_canonical());
    let proxies = &http.settings().trusted_proxies;
    if proxies.is_empty() {
        return peer;
    }
    let headers = request.headers().get_all("x-forwarded-for").iter();
    let entries: Vec<&str> = headers.flat_map(|value| value.to_str().unwrap_or("?").split(',')).collect();
    behind_proxies(peer, &entries, |address| proxies.iter().any(|net| net.contains(&address)))
}

fn behind_proxies(peer: IpAddr, entries: &[&str], trusted: impl Fn(IpAddr) -> bool) -> IpAddr {
    let mut client = peer;
    for entry in entries.iter().rev() {
        if !trusted(client) {
            break;
        }
        match parse(entry.trim()) {
            Some(address) => client = address,
            None => break,
        }
    }
    client
}

/// An address, with or without a port, as proxies write them.
fn parse(entry: &str) -> Option<IpAddr> {
    let bare = entry.parse::<IpAddr>().ok();
    let with_port = || entry.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    let bracketed = || entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    bare.or_else(with_port).or_else(bracketed).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(entries: &[&str]) -> String {
        let peer = "10.0.0.1".parse().expect("an address");
        let network: ipnet::IpNet = "10.0.0.0/8".parse().expect("a network");
        behind_proxies(peer, entries, |address| network.contains(&address)).to_string()
    }

    #[test]
    fn the_last_entry_that_no_proxy_of_ours_wrote_is_the_client() {
        assert_eq!(client(&[]), "10.0.0.1");
        assert_eq!(client(&["198.51.100.1"]), "198.51.100.1");
        assert_eq!(client(&["203.0.113.7", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(client(&["203.0.113.7", " 198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(client(&["203.0.113.7", "[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(client(&["203.0.113.7", "[2001:db8::1]", "10.1.1.1"]), "2001:db8::1");
        assert_eq!(client(&["203.0.113.7", "::ffff:198.51.100.1"]), "198.51.100.1");
    }

    #[test]
    fn what_is_no_address_never_leads_to_what_the_client_wrote() {
        for odd in ["unknown", "_hidden", "198.51.100.1%eth0", "", "?"] {
            assert_eq!(client(&["203.0.113.7", odd]), "10.0.0.1", "{odd}");
            assert_eq!(client(&["203.0.113.7", odd, "10.2.2.2"]), "10.2.2.2", "{odd}");
        }
    }
}
