//! What somebody sees of the server, and may do: everything, or what is of the teams that they are bound to.
//!
//! The API and the pages have what they tell from here and from nowhere else; a test reads their source for that.

use crate::crawl::CRAWL;
use crate::evidence::EVIDENCE;
use crate::http::App;
use crate::problem::Problem;
use crate::worker::{DEEP_SCAN, RESOLVE, SCAN};
use assay_oci::Reference;
use assay_store::{
    DeploymentFilter, Document, Holder, JobStatus, NewJob, Scope, Store, StoreError, View, Work,
};

/// Kinds of jobs whose payload is the repository that they ask.
const OF_REPOSITORIES: [&str; 4] = [SCAN, DEEP_SCAN, EVIDENCE, CRAWL];

impl App {
    /// Records who owns what is new, before somebody looks who sees it only if their team does.
    pub(crate) async fn settle(&self, holder: &Holder) -> Result<(), StoreError> {
        if holder.scope != Scope::Fleet {
            self.owners.record_new(&self.store).await?;
        }
        Ok(())
    }

    /// Returns what is known, as somebody sees it: the API and the pages read nothing else.
    pub(crate) fn seen_by<'a>(&'a self, holder: &'a Holder) -> View<'a> {
        self.store.within(&holder.scope)
    }

    /// Returns all that is known, to who may see it: what is said of the whole fleet is not of a team.
    pub(crate) fn whole(&self, holder: &Holder) -> Result<&Store, Problem> {
        match holder.scope {
            Scope::Fleet => Ok(&self.store),
            Scope::Teams(_) => Err(Problem::fleet_only()),
        }
    }

    /// Begins to write.
    pub(crate) async fn begin(&self) -> Result<Work, StoreError> {
        self.store.begin().await
    }

    /// Says whether a service, which somebody does not see, runs nothing at all: then it is nobody's.
    pub(crate) async fn runs_nothing(&self, running: &DeploymentFilter) -> Result<bool, StoreError> {
        Ok(self.store.within(&Scope::Fleet).deployments(running, 0, 1).await?.is_empty())
    }

    /// Returns the number of the last job like this one.
    pub(crate) async fn job_number(&self, job: &NewJob) -> Result<Option<i64>, StoreError> {
        self.store.job_number(&job.kind, &job.name).await
    }

    /// Returns a job, to who may know of what it is about: a repository or an image in one.
    pub(crate) async fn job(&self, holder: &Holder, id: i64) -> Result<Option<JobStatus>, StoreError> {
        let Some(job) = self.store.job(id).await? else { return Ok(None) };
        let is_seen = match (&holder.scope, job.payload.parse::<Reference>()) {
            (Scope::Fleet, _) => true,
            (Scope::Teams(_), Ok(name)) if job.kind == RESOLVE => {
                holder.scope.holds(self.owners.of(name.registry(), name.repository()).as_deref())
            }
            (Scope::Teams(_), _) if OF_REPOSITORIES.contains(&job.kind.as_str()) => {
                holder.scope.holds(self.owners.of(&job.registry, &job.payload).as_deref())
            }
            (Scope::Teams(_), _) => false,
        };
        Ok(Some(job).filter(|_| is_seen))
    }

    /// Keeps a document, of which a row is about to tell.
    pub(crate) async fn document(
        &self,
        what: &'static str,
        of: &str,
        bytes: &[u8],
    ) -> Result<Document, StoreError> {
        self.store.document(what, of, bytes).await
    }

    /// Checks that somebody may do something in a repository: everybody but who is bound to teams that do not own it. What is there is not
    /// looked at, so that the answer says nothing of it.
    pub(crate) fn may_use(&self, holder: &Holder, registry: &str, repository: &str) -> Result<(), Problem> {
        if holder.scope.holds(self.owners.of(registry, repository).as_deref()) {
            return Ok(());
        }
        Err(Problem::other_team(&format!("{registry}/{repository}")))
    }
}
