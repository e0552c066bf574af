#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod binary;
pub mod lang;
pub mod os;
#[cfg(test)]
mod testing;

use assay_analyze::Analyzer;

/// Returns every package analyzer, in the order in which they are linked.
pub fn analyzers() -> impl Iterator<Item = &'static dyn Analyzer> {
    os::ANALYZERS.iter().chain(lang::ANALYZERS).chain(binary::ANALYZERS).copied()
}
