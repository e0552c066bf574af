//! NVD's `configurations` and the CVE records' `cpeApplicability`, which have the same shape
//! (<https://csrc.nist.gov/schema/nvd/api/2.0/cve_api_json_2.0.schema>): which versions of which products are affected.
//!
//! Only products of [`assay_model::software`] are read, by their exact vendor and product: nobody else can be judged by them.
//! Surprising things: an `AND` makes a product vulnerable only on or together with another, which an image does not tell, so
//! it counts only where the other is Linux itself; a target such as `windows` or `node.js` in the name means another product; an
//! update in a field of its own (`9.2` and `p1`) belongs to the version; `-` as version means that none is known.

use assay_model::advisory::{Affected, Range, RangeEnd};
use assay_model::ecosystem::Ecosystem;
use assay_model::software;
use assay_version::is_valid;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Fields of a formatted name, after `cpe:2.3:` (NISTIR 7695, section 6.2).
const FIELDS: usize = 11;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Configuration {
    operator: String,
    negate: bool,
    nodes: Vec<Node>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Node {
    operator: String,
    negate: bool,
    cpe_match: Vec<Match>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Match {
    vulnerable: bool,
    criteria: String,
    version_start_including: Option<String>,
    version_start_excluding: Option<String>,
    version_end_including: Option<String>,
    version_end_excluding: Option<String>,
}

/// Returns what configurations say about known software, by product.
pub(super) fn affected(configurations: &[Configuration]) -> Vec<Affected> {
    let mut products: BTreeMap<String, Affected> = BTreeMap::new();
    for configuration in configurations.iter().filter(|configuration| !configuration.negate) {
        for (index, node) in configuration.nodes.iter().enumerate() {
            let alone = configuration.operator != "AND"
                || configuration
                    .nodes
                    .iter()
                    .enumerate()
                    .all(|(other, node)| other == index || node.is_linux());
            // Within a node, too: all of them at once is more than can be seen.
            let alone = alone && (node.operator != "AND" || node.cpe_match.len() == 1);
            if !alone || node.negate {
                continue;
            }
            for one in node.cpe_match.iter().filter(|one| one.vulnerable) {
                one.add(&mut products);
            }
        }
    }
    products
        .into_values()
        .filter(|affected| !affected.ranges.is_empty() || !affected.versions.is_empty())
        .collect()
}

impl Node {
    /// Returns whether every image is what this node asks for.
    fn is_linux(&self) -> bool {
        let linux = |one: &Match| {
            let name = fields(&one.criteria);
            name.is_some_and(|[part, vendor, product, version, ..]| {
                part == "o"
                    && vendor == "linux"
                    && product == "linux_kernel"
                    && matches!(version.as_str(), "*" | "-")
            })
        };
        let bounded =
            |one: &Match| one.version_end_excluding.is_some() || one.version_end_including.is_some();
        !self.negate && self.cpe_match.iter().any(|one| linux(one) && !bounded(one))
    }
}

impl Match {
    fn add(&self, products: &mut BTreeMap<String, Affected>) {
        let Some([part, vendor, product, version, update, _, _, edition, target, ..]) =
            fields(&self.criteria)
        else {
            return;
        };
        let name = format!("{vendor}:{product}");
        let here = matches!(
            target.as_str(),
            "*" | "-" | "linux" | "linux_kernel" | "unix" | "docker" | "kubernetes"
        );
        let free = matches!(edition.as_str(), "*" | "-" | "lts" | "community" | "open_source");
        if part != "a" || !software::has_cpe(&name) || !here || !free {
            return;
        }
        let affected = products.entry(name).or_insert_with_key(|name| Affected::new(Ecosystem::Cpe, name));
        let valid = |version: &String| is_valid(Ecosystem::Cpe.scheme(), version);
        match version.as_str() {
            "-" => {}
            "*" => {
                let introduced = match (&self.version_start_including, &self.version_start_excluding) {
                    (Some(version), _) => Some(version.clone()),
                    // The next after it: any word behind a version sorts after the version itself.
                    (None, Some(version)) => Some(format!("{version}.a")),
                    (None, None) => None,
                };
                let end = match (&self.version_end_excluding, &self.version_end_including) {
                    (Some(version), _) => RangeEnd::Fixed(version.clone()),
                    (None, Some(version)) => RangeEnd::LastAffected(version.clone()),
                    (None, None) => RangeEnd::Open,
                };
                let bound = match &end {
                    RangeEnd::Fixed(version) | RangeEnd::LastAffected(version) | RangeEnd::Limit(version) => {
                        Some(version)
                    }
                    RangeEnd::Open => None,
                };
                let range = Range { introduced, end: end.clone() };
                if range.introduced.iter().chain(bound).all(valid) && !affected.ranges.contains(&range) {
                    affected.ranges.push(range);
                }
            }
            version => {
                let version = match update.as_str() {
                    "*" | "-" | "" => version.to_owned(),
                    // OpenSSH's portable releases and sudo's patches are written without a dash.
                    update
                        if update
                            .strip_prefix('p')
                            .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit())) =>
                    {
                        format!("{version}{update}")
                    }
                    update => format!("{version}-{update}"),
                };
                if valid(&version) && !affected.versions.contains(&version) {
                    affected.versions.push(version);
                }
            }
        }
    }
}

