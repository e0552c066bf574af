//! The server from outside: real HTTP, a registry in this process, workers, and databases that change.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "clippy's exceptions for tests do not reach the helpers of an integration test"
)]

mod access;
mod admission;
mod bounds;
mod crawls;
mod fixture;
mod harbor;
mod listen;
mod notify;
mod pages;
mod radius;
mod rematch;
mod story;
mod triage;
mod webhooks;
