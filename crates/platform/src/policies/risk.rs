//! The limits of code payments by risk class: per payer and natural day, decided by the ledger.
//!
//! What authenticated a payment decides its class. A device's signature with the PIN is class A, whose
//! limit is the wallet's own. A payer's code that is charged without the PIN rests on the device alone:
//! class C. A code that never changes, or a picture of one that does, is class D. Every payer has a
//! meter for C and one for D, opened at the first payment that charges it; the ledger counts them
//! together with the wallet's, so that payments at once cannot pass the limit.

use jialing_engine::SubmitError;
use jialing_ledger::{Command, Policy as Bounds, PolicyVersion};

use super::all;
use crate::id::PersonId;
use crate::{App, Problem, Result};

/// A risk class with a limit of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RiskClass {
    /// Fewer than two factors.
    C,
    /// A static code.
    D,
}

impl RiskClass {
    /// Both.
    pub const ALL: [Self; 2] = [Self::C, Self::D];

    /// The number of its policy in the ledger; wallet classes have the lowest, mandates those from
    /// 1000.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::C => 903,
            Self::D => 904,
        }
    }

    /// The policy that holds its limit.
    #[must_use]
    pub const fn policy_name(self) -> &'static str {
        match self {
            Self::C => "qr_class_c_day",
            Self::D => "qr_class_d_day",
        }
    }

    /// The payer's meter of this class.
    #[must_use]
    pub const fn meter(self, payer: PersonId) -> u128 {
        match self {
            Self::C => payer.part(0xc),
            Self::D => payer.part(0xd),
        }
    }
}

/// Publishes the limits to the ledger, one version for each of the policy's. What is published already
/// is left alone.
///
/// # Errors
/// `internal` if the ledger refuses.
pub(super) async fn publish(app: &App) -> Result<()> {
    let versions = all(app).await?;
    for class in RiskClass::ALL {
        for version in versions.iter().filter(|version| version.name == class.policy_name()) {
            let published = PolicyVersion {
                policy: class.number(),
                version: u32::try_from(version.version).map_err(Problem::internal)?,
                from: u64::try_from(version.from_ms).unwrap_or(0) * 1_000_000,
                bounds: Bounds {
                    day: version.value.map_or(u64::MAX, |value| u64::try_from(value).unwrap_or(0)),
                    ..Bounds::UNBOUNDED
                },
            };
            tell(app, Command::PublishPolicy(published)).await?;
        }
    }
    Ok(())
}

/// The payer's meter of `class`, open.
///
/// # Errors
/// `overloaded`; any fault of the ledger.
pub async fn meter(app: &App, class: RiskClass, payer: PersonId) -> Result<u128> {
    let meter = class.meter(payer);
    open(app, meter, class.number()).await?;
    Ok(meter)
}

/// Opens a meter under a policy, if there is none yet.
///
/// # Errors
/// `overloaded`; any fault of the ledger.
pub(crate) async fn open(app: &App, meter: u128, policy: u32) -> Result<()> {
    match app.engine.meter(meter).await.map_err(Problem::internal)? {
        Some(_) => Ok(()),
        None => tell(app, Command::SetMeter { meter, policy }).await,
    }
}

async fn tell(app: &App, command: Command) -> Result<()> {
    match app.engine.submit(command).await {
        Ok(_) => Ok(()),
        Err(SubmitError::Refused(refusal)) => {
            Err(Problem::internal(format!("the ledger refused a policy or a meter: {refusal}")))
        }
        Err(other) => Err(crate::wallets::stopped(other)),
    }
}
