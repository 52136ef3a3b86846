//! pacs.002 and pacs.028: what became of an order, and the question.

use std::fmt;

use jiff::Timestamp;

use super::part::{Agent, Original, Reason, money, read_money};
use super::xml::Node;
use super::{Amount, BadMessage};

/// How far a payment has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TxStatus {
    /// ACTC: authentication and form are in order.
    TechnicallyAccepted,
    /// ACCP: the customer's profile is in order too.
    ProfileAccepted,
    /// PDNG: under further check.
    Pending,
    /// ACSP: accepted, settlement is under way.
    Settling,
    /// ACSC: settled. Final.
    Settled,
    /// RJCT: refused. Final.
    Rejected,
    /// PART: of several, some are accepted. Says nothing of one.
    Partly,
    /// Another code of the external set.
    Other(String),
}

impl TxStatus {
    const PUBLISHED: [Self; 7] = [
        Self::TechnicallyAccepted,
        Self::ProfileAccepted,
        Self::Pending,
        Self::Settling,
        Self::Settled,
        Self::Rejected,
        Self::Partly,
    ];

    /// The code of the external set.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::TechnicallyAccepted => "ACTC",
            Self::ProfileAccepted => "ACCP",
            Self::Pending => "PDNG",
            Self::Settling => "ACSP",
            Self::Settled => "ACSC",
            Self::Rejected => "RJCT",
            Self::Partly => "PART",
            Self::Other(code) => code,
        }
    }

    fn read(text: String) -> Self {
        Self::PUBLISHED.into_iter().find(|known| known.text() == text).unwrap_or(Self::Other(text))
    }
}

impl fmt::Display for TxStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// What became of orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusReport {
    /// The message's name: the same when the same status is asked for again.
    pub id: String,
    /// When it was made.
    pub created: Timestamp,
    /// Who instructs.
    pub instructing: Option<Agent>,
    /// Who is instructed.
    pub instructed: Option<Agent>,
    /// Of whole messages.
    pub groups: Vec<GroupStatus>,
    /// Of payments.
    pub transactions: Vec<TransactionStatus>,
}

/// What became of a whole message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupStatus {
    /// The message's id.
    pub message: String,
    /// Its definition.
    pub definition: String,
    /// How far it has come.
    pub status: Option<TxStatus>,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// What became of one payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionStatus {
    /// The status's own name.
    pub id: Option<String>,
    /// Which payment.
    pub original: Original,
    /// How far it has come; nothing if that is not known there either.
    pub status: Option<TxStatus>,
    /// Why.
    pub reasons: Vec<Reason>,
    /// When the debtor's agent took it in.
    pub accepted: Option<Timestamp>,
    /// The bank's name for the booking.
    pub servicer_reference: Option<String>,
    /// How much the payment is over.
    pub amount: Option<Amount>,
}

fn agents(header: Node, instructing: Option<&Agent>, instructed: Option<&Agent>) -> Node {
    header
        .add_some(instructing.map(|agent| agent.node("InstgAgt")))
        .add_some(instructed.map(|agent| agent.node("InstdAgt")))
}

fn original_amount(amount: Option<&Amount>) -> Result<Option<Node>, BadMessage> {
    let node = |amount| Ok(Node::named("OrgnlTxRef").add(money("IntrBkSttlmAmt", amount)?));
    amount.map(node).transpose()
}

fn read_original_amount(node: &Node) -> Result<Option<Amount>, BadMessage> {
    let Some(original) = node.child("OrgnlTxRef") else { return Ok(None) };
    let ordered = original.child("Amt").and_then(|amount| amount.child("InstdAmt"));
    original.child("IntrBkSttlmAmt").or(ordered).map(read_money).transpose()
}

impl StatusReport {
    pub(super) fn node(&self) -> Result<Node, BadMessage> {
        let header = Node::named("GrpHdr").leaf("MsgId", &self.id).leaf("CreDtTm", self.created);
        let transactions: Vec<Node> =
            self.transactions.iter().map(TransactionStatus::node).collect::<Result<_, _>>()?;
        Ok(Node::named("FIToFIPmtStsRpt")
            .add(agents(header, self.instructing.as_ref(), self.instructed.as_ref()))
            .add_all(self.groups.iter().map(GroupStatus::node))
            .add_all(transactions))
    }

