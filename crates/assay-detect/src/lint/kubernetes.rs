//! The checks of Kubernetes manifests: one file each, and the list of them all.
//!
//! They cover every control of the Pod Security Standards (<https://kubernetes.io/docs/concepts/security/pod-security-standards/>),
//! baseline and restricted, and what concerns images. Looked at is every pod a manifest makes, whatever kind makes it: what has a
//! template with containers counts, also of custom resources.

use super::Lint;
use super::yaml::{Node, Place};

mod added_capability;
mod administrative_port;
mod apparmor_off;
mod capabilities_kept;
mod container_socket;
mod host_ipc;
mod host_network;
mod host_path;
mod host_pid;
mod host_port;
mod host_process;
mod may_run_as_root;
mod no_limits;
mod no_probe;
mod no_requests;
mod no_seccomp;
mod privilege_escalation;
mod privileged;
mod probe_host;
mod proc_mount;
mod pull_policy;
mod root_group;
mod root_user;
mod seccomp_off;
mod secret_in_environment;
mod selinux_options;
mod service_account_token;
mod shared_processes;
mod unpinned_digest;
mod unsafe_environment;
mod unsafe_sysctl;
mod untagged_image;
mod volume_type;
mod writable_root;

/// Deeper lists of lists are not opened.
const MAX_LISTS: usize = 8;

/// Something that runs pods.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What is said of its pods: their `spec`.
    pub pod: Node,
    /// The containers of a pod, also those that prepare or debug it.
    pub containers: Vec<Container>,
    metadata: Node,
}

/// A container of a pod.
#[derive(Debug, Clone, PartialEq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// The line it begins on.
    pub line: u32,
    /// What is said of it.
    pub node: Node,
    /// Whether it runs before the others.
    pub init: bool,
    /// Whether it was added to a running pod.
    pub ephemeral: bool,
}

/// Where kinds keep the pods they make.
const TEMPLATES: &[&[&str]] =
    &[&["spec", "jobTemplate", "spec", "template"], &["spec", "template"], &["template"], &[]];

/// Returns what runs pods in a document, lists opened.
pub fn workloads(document: &Node) -> Vec<Workload> {
    let mut found = Vec::new();
    collect(document, 0, &mut found);
    found
}

fn collect(document: &Node, depth: usize, found: &mut Vec<Workload>) {
    let kind = document.text_of("kind").unwrap_or_default();
    if kind.ends_with("List") && depth < MAX_LISTS {
        return document
            .items_of("items")
            .iter()
            .for_each(|item| collect(item, depth.saturating_add(1), found));
    }
    if document.get("apiVersion").is_none() && depth == 0 {
        return;
    }
    let templates = TEMPLATES.iter().filter_map(|path| document.at(path));
    let pods = templates.filter_map(|template| Some((template, template.get("spec")?)));
    let Some((template, pod)) = pods.into_iter().find(|(_, pod)| !pod.items_of("containers").is_empty())
    else {
        return;
    };
    let groups =
        [("containers", false, false), ("initContainers", true, false), ("ephemeralContainers", false, true)];
    let containers = groups.iter().flat_map(|(group, init, ephemeral)| {
        pod.items_of(group).iter().map(|node| Container {
            name: node.text_of("name").unwrap_or_default().to_owned(),
            line: node.line(),
            node: node.clone(),
            init: *init,
            ephemeral: *ephemeral,
        })
    });
    found.push(Workload {
        kind: kind.to_owned(),
        name: document.at(&["metadata", "name"]).and_then(Node::text).unwrap_or_default().to_owned(),
        pod: pod.clone(),
        containers: containers.collect(),
        metadata: template.get("metadata").cloned().unwrap_or_default(),
    });
}

impl Container {
    /// Returns its image.
    pub fn image(&self) -> Option<&str> {
        self.node.text_of("image")
    }
}

impl Workload {
    /// Returns the security contexts of the pod and its containers.
    fn contexts(&self) -> Vec<&Node> {
        let containers = self.containers.iter().filter_map(|container| container.node.get("securityContext"));
        self.pod.get("securityContext").into_iter().chain(containers).collect()
    }

    /// Returns a setting of a container: its own, or else the pod's.
    fn effective<'a>(&'a self, container: &'a Container, key: &str) -> Option<&'a Node> {
        let own = container.node.get("securityContext").and_then(|context| context.get(key));
        own.or_else(|| self.pod.get("securityContext").and_then(|context| context.get(key)))
    }

    /// Returns whether the pod runs on Windows, where much of Linux does not count.
    fn is_windows(&self) -> bool {
        self.pod.at(&["os", "name"]).and_then(Node::text) == Some("windows")
    }

    /// Returns the annotations of its pods.
    fn annotations(&self) -> &[(String, Place, Node)] {
        self.metadata.get("annotations").map(Node::entries).unwrap_or_default()
    }
}

/// Every check, the worst first.
pub const LINTS: &[&Lint<Workload>] = &[
    &privileged::LINT,
    &host_process::LINT,
    &host_network::LINT,
    &host_pid::LINT,
    &host_ipc::LINT,
    &added_capability::LINT,
    &capabilities_kept::LINT,
    &host_path::LINT,
    &container_socket::LINT,
    &host_port::LINT,
    &probe_host::LINT,
    &apparmor_off::LINT,
    &selinux_options::LINT,
    &proc_mount::LINT,
    &seccomp_off::LINT,
    &no_seccomp::LINT,
    &unsafe_sysctl::LINT,
    &volume_type::LINT,
    &privilege_escalation::LINT,
    &may_run_as_root::LINT,
    &root_user::LINT,
    &root_group::LINT,
    &writable_root::LINT,
    &no_limits::LINT,
    &no_requests::LINT,
    &untagged_image::LINT,
    &unpinned_digest::LINT,
    &pull_policy::LINT,
    &service_account_token::LINT,
    &secret_in_environment::LINT,
    &unsafe_environment::LINT,
    &administrative_port::LINT,
    &shared_processes::LINT,
    &no_probe::LINT,
];
