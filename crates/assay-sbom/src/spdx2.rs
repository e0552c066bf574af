//! SPDX 2.3 as JSON and as tag-value; 2.2 is read as well (<https://spdx.github.io/spdx-spec/v2.3/>).
//!
//! SPDX 2 has no properties: Assay's own stand in one annotation per package, as a JSON list of names and values after the
//! word `assay:properties`.

pub(crate) mod from_model;
pub(crate) mod model;
pub(crate) mod tag_read;
pub(crate) mod tag_write;
pub(crate) mod to_model;

/// What an annotation with properties starts with.
pub(crate) const PROPERTIES: &str = "assay:properties ";

/// The identifier of the document itself.
pub(crate) const DOCUMENT: &str = "SPDXRef-DOCUMENT";
