//! rpm's own database; SQLite and Berkeley DB files are fixtures, which their own tools made.

/// Makes an ndb file with the layout that rpm's `rpmpkg.c` writes.
pub(crate) fn ndb(blobs: &[(u32, &[u8])]) -> Vec<u8> {
    let mut slots = [b"Slot".as_slice(), &[0; 12]].concat().repeat(256);
    slots[..32].fill(0);
    slots[..4].copy_from_slice(b"RpmP");
    slots[12..16].copy_from_slice(&1_u32.to_le_bytes());
    let mut data = Vec::new();
    for (index, (package, bytes)) in blobs.iter().enumerate() {
        let block = number((4096 + data.len()) / 16);
        let len = number(bytes.len());
        let mut blob =
            [b"BlbS".as_slice(), &package.to_le_bytes(), &[9; 4], &len.to_le_bytes(), bytes].concat();
        while blob.len() % 16 != 4 {
            blob.push(0);
        }
        blob.extend(adler32(&blob).to_le_bytes());
        blob.extend(len.to_le_bytes());
        blob.extend(b"BlbE");
        let slot = &mut slots[(index + 2) * 16..][..16];
        slot[4..8].copy_from_slice(&package.to_le_bytes());
        slot[8..12].copy_from_slice(&block.to_le_bytes());
        slot[12..16].copy_from_slice(&number(blob.len() / 16).to_le_bytes());
        data.extend(blob);
    }
    [slots, data].concat()
}

/// Computes Adler-32, from its definition in RFC 1950.
fn adler32(bytes: &[u8]) -> u32 {
    let (mut low, mut high) = (1_u32, 0_u32);
    for &byte in bytes {
        low = (low + u32::from(byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    high << 16 | low
}

fn number(size: usize) -> u32 {
    u32::try_from(size).expect("the files made here are small")
}
