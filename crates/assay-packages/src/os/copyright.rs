//! The licences a Debian `copyright` file names.
//!
//! Machine-readable ones (<https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/>) state short names in `License`
//! fields; of the others only references to `/usr/share/common-licenses` are understood. Names become those of SPDX
//! (<https://spdx.org/licenses/>) where the same licence has another name there, and stay as they are otherwise.

/// How many different licences of one file are kept: texlive, the longest known, has about fifty.
const LICENSES_LIMIT: usize = 256;
/// The longest name that is kept, in bytes; longer ones are prose after a misplaced `License:`.
const NAME_LIMIT: usize = 120;
/// How far before a reference to the GPL the words "any later version" are looked for, in bytes: its notice is shorter.
const NOTICE: usize = 1500;

/// Returns the licences named in `text`, each once, in the order of their first mention.
pub(super) fn licenses(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |license: String| {
        if !license.is_empty() && found.len() < LICENSES_LIMIT && !found.contains(&license) {
            found.push(license);
        }
    };
    if is_machine_readable(text) {
        let names = text.lines().filter_map(|line| value(line, "License"));
        names.filter(|name| name.len() <= NAME_LIMIT).for_each(|name| add(expression(name)));
    } else {
        const FOLDER: &str = "/common-licenses/";
        for (at, _) in text.match_indices(FOLDER) {
            let rest = text.get(at + FOLDER.len()..).unwrap_or_default();
            let end = rest
                .find(|char: char| !(char.is_ascii_alphanumeric() || "-.+".contains(char)))
                .unwrap_or(rest.len());
            let name = rest.get(..end).unwrap_or_default().trim_end_matches(['.', '-']);
            if name.len() <= NAME_LIMIT {
                add(if is_gnu(name) && says_or_later(text, at) {
                    spdx(&format!("{name}+"))
                } else {
                    spdx(name)
                });
            }
        }
    }
    found
}

fn is_machine_readable(text: &str) -> bool {
    let mut lines = text
        .trim_start_matches(['\u{feff}', '\n', '\r', ' '])
        .lines()
        .take_while(|line| !line.trim().is_empty());
    lines.any(|line| value(line, "Format").is_some() || value(line, "Format-Specification").is_some())
}

/// Returns the value of the field `name` if `line` begins it.
fn value<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (head, tail) = line.split_at_checked(name.len())?;
    head.eq_ignore_ascii_case(name).then(|| tail.strip_prefix(':'))?.map(str::trim)
}

fn is_gnu(name: &str) -> bool {
    ["GPL", "LGPL", "GFDL", "AGPL"].contains(&name.split('-').next().unwrap_or(name))
}

fn says_or_later(text: &str, at: usize) -> bool {
    let bytes = text.as_bytes().get(at.saturating_sub(NOTICE)..at).unwrap_or_default();
    bytes.windows(b"later".len()).any(|window| window == b"later")
}

/// Turns `GPL-2+ or Artistic, and Expat` into an SPDX expression, word by word.
fn expression(text: &str) -> String {
    let mut result = String::with_capacity(text.len() + 16);
    let mut exception: Option<Vec<&str>> = None;
    for word in text.split_ascii_whitespace() {
        let (name, comma) = match word.strip_suffix(',') {
            Some(name) => (name, true),
            None => (word, false),
        };
        let word = match (name, &mut exception) {
            ("or" | "and" | "OR" | "AND", _) => {
                flush(&mut exception, &mut result);
                push(&mut result, &name.to_ascii_uppercase());
                continue;
            }
            ("with" | "WITH", _) => {
                exception = Some(Vec::new());
                continue;
            }
            ("", _) => continue,
            (_, Some(words)) => {
                words.push(name);
                if comma {
                    flush(&mut exception, &mut result);
                }
                continue;
            }
            (name, None) => spdx(name),
        };
        push(&mut result, &word);
    }
    flush(&mut exception, &mut result);
    result
}

/// Writes `with OpenSSL exception` as `WITH OpenSSL-exception`.
fn flush(exception: &mut Option<Vec<&str>>, result: &mut String) {
    if let Some(words) = exception.take().filter(|words| !words.is_empty()) {
        push(result, "WITH");
        push(result, &words.join("-"));
    }
}

fn push(result: &mut String, word: &str) {
    if !result.is_empty() {
        result.push(' ');
    }
    result.push_str(word);
}

/// Returns SPDX's name of a licence that Debian calls `name`.
fn spdx(name: &str) -> String {
    let (plain, later) = match name.strip_suffix('+') {
        Some(plain) => (plain, true),
        None => (name, false),
    };
    let (family, version) = plain.split_once('-').unwrap_or((plain, ""));
    let is_version = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match (family, version) {
        ("GPL" | "LGPL" | "AGPL" | "GFDL", _) if is_version => {
            let suffix = if later { "or-later" } else { "only" };
            let minor = if version.contains('.') { "" } else { ".0" };
            format!("{family}-{version}{minor}-{suffix}")
        }
        // A bare reference points to the newest text and means any version.
        ("GPL" | "GFDL", "") => format!("{family}-1.{}-or-later", if family == "GPL" { '0' } else { '1' }),
        ("LGPL", "") => "LGPL-2.0-or-later".to_owned(),
        _ => match name {
            "Expat" => "MIT",
            "Apache-2" => "Apache-2.0",
            "BSD" | "BSD-3-clause" => "BSD-3-Clause",
            "BSD-2-clause" => "BSD-2-Clause",
            "BSD-4-clause" => "BSD-4-Clause",
            "zlib" => "Zlib",
            "Artistic" => "Artistic-1.0-Perl",
            "MPL-1.1" | "MPL-2.0" => name,
            "PSF-2" => "PSF-2.0",
            "CC0" => "CC0-1.0",
            other => other,
        }
        .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, want: &[&str]) {
        assert_eq!(licenses(text), want);
    }

    #[test]
    fn machine_readable_fields_become_expressions() {
        check(
            "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: GPL-2+ or Artistic\n\n\
             Files: b\nLicense: Expat\n text\n\nFiles: c\nlicense: LGPL-2.1+ with OpenSSL exception, and BSD-3-clause\n\nFiles: d\nLicense: Expat\n",
            &[
                "GPL-2.0-or-later OR Artistic-1.0-Perl",
                "MIT",
                "LGPL-2.1-or-later WITH OpenSSL-exception AND BSD-3-Clause",
            ],
        );
        check("Format: x\nLicense:\n", &[]);
        check("Format: x\n\nLicense: public-domain\n", &["public-domain"]);
    }

    #[test]
    fn prose_is_searched_for_references() {
        check(
            "either version 2, or (at your option) any\nlater version.\nsee `/usr/share/common-licenses/GPL-2'.\n",
            &["GPL-2.0-or-later"],
        );
        check("can be found in /usr/share/common-licenses/GPL-3.", &["GPL-3.0-only"]);
        check(
            "/usr/share/common-licenses/Apache-2.0 /usr/share/common-licenses/BSD",
            &["Apache-2.0", "BSD-3-Clause"],
        );
        check("/usr/share/common-licenses/GPL", &["GPL-1.0-or-later"]);
        check("License: MIT in prose", &[]);
        check("/usr/share/common-licenses/", &[]);
    }

    proptest! {
        #[test]
        fn total(text in "(Format:|License:|/common-licenses/|GPL|with|or|[ -~é\n+]){0,24}") {
            licenses(&text);
        }
    }
}
