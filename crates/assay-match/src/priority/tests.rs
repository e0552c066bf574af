//! Every combination, one by one; and the whole tree as the manual prints it.

use super::evidence::{self, EPSS_LIKELY};
use super::tree::{
    Automatable, Exploitation, Inputs, Outcome, Stakes, TREE, TechnicalImpact, decide, stakes,
};
use super::{of_image, prioritise};
use assay_model::context::{
    Context, Criticality, Environment, Exposure, Grade, Sensitivity, Setting, Stated, Statements,
};
use assay_model::finding::{Epss, FindingKind, Kev};
use assay_model::{
    Cvss, Finding, FixState, Image, Inventory, Package, PackageKind, Priority, Severity, Timestamp, Usage,
};
use std::collections::HashSet;
use std::fmt::Write as _;

/// From the least to the most urgent.
const USAGES: [Usage; 3] = [Usage::Unused, Usage::Unknown, Usage::Used];

fn every_input() -> Vec<Inputs> {
    let mut all = Vec::new();
    for exploitation in Exploitation::ALL {
        for exposure in Exposure::ALL.iter().copied() {
            for automatable in Automatable::ALL {
                for impact in TechnicalImpact::ALL {
                    for stakes in Stakes::ALL {
                        for usage in USAGES {
                            all.push(Inputs { exploitation, exposure, automatable, impact, stakes, usage });
                        }
                    }
                }
            }
        }
    }
    all
}

fn rank(inputs: &Inputs) -> [usize; 6] {
    [
        inputs.exploitation as usize,
        inputs.exposure as usize,
        inputs.automatable as usize,
        inputs.impact as usize,
        inputs.stakes as usize,
        USAGES.iter().position(|usage| *usage == inputs.usage).unwrap(),
    ]
}

#[test]
fn every_combination_has_exactly_one_row() {
    let rows: HashSet<_> = TREE.iter().map(|row| (row.0, row.1, row.2)).collect();
    assert_eq!(rows.len(), TREE.len(), "a row is there twice");
    for inputs in every_input() {
        assert!(rows.contains(&(inputs.exploitation, inputs.exposure, inputs.automatable)), "{inputs:?}");
    }
    assert_eq!(every_input().len(), 3 * 3 * 2 * 2 * 3 * 3);
}

#[test]
fn no_input_that_grows_worse_makes_it_milder() {
    let all = every_input();
    for lower in &all {
        for higher in &all {
            let worse = rank(lower).iter().zip(rank(higher)).all(|(low, high)| *low <= high);
            if worse {
                assert!(decide(lower).priority <= decide(higher).priority, "{lower:?}\n{higher:?}");
            }
        }
    }
}

#[test]
fn stakes_grow_with_what_they_are_made_of() {
    for environment in Environment::ALL {
        for data in Sensitivity::ALL {
            for criticality in Criticality::ALL {
                let here = stakes(*environment, *data, *criticality);
                for more in Environment::ALL.iter().filter(|more| *more >= environment) {
                    assert!(stakes(*more, *data, *criticality) >= here);
                }
                for more in Sensitivity::ALL.iter().filter(|more| *more >= data) {
                    assert!(stakes(*environment, *more, *criticality) >= here);
                }
                for more in Criticality::ALL.iter().filter(|more| *more >= criticality) {
                    assert!(stakes(*environment, *data, *more) >= here);
                }
            }
        }
    }
    assert_eq!(stakes(Environment::DEFAULT, Sensitivity::DEFAULT, Criticality::DEFAULT), Stakes::Medium);
}

#[test]
fn what_is_attacked_used_and_open_is_to_be_acted_on() {
    for inputs in every_input() {
        let attacked = inputs.exploitation == Exploitation::Active && inputs.exposure == Exposure::Open;
        let outcome = decide(&inputs);
        if attacked && inputs.usage != Usage::Unused && inputs.stakes != Stakes::Low {
            assert_eq!(outcome.priority, Priority::Act, "{inputs:?}");
        }
        // Nothing that attackers are seen to use sinks far, and nothing at all is urgent without a sign of attacks.
        if attacked {
            assert!(outcome.priority >= Priority::TrackClosely, "{inputs:?}");
        }
        if inputs.exploitation == Exploitation::None {
            assert!(outcome.priority < Priority::Act, "{inputs:?}");
        }
    }
}

