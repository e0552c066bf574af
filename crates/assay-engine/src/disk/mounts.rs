//! Which file system lies where: the root by what is in it, the others by the root's `/etc/fstab` and by the types of partitions.

use super::fstab::{self, Entry};
use assay_decode::disk::{FileSystem, FileSystemKind, NodeId, NodeKind, Volume};
use assay_model::Warning;
use std::collections::BTreeMap;

/// Bytes of an `fstab` that are read.
const MAX_FSTAB: u64 = 256 << 10;
/// Links that are followed before a path counts as a loop; Linux gives up at the same number (`MAXSYMLINKS`).
const MAX_LINKS: usize = 40;
/// Names that are looked through in one folder for one path.
const MAX_NAMES: u64 = 1 << 20;
/// Where installers put the root subvolume of Btrfs: Fedora, Debian and Ubuntu, Debian's newer one, openSUSE.
const ROOT_PARTS: &[&str] = &["root", "@", "@rootfs", "@/.snapshots/1/snapshot"];

/// A file system, opened, and what it is on.
pub(super) struct Mounted {
    pub(super) volume: Volume,
    pub(super) file_system: Box<dyn FileSystem>,
}

/// Where things are laid: by path, which file system and which of its folders.
pub(super) type Places = BTreeMap<String, (usize, NodeId)>;

/// Decides where each file system lies, and says what it could not decide.
pub(super) fn arrange(mounted: &[Mounted]) -> (Places, Vec<Warning>) {
    let (mut places, mut warnings) = (Places::new(), Vec::new());
    let mut best: Option<(usize, Root)> = None;
    let mut systems = Vec::new();
    for (index, one) in mounted.iter().enumerate() {
        let found = root_of(&*one.file_system);
        if found.score >= SYSTEM {
            systems.push(index);
        }
        if found.score > 0 && best.as_ref().is_none_or(|(_, other)| found.score > other.score) {
            best = Some((index, found));
        }
    }
    let mut placed = vec![false; mounted.len()];
    if let Some((root, Root { node, var, .. })) = best {
        places.insert(String::new(), (root, node));
        places.extend(var.map(|var| ("var".to_owned(), (root, var))));
        mark(&mut placed, root);
        if let Some(one) = mounted.get(root) {
            let fstab = read_fstab(&*one.file_system, node);
            for entry in fstab::parse(&fstab) {
                if let Err(warning) = place(&entry, mounted, (root, node), &mut places, &mut placed) {
                    warnings.push(warning);
                }
            }
            by_purpose(mounted, &*one.file_system, node, &mut places, &mut placed);
        }
    } else if let [only] = mounted {
        places.insert(String::new(), (0, only.file_system.root()));
        mark(&mut placed, 0);
    }
    for (index, one) in mounted.iter().enumerate() {
        if placed.get(index) == Some(&true) {
            continue;
        }
        let folder = folder_name(&one.volume, index);
        let name = format!("{} ({})", one.volume.name, one.file_system.kind());
        let message = if systems.contains(&index) {
            format!(
                "{name} holds another system, of which only language packages are reported, below `{folder}`"
            )
        } else {
            format!("nothing says where {name} is mounted; its files are below `{folder}`")
        };
        warnings.push(if systems.contains(&index) {
            Warning::unscanned("another-system", None, message)
        } else {
            Warning::notice("unmounted-volume", None, message)
        });
        places.insert(folder, (index, one.file_system.root()));
    }
    (places, warnings)
}

fn mark(placed: &mut [bool], index: usize) {
    if let Some(slot) = placed.get_mut(index) {
        *slot = true;
    }
}

/// What a file system scores that says which system it is.
const SYSTEM: u32 = 4;

/// A folder that may be the root of a system.
struct Root {
    /// How much it looks like one; 0 is not at all.
    score: u32,
    node: NodeId,
    /// What is mounted at `/var`, where that is said by nothing else.
    var: Option<NodeId>,
}

/// Finds what looks most like a root in a file system.
fn root_of(file_system: &dyn FileSystem) -> Root {
    let root = |node| Root { score: score(file_system, node), node, var: None };
    let mut best = root(file_system.root());
    if file_system.kind() == FileSystemKind::Btrfs {
        for part in ROOT_PARTS {
            let other = file_system.part(part).map(root);
            if let Some(other) = other.filter(|other| other.score > best.score) {
                best = other;
            }
        }
    }
    if best.score > 0 {
        return best;
    }
    // Image-based systems (Fedora CoreOS, bootc) keep each version of theirs in a folder, and start one of them as the root; what
    // they share lies beside these.
    for system in children(file_system, file_system.root(), "ostree/deploy") {
        for deployment in children(file_system, system, "deploy") {
            let other = root(deployment);
            if other.score > best.score {
                best = Root { var: find(file_system, system, "var"), ..other };
            }
        }
    }
    best
}

/// Systems, and versions of each, that are looked at: there are one and two.
const MAX_DEPLOYMENTS: usize = 16;

/// Returns the folders in the folder at `path`.
fn children(file_system: &dyn FileSystem, root: NodeId, path: &str) -> Vec<NodeId> {
    let mut found = Vec::new();
    let Some(folder) = find(file_system, root, path) else { return found };
    let _ = file_system.entries(folder, &mut |_, id| {
        if file_system.node(id).is_ok_and(|node| node.kind == NodeKind::Folder) {
            found.push(id);
        }
        found.len() < MAX_DEPLOYMENTS
    });
    found
}

