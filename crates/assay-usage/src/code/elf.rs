//! ELF programs and libraries: what the dynamic linker needs for them, and what they may load or run besides
//! (<https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html>).
//!
//! What a program does is in its instructions, which nobody reads here. But to load a library it must import `dlopen`, and to run
//! a program one of the `exec` functions: only then are its constants searched for names. A static program imports nothing;
//! Go's keeps the names of all its functions, others' symbol tables are looked at, and without any it may do everything.

use assay_analyze::{Analyzer, AnalyzerId, Ask, Code, Dynamic, Fact, File, Language, Select, Sink};
use assay_decode::elf::Elf;
use std::collections::BTreeSet;

/// Reads ELF files.
pub(crate) struct ElfFile;

/// Functions that load a library of any name, or are a library's own words for that.
const LOADING: &[&str] = &[
    "dlopen",
    "dlmopen",
    "__libc_dlopen_mode",
    "g_module_open",
    "uv_dlopen",
    "lt_dlopen",
    "lt_dlopenext",
    "apr_dso_load",
];

/// Functions that run a program by its path.
const RUNNING: &[&str] = &["execve", "execv", "execl", "execle", "fexecve", "execveat", "posix_spawn"];

/// Functions that seek a program on the `PATH`, or let a shell do it: what they run is usually somebody else's choice.
const SEEKING: &[&str] = &[
    "execvp",
    "execvpe",
    "execlp",
    "posix_spawnp",
    "system",
    "popen",
    "wordexp",
    "g_spawn_async",
    "g_spawn_async_with_pipes",
    "g_spawn_sync",
    "g_spawn_command_line_sync",
    "g_spawn_command_line_async",
    "g_subprocess_new",
    "g_subprocess_newv",
    "uv_spawn",
    "apr_proc_create",
];

/// Names in Go's table of functions that are there only when the program can run others, or load plug-ins.
const GO_RUNNING: &[&[u8]] = &[b"syscall.forkExec", b"syscall.Exec\0", b"unix.Exec\0"];
const GO_LOADING: &[&[u8]] = &[b"plugin.Open"];

/// Bytes of constants that are searched; the largest programs with such imports (Node, PHP) have more, and a table of their own.
const MAX_CONSTANTS: u64 = 4 << 20;

/// Bytes of a symbol table or of Go's table of functions that are searched at once.
const CHUNK: u64 = 1 << 20;

/// Bytes of Go's table or of symbol names searched in all.
const MAX_SEARCHED: u64 = 256 << 20;

/// Names kept of one file.
const MAX_NAMES: usize = 256;

/// A name longer than this is text, not a name.
const MAX_NAME: usize = 200;

impl Analyzer for ElfFile {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "code-elf", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Magic(b"\x7fELF")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        // What is no ELF file after all is data.
        let Ok(elf) = Elf::parse(file.content) else { return };
        // Object files, kernel modules and cores are not run as they are.
        let runs = matches!(elf.kind(), 2 | 3);
        let mut asks = Vec::new();
        let mut library = !runs;
        let mut name = None;
        if runs {
            let dynamic = elf.dynamic();
            let interpreter = elf.interpreter().filter(|path| !path.is_empty());
            library =
                dynamic.soname.is_some() || (elf.kind() == 3 && interpreter.is_none() && !dynamic.is_pie);
            asks.push(Ask::Processor(elf.machine(), elf.is_64()));
            let is_static = interpreter.is_none() && dynamic.needed.is_empty() && !library;
            asks.extend(interpreter.map(|path| Ask::Interpreter(path, Vec::new())));
            let folders = |list: Option<String>, ask: fn(String) -> Ask| {
                let list = list.unwrap_or_default();
                list.split(':')
                    .filter(|folder| !folder.is_empty())
                    .map(|folder| ask(folder.to_owned()))
                    .collect()
            };
            let rpath: Vec<Ask> = folders(dynamic.rpath, Ask::Rpath);
            let runpath: Vec<Ask> = folders(dynamic.runpath, Ask::Runpath);
            // The dynamic linker ignores the one when there is the other.
            asks.extend(if runpath.is_empty() { rpath } else { runpath });
            asks.extend(dynamic.needed.into_iter().map(Ask::Library));
            name = dynamic.soname;
            if is_go(&elf) {
                go(file, &elf, &mut asks);
            } else if is_static {
                static_program(file, &elf, &mut asks);
            }
            imports(file, &elf, &mut asks);
        }
        let code = Code { language: Language::Native, size: file.content.len(), name, library, asks };
        out.fact(Fact::Code(Box::new(code)));
    }
}

