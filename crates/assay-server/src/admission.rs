//! Admission of workloads to a Kubernetes cluster: `AdmissionReview` of `admission.k8s.io/v1`.
//!
//! <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/>. Answers are HTTP 200 also when they are
//! denials: anything else counts as a failure of the webhook, which the cluster may be told to ignore.

mod attached;
mod base;
pub(crate) mod body;
mod case;
mod decide;
mod identity;
mod images;
mod namespaces;
mod pin;
mod promotion;
mod review;
mod stays;
mod triaged;
mod trust;
mod watch;

pub(crate) use decide::Judged;
pub use decide::{Admission, Flights, Judge, LoadPolicyError};
pub use identity::{Identities, Identity, ParseIdentityError};
pub use images::{ImageUse, ParseWorkloadError, Workload, image_uses};
pub use namespaces::{ClusterApi, KEPT as LABELS_KEPT, Namespaces};
pub(crate) use promotion::Standing;
pub use review::{Answer, InvalidReview, Review};
pub(crate) use stays::keep_looking_after;
