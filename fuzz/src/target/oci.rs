//! What an image is made of before its layers: layouts, archives, manifests, configurations; and credentials files.
//!
//! These are read from files, so the input is written to one, in a folder of the thread's own.

use super::{choice, chosen};
use crate::{Target, seed};
use assay_oci::{
    CredentialSources, Network, NetworkOptions, OpenOptions, Place, Source, SpoolOptions, recognise,
};
use assay_test::image;
use std::cell::OnceCell;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

pub(super) fn targets() -> Vec<Target> {
    vec![
        Target::new("oci-documents", document_seeds, documents),
        Target::new("image-archive", archive_seeds, archive),
        Target::new("credentials", credential_seeds, credentials),
    ]
}

/// Runs `work` in an empty folder and says what it said, without the folder's name.
pub(super) fn in_folder(work: impl FnOnce(&Path) -> String) -> String {
    thread_local! {
        static FOLDER: OnceCell<tempfile::TempDir> = const { OnceCell::new() };
    }
    FOLDER.with(|folder| {
        let folder =
            folder.get_or_init(|| tempfile::tempdir().expect("there is room for temporary files")).path();
        let place = folder.join("place");
        let _ = fs::remove_dir_all(&place);
        fs::create_dir_all(&place).expect("the folder is ours");
        work(&place).replace(&place.display().to_string(), "…")
    })
}

fn open(source: &Source, scratch: &Path) -> String {
    let options = OpenOptions { platform: None, spool: SpoolOptions::in_folder(scratch) };
    let network = Network::new(NetworkOptions::default());
    match source.open(&options, &network) {
        Ok(opened) => {
            let mut said = format!("{:?}", opened.image());
            for layer in 0..opened.image().layers.len().min(20) {
                let read = opened.read(layer).map(|reader| {
                    let mut bytes = 0;
                    let end = std::io::copy(&mut reader.take(4 << 20), &mut CountingSink(&mut bytes));
                    format!("{bytes} {:?}", end.map_err(|error| error.to_string()))
                });
                said.push_str(&format!("{:?}", read.map_err(|error| error.to_string())));
            }
            said
        }
        Err(error) => error.to_string(),
    }
}

struct CountingSink<'a>(&'a mut u64);

impl std::io::Write for CountingSink<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        *self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// An image of one small layer.
fn sample() -> image::BuiltImage {
    let tree = image::Tree::new().file("etc/os-release", "ID=alpine\nVERSION_ID=3.20.1\n");
    image::Builder::new().layer(tree, "COPY . /").build()
}

/// Puts the input in the place of one document of a layout whose other documents are in order.
fn documents(data: &[u8]) -> String {
    const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    let (role, content) = choice(data);
    in_folder(|place| {
        let blob = |bytes: &[u8]| {
            let digest = image::digest(bytes);
            let name = digest.strip_prefix("sha256:").expect("it is SHA-256");
            let folder = place.join("blobs/sha256");
            fs::create_dir_all(&folder).expect("the folder is ours");
            fs::write(folder.join(name), bytes).expect("the folder is ours");
        };
        let layout = |manifest: &[u8]| {
            serde_json::json!({"schemaVersion": 2, "manifests": [image::descriptor(MANIFEST, manifest)]})
                .to_string()
        };
        fs::write(place.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("the folder is ours");
        let sample = sample();
        for bytes in sample.blobs() {
            blob(bytes);
        }
        let index = match role % 3 {
            0 => content.to_vec(),
            1 => {
                blob(content);
                layout(content).into_bytes()
            }
            _ => {
                blob(content);
                let config = image::descriptor("application/vnd.oci.image.config.v1+json", content);
                let manifest =
                    serde_json::json!({"schemaVersion": 2, "config": config, "layers": []}).to_string();
                blob(manifest.as_bytes());
                layout(manifest.as_bytes()).into_bytes()
            }
        };
        fs::write(place.join("index.json"), index).expect("the folder is ours");
        open(&Source::OciLayout(Place { path: place.to_owned(), selector: None }), place)
    })
}

fn document_seeds() -> Vec<Vec<u8>> {
    let sample = sample();
    let files = sample.layout("v1");
    let index = files.iter().find(|(name, _)| name == "index.json").map(|(_, bytes)| chosen(0, bytes));
    let json = sample.blobs().filter(|bytes| bytes.starts_with(b"{"));
    let mut seeds: Vec<Vec<u8>> = json.flat_map(|bytes| [chosen(1, bytes), chosen(2, bytes)]).collect();
    seeds.extend(index);
    seeds.push(chosen(2, br#"{"os":"linux","architecture":"amd64","created":"2024-01-01T00:00:00Z","config":{"Env":["A=b"],"Entrypoint":["/x"],"Cmd":null,"Labels":{"a":"b"},"ExposedPorts":{"80/tcp":{}},"Healthcheck":{"Test":["CMD","x"]}},"rootfs":{"type":"layers","diff_ids":[]},"history":[{"created_by":"x","empty_layer":true}]}"#));
    seeds
}

fn archive(data: &[u8]) -> String {
    let (fix, data) = choice(data);
    let fixed = if fix & 1 == 1 { seed::with_checksums(data) } else { data.to_vec() };
    in_folder(|place| {
        let path = place.join("image.tar");
        fs::write(&path, fixed).expect("the folder is ours");
        let kind = recognise(&path);
        let at = || Place { path: path.clone(), selector: None };
        let said = match fix & 6 {
            0 | 2 => open(&Source::Archive(at()), place),
            4 => open(&Source::DockerArchive(at()), place),
            _ => open(&Source::OciArchive(at()), place),
        };
        format!("{kind:?} {said}")
    })
}

fn archive_seeds() -> Vec<Vec<u8>> {
    let sample = sample();
    let tars = [sample.oci_archive("v1"), sample.docker_archive("a:1"), sample.docker_oci_archive("a:1")];
    let mut seeds: Vec<Vec<u8>> = tars.iter().map(|tar| chosen(1, tar)).collect();
    seeds.push(chosen(0, &seed::gzip(&tars[0])));
    seeds
}

fn credentials(data: &[u8]) -> String {
    in_folder(|place| {
        let file: PathBuf = place.join("config.json");
        fs::write(&file, data).expect("the folder is ours");
        let sources = CredentialSources { files: vec![file], ..CredentialSources::default() };
        let mut said = String::new();
        for name in ["alpine", "quay.io/acme/app", "localhost:5000/x"] {
            let reference = name.parse().expect("it is a reference");
            let found = sources.find(&reference).map_err(|error| error.to_string());
            said.push_str(&format!("{found:?}\n"));
        }
        said
    })
}

fn credential_seeds() -> Vec<Vec<u8>> {
    // No seed names a helper that could be there: a fuzzer that starts programs is no longer about its input.
    let files = [
        r#"{"auths":{"https://index.docker.io/v1/":{"auth":"dXNlcjpwYXNz"},"quay.io/acme":{"username":"u","password":"p"}}}"#,
        r#"{"auths":{"quay.io":{"identitytoken":"t"},"localhost:5000":{"registrytoken":"t"}},"credsStore":"../x"}"#,
        r#"{"auths":null,"credHelpers":{"quay.io":"/bin/sh"},"credsStore":""}"#,
    ];
    files.map(|file| file.as_bytes().to_vec()).into()
}
