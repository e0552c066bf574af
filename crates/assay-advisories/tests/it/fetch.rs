//! Fetching from a mirror on loopback: conditional requests, retries, and one feed's failure.

use assay_advisories::fetch::{FetchOptions, FetchSummary, Outcome, fetch};
use assay_advisories::{Feed, feed};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const KEV: &str = r#"{"catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2021-44228"}]}"#;

/// Serves the catalogue with an `ETag`, fails the first request for EPSS and denies the tracker; returns the address and the log.
fn mirror() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let log = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&log);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut lines = Vec::new();
            for line in BufReader::new(stream.try_clone().unwrap()).lines() {
                match line {
                    Ok(line) if !line.is_empty() => lines.push(line),
                    _ => break,
                }
            }
            let path = lines.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
            let matches = lines.iter().any(|line| line.eq_ignore_ascii_case("if-none-match: \"one\""));
            let first = !seen.lock().unwrap().contains(&path);
            seen.lock().unwrap().push(path.clone());
            let (status, body) = match path.as_str() {
                "/kev/known_exploited_vulnerabilities.json" if matches => ("304 Not Modified", ""),
                "/kev/known_exploited_vulnerabilities.json" => ("200 OK", KEV),
                "/epss/epss_scores-current.csv.gz" if first => ("503 Service Unavailable", ""),
                "/epss/epss_scores-current.csv.gz" => {
                    ("200 OK", "cve,epss,percentile\nCVE-2021-44228,0.9,0.9\n")
                }
                "/debian/tracker/data/json" => ("403 Forbidden", ""),
                _ => ("404 Not Found", ""),
            };
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nETag: \"one\"\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    (address, log)
}

fn run(mirror: &str, folder: &Path) -> FetchSummary {
    let feeds: [&dyn Feed; 3] =
        [&feed::kev::CisaKev, &feed::epss::FirstEpss, &feed::debian_tracker::DebianTracker];
    let options = FetchOptions { mirror: Some(mirror.to_owned()), backoff: Duration::from_millis(1) };
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(fetch(&feeds, folder, &client, &options)).unwrap()
}

#[test]
fn downloads_are_conditional_and_failures_stay_alone() {
    let (address, _) = mirror();
    let folder = tempfile::tempdir().unwrap();
    let outcomes = |summary: &FetchSummary| {
        summary.files.iter().map(|file| (file.feed, file.outcome.clone())).collect::<Vec<_>>()
    };
    let denied = Outcome::Failed(format!("`{address}/debian/tracker/data/json` answered `403 Forbidden`"));
    let size = |text: &str| Outcome::Downloaded { bytes: u64::try_from(text.len()).unwrap() };
    let first = run(&address, folder.path());
    assert_eq!(
        outcomes(&first),
        [
            ("cisa-kev", size(KEV)),
            ("debian-tracker", denied.clone()),
            ("epss", size("cve,epss,percentile\nCVE-2021-44228,0.9,0.9\n")),
        ]
    );
    let second = run(&address, folder.path());
    assert_eq!(outcomes(&second)[0], ("cisa-kev", Outcome::NotModified));
    // What was fetched builds, and the failure is in the feed table.
    let options = assay_advisories::BuildOptions { errors: &second.errors(), ..Default::default() };
    let (bytes, summary) = assay_advisories::build_bytes(&[folder.path().to_owned()], &options).unwrap();
    assert_eq!(summary.unrecognised, 0, "{:?}", summary.first_unrecognised);
    let feeds = assay_advisories::Database::from_bytes(bytes).unwrap().feeds().unwrap();
    let tracker = feeds.iter().find(|feed| feed.id == "debian-tracker").unwrap();
    assert!(tracker.note.contains("403 Forbidden"), "{tracker:?}");
    assert!(feeds.iter().any(|feed| feed.id == "epss" && feed.used == 1));
}

#[test]
fn leftovers_of_broken_off_downloads_are_removed_and_others_left() {
    let (address, _) = mirror();
    let folder = tempfile::tempdir().unwrap();
    let kev = folder.path().join("kev");
    std::fs::create_dir(&kev).unwrap();
    std::fs::write(kev.join(".part-left"), "half").unwrap();
    let under_way = std::fs::File::create(kev.join(".part-held")).unwrap();
    under_way.lock().unwrap();
    run(&address, folder.path());
    let mut names: Vec<_> =
        std::fs::read_dir(&kev).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".part-held", "known_exploited_vulnerabilities.json"]);
}
