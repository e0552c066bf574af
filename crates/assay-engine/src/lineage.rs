//! Finds the image another one was built from, without anybody's database: by its layers among images that are known, by
//! what its annotations say, by its build history.

use crate::Settings;
use crate::cache::image::name;
use assay_advisories::Database;
use assay_advisories::database::CorruptDatabase;
use assay_analyze::Lockfiles;
use assay_match::match_inventory;
use assay_model::{
    Base, BaseEvidence, DiffId, Digest, Finding, FindingKind, HistoryEntry, Image, Inventory, NewerBase,
    Platform, Report, Timestamp,
};
use assay_oci::Assurance;
use std::collections::BTreeSet;

/// Why an image is known. Ordered: what the user named comes before what happened to be scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Knowledge {
    /// The user named it as a base.
    Named,
    /// It is in the repository the user named.
    Repository,
    /// It was scanned before on this machine.
    Cache,
}

/// How much of the repositories that were looked through is among the known images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Looked {
    /// Everything that may be a base.
    #[default]
    Through,
    /// There may be more: a list was cut, or something in it could not be read.
    Partly,
}

/// An image whose layers are known.
#[derive(Debug, Clone)]
pub struct KnownImage {
    /// What it is called.
    pub reference: String,
    /// The digest of its manifest.
    pub manifest_digest: Option<Digest>,
    /// The digest of its configuration.
    pub image_id: Option<Digest>,
    /// What it runs on.
    pub platform: Option<Platform>,
    /// When it was built, as it claims.
    pub created: Option<Timestamp>,
    /// Its layers, with the digests of their blobs where known.
    pub layers: Vec<(DiffId, Option<Digest>)>,
    /// Why it is known.
    pub knowledge: Knowledge,
    /// What is in it, if it was read in this run.
    pub inventory: Option<Inventory>,
}

impl KnownImage {
    /// Returns what is known of an image by its configuration; `None` if that names no layers.
    pub fn new(image: &Image, knowledge: Knowledge, inventory: Option<Inventory>) -> Option<Self> {
        let layers =
            image.layers.iter().map(|layer| Some((layer.diff_id?, layer.digest))).collect::<Option<_>>()?;
        Some(Self {
            reference: image.reference.clone(),
            manifest_digest: image.manifest_digest,
            image_id: image.image_id,
            platform: image.platform.clone(),
            created: image.created,
            layers,
            knowledge,
            inventory,
        })
    }

    /// Returns whether an image's first layers are this one's, and it is not the same image.
    fn is_under(&self, image: &Image) -> bool {
        let same = self.image_id.is_some() && self.image_id == image.image_id;
        // Only settings were added: of the two, the older can be the base, unless the user says which it is.
        let only_settings = self.layers.len() == image.layers.len()
            && self.knowledge != Knowledge::Named
            && self.created.is_none_or(|own| image.created.is_none_or(|of_image| own >= of_image));
        !same
            && !only_settings
            && !self.layers.is_empty()
            && self.layers.len() <= image.layers.len()
            && self
                .layers
                .iter()
                .zip(&image.layers)
                .all(|((diff_id, _), layer)| layer.diff_id == Some(*diff_id))
    }
}

/// The annotations that name a base
/// (<https://github.com/opencontainers/image-spec/blob/main/annotations.md#pre-defined-annotation-keys>).
const BASE_NAME: &str = "org.opencontainers.image.base.name";
const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";

/// Finds the base of `image`, whose diff-ids were verified, among `known` images and those the cache remembers.
///
/// Returns it with the known image it is, if it is known.
pub fn find_base(
    image: &Image,
    known: &[KnownImage],
    settings: &Settings<'_>,
) -> Option<(Base, Option<KnownImage>)> {
    let first = image.layers.first().and_then(|layer| layer.diff_id);
    let remembered = match (&settings.cache, first) {
        (Some(cache), Some(first)) => cache.images_from(first),
        _ => Vec::new(),
    };
    find_base_among(image, &[known, &remembered].concat())
}

