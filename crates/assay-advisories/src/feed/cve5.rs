//! CVE records of the CVE programme (<https://github.com/CVEProject/cvelistV5>), schema 5: the assigner's and CISA's scores, weaknesses and
//! prose. Their product names are not packages; only where a record names them as NVD does (`cpeApplicability`), those of software that
//! is recognised without a package manager are used ([`super::cpe`]).
//!
//! Surprising things: scores stand in the assigner's container (`cna`) and in others' (`adp`); a container may carry CISA's SSVC
//! decision instead of a score; a rejected record has no description.

use crate::feed::cpe::{Configuration, affected};
use crate::feed::{Feed, FeedFile};
use crate::sink::{AdvisorySink, Score};
use assay_model::severity::Severity;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::{BufReader, Read};

/// Bytes of one record; the largest have about 1 MB.
const MAX_RECORD: u64 = 64 * 1024 * 1024;

/// The feed.
#[derive(Debug)]
pub struct Cve5;

impl Feed for Cve5 {
    fn id(&self) -> &'static str {
        "cve-records"
    }

    fn license(&self) -> &'static str {
        "CVE programme terms of use (https://www.cve.org/Legal/TermsOfUse)"
    }

    fn files(&self) -> &'static [FeedFile] {
        // The whole list is a repository of 300,000 files: read from a clone or its daily zip, not fetched one by one.
        &[FeedFile { origin: "", path: "cves/{year}/{thousand}/CVE-{id}.json", folder: "", values: &[] }]
    }

    fn recognise(&self, name: &str, start: &[u8]) -> bool {
        let start = String::from_utf8_lossy(start);
        // Some writers sort the keys, which puts the containers first.
        let ours = start.contains("\"CVE_RECORD\"") || start.contains("\"containers\"");
        name.starts_with("CVE-") && name.ends_with(".json") && ours
    }

    fn read(&self, path: &str, file: &mut dyn Read, out: &mut AdvisorySink<'_>) {
        let name = path.rsplit('/').next().unwrap_or(path);
        match serde_json::from_reader::<_, Record>(BufReader::new(file.take(MAX_RECORD))) {
            Ok(record) => read_record(record, out),
            Err(error) => out.reject(name, error),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    cve_metadata: Metadata,
    #[serde(default)]
    containers: Containers,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    cve_id: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    assigner_short_name: String,
    date_published: Option<String>,
    date_updated: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Containers {
    cna: Container,
    adp: Vec<Container>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Container {
    title: String,
    provider_metadata: Provider,
    descriptions: Vec<Text>,
    problem_types: Vec<Problem>,
    metrics: Vec<BTreeMap<String, serde_json::Value>>,
    references: Vec<Reference>,
    cpe_applicability: Vec<Configuration>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Provider {
    short_name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Text {
    lang: String,
    value: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Problem {
    descriptions: Vec<Weakness>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Weakness {
    cwe_id: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Reference {
    url: String,
}

fn read_record(record: Record, out: &mut AdvisorySink<'_>) {
    let Record { cve_metadata: metadata, containers } = record;
    if !metadata.cve_id.starts_with("CVE-") {
        return out.reject(&metadata.cve_id, "it is no CVE");
    }
    if metadata.state == "REJECTED" {
        return out.ignore();
    }
    let time = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok());
    let Containers { cna, adp } = containers;
    let mut score = Score {
        title: cna.title.clone(),
        details: cna
            .descriptions
            .iter()
            .find(|text| text.lang.starts_with("en"))
            .map_or("", |text| &text.value)
            .to_owned(),
        published: time(&metadata.date_published),
        modified: time(&metadata.date_updated),
        ..Score::default()
    };
    for container in [&cna].into_iter().chain(&adp) {
        let provider = &container.provider_metadata.short_name;
        let source = if provider.is_empty() { &metadata.assigner_short_name } else { provider };
        for metric in &container.metrics {
            for (_, value) in metric.iter().filter(|(key, _)| key.starts_with("cvssV")) {
                let vector = value.get("vectorString").and_then(|vector| vector.as_str()).unwrap_or_default();
                if let Some(cvss) = crate::cvss::read(vector, source)
                    && !score.cvss.contains(&cvss)
                {
                    score.cvss.push(cvss);
                }
            }
        }
        let problems = container.problem_types.iter().flat_map(|problem| &problem.descriptions);
        score
            .weaknesses
            .extend(problems.map(|weakness| weakness.cwe_id.clone()).filter(|id| id.starts_with("CWE-")));
        score.references.extend(
            container.references.iter().map(|reference| reference.url.clone()).filter(|url| !url.is_empty()),
        );
    }
    score.weaknesses.sort_unstable();
    score.weaknesses.dedup();
    score.severity = score.cvss.first().map(|cvss| Severity::from_score(cvss.score));
    for container in [&cna].into_iter().chain(&adp) {
        out.affects(&metadata.cve_id, affected(&container.cpe_applicability), &score);
    }
    out.score(&metadata.cve_id, score);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::samples;
    use crate::sink::Record;

    #[test]
    fn real_records_are_read() {
        let Some((records, counts)) = samples::read(&Cve5, "cve5", ".json") else { return };
        assert_eq!((counts.used, counts.rejected, counts.ignored), (13, 0, 0), "{:?}", counts.first_rejected);
        let score = records.iter().find_map(|record| match record {
            Record::Score(cve, score) if cve == "CVE-2023-45803" => Some(score),
            _ => None,
        });
        let score = score.unwrap();
        assert_eq!(score.title, "Request body not stripped after redirect in urllib3");
        assert_eq!(
            (score.severity, &score.weaknesses[..]),
            (Some(Severity::Medium), &["CWE-200".to_owned()][..])
        );
        assert_eq!(score.cvss[0].source, "GitHub_M");
    }
}
