//! An environment variable takes protection away.

use super::Workload;
use crate::check::Check;
use crate::lint::environment;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-unsafe-environment",
        aliases: &[],
        title: "an environment variable takes protection away",
        severity: Severity::High,
        why: "It switches checks off for every program of the container.",
        fix: "leave it out",
        reference: "",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    env: [{name: NODE_TLS_REJECT_UNAUTHORIZED, value: \"0\"}]\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    env: [{name: LD_PRELOAD, value: /x.so}]\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    env: [{name: NODE_TLS_REJECT_UNAUTHORIZED, value: \"1\"}]\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    for container in &workload.containers {
        for variable in container.node.items_of("env") {
            let (name, value) =
                (variable.text_of("name").unwrap_or_default(), variable.text_of("value").unwrap_or_default());
            let why = environment::unsafe_transport(name, value)
                .or_else(|| environment::unsafe_loading(name, value));
            if let Some(why) = why {
                places.at(variable.line_of("value"), format!("`{name}` {why}"));
            }
        }
    }
}
