//! What the images are built on that a pod names: found by their layers among the images that were scanned, as `assay gate` finds it among
//! those that it is told of.
//!
//! What merely was scanned may be anybody's image. Only those of the repositories that the operator named count before others, and only
//! what they bring may be left out of a count.

use super::decide::{Admission, Judge};
use assay_engine::{Knowledge, KnownImage, Looked, attribute, find_base_among, is_newest_among};
use assay_model::{DiffId, Digest, Report, Timestamp};
use assay_policy::Policy;
use assay_store::{BaseImage, Place, StoreError, StoredReport};
use std::collections::{BTreeMap, BTreeSet};

/// Repositories of possible bases that are looked through for newer ones.
const MAX_REPOSITORIES: usize = 8;
/// Possible bases of one image of which is looked what is attached to them: the nearest.
const MAX_SIGNED: usize = 8;

/// What one image may be built on, and what stands beside that in its repositories.
#[derive(Debug, Clone, Default)]
pub(super) struct Bases {
    below: Vec<BaseImage>,
    /// Those of their repositories that were named.
    named: BTreeSet<(String, String)>,
    /// What else is in the repositories of bases, and whether that is all.
    beside: Vec<(BaseImage, bool)>,
}

impl Judge {
    /// Has images of these repositories, each with its registry, count as bases before others, and as known ones.
    #[must_use]
    pub fn building_on(self, repositories: Vec<String>) -> Self {
        Self { bases: repositories, ..self }
    }

    fn names(&self, registry: &str, repository: &str) -> bool {
        self.bases.iter().any(|named| {
            named.strip_prefix(registry).and_then(|rest| rest.strip_prefix('/')) == Some(repository)
        })
    }
}

/// Says whether a policy may ask if a base is the newest.
fn asks_for_newest(policy: &Policy) -> bool {
    policy.rules.iter().any(|rule| match rule.rule.id() {
        "bases" => rule.params.truth("newest"),
        "cel" | "rego" => true,
        _ => false,
    })
}

impl Admission {
    /// Returns what the images may be built on.
    pub(super) async fn bases(
        &self,
        reports: &[(Digest, StoredReport)],
    ) -> Result<BTreeMap<Digest, Bases>, StoreError> {
        let mut all = BTreeMap::new();
        for (digest, _) in reports {
            let mut bases = Bases::default();
            // First those that were named: nobody can crowd them out.
            if !self.judge.bases.is_empty() {
                bases.below.extend(self.store.bases(digest, &self.judge.bases).await?);
            }
            bases.below.extend(self.store.bases(digest, &[]).await?);
            let of = |one: &BaseImage| (one.registry.clone(), one.repository.clone());
            bases.named = bases
                .below
                .iter()
                .filter(|one| self.judge.names(&one.registry, &one.repository))
                .map(of)
                .collect();
            // As the base is chosen: those that were named, then the nearest.
            bases.below.sort_by_key(|one| (!bases.named.contains(&of(one)), std::cmp::Reverse(one.layers)));
            let mut seen = BTreeSet::new();
            for place in bases.below.iter().map(of) {
                if !asks_for_newest(self.judge.policy()) {
                    break;
                }
                if seen.len() < MAX_REPOSITORIES && seen.insert(place.clone()) {
                    let (images, complete) = self.store.images_in(&place.0, &place.1).await?;
                    bases.beside.extend(images.into_iter().map(|image| (image, complete)));
                }
            }
            all.insert(*digest, bases);
        }
        Ok(all)
    }
}

impl Bases {
    /// Returns the nearest of what may be a base, and where what is attached to it would be.
    pub(super) fn places(&self) -> Vec<(Digest, Place)> {
        let mut seen = BTreeSet::new();
        let place = |one: &BaseImage| {
            let place =
                Place { registry: one.registry.clone(), repository: one.repository.clone(), tag: None };
            (one.digest, place)
        };
        self.below.iter().filter(|one| seen.insert(one.digest)).take(MAX_SIGNED).map(place).collect()
    }

    /// Writes into a report what its image is built on, which findings come from there, and whether it is the newest.
    pub(super) fn write(&self, report: &mut Report) {
        let layers: Option<Vec<(DiffId, Option<Digest>)>> =
            report.image.layers.iter().map(|layer| Some((layer.diff_id?, layer.digest))).collect();
        let layers = layers.unwrap_or_default();
        let known: Vec<KnownImage> = self
            .below
            .iter()
            .filter_map(|one| Some(self.known(one, layers.get(..one.layers?)?.to_vec())))
            .collect();
        let Some((base, of)) = find_base_among(&report.image, &known) else { return };
        report.image.base = Some(base);
        attribute(report);
        let (Some(base), Some(of)) = (&mut report.image.base, of) else { return };
        let chain =
            self.below.iter().find(|one| Some(one.digest) == of.manifest_digest).map(|one| &one.chain);
        let others = |(one, _): &&(BaseImage, bool)| Some(&one.chain) != chain;
        // Their layers are others, and that is all that counts.
        let mut beside: Vec<KnownImage> =
            self.beside.iter().filter(others).map(|(one, _)| self.known(one, Vec::new())).collect();
        beside.extend(known.iter().filter(|one| one.manifest_digest == of.manifest_digest).cloned());
        let complete = !self.beside.is_empty() && self.beside.iter().all(|(_, complete)| *complete);
        base.newest = is_newest_among(&of, &beside, if complete { Looked::Through } else { Looked::Partly });
    }

    fn known(&self, one: &BaseImage, layers: Vec<(DiffId, Option<Digest>)>) -> KnownImage {
        let named = self.named.contains(&(one.registry.clone(), one.repository.clone()));
        let name = format!("{}/{}", one.registry, one.repository);
        let reference = match &one.tag {
            Some(tag) => format!("{name}:{tag}"),
            None => format!("{name}@{}", one.digest),
        };
        KnownImage {
            reference,
            manifest_digest: Some(one.digest),
            image_id: one.image_id,
            platform: one.platform.as_ref().and_then(|text| text.parse().ok()),
            created: one.made.map(|made| -> Timestamp { made.timestamp() }),
            layers,
            knowledge: if named { Knowledge::Repository } else { Knowledge::Cache },
            inventory: None,
        }
    }
}
