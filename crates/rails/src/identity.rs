//! The rail to an identity service: does this name belong to this identity number?
//!
//! The service compares three things with a register and answers match or no match, with a number
//! of its own for the check, which is kept as evidence. It never sends data back.

use serde::{Deserialize, Serialize};

use crate::{Answer, BadPeer, Peer, SignedCaller, Why};

/// What is checked. `Debug` shows the reference only: the rest is personal.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Ours: the same reference is checked (and billed) once.
    pub reference: String,
    /// The name as the document has it.
    pub name: String,
    /// The 18-character resident identity number.
    pub id_number: String,
    /// The phone, where the operator's register is to be asked too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

impl std::fmt::Debug for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Claim({})", self.reference)
    }
}

/// What the service says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They belong together.
    Match {
        /// The service's number for the check.
        check_id: String,
    },
    /// They do not.
    NoMatch {
        /// The service's number for the check.
        check_id: String,
        /// What does not fit.
        mismatch: Mismatch,
    },
    /// No verdict: ask again with the same reference.
    Unknown(Why),
}

/// What does not fit the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Mismatch {
    /// The register has no such number.
    NoSuchNumber,
    /// The number belongs to another name.
    Name,
    /// The phone belongs to somebody else.
    Phone,
    /// The document was reported lost or has expired.
    Document,
}

/// An identity service, however it is reached.
pub trait Identity: Send + Sync {
    /// Checks a claim. May be repeated with the same reference.
    fn check<'a>(&'a self, claim: &'a Claim) -> Answer<'a, Verdict>;
}

/// Where claims are sent.
pub const CHECKS: &str = "/rail/v1/checks";

/// The service's answer as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReply {
    /// The claim's reference, echoed.
    pub reference: String,
    /// The service's number for the check.
    pub check_id: String,
    /// Whether everything fits.
    pub matches: bool,
    /// What does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mismatch: Option<Mismatch>,
}

/// An identity service over signed HTTP/JSON.
#[derive(Clone, Debug)]
pub struct HttpIdentity {
    caller: SignedCaller,
}

impl HttpIdentity {
    /// Prepares calls; nothing is sent yet.
    ///
    /// # Errors
    /// [`BadPeer`].
    pub fn new(peer: Peer) -> Result<Self, BadPeer> {
        Ok(Self { caller: SignedCaller::new(peer)? })
    }
}

impl Identity for HttpIdentity {
    fn check<'a>(&'a self, claim: &'a Claim) -> Answer<'a, Verdict> {
        Box::pin(async move {
            let reply: CheckReply = match self.caller.post(CHECKS, claim).await {
                Ok(reply) => reply,
                Err(why) => return Verdict::Unknown(why),
            };
            verdict(&claim.reference, reply)
        })
    }
}

fn verdict(reference: &str, reply: CheckReply) -> Verdict {
    if reply.reference != reference {
        return Verdict::Unknown(Why::Unreadable("an answer about another reference"));
    }
    let check_id = reply.check_id;
    match (reply.matches, reply.mismatch) {
        (true, None) => Verdict::Match { check_id },
        (false, Some(mismatch)) => Verdict::NoMatch { check_id, mismatch },
        _ => Verdict::Unknown(Why::Unreadable("a verdict that contradicts itself")),
    }
}

/// The check character of a resident identity number's first 17 digits, or `None` when they are not
/// 17 digits.
///
/// Source: GB 11643-1999, ISO 7064 MOD 11-2.
pub fn check_character(first_17: &str) -> Option<char> {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHARACTERS: [char; 11] = ['1', '0', 'X', '9', '8', '7', '6', '5', '4', '3', '2'];
    if first_17.len() != 17 || !first_17.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let sum: u32 =
        first_17.bytes().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    Some(CHARACTERS[(sum % 11) as usize])
}

/// Whether `number` has the form of a resident identity number: 17 digits with a real birth date
/// and the right check character (`X` in capital). Says nothing about whose it is.
pub fn is_id_number(number: &str) -> bool {
    let Some((first_17, last)) = number.split_at_checked(17) else {
        return false;
    };
    let born = || {
        let part = |range: std::ops::Range<usize>| first_17[range].parse::<i16>().ok();
        let (year, month, day) = (part(6..10)?, part(10..12)?, part(12..14)?);
        jiff::civil::Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok()
    };
    check_character(first_17).is_some_and(|expect| last.chars().eq([expect])) && born().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_number_has_a_birth_date_and_the_right_check_character() {
        let check = |number, expect| assert_eq!(is_id_number(number), expect, "{number}");
        // The two examples of GB 11643-1999.
        check("11010519491231002X", true);
        check("440524188001010014", true);
        check("11010519491231002x", false);
        check("110105194912310021", false);
        check("110105194913310023", false);
        check("11010519491231002", false);
        check("11010519491231002XX", false);
        check("1101051949123100二X", false);
        check("二二二二二二", false);
        check("", false);
    }

    #[test]
    fn a_verdict_that_contradicts_itself_is_no_verdict() {
        let reply = |matches, mismatch| CheckReply {
            reference: "r".to_owned(),
            check_id: "c".to_owned(),
            matches,
            mismatch,
        };
        let check = |reply, expect: fn(&Verdict) -> bool| assert!(expect(&verdict("r", reply)));
        check(reply(true, None), |v| matches!(v, Verdict::Match { .. }));
        check(reply(false, Some(Mismatch::Name)), |v| matches!(v, Verdict::NoMatch { .. }));
        check(reply(true, Some(Mismatch::Name)), |v| matches!(v, Verdict::Unknown(_)));
        check(reply(false, None), |v| matches!(v, Verdict::Unknown(_)));
        let other = CheckReply { reference: "s".to_owned(), ..reply(true, None) };
        check(other, |v| matches!(v, Verdict::Unknown(_)));
    }
}
