//! Every rule: what it passes, what it denies, what an exception does, and what missing evidence does.

use crate::facts::*;
use assay_model::report::{CoverageState, SourceKind};
use assay_model::{BaseEvidence, FindingKind, FixState, Priority, Severity, Usage, Warning};
use assay_policy::facts::{Claim, History};
use assay_policy::rule::RULES;
use assay_policy::verdict::{Cause, ExceptionState};
use assay_policy::{Decision, Verdict};
use std::collections::BTreeSet;

/// One rule: its parameters, what spoils the clean image for it, and what takes away what it looks at.
struct Trial {
    rule: &'static str,
    params: &'static str,
    spoil: fn(&mut Case),
    blind: fn(&mut Case),
}

fn unscanned(case: &mut Case) {
    case.scanned = false;
}

fn blind_to(kind: FindingKind) -> impl Fn(&mut Case) {
    move |case| case.report.scanners.retain(|one| *one != kind)
}

fn no_evidence(case: &mut Case) {
    case.evidence.listed.clear();
    case.evidence.candidates.clear();
}

fn trials() -> Vec<Trial> {
    let no_vulnerabilities: fn(&mut Case) = |case| blind_to(FindingKind::Vulnerability)(case);
    vec![
        Trial {
            rule: "vulnerabilities",
            params: "{max: {critical: 0}}",
            spoil: |case| case.report.findings.push(vulnerability("CVE-1", Severity::Critical)),
            blind: no_vulnerabilities,
        },
        Trial {
            rule: "priority",
            params: "{max: {act: 0}}",
            spoil: |case| {
                let mut finding = vulnerability("CVE-1", Severity::Low);
                finding.priority = Some(Priority::Act);
                case.report.findings.push(finding);
            },
            blind: no_vulnerabilities,
        },
        Trial {
            rule: "fixAge",
            params: "{max: {high: 7d}}",
            spoil: |case| {
                case.report.findings.push(fixed("CVE-1", Severity::High));
                case.history = Some(History::of(&[&case.earlier(20)]));
            },
            blind: |case| {
                case.report.findings.push(fixed("CVE-1", Severity::High));
                case.history = None;
            },
        },
        Trial {
            rule: "knownExploited",
            params: "{}",
            spoil: |case| case.report.findings.push(exploited("CVE-1")),
            blind: |case| case.report.database.feeds.retain(|feed| feed.name != "cisa-kev"),
        },
        Trial {
            rule: "exploitForecast",
            params: "{from: 0.5}",
            spoil: |case| case.report.findings.push(exploited("CVE-1")),
            blind: |case| case.report.database.feeds.retain(|feed| feed.name != "epss"),
        },
        Trial {
            rule: "accumulation",
            params: "{max: 1, olderThan: 10d, maxOld: 1, maxGrowth: 1}",
            spoil: |case| {
                for number in 0..4 {
                    case.report.findings.push(vulnerability(&format!("CVE-{number}"), Severity::Medium));
                }
            },
            blind: |case| case.history = None,
        },
        Trial {
            rule: "secrets",
            params: "{}",
            spoil: |case| {
                case.report.findings.push(finding(FindingKind::Secret, "aws-key", Severity::Critical));
            },
            blind: |case| blind_to(FindingKind::Secret)(case),
        },
        Trial {
            rule: "malware",
            params: "{}",
            spoil: |case| {
                case.report.findings.push(finding(FindingKind::Malware, "miner", Severity::Critical));
            },
            blind: |case| blind_to(FindingKind::Malware)(case),
        },
        Trial {
            rule: "misconfigurations",
            params: "{max: {high: 0}, forbid: [\"image-ssh-*\"]}",
            spoil: |case| {
                case.report.findings.push(finding(
                    FindingKind::Misconfiguration,
                    "image-ssh-server",
                    Severity::Low,
                ));
            },
            blind: |case| blind_to(FindingKind::Misconfiguration)(case),
        },
        Trial {
            rule: "nonRoot",
            params: "{}",
            spoil: |case| {
                case.report.findings.push(finding(
                    FindingKind::Misconfiguration,
                    "image-root-user",
                    Severity::Low,
                ));
            },
            blind: |case| case.report.source = SourceKind::Dir,
        },
        Trial {
            rule: "licenses",
            params: "{deny: [AGPL-3.0-only], denyClasses: [proprietary]}",
            spoil: |case| case.report.inventory.packages[1].licenses = vec!["AGPL-3.0-only".into()],
            blind: |case| blind_to(FindingKind::License)(case),
        },
        Trial {
            rule: "packages",
            params: "{forbid: [\"telnet*\"], require: [openssl]}",
            spoil: |case| case.report.inventory.packages[1].name = "telnet-client".into(),
            blind: unscanned,
        },
        Trial {
            rule: "unused",
            params: "{}",
            spoil: |case| case.report.inventory.packages[0].usage = Usage::Unused,
            blind: |case| {
                case.report.inventory.packages.iter_mut().for_each(|one| one.usage = Usage::Unknown);
            },
        },
        Trial {
            rule: "endOfLife",
            params: "{within: 30d}",
            spoil: |case| case.report.inventory.os.as_mut().unwrap().end_of_life = Some(ago(-10)),
            blind: |case| case.report.inventory.os.as_mut().unwrap().end_of_life = None,
        },
        Trial {
            rule: "signed",
            params: "{of: [release]}",
            spoil: |case| {
                case.evidence.candidates.retain(|one| one.claim != Claim::Signature);
                case.sign(digest(1), "mallory");
            },
            blind: no_evidence,
        },
        Trial {
            rule: "attested",
            params: "{type: slsa, of: [release], maxAge: 10d, conditions: [\"predicate.runDetails.builder.id.startsWith('https://example/')\"]}",
            spoil: |case| {
                case.evidence.candidates.retain(|one| one.claim == Claim::Signature);
                case.attest(
                    digest(1),
                    "https://slsa.dev/provenance/v1",
                    serde_json::json!({ "runDetails": { "builder": { "id": "elsewhere" } } }),
                );
            },
            blind: no_evidence,
        },
        Trial {
            rule: "provenance",
            params: "{of: [release], builders: [\"https://example/*\"], sources: [\"https://github.com/acme/*\"]}",
            spoil: |case| {
                case.evidence.candidates.retain(|one| one.claim == Claim::Signature);
                let mut said = provenance();
                said["runDetails"]["builder"]["id"] = "https://elsewhere".into();
                case.attest(digest(1), "https://slsa.dev/provenance/v1", said);
            },
            blind: no_evidence,
        },
        Trial {
            rule: "sbom",
            params: "{of: [release], minPackages: 2, minRecall: 1.0, minScore: 0.3}",
            spoil: |case| {
                case.evidence.candidates.retain(|one| one.claim == Claim::Signature);
                let mut said = sbom();
                said["components"].as_array_mut().unwrap().pop();
                case.attest(digest(1), "https://cyclonedx.org/bom", said);
            },
            blind: no_evidence,
        },
        Trial {
            rule: "registries",
            params: "{allow: [\"registry.example/**\"], deny: [\"registry.example/old/**\"]}",
            spoil: |case| case.reference.as_mut().unwrap().repository = "old/app".into(),
            blind: |case| case.reference = None,
        },
        Trial {
            rule: "bases",
            params: "{allow: [\"registry.example/bases/*\"], signedBy: [release], maxAge: 30d, newest: true}",
            spoil: |case| {
                case.report.image.base.as_mut().unwrap().reference =
                    Some("docker.io/library/debian:12".into());
            },
            blind: |case| case.report.image.base.as_mut().unwrap().evidence = BaseEvidence::Annotation,
        },
        Trial {
            rule: "tags",
            params: "{forbid: [latest, \"dev-*\"]}",
            spoil: |case| {
                let reference = case.reference.as_mut().unwrap();
                (reference.tag, reference.digest) = (Some("dev-7".into()), None);
            },
            blind: |case| case.reference = None,
        },
        Trial {
            rule: "pinned",
            params: "{}",
            spoil: |case| case.reference.as_mut().unwrap().digest = None,
            blind: |case| case.reference = None,
        },
        Trial {
            rule: "imageAge",
            params: "{max: 30d}",
            spoil: |case| case.report.image.created = Some(ago(31)),
            blind: |case| case.report.image.created = Some(assay_model::Timestamp(0)),
        },
        Trial {
            rule: "scan",
            params: "{depth: deep, maxAge: 2d, scanners: [vulnerability, secret]}",
            spoil: |case| {
                case.report.inventory.warnings.push(Warning::unscanned(
                    "damaged",
                    None,
                    "a layer is damaged",
                ));
            },
            blind: |case| {
                case.scanned_at = None;
                case.report.database.built_at = Some(ago(3));
            },
        },
        Trial {
            rule: "database",
            params: "{maxAge: 2d, feeds: [epss], feedMaxAge: 3d}",
            spoil: |case| case.report.database.feeds.retain(|feed| feed.name != "epss"),
            blind: |case| case.report.database.built_in = true,
        },
        Trial {
            rule: "coverage",
            params: "{}",
            spoil: |case| case.report.coverage[0].state = CoverageState::None,
            blind: |case| case.report.coverage[0].state = CoverageState::Stale,
        },
        Trial {
            rule: "budgets",
            params: "{indicators: [time-to-remediate]}",
            spoil: |case| {
                case.budgets.as_mut().unwrap().insert("time-to-remediate".into(), true);
            },
            blind: |case| case.budgets = None,
        },
        Trial {
            rule: "cel",
            params: "{expression: \"image.labels.team in ['a', 'b'] && findings.all(f, f.severity != 'critical')\", message: no team}",
            spoil: |case| {
                case.report.image.labels.insert("team".into(), "x".into());
            },
            blind: |case| case.report.image.labels.clear(),
        },
        // Without the feature a policy with such a rule cannot be read.
        #[cfg(feature = "rego")]
        Trial {
            rule: "rego",
            params: "{module: \"package main\\ndeny contains msg if { input.image.labels.team != \\\"a\\\"; msg := \\\"no team\\\" }\\ndeny contains msg if { some f in input.findings; f.severity == \\\"critical\\\"; msg := f.rule }\"}",
            spoil: |case| {
                case.report.image.labels.insert("team".into(), "x".into());
            },
            blind: unscanned,
        },
    ]
}

