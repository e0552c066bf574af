//! An OCI layout as a repository: <https://github.com/opencontainers/image-spec/blob/main/image-layout.md>.
//!
//! What refers to another manifest is listed in `index.json` itself, beside the named images, as ORAS does; a list under the
//! fallback tag, as regclient writes it, is read by the caller. Every change of `index.json` happens under a lock on the layout's
//! `oci-layout` and replaces the file as a whole, so that several processes may write and none reads half a list. Paths are made of
//! digests only. Surprising: `index.json` is kept as it is but for the entry in question, since others may say more in it than is
//! known here; and what an entry refers to stands in its manifest only, so that each is read once, up to a limit for all of them.

use super::{Put, RepositoryError, StoredManifest, blob_error, media_type_of};
use crate::artifact::INDEX_TYPE;
use crate::artifact::document::ManifestDocument;
use crate::descriptor::Descriptor;
use crate::document::{MAX_MANIFEST, parse};
use crate::error::{OpenError, ReadLayerError};
use crate::files::Files;
use crate::registry::Access;
use crate::registry::push::{Condition, Transfer};
use crate::registry::referrers::{Listed, MAX_REFERRERS};
use crate::source::Selector;
use crate::source::oci::{blob_path, is_name, without_artifacts};
use crate::verify::Verified;
use assay_model::Digest;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The annotation that names an image of a layout.
pub(crate) const REF_NAME: &str = "org.opencontainers.image.ref.name";
const NAMES: [&str; 2] = [REF_NAME, "io.containerd.image.name"];

/// Bytes of all manifests that are read to see what they refer to; each has about a kilobyte, and `index.json` takes fifty thousand.
const MAX_LOOKED_INTO: u64 = 64 << 20;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Layout {
    files: Files,
    /// The folder, if it may be written to.
    writable: Option<PathBuf>,
    known: Mutex<Known>,
}

/// What was read of a layout.
#[derive(Debug, Default)]
struct Known {
    /// `index.json` as it was read last, and its entries.
    index: Option<(Vec<u8>, Arc<[Descriptor]>)>,
    /// Of each manifest that was read, what it refers to.
    subjects: HashMap<Digest, Option<Digest>>,
    /// Their bytes.
    bytes: u64,
    /// The places of the entries that refer to a manifest; nothing until somebody asks.
    referrers: Option<HashMap<Digest, Vec<usize>>>,
    /// There are more entries than could be read.
    truncated: bool,
}

impl Layout {
    pub(super) fn folder(folder: &Path, access: Access) -> Result<Self, RepositoryError> {
        let layout = Self {
            files: Files::Folder(folder.to_owned()),
            writable: (access == Access::Write).then(|| folder.to_owned()),
            known: Mutex::default(),
        };
        if access == Access::Write && !folder.join("oci-layout").exists() {
            make(folder)?;
        }
        layout.index()?;
        Ok(layout)
    }

    pub(super) fn archive(files: Files) -> Result<Self, RepositoryError> {
        let layout = Self { files, writable: None, known: Mutex::default() };
        layout.index()?;
        Ok(layout)
    }

    pub(super) fn place(&self) -> String {
        self.files.path().display().to_string()
    }

