//! `ENV` uses a variable that it sets itself.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-self-reference-in-env",
        aliases: &["DL3044"],
        title: "`ENV` uses a variable that it sets itself",
        severity: Severity::Medium,
        why: "Within one instruction the old value counts, not the one set beside it.",
        fix: "write two instructions",
        reference: "",
    },
    bad: &["FROM debian:12\nENV A=/a B=$A/b\n"],
    good: &[
        "FROM debian:12\nENV A=/a\nENV B=$A/b\n",
        "FROM debian:12\nENV PATH=/x:$PATH\n",
        "FROM debian:12\nENV A=1 B='$A'\n",
    ],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for env in file.instructions().filter(|one| one.keyword == "ENV") {
        // Before variables are replaced, with their quotes: within single quotes nothing is.
        let text = &env.arguments;
        let names: Vec<String> = env.pairs().into_iter().map(|(name, _)| name).collect();
        for (index, name) in names.iter().enumerate() {
            let used = [format!("${name}"), format!("${{{name}}}")].iter().any(|variable| {
                let mut other = env.pairs();
                other.remove(index);
                let used = |value: &String| {
                    value.match_indices(variable.as_str()).any(|(at, _)| {
                        let next = value
                            .get(at.saturating_add(variable.len())..)
                            .and_then(|rest| rest.chars().next());
                        variable.ends_with('}')
                            || next.is_none_or(|next| !next.is_ascii_alphanumeric() && next != '_')
                    })
                };
                other.iter().any(|(_, value)| value.as_ref().is_some_and(used))
                    && !text.contains(&format!("'{variable}"))
            });
            if used {
                places.at(env.line, format!("`{name}` is set and used"));
            }
        }
    }
}
