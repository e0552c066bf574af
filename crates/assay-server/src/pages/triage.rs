//! What people decided about findings: the list, one decision, and the forms by which something is decided or taken back.

use super::ask::{Ask, encode};
use super::error::PageError;
use super::render::{View, see_other};
use super::session::changing;
use super::table::{Cell, Table, advisory_address, columns, cut, image_address, short};
use super::{About, Page, Pages};
use crate::problem::Problem;
use crate::triage::{self, Proposal};
use assay_model::Digest;
use assay_store::{
    Holder, Moment, Role, Triage, TriageFilter, TriageOrder, TriageScope, TriageState, Triaged,
    UnknownTriageState,
};
use axum::Form;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use minijinja::context;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;

pub(super) const PAGE: Page = Page {
    path: "/triage",
    menu: Some("Triage"),
    role: Role::Viewer,
    about: About::Images,
    view: |ask| Box::pin(list(ask)),
};

pub(super) const DECISION: Page = Page {
    path: "/triage/{id}",
    menu: None,
    role: Role::Viewer,
    about: About::Images,
    view: |ask| Box::pin(decision(ask)),
};

/// How long what is accepted holds if nobody says otherwise.
const SUGGESTED: Duration = Duration::from_secs(90 * 86_400);

async fn list(ask: &Ask) -> Result<View, PageError> {
    let state = ask
        .text("state")
        .map(str::parse)
        .transpose()
        .map_err(|error: UnknownTriageState| Problem::invalid(error.to_string()))?;
    let all = ask.text("ended") == Some("all");
    let filter = TriageFilter {
        advisory: ask.text("advisory"),
        state,
        owner: ask.text("owner"),
        ended: (!all).then_some(false),
    };
    let limit = ask.rows();
    let order = TriageOrder::Newest(ask.number("before"));
    let mut found = ask.seen().triage_like(&filter, order, limit.saturating_add(1)).await?;
    let next = cut(&mut found, limit).then(|| found.last().map(|triage| triage.id)).flatten();
    let context = context! {
        all,
        states => TriageState::ALL.map(TriageState::name).to_vec(),
        state => state.map(TriageState::name),
        owner => ask.text("owner"),
    };
    let table = table(&found).paged(ask, "before", next);
    Ok(View { title: "Triage".to_owned(), template: "triage.html", context, tables: vec![table] })
}

async fn decision(ask: &Ask) -> Result<View, PageError> {
    let unknown = || Problem::not_found("there is no decision of this number");
    let id: i64 = ask.name("id").parse().map_err(|_| unknown())?;
    let triage = ask.seen().triage(id).await?.ok_or_else(unknown)?;
    let decision = triage.decision.clone();
    let context = context! {
        id,
        to => advisory_address(&decision.advisory),
        advisory => decision.advisory,
        package => decision.package,
        scope => decision.scope.to_string(),
        image => match &decision.scope {
            TriageScope::Image(digest) => Some(image_address(digest)),
            TriageScope::Repository { .. } => None,
        },
        state => decision.state.name(),
        reason => decision.reason,
        owner => decision.owner,
        by => decision.decided_by,
        decided => triage.decided.timestamp().to_string(),
        until => decision.expires.map(|expires| expires.timestamp().to_string()),
        ended => triage.ended.map(|(at, why)| format!("{}, {}", at.timestamp(), why.name())),
        may_withdraw => triage.ended.is_none() && may_decide(ask),
    };
    let title = format!("Decision {id}");
    let table = table(&[triage]);
    Ok(View { title, template: "decision.html", context, tables: vec![table] })
}

fn table(found: &[Triage]) -> Table {
    let row = |triage: &Triage| {
        let decision = &triage.decision;
        let place = Cell::text(decision.scope.to_string());
        vec![
            Cell::number(triage.id).to(address(triage.id)),
            Cell::text(&decision.advisory).to(advisory_address(&decision.advisory)),
            Cell::maybe(decision.package.as_deref()),
            match &decision.scope {
                TriageScope::Image(digest) => place.to(image_address(digest)).shown_as(short(digest)),
                TriageScope::Repository { .. } => place,
            },
            Cell::word(decision.state.name()),
            Cell::text(&decision.reason),
            Cell::text(&decision.owner),
            Cell::text(&decision.decided_by),
            Cell::time(Some(triage.decided)),
            Cell::time(decision.expires),
            Cell::time(triage.ended.map(|(at, _)| at)),
            Cell::maybe(triage.ended.map(|(_, why)| why.name())),
        ]
    };
    Table {
        name: "triage",
        title: "Decisions".to_owned(),
        caption: "The newest first".to_owned(),
        columns: columns([
            ("id", "Number", "number"),
            ("advisory", "Finding", "mono"),
            ("package", "Package", "mono"),
            ("scope", "Where", "mono"),
            ("state", "Decision", ""),
            ("reason", "Why", "reason"),
            ("owner", "Owner", ""),
            ("decidedBy", "By", ""),
            ("decided", "When", ""),
            ("expires", "Until", ""),
            ("ended", "Ended", ""),
            ("ending", "How", ""),
        ]),
        rows: found.iter().map(row).collect(),
        empty: "Nothing was decided.",
        next: None,
        first: None,
    }
}

