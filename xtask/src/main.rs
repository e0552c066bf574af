//! Every developer task, in Rust.
#![forbid(unsafe_code)]
fn main() {}
