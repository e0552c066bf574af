//! Both kinds of table, good and bad.

use super::*;
use proptest::prelude::*;

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Reads entries of a table at byte 1000; `D` stands for a digest. Gives `path: start..end+skip:size` of each chunk, or the error.
fn check(entries: &str, want: &[&str]) {
    let json =
        format!(r#"{{"version":1,"entries":[{}]}}"#, entries.replace("\"D\"", &format!("\"{DIGEST}\"")));
    let table = match Table::parse(json.as_bytes(), 1000) {
        Ok(table) => table,
        Err(error) => {
            let mut text = error.to_string();
            if let Some(source) = std::error::Error::source(&error) {
                text = format!("{text}: {source}");
            }
            let [want] = want else { panic!("{text}") };
            assert!(text.contains(want), "{text}");
            return;
        }
    };
    let mut shown = Vec::new();
    for entry in &table.entries {
        let chunks = table.chunks(entry).iter().map(|chunk| {
            format!(" {}..{}+{}:{}", chunk.stored.start, chunk.stored.end, chunk.skip, chunk.size)
        });
        shown.push(entry.path.clone() + &chunks.collect::<String>());
    }
    assert_eq!(shown, want, "{entries}");
}

#[test]
fn chunks_end_where_the_next_begins() {
    check(
        r#"{"type":"dir","name":"etc/","mode":493},{"type":"reg","name":"etc/a","size":5,"offset":10,"chunkDigest":"D"},
           {"type":"reg","name":"./e"},{"type":"symlink","name":"l","linkName":"../../x"},
           {"type":"reg","name":"/b","size":30,"offset":50,"chunkSize":10,"chunkDigest":"D"},
           {"type":"chunk","name":"/b","offset":70,"chunkOffset":10,"chunkSize":10,"chunkDigest":"D"},
           {"type":"chunk","offset":90,"chunkOffset":20,"chunkDigest":"D"}"#,
        &["etc", "etc/a 10..50+0:5", "e", "l", "b 50..70+0:10 70..90+0:10 90..1000+0:10"],
    );
    // zstd:chunked says where a file ends.
    check(r#"{"type":"reg","name":"a","size":5,"offset":10,"endOffset":40,"digest":"D"}"#, &["a 10..40+0:5"]);
    // One member for several files.
    check(
        r#"{"type":"reg","name":"a","size":5,"offset":10,"digest":"D"},
           {"type":"reg","name":"b","size":5,"offset":10,"innerOffset":1024,"digest":"D"}"#,
        &["a 10..1000+0:5", "b 10..1000+1024:5"],
    );
}

#[test]
fn names_that_cannot_be_used_are_counted() {
    let json = r#"{"version":1,"entries":[{"type":"reg","name":"../../a","size":9,"offset":5,"chunkSize":3},
        {"type":"chunk","name":"../../a","offset":7,"chunkOffset":3},{"type":"hardlink","name":"b","linkName":"../c"},
        {"type":"reg","name":""},{"type":"reg","name":"ok"}]}"#;
    let table = Table::parse(json.as_bytes(), 10).unwrap();
    assert_eq!((table.skipped, table.entries.len()), (3, 1));
}

