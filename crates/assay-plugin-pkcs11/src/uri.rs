//! The names of keys: PKCS#11 URIs, <https://www.rfc-editor.org/rfc/rfc7512>.
//!
//! `pkcs11:token=…;object=…;id=%01?module-path=…&pin-value=…`. Read are the attributes that find a key; others are refused, because a
//! name that is only half understood might mean another key.

/// What a name says.
#[derive(Default, Clone, PartialEq, Eq)]
pub(crate) struct Uri {
    pub(crate) token: Option<String>,
    pub(crate) serial: Option<String>,
    pub(crate) slot: Option<u64>,
    pub(crate) object: Option<String>,
    pub(crate) id: Option<Vec<u8>>,
    pub(crate) module: Option<String>,
    pub(crate) pin: Option<String>,
    pub(crate) pin_source: Option<String>,
}

/// Returns what a name says, or what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Uri, String> {
    let rest = text.strip_prefix("pkcs11:").ok_or("a key is named `pkcs11:token=…;object=…`")?;
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut uri = Uri::default();
    for part in path.split(';').filter(|part| !part.is_empty()) {
        let (name, value) =
            part.split_once('=').ok_or_else(|| format!("`{name}` has no value", name = shown(part)))?;
        let bytes =
            unescaped(value).ok_or_else(|| format!("the value of `{}` is badly encoded", shown(name)))?;
        let text = || {
            String::from_utf8(bytes.clone()).map_err(|_| format!("the value of `{}` is no text", shown(name)))
        };
        match name {
            "token" => uri.token = Some(text()?),
            "serial" => uri.serial = Some(text()?),
            "object" => uri.object = Some(text()?),
            "id" => uri.id = Some(bytes.clone()),
            "slot-id" => uri.slot = Some(text()?.parse().map_err(|_| "`slot-id` is no number".to_owned())?),
            "type" if bytes == b"private" => {}
            "type" => {
                return Err("only private keys sign: leave out `type`, or say `type=private`".to_owned());
            }
            _ => return Err(format!("`{}` is not understood in the name of a key", shown(name))),
        }
    }
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').ok_or_else(|| format!("`{}` has no value", shown(part)))?;
        let text = unescaped(value)
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or_else(|| format!("the value of `{}` is badly encoded", shown(name)))?;
        match name {
            "module-path" => uri.module = Some(text),
            "pin-value" => uri.pin = Some(text),
            "pin-source" => uri.pin_source = Some(text),
            _ => return Err(format!("`{}` is not understood in the name of a key", shown(name))),
        }
    }
    // Every key without an identifier or a label would fit an empty one.
    if uri.id.as_ref().is_some_and(Vec::is_empty) || uri.object.as_ref().is_some_and(String::is_empty) {
        return Err("`object` and `id` in the name of a key are not empty".to_owned());
    }
    if uri.object.is_none() && uri.id.is_none() {
        return Err("the name of a key says `object=…` or `id=…`".to_owned());
    }
    Ok(uri)
}

fn shown(text: &str) -> String {
    text.chars().take(40).filter(|c| !c.is_control()).collect()
}

fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        bytes.push(digit(rest.next()?)? << 4 | digit(rest.next()?)?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_read() {
        let uri = parse(
            "pkcs11:token=My%20Token;object=k;id=%01%ff;type=private?module-path=/lib/x.so&pin-value=12%3B34",
        );
        let want = Uri {
            token: Some("My Token".to_owned()),
            object: Some("k".to_owned()),
            id: Some(vec![1, 0xff]),
            module: Some("/lib/x.so".to_owned()),
            pin: Some("12;34".to_owned()),
            ..Uri::default()
        };
        assert!(uri == Ok(want));
        assert!(parse("pkcs11:slot-id=7;serial=ab;id=%01").is_ok_and(|uri| uri.slot == Some(7)));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in [
            "",
            "pkcs11:",
            "pkcs11:token=a",
            "pkcs11:object",
            "pkcs11:object=%g0",
            "pkcs11:object=",
            "pkcs11:object=a;id=",
            "pkcs11:object=%ff",
            "pkcs11:object=a;type=cert",
            "pkcs11:object=a;slot-id=x",
            "pkcs11:object=a;x=1",
            "pkcs11:object=a?x=1",
            "pkcs11:object=a?pin-value",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "pkcs11:([a-z-]{0,8}[=;?&%]\\PC{0,9}){0,4}") {
            let _ = parse(&text);
        }
    }
}
