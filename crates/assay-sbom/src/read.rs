//! Reads a bill of materials of any known format, which its content tells.

use crate::cyclonedx::{self, from_model, model::Bom, xml_read};
use crate::document::Document;
use crate::spdx2::{self, model::Spdx, tag_read};
use crate::spdx3;
use crate::syft::{self, Syft};
use crate::xml::{self, XmlError};
use serde::Deserialize;
use std::fmt;

/// Bytes of a document; the bill of materials of an image of 20 GB has about 60 MB.
pub const MAX_DOCUMENT: u64 = 512 << 20;

/// The first bytes that tell what a document is.
const HEAD: usize = 64 << 10;

/// A format that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// CycloneDX, as JSON.
    CycloneDxJson,
    /// CycloneDX, as XML.
    CycloneDxXml,
    /// SPDX 2, as JSON.
    SpdxJson,
    /// SPDX 2, as tag-value.
    SpdxTagValue,
    /// SPDX 3, as JSON-LD.
    Spdx3,
    /// Syft's own JSON.
    Syft,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CycloneDxJson => "CycloneDX JSON",
            Self::CycloneDxXml => "CycloneDX XML",
            Self::SpdxJson => "SPDX JSON",
            Self::SpdxTagValue => "SPDX tag-value",
            Self::Spdx3 => "SPDX 3 JSON-LD",
            Self::Syft => "Syft JSON",
        })
    }
}

/// Why a bill of materials cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadSbomError {
    /// It is none of the known formats.
    #[error("it is no bill of materials: neither CycloneDX nor SPDX nor Syft's JSON")]
    Unknown,
    /// It is a version nobody here knows.
    #[error("it is {kind} of version `{version}`, which is not read")]
    Version {
        /// The format.
        kind: Kind,
        /// The version.
        version: String,
    },
    /// It is larger than any real one.
    #[error("it has more than {MAX_DOCUMENT} bytes")]
    TooLarge,
    /// It is not JSON, or has other types than the format asks for.
    #[error("it cannot be read as {kind}")]
    Json {
        /// The format.
        kind: Kind,
        /// Where it breaks.
        source: serde_json::Error,
    },
    /// It is not XML.
    #[error("it cannot be read as CycloneDX XML")]
    Xml(#[from] XmlError),
}

/// Returns which format the start of a document looks like, without reading it.
pub fn recognise(bytes: &[u8]) -> Option<Kind> {
    let head = bytes.get(..HEAD.min(bytes.len())).unwrap_or(bytes);
    let text = String::from_utf8_lossy(head);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let has = |word: &str| text.contains(word);
    if text.starts_with('{') {
        let cyclonedx = has("\"bomFormat\"") && has("CycloneDX");
        return if cyclonedx || (has("\"specVersion\"") && has("cyclonedx.org/schema")) {
            Some(Kind::CycloneDxJson)
        } else if has("\"spdxVersion\"") || has("\"SPDXID\"") {
            Some(Kind::SpdxJson)
        } else if has("spdx-context.jsonld") || has("spdx.org/rdf/3.") {
            Some(Kind::Spdx3)
        } else if has("\"artifacts\"")
            && (has("\"foundBy\"") || has("\"metadataType\"") || has("anchore/syft"))
        {
            Some(Kind::Syft)
        } else {
            None
        };
    }
    if text.starts_with('<') && has("cyclonedx.org/schema/bom") {
        return Some(Kind::CycloneDxXml);
    }
    tag_read::recognise(text).then_some(Kind::SpdxTagValue)
}

/// The keys that tell one JSON format from another, wherever they stand in the document.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Keys {
    #[serde(rename = "bomFormat")]
    bom_format: Option<String>,
    #[serde(rename = "specVersion")]
    spec_version: Option<String>,
    #[serde(rename = "spdxVersion")]
    spdx_version: Option<String>,
    #[serde(rename = "@context")]
    context: Option<serde::de::IgnoredAny>,
    artifacts: Option<serde::de::IgnoredAny>,
    source: Option<serde::de::IgnoredAny>,
}

/// Reads a bill of materials.
///
/// # Errors
/// Fails when it is none of a known version, or damaged.
pub fn read(bytes: &[u8]) -> Result<Document, ReadSbomError> {
    let mut document = match parse(bytes)? {
        Parsed::CycloneDx(bom) => from_model::document(*bom),
        Parsed::Other(document) => *document,
    };
    document.name_components();
    Ok(document)
}

/// A document, of which CycloneDX may say more than a bill of materials.
pub(crate) enum Parsed {
    /// CycloneDX in its own shape.
    CycloneDx(Box<Bom>),
    /// Another format.
    Other(Box<Document>),
}

/// Reads a document of any known format.
pub(crate) fn parse(bytes: &[u8]) -> Result<Parsed, ReadSbomError> {
    if bytes.len() as u64 > MAX_DOCUMENT {
        return Err(ReadSbomError::TooLarge);
    }
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with('{') {
        return json(text);
    }
    if text.starts_with('<') {
        let root = xml::read(text)?;
        return match xml_read::version(&root) {
            Some(_) => Ok(Parsed::CycloneDx(Box::new(xml_read::bom(&root)))),
            None if root.name == "bom" => Err(ReadSbomError::Version {
                kind: Kind::CycloneDxXml,
                version: root.attribute("xmlns").unwrap_or_default().to_owned(),
            }),
            None => Err(ReadSbomError::Unknown),
        };
    }
    if !tag_read::recognise(text) {
        return Err(ReadSbomError::Unknown);
    }
    let spdx = tag_read::read(text);
    spdx_version(Kind::SpdxTagValue, &spdx.spdx_version)?;
    Ok(Parsed::Other(Box::new(spdx2::from_model::document(spdx))))
}

fn json(text: &str) -> Result<Parsed, ReadSbomError> {
    // A document that is broken off is still recognised, for the sake of the message.
    let guess = recognise(text.as_bytes());
    let keys: Keys = serde_json::from_str(text).map_err(|source| match guess {
        Some(kind) => ReadSbomError::Json { kind, source },
        None => ReadSbomError::Unknown,
    })?;
    let broken = |kind| move |source| ReadSbomError::Json { kind, source };
    if keys.bom_format.as_deref() == Some("CycloneDX") || guess == Some(Kind::CycloneDxJson) {
        let kind = Kind::CycloneDxJson;
        let version = keys.spec_version.unwrap_or_default();
        if cyclonedx::readable(&version).is_none() {
            return Err(ReadSbomError::Version { kind, version });
        }
        return Ok(Parsed::CycloneDx(Box::new(serde_json::from_str(text).map_err(broken(kind))?)));
    }
    let document = if let Some(version) = keys.spdx_version {
        spdx_version(Kind::SpdxJson, &version)?;
        spdx2::from_model::document(serde_json::from_str::<Spdx>(text).map_err(broken(Kind::SpdxJson))?)
    } else if keys.context.is_some() && guess == Some(Kind::Spdx3) {
        spdx3::read::document(&serde_json::from_str(text).map_err(broken(Kind::Spdx3))?)
    } else if keys.artifacts.is_some() && keys.source.is_some() {
        syft::document(serde_json::from_str::<Syft>(text).map_err(broken(Kind::Syft))?)
    } else {
        return Err(ReadSbomError::Unknown);
    };
    Ok(Parsed::Other(Box::new(document)))
}

fn spdx_version(kind: Kind, version: &str) -> Result<(), ReadSbomError> {
    match version {
        "SPDX-2.1" | "SPDX-2.2" | "SPDX-2.3" => Ok(()),
        _ => Err(ReadSbomError::Version { kind, version: version.to_owned() }),
    }
}
