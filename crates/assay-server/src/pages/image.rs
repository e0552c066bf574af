//! One image: findings, verdicts, layers, tags, evidence, builds and what happened.

use super::ask::Ask;
use super::error::PageError;
use super::packages::indexed;
use super::render::View;
use super::table::{Cell, Table, advisory_address, columns, cut, package_address};
use super::{About, Page};
use super::{admitted, download, events, evidence, triage};
use crate::problem::Problem;
use crate::report::shown;
use assay_model::{Digest, Report};
use assay_report::{summary, words};
use assay_store::{
    FindingFilter, KnownFinding, Moment, Place, Role, Standing, StoreError, StoredReport, StoredVerdict,
    Triaged,
};
use minijinja::context;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const PAGE: Page = Page {
    path: "/images/{digest}",
    menu: None,
    role: Role::Viewer,
    about: About::Images,
    view: |ask| Box::pin(view(ask)),
};

/// The place of the column after the finding's name.
const AFTER_RULE: usize = 3;

/// Events that are told, builds that are listed.
const TOLD: i64 = 20;

async fn view(ask: &Ask) -> Result<View, PageError> {
    let (seen, digest) = (ask.seen(), ask.digest()?);
    let image = seen.image(&digest).await?;
    let image = image.ok_or_else(|| Problem::not_found("no image of this digest was seen"))?;
    let stored = shown(seen, &digest).await?;
    let (depth, judged, scanned) = match &stored {
        Some(stored) => (Some(stored.depth.name()), Some(time(stored.database)), Some(time(stored.created))),
        None => (None, None, None),
    };
    let read = match stored {
        Some(stored) => Some(read(&digest, stored).await?),
        None => None,
    };
    let mut facts = Vec::new();
    if let Some(report) = &read {
        facts.extend(words::os(report));
        facts.extend(report.image.platform.as_ref().map(ToString::to_string));
        facts.extend(report.image.created.map(|created| format!("built {created}")));
        facts.push(summary::count(report.inventory.packages.len() as u64, "package"));
    }
    let children = seen.children(&digest).await?;
    let tags = seen.tags(&digest).await?;
    let told = seen.newest_events("", Some(&digest), None, TOLD).await?;
    let moved_from = told.iter().filter(|event| event.kind == "tag-moved").find_map(|event| {
        let detail: serde_json::Value = serde_json::from_str(&event.detail).ok()?;
        Some(detail.get("from")?.as_str()?.to_owned())
    });
    let job = seen.job_about(crate::worker::SCAN, &digest).await?;
    let vulnerable = seen.vulnerable_packages(&digest).await?;
    let places = seen.admitted(&digest).await?;
    let context = context! {
        digest => digest.to_string(),
        facts, depth, judged, scanned, moved_from,
        is_index => !children.is_empty(),
        complete => read.as_ref().is_none_or(Report::complete),
        unassessed => read.as_ref().map_or(0, Report::unassessed),
        job_state => job.as_ref().map(|(state, _)| state.clone()),
        job_error => job.and_then(|(_, error)| error),
        stale => admitted::stale(&places),
        vulnerable => vulnerable.0,
        weight => vulnerable.1,
        owner => ask.app().owners.of(&image.registry, &image.repository),
        choice => triage::choice(ask),
        severities => by_severity(&seen.severities_of(&digest).await?),
        formats => download::names(),
        first_seen => time(image.first_seen),
        last_seen => time(image.last_seen),
        last_pulled => seen.last_pulled(&digest).await?.map(time),
    };
    let packages = read.as_ref().map(packages_in_index).unwrap_or_default();
    let mut tables = vec![
        findings(ask, &digest, Standing::Open, &packages).await?,
        verdicts(&seen.verdicts(&digest).await?, ask.now),
    ];
    if !children.is_empty() {
        tables.push(Table {
            name: "platforms",
            title: "Images of this index".to_owned(),
            caption: "One for each platform".to_owned(),
            columns: columns([("platform", "Platform", ""), ("digest", "Digest", "mono")]),
            rows: children
                .iter()
                .map(|child| vec![Cell::text(&child.platform), Cell::image(&child.digest)])
                .collect(),
            empty: "",
            next: None,
            first: None,
        });
    }
    if let Some(report) = &read {
        tables.push(layers(report));
    }
    tables.push(Table {
        name: "tags",
        title: "Tags".to_owned(),
        caption: "What named this image, the earliest first".to_owned(),
        columns: columns([
            ("name", "Name", "mono"),
            ("firstSeen", "From", ""),
            ("lastSeen", "Last seen", ""),
        ]),
        rows: tags
            .iter()
            .map(|period| {
                let tag = period.place.tag.as_deref().unwrap_or_default();
                vec![
                    Cell::text(format!("{}/{}:{tag}", period.place.registry, period.place.repository)),
                    Cell::time(Some(period.first_seen)),
                    Cell::time(Some(period.last_seen)),
                ]
            })
            .collect(),
        empty: "It was seen without a tag only.",
        next: None,
        first: None,
    });
    tables.push(admitted::table(&places));
    tables.push(evidence::table(ask, &digest).await?);
    tables.push(findings(ask, &digest, Standing::Suppressed, &packages).await?);
    tables.push(findings(ask, &digest, Standing::Gone, &packages).await?);
    tables.push(events::table(&told, "The newest first"));
    let here = |place: &Place| place.registry == image.registry && place.repository == image.repository;
    let tag =
        tags.iter().rev().find(|period| here(&period.place)).and_then(|period| period.place.tag.as_ref());
    let tag = tag.map(|tag| format!(":{tag}")).unwrap_or_default();
    let title = format!("{}/{}{tag}", image.registry, image.repository);
    Ok(View { title, template: "image.html", context, tables })
}

