//! Triage: deciding about findings, taking decisions back, and their end. The API and the pages come here.
//!
//! A decision is recorded by who may judge findings, with a reason and somebody who answers for it. What accepts a risk ends within a year.
//! It never changes what is stored of a finding, and it changes a verdict only where the policy says so.

use crate::http::App;
use crate::problem::Problem;
use crate::worker::Clock;
use assay_model::{Digest, Timestamp};
use assay_oci::Reference;
use assay_store::{Event, Holder, Moment, NewTriage, Store, StoreError, Triage, TriageScope, TriageState};
use axum::http::StatusCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often is looked whether the time of a decision is over.
const PERIOD: Duration = Duration::from_secs(5);

/// The longest time for which a risk is accepted before it is looked at again.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// The longest reason, owner and name of a package, in characters.
const MAX_REASON: usize = 2000;
const MAX_OWNER: usize = 200;
const MAX_NAME: usize = 1000;

/// The event that tells of the end of a decision's time.
const EXPIRED: &str = "triage-expired";

/// What somebody wants to decide, as it was written.
pub(crate) struct Proposal<'a> {
    pub(crate) advisory: &'a str,
    pub(crate) package: Option<&'a str>,
    pub(crate) scope: TriageScope,
    pub(crate) state: TriageState,
    pub(crate) reason: &'a str,
    pub(crate) owner: Option<&'a str>,
    pub(crate) expires: Option<&'a str>,
}

/// Reads where a decision is to hold: the digest of an image, or a repository with its registry.
pub(crate) fn scope(text: &str) -> Result<TriageScope, Problem> {
    if let Ok(digest) = text.parse::<Digest>() {
        return Ok(TriageScope::Image(digest));
    }
    let reference: Option<Reference> = text.parse().ok();
    // A name with a tag or digest, or one that stands for another, is not what would be compared.
    let plain = reference
        .filter(|reference| text.split_once('/') == Some((reference.registry(), reference.repository())));
    let reference = plain.ok_or_else(|| {
        Problem::senseless(
            "name the digest of an image, or a repository with its registry, such as `registry.example/team/app`",
        )
    })?;
    Ok(TriageScope::Repository {
        registry: reference.registry().to_owned(),
        repository: reference.repository().to_owned(),
    })
}

/// Records a decision.
pub(crate) async fn decide(app: &App, actor: &Holder, asked: Proposal<'_>) -> Result<Triage, Problem> {
    let now = (app.clock)();
    may_decide(app, actor, &asked.scope).await?;
    let new = checked(app, actor, asked, now).await?;
    if !app.seen_by(actor).is_found(&new.advisory, new.package.as_deref(), &new.scope).await? {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "no-such-finding",
            format!(
                "no image there has, or had, the finding `{}`{}",
                new.advisory,
                new.package
                    .as_ref()
                    .map(|package| format!(" in the package `{package}`"))
                    .unwrap_or_default()
            ),
        ));
    }
    let mut work = app.begin().await?;
    let triage = work.decide(&new, now).await?;
    let detail = told(&triage);
    work.record("triage-set", of_image(&triage), &detail, now).await?;
    work.audit(&actor.name, "triage.set", &subject_of(&triage), &detail, now).await?;
    work.commit().await?;
    Ok(triage)
}

/// Takes a decision back.
pub(crate) async fn withdraw(app: &App, actor: &Holder, id: i64) -> Result<Triage, Problem> {
    let now = (app.clock)();
    let unknown = || Problem::not_found("no decision of this number is in effect");
    let known = app.seen_by(actor).triage(id).await?.filter(|triage| triage.ended.is_none());
    may_decide(app, actor, &known.ok_or_else(unknown)?.decision.scope).await?;
    let mut work = app.begin().await?;
    let triage = work.withdraw(id, now).await?.ok_or_else(unknown)?;
    let detail = told(&triage);
    work.record("triage-withdrawn", of_image(&triage), &detail, now).await?;
    work.audit(&actor.name, "triage.withdraw", &subject_of(&triage), &detail, now).await?;
    work.commit().await?;
    Ok(triage)
}

