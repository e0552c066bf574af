//! The crate's integration tests.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod foreign;
mod formats;
mod round_trip;
mod vex;
