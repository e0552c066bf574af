//! Asks a registry for what refers to a manifest:
//! <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers>.
//!
//! Surprising: many registries have no such list, and say so in many ways: 404 by the specification, but also 400, 405, 501, a
//! redirect to a page for people, or such a page itself. All of these mean "no list here", and the caller looks at the fallback tag.

use super::RegistryError;
use super::client::{Client, Request};
use crate::artifact::document::ManifestDocument;
use crate::descriptor::Descriptor;
use crate::document::MAX_MANIFEST;
use assay_model::Digest;
use reqwest::header::{HeaderMap, LINK};
use std::collections::HashSet;

/// Pages that are followed; registries give 50 to 1000 entries a page.
const MAX_PAGES: usize = 100;
/// Entries that are taken: whoever may push can attach thousands, and each is one more request for the reader.
pub(crate) const MAX_REFERRERS: usize = 2000;
/// Bytes of all pages.
const MAX_BYTES: u64 = 32 << 20;

/// What the registry lists.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    pub(crate) entries: Vec<Descriptor>,
    /// There are more than are taken.
    pub(crate) truncated: bool,
    /// Entries that cannot be understood.
    pub(crate) malformed: usize,
}

/// Lists what refers to `subject`, all types; `None` when the registry has no such list.
pub(crate) async fn list(client: &Client, subject: &Digest) -> Result<Option<Listed>, RegistryError> {
    let mut listed = Listed::default();
    let mut seen = HashSet::new();
    let path = format!("referrers/{subject}");
    let mut bytes = 0_u64;
    let mut next = None;
    for page in 0..MAX_PAGES {
        let request = Request {
            what: format!("what refers to `{subject}`"),
            path: path.clone(),
            address: next.take(),
            accept: Some("application/vnd.oci.image.index.v1+json".to_owned()),
            ..Request::default()
        };
        let (body, headers) = match client.document(&request, MAX_MANIFEST).await {
            Ok(answer) => answer,
            Err(error) if page == 0 && means_no_list(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(index) = ManifestDocument::parse(&body).ok().filter(ManifestDocument::is_index) else {
            if page == 0 {
                return Ok(None);
            }
            return Err(client.invalid(&request.what, "a further page is no index"));
        };
        bytes = bytes.saturating_add(u64::try_from(body.len()).unwrap_or(u64::MAX));
        listed.malformed = listed.malformed.saturating_add(index.malformed());
        for entry in index.manifests {
            if listed.entries.len() >= MAX_REFERRERS {
                listed.truncated = true;
                return Ok(Some(listed));
            }
            if seen.insert(entry.digest) {
                listed.entries.push(entry);
            }
        }
        let Some(link) = next_link(&headers) else { return Ok(Some(listed)) };
        if bytes > MAX_BYTES {
            break;
        }
        let address = client.follow(&path, &link, &request.what)?;
        // Only to the list itself: a link elsewhere would have us fetch, with credentials, whatever the registry likes.
        if !client.is_home(&address) || !address.path().ends_with(&format!("/{path}")) {
            return Err(client.invalid(&request.what, "its next page is elsewhere"));
        }
        next = Some(address);
    }
    listed.truncated = true;
    Ok(Some(listed))
}

fn means_no_list(error: &RegistryError) -> bool {
    matches!(
        error,
        RegistryError::Status { status: 400 | 404 | 405 | 406 | 410 | 501, .. }
            | RegistryError::Redirect { .. }
    )
}

/// Returns the address of the next page (RFC 8288): `<address>; rel="next"`.
pub(crate) fn next_link(headers: &HeaderMap) -> Option<String> {
    headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok()).find_map(next_page)
}

/// Reads the address of the next page out of a `Link` header.
pub fn next_page(text: &str) -> Option<String> {
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once('<') {
        let (address, behind) = behind.split_once('>')?;
        let parameters = behind.split(',').next().unwrap_or("");
        let is_next = parameters.split(';').any(|parameter| {
            let Some((name, value)) = parameter.split_once('=') else { return false };
            name.trim().eq_ignore_ascii_case("rel")
                && value.trim().trim_matches('"').split_ascii_whitespace().any(|word| word == "next")
        });
        if is_next {
            return Some(address.to_owned());
        }
        rest = behind;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::next_page;

    #[test]
    fn the_link_to_the_next_page_is_found() {
        let next = |text| next_page(text).unwrap_or_default();
        assert_eq!(next(r#"</v2/a/referrers/sha256:0?n=2>; rel="next""#), "/v2/a/referrers/sha256:0?n=2");
        assert_eq!(next("<x>; rel=next"), "x");
        assert_eq!(next(r#"<a>; rel="prev", <b,c>; title="t"; rel="last next""#), "b,c");
        assert_eq!(next(r#"<a>; rel="prev", <b>"#), "");
        assert_eq!(next("<a"), "");
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(128))]
        #[test]
        fn parsing_links_is_total(text in r#"[<>;=", a-zé]{0,40}"#) {
            let _ = next_page(&text);
        }
    }
}
