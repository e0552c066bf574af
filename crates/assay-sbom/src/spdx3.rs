//! SPDX 3.0.1 as JSON-LD: the profiles core, software and simple licensing, with Assay's own facts in the extension for CycloneDX
//! properties (<https://spdx.github.io/spdx-spec/v3.0.1/>).
//!
//! The context of the specification gives every name its meaning, so that the document is read as plain JSON: elements in `@graph`
//! that refer to each other by `spdxId`. Documents that spell terms out in full are not understood.

pub(crate) mod read;
pub(crate) mod write;

/// The context of the version that is written.
pub(crate) const CONTEXT: &str = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld";
