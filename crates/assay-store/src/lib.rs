#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod artifact;
mod audit;
mod backend;
mod blast;
mod document;
mod error;
mod event;
mod fleet;
mod image;
mod inventory;
mod listing;
mod migration;
mod moment;
mod queue;
mod retention;
mod scan;
mod session;
mod store;
mod token;
mod verdict;

pub use artifact::{Build, EvidenceSeen};
pub use audit::{AuditEntry, AuditFault, Checkpoint};
pub use backend::{Address, Backend, InvalidAddress};
pub use blast::Hit;
pub use error::{OpenStoreError, StoreError};
pub use event::Event;
pub use fleet::{DayCount, FleetImage, Search, SeverityCount, Spread, Widespread};
pub use image::{Child, KnownImage, Place, TagPeriod, TagState};
pub use listing::{JobStatus, Standing};
pub use migration::SCHEMA_VERSION;
pub use moment::Moment;
pub use queue::{Depth as QueueDepth, Enqueued, Job, NewJob, Recovered, Terms};
pub use retention::Service;
pub use scan::{Depth, FindingChanges, IndexEntry, KnownFinding, Scan, StoredReport};
pub use session::{SESSION_LIFETIME, Session};
pub use store::{Store, Work};
pub use token::{Holder, Role, Token, UnknownRole};
pub use verdict::StoredVerdict;