fn score(file_system: &dyn FileSystem, root: NodeId) -> u32 {
    let has = |path: &str| find(file_system, root, path).is_some();
    if !has("etc") {
        return 0;
    }
    let mut score = 0;
    // `/usr` may be a file system of its own: then only the link is here.
    if has("etc/os-release")
        || has("usr/lib/os-release")
        || has("etc/redhat-release")
        || has("etc/debian_version")
    {
        score += SYSTEM;
    }
    score + if has("etc/fstab") { 2 } else { 0 } + u32::from(has("usr") || has("bin"))
}

/// Returns the node at `path`, without following links.
fn find(file_system: &dyn FileSystem, root: NodeId, path: &str) -> Option<NodeId> {
    path.split('/').try_fold(root, |folder, name| child(file_system, folder, name))
}

fn child(file_system: &dyn FileSystem, folder: NodeId, name: &str) -> Option<NodeId> {
    let (mut found, mut names) = (None, 0);
    let _ = file_system.entries(folder, &mut |entry, id| {
        found = (entry == name.as_bytes()).then_some(id);
        names += 1;
        found.is_none() && names < MAX_NAMES
    });
    found
}

/// Returns the path at which `path` really is in the root file system, links on the way followed. What is not there stays as it is.
fn real_path(file_system: &dyn FileSystem, root: NodeId, path: &str) -> Option<String> {
    let parts =
        |text: &str| text.split('/').rev().filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let mut rest: Vec<String> = parts(path);
    let (mut real, mut links): (Vec<(String, Option<NodeId>)>, usize) = (Vec::new(), 0);
    while let Some(part) = rest.pop() {
        match part.as_str() {
            "." => continue,
            ".." => {
                real.pop();
                continue;
            }
            _ => {}
        }
        let folder = real.last().map_or(Some(root), |(_, node)| *node);
        let node = folder.and_then(|folder| child(file_system, folder, &part));
        let is_link =
            |node: &NodeId| file_system.node(*node).is_ok_and(|node| node.kind == NodeKind::Symlink);
        if let Some(link) = node.filter(is_link) {
            links += 1;
            let target = file_system.link_target(link).ok()?;
            let target = String::from_utf8_lossy(&target).into_owned();
            if links > MAX_LINKS || rest.len() > 4096 {
                return None;
            }
            if target.starts_with('/') {
                real.clear();
            }
            let target: Vec<String> = parts(&target);
            rest.extend(target);
            continue;
        }
        real.push((part, node));
    }
    Some(real.into_iter().map(|(part, _)| part).collect::<Vec<_>>().join("/"))
}

fn read_fstab(file_system: &dyn FileSystem, root: NodeId) -> String {
    let read = || {
        let content = file_system.open(find(file_system, root, "etc/fstab")?).ok()?;
        let len = content.len().min(MAX_FSTAB);
        let bytes = content.read_range(0, len, usize::try_from(MAX_FSTAB).ok()?).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    read().unwrap_or_default()
}

/// Lays what a line of `fstab` names at its place.
fn place(
    entry: &Entry,
    mounted: &[Mounted],
    (root, root_node): (usize, NodeId),
    places: &mut Places,
    placed: &mut [bool],
) -> Result<(), Warning> {
    let found = mounted.iter().position(|one| entry.spec.names(&one.volume, &*one.file_system));
    let at = format!("/{}", entry.place);
    let Some((index, one)) = found.and_then(|index| Some((index, mounted.get(index)?))) else {
        if entry.place.is_empty() {
            // It was found by what is in it; that its identity changed is of no importance.
            return Ok(());
        }
        let message = format!("what `/etc/fstab` mounts at `{at}` is not on this disk, or could not be read");
        return Err(Warning::unscanned("missing-volume", None, message));
    };
    let node = match &entry.subvolume {
        Some(name) if one.file_system.kind() == FileSystemKind::Btrfs => one.file_system.part(name),
        _ => Some(one.file_system.root()),
    };
    let Some(node) = node else {
        let name = entry.subvolume.as_deref().unwrap_or_default();
        let message = format!("there is no subvolume `{name}` to be mounted at `{at}`");
        return Err(Warning::unscanned("missing-volume", None, message));
    };
    mark(placed, index);
    if entry.place.is_empty() {
        // Only a subvolume that is named is better known than by what is in it.
        if index == root && entry.subvolume.is_some() {
            places.insert(String::new(), (index, node));
        }
        return Ok(());
    }
    let path = mounted.get(root).and_then(|one| real_path(&*one.file_system, root_node, &entry.place));
    places.insert(path.unwrap_or_else(|| entry.place.clone()), (index, node));
    Ok(())
}

/// Lays what `fstab` does not mention where systemd would mount it by the type of its partition.
fn by_purpose(
    mounted: &[Mounted],
    root: &dyn FileSystem,
    root_node: NodeId,
    places: &mut Places,
    placed: &mut [bool],
) {
    for (index, one) in mounted.iter().enumerate() {
        let Some(purpose) = one.volume.purpose.filter(|_| placed.get(index) == Some(&false)) else {
            continue;
        };
        let mut path = purpose.mount_point();
        // Distributions keep the EFI system partition below `/boot`.
        if path == "efi" && find(root, root_node, "boot/efi").is_some() {
            path = "boot/efi";
        }
        if !path.is_empty() && !places.contains_key(path) {
            places.insert(path.to_owned(), (index, one.file_system.root()));
            mark(placed, index);
        }
    }
}

/// Returns a folder for files of which nobody says where they are mounted.
fn folder_name(volume: &Volume, index: usize) -> String {
    let plain = |text: &str| {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '_' { c } else { '-' };
        text.chars().map(plain).collect::<String>()
    };
    match (volume.partition, &volume.logical) {
        (Some(number), _) => format!("partition-{number}"),
        (None, Some((group, name))) => format!("volume-{}-{}", plain(group), plain(name)),
        (None, None) => format!("volume-{index}"),
    }
}
