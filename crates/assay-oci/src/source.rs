//! What a user may name as the thing to scan, and how it is opened.
//!
//! A typed prefix (`docker-archive:`, `oci:` …) decides; else a path that exists is recognised by its content, and
//! everything else is an image reference for a registry. Asking a local engine first would be one more line in
//! [`Source::parse`]'s last branch; today `docker:` and `podman:` say so explicitly.

pub(crate) mod docker_archive;
pub(crate) mod engine;
pub(crate) mod oci;
pub(crate) mod registry;

use crate::archive::{Archive, SpoolOptions};
use crate::assurance::Assurance;
use crate::engine::EngineKind;
use crate::error::{OpenError, ReadLayerError};
use crate::files::Files;
use crate::network::Network;
use crate::reference::{InvalidReference, Reference, without_password};
use assay_decode::{Compression, FileSpool, ReadAt, compression, decompress, disk, tar};
use assay_model::{Digest, Image, Platform};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

pub use assay_model::report::SourceKind;

/// Chooses one of several images in a layout or archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// By tag or full name.
    Name(String),
    /// By the digest of its manifest, or of its configuration in a Docker archive.
    Digest(Digest),
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

/// A file or folder, and which of its images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The path.
    pub path: PathBuf,
    /// The image, where there are several.
    pub selector: Option<Selector>,
}

/// What the user typed, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An image in a registry.
    Registry(Reference),
    /// An archive of `docker save`.
    DockerArchive(Place),
    /// A tar archive of an OCI layout.
    OciArchive(Place),
    /// A tar archive whose members say which of the two it is, once it is opened.
    Archive(Place),
    /// A folder with an OCI layout.
    OciLayout(Place),
    /// A folder with a root file system or a project; see [`crate::dir::walk`].
    Dir(PathBuf),
    /// A single file that is no archive; whoever reads lockfiles decides whether it is one.
    File(PathBuf),
    /// An image of the local Docker engine.
    Docker(Reference),
    /// An image of the local podman.
    Podman(Reference),
    /// A file with a bill of materials; whoever reads these says of which format.
    Sbom(PathBuf),
    /// The disk of a virtual machine, in any format.
    Vm(PathBuf),
    /// The zip of a serverless function.
    Function(PathBuf),
}

/// What is at a path, judged by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathKind {
    /// Nothing.
    Missing,
    /// A folder with `oci-layout`.
    OciLayout,
    /// Another folder.
    Dir,
    /// A tar archive, possibly compressed.
    Archive,
    /// The disk of a virtual machine.
    Disk,
    /// A zip that is no Java archive.
    Zip,
    /// Another file.
    File,
}

/// How the names of files end that nobody would give to an image of a registry.
const FILE_ENDS: &[&str] = &[
    ".tar", ".tar.gz", ".tgz", ".tar.zst", ".lock", ".json", ".zip", ".qcow2", ".vmdk", ".vhd", ".vhdx",
    ".raw", ".img",
];

/// The endings of Java's archives.
const JAVA_ENDS: &[&str] =
    &["jar", "war", "ear", "sar", "jpi", "hpi", "par", "nar", "kar", "lpkg", "rar", "aar"];

/// What the user typed is no source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSource {
    /// Nothing was typed, or nothing after the prefix.
    #[error("`{0}` names nothing to scan")]
    Nothing(String),
    /// It looks like a path, and there is nothing.
    #[error("there is no file or folder `{0}`")]
    Missing(String),
    /// It is neither a path nor a reference.
    #[error("`{text}` is neither an existing file nor an image reference")]
    Neither {
        /// What was typed.
        text: String,
        /// Why it is no reference.
        source: InvalidReference,
    },
    /// What follows a prefix such as `docker:` is no reference.
    #[error("cannot read what follows `{prefix}:`")]
    Reference {
        /// The prefix.
        prefix: &'static str,
        /// Why it is no reference.
        source: InvalidReference,
    },
}

