//! The store from outside. Every test runs on SQLite, and with `ASSAY_TEST_POSTGRES` on PostgreSQL as well: a URL in which `{name}`
//! stands for the database, of a server on which databases may be made. `real-tests` starts one and runs these tests with it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "clippy's exceptions for tests do not reach the helpers of an integration test"
)]

mod access;
mod admitted;
mod base;
mod build;
mod crash;
mod crawl;
mod credential;
mod delivery;
mod deployment;
mod event;
mod evidence;
mod exposure;
mod filters;
mod fixture;
mod freshness;
mod holding;
mod hostile;
mod indicator;
mod inputs;
mod login;
mod migration;
mod notice;
mod object;
mod pages;
mod promotion;
mod queue;
mod radius;
mod retention;
mod sbom;
mod scan;
mod scope;
mod triage;
