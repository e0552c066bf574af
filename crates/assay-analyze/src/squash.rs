//! Lays layers over each other: what is visible in the end, who brought it, and whom it belongs to.
//!
//! The order matters. Facts hidden by an upper layer go first; then each package gets the layer that brought it; language
//! packages owned by the operating system's package manager are attributed to it; lockfiles give way to what is installed;
//! analyzers link dependencies while every instance still has its own place; at last equal packages become one with all
//! their places.

mod contents;

use crate::facts::{Fact, FileAnalysis, LayerAnalysis};
use crate::files::{CodeFile, Files, Owned, Shape};
use crate::limits::Budget;
use crate::matcher::Matcher;
use crate::overlay::Overlay;
use assay_model::path::usr_merged;
use assay_model::{
    Detection, FileEntry, FindingKind, Inventory, Leftover, Location, Observation, Origin, Package,
    PackageKind, Warning,
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;

/// What to do with packages that only a lockfile names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lockfiles {
    /// Report those of a lockfile of which nothing is installed: right for images.
    WhenNothingInstalled,
    /// Report them all: right for projects.
    Always,
}

/// A path as it is seen at the end.
struct Visible {
    layer: u32,
    analyses: Vec<FileAnalysis>,
    /// What lower layers had at the same path, nearest last, without a gap in which the path was removed.
    below: Vec<(u32, HashSet<OwnIdentity>)>,
}

/// What makes two packages the same package.
type Identity<'a> = (PackageKind, Option<&'a str>, &'a str, &'a str, Option<&'a str>, Option<&'a str>);

/// The same, by itself.
type OwnIdentity = (PackageKind, Option<String>, String, String, Option<String>, Option<String>);

fn identity(package: &Package) -> Identity<'_> {
    (
        package.kind,
        package.namespace.as_deref(),
        &package.name,
        &package.version,
        package.architecture.as_deref(),
        package.module.as_deref(),
    )
}

fn own_identity(package: &Package) -> OwnIdentity {
    let (kind, namespace, name, version, architecture, module) = identity(package);
    let own = |text: Option<&str>| text.map(str::to_owned);
    (kind, own(namespace), name.to_owned(), version.to_owned(), own(architecture), own(module))
}

fn packages(analyses: &[FileAnalysis]) -> impl Iterator<Item = &Package> {
    analyses.iter().flat_map(|analysis| &analysis.said.facts).filter_map(|fact| match fact {
        Fact::Package(package) => Some(&**package),
        Fact::Os { .. }
        | Fact::OwnedFiles { .. }
        | Fact::Licenses { .. }
        | Fact::Leftover { .. }
        | Fact::Code(_)
        | Fact::Detection(_)
        | Fact::Observation(_)
        | Fact::Content(_)
        | Fact::Installed { .. } => None,
    })
}

/// What is left when all layers lie over each other.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Squashed {
    /// The packages.
    pub inventory: Inventory,
    /// The files that matter for what runs.
    pub files: Files,
}