    fn index(&self) -> Result<Arc<[Descriptor]>, RepositoryError> {
        let Some(bytes) = self.files.document("index.json", MAX_MANIFEST)? else {
            let found = "it has no `index.json`".to_owned();
            return Err(OpenError::NotAnImage { place: self.place(), found }.into());
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((have, entries)) = &known.index
            && *have == bytes
        {
            return Ok(Arc::clone(entries));
        }
        let entries: Arc<[Descriptor]> = ManifestDocument::parse(&bytes)?.manifests.into();
        known.index = Some((bytes, Arc::clone(&entries)));
        known.referrers = None;
        Ok(entries)
    }

    pub(super) fn manifest(
        &self,
        wanted: Option<&Selector>,
    ) -> Result<Option<StoredManifest>, RepositoryError> {
        let entries = self.index()?;
        let names = |entry: &Descriptor| -> Vec<String> {
            NAMES.iter().filter_map(|name| entry.annotation(name)).map(str::to_owned).collect()
        };
        let mut found: Vec<_> = match wanted {
            Some(Selector::Digest(digest)) => {
                let told = entries.iter().find(|entry| entry.digest == *digest);
                return self.read(*digest, told);
            }
            Some(Selector::Name(name)) => {
                let of = |entry: &&Descriptor| {
                    is_name(NAMES.iter().filter_map(|name| entry.annotation(name)), name)
                };
                entries.iter().filter(of).cloned().collect()
            }
            None => {
                let is_tag_of_another = |name: &String| crate::artifact::subject_of_tag(name).is_some();
                let images: Vec<_> = entries
                    .iter()
                    .filter(|entry| !entry.is_no_image() && !names(entry).iter().any(is_tag_of_another))
                    .cloned()
                    .collect();
                without_artifacts(&self.files, images, |entry| (entry.digest, !names(entry).is_empty()))
            }
        };
        found.dedup_by_key(|entry| entry.digest);
        match found.as_slice() {
            [] => Ok(None),
            [only] => self.read(only.digest, Some(only)),
            several => {
                let mut names: Vec<_> = several
                    .iter()
                    .map(|entry| names(entry).first().cloned().unwrap_or_else(|| entry.digest.to_string()))
                    .collect();
                names.sort();
                Err(OpenError::Ambiguous { place: self.place(), names }.into())
            }
        }
    }

    fn read(
        &self,
        digest: Digest,
        told: Option<&Descriptor>,
    ) -> Result<Option<StoredManifest>, RepositoryError> {
        let Some(bytes) = self.files.document(&blob_path(&digest), MAX_MANIFEST)? else { return Ok(None) };
        let media_type = media_type_of(&bytes, told.map(|told| told.media_type.as_str()));
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(Some(StoredManifest {
            descriptor: Descriptor::new(&media_type, digest, size),
            bytes,
            entity_tag: Some(digest.to_string()),
        }))
    }

    pub(super) fn open_blob(&self, blob: &Descriptor) -> Result<Box<dyn Read + Send>, RepositoryError> {
        let name = blob_path(&blob.digest);
        match self.files.open(&name) {
            Ok(Some(opened)) => {
                let size = Some(blob.size).filter(|size| *size > 0);
                Ok(Box::new(Verified::new(opened.reader, Some(blob.digest), size)))
            }
            Ok(None) => Err(blob_error(blob.digest, ReadLayerError::Missing(name))),
            Err(source) => Err(blob_error(blob.digest, ReadLayerError::Read { what: name, source })),
        }
    }

    pub(super) fn has_blob(&self, digest: &Digest) -> bool {
        matches!(self.files.open(&blob_path(digest)), Ok(Some(_)))
    }

    pub(super) fn referrers(&self, subject: &Digest) -> Result<Listed, RepositoryError> {
        self.index()?;
        Ok(self.known.lock().unwrap_or_else(PoisonError::into_inner).referrers(&self.files, subject))
    }

    fn writable(&self) -> Result<&Path, RepositoryError> {
        self.writable.as_deref().ok_or_else(|| RepositoryError::ReadOnly { place: self.place() })
    }

    pub(super) fn push_blob(
        &self,
        blob: &Descriptor,
        open: &dyn Fn() -> io::Result<Box<dyn Read + Send>>,
    ) -> Result<Transfer, RepositoryError> {
        let path = self.writable()?.join(blob_path(&blob.digest));
        if path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == blob.size) {
            return Ok(Transfer::Present);
        }
        let failed =
            |source: io::Error| RepositoryError::Blob { digest: blob.digest, source: Box::new(source) };
        let reader = open().map_err(failed)?;
        let mut reader = Verified::new(reader, Some(blob.digest), Some(blob.size));
        write_new(&path, |file| {
            let mut buffer = vec![0; 64 * 1024];
            loop {
                let count = reader.read(&mut buffer).map_err(failed)?;
                let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
                    return Ok(());
                };
                file.write_all(bytes)
                    .map_err(|source| RepositoryError::Write { path: path.clone(), source })?;
            }
        })?;
        Ok(Transfer::Sent)
    }

    pub(super) fn put(
        &self,
        media_type: &str,
        bytes: &[u8],
        tag: Option<&str>,
        condition: &Condition,
    ) -> Result<Option<Put>, RepositoryError> {
        let folder = self.writable()?;
        let blob = Descriptor::of(media_type, bytes);
        let path = folder.join(blob_path(&blob.digest));
        write_new(&path, |file| {
            file.write_all(bytes).map_err(|source| RepositoryError::Write { path: path.clone(), source })
        })?;
        {
            // It may have been listed before it was there, or with other bytes.
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.subjects.remove(&blob.digest);
            known.referrers = None;
        }
        let put = Put { digest: blob.digest, lists_referrers: true };
        let document = ManifestDocument::parse(bytes)?;
        if tag.is_none() && document.subject.is_none() {
            return Ok(Some(put));
        }
        let changed = self.change(|index| {
            let holds = tag.is_none_or(|tag| holds(index, tag, condition));
            if holds {
                enter(index, &blob, &document, tag);
            }
            holds
        })?;
        Ok(changed.then_some(put))
    }

    /// Lists a manifest that has no name and refers to nothing.
    pub(super) fn enter_root(&self, media_type: &str, bytes: &[u8]) -> Result<(), RepositoryError> {
        let (blob, document) = (Descriptor::of(media_type, bytes), ManifestDocument::parse(bytes)?);
        self.change(|index| {
            enter(index, &blob, &document, None);
            true
        })?;
        Ok(())
    }

    /// Changes `index.json` under the lock, if `change` says that it is to be changed; returns what it says.
    fn change(&self, change: impl FnOnce(&mut Value) -> bool) -> Result<bool, RepositoryError> {
        let folder = self.writable()?;
        let lock = folder.join("oci-layout");
        let failed = |source| RepositoryError::Write { path: lock.clone(), source };
        let held = File::open(&lock).map_err(failed)?;
        // It is let go when it is closed.
        held.lock().map_err(failed)?;
        let path = folder.join("index.json");
        let Some(old) = self.files.document("index.json", MAX_MANIFEST)? else {
            return Err(RepositoryError::Missing { place: self.place(), wanted: "index.json".to_owned() });
        };
        let mut index: Value = parse(&old, "`index.json`")?;
        if !change(&mut index) {
            return Ok(false);
        }
        let new = serde_json::to_vec(&index).unwrap_or_default();
        if u64::try_from(new.len()).unwrap_or(u64::MAX) > MAX_MANIFEST {
            let tag = "index.json".to_owned();
            return Err(RepositoryError::Full { place: self.place(), tag, limit: MAX_MANIFEST });
        }
        if new != old {
            // A blob that a crash leaves behind unwritten is noticed by its digest; a list of nothing would not be.
            write_new(&path, |file| {
                file.write_all(&new)
                    .and_then(|()| file.sync_all())
                    .map_err(|source| RepositoryError::Write { path: path.clone(), source })
            })?;
        }
        Ok(true)
    }
}

