//! The part of a distribution's CIS baseline that can be told from a disk: settings of services, of accounts and of the kernel. One
//! file for each check, a table for those that differ in a key and its values (`sshd.rs`, `sysctl.rs`), and the list of them all.
//!
//! It counts for whole systems only, which have an init system and are no layers: images of virtual machines and their root
//! folders. Settings are read from all places where they may stand, in the order in which the programs read them; what only the running
//! machine knows is not asked.

use super::Check;
use assay_model::{Detail, Detection, FindingKind, Image, Inventory};

mod cloud_init_leftovers;
mod cloud_init_password;
mod cloud_init_root;
mod core_dumps;
mod cron_permissions;
mod enabled_services;
mod grub_password;
mod grub_permissions;
mod kernel_modules;
mod mandatory_access;
mod mount_options;
mod no_audit;
mod no_firewall;
mod null_passwords;
mod password_age;
mod password_hash;
mod password_lockout;
mod password_quality;
mod separate_tmp;
mod settings;
mod sshd;
mod sshd_weak_algorithms;
mod su_for_all;
mod sysctl;
mod time_not_synchronised;
mod umask;
mod volatile_journal;

pub use settings::Settings;

/// A check of a whole system.
#[derive(Debug)]
pub struct SystemCheck {
    /// What it is.
    pub check: Check,
    /// Files of systems in which it finds something.
    pub bad: &'static [&'static [(&'static str, &'static str)]],
    /// Files of systems in which it finds nothing.
    pub good: &'static [&'static [(&'static str, &'static str)]],
    /// How it looks at a system.
    pub find: Find,
}

/// How a check looks at a system.
#[derive(Debug)]
pub enum Find {
    /// In its own way.
    By(fn(&System, &mut Places)),
    /// Each of these keys of the kernel has one of these values.
    Sysctl {
        /// The keys.
        keys: &'static [&'static str],
        /// The values.
        good: &'static [&'static str],
    },
    /// This setting of an SSH server, in lower case, is not a bad one.
    Sshd {
        /// Its key, in lower case.
        key: &'static str,
        /// The value that holds when nothing is said; empty where there is none.
        default: &'static str,
        /// Tells bad values.
        is_bad: fn(&str) -> bool,
    },
}

impl Find {
    fn run(&self, system: &System, places: &mut Places) {
        match self {
            Self::By(find) => find(system, places),
            Self::Sysctl { keys, good } => {
                for key in *keys {
                    let setting = system.last("sysctl", key);
                    let value = setting.map(|setting| setting.value.as_str());
                    if !value.is_some_and(|value| good.contains(&value)) {
                        let what = format!("{key} is {}", value.unwrap_or("not set"));
                        places.setting(setting, "etc/sysctl.d", &what);
                    }
                }
            }
            Self::Sshd { key, default, is_bad } => {
                if !system.has("sshd") {
                    return;
                }
                let setting = system.first("sshd", key);
                let value = setting.map_or(*default, |setting| setting.value.as_str()).to_ascii_lowercase();
                if is_bad(&value) {
                    let value = if value.is_empty() { "is not set" } else { &value };
                    places.setting(setting, "etc/ssh/sshd_config", &format!("{key} {value}"));
                }
            }
        }
    }
}

/// A line of a file of settings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Setting {
    /// Its file.
    pub path: String,
    /// Its line.
    pub line: u32,
    /// The kind of file.
    pub class: String,
    /// What is set.
    pub key: String,
    /// What to.
    pub value: String,
    /// The layer, for systems that are images.
    layer: Option<u32>,
}

/// A file of settings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SettingsFile {
    /// Its path.
    pub path: String,
    /// The kind of file.
    pub class: String,
    /// Its permission bits.
    pub mode: u32,
}

/// What the files of a system set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct System {
    settings: Vec<Setting>,
    files: Vec<SettingsFile>,
}

/// The rule of what [`Settings`] notes: no finding of its own.
pub(super) const NOTED: &str = "system-setting";

/// Packages that start a machine.
const INIT: &[&str] = &[
    "systemd-sysv",
    "systemd",
    "sysvinit-core",
    "sysvinit",
    "openrc",
    "runit-init",
    "finit",
    "upstart",
    "dinit",
];

impl System {
    /// Returns the system, when it is one: no layers of an image, and something that starts it.
    pub fn of(image: &Image, inventory: &Inventory) -> Option<Self> {
        let starts = inventory
            .packages
            .iter()
            .any(|package| package.kind.is_os() && INIT.contains(&package.name.as_str()));
        (image.layers.is_empty() && starts).then(|| Self::of_detections(&inventory.detections))
    }

    fn of_detections(detections: &[Detection]) -> Self {
        let mut system = Self::default();
        for one in
            detections.iter().filter(|one| one.kind == FindingKind::Misconfiguration && one.rule == NOTED)
        {
            let detail = |name: &str| {
                one.details.iter().find(|detail| detail.name == name).map(|detail| detail.value.clone())
            };
            let class = detail("class").unwrap_or_default();
            match one.line {
                Some(line) => system.settings.push(Setting {
                    path: one.path.clone(),
                    line,
                    class,
                    key: detail("key").unwrap_or_default(),
                    value: detail("value").unwrap_or_default(),
                    layer: one.layer,
                }),
                None => system.files.push(SettingsFile {
                    path: one.path.clone(),
                    class,
                    mode: detail("mode")
                        .and_then(|mode| u32::from_str_radix(&mode, 8).ok())
                        .unwrap_or_default(),
                }),
            }
        }
        system.settings.sort();
        system.files.sort();
        system
    }