/// Returns the counts with the most severe first.
fn by_severity(counts: &[(String, i64)]) -> Vec<Vec<String>> {
    let severities = assay_model::Severity::ALL.into_iter().filter_map(|severity| {
        let (name, count) = counts.iter().find(|(name, _)| name == severity.name())?;
        Some(vec![name.clone(), count.to_string()])
    });
    severities.collect()
}

fn time(moment: Moment) -> String {
    moment.timestamp().to_string()
}

/// Reads a stored report, on a thread for that: one with thousands of findings takes its time.
pub(super) async fn read(digest: &Digest, stored: StoredReport) -> Result<Report, PageError> {
    let damaged = StoreError::Damaged { what: "report", name: digest.to_string() };
    let read = tokio::task::spawn_blocking(move || assay_report::format::read(&stored.json)).await;
    match read {
        Ok(Ok((report, _))) => Ok(report),
        _ => Err(damaged.into()),
    }
}

/// The ecosystem and name under which the index has a package with findings, by its own name and version.
type Indexed = BTreeMap<(String, String), (String, String)>;

fn packages_in_index(report: &Report) -> Indexed {
    let packages = &report.inventory.packages;
    let concerned: BTreeSet<u32> = report.findings.iter().filter_map(|finding| finding.package).collect();
    let concerned = concerned.into_iter().filter_map(|index| packages.get(usize::try_from(index).ok()?));
    let entry = |package: &assay_model::Package| {
        let indexed = indexed(package, report.inventory.os.as_ref())?;
        Some(((package.name.clone(), package.version.clone()), indexed))
    };
    concerned.filter_map(entry).collect()
}

async fn findings(
    ask: &Ask,
    digest: &Digest,
    standing: Standing,
    packages: &Indexed,
) -> Result<Table, PageError> {
    let (name, parameter, title, caption, empty) = match standing {
        Standing::Open => (
            "open",
            "open-page",
            "Open findings",
            "The most severe first",
            "Nothing is known to be wrong with it.",
        ),
        Standing::Suppressed => (
            "suppressed",
            "suppressed-page",
            "Suppressed findings",
            "A statement takes them out of the count",
            "None is suppressed.",
        ),
        Standing::Gone => {
            ("gone", "gone-page", "Findings that are gone", "The most severe first", "None was there before.")
        }
    };
    let (limit, page) = (ask.rows(), ask.page(parameter));
    let skip = (page - 1).saturating_mul(limit);
    let triage = if standing == Standing::Open { triage::wanted(ask) } else { Triaged::Either };
    let filter = FindingFilter { triage, ..standing.into() };
    let seen = ask.seen();
    let mut found = seen.findings_of(digest, filter, skip, limit.saturating_add(1)).await?;
    let decided = seen.triage_of(found.iter().filter_map(|one| one.triage)).await?;
    let next = cut(&mut found, limit).then_some(page.saturating_add(1));
    let table = Table {
        name,
        title: title.to_owned(),
        caption: caption.to_owned(),
        columns: columns([
            ("severity", "Severity", ""),
            ("priority", "Priority", ""),
            ("rule", "Finding", "mono"),
            ("package", "Package", "mono"),
            ("version", "Installed", "mono"),
            ("fixedVersions", "Fixed in", "mono"),
            ("kind", "Kind", ""),
            ("firstSeen", "Since", ""),
            ("reopened", "Came back", "number"),
            ("goneAt", "Gone", ""),
        ]),
        rows: found.iter().map(|one| finding(one, packages)).collect(),
        empty,
        next: None,
        first: None,
    };
    let mut table = table.paged(ask, parameter, next);
    if standing != Standing::Gone {
        table.columns.pop();
        for row in &mut table.rows {
            row.pop();
        }
    }
    if standing == Standing::Open {
        // Beside the finding, where it is seen also on a small screen; why is a long text.
        let [triage_column, why_column] =
            [("triage", "Triage", ""), ("triageWhy", "Why", "reason")].map(|one| columns([one]));
        table.columns.splice(AFTER_RULE..AFTER_RULE, triage_column);
        table.columns.extend(why_column);
        for (row, one) in table.rows.iter_mut().zip(&found) {
            let known = one.triage.and_then(|id| decided.get(&id));
            let cell = match known {
                None if triage::may_decide(ask) => {
                    triage::undecided(&one.rule, one.package.as_deref(), digest)
                }
                known => triage::decided(known),
            };
            row.insert(AFTER_RULE, cell);
            row.push(triage::why(known));
        }
    }
    Ok(table)
}

