//! What is to be done, and by which advisories findings are judged.

use super::ask::Ask;
use super::error::PageError;
use super::render::View;
use super::table::{Cell, Table, columns, cut, image_address, short};
use super::{About, Page};
use crate::problem::Problem;
use assay_match::database_status;
use assay_model::report::DatabaseStatus;
use assay_report::escape::shorten;
use assay_store::{JobStatus, Moment, QueueDepth, Role};
use axum::http::StatusCode;

pub(super) const PAGE: Page = Page {
    path: "/queue",
    menu: Some("Queue and feeds"),
    role: Role::Viewer,
    about: About::Fleet,
    view: |ask| Box::pin(view(ask)),
};

/// Characters of an error that are shown.
const SHOWN: usize = 300;

async fn view(ask: &Ask) -> Result<View, PageError> {
    let mut tables = vec![depths(&ask.whole()?.depths().await?, ask.now)];
    for (state, name, parameter, title, empty) in [
        ("failed", "failed", "failed-before", "Failed", "None has failed."),
        ("running", "running", "running-before", "Running", "None is running."),
        ("queued", "queued", "queued-before", "Waiting", "None is waiting."),
    ] {
        tables.push(jobs(ask, (state, name, parameter), title, empty).await?);
    }
    let open = ask.app().scanner.database.clone();
    let database = tokio::task::spawn_blocking(move || {
        let (database, built_in) = open().ok()?;
        database_status(&database, built_in).ok()
    });
    let database = database.await.ok().flatten();
    let sentences = match &database {
        Some(database) => vec![format!(
            "Findings are judged by {} of {}.",
            if database.built_in {
                "the snapshot that is built into the program"
            } else {
                "the vulnerability database"
            },
            database.built_at.map(|at| at.to_string()).unwrap_or_default()
        )],
        None => {
            vec!["The vulnerability database cannot be read: nothing can be scanned until it can.".to_owned()]
        }
    };
    match database {
        Some(database) => tables.push(feeds(&database, ask.now)),
        None if ask.text("table") == Some("feeds") => {
            let detail = "the vulnerability database cannot be read";
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "database-unavailable", detail).into());
        }
        None => {}
    }
    Ok(View::plain("Queue and feeds", sentences, tables))
}

pub(super) fn depths(depths: &[QueueDepth], now: Moment) -> Table {
    let rows = depths.iter().map(|depth| {
        let waits = depth.state == "queued";
        vec![
            Cell::text(&depth.kind),
            Cell::word(&depth.state),
            Cell::number(depth.jobs),
            if waits { Cell::count(now.since(depth.oldest).as_secs()) } else { Cell::default() },
        ]
    });
    Table {
        name: "jobs",
        title: "Jobs".to_owned(),
        caption: "By kind and state".to_owned(),
        columns: columns([
            ("kind", "Kind", ""),
            ("state", "State", ""),
            ("jobs", "Jobs", "number"),
            ("oldestSeconds", "Seconds that the oldest waits", "number"),
        ]),
        rows: rows.collect(),
        empty: "There has been nothing to do.",
        next: None,
        first: None,
    }
}

async fn jobs(
    ask: &Ask,
    (state, name, parameter): (&str, &'static str, &str),
    title: &str,
    empty: &'static str,
) -> Result<Table, PageError> {
    let limit = ask.rows();
    let mut jobs = ask.whole()?.newest_jobs(state, ask.number(parameter), limit.saturating_add(1)).await?;
    let next = cut(&mut jobs, limit).then(|| jobs.last().map(|job| job.id)).flatten();
    let table = Table {
        name,
        title: title.to_owned(),
        caption: "The newest first".to_owned(),
        columns: columns([
            ("kind", "Kind", ""),
            ("name", "About", "mono"),
            ("registry", "Registry", "mono"),
            ("attempts", "Attempts", ""),
            ("created", "Asked for", ""),
            ("runAt", "May begin", ""),
            ("worker", "Worker", ""),
            ("error", "Last error", ""),
        ]),
        rows: jobs.iter().map(job).collect(),
        empty,
        next: None,
        first: None,
    };
    Ok(table.paged(ask, parameter, next))
}

fn job(job: &JobStatus) -> Vec<Cell> {
    let name = Cell::text(&job.name);
    let name = match job.name.parse::<assay_model::Digest>() {
        Ok(digest) => name.to(image_address(&digest)).shown_as(short(&digest)),
        Err(_) => name.shown_as(shorten(&job.name, SHOWN)),
    };
    let error = Cell::maybe(job.error.as_deref());
    let (done, most) = job.attempts;
    vec![
        Cell::text(&job.kind),
        name,
        Cell::text(&job.registry),
        Cell::text(format!("{done} of {most}")),
        Cell::time(Some(job.created)),
        Cell::time(Some(job.run_at)),
        Cell::maybe(job.worker.as_deref()),
        match &job.error {
            Some(text) => error.shown_as(shorten(text, SHOWN)),
            None => error,
        },
    ]
}

fn feeds(database: &DatabaseStatus, now: Moment) -> Table {
    let rows = database.feeds.iter().map(|feed| {
        let days = |at: assay_model::Timestamp| now.since(Moment::from(at)).as_secs() / 86_400;
        vec![
            Cell::text(&feed.name),
            Cell::time(feed.synced_at.map(Moment::from)),
            feed.synced_at.map(days).map(Cell::count).unwrap_or_default(),
            Cell::count(feed.records),
            Cell::count(feed.rejected),
            Cell::text(&feed.license),
        ]
    });
    Table {
        name: "feeds",
        title: "Feeds".to_owned(),
        caption: "What the vulnerability database was made of".to_owned(),
        columns: columns([
            ("feed", "Feed", ""),
            ("dataOf", "Data of", ""),
            ("ageDays", "Days old", "number"),
            ("records", "Records", "number"),
            ("rejected", "Not readable", "number"),
            ("license", "Licence", ""),
        ]),
        rows: rows.collect(),
        empty: "The database has no feed.",
        next: None,
        first: None,
    }
}
