//! Descriptors, as manifests and indexes hold them: <https://github.com/opencontainers/image-spec/blob/main/descriptor.md>.
//!
//! Read leniently (`null` for nothing, no media type, no size) and written strictly: empty members are left out.

use assay_model::{Digest, Platform};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// Points at a blob or manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What it is; empty when it is not said.
    #[serde(default, deserialize_with = "or_default")]
    pub media_type: String,
    /// The digest of the bytes.
    pub digest: Digest,
    /// How many bytes; 0 when it is not said.
    #[serde(default, deserialize_with = "or_default")]
    pub size: u64,
    /// What kind of artifact a manifest is; empty when it is not said.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub artifact_type: String,
    /// What its author says of it.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// For which platform an image is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<DescriptorPlatform>,
}

/// A platform as indexes write it, with what they leave out empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DescriptorPlatform {
    /// The architecture, such as `amd64`, or `unknown`.
    #[serde(default, deserialize_with = "or_default")]
    pub architecture: String,
    /// The operating system, such as `linux`, or `unknown`.
    #[serde(default, deserialize_with = "or_default")]
    pub os: String,
    /// The variant of the architecture.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub variant: String,
    /// Of Windows, its version: which hosts can run the image.
    #[serde(
        rename = "os.version",
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub os_version: String,
}

pub(crate) fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl Descriptor {
    /// Describes something of that type.
    pub fn new(media_type: &str, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest,
            size,
            artifact_type: String::new(),
            annotations: BTreeMap::new(),
            platform: None,
        }
    }

    /// Describes `bytes`.
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Self::new(media_type, crate::verify::sha256(bytes), size)
    }

    /// Returns an annotation.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.get(name).map(String::as_str)
    }

    /// Returns the platform, if it is a complete and real one.
    pub fn platform(&self) -> Option<Platform> {
        let told = self.platform.as_ref()?;
        let known = |text: &String| !text.is_empty() && text != "unknown";
        (known(&told.os) && known(&told.architecture))
            .then(|| spelled(&told.os, &told.architecture, &told.variant))
    }

    /// Returns the digest of the image that this entry of an index describes, when it is none itself but what BuildKit attaches:
    /// <https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md>.
    pub fn attests(&self) -> Option<Digest> {
        self.annotation("vnd.docker.reference.type")?;
        self.annotation("vnd.docker.reference.digest")?.parse().ok()
    }

    /// Tells whether an entry of an index is there for no platform: an attestation or another artifact.
    ///
    /// What its author says of it otherwise counts only where no platform is named, since runtimes choose by the platform alone.
    pub fn is_no_image(&self) -> bool {
        match self.platform.as_ref().filter(|told| !(told.os.is_empty() && told.architecture.is_empty())) {
            Some(_) => !self.may_run(),
            None => self.annotation("vnd.docker.reference.type").is_some() || !self.artifact_type.is_empty(),
        }
    }

    /// Tells whether a runtime may choose this entry of an index. That is for judging: an entry without a platform may be chosen,
    /// too, whatever its annotations say.
    pub fn may_run(&self) -> bool {
        !self.platform.as_ref().is_some_and(|told| told.os == "unknown" && told.architecture == "unknown")
    }
}

/// Returns a platform as Go spells it. Runtimes take other spellings for the same, and any case:
/// <https://github.com/containerd/platforms/blob/main/database.go>.
pub fn spelled(os: &str, architecture: &str, variant: &str) -> Platform {
    let lower = str::to_ascii_lowercase;
    let (os, architecture, variant) = (lower(os), lower(architecture), lower(variant));
    let os = if os == "macos" { "darwin".to_owned() } else { os };
    let (architecture, variant) = match (architecture.as_str(), variant.as_str()) {
        ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
        ("x86_64" | "x86-64", variant) => ("amd64", variant),
        ("i386", _) => ("386", ""),
        ("aarch64" | "arm64", "8") => ("arm64", "v8"),
        ("aarch64", variant) => ("arm64", variant),
        ("armhf", _) | ("arm", "7") => ("arm", "v7"),
        ("armel", _) | ("arm", "6") => ("arm", "v6"),
        ("arm", "5") => ("arm", "v5"),
        ("arm", "8") => ("arm", "v8"),
        other => other,
    };
    let variant = Some(variant).filter(|variant| !variant.is_empty()).map(str::to_owned);
    Platform { os, architecture: architecture.to_owned(), variant }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_are_read_leniently_and_written_strictly() {
        let text = format!(
            r#"{{"mediaType":null,"digest":"sha256:{}","annotations":null,"artifactType":"","platform":{{"os":"linux","architecture":"arm64","os.version":"1"}}}}"#,
            "0".repeat(64)
        );
        let read: Descriptor = serde_json::from_str(&text).unwrap();
        assert_eq!(read.platform().unwrap().to_string(), "linux/arm64");
        let written = serde_json::to_string(&read).unwrap();
        assert_eq!(
            written,
            format!(
                r#"{{"mediaType":"","digest":"sha256:{}","size":0,"platform":{{"architecture":"arm64","os":"linux","os.version":"1"}}}}"#,
                "0".repeat(64)
            )
        );
        assert_eq!(serde_json::from_str::<Descriptor>(&written).unwrap(), read);
    }

    #[test]
    fn what_names_a_platform_is_an_image_whatever_its_author_says() {
        let check = |more: &str| {
            let text = format!(r#"{{"digest":"sha256:{}"{more}}}"#, "0".repeat(64));
            let entry: Descriptor = serde_json::from_str(&text).unwrap();
            (entry.is_no_image(), entry.may_run())
        };
        let attests = r#","annotations":{"vnd.docker.reference.type":"attestation-manifest"}"#;
        let artifact = r#","artifactType":"a/b""#;
        let platform = |name: &str| format!(r#","platform":{{"os":"{name}","architecture":"{name}"}}"#);
        for claim in [attests, artifact] {
            assert_eq!(check(claim), (true, true));
            assert_eq!(check(&format!("{claim}{}", platform(""))), (true, true));
            assert_eq!(check(&format!("{claim}{}", platform("unknown"))), (true, false));
            assert_eq!(check(&format!("{claim}{}", platform("linux"))), (false, true));
        }
        assert_eq!(check(""), (false, true));
        assert_eq!(check(&platform("unknown")), (true, false));
        assert_eq!(check(r#","platform":{"os":"linux","architecture":"unknown"}"#), (false, true));
    }

    #[test]
    fn platforms_are_spelled_as_go_does() {
        let check = |told: [&str; 3], expected: &str| {
            let [os, architecture, variant] = told;
            assert_eq!(spelled(os, architecture, variant).to_string(), expected, "{told:?}");
        };
        check(["Linux", "X86_64", ""], "linux/amd64");
        check(["linux", "amd64", "v1"], "linux/amd64");
        check(["linux", "aarch64", "8"], "linux/arm64/v8");
        check(["linux", "arm64", "V8"], "linux/arm64/v8");
        check(["linux", "armhf", ""], "linux/arm/v7");
        check(["linux", "ARM", "6"], "linux/arm/v6");
        check(["linux", "i386", ""], "linux/386");
        check(["macOS", "arm64", ""], "darwin/arm64");
        check(["linux", "riscv64", ""], "linux/riscv64");
    }
}