/// Says what the names a file imports let it do.
fn imports(file: &File<'_>, elf: &Elf<'_>, asks: &mut Vec<Ask>) {
    let (mut loads, mut runs, mut seeks) = (false, false, false);
    elf.imports(|name| {
        // Most names fail on their first letter.
        if !matches!(
            name.first(),
            Some(b'd' | b'_' | b'g' | b'u' | b'l' | b'a' | b'e' | b'f' | b'p' | b's' | b'w')
        ) {
            return;
        }
        let is = |list: &[&str]| list.iter().any(|known| known.as_bytes() == name);
        loads |= is(LOADING);
        runs |= is(RUNNING);
        seeks |= is(SEEKING);
    });
    if !(loads || runs || seeks) {
        return;
    }
    let constants = Constants::of(file, elf);
    if loads {
        asks.extend(constants.libraries.iter().map(|name| Ask::Maybe(Dynamic::Library, name.clone())));
        if constants.computes_libraries || constants.libraries.is_empty() {
            asks.push(Ask::Dynamic(Dynamic::Library));
        }
    }
    if runs || seeks {
        asks.extend(constants.programs.iter().map(|name| Ask::Maybe(Dynamic::Program, name.clone())));
        let by_shell = constants.programs.iter().any(|path| is_shell(path));
        if seeks || by_shell || constants.programs.is_empty() || constants.cut {
            asks.push(Ask::Dynamic(Dynamic::Program));
        }
    }
}

fn is_shell(path: &str) -> bool {
    matches!(
        assay_model::path::file_name(path),
        "sh" | "bash" | "dash" | "ash" | "env" | "ksh" | "zsh" | "busybox"
    )
}

fn is_go(elf: &Elf<'_>) -> bool {
    elf.section(".gopclntab").is_some() || elf.section(".data.rel.ro.gopclntab").is_some()
}

fn go(file: &File<'_>, elf: &Elf<'_>, asks: &mut Vec<Ask>) {
    let Some(table) = elf.section(".gopclntab").or_else(|| elf.section(".data.rel.ro.gopclntab")) else {
        return;
    };
    let patterns: Vec<&[u8]> = GO_RUNNING.iter().chain(GO_LOADING).copied().collect();
    let found = search(file, table.offset, table.size, &patterns);
    let has =
        |list: &[&[u8]]| found.as_ref().is_none_or(|found| found.iter().any(|name| list.contains(name)));
    if has(GO_RUNNING) {
        asks.push(Ask::Dynamic(Dynamic::Program));
    }
    if has(GO_LOADING) {
        asks.push(Ask::Dynamic(Dynamic::Library));
    }
}

/// A program that imports nothing: its symbol table, if it has one, says whether functions to run others are in it.
fn static_program(file: &File<'_>, elf: &Elf<'_>, asks: &mut Vec<Ask>) {
    let patterns: &[&[u8]] = &[
        b"\0execve\0",
        b"\0__execve\0",
        b"\0posix_spawn\0",
        b"\0posix_spawnp\0",
        b"\0dlopen\0",
        b"\0__dlopen\0",
    ];
    let table = elf.section(".strtab").filter(|_| !elf.is_stripped());
    let found = table.and_then(|table| search(file, table.offset, table.size, patterns));
    let has =
        |list: &[&[u8]]| found.as_ref().is_none_or(|found| found.iter().any(|name| list.contains(name)));
    if has(patterns.get(..4).unwrap_or_default()) {
        asks.push(Ask::Dynamic(Dynamic::Program));
    }
    if has(patterns.get(4..).unwrap_or_default()) {
        asks.push(Ask::Dynamic(Dynamic::Library));
    }
}

