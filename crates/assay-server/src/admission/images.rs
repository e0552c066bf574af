//! Where a workload names images: containers of every sort, and volumes that are images.

use super::review::Review;
use serde_json::Value;
use std::collections::HashSet;
use std::str::FromStr;

/// Images of one object that are judged; an object that brings in more is denied. Pods that run have a few dozen containers at most.
pub(crate) const MAX_IMAGES: usize = 1000;

/// One place that names an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageUse {
    /// Where, as a JSON pointer.
    pub path: String,
    /// The image; what is no text is written as it stands, which is no name.
    pub image: String,
}

/// The kinds that hold the description of a pod, and where.
const KINDS: [(&str, &str, &str); 9] = [
    ("", "Pod", "/spec"),
    ("", "PodTemplate", "/template/spec"),
    ("", "ReplicationController", "/spec/template/spec"),
    ("apps", "Deployment", "/spec/template/spec"),
    ("apps", "ReplicaSet", "/spec/template/spec"),
    ("apps", "StatefulSet", "/spec/template/spec"),
    ("apps", "DaemonSet", "/spec/template/spec"),
    ("batch", "Job", "/spec/template/spec"),
    ("batch", "CronJob", "/spec/jobTemplate/spec/template/spec"),
];

/// A kind of a custom resource that holds the description of a pod: `GROUP/KIND=POINTER`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// The group of the kind, such as `argoproj.io`.
    pub group: String,
    /// The kind, such as `Rollout`.
    pub kind: String,
    /// Where the description of the pod is, as a JSON pointer such as `/spec/template/spec`.
    pub at: String,
}

/// A text is no kind with a place in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not of the form GROUP/KIND=POINTER, such as `argoproj.io/Rollout=/spec/template/spec`")]
pub struct ParseWorkloadError(String);

impl FromStr for Workload {
    type Err = ParseWorkloadError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('=').and_then(|(name, at)| Some((name.split_once('/')?, at)));
        match parts {
            Some(((group, kind), at)) if !group.is_empty() && !kind.is_empty() && at.starts_with('/') => {
                Ok(Self { group: group.to_owned(), kind: kind.to_owned(), at: at.to_owned() })
            }
            _ => Err(ParseWorkloadError(text.to_owned())),
        }
    }
}

/// Returns the images that a request would bring in: those of the object that its old form does not name anywhere.
/// `None` when the kind holds no pod that this program knows of, nor is one of `workloads`.
///
/// An update that changes no image is never in the way: labels, finalizers and status of what runs must be changed also when
/// its verdict is another by now. But one that changes a label of `judged_by` brings everything where it was not: into another tier.
pub fn image_uses(
    review: &Review,
    workloads: &[Workload],
    judged_by: &dyn Fn(&str) -> bool,
) -> Option<Vec<ImageUse>> {
    let custom = workloads.iter().map(|one| (one.group.as_str(), one.kind.as_str(), one.at.as_str()));
    let (_, _, at) = KINDS
        .into_iter()
        .chain(custom)
        .find(|(group, kind, _)| *group == review.group && *kind == review.kind)?;
    let mut uses = named(&review.object, at);
    if review.operation == "UPDATE" && !relabelled(review).any(judged_by) {
        let old = named(&review.old_object, at);
        let old: HashSet<&str> = old.iter().map(|old| old.image.as_str()).collect();
        uses.retain(|one| !old.contains(one.image.as_str()));
    }
    Some(uses)
}

/// Returns the labels that an update adds, changes or takes away.
fn relabelled(review: &Review) -> impl Iterator<Item = &str> {
    let [old, new] = [&review.old_object, &review.object].map(|object| object.pointer("/metadata/labels"));
    let names =
        [old, new].into_iter().flatten().filter_map(Value::as_object).flat_map(|labels| labels.keys());
    let differs =
        move |name: &&String| old.and_then(|all| all.get(*name)) != new.and_then(|all| all.get(*name));
    names.filter(differs).map(String::as_str)
}

fn named(object: &Value, at: &str) -> Vec<ImageUse> {
    let mut uses = Vec::new();
    let Some(spec) = object.pointer(at) else { return uses };
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for (number, container) in entries(spec, list) {
            add(&mut uses, container.get("image"), format!("{at}/{list}/{number}/image"));
        }
    }
    for (number, volume) in entries(spec, "volumes") {
        if let Some(image) = volume.get("image") {
            add(&mut uses, image.get("reference"), format!("{at}/volumes/{number}/image/reference"));
        }
    }
    uses
}

fn entries<'v>(spec: &'v Value, list: &str) -> impl Iterator<Item = (usize, &'v Value)> {
    spec.get(list).and_then(Value::as_array).into_iter().flatten().enumerate()
}

