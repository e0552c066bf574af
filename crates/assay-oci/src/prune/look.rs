//! What is in a repository: its tags, what they name, how old that is, and what hangs together.

use super::{FIRST_CONTAINERS, Keep, MAX_DEPTH, Row, Why, damage, newest};
use crate::artifact::subject_of_tag;
use crate::document::MAX_CONFIG;
use crate::repository::{Repository, RepositoryError, StoredManifest};
use crate::source::Selector;
use crate::{Descriptor, ManifestDocument};
use assay_model::{Digest, Timestamp};
use serde::Deserialize;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The annotation that says when something was made, where there is no configuration that does.
const CREATED: &str = "org.opencontainers.image.created";

/// What a manifest is.
#[derive(Debug, Clone)]
pub(super) enum Looked {
    Read(Read),
    Missing,
    Unreadable(String),
}

#[derive(Debug, Clone, Default)]
pub(super) struct Read {
    /// What an index lists.
    pub(super) children: Vec<Digest>,
    /// What it says that it is about.
    pub(super) subject: Option<Digest>,
    /// When it says that it was made.
    pub(super) created: Option<Timestamp>,
    /// What of it is not understood.
    pub(super) damage: Option<String>,
}

/// What is in a repository.
pub(super) struct Contents {
    /// Images by tag.
    tags: BTreeMap<String, Digest>,
    /// Lists of artifacts and cosign's manifests, by the tag that names what they are attached to.
    attached: BTreeMap<String, (Digest, Digest)>,
    looked: RefCell<HashMap<Digest, Looked>>,
}

/// Looks at what every tag names.
pub(super) fn contents(
    repository: &Repository,
    tags: &BTreeSet<String>,
) -> Result<Contents, RepositoryError> {
    let mut contents =
        Contents { tags: BTreeMap::new(), attached: BTreeMap::new(), looked: RefCell::default() };
    for tag in tags {
        let Some(stored) = repository.find(Some(&Selector::Name(tag.clone())))? else { continue };
        let digest = stored.descriptor.digest;
        if let Some(subject) = subject_of_tag(tag) {
            contents.attached.insert(tag.clone(), (subject, digest));
        } else {
            contents.tags.insert(tag.clone(), digest);
        }
        if !contents.looked.borrow().contains_key(&digest) {
            let looked = contents.read(repository, &stored, 0)?;
            contents.looked.borrow_mut().insert(digest, looked);
        }
    }
    Ok(contents)
}

#[derive(Deserialize)]
struct Configuration {
    created: Option<String>,
}

impl Contents {
    /// Returns what a manifest is, which is asked once.
    pub(super) fn looked(&self, repository: &Repository, digest: Digest) -> Result<Looked, RepositoryError> {
        self.look(repository, digest, 0)
    }

    fn look(&self, repository: &Repository, digest: Digest, depth: usize) -> Result<Looked, RepositoryError> {
        if let Some(looked) = self.looked.borrow().get(&digest) {
            return Ok(looked.clone());
        }
        let looked = match repository.find(Some(&Selector::Digest(digest))) {
            Ok(Some(stored)) => self.read(repository, &stored, depth)?,
            Ok(None) => Looked::Missing,
            Err(error) => Looked::Unreadable(damage(error)?),
        };
        self.looked.borrow_mut().insert(digest, looked.clone());
        Ok(looked)
    }

    fn read(
        &self,
        repository: &Repository,
        stored: &StoredManifest,
        depth: usize,
    ) -> Result<Looked, RepositoryError> {
        let document = match ManifestDocument::parse(&stored.bytes) {
            Ok(document) => document,
            Err(error) => return Ok(Looked::Unreadable(error.to_string())),
        };
        // Of what is not understood nobody knows what it holds together.
        let damage =
            (document.malformed() > 0).then(|| "some of its entries cannot be understood".to_owned());
        let children: Vec<Digest> = document.manifests.iter().map(|entry| entry.digest).collect();
        let mut created = document.annotations.get(CREATED).and_then(|text| text.parse().ok());
        if let Some(configuration) = &document.config {
            created = newest(created, made(repository, configuration)?);
        }
        if depth < MAX_DEPTH {
            for child in &children {
                if let Looked::Read(child) = self.look(repository, *child, depth.saturating_add(1))? {
                    created = newest(created, child.created);
                }
            }
        }
        let subject = document.subject.map(|subject| subject.digest);
        Ok(Looked::Read(Read { children, subject, created, damage }))
    }

