//! Where images were admitted.

use super::time;
use assay_store::Admitted;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A place in a cluster in which pods with an image were admitted.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdmittedPlace {
    /// The cluster.
    pub cluster: String,
    /// The namespace.
    pub namespace: String,
    /// The tiers of the policy by which it was judged; none where the policy has none.
    pub tiers: Vec<String>,
    /// The registry that the pods named.
    pub registry: String,
    /// The repository that the pods named.
    pub repository: String,
    /// When it first was.
    #[schema(format = DateTime)]
    pub since: String,
    /// When it last was; some minutes may be between two times.
    #[schema(format = DateTime)]
    pub last: String,
    /// Since when it is admitted only because it was before, as its scan is stale.
    #[schema(format = DateTime, required)]
    pub stale: Option<String>,
    /// Why a new image would be denied.
    #[schema(required)]
    pub why: Option<String>,
}

impl From<Admitted> for AdmittedPlace {
    fn from(admitted: Admitted) -> Self {
        let place = admitted.place;
        Self {
            cluster: place.cluster,
            namespace: place.namespace,
            tiers: place.tiers,
            registry: place.registry,
            repository: place.repository,
            since: time(admitted.since),
            last: time(admitted.last),
            stale: admitted.stale.map(time),
            why: admitted.why,
        }
    }
}