/// Checks that somebody may decide where a decision is to hold. Who is bound to teams decides about an image only if it is in no repository of
/// others: whoever may push could put any image into their own.
async fn may_decide(app: &App, actor: &Holder, scope: &TriageScope) -> Result<(), Problem> {
    match scope {
        TriageScope::Repository { registry, repository } => app.may_use(actor, registry, repository),
        TriageScope::Image(digest) => {
            let seen = app.seen_by(actor);
            if seen.sees_all_of(digest).await? || !seen.sees(digest).await? {
                return Ok(());
            }
            let detail =
                "the image is in repositories of others as well: decide about your own, with `repository`";
            Err(Problem::new(StatusCode::FORBIDDEN, "other-team", detail))
        }
    }
}

async fn checked(app: &App, actor: &Holder, asked: Proposal<'_>, now: Moment) -> Result<NewTriage, Problem> {
    let line = |name: &str, text: &str, most: usize| {
        let text = text.trim();
        let is_line = !text.is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control);
        if is_line {
            return Ok(text.to_owned());
        }
        Err(Problem::senseless(format!("`{name}` is one line of up to {most} characters")))
    };
    let given = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let reason = asked.reason.trim();
    if reason.is_empty() || reason.chars().count() > MAX_REASON {
        return Err(Problem::senseless(format!("`reason` says why, in up to {MAX_REASON} characters")));
    }
    let owner = match given(asked.owner) {
        Some(owner) => owner,
        None => owner_of(app, actor, &asked.scope).await?.ok_or_else(|| {
            Problem::senseless("`owner` says who answers for it; nobody is known to own what it is about")
        })?,
    };
    Ok(NewTriage {
        advisory: line("advisory", asked.advisory, MAX_NAME)?,
        package: given(asked.package).map(|name| line("package", &name, MAX_NAME)).transpose()?,
        owner: line("owner", &owner, MAX_OWNER)?,
        reason: reason.to_owned(),
        expires: expires(asked.state, given(asked.expires).as_deref(), now)?,
        scope: asked.scope,
        state: asked.state,
        decided_by: actor.name.clone(),
    })
}

/// Reads when a decision ends, which it must say if it accepts that something is wrong.
fn expires(state: TriageState, text: Option<&str>, now: Moment) -> Result<Option<Moment>, Problem> {
    let Some(text) = text else {
        return match state.must_end() {
            false => Ok(None),
            true => Err(Problem::senseless(format!(
                "`expires` says until when it is `{}`, such as `{}`",
                state.name(),
                now.plus(LONGEST / 4).timestamp().date_text()
            ))),
        };
    };
    let time: Option<Moment> = text.parse::<Timestamp>().ok().map(Moment::from);
    let time = time.filter(|time| *time > now && (!state.must_end() || *time <= now.plus(LONGEST)));
    let time = time.ok_or_else(|| {
        Problem::senseless(format!(
            "`expires` is a time to come, and within {} days for what is accepted: `YYYY-MM-DD`",
            LONGEST.as_secs() / 86_400
        ))
    })?;
    Ok(Some(time))
}

async fn owner_of(app: &App, actor: &Holder, scope: &TriageScope) -> Result<Option<String>, StoreError> {
    let (registry, repository) = match scope {
        TriageScope::Repository { registry, repository } => (registry.clone(), repository.clone()),
        TriageScope::Image(digest) => match app.seen_by(actor).image(digest).await? {
            Some(image) => (image.registry, image.repository),
            None => return Ok(None),
        },
    };
    Ok(app.owners.of(&registry, &repository))
}

fn of_image(triage: &Triage) -> Option<&Digest> {
    match &triage.decision.scope {
        TriageScope::Image(digest) => Some(digest),
        TriageScope::Repository { .. } => None,
    }
}

fn subject_of(triage: &Triage) -> String {
    format!("{} in {}", triage.decision.advisory, triage.decision.scope)
}

/// Returns what events and the audit log say of a decision.
fn told(triage: &Triage) -> serde_json::Value {
    let NewTriage { advisory, package, scope, state, reason, owner, expires, .. } = &triage.decision;
    serde_json::json!({
        "triage": triage.id,
        "rule": advisory,
        "package": package,
        "scope": scope.to_string(),
        "state": state.name(),
        "reason": reason,
        "owner": owner,
        "expires": expires.map(|expires| expires.timestamp().to_string()),
    })
}

