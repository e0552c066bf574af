//! The extended attribute `security.capability` of a program: `vfs_cap_data` of version 1, 2 or 3 (capabilities(7)), little end first.

/// Returns the permitted set, a bit for each capability.
pub(crate) fn permitted(value: &[u8]) -> Option<u64> {
    let (_, rest) = value.split_first_chunk::<4>()?;
    let (low, rest) = rest.split_first_chunk::<4>()?;
    // The inheritable half of the same 32 capabilities lies between.
    let high = rest.get(4..8).and_then(|high| high.try_into().ok()).map_or(0, u32::from_le_bytes);
    Some(u64::from(u32::from_le_bytes(*low)) | u64::from(high) << 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_is_read() {
        // `setcap cap_net_bind_service=ep`, as `getfattr` shows it.
        let two = b"\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
        assert_eq!(permitted(two), Some(1 << 10));
        // Version 1 has one half only, version 3 names a user besides.
        assert_eq!(permitted(b"\x01\0\0\x01\0\x04\0\0\0\0\0\0"), Some(1 << 10));
        assert_eq!(permitted(b"\0\0\0\x03\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\xe8\x03\0\0"), Some(1 << 32));
        assert_eq!(permitted(b"\x01\0\0\x02\0"), None);
    }
}
