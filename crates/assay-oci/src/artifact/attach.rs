//! Attaches something to an image: as a referrer (<https://github.com/opencontainers/image-spec/blob/main/manifest.md>), or as one
//! more layer under one of cosign's tags.

use super::document::{EMPTY, EMPTY_TYPE, ManifestDocument};
use super::tag::{TagScheme, fallback_tag};
use super::update::{Change, Step, update};
use super::{Found, INDEX_TYPE, MANIFEST_TYPE};
use crate::descriptor::Descriptor;
use crate::document::parse;
use crate::error::OpenError;
use crate::repository::{Repository, RepositoryError, StoredManifest};
use crate::source::Selector;
use crate::verify::sha256;
use assay_model::Digest;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A layer that is to be attached.
#[derive(Debug, Clone, Copy)]
pub struct NewLayer<'a> {
    /// Its type.
    pub media_type: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// What is said of it.
    pub annotations: &'a BTreeMap<String, String>,
}

/// An artifact that is to be attached.
#[derive(Debug, Clone, Copy)]
pub struct NewArtifact<'a> {
    /// What kind it is.
    pub artifact_type: &'a str,
    /// What it consists of.
    pub layers: &'a [NewLayer<'a>],
    /// What is said of it.
    pub annotations: &'a BTreeMap<String, String>,
}

/// What was attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// Its manifest.
    pub descriptor: Descriptor,
    /// Where readers find it.
    pub found: Found,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    schema_version: u32,
    media_type: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    artifact_type: &'a str,
    config: &'a Descriptor,
    layers: &'a [Descriptor],
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a Descriptor>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a BTreeMap<String, String>,
}

impl Repository {
    /// Attaches an artifact to `subject`, a manifest or index of this repository; it is there once, however often it is attached.
    ///
    /// # Errors
    /// Fails when something cannot be written.
    pub fn attach(&self, subject: &Descriptor, new: &NewArtifact<'_>) -> Result<Attached, RepositoryError> {
        let config = self.push_blob(EMPTY_TYPE, EMPTY)?;
        let mut layers = Vec::new();
        for layer in new.layers {
            let mut pushed = self.push_blob(layer.media_type, layer.bytes)?;
            pushed.annotations.clone_from(layer.annotations);
            layers.push(pushed);
        }
        // The specification wants a layer in every manifest.
        if layers.is_empty() {
            layers.push(config.clone());
        }
        let subject = Descriptor::new(&subject.media_type, subject.digest, subject.size);
        let manifest = written(&Manifest {
            schema_version: 2,
            media_type: MANIFEST_TYPE,
            artifact_type: new.artifact_type,
            config: &config,
            layers: &layers,
            subject: Some(&subject),
            annotations: new.annotations,
        })?;
        self.push_referrer(&manifest)
    }

    /// Writes the finished manifest of an artifact, which names its subject, and sees to it that the subject's readers find it.
    ///
    /// # Errors
    /// Fails when it names no subject, or cannot be written.
    pub fn push_referrer(&self, manifest: &[u8]) -> Result<Attached, RepositoryError> {
        let document = ManifestDocument::parse(manifest)?;
        let Some(subject) = document.subject.as_ref().map(|subject| subject.digest) else {
            let what = "the manifest of an artifact without a subject".to_owned();
            return Err(OpenError::NoManifest { what }.into());
        };
        let media_type = crate::repository::media_type_of(manifest, None);
        let put = self.push_manifest(&media_type, manifest, None)?;
        let mut entry = Descriptor::of(&media_type, manifest);
        document.decided_type().clone_into(&mut entry.artifact_type);
        entry.annotations.clone_from(&document.annotations);
        if put.lists_referrers {
            return Ok(Attached { descriptor: entry, found: Found::Referrers });
        }
        let tag = fallback_tag(&subject);
        let list = List::new(entry.clone());
        update(self, &tag, &entry.digest, &mut ListAt { repository: self, list })?;
        Ok(Attached { descriptor: entry, found: Found::FallbackTag })
    }

    /// Adds a layer to what is under one of cosign's tags of `subject`, as cosign does: layers that are there stay, and one that
    /// is there with the same annotations is not added again.
    ///
    /// # Errors
    /// Fails when something cannot be written, or what is under the tag is no such manifest.
    pub fn append_tagged(
        &self,
        subject: &Digest,
        scheme: TagScheme,
        layer: &NewLayer<'_>,
    ) -> Result<Attached, RepositoryError> {
        let mut pushed = self.push_blob(layer.media_type, layer.bytes)?;
        pushed.annotations.clone_from(layer.annotations);
        let tag = scheme.tag(subject);
        let layers = Layers::new(&pushed)?;
        let last = Descriptor::of(MANIFEST_TYPE, &[]);
        let mut layers = LayersAt { repository: self, layers, last };
        update(self, &tag, &seed(&pushed), &mut layers)?;
        Ok(Attached { descriptor: layers.last, found: Found::Tag(scheme) })
    }
}