/// Ends what is over: its findings are open again, the verdicts about them are made anew, and an event tells of it.
///
/// # Errors
/// Fails when the database does not answer. What was ended until then stays.
pub async fn end_expired(store: &Store, now: Moment) -> Result<usize, StoreError> {
    let mut count = 0;
    loop {
        let mut work = store.begin().await?;
        let ended = work.expire_triage(now).await?;
        if ended.is_empty() {
            return Ok(count);
        }
        for triage in &ended {
            let detail = told(triage);
            work.record(EXPIRED, of_image(triage), &detail, now).await?;
            work.audit("assay serve", "triage.expire", &subject_of(triage), &detail, now).await?;
        }
        work.commit().await?;
        count += ended.len();
    }
}

/// Ends what is over until the process ends.
pub(crate) async fn keep_ending(
    store: Store,
    clock: Clock,
    note: Arc<dyn Fn(&str) + Send + Sync>,
    stop: Arc<AtomicBool>,
) {
    let mut told = false;
    while !stop.load(Ordering::Relaxed) {
        match end_expired(&store, clock()).await {
            Ok(_) => told = false,
            Err(_) if told => {}
            Err(error) => {
                told = true;
                note(&format!("decisions about findings that are over could not be ended: {error}"));
            }
        }
        tokio::time::sleep(PERIOD).await;
    }
}

/// Leaves out of events what nobody need be told of: findings about which something was decided.
pub(crate) async fn unsettled<'a>(store: &Store, events: &'a [Event]) -> Result<Vec<&'a Event>, StoreError> {
    let mut open = Vec::new();
    for event in events {
        if !is_settled(store, event).await? {
            open.push(event);
        }
    }
    Ok(open)
}

async fn is_settled(store: &Store, event: &Event) -> Result<bool, StoreError> {
    let (Some(digest), "finding-appeared") = (&event.digest, event.kind.as_str()) else { return Ok(false) };
    let detail: serde_json::Value = serde_json::from_str(&event.detail).unwrap_or_default();
    let Some(finding) = detail.get("finding").and_then(serde_json::Value::as_str) else { return Ok(false) };
    Ok(store.decided(digest, finding).await?.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_accepts_a_risk_ends_within_a_year() {
        let now = Moment::from(Timestamp(1_700_000_000));
        let check = |state, text: Option<&str>, want: Option<Option<&str>>| {
            let read = expires(state, text, now).ok();
            let read = read.map(|time| time.map(|time| time.timestamp().to_string()));
            assert_eq!(read, want.map(|time| time.map(str::to_owned)), "{state:?} {text:?}");
        };
        check(TriageState::FalsePositive, None, Some(None));
        check(TriageState::FalsePositive, Some("2030-01-01"), Some(Some("2030-01-01T00:00:00Z")));
        for state in [TriageState::Accepted, TriageState::Exception] {
            check(state, None, None);
            check(state, Some("2023-12-24"), Some(Some("2023-12-24T00:00:00Z")));
            check(state, Some("2024-11-14"), Some(Some("2024-11-14T00:00:00Z")));
            for wrong in ["2024-11-16", "2023-11-14", "9999-12-31", "tomorrow", "2024-02-30"] {
                check(state, Some(wrong), None);
            }
        }
        check(TriageState::FalsePositive, Some("2020-01-01"), None);
    }

    #[test]
    fn a_scope_is_one_image_or_one_whole_repository() {
        let check = |text: &str, want: Option<&str>| {
            assert_eq!(scope(text).ok().map(|scope| scope.to_string()).as_deref(), want, "{text}");
        };
        let digest = format!("sha256:{}", "a".repeat(64));
        check(&digest, Some(&digest));
        check("registry.example/team/app", Some("registry.example/team/app"));
        check("127.0.0.1:5000/app", Some("127.0.0.1:5000/app"));
        for wrong in [
            "",
            "app",
            "team/app",
            "registry.example/team/*",
            "registry.example/team/app:1.0",
            &format!("registry.example/team/app@{digest}"),
            "registry.example/",
            "https://registry.example/team/app",
            "sha256:abc",
        ] {
            check(wrong, None);
        }
    }
}
