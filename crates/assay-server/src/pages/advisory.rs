//! One vulnerability, or one rule of another finding: how far it reaches, and what is to be thought of it.

use super::ask::Ask;
use super::error::PageError;
use super::radius::hits;
use super::render::View;
use super::triage;
use super::{About, Page};
use assay_report::summary::count;
use assay_store::{Affected, Question, Role, Where};
use minijinja::context;

pub(super) const PAGE: Page = Page {
    path: "/advisories/{id}",
    menu: None,
    role: Role::Viewer,
    about: About::Images,
    view: |ask| Box::pin(view(ask)),
};

async fn view(ask: &Ask) -> Result<View, PageError> {
    let (seen, id) = (ask.seen(), ask.name("id"));
    let spread = seen.spread(id).await?;
    let limit = ask.rows();
    let affected = Affected { kind: None, triage: triage::wanted(ask) };
    let after = ask.number("after").unwrap_or(0);
    let found =
        seen.images_affected_like(&Where::default(), id, affected, after, limit.saturating_add(1)).await?;
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
    // Where what is to be decided would hold: in the repository of the image that somebody came from, or of the first that has it.
    let image = match ask.text("image").and_then(|text| text.parse().ok()) {
        Some(digest) => seen.image(&digest).await?.map(|image| (digest, image.registry, image.repository)),
        None => found.first().map(|hit| (hit.digest, hit.registry.clone(), hit.repository.clone())),
    };
    let form = image.filter(|_| triage::may_decide(ask) && !spread.names.is_empty()).map(
        |(digest, registry, repository)| {
            context! {
                advisory => id,
                package => ask.text("package"),
                repository => format!("{registry}/{repository}"),
                digest => digest.to_string(),
                owner => ask.app().owners.of(&registry, &repository),
                until => triage::suggested(ask.now),
            }
        },
    );
    let table = hits(ask, found, Question::Finding(id, None)).await?;
    Ok(View {
        title: id.to_owned(),
        template: "advisory.html",
        context: context! { sentences, form, choice => triage::choice(ask), here => ask.here() },
        tables: vec![table],
    })
}
