//! Who is told of what, and how urgently.
//!
//! An image can be in several repositories, under several tags, and run in several services: each such aspect is looked at by itself,
//! the first rule that fits it decides, and what any aspect calls for is done. So an image that is pushed to a place about which nobody
//! wants to know is told of all the same when it is anywhere else.

use super::kind::{Course, Told};
use assay_model::Severity;
use assay_policy::pattern;
use assay_store::Moment;
use std::collections::{BTreeMap, BTreeSet};

/// How urgent it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Urgency {
    /// Nobody is told.
    None,
    /// Somebody should look at it in working hours.
    #[default]
    Ticket,
    /// Somebody should look at it now.
    Page,
}

impl Urgency {
    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Ticket => "ticket",
            Self::Page => "page",
        }
    }

    /// Reads its name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::None, Self::Ticket, Self::Page].into_iter().find(|urgency| urgency.name() == text)
    }
}

/// One way to look at what an event is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Aspect {
    /// The repository with its registry; empty for what is about no image.
    pub(crate) repository: String,
    /// A tag in it; empty for none.
    pub(crate) tag: String,
    /// The environment of a service that runs it; empty for none.
    pub(crate) environment: String,
    /// The service.
    pub(crate) service: String,
}

/// What an aspect must be like. Of each list that is not empty one pattern must fit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Selector {
    /// Patterns of `REGISTRY/REPOSITORY`.
    pub(crate) repositories: Vec<String>,
    /// Patterns of tags.
    pub(crate) tags: Vec<String>,
    /// Patterns of environments.
    pub(crate) environments: Vec<String>,
    /// Patterns of services.
    pub(crate) services: Vec<String>,
    /// Names of teams.
    pub(crate) teams: Vec<String>,
}

impl Selector {
    /// Says whether it asks for nothing.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn fits(&self, aspect: &Aspect, teams: &Teams) -> bool {
        let fits = |patterns: &[String], text: &str| {
            patterns.is_empty() || (!text.is_empty() && pattern::any(patterns, text))
        };
        fits(&self.repositories, &aspect.repository)
            && fits(&self.tags, &aspect.tag)
            && fits(&self.environments, &aspect.environment)
            && fits(&self.services, &aspect.service)
            && (self.teams.is_empty()
                || teams.of(aspect).iter().any(|team| self.teams.iter().any(|name| name == team)))
    }
}

/// What belongs to whom: a team owns what fits any of its patterns of repositories or services.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Teams(pub(crate) BTreeMap<String, Selector>);

impl Teams {
    /// Returns who owns something.
    pub(crate) fn of(&self, aspect: &Aspect) -> Vec<&str> {
        let owns = |selector: &Selector| {
            pattern::any(&selector.repositories, &aspect.repository)
                || (!aspect.service.is_empty() && pattern::any(&selector.services, &aspect.service))
        };
        self.0.iter().filter(|(_, selector)| owns(selector)).map(|(name, _)| name.as_str()).collect()
    }
}

/// Who is told of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    /// Kinds of events; none for all.
    pub(crate) kinds: Vec<&'static str>,
    /// The least severity.
    pub(crate) severity: Severity,
    /// What the image must be like.
    pub(crate) selector: Selector,
    /// Who is told; none for everybody.
    pub(crate) channels: BTreeSet<String>,
    /// How urgent it is; `None` when the severity says so.
    pub(crate) urgency: Option<Urgency>,
}

/// What is told to nobody for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snooze {
    /// What the image must be like.
    pub(crate) selector: Selector,
    /// Until when; for good without.
    pub(crate) until: Option<Moment>,
}

/// All rules.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    /// In the order in which they are tried. Without any everybody is told of everything from severity high.
    pub(crate) rules: Vec<Rule>,
    /// What is told to nobody.
    pub(crate) snooze: Vec<Snooze>,
    /// What belongs to whom.
    pub(crate) teams: Teams,
}

/// The least severity that is told where no rule says another.
pub(crate) const LEAST: Severity = Severity::High;

impl Rules {
    /// Says how urgent something is for a channel.
    pub(crate) fn urgency(&self, channel: &str, told: &Told, aspects: &[Aspect], now: Moment) -> Urgency {
        aspects.iter().map(|aspect| self.of_aspect(channel, told, aspect, now)).max().unwrap_or(Urgency::None)
    }

    fn of_aspect(&self, channel: &str, told: &Told, aspect: &Aspect, now: Moment) -> Urgency {
        // That something is over is told to whoever was told of it, and that is known elsewhere.
        if told.is_end {
            return Urgency::Ticket;
        }
        let is_snoozed = |snooze: &Snooze| {
            snooze.until.is_none_or(|until| now < until) && snooze.selector.fits(aspect, &self.teams)
        };
        if self.snooze.iter().any(is_snoozed) {
            return Urgency::None;
        }
        let by_severity =
            || if told.severity >= Severity::Critical { Urgency::Page } else { Urgency::Ticket };
        if self.rules.is_empty() {
            return if told.severity >= LEAST { by_severity() } else { Urgency::None };
        }
        let rule = self.rules.iter().find(|rule| {
            (rule.kinds.is_empty() || rule.kinds.contains(&told.kind.name))
                && told.severity >= rule.severity
                && rule.selector.fits(aspect, &self.teams)
        });
        match rule {
            Some(rule) if rule.channels.is_empty() || rule.channels.contains(channel) => {
                rule.urgency.unwrap_or_else(by_severity)
            }
            Some(_) | None => Urgency::None,
        }
    }
}