impl Source {
    /// Understands what the user typed; `probe` says what is at a path ([`recognise`], in the real world).
    ///
    /// # Errors
    /// Fails when it is neither an existing path nor an image reference.
    pub fn parse(text: &str, probe: &impl Fn(&Path) -> PathKind) -> Result<Self, InvalidSource> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidSource::Nothing(text.to_owned()));
        }
        let typed = SourceKind::ALL
            .into_iter()
            .find_map(|kind| Some((kind, text.strip_prefix(kind.name())?.strip_prefix(':')?)));
        if let Some((kind, rest)) = typed {
            return Self::typed(kind, rest, text, probe);
        }
        let bare = Place { path: PathBuf::from(text), selector: None };
        match probe(&bare.path) {
            PathKind::OciLayout => return Ok(Self::OciLayout(bare)),
            PathKind::Archive => return Ok(Self::Archive(bare)),
            PathKind::Dir => return Ok(Self::Dir(bare.path)),
            PathKind::File => return Ok(Self::File(bare.path)),
            PathKind::Disk => return Ok(Self::Vm(bare.path)),
            PathKind::Zip => return Ok(Self::Function(bare.path)),
            PathKind::Missing => {}
        }
        let lower = text.to_ascii_lowercase();
        let like_a_path =
            text.starts_with(['/', '.', '~', '\\']) || FILE_ENDS.iter().any(|end| lower.ends_with(end));
        match text.parse() {
            _ if like_a_path => Err(InvalidSource::Missing(text.to_owned())),
            Ok(reference) => Ok(Self::Registry(reference)),
            Err(source) => Err(InvalidSource::Neither { text: without_password(text).into_owned(), source }),
        }
    }

    fn typed(
        kind: SourceKind,
        rest: &str,
        text: &str,
        probe: &impl Fn(&Path) -> PathKind,
    ) -> Result<Self, InvalidSource> {
        if rest.is_empty() {
            return Err(InvalidSource::Nothing(text.to_owned()));
        }
        // `docker://alpine` is how skopeo writes it.
        let reference = || {
            let name = rest.strip_prefix("//").unwrap_or(rest);
            name.parse().map_err(|source| InvalidSource::Reference { prefix: kind.name(), source })
        };
        Ok(match kind {
            SourceKind::Registry => Self::Registry(reference()?),
            SourceKind::Docker => Self::Docker(reference()?),
            SourceKind::Podman => Self::Podman(reference()?),
            SourceKind::DockerArchive => Self::DockerArchive(Place::split(rest, probe)),
            SourceKind::OciArchive => Self::OciArchive(Place::split(rest, probe)),
            SourceKind::Oci => Self::OciLayout(Place::split(rest, probe)),
            SourceKind::Dir => Self::Dir(rest.into()),
            SourceKind::File => Self::File(rest.into()),
            SourceKind::Sbom => Self::Sbom(rest.into()),
            SourceKind::Vm => Self::Vm(rest.into()),
            SourceKind::Function => Self::Function(rest.into()),
        })
    }

    /// Opens the image. Layers are not read yet.
    ///
    /// # Errors
    /// Fails when there is no image, when it cannot be chosen, or when its manifest or configuration is wrong. A `dir:`, `file:`,
    /// `sbom:`, `vm:` or `function:` source is no image.
    pub fn open(&self, options: &OpenOptions, network: &Network) -> Result<Box<dyn OpenImage>, OpenError> {
        let platform = options.platform.as_ref();
        let not_an_image = |path: &Path, found: &str| OpenError::NotAnImage {
            place: path.display().to_string(),
            found: found.to_owned(),
        };
        let archive = |place: &Place| Archive::open_path(&place.path, &options.spool);
        let docker = |archive, place: &Place| {
            let name = place.path.display().to_string();
            let files = Files::Archive(archive);
            docker_archive::open(SourceKind::DockerArchive, files, &name, place.selector.as_ref(), platform)
        };
        let oci = |kind, files, place: &Place| oci::open(kind, files, place.selector.as_ref(), platform);
        let mut image: Box<dyn OpenImage> = match self {
            Self::Registry(reference) => Box::new(registry::open(reference, platform, network)?),
            Self::Docker(reference) => {
                Box::new(engine::open(EngineKind::Docker, reference, options, network)?)
            }
            Self::Podman(reference) => {
                Box::new(engine::open(EngineKind::Podman, reference, options, network)?)
            }
            Self::DockerArchive(place) => Box::new(docker(archive(place)?, place)?),
            Self::OciArchive(place) => {
                Box::new(oci(SourceKind::OciArchive, Files::Archive(archive(place)?), place)?)
            }
            Self::Archive(place) => {
                let archive = archive(place)?;
                if archive.contains("manifest.json") {
                    Box::new(docker(archive, place)?)
                } else if archive.contains("index.json") {
                    Box::new(oci(SourceKind::OciArchive, Files::Archive(archive), place)?)
                } else {
                    let found = "a tar archive with neither `manifest.json` nor `index.json`";
                    return Err(not_an_image(&place.path, found));
                }
            }
            Self::OciLayout(place) => match recognise(&place.path) {
                PathKind::Missing => return Err(OpenError::Missing { path: place.path.clone() }),
                PathKind::Dir | PathKind::OciLayout => {
                    Box::new(oci(SourceKind::Oci, Files::Folder(place.path.clone()), place)?)
                }
                PathKind::Archive | PathKind::File | PathKind::Disk | PathKind::Zip => {
                    return Err(not_an_image(
                        &place.path,
                        "a file, where the folder of an OCI layout is expected",
                    ));
                }
            },
            Self::Dir(path) => return Err(not_an_image(path, "a folder")),
            Self::File(path) => return Err(not_an_image(path, "a file")),
            Self::Sbom(path) => return Err(not_an_image(path, "a bill of materials")),
            Self::Vm(path) => return Err(not_an_image(path, "the disk of a virtual machine")),
            Self::Function(path) => return Err(not_an_image(path, "a zip")),
        };
        image.set_reference(self.to_string());
        Ok(image)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(reference) => reference.fmt(f),
            Self::Docker(reference) => write!(f, "docker:{reference}"),
            Self::Podman(reference) => write!(f, "podman:{reference}"),
            Self::DockerArchive(place) => write!(f, "docker-archive:{place}"),
            Self::OciArchive(place) => write!(f, "oci-archive:{place}"),
            Self::Archive(place) => place.fmt(f),
            Self::OciLayout(place) => write!(f, "oci:{place}"),
            Self::Dir(path) => write!(f, "dir:{}", path.display()),
            Self::File(path) => path.display().fmt(f),
            Self::Sbom(path) => write!(f, "sbom:{}", path.display()),
            Self::Vm(path) => write!(f, "vm:{}", path.display()),
            Self::Function(path) => write!(f, "function:{}", path.display()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)?;
        match &self.selector {
            None => Ok(()),
            Some(Selector::Name(name)) => write!(f, ":{name}"),
            Some(Selector::Digest(digest)) => write!(f, "@{digest}"),
        }
    }
}

