//! Notes the settings that the checks of whole systems ask for.
//!
//! What is noted is kept with the analysis: values of passwords are not.

use super::NOTED;
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Detail, Detection, FindingKind};

/// Notes settings.
#[derive(Debug)]
pub struct Settings;

/// How the lines of a file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `key value`, `key=value` or `key: value`.
    Pair,
    /// The whole line is the value.
    Line,
    /// Only that the file is there counts.
    There,
}

/// The files, the kind of each, and how it is written. The first that fits counts.
const FILES: &[(Select, &str, Form)] = &[
    (Select::Path("etc/ssh/sshd_config"), "sshd", Form::Pair),
    (Select::Under("etc/ssh/sshd_config.d/", ".conf"), "sshd", Form::Pair),
    (Select::Path("etc/sysctl.conf"), "sysctl", Form::Pair),
    (Select::Under("etc/sysctl.d/", ".conf"), "sysctl", Form::Pair),
    (Select::Under("usr/lib/sysctl.d/", ".conf"), "sysctl", Form::Pair),
    (Select::Under("lib/sysctl.d/", ".conf"), "sysctl", Form::Pair),
    (Select::Path("etc/fstab"), "fstab", Form::Line),
    (Select::Path("etc/systemd/system/tmp.mount"), "tmp.mount", Form::There),
    (Select::Path("etc/login.defs"), "login.defs", Form::Pair),
    (Select::Path("etc/pam.d/common-password"), "pam", Form::Line),
    (Select::Path("etc/pam.d/common-auth"), "pam", Form::Line),
    (Select::Path("etc/pam.d/system-auth"), "pam", Form::Line),
    (Select::Path("etc/pam.d/password-auth"), "pam", Form::Line),
    (Select::Path("etc/pam.d/su"), "pam", Form::Line),
    (Select::Path("etc/security/pwquality.conf"), "pwquality", Form::Pair),
    (Select::Under("etc/security/pwquality.conf.d/", ".conf"), "pwquality", Form::Pair),
    (Select::Path("etc/security/limits.conf"), "limits", Form::Line),
    (Select::Under("etc/security/limits.d/", ".conf"), "limits", Form::Line),
    (Select::Path("etc/systemd/coredump.conf"), "coredump", Form::Pair),
    (Select::Under("etc/systemd/coredump.conf.d/", ".conf"), "coredump", Form::Pair),
    (Select::Path("etc/systemd/journald.conf"), "journald", Form::Pair),
    (Select::Under("etc/systemd/journald.conf.d/", ".conf"), "journald", Form::Pair),
    (Select::Path("etc/rsyslog.conf"), "rsyslog", Form::There),
    (Select::Path("etc/audit/auditd.conf"), "auditd", Form::There),
    (Select::Path("etc/ufw/ufw.conf"), "ufw", Form::Pair),
    (Select::Path("etc/nftables.conf"), "nftables", Form::Line),
    (Select::Path("etc/sysconfig/nftables.conf"), "nftables", Form::Line),
    (Select::Path("etc/iptables/rules.v4"), "iptables", Form::Line),
    (Select::Path("etc/sysconfig/iptables"), "iptables", Form::Line),
    (Select::Path("etc/firewalld/firewalld.conf"), "firewalld", Form::There),
    (Select::Path("boot/grub/grub.cfg"), "grub", Form::Pair),
    (Select::Path("boot/grub2/grub.cfg"), "grub", Form::Pair),
    (Select::Path("boot/grub2/user.cfg"), "grub", Form::Pair),
    (Select::Path("etc/crontab"), "cron", Form::There),
    (Select::Under("etc/cron.d/", ""), "cron", Form::There),
    (Select::Path("etc/cloud/cloud.cfg"), "cloud", Form::Pair),
    (Select::Under("etc/cloud/cloud.cfg.d/", ".cfg"), "cloud", Form::Pair),
    (Select::Under("var/lib/cloud/instances/", "user-data.txt"), "cloud-data", Form::There),
    (Select::Link("etc/systemd/system/"), "wants", Form::There),
    (Select::Under("etc/modprobe.d/", ".conf"), "modprobe", Form::Pair),
    (Select::Path("etc/selinux/config"), "selinux", Form::Pair),
    (Select::Under("etc/apparmor.d/", ""), "apparmor", Form::There),
    (Select::Path("etc/chrony/chrony.conf"), "time", Form::There),
    (Select::Path("etc/chrony.conf"), "time", Form::There),
    (Select::Path("etc/ntp.conf"), "time", Form::There),
    (Select::Path("etc/ntpsec/ntp.conf"), "time", Form::There),
    (Select::Path("etc/systemd/timesyncd.conf"), "time", Form::There),
];

