//! From a bill of materials to an inventory, so that it can be judged like the image it describes.
//!
//! Everything in it is a claim of whoever wrote it: the base image it names is carried along as a claim, never as a fact that layers
//! prove, and what the writer did not look at stays a warning.

use crate::document::{Class, Component, Document};
use crate::package::{self, Found};
use crate::property as names;
use assay_model::image::ImageConfig;
use assay_model::{
    Base, BaseEvidence, DiffId, Digest, Image, Inventory, Layer, Location, Os, Package, Warning, distro,
};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// Layers of an image that a document may name; real images have at most 127.
const MAX_LAYERS: usize = 4096;

impl Document {
    /// Returns the image or folder that the document is about, and what is in it.
    ///
    /// Components that are no packages are left out. A document without a single package gives a warning: what lists nothing
    /// is not clean.
    pub fn inventory(&self) -> (Image, Inventory) {
        let image = self.image();
        let mut inventory = Inventory { os: self.os(), ..Inventory::default() };
        let mut indices: HashMap<u32, u32> = HashMap::new();
        let mut named_os: BTreeMap<(String, String), usize> = BTreeMap::new();
        let mut found: Vec<(u32, Package)> = Vec::new();
        for (index, component) in (0..).zip(&self.components) {
            let Some(Found { mut package, os }) = package::package(component) else { continue };
            package.locations = locations(component, &image);
            if let Some(os) = os {
                *named_os.entry(os).or_default() += 1;
            }
            found.push((index, package));
        }
        if inventory.os.is_none() {
            let most = named_os.into_iter().max_by_key(|(_, count)| *count);
            inventory.os = most.map(|((id, version), _)| os_named(&id, version));
        }
        // As a scan orders them, so that indices and reports are the same.
        found.sort_by(|(a, one), (b, other)| {
            let key = |package: &Package| {
                (
                    package.kind,
                    package.namespace.clone(),
                    package.name.clone(),
                    package.version.clone(),
                    package.architecture.clone(),
                    package.module.clone(),
                )
            };
            (key(one), &one.locations, a).cmp(&(key(other), &other.locations, b))
        });
        for (new, (old, _)) in (0..).zip(&found) {
            indices.insert(*old, new);
        }
        for (old, mut package) in found {
            let component = self.components.get(old as usize);
            let mut depends_on: Vec<u32> = component
                .iter()
                .flat_map(|component| &component.depends_on)
                .filter_map(|index| indices.get(index).copied())
                .collect();
            depends_on.sort_unstable();
            depends_on.dedup();
            package.depends_on = depends_on;
            inventory.packages.push(package);
        }
        inventory.warnings = self.warnings();
        if inventory.packages.is_empty() {
            inventory.warnings.push(Warning::unscanned(
                "sbom-without-packages",
                None,
                "the bill of materials names no package",
            ));
        }
        (image, inventory)
    }

    fn os(&self) -> Option<Os> {
        let component = self.components.iter().find(|component| component.class == Class::OperatingSystem)?;
        let get = |names: &[&str]| names.iter().find_map(|name| component.property(name)).unwrap_or_default();
        let id = match get(&["syft:distro:id"]) {
            "" => component.name.as_str(),
            id => id,
        };
        let mut os = os_named(id, component.version.clone());
        get(&[names::OS_CODENAME, "syft:distro:versionCodename"]).clone_into(&mut os.codename);
        let name = get(&[names::OS_NAME, "syft:distro:prettyName"]);
        if !name.is_empty() {
            name.clone_into(&mut os.name);
        }
        Some(os)
    }

    fn image(&self) -> Image {
        let subject = &self.subject;
        let text = |names: &[&str]| names.iter().find_map(|name| subject.property(name));
        let digest = |names: &[&str]| text(names).and_then(|text| text.parse::<Digest>().ok());
        let mut layers: Vec<Layer> = Vec::new();
        let mut labels = BTreeMap::new();
        let mut exposed_ports = Vec::new();
        for (name, value) in &subject.properties {
            if let Some((number, part)) = names::numbered(name, names::LAYER) {
                if number >= MAX_LAYERS {
                    continue;
                }
                if layers.len() <= number {
                    layers.resize_with(number + 1, Layer::default);
                }
                let Some(layer) = layers.get_mut(number) else { continue };
                match part {
                    "" => layer.diff_id = value.parse().ok(),
                    "digest" => layer.digest = value.parse().ok(),
                    "size" => layer.size = value.parse().ok(),
                    _ => {}
                }
            } else if name == "aquasecurity:trivy:DiffID" && layers.len() < MAX_LAYERS {
                layers.push(Layer { diff_id: value.parse::<DiffId>().ok(), ..Layer::default() });
            } else if let Some(label) =
                name.strip_prefix(names::LABEL).or_else(|| name.strip_prefix("syft:image:labels:"))
            {
                labels.insert(label.to_owned(), value.clone());
            } else if let Some(label) = name.strip_prefix("aquasecurity:trivy:Labels:") {
                labels.insert(label.to_owned(), value.clone());
            } else if name == names::PORT {
                exposed_ports.push(value.clone());
            }
        }
        let own_digest =
            || subject.version.parse::<Digest>().ok().filter(|_| text(&[names::SOURCE]).is_none());
        Image {
            reference: text(&[names::REFERENCE]).unwrap_or(&subject.name).to_owned(),
            index_digest: digest(&[names::INDEX_DIGEST]),
            manifest_digest: digest(&[names::MANIFEST_DIGEST]).or_else(own_digest),
            image_id: digest(&[names::IMAGE_ID, "aquasecurity:trivy:ImageID"]),
            platform: text(&[names::PLATFORM]).and_then(|text| text.parse().ok()),
            created: text(&[names::CREATED]).and_then(|text| text.parse().ok()),
            labels,
            config: ImageConfig {
                user: text(&[names::USER]).unwrap_or_default().to_owned(),
                exposed_ports,
                ..ImageConfig::default()
            },
            layers,
            base: self.ancestors.first().map(base),
            ..Image::default()
        }
    }

