//! OVAL definitions about RPM packages (<https://oval-community-guidelines.readthedocs.io/>), as Oracle, SUSE, Photon, Azure Linux and
//! Red Hat publish them: a tree of criteria over tests, each an object (a package) and a state (`evr` less than …).
//!
//! Surprising things:
//! - Definitions come first and tests, objects and states last, so definitions are kept, in short form, until the end.
//! - What applies to which release is said by sibling criteria: an `AND` of "… is installed" and of package tests.
//! - Some publishers' excerpts lack the tests; a criterion's comment ("bind is earlier than 30:9.3.3-8.el5") then says the same.
//! - "Signed with" criteria say nothing about versions and are passed over.

use super::updateinfo::evr;
use super::xml::{Element, XmlError, elements};
use assay_model::advisory::{Advisory, Affected, Fix, Range, RangeEnd};
use assay_model::ecosystem::Ecosystem;
use assay_model::severity::Severity;
use assay_model::timestamp::Timestamp;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;

/// Statements one definition may make; the largest kernel definitions make about 3,000.
const MAX_STATEMENTS: usize = 100_000;
/// Products a statement may be limited to; each statement carries its own list, and SUSE's longest has about 60.
const MAX_PLATFORMS: usize = 1_000;

/// One definition, its criteria resolved.
#[derive(Debug)]
pub(super) struct Definition {
    /// Identifier, title, prose, severity and times; no packages yet.
    pub(super) advisory: Advisory,
    /// References: source, identifier.
    pub(super) references: Vec<(String, String)>,
    /// The CVEs that the definition names.
    pub(super) cves: Vec<String>,
    /// What `affected` names.
    pub(super) platforms: Vec<String>,
    /// Azure's word on whether there is a fix.
    pub(super) patchable: String,
    /// What the criteria say about packages.
    pub(super) statements: Vec<Statement>,
}

/// What criteria say about one package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Statement {
    pub(super) package: String,
    introduced: Option<String>,
    end: End,
    pub(super) architectures: Vec<String>,
    pub(super) module: Option<String>,
    /// The products of which one must be installed; empty when the criteria name none.
    pub(super) platforms: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Open,
    Before(String),
    UpTo(String),
    /// The test can never hold: the package is listed as not affected.
    Never,
}

impl Statement {
    /// Returns the version of the fix.
    pub(super) fn fixed(&self) -> Option<&str> {
        match &self.end {
            End::Before(version) => Some(version),
            _ => None,
        }
    }

    /// Returns the statement as one about a package of `ecosystem`.
    pub(super) fn affected(&self, ecosystem: &Ecosystem) -> Affected {
        let mut affected = Affected::new(ecosystem.clone(), &self.package);
        affected.architectures.clone_from(&self.architectures);
        affected.module.clone_from(&self.module);
        let end = match &self.end {
            End::Open => RangeEnd::Open,
            End::Before(version) => RangeEnd::Fixed(version.clone()),
            End::UpTo(version) => RangeEnd::LastAffected(version.clone()),
            End::Never => {
                affected.fix = Fix::NotAffected;
                return affected;
            }
        };
        if matches!(end, RangeEnd::Open | RangeEnd::LastAffected(_)) {
            affected.fix = Fix::NotFixed;
        }
        affected.ranges = vec![Range { introduced: self.introduced.clone(), end }];
        affected
    }
}

/// A node of criteria.
#[derive(Debug)]
enum Criteria {
    All(Vec<Criteria>),
    Any(Vec<Criteria>),
    Test { id: String, comment: String },
}

#[derive(Debug, Default)]
struct Tests {
    tests: HashMap<String, (String, Vec<String>)>,
    objects: HashMap<String, String>,
    states: HashMap<String, State>,
}

#[derive(Debug, Default)]
struct State {
    evr: Option<(String, String)>,
    version: Option<String>,
    architectures: Vec<String>,
}

/// What one criterion says.
enum Fact {
    Bound(Statement),
    Platform(String),
    Module(String),
    Nothing,
}

