//! Java archives: jars, wars, ears and their relatives, and the jars inside them, read in place.
//!
//! Maven leaves `META-INF/maven/<group>/<artifact>/pom.properties` in what it builds ([Maven archiver]), and shading keeps
//! those of everything that was merged into one jar: every one of them is a package. Where there is none, `pom.xml` beside it,
//! the manifest and the file name say what the jar is ([`identity`]), and some classes whose they are ([`content`]).
//!
//! Surprising: nothing needs the suffix `.jar` inside a war to be a folder's `lib`; every nested archive counts wherever it
//! lies. Stored nested archives (Spring Boot stores them) are read where they are; deflated ones are inflated into memory,
//! within bounds, one per level.
//!
//! [Maven archiver]: https://maven.apache.org/shared/maven-archiver/index.html#pom-properties-content

mod content;
mod identity;
mod manifest;

use super::java_pom::Pom;
use assay_analyze::{Analyzer, AnalyzerId, Budget, File, Select, Sink};
use assay_decode::ReadAt;
use assay_decode::zip::{Zip, ZipEntry};
use assay_model::path::{file_name, parent};
use assay_model::{Inventory, Location, Package, PackageKind};
use content::Library;
use manifest::Manifest;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// Java archives.
pub(super) struct JavaArchive;

const SUFFIXES: &[&str] =
    &[".jar", ".war", ".ear", ".sar", ".jpi", ".hpi", ".par", ".nar", ".kar", ".lpkg", ".rar"];

/// Bytes of one nested archive that has to be inflated; wars of 100 MB are ordinary.
const MAX_NESTED: u64 = 192 << 20;
/// Bytes of all nested archives that are in memory at the same time.
const MAX_LIVE: u64 = 256 << 20;
/// Bytes inflated in all for one file of the image; what overlapping entries could otherwise multiply.
const MAX_TOTAL: u64 = 4 << 30;
/// Nested archives looked at in one file of the image; the largest installers have some thousands.
const MAX_ARCHIVES: u32 = 20_000;
/// Bytes of a `pom.properties`, `pom.xml` or manifest; signed jars' manifests list every class.
const MAX_TEXT: usize = 16 << 20;
/// Metadata entries read in one archive; uber jars have a few hundred.
const MAX_METADATA: usize = 20_000;

impl Analyzer for JavaArchive {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "java-archive", revision: 2 }
    }

    fn select(&self) -> &'static [Select] {
        &[
            Select::Suffix(".jar"),
            Select::Suffix(".war"),
            Select::Suffix(".ear"),
            Select::Suffix(".sar"),
            Select::Suffix(".jpi"),
            Select::Suffix(".hpi"),
            Select::Suffix(".par"),
            Select::Suffix(".nar"),
            Select::Suffix(".kar"),
            Select::Suffix(".lpkg"),
            Select::Suffix(".rar"),
        ]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        // Other things have these suffixes too (RAR archives, karaoke files, placeholders of build tools).
        let mut start = [0; 4];
        let is_zip = file.content.read_exact_at(0, &mut start).is_ok() && start.starts_with(b"PK");
        let java = [".jar", ".war", ".ear"].iter().any(|suffix| ends_with(file.path, suffix));
        if file.content.is_empty() || !is_zip && !java {
            return;
        }
        let mut walk = Walk { out, live: 0, total: 0, archives: 0, too_deep: false };
        walk.archive(file.content, file.path, 0);
    }

    fn link(&self, inventory: &mut Inventory) {
        inventory.link_by_name(
            |package| package.kind == PackageKind::Maven,
            |package| vec![package.full_name()],
            // Jars see each other inside one fat jar, or inside one folder of jars.
            |package| {
                let path =
                    package.locations.first().map(|location| location.path.as_str()).unwrap_or_default();
                let outer = path.split_once("!/").map_or(path, |(outer, _)| outer);
                parent(outer).to_owned()
            },
            str::to_owned,
        );
    }
}

/// The walk through one file of the image, with what it has used up.
struct Walk<'a, 'b> {
    out: &'a mut Sink<'b>,
    live: u64,
    total: u64,
    archives: u32,
    too_deep: bool,
}

