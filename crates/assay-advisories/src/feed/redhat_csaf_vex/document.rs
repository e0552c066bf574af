//! The parts of a CSAF document that say something about packages
//! (<https://docs.oasis-open.org/csaf/csaf/v2.0/csaf-v2.0.html#3-schema-elements>); everything else in it is passed over.

use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Csaf {
    pub(super) document: Document,
    #[serde(default)]
    pub(super) product_tree: ProductTree,
    #[serde(default)]
    pub(super) vulnerabilities: Vec<Vulnerability>,
}

#[derive(Deserialize)]
pub(super) struct Document {
    #[serde(default)]
    pub(super) category: String,
    #[serde(default)]
    pub(super) title: String,
    pub(super) aggregate_severity: Option<Text>,
    pub(super) tracking: Tracking,
    #[serde(default)]
    pub(super) references: Vec<Reference>,
}

#[derive(Deserialize)]
pub(super) struct Text {
    #[serde(default)]
    pub(super) text: String,
}

#[derive(Deserialize)]
pub(super) struct Tracking {
    pub(super) id: String,
    #[serde(default)]
    pub(super) status: String,
    pub(super) initial_release_date: Option<String>,
    pub(super) current_release_date: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Reference {
    #[serde(default)]
    pub(super) url: String,
}

#[derive(Deserialize, Default)]
pub(super) struct ProductTree {
    #[serde(default)]
    pub(super) branches: Vec<Branch>,
    #[serde(default)]
    pub(super) relationships: Vec<Relationship>,
}

#[derive(Deserialize)]
pub(super) struct Branch {
    pub(super) product: Option<Product>,
    #[serde(default)]
    pub(super) branches: Vec<Branch>,
}

#[derive(Deserialize)]
pub(super) struct Product {
    #[serde(default)]
    pub(super) product_id: String,
    pub(super) product_identification_helper: Option<Helper>,
}

#[derive(Deserialize)]
pub(super) struct Helper {
    pub(super) cpe: Option<String>,
    pub(super) purl: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Relationship {
    pub(super) full_product_name: Product,
    pub(super) product_reference: String,
    pub(super) relates_to_product_reference: String,
}

#[derive(Deserialize)]
pub(super) struct Vulnerability {
    pub(super) cve: Option<String>,
    pub(super) title: Option<String>,
    pub(super) cwe: Option<Cwe>,
    #[serde(default)]
    pub(super) notes: Vec<Note>,
    #[serde(default)]
    pub(super) product_status: ProductStatus,
    #[serde(default)]
    pub(super) remediations: Vec<Remediation>,
    #[serde(default)]
    pub(super) scores: Vec<Score>,
    #[serde(default)]
    pub(super) threats: Vec<Threat>,
    #[serde(default)]
    pub(super) references: Vec<Reference>,
    pub(super) release_date: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Cwe {
    pub(super) id: String,
}

#[derive(Deserialize)]
pub(super) struct Note {
    #[serde(default)]
    pub(super) category: String,
    #[serde(default)]
    pub(super) text: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct ProductStatus {
    pub(super) fixed: Vec<String>,
    pub(super) known_affected: Vec<String>,
    pub(super) known_not_affected: Vec<String>,
    pub(super) under_investigation: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Remediation {
    #[serde(default)]
    pub(super) category: String,
    #[serde(default)]
    pub(super) details: String,
    #[serde(default)]
    pub(super) product_ids: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Score {
    pub(super) cvss_v2: Option<Vector>,
    pub(super) cvss_v3: Option<Vector>,
    pub(super) cvss_v4: Option<Vector>,
}

#[derive(Deserialize)]
pub(super) struct Vector {
    #[serde(rename = "vectorString", default)]
    pub(super) vector: String,
}

#[derive(Deserialize)]
pub(super) struct Threat {
    #[serde(default)]
    pub(super) category: String,
    #[serde(default)]
    pub(super) details: String,
    #[serde(default)]
    pub(super) product_ids: Vec<String>,
}