fn finding(one: &KnownFinding, packages: &Indexed) -> Vec<Cell> {
    let fixed: Vec<String> =
        one.fixed_versions.split(',').filter(|version| !version.is_empty()).map(str::to_owned).collect();
    let package = Cell::maybe(one.package.as_deref());
    let named = one.package.clone().zip(one.version.clone());
    vec![
        Cell::word(&one.severity),
        one.priority.as_deref().map(Cell::word).unwrap_or_default(),
        Cell::text(&one.rule).to(advisory_address(&one.rule)),
        match named.and_then(|named| packages.get(&named)) {
            Some((ecosystem, name)) => package.to(package_address(ecosystem, name)),
            None => package,
        },
        Cell::maybe(one.version.as_deref()),
        Cell::list(&fixed),
        Cell::text(&one.kind),
        Cell::time(Some(one.first_seen)),
        if one.reopened > 0 { Cell::number(one.reopened) } else { Cell::default() },
        Cell::time(one.gone_at),
    ]
}

fn verdicts(all: &[StoredVerdict], now: Moment) -> Table {
    Table {
        name: "verdicts",
        title: "Verdicts".to_owned(),
        caption: "What admission decided last; one that is over is decided again when the image is asked for"
            .to_owned(),
        columns: columns([
            ("verdict", "Verdict", ""),
            ("namespace", "Namespace", ""),
            ("tiers", "Tiers", ""),
            ("reasons", "Why", ""),
            ("decided", "Decided", ""),
            ("holds", "Holds", ""),
            ("policy", "Policy", "mono"),
        ]),
        rows: all
            .iter()
            .map(|one| {
                let detail: serde_json::Value = serde_json::from_slice(&one.detail).unwrap_or_default();
                let inputs: serde_json::Value = serde_json::from_str(&one.inputs).unwrap_or_default();
                let short: String = one.policy.chars().take(19).collect();
                vec![
                    Cell::word(&one.verdict),
                    Cell::text(one.tier.split(' ').next().unwrap_or_default()),
                    Cell::list(&texts(inputs.get("tiers"))),
                    Cell::list(&texts(detail.get("lines"))),
                    Cell::time(Some(one.decided)),
                    Cell::text(if one.holds(now) { "yes" } else { "no" }),
                    Cell::text(&one.policy).shown_as(short),
                ]
            })
            .collect(),
        empty: "Nobody has asked whether it may run, or what was decided has changed since.",
        next: None,
        first: None,
    }
}

fn texts(list: Option<&serde_json::Value>) -> Vec<String> {
    let list = list.and_then(serde_json::Value::as_array).into_iter().flatten();
    list.filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

fn layers(report: &Report) -> Table {
    let rows = (0_u32..).zip(&report.image.layers).map(|(index, layer)| {
        let here = |finding: &&assay_model::Finding| {
            finding.locations.iter().any(|place| place.layer == Some(index))
        };
        let base = report.image.base.as_ref().and_then(|base| base.has_layer(index)) == Some(true);
        let id = layer.diff_id.map(|diff_id| diff_id.0);
        vec![
            Cell::number(i64::from(index) + 1),
            Cell::count(summary::open(report).filter(here).count() as u64),
            Cell::text(layer.created_by.as_deref().unwrap_or_default()),
            Cell::text(if base { "base" } else { "own" }),
            layer.size.map(Cell::count).unwrap_or_default(),
            match id {
                Some(id) => Cell::text(id.to_string()).shown_as(id.short()),
                None => Cell::default(),
            },
        ]
    });
    Table {
        name: "layers",
        title: "Layers".to_owned(),
        caption: "The base first, with the findings whose place is in them".to_owned(),
        columns: columns([
            ("layer", "Layer", "number"),
            ("findings", "Findings", "number"),
            ("createdBy", "Made by", "mono"),
            ("of", "Of", ""),
            ("size", "Bytes", "number"),
            ("diffId", "Diff-id", "mono"),
        ]),
        rows: rows.collect(),
        empty: "It has none.",
        next: None,
        first: None,
    }
}
