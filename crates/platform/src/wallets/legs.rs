//! How money gets from one account to another, across liability holders.
//!
//! Wallet money is a liability of the central bank (holder 1), or of the institution that keeps the
//! wallet. The ledger moves money only between accounts of one holder, so a movement across holders
//! is a group of legs: the payer's institution takes its own liability back, the two institutions
//! settle in central-bank money, and the payee's institution issues its own. Whoever is on the
//! central-bank side moves central-bank money directly.
//!
//! | payer → payee | legs |
//! |---|---|
//! | same holder | payer → payee |
//! | own liability of A → own liability of B | payer → issuance A, vault A → vault B, issuance B → payee |
//! | own liability of A → central bank | payer → issuance A, vault A → payee |
//! | central bank → own liability of B | payer → vault B, issuance B → payee |
//!
//! The first leg has the transfer's id and kind, debits the payer and charges the meters. The last
//! one credits the payee under the same kind; one between two vaults is a [`Kind::Settlement`].

use jialing_ledger::{Leg, LegOp, MAX_METERS, Nanos};

use crate::id::InstitutionId;
use crate::kind::Kind;

/// The liability holder that stands for the central bank.
pub const CENTRAL_BANK: u32 = 1;

/// An account of the ledger with what a movement needs to know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountRef {
    /// The account's number; for a wallet also its class meter.
    pub number: u128,
    /// Whose liability its money is.
    pub holder: u32,
    /// The institution that keeps it.
    pub institution: InstitutionId,
}

/// What a movement is.
#[derive(Clone, Copy, Debug)]
pub struct Movement<'a> {
    /// The number of the thing paid for. Its four lowest bits are zero; further legs use them.
    pub id: u128,
    /// What it is.
    pub kind: Kind,
    /// Minor units.
    pub amount: u64,
    /// Digest of the evidence, zeros where there is none.
    pub digest: [u8; 24],
    /// Meters that the first leg charges, at most [`MAX_METERS`].
    pub meters: &'a [u128],
}

/// The account an institution's central-bank money is in.
#[must_use]
pub const fn vault(institution: InstitutionId) -> u128 {
    institution.part(1)
}

/// The account that an institution's own liability comes from and ends in.
#[must_use]
pub const fn issuance(institution: InstitutionId) -> u128 {
    institution.part(2)
}

impl AccountRef {
    /// The vault of an institution.
    #[must_use]
    pub const fn vault(institution: InstitutionId) -> Self {
        Self { number: vault(institution), holder: CENTRAL_BANK, institution }
    }

    /// Where the institution `bank` takes wallet money from that goes to `wallet`, and puts what
    /// comes from it: its own issuance if the wallet is its own liability, its vault otherwise.
    #[must_use]
    pub fn of_bank(bank: InstitutionId, wallet: &Self) -> Self {
        if wallet.institution == bank && wallet.holder != CENTRAL_BANK {
            Self { number: issuance(bank), holder: wallet.holder, institution: bank }
        } else {
            Self::vault(bank)
        }
    }

    const fn vault_number(&self) -> u128 {
        vault(self.institution)
    }

    const fn issuance_number(&self) -> u128 {
        issuance(self.institution)
    }
}

/// The pairs of accounts that `amount` passes, in order, with the kind of each.
fn path(payer: &AccountRef, payee: &AccountRef, kind: Kind) -> Vec<(u128, u128, Kind)> {
    if payer.holder == payee.holder {
        return vec![(payer.number, payee.number, kind)];
    }
    let from = (payer.holder != CENTRAL_BANK).then_some((payer.number, payer.issuance_number(), kind));
    let to = (payee.holder != CENTRAL_BANK).then_some((payee.issuance_number(), payee.number, kind));
    let between = match (from.is_some(), to.is_some()) {
        (true, true) => (payer.vault_number(), payee.vault_number(), Kind::Settlement),
        (true, false) => (payer.vault_number(), payee.number, kind),
        (false, _) => (payer.number, payee.vault_number(), kind),
    };
    from.into_iter().chain([between]).chain(to).collect()
}

