//! Disks and functions as other people's tools make them: the inventory is that of the root file system they were made of.
//!
//! File systems are filled by `mkfs` itself (`-d`, a prototype file, `--rootdir`), images are converted by qemu-img, partition tables are
//! written by sgdisk and sfdisk. LVM2 needs the kernel's device mapper to make volumes, so its metadata is built in code, and its
//! own `pvck` has to understand it.

use crate::report::{assay, command, list};
use crate::services::run;
use assay_test::disk::physical_volume;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A folder with a root file system in it, and a way to name what else is put there.
struct Place {
    folder: TempDir,
}

impl Place {
    /// Unpacks Debian as the corpus has it; `None` when it is not built.
    fn debian() -> Option<Self> {
        let layout = real_tests::corpus("debian-minimal")?.join("oci");
        let blob = |digest: &Value| layout.join("blobs").join(digest.as_str().unwrap().replace(':', "/"));
        let read = |path: PathBuf| serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap();
        let index = read(layout.join("index.json"));
        let manifest = read(blob(&index["manifests"][0]["digest"]));
        let place = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(place.folder.path().join("root")).unwrap();
        for layer in list(&manifest, "layers") {
            let done = Command::new("tar")
                .arg("-xpf")
                .arg(blob(&layer["digest"]))
                .args(["--exclude=dev/*", "--exclude=./dev/*", "-C"])
                .arg(place.folder.path().join("root"))
                .status();
            assert!(done.unwrap().success());
        }
        Some(place)
    }

    /// The same with only what says which packages there are: quick to pack.
    fn slim() -> Option<Self> {
        let place = Self::debian()?;
        let whole = place.path("whole");
        fs::rename(place.path("root"), &whole).unwrap();
        for folder in ["etc", "var/lib/dpkg", "usr/lib/systemd", "usr/share/doc/bash", "usr/lib/apt", "boot"]
        {
            let target = place.path("root").join(folder);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            let from = whole.join(folder);
            if from.exists() {
                assert!(Command::new("cp").arg("-a").arg(from).arg(&target).status().unwrap().success());
            }
        }
        fs::copy(whole.join("usr/lib/os-release"), place.path("root/usr/lib/os-release")).unwrap();
        fs::remove_dir_all(whole).unwrap();
        // Made here, so that no scanner takes this file for a leak.
        let (id, key) = (
            ["AKIA", "QNZGKIQY", "56JQ7WML"].concat(),
            ["vK8pZ3xR9tQ2mW7n", "B4cF6hJ1lS5dG0yA", "eU2iO8kX"].concat(),
        );
        let planted = format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {key}\n");
        fs::create_dir_all(place.path("root/root/.aws")).unwrap();
        fs::write(place.path("root/root/.aws/credentials"), planted).unwrap();
        Some(place)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Makes an empty file of that many mebibytes.
    fn empty(&self, name: &str, mebibytes: u64) -> String {
        File::create(self.path(name)).unwrap().set_len(mebibytes << 20).unwrap();
        self.text(name)
    }

    /// Copies a file into another one, at a sector.
    fn put(&self, name: &str, sector: u64, content: &[u8]) {
        let file = File::options().write(true).open(self.path(name)).unwrap();
        // Zeros are there already: a sparse file stays one.
        for (at, block) in (0_u64..).zip(content.chunks(65536)) {
            if block.iter().any(|byte| *byte != 0) {
                file.write_all_at(block, sector * 512 + at * 65536).unwrap();
            }
        }
    }
}

/// Returns the report on a source.
#[track_caller]
fn scan(source: &str, more: &[&str]) -> Value {
    let done = assay(&[&["scan", "-q", source, "--format", "json"], more].concat());
    let error = String::from_utf8_lossy(&done.stderr);
    serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{source}: {error}"))
}

/// Checks that a disk has the inventory of the folder it was made of.
#[track_caller]
fn check(source: &str, more: &[&str], expected: &Value) -> Value {
    let report = scan(source, more);
    assert_eq!(report["warnings"], Value::Array(Vec::new()), "{source}");
    assert_eq!(report["os"], expected["os"], "{source}");
    let (have, wanted) = (list(&report, "packages"), list(expected, "packages"));
    let difference = have.iter().zip(wanted).find(|(a, b)| a != b);
    assert!(have.len() == wanted.len() && difference.is_none(), "{source}: {difference:?}");
    assert_eq!(report["findings"], expected["findings"], "{source}");
    assert_eq!(report["source"]["kind"], "vm", "{source}");
    report
}

fn expected(place: &Place) -> Value {
    let report = scan(&format!("dir:{}", place.text("root")), &[]);
    assert!(list(&report, "packages").len() > 50);
    report
}

fn convert(qemu: &Path, from: &str, options: &[&str], to: &str) {
    run(qemu, &[&["convert", "-f", "raw"], options, &[from, to]].concat());
}

/// Writes the prototype from which mkfs.xfs fills a file system.
fn prototype(folder: &Path, indent: usize, out: &mut String) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(Result::unwrap).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let meta = fs::symlink_metadata(&path).unwrap();
        let mode = meta.permissions().mode();
        let bits = format!(
            "{}{}{:03o} {} {}",
            if mode & 0o4000 == 0 { '-' } else { 'u' },
            if mode & 0o2000 == 0 { '-' } else { 'g' },
            mode & 0o777,
            meta.uid(),
            meta.gid()
        );
        let indent_text = " ".repeat(indent);
        if meta.is_symlink() {
            let target = fs::read_link(&path).unwrap();
            writeln!(out, "{indent_text}{name} l{bits} {}", target.display()).unwrap();
        } else if meta.is_dir() {
            writeln!(out, "{indent_text}{name} d{bits}").unwrap();
            prototype(&path, indent + 1, out);
            writeln!(out, "{indent_text}$").unwrap();
        } else if meta.is_file() {
            writeln!(out, "{indent_text}{name} -{bits} {}", path.display()).unwrap();
        }
    }
}

