//! Checks of an image as a whole: its configuration, its name, what is installed. One file each, and the list of them all.

use super::Check;
use assay_model::{Detail, Detection, FindingKind, Image, Inventory, Timestamp};

mod administrative_port;
mod compiler;
mod debug_server;
mod debugger;
mod end_of_life;
mod latest_tag;
mod legacy_service;
mod missing_healthcheck;
mod modified_file;
mod needless_service;
mod old_image;
mod package_cache;
mod root_user;
mod secret_in_environment;
mod ssh_server;
mod sudo;
mod unsafe_environment;

/// A check of an image as a whole.
#[derive(Debug)]
pub struct ImageCheck {
    /// What it is.
    pub check: Check,
    /// Looks at an image.
    pub find: fn(&Seen<'_>, &mut Places),
}

/// What checks see.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The image.
    pub image: &'a Image,
    /// What is in it.
    pub inventory: &'a Inventory,
    /// The day that ages are reckoned from: that of the database.
    pub now: Option<Timestamp>,
}

/// Takes what a check found.
#[derive(Debug)]
pub struct Places {
    rule: &'static str,
    found: Vec<Detection>,
}

/// Checks that make sense for folders and disks as well.
const OF_ANY_SOURCE: &[&str] = &["image-end-of-life", "image-legacy-service", "image-modified-file"];

/// The image's configuration, as a place.
pub(super) const CONFIG: &str = "config.json#";

impl Places {
    /// Adds a place of the configuration, by its JSON pointer (RFC 6901).
    fn config(&mut self, pointer: &str, what: impl Into<String>) {
        self.place(&format!("{CONFIG}{pointer}"), None, what);
    }

    /// Adds a path.
    fn place(&mut self, path: &str, layer: Option<u32>, what: impl Into<String>) {
        let mut detection = Detection::new(FindingKind::Misconfiguration, self.rule);
        path.clone_into(&mut detection.path);
        detection.layer = layer;
        detection.details = vec![Detail::new("what", what)];
        self.found.push(detection);
    }

    /// Adds the packages of the distribution with one of these names; `*` stands for digits, dots and hyphens.
    fn packages(&mut self, inventory: &Inventory, names: &[&str]) {
        for package in inventory.packages.iter().filter(|package| package.kind.is_os()) {
            let is_named = |name: &&&str| match name.split_once('*') {
                Some((start, end)) => package
                    .name
                    .strip_prefix(start)
                    .and_then(|rest| rest.strip_suffix(end))
                    .is_some_and(|middle| {
                        !middle.is_empty() && middle.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
                    }),
                None => package.name == **name,
            };
            if names.iter().any(|name| is_named(&name)) {
                let place = package.locations.first();
                let path = place.map_or("", |place| &place.path);
                self.place(
                    path,
                    place.and_then(|place| place.layer),
                    format!("{} {}", package.name, package.version),
                );
            }
        }
    }
}

impl ImageCheck {
    /// Returns whether it is about what is installed, wherever that is, and not about how containers are made.
    pub(super) fn of_any_source(&self) -> bool {
        OF_ANY_SOURCE.contains(&self.check.id)
    }

    /// Looks at an image.
    pub fn run(&self, seen: &Seen<'_>) -> Vec<Detection> {
        let mut places = Places { rule: self.check.id, found: Vec::new() };
        (self.find)(seen, &mut places);
        places.found
    }
}

/// Every check of an image as a whole.
pub const CHECKS: &[&ImageCheck] = &[
    &root_user::CHECK,
    &missing_healthcheck::CHECK,
    &administrative_port::CHECK,
    &unsafe_environment::CHECK,
    &secret_in_environment::CHECK,
    &latest_tag::CHECK,
    &end_of_life::CHECK,
    &old_image::CHECK,
    &compiler::CHECK,
    &debugger::CHECK,
    &ssh_server::CHECK,
    &legacy_service::CHECK,
    &sudo::CHECK,
    &needless_service::CHECK,
    &package_cache::CHECK,
    &debug_server::CHECK,
    &modified_file::CHECK,
];

#[cfg(test)]
mod testing;
