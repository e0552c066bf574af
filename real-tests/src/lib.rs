#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stderr,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "test support: it reads the environment, tells of skips and fails the test when CI must not skip"
)]

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Returns where the program `name` is: in `target/tools/bin`, or on the `PATH`.
///
/// Prints a skip when there is none.
///
/// # Panics
/// When there is none and the variable `CI` is set.
pub fn tool(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(workspace().join("target/tools/bin"))
        .chain(std::env::split_paths(&path))
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    let found = folders.map(|folder| folder.join(name)).find(|file| is_program(file));
    found.or_else(|| skip(&format!("the program `{name}`")))
}

/// Returns the folder of the corpus image `name`: `oci/`, `oracle/` and further forms.
///
/// Prints a skip when `cargo xtask corpus` has not built it.
///
/// # Panics
/// When it is not built and the variable `CI` is set.
pub fn corpus(name: &str) -> Option<PathBuf> {
    let all =
        std::env::var_os("ASSAY_CORPUS").map_or_else(|| workspace().join("target/corpus"), PathBuf::from);
    let folder = all.join(name);
    // The stamp is written last, so a folder without one is not whole.
    if folder.join("stamp").exists() { Some(folder) } else { skip(&format!("the corpus image `{name}`")) }
}

/// Returns the folder with full copies of the advisory feeds: `$ASSAY_FEEDS`, or `../shared/feeds`.
///
/// Prints a skip when there is none.
///
/// # Panics
/// When there is none and the variable `CI` is set.
pub fn feeds() -> Option<PathBuf> {
    let folder =
        std::env::var_os("ASSAY_FEEDS").map_or_else(|| workspace().join("../shared/feeds"), PathBuf::from);
    if folder.is_dir() { Some(folder) } else { skip("the advisory feeds (set `ASSAY_FEEDS`)") }
}

/// Returns where the shared library `name` is, below the folders where Debian keeps them.
///
/// Prints a skip when there is none.
///
/// # Panics
/// When there is none and the variable `CI` is set.
pub fn library(name: &str) -> Option<PathBuf> {
    let folders =
        ["/usr/lib/softhsm", "/usr/lib/x86_64-linux-gnu/softhsm", "/usr/lib/aarch64-linux-gnu/softhsm"];
    let found = folders.iter().map(|folder| Path::new(folder).join(name)).find(|file| file.exists());
    found.or_else(|| skip(&format!("the library `{name}`")))
}

/// Returns the `assay` binary: `$ASSAY_BIN`, or the one Cargo builds now.
///
/// # Panics
/// When it cannot be built.
pub fn assay() -> PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY
        .get_or_init(|| std::env::var_os("ASSAY_BIN").map_or_else(|| program("assay"), PathBuf::from))
        .clone()
}

/// Returns another of the workspace's programs, which Cargo builds now; it has the name of its crate.
///
/// # Panics
/// When it cannot be built.
pub fn program(name: &str) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built =
        Command::new(cargo).args(["build", "--quiet", "--package", name]).current_dir(workspace()).status();
    assert!(built.is_ok_and(|status| status.success()), "cannot build `{name}`");
    // A test binary is `<target>/<profile>/deps/it-…`; the program is always built with the profile `dev`.
    let target = std::env::current_exe().ok().and_then(|exe| exe.ancestors().nth(3).map(Path::to_owned));
    let binary = target.unwrap_or_else(|| workspace().join("target")).join("debug").join(name);
    assert!(binary.exists(), "`{}` is not there after building it", binary.display());
    binary
}

/// Returns the workspace's root folder.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

fn is_program(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.mode() & 0o111 != 0)
}

// `cargo xtask test` counts these lines; the test harness hides them from a plain run unless it fails.
fn skip<T>(what: &str) -> Option<T> {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    if std::env::var_os("CI").is_some_and(|value| !value.is_empty()) {
        panic!("{what} is missing, and in CI nothing may be skipped");
    }
    eprintln!("skipped: {test}: {what} is missing");
    if let Some(log) = std::env::var_os("ASSAY_SKIPS") {
        use std::io::Write as _;
        let file = std::fs::OpenOptions::new().create(true).append(true).open(log);
        let _ = file.and_then(|mut file| writeln!(file, "{test}: {what} is missing"));
    }
    None
}
