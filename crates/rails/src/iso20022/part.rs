//! What several messages are made of.

use jiff::civil::Date;

use super::xml::Node;
use super::{Amount, BadMessage, Lei, Uetr};

/// An institution. At least one of the fields is there in every message that means somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agent {
    /// Its business identifier code.
    pub bic: Option<String>,
    /// What it is called in the system that both belong to: here the id of a connection.
    pub member: Option<String>,
    /// Its legal entity identifier.
    pub lei: Option<Lei>,
    /// Its name.
    pub name: Option<String>,
}

impl Agent {
    /// An institution by its member id.
    pub fn member(id: &str) -> Self {
        Self { member: Some(id.to_owned()), ..Self::default() }
    }

    pub(super) fn node(&self, name: &'static str) -> Node {
        let member = self.member.as_ref().map(|id| Node::named("ClrSysMmbId").leaf("MmbId", id));
        let institution = Node::named("FinInstnId")
            .maybe("BICFI", self.bic.as_ref())
            .add_some(member)
            .maybe("LEI", self.lei.as_ref())
            .maybe("Nm", self.name.as_ref());
        Node::named(name).add(institution)
    }

    pub(super) fn read(node: &Node) -> Self {
        let Some(institution) = node.child("FinInstnId") else { return Self::default() };
        Self {
            bic: institution.text("BICFI"),
            member: institution.child("ClrSysMmbId").and_then(|member| member.text("MmbId")),
            lei: institution.text("LEI").and_then(|lei| Lei::parse(&lei)),
            name: institution.text("Nm"),
        }
    }
}

/// A code of a published list, or a word of one's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeOr {
    /// Of an external code set: at most four characters.
    Code(String),
    /// At most 35 characters.
    Proprietary(String),
}

impl CodeOr {
    /// A published code.
    pub fn code(text: &str) -> Self {
        Self::Code(text.to_owned())
    }

    /// A word of one's own.
    pub fn proprietary(text: &str) -> Self {
        Self::Proprietary(text.to_owned())
    }

    /// The code or the word.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Code(text) | Self::Proprietary(text) => text,
        }
    }

    pub(super) fn node(&self, name: &'static str) -> Node {
        match self {
            Self::Code(code) => Node::named(name).leaf("Cd", code),
            Self::Proprietary(word) => Node::named(name).leaf("Prtry", word),
        }
    }

    pub(super) fn read(node: &Node) -> Result<Self, BadMessage> {
        match (node.text("Cd"), node.text("Prtry")) {
            (Some(code), None) => Ok(Self::Code(code)),
            (None, Some(word)) => Ok(Self::Proprietary(word)),
            _ => Err(BadMessage::structure("is neither a code nor a word").below(&node.name)),
        }
    }
}

/// A name in somebody's scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    /// The name; at most 256 characters.
    pub id: String,
    /// Whose scheme.
    pub scheme: Option<CodeOr>,
}

impl Identified {
    fn node(&self) -> Node {
        let scheme = self.scheme.as_ref().map(|scheme| scheme.node("SchmeNm"));
        Node::named("Othr").leaf("Id", &self.id).add_some(scheme)
    }

    fn read(node: &Node) -> Result<Self, BadMessage> {
        Ok(Self { id: node.need_text("Id")?, scheme: node.child("SchmeNm").map(CodeOr::read).transpose()? })
    }
}

/// How a party is identified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartyId {
    /// An organisation.
    Organisation {
        /// Its legal entity identifier.
        lei: Option<Lei>,
        /// Other names.
        other: Vec<Identified>,
    },
    /// A person.
    Person {
        /// Names, such as an agreement's.
        other: Vec<Identified>,
    },
}

/// A debtor, a creditor, or who initiates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// Its name.
    pub name: Option<String>,
    /// How it is identified.
    pub id: Option<PartyId>,
    /// Where it lives: two capital letters.
    pub country: Option<String>,
}

impl Party {
    pub(super) fn node(&self, name: &'static str) -> Node {
        let id = self.id.as_ref().map(|id| {
            let id = match id {
                PartyId::Organisation { lei, other } => Node::named("OrgId")
                    .maybe("LEI", lei.as_ref())
                    .add_all(other.iter().map(Identified::node)),
                PartyId::Person { other } => {
                    Node::named("PrvtId").add_all(other.iter().map(Identified::node))
                }
            };
            Node::named("Id").add(id)
        });
        Node::named(name)
            .maybe("Nm", self.name.as_ref())
            .add_some(id)
            .maybe("CtryOfRes", self.country.as_ref())
    }

