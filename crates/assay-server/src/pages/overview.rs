//! The overview: how many images and findings there are, how that went in the last month, what is to be done, and what happened.

use super::ask::Ask;
use super::error::PageError;
use super::render::View;
use super::table::{Cell, Table, advisory_address, columns};
use super::{About, Page, events, queue};
use assay_model::Severity;
use assay_report::page::length;
use assay_store::{DayCount, Moment, Role, Scope, SeverityCount, StoreError, Widespread};
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

pub(super) const PAGE: Page = Page {
    path: "/",
    menu: Some("Overview"),
    role: Role::Viewer,
    about: About::Images,
    view: |ask| Box::pin(view(ask)),
};

/// How long counts over the whole fleet are shown. They go through all open findings: a room full of people that look should not make the
/// database count for each of them.
const KEPT: Duration = Duration::from_secs(15);

/// Days of the trend.
const DAYS: i64 = 30;
const DAY: i64 = 86_400;

/// Vulnerabilities that are named, and events that are told.
const NAMED: i64 = 10;
const TOLD: i64 = 10;

/// The size of the trend's drawing.
const WIDTH: i64 = 600;
const HEIGHT: i64 = 160;

/// Whose counts are kept at once.
const SCOPES: usize = 50;

/// Counts over all that somebody sees, as they were a moment ago.
#[derive(Default)]
pub(super) struct Counts(Mutex<Vec<(Scope, Arc<Counted>)>>);

struct Counted {
    at: Moment,
    images: i64,
    scanned: i64,
    severities: Vec<SeverityCount>,
    came: Vec<DayCount>,
    went: Vec<DayCount>,
    widespread: Vec<Widespread>,
}

impl Counts {
    async fn get(&self, seen: assay_store::View<'_>, now: Moment) -> Result<Arc<Counted>, StoreError> {
        let mut kept = self.0.lock().await;
        kept.retain(|(_, counted)| counted.at <= now && now.since(counted.at) < KEPT);
        if let Some((_, counted)) = kept.iter().find(|(of, _)| of == seen.scope()) {
            return Ok(counted.clone());
        }
        let today = now.timestamp().0.div_euclid(DAY);
        let since = Moment((today - DAYS + 1).saturating_mul(DAY).saturating_mul(1000));
        let mut widespread = seen.most_widespread("critical", NAMED).await?;
        let left = NAMED - i64::try_from(widespread.len()).unwrap_or(NAMED);
        if left > 0 {
            widespread.extend(seen.most_widespread("high", left).await?);
        }
        let counted = Arc::new(Counted {
            at: now,
            images: seen.image_count().await?,
            scanned: seen.scanned_count().await?,
            severities: seen.severity_counts().await?,
            came: seen.findings_came(since).await?,
            went: seen.findings_went(since).await?,
            widespread,
        });
        kept.truncate(SCOPES - 1);
        kept.push((seen.scope().clone(), counted.clone()));
        Ok(counted)
    }
}

/// One bar of a chart, as the template draws it.
#[derive(Serialize)]
struct Bar {
    name: &'static str,
    count: i64,
    length: u64,
}

/// A day of the trend.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Day {
    date: String,
    came: i64,
    went: i64,
    open: i64,
    urgent: i64,
}