/// Returns what is in an image whose layers, the base first, were analysed as `layers` says.
///
/// `of_image` says whether locations name their layer; a folder has none.
pub fn squash(
    layers: Vec<LayerAnalysis>,
    of_image: bool,
    lockfiles: Lockfiles,
    matcher: &Matcher<'_>,
) -> Squashed {
    let mut inventory = Inventory::default();
    let mut files = Files::default();
    let visible = overlay(layers, &mut inventory, &mut files, of_image);
    let mut claims = Claims::default();
    let mut leftovers: BTreeMap<String, Leftovers> = BTreeMap::new();
    let mut rank = 0;
    let mut code: Vec<(String, CodeFile)> = Vec::new();
    for (path, at) in visible {
        for analysis in at.analyses {
            inventory.warnings.extend(analysis.said.warnings);
            for fact in analysis.said.facts {
                match fact {
                    Fact::Package(package) => {
                        let layer = of_image.then(|| origin_layer(&package, at.layer, &at.below));
                        inventory.packages.push(placed(*package, &path, layer));
                    }
                    // `etc/os-release` sorts before `usr/lib/os-release`, as it is preferred by os-release(5).
                    Fact::Os { os, rank: this } if this > rank => {
                        rank = this;
                        inventory.os = Some(*os);
                    }
                    Fact::Os { .. } => {}
                    Fact::OwnedFiles { manager, package, files } => {
                        claims.files.push(Owned { manager: manager.into(), package, files });
                    }
                    Fact::Leftover { folder, bytes } => {
                        leftovers
                            .entry(folder.into_owned())
                            .or_default()
                            .add(bytes, of_image.then_some(at.layer));
                    }
                    // What is said of one path comes together, and paths in their order.
                    Fact::Code(said) => match code.last_mut() {
                        Some((last, file)) if **last == *path => file.add(*said),
                        _ => code.push((path.to_string(), CodeFile { layer: at.layer, code: *said })),
                    },
                    Fact::Observation(observation) => {
                        let layer = of_image.then_some(at.layer);
                        inventory.observations.push(Observation {
                            path: path.to_string(),
                            layer,
                            ..*observation
                        });
                    }
                    Fact::Detection(detection) => {
                        inventory.detections.push(detected(*detection, &path, of_image.then_some(at.layer)));
                    }
                    Fact::Content(content) => inventory.files.push(FileEntry {
                        path: path.to_string(),
                        layer: of_image.then_some(at.layer),
                        content: *content,
                        owners: Vec::new(),
                    }),
                    Fact::Installed { manager, package, files } => {
                        claims.installed.push((manager, package, files));
                    }
                    Fact::Licenses { manager, package, licenses } => {
                        claims.licenses.insert((manager.into(), package), licenses);
                    }
                }
            }
        }
    }
    files.code = code.into_iter().collect();
    inventory.leftovers = leftovers.into_iter().map(|(folder, sum)| sum.finish(folder)).collect();
    claims.apply(&mut inventory);
    files.owned = std::mem::take(&mut claims.files);
    // What runs does not depend on the list of files.
    let list_is_cut = |warning: &Warning| warning.code == Budget::FILE_LIST.code;
    let cut = inventory.warnings.iter().any(list_is_cut);
    files.partial |= inventory.warnings.iter().any(|warning| warning.incomplete && !list_is_cut(warning));
    if lockfiles == Lockfiles::WhenNothingInstalled {
        drop_installed_lockfiles(&mut inventory.packages);
    }
    // Linking sees one instance per place, in an order that does not depend on layers or threads.
    inventory.packages.sort_by(|a, b| (identity(a), &a.locations).cmp(&(identity(b), &b.locations)));
    for analyzer in matcher.analyzers() {
        analyzer.link(&mut inventory);
    }
    merge(&mut inventory.packages);
    contents::own(&mut inventory, &files.owned);
    // What package managers except from it may be missing.
    if !cut {
        contents::compare(&mut inventory, &claims.installed);
    }
    inventory.observations.sort();
    inventory.detections.sort();
    inventory.detections.dedup();
    inventory.warnings.sort();
    inventory.warnings.dedup();
    Squashed { inventory, files }
}

/// What is left over in one folder.
#[derive(Default)]
struct Leftovers {
    bytes: u64,
    files: u64,
    layers: BTreeSet<u32>,
}

impl Leftovers {
    fn add(&mut self, bytes: u64, layer: Option<u32>) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.files += 1;
        self.layers.extend(layer);
    }

    fn finish(self, folder: String) -> Leftover {
        let Self { bytes, files, layers } = self;
        Leftover { folder, bytes, files, layers: layers.into_iter().collect() }
    }
}

/// Puts a detection at its place.
fn detected(mut detection: Detection, path: &str, layer: Option<u32>) -> Detection {
    if detection.path.is_empty() {
        path.clone_into(&mut detection.path);
    }
    detection.layer = layer;
    detection
}

/// Keeps what no upper layer hides; of what is hidden, the secrets: whoever has the image has them.
fn overlay(
    layers: Vec<LayerAnalysis>,
    inventory: &mut Inventory,
    seen: &mut Files,
    of_image: bool,
) -> BTreeMap<Rc<str>, Visible> {
    let mut visible: Overlay<Visible> = Overlay::default();
    let mut links: Overlay<String> = Overlay::default();
    let mut left = layers.len();
    for (layer, analysis) in (0..).zip(layers) {
        left -= 1;
        inventory.warnings.extend(analysis.warnings);
        seen.partial |= analysis.symlinks_left_out;
        let mut history = HashMap::new();
        visible.hide(&analysis.cover, |path, below| {
            let hidden = below.analyses.iter().flat_map(|analysis| &analysis.said.facts);
            for fact in hidden {
                if let Fact::Detection(detection) = fact
                    && detection.kind == FindingKind::Secret
                {
                    let at = of_image.then_some(below.layer);
                    let detection = detected((**detection).clone(), path, at);
                    inventory.detections.push(Detection { hidden_by: Some(layer), ..detection });
                }
            }
            // Replaced, not removed and made anew: a package database that is rewritten keeps the history of its packages.
            if analysis.files.contains_key(path) {
                let mut levels = below.below;
                levels.push((below.layer, packages(&below.analyses).map(own_identity).collect()));
                history.insert(path.to_owned(), levels);
            }
        });
        for (path, analyses) in analysis.files {
            let below = history.remove(&path).unwrap_or_default();
            visible.insert(&path, Visible { layer, analyses, below }, left > 0);
        }
        links.hide(&analysis.cover, |_, _| {});
        for (path, target) in analysis.symlinks {
            links.insert(&path, target, left > 0);
        }
        let shape = Shape { files: analysis.cover.replaced, folders: analysis.cover.folders };
        seen.shapes.push(shape);
    }
    seen.symlinks =
        links.into_visible().into_iter().map(|(path, target)| (path.to_string(), target)).collect();
    visible.into_visible()
}

