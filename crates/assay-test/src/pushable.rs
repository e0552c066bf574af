//! A registry that can be written to, with or without the referrers API, and with or without conditional writes.
//!
//! <https://github.com/opencontainers/distribution-spec/blob/main/spec.md>. Like docker-registry it takes no notice of `If-Match`,
//! unless it is told to.

use crate::http::{Reply, Request, Server};
use crate::image::{BuiltImage, INDEX, MANIFEST, digest};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// How a registry behaves.
#[derive(Debug, Clone, Copy, Default)]
pub struct Behaviour {
    /// It lists what refers to a manifest.
    pub referrers: bool,
    /// It honours `If-Match` and `If-None-Match`.
    pub conditional: bool,
    /// Entries on a page of the list; all if it is 0.
    pub page: usize,
    /// It refuses to take blobs over from another repository.
    pub no_mount: bool,
}

#[derive(Debug, Default)]
struct Stored {
    manifests: BTreeMap<String, (String, Vec<u8>)>,
    blobs: BTreeMap<String, Vec<u8>>,
}

/// Repositories, each with manifests and blobs.
#[derive(Debug, Clone)]
pub struct Pushable {
    behaviour: Behaviour,
    repositories: Arc<Mutex<BTreeMap<String, Stored>>>,
}

impl Pushable {
    /// Starts with nothing.
    pub fn new(behaviour: Behaviour) -> Self {
        Self { behaviour, repositories: Arc::default() }
    }

    /// Serves it; what is pushed can be looked at through `self`.
    pub fn serve(&self) -> Server {
        let registry = self.clone();
        Server::start(move |request| registry.answer(request))
    }

    /// Puts an image there under a tag and its digest.
    pub fn image(&self, repository: &str, tag: &str, image: &BuiltImage) {
        for blob in image.blobs() {
            self.blob(repository, blob);
        }
        self.manifest(repository, tag, MANIFEST, &image.manifest);
    }

    /// Puts a blob there.
    pub fn blob(&self, repository: &str, bytes: &[u8]) {
        let mut repositories = self.repositories.lock().unwrap();
        let stored = repositories.entry(repository.into()).or_default();
        stored.blobs.insert(digest(bytes), bytes.to_vec());
    }

    /// Puts a manifest there under a tag and its digest.
    pub fn manifest(&self, repository: &str, tag: &str, media_type: &str, bytes: &[u8]) {
        let mut repositories = self.repositories.lock().unwrap();
        let stored = repositories.entry(repository.into()).or_default();
        for name in [tag.to_owned(), digest(bytes)] {
            stored.manifests.insert(name, (media_type.into(), bytes.to_vec()));
        }
    }

    /// Returns the manifest of that tag or digest.
    pub fn get(&self, repository: &str, name: &str) -> Option<Vec<u8>> {
        let repositories = self.repositories.lock().unwrap();
        repositories.get(repository)?.manifests.get(name).map(|(_, bytes)| bytes.clone())
    }

    /// Returns the tags of a repository.
    pub fn tags(&self, repository: &str) -> Vec<String> {
        let repositories = self.repositories.lock().unwrap();
        let names = repositories.get(repository).into_iter().flat_map(|stored| stored.manifests.keys());
        names.filter(|name| !name.contains(':')).cloned().collect()
    }

    /// Takes a manifest away.
    pub fn remove(&self, repository: &str, name: &str) {
        if let Some(stored) = self.repositories.lock().unwrap().get_mut(repository) {
            stored.manifests.remove(name);
        }
    }