    pub(super) fn read(node: &Node) -> Result<Self, BadMessage> {
        let others = |node: &Node| node.all("Othr").map(Identified::read).collect::<Result<_, _>>();
        let id = match node.child("Id") {
            None => None,
            Some(id) => match (id.child("OrgId"), id.child("PrvtId")) {
                (Some(organisation), _) => Some(PartyId::Organisation {
                    lei: organisation.text("LEI").and_then(|lei| Lei::parse(&lei)),
                    other: others(organisation)?,
                }),
                (_, Some(person)) => Some(PartyId::Person { other: others(person)? }),
                _ => None,
            },
        };
        Ok(Self { name: node.text("Nm"), id, country: node.text("CtryOfRes") })
    }
}

/// An account's number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountId {
    /// An international one.
    Iban(String),
    /// Any other; at most 34 characters.
    Other(String),
}

/// What stands for an account without telling its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// What kind of name it is.
    pub kind: Option<CodeOr>,
    /// The name.
    pub id: String,
}

/// An account, by its number or by what stands for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub id: Option<AccountId>,
    /// Its currency.
    pub currency: Option<String>,
    /// What stands for it.
    pub proxy: Option<Proxy>,
}

impl Account {
    /// An account by a number that is no IBAN.
    pub fn number(number: &str) -> Self {
        Self { id: Some(AccountId::Other(number.to_owned())), ..Self::default() }
    }

    pub(super) fn node(&self, name: &'static str) -> Node {
        let id = self.id.as_ref().map(|id| match id {
            AccountId::Iban(iban) => Node::named("Id").leaf("IBAN", iban),
            AccountId::Other(id) => Node::named("Id").add(Node::named("Othr").leaf("Id", id)),
        });
        let proxy = self.proxy.as_ref().map(|proxy| {
            let kind = proxy.kind.as_ref().map(|kind| kind.node("Tp"));
            Node::named("Prxy").add_some(kind).leaf("Id", &proxy.id)
        });
        Node::named(name).add_some(id).maybe("Ccy", self.currency.as_ref()).add_some(proxy)
    }

    pub(super) fn read(node: &Node) -> Result<Self, BadMessage> {
        let id = match node.child("Id") {
            None => None,
            Some(id) => match (id.text("IBAN"), id.child("Othr")) {
                (Some(iban), _) => Some(AccountId::Iban(iban)),
                (None, Some(other)) => Some(AccountId::Other(other.need_text("Id")?)),
                (None, None) => None,
            },
        };
        let proxy = node.child("Prxy").map(|proxy| {
            let kind = proxy.child("Tp").map(CodeOr::read).transpose()?;
            Ok::<_, BadMessage>(Proxy { kind, id: proxy.need_text("Id")? })
        });
        Ok(Self { id, currency: node.text("Ccy"), proxy: proxy.transpose()? })
    }
}

/// The names of one payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ids {
    /// Between two agents.
    pub instruction: Option<String>,
    /// From the first party to the last.
    pub end_to_end: String,
    /// Between the agents of a chain; not of an initiation.
    pub transaction: Option<String>,
    /// The same from the first order to the last statement.
    pub uetr: Option<Uetr>,
}

impl Ids {
    pub(super) fn node(&self) -> Node {
        Node::named("PmtId")
            .maybe("InstrId", self.instruction.as_ref())
            .leaf("EndToEndId", &self.end_to_end)
            .maybe("TxId", self.transaction.as_ref())
            .maybe("UETR", self.uetr.as_ref())
    }

    pub(super) fn read(node: &Node) -> Result<Self, BadMessage> {
        Ok(Self {
            instruction: node.text("InstrId"),
            end_to_end: node.need_text("EndToEndId")?,
            transaction: node.text("TxId"),
            uetr: node.text("UETR").and_then(|uetr| Uetr::parse(&uetr)),
        })
    }
}

/// Which payment an answer, a question or a return is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Original {
    /// The message's id and definition.
    pub message: Option<(String, String)>,
    /// See [`Ids::instruction`].
    pub instruction: Option<String>,
    /// See [`Ids::end_to_end`].
    pub end_to_end: Option<String>,
    /// See [`Ids::transaction`].
    pub transaction: Option<String>,
    /// See [`Ids::uetr`].
    pub uetr: Option<Uetr>,
}

