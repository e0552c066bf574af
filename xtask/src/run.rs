//! Runs other programs and says what they said when they fail.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Runs `command`, returning its standard output; a failure carries the end of both outputs.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let shown = show(command);
    let done = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start `{shown}`"))?;
    let stdout = String::from_utf8_lossy(&done.stdout).into_owned();
    if !done.status.success() {
        let stderr = String::from_utf8_lossy(&done.stderr);
        let all: Vec<&str> = stdout.lines().chain(stderr.lines()).collect();
        let tail = all.iter().skip(all.len().saturating_sub(25)).copied().collect::<Vec<_>>().join("\n    ");
        bail!("`{shown}` failed with {}\n    {tail}", done.status);
    }
    Ok(stdout)
}

/// Runs `command` with its output going to the terminal.
pub(crate) fn visible(command: &mut Command) -> Result<()> {
    let shown = show(command);
    let status = command.status().with_context(|| format!("cannot start `{shown}`"))?;
    if status.success() { Ok(()) } else { bail!("`{shown}` failed with {status}") }
}

/// Returns where the program `name` is on the `PATH`.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    // `/usr/sbin` is on the path of root but not of users; mmdebstrap and docker-registry need nothing of it,
    // htpasswd and others might.
    std::iter::once(tools_dir().join("bin"))
        .chain(std::env::split_paths(&path))
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|file| fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.mode() & 0o111 != 0))
}

/// Says whether this process runs as root.
pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}

/// Says whether the run must not skip anything.
pub(crate) fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty())
}

/// Returns the workspace's root folder.
pub(crate) fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Returns where tools built for the tests are kept.
pub(crate) fn tools_dir() -> PathBuf {
    workspace().join("target/tools")
}

fn show(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.extend(argument.to_string_lossy().chars().take(200));
    }
    text
}
