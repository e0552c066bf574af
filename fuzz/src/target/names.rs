//! Small texts with a grammar of their own: what is understood is written back as something that is understood the same.

use super::{choice, chosen};
use crate::Target;
use assay_model::purl::Purl;
use assay_model::{Digest, Ecosystem, Platform, Severity, Timestamp, path};
use assay_oci::{PathKind, Reference, Source};
use std::fmt::{Debug, Display};
use std::path::Path;
use std::str::FromStr;

/// A reader of one kind of text, and examples.
type Kind = (fn(&str) -> String, &'static [&'static str]);

/// The kinds of text, by the first byte of the input, each with examples.
const KINDS: &[Kind] = &[
    (
        round_trip::<Purl>,
        &[
            "pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie",
            "pkg:npm/%40a/b@1#x/y",
            "pkg:golang/a/b@v1",
        ],
    ),
    (
        round_trip::<Reference>,
        &[
            "alpine",
            "localhost:5000/a/b:1@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ],
    ),
    (round_trip::<Digest>, &["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]),
    (round_trip::<Platform>, &["linux/arm64/v8", "linux/amd64"]),
    (round_trip::<Timestamp>, &["2024-02-29T12:34:56.789+02:00", "2024-02-29"]),
    (round_trip::<Ecosystem>, &["Debian:12", "openSUSE:Leap 15.5", "npm", "Red Hat:9"]),
    (source, &["oci:layout:v1", "docker-archive:x:1.tar:a:2", "docker://alpine", "registry:a/b@sha256:0"]),
    (paths, &["/usr/../lib//x/./y", "bin/sh", ""]),
    (severity, &["important", "LOW**", "Critical"]),
];

pub(super) fn targets() -> Vec<Target> {
    vec![Target::new("names", seeds, |data| {
        let (kind, text) = choice(data);
        let (read, _) = KINDS[kind % KINDS.len()];
        read(&String::from_utf8_lossy(text))
    })]
}

fn seeds() -> Vec<Vec<u8>> {
    let examples = KINDS
        .iter()
        .enumerate()
        .flat_map(|(kind, (_, examples))| examples.iter().map(move |text| (kind, text)));
    examples.map(|(kind, text)| chosen(kind, text.as_bytes())).collect()
}

fn round_trip<T: FromStr + Display + PartialEq + Debug>(text: &str) -> String
where
    T::Err: Display + Debug,
{
    match text.parse::<T>() {
        Ok(read) => {
            let written = read.to_string();
            let again = written.parse::<T>();
            assert_eq!(again.as_ref().ok(), Some(&read), "`{text}` is written as `{written}`: {again:?}");
            written
        }
        Err(error) => error.to_string(),
    }
}

fn source(text: &str) -> String {
    // Nothing is looked up on this machine: what there is must not reach the result.
    let probe = |path: &Path| {
        if path.as_os_str().len().is_multiple_of(2) { PathKind::Missing } else { PathKind::Archive }
    };
    match Source::parse(text, &probe) {
        Ok(source) => format!("{source:?} {source}"),
        Err(error) => error.to_string(),
    }
}

fn paths(text: &str) -> String {
    let normal = path::normalise(text);
    let up: Vec<&str> = path::ancestors(normal).take(10_000).collect();
    format!("{normal} {} {} {:?} {up:?}", path::file_name(text), path::parent(text), path::usr_merged(text))
}

fn severity(text: &str) -> String {
    format!("{:?} {:?}", Severity::from_vendor(text), text.parse::<Severity>())
}
