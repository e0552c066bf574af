//! XML as a small tree, and back: what CycloneDX needs of it.
//!
//! Entities other than XML's five and character references stand for nothing: no document type is read and nothing is fetched.
//! Name spaces are cut off elements when reading; the one of the root is kept as its attribute `xmlns`.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::fmt::Write as _;

/// How deep elements nest; components within components reach about ten.
const MAX_DEPTH: usize = 64;

/// An element with all that is in it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

/// Why a document cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum XmlError {
    /// It is not XML, or ends early.
    #[error("it is not well-formed XML")]
    Malformed(#[from] quick_xml::Error),
    /// Elements nest deeper than any real document's.
    #[error("its elements nest deeper than {MAX_DEPTH}")]
    TooDeep,
    /// The end of the document is missing.
    #[error("it ends within an element")]
    Truncated,
}

impl Element {
    /// Returns an element without anything in it.
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Returns an element that holds a text.
    pub(crate) fn text(name: &str, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::new(name) }
    }

    /// Adds an attribute.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.attributes.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a child if there is one.
    pub(crate) fn push(&mut self, child: impl Into<Option<Element>>) {
        self.children.extend(child.into());
    }

    /// Adds a child with a text if there is one.
    pub(crate) fn push_text(&mut self, name: &str, text: Option<&str>) {
        self.children.extend(text.map(|text| Self::text(name, text)));
    }

    /// Adds a child that holds others, unless there are none.
    pub(crate) fn push_list(&mut self, name: &str, children: Vec<Element>) {
        if !children.is_empty() {
            self.children.push(Self { children, ..Self::new(name) });
        }
    }

    /// Returns an attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Returns the first child of this name.
    pub(crate) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Returns the text of the first child of this name.
    pub(crate) fn child_text(&self, name: &str) -> Option<String> {
        self.child(name).map(|child| child.text.clone())
    }

    /// Returns the children of this name within the first child `list`.
    pub(crate) fn list<'a>(
        &'a self,
        list: &str,
        name: &'a str,
    ) -> impl Iterator<Item = &'a Element> + use<'a> {
        let children = self.child(list).map(|list| list.children.as_slice()).unwrap_or_default();
        children.iter().filter(move |child| child.name == name)
    }
}

/// Reads a document and returns its root.
pub(crate) fn read(text: &str) -> Result<Element, XmlError> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    loop {
        match reader.read_event()? {
            Event::Start(start) => {
                if open.len() >= MAX_DEPTH {
                    return Err(XmlError::TooDeep);
                }
                open.push(element(&start));
            }
            Event::Empty(start) => {
                if let Some(root) = close(element(&start), &mut open) {
                    return Ok(root);
                }
            }
            Event::End(_) => {
                if let Some(root) = open.pop().and_then(|element| close(element, &mut open)) {
                    return Ok(root);
                }
            }
            Event::Text(text) => append(&mut open, &text.decode().unwrap_or_default()),
            Event::CData(text) => append(&mut open, &text.decode().unwrap_or_default()),
            Event::GeneralRef(entity) => {
                let char = entity.resolve_char_ref().ok().flatten().or_else(|| predefined(&entity));
                if let Some(char) = char {
                    append(&mut open, char.encode_utf8(&mut [0; 4]));
                }
            }
            Event::Eof => return Err(XmlError::Truncated),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

fn close(mut element: Element, open: &mut [Element]) -> Option<Element> {
    // Between child elements there is only indentation.
    if !element.children.is_empty() {
        element.text.clear();
    }
    match open.last_mut() {
        Some(parent) => {
            parent.children.push(element);
            None
        }
        None => Some(element),
    }
}

fn append(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn element(start: &BytesStart<'_>) -> Element {
    let local = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    let mut element = Element::new(local(start.local_name().as_ref()));
    for attribute in start.attributes().with_checks(false).flatten() {
        let raw = String::from_utf8_lossy(&attribute.value);
        let value = quick_xml::escape::unescape(&raw)
            .map_or_else(|_| raw.clone().into_owned(), std::borrow::Cow::into_owned);
        element.attributes.push((local(attribute.key.as_ref()), value));
    }
    element
}

fn predefined(name: &[u8]) -> Option<char> {
    Some(match name {
        b"lt" => '<',
        b"gt" => '>',
        b"amp" => '&',
        b"apos" => '\'',
        b"quot" => '"',
        _ => return None,
    })
}

/// Returns a document with this root.
pub(crate) fn write(root: &Element) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    write_element(root, 0, &mut out);
    out
}

fn write_element(element: &Element, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    let _ = write!(out, "{indent}<{}", element.name);
    for (name, value) in &element.attributes {
        let _ = write!(out, " {name}=\"");
        escape(value, out);
        out.push('"');
    }
    if element.children.is_empty() && element.text.is_empty() {
        out.push_str("/>\n");
        return;
    }
    out.push('>');
    if element.children.is_empty() {
        escape(&element.text, out);
    } else {
        out.push('\n');
        for child in &element.children {
            write_element(child, depth + 1, out);
        }
        out.push_str(&indent);
    }
    let _ = writeln!(out, "</{}>", element.name);
}

/// Writes text so that it is read back unchanged. Characters that XML 1.0 cannot hold become U+FFFD.
fn escape(text: &str, out: &mut String) {
    for char in text.chars() {
        match char {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            // A parser turns line ends into one form, and in attributes into spaces.
            '\n' | '\r' | '\t' => {
                let _ = write!(out, "&#{};", u32::from(char));
            }
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(char),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn entities_and_depth_do_no_harm() {
        let bomb = "<!DOCTYPE r [<!ENTITY b 'bbbb'><!ENTITY e SYSTEM 'file:///etc/passwd'>]><r><a>&b;&e;x&#65;</a></r>";
        assert_eq!(read(bomb).unwrap().children[0].text, "xA");
        assert!(matches!(read(&"<a>".repeat(100)), Err(XmlError::TooDeep)));
        assert!(matches!(read("<a><b>"), Err(XmlError::Truncated)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]
        #[test]
        fn what_is_written_is_read(text in "[ -~\n\t\réß]{0,20}", attribute in "[ -~\n\t\ré]{0,20}") {
            let mut root = Element::new("r").with("k", attribute);
            root.push(Element::text("c", text));
            root.push(Element::new("d"));
            prop_assert_eq!(read(&write(&root)).unwrap(), root);
        }

        #[test]
        fn reading_is_total(xml in "(<a( k='[&a]*')?>|</a>|&[a-z#]{0,3};|<!\\[|t|<b/>){0,20}") {
            let _ = read(&xml);
        }
    }
}
