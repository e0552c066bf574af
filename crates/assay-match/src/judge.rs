//! Whether one statement of an advisory concerns one package. The heart of matching, and of explaining it.

use assay_advisories::database::{End, Interval, Statement};
use assay_model::advisory::Fix;
use assay_model::{Ecosystem, Os, Package, PackageKind, Scheme};
use assay_version::{compare, is_valid};
use std::cmp::Ordering;

/// A package as advisories see it.
pub struct Subject<'a> {
    /// The package.
    pub package: &'a Package,
    /// The ecosystem whose advisories judge it; `None` when there is none.
    pub ecosystem: Option<Ecosystem>,
    /// Its own name as advisories spell it.
    pub name: String,
    /// The version its own name is judged by.
    pub version: &'a str,
    /// The name of its source package, where distributions write about that.
    pub source: Option<(String, &'a str)>,
}

impl<'a> Subject<'a> {
    /// Looks at a package found on `os`.
    pub fn new(package: &'a Package, os: Option<&Os>) -> Self {
        let ecosystem = package.ecosystem(os);
        let (full_name, version) = package.advised_as();
        let name = ecosystem
            .as_ref()
            .map_or_else(|| full_name.clone(), |ecosystem| ecosystem.canonical_name(&full_name));
        // A binary package without a source package of its own is built from one of the same name and version.
        let source = package.kind.is_os().then(|| match &package.source {
            Some(source) => (source.name.clone(), source.version.as_str()),
            None => (name.clone(), package.version.as_str()),
        });
        Self { package, ecosystem, name, version, source }
    }

    /// Returns the scheme its versions are compared by.
    pub fn scheme(&self) -> Scheme {
        self.ecosystem.as_ref().map_or(Scheme::Generic, Ecosystem::scheme)
    }

    /// Returns whether its version can be compared at all.
    pub fn comparable(&self) -> bool {
        !self.version.is_empty() && is_valid(self.scheme(), self.version)
    }

    /// Returns the names under which advisories may speak about it, its own first.
    pub fn names(&self) -> Vec<&str> {
        let mut names = vec![self.name.as_str()];
        names.extend(self.source.iter().map(|(name, _)| name.as_str()).filter(|name| *name != self.name));
        names
    }
}

/// What a statement means for a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement<'a> {
    /// The package is affected.
    Affected {
        /// The version that was compared.
        version: String,
        /// The interval it lies in; `None` when the version is listed by itself.
        interval: Option<Interval<'a>>,
    },
    /// The version lies outside all ranges and lists.
    OutsideRange {
        /// The version that was compared.
        version: String,
    },
    /// The source says that this package is not affected.
    NotAffected,
    /// The statement is about another package: the source package of that name did not build this one.
    OtherPackage,
    /// The statement is about other architectures.
    OtherArchitecture,
    /// The statement is about another module stream.
    OtherModule,
    /// The advisory was withdrawn.
    Withdrawn,
    /// A version could not be compared.
    Incomparable {
        /// The version or bound.
        version: String,
    },
}

/// Says what a statement found under `name` means for a package.
pub fn judge<'a>(subject: &Subject<'_>, name: &str, statement: &Statement<'a>) -> Judgement<'a> {
    if statement.withdrawn {
        return Judgement::Withdrawn;
    }
    let Some(version) = version_for(subject, name, statement.of_source) else {
        return Judgement::OtherPackage;
    };
    if !architecture_fits(subject.package, &statement.architectures) {
        return Judgement::OtherArchitecture;
    }
    if !module_fits(subject.package, statement) {
        return Judgement::OtherModule;
    }
    if statement.fix == Fix::NotAffected {
        return Judgement::NotAffected;
    }
    let scheme = subject.scheme();
    let mut incomparable = None;
    for interval in &statement.ranges {
        match interval.contains(scheme, version).map_err(|error| error.text) {
            Ok(true) => {
                return Judgement::Affected { version: version.to_owned(), interval: Some(*interval) };
            }
            Ok(false) => {}
            Err(text) => incomparable = Some(text),
        }
    }
    for listed in &statement.versions {
        let equal = *listed == version || compare(scheme, listed, version).is_ok_and(Ordering::is_eq);
        if equal {
            return Judgement::Affected { version: version.to_owned(), interval: None };
        }
    }
    match incomparable {
        Some(version) => Judgement::Incomparable { version },
        None => Judgement::OutsideRange { version: version.to_owned() },
    }
}