    pub(super) fn read(node: &Node) -> Result<Self, BadMessage> {
        let header = node.need("GrpHdr")?;
        Ok(Self {
            id: header.need_text("MsgId")?,
            created: header.need_time("CreDtTm")?,
            instructing: header.child("InstgAgt").map(Agent::read),
            instructed: header.child("InstdAgt").map(Agent::read),
            groups: node.all("OrgnlGrpInfAndSts").map(GroupStatus::read).collect::<Result<_, _>>()?,
            transactions: node.all("TxInfAndSts").map(TransactionStatus::read).collect::<Result<_, _>>()?,
        })
    }
}

impl GroupStatus {
    fn node(&self) -> Node {
        Node::named("OrgnlGrpInfAndSts")
            .leaf("OrgnlMsgId", &self.message)
            .leaf("OrgnlMsgNmId", &self.definition)
            .maybe("GrpSts", self.status.as_ref())
            .add_all(self.reasons.iter().map(|reason| reason.node("StsRsnInf")))
    }

    fn read(node: &Node) -> Result<Self, BadMessage> {
        Ok(Self {
            message: node.need_text("OrgnlMsgId")?,
            definition: node.need_text("OrgnlMsgNmId")?,
            status: node.text("GrpSts").map(TxStatus::read),
            reasons: node.all("StsRsnInf").map(Reason::read).collect::<Result<_, _>>()?,
        })
    }
}

impl TransactionStatus {
    fn node(&self) -> Result<Node, BadMessage> {
        let named = Node::named("TxInfAndSts").maybe("StsId", self.id.as_ref());
        Ok(self
            .original
            .add_to(named)
            .maybe("TxSts", self.status.as_ref())
            .add_all(self.reasons.iter().map(|reason| reason.node("StsRsnInf")))
            .maybe("AccptncDtTm", self.accepted)
            .maybe("AcctSvcrRef", self.servicer_reference.as_ref())
            .add_some(original_amount(self.amount.as_ref())?))
    }

    fn read(node: &Node) -> Result<Self, BadMessage> {
        Ok(Self {
            id: node.text("StsId"),
            original: Original::read(node)?,
            status: node.text("TxSts").map(TxStatus::read),
            reasons: node.all("StsRsnInf").map(Reason::read).collect::<Result<_, _>>()?,
            accepted: node.time("AccptncDtTm")?,
            servicer_reference: node.text("AcctSvcrRef"),
            amount: read_original_amount(node)?,
        })
    }
}

/// Asks what became of orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusRequest {
    /// The message's name.
    pub id: String,
    /// When it was made.
    pub created: Timestamp,
    /// Who instructs.
    pub instructing: Option<Agent>,
    /// Who is instructed.
    pub instructed: Option<Agent>,
    /// What is asked.
    pub questions: Vec<StatusQuestion>,
}

/// Asks what became of one payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusQuestion {
    /// The question's own name.
    pub id: Option<String>,
    /// Which payment.
    pub original: Original,
}

impl StatusRequest {
    pub(super) fn node(&self) -> Result<Node, BadMessage> {
        let header = Node::named("GrpHdr").leaf("MsgId", &self.id).leaf("CreDtTm", self.created);
        let question = |question: &StatusQuestion| {
            question.original.add_to(Node::named("TxInf").maybe("StsReqId", question.id.as_ref()))
        };
        Ok(Node::named("FIToFIPmtStsReq")
            .add(agents(header, self.instructing.as_ref(), self.instructed.as_ref()))
            .add_all(self.questions.iter().map(question)))
    }

    pub(super) fn read(node: &Node) -> Result<Self, BadMessage> {
        let header = node.need("GrpHdr")?;
        let question =
            |node: &Node| Ok(StatusQuestion { id: node.text("StsReqId"), original: Original::read(node)? });
        Ok(Self {
            id: header.need_text("MsgId")?,
            created: header.need_time("CreDtTm")?,
            instructing: header.child("InstgAgt").map(Agent::read),
            instructed: header.child("InstdAgt").map(Agent::read),
            questions: node.all("TxInf").map(question).collect::<Result<_, BadMessage>>()?,
        })
    }
}
