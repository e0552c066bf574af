//! What licences ask of whoever passes the software on, in six classes.

use std::fmt;
use std::str::FromStr;

/// A class of licences. Ordered from what asks least to what asks most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Asks for little more than a notice: MIT, BSD, Apache.
    Permissive,
    /// Changes to the licensed files themselves stay under the licence: LGPL, MPL, EPL.
    WeakCopyleft,
    /// The whole work stays under the licence when it is passed on: GPL.
    StrongCopyleft,
    /// The same, also for those who only use it over a network: AGPL.
    NetworkCopyleft,
    /// Forbids some use, or gives no rights without a contract: BUSL, SSPL, non-commercial licences.
    Proprietary,
    /// Not known: somebody has to read it.
    Unknown,
}

/// A text is no class.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected permissive, weak-copyleft, strong-copyleft, network-copyleft, proprietary or unknown")]
pub struct UnknownClass;

impl Class {
    /// Every class, from what asks least.
    pub const ALL: [Self; 6] = [
        Self::Permissive,
        Self::WeakCopyleft,
        Self::StrongCopyleft,
        Self::NetworkCopyleft,
        Self::Proprietary,
        Self::Unknown,
    ];

    /// Returns the name used in reports and settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Permissive => "permissive",
            Self::WeakCopyleft => "weak-copyleft",
            Self::StrongCopyleft => "strong-copyleft",
            Self::NetworkCopyleft => "network-copyleft",
            Self::Proprietary => "proprietary",
            Self::Unknown => "unknown",
        }
    }

    /// Returns the class of a licence by its SPDX identifier, with the exception that may soften it.
    pub fn of(id: &str, exception: Option<&str>) -> Self {
        let class = Self::of_id(id);
        match (class, exception) {
            // Linking, and what a compiler puts into its output, does not bring the licence with it.
            (Self::StrongCopyleft, Some(exception)) if softens(exception) => Self::WeakCopyleft,
            (class, _) => class,
        }
    }

    fn of_id(id: &str) -> Self {
        let starts = |names: &[&str]| names.iter().any(|name| id.starts_with(name));
        if starts(&["LicenseRef-", "DocumentRef-", "NOASSERTION", "NONE"]) {
            return match id {
                "LicenseRef-public-domain" => Self::Permissive,
                "LicenseRef-proprietary" | "LicenseRef-Commons-Clause" => Self::Proprietary,
                _ => Self::Unknown,
            };
        }
        if id.contains("-NC-") || id.contains("-ND-") || starts(PROPRIETARY) {
            Self::Proprietary
        } else if starts(NETWORK) {
            Self::NetworkCopyleft
        } else if starts(STRONG) {
            Self::StrongCopyleft
        } else if starts(WEAK) {
            Self::WeakCopyleft
        } else {
            Self::Permissive
        }
    }
}

fn softens(exception: &str) -> bool {
    let exception = exception.to_ascii_lowercase();
    [
        "classpath",
        "linking",
        "openjdk",
        "gcc-exception",
        "libtool",
        "autoconf",
        "bison",
        "runtime",
        "universal-foss",
        "font-exception",
        "llvm",
        "swift",
        "ecos",
        "wxwindows",
        "fltk",
        "mif",
    ]
    .iter()
    .any(|part| exception.contains(part))
}

const PROPRIETARY: &[&str] = &[
    "SSPL",
    "BUSL",
    "Elastic-",
    "JSON",
    "Parity-",
    "PolyForm-",
    "CC-BY-NC",
    "CC-BY-ND",
    "Aladdin",
    "Hippocratic",
    "NPOSL",
    "OCLC",
    "UnRAR",
    "Intel-Only",
    "Nokia",
    "Watcom",
];

const NETWORK: &[&str] = &["AGPL-", "EUPL-", "OSL-", "CPAL-", "RPSL", "RPL-", "APSL-", "LiLiQ-Rplus"];

const STRONG: &[&str] = &[
    "GPL-",
    "CC-BY-SA",
    "CECILL-1",
    "CECILL-2",
    "QPL",
    "Sleepycat",
    "GFDL",
    "Artistic-1.0-GPL",
    "LPL-",
    "ODbL",
    "copyleft-next",
    "LiLiQ-R-",
    "Ruby-GPL",
    "TAPR-OHL",
    "CERN-OHL-S",
];

const WEAK: &[&str] = &[
    "LGPL",
    "MPL-",
    "EPL-",
    "CDDL-",
    "CPL-",
    "IPL-",
    "MS-RL",
    "CECILL-C",
    "NPL-",
    "SPL-",
    "OFL-",
    "Artistic-",
    "ClArtistic",
    "MPL",
    "SISSL",
    "LPPL-",
    "CERN-OHL-W",
    "EUDatagrid",
    "Nokia",
    "gSOAP",
    "SimPL",
    "CUA-OPL",
    "Interbase",
    "YPL-",
    "ErlPL",
    "BitTorrent",
    "VSL",
    "Condor",
];

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Class {
    type Err = UnknownClass;
    fn from_str(text: &str) -> Result<Self, UnknownClass> {
        Self::ALL.into_iter().find(|class| class.name() == text).ok_or(UnknownClass)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_licences_have_their_class() {
        let check = |id, class| assert_eq!(Class::of(id, None), class, "{id}");
        for id in [
            "MIT",
            "BSD-3-Clause",
            "Apache-2.0",
            "ISC",
            "Zlib",
            "Unlicense",
            "CC0-1.0",
            "PSF-2.0",
            "CC-BY-4.0",
        ] {
            check(id, Class::Permissive);
        }
        for id in ["LGPL-2.1-or-later", "MPL-2.0", "EPL-2.0", "CDDL-1.0", "OFL-1.1", "Artistic-2.0"] {
            check(id, Class::WeakCopyleft);
        }
        check("GPL-2.0-only", Class::StrongCopyleft);
        check("AGPL-3.0-or-later", Class::NetworkCopyleft);
        for id in ["SSPL-1.0", "BUSL-1.1", "CC-BY-NC-4.0", "Elastic-2.0"] {
            check(id, Class::Proprietary);
        }
        check("LicenseRef-mine", Class::Unknown);
        assert_eq!(Class::of("GPL-2.0-only", Some("Classpath-exception-2.0")), Class::WeakCopyleft);
        for class in Class::ALL {
            assert_eq!(class.name().parse(), Ok(class));
        }
    }
}
