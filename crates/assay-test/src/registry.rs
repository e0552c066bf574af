//! What a registry holds, and how it answers by the distribution specification.
//!
//! <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests>

use crate::http::{Reply, Request};
use crate::image::{BuiltImage, MANIFEST, digest};
use std::collections::HashMap;

/// Manifests and blobs, in one repository of any name.
#[derive(Debug, Clone, Default)]
pub struct Content {
    manifests: HashMap<String, (String, Vec<u8>)>,
    blobs: HashMap<String, Vec<u8>>,
}

impl Content {
    /// Starts with nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an image under a tag and its digest.
    #[must_use]
    pub fn image(mut self, tag: &str, image: &BuiltImage) -> Self {
        for blob in image.blobs() {
            self.blobs.insert(digest(blob), blob.to_vec());
        }
        self.manifest(tag, MANIFEST, &image.manifest)
    }

    /// Adds a manifest or index under a tag and its digest.
    #[must_use]
    pub fn manifest(mut self, tag: &str, media_type: &str, bytes: &[u8]) -> Self {
        for name in [tag.to_owned(), digest(bytes)] {
            self.manifests.insert(name, (media_type.to_owned(), bytes.to_vec()));
        }
        self
    }

    /// Answers as a registry that is in good order; blobs may be asked for from the middle.
    pub fn answer(&self, request: &Request) -> Reply {
        let target = request.target.as_str();
        if target == "/v2/" {
            return Reply::new(200, "{}");
        }
        let name = target.rsplit('/').next().unwrap();
        if target.contains("/manifests/")
            && let Some((media_type, bytes)) = self.manifests.get(name)
        {
            return Reply::new(200, bytes.clone())
                .header("Content-Type", media_type)
                .header("Docker-Content-Digest", &digest(bytes));
        }
        if target.contains("/blobs/")
            && let Some(bytes) = self.blobs.get(name)
        {
            let range =
                request.header("range").and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
            let last = bytes.len() - 1;
            let range =
                range.map(|(start, end)| (start.parse().unwrap(), end.parse().unwrap_or(last).min(last)));
            return match range {
                Some((start, end)) => {
                    let range = format!("bytes {start}-{end}/{}", bytes.len());
                    let part: &[u8] = &bytes[start..=end];
                    Reply::new(206, part).header("Content-Range", &range)
                }
                None => Reply::new(200, bytes.clone()),
            };
        }
        if let Some((_, query)) = target.split_once("/tags/list?") {
            let parameter =
                |name: &str| query.split('&').find_map(|one| one.strip_prefix(name)?.strip_prefix('='));
            let mut tags: Vec<&String> = self.manifests.keys().filter(|tag| !tag.contains(':')).collect();
            tags.sort();
            tags.retain(|tag| parameter("last").is_none_or(|last| tag.as_str() > last));
            tags.truncate(parameter("n").map_or(usize::MAX, |n| n.parse().unwrap()));
            return Reply::new(200, serde_json::json!({"name": "any", "tags": tags}).to_string());
        }
        let code = if target.contains("/manifests/") { "MANIFEST_UNKNOWN" } else { "BLOB_UNKNOWN" };
        Reply::new(404, format!(r#"{{"errors":[{{"code":"{code}","message":"not here"}}]}}"#))
    }
}
