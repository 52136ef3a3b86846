//! Whose is a number: what a bank may touch.
//!
//! Bulk accounts, transfers and meters carry their bank's number in their own: a tag in the 16
//! highest bits, the bank's number in the next 32, and 80 bits of the bank's own choosing. So the
//! rule is a comparison, and no bank can take a number that another bank, or an order, will need.
//!
//! | bits | |
//! |---|---|
//! | 127–112 | `0x3F00`: bulk. Ids of orders begin with a time and reach this tag in the year 4165 |
//! | 111–80 | the bank's number, from 1; the ledger's tables keep it |
//! | 79–4 | the bank's choice; counting upwards keeps look-ups near each other |
//! | 3–0 | the leg in its group, as everywhere in the platform: a receipt names a thing by the rest |

use jialing_ledger::{Id, Leg, LegOp};

/// What the 16 highest bits of a bulk number are.
pub const TAG: u16 = 0x3F00;
/// The bits that a bank may choose.
pub const CHOICE_BITS: u32 = 80;

const CHOICE: Id = (1 << CHOICE_BITS) - 1;

/// The first number of bank `institution`: its tag, with no choice made.
#[must_use]
pub const fn base(institution: u32) -> Id {
    (TAG as Id) << 112 | (institution as Id) << CHOICE_BITS
}

/// The bulk account that bank `institution` calls `choice` (its 80 lowest bits).
#[must_use]
pub const fn account(institution: u32, choice: u128) -> Id {
    base(institution) | choice & CHOICE
}

/// Leg `leg` (its 4 lowest bits) of the bulk transfer that bank `institution` calls `choice` (its 76
/// lowest bits).
#[must_use]
pub const fn transfer(institution: u32, choice: u128, leg: u8) -> Id {
    base(institution) | choice << 4 & CHOICE | (leg & 0xf) as Id
}

/// The bank whose number `id` carries; `None` when it is no bulk number.
#[must_use]
pub const fn whose(id: Id) -> Option<u32> {
    if (id >> 112) as u16 == TAG { Some((id >> CHOICE_BITS) as u32) } else { None }
}

/// What one connection may touch, settled when it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// The bank's number.
    pub institution: u32,
    /// The liability holder of accounts it opens.
    pub holder: u32,
    /// Its vault at the central bank, 0 for none.
    pub vault: Id,
    /// Its own issuance account, 0 for none.
    pub issuance: Id,
    /// Accounts that it may not credit: the issuance accounts of others. What goes there is redeemed,
    /// and that is not this bank's to decide.
    pub closed_to_credits: Vec<Id>,
    /// The kind that its transfers have in the platform's registry.
    pub kind: u16,
}

/// Why a group was refused before the ledger was asked. The number is part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u16)]
pub enum NotAllowed {
    /// The transfer's id is not one of the bank's own.
    IdNotOwn = 1001,
    /// The debited account is neither one of the bank's own nor its vault or issuance account.
    DebitNotOwn = 1002,
    /// The credited account is another's issuance account.
    CreditNotAllowed = 1003,
    /// The hold or transfer acted upon is not one of the bank's own.
    TargetNotOwn = 1004,
    /// A meter is not one of the bank's own.
    MeterNotOwn = 1005,
    /// The leg's kind is not the one for bulk work.
    KindNotBulk = 1006,
    /// The account or meter to open does not carry the bank's number.
    AccountNotOwn = 1007,
    /// Only organisation and transit accounts can be opened.
    AccountKindNotAllowed = 1008,
}

impl NotAllowed {
    /// Every reason, in order of number.
    pub const ALL: [Self; 8] = [
        Self::IdNotOwn,
        Self::DebitNotOwn,
        Self::CreditNotAllowed,
        Self::TargetNotOwn,
        Self::MeterNotOwn,
        Self::KindNotBulk,
        Self::AccountNotOwn,
        Self::AccountKindNotAllowed,
    ];

    /// The permanent number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }
}

impl Authority {
    /// Whether `id` carries the bank's number.
    #[must_use]
    #[inline]
    pub const fn owns(&self, id: Id) -> bool {
        id >> CHOICE_BITS == base(self.institution) >> CHOICE_BITS
    }

    /// Whether the bank may ask for `leg`. Where several reasons speak against it, the lowest number
    /// is told.
    ///
    /// # Errors
    /// The reason.
    #[inline]
    pub fn check(&self, leg: &Leg) -> Result<(), NotAllowed> {
        match leg.op {
            LegOp::Plain { debit, credit, .. } | LegOp::Hold { debit, credit, .. } => {
                ensure(self.owns(leg.id), NotAllowed::IdNotOwn)?;
                ensure(self.may_debit(debit), NotAllowed::DebitNotOwn)?;
                ensure(
                    self.owns(credit) || !self.closed_to_credits.contains(&credit),
                    NotAllowed::CreditNotAllowed,
                )?;
            }
            LegOp::Post { hold, .. } | LegOp::Void { hold } => {
                ensure(self.owns(leg.id), NotAllowed::IdNotOwn)?;
                ensure(self.owns(hold), NotAllowed::TargetNotOwn)?;
            }
            // Its id follows from the transfer's; the ledger refuses any other.
            LegOp::Reverse { transfer } => ensure(self.owns(transfer), NotAllowed::TargetNotOwn)?,
        }
        ensure(leg.meters.iter().all(|&meter| meter == 0 || self.owns(meter)), NotAllowed::MeterNotOwn)?;
        ensure(leg.kind == self.kind, NotAllowed::KindNotBulk)
    }

