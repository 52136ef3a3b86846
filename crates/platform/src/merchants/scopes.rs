//! What a key or a service provider may be let do: parts of the merchant's API, to read or to change.

use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

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
        /// Histories, balances, statements and exports.
        Statements = "statements",
        /// Reconciliations and their cases.
        Reconciliations = "reconciliations",
        /// Webhooks and sealing keys.
        Webhooks = "webhooks",
        /// Events.
        Events = "events",
        /// Receipts.
        Receipts = "receipts",
        /// Figures of the integration, and feedback.
        Monitoring = "monitoring",
    }
}

/// A part of the API, and whether to change it or to read it only: `orders:read`, `orders:write`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope {
    /// The part.
    pub area: Area,
    /// To change it, which includes reading.
    pub write: bool,
}

impl Scope {
    /// Every scope there is, area by area.
    pub fn all() -> impl Iterator<Item = Self> {
        let both = |&area| [false, true].map(|write| Self { area, write });
        Area::ALL.iter().flat_map(both)
    }

    /// Whether who has this scope may do what `needed` says.
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

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

impl TryFrom<String> for Scope {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl PartialSchema for Scope {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(
                "A part of the API, and whether to read it or to change it, which includes reading.",
            ))
            .enum_values(Some(Self::all().map(String::from)))
            .into()
    }
}

impl ToSchema for Scope {}
