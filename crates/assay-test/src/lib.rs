#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::needless_pass_by_value,
    reason = "used by tests only: a broken fixture should stop the test at once, and hostile ones have numbers that do not fit"
)]

pub mod chunked;
pub mod disk;
pub mod elf;
pub mod hostile;
pub mod http;
pub mod image;
pub mod pushable;
pub mod registry;
pub mod zip;