/// Returns whether a statement that concerns a package calls this version of it affected, too.
pub(crate) fn covers(scheme: Scheme, statement: &Statement<'_>, version: &str) -> bool {
    statement.ranges.iter().any(|interval| interval.contains(scheme, version) == Ok(true))
        || statement.versions.iter().any(|listed| compare(scheme, listed, version).is_ok_and(Ordering::is_eq))
}

/// Returns the version to compare when a statement was found under `name`.
fn version_for<'a>(subject: &'a Subject<'_>, name: &str, of_source: bool) -> Option<&'a str> {
    let of_source_name =
        subject.source.as_ref().filter(|(source, _)| source == name).map(|(_, version)| *version);
    if of_source {
        return of_source_name;
    }
    if subject.name == name {
        return Some(subject.version);
    }
    // Feeds of Debian's and Alpine's family name source packages even where they do not say so.
    match subject.package.kind {
        PackageKind::Deb | PackageKind::Apk => of_source_name,
        _ => None,
    }
}

fn architecture_fits(package: &Package, architectures: &[&str]) -> bool {
    let Some(own) = package.architecture.as_deref() else { return true };
    architectures.is_empty()
        || matches!(own, "noarch" | "all" | "any")
        || architectures.iter().any(|architecture| {
            let same = |a: &str, b: &str| own == a && *architecture == b;
            own == *architecture
                || same("amd64", "x86_64")
                || same("x86_64", "amd64")
                || same("aarch64", "arm64")
        })
}

/// Red Hat's modular packages (`nodejs:18`) share names with ordinary ones; their releases carry `.module`.
fn module_fits(package: &Package, statement: &Statement<'_>) -> bool {
    if package.kind != PackageKind::Rpm {
        return true;
    }
    let modular = package.module.is_some() || package.version.contains(".module");
    match (statement.module, &package.module) {
        (Some(wanted), Some(have)) => {
            let stream = |label: &str| label.splitn(3, ':').take(2).collect::<Vec<_>>().join(":");
            stream(wanted) == stream(have)
        }
        (Some(_), None) => modular,
        (None, _) => {
            let bounds = statement.ranges.iter().filter_map(|interval| match interval.end {
                End::Fixed(bound) | End::LastAffected(bound) | End::Limit(bound) => Some(bound),
                End::Open => None,
            });
            let mut bounds = bounds.peekable();
            // Without bounds nothing tells which kind of build is meant.
            bounds.peek().is_none() || bounds.any(|bound| bound.contains(".module") == modular)
        }
    }
}

/// Returns the interval in words: `>= 2.0-beta9, < 2.15.0`.
pub(crate) fn words(interval: &Interval<'_>) -> String {
    let start =
        interval.introduced.filter(|introduced| *introduced != "0").map(|version| format!(">= {version}"));
    let end = match interval.end {
        End::Open => None,
        End::Fixed(version) | End::Limit(version) => Some(format!("< {version}")),
        End::LastAffected(version) => Some(format!("<= {version}")),
    };
    match (start, end) {
        (Some(start), Some(end)) => format!("{start}, {end}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "all versions".to_owned(),
    }
}

/// Returns all that a statement calls affected, in words.
pub(crate) fn statement_words(statement: &Statement<'_>) -> String {
    const LISTED: usize = 5;
    let mut parts: Vec<String> = statement.ranges.iter().map(words).collect();
    if parts.is_empty() && !statement.versions.is_empty() {
        parts.extend(statement.versions.iter().take(LISTED).map(|version| format!("= {version}")));
        if let Some(more) = statement.versions.len().checked_sub(LISTED).filter(|more| *more > 0) {
            parts.push(format!("and {more} more versions"));
        }
    }
    parts.join("; ")
}
