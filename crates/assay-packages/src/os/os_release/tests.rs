//! Real files of each distribution, in excerpts, and what they say.

use super::super::testing::{analyze, codes};
use super::*;
use proptest::prelude::*;

/// Checks `id version codename [distro]` and the rank of what the file says.
#[track_caller]
fn check(path: &str, text: &str, want: Option<(&str, u8)>) {
    let facts = analyze(&OsRelease, path, text.as_bytes());
    let got = facts.facts.iter().find_map(|fact| match fact {
        Fact::Os { os, rank } => {
            let distro = os.distro.map_or("?", |distro| distro.id);
            Some((format!("{} {} {} [{distro}] {}", os.id, os.version, os.codename, os.name), *rank))
        }
        _ => None,
    });
    assert_eq!(got.as_ref().map(|(text, rank)| (text.as_str(), *rank)), want);
}

#[test]
fn os_release_files_say_what_they_are() {
    check(
        "etc/os-release",
        "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nVERSION=\"12 (bookworm)\"\n\
         VERSION_CODENAME=bookworm\nID=debian\nHOME_URL=\"https://www.debian.org/\"\n",
        Some(("debian 12 bookworm [debian] Debian GNU/Linux 12 (bookworm)", 3)),
    );
    check(
        "usr/lib/os-release",
        "NAME=\"Red Hat Enterprise Linux\"\nVERSION=\"9.3 (Plow)\"\nID=\"rhel\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"9.3\"\n\
         PRETTY_NAME=\"Red Hat Enterprise Linux 9.3 (Plow)\"\nCPE_NAME=\"cpe:/o:redhat:enterprise_linux:9::baseos\"\n",
        Some(("rhel 9.3  [rhel] Red Hat Enterprise Linux 9.3 (Plow)", 3)),
    );
    check(
        "etc/os-release",
        "NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.18.4\nPRETTY_NAME=\"Alpine Linux v3.18\"\n",
        Some(("alpine 3.18.4  [alpine] Alpine Linux v3.18", 3)),
    );
    check(
        "etc/os-release",
        "NAME=\"Arch Linux\"\nPRETTY_NAME=\"Arch Linux\"\nID=arch\nBUILD_ID=rolling\n",
        Some(("arch   [arch] Arch Linux", 3)),
    );
    check(
        "etc/os-release",
        "NAME=\"Amazon Linux\"\nVERSION=\"2\"\nID=\"amzn\"\nID_LIKE=\"centos rhel fedora\"\nVERSION_ID=\"2\"\n",
        Some(("amzn 2  [amzn] Amazon Linux 2", 3)),
    );
}

#[test]
fn debian_testing_is_known_by_its_codename() {
    let text = "PRETTY_NAME=\"Debian GNU/Linux trixie/sid\"\nNAME=\"Debian GNU/Linux\"\nID=debian\n";
    check("etc/os-release", text, Some(("debian trixie trixie [debian] Debian GNU/Linux trixie/sid", 3)));
    let text = format!("VERSION_CODENAME=trixie\n{text}");
    check("etc/os-release", &text, Some(("debian trixie trixie [debian] Debian GNU/Linux trixie/sid", 3)));
}

#[test]
fn a_derivative_is_not_its_parent() {
    check(
        "etc/os-release",
        "NAME=\"Linux Mint\"\nVERSION=\"21.2 (Victoria)\"\nID=linuxmint\nID_LIKE=\"ubuntu debian\"\nVERSION_ID=\"21.2\"\n",
        Some(("linuxmint 21.2  [?] Linux Mint 21.2 (Victoria)", 3)),
    );
    check("etc/os-release", "NAME=Homemade\n", Some(("linux   [?] Homemade", 3)));
}

#[test]
fn values_are_quoted_as_in_a_shell() {
    check(
        "etc/os-release",
        "# ID=no\n  ID='x'\nID=\"de\"'bi'an\nVERSION_ID=\"1\\\"2\\$\\\\3\\n\" # comment\nPRETTY_NAME=a\\ b c\nNAME='it\\s'\nbroken line\n",
        Some(("debian 1\"2$\\3\\n  [debian] a b", 3)),
    );
}

