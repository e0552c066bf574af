//! What a tier, a rule or an exception is about: patterns over names, all of which must match.

use crate::define::Params;
use crate::facts::Facts;
use crate::pattern;
use std::collections::BTreeMap;

/// Patterns over what is judged. Without any it is about everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selector {
    /// Of whole references.
    pub images: Vec<String>,
    /// Of registries.
    pub registries: Vec<String>,
    /// Of repositories with their registry.
    pub repositories: Vec<String>,
    /// Of namespaces.
    pub namespaces: Vec<String>,
    /// Of labels of the namespace.
    pub namespace_labels: BTreeMap<String, String>,
    /// Of services.
    pub services: Vec<String>,
    /// Of teams.
    pub teams: Vec<String>,
    /// Of labels of the image or workload.
    pub labels: BTreeMap<String, String>,
}

impl Selector {
    /// Returns what a `match` section says.
    pub(crate) fn of(params: Option<&Params>) -> Self {
        let Some(params) = params else { return Self::default() };
        let list = |name| params.texts(name).into_iter().map(str::to_owned).collect();
        let map = |name| {
            params.map(name).into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
        };
        Self {
            images: list("images"),
            registries: list("registries"),
            repositories: list("repositories"),
            namespaces: list("namespaces"),
            namespace_labels: map("namespaceLabels"),
            services: list("services"),
            teams: list("teams"),
            labels: map("labels"),
        }
    }

    /// Returns whether it looks at labels, in which the judged has a hand.
    pub fn trusts_labels(&self) -> bool {
        !self.labels.is_empty()
    }

    /// Returns whether it is about what these facts describe.
    pub fn matches(&self, facts: &Facts<'_>) -> bool {
        let name = |patterns: &[String], name: Option<&str>| {
            patterns.is_empty() || name.is_some_and(|name| pattern::any(patterns, name))
        };
        let labels = |wanted: &BTreeMap<String, String>, given: &dyn Fn(&str) -> Vec<String>| {
            wanted.iter().all(|(key, wanted)| given(key).iter().any(|value| pattern::matches(wanted, value)))
        };
        let reference = facts.reference.as_ref();
        let registry = reference.map(crate::facts::ImageReference::host);
        let repository = reference.map(crate::facts::ImageReference::name);
        let spellings = || match reference {
            Some(reference) => reference.spellings(),
            None => vec![facts.source.clone()],
        };
        let placement = &facts.placement;
        (self.images.is_empty() || spellings().iter().any(|spelling| pattern::any(&self.images, spelling)))
            && name(&self.registries, registry.as_deref())
            && name(&self.repositories, repository.as_deref())
            && name(&self.namespaces, placement.namespace.as_deref())
            && name(&self.services, placement.service.as_deref())
            && name(&self.teams, placement.team.as_deref())
            && labels(&self.namespace_labels, &|key| {
                placement.namespace_labels.get(key).cloned().into_iter().collect()
            })
            && labels(&self.labels, &|key| {
                let images = facts.images.iter().filter_map(|image| image.report);
                let of_images = images.filter_map(|report| report.image.labels.get(key).cloned());
                placement.labels.get(key).cloned().into_iter().chain(of_images).collect()
            })
    }
}
