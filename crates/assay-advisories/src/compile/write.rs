//! Writes the sections. Everything is ordered by identifier or name, never by arrival or hash.

use super::coverage::{self, at};
use super::identity::{Identities, rank};
use super::{Compiler, Entry, Facts};
use crate::database::bytes::Encoder;
use crate::database::package_key;
use crate::database::records::{RecordsWriter, TooLarge, write_table};
use assay_model::severity::Severity;
use assay_model::timestamp::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub(super) fn sections(compiler: &Compiler, built_at: Timestamp) -> Result<Vec<Vec<u8>>, TooLarge> {
    let identities = Identities::find(&compiler.entries, &compiler.strings);
    let order = Order::find(compiler, &identities);
    let (packages, statements, packages_of_entry) = write_packages(compiler, &identities, &order)?;
    let advisories = write_advisories(compiler, &identities, &order, &packages_of_entry)?;
    let vulnerabilities = write_vulnerabilities(compiler, &identities, &order)?;
    let (ids, table) = write_ids(compiler, &identities, &order)?;
    let end_of_life = write_table(compiler.end_of_life.iter().map(|(key, &value)| (key.as_bytes(), value)))?;
    let (feeds, coverage) = (write_feeds(compiler, built_at)?, write_coverage(compiler, built_at)?);
    // In the order of `Section::ALL`.
    Ok(vec![packages, statements, advisories, vulnerabilities, ids, table, end_of_life, feeds, coverage])
}

/// The numbers that entries and vulnerabilities have in the file.
struct Order {
    /// Entries in file order.
    entries: Vec<u32>,
    /// An entry's number in the file.
    number_of_entry: Vec<u32>,
    /// Interned identifiers of vulnerabilities in file order.
    vulnerabilities: Vec<u32>,
    number_of_vulnerability: HashMap<u32, u32>,
}

impl Order {
    fn find(compiler: &Compiler, identities: &Identities) -> Self {
        let key = |entry: u32| {
            at(&compiler.entries, entry).map(|entry| {
                let feed = compiler.feeds.get(usize::from(entry.feed)).map(|feed| feed.id.as_str());
                (compiler.strings.text(entry.id), feed)
            })
        };
        let mut entries: Vec<u32> = numbers(compiler.entries.len()).collect();
        entries.sort_by_key(|&entry| key(entry));
        let mut number_of_entry = vec![0; entries.len()];
        for (number, &entry) in numbers(entries.len()).zip(&entries) {
            if let Some(slot) = usize::try_from(entry).ok().and_then(|entry| number_of_entry.get_mut(entry)) {
                *slot = number;
            }
        }
        // Catalogued vulnerabilities that no feed has a package for can still be asked about.
        let mut vulnerabilities: BTreeSet<u32> = identities.aliases.keys().copied().collect();
        vulnerabilities.extend(compiler.kev.keys());
        let mut vulnerabilities: Vec<u32> = vulnerabilities.into_iter().collect();
        vulnerabilities.sort_by_key(|&id| compiler.strings.text(id));
        let number_of_vulnerability =
            vulnerabilities.iter().copied().zip(numbers(vulnerabilities.len())).collect();
        Self { entries, number_of_entry, vulnerabilities, number_of_vulnerability }
    }

    fn entry(&self, entry: u32) -> u32 {
        at(&self.number_of_entry, entry).copied().unwrap_or(u32::MAX)
    }

    fn vulnerabilities(&self, ids: &BTreeSet<u32>) -> Vec<u32> {
        let mut found: Vec<u32> =
            ids.iter().filter_map(|id| self.number_of_vulnerability.get(id)).copied().collect();
        found.sort_unstable();
        found
    }
}

fn numbers(len: usize) -> std::ops::Range<u32> {
    0..u32::try_from(len).unwrap_or(u32::MAX)
}

/// Returns the index of packages, their statements, and each entry's packages (by number in the file).
type Packages = (Vec<u8>, Vec<u8>, HashMap<u32, Vec<u32>>);

