//! SPDX 2 as it is written in JSON: the parts that Assay reads and writes.
//!
//! <https://github.com/spdx/spdx-spec/blob/v2.3/schemas/spdx-schema.json>. Unknown fields are passed over.

use serde::{Deserialize, Serialize};

/// A document.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Spdx {
    pub(crate) spdx_version: String,
    pub(crate) data_license: String,
    #[serde(rename = "SPDXID")]
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) document_namespace: String,
    pub(crate) creation_info: CreationInfo,
    /// Deprecated in 2.3 for the relationship `DESCRIBES`, and what several tools still write alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) document_describes: Vec<String>,
    pub(crate) packages: Vec<Package>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) files: Vec<File>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) has_extracted_licensing_infos: Vec<ExtractedLicense>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) annotations: Vec<Annotation>,
    pub(crate) relationships: Vec<Relationship>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CreationInfo {
    pub(crate) created: String,
    pub(crate) creators: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) comment: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Package {
    pub(crate) name: String,
    #[serde(rename = "SPDXID")]
    pub(crate) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version_info: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) supplier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) originator: Option<String>,
    pub(crate) download_location: String,
    pub(crate) files_analyzed: bool,
    /// Deprecated in 2.3 for the relationship `CONTAINS`; where a file follows its package in tag-value it is noted here, too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) has_files: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) package_verification_code: Option<VerificationCode>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) checksums: Vec<Checksum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source_info: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) license_concluded: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) license_declared: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) copyright_text: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) external_refs: Vec<ExternalRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) primary_package_purpose: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) annotations: Vec<Annotation>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct File {
    #[serde(rename = "SPDXID")]
    pub(crate) id: String,
    pub(crate) file_name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) checksums: Vec<Checksum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) license_concluded: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) copyright_text: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct VerificationCode {
    pub(crate) package_verification_code_value: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Checksum {
    pub(crate) algorithm: String,
    pub(crate) checksum_value: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ExternalRef {
    pub(crate) reference_category: String,
    pub(crate) reference_type: String,
    pub(crate) reference_locator: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ExtractedLicense {
    pub(crate) license_id: String,
    pub(crate) extracted_text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Annotation {
    pub(crate) annotation_date: String,
    pub(crate) annotation_type: String,
    pub(crate) annotator: String,
    pub(crate) comment: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Relationship {
    pub(crate) spdx_element_id: String,
    pub(crate) relationship_type: String,
    pub(crate) related_spdx_element: String,
}
