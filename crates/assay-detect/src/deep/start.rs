//! What runs by itself: cron tables, systemd's units, init scripts, and what shells read at login.
//!
//! In a container little of this runs, since nothing starts it; all the more telling is where somebody expected it to. Formats:
//! crontab(5), systemd.service(5), systemd.timer(5), init-script actions of LSB.

use super::shown;
use assay_analyze::{Analyzer, AnalyzerId, Fact, File, Select, Sink};
use assay_model::Detail;
use assay_model::observation::{Observation, Topic};

/// Reads what says what runs by itself.
pub(super) struct Start;

/// Commands of one file that are named.
const MAX_COMMANDS: usize = 20;

/// The largest of these files that is read.
const MAX_SIZE: u64 = 1 << 20;

const SELECT: &[Select] = &[
    Select::Path("etc/crontab"),
    Select::Under("etc/cron.d/", ""),
    Select::Under("etc/cron.hourly/", ""),
    Select::Under("etc/cron.daily/", ""),
    Select::Under("etc/cron.weekly/", ""),
    Select::Under("etc/cron.monthly/", ""),
    Select::Under("var/spool/cron/", ""),
    Select::Path("etc/anacrontab"),
    Select::Suffix(".service"),
    Select::Suffix(".timer"),
    Select::Under("etc/init.d/", ""),
    Select::Path("etc/inittab"),
    Select::Path("etc/rc.local"),
    Select::Under("etc/profile.d/", ""),
    Select::Path("etc/ld.so.preload"),
    Select::Name("authorized_keys"),
];

impl Analyzer for Start {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "deep-start", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        SELECT
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let path = file.path;
        let unit = path.contains("systemd/") && (path.ends_with(".service") || path.ends_with(".timer"));
        if !unit && (path.ends_with(".service") || path.ends_with(".timer")) || file.content.len() > MAX_SIZE
        {
            return;
        }
        let Some(bytes) = file.bytes(MAX_SIZE, out) else { return };
        let text = String::from_utf8_lossy(&bytes);
        let mut details = vec![Detail::new("when", when(path))];
        let commands: Vec<String> = if unit {
            text.lines().filter_map(unit_line).collect()
        } else if path.contains("cron") && !is_script(&text) {
            text.lines().filter_map(cron_line).collect()
        } else {
            // A script's own words say more than a guess at which of them matter.
            Vec::new()
        };
        details.extend(commands.iter().take(MAX_COMMANDS).map(|text| Detail::new("runs", text.clone())));
        if let Some(more) = commands.len().checked_sub(MAX_COMMANDS).filter(|more| *more > 0) {
            details.push(Detail::new("more", more.to_string()));
        }
        // A table in which nothing stands runs nothing.
        if !(commands.is_empty() && (unit || path.contains("crontab"))) {
            out.fact(Fact::Observation(Box::new(Observation::new(Topic::Start, details))));
        }
    }
}

fn is_script(text: &str) -> bool {
    text.starts_with("#!")
}

fn when(path: &str) -> &'static str {
    match path {
        _ if path.contains("cron") => "at times",
        _ if path.ends_with(".timer") => "at times",
        _ if path.ends_with(".service") => "as a service",
        _ if path.contains("profile.d/") => "at login",
        _ if path.ends_with("ld.so.preload") => "in every program",
        _ if path.ends_with("authorized_keys") => "for whoever has the key",
        _ => "at boot",
    }
}

fn unit_line(line: &str) -> Option<String> {
    let (key, value) = line.trim().split_once('=')?;
    let tells = matches!(
        key.trim(),
        "ExecStart"
            | "ExecStartPre"
            | "ExecStartPost"
            | "OnCalendar"
            | "OnBootSec"
            | "OnUnitActiveSec"
            | "User"
    );
    tells.then(|| shown(&format!("{}={}", key.trim(), value.trim()), 200))
}

/// Returns a line of a cron table that runs something: neither a comment nor a setting.
fn cron_line(line: &str) -> Option<String> {
    let line = line.trim();
    let first = line.chars().next()?;
    let setting = line.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.trim().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    });
    (first != '#' && !setting).then(|| shown(line, 200))
}
