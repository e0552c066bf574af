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
        (known(&told.os) && known(&told.architecture)).then(|| Platform {
            os: told.os.clone(),
            architecture: told.architecture.clone(),
            variant: Some(told.variant.clone()).filter(|variant| !variant.is_empty()),
        })
    }

    /// Returns the digest of the image that this entry of an index describes, when it is none itself but what BuildKit attaches:
    /// <https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md>.
    pub fn attests(&self) -> Option<Digest> {
        self.annotation("vnd.docker.reference.type")?;
        self.annotation("vnd.docker.reference.digest")?.parse().ok()
    }

    /// Tells whether an entry of an index cannot be run: an attestation or another artifact.
    pub fn is_no_image(&self) -> bool {
        self.annotation("vnd.docker.reference.type").is_some()
            || !self.artifact_type.is_empty()
            || self
                .platform
                .as_ref()
                .is_some_and(|told| told.os == "unknown" && told.architecture == "unknown")
    }
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
}
