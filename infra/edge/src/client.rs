//! Where a request comes from: the peer of its connection, or what proxies that are trusted say in one header. An address is personal data: it goes
//! into the scope of the request, from there into the audit log, and nowhere else.

use ::http::HeaderMap;
use std::{net::IpAddr, str::FromStr};

/// The other end of the connection that a request came by.
#[derive(Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// The header in which trusted proxies say whom they speak for. One alone is read: a proxy that adds to one passes the other on as the client sent it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AddressHeader {
    /// `X-Forwarded-For`, which the load balancers of AWS add to.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl FromStr for AddressHeader {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name.to_ascii_lowercase().as_str() {
            "x-forwarded-for" => Ok(Self::XForwardedFor),
            "forwarded" => Ok(Self::Forwarded),
            _ => Err("use x-forwarded-for or forwarded".to_owned()),
        }
    }
}

/// Addresses with a common prefix, written `10.0.0.0/8`; or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    fn has(&self, address: IpAddr) -> bool {
        let same = |a: u128, b: u128, bits: u8| bits == 0 || (a ^ b) >> (128 - u32::from(bits)) == 0;
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let wide = |address: std::net::Ipv4Addr| u128::from(address.to_bits()) << 96;
                same(wide(own), wide(other), self.prefix)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => same(own.to_bits(), other.to_bits(), self.prefix),
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no network such as 10.0.0.0/8 and no address");
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.parse().ok().filter(|prefix| *prefix <= most).ok_or_else(wrong)?,
            None => most,
        };
        Ok(Self { address, prefix })
    }
}

/// The proxies whose word on addresses is taken. By default there are none, and the peer of a connection is the client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    /// Where they are.
    pub networks: Vec<Network>,
    /// Where they say it.
    pub header: AddressHeader,
}

impl TrustedProxies {
    fn has(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.has(address))
    }

    /// The address of the client of a request: the last one, from the client's end, that a trusted proxy has seen itself. What stands before it in
    /// the header may be anything that the client made up.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        if !self.has(peer) {
            return client;
        }
        let name = match self.header {
            AddressHeader::XForwardedFor => "x-forwarded-for",
            AddressHeader::Forwarded => "forwarded",
        };
        let lines: Vec<&str> = headers
            .get_all(name)
            .iter()
            .map(|value| value.to_str().unwrap_or("?"))
            .collect();
        for element in lines.iter().rev().flat_map(|line| elements(line).into_iter().rev()) {
            let hop = match self.header {
                AddressHeader::XForwardedFor => address(element),
                AddressHeader::Forwarded => forwarded_for(element),
            };
            // A proxy that hides whom it speaks for is as far as can be seen.
            let Some(hop) = hop else { return client };
            client = hop;
            if !self.has(hop) {
                return client;
            }
        }
        client
    }
}

/// The elements of a list, separated by commas outside of quotes.
fn elements(line: &str) -> Vec<&str> {
    outside_quotes(line, ',')
}

fn outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    let mut escaped = false;
    text.split(|letter| {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => return !quoted && letter == separator,
        }
        false
    })
    .collect()
}

/// The parameter `for` of an element of `Forwarded`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    outside_quotes(element, ';').into_iter().find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let named = name.trim().eq_ignore_ascii_case("for");
        named.then(|| address(value.trim().trim_matches('"')))?
    })
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None if text.matches(':').count() == 1 => text.split_once(':')?.0,
        None => text,
    };
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(header: AddressHeader, peer: &str, lines: &[&str]) -> String {
        let networks = ["10.0.0.0/8", "2001:db8:1::/48"].map(|network| network.parse().unwrap());
        let proxies = TrustedProxies {
            networks: networks.into(),
            header,
        };
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().unwrap());
            headers.append("forwarded", line.parse().unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed_and_only_as_far_as_they_see() {
        let of = |peer, lines: &[&str]| client(AddressHeader::XForwardedFor, peer, lines);
        assert_eq!(
            of("203.0.113.9", &["198.51.100.1"]),
            "203.0.113.9",
            "a stranger made it up"
        );
        assert_eq!(of("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(of("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(of("10.0.0.1", &["1.2.3.4, 198.51.100.1, 10.9.9.9"]), "198.51.100.1");
        assert_eq!(of("10.0.0.1", &["1.2.3.4", "198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(
            of("10.0.0.1", &["10.1.1.1, 10.2.2.2"]),
            "10.1.1.1",
            "who calls is inside"
        );
        assert_eq!(of("10.0.0.1", &["1.2.3.4, unknown"]), "10.0.0.1");
        assert_eq!(of("10.0.0.1", &["1.2.3.4, é, 10.2.2.2"]), "10.0.0.1");
        assert_eq!(of("2001:db8:1::5", &["::ffff:198.51.100.1"]), "198.51.100.1");
        assert_eq!(of("2001:db8:2::5", &["198.51.100.1"]), "2001:db8:2::5");
    }

    #[test]
    fn forwarded_is_read_as_its_rfc_has_it() {
        let of = |lines: &[&str]| client(AddressHeader::Forwarded, "10.0.0.1", lines);
        assert_eq!(of(&["For=\"[2001:db8:cafe::17]:4711\""]), "2001:db8:cafe::17");
        assert_eq!(of(&["for=192.0.2.60;proto=http;by=203.0.113.43"]), "192.0.2.60");
        assert_eq!(of(&["for=192.0.2.43, for=198.51.100.17"]), "198.51.100.17");
        assert_eq!(of(&["for=192.0.2.43, for=_hidden"]), "10.0.0.1");
        assert_eq!(of(&["for=1.2.3.4", "proto=http"]), "10.0.0.1");
        let quoted = "for=198.51.100.17;host=\"a, for=1.2.3.4\"";
        assert_eq!(
            of(&[quoted]),
            "198.51.100.17",
            "quotes hold what looks like another element"
        );
    }

    #[test]
    fn networks_are_read() {
        for wrong in ["10.0.0.0/33", "x", "10.0.0.0/", "::/129", "10.0.0/8"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
        assert!("0.0.0.0/0".parse::<Network>().unwrap().has([9, 9, 9, 9].into()));
        assert!(!"10.0.0.1".parse::<Network>().unwrap().has([10, 0, 0, 2].into()));
    }
}
