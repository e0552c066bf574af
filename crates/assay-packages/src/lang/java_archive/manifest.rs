//! The manifest of a jar ([JAR file specification](https://docs.oracle.com/en/java/javase/17/docs/specs/jar/jar.html#jar-manifest)).
//!
//! Lines have at most 72 bytes; a line that starts with a blank continues the one before, in the middle of words. Only the main
//! section, up to the first empty line, speaks about the jar.

use std::collections::BTreeMap;

/// The main attributes by name in lower case.
#[derive(Debug, Default)]
pub(super) struct Manifest(BTreeMap<String, String>);

impl Manifest {
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut attributes = BTreeMap::new();
        let mut current: Option<(String, String)> = None;
        for line in
            text.trim_start_matches('\u{feff}').split("\r\n").flat_map(|line| line.split(['\n', '\r']))
        {
            if let Some(rest) = line.strip_prefix(' ') {
                if let Some((_, value)) = &mut current {
                    value.push_str(rest);
                }
                continue;
            }
            if let Some((name, value)) = current.take() {
                attributes.entry(name).or_insert(value);
            }
            let Some((name, value)) = line.split_once(':') else { break };
            current = Some((name.to_ascii_lowercase(), value.strip_prefix(' ').unwrap_or(value).to_owned()));
        }
        if let Some((name, value)) = current {
            attributes.entry(name).or_insert(value);
        }
        Self(attributes)
    }

    /// Returns an attribute by its name in lower case, without blanks around it; placeholders of a build that did not fill
    /// them in (`${project.version}`) count as absent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name)?.trim().trim_matches('"');
        (!value.is_empty() && !value.contains("${")).then_some(value)
    }

    /// Returns an attribute without OSGi's directives (`org.acme.core;singleton:=true`).
    pub(super) fn symbol(&self, name: &str) -> Option<&str> {
        let value = self.get(name)?;
        Some(value.split_once(';').map_or(value, |(symbol, _)| symbol.trim()))
            .filter(|symbol| !symbol.is_empty())
    }

    /// Returns the licences of `Bundle-License`: SPDX names or addresses, separated by commas, each with directives
    /// (`Apache-2.0;link="https://…"`).
    pub(super) fn licenses(&self) -> Vec<String> {
        let all = self.get("bundle-license").unwrap_or_default();
        let names = all
            .split(',')
            .map(|clause| clause.split(';').next().unwrap_or_default().trim().trim_matches('"'));
        names
            .filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("<<EXTERNAL>>"))
            .map(str::to_owned)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continuation_lines_are_joined_and_other_sections_left_out() {
        let manifest = Manifest::parse(
            b"Manifest-Version: 1.0\r\nBundle-SymbolicName: org.acme.ve\r\n ry.long;singleton:=true\r\nImplementation-Version: ${v}\r\n\
              Bundle-License: Apache-2.0;link=\"https://x\", MIT\r\n\r\nName: org/acme/\r\nImplementation-Version: 9\r\n",
        );
        assert_eq!(manifest.symbol("bundle-symbolicname"), Some("org.acme.very.long"));
        assert_eq!(manifest.get("implementation-version"), None);
        assert_eq!(manifest.licenses(), ["Apache-2.0", "MIT"]);
        assert_eq!(Manifest::parse(b"A: 1\nB: 2\rC: 3").get("c"), Some("3"));
    }
}