fn address(id: i64) -> String {
    format!("/triage/{id}")
}

/// Says whether somebody could send the forms of this page.
pub(super) fn may_decide(ask: &Ask) -> bool {
    ask.visitor.role() >= Role::Security && ask.visitor.has_forms()
}

/// Returns which findings a page is asked for.
pub(super) fn wanted(ask: &Ask) -> Triaged {
    match ask.text("triage") {
        Some("open") => Triaged::Open,
        Some("settled") => Triaged::Settled,
        _ => Triaged::Either,
    }
}

/// Returns the same as forms have it.
pub(super) fn choice(ask: &Ask) -> &'static str {
    match wanted(ask) {
        Triaged::Either => "",
        Triaged::Open => "open",
        Triaged::Settled => "settled",
    }
}

/// Returns until when something is accepted if nobody says otherwise.
pub(super) fn suggested(now: Moment) -> String {
    now.plus(SUGGESTED).timestamp().date_text()
}

/// Returns the cell with what was decided.
pub(super) fn decided(triage: Option<&Triage>) -> Cell {
    triage
        .map_or_else(Cell::default, |triage| Cell::word(triage.decision.state.name()).to(address(triage.id)))
}

/// Returns the cell of a finding that is still to be decided about, with the way to the form.
pub(super) fn undecided(rule: &str, package: Option<&str>, image: &Digest) -> Cell {
    let package = package.map(|name| format!("&package={}", encode(name))).unwrap_or_default();
    let to = format!("{}?image={image}{package}#decide", advisory_address(rule));
    Cell::default().leading(to, "decide")
}

/// Returns the cell with why, by whom and until when.
pub(super) fn why(triage: Option<&Triage>) -> Cell {
    let Some(decision) = triage.map(|triage| &triage.decision) else { return Cell::default() };
    let until = decision
        .expires
        .map(|expires| format!(", until {}", expires.timestamp().date_text()))
        .unwrap_or_default();
    Cell::text(format!("{} ({}{until})", decision.reason, decision.owner))
}

#[derive(Deserialize)]
pub(super) struct Decide {
    key: String,
    advisory: String,
    #[serde(default)]
    package: String,
    scope: String,
    state: String,
    reason: String,
    #[serde(default)]
    owner: String,
    #[serde(default)]
    expires: String,
}

pub(super) async fn decide(
    State(pages): State<Arc<Pages>>,
    uri: Uri,
    headers: HeaderMap,
    Form(form): Form<Decide>,
) -> Response {
    let visitor = match changing(&pages.app, &headers, Role::Security, &form.key).await {
        Ok(visitor) => visitor,
        Err(error) => return error.respond(&pages.templates, false, &uri, None),
    };
    match record(&pages, visitor.holder(), &form).await {
        Ok(id) => see_other(&address(id)),
        Err(problem) => PageError::from(problem).respond(&pages.templates, false, &uri, Some(&visitor)),
    }
}

async fn record(pages: &Pages, actor: &Holder, form: &Decide) -> Result<i64, Problem> {
    let state =
        form.state.parse().map_err(|error: UnknownTriageState| Problem::invalid(error.to_string()))?;
    let proposal = Proposal {
        advisory: &form.advisory,
        package: Some(&form.package),
        scope: triage::scope(form.scope.trim())?,
        state,
        reason: &form.reason,
        owner: Some(&form.owner),
        expires: Some(&form.expires),
    };
    Ok(triage::decide(&pages.app, actor, proposal).await?.id)
}

#[derive(Deserialize)]
pub(super) struct Withdraw {
    key: String,
    id: i64,
}

pub(super) async fn withdraw(
    State(pages): State<Arc<Pages>>,
    uri: Uri,
    headers: HeaderMap,
    Form(form): Form<Withdraw>,
) -> Response {
    let visitor = match changing(&pages.app, &headers, Role::Security, &form.key).await {
        Ok(visitor) => visitor,
        Err(error) => return error.respond(&pages.templates, false, &uri, None),
    };
    match triage::withdraw(&pages.app, visitor.holder(), form.id).await {
        Ok(triage) => see_other(&address(triage.id)),
        Err(problem) => PageError::from(problem).respond(&pages.templates, false, &uri, Some(&visitor)),
    }
}
