//! The crate's integration tests.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod foreign;
mod formats;
mod round_trip;
mod vex;
