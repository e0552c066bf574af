//! Indicators of what clusters have admitted.

use super::delivery::Gauge;
use super::{escaped, number};
use assay_store::Indicators;

/// Writes them.
pub(super) fn render(indicators: &Indicators, gauge: Gauge<'_>) {
    let of = |cluster: &str| format!("{{cluster=\"{}\"}}", escaped(cluster));
    gauge(
        "assay_admitted_images",
        "Images of which a pod was admitted.",
        indicators.admitted.iter().map(|(cluster, images, _)| (of(cluster), number(*images))).collect(),
    );
    gauge(
        "assay_admitted_stale_images",
        "Of those, what stays admitted although its scan is stale.",
        indicators.admitted.iter().map(|(cluster, _, stale)| (of(cluster), number(*stale))).collect(),
    );
}
