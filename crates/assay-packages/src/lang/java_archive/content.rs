//! Which libraries' classes are in a jar, whatever its metadata says or no longer says.
//!
//! Shading merges libraries into one jar; build tools other than Maven, and those who strip `META-INF`, leave nothing behind
//! but the classes. A class that only one artifact has proves the artifact, also below a folder it was moved to
//! (`shaded/com/google/gson/Gson.class`). It seldom proves the version: some libraries carry theirs in a class's constants or a
//! file of properties, and only these are believed. For the others the version stays empty, which no advisory judges, and a
//! notice says so.

use assay_model::{Package, PackageKind};

/// Bytes of an entry that are read to find a version; the largest of these classes has 20 KB.
pub(super) const MAX_BYTES: u64 = 256 << 10;

/// A library that is recognised by one entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Library {
    /// The entry that only this library has.
    pub(super) entry: &'static str,
    group: &'static str,
    artifact: &'static str,
    version: Version,
}

/// Where an entry says the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    /// Nowhere.
    Unsaid,
    /// It is the only text among the class's constants that looks like one.
    Constant,
    /// It is the value of this property.
    Property(&'static str),
    /// Each property `<artifact>.version` is an artifact's.
    Properties,
}

use Version::{Constant, Properties, Property, Unsaid};

const fn library(
    entry: &'static str,
    group: &'static str,
    artifact: &'static str,
    version: Version,
) -> Library {
    Library { entry, group, artifact, version }
}

/// The libraries: those most often found vulnerable in shaded jars, and those that say their version.
const LIBRARIES: &[Library] = &[
    library("META-INF/io.netty.versions.properties", "io.netty", "", Properties),
    library("com/alibaba/fastjson/JSON.class", "com.alibaba", "fastjson", Constant),
    library(
        "com/fasterxml/jackson/core/json/PackageVersion.class",
        "com.fasterxml.jackson.core",
        "jackson-core",
        Constant,
    ),
    library(
        "com/fasterxml/jackson/databind/cfg/PackageVersion.class",
        "com.fasterxml.jackson.core",
        "jackson-databind",
        Constant,
    ),
    library("com/google/common/collect/ImmutableList.class", "com.google.guava", "guava", Unsaid),
    library("com/google/gson/Gson.class", "com.google.code.gson", "gson", Unsaid),
    library("com/google/protobuf/CodedInputStream.class", "com.google.protobuf", "protobuf-java", Unsaid),
    library("com/thoughtworks/xstream/XStream.class", "com.thoughtworks.xstream", "xstream", Unsaid),
    library(
        "org/apache/commons/collections/functors/InvokerTransformer.class",
        "commons-collections",
        "commons-collections",
        Unsaid,
    ),
    library(
        "org/apache/commons/collections4/functors/InvokerTransformer.class",
        "org.apache.commons",
        "commons-collections4",
        Unsaid,
    ),
    library(
        "org/apache/commons/fileupload/disk/DiskFileItem.class",
        "commons-fileupload",
        "commons-fileupload",
        Unsaid,
    ),
    library("org/apache/commons/text/StringSubstitutor.class", "org.apache.commons", "commons-text", Unsaid),
    library(
        "org/apache/http/client/version.properties",
        "org.apache.httpcomponents",
        "httpclient",
        Property("info.release"),
    ),
    library(
        "org/apache/http/version.properties",
        "org.apache.httpcomponents",
        "httpcore",
        Property("info.release"),
    ),
    library(
        "org/apache/logging/log4j/core/LoggerContext.class",
        "org.apache.logging.log4j",
        "log4j-core",
        Unsaid,
    ),
    library(
        "org/apache/shiro/web/mgt/DefaultWebSecurityManager.class",
        "org.apache.shiro",
        "shiro-web",
        Unsaid,
    ),
    library("org/apache/struts2/dispatcher/Dispatcher.class", "org.apache.struts", "struts2-core", Unsaid),
    library("org/postgresql/util/DriverInfo.class", "org.postgresql", "postgresql", Constant),
    library(
        "org/springframework/beans/CachedIntrospectionResults.class",
        "org.springframework",
        "spring-beans",
        Unsaid,
    ),
    library("org/yaml/snakeyaml/Yaml.class", "org.yaml", "snakeyaml", Unsaid),
];

/// Returns the library that an entry belongs to.
pub(super) fn library_of(name: &[u8]) -> Option<&'static Library> {
    LIBRARIES.iter().find(|library| {
        let before = name.strip_suffix(library.entry.as_bytes());
        before.is_some_and(|folder| folder.is_empty() || folder.ends_with(b"/"))
    })
}

impl Library {
    /// Returns whether its entry has to be read.
    pub(super) fn says_version(&self) -> bool {
        self.version != Unsaid
    }

    /// Returns what its entry proves; a package without a version where it says none.
    pub(super) fn packages(&self, entry: &[u8]) -> Vec<Package> {
        let package = |artifact: &str, version: &str| {
            let mut package = Package::new(PackageKind::Maven, artifact, version);
            package.namespace = Some(self.group.to_owned());
            package
        };
        match self.version {
            Unsaid => vec![package(self.artifact, "")],
            Constant => vec![package(self.artifact, &constant(entry).unwrap_or_default())],
            Property(key) => {
                let text = String::from_utf8_lossy(entry);
                let mut all = properties(&text);
                let version = all.find(|(name, _)| *name == key).map(|(_, version)| version);
                vec![package(self.artifact, version.unwrap_or_default())]
            }
            Properties => {
                let text = String::from_utf8_lossy(entry);
                let artifacts = properties(&text)
                    .filter_map(|(name, version)| Some((name.strip_suffix(".version")?, version)))
                    .filter(|(artifact, _)| artifact.starts_with("netty-"));
                artifacts.map(|(artifact, version)| package(artifact, version)).collect()
            }
        }
    }
}

