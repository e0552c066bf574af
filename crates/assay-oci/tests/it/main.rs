//! Opens images from every place they come from, built in code and served in process.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::type_complexity,
    reason = "helpers of tests are tests too: what is wrong should stop them at once"
)]

mod artifacts;
mod crawl;
mod hostile;
mod local;
mod prune;
mod registry;

use assay_oci::{
    Network, NetworkOptions, OpenError, OpenImage, OpenOptions, Source, SpoolOptions, recognise,
};
use assay_test::image::{Builder, BuiltImage, Tree};
use serde_json::json;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

/// An image with two equal layers, an instruction without a layer, and everything a configuration may say.
fn sample() -> BuiltImage {
    let passwd = || Tree::new().file("etc/passwd", "root:x:0:0\n");
    Builder::new()
        .runtime("User", json!("65534:65534"))
        .runtime("Env", json!(["A=b"]))
        .runtime("Entrypoint", json!(["/bin/app"]))
        .runtime("Cmd", json!(["--help"]))
        .runtime("WorkingDir", json!("/srv"))
        .runtime("ExposedPorts", json!({"80/tcp": {}}))
        .runtime("Labels", json!({"a": "b"}))
        .layer(passwd(), "COPY passwd /etc")
        .instruction("ENV A=b")
        .layer(passwd(), "COPY passwd /etc again")
        .layer(Tree::new().file("big", noise(700_000)), "RUN make big")
        .build()
}

/// Bytes that do not compress, so that members are large enough to be jumped over.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u32;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    })
    .take(len)
    .collect()
}

fn network() -> Network {
    Network::new(NetworkOptions {
        first_delay: Duration::from_millis(1),
        retries: 3,
        document_timeout: Duration::from_secs(20),
        idle_timeout: Duration::from_secs(10),
        ..NetworkOptions::default()
    })
}

fn options() -> OpenOptions {
    OpenOptions { platform: None, spool: SpoolOptions::in_folder(std::env::temp_dir()) }
}

fn open(text: &str) -> Result<Box<dyn OpenImage>, OpenError> {
    Source::parse(text, &|path: &Path| recognise(path)).unwrap().open(&options(), &network())
}

/// Returns a layer's bytes, uncompressed.
fn layer(image: &dyn OpenImage, at: usize) -> Vec<u8> {
    let (_, mut plain) = assay_decode::decompress(image.read(at).unwrap()).unwrap();
    let mut bytes = Vec::new();
    plain.read_to_end(&mut bytes).unwrap();
    bytes
}

/// Returns an error and its causes as the user sees them.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Opens `text` and returns the error.
fn refused(text: &str) -> String {
    open(text).err().map(|error| chain(&error)).unwrap_or_else(|| panic!("`{text}` was opened"))
}

/// Checks that `text` is the sample image, whatever it comes from.
fn check_sample(text: &str) -> Box<dyn OpenImage> {
    let opened = open(text).unwrap_or_else(|error| panic!("{text}: {}", chain(&error)));
    let (expected, image) = (sample(), opened.image());
    assert_eq!(image.image_id.unwrap().to_string(), assay_test::image::digest(&expected.config));
    assert_eq!(image.platform.as_ref().unwrap().to_string(), "linux/amd64");
    assert_eq!(image.created.unwrap().to_string(), "2024-02-01T00:00:00Z");
    assert_eq!(image.labels.get("a").map(String::as_str), Some("b"));
    assert_eq!(image.config.user, "65534:65534");
    assert_eq!(image.config.exposed_ports, ["80/tcp"]);
    assert_eq!(
        (image.config.entrypoint.len(), image.config.command.len(), image.config.env.len()),
        (1, 1, 1)
    );
    let made: Vec<_> = image.layers.iter().map(|layer| layer.created_by.as_deref().unwrap()).collect();
    assert_eq!(made, ["COPY passwd /etc", "COPY passwd /etc again", "RUN make big"]);
    for (at, built) in expected.layers.iter().enumerate() {
        assert_eq!(image.layers[at].diff_id.unwrap().to_string(), assay_test::image::digest(&built.tar));
        assert!(layer(&*opened, at) == built.tar, "{text}: layer {at}");
    }
    opened
}
