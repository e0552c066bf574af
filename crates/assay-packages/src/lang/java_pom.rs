//! Maven's `pom.xml` ([POM reference](https://maven.apache.org/pom.html)): of a project, and inside jars.
//!
//! One file is all that is read: neither parents nor imported dependency managements are fetched, so that a version that comes
//! from there is unknown and its dependency is left out. Properties (`${jackson.version}`) are resolved within the file.
//! What is in scope `test`, `provided` or `system`, or optional, does not come along with the artifact.

use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Origin, Package, PackageKind};
use quick_xml::Reader;
use quick_xml::events::Event;
use std::collections::BTreeMap;

/// The `pom.xml` of projects; those inside `META-INF` belong to [`JavaArchive`](super::java_archive::JavaArchive).
pub(super) struct JavaPom;

/// Elements inside each other; a project's model is eight deep, plug-ins' configuration somewhat more.
const MAX_DEPTH: usize = 256;
/// Bytes of one value, so that properties that contain each other twice do not grow without end.
const MAX_VALUE: usize = 4096;
/// Properties inside properties.
const MAX_NESTING: usize = 8;
/// Dependencies kept.
const MAX_DEPENDENCIES: usize = 20_000;

impl Analyzer for JavaPom {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "java-pom", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("pom.xml")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if file.path.contains("META-INF/maven/") {
            return;
        }
        let Some(text) = file.text(out) else { return };
        let (pom, complete) = Pom::parse(&text);
        if !complete {
            out.warn("damaged-pom", "it is not well-formed XML, what follows the damage was not read");
        }
        for dependency in pom.dependencies.iter().filter(|dependency| dependency.is_runtime()) {
            let Some(version) = pom.version_of(dependency) else { continue };
            let (group, artifact) = (pom.resolve(&dependency.group), pom.resolve(&dependency.artifact));
            if let (Some(group), Some(artifact)) = (group, artifact) {
                let mut package = Package::new(PackageKind::Maven, artifact, version);
                package.namespace = Some(group);
                package.origin = Origin::Declared;
                out.package(package);
            }
        }
    }
}

/// What is used of a `pom.xml`.
#[derive(Debug, Default)]
pub(super) struct Pom {
    /// `groupId`, `artifactId`, `version` of the project, and `parent.…` of its parent, by these names.
    own: BTreeMap<String, String>,
    properties: BTreeMap<String, String>,
    /// Names, or addresses where there is no name.
    pub(super) licenses: Vec<String>,
    pub(super) dependencies: Vec<Dependency>,
    managed: Vec<Dependency>,
}

/// A dependency as written.
#[derive(Debug, Default)]
pub(super) struct Dependency {
    group: String,
    artifact: String,
    version: String,
    scope: String,
    optional: String,
}

impl Dependency {
    /// Returns whether it comes along with the artifact.
    pub(super) fn is_runtime(&self) -> bool {
        matches!(self.scope.as_str(), "" | "compile" | "runtime") && self.optional != "true"
    }

    fn set(&mut self, field: &str, value: &str) {
        let target = match field {
            "groupId" => &mut self.group,
            "artifactId" => &mut self.artifact,
            "version" => &mut self.version,
            "scope" => &mut self.scope,
            "optional" => &mut self.optional,
            _ => return,
        };
        value.clone_into(target);
    }
}

impl Pom {
    /// Reads the model, and says whether it was read to its end.
    pub(super) fn parse(text: &str) -> (Self, bool) {
        let mut pom = Self::default();
        let mut reader = Reader::from_str(text);
        let mut path: Vec<String> = Vec::new();
        let mut value = String::new();
        loop {
            match reader.read_event() {
                Ok(Event::Start(element)) => {
                    path.push(String::from_utf8_lossy(element.local_name().as_ref()).into_owned());
                    value.clear();
                    if path.len() > MAX_DEPTH {
                        return (pom, false);
                    }
                    pom.open(&path);
                }
                Ok(Event::End(_)) => {
                    pom.close(&path, value.trim());
                    path.pop();
                    value.clear();
                }
                Ok(Event::Text(text)) => push(&mut value, &String::from_utf8_lossy(&text)),
                Ok(Event::CData(text)) => push(&mut value, &String::from_utf8_lossy(&text)),
                // Entities are never defined by the file itself here: only the five of XML and characters by number.
                Ok(Event::GeneralRef(entity)) => match entity.resolve_char_ref() {
                    Ok(Some(char)) => value.push(char),
                    _ => push(
                        &mut value,
                        quick_xml::escape::resolve_xml_entity(&String::from_utf8_lossy(&entity))
                            .unwrap_or_default(),
                    ),
                },
                Ok(Event::Eof) => return (pom, path.is_empty()),
                Ok(_) => {}
                Err(_) => return (pom, false),
            }
        }
    }

