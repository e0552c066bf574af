//! Every check finds its bad examples and passes its good ones, by way of what is noted of files.

use super::*;
use assay_analyze::{Analyzer, Fact, File, LayerFacts, Sink};
use assay_model::{Layer, Package, PackageKind};

fn noted(files: &[(&str, &str)], mode: u32) -> Vec<Detection> {
    let mut noted = Vec::new();
    for (path, content) in files {
        let mut facts = LayerFacts::default();
        Settings.analyze(&File::new(path, mode, &content.as_bytes()), &mut Sink::new(path, &mut facts));
        for fact in facts.paths.into_values().flat_map(|facts| facts.facts) {
            if let Fact::Detection(mut detection) = fact {
                detection.path = (*path).to_owned();
                noted.push(*detection);
            }
        }
    }
    noted
}

fn found(check: &SystemCheck, files: &[(&str, &str)]) -> Vec<Detection> {
    check.run(&System::of_detections(&noted(files, 0o600)))
}

#[test]
fn examples() {
    for check in CHECKS {
        for files in check.bad {
            assert!(!found(check, files).is_empty(), "{} misses {files:?}", check.check.id);
        }
        for files in check.good {
            let found = found(check, files);
            assert!(found.is_empty(), "{} finds {found:?} in {files:?}", check.check.id);
        }
    }
}

#[test]
fn a_drop_in_of_ssh_comes_before_what_includes_it() {
    let files = [
        ("etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin yes\n"),
        ("etc/ssh/sshd_config.d/a.conf", "PermitRootLogin no\n"),
    ];
    assert!(found(&sshd::ROOT_LOGIN, &files).is_empty());
    let matched = [("etc/ssh/sshd_config", "Match User git\n  PermitRootLogin yes\n")];
    assert!(found(&sshd::ROOT_LOGIN, &matched).is_empty());
}

#[test]
fn permissions_are_told() {
    let system = System::of_detections(&noted(&[("boot/grub/grub.cfg", ""), ("etc/cron.d/x", "")], 0o666));
    assert_eq!(grub_permissions::CHECK.run(&system).len(), 1);
    assert_eq!(cron_permissions::CHECK.run(&system).len(), 1);
}

#[test]
fn no_password_is_noted() {
    let noted = noted(
        &[
            ("etc/cloud/cloud.cfg", "password: hunter2\n"),
            ("boot/grub/grub.cfg", "password_pbkdf2 root hunter2\n"),
        ],
        0o600,
    );
    assert!(noted.len() >= 4 && !format!("{noted:?}").contains("hunter2"));
}

#[test]
fn only_whole_systems_are_asked() {
    let inventory = |name: &str| Inventory {
        packages: vec![Package::new(PackageKind::Deb, name, "1")],
        ..Inventory::default()
    };
    assert!(System::of(&Image::default(), &inventory("systemd-sysv")).is_some());
    assert!(System::of(&Image::default(), &inventory("bash")).is_none());
    let layer = Layer::default();
    assert!(
        System::of(&Image { layers: vec![layer], ..Image::default() }, &inventory("systemd-sysv")).is_none()
    );
}
