//! Disks of virtual machines, built in code: partition tables, volume groups and images that hold what they are given.
//!
//! File systems are not made here: small ones of real tools are in `assay-decode/testdata/disk`.

const SECTOR: usize = 512;
/// Where the first partition begins.
const FIRST: usize = 64 * SECTOR;

/// The types of partitions in a GPT, as their bytes are ordered on the disk.
pub mod kind {
    /// Any Linux file system.
    pub const LINUX: [u8; 16] = *b"\xaf\x3d\xc6\x0f\x83\x84\x72\x47\x8e\x79\x3d\x69\xd8\x47\x7d\xe4";
    /// The EFI system partition.
    pub const EFI: [u8; 16] = *b"\x28\x73\x2a\xc1\x1f\xf8\xd2\x11\xba\x4b\x00\xa0\xc9\x3e\xc9\x3b";
    /// Physical volumes of LVM.
    pub const LVM: [u8; 16] = *b"\x79\xd3\xd6\xe6\x07\xf5\xc2\x44\xa2\x3c\x23\x8f\x2a\x3d\xf9\x28";
    /// Space for a boot loader, without files.
    pub const BIOS_BOOT: [u8; 16] = *b"\x48\x61\x68\x21\x49\x64\x6f\x6e\x74\x4e\x65\x65\x64\x45\x46\x49";
}

fn put(disk: &mut [u8], at: usize, bytes: &[u8]) {
    disk[at..at + bytes.len()].copy_from_slice(bytes);
}