#[test]
fn what_is_not_known_to_be_unused_counts_as_used() {
    for inputs in every_input() {
        let with = |usage| decide(&Inputs { usage, ..inputs });
        assert_eq!(with(Usage::Unknown), with(Usage::Used));
        let Outcome { priority, before_usage } = with(Usage::Unused);
        assert_eq!(before_usage, with(Usage::Used).priority);
        let place = |one| Priority::ALL.iter().position(|other| *other == one).unwrap();
        let steps = if inputs.exploitation == Exploitation::Active { 1 } else { 2 };
        assert_eq!(place(priority), (place(before_usage) + steps).min(3));
    }
}

/// Writes the tree as the manual has it.
fn printed() -> String {
    let mut text = String::from(
        "| exploitation | exposure | automatable | partial, low | partial, medium | partial, high | total, low | total, medium \
         | total, high |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for (exploitation, exposure, automatable, outcomes) in TREE {
        let outcomes: Vec<&str> = outcomes.iter().map(|outcome| outcome.name()).collect();
        let (exploitation, automatable) = (exploitation.name(), automatable.name());
        let _ = writeln!(
            text,
            "| {exploitation} | {} | {automatable} | {} |",
            exposure.name(),
            outcomes.join(" | ")
        );
    }
    text
}

#[test]
fn the_manual_prints_the_tree_that_is_used() {
    let manual = include_str!("../../../../docs/manual/priority.md");
    assert!(manual.contains(&printed()), "put this into docs/manual/priority.md:\n{}", printed());
}

fn finding() -> Finding {
    Finding {
        id: String::new(),
        kind: FindingKind::Vulnerability,
        rule: "CVE-2021-44228".into(),
        aliases: Vec::new(),
        title: String::new(),
        severity: Severity::Unknown,
        severity_source: String::new(),
        cvss: Vec::new(),
        epss: None,
        kev: None,
        exploit: false,
        priority: None,
        priority_path: Vec::new(),
        package: Some(0),
        fix: FixState::Unknown,
        in_base: None,
        fixed_versions: Vec::new(),
        locations: Vec::new(),
        evidence: Vec::new(),
        details: Vec::new(),
        suppression: None,
        remediation: String::new(),
    }
}

fn kev() -> Option<Kev> {
    Some(Kev { added: Some(Timestamp(1_639_094_400)), due: None, ransomware: false })
}

fn epss(score: f64) -> Option<Epss> {
    Some(Epss { score, percentile: score, date: None })
}

#[test]
fn exploitation_is_read_from_lists_and_forecasts() {
    let check = |finding: Finding, want: Exploitation, why: &str| {
        let answer = evidence::exploitation(&finding);
        assert_eq!(answer.value, want);
        assert_eq!(answer.reason, why);
    };
    let none = "no attack or attack code is listed";
    check(finding(), Exploitation::None, none);
    let poc = "attack code for CVE-2021-44228 is publicly listed";
    check(Finding { exploit: true, ..finding() }, Exploitation::Poc, poc);
    let active = "CVE-2021-44228 is in CISA KEV since 2021-12-10";
    check(Finding { kev: kev(), exploit: true, ..finding() }, Exploitation::Active, active);
    let below = format!("{none}, and EPSS is 9.0 %");
    check(Finding { epss: epss(EPSS_LIKELY - 0.01), ..finding() }, Exploitation::None, &below);
    let likely = "EPSS forecasts attacks with 10.0 %, at least 10 %";
    check(Finding { epss: epss(EPSS_LIKELY), ..finding() }, Exploitation::Poc, likely);
    check(
        Finding { epss: epss(f64::NAN), ..finding() },
        Exploitation::None,
        &format!("{none}, and EPSS is NaN %"),
    );
}

