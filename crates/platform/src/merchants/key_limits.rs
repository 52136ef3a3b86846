//! What a signing key may do, and from where.
//!
//! A key without limits may do everything, from anywhere. One with scopes may do what they say and
//! nothing else, also nothing that is added to the API later; `orders:write` includes `orders:read`.

use std::net::IpAddr;

use crate::{Code, Problem, Result};

/// Networks that a key may be limited to.
const MAX_NETWORKS: usize = 20;

crate::stored! {
    /// A part of the merchant's API.
    pub enum Area {
        /// Orders and cashier pages.
        Orders = "orders",
        /// Refunds.
        Refunds = "refunds",
        /// Mandates and charges to them.
        Mandates = "mandates",
        /// Split settlement.
        Splits = "splits",
        /// Payouts and batches.
        Payouts = "payouts",
        /// Settlement to the bank.
        Settlements = "settlements",
        /// Histories, balances, statements, exports and reconciliation.
        Statements = "statements",
        /// Webhooks and sealing keys.
        Webhooks = "webhooks",
        /// Events.
        Events = "events",
        /// Receipts.
        Receipts = "receipts",
    }
}

/// A part of the API, and whether to change it or to read it only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The part.
    pub area: Area,
    /// To change it, which includes reading.
    pub write: bool,
}

impl Scope {
    /// Whether a key with this scope may do what `needed` says.
    #[must_use]
    pub fn covers(self, needed: Self) -> bool {
        self.area == needed.area && (self.write || !needed.write)
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.area, if self.write { "write" } else { "read" })
    }
}

impl std::str::FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (area, verb) = text.split_once(':').ok_or("a scope is written area:read or area:write")?;
        let write = match verb {
            "read" => false,
            "write" => true,
            _ => return Err("a scope ends with :read or :write".into()),
        };
        Ok(Self { area: area.parse()?, write })
    }
}

/// A network: an address with the number of its leading bits that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether `address` lies in it. An IPv4 address inside IPv6 counts as IPv4.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                u32::from(own) & mask == u32::from(other) & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                u128::from(own) & mask == u128::from(other) & mask
            }
            _ => false,
        }
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl std::str::FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, bits)| (a, Some(bits)));
        let bad = || format!("{text:?} is no address and no network such as 203.0.113.0/24");
        let address: IpAddr = address.parse().map_err(|_| bad())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.parse().map_err(|_| bad()))?;
        if bits > most {
            return Err(bad());
        }
        Ok(Self { address, bits })
    }
}

/// The limits of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyLimits {
    /// What it may do; everything where there is none.
    pub scopes: Option<Vec<Scope>>,
    /// Where it may be used from; anywhere where there is none.
    pub addresses: Option<Vec<Network>>,
}

impl KeyLimits {
    /// From what the owner asks.
    ///
    /// # Errors
    /// `invalid_request`, naming the field.
    pub(super) fn new(scopes: Option<&[String]>, addresses: Option<&[String]>) -> Result<Self> {
        Ok(Self { scopes: all("scopes", scopes)?, addresses: all("addresses", addresses)? })
    }

    /// From the columns.
    pub(super) fn read(scopes: Option<&str>, addresses: Option<&str>) -> Result<Self> {
        let split = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let (scopes, addresses) = (scopes.map(split), addresses.map(split));
        Self::new(scopes.as_deref(), addresses.as_deref()).map_err(Problem::internal)
    }

    /// Whether the key may do this: `None` is what no scope covers.
    #[must_use]
    pub fn allow(&self, needed: Option<Scope>) -> bool {
        let Some(scopes) = &self.scopes else { return true };
        needed.is_some_and(|needed| scopes.iter().any(|scope| scope.covers(needed)))
    }

    /// Whether the key may be used from here.
    #[must_use]
    pub fn allow_from(&self, address: IpAddr) -> bool {
        self.addresses.as_ref().is_none_or(|all| all.iter().any(|network| network.holds(address)))
    }
}

/// The texts as they are stored and shown.
pub(super) fn texts<T: ToString>(all: Option<&Vec<T>>) -> Option<Vec<String>> {
    all.map(|all| all.iter().map(ToString::to_string).collect())
}

fn all<T>(field: &'static str, texts: Option<&[String]>) -> Result<Option<Vec<T>>>
where
    T: std::str::FromStr<Err = String> + PartialEq,
{
    let Some(texts) = texts else { return Ok(None) };
    let refused = |detail: String| Problem::new(Code::InvalidRequest).field(field).detail(detail);
    if texts.is_empty() || texts.len() > MAX_NETWORKS {
        return Err(refused(format!(
            "`{field}` has 1 to {MAX_NETWORKS} entries; leave it out for no limit."
        )));
    }
    texts
        .iter()
        .map(|text| text.parse().map_err(|why| refused(format!("It is refused: {why}."))))
        .collect::<Result<Vec<T>>>()
        .map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_covers_its_area_and_writing_includes_reading() {
        let limits = |scopes: &[&str]| {
            let scopes: Vec<String> = scopes.iter().map(|text| (*text).to_owned()).collect();
            KeyLimits::new(Some(&scopes), None).expect("scopes")
        };
        let check = |has: &[&str], needed: Option<&str>, expect: bool| {
            let needed = needed.map(|text| text.parse().expect("a scope"));
            assert_eq!(limits(has).allow(needed), expect, "{has:?} {needed:?}");
        };
        check(&["orders:read"], Some("orders:read"), true);
        check(&["orders:read"], Some("orders:write"), false);
        check(&["orders:write"], Some("orders:read"), true);
        check(&["orders:write"], Some("refunds:read"), false);
        check(&["orders:write", "refunds:read"], Some("refunds:read"), true);
        check(&["orders:write"], None, false);
        assert!(KeyLimits::default().allow(None));
        for bad in ["orders", "orders:", "orders:delete", "money:read", ""] {
            assert!(KeyLimits::new(Some(&[bad.to_owned()]), None).is_err(), "{bad}");
        }
        assert!(KeyLimits::new(Some(&[]), None).is_err());
    }

    #[test]
    fn a_network_holds_its_addresses() {
        let check = |network: &str, address: &str, expect: bool| {
            let network: Network = network.parse().expect("a network");
            assert_eq!(network.holds(address.parse().expect("an address")), expect, "{network} {address}");
        };
        check("203.0.113.7", "203.0.113.7", true);
        check("203.0.113.7", "203.0.113.8", false);
        check("203.0.113.0/24", "203.0.113.255", true);
        check("203.0.113.0/24", "203.0.114.0", false);
        check("203.0.113.0/24", "::ffff:203.0.113.9", true);
        check("0.0.0.0/0", "8.8.8.8", true);
        check("0.0.0.0/0", "2001:db8::1", false);
        check("2001:db8::/32", "2001:db8:ffff::1", true);
        check("::/0", "2001:db8::1", true);
        for bad in ["203.0.113.0/33", "2001:db8::/129", "x", "1.2.3.4/", "1.2.3.4/-1"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }
}
