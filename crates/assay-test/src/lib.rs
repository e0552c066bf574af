#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "used by tests only: a broken fixture should stop the test at once"
)]

pub mod elf;
pub mod hostile;
pub mod http;
pub mod image;
pub mod registry;
