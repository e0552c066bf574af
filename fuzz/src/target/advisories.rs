//! Every feed, walked as the list that `db build` uses, and the file that is built from them.
//!
//! The first byte of a feed's input chooses the path under which the rest is read. Whatever a feed says is compiled, and the
//! database must open and be whole.

use super::{choice, chosen};
use crate::{Target, seed};
use assay_advisories::database::Hit;
use assay_advisories::sink::{Counts, Record, collect};
use assay_advisories::{Compiler, Database, FEEDS, Feed};
use assay_model::{Ecosystem, Timestamp};

pub(super) fn targets() -> Vec<Target> {
    let mut targets: Vec<Target> = FEEDS
        .iter()
        .map(|&feed| {
            let paths = paths(feed);
            let known = paths.clone();
            Target::new(
                format!("feed-{}", feed.id()),
                move || feed_seeds(feed, &known),
                move |data| {
                    let (number, content) = choice(data);
                    read(feed, &paths[number % paths.len()], content)
                },
            )
        })
        .collect();
    targets.push(Target::new("feed-recognise", recognise_seeds, recognise));
    targets.push(Target::new("database", || vec![database_seed(), seed::zstd(&database_seed())], database));
    targets.push(Target::new(
        "search",
        || ["CVE-2024-1001", "ghsa", "p1", "", "%"].map(|text| text.as_bytes().to_vec()).into(),
        search,
    ));
    targets.push(Target::new("cvss", cvss_seeds, |data| {
        assay_advisories::cvss::read(&String::from_utf8_lossy(data), "x")
    }));
    targets
}

/// Returns the paths of the feed's files, with their first values, and those of the samples of it.
fn paths(feed: &dyn Feed) -> Vec<String> {
    let mut paths: Vec<String> = feed
        .files()
        .iter()
        .map(|file| {
            let value = file.values.first().copied().unwrap_or("2024");
            let mut path = String::new();
            let mut rest = file.path;
            while let Some((before, after)) = rest.split_once('{') {
                path.push_str(before);
                path.push_str(value);
                rest = after.split_once('}').map_or("", |(_, after)| after);
            }
            path + rest
        })
        .collect();
    paths.extend(
        seed::FEED_FILES.iter().filter(|file| file.feed == feed.id()).map(|file| file.path.to_owned()),
    );
    assert!(!paths.is_empty(), "{} has no files", feed.id());
    paths
}

fn feed_seeds(feed: &dyn Feed, paths: &[String]) -> Vec<Vec<u8>> {
    let own = seed::FEED_FILES.iter().filter(|file| file.feed == feed.id());
    let mut seeds: Vec<Vec<u8>> = own
        .filter_map(|file| {
            Some(chosen(paths.iter().position(|path| path == file.path)?, file.content.as_bytes()))
        })
        .collect();
    seeds.extend(seed::any_text().iter().map(|text| chosen(0, text.as_bytes())));
    seeds
}

fn read(feed: &'static dyn Feed, path: &str, content: &[u8]) -> (Vec<Record>, Counts) {
    let _ = feed.recognise(path, content.get(..4096).unwrap_or(content));
    let (records, counts) = collect(feed, path, content);
    let mut compiler = Compiler::new(false);
    let number = compiler.feed(feed.id(), feed.license());
    for record in &records {
        compiler.record(number, record.clone());
    }
    let built = compiler.finish(Timestamp(0)).expect("a megabyte does not make four gigabytes");
    let database = Database::from_bytes(built).expect("it was just built");
    database.verify().expect("it was just built");
    walk(&database);
    (records, counts)
}

fn recognise_seeds() -> Vec<Vec<u8>> {
    seed::FEED_FILES.iter().map(|file| format!("{}\n{}", file.path, file.content).into_bytes()).collect()
}

fn recognise(data: &[u8]) -> Vec<&'static str> {
    let (name, start) = data.split_at(data.iter().position(|byte| *byte == b'\n').unwrap_or(0));
    let (name, start) = (String::from_utf8_lossy(name), start.get(..4096).unwrap_or(start));
    FEEDS.iter().filter(|feed| feed.recognise(&name, start)).map(|feed| feed.id()).collect()
}