/// Returns the fields of a formatted name, unescaped.
fn fields(name: &str) -> Option<[String; FIELDS]> {
    let mut fields: [String; FIELDS] = Default::default();
    let mut rest = name.strip_prefix("cpe:2.3:")?.chars();
    for (index, field) in fields.iter_mut().enumerate() {
        loop {
            match rest.next() {
                // What is escaped stands for itself, also a colon.
                Some('\\') => field.extend(rest.next()),
                Some(':') if index + 1 < FIELDS => break,
                Some(char) => field.push(char),
                None if index + 1 == FIELDS => break,
                None => return None,
            }
        }
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(json: &str) -> String {
        let configurations: Vec<Configuration> = serde_json::from_str(json).unwrap();
        let mut lines = Vec::new();
        for one in affected(&configurations) {
            let ranges = one.ranges.iter().map(|range| {
                let start = range.introduced.as_deref().unwrap_or("");
                match &range.end {
                    RangeEnd::Open => format!("{start}.."),
                    RangeEnd::Fixed(version) => format!("{start}..<{version}"),
                    RangeEnd::LastAffected(version) => format!("{start}..<={version}"),
                    RangeEnd::Limit(version) => format!("{start}..<~{version}"),
                }
            });
            let all: Vec<String> =
                ranges.chain(one.versions.iter().map(|version| format!("={version}"))).collect();
            lines.push(format!("{} {} {}", one.ecosystem, one.package, all.join(" ")));
        }
        lines.join("\n")
    }

    /// Matches of one node, each a formatted name with what comes behind it.
    fn node(matches: &str) -> String {
        format!(r#"[{{"nodes":[{{"operator":"OR","negate":false,"cpeMatch":[{matches}]}}]}}]"#)
    }

    #[track_caller]
    fn check(matches: &str, want: &str) {
        assert_eq!(words(&node(matches)), want, "{matches}");
    }

    #[test]
    fn ranges_and_versions_are_read() {
        check(
            r#"{"vulnerable":true,"criteria":"cpe:2.3:a:haxx:curl:*:*:*:*:*:*:*:*","versionStartIncluding":"7.33.0","versionEndExcluding":"7.61.1"},
               {"vulnerable":true,"criteria":"cpe:2.3:a:haxx:curl:*:*:*:*:*:*:*:*","versionStartExcluding":"8.0","versionEndIncluding":"8.1.2"}"#,
            "CPE haxx:curl 7.33.0..<7.61.1 8.0.a..<=8.1.2",
        );
        check(
            r#"{"vulnerable":true,"criteria":"cpe:2.3:a:openbsd:openssh:9.2:p1:*:*:*:*:*:*"},
               {"vulnerable":true,"criteria":"cpe:2.3:a:openbsd:openssh:9.3:-:*:*:*:*:*:*"},
               {"vulnerable":true,"criteria":"cpe:2.3:a:openssl:openssl:1.0.2:beta1:*:*:*:*:*:*"},
               {"vulnerable":true,"criteria":"cpe:2.3:a:openssl:openssl:-:*:*:*:*:*:*:*"}"#,
            "CPE openbsd:openssh =9.2p1 =9.3\nCPE openssl:openssl =1.0.2-beta1",
        );
        check(
            r#"{"vulnerable":true,"criteria":"cpe:2.3:a:erlang:erlang\\/otp:*:*:*:*:*:*:*:*","versionEndExcluding":"26.2.5.11"}"#,
            "CPE erlang:erlang/otp ..<26.2.5.11",
        );
        check(r#"{"vulnerable":true,"criteria":"cpe:2.3:a:gnu:bash:*:*:*:*:*:*:*:*"}"#, "CPE gnu:bash ..");
    }

    #[test]
    fn other_products_are_not_read() {
        for name in [
            "cpe:2.3:a:nginx:njs:*:*:*:*:*:*:*:*",
            "cpe:2.3:a:somebody:nginx:*:*:*:*:*:*:*:*",
            "cpe:2.3:o:haxx:curl:*:*:*:*:*:*:*:*",
            "cpe:2.3:a:redis:redis:*:*:*:*:*:node.js:*:*",
            "cpe:2.3:a:python:python:*:*:*:*:*:windows:*:*",
            "cpe:2.3:a:haxx:curl:*:*:*:*:enterprise:*:*:*",
            "cpe:2.3:a:haxx:curl",
            "cpe:/a:haxx:curl",
            "",
        ] {
            check(&format!(r#"{{"vulnerable":true,"criteria":"{name}","versionEndExcluding":"9"}}"#), "");
        }
        check(
            r#"{"vulnerable":false,"criteria":"cpe:2.3:a:haxx:curl:*:*:*:*:*:*:*:*","versionEndExcluding":"9"}"#,
            "",
        );
        check(
            r#"{"vulnerable":true,"criteria":"cpe:2.3:a:haxx:curl:*:*:*:*:*:*:*:*","versionEndExcluding":"later"}"#,
            "",
        );
    }

    #[test]
    fn what_holds_only_together_with_something_else_is_left_out() {
        let on = |platform: &str| {
            words(&format!(
                r#"[{{"operator":"AND","nodes":[
                    {{"operator":"OR","cpeMatch":[{{"vulnerable":true,"criteria":"cpe:2.3:a:php:php:*:*:*:*:*:*:*:*","versionEndExcluding":"8.1.29"}}]}},
                    {{"operator":"OR","cpeMatch":[{{"vulnerable":false,"criteria":"{platform}"}}]}}]}}]"#
            ))
        };
        assert_eq!(on("cpe:2.3:o:microsoft:windows:-:*:*:*:*:*:*:*"), "");
        assert_eq!(on("cpe:2.3:o:linux:linux_kernel:4.4:*:*:*:*:*:*:*"), "");
        assert_eq!(on("cpe:2.3:o:linux:linux_kernel:-:*:*:*:*:*:*:*"), "CPE php:php ..<8.1.29");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn names_are_read_totally(name in "(cpe:2.3:)?(a|o|:|\\\\|\\*|-|[a-z0-9.]{0,4}){0,24}") {
            let read = fields(&name);
            prop_assert!(read.is_none() || name.matches(':').count() >= FIELDS);
        }
    }
}