impl Place {
    /// Splits `path[:name]` or `path@digest`. Paths may hold colons too, so the longest existing one wins.
    fn split(text: &str, probe: &impl Fn(&Path) -> PathKind) -> Self {
        let exists = |path: &str| !path.is_empty() && probe(Path::new(path)) != PathKind::Missing;
        let place = |path: &str, selector| Self { path: path.into(), selector };
        if exists(text) {
            return place(text, None);
        }
        if let Some((path, digest)) = text.rsplit_once('@')
            && let Ok(digest) = digest.parse()
        {
            return place(path, Some(Selector::Digest(digest)));
        }
        let mut splits = text.rmatch_indices(':').filter_map(|(at, _)| {
            let (path, name) = text.split_at_checked(at)?;
            Some((path, name.strip_prefix(':').filter(|name| !name.is_empty())?))
        });
        match splits
            .find(|(path, _)| exists(path))
            .or_else(|| text.split_once(':').filter(|(_, name)| !name.is_empty()))
        {
            Some((path, name)) => place(path, Some(Selector::Name(name.to_owned()))),
            None => place(text, None),
        }
    }
}

/// Looks at the real file system to say what is at `path`.
pub fn recognise(path: &Path) -> PathKind {
    let Ok(metadata) = path.metadata() else { return PathKind::Missing };
    if metadata.is_dir() {
        return if path.join("oci-layout").is_file() { PathKind::OciLayout } else { PathKind::Dir };
    }
    // Reading from a pipe or device to see what it is would take what it says away from the one who scans it.
    if !metadata.is_file() {
        return PathKind::File;
    }
    let mut start = [0; 4];
    if File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == *b"PK\x03\x04" {
        return if is_java_archive(path) { PathKind::File } else { PathKind::Zip };
    }
    // Before tar: the first sectors of many disks are zeros, as is the end of an archive.
    if looks_like_disk(path).unwrap_or(false) {
        return PathKind::Disk;
    }
    if looks_like_archive(path).unwrap_or(false) { PathKind::Archive } else { PathKind::File }
}

