//! A policy: whom to trust, tiers, rules and exceptions, read from one YAML file.
//!
//! What a file may hold is defined in [`FIELDS`], [`RULE_FIELDS`] and the rules' own `schema`; this module puts what was read into
//! types and checks what the definitions cannot say.

use crate::define::{Field, Kind, MATCH, Params, Value};
use crate::exception::{self, Exception};
use crate::read::Reader;
use crate::rule::{self, Rule};
use crate::selector::Selector;
use crate::spelling::nearest;
use crate::tree::{self, Node, Problem};
use crate::trust::{self, TrustRoot};
use crate::verdict::Effect;
use assay_model::Platform;
use std::collections::{BTreeMap, BTreeSet};

/// The version of the format.
pub const API_VERSION: &str = "assay.dev/v1";

/// What a policy may hold; `rules` is read by its own definitions.
pub const FIELDS: &[Field] = &[
    Field::required("apiVersion", Kind::Word(&[API_VERSION]), "The version of the format."),
    Field::required("kind", Kind::Word(&["ImagePolicy"]), "What the document is."),
    Field::optional(
        "metadata",
        Kind::Record(&[
            Field::optional("name", Kind::Text, "The policy's name, which verdicts carry."),
            Field::optional("description", Kind::Text, "What it is for."),
            Field::optional("owner", Kind::Text, "Who answers for it."),
        ]),
        "What it is called.",
    ),
    Field::optional(
        "trust",
        Kind::Map(&Kind::Record(trust::FIELDS)),
        "Whose signatures count, by a name of yours.",
    ),
    Field::optional(
        "platforms",
        Kind::List(&Kind::Text),
        "The platforms that images run on, such as `linux/amd64`; others of an index are not judged.",
    ),
    Field::optional(
        "vex",
        Kind::Record(&[Field::optional(
            "honour",
            Kind::List(&Kind::Trust),
            "Trust roots whose VEX attestations take findings out of the count.",
        )]),
        "Whose statements on vulnerabilities are believed.",
    ),
    Field::optional(
        "triage",
        Kind::Record(&[Field::optional(
            "honour",
            Kind::List(&Kind::Word(&["false-positive", "accepted", "exception"])),
            "Decisions of these states take findings out of the count.",
        )]),
        "Which decisions that people recorded on the server count for its verdicts; without it none.",
    ),
    Field::optional("rules", Kind::List(&Kind::Record(&[])), "What must hold."),
    Field::optional(
        "tiers",
        Kind::List(&Kind::Record(TIER)),
        "How strictly what is judged; without any there is one for all.",
    ),
    Field::optional("exceptionLimits", Kind::Record(exception::LIMITS), "What exceptions may be."),
    Field::optional(
        "exceptions",
        Kind::List(&Kind::Record(exception::FIELDS)),
        "What is accepted for a time.",
    ),
];

const TIER: &[Field] = &[
    Field::required("name", Kind::Text, "Its name."),
    Field::optional("match", Kind::Record(MATCH), "What belongs to it; without it everything."),
    Field::or(
        "mode",
        Kind::Word(&["enforce", "warn", "audit"]),
        "enforce",
        "The most that rules lead to: a denial, a warning, or a record.",
    ),
    Field::or(
        "onPending",
        Kind::Word(&["deny", "admit-and-watch", "wait"]),
        "deny",
        "What a cluster does with an image whose scan is not finished.",
    ),
    Field::or(
        "watchFor",
        Kind::Duration,
        "24h",
        "How long `admit-and-watch` admits an image whose scan does not end; from then on it is denied.",
    ),
];

/// What every rule may hold beside its own key.
pub const RULE_FIELDS: &[Field] = &[
    Field::optional("id", Kind::Text, "What verdicts and exceptions call it; without it the rule's own key."),
    Field::or(
        "effect",
        Kind::Word(&["deny", "warn", "audit"]),
        "deny",
        "What it leads to when it is broken.",
    ),
    Field::optional(
        "effects",
        Kind::Map(&Kind::Word(&["deny", "warn", "audit", "off"])),
        "The same for single tiers, by their names.",
    ),
    Field::optional("tiers", Kind::List(&Kind::Text), "The tiers it is for; without it all."),
    Field::optional("match", Kind::Record(MATCH), "The images it is for; without it all."),
    Field::optional(
        "canary",
        Kind::Record(MATCH),
        "Where it has its effect already; everywhere else it is only recorded.",
    ),
];

