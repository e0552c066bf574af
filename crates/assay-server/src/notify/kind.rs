//! What people may want to know: every kind of event that can be told, and what there is to say about it. A kind more is an entry here.

use assay_model::Severity;
use assay_store::Event;
use serde_json::Value;

/// What comes after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    /// Nothing: it happened.
    Once,
    /// It is so until an event of the other kind says that it is not; that is told to alert managers alone, as people look anyway.
    UntilQuietly(&'static str),
    /// It is so until an event of the other kind says that it is not, and that is told as well.
    Until(&'static str),
}

/// A kind of event that is told.
pub(crate) struct Kind {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it is called as an alert.
    pub(crate) alert: &'static str,
    /// What comes after it.
    pub(crate) course: Course,
    /// How bad it is, where the event does not say so itself.
    pub(crate) severity: Severity,
    /// What of its detail tells it from others of its kind.
    subject: &'static [&'static str],
    /// What is said about it. Names in braces stand for what the detail has under them.
    title: &'static str,
}

/// All kinds. The subjects of the first three are those of earlier versions, so that nothing is told twice after an update.
pub(crate) const KINDS: &[Kind] = &[
    Kind {
        name: "finding-appeared",
        alert: "AssayFinding",
        course: Course::UntilQuietly("finding-gone"),
        severity: Severity::Unknown,
        subject: &["finding"],
        title: "{rule} ({severity})",
    },
    Kind {
        name: "tag-moved",
        alert: "AssayTagMoved",
        course: Course::Once,
        severity: Severity::High,
        subject: &["registry", "repository", "tag"],
        title: "the tag {repository}:{tag} moved to another image",
    },
    Kind {
        name: "promoted-tag-moved",
        alert: "AssayPromotedTagMoved",
        course: Course::Once,
        severity: Severity::Critical,
        subject: &["registry", "repository", "tag"],
        title: "the release {repository}:{tag} moved without a promotion",
    },
    Kind {
        name: "watch-ended",
        alert: "AssayWatchEnded",
        course: Course::Once,
        severity: Severity::High,
        subject: &["image"],
        title: "{image} is admitted no more, because its scan did not end in time",
    },
    Kind {
        name: "admitted-stale",
        alert: "AssayAdmittedStale",
        course: Course::Until("admitted-stale-cleared"),
        severity: Severity::High,
        subject: &["cluster", "image"],
        title: "{image} stays admitted in the cluster {cluster} although its scan is stale: {why}",
    },
    Kind {
        name: "break-glass",
        alert: "AssayBreakGlass",
        course: Course::Once,
        severity: Severity::Critical,
        subject: &[],
        title: "{user} broke the glass for a {kind} in {namespace}",
    },
    Kind {
        name: "triage-expired",
        alert: "AssayTriageExpired",
        course: Course::Once,
        severity: Severity::High,
        subject: &[],
        title: "the decision about {rule} in {scope} is over",
    },
    Kind {
        name: "authentication-failures",
        alert: "AssayAuthenticationFailures",
        course: Course::Until("authentication-failures-cleared"),
        severity: Severity::High,
        subject: &["source"],
        title: "many failed attempts to authenticate from {source}",
    },
    Kind {
        name: "feed-error",
        alert: "AssayFeedError",
        course: Course::Until("feed-error-cleared"),
        severity: Severity::High,
        subject: &["feed"],
        title: "cannot update {feed}: {error}",
    },
    Kind {
        name: "feed-stale",
        alert: "AssayFeedStale",
        course: Course::Until("feed-stale-cleared"),
        severity: Severity::High,
        subject: &["feed"],
        title: "the data of {feed} are older than {limit}",
    },
    Kind {
        name: "credential-shut",
        alert: "AssayCredentialShut",
        course: Course::Until("credential-shut-cleared"),
        severity: Severity::High,
        subject: &["place", "purpose"],
        title: "the credential for {place} cannot be opened: {error}",
    },
];

/// What an event says to somebody.
pub(crate) struct Told {
    /// Its kind, or the one that it ends.
    pub(crate) kind: &'static Kind,
    /// Whether it ends that.
    pub(crate) is_end: bool,
    /// What it is about.
    pub(crate) subject: String,
    /// How bad it is.
    pub(crate) severity: Severity,
    /// What is said about it. What is in it may have been written by anybody.
    pub(crate) title: String,
    /// All that is known.
    pub(crate) detail: Value,
}