    fn warnings(&self) -> Vec<Warning> {
        let mut warnings: Vec<(usize, Warning)> = Vec::new();
        for (name, value) in &self.subject.properties {
            let Some((number, part)) = names::numbered(name, names::WARNING) else { continue };
            if warnings.last().is_none_or(|(last, _)| *last != number) {
                warnings.push((number, Warning::unscanned("sbom-incomplete", None, "")));
            }
            let Some((_, warning)) = warnings.last_mut() else { continue };
            match part {
                "code" => warning.code = Cow::Owned(value.clone()),
                "path" => warning.path = Some(value.clone()),
                _ => warning.message.clone_from(value),
            }
        }
        if warnings.is_empty() && self.incomplete {
            let message = "the bill of materials says of itself that it is incomplete";
            warnings.push((0, Warning::unscanned("sbom-incomplete", None, message)));
        }
        warnings.into_iter().map(|(_, warning)| warning).collect()
    }
}

fn os_named(id: &str, version: String) -> Os {
    let lower = id.to_lowercase();
    // Trivy calls some distributions differently from their `os-release`.
    let id = match lower.as_str() {
        "redhat" => "rhel",
        "alma" => "almalinux",
        "amazon" => "amzn",
        "oracle" => "ol",
        "opensuse.leap" => "opensuse-leap",
        "opensuse.tumbleweed" => "opensuse-tumbleweed",
        "suse linux enterprise server" => "sles",
        "cbl-mariner" => "mariner",
        _ => id,
    };
    Os { distro: distro::by_id(id), id: id.to_owned(), version, ..Os::default() }
}

/// A document may claim any base; that its layers are those of a known image is for whoever has the layers to say.
fn base(component: &Component) -> Base {
    let digest = |name: &str| component.property(name).and_then(|text| text.parse().ok());
    let named = component.property(names::REFERENCE).or(Some(&component.name));
    let detail = component.property(names::BASE_DETAIL).unwrap_or("it is named as the ancestor");
    Base {
        reference: named
            .filter(|name| {
                !name.is_empty()
                    && component
                        .property(names::BASE_EVIDENCE)
                        .is_none_or(|_| component.property(names::REFERENCE).is_some())
            })
            .map(str::to_owned),
        manifest_digest: digest(names::MANIFEST_DIGEST),
        image_id: digest(names::IMAGE_ID),
        created: component.property(names::CREATED).and_then(|text| text.parse().ok()),
        layers: component.property(names::BASE_LAYERS).and_then(|text| text.parse().ok()),
        evidence: BaseEvidence::Annotation,
        named: false,
        detail: format!("{detail} (as the bill of materials says)"),
        findings: 0,
        of_findings: 0,
        newest: None,
        newer: None,
    }
}

fn locations(component: &Component, image: &Image) -> Vec<Location> {
    let by_diff_id = |text: &str| {
        let found = image.layers.iter().position(|layer| {
            layer.diff_id.is_some_and(|id| id.to_string() == text)
                || layer.digest.is_some_and(|digest| digest.to_string() == text)
        });
        found.and_then(|index| u32::try_from(index).ok())
    };
    let mut locations: Vec<Location> =
        component.locations.iter().map(|path| Location { path: path.clone(), layer: None }).collect();
    let mut foreign: Vec<(usize, Location)> = Vec::new();
    for (name, value) in &component.properties {
        if let Some((number, "layer")) = names::numbered(name, names::LOCATION) {
            let index = value.split(' ').next().and_then(|index| index.parse::<u32>().ok());
            if let Some(location) = locations.get_mut(number) {
                location.layer = index.filter(|index| (*index as usize) < image.layers.len());
            }
        } else if let Some((number, part)) = names::numbered(name, "syft:location:") {
            if foreign.last().is_none_or(|(last, _)| *last != number) {
                foreign.push((number, Location { path: String::new(), layer: None }));
            }
            let Some((_, location)) = foreign.last_mut() else { continue };
            match part {
                "path" => value.trim_start_matches('/').clone_into(&mut location.path),
                "layerID" => location.layer = by_diff_id(value),
                _ => {}
            }
        }
    }
    locations.extend(foreign.into_iter().map(|(_, location)| location).filter(|it| !it.path.is_empty()));
    let get = |name: &str| component.property(name);
    if let Some(path) = get("aquasecurity:trivy:FilePath").or(get("aquasecurity:trivy:PkgPath")) {
        locations.push(Location { path: path.to_owned(), layer: None });
    }
    if let Some(layer) = get("aquasecurity:trivy:LayerDiffID").and_then(by_diff_id) {
        for location in locations.iter_mut().filter(|location| location.layer.is_none()) {
            location.layer = Some(layer);
        }
    }
    locations
}
