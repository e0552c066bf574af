//! Which ecosystems a database covers.
//!
//! "No advisory matches" means "not affected" only where a feed speaks about the whole release. A feed covers an ecosystem
//! when it says so ([`crate::sink::AdvisorySink::covers`]: a file that is by its nature the list of one release or
//! registry), or when it has a body of statements for it: at least [`PACKAGES`] packages *and* a twentieth of the packages that
//! the same feed has for the best known release of that distribution. Stray records (the one erratum that mentions the coming
//! release, a team's own advisories) therefore never make a release look assessed. Of NVD's products only the closed list of
//! [`assay_model::software`] is compiled; they are covered when a feed speaks about most of them, which one year's records do not.

use super::{Compiler, Entry};
use assay_model::ecosystem::Ecosystem;
use assay_model::software::SOFTWARE;
use assay_model::timestamp::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Packages below which statements are stray records.
const PACKAGES: usize = 25;
/// The share of the best known release's packages below which a release is not covered.
const SHARE: usize = 20;

/// Of four known pieces of software, those that a feed has to speak about to cover NVD's products.
const SOFTWARE_OF_FOUR: usize = 3;

/// Ubuntu's VEX names the archive's newest version as fixed, not the first one that is: by itself it assesses nothing.
const VEX_WITHOUT_FIXES: &str = "ubuntu-vex";

/// What is known about one ecosystem.
#[derive(Debug, Default)]
pub(super) struct Covered {
    pub(super) feeds: BTreeSet<u16>,
    pub(super) packages: usize,
    pub(super) advisories: usize,
    /// The newest time in its advisories.
    pub(super) newest: Option<Timestamp>,
}

/// Returns when an advisory was last changed, as far as that can be true: some records claim to come from the future.
pub(super) fn changed(entry: &Entry, built_at: Timestamp) -> Option<Timestamp> {
    [entry.facts.modified, entry.facts.published].into_iter().flatten().find(|time| *time <= built_at)
}

pub(super) fn find(compiler: &Compiler, built_at: Timestamp) -> BTreeMap<&str, Covered> {
    // Per ecosystem and feed, the packages; `affected` is sorted by package, so that equal ones are together.
    let mut packages: HashMap<(u32, u16), (usize, u32)> = HashMap::new();
    let mut all: HashMap<u32, (usize, u32, BTreeSet<u32>)> = HashMap::new();
    for &(package, entry, _) in &compiler.affected {
        let Some(&(ecosystem, _)) = at(&compiler.packages, package) else { continue };
        let Some(feed) = at(&compiler.entries, entry).filter(|entry| entry.live).map(|entry| entry.feed)
        else {
            continue;
        };
        let (count, last) = packages.entry((ecosystem, feed)).or_insert((0, u32::MAX));
        if *last != package {
            (*count, *last) = (*count + 1, package);
        }
        let (count, last, entries) = all.entry(ecosystem).or_insert_with(|| (0, u32::MAX, BTreeSet::new()));
        if *last != package {
            (*count, *last) = (*count + 1, package);
        }
        entries.insert(entry);
    }
    let family = |ecosystem: u32| compiler.strings.text(ecosystem).split(':').next().unwrap_or_default();
    let mut best: HashMap<(&str, u16), usize> = HashMap::new();
    for (&(ecosystem, feed), &(count, _)) in &packages {
        let best = best.entry((family(ecosystem), feed)).or_default();
        *best = (*best).max(count);
    }
    let mut covered: BTreeMap<&str, Covered> = BTreeMap::new();
    for (&(ecosystem, feed), &(count, _)) in &packages {
        let says_what_is_fixed = at_feed(compiler, feed).is_none_or(|feed| feed.id != VEX_WITHOUT_FIXES);
        if !says_what_is_fixed {
            continue;
        }
        if compiler.strings.text(ecosystem) == Ecosystem::Cpe.to_string()
            && !speaks_of_most(compiler, ecosystem, feed)
        {
            continue;
        }
        let best = best.get(&(family(ecosystem), feed)).copied().unwrap_or_default();
        if count >= PACKAGES && count.saturating_mul(SHARE) >= best {
            covered.entry(compiler.strings.text(ecosystem)).or_default().feeds.insert(feed);
        }
    }
    for (index, feed) in compiler.feeds.iter().enumerate() {
        for &ecosystem in &feed.covers {
            let feed = u16::try_from(index).unwrap_or(u16::MAX);
            covered.entry(compiler.strings.text(ecosystem)).or_default().feeds.insert(feed);
        }
    }
    for (&ecosystem, (packages, _, entries)) in &all {
        if let Some(covered) = covered.get_mut(compiler.strings.text(ecosystem)) {
            covered.packages = *packages;
            covered.advisories = entries.len();
            let entries = entries.iter().filter_map(|&entry| at(&compiler.entries, entry));
            covered.newest = entries.filter_map(|entry| changed(entry, built_at)).max();
        }
    }
    covered
}

/// Returns whether a feed speaks about most of the software that is judged by NVD's products.
fn speaks_of_most(compiler: &Compiler, ecosystem: u32, feed: u16) -> bool {
    let mut products: BTreeSet<&str> = BTreeSet::new();
    for &(package, entry, _) in &compiler.affected {
        let of_feed = at(&compiler.entries, entry).is_some_and(|entry| entry.live && entry.feed == feed);
        if let Some(&(of, name)) = at(&compiler.packages, package).filter(|_| of_feed)
            && of == ecosystem
        {
            products.insert(compiler.strings.text(name));
        }
    }
    let judged = || SOFTWARE.iter().filter(|software| !software.cpes.is_empty());
    let spoken = judged().filter(|software| software.cpes.iter().any(|cpe| products.contains(cpe))).count();
    spoken.saturating_mul(4) >= judged().count().saturating_mul(SOFTWARE_OF_FOUR)
}

fn at_feed(compiler: &Compiler, feed: u16) -> Option<&super::FeedEntry> {
    compiler.feeds.get(usize::from(feed))
}

pub(super) fn at<T>(items: &[T], index: u32) -> Option<&T> {
    usize::try_from(index).ok().and_then(|index| items.get(index))
}