/// Returns the properties of a text whose values look like versions.
fn properties(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = text.lines().filter_map(|line| line.split_once('='));
    lines.map(|(name, value)| (name.trim(), value.trim())).filter(|(_, value)| is_version(value))
}

fn is_version(text: &str) -> bool {
    let numbers =
        text.split('.').take_while(|part| part.bytes().all(|b| b.is_ascii_digit()) && !part.is_empty());
    text.len() <= 40
        && numbers.count() >= 2
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
}

/// Returns the only text in a class's constant pool that looks like a version
/// (<https://docs.oracle.com/javase/specs/jvms/se17/html/jvms-4.html#jvms-4.4>).
fn constant(class: &[u8]) -> Option<String> {
    let mut rest = class.strip_prefix(b"\xca\xfe\xba\xbe")?.get(4..)?;
    let count = take(&mut rest, 2)?;
    let mut left = u16::from_be_bytes(*count.first_chunk()?).checked_sub(1)?;
    let mut found: Option<String> = None;
    while left > 0 {
        let tag = *take(&mut rest, 1)?.first()?;
        let len = match tag {
            1 => usize::from(u16::from_be_bytes(*take(&mut rest, 2)?.first_chunk()?)),
            7 | 8 | 16 | 19 | 20 => 2,
            15 => 3,
            3 | 4 | 9..=12 | 17 | 18 => 4,
            5 | 6 => 8,
            _ => return None,
        };
        let content = take(&mut rest, len)?;
        if tag == 1
            && let Ok(text) = std::str::from_utf8(content)
            && is_version(text)
        {
            if found.as_deref().is_some_and(|known| known != text) {
                return None;
            }
            found = Some(text.to_owned());
        }
        // Long numbers take two places (JVMS 4.4.5).
        left = left.saturating_sub(if matches!(tag, 5 | 6) { 2 } else { 1 });
    }
    found
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(len)?;
    *rest = left;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn class(texts: &[&str]) -> Vec<u8> {
        let mut bytes = b"\xca\xfe\xba\xbe\0\0\0\x34".to_vec();
        bytes.extend(u16::try_from(texts.len() + 3).unwrap().to_be_bytes());
        // A long constant, which takes two places.
        bytes.extend([5, 0, 0, 0, 0, 0, 0, 0, 1]);
        for text in texts {
            bytes.push(1);
            bytes.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
            bytes.extend(text.as_bytes());
        }
        bytes
    }

    #[track_caller]
    fn check(entry: &str, content: &[u8], expected: &str) {
        let found = library_of(entry.as_bytes()).map(|library| library.packages(content)).unwrap_or_default();
        let lines: Vec<String> =
            found.iter().map(|package| format!("{} {}", package.full_name(), package.version)).collect();
        assert_eq!(lines.join("\n"), expected, "{entry}");
    }

    #[test]
    fn entries_prove_libraries_and_some_their_version() {
        let databind = "com/fasterxml/jackson/databind/cfg/PackageVersion.class";
        let texts = ["com.fasterxml.jackson.core", "jackson-databind", "2.9.8", "()V"];
        check(databind, &class(&texts), "com.fasterxml.jackson.core:jackson-databind 2.9.8");
        check(
            &format!("acme/shaded/{databind}"),
            &class(&texts),
            "com.fasterxml.jackson.core:jackson-databind 2.9.8",
        );
        // Two of them, or none: no guess.
        check(databind, &class(&["2.9.8", "2.10.0"]), "com.fasterxml.jackson.core:jackson-databind ");
        check(databind, b"", "com.fasterxml.jackson.core:jackson-databind ");
        check("org/yaml/snakeyaml/Yaml.class", b"", "org.yaml:snakeyaml ");
        check(
            "org/apache/http/client/version.properties",
            b"# x\ninfo.module = HttpClient\ninfo.release = 4.5.13\ninfo.timestamp = ${mvn.timestamp}\n",
            "org.apache.httpcomponents:httpclient 4.5.13",
        );
        check(
            "META-INF/io.netty.versions.properties",
            b"netty-common.version=4.1.42.Final\nnetty-common.shortCommitHash=bd907c3b3\nother.version=1.0\n",
            "io.netty:netty-common 4.1.42.Final",
        );
    }

    #[test]
    fn near_misses_prove_nothing() {
        for entry in [
            "xorg/yaml/snakeyaml/Yaml.class",
            "org/yaml/snakeyaml/Yaml.class/x",
            "org/yaml/snakeyaml/Yaml.java",
            "org/apache/logging/log4j/LoggerContext.class",
            "",
        ] {
            check(entry, b"", "");
        }
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(LIBRARIES.is_sorted_by_key(|library| library.entry));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn classes_are_read_totally(bytes: Vec<u8>, cut in 0usize..64) {
            constant(&bytes);
            let whole = class(&["a", "2.9.8", "b"]);
            prop_assert!(constant(&whole).as_deref() == Some("2.9.8"));
            constant(whole.get(..cut).unwrap_or(&whole));
        }
    }
}
