//! Package URLs: `pkg:type/namespace/name@version?qualifiers#subpath`.
//!
//! <https://github.com/package-url/purl-spec/blob/main/PURL-SPECIFICATION.rst>. Per-type rules (which parts are lower-cased)
//! follow the specification's type definitions. The colon is never percent-encoded, the plus sign always is.

use crate::inventory::Os;
use crate::package::{Package, PackageKind};
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::str::FromStr;

/// A package URL in its canonical form.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Purl {
    /// The type, such as `deb`.
    pub kind: String,
    /// The namespace, its segments joined by `/`.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
    /// The version.
    pub version: Option<String>,
    /// The qualifiers by key.
    pub qualifiers: BTreeMap<String, String>,
    /// The path inside the package.
    pub subpath: Option<String>,
}

/// A text is not a package URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a package URL: {reason}")]
pub struct InvalidPurl {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Purl {
    /// Returns the package URL of a package found on `os`.
    pub(crate) fn of(package: &Package, os: Option<&Os>) -> Self {
        let mut qualifiers = BTreeMap::new();
        let mut namespace = package.namespace.clone();
        let mut name = package.name.clone();
        let (epoch, version) = package.epoch();
        match package.kind {
            PackageKind::Deb | PackageKind::Rpm | PackageKind::Apk | PackageKind::Pacman => {
                if let Some(os) = os {
                    namespace = Some(os.id.to_lowercase());
                    let distro = if os.version.is_empty() {
                        os.id.clone()
                    } else {
                        format!("{}-{}", os.id, os.version)
                    };
                    qualifiers.insert("distro".to_owned(), distro);
                }
                if let Some(architecture) = &package.architecture {
                    qualifiers.insert("arch".to_owned(), architecture.clone());
                }
                if let Some(epoch) = epoch {
                    qualifiers.insert("epoch".to_owned(), epoch.to_owned());
                }
            }
            // What stands in the name up to the last slash (npm's scope, the repository of Go and Swift) is a purl's namespace.
            PackageKind::Npm
            | PackageKind::Go
            | PackageKind::Swift
            | PackageKind::Terraform
            | PackageKind::GitHubAction => {
                if let Some((scope, rest)) = package.name.rsplit_once('/') {
                    namespace = Some(scope.to_owned());
                    name = rest.to_owned();
                }
            }
            PackageKind::Conda => {
                for (key, value) in [("subdir", &package.architecture), ("channel", &package.vendor)] {
                    qualifiers.extend(value.clone().map(|value| (key.to_owned(), value)));
                }
            }
            PackageKind::Opkg | PackageKind::Snap | PackageKind::Flatpak | PackageKind::Bitnami => {
                qualifiers.extend(package.architecture.clone().map(|value| ("arch".to_owned(), value)));
            }
            _ => {}
        }
        Self {
            kind: package.kind.purl_type().to_owned(),
            namespace,
            name,
            version: (!version.is_empty()).then(|| version.to_owned()),
            qualifiers,
            subpath: None,
        }
        .canonical()
    }

    /// Applies the type's rules to names that arrived in another spelling.
    fn canonical(mut self) -> Self {
        self.kind.make_ascii_lowercase();
        let (lower_namespace, lower_name) = match self.kind.as_str() {
            "deb" | "apk" | "alpm" | "composer" | "golang" | "github" | "bitbucket" | "hex" => (true, true),
            "rpm" => (true, false),
            "pypi" | "pub" => (false, true),
            _ => (false, false),
        };
        if lower_namespace && let Some(namespace) = &mut self.namespace {
            *namespace = namespace.to_lowercase();
        }
        if lower_name {
            self.name = self.name.to_lowercase();
        }
        if self.kind == "pypi" {
            self.name = self.name.replace('_', "-");
        }
        // Empty segments mean nothing, and are not written.
        let segments = |namespace: String| -> String {
            namespace.split('/').filter(|segment| !segment.is_empty()).collect::<Vec<_>>().join("/")
        };
        self.namespace = self.namespace.map(segments).filter(|namespace| !namespace.is_empty());
        self
    }
}

/// Writes `text` with everything but unreserved characters and `keep` percent-encoded.
fn encode(f: &mut fmt::Formatter<'_>, text: &str, keep: &[u8]) -> fmt::Result {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_~:".contains(&byte) || keep.contains(&byte) {
            f.write_char(char::from(byte))?;
        } else {
            write!(f, "%{byte:02X}")?;
        }
    }
    Ok(())
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            bytes.push(digit(rest.next()?)? << 4 | digit(rest.next()?)?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

impl fmt::Display for Purl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pkg:{}/", self.kind)?;
        if let Some(namespace) = &self.namespace {
            for segment in namespace.split('/').filter(|segment| !segment.is_empty()) {
                encode(f, segment, b"")?;
                f.write_char('/')?;
            }
        }
        encode(f, &self.name, b"")?;
        if let Some(version) = &self.version {
            f.write_char('@')?;
            encode(f, version, b"")?;
        }
        for (index, (key, value)) in self.qualifiers.iter().filter(|(_, value)| !value.is_empty()).enumerate()
        {
            f.write_char(if index == 0 { '?' } else { '&' })?;
            write!(f, "{key}=")?;
            encode(f, value, b"/")?;
        }
        if let Some(subpath) = &self.subpath {
            f.write_char('#')?;
            encode(f, subpath, b"/")?;
        }
        Ok(())
    }
}

