//! The file of `--notifications`: who is told of what, in YAML.
//!
//! Secrets are not in it but in files that it names, so that it can be kept with everything else.

mod channel;

use self::channel::ChannelText;
use super::channel::Channel;
use super::kind::KINDS;
use super::rule::{LEAST, Rule, Rules, Selector, Snooze, Teams, Urgency};
use crate::failures::MAX_WINDOW as MAX_FAILURE_WINDOW;
use assay_model::{Severity, Timestamp};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The largest file that is read, and what is in it at most.
const MAX_BYTES: usize = 1 << 20;
const MAX_CHANNELS: usize = 50;
/// A day, which is the longest window: what is held back for longer is no news.
const MAX_WINDOW: Duration = Duration::from_secs(86_400);
/// How long a bundle of which something was told is not spoken of again, where the file does not say.
pub(crate) const WINDOW: Duration = Duration::from_secs(300);

/// Who is told of what.
#[derive(Debug, Clone)]
pub struct Notifications {
    /// Who is told.
    pub channels: Vec<Channel>,
    /// Of what.
    pub rules: Rules,
    /// How long a bundle of which something was told is not spoken of again.
    pub window: Duration,
    /// When the installation itself is in trouble.
    pub thresholds: Thresholds,
}

impl Default for Notifications {
    fn default() -> Self {
        Self {
            channels: Vec::new(),
            rules: Rules::default(),
            window: WINDOW,
            thresholds: Thresholds::default(),
        }
    }
}

/// When the installation itself is in trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// How often one source may fail to authenticate.
    pub failures: u32,
    /// Within what time.
    pub failure_window: Duration,
    /// How old the data of a feed may be.
    pub feed_age: Duration,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            failures: 20,
            failure_window: Duration::from_secs(600),
            feed_age: Duration::from_secs(3 * 86_400),
        }
    }
}

