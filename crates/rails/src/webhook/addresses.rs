//! Which addresses a merchant may have us call.
//!
//! A merchant names the address, and our servers stand inside a network: without this rule a name
//! that leads to a private address would make us speak to a neighbour, or to the service that hands
//! out a cloud machine's credentials. Only unicast addresses of the public Internet are called.
//! Addresses that carry an IPv4 address inside (mapped, NAT64, 6to4) are judged by that one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether `address` may be called. `loopback` allows this machine, for a sandbox.
#[must_use]
pub fn may_call(address: IpAddr, loopback: bool) -> bool {
    match address {
        IpAddr::V4(v4) => may_call_v4(v4, loopback),
        IpAddr::V6(v6) => may_call_v6(v6, loopback),
    }
}

fn may_call_v4(address: Ipv4Addr, loopback: bool) -> bool {
    if address.is_loopback() {
        return loopback;
    }
    !REFUSED_V4.iter().any(|&(network, bits)| {
        let mask = u32::MAX << (32 - bits);
        u32::from(address) & mask == u32::from(network) & mask
    })
}

/// The special-purpose networks of the IANA registry: nothing behind them is a merchant's server.
const REFUSED_V4: &[(Ipv4Addr, u32)] = &[
    // This network, and the address that some systems take for themselves.
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // Behind a provider's address translation; one cloud's metadata service is 100.100.100.200.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    // Link-local; most clouds' metadata service is 169.254.169.254.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    // Documentation.
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // Measurements between networks.
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast, reserved, broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

fn may_call_v6(address: Ipv6Addr, loopback: bool) -> bool {
    if address.is_loopback() {
        return loopback;
    }
    if let Some(inner) = inner(address) {
        return may_call_v4(inner, loopback);
    }
    let [first, second, ..] = address.segments();
    let global = first & 0xe000 == 0x2000;
    // 2001::/23 holds Teredo, benchmarks and other protocols; 2001:db8::/32 and 3fff::/20 are
    // documentation.
    let special = (first == 0x2001 && (second < 0x0200 || second == 0x0db8))
        || (first == 0x3fff && second & 0xf000 == 0);
    global && !special
}

/// The IPv4 address that packets to `address` would reach, if it carries one.
fn inner(address: Ipv6Addr) -> Option<Ipv4Addr> {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return Some(mapped);
    }
    let s = address.segments();
    let v4 = |high: u16, low: u16| Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match s {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, expect: bool) {
        let address: IpAddr = address.parse().expect("an address");
        assert_eq!(may_call(address, false), expect, "{address}");
    }

    #[test]
    fn only_public_unicast_addresses_are_called() {
        for public in ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1"] {
            check(public, true);
        }
        for public in ["2606:4700::1111", "2400:3200::1", "2002:101:101::", "64:ff9b::808:808"] {
            check(public, true);
        }
        for refused in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
        ] {
            check(refused, false);
            check(&format!("::ffff:{refused}"), false);
            check(&format!("64:ff9b::{refused}"), false);
        }
        for refused in [
            "::",
            "::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::",
            "2002:a9fe:a9fe::",
            "64:ff9b:1::1",
            "100::1",
            "3fff::1",
            "4000::1",
        ] {
            check(refused, false);
        }
    }

    #[test]
    fn a_sandbox_may_call_its_own_machine_and_no_neighbour() {
        let check = |address: &str, expect: bool| {
            assert_eq!(may_call(address.parse().expect("an address"), true), expect, "{address}");
        };
        check("127.0.0.1", true);
        check("::1", true);
        check("::ffff:127.0.0.1", true);
        check("10.0.0.1", false);
        check("169.254.169.254", false);
        check("fe80::1", false);
    }
}
