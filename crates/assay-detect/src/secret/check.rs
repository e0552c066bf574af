//! What makes a secret well-formed beyond its pattern: structures that can be decoded without asking anybody.

use super::scan::checksum::base64;
use super::scan::{is_no_password, is_random, is_strong};

/// Returns whether the account written into an AWS key identifier is one: at most twelve digits.
///
/// The letters behind the four of the prefix are base32, in which bits 2 to 41 are the account. Keys from before 2019, whose fifth
/// letter is I or J, have none.
pub(super) fn aws_account(key: &[u8]) -> bool {
    let Some(digits) = key.get(4..12) else { return false };
    if matches!(digits.first(), Some(b'I' | b'J')) {
        return true;
    }
    let value = digits.iter().try_fold(0_u64, |value, digit| {
        let digit = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'2'..=b'7' => digit - b'2' + 26,
            _ => return None,
        };
        Some((value << 5) | u64::from(digit))
    });
    // Forty bits are here; the account's are all but the first, and one more that the next letter begins with.
    value.is_some_and(|bits| ((bits << 1) & 0xff_ffff_ffff) < 1_000_000_000_000)
}

/// The head of an OpenSSH key, whose cipher follows (`PROTOCOL.key` of OpenSSH).
const OPENSSH: &[u8] = b"openssh-key-v1\0";

/// Returns whether a PEM text holds a private key that anybody can use.
pub(super) fn private_key(pem: &[u8]) -> bool {
    !says_encrypted(pem) && body(pem).is_some_and(|body| !is_encrypted_openssh(&body) && is_key(&body, pem))
}

/// Returns whether a PEM text holds a private key under a passphrase.
pub(super) fn encrypted_private_key(pem: &[u8]) -> bool {
    body(pem).is_some_and(|body| (says_encrypted(pem) || is_encrypted_openssh(&body)) && is_key(&body, pem))
}

fn says_encrypted(pem: &[u8]) -> bool {
    memchr::memmem::find(pem, b"ENCRYPTED").is_some()
}

fn is_encrypted_openssh(body: &[u8]) -> bool {
    // A length of four bytes, then the cipher's name.
    body.strip_prefix(OPENSSH).is_some_and(|rest| !rest.get(4..).unwrap_or_default().starts_with(b"none"))
}

fn is_key(body: &[u8], pem: &[u8]) -> bool {
    // DER begins with a sequence; PGP's packets of secret keys have the tags 5 and 7; what is encrypted begins with anything.
    let der = body.first() == Some(&0x30);
    let pgp = memchr::memmem::find(pem, b"PGP ").is_some();
    let legacy = memchr::memmem::find(pem, b"DEK-Info").is_some();
    der || pgp || legacy || body.starts_with(OPENSSH)
}

/// Returns the first bytes of what a PEM text holds; `None` when it is too short for a key or no base64.
fn body(pem: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(pem).ok()?.replace("\\r", "").replace("\\n", "\n");
    let inner = text.split("-----").nth(2)?;
    // Headers (`Proc-Type: …`) have a colon; quotes, commas and plus signs join strings of programs.
    let lines = inner.lines().filter(|line| !line.contains(':'));
    let joined: String = lines
        .flat_map(|line| {
            line.trim_matches(|c: char| !c.is_ascii_alphanumeric() && !"+/=".contains(c)).chars()
        })
        .collect();
    let joined = joined.trim_start_matches(['+', '"', '\'']);
    let good = joined.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(byte)).count();
    // The shortest, of Ed25519, has 64.
    if good < 60 {
        return None;
    }
    base64(joined.as_bytes().get(..60)?)
}

/// Returns whether a text decodes to a user and a password.
pub(super) fn basic(text: &[u8]) -> bool {
    base64(text).is_some_and(|decoded| user_password(&decoded))
}

/// Returns whether a text is a user, a colon and a password.
pub(super) fn user_password(text: &[u8]) -> bool {
    let Some(colon) = memchr::memchr(b':', text) else { return false };
    let (user, password) = (text.get(..colon).unwrap_or_default(), text.get(colon + 1..).unwrap_or_default());
    let printable = text.iter().all(|byte| matches!(byte, b' '..=b'~'));
    printable && !user.is_empty() && password.len() >= 3 && !is_no_password(password)
}

/// Returns whether a text may be a password, however weak.
pub(super) fn password(text: &[u8]) -> bool {
    !is_no_password(text)
}

/// Returns whether a text may be a password, and no word.
pub(super) fn strong_password(text: &[u8]) -> bool {
    is_strong(text) && !is_no_password(text)
}

/// Returns whether a text looks drawn at random.
pub(super) fn random(text: &[u8]) -> bool {
    is_random(text)
}

/// Returns whether base64 in a Secret holds something: not a placeholder in base64.
pub(super) fn kubernetes(text: &[u8]) -> bool {
    match base64(text) {
        Some(decoded) => {
            std::str::from_utf8(&decoded).map_or(true, |_| !is_no_password(&decoded) || decoded.len() > 40)
        }
        None => !is_no_password(text),
    }
}

/// Returns whether a text is a JSON Web Token: the first two parts are JSON objects, the first of which names an algorithm.
pub(super) fn jwt(text: &[u8]) -> bool {
    let mut parts = text.split(|byte| *byte == b'.');
    let object = |part: Option<&[u8]>| {
        let decoded = base64(part?)?;
        let text = String::from_utf8(decoded).ok()?;
        let text = text.trim();
        (text.starts_with('{') && text.ends_with('}')).then(|| text.to_owned())
    };
    let header = object(parts.next());
    header.is_some_and(|header| header.contains("\"alg\"")) && object(parts.next()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_twelve_digits() {
        // The example that the format was published with: account 29608264753.
        assert!(aws_account(concat!("ASIA", "QNZGKIQY56JQ7WML").as_bytes()));
        assert!(aws_account(concat!("AKIA", "IOSFODNN7WQWERTY").as_bytes()));
        assert!(!aws_account(b"AKIA7777777777777777"));
        assert!(!aws_account(b"AKIA"));
    }
}
