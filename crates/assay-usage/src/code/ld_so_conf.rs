//! The dynamic linker's settings: glibc's `ld.so.conf` with its includes and `ld.so.preload` (ld.so(8), ldconfig(8)), and musl's
//! `ld-musl-*.path` (<https://musl.libc.org/doc/1.1.24/manual.html>).
//!
//! What is surprising: glibc's linker reads none of the first at run time, but the cache that ldconfig makes of it; the cache is not
//! read here, as it names only files that the same settings lead to.

use assay_analyze::{Analyzer, AnalyzerId, Ask, Code, Fact, File, Language, Select, Sink};

/// Reads settings of the dynamic linker.
pub(crate) struct LinkerSettings;

/// Bytes read; real files have a few lines.
const MAX_SETTINGS: u64 = 64 << 10;

impl Analyzer for LinkerSettings {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "code-ld-so-conf", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[
            Select::Path("etc/ld.so.conf"),
            Select::Under("etc/ld.so.conf.d/", ".conf"),
            Select::Path("etc/ld.so.preload"),
            Select::NameAffixes("ld-musl-", ".path"),
        ]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(bytes) = file.bytes(MAX_SETTINGS, out) else { return };
        let text = String::from_utf8_lossy(&bytes);
        let words = text.lines().flat_map(|line| {
            let line = line.split('#').next().unwrap_or_default().trim();
            match line.strip_prefix("include").filter(|rest| rest.starts_with([' ', '\t'])) {
                Some(patterns) => {
                    patterns.split_whitespace().map(|file| Ask::Include(file.to_owned())).collect()
                }
                None if line.starts_with("hwcap") => Vec::new(),
                None => line
                    .split([' ', '\t', ':', ','])
                    .filter(|word| !word.is_empty())
                    // Old settings end in `=libc6`.
                    .map(|word| word.split('=').next().unwrap_or(word).to_owned())
                    .map(|word| {
                        if file.name() == "ld.so.preload" {
                            Ask::Library(word)
                        } else {
                            Ask::SearchPath(word)
                        }
                    })
                    .collect::<Vec<_>>(),
            }
        });
        let code = Code {
            language: Language::Settings,
            size: file.content.len(),
            name: None,
            library: true,
            asks: words.collect(),
        };
        out.fact(Fact::Code(Box::new(code)));
    }
}
