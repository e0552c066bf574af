//! AppArmor is switched off.

use super::Workload;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-apparmor-off",
        aliases: &["AVD-KSV-0002"],
        title: "AppArmor is switched off",
        severity: Severity::Medium,
        why: "It keeps an attacker from what a service never does.",
        fix: "leave it out, or say `RuntimeDefault`",
        reference: "Pod Security Standards: baseline",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {appArmorProfile: {type: Unconfined}}\n",
        "apiVersion: v1\nkind: Pod\nmetadata:\n  annotations:\n    container.apparmor.security.beta.kubernetes.io/c: unconfined\nspec: {containers: [{name: c, image: a:1}]}\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {appArmorProfile: {type: RuntimeDefault}}\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    for profile in workload.contexts().iter().filter_map(|context| context.get("appArmorProfile")) {
        if profile.text_of("type") == Some("Unconfined") {
            places.at(profile.line_of("type"), "`Unconfined`");
        }
    }
    for (key, place, value) in workload.annotations() {
        if key.starts_with("container.apparmor.security.beta.kubernetes.io/")
            && value.text() == Some("unconfined")
        {
            places.at(place.line, format!("`{key}`"));
        }
    }
}
