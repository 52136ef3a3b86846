//! The business application header, head.001.001.04.

use jiff::Timestamp;

use super::BadMessage;
use super::part::Agent;
use super::xml::Node;

/// From whom, to whom, what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The sender.
    pub from: Agent,
    /// The receiver.
    pub to: Agent,
    /// The sender's name for this message: the same when it is sent again. At most 35 characters.
    pub id: String,
    /// When it was made.
    pub created: Timestamp,
    /// Whether it may have been sent before; not said by most.
    pub possible_duplicate: Option<bool>,
}

impl Header {
    pub(super) fn node(&self, definition: &str) -> Node {
        let party = |name, agent: &Agent| Node::named(name).add(agent.node("FIId"));
        Node::named("AppHdr")
            .add(party("Fr", &self.from))
            .add(party("To", &self.to))
            .leaf("BizMsgIdr", &self.id)
            .leaf("MsgDefIdr", definition)
            .leaf("CreDt", self.created)
            .maybe("PssblDplct", self.possible_duplicate)
    }

    /// The header, and the definition that it names.
    pub(super) fn read(node: &Node) -> Result<(Self, String), BadMessage> {
        let party = |name| {
            let institution = node.need(name)?.child("FIId");
            institution.map(Agent::read).ok_or(BadMessage::structure("is no institution").below(name))
        };
        let header = Self {
            from: party("Fr")?,
            to: party("To")?,
            id: node.need_text("BizMsgIdr")?,
            created: node.need_time("CreDt")?,
            possible_duplicate: node.truth("PssblDplct"),
        };
        Ok((header, node.need_text("MsgDefIdr")?))
    }
}