fn add(uses: &mut Vec<ImageUse>, image: Option<&Value>, path: String) {
    let image = match image {
        // A template may leave the image to be set later; there is nothing to judge, and nothing to run.
        None | Some(Value::Null) => return,
        Some(Value::String(image)) if image.is_empty() => return,
        Some(Value::String(image)) => image.clone(),
        Some(other) => other.to_string(),
    };
    uses.push(ImageUse { path, image });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn review(group: &str, kind: &str, operation: &str, object: Value, old_object: Value) -> Review {
        Review {
            uid: "1".to_owned(),
            cluster: None,
            group: group.to_owned(),
            kind: kind.to_owned(),
            sub_resource: String::new(),
            operation: operation.to_owned(),
            namespace: "n".to_owned(),
            namespace_labels: std::collections::BTreeMap::new(),
            user: "u".to_owned(),
            groups: Vec::new(),
            dry_run: false,
            object,
            old_object,
        }
    }

    #[track_caller]
    fn check(group: &str, kind: &str, object: Value, want: &[&str]) {
        let uses = image_uses(&review(group, kind, "CREATE", object, Value::Null), &[], &|_| false).unwrap();
        let found: Vec<String> = uses.iter().map(|one| format!("{} {}", one.path, one.image)).collect();
        assert_eq!(found, want);
    }

    fn pod() -> Value {
        json!({
            "initContainers": [{ "image": "i" }],
            "containers": [{ "image": "a" }, { "image": "" }, {}, { "image": "b" }],
            "ephemeralContainers": [{ "image": "e" }],
            "volumes": [{ "name": "x", "emptyDir": {} }, { "name": "y", "image": { "reference": "v" } }],
        })
    }

    #[test]
    fn every_sort_of_place_is_found_in_every_kind() {
        for (group, kind, at) in KINDS {
            let mut object = pod();
            for part in at.rsplit('/').filter(|part| !part.is_empty()) {
                object = json!({ part: object });
            }
            let want = [
                format!("{at}/initContainers/0/image i"),
                format!("{at}/containers/0/image a"),
                format!("{at}/containers/3/image b"),
                format!("{at}/ephemeralContainers/0/image e"),
                format!("{at}/volumes/1/image/reference v"),
            ];
            check(group, kind, object, &want.each_ref().map(String::as_str));
        }
    }

    #[test]
    fn other_kinds_hold_no_pod() {
        for (group, kind) in
            [("", "Service"), ("apps", "Pod"), ("autoscaling", "Scale"), ("argoproj.io", "Rollout")]
        {
            assert_eq!(
                image_uses(
                    &review(group, kind, "CREATE", json!({ "spec": pod() }), Value::Null),
                    &[],
                    &|_| false
                ),
                None
            );
        }
    }

    #[test]
    fn an_update_brings_in_what_is_new() {
        let old = json!({ "spec": pod() });
        let uses = |new: &Value| {
            image_uses(&review("", "Pod", "UPDATE", new.clone(), old.clone()), &[], &|name| {
                name == "environment"
            })
        };
        assert_eq!(uses(&old), Some(Vec::new()));
        let mut new = old.clone();
        new["spec"]["ephemeralContainers"] = json!([{ "image": "e" }, { "image": "debug" }]);
        assert_eq!(
            uses(&new).unwrap(),
            [ImageUse { path: "/spec/ephemeralContainers/1/image".to_owned(), image: "debug".to_owned() }]
        );
        // A label by which nothing is judged, and one by which it is.
        new = old.clone();
        new["metadata"]["labels"] = json!({ "app": "x" });
        assert_eq!(uses(&new), Some(Vec::new()));
        new["metadata"]["labels"] = json!({ "environment": "production" });
        assert_eq!(uses(&new).unwrap().len(), 5);
        // Also where it is taken away.
        let update = review("", "Pod", "UPDATE", old.clone(), new.clone());
        assert_eq!(image_uses(&update, &[], &|name| name == "environment").unwrap().len(), 5);
        let update = review("", "Pod", "UPDATE", new.clone(), new);
        assert_eq!(image_uses(&update, &[], &|_| true), Some(Vec::new()));
    }

    #[test]
    fn what_has_another_shape_names_nothing_or_no_image() {
        check("", "Pod", json!({}), &[]);
        check("", "Pod", json!({ "spec": { "containers": "x" } }), &[]);
        check(
            "",
            "Pod",
            json!({ "spec": { "containers": ["x", 1, { "image": ["a"] }] } }),
            &["/spec/containers/2/image [\"a\"]"],
        );
    }
}
