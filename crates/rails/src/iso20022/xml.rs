//! Bytes to a bounded tree of elements, and back.
//!
//! Messages are data, so of XML only what carries data is read: elements, attributes, text, the five
//! named entities and character references. A document type, a processing instruction, a comment, a
//! CDATA section or another entity is refused: none of them belongs into a message, and document
//! types and entities are how a reader is made to fetch or to grow. Nothing is ever fetched.

use std::fmt::Display;

use jiff::Timestamp;
use jiff::civil::Date;
use quick_xml::events::{BytesDecl, BytesEnd, BytesRef, BytesStart, BytesText, Event};
use quick_xml::{Reader, Writer};

use super::BadMessage;
use super::form::{boolean, date, date_time};

/// The most bytes of a message.
pub const MAX_BYTES: usize = 1024 * 1024;
/// The most elements within each other.
pub const MAX_DEPTH: usize = 32;
/// The most elements of a message.
pub const MAX_ELEMENTS: usize = 50_000;
/// The most bytes of one element's text.
pub const MAX_TEXT: usize = 32 * 1024;
/// The most attributes of an element, namespaces included.
pub const MAX_ATTRIBUTES: usize = 16;

/// Attributes of this namespace tell a validator where schemas are; they are read past.
const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// What the prefix `xml` always stands for.
const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// An element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Node>,
    /// Empty where there are children, and where it is white space only.
    pub(crate) text: String,
}

/// Making elements.
impl Node {
    pub(crate) fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Puts the element, and what in it has no namespace yet, into one.
    pub(crate) fn within(mut self, namespace: &str) -> Self {
        if self.namespace.is_empty() {
            namespace.clone_into(&mut self.namespace);
        }
        self.children = self.children.into_iter().map(|child| child.within(namespace)).collect();
        self
    }

