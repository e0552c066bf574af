//! Scripts that fetch something when they run: what they may bring is in no layer.

use super::shown;
use assay_analyze::{Analyzer, AnalyzerId, Fact, File, Select, Sink};
use assay_model::Detail;
use assay_model::observation::{Observation, Topic};

/// Reads scripts.
pub(super) struct Download;

/// The largest script that is read.
const MAX_SIZE: u64 = 1 << 20;

/// Lines of one script that are named.
const MAX_LINES: usize = 10;

/// Words by which scripts fetch.
const FETCHING: &[&str] = &[
    "curl ",
    "wget ",
    "Invoke-WebRequest",
    "urllib.request",
    "requests.get(",
    "LWP::Simple",
    "Net::HTTP.get",
    "git clone ",
    "pip install ",
    "npm install ",
    "apt-get install ",
    "apk add ",
    "dnf install ",
    "yum install ",
];

impl Analyzer for Download {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "deep-download", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Magic(b"#!"), Select::Suffix(".ps1")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if file.content.len() > MAX_SIZE {
            return;
        }
        let Some(bytes) = file.bytes(MAX_SIZE, out) else { return };
        let text = String::from_utf8_lossy(&bytes);
        let fetching = |line: &&str| {
            let line = line.trim_start();
            !line.starts_with('#') && FETCHING.iter().any(|word| line.contains(word))
        };
        let details: Vec<Detail> = text
            .lines()
            .filter(fetching)
            .take(MAX_LINES)
            .map(|line| Detail::new("line", shown(line, 200)))
            .collect();
        if !details.is_empty() {
            out.fact(Fact::Observation(Box::new(Observation::new(Topic::Download, details))));
        }
    }
}
