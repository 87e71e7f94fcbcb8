//! How many streams one address may have.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::http::HeaderMap;
use dashmap::{DashMap, Entry};

/// Streams per address, of addresses that have any.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    counts: Arc<DashMap<IpAddr, usize>>,
    warned: AtomicBool,
}

/// One stream of an address; dropping it frees the place.
#[derive(Debug)]
pub(crate) struct Place {
    counts: Arc<DashMap<IpAddr, usize>>,
    address: IpAddr,
}

impl Addresses {
    /// The address that a request counts for: the peer's, or what a configured proxy says. A private peer
    /// that is no configured proxy is most likely an unconfigured one, and not counted.
    pub(crate) fn of_request(&self, peer: IpAddr, headers: &HeaderMap, proxies: &[IpAddr]) -> Option<IpAddr> {
        let peer = peer.to_canonical();
        if proxies.contains(&peer) {
            return forwarded(headers, proxies);
        }
        if is_private(peer) {
            if !self.warned.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    %peer,
                    "a request came from a private address: streams per address are not limited for it; \
                     name your proxies in Config::proxies"
                );
            }
            return None;
        }
        Some(peer)
    }

    /// Takes a place, unless `max` are taken.
    pub(crate) fn take(&self, address: IpAddr, max: usize) -> Option<Place> {
        let mut count = self.counts.entry(address).or_insert(0);
        if *count >= max {
            return None;
        }
        *count += 1;
        drop(count);
        Some(Place { counts: self.counts.clone(), address })
    }

    /// Whether no address has a stream.
    #[cfg(test)]
    fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.counts.entry(self.address) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

/// The last address in `X-Forwarded-For` that is no proxy of ours: what stands before it, anybody may have
/// written.
fn forwarded(headers: &HeaderMap, proxies: &[IpAddr]) -> Option<IpAddr> {
    let lines: Vec<_> = headers.get_all("x-forwarded-for").iter().filter_map(|v| v.to_str().ok()).collect();
    let addresses = lines.iter().flat_map(|line| line.split(','));
    addresses
        .rev()
        .map_while(|text| address(text.trim()))
        .map(|address| address.to_canonical())
        .find(|address| !proxies.contains(address))
}

/// An address, with the port that some proxies add or without.
fn address(text: &str) -> Option<IpAddr> {
    text.parse().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip())).ok()
}

const fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().expect("a header value"));
        }
        headers
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn only_what_a_configured_proxy_wrote_is_believed() {
        let addresses = Addresses::default();
        let proxies = [ip("10.0.0.1"), ip("10.0.0.2")];
        let of = |peer: &str, lines: &[&str]| addresses.of_request(ip(peer), &headers(lines), &proxies);
        assert_eq!(of("198.51.100.7", &["203.0.113.1"]), Some(ip("198.51.100.7")), "no proxy of ours");
        assert_eq!(of("10.0.0.1", &["6.6.6.6, 203.0.113.1, 10.0.0.2"]), Some(ip("203.0.113.1")));
        assert_eq!(of("10.0.0.1", &["6.6.6.6", "203.0.113.1"]), Some(ip("203.0.113.1")));
        assert_eq!(of("10.0.0.1", &["6.6.6.6, 203.0.113.1:4711"]), Some(ip("203.0.113.1")));
        assert_eq!(of("10.0.0.1", &["[2001:db8::1]:4711"]), Some(ip("2001:db8::1")));
        assert_eq!(of("10.0.0.1", &["203.0.113.1, nonsense"]), None);
        assert_eq!(of("10.0.0.9", &["203.0.113.1"]), None, "a private peer that is not configured");
        assert_eq!(of("::ffff:198.51.100.7", &[]), Some(ip("198.51.100.7")));
    }

    #[test]
    fn a_place_is_free_again_when_it_is_dropped() {
        let addresses = Addresses::default();
        let address = ip("198.51.100.7");
        let first = addresses.take(address, 1).expect("the first");
        assert!(addresses.take(address, 1).is_none());
        drop(first);
        assert!(addresses.is_empty());
        assert!(addresses.take(address, 1).is_some());
    }
}