/// Tells whether a zip is one that Java loads: analyzers take it whole.
fn is_java_archive(path: &Path) -> bool {
    let extension = path.extension().map(|end| end.to_string_lossy().to_ascii_lowercase());
    extension.is_some_and(|extension| JAVA_ENDS.contains(&extension.as_str()))
}

/// Tells whether a file is a disk, by the signature of its format or by what lies on it.
fn looks_like_disk(path: &Path) -> io::Result<bool> {
    let file = FileSpool::new(File::open(path)?)?;
    // The name of a tar's first file may be anything, also the signature of a disk.
    let is_tar = file.read_range(257, 5, 5).is_ok_and(|magic| *magic == b"ustar"[..]);
    Ok(!is_tar && disk::recognise(&file).is_some())
}

/// Tells whether a file, once decompressed, begins with a tar header. A Zip file or a JSON lockfile does not.
fn looks_like_archive(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(512).read_to_end(&mut start)?;
    let compressed = compression::detect(&start);
    if matches!(compressed, Compression::Xz | Compression::Bzip2) {
        return Ok(false);
    }
    let (_, plain) = decompress(File::open(path)?)?;
    // An archive of the smallest kind is two blocks of zeros; a header may announce 1 MiB of extensions before a name.
    let mut reader = tar::TarReader::new(plain.take(4 * 1024 * 1024), tar::TarLimits::default());
    Ok(match reader.next_entry() {
        Ok(Some(_)) => true,
        // Whatever is compressed and named so was meant as an archive: the error comes when it is opened.
        Ok(None) => !start.is_empty(),
        Err(error) if error.is_recoverable() => true,
        Err(_) => {
            let name =
                path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
            [".tar", ".tar.gz", ".tgz", ".tar.zst"].iter().any(|end| name.ends_with(end))
        }
    })
}

/// How to open an image.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// The platform to choose, when the user said one; otherwise `linux/amd64`, or the only one there is.
    pub platform: Option<Platform>,
    /// Where compressed archives and engine exports are unpacked.
    pub spool: SpoolOptions,
}

/// An opened image: an immutable, lazy view, whatever stands behind it.
///
/// The scanner calls [`read`](Self::read) from several threads, once per layer. An implementation must give the bytes
/// *as stored*, and an `io::Error` around a [`BlobMismatch`](crate::BlobMismatch) in place of the end when they are
/// not those of the layer's digest. It must not decompress, and need not check diff-ids: the caller does both.
pub trait OpenImage: Send + Sync {
    /// Returns the kind of place it came from.
    fn kind(&self) -> SourceKind;