/// Returns a database with something of everything that the samples of feeds say.
fn database_seed() -> Vec<u8> {
    let mut compiler = Compiler::new(false);
    for file in seed::FEED_FILES {
        let Some(feed) = FEEDS.iter().find(|feed| feed.id() == file.feed) else { continue };
        let number = compiler.feed(feed.id(), feed.license());
        let (records, counts) = collect(*feed, file.path, file.content.as_bytes());
        for record in records {
            compiler.record(number, record);
        }
        compiler.count(number, counts);
    }
    compiler.finish(Timestamp(1_700_000_000)).expect("it is small")
}

fn database(data: &[u8]) -> Option<Vec<String>> {
    let open = |bytes: Vec<u8>| match Database::from_bytes(bytes.clone()) {
        Ok(database) => Some(database),
        Err(_) => Database::from_snapshot(&bytes).ok(),
    };
    let database = open(seed::with_header_checksum(data))?;
    Some(walk(&database))
}

/// Asks a database everything.
fn walk(database: &Database) -> Vec<String> {
    let mut said = vec![format!("{:?}", database.verify().is_ok())];
    said.push(format!("{:?} {:?}", database.feeds(), database.coverages()));
    for ecosystem in ["npm", "PyPI", "Debian:12", "Alpine:v3.11", "Red Hat:9", "Ubuntu:22.04"] {
        let ecosystem: Ecosystem = ecosystem.parse().expect("it is known");
        said.push(format!("{:?}", database.coverage(&ecosystem)));
        for name in ["curl", "p1", "xen"] {
            match database.affected(&ecosystem, name) {
                Ok(statements) => {
                    for statement in statements.take(1000) {
                        let Ok(statement) = statement else { break };
                        said.push(format!(
                            "{statement:?} {:?}",
                            database.vulnerability(statement.vulnerability)
                        ));
                    }
                }
                Err(error) => said.push(error.to_string()),
            }
        }
    }
    for id in ["CVE-2024-1001", "CVE-2023-38545", "GHSA-1"] {
        let Ok(found) = database.by_id(id) else { continue };
        for key in found.advisories.iter().take(100) {
            let Ok(advisory) = database.advisory(*key) else { continue };
            said.push(format!(
                "{advisory:?} {:?}",
                database.packages_of(&advisory).map(|packages| packages.len())
            ));
        }
        for key in found.vulnerabilities.iter().take(100) {
            said.push(format!("{:?}", database.vulnerability(*key)));
        }
    }
    said.push(format!("{:?} {:?}", database.end_of_life("debian", "11"), database.search("c", 20)));
    said
}

fn search(data: &[u8]) -> Option<Vec<Hit>> {
    static DATABASE: std::sync::OnceLock<Database> = std::sync::OnceLock::new();
    let database = DATABASE.get_or_init(|| Database::from_bytes(database_seed()).expect("it was just built"));
    let text = String::from_utf8_lossy(data);
    let _ = database.by_id(&text).expect("the database is whole");
    let ecosystem = "npm".parse().expect("it is known");
    let _ = database.affected(&ecosystem, &text).expect("the database is whole").count();
    let hits = database.search(&text, 10).expect("the database is whole");
    // Ten identifiers and ten packages.
    assert!(hits.len() <= 20, "{} hits", hits.len());
    Some(hits)
}

fn cvss_seeds() -> Vec<Vec<u8>> {
    let vectors = [
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H",
        "CVSS:3.0/AV:L/AC:H/PR:H/UI:R/S:U/C:N/I:L/A:N/E:P/RL:O/RC:C",
        "AV:N/AC:L/Au:N/C:P/I:P/A:P",
        "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
    ];
    vectors.map(|vector| vector.as_bytes().to_vec()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feed_has_a_seed_that_it_reads() {
        let mut wrong = Vec::new();
        for feed in FEEDS {
            let own = || seed::FEED_FILES.iter().filter(|file| file.feed == feed.id());
            assert!(own().next().is_some(), "{} has no file in `seed/feeds.rs`", feed.id());
            for file in own() {
                let (records, counts) = collect(*feed, file.path, file.content.as_bytes());
                if records.is_empty() {
                    wrong.push(format!("{} reads nothing of {}: {counts:?}", feed.id(), file.path));
                }
            }
        }
        for file in seed::FEED_FILES {
            assert!(FEEDS.iter().any(|feed| feed.id() == file.feed), "there is no feed {}", file.feed);
        }
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    }
}
