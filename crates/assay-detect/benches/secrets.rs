//! How fast files are searched for secrets, and what is found in folders whose files hold none.
//!
//! `cargo bench -p assay-detect --bench secrets -- <FOLDER>…` reads the files of folders; without one it makes text and binaries of its
//! own; `--own` takes the files for a user's, wherever they lie. A cold scan hashes and inflates every byte at about 0.5 GB/s and core; what is added must be small beside that.

// A benchmark reads the clock, its arguments and files, and prints.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a benchmark's numbers are its own"
)]

use assay_detect::secret::{Scanner, rules};
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

/// Returns the processor's time of this thread so far (proc(5), `schedstat`): other work on the machine does not count.
fn now() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

fn main() {
    let scanner = Scanner::new(rules());
    let folders: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let own = std::env::args().any(|argument| argument == "--own");
    if folders.is_empty() {
        generated(&scanner);
    }
    for folder in &folders {
        let mut seen = Seen::default();
        let root = if own { folder.as_str() } else { "" };
        walk(&scanner, Path::new(folder), root, &mut seen);
        let seconds = seen.time.as_secs_f64();
        println!(
            "{folder}: {} files, {} MB, {:.0} MB/s, {} findings, {:.2} per 10,000 files",
            seen.files,
            seen.bytes >> 20,
            seen.bytes as f64 / 1e6 / seconds,
            seen.findings,
            seen.findings as f64 * 1e4 / seen.files.max(1) as f64
        );
    }
}

#[derive(Default)]
struct Seen {
    files: u64,
    bytes: u64,
    findings: u64,
    time: Duration,
}

fn walk(scanner: &Scanner, path: &Path, root: &str, seen: &mut Seen) {
    let Ok(kind) = path.symlink_metadata() else { return };
    if kind.is_dir() {
        let Ok(entries) = path.read_dir() else { return };
        entries.flatten().for_each(|entry| walk(scanner, &entry.path(), root, seen));
    } else if kind.is_file() {
        let Ok(content) = std::fs::read(path) else { return };
        let name = path.to_string_lossy();
        let inside = name.strip_prefix(root).unwrap_or(&name).trim_start_matches('/');
        let start = now();
        let found = scanner.scan(inside, &content, &mut |_| true).unwrap();
        seen.time += now() - start;
        seen.files += 1;
        seen.bytes += content.len() as u64;
        seen.findings += found.hits.len() as u64;
        for hit in found.hits {
            let line = hit.line.map_or(String::new(), |line| format!(":{line}"));
            println!(
                "{name}{line}: {} {} {} {}",
                hit.rule.id,
                hit.severity,
                hit.shown,
                hit.name.unwrap_or_default()
            );
        }
    }
}

fn generated(scanner: &Scanner) {
    let prose =
        "The quick brown fox jumps over the lazy dog; it never asked for a password, nor for an API key.\n"
            .repeat(11_000);
    let code = "    fn handle_request(&self, request: &Request) -> Result<Response, HandleError> {\n        self.inner_handler.call(request)\n".repeat(9_000);
    let mut state = 1_u64;
    let noise: Vec<u8> = (0..1 << 20)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes().first().copied().unwrap_or_default()
        })
        .collect();
    let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/";
    let base64: Vec<u8> =
        noise.iter().map(|byte| digits.get(usize::from(byte % 64)).copied().unwrap_or_default()).collect();
    for (name, content) in [
        ("prose.txt", prose.into_bytes()),
        ("code.rs", code.into_bytes()),
        ("noise.bin", noise),
        ("base64.txt", base64),
    ] {
        let start = now();
        let mut rounds = 0_u64;
        while now() - start < Duration::from_secs(1) {
            black_box(scanner.scan(name, &content, &mut |_| true).unwrap());
            rounds += 1;
        }
        println!(
            "{name}: {:.0} MB/s",
            rounds as f64 * content.len() as f64 / 1e6 / (now() - start).as_secs_f64()
        );
    }
}
