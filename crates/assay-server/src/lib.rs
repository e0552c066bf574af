#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod admission;
pub mod api;
mod audit;
mod crawl;
mod files;
mod harbor;
mod http;
mod index;
mod indicators;
mod limits;
pub mod listen;
mod metrics;
mod notify;
mod owners;
mod pages;
mod problem;
mod radius;
mod rematch;
mod report;
mod run;
mod scanner;
mod token;
mod triage;
pub mod webhook;
mod worker;

pub use audit::verify_audit;
pub use crawl::{CrawlCounts, Crawls, ask_for_due};
pub use http::{App, router};
pub use index::entries as index_entries;
pub use indicators::Kept as KeptIndicators;
pub use limits::Limits;
pub use metrics::{Counter, Metrics};
pub use notify::{InvalidNotifyUrl, Notifier, NotifyUrl};
pub use owners::{InvalidOwners, Owners};
pub use rematch::{RematchError, Rematched, catch_up, rematch_all};
pub use run::{Ready, RunError, Serve, Work, serve, work};
pub use scanner::{Content, OpenCache, OpenDatabase, Resolved, ScanError, Scanned, Scanner};
pub use token::{NoRandomness, first_token};
pub use triage::end_expired;
pub use worker::{Clock, Worker};
