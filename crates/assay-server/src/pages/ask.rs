//! What somebody asks of a page: who it is, what stands in the address, and the addresses of what comes next.

use super::Pages;
use super::error::PageError;
use super::session::Visitor;
use super::table::Form;
use crate::http::App;
use crate::problem::Problem;
use assay_model::Digest;
use assay_store::{Moment, Store, View};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

/// Rows of a table on a page, and of the same table as CSV or JSON.
const ROWS: i64 = 50;
const EXPORTED_ROWS: i64 = 1000;

/// Characters that are read of a parameter. Nothing that is looked for is longer.
const MAX_TEXT: usize = 1000;

/// The deepest page of a list that is counted by pages.
const MAX_PAGE: i64 = 100_000;

/// A request for a page.
pub(super) struct Ask {
    pub(super) pages: Arc<Pages>,
    pub(super) visitor: Visitor,
    pub(super) now: Moment,
    path: String,
    names: HashMap<String, String>,
    query: BTreeMap<String, String>,
}

impl Ask {
    pub(super) fn new(
        pages: Arc<Pages>,
        visitor: Visitor,
        path: &str,
        names: HashMap<String, String>,
        query: HashMap<String, String>,
    ) -> Self {
        let now = (pages.app.clock)();
        let names = names.into_iter().map(|(name, text)| (name, clean(&text))).collect();
        let query = query.into_iter().map(|(name, text)| (name, clean(&text))).collect();
        Self { pages, visitor, now, path: path.to_owned(), names, query }
    }

    pub(super) fn app(&self) -> &App {
        &self.pages.app
    }

    /// Returns what is known, as who asks sees it.
    pub(super) fn seen(&self) -> View<'_> {
        self.app().seen_by(self.visitor.holder())
    }

    /// Returns all that is known, to who may see it.
    pub(super) fn whole(&self) -> Result<&Store, Problem> {
        self.app().whole(self.visitor.holder())
    }

    /// Returns what stands in the path.
    pub(super) fn name(&self, name: &str) -> &str {
        self.names.get(name).map_or("", String::as_str)
    }

    /// Returns the digest in the path.
    pub(super) fn digest(&self) -> Result<Digest, PageError> {
        digest(self.name("digest"))
    }

    /// Returns a parameter, if it says anything.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    /// Returns a parameter that is a number.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    /// Returns which page of a list is wanted, from 1.
    pub(super) fn page(&self, name: &str) -> i64 {
        self.number(name).unwrap_or(1).clamp(1, MAX_PAGE)
    }

    /// Returns how a table is wanted for programs, if it is.
    pub(super) fn form(&self) -> Option<Form> {
        self.text("format").and_then(Form::of)
    }

    /// Returns how many rows a table gets: more as a document than on a page.
    pub(super) fn rows(&self) -> i64 {
        if self.form().is_some() { EXPORTED_ROWS } else { ROWS }
    }

    /// Returns the address of this page without parameters.
    pub(super) fn here(&self) -> &str {
        &self.path
    }

    /// Returns the address of this page with other parameters; those without a value are left out.
    pub(super) fn address(&self, changes: &[(&str, Option<&str>)]) -> String {
        let mut query: BTreeMap<&str, &str> =
            self.query.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        for (name, value) in changes {
            match value {
                Some(value) => query.insert(name, value),
                None => query.remove(name),
            };
        }
        let mut address = self.path.clone();
        for (separator, (name, value)) in std::iter::once('?').chain(std::iter::repeat('&')).zip(query) {
            let _ = write!(address, "{separator}{}={}", encode(name), encode(value));
        }
        address
    }
}

/// Returns a digest from an address.
pub(super) fn digest(text: &str) -> Result<Digest, PageError> {
    text.parse()
        .map_err(|error: assay_model::digest::InvalidDigest| Problem::invalid(error.to_string()).into())
}

/// Returns what may be looked for: PostgreSQL takes no NUL, and nothing kept has other control characters.
fn clean(text: &str) -> String {
    text.chars().take(MAX_TEXT).map(|char| if char.is_control() { ' ' } else { char }).collect()
}

/// Returns a text as it stands in one segment or parameter of an address (RFC 3986, section 2.3).
pub fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':' | b'@') {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_an_address_leaves_its_place() {
        assert_eq!(encode("CVE-2026-1"), "CVE-2026-1");
        assert_eq!(encode("a/b?c=d&e#f\"<'>%ä"), "a%2Fb%3Fc%3Dd%26e%23f%22%3C%27%3E%25%C3%A4");
        assert_eq!(clean("a\0b\n"), "a b ");
    }
}
