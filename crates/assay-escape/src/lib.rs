#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod json;
mod text;

pub use text::{shorten, spreadsheet, steers, terminal, visible};