/// A policy.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Whose signatures count, by name.
    pub trust: BTreeMap<String, TrustRoot>,
    /// The platforms that images run on; empty means all.
    pub platforms: Vec<Platform>,
    /// Trust roots whose VEX attestations count.
    pub vex: Vec<String>,
    /// The states of triage that count, where there is a server that records it.
    pub triage: Vec<String>,
    /// The tiers.
    pub tiers: Vec<Tier>,
    /// The rules.
    pub rules: Vec<PolicyRule>,
    /// The exceptions.
    pub exceptions: Vec<Exception>,
    /// The longest an exception may run from now, in seconds.
    pub max_lifetime: Option<i64>,
    /// How long before its end an exception is called expiring, in seconds.
    pub warn_before: i64,
}

/// How strictly something is judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Tier {
    /// Its name.
    pub name: String,
    /// What belongs to it.
    pub selector: Selector,
    /// The most that rules lead to.
    pub mode: Effect,
    /// What a cluster does with an image whose scan is not finished.
    pub on_pending: Pending,
    /// How long an image is admitted and watched, in seconds.
    pub watch_for: i64,
}

/// How long an image is watched when nothing is said: a day.
const WATCH_FOR: i64 = 86_400;

/// What a cluster does with an image whose scan is not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pending {
    /// It denies.
    Deny,
    /// It admits, and looks at the verdict when it comes.
    AdmitAndWatch,
    /// It waits for a while.
    Wait,
}

/// One rule with its parameters.
#[derive(Clone)]
pub struct PolicyRule {
    /// What the policy calls it.
    pub id: String,
    /// The rule.
    pub rule: &'static dyn Rule,
    /// Its parameters.
    pub params: Params,
    /// What it leads to.
    pub effect: Effect,
    /// The same for single tiers; `None` turns it off.
    pub effects: BTreeMap<String, Option<Effect>>,
    /// The tiers it is for; empty means all.
    pub tiers: BTreeSet<String>,
    /// The images it is for.
    pub selector: Selector,
    /// Where it has its effect already.
    pub canary: Option<Selector>,
}

impl std::fmt::Debug for PolicyRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PolicyRule")
            .field("id", &self.id)
            .field("params", &self.params)
            .finish_non_exhaustive()
    }
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// Returns everything that is wrong with it, in the order of lines.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let root = tree::parse(text).map_err(|problem| vec![problem])?;
        let mut reader = Reader::default();
        let policy = read(&mut reader, &root);
        if reader.problems.is_empty() {
            return Ok(policy);
        }
        reader.problems.sort_by_key(|problem| problem.place);
        Err(reader.problems)
    }

    /// Returns the tier of this name.
    pub fn tier(&self, name: &str) -> Option<&Tier> {
        self.tiers.iter().find(|tier| tier.name == name)
    }

    /// Returns whether any rule looks at signatures or attestations of the image.
    pub fn needs_evidence(&self) -> bool {
        !self.vex.is_empty() || self.rules.iter().any(|rule| rule.rule.needs_evidence(&rule.params))
    }

    /// Returns whether any rule looks at signatures of the base image.
    pub fn needs_base_evidence(&self) -> bool {
        self.rules.iter().any(|rule| rule.rule.needs_base_evidence(&rule.params))
    }

    /// Returns whether any rule asks for a deep scan.
    pub fn needs_deep_scan(&self) -> bool {
        self.rules.iter().any(|rule| rule.rule.needs_deep_scan(&rule.params))
    }

    /// Returns after how many seconds the first of its rules calls a scan stale, or what the scan was made with.
    pub fn stale_after(&self) -> Option<i64> {
        self.rules.iter().filter_map(|rule| rule.rule.stale_after(&rule.params)).min()
    }

    /// Returns whether the verdict may be another where this label of the workload changes.
    pub fn judges_by_label(&self, name: &str) -> bool {
        let tiers = self.tiers.iter().map(|tier| &tier.selector);
        let rules = self.rules.iter().map(|rule| &rule.selector);
        tiers.chain(rules).any(|selector| selector.labels.contains_key(name))
            || self.rules.iter().any(|rule| rule.rule.looks_at_placement(&rule.params))
    }
}