/// What is wrong with the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotificationsError {
    /// It is not what is expected.
    #[error("{0}")]
    Invalid(String),
    /// A secret cannot be read.
    #[error("cannot read the secret `{}` of the channel `{channel}`", path.display())]
    Secret {
        /// The channel.
        channel: String,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Reads a file that the settings name.
pub type ReadFile<'a> = dyn Fn(&Path) -> std::io::Result<Vec<u8>> + 'a;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    channels: Vec<ChannelText>,
    #[serde(default)]
    teams: BTreeMap<String, TeamText>,
    #[serde(default)]
    rules: Vec<RuleText>,
    #[serde(default)]
    snooze: Vec<SnoozeText>,
    window: Option<String>,
    thresholds: Option<ThresholdsText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TeamText {
    #[serde(default)]
    repositories: Vec<String>,
    #[serde(default)]
    services: Vec<String>,
}

/// An entry of the file that says of what it is, beside what is its own. `#[serde(flatten)]` would read the tag `1.10` as a number.
macro_rules! selecting {
    ($name:ident { $($own:tt)* }) => {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case")]
        struct $name {
            $($own)*
            #[serde(default)]
            repositories: Vec<String>,
            #[serde(default)]
            tags: Vec<String>,
            #[serde(default)]
            environments: Vec<String>,
            #[serde(default)]
            services: Vec<String>,
            #[serde(default)]
            teams: Vec<String>,
        }

        impl $name {
            /// Returns of what it is.
            fn selector(&self) -> Selector {
                Selector {
                    repositories: self.repositories.clone(),
                    tags: self.tags.clone(),
                    environments: self.environments.clone(),
                    services: self.services.clone(),
                    teams: self.teams.clone(),
                }
            }
        }
    };
}

selecting!(RuleText {
    #[serde(default)]
    kinds: Vec<String>,
    severity: Option<String>,
    #[serde(default)]
    channels: BTreeSet<String>,
    urgency: Option<String>,
});

selecting!(SnoozeText {
    until: Option<String>,
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ThresholdsText {
    authentication_failures: Option<u32>,
    authentication_window: Option<String>,
    feed_age: Option<String>,
}

fn invalid(text: impl Into<String>) -> NotificationsError {
    NotificationsError::Invalid(text.into())
}

impl Notifications {
    /// Reads the file. `read` gives the files that it names, for what is secret.
    ///
    /// # Errors
    /// Fails with what is wrong, but without what is secret.
    pub fn parse(text: &str, read: &ReadFile<'_>) -> Result<Self, NotificationsError> {
        if text.len() > MAX_BYTES {
            return Err(invalid(format!("it has more than {MAX_BYTES} bytes")));
        }
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! { max_depth: 16, max_nodes: 100_000 },
        };
        let file = serde_saphyr::from_str_with_options::<File>(text, options).map_err(|error| {
            let message = error.without_snippet().to_string();
            invalid(message.lines().next().unwrap_or_default())
        })?;
        if file.channels.len() > MAX_CHANNELS {
            return Err(invalid(format!("it has more than {MAX_CHANNELS} channels")));
        }
        let mut channels: Vec<Channel> = Vec::new();
        for one in file.channels {
            let channel = channel::channel(one, read)?;
            if channels.iter().any(|known| known.name == channel.name) {
                return Err(invalid(format!("there are two channels `{}`", channel.name)));
            }
            channels.push(channel);
        }
        let names: BTreeSet<&str> = channels.iter().map(|channel| channel.name.as_str()).collect();
        let teams: BTreeSet<&str> = file.teams.keys().map(String::as_str).collect();
        let rules = file
            .rules
            .into_iter()
            .enumerate()
            .map(|(index, rule)| {
                let failed = |why| invalid(format!("rule {}: {why}", index.saturating_add(1)));
                rule.read(&names, &teams).map_err(failed)
            })
            .collect::<Result<_, _>>()?;
        let snooze = file.snooze.into_iter().map(|one| one.read(&teams)).collect::<Result<_, _>>()?;
        let teams = file.teams.into_iter().map(|(name, team)| {
            let selector =
                Selector { repositories: team.repositories, services: team.services, ..Selector::default() };
            (name, selector)
        });
        let window = file.window.as_deref().map(|text| span("window", text)).transpose()?.unwrap_or(WINDOW);
        if window > MAX_WINDOW {
            return Err(invalid("`window` is longer than a day"));
        }
        Ok(Self {
            rules: Rules { rules, snooze, teams: Teams(teams.collect()) },
            channels,
            window,
            thresholds: file.thresholds.map(ThresholdsText::read).transpose()?.unwrap_or_default(),
        })
    }
}

/// Reads a span of time: a whole number and a unit.
fn span(name: &str, text: &str) -> Result<Duration, NotificationsError> {
    let expected =
        || invalid(format!("`{name}` is `{}`; expected a number and `s`, `m`, `h` or `d`", shown(text)));
    let seconds = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => 86_400,
        _ => return Err(expected()),
    };
    let number = text
        .get(..text.len().saturating_sub(1))
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let number: u64 = number.and_then(|digits| digits.parse::<u32>().ok()).ok_or_else(expected)?.into();
    Ok(Duration::from_secs(number.saturating_mul(seconds)))
}

fn shown(text: &str) -> String {
    super::channel::plain(text, 100)
}

impl ThresholdsText {
    fn read(self) -> Result<Thresholds, NotificationsError> {
        let mut thresholds = Thresholds::default();
        if let Some(failures) = self.authentication_failures {
            if failures == 0 {
                return Err(invalid("`authentication-failures` is 0; expected at least 1"));
            }
            thresholds.failures = failures;
        }
        if let Some(window) = &self.authentication_window {
            thresholds.failure_window = span("authentication-window", window)?;
            if thresholds.failure_window.is_zero() || thresholds.failure_window > MAX_FAILURE_WINDOW {
                return Err(invalid("`authentication-window` is not between a second and an hour"));
            }
        }
        if let Some(age) = &self.feed_age {
            thresholds.feed_age = span("feed-age", age)?;
        }
        Ok(thresholds)
    }
}

fn known_teams(selector: Selector, teams: &BTreeSet<&str>) -> Result<Selector, String> {
    match selector.teams.iter().find(|team| !teams.contains(team.as_str())) {
        Some(team) => Err(format!("there is no team `{}` under `teams`", shown(team))),
        None => Ok(selector),
    }
}

impl RuleText {
    fn read(self, channels: &BTreeSet<&str>, teams: &BTreeSet<&str>) -> Result<Rule, String> {
        let mut kinds = Vec::new();
        for name in &self.kinds {
            let kind = KINDS.iter().find(|kind| kind.name == name).ok_or_else(|| {
                let all: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
                format!("there is no kind `{}`; expected one of `{}`", shown(name), all.join("`, `"))
            })?;
            kinds.push(kind.name);
        }
        if let Some(name) = self.channels.iter().find(|name| !channels.contains(name.as_str())) {
            return Err(format!("there is no channel `{}`", shown(name)));
        }
        let severity = match &self.severity {
            None => LEAST,
            Some(text) => text.parse::<Severity>().map_err(|_| {
                format!("the severity is `{}`; expected `low`, `medium`, `high` or `critical`", shown(text))
            })?,
        };
        let urgency = match &self.urgency {
            None => None,
            Some(text) => Some(Urgency::parse(text).ok_or_else(|| {
                format!("the urgency is `{}`; expected `page`, `ticket` or `none`", shown(text))
            })?),
        };
        Ok(Rule {
            kinds,
            severity,
            selector: known_teams(self.selector(), teams)?,
            channels: self.channels,
            urgency,
        })
    }
}

impl SnoozeText {
    fn read(self, teams: &BTreeSet<&str>) -> Result<Snooze, NotificationsError> {
        let until = match &self.until {
            None => None,
            Some(text) => Some(text.parse::<Timestamp>().map_err(|_| {
                invalid(format!(
                    "a snooze is `until` `{}`; expected a date, such as `2030-01-31`",
                    shown(text)
                ))
            })?),
        };
        let selector = self.selector();
        if selector.is_empty() {
            return Err(invalid(
                "a snooze names nothing; give it `repositories`, `tags`, `environments`, `services` or `teams`",
            ));
        }
        let selector = known_teams(selector, teams).map_err(|why| invalid(format!("a snooze: {why}")))?;
        Ok(Snooze { selector, until: until.map(Into::into) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
channels:
  - name: hook
    webhook: { url: "https://hooks.example/x" }
  - name: chat
    slack: { url-file: slack }
  - name: mail
    email: { server: "smtp.example:2587", username: assay, password-file: password, from: "Assay <assay@example.org>", to: [security@example.org] }
  - name: manager
    alertmanager: { url: "http://alertmanager.monitoring:9093", plain-http: true, token-file: token }
teams:
  payments: { repositories: ["*/payments/**"] }
rules:
  - { kinds: [finding-appeared], severity: critical, environments: [production], channels: [chat, mail], urgency: page }
  - { teams: [payments], channels: [mail] }
  - {}
snooze:
  - { repositories: ["*/dev/**"], until: 2030-01-31 }
window: 10m
thresholds: { authentication-failures: 5, authentication-window: 1m, feed-age: 2d }
"#;

    fn read(path: &Path) -> std::io::Result<Vec<u8>> {
        match path.to_str() {
            Some("slack") => Ok(b"https://hooks.slack.example/services/HIDDEN\n".to_vec()),
            Some("password" | "token") => Ok(b"HIDDEN\n".to_vec()),
            _ => Err(std::io::ErrorKind::NotFound.into()),
        }
    }

    #[test]
    fn a_file_is_read_and_nothing_secret_is_shown() {
        let all = Notifications::parse(WHOLE, &read).unwrap();
        let keys: Vec<String> = all.channels.iter().map(Channel::key).collect();
        assert_eq!(
            keys,
            [
                "channel webhook hook",
                "channel slack chat",
                "channel email mail",
                "channel alertmanager manager"
            ]
        );
        assert_eq!(all.window, Duration::from_secs(600));
        assert_eq!(
            all.thresholds,
            Thresholds {
                failures: 5,
                failure_window: Duration::from_secs(60),
                feed_age: Duration::from_secs(172_800)
            }
        );
        assert_eq!((all.rules.rules.len(), all.rules.snooze.len()), (3, 1));
        assert_eq!(all.rules.rules[0].urgency, Some(Urgency::Page));
        assert!(!format!("{all:?}").contains("HIDDEN"));
    }

    #[test]
    fn mistakes_are_told_without_what_is_secret() {
        let hook = "channels: [{ name: hook, webhook: { url: 'https://h.example' } }]\n";
        for (text, want) in [
            ("channels: 1", "expected"),
            ("channels: []\nother: 1", "unknown field"),
            ("channels: [{ name: 'a b', webhook: { url: 'https://h.example' } }]", "no name of a channel"),
            ("channels: [{ name: notify, webhook: { url: 'https://h.example' } }]", "no name of a channel"),
            ("channels: [{ name: a }]", "expected one of `webhook`"),
            ("channels: [{ name: a, webhook: { url: 'http://h.example/HIDDEN' } }]", "expected `https://…`"),
            ("channels: [{ name: a, slack: { url-file: missing } }]", "cannot read the secret `missing`"),
            ("channels: [{ name: a, slack: { url-file: password } }]", "expected `https://…`"),
            ("channels: [{ name: a, alertmanager: { url: 'http://h.example' } }]", "plain-http"),
            (
                "channels: [{ name: a, email: { server: h.example, from: a@h.example, to: [] } }]",
                "names nobody",
            ),
            (
                "channels: [{ name: a, email: { server: h.example, from: a, to: [b@h.example] } }]",
                "no address of mail",
            ),
            (
                "channels: [{ name: a, email: { server: h.example, tls: none, from: a@h.example, to: [b@h.example] } }]",
                "this machine",
            ),
            (
                "channels: [{ name: a, email: { server: h.example, username: a, from: a@h.example, to: [b@h.example] } }]",
                "belong together",
            ),
            (&format!("{hook}rules: [{{ channels: [other] }}]"), "rule 1: there is no channel `other`"),
            (&format!("{hook}rules: [{{ kinds: [scanned] }}]"), "there is no kind `scanned`"),
            (&format!("{hook}rules: [{{ teams: [x] }}]"), "there is no team `x`"),
            (&format!("{hook}rules: [{{ urgency: now }}]"), "`page`, `ticket` or `none`"),
            (&format!("{hook}rules: [{{ severity: bad }}]"), "the severity is `bad`"),
            (&format!("{hook}snooze: [{{ until: 2030-01-31 }}]"), "a snooze names nothing"),
            (&format!("{hook}snooze: [{{ tags: [x], until: soon }}]"), "expected a date"),
            (&format!("{hook}window: 5"), "expected a number"),
            (&format!("{hook}window: 2d"), "longer than a day"),
            (&format!("{hook}thresholds: {{ authentication-failures: 0 }}"), "at least 1"),
            (&format!("{hook}thresholds: {{ feed-age: '9999999999d' }}"), "expected a number"),
            (&"[".repeat(5000), ""),
        ] {
            let error = Notifications::parse(text, &read).map(drop).unwrap_err();
            assert!(error.to_string().contains(want), "{text}: {error}");
            assert!(!format!("{error} {error:?}").contains("HIDDEN"), "{text}");
        }
    }
}
