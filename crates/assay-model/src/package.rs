//! Packages: what an inventory consists of.

use crate::ecosystem::Ecosystem;
use crate::inventory::Os;
use crate::purl::Purl;
use crate::software;
use serde::{Deserialize, Serialize};

/// What kind of thing a package is; decides its purl type and, for languages, its ecosystem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PackageKind {
    /// Debian and Ubuntu.
    Deb,
    /// The RPM family.
    Rpm,
    /// Alpine, Wolfi, Chainguard.
    Apk,
    /// Arch Linux.
    Pacman,
    /// A Python distribution.
    Python,
    /// A Node package.
    Npm,
    /// A Java artifact; the namespace is the group.
    Maven,
    /// A Go module; `stdlib` is the Go standard library.
    Go,
    /// A Rust crate.
    Cargo,
    /// A Ruby gem.
    Gem,
    /// A PHP package; the namespace is the vendor.
    Composer,
    /// A .NET package.
    NuGet,
    /// An Elixir or Erlang package.
    Hex,
    /// An application of Erlang/OTP or Elixir itself.
    Otp,
    /// A Dart package.
    Pub,
    /// A Swift package; its name is its repository's address without scheme and `.git`.
    Swift,
    /// A pod (Swift and Objective-C).
    CocoaPods,
    /// A Haskell package.
    Hackage,
    /// An R package.
    Cran,
    /// A Perl distribution; the namespace is its author's account.
    Cpan,
    /// A Lua rock.
    LuaRocks,
    /// A C or C++ package of Conan.
    Conan,
    /// A C or C++ package of vcpkg.
    Vcpkg,
    /// A Julia package.
    Julia,
    /// An OCaml package.
    Opam,
    /// A Conda package; its `source` is the Python distribution it carries, if it carries one.
    Conda,
    /// A Terraform or OpenTofu provider, named with its registry: `registry.terraform.io/hashicorp/aws`.
    Terraform,
    /// A plugin of WordPress, named by its folder.
    WordPressPlugin,
    /// A theme of WordPress, named by its folder.
    WordPressTheme,
    /// A GitHub Action; its name is `owner/repository`.
    GitHubAction,
    /// An application packaged by Bitnami.
    Bitnami,
    /// Gentoo; the namespace is the category.
    Portage,
    /// OpenWrt and other embedded systems.
    Opkg,
    /// A store path of Nix or Guix.
    Nix,
    /// A formula of Homebrew.
    Brew,
    /// A snap.
    Snap,
    /// An application or runtime of Flatpak.
    Flatpak,
    /// Software that no package manager registered.
    Generic,
}

impl PackageKind {
    /// Every kind.
    pub const ALL: [Self; 38] = [
        Self::Deb,
        Self::Rpm,
        Self::Apk,
        Self::Pacman,
        Self::Python,
        Self::Npm,
        Self::Maven,
        Self::Go,
        Self::Cargo,
        Self::Gem,
        Self::Composer,
        Self::NuGet,
        Self::Hex,
        Self::Otp,
        Self::Pub,
        Self::Swift,
        Self::CocoaPods,
        Self::Hackage,
        Self::Cran,
        Self::Cpan,
        Self::LuaRocks,
        Self::Conan,
        Self::Vcpkg,
        Self::Julia,
        Self::Opam,
        Self::Conda,
        Self::Terraform,
        Self::WordPressPlugin,
        Self::WordPressTheme,
        Self::GitHubAction,
        Self::Bitnami,
        Self::Portage,
        Self::Opkg,
        Self::Nix,
        Self::Brew,
        Self::Snap,
        Self::Flatpak,
        Self::Generic,
    ];