    fn may_debit(&self, account: Id) -> bool {
        self.owns(account) || account != 0 && (account == self.vault || account == self.issuance)
    }
}

#[inline]
fn ensure(holds: bool, otherwise: NotAllowed) -> Result<(), NotAllowed> {
    if holds { Ok(()) } else { Err(otherwise) }
}

#[cfg(test)]
mod tests {
    use jialing_ledger::{is_transfer_id, reversal_id};

    use super::*;

    const VAULT: Id = 0x019a << 112 | 1;
    const ISSUANCE: Id = 0x019a << 112 | 2;
    const ANOTHERS_ISSUANCE: Id = 0x019b << 112 | 2;
    const WALLET: Id = 0x019c << 112;

    fn authority() -> Authority {
        Authority {
            institution: 7,
            holder: 3,
            vault: VAULT,
            issuance: ISSUANCE,
            closed_to_credits: vec![ANOTHERS_ISSUANCE],
            kind: 11,
        }
    }

    fn plain(debit: Id, credit: Id) -> LegOp {
        LegOp::Plain { debit, credit, amount: 5 }
    }

    fn leg(id: Id, op: LegOp) -> Leg {
        Leg { id, op, kind: 11, digest: [0; 24], meters: [0; 4] }
    }

    #[test]
    fn a_number_says_whose_it_is() {
        assert_eq!(whose(account(7, 1)), Some(7));
        assert_eq!(whose(transfer(u32::MAX, u128::MAX, 0)), Some(u32::MAX));
        assert_eq!(whose(WALLET), None);
        assert_eq!(transfer(7, 1 << 76 | 5, 16 | 3), base(7) | 0x53, "nor does a leg reach the choice");
        assert_eq!(account(7, 1 << 80 | 5), account(7, 5), "a choice never reaches the bank's number");
        assert!(is_transfer_id(transfer(u32::MAX, u128::MAX, 0)) && is_transfer_id(transfer(0, 0, 0)));
        assert!(!authority().owns(account(8, 1)) && !authority().owns(reversal_id(account(7, 1))));
    }

    #[test]
    fn a_bank_moves_what_is_its_own_and_nothing_else() {
        use NotAllowed::{CreditNotAllowed, DebitNotOwn, IdNotOwn, TargetNotOwn};
        let (own, other) = (account(7, 1), account(8, 1));
        let check = |id: Id, op: LegOp, expect: Result<(), NotAllowed>| {
            assert_eq!(authority().check(&leg(id, op)), expect, "{op:?}");
        };
        let id = transfer(7, 9, 0);
        check(id, plain(own, account(7, 2)), Ok(()));
        check(id, plain(own, WALLET), Ok(()));
        check(id, plain(own, other), Ok(()));
        check(id, plain(VAULT, own), Ok(()));
        check(id, plain(ISSUANCE, own), Ok(()));
        check(id, plain(own, ISSUANCE), Ok(()));
        check(id, plain(other, own), Err(DebitNotOwn));
        check(id, plain(WALLET, own), Err(DebitNotOwn));
        check(id, plain(0, own), Err(DebitNotOwn));
        check(id, plain(own, ANOTHERS_ISSUANCE), Err(CreditNotAllowed));
        check(transfer(8, 9, 0), plain(own, WALLET), Err(IdNotOwn));
        check(WALLET, plain(own, WALLET), Err(IdNotOwn));
        check(id, LegOp::Hold { debit: other, credit: own, amount: 1, expires: 0 }, Err(DebitNotOwn));
        check(id, LegOp::Post { hold: transfer(7, 1, 0), amount: 0 }, Ok(()));
        check(id, LegOp::Post { hold: transfer(8, 1, 0), amount: 0 }, Err(TargetNotOwn));
        check(id, LegOp::Void { hold: WALLET }, Err(TargetNotOwn));
        check(transfer(8, 2, 0), LegOp::Void { hold: transfer(7, 1, 0) }, Err(IdNotOwn));
        check(reversal_id(transfer(7, 1, 0)), LegOp::Reverse { transfer: transfer(7, 1, 0) }, Ok(()));
        check(reversal_id(WALLET), LegOp::Reverse { transfer: WALLET }, Err(TargetNotOwn));
    }

    #[test]
    fn meters_and_kind_are_the_banks_too() {
        let mut metered = leg(transfer(7, 9, 0), plain(account(7, 1), WALLET));
        metered.meters = [account(7, 5), 0, account(7, 6), 0];
        assert_eq!(authority().check(&metered), Ok(()));
        metered.meters[3] = WALLET;
        assert_eq!(authority().check(&metered), Err(NotAllowed::MeterNotOwn));
        let payment = Leg { kind: 5, ..leg(transfer(7, 9, 0), plain(account(7, 1), WALLET)) };
        assert_eq!(authority().check(&payment), Err(NotAllowed::KindNotBulk));
    }
}
