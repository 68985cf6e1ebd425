//! `[proxies]`: what stands between clients and the public listeners.

use super::reader::Reader;
use headwater_edge::{Network, TrustedProxies};

/// Reads the section.
pub(super) fn proxies(reader: &mut Reader) -> TrustedProxies {
    let networks = reader.list(
        "proxies.trusted",
        "a list of addresses and networks such as 10.0.0.0/8",
        str::parse::<Network>,
    );
    let header = reader.parsed("proxies.header", "x-forwarded-for or forwarded");
    if header.is_some() && networks.is_none() {
        let what = "proxies.trusted is missing: proxies.header says what is believed, and not of whom";
        reader.refuse("proxies.trusted", what);
    }
    TrustedProxies {
        networks: networks.unwrap_or_default(),
        header: header.unwrap_or_default(),
    }
}