/// What one archive holds that matters.
#[derive(Default)]
struct Contents {
    manifest: Option<ZipEntry>,
    /// `pom.properties` and `pom.xml` by their folder.
    poms: BTreeMap<String, (Option<ZipEntry>, Option<ZipEntry>)>,
    nested: Vec<ZipEntry>,
    /// Entries that belong to known libraries, by the library's own entry.
    libraries: BTreeMap<&'static str, (&'static Library, ZipEntry)>,
    too_many: bool,
}

impl Walk<'_, '_> {
    fn archive(&mut self, content: &dyn ReadAt, path: &str, depth: usize) {
        let zip = match Zip::open(content) {
            Ok(zip) => zip,
            Err(error) => return self.damaged(path, &error),
        };
        let mut contents = Contents::default();
        if let Err(error) = zip.select(is_wanted, |entry| contents.add(entry)) {
            self.damaged(path, &error);
        }
        if contents.too_many {
            self.warn(
                "archive-too-large",
                path,
                &format!("it has more than {MAX_METADATA} files that describe packages"),
            );
        }
        self.packages(&zip, &contents, path, depth);
        for entry in &contents.nested {
            self.nested(&zip, content, entry, path, depth.saturating_add(1));
        }
    }

    fn nested(&mut self, zip: &Zip<'_>, content: &dyn ReadAt, entry: &ZipEntry, path: &str, depth: usize) {
        let path = format!("{path}!/{}", assay_model::path::normalise(&entry.name));
        self.archives = self.archives.saturating_add(1);
        let most = self.out.archive_depth();
        if depth > most {
            // One warning for the rest, not one for each.
            if !std::mem::replace(&mut self.too_deep, true) {
                let inner = path.split_once("!/").map_or("", |(_, inner)| inner);
                let what = format!("`{inner}` in it: archives within archives are read {most} deep");
                self.out.exceeded(Budget::ARCHIVES, what);
            }
            return;
        }
        if self.archives > MAX_ARCHIVES {
            if self.archives == MAX_ARCHIVES.saturating_add(1) {
                let message = format!("only {MAX_ARCHIVES} archives in one file are read");
                self.warn("archive-too-large", &path, &message);
            }
            return;
        }
        if self.out.is_over() {
            return;
        }
        if entry.uncompressed_size == 0 {
            return;
        }
        if let Some(window) = Window::stored(content, entry) {
            // No memory, but entries may all name the same bytes.
            if window.len > MAX_TOTAL.saturating_sub(self.total) {
                return self.warn("archive-too-large", &path, "too many bytes of archives lie in this file");
            }
            self.total = self.total.saturating_add(window.len);
            if !self.out.expand(window.len) {
                return;
            }
            return self.archive(&window, &path, depth);
        }
        let left =
            MAX_NESTED.min(MAX_LIVE.saturating_sub(self.live)).min(MAX_TOTAL.saturating_sub(self.total));
        if entry.uncompressed_size > left {
            let size = entry.uncompressed_size;
            return self.warn(
                "archive-too-large",
                &path,
                &format!("it has {size} bytes, more than the {left} that may be inflated"),
            );
        }
        let size = entry.uncompressed_size;
        if !self.out.expand(size) {
            return;
        }
        self.total = self.total.saturating_add(size);
        // No more than was claimed, and has been counted.
        match zip.read(entry, usize::try_from(size).unwrap_or(usize::MAX)) {
            Ok(bytes) => {
                self.live = self.live.saturating_add(size);
                self.archive(&bytes, &path, depth);
                self.live = self.live.saturating_sub(size);
            }
            Err(error) => self.damaged(&path, &error),
        }
    }