#[test]
fn vectors_of_every_version_are_understood() {
    use Automatable::{No, Yes};
    use TechnicalImpact::{Partial, Total};
    #[track_caller]
    fn check(vectors: &[&str], want: (Automatable, TechnicalImpact)) {
        let cvss =
            vectors.iter().map(|vector| Cvss { vector: (*vector).into(), score: 9.0, source: "nvd".into() });
        let finding = Finding { cvss: cvss.collect(), severity: Severity::High, ..finding() };
        assert_eq!(
            (evidence::automatable(&finding).value, evidence::impact(&finding).value),
            want,
            "{vectors:?}"
        );
    }
    check(&["CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"], (Yes, Total));
    check(&["CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"], (Yes, Partial));
    check(&["CVSS:3.0/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H"], (No, Total));
    check(&["CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:L/I:L/A:N"], (No, Partial));
    check(&["CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:N/A:N"], (No, Partial));
    check(&["CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"], (Yes, Total));
    check(&["CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:N/VC:H/VI:L/VA:H/SC:N/SI:N/SA:N"], (No, Partial));
    check(&["AV:N/AC:L/Au:N/C:C/I:C/A:C"], (Yes, Total));
    check(&["AV:N/AC:L/Au:S/C:P/I:P/A:P"], (No, Partial));
    // The newer version is believed over the older, and of two the worse.
    check(&["AV:N/AC:L/Au:N/C:C/I:C/A:C", "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:L/I:N/A:N"], (No, Partial));
    let (low, high) =
        ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:L/I:N/A:N", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H");
    check(&[low, high], (Yes, Total));
    // What says nothing counts as nothing: here the severity decides, and attacks count as easy.
    check(&[], (Yes, Total));
    check(&["", "CVSS:3.1/", "AV", "////:::", "CVSS:3.1/AV:N"], (Yes, Total));
}

#[test]
fn without_a_vector_the_rating_says_the_impact() {
    for (severity, want) in [
        (Severity::Unknown, TechnicalImpact::Total),
        (Severity::Critical, TechnicalImpact::Total),
        (Severity::High, TechnicalImpact::Total),
        (Severity::Medium, TechnicalImpact::Partial),
        (Severity::Negligible, TechnicalImpact::Partial),
    ] {
        assert_eq!(evidence::impact(&Finding { severity, ..finding() }).value, want, "{severity}");
    }
}

#[test]
fn a_distribution_that_knows_better_is_believed() {
    let vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
    let cvss = vec![Cvss { vector: vector.into(), score: 9.8, source: "nvd".into() }];
    let rated = |severity, source: &str| {
        let finding = Finding { cvss: cvss.clone(), severity, severity_source: source.into(), ..finding() };
        evidence::impact(&finding)
    };
    let answer = rated(Severity::Negligible, "debian-tracker");
    assert_eq!(answer.value, TechnicalImpact::Partial);
    assert_eq!(answer.reason, "debian-tracker, which knows the package, rates it negligible");
    assert_eq!(rated(Severity::Medium, "debian-tracker").value, TechnicalImpact::Total);
    assert_eq!(rated(Severity::Low, "cvss (nvd)").value, TechnicalImpact::Total);
}

fn inventory(usage: Usage) -> Inventory {
    let mut package = Package::new(PackageKind::Maven, "log4j-core", "2.14.1");
    package.usage = usage;
    Inventory { packages: vec![package], ..Inventory::default() }
}

