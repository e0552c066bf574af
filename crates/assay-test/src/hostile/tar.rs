//! Layers whose archive lies: names, sizes, links, numbers of entries, holes.

use super::raw::{Header, Hostile, image, octal};
use super::{BELOW, BOTH, Case, Subject, heavy, light};
use std::path::Path;

pub(super) const CASES: &[Case] = &[
    light("tar-names-out-of-the-root", names, BOTH, &["skipped-entry", "path-too-long"]),
    light("tar-devices", devices, BOTH, &[]),
    light("tar-hard-links-out-and-later", hard_links, BOTH, &["skipped-entry", "unresolved-link"]),
    light("tar-symlink-loops", symlinks, BOTH, &[]),
    light("tar-symlink-over-the-database-folder", symlinked_database, &["beside"], &[]),
    light("tar-negative-size", negative_size, BELOW, &["damaged-layer"]),
    light("tar-huge-size", huge_size, BELOW, &["damaged-layer"]),
    light("tar-size-beyond-the-end", beyond_the_end, BELOW, &["damaged-layer"]),
    light("tar-pax-overflow", pax_overflow, BOTH, &["skipped-entry"]),
    light("tar-pax-gigantic", pax_gigantic, BOTH, &["skipped-entry"]),
    light("tar-sparse-exbibyte", sparse_exbibyte, BOTH, &["file-too-large"]),
    light("tar-sparse-maps-that-lie", sparse_lies, BOTH, &["skipped-entry"]),
    light("tar-duplicates", duplicates, BOTH, &[]),
    light("tar-whiteouts-of-whiteouts", whiteouts, BOTH, &[]),
    light("tar-deep", deep, BOTH, &["path-too-deep"]),
    heavy("tar-3-million-empty-files", |folder| empty_files(folder, 3_000_000), BOTH, &[]),
    heavy(
        "tar-12-million-empty-files",
        |folder| empty_files(folder, 12_000_000),
        BELOW,
        &["too-many-entries", "too-many-marks"],
    ),
    heavy("tar-two-layers-of-9-million", two_large_layers, BELOW, &["too-many-marks"]),
    heavy("tar-long-names", long_names, BOTH, &[]),
    heavy("tar-million-selected-files", selected_files, BELOW, &["too-many-facts"]),
    heavy("tar-million-whiteouts", million_whiteouts, BOTH, &[]),
    heavy("tar-long-symlinks", long_symlinks, BOTH, &["too-many-facts"]),
    heavy("tar-sparse-many", sparse_many, BOTH, &["ratio-too-high"]),
    heavy("tar-hard-links-to-a-large-lockfile", linked_lockfile, BELOW, &["too-many-facts"]),
    heavy("tar-hard-links-read-again", links_read_again, BOTH, &["ratio-too-high"]),
    heavy("tar-folder-and-file-in-turn", in_turn, BOTH, &[]),
    heavy("tar-pax-headers-in-a-row", pax_in_a_row, BOTH, &[]),
];

fn names(folder: &Path) -> Subject {
    image(folder, |layer| {
        layer.file("/absolute", "x").file("../up", "x").file("a/../../../etc/passwd", "x").file("./..", "x");
        layer.pax(&[("path", "nul\0name")]).header(&Header::new("nul", b'0', 0));
        layer.file(&"long/".repeat(13_000), "x");
        layer.file("\u{1b}]0;title\u{7}\u{1b}[2J", "x");
        layer.header(&Header::new(b"\xff\xfe\n::error::x", b'0', 0)).header(&Header::new("", b'0', 0));
        layer.beside().end();
    })
}

fn devices(folder: &Path) -> Subject {
    image(folder, |layer| {
        for (kind, name) in
            [(b'3', "dev/mem"), (b'4', "dev/sda"), (b'6', "run/pipe.jar"), (b'7', "contiguous")]
        {
            layer.header(&Header::new(name, kind, 0));
        }
        // A device has no content, whatever its size field says.
        layer.header(&Header::new("dev/zero/package.json", b'3', (1 << 33) - 1));
        layer.header(&Header::new("what.jar", b'Z', 0));
        layer.beside().end();
    })
}

