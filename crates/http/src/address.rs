//! Where a request came from.

use crate::Http;
use crate::serve::PeerAddress;
use axum::extract::Request;
use std::net::{IpAddr, Ipv4Addr};

/// The client's address: the peer's, or, if the peer is a proxy that the operator trusts, the
/// last address in `X-Forwarded-For` that no trusted proxy wrote. Anything before it could have
/// been written by the client itself.
pub(crate) fn client_address(http: &Http, request: &Request) -> IpAddr {
    let peer = request.extensions().get::<PeerAddress>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip().to_canonical());
    let trusted = |address: &IpAddr| http.settings().trusted_proxies.iter().any(|net| net.contains(address));
    if http.settings().trusted_proxies.is_empty() || !trusted(&peer) {
        return peer;
    }
    let headers = request.headers().get_all("x-forwarded-for");
    let listed = headers.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let mut addresses: Vec<IpAddr> = listed.filter_map(|part| part.trim().parse().ok()).collect();
    addresses.reverse();
    let client = addresses.iter().map(IpAddr::to_canonical).find(|address| !trusted(address));
    client.unwrap_or(peer)
}