fn write_packages(compiler: &Compiler, identities: &Identities, order: &Order) -> Result<Packages, TooLarge> {
    let mut keys: Vec<(String, u32)> = numbers(compiler.packages.len())
        .zip(&compiler.packages)
        .map(|(number, &(ecosystem, name))| {
            (package_key(compiler.strings.text(ecosystem), compiler.strings.text(name)), number)
        })
        .collect();
    keys.sort_unstable();
    let mut writer = RecordsWriter::default();
    let mut packages_of_entry: HashMap<u32, Vec<u32>> = HashMap::new();
    let mut index = Vec::with_capacity(keys.len());
    for (key, package) in &keys {
        let start = compiler.affected.partition_point(|(candidate, ..)| candidate < package);
        let statements = compiler.affected.get(start..).unwrap_or_default();
        let mut groups: Vec<(u32, &[u8], u32)> = statements
            .iter()
            .take_while(|(candidate, ..)| candidate == package)
            .map(|&(_, entry, body)| (order.entry(entry), compiler.bodies.bytes(body), entry))
            .collect();
        groups.sort_unstable();
        let mut record = writer.start();
        let (ecosystem, name) = key.split_once('\0').unwrap_or_default();
        record.text(ecosystem);
        record.text(name);
        let number = u32::try_from(index.len()).map_err(|_| TooLarge)?;
        for (advisory, body, entry) in groups {
            record.number(u64::from(advisory));
            record.number(at(&compiler.entries, entry).map_or(0, |entry| u64::from(entry.feed)));
            let targets = usize::try_from(entry).ok().and_then(|entry| identities.of_entry.get(entry));
            record.ascending(&targets.map(|targets| order.vulnerabilities(targets)).unwrap_or_default());
            record.bytes(body);
            let packages = packages_of_entry.entry(advisory).or_default();
            if packages.last() != Some(&number) {
                packages.push(number);
            }
        }
        index.push((key.as_bytes(), u64::from(writer.push(&record)?)));
    }
    Ok((write_table(index)?, writer.finish()?, packages_of_entry))
}

fn write_advisories(
    compiler: &Compiler,
    identities: &Identities,
    order: &Order,
    packages: &HashMap<u32, Vec<u32>>,
) -> Result<Vec<u8>, TooLarge> {
    let mut writer = RecordsWriter::default();
    for (number, &index) in numbers(order.entries.len()).zip(&order.entries) {
        let Some(entry) = at(&compiler.entries, index) else { continue };
        let mut record = writer.start();
        record.text(compiler.strings.text(entry.id));
        record.number(u64::from(entry.feed));
        record.texts(&sorted(compiler, entry.aliases.iter().chain(&entry.fixes)));
        record.text(&entry.facts.title);
        record.byte(severity_byte(entry.facts.severity));
        time(&mut record, entry.facts.published);
        time(&mut record, entry.facts.modified);
        time(&mut record, entry.withdrawn.filter(|_| !entry.live));
        let targets = usize::try_from(index).ok().and_then(|index| identities.of_entry.get(index));
        record.ascending(&targets.map(|targets| order.vulnerabilities(targets)).unwrap_or_default());
        record.ascending(packages.get(&number).map_or(&[], Vec::as_slice));
        writer.push(&record)?;
    }
    writer.finish()
}

fn write_vulnerabilities(
    compiler: &Compiler,
    identities: &Identities,
    order: &Order,
) -> Result<Vec<u8>, TooLarge> {
    let mut entries_of: HashMap<u32, Vec<u32>> = HashMap::new();
    for &entry in &order.entries {
        let targets = usize::try_from(entry).ok().and_then(|entry| identities.of_entry.get(entry));
        for &target in targets.into_iter().flatten() {
            entries_of.entry(target).or_default().push(entry);
        }
    }
    let mut writer = RecordsWriter::default();
    for &id in &order.vulnerabilities {
        let entries = entries_of.get(&id).map_or(&[][..], Vec::as_slice);
        let aliases = identities.aliases.get(&id);
        let mut record = writer.start();
        record.text(compiler.strings.text(id));
        record.texts(&sorted(compiler, aliases.into_iter().flatten()));
        write_facts(compiler, &mut record, id, aliases, entries);
        let mut advisories: Vec<u32> = entries.iter().map(|&entry| order.entry(entry)).collect();
        advisories.sort_unstable();
        record.ascending(&advisories);
        writer.push(&record)?;
    }
    writer.finish()
}

