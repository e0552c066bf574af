//! Policies and the verdicts they come to, at the boundary: text and facts in, verdict out.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests too: what is wrong should stop them at once"
)]

mod evidence;
mod exceptions;
mod facts;
mod properties;
mod reading;
mod rendering;
mod rules;
mod tiers;
