//! Writes images as streams, so that a layer of gigabytes needs no memory, and tar headers no honest tool would write.

use super::{BESIDE, HEALTHY, Subject};
use crate::image::{CONFIG, INDEX, MANIFEST, descriptor};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Returns an octal field of a header.
pub(super) fn octal<const N: usize>(number: u64) -> [u8; N] {
    let text = format!("{number:0width$o}\0", width = N - 1);
    text.as_bytes().try_into().unwrap()
}

/// A tar header, field by field.
#[derive(Clone)]
pub(super) struct Header {
    pub(super) name: Vec<u8>,
    pub(super) kind: u8,
    pub(super) size: [u8; 12],
    pub(super) link: Vec<u8>,
    /// Bytes of a GNU sparse map and what follows it, from offset 386.
    pub(super) sparse: Vec<u8>,
}

impl Header {
    pub(super) fn new(name: impl AsRef<[u8]>, kind: u8, size: u64) -> Self {
        Self { name: name.as_ref().to_vec(), kind, size: octal(size), link: Vec::new(), sparse: Vec::new() }
    }

    pub(super) fn link(name: &str, kind: u8, target: &str) -> Self {
        Self { link: target.as_bytes().to_vec(), ..Self::new(name, kind, 0) }
    }

    pub(super) fn block(&self) -> [u8; 512] {
        let mut block = [0; 512];
        block[..self.name.len()].copy_from_slice(&self.name);
        block[100..108].copy_from_slice(b"0000644\0");
        block[108..116].copy_from_slice(b"0000000\0");
        block[116..124].copy_from_slice(b"0000000\0");
        block[124..136].copy_from_slice(&self.size);
        block[136..148].copy_from_slice(b"00000000000\0");
        block[156] = self.kind;
        block[157..157 + self.link.len()].copy_from_slice(&self.link);
        block[257..265].copy_from_slice(if self.sparse.is_empty() { b"ustar\x0000" } else { b"ustar  \0" });
        block[386..386 + self.sparse.len()].copy_from_slice(&self.sparse);
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block
    }
}

/// Counts and hashes what is written.
pub(super) struct Hashed<W> {
    inner: W,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        self.inner.write_all(buf)?;
        self.hash.update(buf);
        self.bytes += buf.len() as u64;
        Ok(buf.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

type Blob = Hashed<BufWriter<File>>;

/// A layer that is being written.
pub(super) struct Layer {
    out: GzEncoder<Blob>,
    plain: Sha256,
}

impl Layer {
    /// Writes bytes of the uncompressed layer.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.plain.update(bytes);
        self.out.write_all(bytes).unwrap();
        self
    }

    pub(super) fn header(&mut self, header: &Header) -> &mut Self {
        self.bytes(&header.block())
    }

    /// Writes content and fills the last block.
    pub(super) fn content(&mut self, content: &[u8]) -> &mut Self {
        let padding = content.len().next_multiple_of(512) - content.len();
        self.bytes(content).bytes(&[0; 512][..padding])
    }

    /// Adds a file, with a PAX header where its name does not fit.
    pub(super) fn file(&mut self, name: &str, content: impl AsRef<[u8]>) -> &mut Self {
        let content = content.as_ref();
        if name.len() > 100 {
            self.pax(&[("path", name)]);
        }
        let short = &name.as_bytes()[..name.len().min(100)];
        self.header(&Header::new(short, b'0', content.len() as u64)).content(content)
    }

    /// Adds a file of `size` bytes that repeats `piece`.
    pub(super) fn repeated(&mut self, name: &str, size: u64, piece: &[u8]) -> &mut Self {
        self.header(&Header { size: octal(size), ..Header::new(name, b'0', 0) });
        let mut left = size.next_multiple_of(512);
        while left > 0 {
            let count = left.min(piece.len() as u64);
            self.bytes(&piece[..count as usize]);
            left -= count;
        }
        self
    }

    /// Adds a PAX header for the next entry.
    pub(super) fn pax(&mut self, records: &[(&str, &str)]) -> &mut Self {
        let mut body = Vec::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            let len = (1..).find(|digits| format!("{}", rest + digits).len() == *digits).unwrap() + rest;
            body.extend(format!("{len} {key}={value}\n").into_bytes());
        }
        self.header(&Header::new("pax", b'x', body.len() as u64)).content(&body)
    }

    /// Adds the package that must be found in spite of everything.
    pub(super) fn beside(&mut self) -> &mut Self {
        let metadata = format!("Metadata-Version: 2.1\nName: {BESIDE}\nVersion: 1.0\n");
        self.file(&format!("usr/lib/python3/dist-packages/{BESIDE}-1.0.dist-info/METADATA"), metadata)
    }

