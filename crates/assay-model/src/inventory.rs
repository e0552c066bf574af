//! The inventory of an image: its operating system and packages, after all layers were laid over each other.

use crate::contents::FileEntry;
use crate::detection::Detection;
use crate::distro::Distro;
use crate::observation::Observation;
use crate::package::Package;
use crate::timestamp::Timestamp;
use crate::warning::Warning;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The operating system of an image, as its `os-release` says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Os {
    /// The distribution, when Assay knows it.
    #[serde(with = "distro_id")]
    pub distro: Option<&'static Distro>,
    /// `ID`.
    pub id: String,
    /// `VERSION_ID`; for a rolling distribution, or Debian's testing, the code name or nothing.
    pub version: String,
    /// `VERSION_CODENAME`.
    pub codename: String,
    /// `PRETTY_NAME`.
    pub name: String,
    /// When the release stops, or stopped, getting security fixes.
    pub end_of_life: Option<Timestamp>,
}

/// A distribution is written as its identifier; one that is no longer known is read as none.
mod distro_id {
    use crate::distro::{Distro, by_id};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        distro: &Option<&'static Distro>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        distro.map(|distro| distro.id).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<&'static Distro>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.and_then(|id| by_id(&id)))
    }
}

/// Files that a package manager left behind and that no running program needs: downloads and indexes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leftover {
    /// The folder they are in, without a leading `/`.
    pub folder: String,
    /// Their bytes.
    pub bytes: u64,
    /// How many they are.
    pub files: u64,
    /// The indices, in the image's order, of the layers they are in; empty outside images.
    pub layers: Vec<u32>,
}

/// What is in an image.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Inventory {
    /// The operating system, if there is one.
    pub os: Option<Os>,
    /// Packages, sorted by kind, name, version and place.
    pub packages: Vec<Package>,
    /// What package managers left behind, by folder.
    pub leftovers: Vec<Leftover>,
    /// Whether it comes from a deep scan.
    pub deep: bool,
    /// What a deep scan observed, sorted by topic and place.
    pub observations: Vec<Observation>,
    /// Every regular file, sorted by path, where somebody asked for them.
    pub files: Vec<FileEntry>,
    /// What content gives away, sorted by kind, rule and place.
    pub detections: Vec<Detection>,
    /// What could not be read.
    pub warnings: Vec<Warning>,
}

impl Inventory {
    /// Sets `depends_on` of the packages chosen by `select` from their `requires`.
    ///
    /// `keys` gives the names under which a package can be asked for. Alternatives of a requirement are separated by `|`; the
    /// first that is present is taken, as package managers do for what is already installed. `scope` keeps installations apart
    /// that do not see each other, such as two virtual environments.
    pub fn link_by_name(
        &mut self,
        select: impl Fn(&Package) -> bool,
        keys: impl Fn(&Package) -> Vec<String>,
        scope: impl Fn(&Package) -> String,
        canonical: impl Fn(&str) -> String,
    ) {
        let mut by_name: HashMap<(String, String), u32> = HashMap::new();
        // A package of that very name comes before one that merely provides it, wherever they stand.
        for own_name in [true, false] {
            for (index, package) in self.packages.iter().enumerate().filter(|(_, package)| select(package)) {
                let Ok(index) = u32::try_from(index) else { break };
                for key in keys(package).into_iter().filter(|key| (*key == package.name) == own_name) {
                    by_name.entry((scope(package), canonical(&key))).or_insert(index);
                }
            }
        }
        for index in 0..self.packages.len() {
            let Some(package) = self.packages.get(index).filter(|package| select(package)) else { continue };
            let scope = scope(package);
            let mut found: Vec<u32> = package
                .requires
                .iter()
                .filter_map(|requirement| {
                    let mut alternatives = requirement.split('|');
                    alternatives
                        .find_map(|name| by_name.get(&(scope.clone(), canonical(name.trim()))).copied())
                })
                .filter(|found| usize::try_from(*found) != Ok(index))
                .collect();
            found.sort_unstable();
            found.dedup();
            if let Some(package) = self.packages.get_mut(index) {
                package.depends_on = found;
            }
        }
    }
}
