//! What the engine does with secrets wherever and however they stand in files.

use super::draw::{Draw, base64};
use super::{hits, rule, scanner};
use assay_decode::ReadAt;
use proptest::prelude::*;
use std::io::{self, Write};
use std::time::{Duration, Instant};

fn token(seed: u64) -> String {
    String::from_utf8(Draw::new(seed).sample("ghp_<a:30><crc62>")).unwrap()
}

/// Returns `rule[:line]` for each finding.
fn scan(path: &str, content: &[u8]) -> Vec<String> {
    let found = scanner().scan(path, &content.to_vec(), &mut |_| true).unwrap();
    found
        .hits
        .iter()
        .map(|hit| match hit.line {
            Some(line) => format!("{}:{line}", hit.rule.id),
            None => hit.rule.id.to_owned(),
        })
        .collect()
}

#[test]
fn lines_are_counted_from_one_and_binaries_have_none() {
    let token = token(1);
    assert_eq!(scan("srv/a.py", format!("{token}\n").as_bytes()), ["github-pat:1"]);
    assert_eq!(scan("srv/a.py", format!("a\r\nb\nx = '{token}'\n").as_bytes()), ["github-pat:3"]);
    assert_eq!(scan("srv/a", format!("\0\0\n\n{token}\0").as_bytes()), ["github-pat"]);
}

#[test]
fn the_same_secret_is_said_once_per_file_and_different_ones_each() {
    let (one, other) = (token(1), token(2));
    let text = format!("{one}\n{other}\n{one}\n");
    assert_eq!(scan("srv/a.py", text.as_bytes()), ["github-pat:1", "github-pat:2"]);
}

#[test]
fn base64_is_decoded_once() {
    let inner = format!("[default]\ngithub = {}\n", token(1));
    let once = format!("a: 1\ndata: {}\n", base64(inner.as_bytes()));
    let found = scanner().scan("srv/a.yml", &once.clone().into_bytes(), &mut |_| true).unwrap().hits;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].rule.id, found[0].line, found[0].encoded), ("github-pat", Some(2), true));
    let twice = format!("data: {}", base64(once.as_bytes()));
    assert_eq!(scan("srv/a.yml", twice.as_bytes()), [""; 0]);
}

#[test]
fn what_windows_writes_as_utf_16_is_read() {
    let text = format!("token={}\r\n", token(1));
    let little: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.bytes().flat_map(|byte| [byte, 0])).collect();
    let big: Vec<u8> = [0xfe, 0xff].into_iter().chain(text.bytes().flat_map(|byte| [0, byte])).collect();
    assert_eq!(scan("srv/a.ini", &little), ["github-pat:1"]);
    assert_eq!(scan("srv/a.ini", &big), ["github-pat:1"]);
}

/// Bytes that are not in memory, as a spooled file's.
struct Spooled(Vec<u8>);

impl ReadAt for Spooled {
    fn len(&self) -> u64 {
        u64::try_from(self.0.len()).unwrap()
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        // Short reads are allowed.
        let len = buf.len().min(100_000);
        self.0.read_at(offset, &mut buf[..len])
    }
}

