//! Stored documents: compressed, and bounded in both directions.

use crate::error::StoreError;

/// The largest document that is kept, before compression. The report of 100,000 packages has some 100 MB.
pub(crate) const MAX_DOCUMENT: usize = 256 << 20;

/// Level 3 packs a report to about a tenth at 300 MB/s; higher levels gain little.
const LEVEL: i32 = 3;

pub(crate) fn pack(what: &'static str, name: &str, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    if bytes.len() > MAX_DOCUMENT {
        return Err(StoreError::TooLarge { what, name: name.to_owned(), limit: MAX_DOCUMENT });
    }
    zstd::bulk::compress(bytes, LEVEL).map_err(|_| StoreError::Damaged { what, name: name.to_owned() })
}

pub(crate) fn unpack(what: &'static str, name: &str, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    use std::io::Read as _;
    let damaged = || StoreError::Damaged { what, name: name.to_owned() };
    let mut unpacked = Vec::new();
    let decoder = zstd::Decoder::with_buffer(bytes).map_err(|_| damaged())?;
    let limit = u64::try_from(MAX_DOCUMENT).unwrap_or(u64::MAX);
    decoder.take(limit).read_to_end(&mut unpacked).map_err(|_| damaged())?;
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_packed_comes_back(bytes: Vec<u8>) {
            prop_assert_eq!(unpack("report", "x", &pack("report", "x", &bytes).unwrap()).unwrap(), bytes);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = unpack("report", "x", &bytes);
        }
    }
}