impl Original {
    /// Adds the names to an element that begins with them.
    pub(super) fn add_to(&self, node: Node) -> Node {
        let message = self.message.as_ref().map(|(id, definition)| {
            Node::named("OrgnlGrpInf").leaf("OrgnlMsgId", id).leaf("OrgnlMsgNmId", definition)
        });
        node.add_some(message)
            .maybe("OrgnlInstrId", self.instruction.as_ref())
            .maybe("OrgnlEndToEndId", self.end_to_end.as_ref())
            .maybe("OrgnlTxId", self.transaction.as_ref())
            .maybe("OrgnlUETR", self.uetr.as_ref())
    }

    pub(super) fn read(node: &Node) -> Result<Self, BadMessage> {
        let message = node.child("OrgnlGrpInf").map(|group| {
            Ok::<_, BadMessage>((group.need_text("OrgnlMsgId")?, group.need_text("OrgnlMsgNmId")?))
        });
        Ok(Self {
            message: message.transpose()?,
            instruction: node.text("OrgnlInstrId"),
            end_to_end: node.text("OrgnlEndToEndId"),
            transaction: node.text("OrgnlTxId"),
            uetr: node.text("OrgnlUETR").and_then(|uetr| Uetr::parse(&uetr)),
        })
    }
}

/// Why something is refused or comes back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reason {
    /// The reason.
    pub code: Option<CodeOr>,
    /// The same for people; at most 105 characters each.
    pub information: Vec<String>,
}

impl Reason {
    pub(super) fn node(&self, name: &'static str) -> Node {
        Node::named(name)
            .add_some(self.code.as_ref().map(|code| code.node("Rsn")))
            .leaves("AddtlInf", &self.information)
    }

    pub(super) fn read(node: &Node) -> Result<Self, BadMessage> {
        Ok(Self {
            code: node.child("Rsn").map(CodeOr::read).transpose()?,
            information: node.texts("AddtlInf"),
        })
    }
}

/// A document that a payment is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferredDocument {
    /// What kind: `CINV` is a commercial invoice.
    pub kind: Option<CodeOr>,
    /// Its number.
    pub number: Option<String>,
    /// Its day, and what kind of day: `INDA` is the day of issue.
    pub day: Option<(CodeOr, Date)>,
}

/// Remittance information that a machine reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Structured {
    /// What is paid.
    pub documents: Vec<ReferredDocument>,
    /// The creditor's reference and what kind it is.
    pub reference: Option<(Option<CodeOr>, String)>,
    /// For people; at most three of 140 characters.
    pub additional: Vec<String>,
}

/// What a payment is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remittance {
    /// For people; at most 140 characters each.
    pub unstructured: Vec<String>,
    /// For machines.
    pub structured: Vec<Structured>,
}

fn kind_node(kind: &CodeOr) -> Node {
    Node::named("Tp").add(kind.node("CdOrPrtry"))
}

fn read_kind(node: Option<&Node>) -> Result<Option<CodeOr>, BadMessage> {
    node.and_then(|kind| kind.child("CdOrPrtry")).map(CodeOr::read).transpose()
}

impl ReferredDocument {
    fn node(&self) -> Node {
        let day =
            self.day.as_ref().map(|(kind, day)| Node::named("RltdDt").add(kind.node("Tp")).leaf("Dt", day));
        Node::named("RfrdDocInf")
            .add_some(self.kind.as_ref().map(kind_node))
            .maybe("Nb", self.number.as_ref())
            .add_some(day)
    }

    fn read(node: &Node) -> Result<Self, BadMessage> {
        let day = node
            .child("RltdDt")
            .map(|day| Ok::<_, BadMessage>((CodeOr::read(day.need("Tp")?)?, day.need_date("Dt")?)));
        Ok(Self { kind: read_kind(node.child("Tp"))?, number: node.text("Nb"), day: day.transpose()? })
    }
}

impl Structured {
    fn node(&self) -> Node {
        let reference = self.reference.as_ref().map(|(kind, reference)| {
            Node::named("CdtrRefInf").add_some(kind.as_ref().map(kind_node)).leaf("Ref", reference)
        });
        Node::named("Strd")
            .add_all(self.documents.iter().map(ReferredDocument::node))
            .add_some(reference)
            .leaves("AddtlRmtInf", &self.additional)
    }

