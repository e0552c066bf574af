//! Whether one statement of an advisory concerns one package. The heart of matching, and of explaining it.

use crate::placeholder::is_placeholder;
use assay_advisories::build::OWN_FEED;
use assay_advisories::database::{End, Interval, Statement};
use assay_model::advisory::Fix;
use assay_model::holds::{Holds, holds, is_kernel};
use assay_model::{Ecosystem, Os, Package, PackageKind, Scheme, software};
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
    /// Who made it, when that is not the distribution whose package manager installed it.
    pub third_party: Option<&'a str>,
    /// Further ecosystems that speak about it, and its names there; they order versions as its own does.
    pub others: Vec<(Ecosystem, &'static str)>,
}

impl<'a> Subject<'a> {
    /// Looks at a package found on `os`.
    pub fn new(package: &'a Package, os: Option<&Os>) -> Self {
        if package.kind == PackageKind::Generic
            && let Some(software) = software::by_name(&package.name)
        {
            let mut others: Vec<_> = software.identities().collect();
            let first = (!others.is_empty()).then(|| others.remove(0));
            let name = first.as_ref().map_or(software.name, |(_, name)| name).to_owned();
            let ecosystem = first.map(|(ecosystem, _)| ecosystem);
            let version = &package.version;
            return Self { package, ecosystem, name, version, source: None, third_party: None, others };
        }
        let ecosystem = package.ecosystem(os);
        let (full_name, version) = package.advised_as();
        let name = ecosystem
            .as_ref()
            .map_or_else(|| full_name.clone(), |ecosystem| ecosystem.canonical_name(&full_name));
        // A binary package without a source package of its own is built from one of the same name and version.
        let source = package.kind.is_os().then(|| match &package.source {
            Some(source) => match unsigned(&source.name) {
                Some(name) => (name, package.version.as_str()),
                None => (source.name.clone(), source.version.as_str()),
            },
            None => (name.clone(), package.version.as_str()),
        });
        Self {
            package,
            ecosystem,
            name,
            version,
            source,
            third_party: package.third_party(os),
            others: Vec::new(),
        }
    }

    /// Returns the scheme its versions are compared by.
    pub fn scheme(&self) -> Scheme {
        self.ecosystem.as_ref().map_or(Scheme::Generic, Ecosystem::scheme)
    }

    /// Returns whether its version can be compared at all.
    pub fn comparable(&self) -> bool {
        self.orders(self.version)
    }

    /// Returns whether a version of it has a place in the order of versions.
    fn orders(&self, version: &str) -> bool {
        let placeholder = !self.package.kind.is_os() && is_placeholder(version);
        !version.is_empty() && !placeholder && is_valid(self.scheme(), version)
    }

    /// Returns the ecosystems that speak about it, each with its names there.
    pub fn lookups(&self) -> impl Iterator<Item = (&Ecosystem, Vec<&str>)> {
        let own = self.ecosystem.iter().map(|ecosystem| (ecosystem, self.names()));
        own.chain(self.others.iter().map(|(ecosystem, name)| (ecosystem, vec![*name])))
    }

    /// Returns the names under which advisories of its own ecosystem may speak about it, its own first.
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
    /// The package holds nothing of what the statement is about.
    HoldsNothing {
        /// What it holds.
        holds: Holds,
    },
    /// The distribution's statement does not reach a build by somebody else.
    ThirdParty {
        /// Who made it.
        vendor: String,
    },
    /// The advisory was withdrawn.
    Withdrawn,
    /// A version could not be compared.
    Incomparable {
        /// The version or bound.
        version: String,
    },
}

/// Says what a statement of a feed, found under `name`, means for a package.
pub fn judge<'a>(subject: &Subject<'_>, name: &str, statement: &Statement<'a>, feed: &str) -> Judgement<'a> {
    if statement.withdrawn {
        return Judgement::Withdrawn;
    }
    let Some(version) = version_for(subject, name, statement.of_source) else {
        return Judgement::OtherPackage;
    };
    // A team's own advisories may well be about packages that the distribution did not make.
    if let Some(vendor) = subject.third_party
        && !feed.starts_with(OWN_FEED)
    {
        return Judgement::ThirdParty { vendor: vendor.to_owned() };
    }
    if let Some(holds) = holds_nothing(subject, name, statement) {
        return Judgement::HoldsNothing { holds };
    }
    if !architecture_fits(subject.package, &statement.architectures) {
        return Judgement::OtherArchitecture;
    }
    if !module_fits(subject.package, statement, feed) {
        return Judgement::OtherModule;
    }
    if statement.fix == Fix::NotAffected {
        return Judgement::NotAffected;
    }
    let scheme = subject.scheme();
    if !subject.orders(version) {
        return unordered(version, statement);
    }
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

/// Judges a version that cannot be compared: what is affected in all versions is affected in this one.
fn unordered<'a>(version: &str, statement: &Statement<'a>) -> Judgement<'a> {
    let all = statement.ranges.iter().find(|interval| {
        interval.introduced.is_none_or(|introduced| introduced == "0") && interval.end == End::Open
    });
    let version = version.to_owned();
    match all {
        Some(interval) => Judgement::Affected { version, interval: Some(*interval) },
        None if statement.versions.contains(&version.as_str()) => {
            Judgement::Affected { version, interval: None }
        }
        None => Judgement::Incomparable { version },
    }
}

/// Returns the source of a kernel that Debian and Ubuntu sign in a second build: `linux-signed-amd64` (of version `6.1.76+1`) holds
/// the `linux` of its binary packages' version, and advisories are about that.
fn unsigned(source: &str) -> Option<String> {
    let rest = source.strip_prefix("linux-signed")?;
    Some(match rest.strip_prefix('-') {
        None if rest.is_empty() => "linux".to_owned(),
        Some("amd64" | "arm64" | "i386") => "linux".to_owned(),
        Some(flavour) => format!("linux-{flavour}"),
        None => return None,
    })
}

/// Returns what a package holds, when that is nothing that the statement can be about.
fn holds_nothing(subject: &Subject<'_>, name: &str, statement: &Statement<'_>) -> Option<Holds> {
    if !subject.package.kind.is_os() {
        return None;
    }
    let holds = holds(&subject.name);
    let by_source = name != subject.name;
    let nothing = match holds {
        Holds::Program => false,
        Holds::KernelInterface | Holds::KernelTool => statement.fan_out || (by_source && is_kernel(name)),
        // What has a machine's code is built for a machine.
        Holds::Folders => {
            let noarch = matches!(subject.package.architecture.as_deref(), Some("noarch" | "all"));
            noarch && (statement.fan_out || by_source)
        }
    };
    nothing.then_some(holds)
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
    if subject.name == name || subject.others.iter().any(|(_, other)| *other == name) {
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

/// Red Hat's own feed.
const RED_HAT: &str = "redhat-csaf-vex";

/// Red Hat's modular packages (`nodejs:18`) share names with ordinary ones; their releases carry `.module`.
fn module_fits(package: &Package, statement: &Statement<'_>, feed: &str) -> bool {
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
            if bounds.peek().is_none() {
                // Red Hat names modules wherever it means one; elsewhere nothing tells which kind of build is meant.
                return !modular || feed != RED_HAT;
            }
            bounds.any(|bound| bound.contains(".module") == modular)
        }
    }
}

/// Returns the interval in words: `>= 2.0-beta9, < 2.15.0`.
pub(crate) fn words(interval: &Interval<'_>) -> String {
    interval.to_string()
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