fn xfs(mkfs: &Path, place: &Place, folder: &str, image: &str, mebibytes: u64, more: &[&str]) {
    let mut text = "/dev/null\n0 0\nd--755 0 0\n".to_owned();
    prototype(&place.path(folder), 0, &mut text);
    text += "$\n";
    fs::write(place.path("prototype"), text).unwrap();
    let (prototype, image) = (place.text("prototype"), place.empty(image, mebibytes));
    run(mkfs, &[&["-q", "-f", "-p", &prototype], more, &[&image]].concat());
}

#[test]
fn a_disk_of_a_debootstrapped_system_has_the_inventory_of_its_root() {
    let (Some(mkfs), Some(qemu)) = (real_tests::tool("mkfs.ext4"), real_tests::tool("qemu-img")) else {
        return;
    };
    let Some(place) = Place::debian() else { return };
    let expected = expected(&place);
    let raw = place.empty("ext4.raw", 500);
    run(&mkfs, &["-q", "-F", "-d", &place.text("root"), &raw]);
    let report = check(&raw, &[], &expected);
    // The content's digest is that of the file.
    let sum = run(Path::new("sha256sum"), &[&raw]);
    let sum = String::from_utf8_lossy(&sum).into_owned();
    assert_eq!(report["source"]["image_id"], format!("sha256:{}", &sum[..64]));
    for (options, name) in [
        (&["-O", "qcow2"][..], "plain.qcow2"),
        (&["-O", "qcow2", "-c", "-o", "compression_type=zstd"], "zstd.qcow2"),
        (&["-O", "vmdk", "-o", "subformat=streamOptimized"], "stream.vmdk"),
        (&["-O", "vpc"], "dynamic.vhd"),
    ] {
        let image = place.text(name);
        convert(&qemu, &raw, options, &image);
        check(&format!("vm:{image}"), &[], &expected);
        fs::remove_file(image).unwrap();
    }
}