/// Reads an event, if it is of a kind that can be told.
pub(crate) fn read(event: &Event) -> Option<Told> {
    let (kind, is_end) = KINDS.iter().find_map(|kind| {
        let ends = match kind.course {
            Course::Once => None,
            Course::UntilQuietly(end) | Course::Until(end) => Some(end),
        };
        if kind.name == event.kind {
            Some((kind, false))
        } else {
            (ends? == event.kind).then_some((kind, true))
        }
    })?;
    let detail: Value = serde_json::from_str(&event.detail).unwrap_or_default();
    let text = |name: &str| detail.get(name).and_then(Value::as_str).unwrap_or_default();
    let severity = text("severity").parse().unwrap_or(kind.severity);
    Some(Told {
        kind,
        is_end,
        subject: subject(kind, event, &text),
        severity,
        title: title(kind, &text),
        detail,
    })
}

/// Returns what an event is about: two with one subject are one piece of news.
fn subject<'a>(kind: &Kind, event: &Event, text: &impl Fn(&str) -> &'a str) -> String {
    let digest = event.digest.as_deref().unwrap_or_default();
    match kind.name {
        "finding-appeared" => format!("finding {digest} {}", text("finding")),
        "tag-moved" => format!("tag {}/{}:{} {digest}", text("registry"), text("repository"), text("tag")),
        "promoted-tag-moved" => {
            format!("release {}/{}:{} {digest}", text("registry"), text("repository"), text("tag"))
        }
        "watch-ended" => format!("watch {digest} {}", text("image")),
        // Each time counts.
        _ if kind.subject.is_empty() => format!("{} {}", kind.name, event.id),
        name => {
            let parts: Vec<&str> = kind.subject.iter().map(|part| text(part)).collect();
            format!("{name} {}", parts.join(" "))
        }
    }
}

/// Fills in what is said.
fn title<'a>(kind: &Kind, text: &impl Fn(&str) -> &'a str) -> String {
    let mut title = String::new();
    let mut rest = kind.title;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}').unwrap_or((after, ""));
        title.push_str(before);
        title.push_str(text(name));
        rest = behind;
    }
    title.push_str(rest);
    title
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_store::Moment;

    fn event(kind: &str, detail: &Value) -> Event {
        Event {
            id: 7,
            at: Moment(0),
            kind: kind.to_owned(),
            digest: Some("sha256:x".to_owned()),
            detail: detail.to_string(),
        }
    }

    #[test]
    fn every_kind_has_a_subject_of_its_own_and_something_to_say() {
        let detail = serde_json::json!({
            "cluster": "c", "why": "it is from then", "severity": "low", "finding": "f", "rule": "CVE-1", "image": "i", "registry": "r", "repository": "p", "tag": "t",
            "user": "u", "kind": "Pod", "namespace": "n", "source": "192.0.2.1", "feed": "osv", "error": "503", "limit": "3 days", "scope": "r/p",
            "place": "r/p", "purpose": "read" });
        let mut told: Vec<String> = Vec::new();
        for kind in KINDS {
            let one = read(&event(kind.name, &detail)).unwrap();
            assert!(
                !one.is_end && one.severity == Severity::Low && !one.title.contains(['{', '}']),
                "{}",
                one.title
            );
            told.push(format!("{} | {}", one.subject, one.title));
            if let Course::Until(end) | Course::UntilQuietly(end) = kind.course {
                let over = read(&event(end, &detail)).unwrap();
                assert!(over.is_end && over.subject == one.subject, "{end}");
            }
        }
        assert_eq!(
            told,
            [
                "finding sha256:x f | CVE-1 (low)",
                "tag r/p:t sha256:x | the tag p:t moved to another image",
                "release r/p:t sha256:x | the release p:t moved without a promotion",
                "watch sha256:x i | i is admitted no more, because its scan did not end in time",
                "admitted-stale c i | i stays admitted in the cluster c although its scan is stale: it is from then",
                "break-glass 7 | u broke the glass for a Pod in n",
                "triage-expired 7 | the decision about CVE-1 in r/p is over",
                "authentication-failures 192.0.2.1 | many failed attempts to authenticate from 192.0.2.1",
                "feed-error osv | cannot update osv: 503",
                "feed-stale osv | the data of osv are older than 3 days",
                "credential-shut r/p read | the credential for r/p cannot be opened: 503",
            ]
        );
    }

    #[test]
    fn other_events_and_damaged_details_are_no_news_and_no_fault() {
        for kind in ["scanned", "tag-seen", "rematched", ""] {
            assert!(read(&event(kind, &Value::Null)).is_none(), "{kind}");
        }
        let broken = Event { detail: "{".to_owned(), ..event("feed-error", &Value::Null) };
        assert_eq!(read(&broken).unwrap().title, "cannot update : ");
    }

    #[test]
    fn the_manual_has_every_kind() {
        let page = include_str!("../../../../docs/manual/notifications.md");
        for kind in KINDS {
            assert!(page.contains(&format!("\n| `{}` |", kind.name)), "{}", kind.name);
            assert!(page.contains(&format!("`{}`", kind.alert)), "{}", kind.alert);
        }
    }
}