async fn view(ask: &Ask) -> Result<View, PageError> {
    let seen = ask.seen();
    let counted = ask.pages.counts.get(seen, ask.now).await?;
    let of = |severity: Severity| counted.severities.iter().find(|one| one.severity == severity.name());
    let most = counted.severities.iter().map(|one| one.findings).max().unwrap_or_default();
    let unsigned = |number: i64| u64::try_from(number).unwrap_or_default();
    let bars: Vec<Bar> = Severity::ALL
        .into_iter()
        .filter_map(|severity| {
            let count = of(severity)?.findings;
            Some(Bar { name: severity.name(), count, length: length(unsigned(count), unsigned(most)) })
        })
        .collect();
    let severities = Severity::ALL.into_iter().filter_map(|severity| {
        let one = of(severity)?;
        Some(vec![
            Cell::word(severity.name()).to(format!("/images?severity={}", severity.name())),
            Cell::number(one.findings),
            Cell::number(one.images),
        ])
    });
    let days = trend(&counted, ask.now);
    let open: i64 = counted.severities.iter().map(|one| one.findings).sum();
    let critical = of(Severity::Critical).map_or(0, |one| one.images);
    // What is to be done is to be done for everybody, and told to who sees everything.
    let depths = match ask.whole() {
        Ok(store) => Some(store.depths().await?),
        Err(_) => None,
    };
    let jobs = depths.as_ref().map(|depths| {
        let jobs = |state: &str| -> i64 {
            depths.iter().filter(|depth| depth.state == state).map(|depth| depth.jobs).sum()
        };
        context! { queued => jobs("queued"), running => jobs("running"), failed => jobs("failed") }
    });
    let told = seen.newest_events("", None, None, TOLD).await?;
    let context = context! {
        images => counted.images,
        unscanned => counted.images.saturating_sub(counted.scanned),
        open, critical, jobs,
        bars => Serde(bars),
        lines => Serde(lines(&days)),
        counted => counted.at.timestamp().to_string(),
    };
    let mut tables = vec![
        Table {
            name: "severities",
            title: "Open findings by severity".to_owned(),
            caption: "Findings that are there and count, over all images".to_owned(),
            columns: columns([
                ("severity", "Severity", ""),
                ("findings", "Findings", "number"),
                ("images", "Images that have one", "number"),
            ]),
            rows: severities.collect(),
            empty: "No finding is open.",
            next: None,
            first: None,
        },
        Table {
            name: "widespread",
            title: "Most widespread".to_owned(),
            caption: "The critical findings that most images have, then the high ones".to_owned(),
            columns: columns([
                ("rule", "Finding", "mono"),
                ("severity", "Severity", ""),
                ("images", "Images", "number"),
            ]),
            rows: counted
                .widespread
                .iter()
                .map(|one| {
                    vec![
                        Cell::text(&one.rule).to(advisory_address(&one.rule)),
                        Cell::word(&one.severity),
                        Cell::number(one.images),
                    ]
                })
                .collect(),
            empty: "No critical or high finding is open.",
            next: None,
            first: None,
        },
        events::table(&told, "The newest, first"),
        Table {
            name: "trend",
            title: "Day by day".to_owned(),
            caption: "The last 30 days; a finding that came back counts from when it first came".to_owned(),
            columns: columns([
                ("date", "Day", ""),
                ("appeared", "New findings", "number"),
                ("gone", "Gone", "number"),
                ("open", "Open at the end", "number"),
                ("urgent", "Critical or high", "number"),
            ]),
            rows: days
                .iter()
                .rev()
                .map(|day| {
                    vec![
                        Cell::text(&day.date),
                        Cell::number(day.came),
                        Cell::number(day.went),
                        Cell::number(day.open),
                        Cell::number(day.urgent),
                    ]
                })
                .collect(),
            empty: "",
            next: None,
            first: None,
        },
    ];
    if let Some(depths) = depths {
        tables.insert(2, queue::depths(&depths, ask.now));
    }
    Ok(View { title: "Overview".to_owned(), template: "overview.html", context, tables })
}