#[test]
fn older_files_stand_in() {
    let cases = [
        ("etc/alpine-release", "3.11.6\n", "alpine 3.11.6  [alpine] Alpine Linux 3.11.6", 2),
        ("etc/debian_version", "10.13\n", "debian 10  [debian] Debian GNU/Linux 10.13", 1),
        (
            "etc/debian_version",
            "bookworm/sid\n",
            "debian bookworm bookworm [debian] Debian GNU/Linux bookworm/sid",
            1,
        ),
        (
            "etc/lsb-release",
            "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\nDISTRIB_CODENAME=jammy\nDISTRIB_DESCRIPTION=\"Ubuntu 22.04.3 LTS\"\n",
            "ubuntu 22.04 jammy [ubuntu] Ubuntu 22.04.3 LTS",
            2,
        ),
        (
            "etc/redhat-release",
            "Red Hat Enterprise Linux Server release 6.10 (Santiago)\n",
            "rhel 6.10 Santiago [rhel] Red Hat Enterprise Linux Server release 6.10 (Santiago)",
            1,
        ),
        (
            "etc/centos-release",
            "CentOS Linux release 7.9.2009 (Core)\n",
            "centos 7.9.2009 Core [centos] CentOS Linux release 7.9.2009 (Core)",
            2,
        ),
        (
            "etc/rocky-release",
            "Rocky Linux release 8.4 (Green Obsidian)\n",
            "rocky 8.4 Green Obsidian [rocky] Rocky Linux release 8.4 (Green Obsidian)",
            2,
        ),
        (
            "etc/almalinux-release",
            "AlmaLinux release 9.2 (Turquoise Kodkod)\n",
            "almalinux 9.2 Turquoise Kodkod [almalinux] AlmaLinux release 9.2 (Turquoise Kodkod)",
            2,
        ),
        (
            "etc/oracle-release",
            "Oracle Linux Server release 8.5\n",
            "ol 8.5  [ol] Oracle Linux Server release 8.5",
            2,
        ),
        (
            "etc/fedora-release",
            "Fedora release 35 (Thirty Five)\n",
            "fedora 35 Thirty Five [fedora] Fedora release 35 (Thirty Five)",
            2,
        ),
        (
            "etc/system-release",
            "Amazon Linux AMI release 2018.03\n",
            "amzn 2018.03  [amzn] Amazon Linux AMI release 2018.03",
            1,
        ),
        (
            "etc/photon-release",
            "VMware Photon OS 4.0\nPHOTON_BUILD_NUMBER=c6d1e7b\n",
            "photon 4.0  [photon] VMware Photon OS 4.0",
            2,
        ),
        (
            "etc/mariner-release",
            "CBL-Mariner 2.0.20230630\nMARINER_BUILD_NUMBER=4ba4ed8\n",
            "mariner 2.0.20230630  [mariner] CBL-Mariner 2.0.20230630",
            2,
        ),
        (
            "etc/SuSE-release",
            "SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11\nPATCHLEVEL = 4\n",
            "sles 11.4  [sles] SUSE Linux Enterprise Server 11 (x86_64)",
            2,
        ),
        (
            "etc/SuSE-release",
            "openSUSE 13.2 (x86_64)\nVERSION = 13.2\nCODENAME = Harlequin\n",
            "opensuse-leap 13.2 Harlequin [opensuse-leap] openSUSE 13.2 (x86_64)",
            2,
        ),
        ("etc/arch-release", "", "arch   [arch] Arch Linux", 1),
    ];
    for (path, text, want, rank) in cases {
        check(path, text, Some((want, rank)));
    }
}

#[test]
fn what_names_nothing_is_a_warning_and_emptiness_is_not() {
    check("etc/os-release", "", None);
    assert_eq!(codes(&analyze(&OsRelease, "etc/os-release", b"\n")), [""; 0]);
    for path in ["etc/os-release", "etc/redhat-release", "etc/lsb-release", "etc/alpine-release"] {
        assert_eq!(
            codes(&analyze(&OsRelease, path, b"\x7fELF\xff\xff")),
            ["unknown-operating-system"],
            "{path}"
        );
    }
    assert_eq!(codes(&analyze(&OsRelease, "etc/os-release", &[b'x'; 70_000])), ["file-too-large"]);
}

proptest! {
    #[test]
    fn total(which in 0..19_usize, content in proptest::collection::vec(any::<u8>(), 0..200), text in "[A-Z_=\"'\\\\\n a-z0-9.()/]{0,80}") {
        let Select::Path(path) = OsRelease.select()[which] else { unreachable!() };
        analyze(&OsRelease, path, &content);
        analyze(&OsRelease, path, text.as_bytes());
    }
}
