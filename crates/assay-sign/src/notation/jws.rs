//! The envelope as JWS (RFC 7515) in flattened JSON.

use super::{
    AUTHENTIC_SIGNING_TIME, EXPIRY, Headers, InvalidNotationEnvelope, NotationEnvelope, Rest, SIGNING_AGENT,
    SIGNING_SCHEME, SIGNING_TIME, TIMESTAMP_SIGNATURE, chain,
};
use crate::encoding::{Base64, base64_decode};
use crate::key::{Hash, Scheme};
use assay_model::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
struct Wire {
    payload: String,
    protected: String,
    header: Unprotected,
    signature: Base64,
}

#[derive(Deserialize)]
struct Unprotected {
    #[serde(default)]
    x5c: Vec<Base64>,
    #[serde(default, rename = "io.cncf.notary.timestampSignature")]
    timestamp: Option<Base64>,
    #[serde(default, rename = "io.cncf.notary.signingAgent")]
    agent: Option<String>,
}

/// Reads an envelope.
pub(super) fn read(bytes: &[u8]) -> Result<NotationEnvelope, InvalidNotationEnvelope> {
    use InvalidNotationEnvelope::Field;
    let wire: Wire = serde_json::from_slice(bytes)?;
    let protected = base64_decode(&wire.protected).map_err(|_| Field("protected"))?;
    let headers = headers(&serde_json::from_slice(&protected)?)?;
    let certificates: Vec<&[u8]> = wire.header.x5c.iter().map(|der| der.0.as_slice()).collect();
    headers.finish(Rest {
        payload: base64_decode(&wire.payload).map_err(|_| Field("payload"))?,
        chain: chain(&certificates)?,
        timestamp: wire.header.timestamp.map(|token| token.0),
        agent: wire.header.agent,
        signed: format!("{}.{}", wire.protected, wire.payload).into_bytes(),
        signature: wire.signature.0,
    })
}

fn headers(fields: &Map<String, Value>) -> Result<Headers, InvalidNotationEnvelope> {
    use InvalidNotationEnvelope::Field;
    // Names that only the unprotected header may have would be ambiguous here.
    for name in ["x5c", TIMESTAMP_SIGNATURE, SIGNING_AGENT] {
        if fields.contains_key(name) {
            return Err(Field("protected"));
        }
    }
    let text = |name: &'static str| match fields.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Field(name)),
    };
    let time = |name: &'static str| -> Result<Option<Timestamp>, InvalidNotationEnvelope> {
        text(name)?.map(|text| text.parse().map_err(|_| Field(name))).transpose()
    };
    let scheme = match text("alg")?.as_deref() {
        Some("PS256") => Scheme::RsaPss(Hash::Sha256),
        Some("PS384") => Scheme::RsaPss(Hash::Sha384),
        Some("PS512") => Scheme::RsaPss(Hash::Sha512),
        Some("ES256") => Scheme::EcdsaFixed(Hash::Sha256),
        Some("ES384") => Scheme::EcdsaFixed(Hash::Sha384),
        Some("ES512") => Scheme::EcdsaFixed(Hash::Sha512),
        _ => return Err(Field("alg")),
    };
    let critical = match fields.get("crit") {
        Some(Value::Array(names)) => names
            .iter()
            .map(|name| name.as_str().filter(|name| fields.contains_key(*name)).map(str::to_owned))
            .collect::<Option<Vec<_>>>()
            .ok_or(Field("crit"))?,
        _ => return Err(Field("crit")),
    };
    Ok(Headers {
        scheme: Some(scheme),
        content_type: text("cty")?,
        critical,
        signing_scheme: text(SIGNING_SCHEME)?,
        signing_time: time(SIGNING_TIME)?,
        authentic_signing_time: time(AUTHENTIC_SIGNING_TIME)?,
        expiry: time(EXPIRY)?,
    })
}
