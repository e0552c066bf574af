//! The checks of compose files (<https://github.com/compose-spec/compose-spec/blob/main/spec.md>): one file each, and the list of
//! them all.
//!
//! What other files say (`extends`, `include`, `env_file`) is not followed.

use super::Lint;
use super::yaml::{Node, Value};

mod administrative_port;
mod build_secret;
mod capabilities_kept;
mod container_socket;
mod dangerous_capability;
mod host_cgroup;
mod host_device;
mod host_ipc;
mod host_network;
mod host_pid;
mod host_users;
mod host_uts;
mod new_privileges;
mod no_limits;
mod privileged;
mod root_user;
mod secret_in_environment;
mod sensitive_mount;
mod unconfined;
mod unpinned_digest;
mod unsafe_environment;
mod untagged_image;
mod writable_root;

/// A compose file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Compose {
    /// Its services.
    pub services: Vec<Service>,
}

/// One service.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// The line of its name.
    pub line: u32,
    /// What is said of it.
    pub node: Node,
}

impl Compose {
    /// Finds the services; those of the oldest form stand at the top.
    pub(super) fn of(document: Node) -> Self {
        let services = match document.get("services") {
            Some(services) => services.clone(),
            None => document,
        };
        let Value::Map(entries) = services.value else { return Self::default() };
        let entries = entries.into_iter().filter(|(_, _, node)| !node.entries().is_empty());
        Self {
            services: entries.map(|(name, place, node)| Service { name, line: place.line, node }).collect(),
        }
    }
}

impl Service {
    /// Returns the paths of the host that are mounted, with their lines.
    fn binds(&self) -> Vec<(u32, String)> {
        let mut binds = Vec::new();
        for volume in self.node.items_of("volumes") {
            let source = match volume.text() {
                Some(text) => text.split_once(':').map(|(source, _)| source),
                None => volume.text_of("source").or_else(|| volume.text_of("src")),
            };
            binds.extend(
                source
                    .filter(|source| source.starts_with('/'))
                    .map(|source| (volume.line(), source.to_owned())),
            );
        }
        binds
    }

    /// Returns the variables that are set, with their lines.
    fn environment(&self) -> Vec<(u32, String, String)> {
        pairs(self.node.get("environment"))
    }

    fn build_arguments(&self) -> Vec<(u32, String, String)> {
        pairs(self.node.at(&["build", "args"]))
    }
}

/// Reads what may be written as a map or as a list of `NAME=value`.
fn pairs(node: Option<&Node>) -> Vec<(u32, String, String)> {
    let Some(node) = node else { return Vec::new() };
    let mapped = node
        .entries()
        .iter()
        .map(|(name, place, value)| (place.line, name.clone(), value.text().unwrap_or_default().to_owned()));
    let listed = node.items().iter().filter_map(|item| {
        let text = item.text()?;
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        Some((item.line(), name.to_owned(), value.to_owned()))
    });
    mapped.chain(listed).collect()
}

/// Every check, the worst first.
pub const LINTS: &[&Lint<Compose>] = &[
    &privileged::LINT,
    &container_socket::LINT,
    &sensitive_mount::LINT,
    &host_network::LINT,
    &host_pid::LINT,
    &host_ipc::LINT,
    &host_uts::LINT,
    &host_users::LINT,
    &host_cgroup::LINT,
    &dangerous_capability::LINT,
    &capabilities_kept::LINT,
    &new_privileges::LINT,
    &unconfined::LINT,
    &writable_root::LINT,
    &root_user::LINT,
    &untagged_image::LINT,
    &unpinned_digest::LINT,
    &administrative_port::LINT,
    &secret_in_environment::LINT,
    &unsafe_environment::LINT,
    &no_limits::LINT,
    &host_device::LINT,
    &build_secret::LINT,
];
