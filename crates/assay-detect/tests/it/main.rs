//! What is detected, and what is not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "helpers of tests are tests too: what is wrong should stop them at once"
)]

mod secret;