pub(crate) fn of<'v>(verdict: &'v Verdict, rule: &str) -> Vec<&'v assay_policy::Reason> {
    verdict.reasons.iter().filter(|reason| reason.kind == rule).collect()
}

fn exception(rule: &str, expires: &str) -> String {
    format!(
        "exceptions:\n  - {{id: E, rules: [{rule}], owner: o, reason: r, approvedBy: a, expires: {expires}}}\n"
    )
}

#[test]
fn every_rule_is_tried() {
    let tried: BTreeSet<&str> = trials().iter().map(|trial| trial.rule).collect();
    let built = |id: &str| id != "rego" || cfg!(feature = "rego");
    let all: BTreeSet<&str> = RULES.iter().map(|rule| rule.id()).filter(|id| built(id)).collect();
    assert_eq!(tried, all);
}

#[test]
fn what_holds_passes() {
    for trial in trials() {
        let verdict = Case::clean().judge(&policy(&format!("  - {}: {}\n", trial.rule, trial.params), ""));
        assert_eq!(verdict.decision, Decision::Admit, "{}: {:#?}", trial.rule, verdict.reasons);
    }
}

#[test]
fn what_does_not_hold_is_denied_with_a_way_out() {
    for trial in trials() {
        let mut case = Case::clean();
        (trial.spoil)(&mut case);
        let verdict = case.judge(&policy(&format!("  - {}: {}\n", trial.rule, trial.params), ""));
        assert_eq!(verdict.decision, Decision::Deny, "{}", trial.rule);
        let reasons = of(&verdict, trial.rule);
        assert!(!reasons.is_empty(), "{}", trial.rule);
        for reason in reasons {
            assert!(!reason.message.is_empty() && !reason.remedy.is_empty(), "{reason:?}");
            assert!(!reason.message.ends_with('.') && !reason.remedy.ends_with('.'), "{reason:?}");
        }
    }
}

