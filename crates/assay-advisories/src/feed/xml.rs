//! A bounded reader of XML feeds: the elements asked for, one at a time, each as a small tree.
//!
//! Entities other than XML's five and character references stand for nothing: no document type is read and nothing is
//! fetched, so neither external entities nor entities that grow can do harm. Name spaces are left out: prefixes are cut.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::io::{self, BufRead, BufReader, Read};

/// Bytes of a document; SUSE's OVAL of one release has about 400 MB.
const MAX_DOCUMENT: u64 = 4 * 1024 * 1024 * 1024;
/// Bytes of one tag or text; the longest real description has about 100 KB.
const MAX_EVENT: u64 = 4 * 1024 * 1024;
/// Bytes of text and attributes of one element; the largest erratum has about 2 MB.
const MAX_ELEMENT: usize = 64 * 1024 * 1024;
/// How deep elements nest; OVAL criteria reach about ten.
const MAX_DEPTH: usize = 64;

/// Why the rest of a document cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum XmlError {
    /// It is not XML, or ends early.
    #[error("the document is not well-formed")]
    Malformed(#[from] quick_xml::Error),
    /// Elements nest deeper than any real document's.
    #[error("elements nest deeper than `{MAX_DEPTH}`")]
    TooDeep,
    /// One element is larger than any real one.
    #[error("an element has more than `{MAX_ELEMENT}` bytes")]
    TooLarge,
    /// The end of the document is missing.
    #[error("the document ends within an element")]
    Truncated,
}

/// An element with all that is in it.
#[derive(Debug, Default, Clone)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    /// Returns an attribute, empty when there is none.
    pub(super) fn attribute(&self, name: &str) -> &str {
        self.attributes.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Returns the first child of this name.
    pub(super) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Returns the text of the first child of this name, empty when there is none.
    pub(super) fn child_text(&self, name: &str) -> &str {
        self.child(name).map_or("", |child| child.text.trim())
    }

    /// Returns the children of this name.
    pub(super) fn all<'a, 'n: 'a>(
        &'a self,
        name: &'n str,
    ) -> impl Iterator<Item = &'a Element> + use<'a, 'n> {
        self.children.iter().filter(move |child| child.name == name)
    }
}

/// Calls `visit` with each element whose name is in `wanted`, the outermost ones only.
///
/// # Errors
/// Fails at the first place that cannot be read; what came before has been visited.
pub(super) fn elements(
    file: impl Read,
    wanted: &[&str],
    visit: &mut dyn FnMut(Element),
) -> Result<(), XmlError> {
    let mut reader =
        Reader::from_reader(Guard { inner: BufReader::new(file.take(MAX_DOCUMENT)), left: MAX_EVENT });
    let mut buffer = Vec::new();
    // The elements being read; empty outside of wanted ones.
    let mut open: Vec<Element> = Vec::new();
    let mut outside = 0usize;
    let mut size = 0usize;
    loop {
        buffer.clear();
        reader.get_mut().left = MAX_EVENT;
        let event = reader.read_event_into(&mut buffer)?;
        match event {
            Event::Start(start) => {
                if open.is_empty() && !wanted.contains(&local(&start).as_str()) {
                    outside = outside.saturating_add(1);
                } else {
                    let element = element(&start, &mut size);
                    open.push(element);
                }
            }
            Event::Empty(start) => {
                if !open.is_empty() || wanted.contains(&local(&start).as_str()) {
                    let element = element(&start, &mut size);
                    close(element, &mut open, &mut size, visit);
                }
            }
            Event::End(_) => match open.pop() {
                Some(element) => close(element, &mut open, &mut size, visit),
                None => outside = outside.saturating_sub(1),
            },
            Event::Text(text) => append(&mut open, &mut size, &text.decode().unwrap_or_default()),
            Event::CData(text) => append(&mut open, &mut size, &text.decode().unwrap_or_default()),
            Event::GeneralRef(entity) => {
                let char = entity.resolve_char_ref().ok().flatten().or_else(|| predefined(&entity));
                append(
                    &mut open,
                    &mut size,
                    char.map(|char| char.encode_utf8(&mut [0; 4]).to_owned()).as_deref().unwrap_or(""),
                );
            }
            Event::Eof if open.is_empty() && outside == 0 => return Ok(()),
            Event::Eof => return Err(XmlError::Truncated),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
        if open.len().saturating_add(outside) > MAX_DEPTH {
            return Err(XmlError::TooDeep);
        }
        if size > MAX_ELEMENT {
            return Err(XmlError::TooLarge);
        }
    }
}

fn close(element: Element, open: &mut [Element], size: &mut usize, visit: &mut dyn FnMut(Element)) {
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None => {
            *size = 0;
            visit(element);
        }
    }
}

