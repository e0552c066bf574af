//! Tests of the readers on small files made by real tools, and of their totality on any bytes.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test's own helpers may fail the test")]

mod databases;
mod disks;
mod executables;
mod totality;

/// Reads a file of `testdata`.
fn testdata(path: &str) -> Vec<u8> {
    std::fs::read(format!("{}/testdata/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}
