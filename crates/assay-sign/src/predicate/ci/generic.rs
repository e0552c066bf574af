//! Any other CI system: what options state, and the names that Jenkins, Tekton and others share for what they know.

use super::{Build, Ci, Variables, git, object};

pub(super) const GENERIC: Ci = Ci { name: "a build", is, build };

/// What the parameters of such a build mean is said there.
const BUILD_TYPE: &str = "https://github.com/assay/assay/blob/main/docs/manual/attest.md#other-builds";

fn is(_: Variables<'_>) -> bool {
    true
}

fn build(variable: Variables<'_>) -> Build {
    let first = |names: &[&str]| names.iter().find_map(|name| variable(name));
    let repository = first(&["ASSAY_SOURCE", "GIT_URL", "BUILD_REPOSITORY_URI", "BITBUCKET_GIT_HTTP_ORIGIN"]);
    let reference = first(&["ASSAY_SOURCE_REF", "GIT_BRANCH", "BUILD_SOURCEBRANCH", "BITBUCKET_BRANCH"]);
    Build {
        build_type: BUILD_TYPE.to_owned(),
        builder: first(&["ASSAY_BUILDER", "JENKINS_URL", "SYSTEM_COLLECTIONURI"]).unwrap_or_default(),
        external: object([
            ("source", repository.clone()),
            ("entryPoint", first(&["ASSAY_ENTRY_POINT", "JOB_NAME", "BUILD_DEFINITIONNAME"])),
        ]),
        internal: object([("build", first(&["BUILD_ID", "BUILD_BUILDID", "BITBUCKET_BUILD_NUMBER"]))]),
        source: repository.map(|repository| git(&repository, reference.as_deref())),
        commit: first(&["ASSAY_SOURCE_COMMIT", "GIT_COMMIT", "BUILD_SOURCEVERSION", "BITBUCKET_COMMIT"]),
        invocation: first(&["ASSAY_INVOCATION", "BUILD_URL", "BUILD_TAG"]),
        started: first(&["ASSAY_STARTED"]),
    }
}
