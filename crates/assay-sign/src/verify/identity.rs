//! Who is expected to have signed.
//!
//! A pattern must match the whole value. cosign lets one match anywhere, so that `acme` also fits `https://evil.example/acme`.

use super::{Code, Refusal};
use crate::certificate::fulcio::Identity;
use regex_automata::Input;
use regex_automata::meta::Regex;
use std::collections::BTreeMap;
use std::fmt;

/// The largest compiled pattern: patterns come from users, and some are built to grow.
const MAX_PATTERN: usize = 1 << 20;

/// What a text must be.
#[derive(Clone)]
pub enum Pattern {
    /// This very text.
    Exact(String),
    /// A text that a regular expression matches from start to end.
    Expression {
        /// The expression as it was given.
        text: String,
        /// The expression, compiled.
        compiled: Box<Regex>,
    },
}

/// A text is not a regular expression.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is not a regular expression")]
pub struct InvalidPattern {
    text: String,
    #[source]
    source: Box<regex_automata::meta::BuildError>,
}

impl Pattern {
    /// Returns a pattern from a regular expression, which must match a whole text.
    pub fn expression(text: &str) -> Result<Self, InvalidPattern> {
        let compile = |expression: &str| {
            Regex::builder()
                .configure(Regex::config().nfa_size_limit(Some(MAX_PATTERN)))
                .build(expression)
                .map_err(|source| InvalidPattern { text: text.to_owned(), source: Box::new(source) })
        };
        // Alone first: `x)|(?:y` would close the group around it and match anywhere.
        compile(text)?;
        let compiled = compile(&format!(r"\A(?:{text})\z"))?;
        Ok(Self::Expression { text: text.to_owned(), compiled: Box::new(compiled) })
    }

    /// Returns whether a text is as it must be.
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == text,
            Self::Expression { compiled, .. } => compiled.is_match(Input::new(text)),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(text) => write!(f, "`{text}`"),
            Self::Expression { text, .. } => write!(f, "something like `{text}`"),
        }
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One signer that is trusted, by who vouches for the name and by the name.
#[derive(Debug, Clone)]
pub struct IdentityPolicy {
    /// The address of the OpenID Connect issuer.
    pub issuer: Pattern,
    /// The e-mail address, or the address of the workflow.
    pub subject: Pattern,
    /// What else the issuer must say, by the names that [`Identity::claims`] has.
    pub claims: BTreeMap<String, Pattern>,
}

impl IdentityPolicy {
    /// Returns a policy for one identity, both texts exact.
    pub fn exact(issuer: impl Into<String>, subject: impl Into<String>) -> Self {
        Self {
            issuer: Pattern::Exact(issuer.into()),
            subject: Pattern::Exact(subject.into()),
            claims: BTreeMap::new(),
        }
    }

    /// Checks an identity.
    pub fn check(&self, identity: &Identity) -> Result<(), Refusal> {
        let wrong = |message: String| Err(Refusal::new(Code::WrongIdentity, message));
        if !self.subject.matches(&identity.subject) {
            return wrong(format!("signed by `{}`, not by {}", identity.subject, self.subject));
        }
        if !self.issuer.matches(&identity.issuer) {
            return wrong(format!(
                "`{}` is vouched for by `{}`, not by {}",
                identity.subject, identity.issuer, self.issuer
            ));
        }
        for (name, pattern) in &self.claims {
            let have = identity.claims.get(name);
            if !have.is_some_and(|have| pattern.matches(have)) {
                let have = have.map_or("nothing", String::as_str);
                return wrong(format!("the certificate says `{have}` as `{name}`, not {pattern}"));
            }
        }
        Ok(())
    }
}

/// Checks an identity against several policies, one of which must fit.
pub(crate) fn check_any(identity: &Identity, policies: &[IdentityPolicy]) -> Result<(), Refusal> {
    let mut problem = Refusal::new(
        Code::WrongIdentity,
        format!("signed by `{}`, and no identity is trusted", identity.subject),
    );
    for policy in policies {
        match policy.check(identity) {
            Ok(()) => return Ok(()),
            Err(refusal) => problem = refusal,
        }
    }
    Err(problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity {
            issuer: "https://issuer.test".to_owned(),
            subject: "https://example.test/acme/app".to_owned(),
            claims: BTreeMap::from([("sourceRepositoryRef".to_owned(), "refs/heads/main".to_owned())]),
        }
    }

    #[test]
    fn expressions_match_whole_texts_only() {
        let pattern = |text: &str| Pattern::expression(text).unwrap();
        assert!(pattern("https://example.test/acme/.*").matches(&identity().subject));
        assert!(!pattern("acme").matches(&identity().subject));
        assert!(!pattern("a|https://example.test").matches(&identity().subject));
        assert!(Pattern::expression("(").is_err());
        assert!(Pattern::expression("x)|(?:y").is_err());
        assert!(Pattern::expression("(((a{1000}){1000}){1000})").is_err());
    }

    #[test]
    fn the_refusal_names_what_is_and_what_should_be() {
        let mut policy = IdentityPolicy::exact("https://issuer.test", "https://example.test/acme/app");
        assert_eq!(policy.check(&identity()), Ok(()));
        policy.claims.insert("sourceRepositoryRef".to_owned(), Pattern::Exact("refs/heads/x".to_owned()));
        let refusal = policy.check(&identity()).unwrap_err();
        assert!(refusal.message.contains("refs/heads/main") && refusal.message.contains("refs/heads/x"));
        let refusal = IdentityPolicy::exact("https://issuer.test", "me").check(&identity()).unwrap_err();
        assert_eq!(refusal.message, "signed by `https://example.test/acme/app`, not by `me`");
    }
}
