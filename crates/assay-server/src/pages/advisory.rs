//! One vulnerability, or one rule of another finding: how far it reaches.

use super::Page;
use super::ask::Ask;
use super::error::PageError;
use super::package::hits;
use super::render::View;
use assay_report::summary::count;
use assay_store::Role;

pub(super) const PAGE: Page =
    Page { path: "/advisories/{id}", menu: None, role: Role::Viewer, view: |ask| Box::pin(view(ask)) };

async fn view(ask: &Ask) -> Result<View, PageError> {
    let (store, id) = (&ask.app().store, ask.name("id"));
    let spread = store.spread(id).await?;
    let limit = ask.rows();
    let found = store.images_affected(id, ask.number("after").unwrap_or(0), limit.saturating_add(1)).await?;
    let unsigned = |number: i64| u64::try_from(number).unwrap_or_default();
    let mut sentences = Vec::new();
    if spread.names.is_empty() {
        sentences.push("No finding in the fleet has, or had, this identifier.".to_owned());
    } else {
        let verb = if spread.images == 1 { "has" } else { "have" };
        sentences.push(format!(
            "{} {verb} it, in {}; {} had it and no longer do.",
            count(unsigned(spread.images), "image"),
            count(unsigned(spread.findings), "open finding"),
            count(unsigned(spread.gone), "image"),
        ));
        let others: Vec<&str> = spread.names.iter().map(String::as_str).filter(|name| *name != id).collect();
        if !others.is_empty() {
            sentences.push(format!("Also known as {}.", others.join(", ")));
        }
        if !spread.severities.is_empty() {
            sentences.push(format!("Severity: {}.", spread.severities.join(", ")));
        }
    }
    let table = hits(ask, found, true).await?;
    Ok(View::plain(id, sentences, vec![table]))
}
