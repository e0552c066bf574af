//! From hostile words to what users see: matching, explaining and every output format, each field taken from the input.
//!
//! The input is a list of words, a line each. Whatever they are, the table holds nothing that steers a terminal, and JSON is JSON.

use crate::Target;
use assay_advisories::sink::Record;
use assay_advisories::{Compiler, Database};
use assay_engine::assess;
use assay_match::explain;
use assay_model::context::Statements;
use assay_model::report::SourceKind;
use assay_model::{
    Advisory, Affected, Ecosystem, Image, Inventory, Leftover, Location, Os, Package, PackageKind, Range,
    Report, Timestamp, Warning,
};
use assay_report::format::FORMATS;
use assay_report::{Group, Options};

pub(super) fn targets() -> Vec<Target> {
    vec![Target::new("report", seeds, report)]
}

fn seeds() -> Vec<Vec<u8>> {
    let plain = "debian\n12\nDebian 12\nopenssl\n1.0\nusr/lib/x\nMIT\nCVE-2024-1001\nTitle\nDetails\n2.0\nimage:1\nwarning\nRUN x\nkey";
    let hostile = "a\u{1b}[2J\n\u{202e}1\u{7}\n\u{9b}31m\n<script>\n1.0\u{0}\n../../x\r\n|`*_\n\u{2028}\n=cmd()\n%s%n\n\u{feff}";
    vec![plain.as_bytes().to_vec(), hostile.as_bytes().to_vec()]
}

/// Hands out the lines of the input in turn, over and over.
struct Words<'a> {
    words: Vec<&'a str>,
    next: usize,
}

impl Words<'_> {
    fn next(&mut self) -> String {
        self.next += 1;
        self.words
            .get((self.next - 1) % self.words.len().max(1))
            .map(|word| (*word).to_owned())
            .unwrap_or_default()
    }
}

const KINDS: [PackageKind; 5] =
    [PackageKind::Deb, PackageKind::Npm, PackageKind::Python, PackageKind::Maven, PackageKind::Go];

fn inventory(words: &mut Words<'_>) -> Inventory {
    let os = Os {
        id: words.next(),
        version: words.next(),
        name: words.next(),
        codename: words.next(),
        ..Os::default()
    };
    let mut packages = Vec::new();
    for kind in KINDS {
        let mut package = Package::new(kind, words.next(), words.next());
        package.locations = vec![Location { path: words.next(), layer: Some(0) }];
        package.licenses = vec![words.next()];
        package.architecture = Some(words.next());
        packages.push(package);
    }
    let warnings = vec![Warning::unscanned("fuzzed", Some(&words.next()), words.next())];
    let folder = words.next();
    let leftovers = vec![Leftover { folder, bytes: 1 << 30, files: 1, layers: vec![0, 7] }];
    Inventory { os: Some(os), packages, leftovers, warnings, ..Inventory::default() }
}

/// Returns a database that has something to say about some of the packages.
fn database(words: &mut Words<'_>, inventory: &Inventory) -> Database {
    let mut compiler = Compiler::new(false);
    let feed = compiler.feed(&words.next(), &words.next());
    for package in &inventory.packages {
        let ecosystem = package.ecosystem(inventory.os.as_ref());
        let ecosystem = ecosystem.unwrap_or_else(|| "npm".parse::<Ecosystem>().expect("it is known"));
        let name = ecosystem.canonical_name(&package.full_name());
        let mut affected = Affected::new(ecosystem, &name);
        affected.ranges = vec![Range::all(), Range::until_fixed(words.next())];
        let advisory = Advisory {
            id: words.next(),
            aliases: vec![words.next()],
            title: words.next(),
            details: words.next(),
            references: vec![words.next()],
            weaknesses: vec![words.next()],
            affected: vec![affected],
            ..Advisory::default()
        };
        compiler.record(feed, Record::Advisory(Box::new(advisory)));
    }
    Database::from_bytes(compiler.finish(Timestamp(0)).expect("it is small")).expect("it was just built")
}

fn report(data: &[u8]) -> Report {
    let text = String::from_utf8_lossy(data);
    let mut words = Words { words: text.split('\n').collect(), next: 0 };
    let inventory = inventory(&mut words);
    let database = database(&mut words, &inventory);
    let image =
        Image { reference: words.next(), labels: [(words.next(), words.next())].into(), ..Image::default() };
    let report = assess(
        SourceKind::Registry,
        image,
        inventory,
        &database,
        false,
        &Statements::default(),
        &assay_detect::Options {
            kinds: assay_model::FindingKind::ALL.to_vec(),
            ..assay_detect::Options::default()
        },
    )
    .expect("the database is whole");
    let _ = explain(&words.next(), Some(&report.inventory), &database).expect("the database is whole");
    for group in [Group::Package, Group::Severity] {
        for width in [40, 100, 250] {
            let options = Options { width, group, ..Options::default() };
            // A template is the user's own text, and there is none here.
            for format in FORMATS.iter().filter(|format| format.name() != "template") {
                let mut bytes = Vec::new();
                format.write(&report, &options, &mut bytes).expect("memory takes everything");
                let written = String::from_utf8(bytes).expect("formats write text");
                // RFC 4180 ends lines with both; a lone carriage return would still steer.
                let csv = (format.name() == "csv").then(|| written.replace("\r\n", "\n"));
                check(format.name(), csv.as_ref().unwrap_or(&written));
            }
        }
    }
    report
}

/// Checks what every reader of this format may rely on. Lines end as RFC 4180 wants it in CSV.
fn check(format: &str, written: &str) {
    let steering = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    if matches!(format, "json" | "sarif" | "cyclonedx" | "spdx" | "gitlab") {
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(written);
        assert!(parsed.is_ok(), "{format}: {:?}", parsed.err());
    } else if let Some(at) = written.replace("\r\n", "\n").find(steering) {
        assert!(
            at > written.len(),
            "{format} steers the terminal: {:?}",
            written.get(at.saturating_sub(40)..)
        );
    }
}
