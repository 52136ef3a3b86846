//! Why money may not move. Numbers are permanent; where several apply, the lowest number wins.

use core::fmt;

/// The reason a command was refused. The discriminant is part of the public contract and is also the
/// order of precedence: the kernel reports the lowest that applies to the first leg that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u16)]
pub enum Why {
    /// An id of zero, or one of the largest possible value; or a transfer id with one of the two
    /// highest bits set, which the kernel keeps for the ids it derives (reversals and expiries).
    IdInvalid = 1,
    /// The group has no leg, or more than [`crate::command::MAX_LEGS`].
    LegCount = 2,
    /// The id was used before for something else; [`Refusal::field`] names what differs.
    IdTaken = 3,
    /// The amount is zero, or above [`crate::command::MAX_AMOUNT`].
    AmountInvalid = 4,
    /// Debit and credit are the same account.
    SameAccount = 5,
    /// The debited account does not exist.
    DebitAccountUnknown = 6,
    /// The credited account does not exist.
    CreditAccountUnknown = 7,
    /// The two accounts hold different currencies.
    CurrencyDiffers = 8,
    /// The two accounts are liabilities of different institutions.
    HolderDiffers = 9,
    /// The hold or transfer that this leg acts upon does not exist.
    TargetUnknown = 10,
    /// The hold was already posted, voided or expired.
    HoldClosed = 11,
    /// More would be posted than is held.
    OverHold = 12,
    /// The transfer is not one that can be reversed, or the reversal's id is not
    /// [`crate::reversal_id`] of it.
    NotReversible = 13,
    /// The hold's expiry is not after the present.
    ExpiryInPast = 14,
    /// The debited account is closed.
    DebitAccountClosed = 15,
    /// The credited account is closed.
    CreditAccountClosed = 16,
    /// The debited account is frozen for debits.
    DebitFrozen = 17,
    /// The credited account is frozen for credits.
    CreditFrozen = 18,
    /// The named meter does not exist.
    MeterUnknown = 19,
    /// No version of the meter's policy is in force yet; for a meter being set, none was published.
    PolicyUnknown = 20,
    /// The amount is above the meter's limit for one transfer.
    OverSingleLimit = 21,
    /// The day's amount would exceed the meter's limit.
    OverDayLimit = 22,
    /// The day's count would exceed the meter's limit.
    OverDayCount = 23,
    /// The year's amount would exceed the meter's limit.
    OverYearLimit = 24,
    /// The year's count would exceed the meter's limit.
    OverYearCount = 25,
    /// The debited account's available balance would fall below its minimum.
    BalanceTooLow = 26,
    /// The credited account's balance would rise above its maximum.
    BalanceTooHigh = 27,
    /// A sum would leave 64 bits.
    Overflow = 28,
    /// The account still holds money or has open holds, so it cannot be closed.
    AccountNotEmpty = 29,
    /// Only issuance accounts may have a minimum below zero; or the minimum is above the maximum;
    /// or a new account's limits exclude a balance of zero.
    LimitsInvalid = 30,
    /// The policy's version is zero or not greater than the newest, or starts before it.
    PolicyVersionInvalid = 31,
    /// The account named by a change or closing does not exist.
    AccountUnknown = 32,
    /// The account named by a change is closed.
    AccountClosed = 33,
    /// One leg names the same meter twice.
    MeterRepeated = 34,
    /// A post, void or reversal names meters; only plain legs and holds charge them.
    MetersNotAllowed = 35,
}

impl Why {
    /// Every reason, in order of number.
    pub const ALL: [Self; 35] = [
        Self::IdInvalid,
        Self::LegCount,
        Self::IdTaken,
        Self::AmountInvalid,
        Self::SameAccount,
        Self::DebitAccountUnknown,
        Self::CreditAccountUnknown,
        Self::CurrencyDiffers,
        Self::HolderDiffers,
        Self::TargetUnknown,
        Self::HoldClosed,
        Self::OverHold,
        Self::NotReversible,
        Self::ExpiryInPast,
        Self::DebitAccountClosed,
        Self::CreditAccountClosed,
        Self::DebitFrozen,
        Self::CreditFrozen,
        Self::MeterUnknown,
        Self::PolicyUnknown,
        Self::OverSingleLimit,
        Self::OverDayLimit,
        Self::OverDayCount,
        Self::OverYearLimit,
        Self::OverYearCount,
        Self::BalanceTooLow,
        Self::BalanceTooHigh,
        Self::Overflow,
        Self::AccountNotEmpty,
        Self::LimitsInvalid,
        Self::PolicyVersionInvalid,
        Self::AccountUnknown,
        Self::AccountClosed,
        Self::MeterRepeated,
        Self::MetersNotAllowed,
    ];

    /// The permanent number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }
}

/// A refused command: nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason.
    pub why: Why,
    /// The leg that failed, counted from 0; 0 for commands without legs.
    pub leg: u8,
    /// For [`Why::IdTaken`], the first field that differs from what was done under that id.
    pub field: Option<&'static str>,
}

impl Refusal {
    /// A refusal of leg `leg`.
    #[must_use]
    pub const fn new(why: Why, leg: u8) -> Self {
        Self { why, leg, field: None }
    }

    /// The id of leg `leg` was used for something else; `field` is the first that differs.
    #[must_use]
    pub const fn taken(leg: u8, field: &'static str) -> Self {
        Self { why: Why::IdTaken, leg, field: Some(field) }
    }
}

impl core::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "leg {}: {:?} ({})", self.leg, self.why, self.why as u16)?;
        self.field.map_or(Ok(()), |field| write!(f, ", {field} differs"))
    }
}
