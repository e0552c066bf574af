//! Reads `/etc/fstab`: what is mounted where ([fstab(5)]).
//!
//! [fstab(5)]: https://man7.org/linux/man-pages/man5/fstab.5.html

use assay_decode::disk::{FileSystem, Volume};

/// Lines that are looked at; real ones have a dozen.
const MAX_ENTRIES: usize = 1000;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// What is mounted.
    pub(super) spec: Spec,
    /// Where, without the leading slash; the root is empty.
    pub(super) place: String,
    /// The subvolume of Btrfs.
    pub(super) subvolume: Option<String>,
}

/// How a line says what is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Spec {
    /// The file system's identity, in lower case.
    Uuid(String),
    /// The file system's label.
    Label(String),
    /// The partition's identity, in lower case.
    PartitionUuid(String),
    /// The partition's name.
    PartitionLabel(String),
    /// The partition of that number of the first disk.
    Partition(u32),
    /// A logical volume.
    Logical(String, String),
}

/// Returns the lines that mount something of a disk, in their order.
pub(super) fn parse(text: &str) -> Vec<Entry> {
    text.lines().filter_map(Entry::parse).take(MAX_ENTRIES).collect()
}

impl Entry {
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split_whitespace();
        let (spec, place) = (unescape(fields.next()?), unescape(fields.next()?));
        if spec.starts_with('#') || !place.starts_with('/') {
            return None;
        }
        let options = fields.nth(1).unwrap_or_default();
        let subvolume = options
            .split(',')
            .find_map(|option| option.strip_prefix("subvol=").or_else(|| option.strip_prefix("subvolid=")));
        let place: Vec<&str> = place.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        if place.contains(&"..") {
            return None;
        }
        Some(Self { spec: Spec::parse(&spec)?, place: place.join("/"), subvolume: subvolume.map(unescape) })
    }
}

impl Spec {
    fn parse(text: &str) -> Option<Self> {
        let unquoted = |text: &str| text.trim_matches('"').to_owned();
        if let Some((tag, value)) = text.split_once('=') {
            return match tag {
                "UUID" => Some(Self::Uuid(unquoted(value).to_ascii_lowercase())),
                "LABEL" => Some(Self::Label(unquoted(value))),
                "PARTUUID" => Some(Self::PartitionUuid(unquoted(value).to_ascii_lowercase())),
                "PARTLABEL" => Some(Self::PartitionLabel(unquoted(value))),
                _ => None,
            };
        }
        let device = text.strip_prefix("/dev/")?;
        if let Some(name) = device.strip_prefix("mapper/") {
            return mapped(name);
        }
        if let Some((folder, name)) = device.strip_prefix("disk/").and_then(|rest| rest.split_once('/')) {
            return match folder {
                "by-uuid" => Some(Self::Uuid(name.to_ascii_lowercase())),
                "by-label" => Some(Self::Label(name.to_owned())),
                "by-partuuid" => Some(Self::PartitionUuid(name.to_ascii_lowercase())),
                "by-partlabel" => Some(Self::PartitionLabel(name.to_owned())),
                _ => None,
            };
        }
        if let Some((group, volume)) = device.split_once('/') {
            return Some(Self::Logical(group.to_owned(), volume.to_owned()));
        }
        // The first disk of each kind of bus: there is only one in the image.
        let number = ["sda", "vda", "xvda", "hda", "nvme0n1p", "mmcblk0p"]
            .iter()
            .find_map(|disk| device.strip_prefix(disk));
        number?.parse().ok().map(Self::Partition)
    }

    /// Returns whether this names a file system and the volume it is on.
    pub(super) fn names(&self, volume: &Volume, file_system: &dyn FileSystem) -> bool {
        match self {
            Self::Uuid(uuid) => file_system.uuid() == uuid,
            Self::Label(label) => file_system.label() == label,
            Self::PartitionUuid(uuid) => volume.uuid.as_ref() == Some(uuid),
            Self::PartitionLabel(label) => volume.label.as_ref() == Some(label),
            Self::Partition(number) => volume.partition == Some(*number),
            Self::Logical(group, name) => {
                volume.logical.as_ref().is_some_and(|(g, n)| (g, n) == (group, name))
            }
        }
    }
}

/// Splits the name that the device mapper gives a logical volume: dashes in either part are doubled.
fn mapped(name: &str) -> Option<Spec> {
    let marked = name.replace("--", "\0");
    let (group, volume) = marked.split_once('-')?;
    Some(Spec::Logical(group.replace('\0', "-"), volume.replace('\0', "-")))
}

/// Undoes `\040` and the like.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let code = after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(byte) if byte.is_ascii() => {
                out.push(char::from(byte));
                rest = after.get(3..).unwrap_or_default();
            }
            _ => {
                out.push('\\');
                rest = after;
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_places() {
        let text = "# <file system> <mount point>\n\
            UUID=ABCD-1234 /boot/efi vfat umask=0077 0 1\n\
            PARTUUID=1a /\text4 defaults,discard 0 1\n\
            LABEL=\"my\\040data\" /srv//data ext4 defaults\n\
            /dev/mapper/vg--0-var--log /var/log xfs defaults 0 0\n\
            /dev/vg0/home /home xfs defaults 0 0\n\
            /dev/vda15 /efi vfat\n\
            /dev/disk/by-partlabel/usr /usr ext4\n\
            UUID=x /var btrfs subvol=@var,compress=zstd:1 0 0\n\
            tmpfs /tmp tmpfs defaults 0 0\n/swap.img none swap sw 0 0\nUUID=y /a/../b ext4\nserver:/x /n nfs\n\\";
        let found: Vec<String> = parse(text)
            .into_iter()
            .map(|entry| format!("{:?} {} {}", entry.spec, entry.place, entry.subvolume.unwrap_or_default()))
            .collect();
        assert_eq!(
            found,
            [
                "Uuid(\"abcd-1234\") boot/efi ",
                "PartitionUuid(\"1a\")  ",
                "Label(\"my data\") srv/data ",
                "Logical(\"vg-0\", \"var-log\") var/log ",
                "Logical(\"vg0\", \"home\") home ",
                "Partition(15) efi ",
                "PartitionLabel(\"usr\") usr ",
                "Uuid(\"x\") var @var",
            ]
        );
    }
}
