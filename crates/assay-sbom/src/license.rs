//! Licences as SPDX writes them: expressions where they are valid, references to names of our own where they are not.
//!
//! <https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/>. What package managers write is often close to an expression and
//! no valid one; nothing is guessed here, what is not valid stays a name.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Returns whether a text is a single identifier of the SPDX list, in its exact spelling.
pub(crate) fn is_identifier(text: &str) -> bool {
    spdx::license_id(text).is_some_and(|id| id.name == text)
}

/// Returns whether a text is a valid SPDX expression of identifiers of the SPDX list.
pub(crate) fn is_expression(text: &str) -> bool {
    // References to other documents and texts mean nothing outside of the document they come from.
    !text.contains("Ref-") && spdx::Expression::parse(text).is_ok()
}

/// Names that are no expressions, by the `LicenseRef-` that stands for them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Names(pub(crate) BTreeMap<String, String>);

impl Names {
    /// Returns one expression that names all of `licenses`, or `None` when there are none.
    pub(crate) fn expression(&mut self, licenses: &[String]) -> Option<String> {
        let mut text = String::new();
        for license in licenses.iter().filter(|license| !license.trim().is_empty()) {
            let part = if is_expression(license) { license.clone() } else { self.reference(license) };
            if !text.is_empty() {
                text.push_str(" AND ");
            }
            if part.contains(' ') && licenses.len() > 1 {
                let _ = write!(text, "({part})");
            } else {
                text.push_str(&part);
            }
        }
        (!text.is_empty()).then_some(text)
    }

    /// Returns the reference that stands for a name.
    fn reference(&mut self, name: &str) -> String {
        let mut slug: String = name
            .chars()
            .map(|char| if char.is_ascii_alphanumeric() || char == '.' { char } else { '-' })
            .take(64)
            .collect();
        slug = slug.trim_matches('-').to_owned();
        let base = format!("LicenseRef-{}", if slug.is_empty() { "unnamed" } else { &slug });
        let mut reference = base.clone();
        let mut number = 2;
        // Two names may give the same slug.
        while self.0.get(&reference).is_some_and(|other| other != name) {
            reference = format!("{base}-{number}");
            number += 1;
        }
        self.0.insert(reference.clone(), name.to_owned());
        reference
    }

    /// Returns the licences that an expression names, the reverse of [`Self::expression`].
    pub(crate) fn licenses(&self, expression: &str) -> Vec<String> {
        let expression = expression.trim();
        if matches!(expression, "" | "NONE" | "NOASSERTION") {
            return Vec::new();
        }
        let parts = split(expression);
        // `A OR B AND C` is no list of three: only where every part stands for itself is it taken apart.
        let whole = parts.len() < 2 || parts.iter().any(|part| !part.starts_with('(') && part.contains(' '));
        let parts = if whole { vec![expression] } else { parts };
        parts
            .into_iter()
            .map(|part| {
                let inner = part.strip_prefix('(').and_then(|part| part.strip_suffix(')'));
                let part = inner.filter(|inner| balanced(inner)).unwrap_or(part);
                self.0.get(part).cloned().unwrap_or_else(|| self.expanded(part))
            })
            .collect()
    }

    /// Puts names where references to them stand.
    fn expanded(&self, part: &str) -> String {
        if !part.contains("LicenseRef-") {
            return part.to_owned();
        }
        let words = part.split_inclusive([' ', '(', ')']).map(|word| {
            let end = word.trim_end_matches([' ', '(', ')']);
            self.0.get(end).map_or_else(|| word.to_owned(), |name| word.replacen(end, name, 1))
        });
        words.collect()
    }
}

/// Splits at ` AND ` outside of parentheses.
fn split(expression: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0i32, 0);
    for (at, char) in expression.char_indices() {
        match char {
            '(' => depth += 1,
            ')' => depth -= 1,
            ' ' if depth == 0 && expression.get(at..).is_some_and(|rest| rest.starts_with(" AND ")) => {
                parts.extend(expression.get(start..at));
                start = at + " AND ".len();
            }
            _ => {}
        }
    }
    parts.extend(expression.get(start..));
    parts
}

fn balanced(text: &str) -> bool {
    let mut depth = 0i32;
    for char in text.chars() {
        depth += i32::from(char == '(') - i32::from(char == ')');
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(licenses: &[&str], want: &str) {
        let licenses: Vec<String> = licenses.iter().map(|it| (*it).to_owned()).collect();
        let mut names = Names::default();
        assert_eq!(names.expression(&licenses).unwrap_or_default(), want);
        assert_eq!(names.licenses(want), licenses);
    }

    #[test]
    fn expressions_come_back_as_they_were() {
        check(&[], "");
        check(&["MIT"], "MIT");
        check(&["MIT OR Apache-2.0"], "MIT OR Apache-2.0");
        check(&["MIT OR Apache-2.0", "ISC"], "(MIT OR Apache-2.0) AND ISC");
        check(&["The X License", "public-domain"], "LicenseRef-The-X-License AND LicenseRef-public-domain");
        check(&["a b", "a-b"], "LicenseRef-a-b AND LicenseRef-a-b-2");
        check(&["GPLv2+"], "LicenseRef-GPLv2");
        check(&["LicenseRef-x"], "LicenseRef-LicenseRef-x");
    }

    #[test]
    fn what_another_tool_wrote_is_taken_apart_only_where_it_is_a_list() {
        let names = Names::default();
        assert_eq!(names.licenses("MIT AND ISC"), ["MIT", "ISC"]);
        assert_eq!(names.licenses("MIT OR ISC AND Zlib"), ["MIT OR ISC AND Zlib"]);
        assert_eq!(names.licenses("NOASSERTION"), Vec::<String>::new());
        assert_eq!(names.licenses("(MIT) OR (ISC)"), ["(MIT) OR (ISC)"]);
    }
}
