//! Which product a statement is about. A statement that names another product, version, architecture or image says nothing.
//!
//! A package URL without a version means all versions, one with qualifiers only packages that have them all
//! (<https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md#product-matching>). An image is known by its digest, or by repository and
//! tag; its bare name is no identity.

use assay_model::{Digest, Image, Os, Package, Purl};

/// One way in which a product is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// A package URL.
    Purl(Purl),
    /// The digest of an image's manifest, index or configuration.
    Digest(Digest),
    /// A name of NVD's dictionary; kept for showing, too coarse to match by.
    Cpe(String),
    /// Anything else: an image reference, an address, a reference within the document.
    Name(String),
}

impl Identity {
    /// Reads what a document gives as an identifier.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        if let Ok(purl) = text.parse::<Purl>() {
            return Self::Purl(purl);
        }
        if let Ok(digest) = text.parse::<Digest>() {
            return Self::Digest(digest);
        }
        if text.starts_with("cpe:") {
            return Self::Cpe(text.to_owned());
        }
        Self::Name(text.to_owned())
    }

    /// Returns the text of it.
    pub fn text(&self) -> String {
        match self {
            Self::Purl(purl) => purl.to_string(),
            Self::Digest(digest) => digest.to_string(),
            Self::Cpe(text) | Self::Name(text) => text.clone(),
        }
    }

    fn is_image(&self, image: &Image) -> bool {
        let has_digest = |digest: &Digest| {
            [image.manifest_digest, image.index_digest, image.image_id].contains(&Some(*digest))
        };
        match self {
            Self::Digest(digest) => has_digest(digest),
            Self::Cpe(_) => false,
            Self::Name(name) => match name.rsplit_once('@') {
                Some((_, digest)) => digest.parse().is_ok_and(|digest| has_digest(&digest)),
                // A name with a tag, or a digest, as the user typed it.
                None => {
                    !name.is_empty() && name.contains(['/', ':']) && same_reference(name, &image.reference)
                }
            },
            Self::Purl(purl) => match purl.kind.as_str() {
                "oci" | "docker" => is_image(purl, image, &has_digest),
                _ => false,
            },
        }
    }

    fn is_package(&self, package: &Package, os: Option<&Os>) -> bool {
        match self {
            Self::Purl(purl) => is_package(purl, package, os),
            Self::Digest(_) | Self::Cpe(_) | Self::Name(_) => false,
        }
    }
}

/// Compares what is typed with what was typed: `docker.io/library/x` is `x`.
fn same_reference(a: &str, b: &str) -> bool {
    fn short(name: &str) -> &str {
        let name = name.strip_prefix("registry:").unwrap_or(name);
        let name = name.strip_prefix("docker.io/").unwrap_or(name);
        name.strip_prefix("library/").unwrap_or(name)
    }
    short(a) == short(b)
}

fn is_image(purl: &Purl, image: &Image, has_digest: &dyn Fn(&Digest) -> bool) -> bool {
    if let Some(version) = &purl.version
        && let Ok(digest) = version.parse::<Digest>()
    {
        return has_digest(&digest);
    }
    let place = image.reference.split('@').next().unwrap_or_default();
    let (repository, tag) = match place.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, tag),
        _ => (place, "latest"),
    };
    let name = match purl.qualifiers.get("repository_url") {
        // With or without the image's own name at its end, both are written.
        Some(url) => {
            let url = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest).trim_end_matches('/');
            let own = url.rsplit('/').next() == Some(purl.name.as_str());
            if own { url.to_owned() } else { format!("{url}/{}", full(purl)) }
        }
        None if purl.kind == "docker" => full(purl),
        None => return false,
    };
    let wanted = purl.qualifiers.get("tag").or(purl.version.as_ref());
    same_reference(&name, repository) && wanted.is_none_or(|wanted| wanted == tag)
}

fn full(purl: &Purl) -> String {
    match &purl.namespace {
        Some(namespace) => format!("{namespace}/{}", purl.name),
        None => purl.name.clone(),
    }
}

fn is_package(purl: &Purl, package: &Package, os: Option<&Os>) -> bool {
    let own = package.purl(os);
    // Distributions also speak of the source package.
    if let Some("source" | "src") = purl.qualifiers.get("arch").map(String::as_str) {
        let source = package.source.as_ref();
        let (name, version) = source.map_or((package.name.as_str(), package.version.as_str()), |source| {
            (&source.name, &source.version)
        });
        let rest = purl.qualifiers.iter().filter(|(key, _)| !matches!(key.as_str(), "arch" | "epoch"));
        return purl.kind == own.kind
            && purl.namespace == own.namespace
            && purl.name == name.to_lowercase()
            && purl
                .version
                .as_ref()
                .is_none_or(|wanted| with_epoch(purl, wanted) == without_zero_epoch(version))
            && rest.into_iter().all(|(key, value)| own.qualifiers.get(key) == Some(value));
    }
    let same = purl.kind == own.kind && purl.namespace == own.namespace && purl.name == own.name;
    let version = || {
        purl.version
            .as_ref()
            .is_none_or(|wanted| with_epoch(purl, wanted) == without_zero_epoch(&package.version))
    };
    // What the purl of a package does not say, such as where it was downloaded, cannot be compared.
    let qualifiers = || {
        purl.qualifiers
            .iter()
            .filter(|(key, _)| !matches!(key.as_str(), "epoch" | "upstream"))
            .all(|(key, value)| own.qualifiers.get(key) == Some(value))
    };
    same && version() && qualifiers()
}

