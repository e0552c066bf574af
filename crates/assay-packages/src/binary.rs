//! Software that no package manager registered, recognised by what it says of itself.
//!
//! Its packages are of kind [`PackageKind::Generic`](assay_model::PackageKind::Generic), named as in [`assay_model::software`],
//! which holds the names advisories know it by. What a package manager does own is attributed to it when layers are laid over each
//! other, so nothing is counted twice. Never a guess: two different versions in one file are a notice and no package.

use assay_analyze::Analyzer;

mod erlang_release;
mod go_toolchain;
mod java_runtime;
mod linked;
mod program;
mod rabbitmq;

/// The analyzers, in the order in which they are linked.
pub const ANALYZERS: &[&dyn Analyzer] = &[
    &program::Programs,
    &java_runtime::JavaRuntime,
    &go_toolchain::GoToolchain,
    &erlang_release::ErlangRelease,
    &rabbitmq::RabbitMq,
];

/// Those that look into every program, for deep scans.
pub const DEEP: &[&dyn Analyzer] = &[&linked::Linked];
