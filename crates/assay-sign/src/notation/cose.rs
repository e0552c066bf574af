//! The envelope as COSE (RFC 9052): one `COSE_Sign1`, with its tag.

use super::cbor::{self, Value};
use super::{
    AUTHENTIC_SIGNING_TIME, EXPIRY, Headers, InvalidNotationEnvelope, NotationEnvelope, Rest, SIGNING_AGENT,
    SIGNING_SCHEME, SIGNING_TIME, TIMESTAMP_SIGNATURE, chain,
};
use crate::key::{Hash, Scheme};
use assay_model::Timestamp;

/// The tag of a `COSE_Sign1`.
const SIGN1: u64 = 18;
/// The tag of seconds since 1970.
const EPOCH: u64 = 1;
const ALGORITHM: Value<'_> = Value::Integer(1);
const CRITICAL: Value<'_> = Value::Integer(2);
const CONTENT_TYPE: Value<'_> = Value::Integer(3);
/// `x5chain` (RFC 9360).
const CHAIN: Value<'_> = Value::Integer(33);

/// Reads an envelope.
pub(super) fn read(bytes: &[u8]) -> Result<NotationEnvelope, InvalidNotationEnvelope> {
    use InvalidNotationEnvelope::{Cbor, Field};
    let Some(Value::Tag(SIGN1, content)) = cbor::read(bytes) else { return Err(Cbor) };
    let Value::Array(parts) = *content else { return Err(Cbor) };
    let [Value::Bytes(protected), Value::Map(unprotected), Value::Bytes(payload), Value::Bytes(signature)] =
        parts.as_slice()
    else {
        return Err(Cbor);
    };
    let Some(Value::Map(signed_headers)) = cbor::read(protected) else { return Err(Cbor) };
    let certificates: Vec<&[u8]> = match get(unprotected, &CHAIN) {
        None => Vec::new(),
        Some(Value::Bytes(one)) => vec![one],
        Some(Value::Array(many)) => {
            let bytes = |value: &Value<'_>| matches!(value, Value::Bytes(_));
            if !many.iter().all(bytes) {
                return Err(Field("x5chain"));
            }
            many.iter()
                .filter_map(|value| if let Value::Bytes(der) = value { Some(*der) } else { None })
                .collect()
        }
        Some(_) => return Err(Field("x5chain")),
    };
    let timestamp = match get(unprotected, &Value::Text(TIMESTAMP_SIGNATURE)) {
        None => None,
        Some(Value::Bytes(token)) => Some(token.to_vec()),
        Some(_) => return Err(Field(TIMESTAMP_SIGNATURE)),
    };
    let agent = match get(unprotected, &Value::Text(SIGNING_AGENT)) {
        Some(Value::Text(agent)) => Some((*agent).to_owned()),
        _ => None,
    };
    headers(&signed_headers)?.finish(Rest {
        payload: payload.to_vec(),
        chain: chain(&certificates)?,
        timestamp,
        agent,
        signed: cbor::signature_structure(protected, payload),
        signature: signature.to_vec(),
    })
}

fn get<'m, 'a>(map: &'m [(Value<'a>, Value<'a>)], key: &Value<'_>) -> Option<&'m Value<'a>> {
    map.iter().find(|(known, _)| known == key).map(|(_, value)| value)
}

fn headers(map: &[(Value<'_>, Value<'_>)]) -> Result<Headers, InvalidNotationEnvelope> {
    use InvalidNotationEnvelope::Field;
    let text = |key: Value<'_>, name: &'static str| match get(map, &key) {
        None => Ok(None),
        Some(Value::Text(text)) => Ok(Some((*text).to_owned())),
        Some(_) => Err(Field(name)),
    };
    let time = |name: &'static str| match get(map, &Value::Text(name)) {
        None => Ok(None),
        Some(Value::Tag(EPOCH, seconds)) => match **seconds {
            Value::Integer(seconds) => Ok(Some(Timestamp(seconds))),
            _ => Err(Field(name)),
        },
        Some(_) => Err(Field(name)),
    };
    // The numbers of IANA's registry of COSE algorithms.
    let scheme = match get(map, &ALGORITHM) {
        Some(Value::Integer(-37)) => Scheme::RsaPss(Hash::Sha256),
        Some(Value::Integer(-38)) => Scheme::RsaPss(Hash::Sha384),
        Some(Value::Integer(-39)) => Scheme::RsaPss(Hash::Sha512),
        Some(Value::Integer(-7)) => Scheme::EcdsaFixed(Hash::Sha256),
        Some(Value::Integer(-35)) => Scheme::EcdsaFixed(Hash::Sha384),
        Some(Value::Integer(-36)) => Scheme::EcdsaFixed(Hash::Sha512),
        _ => return Err(Field("alg")),
    };
    let Some(Value::Array(names)) = get(map, &CRITICAL) else { return Err(Field("crit")) };
    let mut critical = Vec::new();
    for name in names {
        if get(map, name).is_none() {
            return Err(Field("crit"));
        }
        match name {
            Value::Text(name) => critical.push((*name).to_owned()),
            // The content type is understood without being listed; other numbers are not.
            Value::Integer(number) if *number != 3 => critical.push(number.to_string()),
            Value::Integer(_) => {}
            _ => return Err(Field("crit")),
        }
    }
    Ok(Headers {
        scheme: Some(scheme),
        content_type: text(CONTENT_TYPE, "cty")?,
        critical,
        signing_scheme: text(Value::Text(SIGNING_SCHEME), SIGNING_SCHEME)?,
        signing_time: time(SIGNING_TIME)?,
        authentic_signing_time: time(AUTHENTIC_SIGNING_TIME)?,
        expiry: time(EXPIRY)?,
    })
}