impl Known {
    /// Lists the entries that refer to a manifest. They are those of the list that their places were found in: another thread may have
    /// read a newer one by now.
    fn referrers(&mut self, files: &Files, subject: &Digest) -> Listed {
        let entries = self.index.as_ref().map(|(_, entries)| Arc::clone(entries)).unwrap_or_default();
        if self.referrers.is_none() {
            self.look_into(files, &entries);
        }
        let places = self.referrers.as_ref().and_then(|referrers| referrers.get(subject));
        let places = places.map(Vec::as_slice).unwrap_or_default();
        let listed = places.iter().take(MAX_REFERRERS).filter_map(|at| entries.get(*at)).cloned();
        let mut listed = Listed { entries: listed.collect(), ..Listed::default() };
        listed.truncated = self.truncated || places.len() > MAX_REFERRERS;
        listed
    }

    /// Reads the manifests of `entries` for what they refer to, those that were not read before.
    fn look_into(&mut self, files: &Files, entries: &[Descriptor]) {
        let mut referrers: HashMap<Digest, Vec<usize>> = HashMap::new();
        let mut seen = std::collections::HashSet::new();
        self.truncated = false;
        for (at, entry) in entries.iter().enumerate() {
            if !seen.insert(entry.digest) {
                continue;
            }
            let subject = match self.subjects.get(&entry.digest) {
                Some(subject) => *subject,
                None if self.bytes >= MAX_LOOKED_INTO => {
                    self.truncated = true;
                    continue;
                }
                None => {
                    // What is missing or unreadable here refers to nothing that is known, and may be there the next time.
                    let Ok(Some(bytes)) = files.document(&blob_path(&entry.digest), MAX_MANIFEST) else {
                        continue;
                    };
                    self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
                    let document = ManifestDocument::parse(&bytes).ok();
                    let subject =
                        document.and_then(|document| document.subject).map(|subject| subject.digest);
                    self.subjects.insert(entry.digest, subject);
                    subject
                }
            };
            if let Some(subject) = subject {
                referrers.entry(subject).or_default().push(at);
            }
        }
        self.referrers = Some(referrers);
    }
}

