//! The section `licenses`: which licences are a finding, and how bad.

use super::read::Reader;
use super::tree::{Node, Value};
use assay_detect::license::{Class, Expression, Policy};
use assay_model::Severity;
use assay_policy::spelling::nearest;

/// The keys of `licenses`.
pub(super) const LICENSE_KEYS: &[&str] = &["allow", "deny", "classes", "system", "project"];

impl Reader<'_> {
    /// Reads the section; what it does not say is as by default.
    pub(super) fn licenses(&mut self, node: &Node) -> Policy {
        let mut policy = Policy::default();
        for (key, value) in self.entries(node, "`licenses`", LICENSE_KEYS) {
            match key {
                "allow" => policy.allow = self.names(value, "allow"),
                "deny" => policy.deny = self.names(value, "deny"),
                "classes" => self.classes(value, &mut policy),
                "system" => match self.text(value, "system").as_deref() {
                    Some("true") => policy.system = true,
                    Some("false") => policy.system = false,
                    Some(_) => self.problem(value.line(), "`system` is true or false".to_owned(), None),
                    None => {}
                },
                _ => policy.project = self.text(value, "project").and_then(|text| Expression::read(&text)),
            }
        }
        policy
    }

    fn names(&mut self, node: &Node, key: &str) -> Vec<String> {
        match &node.value {
            Value::List(nodes) => nodes.iter().filter_map(|node| self.text(node, key)).collect(),
            Value::Nothing => Vec::new(),
            Value::Text(_) | Value::Truth(_) | Value::Number(_) => self.text(node, key).into_iter().collect(),
            Value::Map(_) => {
                self.problem(node.line(), format!("`{key}` is keys and values, expected a list"), None);
                Vec::new()
            }
        }
    }

    fn classes(&mut self, node: &Node, policy: &mut Policy) {
        let names: Vec<&str> = Class::ALL.iter().map(|class| class.name()).collect();
        for (key, value) in self.entries(node, "`classes`", &names) {
            let Ok(class) = key.parse::<Class>() else { continue };
            match self.text(value, key).as_deref() {
                Some("ignore") => {
                    policy.classes.remove(&class);
                }
                Some(text) => match text.parse::<Severity>() {
                    Ok(severity) => {
                        policy.classes.insert(class, severity);
                    }
                    Err(_) => {
                        let words: Vec<&str> =
                            Severity::ALL.iter().map(|one| one.name()).chain(["ignore"]).collect();
                        let hint = nearest(text, &words).map(|near| format!("did you mean `{near}`?"));
                        self.problem(value.line(), format!("`{text}` is no severity, nor `ignore`"), hint);
                    }
                },
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::read::read;
    use super::*;

    #[test]
    fn what_is_said_replaces_the_default() {
        let text = "licenses:\n  allow: [MPL-2.0]\n  deny: AGPL-3.0-only\n  system: true\n  project: Apache-2.0\n  classes:\n    unknown: low\n    strong-copyleft: ignore\n";
        let policy = read(text, "assay.yaml").unwrap().licenses.unwrap();
        assert_eq!(
            (policy.allow, policy.deny),
            (vec!["MPL-2.0".to_owned()], vec!["AGPL-3.0-only".to_owned()])
        );
        assert!(policy.system && policy.project.is_some());
        assert_eq!(policy.classes.get(&Class::Unknown), Some(&Severity::Low));
        assert_eq!(policy.classes.get(&Class::StrongCopyleft), None);
        assert_eq!(policy.classes.get(&Class::NetworkCopyleft), Some(&Severity::Medium));
    }

    #[test]
    fn mistakes_are_told_with_their_lines() {
        let problems =
            read("licenses:\n  classes:\n    unknown: lw\n  sistem: true\n", "assay.yaml").unwrap_err();
        let told: Vec<(u32, Option<&str>)> =
            problems.iter().map(|one| (one.line, one.hint.as_deref())).collect();
        assert_eq!(told, [(3, Some("did you mean `low`?")), (4, Some("did you mean `system`?"))]);
    }
}
