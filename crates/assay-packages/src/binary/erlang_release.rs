//! Erlang: `releases/<release>/OTP_VERSION` of an installation
//! (<https://www.erlang.org/doc/system/versions.html#retrieving-current-otp-version>).
//!
//! A version of an installation to which single applications were patched by hand ends in `**`.

use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Package, PackageKind};

/// Bytes of the file; real ones have about 10.
const LIMIT: u64 = 64;

/// Finds Erlang installations.
#[derive(Debug)]
pub(super) struct ErlangRelease;

impl Analyzer for ErlangRelease {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "erlang-release", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("OTP_VERSION")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if file.content.len() > LIMIT {
            return;
        }
        let Some(text) = file.text(out) else { return };
        let version = text.trim().trim_end_matches('*');
        let release = file.path.rsplit('/').nth(1).unwrap_or_default();
        let parts =
            version.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
        // The release's folder says the same, which tells an installation from a source tree with a file of that name.
        if parts && version.split('.').next() == Some(release) {
            out.package(Package::new(PackageKind::Generic, "erlang", version));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, check_total};

    #[test]
    fn installations_are_found() {
        let otp = |path: &str, text: &str, want: &str| check(&ErlangRelease, path, text.as_bytes(), want);
        otp("usr/lib/erlang/releases/25/OTP_VERSION", "25.2.3\n", "erlang 25.2.3\n");
        otp("opt/erlang/releases/26/OTP_VERSION", "26.0.2**\n", "erlang 26.0.2\n");
        otp("src/otp/OTP_VERSION", "25.2.3\n", "");
        otp("releases/25/OTP_VERSION", "25.x\n", "");
        otp("releases//OTP_VERSION", "", "");
    }

    #[test]
    fn total() {
        check_total(&ErlangRelease, "releases/2/OTP_VERSION");
    }
}