impl FromStr for Purl {
    type Err = InvalidPurl;

    fn from_str(text: &str) -> Result<Self, InvalidPurl> {
        let invalid = |reason| InvalidPurl { text: text.chars().take(200).collect(), reason };
        let decoded = |part: &str| decode(part).ok_or_else(|| invalid("bad percent-encoding"));

        let rest =
            text.trim().strip_prefix("pkg:").ok_or_else(|| invalid("it does not start with `pkg:`"))?;
        let (rest, subpath) = rest.split_once('#').map_or((rest, None), |(rest, path)| (rest, Some(path)));
        let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
        let (kind, rest) =
            rest.trim_start_matches('/').split_once('/').ok_or_else(|| invalid("it has no name"))?;
        let valid_kind = |kind: &str| {
            kind.starts_with(|char: char| char.is_ascii_alphabetic())
                && kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-+".contains(&byte))
        };
        if !valid_kind(kind) {
            return Err(invalid("its type has other characters than letters, digits, `.`, `-` and `+`"));
        }
        // An `@` inside the namespace (an npm scope) comes before the last `/`, the version's comes after it.
        let name_start = rest.trim_end_matches('/').rfind('/').map_or(0, |slash| slash + 1);
        let (namespace, tail) = rest.split_at_checked(name_start).ok_or_else(|| invalid("it has no name"))?;
        let (name, version) = tail
            .trim_matches('/')
            .rsplit_once('@')
            .map_or((tail, None), |(name, version)| (name, Some(version)));
        let name = decoded(name.trim_matches('/'))?;
        if name.is_empty() {
            return Err(invalid("its name is empty"));
        }
        let mut qualifiers = BTreeMap::new();
        for pair in query.into_iter().flat_map(|query| query.split('&')).filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').ok_or_else(|| invalid("a qualifier has no value"))?;
            if !value.is_empty() {
                qualifiers.insert(key.to_ascii_lowercase(), decoded(value)?);
            }
        }
        let namespace = decoded(namespace.trim_matches('/'))?;
        Ok(Self {
            kind: kind.to_owned(),
            namespace: Some(namespace),
            name,
            version: version.filter(|version| !version.is_empty()).map(decoded).transpose()?,
            qualifiers,
            subpath: subpath
                .map(|path| decoded(path.trim_matches('/')))
                .transpose()?
                .filter(|path| !path.is_empty()),
        }
        .canonical())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distro;

    #[track_caller]
    fn check(package: &Package, os: Option<&Os>, want: &str) {
        let purl = package.purl(os);
        assert_eq!(purl.to_string(), want);
        assert_eq!(want.parse::<Purl>().unwrap(), purl);
    }

    #[test]
    fn packages_have_the_purls_tools_expect() {
        let mut os = Os { id: "debian".into(), version: "11".into(), ..Os::default() };
        os.distro = distro::by_id("debian");
        let mut package = Package::new(PackageKind::Deb, "xserver-common", "2:1.20.11-1+deb11u5");
        package.architecture = Some("all".into());
        check(
            &package,
            Some(&os),
            "pkg:deb/debian/xserver-common@1.20.11-1%2Bdeb11u5?arch=all&distro=debian-11&epoch=2",
        );
        check(&Package::new(PackageKind::Npm, "@babel/core", "7.0.0"), None, "pkg:npm/%40babel/core@7.0.0");
        check(&Package::new(PackageKind::Python, "Foo_Bar", "1.0"), None, "pkg:pypi/foo-bar@1.0");
        check(
            &Package::new(PackageKind::Go, "github.com/BurntSushi/toml", "v1.2.0"),
            None,
            "pkg:golang/github.com/burntsushi/toml@v1.2.0",
        );
        let mut package = Package::new(PackageKind::Maven, "log4j-core", "2.14.1");
        package.namespace = Some("org.apache.logging.log4j".into());
        check(&package, None, "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1");
        check(
            &Package::new(PackageKind::Swift, "github.com/Alamofire/Alamofire", "5.4.3"),
            None,
            "pkg:swift/github.com/Alamofire/Alamofire@5.4.3",
        );
        let mut package = Package::new(PackageKind::Conda, "absl-py", "0.4.1");
        (package.architecture, package.vendor) = (Some("linux-64".into()), Some("conda-forge".into()));
        check(&package, None, "pkg:conda/absl-py@0.4.1?channel=conda-forge&subdir=linux-64");
        let mut package = Package::new(PackageKind::Portage, "skopeo", "1.5.1-r1");
        package.namespace = Some("app-containers".into());
        check(&package, None, "pkg:ebuild/app-containers/skopeo@1.5.1-r1");
    }

    #[test]
    fn other_texts_are_refused_with_a_reason() {
        for text in ["", "pkg:", "pkg:npm", "pkg:npm/", "npm/x", "pkg:n pm/x", "pkg:npm/x@%zz", "pkg:a/b?c"] {
            assert!(text.parse::<Purl>().is_err(), "{text}");
        }
        assert_eq!("pkg:npm/@scope/x@1".parse::<Purl>().unwrap().namespace.as_deref(), Some("@scope"));
        let doubled: Purl = "pkg:deb/a//b/c@1".parse().unwrap();
        assert_eq!(
            (doubled.namespace.as_deref(), doubled.to_string().parse()),
            (Some("a/b"), Ok(doubled.clone()))
        );
    }
}
