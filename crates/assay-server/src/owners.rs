//! Who answers for images, by their repositories: a text like the CODEOWNERS of forges
//! (<https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners>),
//! in which the last line that fits counts.
//!
//! ```text
//! # pattern                      owner
//! registry.example/              platform
//! registry.example/shop/         team-shop
//! registry.example/*/frontend    team-web
//! ```
//!
//! A pattern is over registry and repository; one that ends in `/` means everything below. `*` stands for any letters but `/`, `**` for any.

use crate::http::App;
use assay_policy::facts::ImageReference;
use assay_policy::pattern::matches;
use assay_store::{Store, StoreError};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// How often is looked whether others own repositories now, and whether there are new ones.
const PERIOD: Duration = Duration::from_secs(5);

/// Lines of a file at most. Each is tried for each repository that is shown.
const MAX_LINES: usize = 10_000;

/// The longest owner, in characters.
const MAX_OWNER: usize = 200;

/// Who answers for which repositories.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Owners(Vec<(String, String)>);

/// A text does not say who answers for what.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidOwners {
    /// A line is none of a pattern and an owner.
    #[error("line {0} is no pattern and owner, such as `registry.example/shop/ team-shop`")]
    Line(usize),
    /// There are too many.
    #[error("it has more than {MAX_LINES} lines")]
    TooLong,
}

impl Owners {
    /// Reads the text.
    ///
    /// # Errors
    /// Fails at the first line that cannot be read: what is skipped would leave something without its owner.
    pub fn parse(text: &str) -> Result<Self, InvalidOwners> {
        let mut owners = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            if number > MAX_LINES {
                return Err(InvalidOwners::TooLong);
            }
            let line = line.split(" #").next().unwrap_or_default().trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (pattern, owner) = line.split_once(char::is_whitespace).ok_or(InvalidOwners::Line(number))?;
            let owner = owner.trim();
            if owner.chars().count() > MAX_OWNER
                || owner.chars().any(char::is_control)
                || !pattern.contains('/')
            {
                return Err(InvalidOwners::Line(number));
            }
            let pattern = match pattern.strip_suffix('/') {
                Some(prefix) => format!("{prefix}/**"),
                None => pattern.to_owned(),
            };
            owners.push((pattern, owner.to_owned()));
        }
        Ok(Self(owners))
    }

    /// Returns who answers for a repository, if anybody is named.
    pub fn of(&self, registry: &str, repository: &str) -> Option<&str> {
        let reference = ImageReference {
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            ..ImageReference::default()
        };
        let name = reference.name();
        let owner = self.0.iter().rev().find(|(pattern, _)| matches(pattern, &name));
        owner.map(|(_, owner)| owner.as_str())
    }
}

/// Reads the text again, which may have changed while a server runs.
pub type ReadOwners = dyn Fn() -> Result<Owners, Box<dyn std::error::Error + Send + Sync>> + Send + Sync;

/// Who answers for which repositories at present.
#[derive(Debug, Default)]
pub struct Ownership {
    current: RwLock<Arc<Owners>>,
    /// Whether the database has others.
    is_due: AtomicBool,
}

impl From<Owners> for Ownership {
    fn from(owners: Owners) -> Self {
        Self { current: RwLock::new(Arc::new(owners)), is_due: AtomicBool::new(true) }
    }
}

impl Ownership {
    /// Returns who answers for a repository, if anybody is named.
    pub fn of(&self, registry: &str, repository: &str) -> Option<String> {
        let owners = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        owners.of(registry, repository).map(str::to_owned)
    }

    /// Takes what was read anew, to be recorded.
    pub fn replace(&self, owners: Owners) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if **current != owners {
            *current = Arc::new(owners);
            self.is_due.store(true, Ordering::Relaxed);
        }
    }

    /// Records in the database who owns what, where that is due; returns how many repositories have another owner than before.
    ///
    /// # Errors
    /// Fails when the database does not answer. Then it stays due.
    pub async fn record(&self, store: &Store) -> Result<Option<usize>, StoreError> {
        if !self.is_due.swap(false, Ordering::Relaxed) {
            return Ok(None);
        }
        let recorded = store.own_repositories(|registry, repository| self.of(registry, repository)).await;
        if recorded.is_err() {
            self.is_due.store(true, Ordering::Relaxed);
        }
        recorded.map(Some)
    }

    /// Records in the database who owns what was seen first since this was last done.
    pub(crate) async fn record_new(&self, store: &Store) -> Result<usize, StoreError> {
        store.own_new_repositories(|registry, repository| self.of(registry, repository)).await
    }
}

/// Follows the file of owners, and looks up who owns new repositories, until the process ends. A file that cannot be read leaves the owners as
/// they were.
pub(crate) async fn keep_owning(
    app: Arc<App>,
    read: Option<Arc<ReadOwners>>,
    note: Arc<dyn Fn(&str) + Send + Sync>,
    stop: Arc<AtomicBool>,
) {
    let mut told = false;
    while !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(PERIOD).await;
        match owned(&app, read.clone()).await {
            Ok(None) => told = false,
            Ok(Some(changed)) => {
                told = false;
                note(&format!(
                    "the file of owners has changed; repositories that have another owner now: {changed}"
                ));
            }
            Err(_) if told => {}
            Err(error) => {
                told = true;
                note(&format!("what the file of owners says now is not in effect: {error}"));
            }
        }
    }
}

/// Returns how many repositories changed hands, if the file is another.
async fn owned(
    app: &App,
    read: Option<Arc<ReadOwners>>,
) -> Result<Option<usize>, Box<dyn std::error::Error + Send + Sync>> {
    app.owners.record_new(&app.store).await?;
    if let Some(read) = read {
        app.owners.replace(tokio::task::spawn_blocking(move || read()).await??);
    }
    let Some(changed) = app.owners.record(&app.store).await? else { return Ok(None) };
    let mut work = app.store.begin().await?;
    let detail = serde_json::json!({ "repositories": changed });
    work.audit("assay serve", "owners.change", "the file of owners", &detail, (app.clock)()).await?;
    work.commit().await?;
    Ok(Some(changed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_that_fits_counts() {
        let text = "# everything\n\nregistry.example/ platform\nregistry.example/shop/\tteam shop # the whole team\n\
                    registry.example/*/frontend  web\ndocker.io/library/nginx edge\n";
        let owners = Owners::parse(text).unwrap();
        for (registry, repository, want) in [
            ("registry.example", "tools", Some("platform")),
            ("registry.example", "shop/api", Some("team shop")),
            ("registry.example", "shop/frontend", Some("web")),
            ("registry.example", "shopping/api", Some("platform")),
            ("registry.example.evil", "shop/api", None),
            ("index.docker.io", "library/nginx", Some("edge")),
            ("docker.io", "library/nginx2", None),
        ] {
            assert_eq!(owners.of(registry, repository), want, "{registry}/{repository}");
        }
        assert_eq!(Owners::default().of("r", "x"), None);
    }

    #[test]
    fn what_cannot_be_read_is_said_with_its_line() {
        for (text, want) in [
            ("a/ x\nregistry.example/", InvalidOwners::Line(2)),
            ("registry.example owner", InvalidOwners::Line(1)),
            ("a/ \u{7}x", InvalidOwners::Line(1)),
            (&format!("a/ {}", "x".repeat(201)), InvalidOwners::Line(1)),
            (&"\n".repeat(10_001), InvalidOwners::TooLong),
        ] {
            assert_eq!(Owners::parse(text), Err(want), "{text:.40}");
        }
    }
}
