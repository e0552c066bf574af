//! Promotions in the API: what was promoted, and asking for one.

use super::Order;
use crate::api::{List, Page, full, time};
use crate::http::App;
use crate::problem::Problem;
use crate::worker::{MAX_QUEUED, RETRY_AFTER};
use assay_oci::Reference;
use assay_policy::pattern;
use assay_store::{Enqueued, Place, Promotion, Role};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PromotionEntry {
    id: i64,
    source: String,
    target: String,
    digest: String,
    actor: String,
    verdict: String,
    policy: String,
    started: String,
    finished: Option<String>,
    /// What the tag names now without a promotion.
    moved_to: Option<String>,
}

impl From<Promotion> for PromotionEntry {
    fn from(promotion: Promotion) -> Self {
        let Promotion { from, to, digest, .. } = &promotion;
        Self {
            id: promotion.id,
            source: format!("{}/{}@{digest}", from.registry, from.repository),
            target: format!("{}/{}:{}", to.registry, to.repository, to.tag.as_deref().unwrap_or_default()),
            digest: digest.to_string(),
            started: time(promotion.started),
            finished: promotion.finished.map(time),
            actor: promotion.actor,
            verdict: promotion.verdict,
            policy: promotion.policy,
            moved_to: promotion.moved_to,
        }
    }
}

/// Answers with promotions.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Query(page): Query<Page>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.require(&headers, Role::Viewer).await?;
    let limit = page.limit();
    let promotions = app.store.promotions(page.after, limit).await?;
    let next = promotions.last().map(|one| one.id).filter(|_| full(promotions.len(), limit));
    let items = promotions.into_iter().map(PromotionEntry::from).collect();
    Ok(Json(List { items, next }).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// The image in its incoming repository, by tag or digest.
    source: String,
    /// The release repository, where there are several.
    target: Option<String>,
    /// The tag that it gets, if not that of the source.
    tag: Option<String>,
    /// Whether a tag that names another image may be moved.
    #[serde(default, rename = "move")]
    moves: bool,
}

/// Asks for a promotion, which is judged and carried out like any other.
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let actor = app.require(&headers, Role::Security).await?;
    let asked: Asked = serde_json::from_slice(&body).map_err(|error| Problem::invalid(error.to_string()))?;
    let Some(promoter) = &app.promoter else {
        let hint =
            "the server promotes nothing: start it with `--promote INCOMING=RELEASE` and `--policy FILE`";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no-promotion", hint));
    };
    let source: Reference = asked
        .source
        .parse()
        .map_err(|_| Problem::invalid("`source` is no image, such as `HOST/REPOSITORY:TAG`"))?;
    let Some((pair, registry, repository)) = promoter.pair_of(&source, asked.target.as_deref()) else {
        let hint = "`source` is in no repository from which is promoted, or not to `target`: start the server with `--promote \
                    INCOMING=RELEASE`";
        return Err(Problem::invalid(hint));
    };
    // `latest` is filled in where neither is named; nobody means that here.
    let own =
        source.tag().filter(|tag| source.digest().is_none() || asked.source.contains(&format!(":{tag}@")));
    let place = Place {
        registry: source.registry().to_owned(),
        repository: source.repository().to_owned(),
        tag: own.map(str::to_owned),
    };
    let digest = match source.digest() {
        Some(digest) => digest,
        None => {
            let known = app.store.tagged(&place).await?;
            known
                .ok_or_else(|| Problem::not_found("no push of `source` was seen; name it by its digest"))?
                .digest
        }
    };
    if app.store.generation(&digest).await?.is_none() {
        return Err(Problem::not_found(
            "no image of this digest was seen; push it, or wait for the next crawl",
        ));
    }
    let tag =
        asked.tag.as_deref().or(own).ok_or_else(|| {
            Problem::invalid("`source` has no tag: say with `tag` which one the image gets")
        })?;
    let target = format!("{registry}/{repository}:{tag}");
    if target.parse::<Reference>().ok().and_then(|target| target.tag().map(|own| own == tag)) != Some(true) {
        return Err(Problem::invalid(format!("`{tag}` is no tag")));
    }
    let named = own.map(|tag| format!(":{tag}")).unwrap_or_default();
    let order = Order {
        source: format!("{}/{}{named}@{digest}", place.registry, place.repository),
        target,
        pair: pair.release(),
        actor: actor.name.clone(),
        moves: asked.moves || pattern::any(&promoter.moving, tag),
        follows: false,
        asked: (app.clock)().0,
    };
    let job = order.job().map_err(|error| Problem::invalid(error.to_string()))?;
    let now = (app.clock)();
    let mut work = app.store.begin().await?;
    let enqueued = work.enqueue_below(&job, MAX_QUEUED, now).await?;
    if enqueued == Enqueued::Full {
        return Err(Problem::busy(RETRY_AFTER));
    }
    let detail = serde_json::json!({ "source": order.source, "move": order.moves });
    work.audit(&actor.name, "promotion.ask", &order.target, &detail, now).await?;
    work.commit().await?;
    let shown = serde_json::json!({
        "source": order.source, "target": order.target, "digest": digest.to_string(),
        "state": if enqueued == Enqueued::New { "queued" } else { "known" },
    });
    Ok((StatusCode::ACCEPTED, Json(shown)).into_response())
}
