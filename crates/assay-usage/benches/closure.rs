//! Judging an image of fifty thousand files of code, which every scan of a known image does again.
//!
//! `cargo bench -p assay-usage`. It shall stay below five milliseconds.

// A benchmark reads the clock and prints; its numbers are its own.
#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use assay_analyze::{Ask, Code, CodeFile, Files, Language, Owned, Squashed};
use assay_model::image::ImageConfig;
use assay_model::{Package, PackageKind};
use std::time::{Duration, Instant};

/// Packages of the system, each with a program, three libraries, and forty files that are no code.
const PACKAGES: usize = 600;

/// Modules of which a third imports others.
const MODULES: usize = 48_000;

fn code(language: Language, library: bool, asks: Vec<Ask>) -> CodeFile {
    CodeFile { layer: 0, code: Code { language, size: 1, name: None, library, asks } }
}

fn image() -> Squashed {
    let mut squashed = Squashed::default();
    let mut files = Files::default();
    for number in 0..PACKAGES {
        let mut owned = vec![format!("usr/bin/program{number}")];
        let needs =
            (0..8).map(|step| Ask::Library(format!("lib{}.so.1", (number * 3 + step * 7) % (PACKAGES * 3))));
        let asks = std::iter::once(Ask::Processor(62, true)).chain(needs).collect();
        files.code.insert(format!("usr/bin/program{number}"), code(Language::Native, false, asks));
        for library in number * 3..number * 3 + 3 {
            let asks = vec![
                Ask::Processor(62, true),
                Ask::Library(format!("lib{}.so.1", (library + 1) % (PACKAGES * 3))),
            ];
            let path = format!("usr/lib/x86_64-linux-gnu/lib{library}.so.1.0");
            files.code.insert(path.clone(), code(Language::Native, true, asks));
            files.symlinks.insert(
                format!("usr/lib/x86_64-linux-gnu/lib{library}.so.1"),
                format!("lib{library}.so.1.0"),
            );
            owned.push(path);
        }
        owned.extend((0..40).map(|file| format!("usr/share/doc/package{number}/file{file}.txt")));
        owned.extend((0..10).map(|file| format!("etc/package{number}/file{file}.conf")));
        files.owned.push(Owned {
            manager: "dpkg".to_owned(),
            package: format!("package{number}"),
            files: owned.iter().map(String::as_str).collect(),
        });
        squashed.inventory.packages.push(Package::new(PackageKind::Deb, format!("package{number}"), "1"));
    }
    for number in 0..MODULES {
        let path = format!("srv/app/node_modules/package{}/lib/module{number}.js", number / 40);
        let asks = (number % 3 == 0).then(|| Ask::Import(format!("./module{}", number + 1)));
        files.code.insert(path, code(Language::JavaScript, true, asks.into_iter().collect()));
    }
    squashed.files = files;
    squashed
}

fn main() {
    let mut squashed = image();
    let config = ImageConfig { command: vec!["program1".to_owned()], ..ImageConfig::default() };
    let mut times: Vec<Duration> = (0..30)
        .map(|_| {
            let start = Instant::now();
            assay_usage::judge(&config, &mut squashed);
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    println!(
        "{} files of code, {} packages: {median:.1?}",
        squashed.files.code.len(),
        squashed.inventory.packages.len()
    );
}