/// The legs that move the amount now.
///
/// # Panics
/// If more than [`MAX_METERS`] meters are named: callers know theirs.
#[must_use]
pub fn legs(payer: &AccountRef, payee: &AccountRef, movement: &Movement<'_>) -> Vec<Leg> {
    build(payer, payee, movement, |debit, credit| LegOp::Plain { debit, credit, amount: movement.amount })
}

/// The legs that set the amount aside until [`posts`], [`voids`] or `expires` (0 for never).
///
/// # Panics
/// As [`legs`].
#[must_use]
pub fn holds(payer: &AccountRef, payee: &AccountRef, movement: &Movement<'_>, expires: Nanos) -> Vec<Leg> {
    build(payer, payee, movement, |debit, credit| LegOp::Hold {
        debit,
        credit,
        amount: movement.amount,
        expires,
    })
}

fn build(
    payer: &AccountRef,
    payee: &AccountRef,
    movement: &Movement<'_>,
    op: impl Fn(u128, u128) -> LegOp,
) -> Vec<Leg> {
    assert!(movement.meters.len() <= MAX_METERS, "a leg charges at most {MAX_METERS} meters");
    let mut meters = [0; MAX_METERS];
    meters[..movement.meters.len()].copy_from_slice(movement.meters);
    path(payer, payee, movement.kind)
        .into_iter()
        .zip(0u128..)
        .map(|((debit, credit, kind), n)| Leg {
            id: movement.id | n,
            op: op(debit, credit),
            kind: kind as u16,
            digest: movement.digest,
            meters: if n == 0 { meters } else { [0; MAX_METERS] },
        })
        .collect()
}

/// Where the ids of posts begin among a thing's sixteen numbers.
const POSTS: u128 = 4;
/// Where the ids of voids begin.
const VOIDS: u128 = 8;

/// The legs that move what [`holds`] with the same arguments has set aside.
#[must_use]
pub fn posts(payer: &AccountRef, payee: &AccountRef, movement: &Movement<'_>) -> Vec<Leg> {
    close(payer, payee, movement, POSTS, |hold| LegOp::Post { hold, amount: 0 })
}

/// The legs that release what [`holds`] with the same arguments has set aside.
#[must_use]
pub fn voids(payer: &AccountRef, payee: &AccountRef, movement: &Movement<'_>) -> Vec<Leg> {
    close(payer, payee, movement, VOIDS, |hold| LegOp::Void { hold })
}

fn close(
    payer: &AccountRef,
    payee: &AccountRef,
    movement: &Movement<'_>,
    first: u128,
    op: impl Fn(u128) -> LegOp,
) -> Vec<Leg> {
    path(payer, payee, movement.kind)
        .into_iter()
        .zip(0u128..)
        .map(|((_, _, kind), n)| Leg {
            id: movement.id | (first + n),
            op: op(movement.id | n),
            kind: kind as u16,
            digest: [0; 24],
            meters: [0; MAX_METERS],
        })
        .collect()
}

