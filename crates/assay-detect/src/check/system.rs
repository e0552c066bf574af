//! The part of a distribution's CIS baseline that can be told from a disk: settings of services, of accounts and of the kernel. One
//! file for each check, and the list of them all.
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
mod sshd_banner;
mod sshd_empty_passwords;
mod sshd_environment;
mod sshd_grace;
mod sshd_host_based;
mod sshd_idle;
mod sshd_pam;
mod sshd_passwords;
mod sshd_root_login;
mod sshd_tries;
mod sshd_weak_algorithms;
mod sshd_x11;
mod su_for_all;
mod sysctl_aslr;
mod sysctl_dumps;
mod sysctl_forwarding;
mod sysctl_kernel_addresses;
mod sysctl_martians;
mod sysctl_ptrace;
mod sysctl_redirects;
mod sysctl_reverse_path;
mod sysctl_source_route;
mod sysctl_syn_cookies;
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
    /// Looks at a system.
    pub find: fn(&System, &mut Places),
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
        (self.find)(system, &mut places);
        places.found
    }
}

/// Every check of a whole system.
pub const CHECKS: &[&SystemCheck] = &[
    &sshd_root_login::CHECK,
    &sshd_empty_passwords::CHECK,
    &sshd_passwords::CHECK,
    &sshd_x11::CHECK,
    &sshd_tries::CHECK,
    &sshd_grace::CHECK,
    &sshd_environment::CHECK,
    &sshd_host_based::CHECK,
    &sshd_pam::CHECK,
    &sshd_idle::CHECK,
    &sshd_banner::CHECK,
    &sshd_weak_algorithms::CHECK,
    &sysctl_aslr::CHECK,
    &sysctl_ptrace::CHECK,
    &sysctl_dumps::CHECK,
    &sysctl_forwarding::CHECK,
    &sysctl_redirects::CHECK,
    &sysctl_source_route::CHECK,
    &sysctl_reverse_path::CHECK,
    &sysctl_syn_cookies::CHECK,
    &sysctl_martians::CHECK,
    &sysctl_kernel_addresses::CHECK,
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