    fn open(&mut self, path: &[String]) {
        let list = match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["project", "dependencies", "dependency"] => &mut self.dependencies,
            ["project", "dependencyManagement", "dependencies", "dependency"] => &mut self.managed,
            _ => return,
        };
        if list.len() < MAX_DEPENDENCIES {
            list.push(Dependency::default());
        }
    }

    fn close(&mut self, path: &[String], value: &str) {
        match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["project", field @ ("groupId" | "artifactId" | "version")] => {
                self.own.insert((*field).to_owned(), value.to_owned());
            }
            ["project", "parent", field @ ("groupId" | "artifactId" | "version")] => {
                self.own.insert(format!("parent.{field}"), value.to_owned());
            }
            ["project", "properties", name] => {
                self.properties.insert((*name).to_owned(), value.to_owned());
            }
            ["project", "licenses", "license", "name"] if !value.is_empty() => {
                self.licenses.push(value.to_owned());
            }
            ["project", "dependencies", "dependency", field] => {
                if let Some(last) = self.dependencies.last_mut() {
                    last.set(field, value);
                }
            }
            ["project", "dependencyManagement", "dependencies", "dependency", field] => {
                if let Some(last) = self.managed.last_mut() {
                    last.set(field, value);
                }
            }
            _ => {}
        }
    }

    /// Returns a coordinate of the project, inherited from the parent where it is not its own.
    fn coordinate(&self, field: &str) -> Option<&String> {
        self.own
            .get(field)
            .or_else(|| self.own.get(&format!("parent.{field}")).filter(|_| field != "artifactId"))
    }

    /// Returns the project's group.
    pub(super) fn group(&self) -> Option<String> {
        self.resolve(self.coordinate("groupId")?)
    }

    /// Returns the project's artifact.
    pub(super) fn artifact(&self) -> Option<String> {
        self.resolve(self.coordinate("artifactId")?)
    }

    /// Returns the project's version.
    pub(super) fn version(&self) -> Option<String> {
        self.resolve(self.coordinate("version")?)
    }

    /// Returns `group:artifact` of what the artifact needs to run.
    pub(super) fn requires(&self) -> Vec<String> {
        let runtime = self.dependencies.iter().filter(|dependency| dependency.is_runtime());
        runtime
            .filter_map(|dependency| {
                Some(format!("{}:{}", self.resolve(&dependency.group)?, self.resolve(&dependency.artifact)?))
            })
            .collect()
    }

    /// Returns a dependency's exact version, its own or the managed one of the same file.
    fn version_of(&self, dependency: &Dependency) -> Option<String> {
        let managed = || {
            self.managed
                .iter()
                .find(|other| other.group == dependency.group && other.artifact == dependency.artifact)
                .map(|other| other.version.as_str())
        };
        let version =
            Some(dependency.version.as_str()).filter(|version| !version.is_empty()).or_else(managed)?;
        // A range is a wish, not a version.
        self.resolve(version).filter(|version| !version.contains(['[', '(', ',']))
    }

    /// Replaces the properties in `text`; `None` when one is not known here, or nothing is left.
    pub(super) fn resolve(&self, text: &str) -> Option<String> {
        let mut text = text.trim().to_owned();
        for _ in 0..MAX_NESTING {
            let Some((before, rest)) = text.split_once("${") else { break };
            let mut done = before.to_owned();
            let mut rest = rest;
            loop {
                let (name, after) = rest.split_once('}')?;
                done.push_str(self.property(name)?);
                match after.split_once("${") {
                    Some((between, next)) => {
                        done.push_str(between);
                        rest = next;
                    }
                    None => {
                        done.push_str(after);
                        break;
                    }
                }
                if done.len() > MAX_VALUE {
                    return None;
                }
            }
            text = done;
        }
        (!text.is_empty() && text.len() <= MAX_VALUE && !text.contains("${")).then_some(text)
    }

    fn property(&self, name: &str) -> Option<&str> {
        let own = name.strip_prefix("project.").or_else(|| name.strip_prefix("pom.")).unwrap_or(name);
        self.properties.get(name).or_else(|| self.coordinate(own)).map(String::as_str)
    }
}