/// Calls `visit` with each definition once the whole file is read, and `reject` with those that cannot be read.
///
/// # Errors
/// Fails when the file is not XML; definitions whose tests were lost that way are read from their comments where these tell.
pub(super) fn read(file: impl Read, visit: &mut dyn FnMut(Definition)) -> Result<(), XmlError> {
    let mut definitions: Vec<(Definition, Criteria)> = Vec::new();
    let mut tests = Tests::default();
    let wanted = ["definition", "rpminfo_test", "rpminfo_object", "rpminfo_state"];
    let result = elements(file, &wanted, &mut |element| match element.name.as_str() {
        "definition" => {
            let criteria = element.child("criteria").map_or(Criteria::Any(Vec::new()), criteria);
            definitions.push((definition(&element), criteria));
        }
        "rpminfo_test" => {
            let object =
                element.child("object").map_or("", |object| object.attribute("object_ref")).to_owned();
            let states = element.all("state").map(|state| state.attribute("state_ref").to_owned()).collect();
            tests.tests.insert(element.attribute("id").to_owned(), (object, states));
        }
        "rpminfo_object" => {
            tests.objects.insert(element.attribute("id").to_owned(), element.child_text("name").to_owned());
        }
        _ => {
            tests.states.insert(element.attribute("id").to_owned(), state(&element));
        }
    });
    for (mut definition, criteria) in definitions {
        let mut found = BTreeSet::new();
        tests.walk(&criteria, &Context::default(), &mut found);
        definition.statements = join(found);
        visit(definition);
    }
    result
}

fn definition(element: &Element) -> Definition {
    let metadata = element.child("metadata").cloned().unwrap_or_default();
    let nothing = Element::default();
    let advisory = metadata.child("advisory").unwrap_or(&nothing);
    let severity = [advisory.child_text("severity"), metadata.child_text("severity")];
    let time =
        |name: &str| advisory.child(name).and_then(|child| child.attribute("date").parse::<Timestamp>().ok());
    let mut cves: Vec<String> = Vec::new();
    let mut references = Vec::new();
    let mut facts = Advisory {
        id: element.attribute("id").to_owned(),
        title: metadata.child_text("title").split_whitespace().collect::<Vec<_>>().join(" "),
        details: metadata.child_text("description").to_owned(),
        severity: severity.into_iter().find(|word| !word.is_empty()).and_then(Severity::from_vendor),
        published: time("issued").or_else(|| metadata.child_text("advisory_date").parse().ok()),
        modified: time("updated"),
        ..Advisory::default()
    };
    for reference in metadata.all("reference") {
        let (source, id) = (reference.attribute("source"), reference.attribute("ref_id"));
        cves.extend(find_cve(id));
        references.push((source.to_owned(), id.to_owned()));
        facts
            .references
            .extend(Some(reference.attribute("ref_url").to_owned()).filter(|url| !url.is_empty()));
    }
    for cve in advisory.all("cve") {
        cves.extend(find_cve(&cve.text));
        // `5.5/CVSS:3.1/AV:…`, the score before the vector.
        let vector = cve.attribute("cvss3").split_once('/').map_or("", |(_, vector)| vector);
        facts.cvss.extend(crate::cvss::read(vector, "").filter(|_| !vector.is_empty()));
    }
    cves.sort_unstable();
    cves.dedup();
    Definition {
        advisory: facts,
        references,
        cves,
        platforms: metadata
            .all("affected")
            .flat_map(|affected| affected.all("platform"))
            .map(|platform| platform.text.trim().to_owned())
            .collect(),
        patchable: metadata.child_text("patchable").to_owned(),
        statements: Vec::new(),
    }
}

/// Returns the CVE number in a text (`Mitre CVE-1999-0524`, `CVE:00001:CVE-2019-16168`).
pub(super) fn find_cve(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("CVE-")?;
    let number: String = rest.chars().take_while(|char| char.is_ascii_digit() || *char == '-').collect();
    let (year, serial) = number.trim_end_matches('-').split_once('-')?;
    let good = year.len() == 4
        && (4..=19).contains(&serial.len())
        && serial.bytes().all(|byte| byte.is_ascii_digit());
    good.then(|| format!("CVE-{year}-{serial}"))
}

fn criteria(element: &Element) -> Criteria {
    // The tree was bounded when it was read.
    let children = element
        .children
        .iter()
        .filter_map(|child| match child.name.as_str() {
            "criteria" => Some(criteria(child)),
            "criterion" => Some(Criteria::Test {
                id: child.attribute("test_ref").to_owned(),
                comment: child.attribute("comment").to_owned(),
            }),
            _ => None,
        })
        .collect();
    if element.attribute("operator").eq_ignore_ascii_case("OR") {
        Criteria::Any(children)
    } else {
        Criteria::All(children)
    }
}

fn state(element: &Element) -> State {
    let architectures = element.child_text("arch").trim_matches(['(', ')', '^', '$']);
    State {
        evr: element
            .child("evr")
            .map(|evr| (evr.attribute("operation").to_owned(), evr.text.trim().to_owned())),
        version: element.child("version").map(|version| version.text.trim().to_owned()),
        architectures: architectures
            .split('|')
            .filter(|name| {
                !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            })
            .map(str::to_owned)
            .collect(),
    }
}

#[derive(Debug, Clone, Default)]
struct Context {
    platforms: BTreeSet<String>,
    module: Option<String>,
}

