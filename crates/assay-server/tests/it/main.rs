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
mod alerts;
mod api;
mod bases;
mod bounds;
mod channels;
mod crawls;
mod credentials;
mod deep;
mod delivery;
mod evidence;
mod fixture;
mod harbor;
mod listen;
mod login;
mod namespaces;
mod notify;
mod objects;
mod pages;
mod promote;
mod radius;
mod rematch;
mod signed;
mod slow;
mod stays;
mod story;
mod teams;
mod traces;
mod triage;
mod webhooks;
