//! SQLite, Berkeley DB and ndb.

use assay_decode::bdb::{Bdb, BdbError};
use assay_decode::ndb::{Ndb, NdbError};
use assay_decode::sqlite::{Sqlite, SqliteError, Value};

use crate::testdata;

#[test]
fn sqlite_rows_have_their_values() {
    let bytes = testdata("sqlite/levels.db");
    let file = Sqlite::open(&bytes).unwrap();
    let table = file.table("packages").unwrap().unwrap();
    assert!(table.sql.starts_with("CREATE TABLE Packages(hnum"));
    let rows: Vec<_> = table.rows().map(Result::unwrap).collect();
    let numbers: Vec<_> = rows.iter().map(|row| row.rowid).collect();
    assert_eq!(numbers, (1..=20).chain(23..=60).collect::<Vec<_>>());
    for row in rows {
        let i = row.rowid;
        let size = if i % 10 == 0 { i * 20 } else { 50 };
        let note = match i % 4 {
            0 => Value::Integer(i * 1_000_003 * i * i),
            1 => Value::Integer(-i),
            2 => Value::Text(format!("text {i}").into_bytes()),
            _ => Value::Real(f64::from(i32::try_from(i).unwrap()) / 8.0),
        };
        // An integer primary key is stored as nothing: it is the row's number.
        assert_eq!(row.columns, [Value::Null, Value::Blob(vec![0; usize::try_from(size).unwrap()]), note]);
    }
    assert_eq!(file.table("other").unwrap().unwrap().rows().count(), 0);
    assert!(file.table("none").unwrap().is_none());
}

#[test]
fn sqlite_keeps_rows_around_a_damaged_page() {
    let clean = testdata("sqlite/levels.db");
    let mut lossy = 0;
    for page in 3..clean.len() / 512 {
        let mut bytes = clean.clone();
        bytes[page * 512..][..512].fill(0xff);
        let file = Sqlite::open(&bytes).unwrap();
        let Ok(Some(table)) = file.table("Packages") else { continue };
        let rows: Vec<_> = table.rows().collect();
        let good = rows.iter().flatten().count();
        if good < 58 {
            lossy += 1;
            assert!(rows.iter().any(Result::is_err), "page {page} is lost in silence");
            assert!(good >= 40 || good == 0, "page {page}: {good} rows left");
        }
    }
    assert!(lossy > 10);
}

#[test]
fn sqlite_ends_on_a_cycle() {
    let clean = testdata("sqlite/levels.db");
    // Every four bytes that may be a page number are made to lead back to the table's root.
    let file = Sqlite::open(&clean).unwrap();
    let all = file.table("Packages").unwrap().unwrap().rows().count();
    for at in (512..clean.len() - 4).step_by(2) {
        let mut bytes = clean.clone();
        bytes[at..at + 4].copy_from_slice(&4_u32.to_be_bytes());
        if let Ok(Some(table)) = Sqlite::open(&bytes).unwrap().table("Packages") {
            assert!(table.rows().count() <= 4 * all);
        }
    }
}

#[test]
fn sqlite_refuses_what_it_is_not() {
    assert!(matches!(Sqlite::open(&b"SQLite format 3\0".as_slice()), Err(SqliteError::NotSqlite)));
    let mut utf16 = testdata("sqlite/levels.db");
    utf16[59] = 2;
    assert!(matches!(Sqlite::open(&utf16), Err(SqliteError::Encoding)));
}

#[test]
fn bdb_records_of_both_kinds_and_byte_orders() {
    for name in ["hash-1234", "hash-4321", "btree-1234", "btree-4321"] {
        let bytes = testdata(&format!("bdb/{name}.db"));
        let mut records: Vec<_> = Bdb::open(&bytes).unwrap().records().map(Result::unwrap).collect();
        records.sort_by(|one, other| one.key.cmp(&other.key));
        assert_eq!(records.len(), 20, "{name}");
        for (record, number) in records.iter().zip(1_u8..) {
            assert_eq!(record.key, [number, 0, 0, 0], "{name}");
            let len = usize::from(number) * usize::from(number) * 3;
            assert_eq!(record.value, vec![number; len], "{name}");
        }
    }
}

