//! One file, by the digest of its content: which images have it, and where.

use super::ask::Ask;
use super::error::PageError;
use super::radius::hits;
use super::render::View;
use super::{About, Page};
use crate::files::sha256;
use crate::problem::Problem;
use assay_model::contents::hex;
use assay_report::summary::count;
use assay_store::{Question, Role, Where};

pub(super) const PAGE: Page = Page {
    path: "/files/{sha256}",
    menu: None,
    role: Role::Viewer,
    about: About::Images,
    view: |ask| Box::pin(view(ask)),
};

/// Returns the address of the page about a file.
pub(super) fn address(sha256: &[u8; 32]) -> String {
    format!("/files/sha256:{}", hex(sha256))
}

async fn view(ask: &Ask) -> Result<View, PageError> {
    let seen = ask.seen();
    let digest = sha256(ask.name("sha256"))
        .ok_or_else(|| Problem::invalid("name the SHA-256 of a file: `sha256:` and 64 hexadecimal digits"))?;
    let (after, limit) = (ask.number("after").unwrap_or(0), ask.rows().saturating_add(1));
    let found = seen.images_with_file(&Where::default(), &digest, after, limit).await?;
    let known = seen.files_known().await?;
    let unsigned = |number: i64| u64::try_from(number).unwrap_or_default();
    let mut sentences = vec![
        format!("SHA-256 {}", hex(&digest)),
        format!(
            "Files are known of {} of {} that were scanned: of those that had a deep scan, their programs, libraries, scripts and \
             archives, as they are seen once all layers are laid over each other. Another image may have it, too.",
            known.images,
            count(unsigned(known.scanned), "image")
        ),
    ];
    if known.in_part > 0 {
        sentences.push(format!("Of {} not all files are kept.", count(unsigned(known.in_part), "image")));
    }
    let table = hits(ask, found, Question::File(&digest)).await?;
    Ok(View::plain("File", sentences, vec![table]))
}
