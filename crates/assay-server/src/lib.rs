#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod admission;
pub mod api;
mod audit;
mod body;
mod condition;
mod crawl;
mod credential;
mod deep;
mod demo;
mod evidence;
mod failures;
mod files;
mod harbor;
mod http;
mod index;
mod indicators;
mod limits;
pub mod listen;
mod login;
mod metrics;
mod notify;
mod objects;
mod owners;
mod pages;
mod policing;
mod problem;
mod promote;
mod prune;
mod radius;
mod rematch;
mod report;
pub mod retention;
mod run;
mod scanner;
mod seen;
mod signed;
mod token;
pub mod trace;
mod triage;
pub mod webhook;
mod worker;

pub use audit::{CheckpointExport, InvalidCheckpoint, KeepCheckpoint, read_checkpoint, verify_audit};
pub use condition::{ReadUpdate, UpdateFailure, check_conditions};
pub use crawl::{CrawlCounts, Crawls, ask_for_due};
pub use credential::{
    CredentialKey, InvalidCredentialKey, Keyring, SealError, Shut, UnsealError, Vault, VaultError,
};
pub use deep::deepen;
pub use demo::{Demo, DemoError, demo};
pub use evidence::{Refresh, ask_for_stale};
pub use http::{App, router};
pub use index::entries as index_entries;
pub use indicators::Kept as KeptIndicators;
pub use limits::Limits;
pub use login::{
    AllTeamsClaim, InvalidLoginUrl, InvalidRole, InvalidTeam, Login, LoginOptions, RoleClaim, TeamClaim,
};
pub use metrics::{Counter, Metrics};
pub use notify::{
    Channel, InvalidNotifyUrl, Notifications, NotificationsError, Notifier, NotifyUrl, ReadFile, Rules,
    Thresholds, Urgency,
};
pub use objects::{Bucket, InvalidBucket, S3};
pub use owners::{InvalidOwners, Owners, Ownership, ReadOwners};
pub use promote::{InvalidPair, Pair, Promoter};
pub use prune::known_images;
pub use rematch::{RematchError, Rematched, catch_up, rematch_all};
pub use retention::{Forgotten, forget};
pub use run::{Promotions, Ready, RunError, Serve, Work, serve, work};
pub use scanner::{Content, OpenCache, OpenDatabase, Resolved, ScanError, Scanned, Scanner};
pub use signed::count_signed;
pub use token::{NoRandomness, first_token};
pub use triage::end_expired;
pub use worker::{Clock, Worker};