#[test]
fn the_path_says_every_point_and_why() {
    let log4shell = Finding {
        kev: kev(),
        cvss: vec![Cvss {
            vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H".into(),
            score: 10.0,
            source: "nvd".into(),
        }],
        ..finding()
    };
    let told = |usage| {
        let mut findings = [log4shell.clone()];
        prioritise(&mut findings, &inventory(usage), &Context::default());
        let [finding] = findings;
        let path: Vec<String> = finding
            .priority_path
            .iter()
            .map(|step| format!("{} = {}: {}", step.point, step.value, step.reason))
            .collect();
        (finding.priority.unwrap(), path)
    };
    let (priority, path) = told(Usage::Used);
    assert_eq!(priority, Priority::Act);
    assert_eq!(
        path,
        [
            "exploitation = active: CVE-2021-44228 is in CISA KEV since 2021-12-10",
            "exposure = controlled: nobody states it; this is the default",
            "automatable = yes: nvd's vector says over the network, easily, without privileges or help",
            "technical-impact = total: nvd's vector says that all is disclosed and can be changed",
            "stakes = medium: environment is production (default), data is internal (default), criticality is medium (default)",
            "usage = used: the entry point reaches the package",
        ]
    );
    let (priority, path) = told(Usage::Unused);
    assert_eq!(priority, Priority::Attend);
    assert_eq!(
        path.last().unwrap(),
        "usage = unused: nothing that the entry point reaches needs the package, which lowers act to attend"
    );
}

#[test]
fn the_most_urgent_comes_first_and_then_the_most_severe() {
    let named = |rule: &str, severity, kev| Finding { rule: rule.into(), severity, kev, ..finding() };
    let mut findings = [
        named("CVE-1", Severity::Medium, None),
        named("CVE-2", Severity::Critical, None),
        named("CVE-3", Severity::Medium, kev()),
    ];
    prioritise(&mut findings, &inventory(Usage::Unknown), &Context::default());
    let rules: Vec<&str> = findings.iter().map(|finding| finding.rule.as_str()).collect();
    assert_eq!(rules, ["CVE-3", "CVE-2", "CVE-1"]);
}

#[test]
fn an_image_raises_its_context_and_never_lowers_it() {
    let image = |labels: &[(&str, &str)], ports: &[&str]| {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut image = Image { labels, ..Image::default() };
        image.config.exposed_ports = ports.iter().map(|port| (*port).to_owned()).collect();
        image
    };
    let operator = |exposure| Statements {
        operator: Stated { exposure: Some(Setting::new(exposure, "`--exposure`")), ..Stated::default() },
        subject: Stated::default(),
    };
    let exposure = |operator: &Statements, image: &Image| {
        let (context, warnings) = of_image(operator, image);
        assert!(warnings.is_empty(), "{warnings:?}");
        (context.exposure.value, context.exposure.origin)
    };
    let none = Statements::default();
    assert_eq!(exposure(&none, &image(&[], &[])), (Exposure::Controlled, "default".to_owned()));
    let ports = image(&[], &["8080/tcp"]);
    assert_eq!(exposure(&none, &ports).0, Exposure::Open);
    assert_eq!(exposure(&operator(Exposure::NotExposed), &ports).0, Exposure::NotExposed);
    let open = image(&[("org.assay.exposure", "open")], &[]);
    let (value, origin) = exposure(&operator(Exposure::NotExposed), &open);
    assert_eq!((value, origin.as_str()), (Exposure::Open, "label `org.assay.exposure`"));
    let closed =
        image(&[("org.assay.exposure", "not-exposed"), ("org.assay.environment", "development")], &[]);
    assert_eq!(exposure(&none, &closed).0, Exposure::Controlled);
    assert_eq!(of_image(&none, &closed).0.environment.value, Environment::Production);

    // What else the subject says of itself is held to the same.
    let open = operator(Exposure::Open).operator;
    for (own, want) in [(Exposure::Controlled, Exposure::Open), (Exposure::NotExposed, Exposure::Open)] {
        let both = Statements { subject: open.clone(), ..operator(own) };
        assert_eq!(exposure(&both, &image(&[], &[])).0, want);
    }
    let lower = Statements { subject: operator(Exposure::NotExposed).operator, ..none.clone() };
    assert_eq!(exposure(&lower, &image(&[], &[])).0, Exposure::Controlled);

    let (context, warnings) = of_image(&none, &image(&[("org.assay.data", "secret")], &[]));
    assert_eq!(context.data.value, Sensitivity::Internal);
    assert_eq!(
        warnings[0].message,
        "the label `org.assay.data` is not understood: `secret` is no value of `data`: expected one of public, internal, sensitive"
    );
}