/// Signatures of one payload have one digest and differ in what is said of them.
fn seed(layer: &Descriptor) -> Digest {
    sha256(&serde_json::to_vec(layer).unwrap_or_default())
}

fn written(value: &impl Serialize) -> Result<Vec<u8>, RepositoryError> {
    serde_json::to_vec(value)
        .map_err(|source| OpenError::Malformed { what: "a new manifest".to_owned(), source }.into())
}

fn malformed(what: &str) -> RepositoryError {
    OpenError::NoManifest { what: what.to_owned() }.into()
}

struct ListAt<'a> {
    repository: &'a Repository,
    list: List,
}

impl Change for ListAt<'_> {
    fn step(&mut self, current: Option<&StoredManifest>) -> Result<Step, RepositoryError> {
        Ok(match self.list.next(current.map(|current| current.bytes.as_slice()))? {
            None => Step::Complete,
            Some(bytes) => Step::Write { media_type: INDEX_TYPE, bytes },
        })
    }

    /// Most registries refuse a list with an entry that is gone, which somebody deleted without changing the list.
    fn refused(&mut self, current: Option<&StoredManifest>) -> Result<bool, RepositoryError> {
        let before = self.list.gone.len();
        let document = current.map(|current| ManifestDocument::parse(&current.bytes)).transpose()?;
        let listed = document.map(|document| document.manifests).unwrap_or_default();
        for entry in listed {
            let digest = entry.digest.to_string();
            let gone = self.repository.find(Some(&Selector::Digest(entry.digest)))?.is_none();
            if gone && !self.list.gone.contains(&digest) {
                self.list.gone.push(digest);
            }
        }
        let again = !self.list.pruned || self.list.gone.len() > before;
        self.list.pruned = true;
        Ok(again)
    }
}

struct LayersAt<'a> {
    repository: &'a Repository,
    layers: Layers,
    last: Descriptor,
}

impl Change for LayersAt<'_> {
    fn step(&mut self, current: Option<&StoredManifest>) -> Result<Step, RepositoryError> {
        let Some(manifest) = self.layers.step(current.map(|current| current.bytes.as_slice()))? else {
            if let Some(current) = current {
                self.last = current.descriptor.clone();
            }
            return Ok(Step::Complete);
        };
        self.repository.push_blob(IMAGE_CONFIG, &manifest.config)?;
        Ok(Step::Write { media_type: MANIFEST_TYPE, bytes: manifest.bytes })
    }
}

/// The list under a fallback tag: what is there, what was ever seen there, and the new entry.
pub(crate) struct List {
    new: Descriptor,
    seen: Vec<Value>,
    /// Entries that are to be left out, because what they point to is not there.
    gone: Vec<String>,
    /// Entries that are none are left out, too.
    pruned: bool,
}

fn digest_of(entry: &Value) -> Option<&str> {
    entry.get("digest")?.as_str()
}

impl List {
    pub(crate) fn new(new: Descriptor) -> Self {
        Self { new, seen: Vec::new(), gone: Vec::new(), pruned: false }
    }