fn append(open: &mut [Element], size: &mut usize, text: &str) {
    if let Some(element) = open.last_mut() {
        *size = size.saturating_add(text.len());
        element.text.push_str(text);
    }
}

fn element(start: &BytesStart<'_>, size: &mut usize) -> Element {
    let mut element = Element { name: local(start), ..Element::default() };
    for attribute in start.attributes().with_checks(false).flatten() {
        let key = String::from_utf8_lossy(attribute.key.local_name().as_ref()).into_owned();
        let raw = String::from_utf8_lossy(&attribute.value);
        let value = quick_xml::escape::unescape(&raw)
            .map_or_else(|_| raw.clone().into_owned(), std::borrow::Cow::into_owned);
        *size = size.saturating_add(key.len()).saturating_add(value.len());
        element.attributes.push((key, value));
    }
    // An element without anything in it takes memory too.
    *size = size.saturating_add(std::mem::size_of::<Element>());
    element
}

fn local(start: &BytesStart<'_>) -> String {
    String::from_utf8_lossy(start.local_name().as_ref()).into_owned()
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

/// Stops a single tag or text from filling the memory.
struct Guard<R> {
    inner: R,
    left: u64,
}

impl<R: BufRead> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer)
    }
}

impl<R: BufRead> BufRead for Guard<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(io::Error::other(format!("a tag or text has more than `{MAX_EVENT}` bytes")));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.left = self.left.saturating_sub(u64::try_from(amount).unwrap_or(u64::MAX));
        self.inner.consume(amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(xml: &str) -> (Vec<String>, bool) {
        let mut seen = Vec::new();
        let result = elements(xml.as_bytes(), &["a"], &mut |element| {
            seen.push(format!("{} {:?} {}", element.attribute("k"), element.text, element.children.len()));
        });
        (seen, result.is_ok())
    }

    #[test]
    fn elements_are_read() {
        let xml = "<r><x:a k='1&amp;2'>t&lt;&#65;<a/><![CDATA[<]]></x:a><b/><a k='3'/></r>";
        assert_eq!(read(xml), (vec!["1&2 \"t<A<\" 1".to_owned(), "3 \"\" 0".to_owned()], true));
    }

    #[test]
    fn entities_and_depth_do_no_harm() {
        let bomb = "<!DOCTYPE r [<!ENTITY b 'bbbb'><!ENTITY c '&b;&b;'><!ENTITY e SYSTEM 'file:///etc/passwd'>]><r><a>&c;&e;</a></r>";
        assert_eq!(read(bomb), (vec![" \"\" 0".to_owned()], true));
        assert_eq!(read(&"<a>".repeat(100)), (vec![], false));
        assert_eq!(read("<r><a>1</a><a>2"), (vec![" \"1\" 0".to_owned()], false));
        let text = "x".repeat(5 * 1024 * 1024);
        assert!(!read(&format!("<a>{text}</a>")).1);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn reading_is_total(bytes: Vec<u8>, xml in "(<a( k='[&a]*')?>|</a>|&[a-z#]{0,3};|<!\\[|t){0,20}") {
            let _ = elements(bytes.as_slice(), &["a"], &mut |_| {});
            let _ = elements(xml.as_bytes(), &["a"], &mut |_| {});
        }
    }
}
