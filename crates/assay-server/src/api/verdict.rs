//! Verdicts: whether a cluster may run an image, as its admission would say now.

use super::image::Digests;
use super::page::{Pathed, Queried, Text, text};
use super::time;
use crate::admission::{Judged, Review};
use crate::http::{App, cluster};
use crate::problem::{Missing, Problem, Refused, Senseless};
use assay_model::Digest;
use assay_oci::Reference;
use assay_store::Role;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{IntoParams, ToSchema};

/// Where the image is to run.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// The name by which it is to run, such as `registry.example/team/app:1.0`; without it a place where the image was seen last.
    #[param(inline)]
    reference: Option<Text>,
    /// The namespace.
    #[param(inline)]
    namespace: Option<Text>,
    /// The cluster that is to run it, by the name in the path of its webhooks (`default` where there is none). What was admitted there
    /// before stays admitted when its scan grows stale; without a cluster the image is judged as a new one.
    #[param(value_type = String, required = false, pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    cluster: Option<Text>,
    /// Labels of the workload, as `KEY=VALUE,KEY=VALUE`.
    #[param(schema_with = spelling, required = false)]
    labels: Option<Text>,
}

/// Whether an image may run, and why.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Verdict {
    /// What was judged.
    pub reference: String,
    /// The digest of the image or index.
    pub digest: String,
    /// `admit`, `warn` or `deny`.
    pub decision: String,
    /// Why, in lines for people.
    pub lines: Vec<String>,
    /// The whole verdict, `assay.verdict/v1`; `null` where the image can never be judged, which is a denial.
    #[schema(required, value_type = Option<Object>)]
    pub verdict: Option<serde_json::Value>,
    /// Why it would be denied if it had not been admitted in the cluster before: its scan is stale.
    #[schema(required)]
    pub stale: Option<String>,
    /// When it was decided.
    #[schema(format = DateTime, required)]
    pub decided: Option<String>,
    /// Until when it is kept; a new scan or advisory ends it earlier.
    #[schema(format = DateTime, required)]
    pub expires: Option<String>,
}

/// Answers whether a cluster may run an image, as its admission would.
#[utoipa::path(get, path = "/api/v1/images/{digest}/verdict", operation_id = "verdict", tag = "images",
    params(("digest" = inline(Digests), Path, description = "The digest of an image or an index."), Wanted),
    security(("token" = ["viewer"])),
    responses((status = 200, body = Verdict), Refused, Missing, Senseless,
        (status = 409, description = "It was not scanned yet, or something else that counts is not known.", body = crate::problem::ProblemDocument,
            content_type = "application/problem+json")))]
pub(crate) async fn verdict(
    State(app): State<Arc<App>>,
    digest: Pathed<Digest>,
    wanted: Queried<Wanted>,
    headers: HeaderMap,
) -> Result<Json<Verdict>, Problem> {
    let holder = app.require(&headers, Role::Viewer).await?;
    let Path(digest) = digest?;
    let Query(wanted) = wanted?;
    let labels = labels(text(&wanted.labels).unwrap_or_default())?;
    let admission = app.judging()?;
    let place = app.seen_by(&holder).places(&digest).await?.into_iter().next();
    let place = place.ok_or_else(|| Problem::not_found("no image of this digest was seen"))?;
    let named = match text(&wanted.reference) {
        Some(text) => text.to_owned(),
        None => format!("{}/{}@{digest}", place.registry, place.repository),
    };
    let reference: Reference =
        named.parse().map_err(|error: assay_oci::InvalidReference| Problem::senseless(error.to_string()))?;
    app.may_use(&holder, reference.registry(), reference.repository())?;
    if reference.digest().is_some_and(|named| named != digest) {
        return Err(Problem::senseless("`reference` names another digest"));
    }
    // What a pod of these labels would be asked about.
    let review = Review {
        cluster: text(&wanted.cluster).map(|name| cluster(Some(name))).transpose()?,
        namespace: text(&wanted.namespace).unwrap_or_default().to_owned(),
        object: serde_json::json!({ "metadata": { "labels": labels } }),
        // Who may only look asks for no work.
        dry_run: true,
        ..Review::default()
    };
    let unread = |why| Problem::new(StatusCode::CONFLICT, "no-namespace-labels", why);
    let review = admission.labelled(&review).await.map_err(unread)?.unwrap_or(review);
    let judged = admission.judge(&review, &reference, &digest).await?;
    let stale = if let Judged::Stays(_, why) = &judged { Some(why.clone()) } else { None };
    let answer = match judged {
        Judged::Pending(what) => {
            let hint = format!("it {what}; ask again in a minute, or ask for it with `POST /api/v1/images`");
            return Err(Problem::new(StatusCode::CONFLICT, "not-scanned", hint));
        }
        Judged::Unjudgeable(why) => Verdict {
            reference: reference.to_string(),
            digest: digest.to_string(),
            decision: "deny".to_owned(),
            lines: vec![format!("it cannot be judged: {why}")],
            verdict: None,
            stale: None,
            decided: None,
            expires: None,
        },
        Judged::Verdict(stored) | Judged::Stays(stored, _) => {
            let mut detail: serde_json::Value = serde_json::from_slice(&stored.detail).unwrap_or_default();
            let lines = detail.get("lines").cloned().unwrap_or_default();
            Verdict {
                reference: reference.to_string(),
                digest: digest.to_string(),
                decision: stored.verdict,
                lines: serde_json::from_value(lines).unwrap_or_default(),
                verdict: detail.get_mut("verdict").map(serde_json::Value::take),
                stale,
                decided: Some(time(stored.decided)),
                expires: stored.expires.map(time),
            }
        }
    };
    Ok(Json(answer))
}

/// The most labels that count; workloads have a dozen.
const MAX_LABELS: usize = 100;

fn spelling() -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .max_length(Some(1000))
        .pattern(Some("^([^=,]+=[^,]*(,[^=,]+=[^,]*){0,99})?$"))
        .examples(["app=web,tier=frontend"])
        .into()
}

fn labels(text: &str) -> Result<BTreeMap<String, String>, Problem> {
    if text.is_empty() {
        return Ok(BTreeMap::new());
    }
    let pair = |pair: &str| {
        pair.split_once('=')
            .filter(|(key, _)| !key.is_empty())
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
    };
    let wrong = || Problem::invalid("`labels` is of the form `KEY=VALUE,KEY=VALUE`, with up to 100 labels");
    let labels: Option<Vec<_>> = text.split(',').map(pair).collect();
    let labels = labels.filter(|labels| labels.len() <= MAX_LABELS).ok_or_else(wrong)?;
    Ok(labels.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_pairs() {
        assert_eq!(labels("a=b,c=d=e,f=").unwrap()["c"], "d=e");
        assert!(labels("").unwrap().is_empty());
        for text in [",", "a", "=b", "a=b,", "a=b,c", &"a=b,".repeat(101)] {
            assert!(labels(text).is_err(), "{text}");
        }
    }
}
