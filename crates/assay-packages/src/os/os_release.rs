//! The identity of the operating system: `os-release`, and the files that stood in for it before there was one.
//!
//! <https://www.freedesktop.org/software/systemd/man/latest/os-release.html>: shell assignments, without expansion.
//! What is surprising: `ID_LIKE` is not followed. A derivative rebuilds and patches on its own, so its parent's advisories do not
//! tell what is wrong with it; an unknown `ID` stays unknown, and says so.

mod legacy;

use assay_analyze::{Analyzer, AnalyzerId, Fact, File, Select, Sink};
use assay_model::{Os, distro};
use std::collections::BTreeMap;

/// The most that is read of such a file, in bytes; real ones have a few hundred.
const LIMIT: u64 = 64 << 10;

/// The trust in `os-release` itself, above all of [`legacy`].
const OS_RELEASE: u8 = 3;

/// Reads the operating system's identity.
pub(super) struct OsRelease;

impl Analyzer for OsRelease {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "os-release", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[
            Select::Path("etc/os-release"),
            Select::Path("usr/lib/os-release"),
            // Bottlerocket keeps its root under the target's name.
            Select::Path("x86_64-bottlerocket-linux-gnu/sys-root/usr/lib/os-release"),
            Select::Path("aarch64-bottlerocket-linux-gnu/sys-root/usr/lib/os-release"),
            Select::Path("etc/lsb-release"),
            Select::Path("etc/alpine-release"),
            Select::Path("etc/debian_version"),
            Select::Path("etc/redhat-release"),
            Select::Path("etc/system-release"),
            Select::Path("etc/centos-release"),
            Select::Path("etc/rocky-release"),
            Select::Path("etc/almalinux-release"),
            Select::Path("etc/oracle-release"),
            Select::Path("etc/fedora-release"),
            Select::Path("etc/photon-release"),
            Select::Path("etc/mariner-release"),
            Select::Path("etc/azurelinux-release"),
            Select::Path("etc/SuSE-release"),
            Select::Path("etc/arch-release"),
        ]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(bytes) = file.bytes(LIMIT, out) else { return };
        let text = String::from_utf8_lossy(&bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let found = match file.name() {
            "os-release" => os_release(text).map(|os| (os, OS_RELEASE)),
            name => legacy::read(name, text),
        };
        match found {
            Some((os, rank)) => out.fact(Fact::Os { os: Box::new(os), rank }),
            // Some images keep the file empty on purpose.
            None if text.trim().is_empty() => {}
            None => out.warn("unknown-operating-system", "it does not say which operating system this is"),
        }
    }
}

fn os_release(text: &str) -> Option<Os> {
    let mut values = assignments(text);
    if values.is_empty() {
        return None;
    }
    let mut take = |key| values.remove(key).unwrap_or_default();
    let (name, long_version) = (take("NAME"), take("VERSION"));
    let mut id = take("ID").to_ascii_lowercase();
    if id.is_empty() {
        if name.is_empty() {
            return None;
        }
        // The default of os-release(5).
        id.push_str("linux");
    }
    let pretty = match take("PRETTY_NAME") {
        pretty if !pretty.is_empty() => pretty,
        _ => format!("{name} {long_version}").trim().to_owned(),
    };
    let mut codename = take("VERSION_CODENAME");
    if codename.is_empty() && id == "debian" {
        // Debian's testing before it had the field: `Debian GNU/Linux bullseye/sid`.
        codename = pretty
            .rsplit(' ')
            .next()
            .and_then(|last| last.strip_suffix("/sid"))
            .unwrap_or_default()
            .to_owned();
    }
    Some(os(id, take("VERSION_ID"), codename, pretty))
}

/// Returns an operating system with its distribution looked up.
fn os(id: impl Into<String>, version: String, codename: String, name: String) -> Os {
    let id = id.into();
    let version = if version.is_empty() { codename.clone() } else { version };
    Os { distro: distro::by_id(&id), id, version, codename, name, end_of_life: None }
}

/// Reads `KEY=value` lines; of several with the same key the last wins, as in a shell.
fn assignments(text: &str) -> BTreeMap<&str, String> {
    let mut values = BTreeMap::new();
    for line in text.lines() {
        let line = line.trim();
        if let Some((key, value)) = line.split_once('=').filter(|(key, _)| is_key(key)) {
            values.insert(key, unquote(value));
        }
    }
    values
}

fn is_key(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Takes the first word of `value` as a shell would: quotes may come and go, a backslash escapes.
fn unquote(value: &str) -> String {
    let mut word = String::with_capacity(value.len());
    let mut quote = None;
    let mut chars = value.chars();
    while let Some(char) = chars.next() {
        match (quote, char) {
            (None, '\'' | '"') => quote = Some(char),
            (Some(open), close) if open == close => quote = None,
            (None, '\\') => word.extend(chars.next()),
            // Between double quotes a backslash only escapes what would be special there.
            (Some('"'), '\\') => match chars.next() {
                Some(special @ ('"' | '\\' | '$' | '`')) => word.push(special),
                other => {
                    word.push('\\');
                    word.extend(other);
                }
            },
            (None, blank) if blank.is_whitespace() => break,
            (_, char) => word.push(char),
        }
    }
    word
}

#[cfg(test)]
mod tests;
