//! A bill of materials, whatever format it comes in or goes out as.
//!
//! Only what several formats can say is here; what just one of them knows (CycloneDX services, SPDX snippets) is left out when
//! reading. What Assay knows beyond that travels as properties named `assay:…`, see [`crate::property`].

use assay_model::Timestamp;
use std::collections::HashSet;

/// What a component is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Class {
    /// A container image.
    Container,
    /// An operating system.
    OperatingSystem,
    /// An application: a program, or a project with its lockfile.
    Application,
    /// A package.
    #[default]
    Library,
    /// A file.
    File,
    /// Anything else: firmware, a device, data, a model.
    Other,
}

/// A digest of a component's content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hash {
    /// The algorithm, in the spelling of CycloneDX: `SHA-256`.
    pub algorithm: String,
    /// The digest in hexadecimal.
    pub hex: String,
}

/// One thing that software is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Component {
    /// By what the rest of the document refers to it: a `bom-ref`, an SPDX identifier; unique in one document.
    pub reference: String,
    /// What it is.
    pub class: Class,
    /// The group, scope or vendor, where it is kept apart from the name.
    pub group: Option<String>,
    /// The name.
    pub name: String,
    /// The version; empty when there is none.
    pub version: String,
    /// The package URL, as written.
    pub purl: Option<String>,
    /// Names in NVD's dictionary.
    pub cpes: Vec<String>,
    /// Who supplied it.
    pub supplier: Option<String>,
    /// Licences: SPDX expressions or names.
    pub licenses: Vec<String>,
    /// Digests of its content.
    pub hashes: Vec<Hash>,
    /// Paths at which it was found.
    pub locations: Vec<String>,
    /// What else is known, by name; names may repeat.
    pub properties: Vec<(String, String)>,
    /// Indices of the components it depends on.
    pub depends_on: Vec<u32>,
}

impl Component {
    /// Returns the first property of this name.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Adds a property.
    pub(crate) fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.properties.push((name.into(), value.into()));
    }

    /// Returns group and name as one.
    pub fn full_name(&self) -> String {
        match self.group.as_deref().filter(|group| !group.is_empty()) {
            Some(group) => format!("{group}/{}", self.name),
            None => self.name.clone(),
        }
    }
}

/// A file of a component, for those who ask for every file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct File {
    /// Its path, without a leading `/`.
    pub path: String,
    /// Digests of its content; SPDX 2 asks for SHA-1.
    pub hashes: Vec<Hash>,
    /// The indices of the components that it belongs to, sorted.
    pub owners: Vec<u32>,
}

impl File {
    /// Returns the digest of this algorithm.
    pub fn hash(&self, algorithm: &str) -> Option<&str> {
        self.hashes.iter().find(|hash| hash.algorithm == algorithm).map(|hash| hash.hex.as_str())
    }
}

/// A program that made a document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tool {
    /// Who makes it.
    pub vendor: Option<String>,
    /// Its name.
    pub name: String,
    /// Its version; empty when it is not known.
    pub version: String,
}

/// A bill of materials.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Document {
    /// What identifies it, without the scheme of its format: the UUID of a CycloneDX serial number, the namespace of an SPDX
    /// document.
    pub identity: String,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// What made it.
    pub tools: Vec<Tool>,
    /// What it is about.
    pub subject: Component,
    /// The images or products the subject was made from, the nearest first.
    pub ancestors: Vec<Component>,
    /// What the subject consists of.
    pub components: Vec<Component>,
    /// The files of components, sorted, where they were asked for.
    pub files: Vec<File>,
    /// Whether it says itself that something is missing.
    pub incomplete: bool,
}

impl Document {
    /// Gives every component a reference that no other has. Documents of other tools leave some out.
    pub(crate) fn name_components(&mut self) {
        let mut taken: HashSet<String> = HashSet::new();
        let own = std::iter::once(&mut self.subject);
        let all = own.chain(&mut self.ancestors).chain(&mut self.components);
        for (number, component) in all.enumerate() {
            if component.reference.is_empty() || taken.contains(&component.reference) {
                let base = format!("component-{number}");
                component.reference = base.clone();
                let mut again = 2;
                while taken.contains(&component.reference) {
                    component.reference = format!("{base}-{again}");
                    again += 1;
                }
            }
            taken.insert(component.reference.clone());
        }
    }

    /// Returns the indices of the components that the subject depends on: those that nothing else leads to.
    pub(crate) fn roots(&self) -> Vec<u32> {
        let mut reached = vec![false; self.components.len()];
        for component in &self.components {
            for index in &component.depends_on {
                if let Some(flag) = reached.get_mut(*index as usize) {
                    *flag = true;
                }
            }
        }
        let mut roots: Vec<u32> =
            (0..).zip(&reached).filter(|(_, reached)| !**reached).map(|(index, _)| index).collect();
        // Circles that nothing leads into: one of each is a root, too.
        let mut seen = vec![false; self.components.len()];
        let mut queue = roots.clone();
        let mut next = 0u32;
        loop {
            while let Some(index) = queue.pop() {
                let Some(flag) = seen.get_mut(index as usize).filter(|flag| !**flag) else { continue };
                *flag = true;
                let component = self.components.get(index as usize);
                queue.extend(component.iter().flat_map(|component| &component.depends_on));
            }
            while seen.get(next as usize) == Some(&true) {
                next += 1;
            }
            if seen.get(next as usize).is_none() {
                break;
            }
            roots.push(next);
            queue.push(next);
        }
        roots.sort_unstable();
        roots
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(edges: &[&[u32]], want: &[u32]) {
        let component = |edges: &&[u32]| Component { depends_on: edges.to_vec(), ..Component::default() };
        let document = Document { components: edges.iter().map(component).collect(), ..Document::default() };
        assert_eq!(document.roots(), want);
    }

    #[test]
    fn everything_is_reached_from_the_roots() {
        check(&[], &[]);
        check(&[&[1], &[], &[]], &[0, 2]);
        check(&[&[1], &[0], &[]], &[0, 2]);
        check(&[&[], &[2], &[1, 0], &[1]], &[3]);
        check(&[&[0, 9]], &[0]);
    }
}
