//! pain.001: an order to the bank that keeps the debtor's account.

use jiff::Timestamp;
use jiff::civil::Date;

use super::part::{Account, Agent, CodeOr, Ids, Party, Remittance, counted, money, read_money};
use super::xml::Node;
use super::{Amount, BadMessage};

/// The namespace of the supplementary data that says until when an order may be carried out.
///
/// pacs.008 has an element for it; pain.001 has none, so it travels as the definition foresees for
/// what it does not foresee.
const EXPIRY: &str = "urn:jialing:iso20022:expiry:1";

/// Orders to debit accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Initiation {
    /// The message's name.
    pub id: String,
    /// When it was made.
    pub created: Timestamp,
    /// Who initiates.
    pub initiator: Party,
    /// The payments, by debtor.
    pub payments: Vec<Payment>,
}

/// Payments from one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Its name.
    pub id: String,
    /// The day on which it is to be carried out.
    pub execution: Date,
    /// Whose account.
    pub debtor: Party,
    /// Which.
    pub debtor_account: Account,
    /// Who keeps it.
    pub debtor_agent: Agent,
    /// The transfers.
    pub transfers: Vec<InitiatedTransfer>,
}

/// One transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitiatedTransfer {
    /// Its names; no transaction id.
    pub ids: Ids,
    /// How much.
    pub amount: Amount,
    /// Under which mandate.
    pub mandate: Option<String>,
    /// Who keeps the creditor's account.
    pub creditor_agent: Option<Agent>,
    /// To whom.
    pub creditor: Option<Party>,
    /// To which account.
    pub creditor_account: Option<Account>,
    /// What kind of payment.
    pub purpose: Option<CodeOr>,
    /// What for.
    pub remittance: Option<Remittance>,
    /// Later it must be refused.
    pub expires: Option<Timestamp>,
}

impl Initiation {
    fn amounts(&self) -> Vec<&Amount> {
        self.payments.iter().flat_map(|payment| &payment.transfers).map(|transfer| &transfer.amount).collect()
    }

    pub(super) fn node(&self) -> Result<Node, BadMessage> {
        let amounts = self.amounts();
        let sum = super::value::sum(amounts.iter().copied()).map(|sum| sum.text()).transpose()?;
        let header = Node::named("GrpHdr")
            .leaf("MsgId", &self.id)
            .leaf("CreDtTm", self.created)
            .leaf("NbOfTxs", amounts.len())
            .maybe("CtrlSum", sum)
            .add(self.initiator.node("InitgPty"));
        let payments: Vec<Node> = self.payments.iter().map(Payment::node).collect::<Result<_, _>>()?;
        Ok(Node::named("CstmrCdtTrfInitn").add(header).add_all(payments))
    }

    pub(super) fn read(node: &Node) -> Result<Self, BadMessage> {
        let header = node.need("GrpHdr")?;
        let message = Self {
            id: header.need_text("MsgId")?,
            created: header.need_time("CreDtTm")?,
            initiator: Party::read(header.need("InitgPty")?)?,
            payments: node.all("PmtInf").map(Payment::read).collect::<Result<_, _>>()?,
        };
        counted(header, &message.amounts())?;
        Ok(message)
    }
}

impl Payment {
    fn node(&self) -> Result<Node, BadMessage> {
        let transfers: Vec<Node> =
            self.transfers.iter().map(InitiatedTransfer::node).collect::<Result<_, _>>()?;
        Ok(Node::named("PmtInf")
            .leaf("PmtInfId", &self.id)
            .leaf("PmtMtd", "TRF")
            .add(Node::named("ReqdExctnDt").leaf("Dt", self.execution))
            .add(self.debtor.node("Dbtr"))
            .add(self.debtor_account.node("DbtrAcct"))
            .add(self.debtor_agent.node("DbtrAgt"))
            .add_all(transfers))
    }

    fn read(node: &Node) -> Result<Self, BadMessage> {
        if node.text("PmtMtd").as_deref() != Some("TRF") {
            return Err(BadMessage::structure("is no transfer").below("PmtMtd"));
        }
        let payment = Self {
            id: node.need_text("PmtInfId")?,
            execution: node.need("ReqdExctnDt")?.need_date("Dt")?,
            debtor: Party::read(node.need("Dbtr")?)?,
            debtor_account: Account::read(node.need("DbtrAcct")?)?,
            debtor_agent: Agent::read(node.need("DbtrAgt")?),
            transfers: node.all("CdtTrfTxInf").map(InitiatedTransfer::read).collect::<Result<_, _>>()?,
        };
        counted(node, &payment.transfers.iter().map(|transfer| &transfer.amount).collect::<Vec<_>>())?;
        Ok(payment)
    }
}

impl InitiatedTransfer {
    fn node(&self) -> Result<Node, BadMessage> {
        let mandate = self.mandate.as_ref().map(|id| Node::named("MndtRltdInf").leaf("MndtId", id));
        let expiry = self.expires.map(|expires| {
            let said = Node::named("Xpry").leaf("XpryDtTm", expires).within(EXPIRY);
            Node::named("SplmtryData").add(Node::named("Envlp").add(said))
        });
        Ok(Node::named("CdtTrfTxInf")
            .add(Ids { transaction: None, ..self.ids.clone() }.node())
            .add(Node::named("Amt").add(money("InstdAmt", &self.amount)?))
            .add_some(mandate)
            .add_some(self.creditor_agent.as_ref().map(|agent| agent.node("CdtrAgt")))
            .add_some(self.creditor.as_ref().map(|party| party.node("Cdtr")))
            .add_some(self.creditor_account.as_ref().map(|account| account.node("CdtrAcct")))
            .add_some(self.purpose.as_ref().map(|purpose| purpose.node("Purp")))
            .add_some(self.remittance.as_ref().map(Remittance::node))
            .add_some(expiry))
    }

    fn read(node: &Node) -> Result<Self, BadMessage> {
        Ok(Self {
            ids: Ids::read(node.need("PmtId")?)?,
            amount: read_money(node.need("Amt")?.need("InstdAmt")?)?,
            mandate: node.child("MndtRltdInf").and_then(|mandate| mandate.text("MndtId")),
            creditor_agent: node.child("CdtrAgt").map(Agent::read),
            creditor: node.child("Cdtr").map(Party::read).transpose()?,
            creditor_account: node.child("CdtrAcct").map(Account::read).transpose()?,
            purpose: node.child("Purp").map(CodeOr::read).transpose()?,
            remittance: node.child("RmtInf").map(Remittance::read).transpose()?,
            expires: expiry(node)?,
        })
    }
}

fn expiry(node: &Node) -> Result<Option<Timestamp>, BadMessage> {
    let envelopes = node.all("SplmtryData").filter_map(|data| data.child("Envlp"));
    let mut said = envelopes.flat_map(|envelope| &envelope.children).filter(|said| said.is("Xpry", EXPIRY));
    match (said.next(), said.next()) {
        (None, _) => Ok(None),
        (Some(said), None) => said.need_time("XpryDtTm").map(Some),
        (Some(_), Some(_)) => Err(BadMessage::structure("is said twice").below("Xpry")),
    }
}