    fn packages(&mut self, zip: &Zip<'_>, contents: &Contents, path: &str, depth: usize) {
        let manifest = contents.manifest.as_ref().and_then(|entry| self.text(zip, entry, path));
        let manifest = Manifest::parse(manifest.unwrap_or_default().as_slice());
        let mut found: Vec<Package> = Vec::new();
        for (folder, (properties, pom)) in &contents.poms {
            let properties = properties.as_ref().and_then(|entry| self.text(zip, entry, path));
            let pom = pom.as_ref().and_then(|entry| self.text(zip, entry, path));
            let pom = pom.map(|bytes| Pom::parse(&String::from_utf8_lossy(&bytes)).0);
            found.extend(of_maven(folder, properties.as_deref(), pom.as_ref()));
        }
        let name = file_name(path);
        let name = name.rsplit_once('.').map_or(name, |(name, _)| name);
        let own = found.iter_mut().find(|package| identity::is_named(name, &package.name, &package.version));
        if let Some(own) = own {
            if own.licenses.is_empty() {
                own.licenses = manifest.licenses();
            }
        } else if let Some(mut own) = identity::guess(name, &manifest)
            && is_another(&own, &found, identity::stem(name).version.is_some())
        {
            own.licenses = manifest.licenses();
            found.push(own);
        }
        self.libraries(zip, contents, path, &mut found);
        let mut seen = BTreeSet::new();
        for mut package in found {
            if seen.insert((package.namespace.clone(), package.name.clone(), package.version.clone())) {
                if depth > 0 {
                    package.locations.push(Location { path: path.to_owned(), layer: None });
                }
                self.out.package(package);
            }
        }
    }

    /// Adds the libraries whose classes are there and of which nothing has been said.
    fn libraries(&mut self, zip: &Zip<'_>, contents: &Contents, path: &str, found: &mut Vec<Package>) {
        for (library, entry) in contents.libraries.values() {
            let bytes = match library.says_version() {
                true if entry.uncompressed_size <= content::MAX_BYTES => self.text(zip, entry, path),
                _ => None,
            };
            for package in library.packages(&bytes.unwrap_or_default()) {
                // A jar that names itself, but not its group, is this library.
                let same = found.iter_mut().find(|known| known.name == package.name);
                if let Some(known) = same {
                    known.namespace = known.namespace.take().or(package.namespace);
                    continue;
                }
                if package.version.is_empty() {
                    let message = format!("it contains `{}`, but not which version", package.full_name());
                    let message = match path.split_once("!/") {
                        Some((_, inner)) => format!("`{inner}` in it: {message}"),
                        None => message,
                    };
                    self.out.notice("unknown-version", message);
                }
                found.push(package);
            }
        }
    }

    fn text(&mut self, zip: &Zip<'_>, entry: &ZipEntry, path: &str) -> Option<Vec<u8>> {
        let left = MAX_TOTAL.saturating_sub(self.total);
        let max = MAX_TEXT.min(usize::try_from(left).unwrap_or(usize::MAX));
        let size = entry.uncompressed_size.min(u64::try_from(max).unwrap_or(u64::MAX));
        if !self.out.expand(size) {
            return None;
        }
        self.total = self.total.saturating_add(size);
        match zip.read(entry, usize::try_from(size).unwrap_or(max)) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                self.damaged(path, &error);
                None
            }
        }
    }

    fn damaged(&mut self, path: &str, error: &dyn std::error::Error) {
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        self.warn("damaged-archive", path, &format!("{error}{cause}"));
    }

    /// Warns on the file of the image, naming the archive inside it.
    fn warn(&mut self, code: &'static str, path: &str, message: &str) {
        match path.split_once("!/") {
            Some((_, inner)) => self.out.warn(code, format!("`{inner}` in it: {message}")),
            None => self.out.warn(code, message),
        }
    }
}

impl Contents {
    fn add(&mut self, entry: ZipEntry) {
        if self.poms.len().saturating_add(self.nested.len()) >= MAX_METADATA {
            self.too_many = true;
            return;
        }
        if entry.name.eq_ignore_ascii_case("META-INF/MANIFEST.MF") {
            // The first one is what the JVM reads.
            self.manifest.get_or_insert(entry);
        } else if entry.name.ends_with("/pom.properties") {
            self.poms.entry(parent(&entry.name).to_owned()).or_default().0.get_or_insert(entry);
        } else if entry.name.ends_with("/pom.xml") {
            self.poms.entry(parent(&entry.name).to_owned()).or_default().1.get_or_insert(entry);
        } else if let Some(library) = content::library_of(entry.name.as_bytes()) {
            self.libraries.entry(library.entry).or_insert((library, entry));
        } else if !entry.is_directory() {
            self.nested.push(entry);
        }
    }
}