/// Makes an empty layout.
fn make(folder: &Path) -> Result<(), RepositoryError> {
    let failed = |path: &Path, source| RepositoryError::Write { path: path.to_owned(), source };
    // What is there already might be somebody's project.
    let mut entries = fs::read_dir(folder).map(Iterator::count).or_else(|source| {
        if source.kind() == io::ErrorKind::NotFound { Ok(0) } else { Err(failed(folder, source)) }
    })?;
    if folder.join("blobs").is_dir() && folder.join("index.json").is_file() {
        entries = 0;
    }
    if entries > 0 {
        let found = "a folder with other things than an OCI layout".to_owned();
        return Err(OpenError::NotAnImage { place: folder.display().to_string(), found }.into());
    }
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs).map_err(|source| failed(&blobs, source))?;
    let index = folder.join("index.json");
    if !index.exists() {
        let empty = json!({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": []}).to_string();
        write_new(&index, |file| file.write_all(empty.as_bytes()).map_err(|source| failed(&index, source)))?;
    }
    let marker = folder.join("oci-layout");
    let text = br#"{"imageLayoutVersion":"1.0.0"}"#;
    write_new(&marker, |file| file.write_all(text).map_err(|source| failed(&marker, source)))
}

/// Writes a file beside its place and moves it there when it is whole.
fn write_new(
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<(), RepositoryError>,
) -> Result<(), RepositoryError> {
    let failed = |source| RepositoryError::Write { path: path.to_owned(), source };
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    let mut file = tempfile::Builder::new().prefix(".writing-").tempfile_in(folder).map_err(failed)?;
    write(file.as_file_mut())?;
    readable(file.as_file()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Temporary files are for their owner only; a layout is for whoever may enter its folder.
pub(super) fn readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

/// Returns the list of an index, which is made where there is none.
fn entries_of(index: &mut Value) -> Option<&mut Vec<Value>> {
    if !index.is_object() {
        *index = Value::Object(Map::new());
    }
    let list = index.as_object_mut()?.entry("manifests").or_insert_with(|| json!([]));
    if !list.is_array() {
        *list = json!([]);
    }
    list.as_array_mut()
}

fn has_name(entry: &Value, tag: &str) -> bool {
    entry.pointer("/annotations").and_then(|annotations| annotations.get(REF_NAME)?.as_str()) == Some(tag)
}

/// Tells whether the condition for writing `tag` holds.
fn holds(index: &Value, tag: &str, condition: &Condition) -> bool {
    let entries = index.get("manifests").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let now =
        entries.iter().find(|entry| has_name(entry, tag)).and_then(|entry| entry.get("digest")?.as_str());
    match condition {
        Condition::None => true,
        Condition::Absent => now.is_none(),
        Condition::Unchanged(digest) => now == Some(digest),
    }
}

/// Enters a manifest into the list: by name, or because it refers to another.
fn enter(index: &mut Value, blob: &Descriptor, document: &ManifestDocument, tag: Option<&str>) {
    let mut entry = blob.clone();
    if document.subject.is_some() {
        document.decided_type().clone_into(&mut entry.artifact_type);
        entry.annotations.clone_from(&document.annotations);
    }
    if let Some(tag) = tag {
        entry.annotations.insert(REF_NAME.to_owned(), tag.to_owned());
    }
    let Some(entries) = entries_of(index) else { return };
    let digest = blob.digest.to_string();
    let is_it = |have: &Value| have.get("digest").and_then(Value::as_str) == Some(digest.as_str());
    match tag {
        Some(tag) => entries.retain(|have| !has_name(have, tag)),
        None if entries.iter().any(is_it) => return,
        None => {}
    }
    entries.push(serde_json::to_value(&entry).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_parsed_again_only_when_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::folder(folder.path(), Access::Write).unwrap();
        let (first, again) = (layout.index().unwrap(), layout.index().unwrap());
        assert!(Arc::ptr_eq(&first, &again));
        layout.put(INDEX_TYPE, br#"{"manifests":[]}"#, Some("v1"), &Condition::None).unwrap();
        assert_eq!(layout.index().unwrap().len(), 1);
    }
}
