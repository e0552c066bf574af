//! What Fulcio, Sigstore's authority, writes into a certificate: who signed, who vouches for that, and what the build was.
//!
//! <https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md>. The first seven extensions hold bare text, the later ones a DER
//! string; the issuer has both forms.

use super::{Certificate, SUBJECT_ALT_NAME};
use crate::der::{self, InvalidDer, Reader, tag};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const PREFIX: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xbf, 0x30, 0x01];

/// The claims, by the last number of their identifier.
const CLAIMS: &[(u8, &str)] = &[
    (2, "githubWorkflowTrigger"),
    (3, "githubWorkflowSha"),
    (4, "githubWorkflowName"),
    (5, "githubWorkflowRepository"),
    (6, "githubWorkflowRef"),
    (9, "buildSignerUri"),
    (10, "buildSignerDigest"),
    (11, "runnerEnvironment"),
    (12, "sourceRepositoryUri"),
    (13, "sourceRepositoryDigest"),
    (14, "sourceRepositoryRef"),
    (15, "sourceRepositoryIdentifier"),
    (16, "sourceRepositoryOwnerUri"),
    (17, "sourceRepositoryOwnerIdentifier"),
    (18, "buildConfigUri"),
    (19, "buildConfigDigest"),
    (20, "buildTrigger"),
    (21, "runInvocationUri"),
    (22, "sourceRepositoryVisibility"),
];

/// Who a certificate was issued to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Who vouches for the name: the address of the OpenID Connect issuer.
    pub issuer: String,
    /// The name: an e-mail address, or the address of a workflow.
    pub subject: String,
    /// What else the issuer says, such as the repository.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, String>,
}

/// Returns who a certificate was issued to, or `None` when it does not say.
pub(crate) fn identity(certificate: &Certificate) -> Option<Identity> {
    Some(Identity {
        issuer: issuer(certificate)?,
        subject: subject(certificate)?,
        claims: CLAIMS
            .iter()
            .filter_map(|&(number, name)| Some((name.to_owned(), claim(certificate, number)?)))
            .collect(),
    })
}

fn issuer(certificate: &Certificate) -> Option<String> {
    claim(certificate, 8).or_else(|| claim(certificate, 1))
}

fn claim(certificate: &Certificate, number: u8) -> Option<String> {
    let value = &certificate.extension(&[PREFIX, &[number]].concat())?.value;
    let content = if number < 7 {
        value.as_slice()
    } else {
        let mut reader = Reader::new(value);
        let element = reader.read(tag::UTF8_STRING).ok()?;
        reader.end().ok()?;
        element.content
    };
    String::from_utf8(content.to_vec()).ok()
}

/// Returns the one alternative name of the subject; a certificate with several would let the verifier choose.
fn subject(certificate: &Certificate) -> Option<String> {
    let names = alternative_names(certificate).ok()?;
    let [name] = names.as_slice() else { return None };
    Some(name.clone())
}

fn alternative_names(certificate: &Certificate) -> Result<Vec<String>, InvalidDer> {
    let Some(extension) = certificate.extension(SUBJECT_ALT_NAME) else { return Ok(Vec::new()) };
    let mut list = der::whole(&extension.value, tag::SEQUENCE)?;
    let mut names = Vec::new();
    while !list.is_empty() {
        let element = list.any()?;
        let content = match element.tag {
            // An e-mail address, a host name, an address.
            0x81 | 0x82 | 0x86 => element.content,
            // A name of another kind: Fulcio's for user names.
            0xa0 => {
                let mut other = element.reader();
                if other.oid()? != [PREFIX, &[7]].concat() {
                    return Err(InvalidDer);
                }
                other.read(tag::context(0))?.reader().read(tag::UTF8_STRING)?.content
            }
            _ => return Err(InvalidDer),
        };
        names.push(String::from_utf8(content.to_vec()).map_err(|_| InvalidDer)?);
    }
    Ok(names)
}
