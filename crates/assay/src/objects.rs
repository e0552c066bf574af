//! Where the server and its workers keep large documents.

use crate::command::Global;
use crate::error::CommandError;
use crate::services::Outside;
use crate::source::{self, NetworkArgs};
use assay_server::{Bucket, InvalidBucket, S3};
use assay_store::{Address, Folder, ObjectStorage};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

/// Where large documents are.
#[derive(Debug, clap::Args)]
pub(crate) struct ObjectArgs {
    /// Keep large documents (reports, inventories, bills of materials, logs) in this folder or bucket of S3: `DIR`, `s3://BUCKET/PREFIX`.
    /// With a database in a file it is the folder `objects` beside it; with PostgreSQL they are in the database if nothing is said.
    #[arg(long, value_name = "PLACE", env = "ASSAY_OBJECTS")]
    objects: Option<Place>,

    /// The address of a service that speaks as S3 does, instead of AWS in the region of AWS_REGION.
    #[arg(long, value_name = "URL", env = "ASSAY_OBJECTS_ENDPOINT", requires = "objects")]
    objects_endpoint: Option<String>,
}

#[derive(Debug, Clone)]
enum Place {
    Folder(PathBuf),
    Bucket(Bucket),
}

impl FromStr for Place {
    type Err = InvalidBucket;

    fn from_str(text: &str) -> Result<Self, InvalidBucket> {
        if text.contains("://") { text.parse().map(Self::Bucket) } else { Ok(Self::Folder(text.into())) }
    }
}

impl ObjectArgs {
    /// Returns the storage of a database: beside its file, if no other is named. What shares a database on a server need not share a folder.
    pub(crate) fn storage(
        &self,
        address: &Address,
        network: &NetworkArgs,
        global: &Global,
    ) -> Result<Option<Arc<dyn ObjectStorage>>, CommandError> {
        // CI systems pass variables that are not set as empty.
        let is_given = |place: &&Place| !matches!(place, Place::Folder(path) if path.as_os_str().is_empty());
        match self.objects.as_ref().filter(is_given) {
            None => Ok(match address {
                Address::File(path) => Some(Arc::new(Folder::new(path.with_file_name("objects")))),
                Address::Postgres(_) => None,
            }),
            Some(Place::Folder(_)) if self.objects_endpoint.is_some() => Err(CommandError::usage(
                "a folder has no endpoint",
            )
            .hint("leave out `--objects-endpoint`, or name a bucket with `--objects s3://BUCKET/PREFIX`")),
            Some(Place::Folder(path)) => Ok(Some(Arc::new(Folder::new(path.clone())))),
            Some(Place::Bucket(bucket)) => {
                let outside = Box::new(Outside::new(network, global)?);
                let options = source::network(network, global, Arc::default())?.options().as_ref().clone();
                let storage = S3::new(bucket.clone(), self.objects_endpoint.as_deref(), options, outside);
                let storage = storage.map_err(|error| {
                    CommandError::work("cannot use the object storage", error)
                        .hint("name its address with `--objects-endpoint https://HOST`")
                })?;
                Ok(Some(Arc::new(storage)))
            }
        }
    }
}