    pub(crate) fn attribute(mut self, name: &str, value: &str) -> Self {
        self.attributes.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn holding(mut self, text: &str) -> Self {
        text.clone_into(&mut self.text);
        self
    }

    pub(crate) fn add(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    pub(crate) fn add_some(mut self, child: Option<Self>) -> Self {
        self.children.extend(child);
        self
    }

    pub(crate) fn add_all(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// Adds `holder`, of this element's namespace, with `child`, of another.
    pub(crate) fn add_within(self, holder: Self, child: Self) -> Self {
        let holder = holder.within(&self.namespace).add(child);
        self.add(holder)
    }

    pub(crate) fn leaf(self, name: &str, text: impl Display) -> Self {
        self.add(Self::named(name).holding(&text.to_string()))
    }

    pub(crate) fn maybe(self, name: &str, text: Option<impl Display>) -> Self {
        match text {
            Some(text) => self.leaf(name, text),
            None => self,
        }
    }

    pub(crate) fn leaves(self, name: &str, texts: &[String]) -> Self {
        texts.iter().fold(self, |node, text| node.leaf(name, text))
    }
}

/// Looking into elements.
impl Node {
    pub(crate) fn is(&self, name: &str, namespace: &str) -> bool {
        self.name == name && self.namespace == namespace
    }

    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    pub(crate) fn need(&self, name: &str) -> Result<&Self, BadMessage> {
        self.child(name).ok_or_else(|| BadMessage::structure("is missing").below(name).below(&self.name))
    }

    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.child(name).map(|child| child.text.clone())
    }

    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        self.all(name).map(|child| child.text.clone()).collect()
    }

    pub(crate) fn need_text(&self, name: &str) -> Result<String, BadMessage> {
        self.need(name).map(|child| child.text.clone())
    }

    pub(crate) fn truth(&self, name: &str) -> Option<bool> {
        self.child(name).and_then(|child| boolean(&child.text))
    }

    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>, BadMessage> {
        self.child(name).map(|_| self.need_time(name)).transpose()
    }

    pub(crate) fn need_time(&self, name: &str) -> Result<Timestamp, BadMessage> {
        let bad = || BadMessage::structure("is no time with an offset").below(name).below(&self.name);
        date_time(&self.need(name)?.text).ok_or_else(bad)
    }

    pub(crate) fn date(&self, name: &str) -> Result<Option<Date>, BadMessage> {
        self.child(name).map(|_| self.need_date(name)).transpose()
    }

    pub(crate) fn need_date(&self, name: &str) -> Result<Date, BadMessage> {
        let bad = || BadMessage::structure("is no day").below(name).below(&self.name);
        date(&self.need(name)?.text).ok_or_else(bad)
    }
}

/// Reads one element and all that is in it.
pub(crate) fn read(bytes: &[u8]) -> Result<Node, BadMessage> {
    if bytes.len() > MAX_BYTES {
        return Err(BadMessage::Limit("MAX_BYTES"));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| BadMessage::Xml("it is not UTF-8"))?;
    if text.chars().any(|c| !is_allowed(c)) {
        return Err(BadMessage::Xml("a character that XML does not have"));
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut tree = Tree::default();
    for turn in 0.. {
        match reader.read_event().map_err(|_| BadMessage::Xml("it is not well formed"))? {
            Event::Start(start) => tree.open(&start)?,
            Event::End(_) => tree.close()?,
            Event::Text(text) => tree.text(&text)?,
            Event::GeneralRef(reference) => tree.text(&referred(&reference)?.to_string())?,
            Event::Decl(declaration) if turn == 0 => declared(&declaration)?,
            Event::Eof => break,
            Event::DocType(_) => return Err(BadMessage::Xml("a document type")),
            Event::PI(_) | Event::Decl(_) => return Err(BadMessage::Xml("a processing instruction")),
            Event::Comment(_) => return Err(BadMessage::Xml("a comment")),
            Event::CData(_) => return Err(BadMessage::Xml("a CDATA section")),
            Event::Empty(_) => return Err(BadMessage::Xml("it is not well formed")),
        }
    }
    tree.end()
}

/// What XML 1.0 allows in a document.
fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

/// `version="1.0" encoding="UTF-8"`
fn declared(declaration: &str) -> Result<(), BadMessage> {
    let said = declaration.to_ascii_lowercase().replace(['"', '\'', ' '], "");
    if !said.contains("version=1.0") {
        return Err(BadMessage::Xml("its version is not 1.0"));
    }
    if said.contains("encoding=") && !said.contains("encoding=utf-8") {
        return Err(BadMessage::Xml("it is not UTF-8"));
    }
    Ok(())
}

/// The character that `&name;` or `&#number;` stands for.
fn referred(reference: &BytesRef<'_>) -> Result<char, BadMessage> {
    let name: &str = reference;
    let number = match name.strip_prefix("#x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => name.strip_prefix('#').and_then(|digits| digits.parse().ok()),
    };
    let c = match (name, number) {
        ("lt", _) => Some('<'),
        ("gt", _) => Some('>'),
        ("amp", _) => Some('&'),
        ("apos", _) => Some('\''),
        ("quot", _) => Some('"'),
        (_, number) => number.and_then(char::from_u32),
    };
    c.filter(|c| is_allowed(*c)).ok_or(BadMessage::Xml("an entity that is not XML's own"))
}

/// The tree while it grows.
#[derive(Default)]
struct Tree {
    open: Vec<(Node, Vec<(String, String)>)>,
    elements: usize,
    root: Option<Node>,
}

impl Tree {
    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), BadMessage> {
        self.elements += 1;
        match () {
            () if self.open.len() >= MAX_DEPTH => return Err(BadMessage::Limit("MAX_DEPTH")),
            () if self.elements > MAX_ELEMENTS => return Err(BadMessage::Limit("MAX_ELEMENTS")),
            () if self.root.is_some() => return Err(BadMessage::Xml("more than one root")),
            () => {}
        }
        let (mut spaces, mut others) = (Vec::new(), Vec::new());
        for (at, attribute) in start.attributes().enumerate() {
            let attribute = attribute.map_err(|_| BadMessage::Xml("it is not well formed"))?;
            if at >= MAX_ATTRIBUTES {
                return Err(BadMessage::Limit("MAX_ATTRIBUTES"));
            }
            let (name, value): (&str, &str) = (attribute.key.as_ref(), &attribute.value);
            if value.contains(['&', '<']) || value.len() > MAX_TEXT {
                return Err(BadMessage::Xml("an entity in an attribute"));
            }
            match name.strip_prefix("xmlns:") {
                _ if name == "xmlns" => spaces.push((String::new(), value.to_owned())),
                Some(prefix) => spaces.push((prefix.to_owned(), value.to_owned())),
                None => others.push((name.to_owned(), value.to_owned())),
            }
        }
        self.open.push((Node::default(), spaces));
        let name = start.name();
        let (namespace, local) = self.resolve(name.as_ref(), true)?;
        let mut attributes = Vec::new();
        for (name, value) in others {
            let (namespace, local) = self.resolve(&name, false)?;
            match namespace.as_str() {
                SCHEMA_INSTANCE => {}
                "" => attributes.push((local, value)),
                _ => return Err(BadMessage::structure("has an attribute that is not published")),
            }
        }
        if let Some((node, _)) = self.open.last_mut() {
            *node = Node { name: local, namespace, attributes, ..Node::default() };
        }
        Ok(())
    }

    /// The namespace and the local part of a name. Attributes without a prefix have no namespace.
    fn resolve(&self, name: &str, element: bool) -> Result<(String, String), BadMessage> {
        let (prefix, local) = match name.split_once(':') {
            Some((prefix, local)) if !prefix.is_empty() && !local.contains(':') => (prefix, local),
            Some(_) => return Err(BadMessage::Xml("a name with more than one colon")),
            None => ("", name),
        };
        if local.is_empty() {
            return Err(BadMessage::Xml("an element without a name"));
        }
        let mut known = self.open.iter().rev().flat_map(|(_, spaces)| spaces);
        let namespace = match (prefix, known.find(|(known, _)| known == prefix)) {
            ("xml", _) => XML.to_owned(),
            ("", _) if !element => String::new(),
            (_, Some((_, namespace))) => namespace.clone(),
            ("", None) => String::new(),
            (_, None) => return Err(BadMessage::Xml("a prefix without a namespace")),
        };
        Ok((namespace, local.to_owned()))
    }

    fn text(&mut self, text: &str) -> Result<(), BadMessage> {
        match self.open.last_mut() {
            None if is_blank(text) => Ok(()),
            None => Err(BadMessage::Xml("text outside the root")),
            Some((node, _)) if node.text.len() + text.len() > MAX_TEXT => Err(BadMessage::Limit("MAX_TEXT")),
            Some((node, _)) => {
                node.text.push_str(text);
                Ok(())
            }
        }
    }

    fn close(&mut self) -> Result<(), BadMessage> {
        let (mut node, _) = self.open.pop().ok_or(BadMessage::Xml("it is not well formed"))?;
        if is_blank(&node.text) {
            node.text.clear();
        } else if !node.children.is_empty() {
            return Err(BadMessage::structure("holds text beside elements").below(&node.name));
        }
        match self.open.last_mut() {
            Some((parent, _)) => parent.children.push(node),
            None => self.root = Some(node),
        }
        Ok(())
    }

    fn end(self) -> Result<Node, BadMessage> {
        if self.open.is_empty() {
            self.root.ok_or(BadMessage::Xml("there is no element"))
        } else {
            Err(BadMessage::Xml("it ends too early"))
        }
    }
}

fn is_blank(text: &str) -> bool {
    text.chars().all(|c| matches!(c, ' ' | '\t' | '\r' | '\n'))
}

/// Writes an element as a document.
pub(crate) fn write(root: &Node) -> Result<Vec<u8>, BadMessage> {
    let mut writer = Writer::new(Vec::new());
    let failed = |_| BadMessage::Xml("it cannot be written");
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None))).map_err(failed)?;
    write_node(&mut writer, root, "").map_err(failed)?;
    let bytes = writer.into_inner();
    if bytes.len() > MAX_BYTES { Err(BadMessage::Limit("MAX_BYTES")) } else { Ok(bytes) }
}

fn write_node(writer: &mut Writer<Vec<u8>>, node: &Node, around: &str) -> std::io::Result<()> {
    let mut start = BytesStart::new(node.name.as_str());
    if node.namespace != around {
        start.push_attribute(("xmlns", node.namespace.as_str()));
    }
    for (name, value) in &node.attributes {
        start.push_attribute((name.as_str(), value.as_str()));
    }
    writer.write_event(Event::Start(start))?;
    writer.write_event(Event::Text(BytesText::new(&node.text)))?;
    for child in &node.children {
        write_node(writer, child, &node.namespace)?;
    }
    writer.write_event(Event::End(BytesEnd::new(node.name.as_str())))
}
