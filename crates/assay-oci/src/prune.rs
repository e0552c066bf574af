//! Which images of a repository may go, and what goes with them.
//!
//! Surprising: registries delete a manifest and with it all its tags, so that an image goes only when all that name it may go; nobody
//! lists manifests without a tag, so that those are never looked at for themselves; and what an image says of its age is its author's
//! word, often a fixed date of long ago, so that nothing is known of the age of what claims to be older than containers.

mod look;

use crate::error::OpenError;
use crate::repository::{Repository, RepositoryError};
use assay_model::{Digest, Timestamp};
use look::{Contents, Looked};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Indexes in indexes, and artifacts of artifacts.
const MAX_DEPTH: usize = 8;
/// Manifests that one plan deletes; what is left goes at the next.
const MAX_DELETED: usize = 50_000;
/// Docker is of March 2013: what claims to be older has a date that was set to make builds reproducible.
const FIRST_CONTAINERS: Timestamp = Timestamp(1_362_096_000);

/// What is kept. An image that any of these holds for stays.
pub struct Keep<'a> {
    /// So many of the newest images.
    pub last: usize,
    /// Images that are not older than this.
    pub since: Option<Timestamp>,
    /// Images with such a tag.
    pub tag: &'a dyn Fn(&str) -> bool,
    /// Images that run, or that are what to go back to.
    pub deployed: &'a BTreeSet<Digest>,
    /// When images were first seen, as far as that is known: their age is that if it is less than what they say of themselves.
    pub first_seen: &'a BTreeMap<Digest, Timestamp>,
    /// When images were last pulled, as far as that is known.
    pub last_pulled: &'a BTreeMap<Digest, Timestamp>,
}

/// Why a tag stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It runs, or is what to go back to.
    Deployed,
    /// Its tag is to be kept.
    Tag,
    /// It is not old enough.
    Young,
    /// It was pulled not long ago.
    Pulled(Timestamp),
    /// It is one of the newest.
    Newest,
    /// Nobody knows how old it is.
    UnknownAge,
    /// It cannot be read.
    Unreadable(String),
    /// The same image has a tag that stays.
    Same(String),
    /// It is part of what stays, or what stays is attached to it.
    Needed(Digest),
    /// It is attached to something that does not go.
    Attached(Digest),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deployed => f.write_str("deployed, or last known good"),
            Self::Tag => f.write_str("its tag is to be kept"),
            Self::Young => f.write_str("not old enough"),
            Self::Pulled(at) => write!(f, "pulled on {}", at.date_text()),
            Self::Newest => f.write_str("one of the newest"),
            Self::UnknownAge => f.write_str("its age is not known"),
            Self::Unreadable(why) => write!(f, "it cannot be read: {why}"),
            Self::Same(tag) => write!(f, "the same image as {tag}"),
            Self::Needed(by) => write!(f, "{} needs it", by.short()),
            Self::Attached(to) => write!(f, "attached to {}", to.short()),
        }
    }
}

/// What becomes of a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The tag.
    pub tag: String,
    /// What it names.
    pub digest: Digest,
    /// How old that is, as far as it is known.
    pub created: Option<Timestamp>,
    /// Why it stays; nothing if it goes.
    pub kept: Option<Why>,
}

/// A manifest that goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deletion {
    /// The manifest.
    pub digest: Digest,
    /// The image with which it goes; its own digest for the image itself.
    pub with: Digest,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Every tag.
    pub rows: Vec<Row>,
    /// What goes, in the order in which it does: an image before its parts, and what is attached last, so that whatever interrupts this
    /// leaves no image without its parts or its signatures.
    pub deletions: Vec<Deletion>,
    /// What could not be found out, so that something may be left behind.
    pub problems: Vec<String>,
}

