//! Policies are read strictly, and every mistake is told with its place.

use assay_policy::Policy;
use assay_policy::define::{Default, Field, Kind};
use assay_policy::rule::{RULES, defaults};

#[track_caller]
fn problems(text: &str) -> Vec<String> {
    let Err(problems) = Policy::parse(text) else { panic!("it is accepted") };
    problems
        .into_iter()
        .map(|problem| {
            let hint = problem.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
            format!("{problem}{hint}")
        })
        .collect()
}

#[test]
fn every_mistake_is_told_with_line_and_column() {
    let text = "apiVersion: assay.dev/v1\nkind: ImagePolicy\nruless: []\nrules:\n  - vulnerabilitys: {max: {critical: 0}}\n  - vulnerabilities: {max: {critical: none}}\n  - imageAge: {max: 90 days}\n  - signed: {of: [relase]}\n  - tags: {}\n    effect: denny\ntrust:\n  release: {keys: [{file: a.pub}]}\n";
    assert_eq!(
        problems(text),
        [
            "line 3, column 1: the policy has no key `ruless`; did you mean `rules`?",
            "line 5, column 5: a rule has no key `vulnerabilitys`; did you mean `vulnerabilities`?",
            "line 6, column 39: `critical` is `none`, expected a whole number from 0",
            "line 7, column 21: `max` is `90 days`, expected a span of time such as `24h` or `30d`",
            "line 8, column 19: there is no trust root `relase`; did you mean `release`?",
            "line 10, column 13: `effect` is `denny`, expected one of its words; did you mean `deny`?",
        ]
    );
}

#[test]
fn what_could_be_meant_in_two_ways_is_refused() {
    let head = "apiVersion: assay.dev/v1\nkind: ImagePolicy\n";
    for (rest, want) in [
        ("", "it states nothing"),
        ("rules:\n  - secrets: {}\n  - secrets: {max: 1}\n", "two rules called `secrets`"),
        ("rules:\n  - secrets: {}\n    malware: {}\n", "both `secrets` and `malware`"),
        ("rules:\n  - effect: warn\n", "does not say what it asks for"),
        (
            "rules:\n  - signed: {of: [a], atLeast: 2}\ntrust: {a: {keys: [{file: a}]}}\n",
            "asks for 2 signers",
        ),
        ("rules:\n  - signed: {of: [a], atLeast: 0}\ntrust: {a: {keys: [{file: a}]}}\n", "no signer at all"),
        ("trust: {a: {}}\n", "has 0 kinds"),
        ("trust: {a: {keyless: {issuer: i}}}\n", "exactly one of `subject`"),
        ("trust: {a: {keys: [{file: a, pem: b}]}}\n", "exactly one of `pem`"),
        ("tiers: [{name: a}, {name: a}]\n", "two tiers"),
        ("rules:\n  - secrets: {}\n    tiers: [prod]\ntiers: [{name: production}]\n", "no tier `prod`"),
        (
            "exceptions: [{id: a, owner: o, reason: r, approvedBy: a, expires: 2027-01-01}]\n",
            "what it accepts",
        ),
        ("exceptions: [{id: a, advisories: [C], owner: o, reason: r, approvedBy: a}]\n", "has no end"),
        (
            "exceptions: [{id: a, rules: [x], owner: o, reason: r, approvedBy: a, expires: 2027-01-01}]\n",
            "not there: `x`",
        ),
        (
            "exceptions: [{id: a, advisories: [C], owner: o, approvedBy: a, expires: 2027-01-01}]\n",
            "has no `reason`",
        ),
        ("platforms: [a/b/c/d]\n", "no platform"),
        ("rules:\n  - cel: {expression: \"1 +\", message: m}\n", "no expression in CEL"),
        ("rules:\n  - cel: {expression: \"x\"}\n", "has no `message`"),
    ] {
        let text = if rest.is_empty() { String::new() } else { format!("{head}{rest}") };
        let told = problems(&text);
        assert!(told.iter().any(|problem| problem.contains(want)), "{rest}: {told:?}");
    }
    assert!(problems("kind: ImagePolicy\n")[0].contains("`apiVersion`"));
    assert!(problems("a: [")[0].starts_with("line "));
    let deep = format!("a: {}{}", "[".repeat(500), "]".repeat(500));
    assert_eq!(problems(&deep).len(), 1);
}

