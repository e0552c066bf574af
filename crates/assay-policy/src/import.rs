//! Other tools' policies as one of ours, as far as that goes; what has no counterpart is listed, never dropped in silence.

use crate::tree::{self, Node, Problem};
use crate::yaml::{Out, write};
use std::collections::BTreeMap;

mod cluster_image_policy;
mod kyverno;
mod notation;
mod trivy_ignore;

/// What an import came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// What it was, in words.
    pub what: &'static str,
    /// The policy.
    pub text: String,
    /// What could not be taken over, and what was made stricter.
    pub notes: Vec<String>,
}

/// Why nothing could be imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// It is no YAML or JSON.
    #[error("it cannot be read: {0}")]
    Syntax(Problem),
    /// It is something else.
    #[error(
        "it is none of .trivyignore, .trivyignore.yaml, a ClusterPolicy or ImageValidatingPolicy of Kyverno, a ClusterImagePolicy of Sigstore, or a trust policy of Notation"
    )]
    Unknown,
}

impl std::error::Error for Problem {}

/// Reads a policy of another tool; `name` is the file's, which tells `.trivyignore`.
///
/// # Errors
/// Fails when it is none that is known.
pub fn import(name: &str, text: &str) -> Result<Imported, ImportError> {
    let mut draft = Draft::default();
    let file = name.rsplit('/').next().unwrap_or(name);
    let is_yaml = [".yaml", ".yml", ".json"].iter().any(|suffix| file.ends_with(suffix));
    if !is_yaml && (file.contains("trivyignore") || trivy_ignore::looks_like(text)) {
        trivy_ignore::lines(text, &mut draft);
        return Ok(draft.finish(".trivyignore"));
    }
    let documents = tree::documents(text).map_err(ImportError::Syntax)?;
    let mut what = None;
    for document in &documents {
        let kind = document.text_at(&["kind"]).unwrap_or_default();
        let group = document.text_at(&["apiVersion"]).unwrap_or_default();
        let known = match kind.as_str() {
            "ClusterPolicy" | "Policy" if group.starts_with("kyverno.io/") => {
                kyverno::cluster_policy(document, &mut draft);
                "Kyverno ClusterPolicy"
            }
            "ImageValidatingPolicy" | "NamespacedImageValidatingPolicy" => {
                kyverno::image_validating_policy(document, &mut draft);
                "Kyverno ImageValidatingPolicy"
            }
            "ClusterImagePolicy" => {
                cluster_image_policy::read(document, &mut draft);
                "Sigstore ClusterImagePolicy"
            }
            _ if document.get("trustPolicies").is_some() => {
                notation::read(document, &mut draft);
                "Notation trust policy"
            }
            _ if trivy_ignore::SECTIONS.iter().any(|(section, _)| document.get(section).is_some()) => {
                trivy_ignore::document(document, &mut draft);
                ".trivyignore.yaml"
            }
            "" => {
                draft.note("a document that is no policy was left out".to_owned());
                continue;
            }
            other => {
                draft.note(format!("a document of the kind `{other}` was left out"));
                continue;
            }
        };
        what = what.or(Some(known));
    }
    what.map(|what| draft.finish(what)).ok_or(ImportError::Unknown)
}

/// A policy that is being put together.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    trust: Vec<(String, Out)>,
    rules: Vec<Out>,
    exceptions: Vec<Out>,
    notes: Vec<String>,
    names: BTreeMap<String, u32>,
}

impl Draft {
    fn note(&mut self, note: String) {
        const MAX_NOTES: usize = 500;
        if self.notes.len() < MAX_NOTES && !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Returns a name that is not taken yet.
    fn name(&mut self, wanted: &str) -> String {
        let clean: String = wanted
            .chars()
            .map(|letter| if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '-' })
            .take(80)
            .collect();
        let clean = if clean.is_empty() { "imported".to_owned() } else { clean };
        let count = self.names.entry(clean.clone()).or_insert(0);
        *count = count.saturating_add(1);
        let count = *count;
        if count == 1 { clean } else { self.name(&format!("{clean}-{count}")) }
    }

    /// Adds a trust root, and returns its name.
    fn trust(&mut self, wanted: &str, kind: &str, root: Out) -> String {
        let one = Out::map([(kind, root)]);
        if let Some((name, _)) = self.trust.iter().find(|(_, other)| *other == one) {
            return name.clone();
        }
        let name = self.name(wanted);
        self.trust.push((name.clone(), one));
        name
    }

    /// Adds a rule for some images.
    fn rule(&mut self, wanted: &str, kind: &str, params: Out, images: &[String], effect: &str) {
        let id = self.name(wanted);
        let mut entries = vec![("id".to_owned(), Out::text(id)), (kind.to_owned(), params)];
        if effect != "deny" {
            entries.push(("effect".to_owned(), Out::text(effect)));
        }
        if !images.is_empty() {
            entries.push(("match".to_owned(), Out::map([("images", Out::texts(images.iter().cloned()))])));
        }
        self.rules.push(Out::Map(entries));
    }

    fn finish(self, what: &'static str) -> Imported {
        let mut policy = vec![
            ("apiVersion".to_owned(), Out::text(crate::policy::API_VERSION)),
            ("kind".to_owned(), Out::text("ImagePolicy")),
            ("metadata".to_owned(), Out::map([("name", Out::text("imported"))])),
        ];
        if !self.trust.is_empty() {
            policy.push(("trust".to_owned(), Out::Map(self.trust)));
        }
        policy.push(("rules".to_owned(), Out::List(self.rules)));
        policy.push(("exceptions".to_owned(), Out::List(self.exceptions)));
        Imported { what, text: write(&Out::Map(policy)), notes: self.notes }
    }
}

/// Returns a trust root of keys in PEM or by reference; `None` when there is none.
fn keys(text: &str) -> Option<Out> {
    let mut keys = Vec::new();
    let mut rest = text;
    // Several keys may stand one after the other.
    while let Some(start) = rest.find("-----BEGIN") {
        let block = rest.get(start..)?;
        let end = block.find("-----END").and_then(|end| {
            let tail = block.get(end + 8..)?;
            Some(end + 8 + tail.find("-----")? + 5)
        })?;
        keys.push(Out::map([("pem", Out::text(format!("{}\n", block.get(..end)?)))]));
        rest = block.get(end..)?;
    }
    if keys.is_empty() && text.contains("://") {
        keys.push(Out::map([("ref", Out::text(text.trim()))]));
    }
    (!keys.is_empty()).then_some(Out::List(keys))
}

/// Returns a keyless identity; `None` when issuer or subject is missing, which would let anybody sign.
fn keyless(node: &Node) -> Option<Out> {
    let part = |plain: &str, regular: [&str; 2]| {
        let regular = regular.iter().find_map(|key| node.text_at(&[key])).filter(|text| !text.is_empty());
        match (node.text_at(&[plain]).filter(|text| !text.is_empty()), regular) {
            (_, Some(expression)) => Some((format!("{plain}RegExp"), Out::text(expression))),
            (Some(text), None) => Some((plain.to_owned(), Out::text(text))),
            (None, None) => None,
        }
    };
    let issuer = part("issuer", ["issuerRegExp", "issuerRegexp"])?;
    let subject = part("subject", ["subjectRegExp", "subjectRegexp"])?;
    Some(Out::Map(vec![issuer, subject]))
}

#[cfg(test)]
mod tests;