/// Returns which of `patterns` are in a part of a file, `None` when it is too large or cannot be read.
fn search<'p>(file: &File<'_>, offset: u64, size: u64, patterns: &[&'p [u8]]) -> Option<Vec<&'p [u8]>> {
    if size > MAX_SEARCHED {
        return None;
    }
    let finders: Vec<_> =
        patterns.iter().map(|pattern| (*pattern, memchr::memmem::Finder::new(pattern))).collect();
    // Parts overlap, so that a name on the border is in one of them.
    let overlap = patterns.iter().map(|pattern| pattern.len()).max().unwrap_or_default() as u64;
    let mut found = Vec::new();
    let mut at = 0;
    while at < size {
        let len = (size - at).min(CHUNK + overlap);
        let part = file.content.read_range(offset.checked_add(at)?, len, usize::MAX).ok()?;
        for (pattern, finder) in &finders {
            if !found.contains(pattern) && finder.find(&part).is_some() {
                found.push(*pattern);
            }
        }
        at = at.saturating_add(CHUNK);
    }
    Some(found)
}

/// Returns the string that starts at a place; of one that is longer than a name, as much as shows that.
fn string(bytes: &[u8], start: usize) -> &[u8] {
    let rest = bytes.get(start..).unwrap_or_default();
    let rest = rest.get(..rest.len().min(MAX_NAME + 1)).unwrap_or_default();
    rest.get(..memchr::memchr(0, rest).unwrap_or(rest.len())).unwrap_or_default()
}

/// What the constants of a file look like.
#[derive(Default)]
struct Constants {
    libraries: BTreeSet<String>,
    programs: BTreeSet<String>,
    /// Whether a constant looks like a part of a library's name.
    computes_libraries: bool,
    /// Whether there was more than was searched.
    cut: bool,
}

impl Constants {
    fn of(file: &File<'_>, elf: &Elf<'_>) -> Self {
        let mut constants = Self::default();
        let mut left = MAX_CONSTANTS;
        let sections = elf.sections().iter().filter(|section| {
            section.name.starts_with(".rodata") || section.name == ".data" || section.name == ".data.rel.ro"
        });
        let mut spans: Vec<(u64, u64)> = sections.map(|section| (section.offset, section.size)).collect();
        if spans.is_empty() {
            // Sections are optional; then everything that is mapped and cannot run is searched.
            let segments =
                elf.segments().iter().filter(|segment| segment.is_load() && segment.flags & 1 == 0);
            spans = segments.map(|segment| (segment.offset, segment.file_size)).collect();
            spans.truncate(16);
        }
        for (offset, size) in spans {
            constants.cut |= size > left;
            let size = size.min(left);
            left -= size;
            let Ok(bytes) = file.content.read_range(offset, size, usize::MAX) else {
                constants.cut = true;
                continue;
            };
            constants.search(&bytes);
        }
        constants.computes_libraries |= constants.cut;
        constants
    }

    /// Looks at the strings, each of which ends with a zero, that may be names. There are a hundred others for each of these, so what
    /// makes a name is sought first, and its string's ends then.
    fn search(&mut self, bytes: &[u8]) {
        let mut end = 0;
        for place in memchr::memmem::find_iter(bytes, b".so") {
            // The string that was looked at last may have it twice.
            if place < end {
                continue;
            }
            let head = bytes.get(place.saturating_sub(MAX_NAME)..place).unwrap_or_default();
            let start = place - head.len() + memchr::memrchr(0, head).map_or(0, |zero| zero + 1);
            if start == 0 || bytes.get(start - 1) == Some(&0) {
                let text = string(bytes, start);
                end = start + text.len();
                if text.len() <= MAX_NAME {
                    self.library(text);
                }
            }
        }
        let first = bytes.starts_with(b"/").then_some(0);
        for start in first.into_iter().chain(memchr::memmem::find_iter(bytes, b"\0/").map(|zero| zero + 1)) {
            let text = string(bytes, start);
            let has = |part: &[u8]| memchr::memmem::find(text, part).is_some();
            if (3..=MAX_NAME).contains(&text.len())
                && !has(b".so")
                && (has(b"bin/") || has(b"/lib") || has(b"/opt/"))
            {
                self.program(text);
            }
        }
    }

    fn library(&mut self, text: &[u8]) {
        let Ok(text) = std::str::from_utf8(text) else { return };
        // `libfoo.so`, `libfoo.so.1.2`, `/usr/lib/x/plugin.so`: after `.so` comes the end or a version.
        let Some((before, after)) = text.rsplit_once(".so") else { return };
        let is_version = after.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        if after.contains('%') || before.contains('%') || (before.is_empty() && is_version) {
            self.computes_libraries = true;
            return;
        }
        let is_name = before.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'<>()*,;=$".contains(&byte));
        if !is_version || !is_name {
            return;
        }
        if self.libraries.len() < MAX_NAMES {
            self.libraries.insert(text.to_owned());
        } else {
            self.computes_libraries = true;
        }
    }

    fn program(&mut self, text: &[u8]) {
        let Ok(text) = std::str::from_utf8(text) else { return };
        if text.ends_with('/')
            || !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._+-".contains(&byte))
        {
            return;
        }
        if self.programs.len() < MAX_NAMES {
            self.programs.insert(text.to_owned());
        } else {
            self.cut = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Looks at each string, whatever it is.
    fn one_by_one(bytes: &[u8]) -> Constants {
        let mut constants = Constants::default();
        for text in bytes.split(|byte| *byte == 0) {
            let has = |part: &[u8]| memchr::memmem::find(text, part).is_some();
            if text.len() < 3 || text.len() > MAX_NAME {
                continue;
            }
            if has(b".so") {
                constants.library(text);
            } else if text.starts_with(b"/") && (has(b"bin/") || has(b"/lib") || has(b"/opt/")) {
                constants.program(text);
            }
        }
        constants
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn no_string_is_missed(
            pieces in proptest::collection::vec(
                proptest::sample::select(&[
                    "\0", "\0", "\0", ".so", ".so.1", ".s", "o", "/", "/bin/", "bin/", "/lib", "/opt/", "libx", "%s", "a", "\u{1}",
                ][..])
                .prop_map(str::to_owned)
                .boxed()
                .prop_union((0_usize..230).prop_map(|count| "l".repeat(count)).boxed()),
                0..40,
            ),
        ) {
            let bytes = pieces.concat().into_bytes();
            let mut found = Constants::default();
            found.search(&bytes);
            let want = one_by_one(&bytes);
            prop_assert_eq!(&found.libraries, &want.libraries);
            prop_assert_eq!(&found.programs, &want.programs);
            prop_assert_eq!((found.computes_libraries, found.cut), (want.computes_libraries, want.cut));
        }
    }
}