    /// Returns the package-url type (<https://github.com/package-url/purl-spec/blob/main/purl-types-index.json>).
    ///
    /// `vcpkg`, `terraform`, `wordpress-…`, `ebuild`, `opkg`, `nix`, `brew`, `snap` and `flatpak` are not registered there; they
    /// are what other tools and the open proposals to the register use.
    pub fn purl_type(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Rpm => "rpm",
            Self::Apk => "apk",
            Self::Pacman => "alpm",
            Self::Python => "pypi",
            Self::Npm => "npm",
            Self::Maven => "maven",
            Self::Go => "golang",
            Self::Cargo => "cargo",
            Self::Gem => "gem",
            Self::Composer => "composer",
            Self::NuGet => "nuget",
            Self::Hex => "hex",
            Self::Otp => "otp",
            Self::Pub => "pub",
            Self::Swift => "swift",
            Self::CocoaPods => "cocoapods",
            Self::Hackage => "hackage",
            Self::Cran => "cran",
            Self::Cpan => "cpan",
            Self::LuaRocks => "luarocks",
            Self::Conan => "conan",
            Self::Vcpkg => "vcpkg",
            Self::Julia => "julia",
            Self::Opam => "opam",
            Self::Conda => "conda",
            Self::Terraform => "terraform",
            Self::WordPressPlugin => "wordpress-plugin",
            Self::WordPressTheme => "wordpress-theme",
            Self::GitHubAction => "github",
            Self::Bitnami => "bitnami",
            Self::Portage => "ebuild",
            Self::Opkg => "opkg",
            Self::Nix => "nix",
            Self::Brew => "brew",
            Self::Snap => "snap",
            Self::Flatpak => "flatpak",
            Self::Generic => "generic",
        }
    }

    /// Returns whether packages of this kind belong to the operating system's package manager.
    pub fn is_os(self) -> bool {
        matches!(self, Self::Deb | Self::Rpm | Self::Apk | Self::Pacman | Self::Portage | Self::Opkg)
    }

    /// Returns the ecosystem of a language's packages; the operating system's come from its distribution.
    pub fn language_ecosystem(self) -> Option<Ecosystem> {
        match self {
            Self::Python => Some(Ecosystem::PyPi),
            Self::Npm => Some(Ecosystem::Npm),
            Self::Maven => Some(Ecosystem::Maven),
            Self::Go => Some(Ecosystem::Go),
            Self::Cargo => Some(Ecosystem::CratesIo),
            Self::Gem => Some(Ecosystem::RubyGems),
            Self::Composer => Some(Ecosystem::Packagist),
            Self::NuGet => Some(Ecosystem::NuGet),
            Self::Hex => Some(Ecosystem::Hex),
            Self::Pub => Some(Ecosystem::Pub),
            Self::Swift => Some(Ecosystem::SwiftUrl),
            Self::Hackage => Some(Ecosystem::Hackage),
            Self::Cran => Some(Ecosystem::Cran),
            Self::Conan => Some(Ecosystem::ConanCenter),
            Self::Julia => Some(Ecosystem::Julia),
            Self::Opam => Some(Ecosystem::Opam),
            Self::GitHubAction => Some(Ecosystem::GitHubActions),
            Self::Bitnami => Some(Ecosystem::Bitnami),
            Self::Deb
            | Self::Rpm
            | Self::Apk
            | Self::Pacman
            | Self::Generic
            | Self::Otp
            | Self::CocoaPods
            | Self::Cpan
            | Self::LuaRocks
            | Self::Vcpkg
            | Self::Conda
            | Self::Terraform
            | Self::WordPressPlugin
            | Self::WordPressTheme
            | Self::Portage
            | Self::Opkg
            | Self::Nix
            | Self::Brew
            | Self::Snap
            | Self::Flatpak => None,
        }
    }
}

/// What repositories outside Debian and Ubuntu write into the versions of their packages, and what they are called.
const DEB_REPOSITORIES: &[(&str, &str)] = &[
    ("nodesource", "NodeSource"),
    (".pgdg", "PostgreSQL's repository"),
    ("+maria~", "MariaDB's repository"),
    // Ondřej Surý's PHP: `8.2.7-1+0~20230611.42+debian12~1.gbpc9b23a`.
    ("+0~20", "packages.sury.org"),
];

