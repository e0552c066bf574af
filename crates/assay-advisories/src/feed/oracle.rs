//! Oracle Linux errata as OVAL (<https://linux.oracle.com/security/oval/>), packed with bzip2.
//!
//! Surprising things: Ksplice and FIPS builds of a package have errata of their own, with versions that compare above the ordinary
//! builds' (`2:2.17-326.0.3.ksplice1.el7`); they would make every ordinary build look affected and are left out.

use crate::feed::oval;
use crate::feed::{Feed, FeedFile};
use crate::sink::AdvisorySink;
use assay_model::distro;
use assay_model::ecosystem::Ecosystem;
use bzip2::read::MultiBzDecoder;
use std::io::{BufReader, Read};

/// The feed.
#[derive(Debug)]
pub struct Oracle;

impl Feed for Oracle {
    fn id(&self) -> &'static str {
        "oracle"
    }

    fn license(&self) -> &'static str {
        "Oracle Linux OVAL (https://linux.oracle.com/security/)"
    }

    fn files(&self) -> &'static [FeedFile] {
        &[FeedFile {
            origin: "https://linux.oracle.com/security/oval",
            path: "com.oracle.elsa-{set}.xml.bz2",
            folder: "oracle",
            values: &["all"],
        }]
    }

    fn recognise(&self, name: &str, start: &[u8]) -> bool {
        let packed =
            start.starts_with(b"BZh") && name.ends_with(".xml.bz2") && !name.ends_with(".oval.xml.bz2");
        packed || (name.ends_with(".xml") && String::from_utf8_lossy(start).contains("oval:com.oracle.elsa:"))
    }

    fn read(&self, path: &str, file: &mut dyn Read, out: &mut AdvisorySink<'_>) {
        let result = oval::read(unpacked(file), &mut |definition| read_definition(definition, out));
        if let Err(error) = result {
            out.reject(path, error);
        }
    }
}

/// Unpacks bzip2, which the caller does not.
pub(super) fn unpacked<'f>(file: &'f mut dyn Read) -> Box<dyn Read + 'f> {
    let mut start = Vec::new();
    // What cannot be read here cannot be read below either, where it is reported.
    let _ = file.take(3).read_to_end(&mut start);
    let packed = start == b"BZh";
    let whole = std::io::Cursor::new(start).chain(file);
    if packed { Box::new(MultiBzDecoder::new(BufReader::new(whole))) } else { Box::new(whole) }
}

fn read_definition(definition: oval::Definition, out: &mut AdvisorySink<'_>) {
    let oval::Definition { mut advisory, references, cves, platforms, statements, .. } = definition;
    let Some((_, id)) = references.into_iter().find(|(source, _)| source.eq_ignore_ascii_case("elsa")) else {
        return out.reject(&advisory.id, "it has no ELSA number");
    };
    advisory.id = id;
    advisory.fixes = cves;
    // Each vector is one vulnerability's, not the erratum's.
    advisory.cvss.clear();
    for statement in statements {
        if statement.fixed().is_none_or(|fixed| fixed.contains(".ksplice") || fixed.contains("_fips")) {
            continue;
        }
        let named = if statement.platforms.is_empty() { &platforms } else { &statement.platforms };
        for ecosystem in named.iter().filter_map(|platform| release(platform)) {
            advisory.affected.push(statement.affected(&ecosystem));
        }
    }
    if advisory.affected.is_empty() { out.ignore() } else { out.advisory(advisory) }
}

fn release(platform: &str) -> Option<Ecosystem> {
    let release = platform.strip_prefix("Oracle Linux ")?.split_whitespace().next()?;
    release
        .starts_with(|char: char| char.is_ascii_digit())
        .then(|| distro::by_id("ol").map(|ol| ol.ecosystem(release)))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::samples::{self, State};

    #[test]
    fn real_errata_are_read() {
        let Some((records, counts)) = samples::read(&Oracle, "oracle", "") else { return };
        // 14, 1, 2 and 1 definitions, and the 7 before the place where a fifth file stops being XML.
        assert_eq!((counts.used, counts.rejected, counts.ignored), (25, 1, 0), "{:?}", counts.first_rejected);
        for (id, package, version, want) in [
            ("CVE-2007-0493", "5/bind-libs", "30:9.3.3-7.el5", State::Affected),
            ("CVE-2007-0493", "5/bind-libs", "30:9.3.3-8.el5", State::Outside),
            ("CVE-2007-0493", "6/bind-libs", "30:9.3.3-7.el5", State::Silent),
            ("ELSA-2018-1196-1", "5/kernel", "2.6.18-419.0.0.0.9.el5", State::Affected),
            ("ELSA-2018-1196-1", "5/kernel", "2.6.18-419.0.0.0.10.el5", State::Outside),
            ("CVE-2017-5715", "5/kernel-PAE", "2.6.18-418.el5", State::Affected),
        ] {
            samples::check(&records, id, "Oracle Linux", package, version, want);
        }
        let erratum = samples::advisory(&records, "ELSA-2007-0057");
        assert_eq!(
            (erratum.fixes.len(), erratum.severity),
            (2, Some(assay_model::severity::Severity::Medium))
        );
    }
}
