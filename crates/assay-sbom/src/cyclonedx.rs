//! CycloneDX, JSON and XML: versions 1.4 to 1.7 are written, 1.2 to 1.7 read (<https://cyclonedx.org/specification/overview/>).

pub(crate) mod findings;
pub(crate) mod from_model;
pub(crate) mod model;
pub(crate) mod to_model;
pub(crate) mod xml_read;
pub(crate) mod xml_write;

use std::fmt;
use std::str::FromStr;

/// A version that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// 1.4: no places as evidence, tools as a plain list.
    V1_4,
    /// 1.5.
    V1_5,
    /// 1.6, which most tools read today.
    V1_6,
    /// 1.7.
    V1_7,
}

impl Version {
    /// Every version, the oldest first.
    pub const ALL: [Self; 4] = [Self::V1_4, Self::V1_5, Self::V1_6, Self::V1_7];
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1_4 => "1.4",
            Self::V1_5 => "1.5",
            Self::V1_6 => "1.6",
            Self::V1_7 => "1.7",
        })
    }
}

impl FromStr for Version {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|version| version.to_string() == text).ok_or(())
    }
}

/// Returns the version of the CycloneDX document a name such as `1.6` or a name space such as `http://cyclonedx.org/schema/bom/1.6`
/// stands for, if it is one that is read.
pub(crate) fn readable(version: &str) -> Option<&'static str> {
    let version = version.rsplit('/').next().unwrap_or(version);
    ["1.2", "1.3", "1.4", "1.5", "1.6", "1.7"].into_iter().find(|known| *known == version)
}