/// How a package came to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Origin {
    /// It is there: a package manager's record, or the software itself.
    Installed,
    /// A lockfile asks for it.
    Declared,
}

/// Whether a package is reachable from the image's entry point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Usage {
    /// Evidence shows that it is used.
    Used,
    /// Evidence shows that it is not used.
    Unused,
    /// There is not enough evidence.
    #[default]
    Unknown,
}

/// One step of the chain that shows whether a package is used.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UsageStep {
    /// The file, without a leading `/`; empty for what is no file (the image's configuration).
    pub path: String,
    /// How the step before led here, or why nothing could be concluded, in words: `needed by name: libssl.so.3`.
    pub how: String,
}

/// The source package a binary package was built from; distributions write advisories about these.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SourcePackage {
    /// Its name.
    pub name: String,
    /// Its version, in the same form as the package's.
    pub version: String,
}

/// A place where a package was found.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Location {
    /// The path inside the image, without a leading `/`; members of archives follow `!/`, as in `app.jar!/lib/x.jar`.
    pub path: String,
    /// The index, in the image's order, of the layer that brought this package here; `None` outside images.
    pub layer: Option<u32>,
}

/// One package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// What it is.
    pub kind: PackageKind,
    /// Group, vendor or scope where the kind keeps it apart (Maven group, Composer vendor); part of `name` for npm and Go.
    pub namespace: Option<String>,
    /// The name as its ecosystem writes it: `@babel/core`, `golang.org/x/net`, `openssl-libs`.
    pub name: String,
    /// The full version as its ecosystem compares it; Debian and RPM versions include a non-zero epoch (`1:3.0.1-42.el9_0`).
    pub version: String,
    /// The architecture as the package manager writes it.
    pub architecture: Option<String>,
    /// The source package, where it differs or is known.
    pub source: Option<SourcePackage>,
    /// The RPM modularity label, `name:stream:version:context`.
    pub module: Option<String>,
    /// Licences as declared; SPDX expressions where the ecosystem uses them.
    pub licenses: Vec<String>,
    /// Who made the package (RPM vendor, Debian maintainer), where it tells a third party's from the distribution's.
    pub vendor: Option<String>,
    /// How it came to be known.
    pub origin: Origin,
    /// Where it was found.
    pub locations: Vec<Location>,
    /// Names this package can be depended on by, besides its own (Debian and RPM `Provides`).
    pub provides: Vec<String>,
    /// What it asks for, in the ecosystem's own names: alternatives of one requirement are separated by `|`.
    pub requires: Vec<String>,
    /// Indices, within the same inventory, of the packages that satisfy `requires`; set by linking.
    pub depends_on: Vec<u32>,
    /// The purls of language packages that this operating-system package owns; set by attribution.
    pub contains: Vec<String>,
    /// The bytes it takes when installed, as its package manager says.
    pub installed_size: Option<u64>,
    /// Whether the distribution does not work without it, as its package manager says.
    pub essential: bool,
    /// Whether it is reachable from the image's entry point.
    pub usage: Usage,
    /// Why: from what the image starts to a file of this package, or what stands against a conclusion.
    pub usage_evidence: Vec<UsageStep>,
}