/// Returns the layer that brought a package: the lowest from which on, without a gap, this file has named it.
fn origin_layer(package: &Package, layer: u32, below: &[(u32, HashSet<OwnIdentity>)]) -> u32 {
    if below.is_empty() {
        return layer;
    }
    let key = own_identity(package);
    below.iter().rev().take_while(|(_, known)| known.contains(&key)).last().map_or(layer, |(layer, _)| *layer)
}

fn placed(mut package: Package, path: &str, layer: Option<u32>) -> Package {
    if package.locations.is_empty() {
        package.locations.push(Location { path: path.to_owned(), layer });
    }
    for location in &mut package.locations {
        location.layer = layer;
    }
    package
}

/// What package managers say of files and packages that other analyzers found.
#[derive(Default)]
struct Claims {
    files: Vec<Owned>,
    licenses: HashMap<(String, String), Vec<String>>,
    /// The manager, the package, and what its files were when it was installed.
    installed: Vec<contents::Installed>,
}

/// Returns the package manager whose packages are of this kind, where it answers for the language packages in its files.
///
/// Nobody publishes advisories that say what Portage's and opkg's packages carry: what lies in these is judged by itself. A Conda
/// package is judged as what it carries.
fn manager_of(kind: PackageKind) -> Option<&'static str> {
    match kind {
        PackageKind::Deb => Some("dpkg"),
        PackageKind::Rpm => Some("rpm"),
        PackageKind::Apk => Some("apk"),
        PackageKind::Pacman => Some("pacman"),
        PackageKind::Conda => Some("conda"),
        _ => None,
    }
}

impl Claims {
    fn apply(&self, inventory: &mut Inventory) {
        // Package managers keep one list per name, or per name and architecture.
        let mut os_packages: HashMap<(&str, String), usize> = HashMap::new();
        for (index, package) in inventory.packages.iter_mut().enumerate() {
            let manager = manager_of(package.kind);
            // Portage's packages are named with their category.
            let described_by = if package.kind == PackageKind::Portage { Some("portage") } else { manager };
            if let Some(described_by) = described_by
                && package.licenses.is_empty()
                && let Some(licenses) = self.licenses.get(&(described_by.to_owned(), package.full_name()))
            {
                package.licenses.clone_from(licenses);
            }
            let Some(manager) = manager else { continue };
            // Conda has an installation for each environment; the record tells them apart.
            if package.kind == PackageKind::Conda {
                let records =
                    package.locations.iter().map(|location| ((manager, location.path.clone()), index));
                os_packages.extend(records);
                continue;
            }
            os_packages.insert((manager, package.name.clone()), index);
            if let Some(architecture) = &package.architecture {
                os_packages.insert((manager, format!("{}:{architecture}", package.name)), index);
            }
        }
        // Only the few paths at which a language package was found are looked for in the long lists.
        let mut sought: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, package) in inventory.packages.iter().enumerate() {
            if package.kind.is_os() || package.kind == PackageKind::Conda {
                continue;
            }
            for location in &package.locations {
                let outer = location.path.split_once("!/").map_or(location.path.as_str(), |(outer, _)| outer);
                sought.entry(outer.to_owned()).or_default().push(index);
            }
        }
        let mut owner: BTreeMap<usize, usize> = BTreeMap::new();
        for owned in &self.files {
            // A list left behind by a removed package owns nothing.
            let Some(&os_package) = os_packages.get(&(owned.manager.as_str(), owned.package.clone())) else {
                continue;
            };
            for path in owned.files.iter() {
                let found = sought.get(path).or_else(|| usr_merged(path).and_then(|path| sought.get(&path)));
                for &package in found.into_iter().flatten() {
                    if answers(inventory, os_package, package, path)
                        && !written_later(inventory, package, os_package)
                    {
                        owner.entry(package).or_insert(os_package);
                    }
                }
            }
        }
        // A lockfile that came with a package of the system (in its sources or documentation) says what its authors once
        // used: the system answers for the file, but does not contain what it names.
        let installed = |index: &usize| {
            inventory.packages.get(*index).filter(|package| package.origin == Origin::Installed)
        };
        let purls: Vec<(usize, String)> = owner
            .iter()
            .filter_map(|(package, owner)| Some((*owner, installed(package)?.purl(None).to_string())))
            .collect();
        for (owner, purl) in purls {
            if let Some(owner) = inventory.packages.get_mut(owner) {
                owner.contains.push(purl);
            }
        }
        let mut index = 0;
        inventory.packages.retain(|_| {
            index += 1;
            !owner.contains_key(&(index - 1))
        });
        for package in &mut inventory.packages {
            package.contains.sort_unstable();
            package.contains.dedup();
        }
    }
}

