//! Registries that never finish, send elsewhere, or say what is not so.

use super::{BESIDE, Case, Ends, HEALTHY, Subject, refused};
use crate::http::{Reply, Request, Server};
use crate::image::{Builder, BuiltImage, Tree, digest};
use crate::registry::Content;
use serde_json::json;
use std::path::Path;
use std::time::Duration;

pub(super) const CASES: &[Case] = &[
    refused("registry-endless-manifest", endless_manifest, "sends more than 4194304 bytes"),
    refused("registry-endless-configuration", endless_config, "sends more than 4194304 bytes"),
    refused("registry-endless-error", endless_error, "answered 403"),
    refused("registry-endless-token", endless_token, "sends more than 1048576 bytes"),
    refused("registry-endless-layer", endless_layer, "expected"),
    refused("registry-redirect-loop", redirect_loop, "more than five times"),
    refused("registry-redirect-to-metadata-service", redirect_to_metadata, "to an address without TLS"),
    refused("registry-redirect-to-file", redirect_to_file, "to an address without TLS"),
    refused("registry-token-from-metadata-service", token_from_metadata, "to a token server without TLS"),
    refused("registry-other-manifest", other_manifest, "has the wrong digest"),
    refused("registry-index-as-manifest", index_as_manifest, "neither a manifest nor an index"),
    refused("registry-escape-sequences", escapes, "answered 404"),
    Case { args: &["--timeout", "2s"], ..refused("registry-slow-manifest", slow_manifest, "the time limit") },
    Case { args: &["--timeout", "2s"], ..refused("registry-silent", silent, "the time limit") },
    Case { args: &["--timeout", "2s"], ..slow_layer_case() },
];

const fn slow_layer_case() -> Case {
    let ends = Ends::Report { found: &[HEALTHY], codes: &["timed-out"] };
    Case { ends, ..refused("registry-slow-layer", slow_layer, "") }
}

fn image() -> BuiltImage {
    let record = format!("C:Q1AAAA\nP:{HEALTHY}\nV:1.0-r0\nA:x86_64\no:{HEALTHY}\n\n");
    let metadata = format!("Metadata-Version: 2.1\nName: {BESIDE}\nVersion: 1.0\n");
    Builder::new()
        .layer(
            Tree::new()
                .file("etc/os-release", "ID=alpine\nVERSION_ID=3.20.0\n")
                .file("lib/apk/db/installed", record),
            "base",
        )
        .layer(Tree::new().file(&format!("p/{BESIDE}-1.0.dist-info/METADATA"), metadata), "pip install")
        .build()
}

/// Serves the image; `hostile` may answer in place of the registry.
fn serve(hostile: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static) -> Subject {
    let content = Content::new().image("v1", &image());
    let server = Server::start(move |request| hostile(request).unwrap_or_else(|| content.answer(request)));
    Subject { source: format!("{}/acme/app:v1", server.host()), server: Some(server) }
}

fn at(part: &'static str, reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Subject {
    serve(move |request| request.target.contains(part).then(|| reply(request)))
}

fn endless() -> Reply {
    Reply::new(200, vec![b' '; 1 << 16]).endless()
}

fn endless_manifest(_: &Path) -> Subject {
    at("/manifests/", |_| endless())
}

fn endless_config(_: &Path) -> Subject {
    let name = digest(&image().config);
    serve(move |request| request.target.ends_with(&name).then(endless))
}

fn endless_error(_: &Path) -> Subject {
    at("/manifests/", |_| Reply::new(403, vec![b'x'; 1 << 16]).endless())
}

fn endless_token(_: &Path) -> Subject {
    serve(|request| match request.target.as_str() {
        target if target.starts_with("/token") => Some(endless()),
        "/v2/" => None,
        _ => {
            let challenge = format!("Bearer realm=\"http://{}/token\"", request.header("host").unwrap());
            Some(Reply::new(401, "").header("WWW-Authenticate", &challenge))
        }
    })
}

fn endless_layer(_: &Path) -> Subject {
    let name = digest(&image().layers[1].blob);
    serve(move |request| request.target.ends_with(&name).then(endless))
}

fn redirect_loop(_: &Path) -> Subject {
    at("/manifests/", |request| Reply::new(302, "").header("Location", &request.target))
}

fn redirect_to_metadata(_: &Path) -> Subject {
    at("/manifests/", |_| Reply::new(302, "").header("Location", "http://169.254.169.254/latest/meta-data/"))
}

fn redirect_to_file(_: &Path) -> Subject {
    at("/manifests/", |_| Reply::new(302, "").header("Location", "file:///etc/passwd"))
}

fn token_from_metadata(_: &Path) -> Subject {
    at("/manifests/", |_| {
        Reply::new(401, "")
            .header("WWW-Authenticate", "Bearer realm=\"http://169.254.169.254/latest/api/token\"")
    })
}

fn other_manifest(_: &Path) -> Subject {
    at("/manifests/", |_| {
        let other = Builder::new().layer(Tree::new().file("a", "b"), "x").build();
        Reply::new(200, other.manifest).header("Docker-Content-Digest", &image().digest())
    })
}

fn index_as_manifest(_: &Path) -> Subject {
    at("/manifests/", |_| {
        let index = json!({"schemaVersion": 2, "manifests": [], "layers": [], "config": null});
        Reply::new(200, index.to_string()).header("Content-Type", crate::image::MANIFEST)
    })
}

fn escapes(_: &Path) -> Subject {
    at("/manifests/", |_| {
        let message = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\r::error::x\u{202e}";
        Reply::new(404, json!({"errors": [{"code": "X", "message": message}]}).to_string())
    })
}

fn drip(body: Vec<u8>) -> Reply {
    Reply::new(200, body).slowly(Duration::from_millis(200))
}

fn slow_manifest(_: &Path) -> Subject {
    at("/manifests/", |_| drip(image().manifest))
}

fn silent(_: &Path) -> Subject {
    at("/manifests/", |_| Reply::new(200, "x").slowly(Duration::from_secs(3600)))
}

fn slow_layer(_: &Path) -> Subject {
    let name = digest(&image().layers[1].blob);
    serve(move |request| request.target.ends_with(&name).then(|| drip(image().layers[1].blob.clone())))
}