impl Tests {
    fn walk(&self, criteria: &Criteria, context: &Context, out: &mut BTreeSet<Statement>) {
        if out.len() >= MAX_STATEMENTS {
            return;
        }
        match criteria {
            Criteria::Any(children) => children.iter().for_each(|child| self.walk(child, context, out)),
            Criteria::All(children) => {
                // What holds beside the packages holds for each of them.
                let mut context = context.clone();
                for child in children {
                    if !self.has_bound(child) {
                        self.conditions(child, &mut context);
                    }
                }
                let mut bounds: BTreeMap<String, Statement> = BTreeMap::new();
                for child in children {
                    match child {
                        Criteria::Test { .. } => {
                            if let Fact::Bound(statement) = self.fact(child) {
                                // Two bounds of one package are the ends of one interval.
                                match bounds.entry(statement.package.clone()) {
                                    Entry::Occupied(mut known) => narrow(known.get_mut(), statement),
                                    Entry::Vacant(free) => {
                                        free.insert(statement);
                                    }
                                }
                            }
                        }
                        other => self.walk(other, &context, out),
                    }
                }
                out.extend(bounds.into_values().map(|bound| with(bound, &context)));
            }
            Criteria::Test { .. } => {
                if let Fact::Bound(statement) = self.fact(criteria) {
                    out.insert(with(statement, context));
                }
            }
        }
    }

    fn has_bound(&self, criteria: &Criteria) -> bool {
        match criteria {
            Criteria::All(children) | Criteria::Any(children) => {
                children.iter().any(|child| self.has_bound(child))
            }
            Criteria::Test { .. } => matches!(self.fact(criteria), Fact::Bound(_)),
        }
    }

    fn conditions(&self, criteria: &Criteria, context: &mut Context) {
        match criteria {
            Criteria::All(children) | Criteria::Any(children) => {
                children.iter().for_each(|child| self.conditions(child, context));
            }
            Criteria::Test { .. } => match self.fact(criteria) {
                Fact::Platform(platform) if context.platforms.len() < MAX_PLATFORMS => {
                    context.platforms.insert(platform);
                }
                Fact::Module(module) => context.module = Some(module),
                _ => {}
            },
        }
    }

    fn fact(&self, criteria: &Criteria) -> Fact {
        let Criteria::Test { id, comment } = criteria else { return Fact::Nothing };
        // A release package is tested for the release, whatever its operation: only package tests bound packages.
        if let Some(module) =
            comment.strip_prefix("Module ").and_then(|rest| rest.strip_suffix(" is enabled"))
        {
            return Fact::Module(module.to_owned());
        }
        let Some((object, states)) = self.tests.get(id) else { return by_comment(comment) };
        let states = || states.iter().filter_map(|state| self.states.get(state));
        let Some(package) = self.objects.get(object).filter(|name| !name.is_empty()) else {
            return Fact::Nothing;
        };
        let architectures: Vec<String> = states().flat_map(|state| state.architectures.clone()).collect();
        let statement = |introduced, end| {
            Fact::Bound(Statement {
                package: package.clone(),
                introduced,
                end,
                architectures: architectures.clone(),
                module: None,
                platforms: Vec::new(),
            })
        };
        if let Some((operation, version)) = states().find_map(|state| state.evr.as_ref()) {
            let (epoch, rest) = version.split_once(':').unwrap_or(("", version));
            let bound = evr(epoch, rest);
            // Nothing is older than version 0.
            let zero = rest.chars().all(|char| matches!(char, '0' | '.' | '-'));
            return match operation.as_str() {
                // `6` is what one converter of SUSE's writes for `less than`, after the number in OVAL's enumeration.
                "less than" | "6" => statement(None, End::Before(bound)),
                "less than or equal" => statement(None, End::UpTo(bound)),
                // The bound itself is not affected; no build between it and the next is known to have been released.
                "greater than" | "greater than or equal" => statement((!zero).then_some(bound), End::Open),
                _ => Fact::Nothing,
            };
        }
        if let Some(platform) = comment.strip_suffix(" is installed") {
            return Fact::Platform(platform.to_owned());
        }
        if states().any(|state| state.version.as_deref() == Some("0")) {
            return statement(None, End::Never);
        }
        Fact::Nothing
    }
}

/// Reads a criterion whose test is not in the file.
fn by_comment(comment: &str) -> Fact {
    if let Some((package, version)) = comment.split_once(" is earlier than ") {
        let (package, version) = (package.trim(), version.trim());
        let (epoch, rest) = version.split_once(':').unwrap_or(("", version));
        let plain = !package.is_empty() && !rest.is_empty() && !package.contains(' ') && !rest.contains(' ');
        if plain {
            return Fact::Bound(Statement {
                package: package.to_owned(),
                introduced: None,
                end: End::Before(evr(epoch, rest)),
                architectures: Vec::new(),
                module: None,
                platforms: Vec::new(),
            });
        }
    }
    match comment.strip_suffix(" is installed") {
        Some(platform) => Fact::Platform(platform.to_owned()),
        None => Fact::Nothing,
    }
}

