//! What cannot be scanned is said in the user's words, with the cause and what to do.

use crate::{Place, image};
use assay_test::image::{self, Builder, INDEX, Tree, write_files};
use serde_json::json;

#[test]
fn a_missing_file() {
    insta::assert_snapshot!(Place::new().refused(&["scan", "./app.tar"]));
}

#[test]
fn a_missing_folder_of_a_kind() {
    let place = Place::new();
    let all = ["oci:nowhere", "docker-archive:nowhere.tar", "oci-archive:nowhere.tar", "dir:nowhere"]
        .map(|source| place.refused(&["scan", source]));
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn a_device_or_pipe_is_not_waited_for() {
    let place = Place::new();
    assert!(std::process::Command::new("mkfifo").arg(place.path("pipe")).status().unwrap().success());
    for source in ["/dev/zero", "pipe"] {
        let refusal = place.refused(&["scan", source]);
        assert!(refusal.contains("neither an image nor a file that lists packages"), "{refusal}");
    }
}

#[test]
fn a_file_that_is_no_image() {
    let place = Place::new();
    place.write("notes.txt", "nothing of interest");
    place.write("data.tar", Tree::new().file("readme", "hello").tar());
    let all = ["notes.txt", "data.tar", "docker-archive:notes.txt", "oci:scratch"]
        .map(|source| place.refused(&["scan", source]));
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn an_archive_that_breaks_off() {
    let place = Place::new();
    let (classic, oci) = (image().docker_archive("app:1"), image().oci_archive("app"));
    place.write("half.tar", &classic[..2348]);
    place.write("cut.tar", &oci[..oci.len() - 2000]);
    place.write("half.tar.gz", {
        let packed = image::gzip(&classic);
        packed[..packed.len() / 2].to_vec()
    });
    let all = ["half.tar", "cut.tar", "half.tar.gz"].map(|source| place.refused(&["scan", source]));
    insta::assert_snapshot!(all.join("\n"));
}

/// Writes the layout of an image of which one file is changed.
fn changed(place: &Place, digest: &str, change: impl Fn(&mut Vec<u8>)) {
    let name = format!("blobs/sha256/{}", digest.strip_prefix("sha256:").unwrap());
    let mut files = image().layout("app");
    change(&mut files.iter_mut().find(|(have, _)| *have == name).unwrap().1);
    write_files(&place.path("image"), &files);
}

#[test]
fn a_layer_with_a_wrong_digest() {
    let place = Place::new();
    changed(&place, &image::digest(&image().layers[0].blob), |blob| *blob = image::gzip(b"something else"));
    insta::assert_snapshot!(place.refused(&["scan", "oci:image"]));
}

#[test]
fn a_configuration_with_a_wrong_digest() {
    let place = Place::new();
    changed(&place, &image::digest(&image().config), |bytes| bytes.push(b' '));
    insta::assert_snapshot!(place.refused(&["scan", "oci:image"]));
}

#[test]
fn a_layer_that_is_missing() {
    let place = Place::new();
    let image = image();
    place.layout("image", &image);
    let name = image::digest(&image.layers[1].blob).replace("sha256:", "blobs/sha256/");
    std::fs::remove_file(place.path("image").join(name)).unwrap();
    insta::assert_snapshot!(place.refused(&["scan", "oci:image"]));
}

#[test]
fn a_layer_that_is_not_the_one_of_the_configuration() {
    let place = Place::new();
    let (mut one, other) = (image(), Builder::new().layer(Tree::new().file("x", "y"), "COPY").build());
    // The manifest and its digests are right; only the configuration is about other layers.
    let mut config: serde_json::Value = serde_json::from_slice(&one.config).unwrap();
    config["rootfs"]["diff_ids"][0] = image::digest(&other.layers[0].tar).into();
    one.config = config.to_string().into_bytes();
    let mut manifest: serde_json::Value = serde_json::from_slice(&one.manifest).unwrap();
    manifest["config"] = image::descriptor(image::CONFIG, &one.config);
    one.manifest = manifest.to_string().into_bytes();
    place.layout("image", &one);
    insta::assert_snapshot!(place.refused(&["scan", "oci:image"]));
}

#[test]
fn an_artifact_that_is_no_image() {
    let place = Place::new();
    let image = image();
    let mut manifest: serde_json::Value = serde_json::from_slice(&image.manifest).unwrap();
    manifest["config"]["mediaType"] = "application/vnd.cncf.helm.config.v1+json".into();
    let manifest = manifest.to_string().into_bytes();
    let entry = image::descriptor(image::MANIFEST, &manifest);
    let files = image::layout(&[entry], image.blobs().chain([&manifest[..]]));
    write_files(&place.path("helm"), &files);
    let entry = image::descriptor("application/vnd.example.thing+json", &manifest);
    let files = image::layout(&[entry], image.blobs().chain([&manifest[..]]));
    write_files(&place.path("thing"), &files);
    let all = ["oci:helm", "oci:thing"].map(|source| place.refused(&["scan", source]));
    insta::assert_snapshot!(all.join("\n"));
}

/// Writes a layout with an image for two platforms.
fn two_platforms(place: &Place) {
    let images = [image(), crate::builder().architecture("arm64").build()];
    let index = image::index(&[&images[0], &images[1]]);
    let blobs =
        images.iter().flat_map(|image| image.blobs().chain([&image.manifest[..]])).chain([&index[..]]);
    write_files(&place.path("image"), &image::layout(&[image::descriptor(INDEX, &index)], blobs));
}

#[test]
fn a_platform_that_the_image_is_not_made_for() {
    let place = Place::new();
    two_platforms(&place);
    assert_eq!(place.run(&["scan", "oci:image", "--platform", "linux/arm64"]).code, 0);
    insta::assert_snapshot!(place.refused(&["scan", "oci:image", "--platform", "linux/s390x"]));
}

#[test]
fn an_image_with_nothing_in_it() {
    let place = Place::new();
    place.layout("image", &Builder::new().build());
    write_files(&place.path("none"), &image::layout(&[], std::iter::empty()));
    let all = ["oci:image", "oci:none"].map(|source| place.refused(&["scan", source]));
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn an_image_whose_only_layer_is_empty_is_scanned() {
    let place = Place::new();
    place.layout("image", &Builder::new().layer(Tree::new(), "COPY nothing").build());
    insta::assert_snapshot!(place.shown(&place.run(&["scan", "oci:image"])));
}

#[test]
fn one_of_several_images_has_to_be_named() {
    let place = Place::new();
    let entry = |image: &image::BuiltImage, tag: &str| {
        let mut entry = image::descriptor(image::MANIFEST, &image.manifest);
        entry["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
        entry
    };
    let (one, two) = (image(), crate::builder().runtime("User", json!("app")).build());
    let blobs = [&one, &two].into_iter().flat_map(|image| image.blobs().chain([&image.manifest[..]]));
    write_files(&place.path("image"), &image::layout(&[entry(&one, "one"), entry(&two, "two")], blobs));
    assert_eq!(place.run(&["scan", "oci:image:two"]).code, 0);
    let all = ["oci:image", "oci:image:three"].map(|source| place.refused(&["scan", source]));
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn words_that_name_nothing() {
    let place = Place::new();
    let all = ["", "docker:", "Not A Reference", "docker:Upper", "registry:x:y:z"]
        .map(|source| place.refused(&["scan", source]));
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn an_engine_that_is_not_there() {
    let place = Place::new();
    let socket = [("DOCKER_HOST", "unix:///nonexistent/docker.sock")];
    let ran = place.run_with(&["scan", "docker:app:1"], &socket);
    insta::assert_snapshot!(place.shown(&ran));
}

#[test]
fn control_characters_of_the_user_do_not_steer_the_terminal() {
    let stderr = Place::new().refused(&["scan", "./\x1b[31mred.tar"]);
    assert!(!stderr.contains('\x1b') && stderr.contains("\\u{1b}"), "{stderr}");
}
