//! The two forms of an ECDSA signature: ASN.1 DER (X.509, Sigstore) and two numbers of fixed size one after the other (JOSE, COSE,
//! Azure, PKCS#11).
//!
//! `ECDSA-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }`, <https://www.rfc-editor.org/rfc/rfc3279#section-2.2.3>.

use crate::der::{encode, encode_unsigned, tag, whole};

/// Returns the numbers of a DER signature, each in `size` bytes; `None` when it is no such signature.
pub(crate) fn to_fixed(der: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut numbers = whole(der, tag::SEQUENCE).ok()?;
    let pair = [numbers.unsigned().ok()?, numbers.unsigned().ok()?];
    numbers.end().ok()?;
    let mut fixed = Vec::with_capacity(size.checked_mul(2)?);
    for number in pair {
        fixed.resize(fixed.len() + size.checked_sub(number.len())?, 0);
        fixed.extend_from_slice(number);
    }
    Some(fixed)
}

/// Returns the DER form of two numbers of equal size; `None` when the bytes cannot be halved or are too many for any curve.
pub(crate) fn to_der(fixed: &[u8]) -> Option<Vec<u8>> {
    let half =
        fixed.len().checked_div(2).filter(|half| half * 2 == fixed.len() && (1..=66).contains(half))?;
    let (r, s) = fixed.split_at_checked(half)?;
    Some(encode(tag::SEQUENCE, &[encode_unsigned(r), encode_unsigned(s)].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_and_large_numbers_keep_their_value() {
        let fixed = [&[0_u8; 31][..], &[1], &[0xff; 32]].concat();
        let der = to_der(&fixed).unwrap();
        assert_eq!(der[..7], [0x30, 38, 0x02, 1, 1, 0x02, 33]);
        assert_eq!(to_fixed(&der, 32).unwrap(), fixed);
        assert_eq!(to_fixed(&der, 16), None, "too large for the curve");
        assert_eq!(to_der(&[1, 2, 3]), None);
    }

    proptest! {
        #[test]
        fn both_forms_say_the_same(fixed in (1_usize..=66).prop_flat_map(|half| proptest::collection::vec(any::<u8>(), half * 2))) {
            let der = to_der(&fixed).unwrap();
            prop_assert_eq!(to_fixed(&der, fixed.len() / 2), Some(fixed));
        }

        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(fixed) = to_fixed(&bytes, 66) {
                prop_assert_eq!(fixed.len(), 132);
            }
        }
    }
}