fn push(value: &mut String, text: &str) {
    if value.len() <= MAX_VALUE {
        value.extend(text.chars().take(MAX_VALUE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_analyze::{Fact, LayerFacts};
    use proptest::prelude::*;

    fn scan(text: &str) -> (Vec<String>, usize) {
        let mut facts = LayerFacts::default();
        let bytes = text.as_bytes();
        let file = File::new("app/pom.xml", 0o644, &bytes);
        JavaPom.analyze(&file, &mut Sink::new("app/pom.xml", &mut facts));
        let facts = facts.paths.into_values().next().unwrap_or_default();
        let packages = facts.facts.iter().filter_map(|fact| match fact {
            Fact::Package(package) => Some(format!("{}:{}", package.full_name(), package.version)),
            _ => None,
        });
        (packages.collect(), facts.warnings.len())
    }

    #[track_caller]
    fn check(body: &str, expected: &[&str]) {
        let (packages, warnings) = scan(&format!("<?xml version=\"1.0\"?>\n<project>{body}</project>"));
        assert_eq!(
            (packages.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), warnings),
            (expected, 0)
        );
    }

    #[test]
    fn versions_are_resolved_within_the_file() {
        check(
            "<parent><groupId>org.acme</groupId><version>1.2</version></parent><artifactId>a</artifactId>
             <properties><x.version>2.${minor}</x.version><minor>7</minor></properties>
             <dependencyManagement><dependencies><dependency><groupId>g</groupId><artifactId>managed</artifactId>
             <version>${x.version}</version></dependency></dependencies></dependencyManagement>
             <dependencies>
             <dependency><groupId>g</groupId><artifactId>managed</artifactId></dependency>
             <dependency><groupId>${project.groupId}</groupId><artifactId>b</artifactId><version>${project.version}</version></dependency>
             <dependency><groupId>g</groupId><artifactId>elsewhere</artifactId></dependency>
             <dependency><groupId>g</groupId><artifactId>unknown</artifactId><version>${nobody.knows}</version></dependency>
             <dependency><groupId>g</groupId><artifactId>range</artifactId><version>[1,2)</version></dependency>
             <dependency><groupId>g</groupId><artifactId>t</artifactId><version>1</version><scope>test</scope></dependency>
             <dependency><groupId>g</groupId><artifactId>o</artifactId><version>1</version><optional>true</optional></dependency>
             <dependency><groupId>g</groupId><artifactId>last</artifactId><version>1.0 <!-- why --></version><exclusions>
             <exclusion><groupId>x</groupId><artifactId>y</artifactId></exclusion></exclusions></dependency>
             </dependencies>",
            &["g:managed:2.7", "org.acme:b:1.2", "g:last:1.0"],
        );
    }

    #[test]
    fn properties_that_never_end_are_given_up() {
        let bomb = "<properties><a>${b}${b}${b}${b}${b}${b}${b}${b}${b}</a><b>${a}${a}${a}${a}${a}</b></properties>
            <dependencies><dependency><groupId>g</groupId><artifactId>a</artifactId><version>${a}</version></dependency></dependencies>";
        check(bomb, &[]);
    }

    #[test]
    fn damage_is_a_warning_and_what_came_before_stays() {
        let text = "<project><dependencies><dependency><groupId>g</groupId><artifactId>a</artifactId><version>1</version></dependency><";
        assert_eq!(scan(text), (vec!["g:a:1".to_owned()], 1));
        assert_eq!(scan(&"<a>".repeat(100_000)), (vec![], 1));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn any_text_is_survived(text in "(<project>|<dependencies>|<dependency>|</[a-z]{1,4}>|<version>|\\$\\{[a-z]?\\}|&#?[a-z0-9]*;|\\PC){0,40}") {
            scan(&text);
        }
    }
}
