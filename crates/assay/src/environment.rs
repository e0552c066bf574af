//! The only place that reads the environment, the working folder and the clock.

use crate::command::Global;
use assay_model::Timestamp;
use assay_oci::{CredentialSources, UsualPlaces};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};
use zeroize::Zeroizing;

/// Returns a variable that is set and not empty.
#[expect(clippy::disallowed_methods, reason = "the binary is where the environment is read")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns the password for a key: of the variables that are set the first that is not empty. An empty password is one, too, if it
/// was set.
#[expect(clippy::disallowed_methods, reason = "the binary is where the environment is read")]
pub(crate) fn key_password() -> Option<Zeroizing<String>> {
    let set =
        ["ASSAY_KEY_PASSWORD", "COSIGN_PASSWORD"].into_iter().filter_map(|name| std::env::var(name).ok());
    set.map(Zeroizing::new).reduce(|first, next| if first.is_empty() { next } else { first })
}

fn folder(name: &str) -> Option<PathBuf> {
    variable(name).map(PathBuf::from)
}

/// Returns the time that the clock shows, whatever `SOURCE_DATE_EPOCH` says: what has expired must not verify by a variable, and key
/// services compare it with their own.
#[expect(clippy::disallowed_methods, reason = "the binary is where the clock is read")]
pub(crate) fn clock() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(elapsed.as_secs()).unwrap_or_default())
}

/// Returns the current time to the millisecond. `SOURCE_DATE_EPOCH` does not stop it: leases of jobs must run out.
#[cfg(feature = "server")]
#[expect(clippy::disallowed_methods, reason = "the binary is where the clock is read")]
pub(crate) fn moment() -> assay_store::Moment {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    assay_store::Moment(i64::try_from(elapsed.as_millis()).unwrap_or_default())
}

/// Returns how long this process has kept processors busy, where the system tells (proc(5), `/proc/pid/stat`).
#[cfg(feature = "server")]
pub(crate) fn busy() -> Option<std::time::Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program is in brackets and may have anything in it; the times are the 14th and 15th field.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    // Linux tells them in hundredths of a second on every machine that it runs on today.
    Some(std::time::Duration::from_millis(user.saturating_add(system).saturating_mul(10)))
}

/// Returns a name for this process that tells it from others: the machine's, and the number it has there.
#[cfg(feature = "server")]
pub(crate) fn process() -> String {
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}/{}", machine.trim(), std::process::id())
}

/// Returns the current time, or `SOURCE_DATE_EPOCH` where a reproducible result is asked for
/// (<https://reproducible-builds.org/specs/source-date-epoch/>).
pub(crate) fn now() -> Timestamp {
    source_date().unwrap_or_else(clock)
}

/// Returns the time of `SOURCE_DATE_EPOCH`, where it is set.
pub(crate) fn source_date() -> Option<Timestamp> {
    variable("SOURCE_DATE_EPOCH").and_then(|text| text.parse().ok()).map(Timestamp)
}

/// Returns the folder the command was started in; `None` when it is gone.
#[expect(clippy::disallowed_methods, reason = "the binary is where the working folder is read")]
pub(crate) fn working_folder() -> Option<PathBuf> {
    std::env::current_dir().ok()
}

/// Returns a text that tells this build of the program from every other: its version, and its file as the system knows it.
pub(crate) fn program() -> String {
    use std::os::unix::fs::MetadataExt as _;
    let version = env!("CARGO_PKG_VERSION");
    match std::fs::metadata("/proc/self/exe") {
        Ok(file) => format!(
            "{version} {} {} {} {}.{}",
            file.dev(),
            file.ino(),
            file.size(),
            file.mtime(),
            file.mtime_nsec()
        ),
        Err(_) => version.to_owned(),
    }
}

/// Returns the folder for what can be made again.
pub(crate) fn cache_folder(global: &Global) -> PathBuf {
    global
        .cache_dir
        .clone()
        .or_else(|| folder("XDG_CACHE_HOME").map(|folder| folder.join("assay")))
        .or_else(|| folder("HOME").map(|home| home.join(".cache/assay")))
        .unwrap_or_else(|| scratch_folder().join("assay-cache"))
}

/// Returns the folder for temporary files.
pub(crate) fn scratch_folder() -> PathBuf {
    folder("TMPDIR").unwrap_or_else(|| PathBuf::from("/tmp"))
}

/// Returns the folders of signing plug-ins, in the order to look in: the one that is named, those of Notation, the one of this program,
/// and the search path (<https://github.com/notaryproject/specifications/blob/main/specs/plugin-extensibility.md>).
pub(crate) fn plugin_folders() -> Vec<PathBuf> {
    let configuration = folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")));
    let program = std::env::current_exe().ok();
    let beside = program.as_deref().and_then(std::path::Path::parent).map(PathBuf::from);
    let path =
        variable("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let notation = ["NOTATION_LIBEXEC", "NOTATION_CONFIG"]
        .into_iter()
        .filter_map(folder)
        .map(|home| home.join("plugins"));
    folder("ASSAY_PLUGIN_DIR")
        .into_iter()
        .chain(notation)
        .chain(configuration.map(|home| home.join("notation/plugins")))
        .chain(beside)
        .chain(path)
        // A relative folder would mean whatever folder the command was started in.
        .filter(|folder| folder.is_absolute())
        .collect()
}

/// Returns where credentials are.
pub(crate) fn credentials(named: Option<&PathBuf>) -> CredentialSources {
    CredentialSources::usual(&UsualPlaces {
        registry_auth_file: named.cloned().or_else(|| folder("REGISTRY_AUTH_FILE")),
        docker_config: folder("DOCKER_CONFIG"),
        runtime_folder: folder("XDG_RUNTIME_DIR"),
        config_folder: folder("XDG_CONFIG_HOME"),
        home: folder("HOME"),
    })
}

/// Returns the sockets of the Docker engine, in the order to try.
pub(crate) fn docker_sockets() -> Vec<PathBuf> {
    let named = variable("DOCKER_HOST").and_then(|host| host.strip_prefix("unix://").map(PathBuf::from));
    match named {
        Some(socket) => vec![socket],
        None => {
            let rootless = folder("XDG_RUNTIME_DIR").map(|folder| folder.join("docker.sock"));
            [PathBuf::from("/var/run/docker.sock")].into_iter().chain(rootless).collect()
        }
    }
}

/// Returns the sockets of podman's service, in the order to try.
pub(crate) fn podman_sockets() -> Vec<PathBuf> {
    let named = variable("CONTAINER_HOST")
        .or_else(|| variable("DOCKER_HOST"))
        .and_then(|host| host.strip_prefix("unix://").map(PathBuf::from));
    match named {
        Some(socket) => vec![socket],
        None => {
            let rootless = folder("XDG_RUNTIME_DIR").map(|folder| folder.join("podman/podman.sock"));
            rootless.into_iter().chain([PathBuf::from("/run/podman/podman.sock")]).collect()
        }
    }
}
