//! Where a request came from, for limits per address.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use crate::App;

/// The network address that a request came from.
///
/// It is personal data: it is stored only as a keyed hash and never printed. Of an IPv6 address
/// only the first 64 bits count, because one household owns all the rest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Origin(IpAddr);

impl Origin {
    /// The origin at `address`.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                if v6.is_loopback() {
                    return Self(address);
                }
                Self(IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)))
            }
            v4 => Self(v4),
        }
    }

    /// The bucket that counts `what` for this address; `None` where addresses are not counted:
    /// a sandbox runs a whole city from one machine.
    pub(crate) fn bucket(self, app: &App, what: &str) -> Option<String> {
        let exempt = app.settings.sandbox && self.0.is_loopback();
        (!exempt).then(|| format!("{what}/address/{}", app.blind.of("address", &self.0.to_string())))
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Origin")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_household_is_one_address() {
        let check = |a: &str, b: &str, same: bool| {
            let of = |text: &str| Origin::of(text.parse().expect("an address"));
            assert_eq!(of(a) == of(b), same, "{a} {b}");
        };
        check("203.0.113.7", "203.0.113.7", true);
        check("203.0.113.7", "203.0.113.8", false);
        check("203.0.113.7", "::ffff:203.0.113.7", true);
        check("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true);
        check("2001:db8:1:2::1", "2001:db8:1:3::1", false);
        assert_eq!(format!("{:?}", Origin::of("203.0.113.7".parse().expect("an address"))), "Origin");
    }
}
