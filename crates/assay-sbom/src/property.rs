//! The names of what Assay says beyond the standards, and of what other tools say there that is needed to judge a package.
//!
//! CycloneDX has `properties` for this (<https://cyclonedx.org/docs/1.6/json/#components_items_properties>), SPDX 2 annotations and
//! SPDX 3 an extension that carries the same names and values. A `N` in a name is a number counted from 0.

/// How the component of the subject was opened: `docker-archive`, `dir` …
pub(crate) const SOURCE: &str = "assay:source";
/// What the user called the subject.
pub(crate) const REFERENCE: &str = "assay:reference";
/// Digest of the index, manifest and configuration.
pub(crate) const INDEX_DIGEST: &str = "assay:image:index_digest";
/// The digest of the manifest.
pub(crate) const MANIFEST_DIGEST: &str = "assay:image:manifest_digest";
/// The digest of the configuration.
pub(crate) const IMAGE_ID: &str = "assay:image:id";
/// `linux/amd64`.
pub(crate) const PLATFORM: &str = "assay:image:platform";
/// When the image was built, as it claims.
pub(crate) const CREATED: &str = "assay:image:created";
/// The user it runs as.
pub(crate) const USER: &str = "assay:image:user";
/// A port it exposes; once for each.
pub(crate) const PORT: &str = "assay:image:exposed_port";
/// A label; its name follows.
pub(crate) const LABEL: &str = "assay:image:label:";
/// A layer's diff-id; its number follows, and for its blob `:digest`, its size `:size`.
pub(crate) const LAYER: &str = "assay:image:layer:";
/// How many of the subject's layers are the base's, how the base is known, and the same in words.
pub(crate) const BASE_LAYERS: &str = "assay:base:layers";
/// How the base is known.
pub(crate) const BASE_EVIDENCE: &str = "assay:base:evidence";
/// The same in words.
pub(crate) const BASE_DETAIL: &str = "assay:base:detail";
/// A thing that was not looked at: the code follows, the value is the path, a line feed and the message.
pub(crate) const WARNING: &str = "assay:warning:";
/// `CODENAME` and the rest of an operating system's `os-release`.
pub(crate) const OS_CODENAME: &str = "assay:os:codename";
/// `PRETTY_NAME`.
pub(crate) const OS_NAME: &str = "assay:os:name";

/// The ecosystem's spelling of what the standard fields could not carry.
pub(crate) const NAME: &str = "assay:name";
/// The group, where the standard field could not carry it.
pub(crate) const NAMESPACE: &str = "assay:namespace";
/// The version, where the standard field could not carry it.
pub(crate) const VERSION: &str = "assay:version";
/// The architecture, where the purl has no place for it.
pub(crate) const ARCHITECTURE: &str = "assay:architecture";
/// The source package's name, where the purl does not say.
pub(crate) const SOURCE_NAME: &str = "assay:source_package:name";
/// The source package's version.
pub(crate) const SOURCE_VERSION: &str = "assay:source_package:version";
/// The RPM modularity label.
pub(crate) const MODULE: &str = "assay:module";
/// Who made it, where the standard field could not carry it.
pub(crate) const VENDOR: &str = "assay:vendor";
/// A licence, where the standard field could not carry it; once for each.
pub(crate) const LICENSE: &str = "assay:license";
/// `declared` for what only a lockfile names.
pub(crate) const ORIGIN: &str = "assay:origin";
/// `used` or `unused`.
pub(crate) const USAGE: &str = "assay:usage";
/// A step of the chain that shows it: `N:path` and `N:how` follow.
pub(crate) const USAGE_STEP: &str = "assay:usage:evidence:";
/// A purl of a language package that this operating-system package owns; once for each.
pub(crate) const CONTAINS: &str = "assay:contains";
/// The reference of another component that a file belongs to; once for each.
pub(crate) const FILE_OWNER: &str = "assay:file:owner";
/// Bytes it takes when installed.
pub(crate) const INSTALLED_SIZE: &str = "assay:installed_size";
/// `true` where the distribution does not work without it.
pub(crate) const ESSENTIAL: &str = "assay:essential";
/// A place: `N:path` follows where the format has no field for it, `N:layer` for the layer's number and diff-id.
pub(crate) const LOCATION: &str = "assay:location:";

/// Splits `prefix` + number + `:` + rest; for names such as `assay:location:3:layer`.
pub(crate) fn numbered<'a>(name: &'a str, prefix: &str) -> Option<(usize, &'a str)> {
    let rest = name.strip_prefix(prefix)?;
    let (number, rest) = rest.split_once(':').unwrap_or((rest, ""));
    Some((number.parse().ok()?, rest))
}