/// Returns the days from the oldest on: what was open at the end of each follows from what is open now, and what came and went since.
fn trend(counted: &Counted, now: Moment) -> Vec<Day> {
    let urgent = |severity: &str| matches!(severity, "critical" | "high");
    let sums = |days: &[DayCount]| {
        let mut sums: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
        for one in days {
            let (all, some) = sums.entry(one.day).or_default();
            *all += one.findings;
            *some += if urgent(&one.severity) { one.findings } else { 0 };
        }
        sums
    };
    let (came, went) = (sums(&counted.came), sums(&counted.went));
    let mut open: i64 = counted.severities.iter().map(|one| one.findings).sum();
    let mut open_urgent: i64 =
        counted.severities.iter().filter(|one| urgent(&one.severity)).map(|one| one.findings).sum();
    let today = now.timestamp().0.div_euclid(DAY);
    let mut days = Vec::new();
    for day in (0..DAYS).map(|back| today - back) {
        let (came, came_urgent) = came.get(&day).copied().unwrap_or_default();
        let (went, went_urgent) = went.get(&day).copied().unwrap_or_default();
        days.push(Day {
            date: assay_model::Timestamp(day.saturating_mul(DAY)).date_text(),
            came,
            went,
            open,
            urgent: open_urgent,
        });
        open = open.saturating_sub(came).saturating_add(went);
        open_urgent = open_urgent.saturating_sub(came_urgent).saturating_add(went_urgent);
    }
    days.reverse();
    days
}

#[derive(Serialize)]
struct Lines {
    all: String,
    urgent: String,
    most: i64,
    from: String,
    until: String,
    last_all: i64,
    last_urgent: i64,
    width: i64,
    height: i64,
}

/// Returns the two lines of the trend as points of a drawing.
fn lines(days: &[Day]) -> Lines {
    let most = days.iter().map(|day| day.open).max().unwrap_or_default();
    let points = |value: &dyn Fn(&Day) -> i64| -> String {
        let points = (0_i64..).zip(days).map(|(number, day)| {
            let x = number * WIDTH / (DAYS - 1);
            let height = value(day).max(0).saturating_mul(HEIGHT).checked_div(most).unwrap_or_default();
            format!("{x},{}", HEIGHT - height)
        });
        points.collect::<Vec<_>>().join(" ")
    };
    Lines {
        all: points(&|day| day.open),
        urgent: points(&|day| day.urgent),
        most,
        from: days.first().map(|day| day.date.clone()).unwrap_or_default(),
        until: days.last().map(|day| day.date.clone()).unwrap_or_default(),
        last_all: days.last().map_or(0, |day| day.open),
        last_urgent: days.last().map_or(0, |day| day.urgent),
        width: WIDTH,
        height: HEIGHT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_store::{Address, Store};

    #[test]
    fn counts_of_a_later_time_are_not_kept_when_a_clock_is_set_back() {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = Store::open(&Address::File(folder.path().join("assay.db"))).await.unwrap();
            let counts = Counts::default();
            for (now, want) in [(100_000, 100_000), (100_001, 100_000), (99_999, 99_999)] {
                let counted = counts.get(store.within(&Scope::Fleet), Moment(now)).await.unwrap();
                assert_eq!(counted.at, Moment(want));
            }
        });
    }

    #[test]
    fn what_was_open_follows_from_what_came_and_went() {
        let today = 20_000;
        let now = Moment(today * DAY * 1000 + 5);
        let count = |day, severity: &str, findings| DayCount { day, severity: severity.to_owned(), findings };
        let severity =
            |severity: &str, findings| SeverityCount { severity: severity.to_owned(), findings, images: 1 };
        let counted = Counted {
            at: now,
            images: 1,
            scanned: 1,
            severities: vec![severity("critical", 2), severity("low", 5)],
            came: vec![count(today, "critical", 2), count(today - 2, "low", 5), count(today - 2, "high", 4)],
            went: vec![count(today - 1, "high", 4)],
            widespread: Vec::new(),
        };
        let days = trend(&counted, now);
        let last: Vec<(i64, i64, i64, i64)> =
            days.iter().rev().take(4).map(|day| (day.came, day.went, day.open, day.urgent)).collect();
        assert_eq!(last, [(2, 0, 7, 2), (0, 4, 5, 0), (9, 0, 9, 4), (0, 0, 0, 0)]);
        assert_eq!((days.len(), days[29].date.as_str()), (30, "2024-10-04"));
        let drawn = lines(&days);
        assert!(drawn.all.starts_with("0,160 ") && drawn.all.ends_with(" 600,36"), "{}", drawn.all);
    }
}