    /// Adds the archive's end.
    pub(super) fn end(&mut self) -> &mut Self {
        self.bytes(&[0; 1024])
    }
}

/// An image that is written into an OCI layout, layer by layer.
pub(super) struct Hostile {
    folder: PathBuf,
    layers: Vec<Value>,
    diff_ids: Vec<String>,
}

impl Hostile {
    /// Starts with a healthy layer.
    pub(super) fn new(folder: &Path) -> Self {
        fs::create_dir_all(folder.join("blobs/sha256")).unwrap();
        let mut image = Self { folder: folder.to_owned(), layers: Vec::new(), diff_ids: Vec::new() };
        image.layer(|layer| {
            layer
                .file("etc/os-release", "ID=alpine\nVERSION_ID=3.20.0\nPRETTY_NAME=\"Alpine Linux v3.20\"\n");
            let record = format!("C:Q1AAAA\nP:{HEALTHY}\nV:1.0-r0\nA:x86_64\no:{HEALTHY}\n\n");
            layer.file("lib/apk/db/installed", record).end();
        });
        image
    }

    fn blob(&self) -> Blob {
        let file = File::create(self.folder.join("new")).unwrap();
        Hashed { inner: BufWriter::with_capacity(1 << 20, file), hash: Sha256::new(), bytes: 0 }
    }

    fn keep(&mut self, blob: Blob, diff_id: String, media_type: &str) {
        let mut inner = blob.inner;
        inner.flush().unwrap();
        let digest = hex(blob.hash);
        fs::rename(self.folder.join("new"), self.folder.join("blobs/sha256").join(&digest)).unwrap();
        self.layers
            .push(json!({"mediaType": media_type, "digest": format!("sha256:{digest}"), "size": blob.bytes}));
        self.diff_ids.push(format!("sha256:{diff_id}"));
    }

    /// Adds a layer that is compressed with gzip.
    pub(super) fn layer(&mut self, write: impl FnOnce(&mut Layer)) -> &mut Self {
        let out = GzEncoder::new(self.blob(), Compression::fast());
        let mut layer = Layer { out, plain: Sha256::new() };
        write(&mut layer);
        let blob = layer.out.finish().unwrap();
        self.keep(blob, hex(layer.plain), "application/vnd.oci.image.layer.v1.tar+gzip");
        self
    }

    /// Adds a layer of these stored bytes, which are given piece by piece. Its diff-id is that of `plain`, or says nothing
    /// where nobody gets to the end of it.
    pub(super) fn stored(&mut self, plain: Option<&[u8]>, write: impl FnOnce(&mut dyn Write)) -> &mut Self {
        let mut blob = self.blob();
        write(&mut blob);
        let diff_id = plain.map_or_else(|| "ab".repeat(32), |plain| hex(Sha256::new_with_prefix(plain)));
        self.keep(blob, diff_id, "application/vnd.oci.image.layer.v1.tar+gzip");
        self
    }

    /// Names the last layer again, this many times.
    pub(super) fn repeat(&mut self, times: usize) -> &mut Self {
        let last = (self.layers.last().cloned().unwrap(), self.diff_ids.last().cloned().unwrap());
        self.layers.extend(vec![last.0; times]);
        self.diff_ids.extend(vec![last.1; times]);
        self
    }

    /// Writes the documents.
    pub(super) fn finish(&mut self) -> Subject {
        let config = json!({
            "architecture": "amd64", "os": "linux", "config": {},
            "rootfs": {"type": "layers", "diff_ids": self.diff_ids},
        });
        let config = self.document(&config, CONFIG);
        let manifest =
            json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": self.layers});
        let manifest = self.document(&manifest, MANIFEST);
        self.index(&[manifest])
    }

    /// Keeps a document as a blob and returns its descriptor.
    pub(super) fn document(&self, document: &Value, media_type: &str) -> Value {
        let bytes = serde_json::to_vec(document).unwrap();
        let descriptor = descriptor(media_type, &bytes);
        let digest = descriptor["digest"].as_str().unwrap().split_once(':').unwrap().1.to_owned();
        fs::write(self.folder.join("blobs/sha256").join(digest), bytes).unwrap();
        descriptor
    }

    /// Writes the layout's own files.
    pub(super) fn index(&self, manifests: &[Value]) -> Subject {
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
        fs::write(self.folder.join("index.json"), serde_json::to_vec(&index).unwrap()).unwrap();
        fs::write(self.folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        Subject { source: format!("oci:{}", self.folder.display()), server: None }
    }
}

/// Builds an image with one hostile gzip layer.
pub(super) fn image(folder: &Path, write: impl FnOnce(&mut Layer)) -> Subject {
    Hostile::new(folder).layer(write).finish()
}