    /// Returns what is known about it.
    fn image(&self) -> &Image;

    /// Returns the bytes of its configuration, where no repository can be asked for them.
    fn config(&self) -> Option<&[u8]> {
        None
    }

    /// Opens the stored bytes of the layer with that index.
    ///
    /// # Errors
    /// Fails when the layer cannot be had; the others may still be.
    fn read(&self, layer: usize) -> Result<Box<dyn Read + Send>, ReadLayerError>;

    /// Returns `len` stored bytes of the layer from `offset` on, which nobody has verified.
    ///
    /// The caller bounds `len`: they are in memory. Whoever calls it can do without: it then reads the layer whole.
    ///
    /// # Errors
    /// Fails when they cannot be had: because there are fewer, or because what stands behind it cannot give parts.
    fn read_part(&self, layer: usize, offset: u64, len: u64) -> Result<Vec<u8>, ReadLayerError> {
        let _ = (layer, offset, len);
        Err(ReadLayerError::WholeOnly)
    }

    /// Says how the layer's stored bytes can be known to be those that were read before.
    fn assurance(&self, layer: usize) -> Assurance;

    /// Records what the user typed; called once, by [`Source::open`].
    fn set_reference(&mut self, reference: String);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let probe = |path: &Path| match path.to_str().unwrap() {
            "layout" | "a:b" => PathKind::OciLayout,
            "dir" => PathKind::Dir,
            "x.tar" | "x:1.tar" => PathKind::Archive,
            "Cargo.lock" => PathKind::File,
            "disk" => PathKind::Disk,
            "app.zip" => PathKind::Zip,
            _ => PathKind::Missing,
        };
        let found = match Source::parse(text, &probe) {
            Ok(source) => format!("{source:?}"),
            Err(error) => error.to_string(),
        };
        assert!(found.contains(expected), "{text}: {found}");
    }

    #[test]
    fn prefixes_decide() {
        check("docker:alpine", "Docker(Reference { registry: \"docker.io\"");
        check("podman:localhost/x:1", "Podman(Reference { registry: \"localhost\"");
        check("registry:x.tar", "Registry(");
        check("oci:layout", "OciLayout(Place { path: \"layout\", selector: None })");
        check("oci:layout:v1", "path: \"layout\", selector: Some(Name(\"v1\"))");
        check("oci:a:b", "path: \"a:b\", selector: None");
        check("oci:a:b:c", "path: \"a:b\", selector: Some(Name(\"c\"))");
        check("oci:gone:c", "path: \"gone\", selector: Some(Name(\"c\"))");
        check(&format!("oci:layout@sha256:{}", "0".repeat(64)), "selector: Some(Digest(sha256:000");
        check(
            "docker-archive:x:1.tar:docker.io/a:2",
            "path: \"x:1.tar\", selector: Some(Name(\"docker.io/a:2\"))",
        );
        check("oci-archive:x.tar", "OciArchive(");
        check("dir:gone", "Dir(\"gone\")");
        check("vm:gone", "Vm(\"gone\")");
        check("function:app.zip", "Function(\"app.zip\")");
        check("docker:", "names nothing");
        check("docker:UPPER", "cannot read what follows `docker:`");
    }

    #[test]
    fn bare_paths_are_recognised_and_the_rest_are_references() {
        check("layout", "OciLayout");
        check("dir", "Dir(");
        check("x.tar", "Archive(");
        check("Cargo.lock", "File(");
        check("disk", "Vm(");
        check("app.zip", "Function(");
        check("gone.qcow2", "there is no file or folder");
        check("alpine", "Registry(");
        check("localhost:5000/x", "Registry(");
        check("./gone", "there is no file or folder `./gone`");
        check("gone.tar", "there is no file or folder");
        check("", "names nothing");
        check("Not An Image", "neither an existing file nor an image reference");
    }
}
