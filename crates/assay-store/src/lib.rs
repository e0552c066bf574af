#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod alert;
mod artifact;
mod audit;
mod backend;
mod blast;
mod condition;
mod crawl;
mod document;
mod error;
mod event;
mod fleet;
mod freshness;
mod image;
mod indicator;
mod inventory;
mod listing;
mod migration;
mod moment;
mod notice;
mod pending;
mod queue;
mod retention;
mod scan;
mod session;
mod store;
mod text;
mod token;
mod verdict;
mod watch;

pub use alert::Alert;
pub use artifact::{Build, EvidenceSeen};
pub use audit::{AuditEntry, AuditFault, Checkpoint};
pub use backend::{Address, Backend, InvalidAddress};
pub use blast::Hit;
pub use condition::Condition;
pub use crawl::{Crawl, FoundTag, ListedTag, Listing, Reconciled};
pub use error::{OpenStoreError, StoreError};
pub use event::Event;
pub use fleet::{DayCount, FleetImage, Search, SeverityCount, Spread, Widespread};
pub use freshness::Dated;
pub use image::{Child, ImageFilter, KnownImage, Place, TagPeriod, TagState};
pub use indicator::{
    Indicators, Measures, OpenFindings, Overdue, Remediated, Running, Shape, Spans, WEIGHTS,
};
pub use listing::{JobStatus, Standing};
pub use migration::SCHEMA_VERSION;
pub use moment::Moment;
pub use notice::Sink;
pub use pending::{Batch, News, NewsState, Pace};
pub use queue::{Depth as QueueDepth, Enqueued, Job, NewJob, Recovered, Terms};
pub use retention::Service;
pub use scan::{Depth, FindingChanges, IndexEntry, KnownFinding, MAX_SIZE, ReportStatus, Scan, StoredReport};
pub use session::{SESSION_LIFETIME, Session};
pub use store::{Store, Work};
pub use token::{Holder, KnownToken, Revoked, Role, Token, UnknownRole};
pub use verdict::StoredVerdict;
