//! The platform of an image: operating system, architecture and variant.
//!
//! Values follow the OCI image index specification, which uses Go's `GOOS` and `GOARCH` names. `x86_64` and `aarch64` are
//! accepted on input, as Docker's `--platform` does.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What an image runs on, for example `linux/arm64/v8`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Platform {
    /// The operating system, such as `linux`.
    pub os: String,
    /// The architecture, such as `amd64`.
    pub architecture: String,
    /// The architecture's variant, such as `v8`.
    pub variant: Option<String>,
}

/// A text is not a platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a platform: expected `os/architecture` or `os/architecture/variant`, such as `linux/arm64`"
)]
pub struct InvalidPlatform(pub String);

impl Platform {
    /// Returns `linux/amd64`, what servers run unless told otherwise.
    pub fn linux_amd64() -> Self {
        Self { os: "linux".into(), architecture: "amd64".into(), variant: None }
    }

    /// Returns the variant, also where it goes without saying: `arm64` is `arm64/v8`, `arm` is `arm/v7` and `amd64` is `amd64/v1`
    /// (<https://github.com/containerd/platforms/blob/main/database.go>).
    pub fn meant_variant(&self) -> Option<&str> {
        match (self.variant.as_deref(), self.architecture.as_str()) {
            (None, "amd64") => Some("v1"),
            (None, "arm") => Some("v7"),
            (None, "arm64") => Some("v8"),
            (variant, _) => variant,
        }
    }

    /// Returns whether an image for `self` may be taken when `wanted` was asked for. A variant that was not asked for does not matter.
    pub fn satisfies(&self, wanted: &Self) -> bool {
        self.os == wanted.os
            && self.architecture == wanted.architecture
            && (wanted.variant.is_none() || self.meant_variant() == wanted.meant_variant())
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

impl FromStr for Platform {
    type Err = InvalidPlatform;

    fn from_str(text: &str) -> Result<Self, InvalidPlatform> {
        let parts: Vec<&str> = text.split('/').collect();
        let (os, architecture, variant) = match parts.as_slice() {
            [os, architecture] => (*os, *architecture, None),
            [os, architecture, variant] => (*os, *architecture, Some(*variant)),
            // A bare architecture means Linux, as in `--platform arm64`.
            [architecture] => ("linux", *architecture, None),
            _ => return Err(InvalidPlatform(text.to_owned())),
        };
        if [os, architecture].contains(&"") || variant == Some("") {
            return Err(InvalidPlatform(text.to_owned()));
        }
        let architecture = match architecture {
            "x86_64" | "x86-64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        Ok(Self { os: os.into(), architecture: architecture.into(), variant: variant.map(Into::into) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(have: &str, want: &str) -> bool {
        have.parse::<Platform>().unwrap().satisfies(&want.parse().unwrap())
    }

    #[test]
    fn variants_matter_only_when_asked_for() {
        assert!(check("linux/arm64/v8", "linux/arm64"));
        assert!(check("linux/arm64", "linux/aarch64/v8"));
        assert!(check("linux/arm/v7", "linux/arm"));
        assert!(!check("linux/arm/v6", "linux/arm/v7"));
        assert!(check("linux/arm", "linux/arm/v7"));
        assert!(!check("linux/arm", "linux/arm/v6"));
        assert!(check("linux/amd64", "linux/amd64/v1"));
        assert!(!check("windows/amd64", "linux/amd64"));
        assert!("linux//".parse::<Platform>().is_err());
    }
}