fn is_wanted(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"META-INF/MANIFEST.MF")
        // Spring Boot's repackaging and exploded wars put classes, and their `META-INF`, one folder deeper.
        || (name.ends_with(b"/pom.properties") || name.ends_with(b"/pom.xml"))
            && name.windows(15).any(|part| part == b"META-INF/maven/")
        || content::library_of(name).is_some()
        || SUFFIXES.iter().any(|suffix| {
            let start = name.len().saturating_sub(suffix.len());
            name.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(suffix.as_bytes()))
        })
}

fn ends_with(path: &str, suffix: &str) -> bool {
    let start = path.len().saturating_sub(suffix.len());
    path.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(suffix))
}

/// Returns the package of one folder of `META-INF/maven`.
fn of_maven(folder: &str, properties: Option<&[u8]>, pom: Option<&Pom>) -> Option<Package> {
    let properties = properties.map(String::from_utf8_lossy).unwrap_or_default();
    let property = |name: &str| {
        let mut lines = properties.lines().filter_map(|line| line.split_once(['=', ':']));
        let value = lines.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned());
        value.filter(|value| !value.is_empty() && !value.contains("${"))
    };
    let (group_folder, artifact_folder) = (file_name(parent(folder)), file_name(folder));
    let version = property("version").or_else(|| pom?.version())?;
    let artifact =
        property("artifactId").or_else(|| pom?.artifact()).unwrap_or_else(|| artifact_folder.to_owned());
    let group = property("groupId").or_else(|| pom?.group()).unwrap_or_else(|| group_folder.to_owned());
    let mut package = Package::new(PackageKind::Maven, artifact, version);
    package.namespace = Some(group);
    if let Some(pom) = pom {
        package.licenses.clone_from(&pom.licenses);
        package.requires = pom.requires();
    }
    Some(package)
}

/// Returns whether what the file name and manifest say is a package besides those that Maven's files name.
///
/// A jar of one artifact may be renamed (`app.jar`) or carry OSGi's spelling (`org.apache.commons.io_2.8.0.jar`): a name
/// without a version proves nothing, and neither does one with the version of what is inside. A shaded jar of another build
/// tool has a name and version of its own.
fn is_another(own: &Package, found: &[Package], version_in_name: bool) -> bool {
    found.is_empty() || version_in_name && found.iter().all(|package| package.version != own.version)
}

/// A stored entry, seen where it lies.
struct Window<'a> {
    content: &'a dyn ReadAt,
    offset: u64,
    len: u64,
}

impl<'a> Window<'a> {
    /// Returns the data of an entry that is neither compressed nor encrypted.
    fn stored(content: &'a dyn ReadAt, entry: &ZipEntry) -> Option<Self> {
        if entry.method != 0 || entry.encrypted {
            return None;
        }
        let header = content.read_range(entry.offset, 30, 30).ok()?;
        if !header.starts_with(b"PK\x03\x04") {
            return None;
        }
        // Behind the header stand the name and the extra field, whose lengths may differ from the directory's.
        let word = |at: usize| Some(u64::from(u16::from_le_bytes(*header.get(at..)?.first_chunk()?)));
        let offset = entry.offset.checked_add(30)?.checked_add(word(26)?)?.checked_add(word(28)?)?;
        let end = offset.checked_add(entry.compressed_size).filter(|end| *end <= content.len())?;
        Some(Self { content, offset, len: end.checked_sub(offset)? })
    }
}

impl ReadAt for Window<'_> {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = buf.len().min(left);
        let Some(buf) = buf.get_mut(..wanted) else { return Ok(0) };
        self.content.read_at(self.offset.saturating_add(offset), buf)
    }

    fn as_slice(&self) -> Option<&[u8]> {
        let start = usize::try_from(self.offset).ok()?;
        self.content.as_slice()?.get(start..)?.get(..usize::try_from(self.len).ok()?)
    }
}

#[cfg(test)]
mod tests;
