//! Other tools' policies as one of ours, as far as that goes; what has no counterpart is listed, never dropped in silence.

use crate::predicate;
use crate::tree::{self, Node, Problem};
use crate::yaml::{Out, write};
use std::collections::BTreeMap;

mod cluster_image_policy;
mod image_validating_policy;
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
        "it is none of .trivyignore, .trivyignore.yaml, a module in Rego, a ClusterPolicy or ImageValidatingPolicy of Kyverno, a ClusterImagePolicy of Sigstore, or a trust policy of Notation"
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
    if file.ends_with(".rego") {
        draft.rules.push(rego(text));
        draft.note(
            "the module sees what `docs/manual/policy.md` lists, not what it was written for".to_owned(),
        );
        return Ok(draft.finish("Rego module"));
    }
    let documents = tree::documents(text).map_err(ImportError::Syntax)?;
    let mut what = None;
    for document in &documents {
        let kind = document.written_at(&["kind"]).unwrap_or_default();
        let group = document.written_at(&["apiVersion"]).unwrap_or_default();
        let known = match kind.as_str() {
            "ClusterPolicy" | "Policy" if group.starts_with("kyverno.io/") => {
                kyverno::cluster_policy(document, &mut draft);
                "Kyverno ClusterPolicy"
            }
            "ImageValidatingPolicy" | "NamespacedImageValidatingPolicy" => {
                image_validating_policy::read(document, &mut draft);
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

/// Returns the rule that asks a module; whether it can be read is seen where the policy is, by a program that knows Rego.
fn rego(module: &str) -> Out {
    let code: Vec<&str> = module.lines().map(|line| line.split('#').next().unwrap_or_default()).collect();
    let name = |start: &str| code.iter().any(|line| line.trim_start().starts_with(start));
    // Version 0 has no `if` before a body and no `contains`.
    let is_old = !code.iter().any(|line| line.contains(" if ") || line.contains(" contains "))
        && (name("deny[") || name("violation[") || name("warn["));
    let package = code.iter().find_map(|line| line.trim().strip_prefix("package ")).unwrap_or("main").trim();
    let asked = ["deny", "violation"].into_iter().find(|rule| name(rule)).unwrap_or("deny");
    let mut fields = vec![
        ("module".to_owned(), Out::text(module)),
        ("query".to_owned(), Out::text(format!("data.{package}.{asked}"))),
    ];
    if is_old {
        fields.push(("version".to_owned(), Out::text("v0")));
    }
    Out::Map(vec![("rego".to_owned(), Out::Map(fields))])
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

/// Returns keys in PEM or by reference, as trust roots hold them; `None` when there is none.
fn keys(text: &str) -> Option<Vec<Out>> {
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
    (!keys.is_empty()).then_some(keys)
}

/// How another tool reads issuer and subject that are no regular expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Identity {
    /// As they are.
    Exact,
    /// With `*` for any letters and `?` for any one.
    Wildcards,
}

/// Returns a keyless identity; `None` when issuer or subject is missing, which would let anybody sign.
fn keyless(node: &Node, identity: Identity) -> Option<Out> {
    let part = |plain: &str, regular: [&str; 2]| {
        let regular = regular.iter().find_map(|key| node.written_at(&[key])).filter(|text| !text.is_empty());
        match (node.written_at(&[plain]).filter(|text| !text.is_empty()), regular) {
            (_, Some(expression)) => Some((format!("{plain}RegExp"), Out::text(expression))),
            // A star is a pattern here, which stops at slashes.
            (Some(text), None) if text.contains(['*', '?']) => {
                Some((format!("{plain}RegExp"), Out::text(expression(&text, identity))))
            }
            (Some(text), None) => Some((plain.to_owned(), Out::text(text))),
            (None, None) => None,
        }
    };
    let issuer = part("issuer", ["issuerRegExp", "issuerRegexp"])?;
    let subject = part("subject", ["subjectRegExp", "subjectRegexp"])?;
    Some(Out::Map(vec![issuer, subject]))
}

/// Returns a text as a regular expression.
fn expression(text: &str, identity: Identity) -> String {
    let mut expression = String::new();
    for letter in text.chars() {
        match letter {
            '*' if identity == Identity::Wildcards => expression.push_str(".*"),
            '?' if identity == Identity::Wildcards => expression.push('.'),
            letter if letter.is_alphanumeric() || "/:@-_".contains(letter) => expression.push(letter),
            letter => {
                expression.push('\\');
                expression.push(letter);
            }
        }
    }
    expression
}

/// Returns the short name of a predicate's type, where there is one.
fn short_type(kind: &str) -> String {
    match predicate::short(kind) {
        Some(short) => short.to_owned(),
        None if kind.is_empty() => "**".to_owned(),
        None => kind.to_owned(),
    }
}

/// Returns a condition that nothing satisfies, in the place of those that somebody has to write in CEL: a rule without them would ask
/// for less than what was imported.
fn unwritten() -> (String, Out) {
    ("conditions".to_owned(), Out::texts(["false"]))
}

#[cfg(test)]
mod tests;
