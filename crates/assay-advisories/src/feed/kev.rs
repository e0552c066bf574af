//! CISA's Known Exploited Vulnerabilities catalogue, one JSON file
//! (<https://www.cisa.gov/known-exploited-vulnerabilities-catalog>).

use crate::feed::{Feed, FeedFile};
use crate::sink::AdvisorySink;
use assay_model::finding::Kev;
use serde::Deserialize;
use std::io::Read;

/// Bytes of the catalogue that are read; it has about 1.5 MB.
const MAX_FILE: u64 = 256 * 1024 * 1024;

/// The feed.
#[derive(Debug)]
pub struct CisaKev;

impl Feed for CisaKev {
    fn id(&self) -> &'static str {
        "cisa-kev"
    }

    fn license(&self) -> &'static str {
        "CC0-1.0"
    }

    fn files(&self) -> &'static [FeedFile] {
        &[FeedFile {
            origin: "https://www.cisa.gov/sites/default/files/feeds",
            path: "known_exploited_vulnerabilities.json",
            folder: "kev",
            values: &[],
        }]
    }

    fn recognise(&self, name: &str, start: &[u8]) -> bool {
        name.ends_with(".json") && {
            let start = String::from_utf8_lossy(start);
            start.contains("\"catalogVersion\"") && !start.contains("\"$schema\"")
        }
    }

    fn read(&self, path: &str, file: &mut dyn Read, out: &mut AdvisorySink<'_>) {
        let catalogue: Catalogue = match serde_json::from_reader(std::io::BufReader::new(file.take(MAX_FILE)))
        {
            Ok(catalogue) => catalogue,
            Err(error) => return out.reject(path, error),
        };
        if let Some(time) = catalogue.date_released.and_then(|text| text.parse().ok()) {
            out.data_time(time);
        }
        for entry in catalogue.vulnerabilities {
            let entry: Entry = match serde_json::from_value(entry) {
                Ok(entry) => entry,
                Err(error) => {
                    out.reject(path, error);
                    continue;
                }
            };
            let date = |text: Option<String>| text.and_then(|text| text.parse().ok());
            let kev = Kev {
                added: date(entry.date_added),
                due: date(entry.due_date),
                ransomware: entry.ransomware.is_some_and(|word| word.eq_ignore_ascii_case("known")),
            };
            out.kev(&entry.cve, kev);
        }
    }
}

#[derive(Deserialize)]
struct Catalogue {
    #[serde(rename = "dateReleased")]
    date_released: Option<String>,
    vulnerabilities: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "cveID")]
    cve: String,
    #[serde(rename = "dateAdded")]
    date_added: Option<String>,
    #[serde(rename = "dueDate")]
    due_date: Option<String>,
    #[serde(rename = "knownRansomwareCampaignUse")]
    ransomware: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::{Record, collect};

    #[test]
    fn entries_are_read() {
        let json = r#"{"catalogVersion":"1","dateReleased":"2025-08-25T17:04:19.9796Z","vulnerabilities":[
            {"cveID":"CVE-2021-44228","dateAdded":"2021-12-10","dueDate":"2021-12-24","knownRansomwareCampaignUse":"Known"},{"cveID":7}]}"#;
        let (records, counts) = collect(&CisaKev, "kev.json", json.as_bytes());
        let kev = Kev {
            added: Some("2021-12-10".parse().unwrap()),
            due: Some("2021-12-24".parse().unwrap()),
            ransomware: true,
        };
        assert_eq!(records, [Record::Kev("CVE-2021-44228".to_owned(), kev)]);
        assert_eq!((counts.used, counts.rejected), (1, 1));
        assert!(counts.data_time.is_some());
    }
}
