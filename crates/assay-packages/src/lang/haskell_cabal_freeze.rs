//! `cabal.project.freeze` (<https://cabal.readthedocs.io/en/stable/cabal-commands.html#cabal-freeze>): what `cabal` decided,
//! as constraints such as `any.aeson ==2.0.3.0`.
//!
//! Constraints on flags (`aeson -cffi +ordered-keymap`) stand among them and name no version.

use super::lockfile::Declared;
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::PackageKind;

/// `cabal.project.freeze`.
pub(super) struct CabalFreeze;

impl Analyzer for CabalFreeze {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "haskell-cabal-freeze", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("cabal.project.freeze")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(text) = file.text(out) else { return };
        let mut declared = Declared::new(PackageKind::Hackage);
        let mut in_constraints = false;
        for line in text.lines().filter(|line| !line.trim_start().starts_with("--")) {
            let mut rest = line;
            // A field starts at the left edge; its value goes on in lines that do not.
            if !line.starts_with([' ', '\t']) {
                let (field, value) = line.split_once(':').unwrap_or((line, ""));
                (in_constraints, rest) = (field.trim() == "constraints", value);
            }
            for constraint in rest.split(',').filter(|_| in_constraints) {
                if let Some((name, version)) = constraint.split_once("==") {
                    let name = name.trim();
                    declared.add(name.strip_prefix("any.").unwrap_or(name), version.trim(), [], Vec::new());
                }
            }
        }
        declared.report(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    #[test]
    fn constraints() {
        let text = b"active-repositories: hackage.haskell.org:merge
constraints: any.aeson ==2.0.3.0,
             aeson -cffi +ordered-keymap,
             -- any.old ==1.0,
             any.xss-sanitize ==0.3.6
index-state: hackage.haskell.org 2023-01-01T00:00:00Z ==1
";
        check(&CabalFreeze, "cabal.project.freeze", text, "~ aeson 2.0.3.0\n~ xss-sanitize 0.3.6\n");
        check(&CabalFreeze, "cabal.project.freeze", b"constraints: any.a ==1.0", "~ a 1.0\n");
        check_total(&CabalFreeze, "cabal.project.freeze");
    }
}
