//! `requirements*.txt` (<https://pip.pypa.io/en/stable/reference/requirements-file-format/>).
//!
//! Only what is pinned (`==` without `*`, or `===`) says which version is meant. Options, among them `-r` and `-e`, are other
//! files' business or no packages. Files named for development, tests or documentation are left out.

use super::lockfile::{Declared, is_inside_package, warn_if_damaged};
use super::python;
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink, TEXT_LIMIT};
use assay_model::PackageKind;
use std::borrow::Cow;

/// `requirements*.txt`.
pub(super) struct Requirements;

impl Analyzer for Requirements {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "python-requirements", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::NameAffixes("requirements", ".txt")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if !is_requirements(file.name()) || is_inside_package(file.path) {
            return;
        }
        let Some(bytes) = file.bytes(TEXT_LIMIT, out) else { return };
        let text = decode(&bytes);
        let mut declared = Declared::new(PackageKind::Python);
        let mut result = Ok(());
        for (number, line) in logical_lines(&text) {
            let line = uncommented(&line);
            // Options, and paths and addresses of archives.
            if line.is_empty() || line.starts_with(['-', '.', '/']) || line.contains("://") {
                continue;
            }
            match python::requirement_name(line) {
                Some(name) => {
                    if let Some(version) = pinned(line.get(name.len()..).unwrap_or_default()) {
                        declared.add(name, version, [], Vec::new());
                    }
                }
                None => result = Err(format!("line {number} is not a requirement")),
            }
        }
        warn_if_damaged(result, out);
        declared.report(out);
    }
}

fn is_requirements(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".txt") else { return false };
    const OTHER: [&str; 9] =
        ["dev", "develop", "development", "test", "tests", "testing", "doc", "docs", "lint"];
    stem.starts_with("requirements") && !stem.split(['-', '_', '.']).any(|word| OTHER.contains(&word))
}

/// Decodes the text as pip does; PowerShell's `>` writes UTF-16.
fn decode(bytes: &[u8]) -> Cow<'_, str> {
    let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, _) = rest.as_chunks::<2>();
        Cow::Owned(
            char::decode_utf16(pairs.iter().copied().map(unit)).map(|c| c.unwrap_or('\u{fffd}')).collect(),
        )
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] | rest => String::from_utf8_lossy(rest),
    }
}

/// Returns the line without its comment, which begins with `#` at its start or after a space.
fn uncommented(line: &str) -> &str {
    let comment = line.match_indices('#').map(|(at, _)| at).find(|at| {
        line.get(..*at).is_some_and(|before| before.is_empty() || before.ends_with(char::is_whitespace))
    });
    comment.and_then(|at| line.get(..at)).unwrap_or(line).trim()
}

/// Returns the lines, those that end with a backslash joined to the next.
fn logical_lines(text: &str) -> impl Iterator<Item = (usize, Cow<'_, str>)> {
    let mut lines = (1_usize..).zip(text.lines());
    std::iter::from_fn(move || {
        let (number, line) = lines.next()?;
        let mut joined = Cow::Borrowed(line);
        while let Some(open) = joined.strip_suffix('\\') {
            let Some((_, next)) = lines.next() else {
                joined = Cow::Owned(open.to_owned());
                break;
            };
            let end = open.len();
            let joined = joined.to_mut();
            joined.truncate(end);
            joined.push_str(next);
        }
        Some((number, joined))
    })
}

/// Returns the version if what follows the name pins one: `[extra] == 1.0 ; marker --hash=…`.
fn pinned(rest: &str) -> Option<&str> {
    let mut rest = rest.trim_start();
    if let Some(extras) = rest.strip_prefix('[') {
        rest = extras.split_once(']')?.1.trim_start();
    }
    let rest = rest.strip_prefix('(').unwrap_or(rest);
    let end = rest.find([';', '#', ')']).unwrap_or(rest.len());
    let specifiers = rest.get(..end)?.split(" --").next()?;
    specifiers.split(',').find_map(|specifier| {
        let specifier = specifier.trim();
        let version = specifier.strip_prefix("===").or_else(|| specifier.strip_prefix("=="))?.trim();
        let is_version = !version.is_empty() && !version.contains(['*', ' ', '=', '<', '>', '{', '$']);
        is_version.then_some(version)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    #[test]
    fn pinned_requirements() {
        let text = b"# by uv\n-i https://example.com/simple\n-r base.txt\n-e ./own\nhttps://example.com/a-1.0.zip\nb @ https://example.com/b-1.0.zip\n\n\
            certifi==2026.10.18 \\\n    --hash=sha256:73191c47 \\\n    --hash=sha256:b9995d97\n    # via requests\n\
            click==8.1.8 ; python_full_version < '3.10' \\\n    --hash=sha256:63c132bb\n\
            requests[socks] == 2.28.1 # why\nwerkzeug===2.2 --hash=sha256:00\nflask>=2,==2.2.2\nloose>=1\nstar==1.*\nbare\nold (==0.9)\nenv==${V}\n";
        let expected = "~ certifi 2026.10.18\n~ click 8.1.8\n~ flask 2.2.2\n~ old 0.9\n~ requests 2.28.1\n~ werkzeug 2.2\n";
        check(&Requirements, "srv/requirements.txt", text, expected);
        check(&Requirements, "srv/requirements-prod.txt", b"a==1", "~ a 1\n");
        for other in ["srv/requirements-dev.txt", "srv/notes.txt", "v/site-packages/a/requirements.txt"] {
            check(&Requirements, other, text, "");
        }
    }

    #[test]
    fn encodings_and_damage() {
        let wide: Vec<u8> = "\u{feff}a==1.0\r\nb==2\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        check(&Requirements, "requirements.txt", &wide, "~ a 1.0\n~ b 2\n");
        check(
            &Requirements,
            "requirements.txt",
            b"\xef\xbb\xbfa==1\n<<<<<<< HEAD\nb==2\\",
            "! damaged-lockfile\n~ a 1\n~ b 2\n",
        );
        check_total(&Requirements, "requirements.txt");
    }
}
