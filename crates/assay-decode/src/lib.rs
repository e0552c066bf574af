#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
// A size read from a file is an attacker's number: unchecked arithmetic on it is how readers go wrong.
#![deny(clippy::arithmetic_side_effects)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation))]

pub mod bdb;
mod bytes;
mod capability;
pub mod compression;
pub mod disk;
pub mod elf;
pub mod macho;
pub mod ndb;
mod pages;
pub mod pe;
mod peek;
pub mod read_at;
pub mod sqlite;
pub mod tar;
pub mod toc;
pub mod yaml;
pub mod zip;

pub use compression::{Compression, LimitExceeded, Limited, decompress};
pub use read_at::{FileSpool, ReadAt, ReadAtCursor};