fn hard_links(folder: &Path) -> Subject {
    image(folder, |layer| {
        layer.header(&Header::link("out/package.json", b'1', "../../etc/passwd"));
        layer.header(&Header::link("self/package.json", b'1', "self/package.json"));
        layer.header(&Header::link("later/package.json", b'1', "comes/later"));
        layer.header(&Header::link("chain/0/package.json", b'1', "nowhere"));
        for number in 1..2000 {
            let target = format!("chain/{}/package.json", number - 1);
            layer.header(&Header::link(&format!("chain/{number}/package.json"), b'1', &target));
        }
        layer.file("comes/later", r#"{"name":"later","version":"1"}"#).beside().end();
    })
}

fn symlinks(folder: &Path) -> Subject {
    image(folder, |layer| {
        layer.header(&Header::link("a", b'2', "b")).header(&Header::link("b", b'2', "a"));
        layer.header(&Header::link("self", b'2', "self/self/self"));
        layer.header(&Header::link("up", b'2', "../../../../../../../../etc/shadow"));
        for number in 0..5000 {
            layer.header(&Header::link(&format!("chain/{number}"), b'2', &format!("{}", number + 1)));
        }
        layer.header(&Header::link("usr/bin/python3", b'2', "/chain/0")).beside().end();
    })
}

fn symlinked_database(folder: &Path) -> Subject {
    // What lay below the folder is gone in the container, too.
    image(folder, |layer| {
        layer.header(&Header::link("lib", b'2', "/proc/self/root/lib")).beside().end();
    })
}

fn negative_size(folder: &Path) -> Subject {
    image(folder, |layer| {
        layer.header(&Header { size: [0xff; 12], ..Header::new("a.jar", b'0', 0) }).beside().end();
    })
}

fn huge_size(folder: &Path) -> Subject {
    let mut size = [0xff; 12];
    size[..4].copy_from_slice(&[0x80, 0, 0, 0]);
    size[4] = 0x7f;
    image(folder, |layer| {
        layer.header(&Header { size, ..Header::new("a.jar", b'0', 0) }).beside().end();
    })
}

fn beyond_the_end(folder: &Path) -> Subject {
    image(folder, |layer| {
        layer.header(&Header::new("package-lock.json", b'0', 60 << 20)).bytes(b"{\"packages\":{");
    })
}

fn pax_overflow(folder: &Path) -> Subject {
    image(folder, |layer| {
        layer.pax(&[("size", "99999999999999999999999")]).file("a.jar", "x");
        let body = b"99999999999999999999 path=x\n";
        layer.header(&Header::new("pax", b'x', body.len() as u64)).content(body).file("b.jar", "x");
        let body = b"0 path=x\n-1 a=b\n5 =\n";
        layer.header(&Header::new("pax", b'x', body.len() as u64)).content(body).file("c.jar", "x");
        layer.beside().end();
    })
}

fn pax_gigantic(folder: &Path) -> Subject {
    image(folder, |layer| {
        for kind in [b'x', b'g', b'L', b'K'] {
            layer.header(&Header::new("pax", kind, 32 << 20));
            for _ in 0..32 {
                layer.bytes(&vec![b'7'; 1 << 20]);
            }
            layer.file("a.jar", "x");
        }
        layer.beside().end();
    })
}

/// A GNU sparse header of one piece and a size.
fn sparse(name: &str, offset: u64, len: u64, real: u64) -> Header {
    let mut map = Vec::new();
    map.extend(octal::<12>(offset));
    map.extend(octal::<12>(len));
    map.extend([0; 72]);
    map.push(0);
    // A size over eight gigabytes stands in base 256.
    let mut size = [0; 12];
    size[0] = 0x80;
    size[4..].copy_from_slice(&real.to_be_bytes());
    map.extend(size);
    Header { sparse: map, ..Header::new(name, b'S', len) }
}

fn sparse_exbibyte(folder: &Path) -> Subject {
    image(folder, |layer| {
        layer.header(&sparse("a.jar", 0, 512, 1 << 60)).content(&[1; 512]);
        layer.pax(&[
            ("GNU.sparse.major", "0"),
            ("GNU.sparse.minor", "1"),
            ("GNU.sparse.name", "b.jar"),
            ("GNU.sparse.realsize", "1152921504606846976"),
            ("GNU.sparse.map", "0,512"),
        ]);
        layer.header(&Header::new("b.jar", b'0', 512)).content(&[1; 512]).beside().end();
    })
}

fn sparse_lies(folder: &Path) -> Subject {
    image(folder, |layer| {
        layer.header(&sparse("a.jar", 1 << 30, 512, 10)).content(&[1; 512]);
        let map = (0..100_000).map(|number| format!("{number},1")).collect::<Vec<_>>().join(",");
        layer.pax(&[("GNU.sparse.major", "0"), ("GNU.sparse.minor", "1"), ("GNU.sparse.map", &map)]);
        layer.header(&Header::new("b.jar", b'0', 512)).content(&[1; 512]);
        layer.pax(&[
            ("GNU.sparse.major", "1"),
            ("GNU.sparse.minor", "0"),
            ("GNU.sparse.realsize", "9999999999"),
        ]);
        layer.header(&Header::new("c.jar", b'0', 512)).content(&[b'9'; 512]);
        layer.beside().end();
    })
}

fn duplicates(folder: &Path) -> Subject {
    image(folder, |layer| {
        for number in 0..20_000 {
            layer.file("srv/node_modules/x/package.json", format!(r#"{{"name":"x","version":"{number}"}}"#));
        }
        layer.beside().end();
    })
}

fn whiteouts(folder: &Path) -> Subject {
    let mut image = Hostile::new(folder);
    image.layer(|layer| {
        for name in
            [".wh..wh.lib", ".wh..wh..wh.x", ".wh.", "lib/apk/.wh..wh.db", ".wh..wh.aufs", "usr/.wh.lib"]
        {
            layer.file(name, "");
        }
        // Opaque and added to in the same layer: what is added stays.
        layer.beside().file("usr/lib/python3/.wh..wh..opq", "").end();
    });
    image.finish()
}

fn deep(folder: &Path) -> Subject {
    image(folder, |layer| {
        for depth in [600, 1000, 2000] {
            layer.file(&format!("{}package.json", "d/".repeat(depth)), r#"{"name":"deep","version":"1"}"#);
        }
        layer.beside().end();
    })
}

fn empty_files(folder: &Path, count: u32) -> Subject {
    image(folder, |layer| {
        let mut block = Header::new("f/00000000", b'0', 0).block();
        for number in 0..count {
            // Patched in place: building so many headers anew would take longer than scanning them.
            let digits = format!("{number:08}");
            block[2..10].copy_from_slice(digits.as_bytes());
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            layer.bytes(&block);
        }
        layer.beside().end();
    })
}

fn two_large_layers(folder: &Path) -> Subject {
    let mut image = Hostile::new(folder);
    for name in ["a/00000000", "b/00000000"] {
        image.layer(|layer| {
            let mut block = Header::new(name, b'0', 0).block();
            for number in 0..9_000_000 {
                let digits = format!("{number:08}");
                block[2..10].copy_from_slice(digits.as_bytes());
                block[148..156].fill(b' ');
                let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
                block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
                layer.bytes(&block);
            }
            layer.end();
        });
    }
    image.finish()
}

fn long_names(folder: &Path) -> Subject {
    image(folder, |layer| {
        let long = format!("{}/", "n".repeat(250)).repeat(15);
        for number in 0..100_000 {
            layer.file(&format!("{long}{number}"), "");
        }
        layer.beside().end();
    })
}

fn selected_files(folder: &Path) -> Subject {
    image(folder, |layer| {
        for number in 0..1_000_000 {
            let content = format!(r#"{{"name":"p{number}","version":"1.0.0"}}"#);
            layer.file(&format!("srv/node_modules/p{number}/package.json"), content);
        }
        layer.beside().end();
    })
}

fn million_whiteouts(folder: &Path) -> Subject {
    let mut image = Hostile::new(folder);
    image.layer(|layer| {
        for number in 0..50_000 {
            layer.file(
                &format!("srv/node_modules/p{number}/package.json"),
                format!(r#"{{"name":"p{number}","version":"1.0.0"}}"#),
            );
        }
        layer.beside().end();
    });
    image.layer(|layer| {
        for number in 0..1_000_000 {
            layer.header(&Header::new(format!("srv/node_modules/.wh.q{number}"), b'0', 0));
        }
        layer.end();
    });
    image.finish()
}

fn long_symlinks(folder: &Path) -> Subject {
    image(folder, |layer| {
        let target = "t".repeat(4000);
        for number in 0..100_000 {
            layer.pax(&[("linkpath", &target)]).header(&Header::link(&format!("l/{number}"), b'2', "t"));
        }
        layer.beside().end();
    })
}

fn sparse_many(folder: &Path) -> Subject {
    image(folder, |layer| {
        // Sorts and comes before the sparse files, which end what may be expanded.
        layer.beside();
        for number in 0..2000 {
            layer
                .header(&sparse(&format!("{number}/package-lock.json"), 0, 512, 15 << 20))
                .content(&[b' '; 512]);
        }
        layer.end();
    })
}

fn linked_lockfile(folder: &Path) -> Subject {
    image(folder, |layer| {
        let records: Vec<_> = (0..20_000)
            .map(|number| format!("[[package]]\nname = \"c{number}\"\nversion = \"1.0.0\"\nsource = \"registry+https://example.com/index\"\n"))
            .collect();
        layer.file("a/Cargo.lock", format!("version = 3\n{}", records.join("\n")));
        for number in 0..100_000 {
            layer.header(&Header::link(&format!("b{number}/Cargo.lock"), b'1', "a/Cargo.lock"));
        }
        layer.end();
    })
}

fn links_read_again(folder: &Path) -> Subject {
    image(folder, |layer| {
        layer.file("plain", format!("[{}", " ".repeat(15 << 20)));
        for number in 0..100_000 {
            layer.header(&Header::link(&format!("b{number}/package-lock.json"), b'1', "plain"));
        }
        layer.beside().end();
    })
}

fn in_turn(folder: &Path) -> Subject {
    image(folder, |layer| {
        for _ in 0..200 {
            for number in 0..1000 {
                layer.file(
                    &format!("srv/node_modules/p{number}/package.json"),
                    format!(r#"{{"name":"p{number}","version":"1.0.0"}}"#),
                );
            }
            layer.file("srv", "");
        }
        layer.beside().end();
    })
}

fn pax_in_a_row(folder: &Path) -> Subject {
    image(folder, |layer| {
        let long = "p".repeat(1_000_000);
        for _ in 0..1000 {
            layer.pax(&[("comment", &long)]);
        }
        layer.beside().end();
    })
}