fn read(reader: &mut Reader, root: &Node) -> Policy {
    // `rules` is defined by the rules themselves and read apart.
    let mut rest = root.clone();
    let mut rules = None;
    if let tree::Value::Map(entries) = &mut rest.value {
        entries.retain(|(key, _, value)| {
            let is_rules = key == "rules";
            if is_rules && rules.is_none() {
                rules = Some(value.clone());
            }
            !is_rules
        });
    }
    if rest.value == tree::Value::Nothing {
        reader.problem(
            Problem::new(root.place, "it states nothing")
                .hint("write a first policy with `assay policy init --profile baseline`"),
        );
        return Policy::default();
    }
    let params = reader.record(&rest, "the policy", FIELDS);
    let metadata = params.record("metadata");
    let text = |name| metadata.and_then(|metadata| metadata.text(name)).map(str::to_owned);
    let mut policy = Policy {
        name: text("name").unwrap_or_else(|| "policy".to_owned()),
        owner: text("owner"),
        warn_before: 14 * assay_model::timestamp::DAY,
        ..Policy::default()
    };
    if let Some(Value::Map(roots)) = params.get("trust") {
        for (name, value) in roots {
            if let Value::Record(record) = value
                && let Some(root) = trust::read(reader, name, record)
            {
                policy.trust.insert(name.clone(), root);
            }
        }
    }
    platforms(reader, &params, &mut policy);
    if let Some(vex) = params.record("vex") {
        policy.vex = vex.texts("honour").into_iter().map(str::to_owned).collect();
    }
    if let Some(triage) = params.record("triage") {
        policy.triage = triage.texts("honour").into_iter().map(str::to_owned).collect();
    }
    for record in params.records("tiers") {
        tier(reader, record, &mut policy);
    }
    if let Some(node) = &rules {
        self::rules(reader, node, &mut policy);
    }
    if let Some(limits) = params.record("exceptionLimits") {
        policy.max_lifetime = limits.duration("maxLifetime");
        policy.warn_before = limits.duration("warnBefore").unwrap_or(policy.warn_before);
    }
    for record in params.records("exceptions") {
        exception::read(reader, record, &mut policy);
    }
    for (name, place) in std::mem::take(&mut reader.trust) {
        if !policy.trust.contains_key(&name) {
            let known: Vec<&str> = policy.trust.keys().map(String::as_str).collect();
            let hint = match nearest(&name, &known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("define it: `trust: {{{name}: …}}`"),
            };
            // A root that was given but could not be read has been told already.
            let given = root.get("trust").is_some_and(|trust| trust.get(&name).is_some());
            if !given {
                reader.problem(Problem::new(place, format!("there is no trust root `{name}`")).hint(hint));
            }
        }
    }
    policy
}

fn platforms(reader: &mut Reader, params: &Params, policy: &mut Policy) {
    for text in params.texts("platforms") {
        match text.parse() {
            Ok(platform) => policy.platforms.push(platform),
            Err(_) => reader.problem(
                Problem::new(params.place, format!("`{text}` is no platform"))
                    .hint("write operating system and architecture: `linux/amd64`"),
            ),
        }
    }
}

fn tier(reader: &mut Reader, record: &Params, policy: &mut Policy) {
    let Some(name) = record.text("name") else { return };
    if policy.tier(name).is_some() {
        reader.problem(Problem::new(record.place, format!("there are two tiers called `{name}`")));
    }
    policy.tiers.push(Tier {
        name: name.to_owned(),
        selector: Selector::of(record.record("match")),
        mode: match record.text("mode") {
            Some("warn") => Effect::Warn,
            Some("audit") => Effect::Audit,
            _ => Effect::Deny,
        },
        on_pending: match record.text("onPending") {
            Some("admit-and-watch") => Pending::AdmitAndWatch,
            Some("wait") => Pending::Wait,
            _ => Pending::Deny,
        },
        watch_for: record.duration("watchFor").unwrap_or(WATCH_FOR),
    });
}