fn write_facts(
    compiler: &Compiler,
    record: &mut Encoder,
    id: u32,
    aliases: Option<&BTreeSet<u32>>,
    entries: &[u32],
) {
    // Those that are about this vulnerability alone first, live before withdrawn, best known registry first.
    let mut sources: Vec<&Entry> = entries.iter().filter_map(|&entry| at(&compiler.entries, entry)).collect();
    sources
        .sort_by_key(|entry| (!entry.fixes.is_empty(), !entry.live, rank(compiler.strings.text(entry.id))));
    let ids = || [id].into_iter().chain(aliases.into_iter().flatten().copied());
    let scores = || ids().filter_map(|id| compiler.scores.get(&id)).flatten();
    let alone =
        || sources.iter().filter(|entry| entry.fixes.is_empty()).map(|entry| (entry.feed, &entry.facts));
    let facts: Vec<(u16, &Facts)> = alone().chain(scores().map(|(feed, facts)| (*feed, facts))).collect();
    let errata = sources.iter().filter(|entry| !entry.fixes.is_empty()).map(|entry| &entry.facts);
    let prose: Vec<&Facts> = facts.iter().map(|(_, facts)| *facts).chain(errata).collect();

    // Not an erratum's: "fence-agents security update" says nothing about the library it bundles. Findings of the erratum's
    // own packages take it from there.
    let first =
        |text: fn(&Facts) -> &str| facts.iter().map(|(_, facts)| text(facts)).find(|text| !text.is_empty());
    record.text(first(|facts| &facts.title).unwrap_or_default());
    record.text(first(|facts| &facts.details).unwrap_or_default());

    let feed_id = |feed: u16| compiler.feeds.get(usize::from(feed)).map_or("", |feed| feed.id.as_str());
    let severities: BTreeSet<(&str, Severity)> =
        facts.iter().filter_map(|(feed, facts)| Some((feed_id(*feed), facts.severity?))).collect();
    record.count(severities.len());
    for (feed, severity) in severities {
        record.text(feed);
        record.byte(severity_byte(Some(severity)));
    }
    // The first source of a vector is named; mirrors of it add nothing.
    let mut cvss: BTreeMap<&str, (f64, &str)> = BTreeMap::new();
    for &(vector, score, source) in facts.iter().flat_map(|(_, facts)| &facts.cvss) {
        cvss.entry(compiler.strings.text(vector)).or_insert((score, compiler.strings.text(source)));
    }
    record.count(cvss.len());
    for (vector, (score, source)) in cvss {
        record.text(vector);
        record.float(score);
        record.text(source);
    }
    let epss = compiler.epss.get(&id);
    let kev = ids().find_map(|id| compiler.kev.get(&id));
    let exploit = ids().any(|id| compiler.exploits.contains(&id));
    record.byte(u8::from(epss.is_some()) | u8::from(kev.is_some()) << 1 | u8::from(exploit) << 2);
    if let Some(epss) = epss {
        record.float(epss.score);
        record.float(epss.percentile);
        time(record, epss.date);
    }
    if let Some(kev) = kev {
        time(record, kev.added);
        time(record, kev.due);
        record.byte(u8::from(kev.ransomware));
    }
    record.texts(&sorted(compiler, facts.iter().flat_map(|(_, facts)| &facts.weaknesses)));
    let mut references: Vec<&str> = Vec::new();
    for reference in prose.iter().flat_map(|facts| &facts.references) {
        if references.len() < super::REFERENCES && !references.contains(&&**reference) {
            references.push(reference);
        }
    }
    record.texts(&references);
    time(record, prose.iter().filter_map(|facts| facts.published).min());
    time(record, prose.iter().filter_map(|facts| facts.modified).max());
}

