//! What the last `assay db update` could not do, in a small file beside the database: an update that fails leaves the database as it is,
//! and a server that uses it must learn of that all the same.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

#[cfg(feature = "server")]
pub(crate) use reading::reader;

const SCHEMA: &str = "assay.db-update/v1";
/// Failures in such a file, and letters of each text.
const MAX_FAILURES: usize = 100;
const MAX_TEXT: usize = 500;

#[derive(Serialize, Deserialize)]
struct Status {
    schema: String,
    failures: Vec<Failure>,
}

#[derive(Serialize, Deserialize)]
struct Failure {
    feed: String,
    error: String,
}

/// Returns the file that belongs to a database.
fn path_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".update.json");
    PathBuf::from(name)
}

/// Writes what an update could not do; nothing is good news and written as well.
pub(crate) fn write(database: &Path, failures: &[(String, String)]) -> std::io::Result<()> {
    let short = |text: &str| assay_report::escape::shorten(&without_passwords(text), MAX_TEXT);
    let failures = failures.iter().take(MAX_FAILURES);
    let status = Status {
        schema: SCHEMA.to_owned(),
        failures: failures.map(|(feed, error)| Failure { feed: short(feed), error: short(error) }).collect(),
    };
    let path = path_of(database);
    let mut new = path.clone().into_os_string();
    new.push(".new");
    std::fs::write(&new, serde_json::to_vec(&status)?)?;
    std::fs::rename(&new, &path)
}

/// Returns a text without the names and passwords that addresses in it may have: those who read of a failure need not know them.
fn without_passwords(text: &str) -> String {
    let mut parts = text.split("://");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part
            .find(|letter: char| letter.is_whitespace() || "/?#`'\")".contains(letter))
            .unwrap_or(part.len());
        let (authority, rest) = part.split_at(end);
        plain.push_str("://");
        plain.push_str(authority.rsplit_once('@').map_or(authority, |(_, host)| host));
        plain.push_str(rest);
    }
    plain
}

/// For the server, which reads it.
#[cfg(feature = "server")]
mod reading {
    use super::{MAX_FAILURES, Status, path_of};
    use crate::command::Global;
    use crate::source;
    use assay_server::{ReadUpdate, UpdateFailure};
    use std::io::Read as _;
    use std::path::Path;
    use std::sync::Arc;

    /// What is read of such a file.
    const MAX_BYTES: u64 = 1 << 20;

    /// Reads what the last update could not do.
    pub(super) fn read(database: &Path) -> Vec<UpdateFailure> {
        let mut bytes = Vec::new();
        let Ok(file) = std::fs::File::open(path_of(database)) else { return Vec::new() };
        if file.take(MAX_BYTES).read_to_end(&mut bytes).is_err() {
            return Vec::new();
        }
        let Ok(status) = serde_json::from_slice::<Status>(&bytes) else { return Vec::new() };
        let failures = status.failures.into_iter().take(MAX_FAILURES);
        failures.map(|failure| UpdateFailure { feed: failure.feed, error: failure.error }).collect()
    }

    /// Returns what reads it for the database that is used.
    pub(crate) fn reader(global: &Global) -> Arc<ReadUpdate> {
        let path = global.db.clone().unwrap_or_else(|| source::database_path(global));
        Arc::new(move || read(&path))
    }
}

#[cfg(test)]
mod tests {
    #[cfg(feature = "server")]
    use super::reading::read;
    use super::*;

    #[test]
    fn passwords_in_addresses_are_left_out() {
        for (text, want) in [
            ("`https://a:b@m.example/x`: no", "`https://m.example/x`: no"),
            ("https://a@b@m.example and http://c@d", "https://m.example and http://d"),
            ("https://m.example/a@b", "https://m.example/a@b"),
            ("a@b", "a@b"),
            ("://", "://"),
        ] {
            assert_eq!(without_passwords(text), want);
        }
    }

    #[cfg(feature = "server")]
    #[test]
    fn what_failed_is_read_until_an_update_succeeds() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("assay.db");
        assert_eq!(read(&database), []);
        write(&database, &[("osv".to_owned(), "503".repeat(1000))]).unwrap();
        let failures = read(&database);
        assert_eq!((failures.len(), failures[0].feed.as_str()), (1, "osv"));
        assert!(failures[0].error.chars().count() <= MAX_TEXT);
        write(&database, &[]).unwrap();
        assert_eq!(read(&database), []);
        std::fs::write(path_of(&database), "[[[").unwrap();
        assert_eq!(read(&database), []);
    }
}
