//! Who a jar is when no `pom.properties` says so: from its file name and its manifest, without asking anybody.
//!
//! The artifact and the version come from the file name as Maven writes it (`artifact-version[-classifier].jar`), because the
//! manifest's spelling is often OSGi's (`31.1.0.jre` for `31.1-jre`) or prose. The group is, in this order:
//! 1. what [`GROUPS`] knows of artifacts whose builds leave no trace of it (Gradle writes no `pom.properties`),
//! 2. `Implementation-Vendor-Id` when it looks like a group,
//! 3. the start of `Bundle-SymbolicName` or `Automatic-Module-Name` when its end is the artifact (`org.acme.foo` of `foo`).
//!
//! Otherwise there is none, and the package is listed without being matched: guessing would accuse somebody else's jar.

use super::manifest::Manifest;
use assay_model::{Package, PackageKind};

/// Groups of well-known artifacts whose jars do not name them: exact names, or beginnings that end in `-`.
///
/// With a version, the group holds from that major version on, and the line before or after it for the others.
const GROUPS: &[(&str, u32, &str)] = &[
    ("bcpg-", 0, "org.bouncycastle"),
    ("bcpkix-", 0, "org.bouncycastle"),
    ("bcprov-", 0, "org.bouncycastle"),
    ("bctls-", 0, "org.bouncycastle"),
    ("bcutil-", 0, "org.bouncycastle"),
    ("dom4j", 2, "org.dom4j"),
    ("dom4j", 0, "dom4j"),
    ("elasticsearch", 0, "org.elasticsearch"),
    ("groovy", 4, "org.apache.groovy"),
    ("groovy", 0, "org.codehaus.groovy"),
    ("groovy-all", 0, "org.codehaus.groovy"),
    ("grpc-", 0, "io.grpc"),
    ("hibernate-core", 6, "org.hibernate.orm"),
    ("hibernate-core", 0, "org.hibernate"),
    ("hibernate-entitymanager", 0, "org.hibernate"),
    ("hsqldb", 0, "org.hsqldb"),
    ("jul-to-slf4j", 0, "org.slf4j"),
    ("kafka-clients", 0, "org.apache.kafka"),
    ("kotlin-reflect", 0, "org.jetbrains.kotlin"),
    ("kotlin-stdlib", 0, "org.jetbrains.kotlin"),
    ("kotlin-stdlib-", 0, "org.jetbrains.kotlin"),
    ("kotlinx-coroutines-", 0, "org.jetbrains.kotlinx"),
    ("log4j", 0, "log4j"),
    ("lucene-", 0, "org.apache.lucene"),
    ("micrometer-", 0, "io.micrometer"),
    ("okhttp", 3, "com.squareup.okhttp3"),
    ("okhttp", 0, "com.squareup.okhttp"),
    ("okio", 0, "com.squareup.okio"),
    ("okio-jvm", 0, "com.squareup.okio"),
    ("opentelemetry-", 0, "io.opentelemetry"),
    ("reactor-core", 0, "io.projectreactor"),
    ("reactor-netty", 0, "io.projectreactor.netty"),
    ("reactor-netty-", 0, "io.projectreactor.netty"),
    ("retrofit", 2, "com.squareup.retrofit2"),
    ("rxjava", 3, "io.reactivex.rxjava3"),
    ("rxjava", 2, "io.reactivex.rxjava2"),
    ("rxjava", 0, "io.reactivex"),
    ("spring-amqp", 0, "org.springframework.amqp"),
    ("spring-aop", 0, "org.springframework"),
    ("spring-aspects", 0, "org.springframework"),
    ("spring-batch-", 0, "org.springframework.batch"),
    ("spring-beans", 0, "org.springframework"),
    ("spring-boot", 0, "org.springframework.boot"),
    ("spring-boot-", 0, "org.springframework.boot"),
    ("spring-context", 0, "org.springframework"),
    ("spring-context-", 0, "org.springframework"),
    ("spring-core", 0, "org.springframework"),
    ("spring-expression", 0, "org.springframework"),
    ("spring-integration-", 0, "org.springframework.integration"),
    ("spring-jcl", 0, "org.springframework"),
    ("spring-jdbc", 0, "org.springframework"),
    ("spring-jms", 0, "org.springframework"),
    ("spring-kafka", 0, "org.springframework.kafka"),
    ("spring-ldap-core", 0, "org.springframework.ldap"),
    ("spring-messaging", 0, "org.springframework"),
    ("spring-orm", 0, "org.springframework"),
    ("spring-oxm", 0, "org.springframework"),
    ("spring-r2dbc", 0, "org.springframework"),
    ("spring-rabbit", 0, "org.springframework.amqp"),
    ("spring-security-", 0, "org.springframework.security"),
    ("spring-session-", 0, "org.springframework.session"),
    ("spring-tx", 0, "org.springframework"),
    ("spring-web", 0, "org.springframework"),
    ("spring-webflux", 0, "org.springframework"),
    ("spring-webmvc", 0, "org.springframework"),
    ("spring-websocket", 0, "org.springframework"),
    ("spring-ws-", 0, "org.springframework.ws"),
    ("tomcat-annotations-api", 0, "org.apache.tomcat"),
    ("tomcat-embed-", 0, "org.apache.tomcat.embed"),
    ("xalan", 0, "xalan"),
    ("xercesImpl", 0, "xerces"),
];

