//! The rules: one file each, and the list of them all.

use crate::define::{Field, Params};
use crate::facts::Facts;
use crate::read::Reader;
use crate::reasons::Reasons;
use crate::tree::Node;

mod accumulation;
mod attested;
mod bases;
mod budgets;
mod cel;
mod coverage;
mod database;
mod end_of_life;
mod exploit_forecast;
mod fix_age;
mod image_age;
mod known_exploited;
mod licenses;
mod malware;
mod misconfigurations;
mod non_root;
mod packages;
mod pinned;
mod priority;
mod provenance;
mod registries;
mod rego;
mod sbom;
mod scan;
mod secrets;
mod signed;
mod tags;
mod unused;
mod vulnerabilities;

/// Something that a policy can ask for.
///
/// [`crate::evaluate()`] calls `evaluate` once for each rule of the policy that concerns the image, whatever other rules came to.
/// Parameters are as `schema` defines them. A rule adds a reason for each thing that speaks against the image and adds none when it
/// holds. It must be pure, must not panic on any facts, and more findings must never make it add less. What it would need to look
/// at and cannot is missing evidence, never a pass.
pub trait Rule: Sync {
    /// Returns the key under which policies give it.
    fn id(&self) -> &'static str;

    /// Returns one sentence on what it asks for.
    fn about(&self) -> &'static str;

    /// Returns its parameters.
    fn schema(&self) -> &'static [Field];

    /// Judges the facts.
    fn evaluate(&self, params: &Params, facts: &Facts<'_>, out: &mut Reasons<'_, '_>);

    /// Says what is wrong with parameters that the definitions allow, in words that follow the key.
    ///
    /// # Errors
    /// Fails when they make no sense together.
    fn check(&self, params: &Params) -> Result<(), String> {
        let _ = params;
        Ok(())
    }

    /// Returns whether it holds, with its defaults, of images for which a policy does not mention it.
    fn implied(&self) -> bool {
        false
    }

    /// Returns whether it looks at signatures or attestations of the image.
    fn needs_evidence(&self, params: &Params) -> bool {
        let _ = params;
        false
    }

    /// Returns whether it looks at signatures of the base image.
    fn needs_base_evidence(&self, params: &Params) -> bool {
        let _ = params;
        false
    }

    /// Returns whether it looks at where the image is to run, its labels there among it.
    fn looks_at_placement(&self, params: &Params) -> bool {
        let _ = params;
        false
    }

    /// Returns whether only a deep scan satisfies it.
    fn needs_deep_scan(&self, params: &Params) -> bool {
        let _ = params;
        false
    }

    /// Returns after how many seconds it calls a scan stale, or what the scan was made with.
    fn stale_after(&self, params: &Params) -> Option<i64> {
        let _ = params;
        None
    }

    /// Returns whether it counts vulnerabilities and nothing else: for them a fix may ship, which can end an exception.
    fn counts_vulnerabilities(&self) -> bool {
        false
    }
}

impl std::fmt::Debug for dyn Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id())
    }
}

/// Every rule, in the order of the manual.
pub const RULES: &[&dyn Rule] = &[
    &vulnerabilities::Vulnerabilities,
    &priority::Priorities,
    &fix_age::FixAge,
    &known_exploited::KnownExploited,
    &exploit_forecast::ExploitForecast,
    &accumulation::Accumulation,
    &secrets::Secrets,
    &malware::Malware,
    &misconfigurations::Misconfigurations,
    &non_root::NonRoot,
    &licenses::Licenses,
    &packages::Packages,
    &unused::Unused,
    &end_of_life::EndOfLife,
    &signed::Signed,
    &attested::Attested,
    &provenance::Provenance,
    &sbom::Sbom,
    &registries::Registries,
    &bases::Bases,
    &tags::Tags,
    &pinned::Pinned,
    &image_age::ImageAge,
    &scan::Scan,
    &database::Database,
    &coverage::Coverage,
    &budgets::Budgets,
    &cel::Cel,
    &rego::Rego,
];

/// Returns the rule of this key.
pub fn by_id(id: &str) -> Option<&'static dyn Rule> {
    RULES.iter().copied().find(|rule| rule.id() == id)
}

/// Returns the parameters of a rule that is given without any.
pub fn defaults(rule: &dyn Rule) -> Params {
    Reader::default().record(&Node::default(), rule.id(), rule.schema())
}