/// Does the same among `known` images alone, for who keeps what was scanned elsewhere.
pub fn find_base_among(image: &Image, known: &[KnownImage]) -> Option<(Base, Option<KnownImage>)> {
    let best = known
        .iter()
        .filter(|candidate| candidate.is_under(image))
        // The nearest base of those that the user named, or else of those that were scanned before; of equal ones what was named
        // itself, then the one that was there first.
        .min_by_key(|one| {
            (
                one.knowledge == Knowledge::Cache,
                std::cmp::Reverse(one.layers.len()),
                one.knowledge,
                one.created,
                one.reference.clone(),
                one.image_id,
            )
        });
    if let Some(best) = best {
        let count = u32::try_from(best.layers.len()).ok();
        let source = match best.knowledge {
            Knowledge::Named => "named with `--base`",
            Knowledge::Repository => "of the repository named with `--base-repository`",
            Knowledge::Cache => "scanned before",
        };
        let detail = format!(
            "its {} are the first of the {} of this image; it was {source}",
            layers(best.layers.len()),
            image.layers.len(),
        );
        let base = Base {
            reference: Some(best.reference.clone()),
            manifest_digest: best.manifest_digest,
            image_id: best.image_id,
            created: best.created,
            layers: count,
            evidence: BaseEvidence::LayerPrefix,
            named: best.knowledge != Knowledge::Cache,
            detail,
            findings: 0,
            of_findings: 0,
            newest: None,
            newer: None,
        };
        return Some((base, Some(best.clone())));
    }
    let guessed = guess(&image.history);
    // Labels are looked at as well: builders that write no manifest annotations put the same keys there.
    let said = |key: &str| image.annotations.get(key).or_else(|| image.labels.get(key)).cloned();
    let (name, digest) = (said(BASE_NAME), said(BASE_DIGEST).and_then(|text| text.parse::<Digest>().ok()));
    let base = |evidence, detail| Base {
        reference: name.clone(),
        manifest_digest: digest,
        image_id: None,
        created: None,
        layers: guessed,
        evidence,
        named: false,
        detail,
        findings: 0,
        of_findings: 0,
        newest: None,
        newer: None,
    };
    if name.is_some() || digest.is_some() {
        let count = match guessed {
            Some(count) => {
                format!("; that its layers are the first {count} is a guess from the build history")
            }
            None => String::new(),
        };
        return Some((
            base(BaseEvidence::Annotation, format!("the image's annotations say so{count}")),
            None,
        ));
    }
    guessed.map(|_| {
        let detail =
            "the build history sets a command there and then goes on, as it does after a base".to_owned();
        (base(BaseEvidence::History, detail), None)
    })
}

fn layers(count: usize) -> String {
    format!("{count} {}", if count == 1 { "layer" } else { "layers" })
}

/// Returns how many layers come before the last command or entry point that more layers follow: base images end by setting
/// one, and what is built on them begins after it.
fn guess(history: &[HistoryEntry]) -> Option<u32> {
    let sets_command = |entry: &HistoryEntry| {
        let text = entry.created_by.trim_start_matches("/bin/sh -c #(nop)").trim_start();
        entry.empty_layer && (text.starts_with("CMD") || text.starts_with("ENTRYPOINT"))
    };
    let last_layer = history.iter().rposition(|entry| !entry.empty_layer)?;
    let mark = history.iter().take(last_layer).rposition(sets_command)?;
    let count = history.iter().take(mark).filter(|entry| !entry.empty_layer).count();
    u32::try_from(count).ok().filter(|count| *count > 0)
}

/// Says of each finding whether it comes from the base.
pub fn attribute(report: &mut Report) {
    let Some(base) = &mut report.image.base else { return };
    for finding in &mut report.findings {
        let all = finding.locations.iter().map(|location| base.has_layer(location.layer?));
        finding.in_base = all.reduce(|a, b| Some(a? && b?)).flatten();
    }
    base.findings = report.findings.iter().filter(|finding| finding.in_base == Some(true)).count() as u64;
    base.of_findings = report.findings.len() as u64;
}

/// Looks for a newer image of the base's name, and predicts from its findings what building on it would change.
///
/// Nothing is fetched for that: it must have been named or scanned before. Its layers then lie in the cache.
///
/// # Errors
/// Fails when a record of the database is damaged.
pub fn newer_base(
    report: &Report,
    base: &KnownImage,
    known: &[KnownImage],
    settings: &Settings<'_>,
    database: &Database,
) -> Result<Option<NewerBase>, CorruptDatabase> {
    let Some(newest) = newest(base, &with_remembered(base, known, settings)) else { return Ok(None) };
    let Some(inventory) = newest.inventory.clone().or_else(|| from_cache(&newest, settings)) else {
        return Ok(None);
    };
    let key = |inventory: &Inventory, finding: &Finding| {
        let package = finding.package.and_then(|index| inventory.packages.get(index as usize));
        (finding.rule.clone(), package.map(|package| package.name.clone()).unwrap_or_default())
    };
    let theirs: BTreeSet<(String, String)> = match_inventory(&inventory, database)?
        .findings
        .iter()
        .map(|finding| key(&inventory, finding))
        .collect();
    let (from_base, own): (Vec<&Finding>, Vec<&Finding>) = report
        .findings
        .iter()
        .filter(|finding| finding.kind == FindingKind::Vulnerability)
        .partition(|finding| finding.in_base == Some(true));
    let keys = |findings: Vec<&Finding>| -> BTreeSet<(String, String)> {
        findings.into_iter().map(|finding| key(&report.inventory, finding)).collect()
    };
    let (ours, own) = (keys(from_base), keys(own));
    Ok(Some(NewerBase {
        reference: newest.reference.clone(),
        manifest_digest: newest.manifest_digest,
        created: newest.created,
        removes: ours.difference(&theirs).cloned().collect(),
        adds: theirs.iter().filter(|one| !ours.contains(*one) && !own.contains(*one)).cloned().collect(),
    }))
}

