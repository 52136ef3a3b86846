//! camt.054: what was booked just now.

use jiff::Timestamp;

use super::BadMessage;
use super::entry::Entry;
use super::part::Account;
use super::xml::Node;

/// Notifications about accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The message's name.
    pub id: String,
    /// When it was made.
    pub created: Timestamp,
    /// The notifications.
    pub notifications: Vec<Notification>,
}

/// What was booked on one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Its name.
    pub id: String,
    /// Which account.
    pub account: Account,
    /// The entries.
    pub entries: Vec<Entry>,
}

impl Advice {
    pub(super) fn node(&self) -> Result<Node, BadMessage> {
        let header = Node::named("GrpHdr").leaf("MsgId", &self.id).leaf("CreDtTm", self.created);
        let notification = |notification: &Notification| {
            let entries: Vec<Node> =
                notification.entries.iter().map(Entry::node).collect::<Result<_, _>>()?;
            Ok::<_, BadMessage>(
                Node::named("Ntfctn")
                    .leaf("Id", &notification.id)
                    .add(notification.account.node("Acct"))
                    .add_all(entries),
            )
        };
        let notifications: Vec<Node> =
            self.notifications.iter().map(notification).collect::<Result<_, _>>()?;
        Ok(Node::named("BkToCstmrDbtCdtNtfctn").add(header).add_all(notifications))
    }

    pub(super) fn read(node: &Node) -> Result<Self, BadMessage> {
        let header = node.need("GrpHdr")?;
        let notification = |node: &Node| {
            Ok::<_, BadMessage>(Notification {
                id: node.need_text("Id")?,
                account: Account::read(node.need("Acct")?)?,
                entries: node.all("Ntry").map(Entry::read).collect::<Result<_, _>>()?,
            })
        };
        Ok(Self {
            id: header.need_text("MsgId")?,
            created: header.need_time("CreDtTm")?,
            notifications: node.all("Ntfctn").map(notification).collect::<Result<_, _>>()?,
        })
    }
}
