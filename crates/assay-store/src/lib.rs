#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod admitted;
mod alert;
mod audit;
mod backend;
mod base;
mod blast;
mod build;
mod condition;
mod crawl;
mod credential;
mod delivery;
mod deployment;
mod document;
mod error;
mod event;
mod evidence;
mod exposure;
mod file;
mod finding;
mod fleet;
mod folder;
mod freshness;
mod hits;
mod image;
mod indicator;
mod inventory;
mod listing;
mod login;
mod migration;
mod moment;
mod notice;
mod object;
mod pending;
mod promotion;
mod queue;
mod repository;
mod retention;
mod running;
mod sbom;
mod scan;
mod scope;
mod session;
mod store;
mod text;
mod token;
mod triage;
mod verdict;
mod view;
mod watch;
mod whereabouts;

pub use admitted::{Admitted, AdmittedIn, StaleAfter};
pub use alert::Alert;
pub use audit::{AuditEntry, AuditFault, Checkpoint};
pub use backend::{Address, Backend, InvalidAddress};
pub use base::{BaseImage, MAX_LAYERS};
pub use blast::{Affected, Hit, Where};
pub use build::{Build, BuildFilter, BuildOutcome, Input, KnownBuild, RecordedBuild};
pub use condition::Condition;
pub use crawl::{Crawl, FoundTag, ListedTag, Listing, Reconciled};
pub use credential::{
    CredentialKind, CredentialPurpose, CredentialSet, CredentialTerms, KeptCredential, MAX_CREDENTIALS,
    Sealed,
};
pub use delivery::{Arrived, Delivery, Exposed};
pub use deployment::{Deployment, DeploymentFilter};
pub use error::{OpenStoreError, StoreError};
pub use event::Event;
pub use evidence::{EvidenceChange, EvidenceSeen, Gathered, KnownEvidence, Saved};
pub use exposure::Exposure;
pub use file::{FileSeen, FilesKnown, MAX_FILES};
pub use fleet::{DayCount, FleetImage, Search, SeverityCount, Spread, Widespread};
pub use folder::Folder;
pub use freshness::Dated;
pub use image::{Child, ImageFilter, KnownImage, Place, TagPeriod, TagState};
pub use indicator::{Indicators, Measures, OpenFindings, Overdue, Remediated, Running, Shape, Spans};
pub use listing::{FindingFilter, JobStatus, Standing};
pub use login::{LOGIN_TIME, LoginAttempt};
pub use migration::SCHEMA_VERSION;
pub use moment::Moment;
pub use notice::Sink;
pub use object::{Document, MAX_OBJECT, ObjectError, ObjectStorage, Objects, SMALL};
pub use pending::{Batch, News, NewsState, Pace};
pub use promotion::{
    Candidate, CandidateState, Incoming, NewPromotion, Promotion, PromotionCounts, ReleaseTag, Staying,
};
pub use queue::{Depth as QueueDepth, Enqueued, Job, NewJob, Recovered, SET_APART, Terms};
pub use retention::{Forgettable, Service, Used};
pub use sbom::{NewSbom, SbomFound};
pub use scan::{
    Depth, FindingChanges, IndexEntry, KnownFinding, MAX_SIZE, ReportStatus, Scan, ScanDocuments,
    StoredReport,
};
pub use scope::Scope;
pub use session::{SESSION_LIFETIME, Session};
pub use store::{Store, Work};
pub use token::{Holder, KnownToken, Revoked, Role, Token, UnknownRole};
pub use triage::{
    NewTriage, Triage, TriageEnd, TriageFilter, TriageOrder, TriageScope, TriageState, Triaged,
    UnknownTriageState,
};
pub use verdict::StoredVerdict;
pub use view::View;
pub use whereabouts::{Question, RunsIn, Successor, Whereabouts};