    /// Says of each image's tag why it stays, without regard to the others.
    pub(super) fn rows(&self, keep: &Keep<'_>) -> Vec<Row> {
        let looked = self.looked.borrow();
        let dated = |digest: &Digest| {
            let said = match looked.get(digest) {
                Some(Looked::Read(read)) => read.created.filter(|created| *created >= FIRST_CONTAINERS),
                _ => None,
            };
            newest(said, keep.first_seen.get(digest).copied())
        };
        let mut ages: BTreeMap<Digest, Timestamp> = BTreeMap::new();
        for digest in self.tags.values() {
            ages.extend(dated(digest).map(|date| (*digest, date)));
        }
        let mut order: Vec<(Timestamp, Digest)> =
            ages.iter().map(|(digest, date)| (*date, *digest)).collect();
        order.sort_by(|one, other| other.cmp(one));
        let last: BTreeSet<Digest> = order.into_iter().take(keep.last).map(|(_, digest)| digest).collect();
        let row = |(tag, digest): (&String, &Digest)| {
            let pulled = keep.last_pulled.get(digest).copied();
            let damage = match looked.get(digest) {
                Some(Looked::Unreadable(why)) => Some(why.clone()),
                Some(Looked::Read(read)) => read.damage.clone(),
                Some(Looked::Missing) | None => None,
            };
            let kept = if let Some(why) = damage {
                Some(Why::Unreadable(why))
            } else if self.runs(&looked, *digest, keep.deployed, 0) {
                Some(Why::Deployed)
            } else if (keep.tag)(tag) {
                Some(Why::Tag)
            } else if let Some(at) = pulled.filter(|at| keep.since.is_some_and(|since| *at >= since)) {
                Some(Why::Pulled(at))
            } else {
                match ages.get(digest) {
                    None => Some(Why::UnknownAge),
                    Some(date) if keep.since.is_some_and(|since| *date >= since) => Some(Why::Young),
                    Some(_) if last.contains(digest) => Some(Why::Newest),
                    Some(_) => None,
                }
            };
            Row { tag: tag.clone(), digest: *digest, created: ages.get(digest).copied(), kept }
        };
        self.tags.iter().map(row).collect()
    }

    /// Says whether an image, or any image of an index, is deployed.
    fn runs(
        &self,
        looked: &HashMap<Digest, Looked>,
        digest: Digest,
        deployed: &BTreeSet<Digest>,
        depth: usize,
    ) -> bool {
        if deployed.contains(&digest) || depth > MAX_DEPTH {
            return true;
        }
        match looked.get(&digest) {
            Some(Looked::Read(read)) => {
                read.children.iter().any(|child| self.runs(looked, *child, deployed, depth.saturating_add(1)))
            }
            _ => false,
        }
    }

    /// Returns everything that is needed by what stays, and by which of it: parts of indexes, what something is attached to, and what
    /// is attached and has a tag of its own kind that stays.
    pub(super) fn needed(
        &self,
        repository: &Repository,
        kept: BTreeSet<Digest>,
    ) -> Result<BTreeMap<Digest, Digest>, RepositoryError> {
        let mut needed: BTreeMap<Digest, Digest> = kept.iter().map(|digest| (*digest, *digest)).collect();
        let mut open: Vec<Digest> = kept.into_iter().collect();
        // What is attached to something that has no tag stays: it may be pulled by its digest.
        let going = self.tags.values().copied().filter(|digest| !needed.contains_key(digest));
        let going = self.with_all(repository, going.collect())?;
        for (subject, digest) in self.attached.values() {
            if !going.contains(subject) {
                needed.insert(*digest, *subject);
                open.push(*digest);
            }
        }
        while let Some(one) = open.pop() {
            let Looked::Read(read) = self.look(repository, one, 0)? else { continue };
            for other in read.children.into_iter().chain(read.subject) {
                if let std::collections::btree_map::Entry::Vacant(entry) = needed.entry(other) {
                    entry.insert(one);
                    open.push(other);
                }
            }
        }
        Ok(needed)
    }

    /// Returns manifests with all that the indexes among them list, and what lists under their tags say is attached to them, if that
    /// says so itself.
    fn with_all(
        &self,
        repository: &Repository,
        mut open: Vec<Digest>,
    ) -> Result<BTreeSet<Digest>, RepositoryError> {
        let mut named: BTreeMap<Digest, Vec<Digest>> = BTreeMap::new();
        for (subject, digest) in self.attached.values() {
            named.entry(*subject).or_default().push(*digest);
        }
        let mut all = BTreeSet::new();
        while let Some(one) = open.pop() {
            if !all.insert(one) {
                continue;
            }
            if let Looked::Read(read) = self.looked(repository, one)? {
                open.extend(read.children);
            }
            for list in named.get(&one).into_iter().flatten() {
                let Looked::Read(list) = self.looked(repository, *list)? else { continue };
                for entry in list.children {
                    let says_so = match self.looked(repository, entry)? {
                        Looked::Read(read) => read.subject == Some(one),
                        Looked::Missing | Looked::Unreadable(_) => false,
                    };
                    open.extend(says_so.then_some(entry));
                }
            }
        }
        Ok(all)
    }

    /// Returns the lists of artifacts and cosign's manifests that are named by an image.
    pub(super) fn named_by(&self, subject: Digest) -> Vec<Digest> {
        self.attached.values().filter(|(of, _)| *of == subject).map(|(_, digest)| *digest).collect()
    }

    /// Says what becomes of tags that name what they are attached to.
    pub(super) fn attached_rows(&self, gone: &BTreeSet<Digest>) -> Vec<Row> {
        let row = |(tag, (subject, digest)): (&String, &(Digest, Digest))| Row {
            tag: tag.clone(),
            digest: *digest,
            created: None,
            kept: (!gone.contains(digest)).then_some(Why::Attached(*subject)),
        };
        self.attached.iter().map(row).collect()
    }
}

/// Returns when a configuration says that the image was made.
fn made(repository: &Repository, configuration: &Descriptor) -> Result<Option<Timestamp>, RepositoryError> {
    if !configuration.media_type.ends_with("json") {
        return Ok(None);
    }
    match repository.blob(configuration, MAX_CONFIG) {
        Ok(bytes) => {
            let read = serde_json::from_slice::<Configuration>(&bytes).ok();
            Ok(read.and_then(|read| read.created).and_then(|text| text.parse().ok()))
        }
        // Without it the age is not known, which keeps the image.
        Err(RepositoryError::Blob { .. }) => Ok(None),
        Err(error) => damage(error).map(|_| None),
    }
}
