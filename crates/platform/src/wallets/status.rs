//! A wallet's status, and what it means in the ledger.

use jialing_ledger::Freeze;

use super::Class;

crate::stored! {
    /// What a wallet may do now.
    #[schema(as = WalletStatus)]
    pub enum Status {
        /// Everything its class allows.
        Active = "ACTIVE",
        /// Under control: the limits of class IV apply, whatever its class.
        Limited = "LIMITED",
        /// Nothing may leave.
        DebitFrozen = "DEBIT_FROZEN",
        /// Nothing may arrive.
        CreditFrozen = "CREDIT_FROZEN",
        /// Nothing may leave or arrive.
        Frozen = "FROZEN",
        /// Reported lost by its holder: nothing may leave; money may still arrive.
        Lost = "LOST",
        /// Closed for good.
        Closed = "CLOSED",
    }
}

crate::stored! {
    /// What the operator has ordered for a wallet: what only the operator sets and lifts.
    pub enum Control {
        /// No control.
        Active = "ACTIVE",
        /// The limits of class IV.
        Limited = "LIMITED",
        /// Nothing may leave.
        DebitFrozen = "DEBIT_FROZEN",
        /// Nothing may arrive.
        CreditFrozen = "CREDIT_FROZEN",
        /// Nothing may leave or arrive.
        Frozen = "FROZEN",
    }
}

/// The facts that decide a wallet's status and its shape in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its class.
    pub class: Class,
    /// What the operator has ordered.
    pub control: Control,
    /// Reported lost by its holder.
    pub lost: bool,
    /// Being emptied.
    pub closing: bool,
    /// Closed.
    pub closed: bool,
}

impl Standing {
    /// The status shown. Closing shows as what the operator or holder has set.
    #[must_use]
    pub const fn status(&self) -> Status {
        match (self.closed, self.lost, self.control) {
            (true, _, _) => Status::Closed,
            (_, _, Control::Frozen) => Status::Frozen,
            (_, true, _) => Status::Lost,
            (_, _, Control::Active) => Status::Active,
            (_, _, Control::Limited) => Status::Limited,
            (_, _, Control::DebitFrozen) => Status::DebitFrozen,
            (_, _, Control::CreditFrozen) => Status::CreditFrozen,
        }
    }

    /// What the ledger refuses. Every restriction counts, whoever set it.
    #[must_use]
    pub const fn freeze(&self) -> Freeze {
        let (debit, credit) = match self.control {
            Control::Active | Control::Limited => (false, false),
            Control::DebitFrozen => (true, false),
            Control::CreditFrozen => (false, true),
            Control::Frozen => (true, true),
        };
        Freeze { debit: debit || self.lost, credit: credit || self.closing || self.closed }
    }

    /// The class whose limits apply.
    #[must_use]
    pub const fn limits_of(&self) -> Class {
        match (self.control, self.class) {
            (Control::Limited, Class::One | Class::Two | Class::Three) => Class::Four,
            (_, class) => class,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Standing =
        Standing { class: Class::Two, control: Control::Active, lost: false, closing: false, closed: false };

    #[test]
    fn every_status_is_reached_and_freezes_what_it_says() {
        let check = |standing: Standing, status: Status, debit: bool, credit: bool| {
            assert_eq!(
                (standing.status(), standing.freeze()),
                (status, Freeze { debit, credit }),
                "{standing:?}"
            );
        };
        let controlled = |control| Standing { control, ..OPEN };
        check(OPEN, Status::Active, false, false);
        check(controlled(Control::Limited), Status::Limited, false, false);
        check(controlled(Control::DebitFrozen), Status::DebitFrozen, true, false);
        check(controlled(Control::CreditFrozen), Status::CreditFrozen, false, true);
        check(controlled(Control::Frozen), Status::Frozen, true, true);
        check(Standing { lost: true, ..OPEN }, Status::Lost, true, false);
        check(Standing { closing: true, ..OPEN }, Status::Active, false, true);
        check(Standing { closed: true, ..OPEN }, Status::Closed, false, true);
    }

    #[test]
    fn a_holder_who_lifts_a_loss_does_not_lift_what_the_operator_froze() {
        let lost_too = Standing { lost: true, ..OPEN };
        let frozen = Standing { control: Control::CreditFrozen, ..lost_too };
        assert_eq!((frozen.status(), frozen.freeze()), (Status::Lost, Freeze { debit: true, credit: true }));
        assert_eq!(Standing { lost: false, ..frozen }.freeze(), Freeze { debit: false, credit: true });
    }

    #[test]
    fn a_wallet_under_control_has_the_limits_of_class_four() {
        let limited = |class| Standing { class, control: Control::Limited, ..OPEN }.limits_of();
        assert_eq!(
            Class::ALL.map(limited),
            [Class::Four, Class::Four, Class::Four, Class::Four, Class::Organisation]
        );
        assert_eq!(OPEN.limits_of(), Class::Two);
    }
}
