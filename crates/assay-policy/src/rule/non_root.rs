//! The image does not run as root.

use super::Rule;
use crate::define::{Field, Params};
use crate::facts::Facts;
use crate::reasons::Reasons;
use assay_model::FindingKind;
use assay_model::report::SourceKind;

/// The check of the scan that looks at the image's user.
const CHECK: &str = "image-root-user";

/// The rule.
pub(super) struct NonRoot;

impl Rule for NonRoot {
    fn id(&self) -> &'static str {
        "nonRoot"
    }

    fn about(&self) -> &'static str {
        "The image names a user other than root."
    }

    fn schema(&self) -> &'static [Field] {
        &[]
    }

    fn evaluate(&self, _: &Params, _: &Facts<'_>, out: &mut Reasons<'_, '_>) {
        for (image, report) in out.reports_of(FindingKind::Misconfiguration) {
            let is_image = match report.source {
                SourceKind::Registry
                | SourceKind::DockerArchive
                | SourceKind::OciArchive
                | SourceKind::Oci
                | SourceKind::Docker
                | SourceKind::Podman => true,
                SourceKind::Dir
                | SourceKind::File
                | SourceKind::Sbom
                | SourceKind::Vm
                | SourceKind::Function => false,
            };
            if !is_image {
                out.missing(
                    Some(image),
                    "as whom it runs cannot be told: it is no container image",
                    "judge the container image, or leave the rule out for such sources",
                );
                continue;
            }
            let findings =
                out.counted(image, report, FindingKind::Misconfiguration, |finding| finding.rule == CHECK);
            if !findings.is_empty() {
                out.findings(image, report, "the image runs as root", &findings);
            }
        }
    }
}