/// Returns whether the distribution answers for what is installed at a path that one of its package manager's packages owns.
///
/// It does for what it built. A vendor's package that brings its own copy of a library is nobody's but the vendor's, and no advisory
/// of the distribution will ever mention that copy; so is what Debian's policy (9.1.2) keeps the distribution itself out of.
fn answers(inventory: &Inventory, os_package: usize, package: usize, path: &str) -> bool {
    let Some(owner) = inventory.packages.get(os_package) else { return true };
    let installed =
        inventory.packages.get(package).is_some_and(|package| package.origin == Origin::Installed);
    let local = owner.kind == PackageKind::Deb
        && ["opt/", "usr/local/"].iter().any(|folder| path.trim_start_matches('/').starts_with(folder));
    !(installed && (local || owner.third_party(inventory.os.as_ref()).is_some()))
}

/// Returns whether a file was written by a later layer than the package that claims it: then it is no longer what the package
/// manager installed (`pip install --upgrade` over a distribution's files), and the distribution does not answer for it.
fn written_later(inventory: &Inventory, package: usize, os_package: usize) -> bool {
    let layer = |index: usize| {
        let package = inventory.packages.get(index)?;
        package.locations.iter().filter_map(|location| location.layer).max()
    };
    layer(package) > layer(os_package)
}

/// Drops each lockfile of which at least one package is installed: what is installed is then what counts.
fn drop_installed_lockfiles(packages: &mut Vec<Package>) {
    let key = |package: &Package| (package.kind, package.full_name().to_lowercase(), package.version.clone());
    let path = |package: &Package| {
        package.locations.first().map(|location| location.path.clone()).unwrap_or_default()
    };
    let installed: HashSet<_> =
        packages.iter().filter(|package| package.origin == Origin::Installed).map(key).collect();
    let covered: HashSet<String> = packages
        .iter()
        .filter(|package| package.origin == Origin::Declared && installed.contains(&key(package)))
        .map(path)
        .collect();
    packages.retain(|package| package.origin == Origin::Installed || !covered.contains(&path(package)));
}

/// Makes equal packages one, with all their places, and renumbers dependencies.
fn merge(packages: &mut Vec<Package>) {
    let mut place: Vec<u32> = Vec::with_capacity(packages.len());
    let mut merged: Vec<Package> = Vec::with_capacity(packages.len());
    let mut next: u32 = 0;
    // Sorted by identity, so that equal ones are neighbours.
    for package in packages.drain(..) {
        match merged.last_mut().filter(|last| identity(last) == identity(&package)) {
            Some(last) => {
                last.origin = last.origin.min(package.origin);
                last.locations.extend(package.locations);
                last.licenses.extend(package.licenses);
                last.provides.extend(package.provides);
                last.requires.extend(package.requires);
                last.depends_on.extend(package.depends_on);
                last.contains.extend(package.contains);
                last.source = last.source.take().or(package.source);
                last.vendor = last.vendor.take().or(package.vendor);
            }
            None => {
                merged.push(package);
                next += 1;
            }
        }
        place.push(next.saturating_sub(1));
    }
    for (index, package) in (0..).zip(&mut merged) {
        for dependency in &mut package.depends_on {
            *dependency = place.get(*dependency as usize).copied().unwrap_or(index);
        }
        package.depends_on.retain(|dependency| *dependency != index);
        package.depends_on.sort_unstable();
        package.depends_on.dedup();
        package.locations.sort();
        package.locations.dedup();
        for list in
            [&mut package.licenses, &mut package.provides, &mut package.requires, &mut package.contains]
        {
            list.sort_unstable();
            list.dedup();
        }
    }
    *packages = merged;
}
