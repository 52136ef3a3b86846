//! camt.053: what was booked on a day, with balances and totals.

use jiff::Timestamp;
use jiff::civil::Date;

use super::entry::{Entry, Page};
use super::part::{Account, CodeOr, money, read_money};
use super::xml::Node;
use super::{Amount, BadMessage};

/// Statements of accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementMessage {
    /// The message's name.
    pub id: String,
    /// When it was made.
    pub created: Timestamp,
    /// Which part of the whole it is.
    pub page: Option<Page>,
    /// The statements.
    pub statements: Vec<AccountStatement>,
}

/// The statement of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountStatement {
    /// Its name.
    pub id: String,
    /// From when to when.
    pub period: Option<(Timestamp, Timestamp)>,
    /// Of which account.
    pub account: Account,
    /// Its balances: `OPBD` is the opening, `CLBD` the closing one.
    pub balances: Vec<Balance>,
    /// How many credits, and their sum.
    pub credits: Option<Total>,
    /// How many debits, and their sum.
    pub debits: Option<Total>,
    /// The entries, in the order of their booking.
    pub entries: Vec<Entry>,
}

/// A balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// What kind.
    pub kind: CodeOr,
    /// How much.
    pub amount: Amount,
    /// Whether it is in favour of the account's owner.
    pub credit: bool,
    /// Of which day.
    pub day: Date,
}

/// How many entries, and their sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Total {
    /// How many.
    pub count: u64,
    /// Their sum, in the account's currency.
    pub sum: Amount,
}

impl StatementMessage {
    pub(super) fn node(&self) -> Result<Node, BadMessage> {
        let header = Node::named("GrpHdr")
            .leaf("MsgId", &self.id)
            .leaf("CreDtTm", self.created)
            .add_some(self.page.map(|page| page.node("MsgPgntn")));
        let statements: Vec<Node> =
            self.statements.iter().map(AccountStatement::node).collect::<Result<_, _>>()?;
        Ok(Node::named("BkToCstmrStmt").add(header).add_all(statements))
    }

    pub(super) fn read(node: &Node) -> Result<Self, BadMessage> {
        let header = node.need("GrpHdr")?;
        Ok(Self {
            id: header.need_text("MsgId")?,
            created: header.need_time("CreDtTm")?,
            page: header.child("MsgPgntn").map(Page::read).transpose()?,
            statements: node.all("Stmt").map(AccountStatement::read).collect::<Result<_, _>>()?,
        })
    }
}

impl AccountStatement {
    fn node(&self) -> Result<Node, BadMessage> {
        let period =
            self.period.map(|(from, to)| Node::named("FrToDt").leaf("FrDtTm", from).leaf("ToDtTm", to));
        let total = |name, total: &Option<Total>| {
            let node = total.as_ref().map(|total| {
                let sum = total.sum.text()?;
                Ok::<_, BadMessage>(Node::named(name).leaf("NbOfNtries", total.count).leaf("Sum", sum))
            });
            node.transpose()
        };
        let (credits, debits) = (total("TtlCdtNtries", &self.credits)?, total("TtlDbtNtries", &self.debits)?);
        let summary = (credits.is_some() || debits.is_some())
            .then(|| Node::named("TxsSummry").add_some(credits).add_some(debits));
        let balances: Vec<Node> = self.balances.iter().map(Balance::node).collect::<Result<_, _>>()?;
        let entries: Vec<Node> = self.entries.iter().map(Entry::node).collect::<Result<_, _>>()?;
        Ok(Node::named("Stmt")
            .leaf("Id", &self.id)
            .add_some(period)
            .add(self.account.node("Acct"))
            .add_all(balances)
            .add_some(summary)
            .add_all(entries))
    }

    fn read(node: &Node) -> Result<Self, BadMessage> {
        let period = node
            .child("FrToDt")
            .map(|period| Ok::<_, BadMessage>((period.need_time("FrDtTm")?, period.need_time("ToDtTm")?)));
        let balances: Vec<Balance> = node.all("Bal").map(Balance::read).collect::<Result<_, _>>()?;
        let currency = balances.first().map_or("", |balance| balance.amount.currency.as_str());
        let total = |name: &str| {
            let total = node.child("TxsSummry").and_then(|summary| summary.child(name));
            let Some((count, sum)) = total.and_then(|total| total.text("NbOfNtries").zip(total.text("Sum")))
            else {
                return Ok(None);
            };
            let count = count.parse().map_err(|_| BadMessage::structure("is no number").below(name))?;
            Ok::<_, BadMessage>(Some(Total { count, sum: Amount::read(&sum, currency)? }))
        };
        Ok(Self {
            id: node.need_text("Id")?,
            period: period.transpose()?,
            account: Account::read(node.need("Acct")?)?,
            credits: total("TtlCdtNtries")?,
            debits: total("TtlDbtNtries")?,
            balances,
            entries: node.all("Ntry").map(Entry::read).collect::<Result<_, _>>()?,
        })
    }
}

impl Balance {
    fn node(&self) -> Result<Node, BadMessage> {
        Ok(Node::named("Bal")
            .add(Node::named("Tp").add(self.kind.node("CdOrPrtry")))
            .add(money("Amt", &self.amount)?)
            .leaf("CdtDbtInd", if self.credit { "CRDT" } else { "DBIT" })
            .add(Node::named("Dt").leaf("Dt", self.day)))
    }

    fn read(node: &Node) -> Result<Self, BadMessage> {
        Ok(Self {
            kind: CodeOr::read(node.need("Tp")?.need("CdOrPrtry")?)?,
            amount: read_money(node.need("Amt")?)?,
            credit: node.need_text("CdtDbtInd")? == "CRDT",
            day: node.need("Dt")?.need_date("Dt")?,
        })
    }
}