fn rules(reader: &mut Reader, node: &Node, policy: &mut Policy) {
    match &node.value {
        tree::Value::List(items) => items.iter().for_each(|item| one_rule(reader, item, policy)),
        tree::Value::Nothing => {}
        other => reader.problem(
            Problem::new(node.place, format!("`rules` is {}, expected a list", other.what()))
                .hint("begin each with its key: `- vulnerabilities: {max: {critical: 0}}`"),
        ),
    }
}

fn one_rule(reader: &mut Reader, node: &Node, policy: &mut Policy) {
    let known: Vec<&str> =
        rule::RULES.iter().map(|rule| rule.id()).chain(RULE_FIELDS.iter().map(|field| field.name)).collect();
    let mut common = node.clone();
    let mut found: Option<(&'static dyn Rule, &Node, tree::Place)> = None;
    for (key, place, value) in reader.entries(node, "a rule", &known) {
        let Some(rule) = rule::by_id(key) else { continue };
        match found {
            None => found = Some((rule, value, place)),
            Some((first, ..)) => reader.problem(
                Problem::new(place, format!("one rule is both `{}` and `{key}`", first.id()))
                    .hint(format!("begin another with `- {key}:`")),
            ),
        }
    }
    if let tree::Value::Map(entries) = &mut common.value {
        entries.retain(|(key, ..)| RULE_FIELDS.iter().any(|field| field.name == key));
    }
    let Some((rule, value, place)) = found else {
        if matches!(node.value, tree::Value::Map(_)) && reader.problems.is_empty() {
            reader.problem(
                Problem::new(node.place, "a rule does not say what it asks for")
                    .hint("see `assay policy explain` for all rules"),
            );
        }
        return;
    };
    let common = reader.record(&common, "a rule", RULE_FIELDS);
    if let Some(canary) = common.record("canary").filter(|canary| canary.get("labels").is_some()) {
        reader.problem(
            Problem::new(
                canary.place,
                "`canary` looks at labels: the judged would take the effect off by leaving one out",
            )
            .hint("name where it has its effect: `canary: {namespaces: [prod-canary]}`"),
        );
    }
    let before = reader.problems.len();
    let params = reader.record(value, &format!("`{}`", rule.id()), rule.schema());
    // What could not be read has been told.
    if reader.problems.len() == before
        && let Err(message) = rule.check(&params)
    {
        reader.problem(Problem::new(place, format!("`{}` {message}", rule.id())));
    }
    let id = common.text("id").unwrap_or(rule.id()).to_owned();
    if policy.rules.iter().any(|other| other.id == id) {
        reader.problem(
            Problem::new(place, format!("there are two rules called `{id}`"))
                .hint("give one of them a name of its own with `id: NAME`"),
        );
    }
    let tiers: Vec<&str> = policy.tiers.iter().map(|tier| tier.name.as_str()).collect();
    let mut named: Vec<&str> = common.texts("tiers");
    named.extend(common.map("effects").into_iter().map(|(tier, _)| tier));
    for tier in named {
        if !tiers.contains(&tier) {
            let hint = nearest(tier, &tiers).map_or_else(
                || format!("the tiers are {}", tiers.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            reader.problem(Problem::new(place, format!("there is no tier `{tier}`")).hint(hint));
        }
    }
    policy.rules.push(PolicyRule {
        id,
        rule,
        params,
        effect: common.text("effect").and_then(Effect::parse).unwrap_or(Effect::Deny),
        effects: common
            .map("effects")
            .into_iter()
            .map(|(tier, effect)| (tier.to_owned(), Effect::parse(effect)))
            .collect(),
        tiers: common.texts("tiers").into_iter().map(str::to_owned).collect(),
        selector: Selector::of(common.record("match")),
        canary: common.record("canary").map(|canary| Selector::of(Some(canary))),
    });
}
