//! The same image through every source: registries, archives, layouts and engines of other people.
//!
//! `docker-registry` runs plain, with a password file, and with TLS by an authority of its own; skopeo moves the image about;
//! umoci and buildah write images of theirs; podman serves its API on a socket.

use crate::services::{podman_service, registry, run};
use assay_model::{DiffId, Image};
use assay_oci::{
    CredentialSources, Network, NetworkOptions, OpenError, OpenImage, OpenOptions, RegistryErrorKind, Source,
    SpoolOptions, UsualPlaces, recognise,
};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn open(text: &str, options: NetworkOptions) -> Result<Box<dyn OpenImage>, OpenError> {
    let source = Source::parse(text, &|path: &Path| recognise(path)).unwrap();
    let spool = SpoolOptions::in_folder(std::env::temp_dir());
    source.open(&OpenOptions { platform: None, spool }, &Network::new(options))
}

/// Opens `text` and reads all its layers to the end, which checks digests and diff-ids.
fn read(text: &str, options: NetworkOptions) -> Image {
    let opened = open(text, options).unwrap_or_else(|error| panic!("{text}: {error}: {error:?}"));
    for (at, layer) in opened.image().layers.iter().enumerate() {
        let (_, mut plain) = assay_decode::decompress(opened.read(at).unwrap()).unwrap();
        let mut hash =
            Command::new("sha256sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        io::copy(&mut plain, &mut hash.stdin.take().unwrap()).unwrap();
        let mut printed = String::new();
        hash.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
        hash.wait().unwrap();
        let expected: DiffId = format!("sha256:{}", &printed[..64]).parse().unwrap();
        assert_eq!(layer.diff_id, Some(expected), "{text}: layer {at}");
    }
    opened.image().clone()
}

/// Checks that two images are one, apart from what a source cannot know: how its layers are stored.
fn check_same(text: &str, image: &Image, expected: &Image) {
    let known = |image: &Image| {
        let mut image = image.clone();
        image.reference.clear();
        image.manifest_digest = None;
        image.index_digest = None;
        // A classic archive keeps no manifest, and so none of its annotations.
        image.annotations.clear();
        for layer in &mut image.layers {
            layer.digest = None;
            layer.size = None;
            layer.media_type.clear();
            layer.annotations.clear();
        }
        image
    };
    assert_eq!(known(image), known(expected), "{text}");
    if let (Some(have), Some(wanted)) = (image.manifest_digest, expected.manifest_digest)
        && text.contains("localhost")
    {
        assert_eq!(have, wanted, "{text}");
    }
}

/// Returns the smallest corpus image, as an OCI layout, and what it is.
fn layout() -> Option<(PathBuf, Image)> {
    let layout = real_tests::corpus("go-app")?.join("oci");
    let image = read(&format!("oci:{}", layout.display()), NetworkOptions::default());
    assert!(!image.layers.is_empty());
    Some((layout, image))
}

#[test]
fn archives_of_skopeo_are_the_same_image() {
    let (Some(skopeo), Some((layout, image))) = (real_tests::tool("skopeo"), layout()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let from = format!("oci:{}", layout.display());
    for (kind, name, by_content) in
        [("docker-archive", "d.tar", true), ("oci-archive", "o.tar", true), ("oci", "layout", true)]
    {
        let path = folder.path().join(name).display().to_string();
        run(&skopeo, &["copy", "--quiet", &from, &format!("{kind}:{path}:acme/app:v1")]);
        for text in [format!("{kind}:{path}"), format!("{kind}:{path}:acme/app:v1"), path.clone()] {
            check_same(&text, &read(&text, NetworkOptions::default()), &image);
        }
        assert!(by_content);
        if name.ends_with(".tar") {
            run(Path::new("gzip"), &["-1", &path]);
            let text = format!("{path}.gz");
            check_same(&text, &read(&text, NetworkOptions::default()), &image);
        }
    }
}

#[test]
fn a_plain_registry_gives_the_same_image() {
    let (Some(skopeo), Some(program), Some((layout, image))) =
        (real_tests::tool("skopeo"), real_tests::tool("docker-registry"), layout())
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (_running, host) = registry(&program, folder.path(), "", "");
    let (from, to) = (format!("oci:{}", layout.display()), format!("docker://{host}/acme/app:v1"));
    run(&skopeo, &["copy", "--quiet", "--preserve-digests", "--dest-tls-verify=false", &from, &to]);
    let text = format!("{host}/acme/app:v1");
    let found = read(&text, NetworkOptions::default());
    assert_eq!(found.manifest_digest, image.manifest_digest);
    check_same(&text, &found, &image);
    let by_digest = format!("{host}/acme/app@{}", image.manifest_digest.unwrap());
    check_same(&by_digest, &read(&by_digest, NetworkOptions::default()), &image);
    match open(&format!("{host}/acme/gone:v1"), NetworkOptions::default()) {
        Err(OpenError::Registry(error)) => assert_eq!(error.kind(), RegistryErrorKind::NotFound, "{error}"),
        other => panic!("{:?}", other.err()),
    }
}

#[test]
fn a_registry_with_password_and_certificate_gives_the_same_image() {
    let (Some(skopeo), Some(program), Some(htpasswd), Some(openssl), Some((layout, image))) = (
        real_tests::tool("skopeo"),
        real_tests::tool("docker-registry"),
        real_tests::tool("htpasswd"),
        real_tests::tool("openssl"),
        layout(),
    ) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    fs::write(at("htpasswd"), run(&htpasswd, &["-Bbn", "user", "pass"])).unwrap();
    fs::create_dir(at("certs")).unwrap();
    let new = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Test CA"];
    let authority = ["-keyout", &at("ca.key"), "-out", &at("certs/ca.crt")];
    run(&openssl, &[&new[..], &authority].concat());
    let request = ["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"];
    run(&openssl, &[&request[..], &["-keyout", &at("key.pem"), "-out", &at("request.pem")]].concat());
    fs::write(at("names"), "subjectAltName=DNS:localhost\n").unwrap();
    let sign = ["x509", "-req", "-days", "2", "-CAcreateserial", "-in", &at("request.pem")];
    let by = ["-CA", &at("certs/ca.crt"), "-CAkey", &at("ca.key"), "-extfile", &at("names")];
    run(&openssl, &[&sign[..], &by, &["-out", &at("cert.pem")]].concat());
    let tls = format!("  tls: {{certificate: {}, key: {}}}\n", at("cert.pem"), at("key.pem"));
    let auth = format!("auth:\n  htpasswd: {{realm: test, path: {}}}\n", at("htpasswd"));
    let (_running, host) = registry(&program, folder.path(), &tls, &auth);
    let (from, to) = (format!("oci:{}", layout.display()), format!("docker://{host}/acme/app:v1"));
    let certificates = format!("--dest-cert-dir={}", at("certs"));
    run(
        &skopeo,
        &["copy", "--quiet", "--preserve-digests", "--dest-creds=user:pass", &certificates, &from, &to],
    );
    // The file that `skopeo login` writes is the one podman uses.
    let login = [
        "login",
        "--authfile",
        &at("auth.json"),
        "--cert-dir",
        &at("certs"),
        "-u",
        "user",
        "-p",
        "pass",
        &host,
    ];
    run(&skopeo, &login);
    let places = UsualPlaces { registry_auth_file: Some(at("auth.json").into()), ..UsualPlaces::default() };
    let trusted = NetworkOptions {
        extra_certificates: vec![fs::read(at("certs/ca.crt")).unwrap()],
        credentials: CredentialSources::usual(&places),
        ..NetworkOptions::default()
    };
    let text = format!("{host}/acme/app:v1");
    check_same(&text, &read(&text, trusted.clone()), &image);
    let kind = |options| match open(&text, options) {
        Err(OpenError::Registry(error)) => error.kind(),
        other => panic!("{:?}", other.err()),
    };
    let anonymous = NetworkOptions { credentials: CredentialSources::default(), ..trusted.clone() };
    assert_eq!(kind(anonymous), RegistryErrorKind::Unauthorised);
    let untrusting = NetworkOptions { extra_certificates: Vec::new(), ..trusted };
    assert_eq!(kind(untrusting), RegistryErrorKind::Untrusted);
}

#[test]
fn images_of_umoci_and_buildah_are_read() {
    for name in ["umoci-image", "buildah-image"] {
        let Some(folder) = real_tests::corpus(name) else { continue };
        let image = read(&format!("oci:{}", folder.join("oci").display()), NetworkOptions::default());
        assert!(!image.layers.is_empty(), "{name}");
        let archive = folder.join("docker-archive.tar");
        if archive.exists() {
            let text = archive.display().to_string();
            // buildah writes another configuration for Docker's format, which is another image ID.
            let converted = Image { image_id: image.image_id, ..read(&text, NetworkOptions::default()) };
            check_same(&text, &converted, &image);
        }
    }
}

#[test]
fn podmans_service_gives_the_same_image() {
    let (Some(podman), Some(skopeo), Some((layout, image))) =
        (real_tests::tool("podman"), real_tests::tool("skopeo"), layout())
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("image.tar").display().to_string();
    let from = format!("oci:{}", layout.display());
    run(&skopeo, &["copy", "--quiet", &from, &format!("docker-archive:{archive}:localhost/acme/app:v1")]);
    let (_running, socket) = podman_service(&podman, folder.path(), Path::new(&archive));
    let options = || NetworkOptions { podman_sockets: vec![socket.clone()], ..NetworkOptions::default() };
    let text = "podman:localhost/acme/app:v1";
    check_same(text, &read(text, options()), &image);
    let error = open("podman:localhost/acme/gone:v1", options()).err().unwrap().to_string();
    assert_eq!(error, "podman has no image `localhost/acme/gone:v1`");
}
