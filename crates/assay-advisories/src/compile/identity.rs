//! Which vulnerability an advisory is about: the CVE where there is one, else its source's identifier.
//!
//! - An advisory whose identifiers hold one CVE is that CVE, and its other identifiers are aliases of the CVE everywhere: a
//!   `GHSA-…` that stands alone in another feed is the same vulnerability.
//! - Advisories without a CVE that share an identifier are one vulnerability, named by the best of their identifiers.
//! - An advisory with several CVEs, or an erratum with `fixes`, speaks about each of them. It never joins them: an erratum's
//!   identifier is no alias of anything.

use super::{Entry, Interner};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The outcome: for each entry the vulnerabilities it speaks about, and each vulnerability's aliases.
#[derive(Debug, Default)]
pub(super) struct Identities {
    pub(super) of_entry: Vec<BTreeSet<u32>>,
    pub(super) aliases: BTreeMap<u32, BTreeSet<u32>>,
    resolver: Resolver,
}

#[derive(Debug, Default)]
struct Resolver {
    /// CVEs of which an identifier is an alias.
    cves: HashMap<u32, BTreeSet<u32>>,
    parent: HashMap<u32, u32>,
    /// CVEs and best identifier of each component, by root.
    components: HashMap<u32, (BTreeSet<u32>, u32)>,
}

impl Identities {
    pub(super) fn find(entries: &[Entry], strings: &Interner) -> Self {
        let is_cve = |id: u32| strings.text(id).starts_with("CVE-");
        let mut resolver = Resolver::default();
        let own = |entry: &Entry| entry.aliases.iter().copied().chain([entry.id]).collect::<BTreeSet<u32>>();
        for entry in entries.iter().filter(|entry| entry.fixes.is_empty()) {
            let ids = own(entry);
            let mut cves = ids.iter().copied().filter(|&id| is_cve(id));
            match (cves.next(), cves.next()) {
                (Some(cve), None) => {
                    for &id in ids.iter().filter(|&&id| id != cve) {
                        resolver.cves.entry(id).or_default().insert(cve);
                    }
                }
                (None, _) => {
                    for &id in &ids {
                        resolver.join(id, entry.id);
                    }
                }
                (Some(_), Some(_)) => {}
            }
        }
        resolver.close(strings);

        let mut found = Self { resolver, ..Self::default() };
        for entry in entries {
            let targets: BTreeSet<u32> = if entry.fixes.is_empty() {
                let ids = own(entry);
                let cves: BTreeSet<u32> = ids.iter().copied().filter(|&id| is_cve(id)).collect();
                if !cves.is_empty() {
                    cves
                } else {
                    // What its own identifiers are known to be; else what those are that share one with them.
                    let direct: BTreeSet<u32> =
                        ids.iter().filter_map(|id| found.resolver.cves.get(id)).flatten().copied().collect();
                    if direct.is_empty() { found.resolver.resolve(entry.id) } else { direct }
                }
            } else {
                let cves = entry.aliases.iter().copied().filter(|&id| is_cve(id));
                entry
                    .fixes
                    .iter()
                    .chain(cves.collect::<Vec<_>>().iter())
                    .flat_map(
                        |&id| {
                            if is_cve(id) { BTreeSet::from([id]) } else { found.resolver.resolve(id) }
                        },
                    )
                    .collect()
            };
            for &target in &targets {
                found.aliases.entry(target).or_default();
            }
            found.of_entry.push(targets);
        }
        found.collect_aliases();
        found
    }

    fn collect_aliases(&mut self) {
        let mut add = |vulnerability: u32, alias: u32| {
            if alias != vulnerability
                && let Some(aliases) = self.aliases.get_mut(&vulnerability)
            {
                aliases.insert(alias);
            }
        };
        for (&alias, cves) in &self.resolver.cves {
            for &cve in cves {
                add(cve, alias);
            }
        }
        for &id in self.resolver.parent.keys() {
            let root = self.resolver.root(id);
            if let Some((cves, best)) = self.resolver.components.get(&root) {
                match (cves.first(), cves.len()) {
                    (Some(&cve), 1) => add(cve, id),
                    (None, _) => add(*best, id),
                    _ => {}
                }
            }
        }
    }
}

impl Resolver {
    fn root(&self, mut id: u32) -> u32 {
        while let Some(&parent) = self.parent.get(&id) {
            if parent == id {
                break;
            }
            id = parent;
        }
        id
    }

    fn join(&mut self, one: u32, two: u32) {
        let (one_root, two_root) = (self.root(one), self.root(two));
        let root = one_root.min(two_root);
        for id in [one, two, one_root, two_root] {
            self.parent.insert(id, root);
        }
        self.parent.insert(root, root);
    }

    fn close(&mut self, strings: &Interner) {
        for &id in self.parent.keys() {
            let root = self.root(id);
            let (cves, best) = self.components.entry(root).or_insert_with(|| (BTreeSet::new(), id));
            cves.extend(self.cves.get(&id).into_iter().flatten());
            if rank(strings.text(id)) < rank(strings.text(*best)) {
                *best = id;
            }
        }
    }

    /// Returns the vulnerabilities that an identifier other than a CVE means.
    fn resolve(&self, id: u32) -> BTreeSet<u32> {
        if let Some(cves) = self.cves.get(&id) {
            return cves.clone();
        }
        match self.components.get(&self.root(id)) {
            Some((cves, best)) if cves.is_empty() => BTreeSet::from([*best]),
            Some((cves, _)) => cves.clone(),
            None => BTreeSet::from([id]),
        }
    }
}

/// Orders identifiers: the best known registry first, then by text.
pub(super) fn rank(id: &str) -> (u8, &str) {
    let class = match id.split('-').next().unwrap_or_default() {
        "CVE" => 0,
        "GHSA" => 1,
        "RUSTSEC" | "PYSEC" | "GO" => 2,
        _ => 3,
    };
    (class, id)
}