/// Works out what may go of a repository with these tags, which must be all there are.
///
/// # Errors
/// Fails when the place cannot be read. What is there and makes no sense stays.
pub fn plan(
    repository: &Repository,
    tags: &BTreeSet<String>,
    keep: &Keep<'_>,
) -> Result<Plan, RepositoryError> {
    let contents = look::contents(repository, tags)?;
    let mut rows = contents.rows(keep);
    let kept: BTreeMap<Digest, String> =
        rows.iter().filter(|row| row.kept.is_some()).map(|row| (row.digest, row.tag.clone())).collect();
    for row in rows.iter_mut().filter(|row| row.kept.is_none()) {
        row.kept = kept.get(&row.digest).cloned().map(Why::Same);
    }
    let kept: BTreeSet<Digest> = kept.into_keys().chain(keep.deployed.iter().copied()).collect();
    let needed = contents.needed(repository, kept)?;
    for row in rows.iter_mut().filter(|row| row.kept.is_none()) {
        row.kept = needed.get(&row.digest).map(|by| Why::Needed(*by));
    }
    let going: Vec<Digest> = {
        let mut seen = BTreeSet::new();
        let going = rows.iter().filter(|row| row.kept.is_none() && seen.insert(row.digest));
        going.map(|row| row.digest).collect()
    };
    let mut plan = Plan { rows, ..Plan::default() };
    let mut gone = BTreeSet::new();
    for image in going {
        if gone.len() > MAX_DELETED {
            plan.problems.push(format!("more than {MAX_DELETED} manifests go; prune again for the rest"));
            break;
        }
        let (contents, needed) = (&contents, &needed);
        let mut deletions = Deletions { repository, contents, needed, gone: &mut gone, plan: &mut plan };
        deletions.image(image, image, 0)?;
    }
    for row in contents.attached_rows(&gone) {
        plan.rows.push(row);
    }
    plan.rows.sort_by(|one, other| one.tag.cmp(&other.tag));
    Ok(plan)
}

struct Deletions<'a> {
    repository: &'a Repository,
    contents: &'a Contents,
    needed: &'a BTreeMap<Digest, Digest>,
    gone: &'a mut BTreeSet<Digest>,
    plan: &'a mut Plan,
}

impl Deletions<'_> {
    /// Adds a manifest, its parts and what is attached to it, but nothing that something else needs.
    fn image(&mut self, digest: Digest, with: Digest, depth: usize) -> Result<(), RepositoryError> {
        if depth > MAX_DEPTH || self.needed.contains_key(&digest) || !self.gone.insert(digest) {
            return Ok(());
        }
        self.plan.deletions.push(Deletion { digest, with });
        let children = match self.contents.looked(self.repository, digest)? {
            Looked::Read(read) => read.children,
            Looked::Missing | Looked::Unreadable(_) => Vec::new(),
        };
        for child in children {
            self.image(child, with, depth.saturating_add(1))?;
        }
        self.attached(digest, with, depth)
    }

    fn attached(&mut self, subject: Digest, with: Digest, depth: usize) -> Result<(), RepositoryError> {
        if depth > MAX_DEPTH {
            return Ok(());
        }
        let found = self.repository.artifacts(subject, &[])?;
        for problem in &found.problems {
            self.plan.problems.push(format!("{} of {}: {}", problem.found, subject.short(), problem.reason));
        }
        for look in found.looked.iter().filter(|look| look.is_truncated()) {
            self.plan.problems.push(format!(
                "{} of {} lists more than is looked at",
                look.name,
                subject.short()
            ));
        }
        for artifact in found.artifacts {
            // Whoever may push may write a list under the fallback tag, and name in it whatever they please.
            let says_so = match self.contents.looked(self.repository, artifact.descriptor.digest)? {
                Looked::Read(read) => read.subject == Some(subject),
                Looked::Missing | Looked::Unreadable(_) => false,
            };
            if says_so {
                self.image(artifact.descriptor.digest, with, depth.saturating_add(1))?;
            }
        }
        // The lists and cosign's manifests are named by the image that goes. What a list names is no part of it.
        for digest in self.contents.named_by(subject) {
            if !self.needed.contains_key(&digest) && self.gone.insert(digest) {
                self.plan.deletions.push(Deletion { digest, with });
                self.attached(digest, with, depth.saturating_add(1))?;
            }
        }
        Ok(())
    }
}

/// Returns the newest of two dates, of which any may not be known.
fn newest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).max()
}

/// Puts what is wrong with a manifest into words; what keeps the registry from answering at all is an error.
fn damage(error: RepositoryError) -> Result<String, RepositoryError> {
    match error {
        RepositoryError::Open(
            error @ (OpenError::Digest { .. } | OpenError::TooLarge { .. } | OpenError::MediaType { .. }),
        ) => Ok(error.to_string()),
        error => Err(error),
    }
}