/// Its patterns, as the matcher wants them.
const SELECT: &[Select] = &{
    let mut select = [Select::Path(""); FILES.len()];
    let mut at = 0;
    while at < FILES.len() {
        #[expect(
            clippy::indexing_slicing,
            reason = "both have the same length; it runs when this is compiled"
        )]
        {
            select[at] = FILES[at].0;
        }
        at += 1;
    }
    select
};

/// Settings that anybody asks for; of the others only files of few lines are noted whole.
const KEYS: &[(&str, &[&str])] = &[
    (
        "sshd",
        &[
            "permitrootlogin",
            "permitemptypasswords",
            "passwordauthentication",
            "x11forwarding",
            "maxauthtries",
            "logingracetime",
            "permituserenvironment",
            "hostbasedauthentication",
            "usepam",
            "clientaliveinterval",
            "banner",
            "ciphers",
            "macs",
            "kexalgorithms",
        ],
    ),
    ("login.defs", &["pass_max_days", "encrypt_method", "umask"]),
    ("grub", &["password_pbkdf2", "password", "grub2_password"]),
    (
        "cloud",
        &[
            "ssh_pwauth",
            "password",
            "plain_text_passwd",
            "hashed_passwd",
            "passwd",
            "lock_passwd",
            "disable_root",
        ],
    ),
];

/// Keys whose values are secrets.
const SECRET: &[&str] =
    &["password", "password_pbkdf2", "plain_text_passwd", "hashed_passwd", "passwd", "grub2_password"];

/// Larger files, and more lines, are no settings.
const TEXT_LIMIT: u64 = 1 << 20;
const MAX_LINES: usize = 400;

fn class(path: &str) -> Option<(&'static str, Form)> {
    let found = FILES.iter().find(|(select, ..)| match select {
        Select::Path(whole) => path == *whole,
        Select::Link(folder) => path.starts_with(folder),
        Select::Under(folder, suffix) => path.starts_with(folder) && path.ends_with(suffix),
        _ => false,
    });
    // Units of one's own lie beside the folders that say what is wanted.
    let wanted = |class: &str| class != "wants" || path.contains(".wants/");
    found.map(|(_, class, form)| (*class, *form)).filter(|(class, _)| wanted(class))
}

impl Analyzer for Settings {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "system-settings", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        SELECT
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some((class, form)) = class(file.path) else { return };
        let note = |line: Option<u32>, details: Vec<Detail>| {
            let mut detection = Detection::new(FindingKind::Misconfiguration, NOTED);
            detection.line = line;
            detection.details = details;
            detection
        };
        let mode = format!("{:o}", file.node.mode & 0o7777);
        out.detection(note(None, vec![Detail::new("class", class), Detail::new("mode", mode)]));
        if form == Form::There || file.content.len() > TEXT_LIMIT {
            return;
        }
        let Some(text) = file.text(out) else { return };
        let lines = (1u32..)
            .zip(text.lines().map(str::trim))
            .filter(|(_, line)| !line.is_empty() && !line.starts_with(['#', ';']));
        let mut settings: Vec<(u32, String, String)> = lines
            .filter_map(|(number, line)| read(class, form, line).map(|(key, value)| (number, key, value)))
            .collect();
        // What follows `Match` counts for some who log in only.
        if class == "sshd"
            && let Some((first, _)) = (1u32..)
                .zip(text.lines())
                .find(|(_, line)| line.trim_start().to_ascii_lowercase().starts_with("match "))
        {
            settings.retain(|(line, ..)| *line < first);
        }
        for (line, key, value) in settings.into_iter().take(MAX_LINES) {
            out.detection(note(
                Some(line),
                vec![Detail::new("class", class), Detail::new("key", key), Detail::new("value", value)],
            ));
        }
    }
}

fn read(class: &str, form: Form, line: &str) -> Option<(String, String)> {
    let short = |text: &str| text.chars().take(300).collect::<String>();
    if form == Form::Line {
        let (first, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        return Some(match class {
            // The device says nothing; the place and the options do.
            "fstab" => (first.to_owned(), short(rest.trim())),
            _ => (first.to_owned(), short(line)),
        });
    }
    let line = line.trim_start_matches(['-', ' ']);
    let end =
        line.find(|char: char| char.is_whitespace() || char == '=' || char == ':').unwrap_or(line.len());
    let (key, value) = line.split_at_checked(end)?;
    let value = value
        .trim_start_matches(|char: char| char.is_whitespace() || char == '=' || char == ':')
        .trim()
        .trim_matches(['"', '\'']);
    // The kernel's names may be written as paths.
    let key = if class == "sysctl" { key.replace('/', ".") } else { key.to_owned() };
    let lower = key.to_ascii_lowercase();
    if KEYS.iter().any(|(of, keys)| *of == class && !keys.contains(&lower.as_str())) {
        return None;
    }
    let value = if SECRET.contains(&lower.as_str()) { "(left out)" } else { value };
    Some((key, short(value)))
}
