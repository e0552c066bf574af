//! EPSS: the daily forecast of exploitation as CSV (<https://www.first.org/epss/data_stats>).
//!
//! The first line is a comment with the day, the second the header; files before 2022 have no comment.

use crate::feed::{Feed, FeedFile};
use crate::sink::AdvisorySink;
use assay_model::finding::Epss;
use assay_model::timestamp::Timestamp;
use std::io::{BufRead, BufReader, Read};

/// Bytes of the file that are read; it has about 10 MB.
const MAX_FILE: u64 = 1024 * 1024 * 1024;
/// Bytes of a line; longer ones end the reading.
const MAX_LINE: u64 = 4_096;

/// The feed.
#[derive(Debug)]
pub struct FirstEpss;

impl Feed for FirstEpss {
    fn id(&self) -> &'static str {
        "epss"
    }

    fn license(&self) -> &'static str {
        "free to use with attribution (https://www.first.org/epss/)"
    }

    fn files(&self) -> &'static [FeedFile] {
        &[FeedFile {
            origin: "https://epss.empiricalsecurity.com",
            path: "epss_scores-{date}.csv.gz",
            folder: "epss",
            values: &["current"],
        }]
    }

    fn recognise(&self, name: &str, start: &[u8]) -> bool {
        name.contains(".csv")
            && String::from_utf8_lossy(start).lines().any(|line| line.starts_with("cve,epss,percentile"))
    }

    fn read(&self, path: &str, file: &mut dyn Read, out: &mut AdvisorySink<'_>) {
        let mut lines = BufReader::new(file.take(MAX_FILE));
        let mut date: Option<Timestamp> = None;
        let mut line = Vec::new();
        loop {
            line.clear();
            match lines.by_ref().take(MAX_LINE).read_until(b'\n', &mut line) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) => return out.reject(path, error),
            }
            let Ok(text) = std::str::from_utf8(&line).map(str::trim) else {
                out.reject(path, "a line is no text");
                continue;
            };
            if let Some(comment) = text.strip_prefix('#') {
                let day = comment.split(',').find_map(|field| field.trim().strip_prefix("score_date:"));
                date = day.and_then(|day| day.get(..10)?.parse().ok());
                if let Some(date) = date {
                    out.data_time(date);
                }
            } else if !text.is_empty() && !text.starts_with("cve,") {
                match row(text, date) {
                    Some((cve, epss)) => out.epss(cve, epss),
                    None => out.reject(text, "not a row of identifier, score and percentile"),
                }
            }
        }
    }
}

fn row(text: &str, date: Option<Timestamp>) -> Option<(&str, Epss)> {
    let mut fields = text.split(',');
    let cve = fields.next().filter(|cve| cve.starts_with("CVE-"))?;
    let share =
        |text: Option<&str>| text?.trim().parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
    Some((cve, Epss { score: share(fields.next())?, percentile: share(fields.next())?, date }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::{Record, collect};

    #[test]
    fn rows_are_read() {
        let csv = "#model_version:v2023.03.01,score_date:2024-10-25T00:00:00+0000\ncve,epss,percentile\nCVE-1999-0005,0.91963,0.99030\nCVE-1,7,0\n";
        let (records, counts) = collect(&FirstEpss, "epss.csv", csv.as_bytes());
        let epss = Epss { score: 0.91963, percentile: 0.9903, date: Some("2024-10-25".parse().unwrap()) };
        assert_eq!(records, [Record::Epss("CVE-1999-0005".to_owned(), epss)]);
        assert_eq!((counts.used, counts.rejected), (1, 1));
    }
}
