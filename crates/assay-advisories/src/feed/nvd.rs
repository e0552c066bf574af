//! The National Vulnerability Database: pages of its API 2.0 (<https://nvd.nist.gov/developers/vulnerabilities>) and its yearly files
//! of the same shape, or of the older 1.1. Scores, weaknesses, dates and prose are used; of its product names only those of software
//! that is recognised without a package manager ([`super::cpe`]): the others are no packages.
//!
//! Surprising things: several parties score one CVE, and NVD's own (`Primary`) comes first; version 2 vectors have no prefix; a
//! rejected CVE has no score and is left out; `NVD-CWE-noinfo` is no weakness. A year has about 100 MB, so the list is streamed.

use crate::feed::cpe::{Configuration, affected};
use crate::feed::{Feed, FeedFile};
use crate::sink::{AdvisorySink, Score};
use assay_model::severity::Severity;
use assay_model::timestamp::Timestamp;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::io::{BufReader, Read};

/// Bytes of a file.
const MAX_FILE: u64 = 4 * 1024 * 1024 * 1024;

/// The feed.
#[derive(Debug)]
pub struct Nvd;

impl Feed for Nvd {
    fn id(&self) -> &'static str {
        "nvd"
    }

    fn license(&self) -> &'static str {
        "public domain (https://nvd.nist.gov/general/legal-disclaimer)"
    }

    fn files(&self) -> &'static [FeedFile] {
        const ORIGIN: &str = "https://nvd.nist.gov/feeds/json/cve/2.0";
        &[
            FeedFile {
                origin: ORIGIN,
                path: "nvdcve-2.0-{year}.json.gz",
                folder: "nvd",
                values: &[
                    "modified", "2002", "2003", "2004", "2005", "2006", "2007", "2008", "2009", "2010",
                    "2011", "2012", "2013", "2014", "2015", "2016", "2017", "2018", "2019", "2020", "2021",
                    "2022", "2023", "2024", "2025", "2026",
                ],
            },
            FeedFile { origin: "", path: "nvdcve-1.1-{year}.json.gz", folder: "nvd", values: &[] },
        ]
    }

    fn recognise(&self, name: &str, start: &[u8]) -> bool {
        let start = String::from_utf8_lossy(start);
        name.ends_with(".json") && (start.contains("\"NVD_CVE\"") || start.contains("\"CVE_data_type\""))
    }

    fn read(&self, path: &str, file: &mut dyn Read, out: &mut AdvisorySink<'_>) {
        let mut json = serde_json::Deserializer::from_reader(BufReader::new(file.take(MAX_FILE)));
        if let Err(error) = (&mut json).deserialize_map(Page { out }) {
            out.reject(path, error);
        }
    }
}

struct Page<'a, 'b> {
    out: &'a mut AdvisorySink<'b>,
}

impl<'de> Visitor<'de> for Page<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a page of vulnerabilities")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "vulnerabilities" | "CVE_Items" => map.next_value_seed(Items { out: &mut *self.out })?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

struct Items<'a, 'b> {
    out: &'a mut AdvisorySink<'b>,
}

impl<'de> DeserializeSeed<'de> for Items<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Items<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of vulnerabilities")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut items: S) -> Result<(), S::Error> {
        while let Some(item) = items.next_element::<serde_json::Value>()? {
            read_item(item, self.out);
        }
        Ok(())
    }
}

fn read_item(item: serde_json::Value, out: &mut AdvisorySink<'_>) {
    let old = item.pointer("/cve/CVE_data_meta/ID").and_then(|id| id.as_str()).map(str::to_owned);
    if let Some(id) = old {
        return match serde_json::from_value::<OldItem>(item) {
            Ok(item) => read_old(&id, item, out),
            Err(error) => out.reject(&id, error),
        };
    }
    let name = item.pointer("/cve/id").and_then(|id| id.as_str()).unwrap_or("record").to_owned();
    match serde_json::from_value::<Item>(item) {
        Ok(Item { cve }) => read_cve(cve, out),
        Err(error) => out.reject(&name, error),
    }
}