/// The epoch stands in a qualifier, or where package managers write it.
fn with_epoch(purl: &Purl, version: &str) -> String {
    match purl.qualifiers.get("epoch").filter(|epoch| *epoch != "0") {
        Some(epoch) if !version.starts_with(&format!("{epoch}:")) => format!("{epoch}:{version}"),
        _ => without_zero_epoch(version).to_owned(),
    }
}

fn without_zero_epoch(version: &str) -> &str {
    version.strip_prefix("0:").unwrap_or(version)
}

/// What a statement is about: a product, or parts of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Product {
    /// Names of the product; any of them is it.
    pub identities: Vec<Identity>,
    /// Parts of it; when there are any, only these are meant. Each has one or more names.
    pub parts: Vec<Vec<Identity>>,
}

impl Product {
    /// Returns a product of one name.
    pub fn new(identity: Identity) -> Self {
        Self { identities: vec![identity], parts: Vec::new() }
    }

    /// Returns whether it is, or holds, the target.
    pub(crate) fn concerns(&self, target: &Target<'_>) -> bool {
        let of_package = |names: &[Identity]| {
            target.package.is_some_and(|package| names.iter().any(|one| one.is_package(package, target.os)))
        };
        if self.identities.iter().any(|one| one.is_image(target.image)) {
            return self.parts.is_empty() || self.parts.iter().any(|part| of_package(part));
        }
        // A part of a package (a library in a jar) is not told apart by what is known of a package.
        self.parts.is_empty() && of_package(&self.identities)
    }
}

/// What a finding is about.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The image.
    pub image: &'a Image,
    /// Its operating system.
    pub os: Option<&'a Os>,
    /// The package in it.
    pub package: Option<&'a Package>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_model::{PackageKind, SourcePackage};

    const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const OTHER: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    #[track_caller]
    fn check(product: &str, parts: &[&str], want: bool) {
        let os = Os { id: "debian".into(), version: "12".into(), ..Os::default() };
        let mut package = Package::new(PackageKind::Deb, "libssl3", "1:3.0.11-1");
        package.architecture = Some("amd64".into());
        package.source = Some(SourcePackage { name: "openssl".into(), version: "1:3.0.11-1".into() });
        let image = Image {
            reference: "registry.example/team/app:1.0".into(),
            manifest_digest: DIGEST.parse().ok(),
            ..Image::default()
        };
        let product = Product {
            identities: vec![Identity::parse(product)],
            parts: parts.iter().map(|part| vec![Identity::parse(part)]).collect(),
        };
        let target = Target { image: &image, os: Some(&os), package: Some(&package) };
        assert_eq!(product.concerns(&target), want);
    }

    #[test]
    fn a_package_is_meant_by_its_purl() {
        check("pkg:deb/debian/libssl3", &[], true);
        check("pkg:deb/debian/libssl3@3.0.11-1?epoch=1", &[], true);
        check("pkg:deb/debian/libssl3@1%3A3.0.11-1?arch=amd64", &[], true);
        check("pkg:deb/debian/libssl3@3.0.11-1", &[], false);
        check("pkg:deb/debian/libssl3@1:3.0.11-2", &[], false);
        check("pkg:deb/debian/libssl3?arch=arm64", &[], false);
        check("pkg:deb/debian/libssl3?distro=debian-12", &[], true);
        check("pkg:deb/debian/libssl3?distro=debian-11", &[], false);
        check("pkg:deb/ubuntu/libssl3", &[], false);
        check("pkg:deb/libssl3", &[], false);
        check("pkg:deb/debian/openssl", &[], false);
        check("pkg:deb/debian/openssl?arch=source", &[], true);
        check("pkg:deb/debian/openssl@1:3.0.11-1?arch=source", &[], true);
        check("pkg:deb/debian/openssl@1:3.0.12-1?arch=source", &[], false);
        check("pkg:npm/libssl3", &[], false);
        check("cpe:2.3:a:openssl:openssl:3.0.11:*:*:*:*:*:*:*", &[], false);
    }

    #[test]
    fn an_image_is_meant_by_its_digest_or_place() {
        check(DIGEST, &[], true);
        check(&format!("pkg:oci/app@{DIGEST}"), &[], true);
        check(&format!("pkg:oci/app@{}", DIGEST.replace(':', "%3A")), &[], true);
        check(&format!("pkg:oci/app@{OTHER}?repository_url=registry.example/team/app"), &[], false);
        check(&format!("registry.example/team/app@{OTHER}"), &[], false);
        check("pkg:oci/app?repository_url=registry.example/team/app", &[], true);
        check("pkg:oci/app?repository_url=registry.example/team&tag=1.0", &[], true);
        check("pkg:oci/app?repository_url=registry.example/team&tag=2.0", &[], false);
        check("pkg:oci/app", &[], false);
        check("registry.example/team/app:1.0", &[], true);
        check("app", &[], false);
    }

    #[test]
    fn parts_narrow_a_product() {
        check(DIGEST, &["pkg:deb/debian/libssl3"], true);
        check(DIGEST, &["pkg:deb/debian/zlib1g"], false);
        check(OTHER, &["pkg:deb/debian/libssl3"], false);
        check("pkg:deb/debian/libssl3", &["pkg:generic/x"], false);
    }

    #[test]
    fn docker_names_are_short_and_long() {
        let image = Image { reference: "alpine:3.18".into(), ..Image::default() };
        let target = Target { image: &image, os: None, package: None };
        let concerns = |text: &str| Product::new(Identity::parse(text)).concerns(&target);
        assert!(concerns("docker.io/library/alpine:3.18"));
        assert!(concerns("pkg:docker/library/alpine@3.18"));
        assert!(concerns("pkg:docker/alpine"));
        assert!(!concerns("pkg:docker/alpine@3.19"));
    }
}
