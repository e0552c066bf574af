//! Indicators of what is signed, of what runs.

use super::delivery::Gauge;
use super::{escaped, number, ratio};
use crate::signed::{Share, SignedShares};

/// What is aimed at.
pub(super) const OBJECTIVES: &[(&str, f64)] = &[
    ("indicator=\"assay_signed_deployment_ratio\"", 1.0),
    ("indicator=\"assay_signed_admitted_ratio\"", 1.0),
];

/// Writes them.
pub(super) fn render(shares: &SignedShares, gauge: Gauge<'_>) {
    let of = |label: &str, name: &str| format!("{{{label}=\"{}\"}}", escaped(name));
    let share = |share: &Share| ratio(share.signed, share.all);
    gauge(
        "assay_signed_deployment_ratio",
        "Services that run an image with a signature of whom the policy trusts, of all that run.",
        shares
            .deployments
            .iter()
            .filter_map(|(name, one)| Some((of("environment", name), share(one)?)))
            .collect(),
    );
    gauge(
        "assay_unsigned_deployments",
        "Services that run an image without one.",
        shares
            .deployments
            .iter()
            .map(|(name, one)| (of("environment", name), number(one.all.saturating_sub(one.signed))))
            .collect(),
    );
    gauge(
        "assay_signed_admitted_ratio",
        "Images with such a signature, of those of which a pod was admitted within 30 days.",
        shares.admitted.iter().filter_map(|(name, one)| Some((of("cluster", name), share(one)?))).collect(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_indicator_is_what_its_formula_says() {
        let shares = SignedShares {
            deployments: [
                ("production".to_owned(), Share { all: 4, signed: 3 }),
                ("none".to_owned(), Share::default()),
            ]
            .into(),
            admitted: [("eu-1".to_owned(), Share { all: 2, signed: 1 })].into(),
        };
        let mut lines = Vec::new();
        render(&shares, &mut |name, _, values| {
            lines.extend(values.into_iter().map(|(labels, value)| format!("{name}{labels} {value}")));
        });
        assert_eq!(
            lines,
            [
                "assay_signed_deployment_ratio{environment=\"production\"} 0.75",
                "assay_unsigned_deployments{environment=\"none\"} 0",
                "assay_unsigned_deployments{environment=\"production\"} 1",
                "assay_signed_admitted_ratio{cluster=\"eu-1\"} 0.5",
            ]
        );
    }
}