#[test]
fn an_empty_list_is_not_everything() {
    let head = "apiVersion: assay.dev/v1\nkind: ImagePolicy\n";
    let exception = "owner: o, reason: r, approvedBy: a, expires: 2027-01-01";
    for (rest, key) in [
        ("tiers: [{name: a, match: {namespaces: []}}]\n".to_owned(), "namespaces"),
        ("tiers:\n  - name: a\n    match:\n      namespaces:\n".to_owned(), "namespaces"),
        ("tiers: [{name: a, match: {}}]\n".to_owned(), "match"),
        ("tiers: [{name: a, match: {labels: {}}}]\n".to_owned(), "labels"),
        ("rules:\n  - secrets: {}\n    match:\n".to_owned(), "match"),
        ("rules:\n  - secrets: {}\n    canary: {}\n".to_owned(), "canary"),
        ("rules:\n  - secrets: {}\n    tiers: []\n".to_owned(), "tiers"),
        ("rules:\n  - registries: {allow: [], deny: [a]}\n".to_owned(), "allow"),
        ("rules:\n  - bases: {signedBy: []}\n".to_owned(), "signedBy"),
        ("rules:\n  - budgets: {indicators: []}\n".to_owned(), "indicators"),
        ("platforms: []\n".to_owned(), "platforms"),
        ("trust: {a: {notation: {ca: b, identities: []}}}\n".to_owned(), "identities"),
        (
            format!("exceptions: [{{id: a, advisories: [C], repositories: [], {exception}}}]\n"),
            "repositories",
        ),
        (format!("exceptions: [{{id: a, advisories: [C], digests: [], {exception}}}]\n"), "digests"),
        (format!("exceptions: [{{id: a, advisories: [], packages: [x], {exception}}}]\n"), "advisories"),
    ] {
        let told = problems(&format!("{head}{rest}"));
        assert!(told[0].contains(&format!("`{key}` is empty")), "{rest}: {told:?}");
    }
    // What a default fills can be emptied, and says so.
    for rest in ["rules: []\nexceptions: []\ntiers: []\n", "rules:\n  - tags: {forbid: [], allow: [v1]}\n"] {
        assert!(Policy::parse(&format!("{head}{rest}")).is_ok(), "{rest}");
    }
}

#[test]
fn words_are_what_is_written() {
    let head = "apiVersion: assay.dev/v1\nkind: ImagePolicy\nrules:\n";
    let policy = Policy::parse(&format!("{head}  - tags: {{allow: [1.10, 2.0, 007]}}\n")).unwrap();
    assert_eq!(policy.rules[0].params.texts("allow"), ["1.10", "2.0", "007"]);
    for word in ["on", "true", "0x10", "1_000"] {
        match Policy::parse(&format!("{head}  - tags: {{allow: [{word}]}}\n")) {
            Ok(policy) => assert_eq!(policy.rules[0].params.texts("allow"), [word]),
            Err(problems) => assert!(problems[0].message.contains("expected a word"), "{word}: {problems:?}"),
        }
    }
}

#[test]
fn the_judged_takes_no_effect_off() {
    let text = "apiVersion: assay.dev/v1\nkind: ImagePolicy\nrules:\n  - secrets: {}\n    canary: {labels: {canary: \"true\"}}\n";
    assert!(problems(text)[0].contains("leaving one out"));
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut text = String::from("a: &a [x, x, x, x, x, x, x, x, x]\n");
    for (one, next) in ('a'..'j').zip('b'..) {
        let all = vec![format!("*{one}"); 9].join(", ");
        text.push_str(&format!("{next}: &{next} [{all}]\n"));
    }
    assert_eq!(problems(&text).len(), 1);
}

#[test]
fn every_default_can_be_read() {
    fn check(of: &str, fields: &[Field], read: &assay_policy::define::Params) {
        for field in fields {
            if let Default::Value(text) = field.default {
                assert!(read.get(field.name).is_some(), "{of}.{}: `{text}` cannot be read", field.name);
            }
            assert!(field.about.ends_with('.'), "{of}.{}", field.name);
            if let Kind::Record(inner) = field.kind {
                assert!(inner.iter().all(|field| field.default == Default::Nothing), "{of}.{}", field.name);
            }
        }
    }
    for rule in RULES {
        check(rule.id(), rule.schema(), &defaults(*rule));
        assert!(rule.about().ends_with('.'), "{}", rule.id());
    }
}

#[test]
fn the_examples_of_the_manual_are_read() {
    let page = include_str!("../../../../docs/manual/policy.md");
    let mut examples = page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let policy = Policy::parse(examples.next().unwrap()).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!((policy.trust.len(), policy.tiers.len(), policy.exceptions.len()), (3, 2, 1));
    let suite = assay_policy::fixture::Suite::parse(examples.next().unwrap());
    assert_eq!(suite.unwrap_or_else(|problems| panic!("{problems:?}")).cases.len(), 1);
}

#[test]
fn decisions_of_triage_count_only_where_the_policy_names_their_states() {
    let head = "apiVersion: assay.dev/v1\nkind: ImagePolicy\nrules:\n  - secrets: {}\n";
    let honoured = |rest: &str| Policy::parse(&format!("{head}{rest}")).map(|policy| policy.triage);
    assert_eq!(honoured("").unwrap(), [""; 0]);
    assert_eq!(
        honoured("triage: {honour: [false-positive, exception]}\n").unwrap(),
        ["false-positive", "exception"]
    );
    assert_eq!(
        problems(&format!("{head}triage: {{honour: [false-positives]}}\n")),
        [
            "line 5, column 19: `honour` is `false-positives`, expected one of its words; did you mean `false-positive`?"
        ]
    );
}
