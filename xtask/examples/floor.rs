//! The floor that scans are measured against: the least that anyone who verifies an image has to do.
//!
//! Reads every layer's blob of an OCI layout once, computes its SHA-256, inflates it, computes the SHA-256 of the result and
//! walks the tar; layers in parallel, the largest first. It uses other people's libraries and none of our own code, so that it
//! cannot get slower with us: zlib-rs to inflate, the `tar` crate to walk, `sha2` with the processor's own instructions.
//!
//! `floor LAYOUT [THREADS]` prints how much there was.

#![allow(
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a program for measuring, on files of our own making"
)]

use anyhow::{Context, Result, anyhow};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Bytes read at a time; below 128 KiB the inflater is called too often.
const BUFFER: usize = 256 << 10;

/// What all layers came to.
#[derive(Default)]
struct Sums {
    stored: AtomicU64,
    unpacked: AtomicU64,
    entries: AtomicU64,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let layout = PathBuf::from(arguments.next().context("which layout?")?);
    let threads = match arguments.next() {
        Some(text) => text.parse()?,
        None => std::thread::available_parallelism()?.get(),
    };
    let mut blobs = layers(&layout)?;
    blobs.sort_by_key(|path| std::cmp::Reverse(path.metadata().map_or(0, |metadata| metadata.len())));
    let (next, sums) = (AtomicUsize::new(0), Sums::default());
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    while let Some(path) = blobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                        layer(path, &sums)?;
                    }
                    Ok(())
                })
            })
            .collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| anyhow!("a thread failed"))?)
    })?;
    let [stored, unpacked, entries] =
        [&sums.stored, &sums.unpacked, &sums.entries].map(|sum| sum.load(Ordering::Relaxed));
    println!("{} layers, {stored} bytes stored, {unpacked} unpacked, {entries} entries", blobs.len());
    Ok(())
}

/// Returns the blobs of the first image's layers.
fn layers(layout: &Path) -> Result<Vec<PathBuf>> {
    let json = |path: &Path| -> Result<serde_json::Value> { Ok(serde_json::from_slice(&fs::read(path)?)?) };
    let blob = |digest: &serde_json::Value| -> Result<PathBuf> {
        let hex = digest.as_str().and_then(|text| text.strip_prefix("sha256:")).context("no digest")?;
        Ok(layout.join("blobs/sha256").join(hex))
    };
    let mut document = json(&layout.join("index.json"))?;
    while let Some(first) = document["manifests"].get(0) {
        document = json(&blob(&first["digest"])?)?;
    }
    document["layers"].as_array().context("no layers")?.iter().map(|layer| blob(&layer["digest"])).collect()
}

/// Hashes what is read through it.
struct Hashing<'a, R> {
    inner: R,
    hash: Sha256,
    bytes: &'a AtomicU64,
}

impl<R: Read> Read for Hashing<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buf)?;
        self.hash.update(&buf[..count]);
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

fn layer(path: &Path, sums: &Sums) -> Result<()> {
    let file = File::open(path)?;
    let stored = Hashing { inner: file, hash: Sha256::new(), bytes: &sums.stored };
    let mut stored = BufReader::with_capacity(BUFFER, stored);
    let gzip = io::BufRead::fill_buf(&mut stored)?.starts_with(&[0x1f, 0x8b]);
    let inflated: Box<dyn Read> = if gzip {
        Box::new(flate2::bufread::MultiGzDecoder::new(&mut stored))
    } else {
        Box::new(&mut stored)
    };
    let plain = Hashing { inner: inflated, hash: Sha256::new(), bytes: &sums.unpacked };
    let mut archive = tar::Archive::new(BufReader::with_capacity(BUFFER, plain));
    for entry in archive.entries()? {
        let entry = entry?;
        std::hint::black_box(entry.path_bytes());
        sums.entries.fetch_add(1, Ordering::Relaxed);
    }
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink())?;
    std::hint::black_box(rest.into_inner().hash.finalize());
    io::copy(&mut stored, &mut io::sink())?;
    std::hint::black_box(stored.into_inner().hash.finalize());
    Ok(())
}
