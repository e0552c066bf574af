//! What both of Perl's formats share: the archive's path on CPAN as a distribution's identity.

use assay_model::{Package, PackageKind};

/// Returns the distribution of `M/MI/MIYAGAWA/Plack-1.0047.tar.gz`.
pub(super) fn distribution(pathname: &str) -> Option<Package> {
    let (folder, archive) = pathname.rsplit_once('/')?;
    let (name, version) = split(stem(archive))?;
    let mut package = Package::new(PackageKind::Cpan, name, version);
    // The folder is the author's, below its first letters; some authors have folders of their own.
    package.namespace = folder.split('/').nth(2).filter(|author| !author.is_empty()).map(str::to_owned);
    Some(package)
}

/// Splits `libwww-perl-6.67` before the version: what follows the last dash that a digit, or `v` and a digit, follows.
pub(super) fn split(distribution: &str) -> Option<(&str, &str)> {
    distribution.match_indices('-').rev().find_map(|(at, _)| {
        let (name, version) = (distribution.get(..at)?, distribution.get(at.checked_add(1)?..)?);
        let digits = version.strip_prefix('v').unwrap_or(version);
        (!name.is_empty() && digits.starts_with(|c: char| c.is_ascii_digit())).then_some((name, version))
    })
}

fn stem(archive: &str) -> &str {
    [".tar.gz", ".tgz", ".zip", ".tar.bz2"]
        .iter()
        .find_map(|extension| archive.strip_suffix(extension))
        .unwrap_or(archive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_name_distributions() {
        for (pathname, want) in [
            ("M/MI/MIYAGAWA/Plack-1.0047.tar.gz", Some("MIYAGAWA/Plack 1.0047")),
            ("O/OA/OALDERS/libwww-perl-6.67.tgz", Some("OALDERS/libwww-perl 6.67")),
            (
                "L/LE/LEONT/sub/Module-Build-Tiny-v0.39-TRIAL.tar.gz",
                Some("LEONT/Module-Build-Tiny v0.39-TRIAL"),
            ),
            ("x", None),
            ("A/AB/ABC/none.zip", None),
        ] {
            let got = distribution(pathname).map(|it| format!("{} {}", it.full_name(), it.version));
            assert_eq!(got.as_deref(), want, "{pathname}");
        }
    }
}