#[test]
fn a_secret_on_the_border_of_two_windows_is_found_once() {
    // One that is found from its start, one from its middle, one by its name, one by an address, one forwards from a name.
    let samples = [
        ("ghp_<a:30><crc62>", "github-pat"),
        ("<b:76>+ASt<b:6>==", "azure-storage-key"),
        ("ASANA_CLIENT_SECRET = \"<h:32>\"", "asana-client-secret"),
        ("https://deploy:x7<a:12>@git.acme.net/", "uri-password"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII<b:61>\n<b:64>\n-----END RSA PRIVATE KEY-----", "private-key"),
    ];
    const WINDOW: usize = 1 << 20;
    const LEAD: usize = 8 << 10;
    for (sample, rule) in samples {
        let secret = Draw::new(1).sample(sample);
        for border in [WINDOW, WINDOW + LEAD, 2 * WINDOW + LEAD] {
            for back in [1, 20, 79, 150] {
                let start = border - back;
                let mut text = vec![b'\n'; start];
                text.extend(&secret);
                text.extend(vec![b'\n'; 2 * WINDOW]);
                let found = scanner().scan("srv/a.conf", &Spooled(text.clone()), &mut |_| true).unwrap().hits;
                let found: Vec<_> = found.iter().map(|hit| (hit.rule.id, hit.line)).collect();
                let line = Some(u32::try_from(start + 1).unwrap());
                assert_eq!(found, [(rule, line)], "{back} before {border}");
                assert_eq!(scan("srv/a.conf", &text), [format!("{rule}:{}", start + 1)], "in memory");
            }
        }
    }
}

/// Writes a zip archive of stored members.
fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in members {
        let offset = u32::try_from(out.len()).unwrap();
        let len = u32::try_from(data.len()).unwrap();
        let mut fields = Vec::new();
        fields.extend([20, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        fields.extend(crc32fast::hash(data).to_le_bytes());
        fields.extend(len.to_le_bytes());
        fields.extend(len.to_le_bytes());
        fields.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        fields.extend([0, 0]);
        out.extend(b"PK\x03\x04");
        out.extend(&fields);
        out.extend(name.bytes());
        out.extend(*data);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&fields);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.bytes());
    }
    let count = u16::try_from(members.len()).unwrap().to_le_bytes();
    let at = u32::try_from(out.len()).unwrap().to_le_bytes();
    let size = u32::try_from(directory.len()).unwrap().to_le_bytes();
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count, count].concat());
    out.extend([size, at].concat());
    out.extend([0, 0]);
    out
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, data) in members {
        let mut header = tar::Header::new_ustar();
        header.set_size(ReadAt::len(&data.to_vec()));
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, name, *data).unwrap();
    }
    archive.into_inner().unwrap()
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(data).unwrap();
    out.finish().unwrap()
}

#[test]
fn archives_are_looked_into_one_level_deep() {
    let text = format!("a\ntoken: {}\n", token(1)).into_bytes();
    let members: &[(&str, &[u8])] =
        &[("conf/a.yml", &text), ("net/acme/A.class", &text), ("logo.png", &text)];
    for (path, archive, member) in [
        ("srv/app.jar", zip(members), "conf/a.yml"),
        ("srv/a.tar", tar(members), "conf/a.yml"),
        ("srv/a.tgz", gzip(&tar(members)), "conf/a.yml"),
        ("srv/dump.sql.gz", gzip(&text), "dump.sql"),
    ] {
        let found = scanner().scan(path, &archive, &mut |_| true).unwrap();
        let said: Vec<_> =
            found.hits.iter().map(|hit| (hit.rule.id, hit.line, hit.member.as_deref())).collect();
        assert_eq!(said, [("github-pat", Some(2), Some(member))], "{path}");
        assert_eq!(found.left_out, None);
        let deeper = zip(&[("lib/inner", &archive)]);
        assert_eq!(scan("srv/outer.zip", &deeper), [""; 0], "{path} in an archive");
        assert_eq!(scan(&format!("srv/node_modules/a/{path}"), &archive), [""; 0], "{path} of a package");
    }
    let war = zip(&[("WEB-INF/classes/A.class", &text)]);
    assert_eq!(scan("srv/shop.war", &war), ["github-pat:2"]);
}

#[test]
fn what_archives_hold_is_bounded_and_what_is_left_out_is_said() {
    let text = vec![b'a'; 1 << 20];
    for archive in [zip(&[("a.txt", &text)]), tar(&[("a.txt", &text)]), gzip(&text)] {
        let found = scanner().scan("srv/a.bin", &archive, &mut |_| false).unwrap();
        assert!(found.left_out.is_some() && found.hits.is_empty());
    }
    let mut damaged = zip(&[("a.txt", &text)]);
    damaged[100] ^= 1;
    assert!(scanner().scan("srv/a.zip", &damaged, &mut |_| true).unwrap().left_out.is_some());
}

#[test]
fn names_count_only_in_the_users_own_files() {
    let text = Draw::new(3).sample("ACME_API_KEY = \"<a:40>\"\n");
    assert_eq!(scan("srv/app/settings.py", &text), ["secret-assignment:1"]);
    for path in [
        "srv/node_modules/a/index.js",
        "usr/lib/python3/dist-packages/a.py",
        "usr/share/a/a.conf",
        "root/go/pkg/mod/a.go",
    ] {
        assert_eq!(scan(path, &text), [""; 0], "{path}");
    }
    // A token of its own shape counts everywhere, but among the tests and examples of packages.
    let text = token(1).into_bytes();
    assert_eq!(scan("srv/node_modules/a/index.js", &text), ["github-pat:1"]);
    assert_eq!(scan("srv/node_modules/a/test/index.js", &text), [""; 0]);
    assert_eq!(scan("usr/share/doc/a/README", &text), [""; 0]);
}

