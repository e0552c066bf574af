//! The version schemes Assay knows. Their order and range rules live in `assay-version`; here is only the name of each.

/// An order of versions, as one packaging ecosystem defines it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// Debian policy, `deb-version(7)`.
    Deb,
    /// RPM `rpmvercmp` over epoch, version and release.
    Rpm,
    /// Alpine `apk-tools` version order.
    Apk,
    /// Arch Linux `vercmp(8)`.
    Pacman,
    /// Python, PEP 440.
    Pep440,
    /// Node, `node-semver`.
    Npm,
    /// Semantic Versioning 2.0.0 (Rust crates and feeds of type `SEMVER`).
    Semver,
    /// Maven `ComparableVersion`.
    Maven,
    /// RubyGems `Gem::Version`.
    Gem,
    /// Composer (PHP) version parser and `version_compare`.
    Composer,
    /// NuGet: SemVer 2.0.0 with a fourth number and case-insensitive labels.
    NuGet,
    /// Go module versions: SemVer with `v`, pseudo-versions, `+incompatible`, and `go1.21.3` toolchain names.
    Go,
    /// Hex (Elixir and Erlang): SemVer.
    Hex,
    /// Pub (Dart): SemVer whose build part takes part in the order.
    Pub,
    /// Conan (C and C++).
    Conan,
    /// Upstream releases without a scheme of their own: runs of digits and letters, compared in turn.
    Generic,
}
