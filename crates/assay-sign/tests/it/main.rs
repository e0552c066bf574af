//! Evidence that other people made, and evidence of an instance of Sigstore in this process, against the verifier.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::string_slice,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests too: what is wrong should stop them at once"
)]

mod conformance;
mod image;
mod keyless;
mod mint;
mod notary;
mod notation;
mod notation_write;
mod plugin;
mod verdict;
