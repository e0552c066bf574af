//! A kind of volume that pods should not choose.

use super::Workload;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-volume-type",
        aliases: &["AVD-KSV-0028"],
        title: "a kind of volume that pods should not choose",
        severity: Severity::Low,
        why: "Volumes of a provider carry credentials and go around storage classes.",
        fix: "claim a volume: `persistentVolumeClaim`",
        reference: "Pod Security Standards: restricted",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  volumes:\n  - name: v\n    nfs: {server: x, path: /}\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  volumes:\n  - {name: a, emptyDir: {}}\n  - {name: b, configMap: {name: x}}\n  - {name: c, persistentVolumeClaim: {claimName: x}}\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    const ALLOWED: &[&str] = &[
        "name",
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
        "image",
    ];
    for volume in workload.pod.items_of("volumes") {
        for (key, place, _) in volume.entries() {
            // `hostPath` is a finding of its own.
            if !ALLOWED.contains(&key.as_str()) && key != "hostPath" {
                places.at(place.line, format!("`{key}`"));
            }
        }
    }
}
