//! pacs.004: payments that come back.

use jiff::Timestamp;

use super::part::{Agent, Original, Reason, Settlement, counted, money, read_money};
use super::xml::Node;
use super::{Amount, BadMessage};

/// Payments that come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentReturn {
    /// The message's name.
    pub id: String,
    /// When it was made.
    pub created: Timestamp,
    /// How it is settled.
    pub settlement: Settlement,
    /// Who instructs.
    pub instructing: Option<Agent>,
    /// Who is instructed.
    pub instructed: Option<Agent>,
    /// What comes back.
    pub transactions: Vec<ReturnedTransfer>,
}

/// One payment that comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnedTransfer {
    /// The return's own name.
    pub id: Option<String>,
    /// Which payment.
    pub original: Original,
    /// How much that was.
    pub original_amount: Option<Amount>,
    /// How much comes back.
    pub amount: Amount,
    /// Why.
    pub reasons: Vec<Reason>,
}

impl PaymentReturn {
    pub(super) fn node(&self) -> Result<Node, BadMessage> {
        let header = Node::named("GrpHdr")
            .leaf("MsgId", &self.id)
            .leaf("CreDtTm", self.created)
            .leaf("NbOfTxs", self.transactions.len())
            .add(self.settlement.node())
            .add_some(self.instructing.as_ref().map(|agent| agent.node("InstgAgt")))
            .add_some(self.instructed.as_ref().map(|agent| agent.node("InstdAgt")));
        let transactions: Vec<Node> =
            self.transactions.iter().map(ReturnedTransfer::node).collect::<Result<_, _>>()?;
        Ok(Node::named("PmtRtr").add(header).add_all(transactions))
    }

    pub(super) fn read(node: &Node) -> Result<Self, BadMessage> {
        let header = node.need("GrpHdr")?;
        let message = Self {
            id: header.need_text("MsgId")?,
            created: header.need_time("CreDtTm")?,
            settlement: Settlement::read(header.need("SttlmInf")?)?,
            instructing: header.child("InstgAgt").map(Agent::read),
            instructed: header.child("InstdAgt").map(Agent::read),
            transactions: node.all("TxInf").map(ReturnedTransfer::read).collect::<Result<_, _>>()?,
        };
        counted(header, &message.transactions.iter().map(|returned| &returned.amount).collect::<Vec<_>>())?;
        Ok(message)
    }
}

impl ReturnedTransfer {
    fn node(&self) -> Result<Node, BadMessage> {
        let before = self.original_amount.as_ref().map(|amount| money("OrgnlIntrBkSttlmAmt", amount));
        let named = Node::named("TxInf").maybe("RtrId", self.id.as_ref());
        Ok(self
            .original
            .add_to(named)
            .add_some(before.transpose()?)
            .add(money("RtrdIntrBkSttlmAmt", &self.amount)?)
            .add_all(self.reasons.iter().map(|reason| reason.node("RtrRsnInf"))))
    }

    fn read(node: &Node) -> Result<Self, BadMessage> {
        Ok(Self {
            id: node.text("RtrId"),
            original: Original::read(node)?,
            original_amount: node.child("OrgnlIntrBkSttlmAmt").map(read_money).transpose()?,
            amount: read_money(node.need("RtrdIntrBkSttlmAmt")?)?,
            reasons: node.all("RtrRsnInf").map(Reason::read).collect::<Result<_, _>>()?,
        })
    }
}