/// Words that a version may have behind a dash (`31.1-jre`, `1.0-SNAPSHOT`), digits after them aside.
const QUALIFIERS: &[&str] = &[
    "alpha",
    "android",
    "b",
    "beta",
    "build",
    "cr",
    "dev",
    "final",
    "ga",
    "incubating",
    "jre",
    "m",
    "milestone",
    "pre",
    "preview",
    "rc",
    "redhat",
    "release",
    "rev",
    "snapshot",
    "sp",
    "v",
];

/// An artifact and a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stem<'a> {
    pub(super) artifact: &'a str,
    pub(super) version: Option<&'a str>,
}

/// Splits a file name without its suffix into an artifact and a version.
pub(super) fn stem(name: &str) -> Stem<'_> {
    let mut last = None;
    for (at, _) in name.match_indices(['-', '_']) {
        let (Some(artifact), Some(version)) = (name.get(..at), name.get(at.saturating_add(1)..)) else {
            continue;
        };
        if artifact.is_empty() || !version.starts_with(|char: char| char.is_ascii_digit()) {
            continue;
        }
        // In `log4j-1.2-api-2.14.1` what follows the first number is no version.
        if version.split('-').all(is_version_part) && version.contains('.') {
            // Scala's `kafka_2.13-3.4.0`: the compiler's version is part of the name.
            let scala = name.get(at..).is_some_and(|rest| rest.starts_with('_')) && version.contains('-');
            if !scala {
                return Stem { artifact, version: Some(version) };
            }
        } else if name.get(at..).is_some_and(|rest| rest.starts_with('-')) {
            last = Some((artifact, version.split('-').next().unwrap_or(version)));
        }
    }
    match last {
        Some((artifact, version)) => Stem { artifact, version: Some(version) },
        None => Stem { artifact: name, version: None },
    }
}

fn is_version_part(part: &str) -> bool {
    let word = part.trim_end_matches(|char: char| char.is_ascii_digit() || char == '.').to_ascii_lowercase();
    part.starts_with(|char: char| char.is_ascii_digit()) || QUALIFIERS.contains(&word.as_str())
}

/// Returns the package a jar is by its file name (without suffix) and manifest; `None` when no version is known.
pub(super) fn guess(name: &str, manifest: &Manifest) -> Option<Package> {
    let stem = stem(name);
    let version = stem.version.or_else(|| {
        let attributes = ["implementation-version", "bundle-version", "specification-version"];
        // `Implementation-Version` may be prose or a build's name (`5.3.17 (abcdef)`).
        attributes.iter().find_map(|attribute| {
            manifest
                .get(attribute)?
                .split(' ')
                .next()
                .filter(|version| version.contains(|char: char| char.is_ascii_digit()))
        })
    })?;
    // A file without a version in its name was often renamed; the title is an artifact if it looks like one.
    let title = || manifest.get("implementation-title").filter(|title| is_artifact(title));
    let artifact = if stem.version.is_some() { stem.artifact } else { title().unwrap_or(stem.artifact) };
    if artifact.is_empty() {
        return None;
    }
    let mut package = Package::new(PackageKind::Maven, artifact, version);
    package.namespace = group(artifact, version, manifest);
    Some(package)
}