/// The thing that the transfer `id` belongs to: the number without a leg's part.
#[must_use]
pub const fn thing(id: u128) -> u128 {
    id & !0xf
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: InstitutionId = InstitutionId::from_number(0xa0);
    const B: InstitutionId = InstitutionId::from_number(0xb0);

    fn wallet(number: u128, holder: u32, institution: InstitutionId) -> AccountRef {
        AccountRef { number, holder, institution }
    }

    fn movement(meters: &[u128]) -> Movement<'_> {
        Movement { id: 0x70, kind: Kind::Payment, amount: 1250, digest: [7; 24], meters }
    }

    /// Debit, credit, id and kind of each leg.
    type Row = (u128, u128, u128, Kind);

    fn check(payer: AccountRef, payee: AccountRef, expect: &[Row]) {
        let legs = legs(&payer, &payee, &movement(&[payer.number]));
        let rows: Vec<Row> = legs
            .iter()
            .map(|leg| match leg.op {
                LegOp::Plain { debit, credit, amount: 1250 } => {
                    (debit, credit, leg.id, Kind::from_number(leg.kind).expect("a kind of ours"))
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(rows, expect);
        assert_eq!(legs[0].meters, [payer.number, 0, 0, 0]);
        assert!(legs[1..].iter().all(|leg| leg.meters == [0; MAX_METERS]));
        assert!(legs.iter().all(|leg| leg.digest == [7; 24]));
    }

    #[test]
    fn money_takes_the_shortest_way_between_liability_holders() {
        let (central_a, central_b) = (wallet(0x100, 1, A), wallet(0x200, 1, B));
        let (deposit_a, deposit_b) = (wallet(0x300, 2, A), wallet(0x400, 3, B));
        check(central_a, central_b, &[(0x100, 0x200, 0x70, Kind::Payment)]);
        check(
            deposit_a,
            central_b,
            &[(0x300, issuance(A), 0x70, Kind::Payment), (vault(A), 0x200, 0x71, Kind::Payment)],
        );
        check(
            central_a,
            deposit_b,
            &[(0x100, vault(B), 0x70, Kind::Payment), (issuance(B), 0x400, 0x71, Kind::Payment)],
        );
        check(
            deposit_a,
            deposit_b,
            &[
                (0x300, issuance(A), 0x70, Kind::Payment),
                (vault(A), vault(B), 0x71, Kind::Settlement),
                (issuance(B), 0x400, 0x72, Kind::Payment),
            ],
        );
    }

    #[test]
    fn two_wallets_of_one_institution_need_one_leg_in_either_model() {
        check(wallet(0x300, 2, A), wallet(0x310, 2, A), &[(0x300, 0x310, 0x70, Kind::Payment)]);
        check(wallet(0x100, 1, A), wallet(0x110, 1, A), &[(0x100, 0x110, 0x70, Kind::Payment)]);
    }

    #[test]
    fn a_bank_pays_into_its_own_wallets_from_its_issuance_and_into_others_from_its_vault() {
        let (deposit_a, deposit_b, central_b) =
            (wallet(0x300, 2, A), wallet(0x400, 3, B), wallet(0x200, 1, B));
        check(AccountRef::of_bank(A, &deposit_a), deposit_a, &[(issuance(A), 0x300, 0x70, Kind::Payment)]);
        check(AccountRef::of_bank(A, &central_b), central_b, &[(vault(A), 0x200, 0x70, Kind::Payment)]);
        check(AccountRef::of_bank(B, &central_b), central_b, &[(vault(B), 0x200, 0x70, Kind::Payment)]);
        check(
            AccountRef::of_bank(A, &deposit_b),
            deposit_b,
            &[(vault(A), vault(B), 0x70, Kind::Payment), (issuance(B), 0x400, 0x71, Kind::Payment)],
        );
    }

    #[test]
    fn posts_and_voids_name_their_holds_under_numbers_of_their_own() {
        let (payer, payee) = (wallet(0x300, 2, A), wallet(0x400, 3, B));
        let held: Vec<u128> = holds(&payer, &payee, &movement(&[]), 0).iter().map(|leg| leg.id).collect();
        assert_eq!(held, [0x70, 0x71, 0x72]);
        for (closing, first) in
            [(posts(&payer, &payee, &movement(&[])), 0x74), (voids(&payer, &payee, &movement(&[])), 0x78)]
        {
            for ((leg, hold), id) in closing.iter().zip(&held).zip(first..) {
                assert_eq!(leg.id, id);
                assert!(
                    matches!(leg.op, LegOp::Post { hold: named, amount: 0 } | LegOp::Void { hold: named } if named == *hold),
                    "{leg:?}"
                );
                assert_eq!(thing(leg.id), 0x70);
            }
        }
    }
}
