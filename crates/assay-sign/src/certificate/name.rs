//! Distinguished names (RFC 5280, section 4.1.2.4) as text, for people and for Notation's `x509.subject`.
//!
//! Attributes are written in the order of the certificate with the short names of RFC 4514; those without one by their number.

use crate::der::{self, InvalidDer, oid_text, tag};

/// Returns the attributes of a name, each with its type's short name.
pub(crate) fn attributes(name: &[u8]) -> Result<Vec<(String, String)>, InvalidDer> {
    let mut sets = der::whole(name, tag::SEQUENCE)?;
    let mut attributes = Vec::new();
    while !sets.is_empty() {
        let mut set = sets.read(tag::SET)?.reader();
        while !set.is_empty() {
            let mut attribute = set.sequence()?;
            let oid = attribute.oid()?;
            let value = attribute.any()?;
            attributes.push((type_name(oid), value_text(value.tag, value.content)));
        }
    }
    Ok(attributes)
}

/// Returns a name as text, empty when it is not one.
pub(crate) fn text(name: &[u8]) -> String {
    let attributes = attributes(name).unwrap_or_default();
    let parts: Vec<String> =
        attributes.iter().map(|(kind, value)| format!("{kind}={}", escape(value))).collect();
    parts.join(",")
}

/// Reads a name as users write it: `C=US, O=Acme\, Inc., CN=release`.
pub(crate) fn parse(text: &str) -> Option<Vec<(String, String)>> {
    let mut attributes = Vec::new();
    let mut part = String::new();
    let mut characters = text.chars();
    let mut parts = Vec::new();
    while let Some(character) = characters.next() {
        match character {
            '\\' => part.push(characters.next()?),
            ',' | '+' => parts.push(std::mem::take(&mut part)),
            other => part.push(other),
        }
    }
    parts.push(part);
    for part in parts {
        let (kind, value) = part.split_once('=')?;
        let (kind, value) = (kind.trim().to_ascii_uppercase(), value.trim().to_owned());
        // `S` is what some tools write for a state.
        attributes.push((if kind == "S" { "ST".to_owned() } else { kind }, value));
    }
    Some(attributes)
}

fn escape(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for character in value.chars() {
        if matches!(character, ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=') {
            text.push('\\');
        }
        text.push(character);
    }
    text
}

fn type_name(oid: &[u8]) -> String {
    let name = match oid {
        [0x55, 0x04, 0x03] => "CN",
        [0x55, 0x04, 0x06] => "C",
        [0x55, 0x04, 0x07] => "L",
        [0x55, 0x04, 0x08] => "ST",
        [0x55, 0x04, 0x09] => "STREET",
        [0x55, 0x04, 0x0a] => "O",
        [0x55, 0x04, 0x0b] => "OU",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19] => "DC",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01] => "UID",
        _ => return oid_text(oid),
    };
    name.to_owned()
}

fn value_text(kind: u8, content: &[u8]) -> String {
    // `BMPString` is UTF-16; the other kinds in use are ASCII or UTF-8.
    if kind == 0x1e {
        let units: Vec<u16> =
            content.chunks_exact(2).filter_map(|pair| pair.try_into().ok()).map(u16::from_be_bytes).collect();
        return String::from_utf16_lossy(&units);
    }
    String::from_utf8_lossy(content).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_users_are_read() {
        assert_eq!(
            parse(r"C=US, st=WA , O=Acme\, Inc."),
            Some(vec![
                ("C".to_owned(), "US".to_owned()),
                ("ST".to_owned(), "WA".to_owned()),
                ("O".to_owned(), "Acme, Inc.".to_owned())
            ])
        );
        assert_eq!(parse("Acme"), None);
        assert_eq!(parse("O=Acme\\"), None);
    }
}