/// Returns the records of what identifiers name, and the index of identifiers, in the order of the sections.
fn write_ids(
    compiler: &Compiler,
    identities: &Identities,
    order: &Order,
) -> Result<(Vec<u8>, Vec<u8>), TooLarge> {
    type Named = (BTreeSet<u32>, BTreeSet<u32>);
    let mut ids: BTreeMap<String, Named> = BTreeMap::new();
    for (&id, number) in order.vulnerabilities.iter().zip(numbers(order.vulnerabilities.len())) {
        for &name in [id].iter().chain(identities.aliases.get(&id).into_iter().flatten()) {
            ids.entry(compiler.strings.text(name).to_lowercase()).or_default().0.insert(number);
        }
    }
    for (index, entry) in compiler.entries.iter().enumerate() {
        let targets =
            identities.of_entry.get(index).map(|targets| order.vulnerabilities(targets)).unwrap_or_default();
        let number = u32::try_from(index).map_err(|_| TooLarge)?;
        let named = ids.entry(compiler.strings.text(entry.id).to_lowercase()).or_default();
        named.0.extend(&targets);
        named.1.insert(order.entry(number));
        // Of an advisory with several CVEs the other identifiers may mean any of them.
        if entry.fixes.is_empty() {
            for &alias in &entry.aliases {
                let named = ids.entry(compiler.strings.text(alias).to_lowercase()).or_default();
                if named.0.is_empty() {
                    named.0.extend(&targets);
                }
            }
        }
    }
    let mut writer = RecordsWriter::default();
    let mut index = Vec::with_capacity(ids.len());
    for (id, (vulnerabilities, advisories)) in &ids {
        let mut record = writer.start();
        record.ascending(&vulnerabilities.iter().copied().collect::<Vec<_>>());
        record.ascending(&advisories.iter().copied().collect::<Vec<_>>());
        index.push((id.as_bytes(), u64::from(writer.push(&record)?)));
    }
    Ok((write_table(index)?, writer.finish()?))
}

fn write_feeds(compiler: &Compiler, built_at: Timestamp) -> Result<Vec<u8>, TooLarge> {
    let mut newest: HashMap<u16, Timestamp> = HashMap::new();
    for entry in &compiler.entries {
        if let Some(time) = coverage::changed(entry, built_at) {
            let newest = newest.entry(entry.feed).or_insert(time);
            *newest = time.max(*newest);
        }
    }
    let mut writer = RecordsWriter::default();
    for (index, feed) in (0..).zip(&compiler.feeds) {
        let mut record = writer.start();
        record.text(&feed.id);
        record.text(&feed.license);
        // What a feed says of itself as a whole (KEV's catalogue, EPSS's day) counts, unless it is from the future.
        let own = feed.counts.data_time.filter(|time| *time <= built_at);
        time(&mut record, own.max(newest.get(&index).copied()));
        for number in [feed.files, feed.counts.used, feed.counts.rejected, feed.counts.ignored] {
            record.number(number);
        }
        record.text(&feed.note);
        writer.push(&record)?;
    }
    writer.finish()
}

fn write_coverage(compiler: &Compiler, built_at: Timestamp) -> Result<Vec<u8>, TooLarge> {
    let mut writer = RecordsWriter::default();
    for (ecosystem, covered) in coverage::find(compiler, built_at) {
        let feeds: Vec<_> =
            covered.feeds.iter().filter_map(|&feed| compiler.feeds.get(usize::from(feed))).collect();
        let mut names: Vec<&str> = feeds.iter().map(|feed| feed.id.as_str()).collect();
        names.sort_unstable();
        let mut record = writer.start();
        record.text(ecosystem);
        record.texts(&names);
        record.count(covered.packages);
        record.count(covered.advisories);
        time(&mut record, covered.newest);
        writer.push(&record)?;
    }
    writer.finish()
}

fn sorted<'a>(compiler: &'a Compiler, ids: impl Iterator<Item = &'a u32>) -> Vec<&'a str> {
    let texts: BTreeSet<&str> = ids.map(|&id| compiler.strings.text(id)).collect();
    texts.into_iter().collect()
}

fn time(record: &mut Encoder, time: Option<Timestamp>) {
    record.byte(u8::from(time.is_some()));
    if let Some(time) = time {
        record.signed(time.0);
    }
}

pub(super) fn severity_byte(severity: Option<Severity>) -> u8 {
    match severity {
        None => 0,
        Some(Severity::Unknown) => 1,
        Some(Severity::Negligible) => 2,
        Some(Severity::Low) => 3,
        Some(Severity::Medium) => 4,
        Some(Severity::High) => 5,
        Some(Severity::Critical) => 6,
    }
}