    /// Answers a request.
    pub fn answer(&self, request: &Request) -> Reply {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let Some(rest) = path.strip_prefix("/v2/") else { return error(404, "NOT_FOUND") };
        if rest.is_empty() {
            return Reply::new(200, "{}");
        }
        let parameter = |name: &str| {
            let value = query.split('&').find_map(|one| one.strip_prefix(name)?.strip_prefix('='))?;
            Some(value.replace("%3A", ":").replace("%2F", "/"))
        };
        let method = if request.method == "HEAD" { "GET" } else { request.method.as_str() };
        let mut repositories = self.repositories.lock().unwrap();
        if let Some((name, upload)) = rest.split_once("/blobs/uploads/") {
            let mount = parameter("mount").zip(parameter("from")).filter(|_| !self.behaviour.no_mount);
            let mounted = mount.and_then(|(blob, from)| {
                Some((blob.clone(), repositories.get(&from)?.blobs.get(&blob)?.clone()))
            });
            let stored = repositories.entry(name.into()).or_default();
            if method == "POST" {
                if let Some((blob, bytes)) = mounted {
                    stored.blobs.insert(blob, bytes);
                    return Reply::new(201, "");
                }
                let location = format!("/v2/{name}/blobs/uploads/1?_state=a%2Bb");
                return Reply::new(202, "").header("Location", &location);
            }
            let told = parameter("digest").unwrap_or_default();
            if method != "PUT" || upload != "1" || parameter("_state").as_deref() != Some("a%2Bb") {
                return error(400, "BLOB_UPLOAD_INVALID");
            }
            if told != digest(&request.body) {
                return error(400, "DIGEST_INVALID");
            }
            stored.blobs.insert(told, request.body.clone());
            return Reply::new(201, "");
        }
        let mut parts = rest.rsplitn(3, '/');
        let (Some(last), Some(kind), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
            return error(404, "NAME_UNKNOWN");
        };
        match (method, kind) {
            ("GET", "blobs") => match repositories.get(name).and_then(|stored| stored.blobs.get(last)) {
                Some(bytes) => Reply::new(200, bytes.clone()),
                None => error(404, "BLOB_UNKNOWN"),
            },
            ("GET", "manifests") => {
                match repositories.get(name).and_then(|stored| stored.manifests.get(last)) {
                    Some((media_type, bytes)) => Reply::new(200, bytes.clone())
                        .header("Content-Type", media_type)
                        .header("ETag", &format!("\"{}\"", digest(bytes)))
                        .header("Docker-Content-Digest", &digest(bytes)),
                    None => error(404, "MANIFEST_UNKNOWN"),
                }
            }
            ("DELETE", "manifests") => {
                let stored = repositories.entry(name.into()).or_default();
                let Some((_, bytes)) = stored.manifests.remove(last) else {
                    return error(404, "MANIFEST_UNKNOWN");
                };
                // With a manifest go all its names.
                stored.manifests.retain(|_, (_, other)| *other != bytes);
                Reply::new(202, "")
            }
            ("PUT", "manifests") => self.put(repositories.entry(name.into()).or_default(), last, request),
            ("GET", "referrers") if self.behaviour.referrers => {
                let from = parameter("from").and_then(|from| from.parse().ok()).unwrap_or(0);
                self.referrers(repositories.get(name), name, last, from)
            }
            ("GET", "tags") => {
                let last = parameter("last").unwrap_or_default();
                let names = repositories.get(name).into_iter().flat_map(|stored| stored.manifests.keys());
                let tags: Vec<_> = names.filter(|tag| !tag.contains(':') && **tag > last).collect();
                Reply::new(200, json!({"name": name, "tags": tags}).to_string())
            }
            _ => Reply::new(404, "404 page not found"),
        }
    }

    fn put(&self, stored: &mut Stored, name: &str, request: &Request) -> Reply {
        let now = stored.manifests.get(name).map(|(_, bytes)| format!("\"{}\"", digest(bytes)));
        if self.behaviour.conditional {
            let must_be = request.header("if-match").is_none_or(|tag| Some(tag) == now.as_deref());
            let must_not_be = request.header("if-none-match").is_none_or(|_| now.is_none());
            if !must_be || !must_not_be {
                return error(412, "MANIFEST_INVALID");
            }
        }
        let Ok(document) = serde_json::from_slice::<Value>(&request.body) else {
            return error(400, "MANIFEST_INVALID");
        };
        let described = [&document["config"], &document["layers"]];
        let all = described.iter().flat_map(|one| one.as_array().cloned().unwrap_or(vec![(*one).clone()]));
        for blob in all.filter_map(|one| one["digest"].as_str().map(str::to_owned)) {
            if !stored.blobs.contains_key(&blob) {
                return error(400, "MANIFEST_BLOB_UNKNOWN");
            }
        }
        for entry in document["manifests"].as_array().into_iter().flatten() {
            if !entry["digest"].as_str().is_some_and(|digest| stored.manifests.contains_key(digest)) {
                return error(400, "MANIFEST_UNKNOWN");
            }
        }
        let media_type = request.header("content-type").unwrap_or_default().to_owned();
        let own = digest(&request.body);
        if name.contains(':') && name != own {
            return error(400, "DIGEST_INVALID");
        }
        for name in [name.to_owned(), own.clone()] {
            stored.manifests.insert(name, (media_type.clone(), request.body.clone()));
        }
        let reply = Reply::new(201, "").header("Docker-Content-Digest", &own);
        match document["subject"]["digest"].as_str().filter(|_| self.behaviour.referrers) {
            Some(subject) => reply.header("OCI-Subject", subject),
            None => reply,
        }
    }

    fn referrers(&self, stored: Option<&Stored>, name: &str, subject: &str, from: usize) -> Reply {
        let by_digest = stored.into_iter().flat_map(|stored| &stored.manifests);
        let mut entries: Vec<Value> = Vec::new();
        for (digest, (media_type, bytes)) in by_digest.filter(|(name, _)| name.contains(':')) {
            let document: Value = serde_json::from_slice(bytes).unwrap();
            if document["subject"]["digest"] != subject {
                continue;
            }
            let config = &document["config"]["mediaType"];
            let own = &document["artifactType"];
            let artifact_type = if own.is_null() { config } else { own };
            let mut entry = json!({"mediaType": media_type, "digest": digest, "size": bytes.len(), "artifactType": artifact_type});
            if document["annotations"].is_object() {
                entry["annotations"] = document["annotations"].clone();
            }
            entries.push(entry);
        }
        let end = if self.behaviour.page == 0 { entries.len() } else { from + self.behaviour.page };
        let page: Vec<_> = entries.iter().take(end).skip(from).collect();
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": page});
        let reply = Reply::new(200, index.to_string()).header("Content-Type", INDEX);
        if end < entries.len() {
            let link = format!("</v2/{name}/referrers/{subject}?from={end}>; rel=\"next\"");
            return reply.header("Link", &link);
        }
        reply
    }
}

fn error(status: u16, code: &str) -> Reply {
    Reply::new(status, format!(r#"{{"errors":[{{"code":"{code}","message":"not so"}}]}}"#))
}
