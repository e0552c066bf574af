//! Images that what is scanned may be built on, of repositories that the user names.
//!
//! Surprising: that all of a repository was looked at is said only where it was, since policies ask for the newest base.

use super::{SourceArgs, network, open_options};
use crate::command::Global;
use crate::environment;
use crate::error::CommandError;
use crate::terminal;
use assay_engine::{Knowledge, KnownImage, Looked};
use assay_oci::registry::Crawler;
use assay_oci::source::Source;
use assay_oci::{InvalidReference, OpenError, Reference, without_password};

/// Images that may be bases.
#[derive(Default)]
pub(super) struct Known {
    pub(super) images: Vec<KnownImage>,
    pub(super) looked: Looked,
}

/// Tags of one repository whose images are looked at as possible bases: each costs two or three requests.
const MAX_BASE_TAGS: usize = 100;
/// Tags of one repository of which the last are taken; those of the largest public images are some thousands.
const MAX_LISTED_TAGS: usize = 10_000;

/// Adds what the images of a repository consist of; their layers are not downloaded.
pub(super) fn repository_images(
    text: &str,
    args: &SourceArgs,
    global: &Global,
    known: &mut Known,
) -> Result<(), CommandError> {
    let shown = without_password(text);
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        CommandError::work(format!("cannot look for base images in `{shown}`"), error).with_hints_of_cause()
    };
    let reference: Reference = text.parse().map_err(|error: InvalidReference| failed(error.into()))?;
    let limits = args.limits.limits(environment::scratch_folder());
    let _watch = args.limits.watch(&limits.stop);
    let network = network(&args.network, global, limits.stop.flag())?;
    let listing = Crawler::connect(&reference, &network)
        .and_then(|crawler| crawler.tags(MAX_LISTED_TAGS))
        .map_err(|error| failed(error.into()))?;
    if listing.names.is_empty() {
        return Err(failed("it is not there, or has no tags".into())
            .hint("name a repository as in `--base-repository registry.example/bases/debian`"));
    }
    let cut = listing.names.len().saturating_sub(MAX_BASE_TAGS);
    if cut > 0 || !listing.complete {
        known.looked = Looked::Partly;
        let more = if listing.complete { "" } else { "more than " };
        let count = listing.names.len();
        let taken = count - cut;
        terminal::note(
            global,
            &format!("`{shown}` has {more}{count} tags; the last {taken} were looked at for a base"),
        );
    }
    let options = open_options(args, &limits);
    let mut unread = 0;
    for tag in listing.names.iter().skip(cut) {
        let Some(reference) = reference.with_tag(tag) else { continue };
        match Source::Registry(reference).open(&options, &network) {
            Ok(opened) => match KnownImage::new(opened.image(), Knowledge::Repository, None) {
                Some(image) => known.images.push(image),
                None => unread += 1,
            },
            Err(error) if is_no_base(&error) => {}
            Err(_) => unread += 1,
        }
    }
    if unread > 0 {
        known.looked = Looked::Partly;
        let count = assay_report::summary::count(unread, "tag");
        terminal::note(
            global,
            &format!("{count} of `{shown}` could not be read: which base is the newest is not known"),
        );
    }
    Ok(())
}

/// A tag may be an artifact, or made for other platforms: then it is no base of this image, which is no failure.
fn is_no_base(error: &OpenError) -> bool {
    matches!(
        error,
        OpenError::UnknownPlatform { .. }
            | OpenError::NotAnImage { .. }
            | OpenError::Artifact { .. }
            | OpenError::MediaType { .. }
            | OpenError::Empty { .. }
    )
}