#[test]
fn bdb_shares_no_overflow_pages() {
    let mut bytes = testdata("bdb/hash-1234.db");
    // All chains of overflow pages go on at the same page.
    for page in bytes.chunks_mut(512).filter(|page| page[25] == 7) {
        page[16..20].copy_from_slice(&5_u32.to_le_bytes());
    }
    let records: Vec<_> = Bdb::open(&bytes).unwrap().records().collect();
    assert!(records.iter().any(|record| matches!(record, Err(BdbError::Overflow { .. }))));
    assert!(records.iter().flatten().count() >= 9);
    assert!(matches!(Bdb::open(&vec![0; 4096]), Err(BdbError::NotBdb)));
}

/// Makes an ndb file with the layout that `rpmpkg.c` writes.
pub(crate) fn ndb(blobs: &[(u32, &[u8])]) -> Vec<u8> {
    let mut slots = [b"Slot".as_slice(), &[0; 12]].concat().repeat(256);
    slots[..32].fill(0);
    slots[..4].copy_from_slice(b"RpmP");
    slots[12..16].copy_from_slice(&1_u32.to_le_bytes());
    let mut data = Vec::new();
    for (index, (package, bytes)) in blobs.iter().enumerate() {
        let block = u32::try_from((4096 + data.len()) / 16).unwrap();
        let len = u32::try_from(bytes.len()).unwrap();
        let mut blob =
            [b"BlbS".as_slice(), &package.to_le_bytes(), &[9; 4], &len.to_le_bytes(), bytes].concat();
        while blob.len() % 16 != 4 {
            blob.push(0);
        }
        // Adler-32, from its definition in RFC 1950.
        let (mut low, mut high) = (1_u64, 0_u64);
        for &byte in &blob {
            low = (low + u64::from(byte)) % 65_521;
            high = (high + low) % 65_521;
        }
        blob.extend(u32::try_from(high << 16 | low).unwrap().to_le_bytes());
        blob.extend(len.to_le_bytes());
        blob.extend(b"BlbE");
        let slot = &mut slots[(index + 2) * 16..][..16];
        slot[4..8].copy_from_slice(&package.to_le_bytes());
        slot[8..12].copy_from_slice(&block.to_le_bytes());
        slot[12..16].copy_from_slice(&u32::try_from(blob.len() / 16).unwrap().to_le_bytes());
        data.extend(blob);
    }
    [slots, data].concat()
}

#[test]
fn ndb_blobs() {
    let large = vec![b'z'; 20_000];
    let clean = ndb(&[(7, b"seven"), (1, b""), (3, &large)]);
    let blobs: Vec<_> = Ndb::open(&clean).unwrap().blobs().map(Result::unwrap).collect();
    let found: Vec<_> = blobs.iter().map(|blob| (blob.package, blob.bytes.as_slice())).collect();
    assert_eq!(found, [(7, b"seven".as_slice()), (1, b""), (3, &large)]);
    assert!(blobs.iter().all(|blob| blob.checksum_matches));

    let mut damaged = clean.clone();
    damaged[4096 + 16] = b'x';
    let blob = Ndb::open(&damaged).unwrap().blobs().next().unwrap().unwrap();
    assert_eq!((blob.bytes.as_slice(), blob.checksum_matches), (b"xeven".as_slice(), false));

    // A bad blob, and a bad slot, are errors between good blobs.
    damaged[4096] = b'x';
    damaged[4 * 16] = b'x';
    let results: Vec<_> = Ndb::open(&damaged).unwrap().blobs().collect();
    assert!(matches!(results[0], Err(NdbError::Blob { package: 7 })));
    assert!(results[1].is_ok());
    assert!(matches!(results[2], Err(NdbError::Slot { offset: 64 })));
}

#[test]
fn ndb_slots_may_not_multiply_the_file() {
    let large = vec![b'z'; 20_000];
    let mut bytes = ndb(&[(3, &large)]);
    let slot = bytes[32..48].to_vec();
    for at in (48..4096).step_by(16) {
        bytes[at..at + 16].copy_from_slice(&slot);
    }
    let results: Vec<_> = Ndb::open(&bytes).unwrap().blobs().collect();
    assert_eq!(results.len(), 254);
    assert_eq!(results.iter().flatten().count(), 2);
}