impl Package {
    /// Returns an installed package with nothing but its identity.
    pub fn new(kind: PackageKind, name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            kind,
            namespace: None,
            name: name.into(),
            version: version.into(),
            architecture: None,
            source: None,
            module: None,
            licenses: Vec::new(),
            vendor: None,
            origin: Origin::Installed,
            locations: Vec::new(),
            provides: Vec::new(),
            requires: Vec::new(),
            depends_on: Vec::new(),
            contains: Vec::new(),
            installed_size: None,
            essential: false,
            usage: Usage::Unknown,
            usage_evidence: Vec::new(),
        }
    }

    /// Returns the name advisories use: Maven's `group:artifact` and Composer's `vendor/name` are joined.
    pub fn full_name(&self) -> String {
        match (&self.namespace, self.kind) {
            (Some(namespace), PackageKind::Maven) => format!("{namespace}:{}", self.name),
            (Some(namespace), _) => format!("{namespace}/{}", self.name),
            (None, _) => self.name.clone(),
        }
    }

    /// Returns the ecosystem whose advisories judge this package, if there is one.
    pub fn ecosystem(&self, os: Option<&Os>) -> Option<Ecosystem> {
        if self.kind.is_os() {
            let os = os?;
            let distro = os.distro?;
            return (distro.packages == self.kind).then(|| distro.ecosystem(&os.version));
        }
        match (self.kind, &self.source) {
            (PackageKind::Conda, Some(_)) => Some(Ecosystem::PyPi),
            // The first of those that judge it.
            (PackageKind::Generic, _) => {
                software::by_name(&self.name)?.identities().next().map(|(ecosystem, _)| ecosystem)
            }
            _ => self.kind.language_ecosystem(),
        }
    }

    /// Returns the name and version under which the advisories of its ecosystem know this package.
    ///
    /// They are its own but for two kinds: a Conda package is judged as the Python distribution it carries, and Bitnami's
    /// advisories leave out the revision of the packaging (`7.0.10-2`).
    pub fn advised_as(&self) -> (String, &str) {
        match (self.kind, &self.source) {
            (PackageKind::Conda, Some(source)) => (source.name.clone(), &source.version),
            (PackageKind::Bitnami, _) => {
                let upstream = self.version.rsplit_once('-').filter(|(upstream, revision)| {
                    !upstream.is_empty() && revision.bytes().all(|byte| byte.is_ascii_digit())
                });
                (self.full_name(), upstream.map_or(self.version.as_str(), |(upstream, _)| upstream))
            }
            _ => (self.full_name(), &self.version),
        }
    }

    /// Returns who made an operating-system package, when it is known not to be the distribution itself: EPEL, a PPA, a vendor's
    /// repository. The distribution's advisories say nothing about such a build, and its version may mean something else.
    pub fn third_party(&self, os: Option<&Os>) -> Option<&str> {
        let distro = os?.distro?;
        match self.kind {
            PackageKind::Rpm => {
                let vendor = self.vendor.as_deref().map(str::trim).filter(|vendor| !vendor.is_empty())?;
                let lower = vendor.to_lowercase();
                let foreign =
                    !distro.vendors.is_empty() && !distro.vendors.iter().any(|known| lower.contains(known));
                foreign.then_some(vendor)
            }
            // Maintainers are people with addresses of their own; only what these repositories write into versions tells.
            PackageKind::Deb => {
                let number_follows = |at: usize| {
                    self.version.get(at..).is_none_or(|rest| {
                        rest.is_empty() || rest.starts_with(|char: char| char.is_ascii_digit() || char == '~')
                    })
                };
                if self.version.match_indices("ppa").any(|(at, mark)| number_follows(at + mark.len())) {
                    return Some("a PPA");
                }
                let mut known = DEB_REPOSITORIES.iter();
                known.find(|(mark, _)| self.version.contains(mark)).map(|(_, repository)| *repository)
            }
            _ => None,
        }
    }

    /// Returns the package URL; operating-system packages carry `arch`, `distro` and `epoch`.
    pub fn purl(&self, os: Option<&Os>) -> Purl {
        Purl::of(self, os)
    }

    /// Splits a Debian or RPM version into its epoch and the rest.
    pub fn epoch(&self) -> (Option<&str>, &str) {
        match (self.kind, self.version.split_once(':')) {
            (PackageKind::Deb | PackageKind::Rpm | PackageKind::Pacman, Some((epoch, rest)))
                if epoch.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                (Some(epoch), rest)
            }
            _ => (None, &self.version),
        }
    }
}