#[test]
fn an_exception_takes_a_rule_out_until_it_expires() {
    for trial in trials() {
        let mut case = Case::clean();
        (trial.spoil)(&mut case);
        let rules = format!("  - {}: {}\n", trial.rule, trial.params);
        let verdict = case.judge(&policy(&rules, &exception(trial.rule, "2027-01-01")));
        assert_eq!(of(&verdict, trial.rule), Vec::<&assay_policy::Reason>::new(), "{}", trial.rule);
        assert_eq!(verdict.exceptions[0].state, ExceptionState::Used, "{}", trial.rule);
        let verdict = case.judge(&policy(&rules, &exception(trial.rule, "2026-11-27")));
        assert_eq!(verdict.decision, Decision::Deny, "{}", trial.rule);
        assert_eq!(verdict.exceptions[0].state, ExceptionState::Expired, "{}", trial.rule);
        // One from another rule changes nothing.
        let other = if trial.rule == "pinned" { "tags" } else { "pinned" };
        let verdict = case.judge(&policy(&rules, &exception(other, "2027-01-01")));
        assert_eq!(verdict.decision, Decision::Deny, "{}", trial.rule);
        assert_eq!(verdict.exceptions[0].state, ExceptionState::Unused, "{}", trial.rule);
    }
}

#[test]
fn missing_evidence_is_denied_with_a_reason_of_its_own() {
    for trial in trials() {
        let mut case = Case::clean();
        (trial.blind)(&mut case);
        let verdict = case.judge(&policy(&format!("  - {}: {}\n", trial.rule, trial.params), ""));
        assert_eq!(verdict.decision, Decision::Deny, "{}", trial.rule);
        let reasons = of(&verdict, trial.rule);
        assert!(
            reasons.iter().any(|reason| reason.cause == Cause::MissingEvidence),
            "{}: {reasons:#?}",
            trial.rule
        );
        assert!(reasons.iter().all(|reason| !reason.remedy.is_empty()), "{}", trial.rule);
    }
}

