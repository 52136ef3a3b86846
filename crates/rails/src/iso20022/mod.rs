//! ISO 20022 messages: typed, written and read strictly.
//!
//! A *business message* is a header that says from whom, to whom and what it is, and a document. It
//! is read in three steps, each of which refuses what does not fit: the bytes become a bounded tree
//! (no document types, no entities but the five of XML, limits on size, depth and number), the tree is
//! checked against the published structure (order, how often, codes, lengths, patterns), and what we
//! make use of is taken from it. Writing goes the same way back, so what the definition does not allow
//! cannot leave.
//!
//! Published elements that we make no use of are read past; elements that are not published are
//! refused. Amounts are exact to the minor unit or refused. A time has an offset or is refused.
//!
//! | message | what it is here |
//! |---|---|
//! | [`Initiation`] pain.001.001.12 | order to debit an account: a top-up |
//! | [`CreditTransfers`] pacs.008.001.13 | order to credit an account: a withdrawal |
//! | [`StatusReport`] pacs.002.001.15 | what became of an order |
//! | [`StatusRequest`] pacs.028.001.06 | asks for that |
//! | [`PaymentReturn`] pacs.004.001.14 | a credit that came back |
//! | [`StatementMessage`] camt.053.001.13 | what was booked on a day |
//! | [`Advice`] camt.054.001.13 | what was booked just now |
//! | [`Header`] head.001.001.04 | the business application header |

mod advice;
mod definition;
mod entry;
mod form;
mod header;
mod initiation;
mod part;
mod returned;
mod statement;
mod status;
mod transfer;
mod value;
mod xml;

pub use advice::{Advice, Notification};
pub use entry::{BankCode, Booking, Entry, Page};
pub use header::Header;
pub use initiation::{InitiatedTransfer, Initiation, Payment};
pub use part::{
    Account, AccountId, Agent, Charges, CodeOr, Identified, Ids, Original, Party, PartyId, Proxy, Reason,
    ReferredDocument, Remittance, Settlement, SettlementMethod, Structured,
};
pub use returned::{PaymentReturn, ReturnedTransfer};
pub use statement::{AccountStatement, Balance, StatementMessage, Total};
pub use status::{GroupStatus, StatusQuestion, StatusReport, StatusRequest, TransactionStatus, TxStatus};
pub use transfer::{CreditTransfer, CreditTransfers};
pub use value::{Amount, Lei, Uetr};
pub use xml::{MAX_ATTRIBUTES, MAX_BYTES, MAX_DEPTH, MAX_ELEMENTS, MAX_TEXT};

use definition::Content;
use xml::Node;

/// The content type that business messages travel as.
pub const CONTENT_TYPE: &str = "application/xml; charset=utf-8";

/// What every namespace of ISO 20022 begins with.
const NAMESPACES: &str = "urn:iso:std:iso:20022:tech:xsd:";
/// The envelope's definition.
const ENVELOPE: &str = "nvlp.001.001.01";
/// The header's definition.
const HEADER: &str = "head.001.001.04";

/// pain.001, the order to debit an account.
pub const PAIN_001: &str = "pain.001.001.12";
/// pacs.008, the order to credit an account.
pub const PACS_008: &str = "pacs.008.001.13";
/// pacs.002, what became of an order.
pub const PACS_002: &str = "pacs.002.001.15";
/// pacs.004, a credit that came back.
pub const PACS_004: &str = "pacs.004.001.14";
/// pacs.028, asks what became of an order.
pub const PACS_028: &str = "pacs.028.001.06";
/// camt.053, what was booked on a day.
pub const CAMT_053: &str = "camt.053.001.13";
/// camt.054, what was booked just now.
pub const CAMT_054: &str = "camt.054.001.13";

/// Why a message is not read or not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMessage {
    /// Not XML, or XML of a kind that no message is.
    #[error("not the XML of a message: {0}")]
    Xml(&'static str),
    /// Larger, deeper or more than the limit of this name.
    #[error("beyond the limit {0}")]
    Limit(&'static str),
    /// Another message, or another version of it.
    #[error("{0} is no message that is spoken here")]
    Unspoken(String),
    /// Not what the definition says.
    #[error("{path} {what}")]
    Structure {
        /// The names of the elements down to it, with `/` between them.
        path: String,
        /// What is wrong there.
        what: &'static str,
    },
}

impl BadMessage {
    pub(crate) fn structure(what: &'static str) -> Self {
        Self::Structure { path: String::new(), what }
    }

    /// The same, seen from one element further up.
    pub(crate) fn below(self, name: &str) -> Self {
        match self {
            Self::Structure { path, what } if path.is_empty() => {
                Self::Structure { path: name.to_owned(), what }
            }
            Self::Structure { path, what } => Self::Structure { path: format!("{name}/{path}"), what },
            other => other,
        }
    }
}

/// A document of one of the messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    /// pain.001
    Initiation(Initiation),
    /// pacs.008
    CreditTransfers(CreditTransfers),
    /// pacs.002
    StatusReport(StatusReport),
    /// pacs.028
    StatusRequest(StatusRequest),
    /// pacs.004
    PaymentReturn(PaymentReturn),
    /// camt.053
    Statement(StatementMessage),
    /// camt.054
    Advice(Advice),
}

