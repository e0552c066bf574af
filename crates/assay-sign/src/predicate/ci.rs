//! What CI systems tell a job about itself, as SLSA provenance wants it said.
//!
//! Variables come from the job's own environment: whoever can change the job can change them. Provenance made from them is what the
//! signer says of the build, and worth as much as the signer's word.

mod generic;
mod github;
mod gitlab;

use serde_json::Value;

/// Looks up a variable; unset and empty are the same.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// One CI system.
#[derive(Debug, Clone, Copy)]
pub struct Ci {
    /// Its name.
    pub name: &'static str,
    /// Tells by the variables whether this is the system.
    pub is: fn(Variables<'_>) -> bool,
    /// Collects what it says of the build.
    pub build: fn(Variables<'_>) -> Build,
}

/// A build, in the words of <https://slsa.dev/spec/v1.0/provenance>.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Build {
    /// What the parameters mean: a URI.
    pub build_type: String,
    /// Who built.
    pub builder: String,
    /// What somebody outside could choose.
    pub external: Value,
    /// What only the builder chose.
    pub internal: Value,
    /// Where the source is: a URI of SPDX's form, `git+https://…@ref`.
    pub source: Option<String>,
    /// The commit.
    pub commit: Option<String>,
    /// The run.
    pub invocation: Option<String>,
    /// When it began, in RFC 3339.
    pub started: Option<String>,
}

/// All systems, in the order they are looked for; the last one takes what is left.
pub const ALL: &[Ci] = &[github::GITHUB, gitlab::GITLAB, generic::GENERIC];

/// Returns an object of those that are known.
fn object<const N: usize>(fields: [(&str, Option<String>); N]) -> Value {
    let known = fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), Value::String(value?))));
    Value::Object(known.collect())
}

/// Returns the address of a repository and a ref in it in the form of SPDX's download locations.
fn git(repository: &str, reference: Option<&str>) -> String {
    match reference {
        Some(reference) => format!("git+{repository}@{reference}"),
        None => format!("git+{repository}"),
    }
}
