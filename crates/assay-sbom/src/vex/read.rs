//! Reads statements from a document of any format, which its content tells.

use super::{Statement, csaf, cyclonedx, openvex};
use crate::read::{Parsed, ReadSbomError, parse};
use serde_json::{Map, Value};

/// Why a VEX document cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadVexError {
    /// It is none of the known formats.
    #[error("it is no VEX document: neither OpenVEX nor CSAF nor CycloneDX with vulnerabilities")]
    Unknown,
    /// It is not JSON.
    #[error("it is not JSON")]
    Json(#[from] serde_json::Error),
    /// It is CycloneDX, and cannot be read.
    #[error("it cannot be read as CycloneDX")]
    CycloneDx(#[source] ReadSbomError),
    /// It is a CSAF document of another kind.
    #[error("it is a CSAF document of the category `{0}`, not `csaf_vex`")]
    Category(String),
}

/// Returns whether the start of a document looks like VEX.
pub fn recognise(bytes: &[u8]) -> bool {
    let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(64 << 10)).unwrap_or(bytes));
    head.contains("openvex.dev/ns") || head.contains("csaf_vex")
}

/// Reads the statements of a document, and how many of them say nothing that could be understood.
///
/// # Errors
/// Fails when it is no VEX document, or damaged. A bill of materials without any statement is none.
pub fn read(bytes: &[u8]) -> Result<(Vec<Statement>, usize), ReadVexError> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if !text.starts_with('{') {
        return match parse(bytes) {
            Ok(Parsed::CycloneDx(bom)) => Ok(cyclonedx::read(&bom)),
            _ => Err(ReadVexError::Unknown),
        };
    }
    if let Some(crate::Kind::CycloneDxJson) = crate::recognise(text.as_bytes()) {
        return match parse(text.as_bytes()) {
            Ok(Parsed::CycloneDx(bom)) => Ok(cyclonedx::read(&bom)),
            Ok(Parsed::Other(_)) => Err(ReadVexError::Unknown),
            Err(error) => Err(ReadVexError::CycloneDx(error)),
        };
    }
    let object: Map<String, Value> = serde_json::from_str(text)?;
    let context = object.get("@context").and_then(Value::as_str).unwrap_or_default();
    if context.starts_with("https://openvex.dev/ns") || context == "https://openvex.dev/ns" {
        return Ok(openvex::read(&object));
    }
    let head = object.get("document").and_then(Value::as_object);
    let Some(head) = head.filter(|head| head.contains_key("csaf_version")) else {
        return Err(ReadVexError::Unknown);
    };
    match openvex::text(head, "category") {
        // Vendors publish advisories that state what is not affected, too; the profile is not needed to read that.
        Some("csaf_vex" | "csaf_security_advisory") => Ok(csaf::read(&object)),
        other => Err(ReadVexError::Category(other.unwrap_or_default().to_owned())),
    }
}
