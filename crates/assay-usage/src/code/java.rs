//! Java archives: what their manifest adds to the class path
//! ([the JAR specification](https://docs.oracle.com/en/java/javase/21/docs/specs/jar/jar.html)).
//!
//! Classes are compressed and not read. A virtual machine may load any class of any jar it can reach, by names from settings and
//! annotations; so whoever is on the class path is used as a whole, and every jar is said to load modules, libraries and programs by
//! computed names.

use super::text::Asks;
use assay_analyze::{Analyzer, AnalyzerId, Ask, Code, Fact, File, Language, Select, Sink};
use assay_decode::zip::Zip;

/// Reads what Java archives need.
pub(super) struct JavaClassPath;

/// Bytes of a manifest; those of signed jars list every class.
const MAX_MANIFEST: usize = 16 << 20;

impl Analyzer for JavaClassPath {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "java-class-path", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Suffix(".jar"), Select::Suffix(".war"), Select::Suffix(".ear"), Select::Suffix(".jmod")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let mut asks = Asks::default();
        asks.anything();
        // The analyzer of packages warns of what is damaged.
        if let Some(manifest) = manifest(file) {
            scan(&manifest, &mut asks);
        }
        let code = Code {
            language: Language::Java,
            size: file.content.len(),
            name: None,
            library: false,
            asks: asks.finish(),
        };
        out.fact(Fact::Code(Box::new(code)));
    }
}

fn manifest(file: &File<'_>) -> Option<Vec<u8>> {
    let mut start = [0; 2];
    file.content.read_exact_at(0, &mut start).ok().filter(|()| start == *b"PK")?;
    let zip = Zip::open(file.content).ok()?;
    let mut found = None;
    // What was found before damage stays.
    let _ = zip.select(
        |name| name.eq_ignore_ascii_case(b"META-INF/MANIFEST.MF"),
        |entry| found = found.take().or(Some(entry)),
    );
    zip.read(&found?, MAX_MANIFEST).ok()
}

/// Reads the main section of a manifest; a line that starts with a space continues the one before.
fn scan(manifest: &[u8], asks: &mut Asks) {
    let text = String::from_utf8_lossy(manifest).replace("\r\n", "\n").replace('\r', "\n");
    let main = text.split("\n\n").next().unwrap_or_default().replace("\n ", "");
    for line in main.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "class-path" => {
                value.split_ascii_whitespace().for_each(|path| asks.push(Ask::Include(path.to_owned())));
            }
            "main-class" | "start-class" | "launcher-agent-class" | "agent-class" | "premain-class" => {
                asks.push(Ask::Entry(value.to_owned()));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::testing::facts;
    use crate::code::text::testing::{check_scan, check_total};

    const ANY: [&str; 3] = ["any library", "any module", "any program"];

    #[test]
    fn a_manifest_names_the_main_class_and_other_jars() {
        check_scan(
            scan,
            "Manifest-Version: 1.0\r\nMain-Class: a.Main\r\nClass-Path: lib/a.jar lib/lo\r\n ng.jar\r\n\r\nName: x\r\nMain-Class: no\r\n",
            &["entry a.Main", "include lib/a.jar", "include lib/long.jar"],
        );
        check_scan(scan, "", &[]);
    }

    #[test]
    fn every_archive_may_load_anything() {
        assert_eq!(facts(&JavaClassPath, "a.jar", b"PK\x05\x06damaged"), ANY);
        assert_eq!(facts(&JavaClassPath, "a.jar", b""), ANY);
    }

    #[test]
    fn any_bytes_are_survived() {
        check_total(scan, &["Class-Path:", "Main-Class:", "\r\n", "\n "]);
    }
}
