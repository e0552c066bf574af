//! From which incoming repository to which release repository images are promoted: `HOST/REPOSITORY=HOST/REPOSITORY`, or all below a
//! name: `HOST/incoming/*=HOST/release/*`.

use assay_oci::Reference;
use assay_store::Incoming;
use std::fmt;
use std::str::FromStr;

/// An incoming repository and its release repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    incoming: Side,
    release: Side,
    written: String,
}

/// A repository; or what the names of several begin with, which then ends with `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Side {
    registry: String,
    repository: String,
}

/// A text is no pair of repositories.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0}: expected `HOST/REPOSITORY=HOST/REPOSITORY`, or `HOST/NAME/*=HOST/NAME/*` for all repositories below"
)]
pub struct InvalidPair(&'static str);

impl FromStr for Pair {
    type Err = InvalidPair;

    fn from_str(text: &str) -> Result<Self, InvalidPair> {
        let (from, to) = text.split_once('=').ok_or(InvalidPair("it is no pair"))?;
        let side = |text: &str| {
            let (name, below) = match text.strip_suffix("/*") {
                Some(name) => (name, "/"),
                None => (text, ""),
            };
            let (host, path) = name.split_once('/')?;
            let reference: Reference = name.parse().ok()?;
            let is_whole = reference.registry() == host && reference.repository() == path;
            is_whole.then(|| Side { registry: host.to_owned(), repository: format!("{path}{below}") })
        };
        let (Some(incoming), Some(release)) = (side(from), side(to)) else {
            return Err(InvalidPair("it names no repository with its host"));
        };
        if incoming.is_below() != release.is_below() {
            return Err(InvalidPair("one side means several repositories and the other does not"));
        }
        let pair = Self { incoming, release, written: to.to_owned() };
        // What is promoted would be promoted again and again.
        if pair.incoming.holds(&pair.release) || pair.release.holds(&pair.incoming) {
            return Err(InvalidPair("one of the two is part of the other"));
        }
        Ok(pair)
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Side { registry, repository } = &self.incoming;
        let all = if self.incoming.is_below() { "*" } else { "" };
        write!(f, "{registry}/{repository}{all}={}", self.written)
    }
}

impl Side {
    fn is_below(&self) -> bool {
        self.repository.ends_with('/')
    }

    fn holds(&self, other: &Self) -> bool {
        self.registry == other.registry
            && (self.repository == other.repository
                || self.is_below() && other.repository.starts_with(&self.repository))
    }
}

impl Pair {
    /// Returns the hosts of the two.
    pub fn hosts(&self) -> [&str; 2] {
        [&self.incoming.registry, &self.release.registry]
    }

    /// Returns whose tags are to be promoted.
    pub(super) fn incoming(&self) -> Incoming<'_> {
        Incoming {
            registry: &self.incoming.registry,
            repository: &self.incoming.repository,
            below: self.incoming.is_below(),
            target: &self.written,
        }
    }

    /// Returns the release side, as the operator wrote it.
    pub(crate) fn release(&self) -> String {
        self.written.clone()
    }

    /// Returns the registry and repository to which images of another are promoted, if they are.
    pub(super) fn target(&self, registry: &str, repository: &str) -> Option<(String, String)> {
        let Side { registry: from, repository: name } = &self.incoming;
        let rest = repository.strip_prefix(name.as_str()).filter(|_| registry == from)?;
        let is_it = if self.incoming.is_below() { !rest.is_empty() } else { rest.is_empty() };
        is_it.then(|| (self.release.registry.clone(), format!("{}{rest}", self.release.repository)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_and_lead_from_one_to_the_other() {
        let check = |pair: &str, repository: &str, want: Option<&str>| {
            let pair: Pair = pair.parse().unwrap();
            let target = pair.target("r.example", repository).map(|(host, path)| format!("{host}/{path}"));
            assert_eq!(target.as_deref(), want, "{repository}");
        };
        let one = "r.example/incoming/app=release.example:5000/app";
        check(one, "incoming/app", Some("release.example:5000/app"));
        check(one, "incoming/app2", None);
        check(one, "incoming/app/x", None);
        let many = "r.example/incoming/*=r.example/release/*";
        check(many, "incoming/team/app", Some("r.example/release/team/app"));
        check(many, "incoming", None);
        check(many, "incoming/", None);
        check(many, "incoming2/app", None);
        let pair: Pair = many.parse().unwrap();
        assert_eq!(pair.target("other.example", "incoming/app"), None);
    }

    #[test]
    fn what_is_no_pair_or_leads_to_itself_is_refused() {
        for text in [
            "",
            "r.example/a",
            "r.example/a=",
            "r.example/a=b",
            "r.example/a:1=r.example/b",
            "r.example/A=r.example/b",
            "r.example/a=r.example/a",
            "r.example/a/*=r.example/b",
            "r.example/a/*=r.example/a/b/*",
            "r.example/a/b/*=r.example/a/*",
            "r.example/*=r.example/b/*",
            "https://r.example/a=r.example/b",
        ] {
            assert!(text.parse::<Pair>().is_err(), "{text}");
        }
    }
}