#[test]
fn what_was_not_scanned_is_denied_by_every_rule_about_reports() {
    for trial in trials() {
        let mut case = Case::clean();
        unscanned(&mut case);
        let verdict = case.judge(&policy(&format!("  - {}: {}\n", trial.rule, trial.params), ""));
        assert_eq!(verdict.decision, Decision::Deny, "{}", trial.rule);
    }
}

#[test]
fn a_limit_is_one_on_what_is_worse_and_on_what_is_not_known() {
    for severity in [Severity::Critical, Severity::High, Severity::Unknown] {
        let mut case = Case::clean();
        case.report.findings.push(vulnerability("CVE-1", severity));
        let verdict = case.judge(&policy("  - vulnerabilities: {max: {high: 0}}\n", ""));
        assert_eq!(verdict.decision, Decision::Deny, "{severity}");
    }
    let mut case = Case::clean();
    case.report.findings.push(vulnerability("CVE-1", Severity::Medium));
    assert_eq!(case.judge(&policy("  - vulnerabilities: {max: {high: 0}}\n", "")).decision, Decision::Admit);
}

#[test]
fn grace_needs_a_date() {
    let rules = "  - vulnerabilities: {max: {high: 0}, fix: fixed, grace: 30d}\n";
    let mut case = Case::clean();
    case.report.findings.push(fixed("CVE-1", Severity::High));
    assert_eq!(
        case.judge(&policy(rules, "")).decision,
        Decision::Deny,
        "the fix is as old as anything may be"
    );
    case.history = Some(History::of(&[&case.earlier(20)]));
    assert_eq!(case.judge(&policy(rules, "")).decision, Decision::Admit);
    case.history = Some(History::of(&[&case.earlier(40)]));
    assert_eq!(case.judge(&policy(rules, "")).decision, Decision::Deny);
}

#[test]
fn a_registry_is_the_same_however_it_is_written() {
    let denied = policy("  - registries: {deny: [\"evil.example/**\", \"docker.io/**\"]}\n", "");
    let tiers = "tiers: [{name: strict, match: {registries: [evil.example, docker.io]}}, {name: lax, match: {images: [\"**\"]}, mode: audit}]\n";
    let tiered = policy("  - tags: {forbid: [\"1.0\"]}\n", tiers);
    for host in [
        "evil.example",
        "EVIL.example",
        "Evil.Example:443",
        "evil.example:0443",
        "index.docker.io:00443",
        "docker.io",
        "registry-1.docker.io",
        "index.docker.io",
    ] {
        let mut case = Case::clean();
        let reference = case.reference.as_mut().unwrap();
        (reference.registry, reference.digest) = (host.into(), None);
        assert_eq!(case.judge(&denied).decision, Decision::Deny, "{host}");
        assert_eq!(case.judge(&tiered).decision, Decision::Deny, "{host}");
    }
}

#[test]
fn only_a_proven_base_takes_findings_out() {
    let rules = "  - vulnerabilities: {max: {high: 0}, ownOnly: true}\n";
    let mut case = Case::clean();
    let mut finding = vulnerability("CVE-1", Severity::High);
    finding.in_base = Some(true);
    case.report.findings.push(finding);
    assert_eq!(case.judge(&policy(rules, "")).decision, Decision::Admit);
    // An image that was scanned before may be this one, as it was denied, with a layer less.
    case.report.image.base.as_mut().unwrap().named = false;
    assert_eq!(case.judge(&policy(rules, "")).decision, Decision::Deny);
    case.report.image.base.as_mut().unwrap().named = true;
    case.report.image.base.as_mut().unwrap().evidence = BaseEvidence::Annotation;
    assert_eq!(case.judge(&policy(rules, "")).decision, Decision::Deny);
}

