//! The tar walk and the inflater against a bare drain of the same bytes, in one run.
//!
//! `cargo bench -p assay-decode`. What counts is the ratio: a walk must not cost more than 1.25 of inflating alone.

// A benchmark reads the clock and prints; its numbers are its own.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

use std::hint::black_box;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

use assay_decode::decompress;
use assay_decode::tar::{TarLimits, TarReader};

fn main() {
    let tar = archive();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    gzip.write_all(&tar).unwrap();
    let gzip = gzip.finish().unwrap();
    let plain = best(|| drain(&tar[..]));
    let walk = best(|| walk_all(&tar[..]));
    let inflate = best(|| drain(decompress(&gzip[..]).unwrap().1));
    let both = best(|| walk_all(decompress(&gzip[..]).unwrap().1));
    let show = |name: &str, time: Duration| {
        let speed = tar.len() as f64 / 1e6 / time.as_secs_f64();
        println!("{name:24} {speed:8.0} MB/s");
    };
    show("drain", plain);
    show("tar walk", walk);
    show("inflate, drain", inflate);
    show("inflate, tar walk", both);
    println!("walk / drain, inflated: {:.3}", both.as_secs_f64() / inflate.as_secs_f64());
}

/// Makes 20,000 files of 4 kB or so, of words and of noise, as a layer of packages has.
fn archive() -> Vec<u8> {
    let mut out = Vec::new();
    let mut state = 1_u32;
    for index in 0..20_000_u32 {
        let mut data = Vec::new();
        while data.len() < (index % 8000) as usize {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            match state >> 30 {
                0 => data.extend(state.to_le_bytes()),
                _ => data.extend([b"usr/", b"lib ", b"the ", b"\0\0\0\0"][(state >> 8) as usize % 4]),
            }
        }
        let mut header = [0; 512];
        let name = format!("usr/lib/package{}/file{index}", index / 50);
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", data.len()).as_bytes());
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        out.extend(header);
        out.extend(&data);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

fn best(mut work: impl FnMut() -> u64) -> Duration {
    (0..5)
        .map(|_| {
            let start = Instant::now();
            black_box(work());
            start.elapsed()
        })
        .min()
        .unwrap()
}

fn drain(mut reader: impl Read) -> u64 {
    let mut buf = vec![0; 128 * 1024];
    let mut sum = 0;
    loop {
        match reader.read(&mut buf).unwrap() {
            0 => return sum,
            read => sum += read as u64,
        }
    }
}

fn walk_all(reader: impl Read) -> u64 {
    let mut tar = TarReader::new(reader, TarLimits::default());
    let mut sum = 0;
    while let Some(entry) = tar.next_entry().unwrap() {
        sum += entry.size() + entry.path().len() as u64;
    }
    sum + tar.drain().unwrap()
}
