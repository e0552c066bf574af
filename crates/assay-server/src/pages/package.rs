//! One package: which images contain it, in which versions.

use super::ask::Ask;
use super::error::PageError;
use super::radius::hits;
use super::render::View;
use super::{About, Page};
use crate::problem::Problem;
use assay_store::{Question, Role, Where};

pub(super) const PAGE: Page = Page {
    path: "/packages",
    menu: None,
    role: Role::Viewer,
    about: About::Images,
    view: |ask| Box::pin(view(ask)),
};

async fn view(ask: &Ask) -> Result<View, PageError> {
    let name = ask.text("name").ok_or_else(|| Problem::invalid("name a package: `?name=NAME`"))?;
    let ecosystem = ask.text("ecosystem");
    let limit = ask.rows().saturating_add(1);
    let after = ask.number("after").unwrap_or(0);
    let found = ask.seen().images_containing_in(&Where::default(), ecosystem, name, after, limit).await?;
    let question = Question::Package(ecosystem, name);
    let sentence = match ecosystem {
        Some(ecosystem) => format!("Images that contain this package of {ecosystem}."),
        None => "Images that contain a package of this name, in any ecosystem.".to_owned(),
    };
    let table = hits(ask, found, question).await?;
    Ok(View::plain(name, vec![sentence], vec![table]))
}
