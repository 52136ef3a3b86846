//! The published structure of the messages, as tables, and the check of a tree against them.
//!
//! Written down from the message definition reports: names, order, how often, code sets, lengths and
//! patterns. An element that is published and that we make no use of is [`Content::Unused`]: it may
//! stand in its place and is read past, and it is never written. An element that is not published
//! there is refused. So a message that we accept is one that the definition allows.

mod camt;
mod envelope;
mod pacs;
mod pain;
mod parts;

pub(crate) use camt::{BANK_TO_CUSTOMER_NOTIFICATION, BANK_TO_CUSTOMER_STATEMENT};
pub(crate) use envelope::{APPLICATION_HEADER, BUSINESS_ENVELOPE};
pub(crate) use pacs::{CREDIT_TRANSFER, PAYMENT_RETURN, STATUS_REPORT, STATUS_REQUEST};
pub(crate) use pain::INITIATION;

use super::BadMessage;
use super::form::{Form, is_amount, is_currency};
use super::xml::Node;

/// No bound on how often.
pub(crate) const MANY: usize = usize::MAX;

/// What an element holds.
pub(crate) enum Content {
    /// Text of a form.
    Text(Form),
    /// A decimal with the attribute `Ccy`.
    Amount,
    /// These elements in this order.
    Sequence(&'static [Part]),
    /// Exactly one of these.
    Choice(&'static [Part]),
    /// Published, and of no use to us: read past, never written.
    Unused,
    /// Elements of another namespace: supplementary data.
    Foreign,
}

/// An element of a sequence or a choice.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) least: usize,
    pub(crate) most: usize,
    pub(crate) content: &'static Content,
}

/// Once.
pub(crate) const fn one(name: &'static str, content: &'static Content) -> Part {
    Part { name, least: 1, most: 1, content }
}

/// Once or not at all.
pub(crate) const fn maybe(name: &'static str, content: &'static Content) -> Part {
    Part { name, least: 0, most: 1, content }
}

/// Any number of times.
pub(crate) const fn any(name: &'static str, content: &'static Content) -> Part {
    Part { name, least: 0, most: MANY, content }
}

/// At least once.
pub(crate) const fn some(name: &'static str, content: &'static Content) -> Part {
    Part { name, least: 1, most: MANY, content }
}

/// So many times at most.
pub(crate) const fn up_to(most: usize, name: &'static str, content: &'static Content) -> Part {
    Part { name, least: 0, most, content }
}

/// Published once or not at all, and not used.
pub(crate) const fn unused(name: &'static str) -> Part {
    Part { name, least: 0, most: 1, content: &Content::Unused }
}

/// Published any number of times, and not used.
pub(crate) const fn unused_many(name: &'static str) -> Part {
    Part { name, least: 0, most: MANY, content: &Content::Unused }
}

/// Whether `node` is what `content` says, in `namespace`.
pub(crate) fn check(node: &Node, content: &Content, namespace: &str) -> Result<(), BadMessage> {
    let result = match content {
        Content::Unused | Content::Foreign => return Ok(()),
        Content::Text(form) => text(node, form),
        Content::Amount => amount(node),
        Content::Sequence(parts) => sequence(node, parts, namespace),
        Content::Choice(parts) => choice(node, parts, namespace),
    };
    result.map_err(|bad| bad.below(&node.name))
}

fn text(node: &Node, form: &Form) -> Result<(), BadMessage> {
    if !node.attributes.is_empty() {
        return Err(BadMessage::structure("has an attribute that is not published"));
    }
    if !node.children.is_empty() {
        return Err(BadMessage::structure("holds elements instead of text"));
    }
    if form.fits(&node.text) {
        Ok(())
    } else {
        Err(BadMessage::structure("does not have the published form"))
    }
}

fn amount(node: &Node) -> Result<(), BadMessage> {
    match node.attributes.as_slice() {
        [(name, currency)]
            if name == "Ccy"
                && is_currency(currency)
                && is_amount(&node.text)
                && node.children.is_empty() =>
        {
            Ok(())
        }
        _ => Err(BadMessage::structure("is no amount with a currency")),
    }
}

fn holds_elements(node: &Node) -> Result<(), BadMessage> {
    if !node.attributes.is_empty() {
        return Err(BadMessage::structure("has an attribute that is not published"));
    }
    if node.text.is_empty() { Ok(()) } else { Err(BadMessage::structure("holds text instead of elements")) }
}

fn sequence(node: &Node, parts: &[Part], namespace: &str) -> Result<(), BadMessage> {
    holds_elements(node)?;
    let mut children = node.children.iter().peekable();
    for part in parts {
        let mut times = 0;
        while let Some(child) = children.next_if(|child| child.is(part.name, namespace)) {
            times += 1;
            if times > part.most {
                return Err(BadMessage::structure("stands too often").below(part.name));
            }
            check(child, part.content, namespace)?;
        }
        if times < part.least {
            return Err(BadMessage::structure("is missing").below(part.name));
        }
    }
    match children.next() {
        None => Ok(()),
        Some(child) => {
            Err(BadMessage::structure("is not published here, or not in this place").below(&child.name))
        }
    }
}

fn choice(node: &Node, parts: &[Part], namespace: &str) -> Result<(), BadMessage> {
    holds_elements(node)?;
    let [child] = node.children.as_slice() else {
        return Err(BadMessage::structure("must hold exactly one element"));
    };
    match parts.iter().find(|part| child.is(part.name, namespace)) {
        Some(part) => check(child, part.content, namespace),
        None => Err(BadMessage::structure("is not published here").below(&child.name)),
    }
}