fn aligned(len: usize) -> usize {
    len.div_ceil(SECTOR) * SECTOR
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// Makes a disk with a GPT; each partition has a type, a name and its content. Partition `n` has the identity `n` sixteen times.
pub fn gpt(partitions: &[([u8; 16], &str, &[u8])]) -> Vec<u8> {
    let mut entries = vec![0; 128 * 128];
    let mut disk = vec![0; FIRST];
    for (index, (kind, name, content)) in partitions.iter().enumerate() {
        let first = disk.len() / SECTOR;
        disk.extend_from_slice(content);
        disk.resize(aligned(disk.len()), 0);
        let entry = &mut entries[index * 128..][..128];
        put(entry, 0, kind);
        put(entry, 16, &[index as u8 + 1; 16]);
        put(entry, 32, &(first as u64).to_le_bytes());
        put(entry, 40, &(disk.len() as u64 / 512 - 1).to_le_bytes());
        for (at, unit) in name.encode_utf16().enumerate() {
            put(entry, 56 + at * 2, &unit.to_le_bytes());
        }
    }
    let backup = disk.len();
    disk.extend_from_slice(&entries);
    let last = disk.len() / SECTOR;
    disk.resize(disk.len() + SECTOR, 0);
    put(&mut disk, 1024, &entries);
    for (own, other, table) in [(1, last, 2), (last, 1, backup / SECTOR)] {
        let mut header = vec![0; 92];
        put(&mut header, 0, b"EFI PART\0\0\x01\0\x5c\0\0\0");
        put(&mut header, 24, &(own as u64).to_le_bytes());
        put(&mut header, 32, &(other as u64).to_le_bytes());
        put(&mut header, 40, &64_u64.to_le_bytes());
        put(&mut header, 48, &(backup as u64 / 512 - 1).to_le_bytes());
        put(&mut header, 72, &(table as u64).to_le_bytes());
        put(&mut header, 80, &128_u32.to_le_bytes());
        put(&mut header, 84, &128_u32.to_le_bytes());
        put(&mut header, 88, &crc(&entries).to_le_bytes());
        let sum = crc(&header);
        put(&mut header, 16, &sum.to_le_bytes());
        put(&mut disk, own * SECTOR, &header);
    }
    boot_record(&mut disk, 0, &[(0xee, 1, u32::MAX)]);
    disk
}

fn boot_record(disk: &mut [u8], at: usize, entries: &[(u8, u32, u32)]) {
    for (index, (kind, start, sectors)) in entries.iter().enumerate() {
        let entry = at + 446 + index * 16;
        disk[entry + 4] = *kind;
        put(disk, entry + 8, &start.to_le_bytes());
        put(disk, entry + 12, &sectors.to_le_bytes());
    }
    put(disk, at + 510, &[0x55, 0xaa]);
}

/// Makes a disk with a master boot record: at most three primary partitions, each with a type, and any number of logical ones.
pub fn mbr(primary: &[(u8, &[u8])], logical: &[&[u8]]) -> Vec<u8> {
    let mut disk = vec![0; FIRST];
    let mut entries = Vec::new();
    for (kind, content) in primary {
        let first = disk.len() / SECTOR;
        disk.extend_from_slice(content);
        disk.resize(aligned(disk.len()), 0);
        entries.push((*kind, first as u32, (disk.len() / SECTOR - first) as u32));
    }
    if !logical.is_empty() {
        let extended = disk.len() / SECTOR;
        let mut records = Vec::new();
        for content in logical {
            let record = disk.len();
            disk.resize(record + 8 * SECTOR, 0);
            disk.extend_from_slice(content);
            disk.resize(aligned(disk.len()), 0);
            records.push((record, (disk.len() - record) / SECTOR));
        }
        for (index, (record, sectors)) in records.iter().enumerate() {
            let mut own = vec![(0x83, 8, *sectors as u32 - 8)];
            if let Some((next, sectors)) = records.get(index + 1) {
                own.push((0x05, (next / SECTOR - extended) as u32, *sectors as u32));
            }
            boot_record(&mut disk, *record, &own);
        }
        entries.push((0x0f, extended as u32, (disk.len() / SECTOR - extended) as u32));
    }
    put(&mut disk, 440, &0x1234_abcd_u32.to_le_bytes());
    boot_record(&mut disk, 0, &entries);
    disk
}

/// Bytes of one extent of [`physical_volume`].
const EXTENT: usize = 64 << 10;

/// Makes a physical volume of LVM2 that is all of a volume group, with linear volumes. Each is cut into two segments, of which
/// the second lies before the first.
pub fn physical_volume(group: &str, volumes: &[(&str, &[u8])]) -> Vec<u8> {
    let data = 1 << 20;
    let mut disk = vec![0; data];
    let mut described = String::new();
    for (name, content) in volumes {
        let count = content.len().div_ceil(EXTENT);
        let mut content = content.to_vec();
        content.resize(count * EXTENT, 0);
        let first = count / 2;
        let start = (disk.len() - data) / EXTENT;
        disk.extend_from_slice(&content[first * EXTENT..]);
        disk.extend_from_slice(&content[..first * EXTENT]);
        let segment = |number: usize, at: usize, count: usize, from: usize| {
            format!(
                "segment{number} {{\nstart_extent = {at}\nextent_count = {count}\ntype = \"striped\"\nstripe_count = 1\nstripes = [\n\"pv0\", {from}\n]\n}}\n"
            )
        };
        let segments = if first == 0 {
            segment(1, 0, count, start)
        } else {
            segment(1, 0, first, start + count - first) + &segment(2, first, count - first, start)
        };
        let count = if first == 0 { 1 } else { 2 };
        described += &format!(
            "{name} {{\nid = \"x\"\nstatus = [\"READ\", \"WRITE\", \"VISIBLE\"]\nsegment_count = {count}\n{segments}}}\n"
        );
    }
    let extents = (disk.len() - data) / EXTENT;
    let text = format!(
        "{group} {{\nid = \"g\"\nseqno = 2\nextent_size = {}\nphysical_volumes {{\npv0 {{\nid = \"abcdef-ghij-klmn-opqr-stuv-wxyz-012345\"\ndevice = \"/dev/vda3\"\t# Hint only\npe_start = {}\npe_count = {extents}\n}}\n}}\nlogical_volumes {{\n{described}}}\n}}\n# Generated by a test\ncontents = \"Text Format Volume Group\"\nversion = 1\n",
        EXTENT / SECTOR,
        data / SECTOR,
    );
    let len = disk.len() as u64;
    put(&mut disk, 512, b"LABELONE\x01\0\0\0\0\0\0\0\0\0\0\0\x20\0\0\0LVM2 001");
    put(&mut disk, 544, b"abcdefghijklmnopqrstuvwxyz012345");
    put(&mut disk, 576, &len.to_le_bytes());
    put(&mut disk, 584, &(data as u64).to_le_bytes());
    // After the zeros that end the first list: one metadata area.
    put(&mut disk, 616, &4096_u64.to_le_bytes());
    put(&mut disk, 624, &(data as u64 - 4096).to_le_bytes());
    put(&mut disk, 4100, b" LVM2 x[5A%r0N*>");
    put(&mut disk, 4116, &1_u32.to_le_bytes());
    put(&mut disk, 4136, &1024_u64.to_le_bytes());
    put(&mut disk, 4144, &(text.len() as u64 + 1).to_le_bytes());
    put(&mut disk, 4096 + 1024, text.as_bytes());
    put(&mut disk, 4120, &4096_u64.to_le_bytes());
    put(&mut disk, 4128, &(data as u64 - 4096).to_le_bytes());
    let sum = lvm_crc(&[text.as_bytes(), b"\0"].concat());
    put(&mut disk, 4152, &sum.to_le_bytes());
    let sum = lvm_crc(&disk[4100..4608]);
    put(&mut disk, 4096, &sum.to_le_bytes());
    let sum = lvm_crc(&disk[532..1024]);
    put(&mut disk, 528, &sum.to_le_bytes());
    disk
}

/// The checksum of LVM2: that of zlib with another beginning, and not inverted.
fn lvm_crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    bytes.iter().fold(0xf597_a6cf, |crc: u32, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

/// Bytes of a cluster of [`qcow2`].
const CLUSTER: usize = 4096;

/// Makes a qcow2 of version 2 with clusters of 4 KiB that holds those clusters of `content` that are not zeros; what it does not hold is in `backing`.
pub fn qcow2(content: &[u8], backing: &str) -> Vec<u8> {
    let per_table = CLUSTER / 8;
    let clusters = content.len().div_ceil(CLUSTER);
    let tables = clusters.div_ceil(per_table);
    let l1_clusters = (tables * 8).div_ceil(CLUSTER);
    let mut image = vec![0; CLUSTER * (1 + l1_clusters + tables)];
    put(&mut image, 0, b"QFI\xfb\0\0\0\x02");
    if !backing.is_empty() {
        put(&mut image, 8, &1024_u64.to_be_bytes());
        put(&mut image, 16, &(backing.len() as u32).to_be_bytes());
        put(&mut image, 1024, backing.as_bytes());
    }
    put(&mut image, 20, &12_u32.to_be_bytes());
    put(&mut image, 24, &(content.len() as u64).to_be_bytes());
    put(&mut image, 36, &(tables as u32).to_be_bytes());
    put(&mut image, 40, &(CLUSTER as u64).to_be_bytes());
    for table in 0..tables {
        let at = CLUSTER * (1 + l1_clusters + table);
        put(&mut image, CLUSTER + table * 8, &(at as u64 | 1 << 63).to_be_bytes());
    }
    for (index, cluster) in content.chunks(CLUSTER).enumerate() {
        if cluster.iter().all(|byte| *byte == 0) {
            continue;
        }
        let entry = CLUSTER * (1 + l1_clusters) + index * 8;
        let at = image.len() as u64;
        put(&mut image, entry, &(at | 1 << 63).to_be_bytes());
        image.extend_from_slice(cluster);
        image.resize(at as usize + CLUSTER, 0);
    }
    image
}