fn group(artifact: &str, version: &str, manifest: &Manifest) -> Option<String> {
    let major: u32 = version
        .split(|char: char| !char.is_ascii_digit())
        .next()
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0);
    let known = GROUPS.iter().find(|(name, from, _)| {
        let same = *name == artifact || name.ends_with('-') && artifact.starts_with(name);
        same && major >= *from
    });
    let vendor =
        || manifest.get("implementation-vendor-id").filter(|vendor| is_group(vendor)).map(str::to_owned);
    let symbol = |attribute| {
        let symbol = manifest.symbol(attribute).filter(|symbol| is_group(symbol))?;
        let flat = |text: &str| text.replace(['-', '_'], ".").to_ascii_lowercase();
        let (whole, end) = (flat(symbol), flat(artifact));
        let prefix = whole.strip_suffix(&end)?.strip_suffix('.')?;
        symbol.get(..prefix.len()).map(str::to_owned)
    };
    known
        .map(|(_, _, group)| (*group).to_owned())
        .or_else(vendor)
        .or_else(|| symbol("bundle-symbolicname"))
        .or_else(|| symbol("automatic-module-name"))
}

fn is_group(text: &str) -> bool {
    text.contains('.') && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn is_artifact(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Returns whether a file name (without suffix) is the one of an artifact, in Maven's or in OSGi's spelling.
pub(super) fn is_named(name: &str, artifact: &str, version: &str) -> bool {
    let flat = |text: &str| text.replace(['_', '.'], "-").to_ascii_lowercase();
    let (name, whole, artifact) = (flat(name), flat(&format!("{artifact}-{version}")), flat(artifact));
    name == artifact
        || name == whole
        || name.starts_with(&format!("{whole}-"))
        || name.ends_with(&format!("-{whole}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_split_where_the_version_starts() {
        for (name, artifact, version) in [
            ("log4j-core-2.14.1", "log4j-core", Some("2.14.1")),
            ("log4j-1.2-api-2.14.1", "log4j-1.2-api", Some("2.14.1")),
            ("guava-31.1-jre", "guava", Some("31.1-jre")),
            ("foo-1.0-20200101.123456-1", "foo", Some("1.0-20200101.123456-1")),
            ("kafka_2.13-3.4.0", "kafka_2.13", Some("3.4.0")),
            ("bcprov-jdk15on-1.70", "bcprov-jdk15on", Some("1.70")),
            ("netty-tcnative-2.0.61.Final-linux-x86_64", "netty-tcnative", Some("2.0.61.Final")),
            ("foo-1.0.0-rc1-SNAPSHOT", "foo", Some("1.0.0-rc1-SNAPSHOT")),
            ("org.apache.commons.io_2.8.0", "org.apache.commons.io", Some("2.8.0")),
            ("h2-2", "h2", Some("2")),
            ("app", "app", None),
            ("", "", None),
            ("-1.0", "-1.0", None),
        ] {
            assert_eq!(stem(name), Stem { artifact, version }, "{name}");
        }
    }

    #[track_caller]
    fn check(name: &str, manifest: &str, expected: &str) {
        let package = guess(name, &Manifest::parse(manifest.as_bytes()));
        let found =
            package.map(|package| format!("{}:{}", package.full_name(), package.version)).unwrap_or_default();
        assert_eq!(found, expected);
    }

    #[test]
    fn jars_without_a_pom_are_recognised() {
        check(
            "spring-beans-5.3.17",
            "Implementation-Title: spring-beans",
            "org.springframework:spring-beans:5.3.17",
        );
        check("bcprov-jdk15on-1.70", "Bundle-SymbolicName: bcprov", "org.bouncycastle:bcprov-jdk15on:1.70");
        check("hibernate-core-5.6.1.Final", "", "org.hibernate:hibernate-core:5.6.1.Final");
        check("hibernate-core-6.1.0.Final", "", "org.hibernate.orm:hibernate-core:6.1.0.Final");
        check("lib-1.0", "Implementation-Vendor-Id: org.acme", "org.acme:lib:1.0");
        check("core-util-1.0", "Bundle-SymbolicName: org.acme.core.util;x:=1", "org.acme:core-util:1.0");
        check("lib", "Implementation-Title: real-lib\nImplementation-Version: 3.2 (abc)", "real-lib:3.2");
        check("lib", "Implementation-Title: A Fine Library\nBundle-Version: 3.2", "lib:3.2");
        check("lib", "", "");
    }

    #[test]
    fn the_table_is_sorted_and_puts_later_versions_first() {
        assert!(GROUPS.is_sorted_by_key(|&(name, from, _)| (name, u32::MAX - from)));
    }
}
