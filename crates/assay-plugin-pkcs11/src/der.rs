//! Writes public keys as `SubjectPublicKeyInfo`: <https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.7>.

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;

/// The algorithm of RSA keys, with its parameter NULL.
const RSA: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
/// The identifier of keys on elliptic curves.
const EC: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// Returns an RSA key.
pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let numbers = [integer(modulus), integer(exponent)].concat();
    info(RSA, &element(SEQUENCE, &numbers))
}

/// Returns a key on a curve, from the curve's identifier and the point as PKCS#11 gives them; `None` when the point is damaged.
pub(crate) fn ec(curve: &[u8], point: &[u8]) -> Option<Vec<u8>> {
    // By the standard the point is wrapped; some tokens hand it over bare. Both begin with 4: one is told from the other by its length.
    let bare = [65, 97, 133].contains(&point.len()) && point.first() == Some(&4);
    let point = if bare { point } else { unwrapped(point)? };
    Some(info(&element(SEQUENCE, &[EC, curve].concat()), point))
}

fn unwrapped(point: &[u8]) -> Option<&[u8]> {
    let (&tag, rest) = point.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let (length, content) = if length == 0x81 { rest.split_first()? } else { (&length, rest) };
    (tag == OCTET_STRING && usize::from(*length) == content.len() && content.first() == Some(&4))
        .then_some(content)
}

fn info(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    let key = element(BIT_STRING, &[&[0], key].concat());
    element(SEQUENCE, &[algorithm, &key].concat())
}

fn integer(number: &[u8]) -> Vec<u8> {
    let mut content: Vec<u8> = number.iter().copied().skip_while(|byte| *byte == 0).collect();
    if content.first().is_none_or(|first| first & 0x80 != 0) {
        content.insert(0, 0);
    }
    element(INTEGER, &content)
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match u8::try_from(content.len()) {
        Ok(length) if length < 0x80 => bytes.push(length),
        _ => {
            let length: Vec<u8> =
                content.len().to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
            bytes.push(0x80 | u8::try_from(length.len()).unwrap_or(8));
            bytes.extend(length);
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_bytes_that_openssl_writes() {
        // `openssl ec -pubout` begins every P-256 key so.
        let curve = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
        let point = [&[4][..], &[7; 64]].concat();
        let start = [0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
        let wrapped = [&[OCTET_STRING, 65][..], &point].concat();
        for point in [&wrapped, &point] {
            let key = ec(&curve, point).unwrap();
            assert_eq!(key[..13], start);
            assert_eq!(key[13..27], [&curve[..], &[0x03, 0x42, 0x00, 0x04]].concat());
            assert_eq!(key.len(), 91);
        }
        assert_eq!(ec(&curve, &[]), None);
        assert_eq!(ec(&curve, &[OCTET_STRING, 9, 4]), None);
        let key = rsa(&[0xff; 256], &[1, 0, 1]);
        assert_eq!(key[..4], [0x30, 0x82, 0x01, 0x22]);
        assert_eq!(key.len(), 294);
    }
}