#[test]
fn tables_that_contradict_themselves_are_refused() {
    let file = |rest: &str| format!(r#"{{"type":"reg","name":"a","size":10,"chunkDigest":"D",{rest}}}"#);
    let with = |first: &str, chunk: &str| format!(r#"{},{{"type":"chunk","name":"a",{chunk}}}"#, file(first));
    check(r#"{"type":"chunk","name":"a","offset":5}"#, &["belongs to no file"]);
    check(r#"{"type":"door","name":"a"}"#, &["unknown type"]);
    check(
        &with(r#""offset":5,"chunkSize":4"#, r#""offset":7,"chunkOffset":3"#),
        &["overlap, or leave a gap"],
    );
    check(
        &with(r#""offset":5,"chunkSize":4"#, r#""offset":7,"chunkOffset":5"#),
        &["overlap, or leave a gap"],
    );
    check(&with(r#""offset":5"#, r#""offset":7,"chunkOffset":10"#), &["beyond its size"]);
    check(&file(r#""offset":5,"chunkSize":11"#), &["beyond its size"]);
    check(&file(r#""offset":5,"chunkSize":9"#), &["fewer bytes"]);
    check(&file(r#""offset":1000"#), &["outside"]);
    check(&file(r#""offset":0"#), &["outside"]);
    check(&file(r#""offset":-1"#), &["malformed"]);
    check(r#"{"type":"reg","name":"a","size":10,"offset":5}"#, &["no digest"]);
    check(r#"{"type":"reg","name":"a","size":10,"offset":5,"digest":"sha256:12"}"#, &["no digest"]);
    check(
        &format!(
            r#"{},{{"type":"chunk","name":"b","offset":7,"chunkOffset":4}}"#,
            file(r#""offset":5,"chunkSize":4"#)
        ),
        &["another file"],
    );
    assert!(matches!(Table::parse(br#"{"version":2,"entries":[]}"#, 5), Err(TableError::Version(2))));
    let many = vec![r#"{"type":"dir","name":"a"}"#; MAX_ENTRIES + 1].join(",");
    check(&many, &["more than 500000 entries"]);
}

#[test]
fn positions_lie_inside_the_blob() {
    let at = |text| zstd_chunked::position(text, 100).map(|at| (at.offset, at.len)).ok();
    assert_eq!(at("10:90:500:1"), Some((10, 90)));
    for wrong in [
        "10:91:5:1",
        "0:9:5:1",
        "10:0:0:1",
        "10:9:5:2",
        "10:9:5",
        "10:9:5:1:1",
        "10:9:99999999999:1",
        "-1:9:5:1",
        "",
    ] {
        assert_eq!(at(wrong), None, "{wrong}");
    }
    assert_eq!(at(&format!("{}:{}:5:1", u64::MAX, u64::MAX)), None);
    let footer = |text: &str| {
        let head = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 26, 0, b'S', b'G', 22, 0];
        let bytes = [&head[..], text.as_bytes(), &[1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]].concat();
        estargz::footer(&bytes, 1000).map(|at| (at.offset, at.len)).ok()
    };
    assert_eq!(footer("00000000000000ffSTARGZ"), Some((255, 1000 - 51 - 255)));
    for wrong in [
        "00000000000003b5STARGZ",
        "0000000000000000STARGZ",
        "+0000000000000ffSTARGZ",
        "00000000000000ffSTARGX",
    ] {
        assert_eq!(footer(wrong), None, "{wrong}");
    }
}

#[test]
fn tables_that_inflate_too_far_are_refused() {
    let zeros = vec![0; usize::try_from(MAX_TABLE).unwrap() + 1];
    let stored = zstd::encode_all(&zeros[..], 1).unwrap();
    assert!(matches!(zstd_chunked::json(&stored), Err(TableError::TooLarge)));
    assert!(matches!(zstd_chunked::json(b"\x28\xb5\x2f\xfdbroken"), Err(TableError::Inflate(_))));
    assert!(estargz::json(b"not gzip").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn readers_are_total(bytes: Vec<u8>, size: u64, text in "[0-9:]{0,40}",
        entries in r#"(\{"type":"(reg|chunk|dir)","name":"[a/.]{0,3}","size":[0-9],"offset":[0-9],"chunkOffset":[0-9],"chunkSize":[0-9],"digest":"D"\},){0,6}"#) {
        let _ = estargz::footer(&bytes, size);
        let _ = estargz::json(&bytes);
        let _ = zstd_chunked::json(&bytes);
        let _ = zstd_chunked::position(&text, size);
        let _ = Table::parse(&bytes, size);
        let json = format!(r#"{{"version":1,"entries":[{}]}}"#, entries.trim_end_matches(',').replace("\"D\"", &format!("\"{DIGEST}\"")));
        if let Ok(table) = Table::parse(json.as_bytes(), 9) {
            for entry in &table.entries {
                let chunks = table.chunks(entry);
                prop_assert_eq!(chunks.iter().map(|chunk| chunk.size).sum::<u64>(), entry.size);
                prop_assert!(chunks.iter().all(|chunk| chunk.stored.start < chunk.stored.end && chunk.stored.end <= 9));
            }
        }
    }
}
