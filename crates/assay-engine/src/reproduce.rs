//! Compares two builds of what should be the same image, and names the causes of what differs.
//!
//! Five levels, each looked at only as far as the one above differs: manifest, configuration, layers as stored, files in layers, and
//! bytes in files. A cause is what a builder can do something about: times, owners, modes, the order of entries, the compressor, the
//! history. It is named only where it is proven; what is left is a change of the content, and everything is told, also beside a
//! difference that has a name. Surprising: that a layer's digest differs is no difference of its own, but the sum of what differs in
//! it.

mod content;
mod document;
mod headers;
mod layer;

use assay_analyze::Limits;
use assay_oci::OpenImage;
use std::collections::BTreeMap;
use std::fmt;

/// Differences that are kept; more are counted.
const MAX_KEPT: usize = 20_000;
/// Bytes of their texts: paths may have four thousand each.
const MAX_KEPT_BYTES: usize = 16 << 20;

/// Where a difference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// In the manifest.
    Manifest,
    /// In the configuration.
    Config,
    /// In how a layer is stored.
    Layer,
    /// In what is said of a file.
    File,
    /// In the bytes of a file.
    Bytes,
}

impl Level {
    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Config => "config",
            Self::Layer => "layer",
            Self::File => "file",
            Self::Bytes => "bytes",
        }
    }
}

/// Why two builds differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// The time of something: when the image was made, when a file was changed, a date inside of a file.
    Timestamp,
    /// The same things in another order.
    Order,
    /// The owner of a file, by number.
    Owner,
    /// The permissions of a file, its capabilities and extended attributes.
    Mode,
    /// The same archive, compressed otherwise.
    Compression,
    /// What the history says, other than times.
    History,
    /// The same files in an archive of another form: its headers, names of owners, padding, or what is behind its end.
    ArchiveFormat,
    /// An annotation or label.
    Annotation,
    /// A setting of the image: environment, user, entry point.
    Setting,
    /// Numbers that the build makes up: build identifiers, random names, machine identifiers.
    BuildId,
    /// A file that should not be in an image at all: a log, a cache.
    Residue,
    /// A file of one build only.
    Presence,
    /// What a file is: its kind, the numbers of a device, or where a link leads.
    Kind,
    /// The content of a file, or anything else that no other cause is proven for.
    Content,
}

impl Cause {
    /// All of them, the harmless first.
    pub const ALL: [Self; 14] = [
        Self::Timestamp,
        Self::Order,
        Self::Compression,
        Self::History,
        Self::ArchiveFormat,
        Self::Annotation,
        Self::BuildId,
        Self::Residue,
        Self::Owner,
        Self::Mode,
        Self::Setting,
        Self::Presence,
        Self::Kind,
        Self::Content,
    ];

    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Timestamp => "timestamp",
            Self::Order => "order",
            Self::Owner => "owner",
            Self::Mode => "mode",
            Self::Compression => "compression",
            Self::History => "history",
            Self::ArchiveFormat => "archive-format",
            Self::Annotation => "annotation",
            Self::Setting => "setting",
            Self::BuildId => "build-id",
            Self::Residue => "residue",
            Self::Presence => "presence",
            Self::Kind => "kind",
            Self::Content => "content",
        }
    }

    /// Says what a builder can do about it.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Timestamp => "set SOURCE_DATE_EPOCH, and let the builder rewrite times to it",
            Self::Order => "sort what the build goes through: names of files, entries of lists",
            Self::Owner => "fix the numbers of users and groups, and say owners in COPY --chown",
            Self::Mode => "fix the mask of permissions, or say modes in COPY --chmod",
            Self::Compression => "use the same version and level of the compressor",
            Self::History => "build with the same builder and the same instructions",
            Self::ArchiveFormat => "use the same builder: archives are written by it",
            Self::Annotation => "leave out annotations and labels that tell builds apart",
            Self::Setting => "build with the same arguments and environment",
            Self::BuildId => "give the linker a fixed build identifier, and the build a fixed seed",
            Self::Residue => "remove logs and caches in the instruction that writes them",
            Self::Presence => "find the instruction that leaves the file behind in one build only",
            Self::Kind => "find the instruction that makes it differently",
            Self::Content => "pin what is downloaded, and compare the two files",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where it is.
    pub level: Level,
    /// Why.
    pub cause: Cause,
    /// The layer, from 0.
    pub layer: Option<usize>,
    /// The file, or the member of the document.
    pub path: String,
    /// What the first build has.
    pub old: String,
    /// What the second build has.
    pub new: String,
}

/// What the comparison of two builds came to.
#[derive(Debug, Clone, Default)]
pub struct Comparison {
    /// The differences, in the order of levels and layers; the first of them, if there are very many.
    pub differences: Vec<Difference>,
    /// How many differences there are of each cause.
    pub causes: BTreeMap<Cause, u64>,
    /// What could not be compared; then nothing can be called equal.
    pub incomplete: Vec<String>,
    /// Bytes of the texts of `differences`.
    kept_bytes: usize,
}

impl Comparison {
    /// Tells whether nothing differs, but for these causes.
    pub fn is_equal_but_for(&self, ignored: &[Cause]) -> bool {
        self.incomplete.is_empty() && self.causes.keys().all(|cause| ignored.contains(cause))
    }

    /// Returns how many differences there are.
    pub fn count(&self) -> u64 {
        self.causes.values().sum()
    }

    fn add(&mut self, difference: Difference) {
        let count = self.causes.entry(difference.cause).or_default();
        *count = count.saturating_add(1);
        let Difference { path, old, new, .. } = &difference;
        let bytes = path.len().saturating_add(old.len()).saturating_add(new.len());
        let all = self.kept_bytes.saturating_add(bytes);
        if self.differences.len() < MAX_KEPT && all <= MAX_KEPT_BYTES {
            self.kept_bytes = all;
            self.differences.push(difference);
        }
    }
}

/// One build.
pub struct Build<'a> {
    /// The image.
    pub image: &'a dyn OpenImage,
    /// The bytes of its manifest, where the source has one.
    pub manifest: Option<Vec<u8>>,
    /// The bytes of its configuration, where the source gives them.
    pub config: Option<Vec<u8>>,
}

/// Compares two builds.
pub fn compare_builds(old: &Build<'_>, new: &Build<'_>, limits: &Limits) -> Comparison {
    let mut result = Comparison::default();
    let digests = (old.image.image().manifest_digest, new.image.image().manifest_digest);
    if let (Some(first), Some(second)) = digests
        && first == second
    {
        return result;
    }
    document::manifests(old, new, &mut result);
    document::configs(old, new, &mut result);
    layer::layers(old.image, new.image, limits, &mut result);
    result
}