    /// Returns what is to be written in place of `current`; nothing if all is there.
    pub(crate) fn next(&mut self, current: Option<&[u8]>) -> Result<Option<Vec<u8>>, RepositoryError> {
        let what = "what is under the fallback tag";
        let mut index: Value = match current {
            Some(bytes) => parse(bytes, what)?,
            None => json!({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": []}),
        };
        let Some(entries) = index.as_object_mut().and_then(|object| {
            let list = object.entry("manifests").or_insert_with(|| json!([]));
            // Go writes `null` for an empty list.
            if list.is_null() {
                *list = json!([]);
            }
            list.as_array_mut()
        }) else {
            return Err(malformed(what));
        };
        let new = serde_json::to_value(&self.new)
            .map_err(|source| OpenError::Malformed { what: what.to_owned(), source })?;
        let ours = self.new.digest.to_string();
        let before = entries.clone();
        // The new entry is there, whatever others say of it.
        self.gone.retain(|gone| *gone != ours);
        // Ours is there once, and as it should be: some clients leave out the annotations, or write another type.
        let position = entries.iter().position(|entry| digest_of(entry) == Some(&ours));
        let mut kept = position.map(|_| new.clone());
        entries.retain_mut(|entry| {
            if digest_of(entry) != Some(&ours) {
                return true;
            }
            kept.take().is_some_and(|new| {
                *entry = new;
                true
            })
        });
        if self.pruned {
            entries.retain(|entry| serde_json::from_value::<Descriptor>(entry.clone()).is_ok());
        }
        let is_gone = |entry: &Value| {
            digest_of(entry).is_some_and(|digest| self.gone.iter().any(|gone| gone == digest))
        };
        entries.retain(|entry| !is_gone(entry));
        for entry in self.seen.iter().filter(|entry| !is_gone(entry)) {
            if !entries.iter().any(|have| digest_of(have) == digest_of(entry)) {
                entries.push(entry.clone());
            }
        }
        if position.is_none() {
            entries.push(new);
        }
        for entry in entries.iter() {
            if digest_of(entry).is_some_and(|digest| digest != ours)
                && !self.seen.iter().any(|have| digest_of(have) == digest_of(entry))
            {
                self.seen.push(entry.clone());
            }
        }
        if *entries == before {
            return Ok(None);
        }
        written(&index).map(Some)
    }
}

/// The configuration under cosign's tags: that of an image, so that every registry takes it.
const IMAGE_CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// The layers under one of cosign's tags: what is there, what was ever seen there, and the new one.
pub(crate) struct Layers {
    new: Value,
    seen: Vec<Value>,
}

/// A manifest under one of cosign's tags, and its configuration.
pub(crate) struct Tagged {
    bytes: Vec<u8>,
    config: Vec<u8>,
}

impl Layers {
    fn new(layer: &Descriptor) -> Result<Self, RepositoryError> {
        let new = serde_json::to_value(layer)
            .map_err(|source| OpenError::Malformed { what: "a new layer".to_owned(), source })?;
        Ok(Self { new, seen: Vec::new() })
    }

    /// Returns what is to be written in place of `current`; nothing if all is there.
    fn step(&mut self, current: Option<&[u8]>) -> Result<Option<Tagged>, RepositoryError> {
        let what = "what is under the tag";
        let old: Value = match current {
            Some(bytes) => parse(bytes, what)?,
            None => json!({"layers": []}),
        };
        let Some(mut layers) = old.get("layers").and_then(Value::as_array).cloned() else {
            return Err(malformed(what));
        };
        let count = layers.len();
        for layer in self.seen.iter().chain([&self.new]) {
            if !layers.contains(layer) {
                layers.push(layer.clone());
            }
        }
        if current.is_some() && layers.len() == count {
            return Ok(None);
        }
        self.seen.clone_from(&layers);
        let diff_ids: Vec<_> = layers.iter().filter_map(digest_of).collect();
        let config = written(&json!({
            "architecture": "", "os": "", "created": "0001-01-01T00:00:00Z", "config": {},
            "history": vec![json!({"created": "0001-01-01T00:00:00Z"}); diff_ids.len()],
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }))?;
        let mut manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": Descriptor::of(IMAGE_CONFIG, &config), "layers": layers,
        });
        // What else others wrote stays.
        if let (Some(manifest), Some(old)) = (manifest.as_object_mut(), old.as_object()) {
            for (name, value) in old {
                if !manifest.contains_key(name) {
                    manifest.insert(name.clone(), value.clone());
                }
            }
        }
        Ok(Some(Tagged { bytes: written(&manifest)?, config }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(number: usize) -> Descriptor {
        let mut entry = Descriptor::of(MANIFEST_TYPE, &[u8::try_from(number).unwrap()]);
        entry.artifact_type = format!("a/{number}");
        entry
    }

    fn digests(list: &[u8]) -> Vec<Digest> {
        ManifestDocument::parse(list).unwrap().manifests.iter().map(|entry| entry.digest).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// Writers take turns in any order, each writing what it had read a turn before; then each looks once more.
        #[test]
        fn writers_that_overwrite_each_other_end_with_all_entries(turns in prop::collection::vec(0_usize..6, 0..40)) {
            let mut stored: Option<Vec<u8>> = None;
            let mut writers: Vec<(List, Option<Vec<u8>>)> =
                (0..6).map(|number| (List::new(entry(number)), None)).collect();
            // In the worst order each round of reading and writing keeps one more entry.
            let rest = (0..6).cycle().take(6 * 30);
            for at in turns.into_iter().chain(rest) {
                let (list, pending) = &mut writers[at];
                match pending.take() {
                    Some(bytes) => stored = Some(bytes),
                    None => *pending = list.next(stored.as_deref()).unwrap(),
                }
            }
            let list = stored.unwrap();
            let mut found = digests(&list);
            found.sort();
            let mut expected: Vec<_> = (0..6).map(|number| entry(number).digest).collect();
            expected.sort();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn any_list_is_completed_or_refused(bytes: Vec<u8>, text in r#"(\{|\}|\[|\]|"manifests":|"digest":|"layers":|"x"|null|1|,){0,12}"#) {
            for input in [&bytes[..], text.as_bytes(), br#"{"manifests":[{"digest":"x"},null],"a":1}"#] {
                let mut list = List::new(entry(1));
                if let Ok(Some(written)) = list.next(Some(input)) {
                    prop_assert_eq!(list.next(Some(&written)).unwrap(), None);
                    prop_assert_eq!(digests(&written).iter().filter(|one| **one == entry(1).digest).count(), 1);
                }
                let mut layers = Layers::new(&entry(1)).unwrap();
                if let Ok(Some(written)) = layers.step(Some(input)) {
                    prop_assert!(layers.step(Some(&written.bytes)).unwrap().is_none());
                }
            }
        }
    }
}