/// Returns the known images, and those of the base's name that the cache remembers.
fn with_remembered(base: &KnownImage, known: &[KnownImage], settings: &Settings<'_>) -> Vec<KnownImage> {
    let remembered =
        settings.cache.as_ref().map(|cache| cache.images_named(&base.reference)).unwrap_or_default();
    [known, &remembered].concat()
}

/// Returns the newest image of the base's name that is newer than it.
fn newest(base: &KnownImage, known: &[KnownImage]) -> Option<KnownImage> {
    known
        .iter()
        .filter(|one| {
            name(&one.reference) == name(&base.reference)
                && one.platform == base.platform
                && one.image_id != base.image_id
                && one.layers != base.layers
                && one.created.zip(base.created).is_some_and(|(one, base)| one > base)
        })
        // The same tag first: another tag may be another release.
        .max_by_key(|one| (one.reference == base.reference, one.created, one.reference.clone()))
        .cloned()
}

/// Returns whether the base is the newest image of its name; `None` where that cannot be told.
///
/// It can be when all of the repository was looked through, for the base's platform, or when the base is what the user's own name for it
/// stands for today; and when the base says when it was built, which reproducible images do not.
pub fn is_newest(
    base: &KnownImage,
    known: &[KnownImage],
    looked: Looked,
    settings: &Settings<'_>,
) -> Option<bool> {
    is_newest_among(base, &with_remembered(base, known, settings), looked)
}

/// Does the same among `known` images alone.
pub fn is_newest_among(base: &KnownImage, known: &[KnownImage], looked: Looked) -> Option<bool> {
    const EPOCH: Timestamp = Timestamp(0);
    if newest(base, known).is_some() {
        return Some(false);
    }
    let same_name = |one: &&KnownImage| name(&one.reference) == name(&base.reference);
    let dated = |one: &KnownImage| one.created.is_some_and(|created| created > EPOCH);
    // A tag that stands for another platform's image may have one for this platform as well, which nobody asked for.
    let comparable = |one: &KnownImage| dated(one) && one.platform == base.platform;
    let mut listed =
        known.iter().filter(same_name).filter(|one| one.knowledge == Knowledge::Repository).peekable();
    let looked_through =
        looked == Looked::Through && listed.peek().is_some() && dated(base) && listed.all(comparable);
    let is_meant = base.knowledge == Knowledge::Named && !base.reference.contains('@');
    (looked_through || is_meant).then_some(true)
}

/// Returns what is in an image all of whose layers are in the cache.
fn from_cache(image: &KnownImage, settings: &Settings<'_>) -> Option<Inventory> {
    let cache = settings.cache.as_ref()?;
    let layers: Option<Vec<_>> = image
        .layers
        .iter()
        .map(|(diff_id, blob)| {
            // The record's pairs are our own: nobody claims anything here.
            match cache.look_up(*blob, *diff_id, &Assurance::ByDigest, &settings.matcher, &settings.limits) {
                crate::cache::Known::Entry(entry) if entry.stale.is_empty() => Some(entry.analysis),
                _ => None,
            }
        })
        .collect();
    Some(crate::squash(layers?, true, Lockfiles::WhenNothingInstalled, settings).inventory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_ends_its_base_with_a_command() {
        let check = |steps: &[&str], want: Option<u32>| {
            let history: Vec<HistoryEntry> = steps
                .iter()
                .map(|text| HistoryEntry {
                    created_by: (*text).to_owned(),
                    empty_layer: !["ADD", "RUN", "COPY"].iter().any(|start| text.contains(start)),
                })
                .collect();
            assert_eq!(guess(&history), want, "{steps:?}");
        };
        check(
            &[
                "/bin/sh -c #(nop) ADD file:1 in / ",
                "/bin/sh -c #(nop)  CMD [\"bash\"]",
                "RUN x",
                "CMD [\"app\"]",
            ],
            Some(1),
        );
        check(
            &["ADD a", "CMD [\"bash\"]", "RUN b", "CMD [\"python3\"]", "COPY c", "ENTRYPOINT [\"app\"]"],
            Some(2),
        );
        check(&["ADD a", "CMD [\"bash\"]"], None);
        check(&["ADD a", "RUN CMD x"], None);
        check(&["CMD [\"bash\"]", "ADD a"], None);
        check(&[], None);
    }
}
