//! What camt.053 and camt.054 share: entries.

use jiff::Timestamp;

use super::part::{CodeOr, Original, Reason, money, read_money};
use super::xml::Node;
use super::{Amount, BadMessage, Uetr};

/// A part of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its number, from 1.
    pub number: u32,
    /// Whether it is the last.
    pub last: bool,
}

/// What kind of booking: domain, family and sub-family of the external code sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BankCode {
    /// `PMNT`, `RCDT`, `DMCT`.
    Domain {
        /// Such as `PMNT`.
        domain: String,
        /// Such as `RCDT`, received, or `ICDT`, issued credit transfers.
        family: String,
        /// Such as `DMCT`, domestic, or `RRTN`, the return of a payment.
        sub_family: String,
    },
    /// The bank's own.
    Proprietary(String),
}

/// An entry on an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name in the report: here its line.
    pub reference: Option<String>,
    /// How much.
    pub amount: Amount,
    /// Whether the account gained.
    pub credit: bool,
    /// Whether it takes back an entry of the other direction.
    pub reversal: bool,
    /// `BOOK` once it is booked, `PDNG` before.
    pub status: CodeOr,
    /// When it was booked.
    pub booked: Option<Timestamp>,
    /// The bank's name for it.
    pub servicer_reference: Option<String>,
    /// What kind of booking.
    pub code: BankCode,
    /// The payments in it.
    pub bookings: Vec<Booking>,
}

/// One payment in an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Booking {
    /// Which payment.
    pub original: Original,
    /// The bank's name for it.
    pub servicer_reference: Option<String>,
    /// Why it came back.
    pub return_reason: Option<Reason>,
}

impl Page {
    pub(super) fn node(self, name: &'static str) -> Node {
        Node::named(name).leaf("PgNb", self.number).leaf("LastPgInd", self.last)
    }

    pub(super) fn read(node: &Node) -> Result<Self, BadMessage> {
        let number = node.need_text("PgNb")?.parse();
        let number = number.map_err(|_| BadMessage::structure("is no page").below("PgNb"))?;
        let last = node.truth("LastPgInd").ok_or(BadMessage::structure("is missing").below("LastPgInd"))?;
        Ok(Self { number, last })
    }
}

impl BankCode {
    fn node(&self) -> Node {
        Node::named("BkTxCd").add(match self {
            Self::Domain { domain, family, sub_family } => Node::named("Domn")
                .leaf("Cd", domain)
                .add(Node::named("Fmly").leaf("Cd", family).leaf("SubFmlyCd", sub_family)),
            Self::Proprietary(code) => Node::named("Prtry").leaf("Cd", code),
        })
    }

    fn read(node: &Node) -> Result<Self, BadMessage> {
        match (node.child("Domn"), node.child("Prtry")) {
            (Some(domain), _) => {
                let family = domain.need("Fmly")?;
                Ok(Self::Domain {
                    domain: domain.need_text("Cd")?,
                    family: family.need_text("Cd")?,
                    sub_family: family.need_text("SubFmlyCd")?,
                })
            }
            (None, Some(own)) => Ok(Self::Proprietary(own.need_text("Cd")?)),
            (None, None) => Err(BadMessage::structure("says no kind of booking").below("BkTxCd")),
        }
    }
}

impl Entry {
    /// Whether it is booked, and not merely foreseen.
    #[must_use]
    pub fn is_booked(&self) -> bool {
        self.status == CodeOr::Code("BOOK".to_owned())
    }

    pub(super) fn node(&self) -> Result<Node, BadMessage> {
        let details = Node::named("NtryDtls").add_all(self.bookings.iter().map(Booking::node));
        Ok(Node::named("Ntry")
            .maybe("NtryRef", self.reference.as_ref())
            .add(money("Amt", &self.amount)?)
            .leaf("CdtDbtInd", if self.credit { "CRDT" } else { "DBIT" })
            .maybe("RvslInd", self.reversal.then_some(true))
            .add(self.status.node("Sts"))
            .add_some(self.booked.map(|at| Node::named("BookgDt").leaf("DtTm", at)))
            .maybe("AcctSvcrRef", self.servicer_reference.as_ref())
            .add(self.code.node())
            .add(details))
    }

    pub(super) fn read(node: &Node) -> Result<Self, BadMessage> {
        let booked = node.child("BookgDt").map(|booked| booked.time("DtTm")).transpose()?.flatten();
        let payments = node.all("NtryDtls").flat_map(|details| details.all("TxDtls"));
        Ok(Self {
            reference: node.text("NtryRef"),
            amount: read_money(node.need("Amt")?)?,
            credit: node.need_text("CdtDbtInd")? == "CRDT",
            reversal: node.truth("RvslInd").unwrap_or(false),
            status: CodeOr::read(node.need("Sts")?)?,
            booked,
            servicer_reference: node.text("AcctSvcrRef"),
            code: BankCode::read(node.need("BkTxCd")?)?,
            bookings: payments.map(Booking::read).collect::<Result<_, _>>()?,
        })
    }
}

impl Booking {
    fn node(&self) -> Node {
        let Original { instruction, end_to_end, transaction, uetr, .. } = &self.original;
        let references = Node::named("Refs")
            .maybe("AcctSvcrRef", self.servicer_reference.as_ref())
            .maybe("InstrId", instruction.as_ref())
            .maybe("EndToEndId", end_to_end.as_ref())
            .maybe("UETR", uetr.as_ref())
            .maybe("TxId", transaction.as_ref());
        let reason = self.return_reason.as_ref().map(|reason| reason.node("RtrInf"));
        Node::named("TxDtls").add(references).add_some(reason)
    }

    fn read(node: &Node) -> Result<Self, BadMessage> {
        let return_reason = node.child("RtrInf").map(Reason::read).transpose()?;
        let Some(references) = node.child("Refs") else {
            return Ok(Self { return_reason, ..Self::default() });
        };
        Ok(Self {
            original: Original {
                message: None,
                instruction: references.text("InstrId"),
                end_to_end: references.text("EndToEndId"),
                transaction: references.text("TxId"),
                uetr: references.text("UETR").and_then(|uetr| Uetr::parse(&uetr)),
            },
            servicer_reference: references.text("AcctSvcrRef"),
            return_reason,
        })
    }
}
