//! `gradle.lockfile` ([dependency locking](https://docs.gradle.org/current/userguide/dependency_locking.html)): lines of
//! `group:artifact:version=configuration,…`.
//!
//! What only tests' configurations hold is not part of the software. The line `empty=` lists configurations without any.

use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Origin, Package, PackageKind};

/// `gradle.lockfile`.
pub(super) struct GradleLock;

impl Analyzer for GradleLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "java-gradle-lock", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("gradle.lockfile")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(text) = file.text(out) else { return };
        let mut damaged = false;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (what, configurations) = line.split_once('=').unwrap_or((line, ""));
            if what == "empty" {
                continue;
            }
            let [group, artifact, version] = what.split(':').collect::<Vec<_>>()[..] else {
                damaged = true;
                continue;
            };
            if !configurations.is_empty() && configurations.split(',').all(|name| name.starts_with("test")) {
                continue;
            }
            let mut package = Package::new(PackageKind::Maven, artifact, version);
            package.namespace = Some(group.to_owned());
            package.origin = Origin::Declared;
            out.package(package);
        }
        if damaged {
            out.warn("damaged-lockfile", "some of its lines are not `group:artifact:version=configurations`");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_analyze::{Fact, LayerFacts};

    #[track_caller]
    fn check(text: &str, expected: &[&str], warnings: usize) {
        let mut facts = LayerFacts::default();
        let bytes = text.as_bytes();
        let file = File::new("gradle.lockfile", 0o644, &bytes);
        GradleLock.analyze(&file, &mut Sink::new("gradle.lockfile", &mut facts));
        let facts = facts.paths.into_values().next().unwrap_or_default();
        let packages = facts.facts.iter().filter_map(|fact| match fact {
            Fact::Package(package) => Some(format!("{}:{}", package.full_name(), package.version)),
            _ => None,
        });
        assert_eq!(packages.collect::<Vec<_>>(), expected);
        assert_eq!(facts.warnings.len(), warnings);
    }

    #[test]
    fn test_configurations_are_left_out() {
        check(
            "# This is a Gradle generated file\ncom.google.guava:guava:29.0-jre=compileClasspath,testCompileClasspath\n\
             junit:junit:4.12=testCompileClasspath,testRuntimeClasspath\nempty=annotationProcessor\n",
            &["com.google.guava:guava:29.0-jre"],
            0,
        );
        check("a:b\na:b:1=c\n", &["a:b:1"], 1);
    }
}
