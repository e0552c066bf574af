//! Tests against other people's tools: one module per topic.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "clippy's exceptions for tests do not reach the helpers of an integration test"
)]

mod alerts;
mod api;
mod artifacts;
mod chart;
mod checks;
mod ci_formats;
mod cluster;
mod config;
mod corpus;
mod cosign;
mod credentials;
mod decode;
mod disks;
mod findings;
mod hardening;
mod hostile;
mod imports;
mod known;
mod kubernetes;
mod lang_a;
mod lang_a2;
mod lang_b;
mod lazy;
mod linked;
mod metamorphic;
mod notation;
mod objects;
mod os_packages;
mod pages;
mod partition;
mod pipeline;
mod promote;
mod removable;
mod report;
mod same_image;
mod sarif;
mod sbom;
mod scan;
mod server;
mod services;
mod sources;
mod store;
mod story;
mod usage;
mod version;
