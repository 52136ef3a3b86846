//! pacs.008: credit transfers from agent to agent.

use jiff::Timestamp;
use jiff::civil::Date;

use super::part::{
    Account, Agent, Charges, CodeOr, Ids, Party, Remittance, Settlement, counted, money, read_money,
};
use super::xml::Node;
use super::{Amount, BadMessage};

/// Orders to credit accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditTransfers {
    /// The message's name.
    pub id: String,
    /// When it was made.
    pub created: Timestamp,
    /// Later it must be refused.
    pub expires: Option<Timestamp>,
    /// How it is settled.
    pub settlement: Settlement,
    /// Who instructs.
    pub instructing: Option<Agent>,
    /// Who is instructed.
    pub instructed: Option<Agent>,
    /// The transfers.
    pub transfers: Vec<CreditTransfer>,
}

/// One transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditTransfer {
    /// Its names.
    pub ids: Ids,
    /// How much.
    pub amount: Amount,
    /// The day of settlement.
    pub settled: Option<Date>,
    /// Who bears the charges.
    pub charges: Charges,
    /// From whom.
    pub debtor: Party,
    /// From which account.
    pub debtor_account: Option<Account>,
    /// Who keeps it.
    pub debtor_agent: Agent,
    /// Who keeps the creditor's account.
    pub creditor_agent: Agent,
    /// To whom.
    pub creditor: Party,
    /// To which account.
    pub creditor_account: Option<Account>,
    /// What kind of payment.
    pub purpose: Option<CodeOr>,
    /// What for.
    pub remittance: Option<Remittance>,
}

impl CreditTransfers {
    pub(super) fn node(&self) -> Result<Node, BadMessage> {
        let amounts = self.transfers.iter().map(|transfer| &transfer.amount);
        let total = super::value::sum(amounts);
        let control = total.as_ref().map(Amount::text).transpose()?;
        let total = total.map(|total| money("TtlIntrBkSttlmAmt", &total)).transpose()?;
        let header = Node::named("GrpHdr")
            .leaf("MsgId", &self.id)
            .leaf("CreDtTm", self.created)
            .maybe("XpryDtTm", self.expires)
            .leaf("NbOfTxs", self.transfers.len())
            .maybe("CtrlSum", control)
            .add_some(total)
            .add(self.settlement.node())
            .add_some(self.instructing.as_ref().map(|agent| agent.node("InstgAgt")))
            .add_some(self.instructed.as_ref().map(|agent| agent.node("InstdAgt")));
        let transfers: Vec<Node> =
            self.transfers.iter().map(CreditTransfer::node).collect::<Result<_, _>>()?;
        Ok(Node::named("FIToFICstmrCdtTrf").add(header).add_all(transfers))
    }

    pub(super) fn read(node: &Node) -> Result<Self, BadMessage> {
        let header = node.need("GrpHdr")?;
        let message = Self {
            id: header.need_text("MsgId")?,
            created: header.need_time("CreDtTm")?,
            expires: header.time("XpryDtTm")?,
            settlement: Settlement::read(header.need("SttlmInf")?)?,
            instructing: header.child("InstgAgt").map(Agent::read),
            instructed: header.child("InstdAgt").map(Agent::read),
            transfers: node.all("CdtTrfTxInf").map(CreditTransfer::read).collect::<Result<_, _>>()?,
        };
        let amounts: Vec<_> = message.transfers.iter().map(|transfer| &transfer.amount).collect();
        counted(header, &amounts)?;
        if let Some(total) = header.child("TtlIntrBkSttlmAmt")
            && Some(read_money(total)?) != super::value::sum(amounts)
        {
            return Err(BadMessage::structure("is not the sum of the transfers").below("TtlIntrBkSttlmAmt"));
        }
        Ok(message)
    }
}

impl CreditTransfer {
    fn node(&self) -> Result<Node, BadMessage> {
        Ok(Node::named("CdtTrfTxInf")
            .add(self.ids.node())
            .add(money("IntrBkSttlmAmt", &self.amount)?)
            .maybe("IntrBkSttlmDt", self.settled)
            .leaf("ChrgBr", self.charges.text())
            .add(self.debtor.node("Dbtr"))
            .add_some(self.debtor_account.as_ref().map(|account| account.node("DbtrAcct")))
            .add(self.debtor_agent.node("DbtrAgt"))
            .add(self.creditor_agent.node("CdtrAgt"))
            .add(self.creditor.node("Cdtr"))
            .add_some(self.creditor_account.as_ref().map(|account| account.node("CdtrAcct")))
            .add_some(self.purpose.as_ref().map(|purpose| purpose.node("Purp")))
            .add_some(self.remittance.as_ref().map(Remittance::node)))
    }

    fn read(node: &Node) -> Result<Self, BadMessage> {
        Ok(Self {
            ids: Ids::read(node.need("PmtId")?)?,
            amount: read_money(node.need("IntrBkSttlmAmt")?)?,
            settled: node.date("IntrBkSttlmDt")?,
            charges: Charges::read(&node.need_text("ChrgBr")?)?,
            debtor: Party::read(node.need("Dbtr")?)?,
            debtor_account: node.child("DbtrAcct").map(Account::read).transpose()?,
            debtor_agent: Agent::read(node.need("DbtrAgt")?),
            creditor_agent: Agent::read(node.need("CdtrAgt")?),
            creditor: Party::read(node.need("Cdtr")?)?,
            creditor_account: node.child("CdtrAcct").map(Account::read).transpose()?,
            purpose: node.child("Purp").map(CodeOr::read).transpose()?,
            remittance: node.child("RmtInf").map(Remittance::read).transpose()?,
        })
    }
}