fn narrow(known: &mut Statement, other: Statement) {
    known.introduced = known.introduced.take().or(other.introduced);
    if known.end == End::Open {
        known.end = other.end;
    }
}

fn with(mut statement: Statement, context: &Context) -> Statement {
    statement.platforms = context.platforms.iter().cloned().collect();
    statement.module.clone_from(&context.module);
    statement
}

/// Joins statements that differ in their platforms only.
fn join(found: BTreeSet<Statement>) -> Vec<Statement> {
    let mut joined: BTreeMap<Statement, BTreeSet<String>> = BTreeMap::new();
    for mut statement in found {
        let platforms = std::mem::take(&mut statement.platforms);
        joined.entry(statement).or_default().extend(platforms);
    }
    let joined = joined.into_iter();
    joined
        .map(|(statement, platforms)| Statement { platforms: platforms.into_iter().collect(), ..statement })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn criteria_become_statements() {
        let xml = r#"<oval><definitions><definition id="d"><metadata><title>t</title></metadata>
            <criteria operator="AND"><criterion comment="Some OS 8 is installed" test_ref="t1"/><criterion comment="Module n:18 is enabled" test_ref="t9"/>
            <criteria operator="OR"><criteria operator="AND"><criterion test_ref="t2"/><criterion comment="a is signed with key" test_ref="t3"/></criteria>
            <criteria operator="AND"><criterion test_ref="t4"/><criterion test_ref="t5"/></criteria><criterion comment="c is earlier than 0:3-1" test_ref="lost"/>
            </criteria></criteria></definition></definitions><tests>
            <rpminfo_test id="t1"><object object_ref="o1"/><state state_ref="s1"/></rpminfo_test><rpminfo_test id="t2"><object object_ref="o2"/><state state_ref="s2"/></rpminfo_test>
            <rpminfo_test id="t3"><object object_ref="o2"/><state state_ref="s3"/></rpminfo_test><rpminfo_test id="t4"><object object_ref="o4"/><state state_ref="s4"/></rpminfo_test>
            <rpminfo_test id="t5"><object object_ref="o4"/><state state_ref="s5"/></rpminfo_test></tests><objects>
            <rpminfo_object id="o1"><name>os-release</name></rpminfo_object><rpminfo_object id="o2"><name>a</name></rpminfo_object><rpminfo_object id="o4"><name>b</name></rpminfo_object>
            </objects><states><rpminfo_state id="s1"><version operation="pattern match">^8</version></rpminfo_state>
            <rpminfo_state id="s2"><arch operation="pattern match">x86_64|aarch64</arch><evr operation="less than">1:2-1</evr></rpminfo_state><rpminfo_state id="s3"/>
            <rpminfo_state id="s4"><evr operation="greater than">0:1-1</evr></rpminfo_state><rpminfo_state id="s5"><evr operation="less than or equal">0:2-1</evr></rpminfo_state>
            </states></oval>"#;
        let mut got = Vec::new();
        read(xml.as_bytes(), &mut |definition| {
            got.extend(definition.statements.iter().map(|statement| {
                let Statement { package, introduced, end, architectures, module, platforms } = statement;
                format!("{package} {introduced:?} {end:?} {architectures:?} {module:?} {platforms:?}")
            }));
        })
        .unwrap();
        assert_eq!(
            got,
            [
                r#"a None Before("1:2-1") ["x86_64", "aarch64"] Some("n:18") ["Some OS 8"]"#,
                r#"b Some("1-1") UpTo("2-1") [] Some("n:18") ["Some OS 8"]"#,
                r#"c None Before("3-1") [] Some("n:18") ["Some OS 8"]"#,
            ]
        );
    }

    #[test]
    fn cve_numbers_are_found() {
        for (text, want) in [
            ("Mitre CVE-1999-0524", Some("CVE-1999-0524")),
            ("CVE:00001:CVE-2019-16168", Some("CVE-2019-16168")),
            ("CVE-2010-1323 at SUSE", Some("CVE-2010-1323")),
            ("CVE-20-1", None),
            ("RHSA-2020:1", None),
        ] {
            assert_eq!(find_cve(text).as_deref(), want);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn reading_is_total(xml in "(<(definition|criteria|criterion|rpminfo_state|evr)( operator='OR'| test_ref='a'| id='a')*/?>|</(definition|criteria)>){0,20}") {
            let _ = read(xml.as_bytes(), &mut |_| {});
        }
    }
}