/// Says whether a kind's end is told to people as well.
pub(crate) fn tells_end(course: Course, is_alert_manager: bool) -> bool {
    match course {
        Course::Once => false,
        Course::UntilQuietly(_) => is_alert_manager,
        Course::Until(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_store::Event;

    fn told(kind: &str, severity: &str) -> Told {
        let detail = serde_json::json!({ "severity": severity, "finding": "f" }).to_string();
        let event = Event { id: 1, at: Moment(0), kind: kind.to_owned(), digest: None, detail };
        super::super::kind::read(&event).unwrap()
    }

    fn aspect(repository: &str, tag: &str, environment: &str, service: &str) -> Aspect {
        let text = str::to_owned;
        Aspect {
            repository: text(repository),
            tag: text(tag),
            environment: text(environment),
            service: text(service),
        }
    }

    fn texts(all: &[&str]) -> Vec<String> {
        all.iter().map(|&one| one.to_owned()).collect()
    }

    #[test]
    fn without_rules_everybody_is_told_from_high_on_and_paged_by_critical() {
        let rules = Rules::default();
        let urgency =
            |kind, severity| rules.urgency("any", &told(kind, severity), &[Aspect::default()], Moment(0));
        assert_eq!(urgency("finding-appeared", "critical"), Urgency::Page);
        assert_eq!(urgency("finding-appeared", "high"), Urgency::Ticket);
        assert_eq!(urgency("finding-appeared", "medium"), Urgency::None);
        assert_eq!(urgency("finding-appeared", ""), Urgency::None);
        assert_eq!(urgency("tag-moved", ""), Urgency::Ticket);
        assert_eq!(urgency("break-glass", ""), Urgency::Page);
        assert_eq!(urgency("finding-gone", "low"), Urgency::Ticket);
    }

    #[test]
    fn the_first_rule_that_fits_an_aspect_decides_and_the_most_urgent_aspect_wins() {
        let rule = |selector, channels: &[&str], urgency| Rule {
            kinds: vec!["finding-appeared"],
            severity: Severity::Medium,
            selector,
            channels: channels.iter().map(|&one| one.to_owned()).collect(),
            urgency: Some(urgency),
        };
        let by = |environments: &[&str], teams: &[&str]| Selector {
            environments: texts(environments),
            teams: texts(teams),
            ..Selector::default()
        };
        let owned = Selector {
            repositories: texts(&["*/payments/**"]),
            services: texts(&["pay-*"]),
            ..Selector::default()
        };
        let rules = Rules {
            rules: vec![
                rule(by(&["production"], &[]), &["pager", "chat"], Urgency::Page),
                rule(by(&[], &["payments"]), &["mail"], Urgency::Ticket),
                rule(Selector::default(), &[], Urgency::None),
            ],
            snooze: Vec::new(),
            teams: Teams([("payments".to_owned(), owned)].into()),
        };
        let urgency = |channel, aspects: &[Aspect]| {
            rules.urgency(channel, &told("finding-appeared", "high"), aspects, Moment(0))
        };
        let production = aspect("r.example/payments/api", "1", "production", "pay-api");
        let staging = aspect("r.example/other", "1", "staging", "pay-api");
        let nobody = aspect("r.example/other", "1", "", "");
        assert_eq!(urgency("pager", std::slice::from_ref(&production)), Urgency::Page);
        assert_eq!(urgency("mail", std::slice::from_ref(&production)), Urgency::None);
        assert_eq!(urgency("mail", std::slice::from_ref(&staging)), Urgency::Ticket);
        assert_eq!(urgency("pager", std::slice::from_ref(&nobody)), Urgency::None);
        let both = [nobody, staging, production];
        assert_eq!((urgency("pager", &both), urgency("mail", &both)), (Urgency::Page, Urgency::Ticket));
        assert_eq!(rules.urgency("mail", &told("finding-appeared", "low"), &both, Moment(0)), Urgency::None);
        assert_eq!(rules.urgency("mail", &told("tag-moved", ""), &both, Moment(0)), Urgency::None);
    }

    #[test]
    fn what_is_snoozed_is_told_when_it_is_anywhere_else_or_the_time_is_over() {
        let selector = Selector { repositories: texts(&["*/dev/**"]), ..Selector::default() };
        let rules = Rules { snooze: vec![Snooze { selector, until: Some(Moment(10)) }], ..Rules::default() };
        let (dev, released) =
            (aspect("r.example/dev/app", "x", "", ""), aspect("r.example/app", "1", "", ""));
        let urgency = |aspects: &[Aspect], now| {
            rules.urgency("any", &told("finding-appeared", "critical"), aspects, Moment(now))
        };
        assert_eq!(urgency(std::slice::from_ref(&dev), 9), Urgency::None);
        assert_eq!(urgency(std::slice::from_ref(&dev), 10), Urgency::Page);
        assert_eq!(urgency(&[dev, released], 9), Urgency::Page);
        // What is about no image is about no repository either.
        assert_eq!(urgency(&[Aspect::default()], 9), Urgency::Page);
    }
}