#[test]
fn tests_and_examples_of_the_user_are_of_low_severity() {
    let found = |path: &str| {
        let found = scanner().scan(path, &token(1).into_bytes(), &mut |_| true).unwrap().hits;
        found[0].severity.name()
    };
    assert_eq!(found("srv/app/main.py"), "critical");
    assert_eq!(found("srv/app/tests/main.py"), "low");
    assert_eq!(found("srv/app/settings.example.yml"), "low");
}

#[test]
fn values_of_documentation_are_no_secrets() {
    for text in [
        concat!("aws_access_key_id = AKIA", "IOSFODNN7EXAMPLE"),
        concat!("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRf", "iCYEXAMPLEKEY"),
        "api_key: <your-api-key-goes-here-1234>",
        "API_KEY=${API_KEY_FROM_VAULT_2024}",
        "api_key: {{ .Values.apiKey2024Abcdefg }}",
        "api_key = 'xxxxxxxxxxxxxxxxxxxxxxxx1'",
        "api_key = '00000000-0000-0000-0000-000000000000'",
        concat!(
            "AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlm",
            "EtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
        ),
        "-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----",
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7Zq8T0y2bYk4c9v1m3n5p7r8t9w0x me@host",
        "https://user:password@example.com/",
    ] {
        assert_eq!(scan("srv/app/.env", text.as_bytes()), [""; 0], "{text}");
    }
}

#[test]
fn a_file_of_nothing_but_secrets_gives_few_findings_and_says_so() {
    let text: String = (1..200).map(|seed| token(seed) + "\n").collect();
    let found = scanner().scan("srv/a.txt", &text.into_bytes(), &mut |_| true).unwrap();
    assert!(found.more);
    assert_eq!(found.hits.len(), 50);
}

#[test]
fn texts_made_to_be_slow_are_not() {
    let half_key = "-----BEGIN RSA PRIVATE KEY-----\n".repeat(40_000);
    let starts = "eyJhbGciOiJ".repeat(120_000);
    let secrets = "kind: Secret\n".repeat(100_000);
    let addresses = "a://b:c".repeat(180_000);
    let runs = "A1b2C3d4E5f6G7h8=".repeat(80_000);
    let passwords = "password=".repeat(110_000);
    let curls = "curl -u ".repeat(120_000);
    let base64 = base64("api_key=\n".repeat(100_000).as_bytes());
    for (name, text) in [
        ("half_key", half_key),
        ("starts", starts),
        ("secrets", secrets),
        ("addresses", addresses),
        ("runs", runs),
        ("passwords", passwords),
        ("curls", curls),
        ("base64", base64),
    ] {
        let start = Instant::now();
        scanner().scan("srv/a.conf", &text.into_bytes(), &mut |_| true).unwrap();
        // A thousand times what honest text takes, on a slow and busy machine.
        assert!(start.elapsed() < Duration::from_secs(20), "{name} took {:?}", start.elapsed());
        println!("{name}: {:?}", start.elapsed());
    }
}

proptest! {
    #[test]
    fn any_bytes_are_looked_at(content in prop::collection::vec(any::<u8>(), 0..4000), path in "[a-z./]{1,20}") {
        scanner().scan(&path, &content, &mut |_| true).unwrap();
    }

    #[test]
    fn a_token_is_found_between_any_bytes_that_end_it(
        before in prop::collection::vec(any::<u8>(), 0..200),
        after in prop::collection::vec(any::<u8>(), 0..200),
        seed in 1_u64..1000,
    ) {
        let mut content = before;
        content.extend(b" \"");
        content.extend(token(seed).bytes());
        content.extend(b"\" ");
        content.extend(after);
        // The start may make it an archive or UTF-16.
        content.insert(0, b'#');
        let found = hits(rule("github-pat"), &content);
        prop_assert!(found.iter().any(|hit| hit.rule.id == "github-pat"));
    }
}