#[derive(Deserialize)]
struct Item {
    cve: Cve,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cve {
    id: String,
    #[serde(default)]
    vuln_status: String,
    published: Option<String>,
    last_modified: Option<String>,
    #[serde(default)]
    descriptions: Vec<Text>,
    #[serde(default)]
    metrics: Metrics,
    #[serde(default)]
    weaknesses: Vec<Weakness>,
    #[serde(default)]
    references: Vec<Reference>,
    #[serde(default)]
    configurations: Vec<Configuration>,
}

#[derive(Deserialize)]
struct Text {
    #[serde(default)]
    lang: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metrics {
    #[serde(rename = "cvssMetricV40")]
    v40: Vec<Metric>,
    #[serde(rename = "cvssMetricV31")]
    v31: Vec<Metric>,
    #[serde(rename = "cvssMetricV30")]
    v30: Vec<Metric>,
    #[serde(rename = "cvssMetricV2")]
    v2: Vec<Metric>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metric {
    #[serde(default)]
    source: String,
    #[serde(rename = "type", default)]
    kind: String,
    cvss_data: Vector,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Vector {
    #[serde(default)]
    vector_string: String,
}

#[derive(Deserialize)]
struct Weakness {
    #[serde(default)]
    description: Vec<Text>,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(default)]
    url: String,
}

fn read_cve(cve: Cve, out: &mut AdvisorySink<'_>) {
    if !cve.id.starts_with("CVE-") {
        return out.reject(&cve.id, "it is no CVE");
    }
    if cve.vuln_status == "Rejected" {
        return out.ignore();
    }
    let mut score = start(&cve.descriptions, cve.published.as_deref(), cve.last_modified.as_deref());
    let Metrics { v40, v31, v30, v2 } = cve.metrics;
    let mut metrics: Vec<Metric> = v40.into_iter().chain(v31).chain(v30).chain(v2).collect();
    metrics.sort_by_key(|metric| metric.kind != "Primary");
    for metric in metrics {
        let source = if metric.source == "nvd@nist.gov" { "nvd" } else { metric.source.as_str() };
        if let Some(cvss) = crate::cvss::read(&metric.cvss_data.vector_string, source)
            && !score.cvss.contains(&cvss)
        {
            score.cvss.push(cvss);
        }
    }
    finish(&mut score, cve.weaknesses.iter().flat_map(|weakness| &weakness.description), cve.references);
    out.affects(&cve.id, affected(&cve.configurations), &score);
    out.score(&cve.id, score);
}

fn start(descriptions: &[Text], published: Option<&str>, modified: Option<&str>) -> Score {
    let time = |text: Option<&str>| text.and_then(|text| text.parse::<Timestamp>().ok());
    let details =
        descriptions.iter().find(|text| text.lang.starts_with("en")).map_or("", |text| text.value.as_str());
    Score {
        details: details.to_owned(),
        published: time(published),
        modified: time(modified),
        ..Score::default()
    }
}

fn finish<'t>(score: &mut Score, weaknesses: impl Iterator<Item = &'t Text>, references: Vec<Reference>) {
    score.severity = score.cvss.first().map(|cvss| Severity::from_score(cvss.score));
    score.weaknesses =
        weaknesses.map(|text| text.value.clone()).filter(|value| value.starts_with("CWE-")).collect();
    score.weaknesses.sort_unstable();
    score.weaknesses.dedup();
    score.references =
        references.into_iter().map(|reference| reference.url).filter(|url| !url.is_empty()).collect();
}

/// An item of version 1.1.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OldItem {
    cve: OldCve,
    #[serde(default)]
    impact: OldImpact,
    published_date: Option<String>,
    last_modified_date: Option<String>,
}

#[derive(Deserialize)]
struct OldCve {
    #[serde(default)]
    problemtype: OldProblem,
    #[serde(default)]
    references: OldReferences,
    #[serde(default)]
    description: OldDescription,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct OldProblem {
    problemtype_data: Vec<Weakness>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct OldReferences {
    reference_data: Vec<Reference>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct OldDescription {
    description_data: Vec<Text>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct OldImpact {
    base_metric_v3: OldMetric,
    base_metric_v2: OldMetric,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct OldMetric {
    #[serde(rename = "cvssV3", alias = "cvssV2")]
    cvss: Vector,
}

fn read_old(id: &str, item: OldItem, out: &mut AdvisorySink<'_>) {
    let descriptions = &item.cve.description.description_data;
    if descriptions.iter().any(|text| text.value.starts_with("** REJECT **")) {
        return out.ignore();
    }
    let mut score = start(descriptions, item.published_date.as_deref(), item.last_modified_date.as_deref());
    for metric in [&item.impact.base_metric_v3, &item.impact.base_metric_v2] {
        score.cvss.extend(crate::cvss::read(&metric.cvss.vector_string, "nvd"));
    }
    let weaknesses = &item.cve.problemtype.problemtype_data;
    finish(
        &mut score,
        weaknesses.iter().flat_map(|weakness| &weakness.description),
        item.cve.references.reference_data,
    );
    out.score(id, score);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::samples;
    use crate::sink::{Record, collect};
    use proptest::prelude::*;

    #[track_caller]
    fn check(records: &[Record], id: &str, vectors: &[&str], weaknesses: &[&str]) {
        let mut scores = records.iter().rev().filter_map(|record| match record {
            Record::Score(cve, score) if cve == id => Some(score),
            _ => None,
        });
        let score = scores.next().unwrap();
        let got: Vec<_> =
            score.cvss.iter().map(|cvss| format!("{} {} {}", cvss.source, cvss.score, cvss.vector)).collect();
        assert_eq!(got, vectors, "{id}");
        assert_eq!(score.weaknesses, weaknesses, "{id}");
        assert!(!score.details.is_empty() && score.published.is_some() && score.modified.is_some());
    }

    #[test]
    fn real_pages_are_read() {
        let Some((records, counts)) = samples::read(&Nvd, "nvd", ".json") else { return };
        // One CVE of the 62 was rejected by the programme.
        assert_eq!((counts.used, counts.rejected, counts.ignored), (61, 0, 1), "{:?}", counts.first_rejected);
        check(
            &records,
            "CVE-2022-1576",
            &["nvd 6.5 CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:N/I:H/A:N", "nvd 4.3 AV:N/AC:M/Au:N/C:N/I:P/A:N"],
            &["CWE-352"],
        );
    }

    #[test]
    fn known_products_are_packages() {
        let Some((records, _)) = samples::read(&Nvd, "nvd", ".json") else { return };
        let check = |version: &str, want| {
            samples::check(&records, "CVE-2018-14618", "CPE", "haxx:libcurl", version, want);
        };
        check("7.61.0", samples::State::Affected);
        check("7.61.1", samples::State::Outside);
        samples::check(
            &records,
            "CVE-2018-14618",
            "CPE",
            "canonical:ubuntu_linux",
            "14.04",
            samples::State::Silent,
        );
        let products = records.iter().filter_map(|record| match record {
            Record::Advisory(advisory) => Some(&advisory.affected),
            _ => None,
        });
        assert!(products.flatten().all(|one| assay_model::software::has_cpe(&one.package)));
    }

    #[test]
    fn the_older_shape_is_read() {
        let json = r#"{"CVE_data_type":"CVE","CVE_Items":[
            {"cve":{"CVE_data_meta":{"ID":"CVE-2001-1"},"problemtype":{"problemtype_data":[{"description":[{"lang":"en","value":"CWE-79"},{"lang":"en","value":"NVD-CWE-Other"}]}]},
              "references":{"reference_data":[{"url":"https://x"}]},"description":{"description_data":[{"lang":"en","value":"d"}]}},
              "impact":{"baseMetricV2":{"cvssV2":{"vectorString":"AV:N/AC:L/Au:N/C:P/I:P/A:P"}}},"publishedDate":"2001-01-01T05:00Z","lastModifiedDate":"2008-09-10T19:04Z"},
            {"cve":{"CVE_data_meta":{"ID":"CVE-2001-2"},"description":{"description_data":[{"lang":"en","value":"** REJECT ** x"}]}}},
            {"cve":{"id":"CVE-2001-3","vulnStatus":"Rejected"}},{"cve":{}},7]}"#;
        let (records, counts) = collect(&Nvd, "nvdcve-1.1-2001.json", json.as_bytes());
        assert_eq!((counts.used, counts.rejected, counts.ignored), (1, 2, 2));
        check(&records, "CVE-2001-1", &["nvd 7.5 AV:N/AC:L/Au:N/C:P/I:P/A:P"], &["CWE-79"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn reading_is_total(bytes: Vec<u8>) {
            let _ = collect(&Nvd, "x.json", bytes.as_slice());
        }
    }
}