#[test]
fn an_expression_about_what_was_not_looked_for_is_not_decided() {
    let judge = |expression: &str, blind: fn(&mut Case)| {
        let mut case = Case::clean();
        let rule = format!("  - cel: {{expression: \"{expression}\", message: m}}\n");
        assert_eq!(case.judge(&policy(&rule, "")).decision, Decision::Admit, "{expression}");
        blind(&mut case);
        let verdict = case.judge(&policy(&rule, ""));
        of(&verdict, "cel").first().map(|reason| reason.cause)
    };
    let secrets: fn(&mut Case) = |case| blind_to(FindingKind::Secret)(case);
    let feeds: fn(&mut Case) = |case| case.report.database.feeds.clear();
    let missing = Some(Cause::MissingEvidence);
    assert_eq!(judge("findings.all(f, f.kind != 'secret')", secrets), missing);
    assert_eq!(judge("findings.all(f, f.kind != 'malware')", secrets), None);
    assert_eq!(judge("'secret' in scan.kinds ? findings.all(f, f.kind != 'secret') : true", secrets), None);
    assert_eq!(judge("findings.all(f, !f.knownExploited)", feeds), missing);
    assert_eq!(judge("!findings.exists(f, f.epss > 0.5)", feeds), missing);
    assert_eq!(judge("findings.all(f, f.severity != 'critical')", feeds), None);
}

#[test]
fn packages_of_no_distribution_have_an_end_that_nobody_knows() {
    let rules = policy("  - endOfLife: {}\n", "");
    let mut case = Case::clean();
    case.report.inventory.os = None;
    assert_eq!(of(&case.judge(&rules), "endOfLife")[0].cause, Cause::MissingEvidence);
    case.report.inventory.packages.remove(0);
    assert_eq!(case.judge(&rules).decision, Decision::Admit);
}

#[test]
fn of_licences_to_choose_from_one_is_enough() {
    let rules = policy("  - licenses: {allow: [MIT]}\n", "");
    let mut case = Case::clean();
    for (license, want) in
        [("MIT OR GPL-3.0-only", Decision::Admit), ("MIT AND GPL-3.0-only", Decision::Deny)]
    {
        case.report.inventory.packages[1].licenses = vec![license.into()];
        assert_eq!(case.judge(&rules).decision, want, "{license}");
    }
}

#[test]
fn packages_at_their_end_count() {
    let mut case = Case::clean();
    let mut finding = vulnerability("CVE-1", Severity::Low);
    finding.fix = FixState::EndOfLife;
    case.report.findings.push(finding);
    assert_eq!(case.judge(&policy("  - endOfLife: {}\n", "")).decision, Decision::Deny);
    assert_eq!(case.judge(&policy("  - endOfLife: {packages: false}\n", "")).decision, Decision::Admit);
}

#[test]
fn a_distribution_without_releases_does_not_end() {
    let mut case = Case::clean();
    let os = case.report.inventory.os.as_mut().unwrap();
    os.distro = assay_model::distro::by_id("wolfi");
    os.end_of_life = None;
    assert_eq!(case.judge(&policy("  - endOfLife: {}\n", "")).decision, Decision::Admit);
    case.report.inventory.os.as_mut().unwrap().distro = assay_model::distro::by_id("debian");
    assert_eq!(case.judge(&policy("  - endOfLife: {}\n", "")).decision, Decision::Deny);
}