    fn read(node: &Node) -> Result<Self, BadMessage> {
        let reference = match node.child("CdtrRefInf") {
            Some(reference) => {
                let kind = read_kind(reference.child("Tp"))?;
                reference.text("Ref").map(|text| (kind, text))
            }
            None => None,
        };
        Ok(Self {
            documents: node.all("RfrdDocInf").map(ReferredDocument::read).collect::<Result<_, _>>()?,
            reference,
            additional: node.texts("AddtlRmtInf"),
        })
    }
}

impl Remittance {
    pub(super) fn node(&self) -> Node {
        Node::named("RmtInf")
            .leaves("Ustrd", &self.unstructured)
            .add_all(self.structured.iter().map(Structured::node))
    }

    pub(super) fn read(node: &Node) -> Result<Self, BadMessage> {
        Ok(Self {
            unstructured: node.texts("Ustrd"),
            structured: node.all("Strd").map(Structured::read).collect::<Result<_, _>>()?,
        })
    }
}

/// Who bears the charges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charges {
    /// The debtor.
    Debtor,
    /// The creditor.
    Creditor,
    /// Each its own.
    Shared,
    /// As the scheme says.
    Scheme,
}

impl Charges {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Debtor => "DEBT",
            Self::Creditor => "CRED",
            Self::Shared => "SHAR",
            Self::Scheme => "SLEV",
        }
    }

    pub(super) fn read(text: &str) -> Result<Self, BadMessage> {
        [Self::Debtor, Self::Creditor, Self::Shared, Self::Scheme]
            .into_iter()
            .find(|charges| charges.text() == text)
            .ok_or(BadMessage::structure("is no charge bearer").below("ChrgBr"))
    }
}

/// How a transfer between agents is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettlementMethod {
    /// By the agent that is instructed, in its books.
    Instructed,
    /// By the agent that instructs, in its books.
    Instructing,
    /// By a cover payment.
    Cover,
    /// Through a clearing system.
    Clearing,
}

/// How and over which account a transfer is settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// How.
    pub method: SettlementMethod,
    /// Over which account.
    pub account: Option<Account>,
}

impl SettlementMethod {
    const fn text(self) -> &'static str {
        match self {
            Self::Instructed => "INDA",
            Self::Instructing => "INGA",
            Self::Cover => "COVE",
            Self::Clearing => "CLRG",
        }
    }
}

impl Settlement {
    pub(super) fn node(&self) -> Node {
        Node::named("SttlmInf")
            .leaf("SttlmMtd", self.method.text())
            .add_some(self.account.as_ref().map(|account| account.node("SttlmAcct")))
    }

    pub(super) fn read(node: &Node) -> Result<Self, BadMessage> {
        let text = node.need_text("SttlmMtd")?;
        use SettlementMethod::{Clearing, Cover, Instructed, Instructing};
        let method = [Instructed, Instructing, Cover, Clearing]
            .into_iter()
            .find(|method| method.text() == text)
            .ok_or(BadMessage::structure("is no settlement method").below("SttlmMtd"))?;
        Ok(Self { method, account: node.child("SttlmAcct").map(Account::read).transpose()? })
    }
}

/// An amount as an element with its currency.
pub(super) fn money(name: &'static str, amount: &Amount) -> Result<Node, BadMessage> {
    let text = amount.text().map_err(|bad| bad.below(name))?;
    Ok(Node::named(name).attribute("Ccy", &amount.currency).holding(&text))
}

/// The amount of an element with a currency.
pub(super) fn read_money(node: &Node) -> Result<Amount, BadMessage> {
    let currency = node.attributes.iter().find(|(name, _)| name == "Ccy").map_or("", |(_, value)| value);
    Amount::read(&node.text, currency).map_err(|bad| bad.below(&node.name))
}

/// Compares the number and the sum that a header names with what follows it.
pub(super) fn counted(header: &Node, amounts: &[&Amount]) -> Result<(), BadMessage> {
    if header.text("NbOfTxs").is_some_and(|count| count.parse() != Ok(amounts.len())) {
        return Err(BadMessage::structure("is not the number of transactions").below("NbOfTxs"));
    }
    let (Some(control), Some(first)) = (header.text("CtrlSum"), amounts.first()) else { return Ok(()) };
    // The control sum is that of the figures; only where the currency is one does it mean money.
    match super::value::sum(amounts.iter().copied()) {
        Some(sum) if Amount::read(&control, &first.currency).ok().as_ref() != Some(&sum) => {
            Err(BadMessage::structure("is not the sum of the transactions").below("CtrlSum"))
        }
        _ => Ok(()),
    }
}
