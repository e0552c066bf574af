//! A policy for other tools, as far as they can hold it; what they cannot is listed.

mod admission;
mod vex;

pub use admission::validating_admission_policy;
pub use vex::statements;