    /// Returns whether there is a file of this kind.
    fn has(&self, class: &str) -> bool {
        self.files(class).next().is_some()
    }

    /// Returns the files of this kind.
    fn files<'a>(&'a self, class: &'a str) -> impl Iterator<Item = &'a SettingsFile> {
        self.files.iter().filter(move |file| file.class == class)
    }

    /// Returns the lines of this kind.
    fn all<'a>(&'a self, class: &'a str) -> impl Iterator<Item = &'a Setting> {
        self.settings.iter().filter(move |setting| setting.class == class)
    }

    /// Returns a setting of which the first counts, as in `sshd_config(5)`: drop-ins are included before everything else.
    fn first<'a>(&'a self, class: &'a str, key: &'a str) -> Option<&'a Setting> {
        let named = || self.all(class).filter(|setting| setting.key.eq_ignore_ascii_case(key));
        named().find(|setting| setting.path.contains(".d/")).or_else(|| named().next())
    }

    /// Returns a setting of which the last counts: drop-ins come after everything else, by name, whatever their folder.
    fn last<'a>(&'a self, class: &'a str, key: &'a str) -> Option<&'a Setting> {
        let named = || self.all(class).filter(|setting| setting.key == key);
        let name = |setting: &&Setting| {
            (setting.path.rsplit('/').next().unwrap_or_default().to_owned(), setting.line)
        };
        let drop_in = named().filter(|setting| setting.path.contains(".d/")).max_by_key(name);
        // `/etc/sysctl.conf` is read after the drop-ins (sysctl(8) --system).
        let main = named().filter(|setting| !setting.path.contains(".d/")).last();
        if class == "sysctl" { main.or(drop_in) } else { drop_in.or(main) }
    }
}

/// Returns the seconds of a time of `sshd_config(5)`: `90`, `1m30s`.
fn seconds(text: &str) -> Option<u32> {
    let mut total = 0u32;
    let mut number = 0u32;
    for char in text.chars() {
        if let Some(digit) = char.to_digit(10) {
            number = number.checked_mul(10)?.checked_add(digit)?;
            continue;
        }
        let unit = match char.to_ascii_lowercase() {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        number = 0;
    }
    total.checked_add(number)
}

/// Takes what a check found.
#[derive(Debug)]
pub struct Places {
    rule: &'static str,
    found: Vec<Detection>,
}

impl Places {
    /// Adds a setting, or the file where it should be.
    fn setting(&mut self, setting: Option<&Setting>, path: &str, what: &str) {
        let mut detection = Detection::new(FindingKind::Misconfiguration, self.rule);
        match setting {
            Some(setting) => {
                detection.path.clone_from(&setting.path);
                detection.line = Some(setting.line);
                detection.layer = setting.layer;
            }
            None => path.clone_into(&mut detection.path),
        }
        detection.details = vec![Detail::new("what", what)];
        self.found.push(detection);
    }
}

impl SystemCheck {
    /// Looks at a system.
    pub fn run(&self, system: &System) -> Vec<Detection> {
        let mut places = Places { rule: self.check.id, found: Vec::new() };
        self.find.run(system, &mut places);
        places.found
    }
}

/// Every check of a whole system.
pub const CHECKS: &[&SystemCheck] = &[
    &sshd::ROOT_LOGIN,
    &sshd::EMPTY_PASSWORDS,
    &sshd::PASSWORDS,
    &sshd::X11,
    &sshd::TRIES,
    &sshd::GRACE,
    &sshd::ENVIRONMENT,
    &sshd::HOST_BASED,
    &sshd::PAM,
    &sshd::IDLE,
    &sshd::BANNER,
    &sshd_weak_algorithms::CHECK,
    &sysctl::ASLR,
    &sysctl::PTRACE,
    &sysctl::DUMPS,
    &sysctl::FORWARDING,
    &sysctl::REDIRECTS,
    &sysctl::SOURCE_ROUTE,
    &sysctl::REVERSE_PATH,
    &sysctl::SYN_COOKIES,
    &sysctl::MARTIANS,
    &sysctl::KERNEL_ADDRESSES,
    &mount_options::CHECK,
    &separate_tmp::CHECK,
    &password_age::CHECK,
    &password_hash::CHECK,
    &umask::CHECK,
    &password_quality::CHECK,
    &password_lockout::CHECK,
    &null_passwords::CHECK,
    &su_for_all::CHECK,
    &core_dumps::CHECK,
    &no_firewall::CHECK,
    &no_audit::CHECK,
    &volatile_journal::CHECK,
    &grub_password::CHECK,
    &grub_permissions::CHECK,
    &cron_permissions::CHECK,
    &cloud_init_password::CHECK,
    &cloud_init_root::CHECK,
    &cloud_init_leftovers::CHECK,
    &enabled_services::CHECK,
    &kernel_modules::CHECK,
    &mandatory_access::CHECK,
    &time_not_synchronised::CHECK,
];

#[cfg(test)]
mod tests;
