//! endoflife.date: when release cycles end, in the old form (one file per product) and the new one (`v1/products/full`)
//! (<https://endoflife.date/docs/api/v1/>).

use crate::feed::{Feed, FeedFile};
use crate::sink::{AdvisorySink, EndOfLife};
use serde::Deserialize;
use std::io::{BufReader, Read};

/// Bytes of a file that are read; the full list has about 6 MB.
const MAX_FILE: u64 = 256 * 1024 * 1024;

/// The feed.
#[derive(Debug)]
pub struct EndOfLifeDate;

impl Feed for EndOfLifeDate {
    fn id(&self) -> &'static str {
        "endoflife.date"
    }

    fn license(&self) -> &'static str {
        "MIT"
    }

    fn files(&self) -> &'static [FeedFile] {
        const ORIGIN: &str = "https://endoflife.date";
        &[
            FeedFile { origin: ORIGIN, path: "api/v1/products/full", folder: "endoflife.date", values: &[] },
            // As `full.json` on a mirror that serves files; not fetched, but recognised.
            FeedFile { origin: "", path: "api/v1/products/full.json", folder: "endoflife.date", values: &[] },
            FeedFile { origin: "", path: "api/{product}.json", folder: "endoflife.date", values: &[] },
        ]
    }

    fn read(&self, path: &str, file: &mut dyn Read, out: &mut AdvisorySink<'_>) {
        let name = path.rsplit('/').next().unwrap_or(path);
        let product = name.trim_end_matches(".json");
        let value: Document = match serde_json::from_reader(BufReader::new(file.take(MAX_FILE))) {
            Ok(value) => value,
            Err(error) => return out.reject(name, error),
        };
        match value {
            Document::Full { generated_at, result } => {
                if let Some(time) = generated_at.and_then(|text| text.parse().ok()) {
                    out.data_time(time);
                }
                for product in result {
                    for release in product.releases {
                        let end = match release.eol_from.and_then(|day| day.parse().ok()) {
                            Some(day) => EndOfLife::On(day),
                            None if release.is_eol == Some(true) => EndOfLife::Ended,
                            None => EndOfLife::NotEnded,
                        };
                        out.end_of_life(&product.name, &release.name, end);
                    }
                }
            }
            Document::Cycles(cycles) => {
                for cycle in cycles {
                    match cycle {
                        Cycle::Of { cycle, eol } => {
                            let cycle = cycle.as_str().map_or_else(|| cycle.to_string(), str::to_owned);
                            let end = match &eol {
                                serde_json::Value::Bool(true) => EndOfLife::Ended,
                                serde_json::Value::String(day) => match day.parse() {
                                    Ok(day) => EndOfLife::On(day),
                                    Err(error) => {
                                        out.reject(product, error);
                                        continue;
                                    }
                                },
                                _ => EndOfLife::NotEnded,
                            };
                            out.end_of_life(product, &cycle, end);
                        }
                        // `all.json` lists names of products.
                        Cycle::Other(serde_json::Value::String(_)) => out.ignore(),
                        Cycle::Other(_) => out.reject(product, "a cycle has no `cycle` or no `eol`"),
                    }
                }
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Document {
    Full { generated_at: Option<String>, result: Vec<Product> },
    Cycles(Vec<Cycle>),
}

#[derive(Deserialize)]
struct Product {
    name: String,
    #[serde(default)]
    releases: Vec<Release>,
}

#[derive(Deserialize)]
struct Release {
    name: String,
    #[serde(rename = "isEol")]
    is_eol: Option<bool>,
    #[serde(rename = "eolFrom")]
    eol_from: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Cycle {
    Of { cycle: serde_json::Value, eol: serde_json::Value },
    Other(serde_json::Value),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::{Record, collect};

    #[track_caller]
    fn check(path: &str, json: &str, want: &[(&str, &str, EndOfLife)]) {
        let (records, _) = collect(&EndOfLifeDate, path, json.as_bytes());
        let want: Vec<_> = want
            .iter()
            .map(|&(product, cycle, end)| Record::EndOfLife {
                product: product.to_owned(),
                cycle: cycle.to_owned(),
                end,
            })
            .collect();
        assert_eq!(records, want);
    }

    #[test]
    fn both_forms_are_read() {
        let day = EndOfLife::On("2024-08-14".parse().unwrap());
        check(
            "api/debian.json",
            r#"[{"cycle":"11","eol":"2024-08-14"},{"cycle":"sid","eol":false},{"cycle":"1.1","eol":true},{"x":1}]"#,
            &[
                ("debian", "11", day),
                ("debian", "sid", EndOfLife::NotEnded),
                ("debian", "1.1", EndOfLife::Ended),
            ],
        );
        check(
            "api/v1/products/full.json",
            r#"{"generated_at":"2026-08-22T00:00:00+00:00","result":[{"name":"debian","releases":[{"name":"11","isEol":true,"eolFrom":"2024-08-14"},{"name":"13","isEol":false,"eolFrom":null}]}]}"#,
            &[("debian", "11", day), ("debian", "13", EndOfLife::NotEnded)],
        );
        check("api/all.json", r#"["a","b"]"#, &[]);
    }
}
