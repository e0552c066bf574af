//! Memory maps: the one place of the workspace that needs `unsafe`.
//!
//! A mapped file that another process shortens makes reads fault (`SIGBUS`). The builder never writes into a database file: it
//! writes a new one and renames it over the old, so that an open map keeps the old file.

#![allow(unsafe_code)]

use memmap2::Mmap;
use std::fs::File;
use std::io;

/// Maps a whole file for reading.
pub(crate) fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the map is read-only, and what is read is bounds-checked and checksummed as bytes from outside. Rust's rule that
    // the bytes do not change while borrowed is kept by replacing databases by rename, never in place (see `build.rs`).
    unsafe { Mmap::map(file) }
}
