//! Policies to begin with, from the mildest to the strictest.

/// A policy to begin with.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    /// Its name.
    pub name: &'static str,
    /// One sentence on whom it is for.
    pub about: &'static str,
    /// The policy.
    pub text: &'static str,
}

/// Every profile.
pub const PROFILES: &[Profile] = &[
    Profile {
        name: "baseline",
        about: "no signatures needed: what every image should hold",
        text: include_str!("profile/baseline.yaml"),
    },
    Profile {
        name: "production",
        about: "signed images with a bill of materials in production, warnings elsewhere",
        text: include_str!("profile/production.yaml"),
    },
    Profile {
        name: "regulated",
        about: "provenance, deep scans, allowed bases and registries, and governed exceptions",
        text: include_str!("profile/regulated.yaml"),
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Policy;

    #[test]
    fn every_profile_is_a_policy() {
        for profile in PROFILES {
            let policy = Policy::parse(profile.text)
                .unwrap_or_else(|problems| panic!("{}: {problems:?}", profile.name));
            assert_eq!(policy.name, profile.name);
            assert!(policy.rules.len() > 5);
        }
    }
}