impl Document {
    /// The message definition's identifier, such as `pacs.008.001.13`.
    #[must_use]
    pub const fn definition(&self) -> &'static str {
        match self {
            Self::Initiation(_) => PAIN_001,
            Self::CreditTransfers(_) => PACS_008,
            Self::StatusReport(_) => PACS_002,
            Self::StatusRequest(_) => PACS_028,
            Self::PaymentReturn(_) => PACS_004,
            Self::Statement(_) => CAMT_053,
            Self::Advice(_) => CAMT_054,
        }
    }

    fn node(&self) -> Result<Node, BadMessage> {
        match self {
            Self::Initiation(message) => message.node(),
            Self::CreditTransfers(message) => message.node(),
            Self::StatusReport(message) => message.node(),
            Self::StatusRequest(message) => message.node(),
            Self::PaymentReturn(message) => message.node(),
            Self::Statement(message) => message.node(),
            Self::Advice(message) => message.node(),
        }
    }

    fn read(definition: &str, node: &Node) -> Result<Self, BadMessage> {
        Ok(match definition {
            PAIN_001 => Self::Initiation(Initiation::read(node)?),
            PACS_008 => Self::CreditTransfers(CreditTransfers::read(node)?),
            PACS_002 => Self::StatusReport(StatusReport::read(node)?),
            PACS_028 => Self::StatusRequest(StatusRequest::read(node)?),
            PACS_004 => Self::PaymentReturn(PaymentReturn::read(node)?),
            CAMT_053 => Self::Statement(StatementMessage::read(node)?),
            CAMT_054 => Self::Advice(Advice::read(node)?),
            other => return Err(BadMessage::Unspoken(other.to_owned())),
        })
    }
}

/// The element below `Document` and what it holds.
fn structure(definition: &str) -> Option<(&'static str, &'static Content)> {
    Some(match definition {
        PAIN_001 => ("CstmrCdtTrfInitn", &definition::INITIATION),
        PACS_008 => ("FIToFICstmrCdtTrf", &definition::CREDIT_TRANSFER),
        PACS_002 => ("FIToFIPmtStsRpt", &definition::STATUS_REPORT),
        PACS_028 => ("FIToFIPmtStsReq", &definition::STATUS_REQUEST),
        PACS_004 => ("PmtRtr", &definition::PAYMENT_RETURN),
        CAMT_053 => ("BkToCstmrStmt", &definition::BANK_TO_CUSTOMER_STATEMENT),
        CAMT_054 => ("BkToCstmrDbtCdtNtfctn", &definition::BANK_TO_CUSTOMER_NOTIFICATION),
        _ => return None,
    })
}

/// A header and its document, in the envelope nvlp.001.001.01.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusinessMessage {
    /// From whom, to whom, what.
    pub header: Header,
    /// The document. Its definition is the one that the header names.
    pub document: Document,
}

impl BusinessMessage {
    /// Reads a business message.
    ///
    /// # Errors
    /// [`BadMessage`].
    pub fn read(bytes: &[u8]) -> Result<Self, BadMessage> {
        let root = xml::read(bytes)?;
        let envelope = format!("{NAMESPACES}{ENVELOPE}");
        if !root.is("BizMsgEnvlp", &envelope) {
            return Err(BadMessage::Unspoken(root.name));
        }
        definition::check(&root, &definition::BUSINESS_ENVELOPE, &envelope)?;
        let header = only(root.child("Hdr").ok_or(BadMessage::structure("is missing").below("Hdr"))?)?;
        let namespace = format!("{NAMESPACES}{HEADER}");
        if !header.is("AppHdr", &namespace) {
            return Err(BadMessage::Unspoken(header.namespace.clone()));
        }
        definition::check(header, &definition::APPLICATION_HEADER, &namespace)?;
        let (header, names) = Header::read(header)?;
        let document = only(root.need("Doc")?)?;
        let definition = document.namespace.strip_prefix(NAMESPACES).unwrap_or(&document.namespace);
        let Some((name, content)) = structure(definition).filter(|_| document.name == "Document") else {
            return Err(BadMessage::Unspoken(definition.to_owned()));
        };
        if names != definition {
            return Err(BadMessage::structure("names another message than the document's").below("MsgDefIdr"));
        }
        let body = only(document)?;
        if !body.is(name, &document.namespace) {
            return Err(BadMessage::structure("is not published here").below(&body.name));
        }
        definition::check(body, content, &document.namespace)?;
        let document = Document::read(definition, body).map_err(|bad| bad.below(name))?;
        Ok(Self { header, document })
    }

    /// Writes a business message.
    ///
    /// # Errors
    /// [`BadMessage`] if the definition does not allow what it holds.
    pub fn write(&self) -> Result<Vec<u8>, BadMessage> {
        let definition = self.document.definition();
        let (_, content) =
            structure(definition).ok_or_else(|| BadMessage::Unspoken(definition.to_owned()))?;
        let (head, namespace) = (format!("{NAMESPACES}{HEADER}"), format!("{NAMESPACES}{definition}"));
        let header = self.header.node(definition).within(&head);
        definition::check(&header, &definition::APPLICATION_HEADER, &head)?;
        let body = self.document.node()?.within(&namespace);
        definition::check(&body, content, &namespace)?;
        let document = Node::named("Document").within(&namespace).add(body);
        let envelope = Node::named("BizMsgEnvlp")
            .within(&format!("{NAMESPACES}{ENVELOPE}"))
            .add_within(Node::named("Hdr"), header)
            .add_within(Node::named("Doc"), document);
        xml::write(&envelope)
    }
}

/// The one element that `node` holds.
fn only(node: &Node) -> Result<&Node, BadMessage> {
    match node.children.as_slice() {
        [child] if node.text.is_empty() => Ok(child),
        _ => Err(BadMessage::structure("must hold exactly one element").below(&node.name)),
    }
}
