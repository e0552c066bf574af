#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod admission;
mod api;
mod http;
mod index;
pub mod listen;
mod metrics;
mod pages;
mod problem;
mod rematch;
mod report;
mod run;
mod scanner;
mod token;
pub mod webhook;
mod worker;

pub use http::{App, router};
pub use index::entries as index_entries;
pub use metrics::{Counter, Metrics};
pub use rematch::{RematchError, Rematched, rematch_all};
pub use run::{Ready, RunError, Serve, Work, serve, work};
pub use scanner::{Content, OpenCache, OpenDatabase, Resolved, ScanError, Scanned, Scanner};
pub use token::{NoRandomness, first_token};
pub use worker::{Clock, Worker};
