//! Shannon entropy: how far a text is from being words.

/// Returns the entropy of `bytes` in bits per byte, 0 to 8.
///
/// Of `n` random characters it is at most log2(n): 16 hexadecimal digits have about 3.3, 40 random letters and digits about 4.7.
pub(crate) fn bits_per_byte(bytes: &[u8]) -> f32 {
    let mut counts = [0_u16; 256];
    // A secret is short; a longer text would be no different.
    let bytes = bytes.get(..4096).unwrap_or(bytes);
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let total = bytes.iter().fold(0.0_f32, |total, _| total + 1.0);
    counts.iter().filter(|count| **count > 0).fold(0.0, |bits, count| {
        let share = f32::from(*count) / total;
        bits - share * share.log2()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_is_shannons() {
        assert!(bits_per_byte(b"").abs() < 1e-6);
        assert!(bits_per_byte(b"aaaaaaaa").abs() < 1e-6);
        assert!((bits_per_byte(b"abababab") - 1.0).abs() < 1e-6);
        assert!((bits_per_byte(b"0123456789abcdef") - 4.0).abs() < 1e-6);
    }
}
