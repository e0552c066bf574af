#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod artifact;
mod audit;
mod backend;
mod blast;
mod crawl;
mod document;
mod error;
mod event;
mod exposure;
mod file;
mod fleet;
mod freshness;
mod image;
mod indicator;
mod inventory;
mod listing;
mod migration;
mod moment;
mod notice;
mod queue;
mod retention;
mod scan;
mod session;
mod store;
mod text;
mod token;
mod triage;
mod verdict;
mod watch;
mod whereabouts;

pub use artifact::{Build, EvidenceSeen};
pub use audit::{AuditEntry, AuditFault, Checkpoint};
pub use backend::{Address, Backend, InvalidAddress};
pub use blast::{Affected, Hit, Where};
pub use crawl::{Crawl, FoundTag, ListedTag, Listing, Reconciled};
pub use error::{OpenStoreError, StoreError};
pub use event::Event;
pub use exposure::Exposure;
pub use file::{FileSeen, FilesKnown, MAX_FILES};
pub use fleet::{DayCount, FleetImage, Search, SeverityCount, Spread, Widespread};
pub use freshness::Dated;
pub use image::{Child, ImageFilter, KnownImage, Place, TagPeriod, TagState};
pub use indicator::{Indicators, OpenFindings, Remediated};
pub use listing::{FindingFilter, JobStatus, Standing};
pub use migration::SCHEMA_VERSION;
pub use moment::Moment;
pub use queue::{Depth as QueueDepth, Enqueued, Job, NewJob, Recovered, Terms};
pub use retention::Service;
pub use scan::{Depth, FindingChanges, IndexEntry, KnownFinding, ReportStatus, Scan, StoredReport};
pub use session::{SESSION_LIFETIME, Session};
pub use store::{Store, Work};
pub use token::{Holder, KnownToken, Revoked, Role, Token, UnknownRole};
pub use triage::{
    NewTriage, Triage, TriageEnd, TriageFilter, TriageOrder, TriageScope, TriageState, Triaged,
    UnknownTriageState,
};
pub use verdict::StoredVerdict;
pub use whereabouts::{Candidate, Question, Running, Whereabouts};