#[test]
fn every_format_of_qemu_img_is_read() {
    let (Some(mkfs), Some(qemu)) = (real_tests::tool("mkfs.ext2"), real_tests::tool("qemu-img")) else {
        return;
    };
    let Some(place) = Place::slim() else { return };
    let expected = expected(&place);
    let raw = place.empty("ext2.raw", 64);
    run(&mkfs, &["-q", "-F", "-b", "1024", "-d", &place.text("root"), &raw]);
    for (options, name) in [
        (&["-O", "qcow2", "-o", "compat=0.10,cluster_size=512"][..], "old.qcow2"),
        (&["-O", "qcow2", "-c"], "deflate.qcow2"),
        (&["-O", "qcow2", "-o", "extended_l2=on,cluster_size=128k"], "parts.qcow2"),
        (&["-O", "qcow2", "-c", "-o", "compression_type=zstd,cluster_size=2M"], "large.qcow2"),
        (&["-O", "vmdk", "-o", "subformat=monolithicSparse"], "sparse.vmdk"),
        (&["-O", "vmdk", "-o", "subformat=monolithicFlat"], "flat.vmdk"),
        (&["-O", "vmdk", "-o", "subformat=twoGbMaxExtentSparse"], "split.vmdk"),
        (&["-O", "vmdk", "-o", "subformat=twoGbMaxExtentFlat"], "split-flat.vmdk"),
        (&["-O", "vpc", "-o", "subformat=fixed,force_size=on"], "fixed.vhd"),
        (&["-O", "vpc", "-o", "subformat=dynamic"], "dynamic.vhd"),
        (&["-O", "vhdx", "-o", "subformat=dynamic"], "dynamic.vhdx"),
        (&["-O", "vhdx", "-o", "subformat=fixed"], "fixed.vhdx"),
    ] {
        let image = place.text(name);
        convert(&qemu, &raw, options, &image);
        check(&image, &[], &expected);
    }
    // An extent that is gone is said, and what lies in it is not taken for empty.
    fs::remove_file(place.path("flat-flat.vmdk")).unwrap();
    let done = assay(&["scan", "-q", &place.text("flat.vmdk")]);
    assert_eq!(done.status.code(), Some(2), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn every_file_system_is_read() {
    let Some(place) = Place::slim() else { return };
    let expected = expected(&place);
    let root = place.text("root");
    if let Some(mkfs) = real_tests::tool("mkfs.ext4") {
        for (number, options) in [
            &["-O", "inline_data", "-I", "512"][..],
            &["-O", "bigalloc,meta_bg,^resize_inode", "-b", "1024"],
            &["-t", "ext3"],
            &["-O", "^extent,^64bit,^flex_bg", "-b", "4096"],
        ]
        .into_iter()
        .enumerate()
        {
            let image = place.empty(&format!("ext{number}.raw"), 100);
            run(&mkfs, &[&["-q", "-F", "-d", &root], options, &[&image]].concat());
            check(&image, &[], &expected);
        }
    }
    if let Some(mkfs) = real_tests::tool("mkfs.xfs") {
        for (number, options) in
            [&[][..], &["-n", "size=8192", "-b", "size=1024"], &["-m", "crc=0"]].into_iter().enumerate()
        {
            let image = format!("xfs{number}.raw");
            xfs(&mkfs, &place, "root", &image, 320, options);
            check(&place.text(&image), &[], &expected);
        }
    }
    if let Some(mkfs) = real_tests::tool("mksquashfs") {
        for packing in ["gzip", "xz", "zstd", "lz4", "lzo"] {
            let image = place.text(&format!("{packing}.squashfs"));
            run(&mkfs, &[&root, &image, "-quiet", "-no-progress", "-comp", packing]);
            check(&image, &[], &expected);
        }
    }
    if let Some(mkfs) = real_tests::tool("mkfs.btrfs") {
        let image = place.empty("btrfs.raw", 200);
        run(&mkfs, &["-q", "-f", "--rootdir", &root, &image]);
        check(&image, &[], &expected);
    }
}

/// Moves a folder of the root out of it, as an installer puts it on a partition of its own.
fn split(place: &Place, folder: &str, name: &str) {
    fs::rename(place.path("root").join(folder), place.path(name)).unwrap();
    fs::create_dir(place.path("root").join(folder)).unwrap();
}

#[test]
fn partitions_lie_where_fstab_says() {
    let tools = ["mkfs.ext4", "mkfs.xfs", "mksquashfs", "mkfs.vfat", "sgdisk"].map(real_tests::tool);
    let [Some(ext4), Some(mkfs_xfs), Some(squash), Some(fat), Some(sgdisk)] = tools else { return };
    let Some(place) = Place::slim() else { return };
    let fstab = "LABEL=debroot / ext4 defaults 0 1\nUUID=0d15c000-0000-4000-8000-000000000001 /var xfs defaults 0 0\n\
        PARTLABEL=usr /usr squashfs ro 0 0\nUUID=ABCD-1234 /boot/efi vfat umask=0077 0 1\n";
    fs::write(place.path("root/etc/fstab"), fstab).unwrap();
    let expected = expected(&place);
    split(&place, "var", "var");
    split(&place, "usr", "usr");
    let root = place.empty("root.raw", 64);
    run(&ext4, &["-q", "-F", "-L", "debroot", "-d", &place.text("root"), &root]);
    xfs(&mkfs_xfs, &place, "var", "var.raw", 320, &["-m", "uuid=0d15c000-0000-4000-8000-000000000001"]);
    run(&squash, &[&place.text("usr"), &place.text("usr.raw"), "-quiet", "-no-progress"]);
    run(&fat, &["-i", "abcd1234", &place.empty("efi.raw", 32)]);
    let disk = place.empty("disk.raw", 512);
    run(
        &sgdisk,
        &[
            "-n",
            "1:2048:+1M",
            "-t",
            "1:ef02",
            "-n",
            "2:8192:+32M",
            "-t",
            "2:ef00",
            "-n",
            "3:131072:+64M",
            "-n",
            "4:262144:+320M",
            "-n",
            "5:0:+40M",
            "-c",
            "5:usr",
            &disk,
        ],
    );
    let printed = run(&sgdisk, &["-i", "5", &disk]);
    let printed = String::from_utf8_lossy(&printed).into_owned();
    let first = printed.lines().find_map(|line| line.strip_prefix("First sector: ")).unwrap();
    let usr: u64 = first.split(' ').next().unwrap().parse().unwrap();
    for (name, sector) in [("efi.raw", 8192), ("root.raw", 131072), ("var.raw", 262144), ("usr.raw", usr)] {
        place.put("disk.raw", sector, &fs::read(place.path(name)).unwrap());
    }
    check(&disk, &[], &expected);
    // Without its place in fstab a file system is looked at below a folder of its own, which is said.
    let unmounted = place.path("root/etc/fstab");
    fs::write(unmounted, "LABEL=debroot / ext4 defaults 0 1\n").unwrap();
    let root = place.empty("root.raw", 64);
    run(&ext4, &["-q", "-F", "-L", "debroot", "-d", &place.text("root"), &root]);
    let content = fs::read(place.path("root.raw")).unwrap();
    File::options().write(true).open(&disk).unwrap().write_all_at(&content, 131072 * 512).unwrap();
    let report = scan(&disk, &[]);
    let warnings: Vec<&str> =
        list(&report, "warnings").iter().filter_map(|warning| warning["message"].as_str()).collect();
    assert!(warnings.iter().any(|text| text.contains("its files are below `partition-4`")), "{warnings:?}");
}

#[test]
fn logical_volumes_and_logical_partitions() {
    let tools = ["mkfs.ext4", "sfdisk", "pvck", "qemu-img"].map(real_tests::tool);
    let [Some(ext4), Some(sfdisk), Some(pvck), Some(qemu)] = tools else { return };
    let Some(place) = Place::slim() else { return };
    let fstab = "/dev/mapper/vg0-root / ext4 defaults 0 1\n/dev/vg0/var /var ext4 defaults 0 0\n/dev/sda1 /boot ext4\n";
    fs::write(place.path("root/etc/fstab"), fstab).unwrap();
    fs::write(place.path("root/boot/config-6.1"), "CONFIG_X=y\n").unwrap();
    let expected = expected(&place);
    split(&place, "var", "var");
    split(&place, "boot", "boot");
    for (name, size) in [("root", 40), ("var", 40), ("boot", 8)] {
        let image = place.empty(&format!("{name}.raw"), size);
        run(&ext4, &["-q", "-F", "-d", &place.text(name), &image]);
    }
    let read = |name: &str| fs::read(place.path(name)).unwrap();
    let group = physical_volume("vg0", &[("root", &read("root.raw")), ("var", &read("var.raw"))]);
    fs::write(place.path("pv"), &group).unwrap();
    let dumped = run(&pvck, &["--dump", "metadata", &place.text("pv")]);
    assert!(String::from_utf8_lossy(&dumped).contains("vg0 {"), "LVM2 itself does not understand it");
    let disk = place.empty("disk.raw", 128);
    let script = place.text("table");
    fs::write(
        &script,
        "label: dos\nstart=2048, size=16384, type=83\nstart=20480, type=5\nstart=22528, size=4096, type=82\nstart=30720, type=8e\n",
    )
    .unwrap();
    let done = Command::new(sfdisk).arg("-q").arg(&disk).stdin(File::open(&script).unwrap()).status();
    assert!(done.unwrap().success());
    place.put("disk.raw", 2048, &read("boot.raw"));
    place.put("disk.raw", 30720, &group);
    check(&disk, &[], &expected);
    let image = place.text("disk.qcow2");
    convert(&qemu, &disk, &["-O", "qcow2", "-c"], &image);
    check(&image, &[], &expected);
}

#[test]
fn backing_files_are_read_where_the_user_allows_it() {
    let (Some(mkfs), Some(qemu)) = (real_tests::tool("mkfs.ext4"), real_tests::tool("qemu-img")) else {
        return;
    };
    let Some(place) = Place::slim() else { return };
    let expected = expected(&place);
    let raw = place.empty("base.raw", 64);
    run(&mkfs, &["-q", "-F", "-d", &place.text("root"), &raw]);
    fs::create_dir(place.path("sub")).unwrap();
    let create = |folder: &str, backing: &str, name: &str| {
        let mut command = Command::new(&qemu);
        command
            .current_dir(place.path(folder))
            .args(["create", "-q", "-f", "qcow2", "-F", "raw", "-b", backing, name]);
        assert!(command.status().unwrap().success());
    };
    create(".", "base.raw", "beside.qcow2");
    create("sub", "../base.raw", "elsewhere.qcow2");
    let report = check(&place.text("beside.qcow2"), &[], &expected);
    assert!(
        list(&report, "findings").iter().any(|finding| finding["kind"] == "secret"),
        "what was planted is found"
    );
    let elsewhere = place.text("sub/elsewhere.qcow2");
    check(&elsewhere, &["--backing-file", &raw], &expected);
    let done = command(&["scan", "-q", &elsewhere]).output().unwrap();
    assert_eq!(done.status.code(), Some(2));
    let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    assert!(said.contains("--backing-file"), "{said}");
}

#[test]
fn a_function_is_its_zip_over_its_layers() {
    let Some(zip) = real_tests::tool("zip") else { return };
    let place = Place { folder: tempfile::tempdir().unwrap() };
    let metadata =
        |name: &str, version: &str| format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
    let write = |path: &str, text: &str| {
        let path = place.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("app/handler.py", "import requests\n");
    write("app/requirements.txt", "requests==2.31.0\n");
    write("app/requests-2.31.0.dist-info/METADATA", &metadata("requests", "2.31.0"));
    write("layer/python/urllib3-2.0.4.dist-info/METADATA", &metadata("urllib3", "2.0.4"));
    let pack = |folder: &str, name: &str| {
        let mut command = Command::new(&zip);
        let done =
            command.current_dir(place.path(folder)).args(["-q", "-r", &place.text(name), "."]).status();
        assert!(done.unwrap().success());
    };
    pack("app", "app.zip");
    pack("layer", "layer.zip");
    let report = scan(&place.text("app.zip"), &[]);
    assert_eq!(report["source"]["kind"], "function");
    assert_eq!(report["packages"], scan(&format!("dir:{}", place.text("app")), &[])["packages"]);
    let report =
        scan(&format!("function:{}", place.text("app.zip")), &["--function-layer", &place.text("layer.zip")]);
    let text = report["packages"].to_string();
    assert!(
        text.contains("opt/python/urllib3-2.0.4.dist-info/METADATA") && text.contains("2.31.0"),
        "{text}"
    );
}

#[test]
fn what_only_the_journal_holds_counts() {
    let tools = ["mkfs.ext4", "debugfs", "e2fsck"].map(real_tests::tool);
    let [Some(mkfs), Some(debugfs), Some(e2fsck)] = tools else { return };
    let Some(place) = Place::slim() else { return };
    let raw = place.empty("disk.raw", 64);
    run(&mkfs, &["-q", "-F", "-b", "4096", "-d", &place.text("root"), &raw]);
    let version = |source: &str| {
        let report = scan(source, &[]);
        assert_eq!(report["warnings"], Value::Array(Vec::new()));
        let package =
            list(&report, "packages").iter().find(|package| package["name"] == "adduser").unwrap().clone();
        package["version"].as_str().unwrap().to_owned()
    };
    let before = version(&raw);
    // One block of the package database is written to the journal and nowhere else, as before a power cut.
    let blocks = run(&debugfs, &["-R", "blocks /var/lib/dpkg/status", &raw]);
    let first: u64 = String::from_utf8_lossy(&blocks).split_whitespace().next().unwrap().parse().unwrap();
    let mut block = vec![0; 4096];
    File::open(&raw).unwrap().read_exact_at(&mut block, first * 4096).unwrap();
    let text = String::from_utf8_lossy(&block);
    let at = text.find(&format!("\nVersion: {before}")).unwrap() + "\nVersion: ".len();
    block[at] = b'9';
    fs::write(place.path("block"), &block).unwrap();
    fs::write(place.path("script"), format!("jo\njw -b {first} {}\njc\n", place.text("block"))).unwrap();
    run(&debugfs, &["-w", "-f", &place.text("script"), &raw]);
    let after = version(&raw);
    assert_eq!(after, format!("9{}", &before[1..]));
    // Once e2fsck has replayed the journal, the same is found.
    let done = Command::new(e2fsck).args(["-f", "-y", &raw]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(said.contains("recovering journal"), "{said}");
    assert_eq!(version(&raw), after);
}

#[test]
fn a_deployment_of_ostree_is_the_root() {
    let Some(mkfs) = real_tests::tool("mkfs.ext4") else { return };
    let Some(place) = Place::slim() else { return };
    let expected = expected(&place);
    fs::create_dir_all(place.path("disk/ostree/deploy/debian/deploy")).unwrap();
    fs::create_dir_all(place.path("disk/boot")).unwrap();
    split(&place, "var", "disk/ostree/deploy/debian/var");
    fs::rename(place.path("root"), place.path("disk/ostree/deploy/debian/deploy/0a1b.0")).unwrap();
    let raw = place.empty("disk.raw", 64);
    run(&mkfs, &["-q", "-F", "-d", &place.text("disk"), &raw]);
    check(&raw, &[], &expected);
}

/// Programs that give whoever runs them more rights, with the attributes that `setcap` writes.
#[test]
fn capabilities_and_setuid_bits_of_disks_are_checked_as_those_of_layers() {
    let Some(setcap) = real_tests::tool("setcap") else { return };
    let place = Place { folder: tempfile::tempdir().unwrap() };
    fs::create_dir_all(place.path("root/usr/bin")).unwrap();
    for (name, mode) in [("pinger", 0o755), ("rootshell", 0o4755), ("plain", 0o755)] {
        let path = place.path(&format!("root/usr/bin/{name}"));
        fs::write(&path, "\x7fELF").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let set = |program: &str| {
        Command::new(&setcap).args(["cap_sys_admin,cap_net_raw+ep", program]).status().unwrap().success()
    };
    if !set(&place.text("root/usr/bin/pinger")) {
        println!("skipped: the file system of the folder for temporary files keeps no capabilities");
        return;
    }
    let check = |image: &str| {
        let report = scan(&format!("vm:{image}"), &["--scanners", "misconfiguration"]);
        for (rule, path) in
            [("image-file-capabilities", "usr/bin/pinger"), ("image-setuid-unusual", "usr/bin/rootshell")]
        {
            let found: Vec<&Value> =
                list(&report, "findings").iter().filter(|finding| finding["rule"] == rule).collect();
            assert_eq!(found.len(), 1, "{image} {rule}");
            let places = list(found[0], "locations");
            assert_eq!((places.len(), places[0]["path"].as_str()), (1, Some(path)), "{image}");
        }
    };
    let root = place.text("root");
    if let Some(mkfs) = real_tests::tool("mkfs.ext4") {
        // Inside the inode, and in a block of their own.
        for (name, size) in [("inside.ext4", "256"), ("block.ext4", "128")] {
            let image = place.empty(name, 64);
            run(&mkfs, &["-q", "-F", "-I", size, "-d", &root, &image]);
            check(&image);
        }
    }
    if let Some(mkfs) = real_tests::tool("mksquashfs") {
        let image = place.text("a.squashfs");
        run(&mkfs, &[&root, &image, "-quiet", "-no-progress"]);
        check(&image);
    }
    if let Some(mkfs) = real_tests::tool("mkfs.btrfs") {
        let image = place.empty("a.btrfs", 200);
        run(&mkfs, &["-q", "-f", "--rootdir", &root, &image]);
        check(&image);
    }
    // A prototype has no attributes: only a kernel that mounts it can give it some.
    if let Some(mkfs) = real_tests::tool("mkfs.xfs") {
        let image = place.empty("a.xfs", 320);
        run(&mkfs, &["-q", "-f", &image]);
        let mounted = place.text("mounted");
        fs::create_dir(&mounted).unwrap();
        if !Command::new("mount").args(["-o", "loop", &image, &mounted]).status().unwrap().success() {
            println!("skipped: no file system may be mounted here");
            return;
        }
        let copied =
            Command::new("cp").args(["-a", &format!("{root}/."), &mounted]).status().unwrap().success();
        let kept = set(&format!("{mounted}/usr/bin/pinger"));
        assert!(Command::new("umount").arg(&mounted).status().unwrap().success() && copied && kept);
        check(&image);
    }
}
