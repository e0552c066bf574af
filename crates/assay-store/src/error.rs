//! Why the database could not be opened or asked.

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenStoreError {
    /// Its path is not absolute, or no Unicode.
    #[error("`{0}` is no path that a database can have")]
    Path(String),
    /// There is no such file.
    #[error("there is no database `{0}`")]
    Missing(String),
    /// It does not answer, or is no database.
    #[error("cannot open the database `{address}`")]
    Connect {
        /// Its address, without the password.
        address: String,
        /// Why.
        source: sqlx::Error,
    },
    /// Its tables could not be brought forwards.
    #[error("cannot bring the database to this version of the program")]
    Migrate {
        /// Why.
        source: sqlx::Error,
    },
    /// Documents are in object storage that was not named.
    #[error("documents of the database are in the object storage `{place}`")]
    OtherObjects {
        /// Which.
        place: String,
    },
    /// A newer program wrote it.
    #[error("the database has version {found}, and this program knows up to {known}")]
    Newer {
        /// The version found.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
}

/// Why the database could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It does not answer, or refused.
    #[error("the database did not do what it was asked")]
    Database(#[from] sqlx::Error),
    /// A stored document cannot be read.
    #[error("the stored {what} of `{name}` cannot be read")]
    Damaged {
        /// What it is.
        what: &'static str,
        /// Of which image or job.
        name: String,
    },
    /// A document is larger than anything that is kept.
    #[error("the {what} of `{name}` has more than {limit} bytes")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// Of which image.
        name: String,
        /// The limit.
        limit: usize,
    },
    /// Object storage did not do what it was asked.
    #[error("the object storage did not do what it was asked")]
    Objects(#[source] crate::object::ObjectError),
    /// A document is in object storage, and this process was told of none.
    #[error("documents are in object storage, which this process was not told of")]
    NoObjects,
    /// A document that was in object storage is no longer there.
    #[error("the {what} of `{name}` is not in the object storage")]
    Gone {
        /// What it is.
        what: &'static str,
        /// Of which image.
        name: String,
    },
    /// The process ends, or the program failed.
    #[error("the work was broken off")]
    Interrupted,
    /// No such image is known.
    #[error("no image `{0}` is known")]
    UnknownImage(String),
}
