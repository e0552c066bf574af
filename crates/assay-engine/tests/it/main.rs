//! The pipeline from its outside: images in, inventories out.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests too: what is wrong should stop them at once"
)]

mod attached;
mod bounds;
mod cache;
mod disks;
mod lazy;
mod reproduce;
mod usage;