#[cfg(feature = "rego")]
#[test]
fn a_module_denies_what_it_says_and_no_answer_is_no_pass() {
    let judge = |module: &str, more: &str| {
        let mut case = Case::clean();
        case.report.findings.push(vulnerability("CVE-1", Severity::High));
        let rule = serde_json::to_string(module).unwrap();
        let verdict = case.judge(&policy(&format!("  - rego: {{module: {rule}{more}}}\n"), ""));
        let reasons = of(&verdict, "rego");
        reasons.iter().map(|reason| format!("{:?} {}", reason.cause, reason.message)).collect::<Vec<_>>()
    };
    let texts = "package a.b\ndeny contains f.rule if some f in input.findings";
    assert_eq!(judge(texts, ""), ["Violation CVE-1"]);
    let objects = "package main\nviolation contains {\"msg\": \"no\"} if input.scan.deep";
    assert_eq!(judge(objects, ", query: data.main.violation"), ["Violation no"]);
    assert_eq!(judge("package main\ndeny[msg] { msg := \"old\" }", ", version: v0"), ["Violation old"]);
    assert_eq!(judge("package main\ndeny := count(input.findings) > 5", ""), [""; 0]);
    assert_eq!(judge("package main\ndeny := true", ""), ["Violation `data.main.deny` denies it"]);
    // What fails while it is asked is no answer either.
    let failing = "package main\ndeny contains \"old\" if to_number(input.image.repository) > 5";
    for unanswered in ["package main", "package main\ndeny := 1", "package main\ndeny := 1 / 0", failing] {
        let reasons = judge(unanswered, "");
        assert!(reasons[0].starts_with("MissingEvidence the module gives no answer"), "{reasons:?}");
    }
}

#[test]
fn a_module_that_cannot_be_read_or_run_is_refused_with_the_policy() {
    for module in ["package", "package main\ndeny contains"] {
        let rule = serde_json::to_string(module).unwrap();
        let text =
            format!("apiVersion: assay.dev/v1\nkind: ImagePolicy\nrules:\n  - rego: {{module: {rule}}}\n");
        let problems = assay_policy::Policy::parse(&text).unwrap_err();
        let told = if cfg!(feature = "rego") { "cannot be read" } else { "feature `rego`" };
        assert!(problems[0].to_string().contains(told), "{problems:?}");
    }
}

#[test]
fn what_was_admitted_before_is_not_denied_by_the_age_of_its_scan_alone() {
    /// What makes a scan stale for a rule.
    type Aged = (&'static str, fn(&mut Case));
    let rules: [Aged; 6] = [
        ("scan: {maxAge: 7d}", |case| case.scanned_at = Some(ago(8))),
        ("scan: {depth: deep}", |case| case.report.inventory.deep = false),
        ("database: {maxAge: 7d}", |case| case.report.database.built_at = Some(ago(8))),
        ("database: {feedMaxAge: 7d}", |case| {
            case.report.database.feeds.iter_mut().for_each(|feed| feed.synced_at = Some(ago(8)));
        }),
        ("database: {feeds: [epss], feedMaxAge: 7d}", |case| {
            case.report.database.feeds.iter_mut().for_each(|feed| feed.synced_at = Some(ago(8)));
        }),
        ("coverage: {}", |case| case.report.coverage[0].state = CoverageState::Stale),
    ];
    for (rule, age) in rules {
        let policy = policy(&format!("  - {rule}\n  - vulnerabilities: {{max: {{critical: 0}}}}\n"), "");
        let mut case = Case::clean();
        assert_eq!(case.judge(&policy).decision, Decision::Admit, "{rule}");
        age(&mut case);
        let new = case.judge(&policy);
        assert!(
            new.decision == Decision::Deny && new.reasons.iter().all(|reason| reason.stale),
            "{rule} {new:?}"
        );
        case.admitted = Some(ago(20));
        let known = case.judge(&policy);
        assert!(
            known.decision == Decision::Warn && known.reasons.iter().all(|reason| reason.stale),
            "{rule} {known:?}"
        );
        // What speaks against it does so as ever.
        case.report.findings.push(vulnerability("CVE-1", Severity::Critical));
        assert_eq!(case.judge(&policy).decision, Decision::Deny, "{rule}");
        // What was never looked at is no matter of age.
        case.scanned = false;
        let unseen = case.judge(&policy);
        assert!(
            unseen.decision == Decision::Deny && !unseen.reasons.iter().any(|reason| reason.stale),
            "{rule}"
        );
    }
}

#[test]
fn a_policy_knows_when_it_calls_a_scan_stale() {
    let after = |rules: &str| policy(rules, "").stale_after();
    assert_eq!(after("  - secrets: {}\n"), None);
    assert_eq!(
        after("  - scan: {maxAge: 7d}\n  - database: {maxAge: 3d, feedMaxAge: 2d}\n"),
        Some(2 * 86_400)
    );
    assert_eq!(after("  - scan: {maxAge: 1d}\n  - database: {maxAge: 3d}\n"), Some(86_400));
}
