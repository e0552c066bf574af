//! Object storage on a real S3: Versity's gateway, which keeps buckets as folders.

use crate::cluster::free_port;
use crate::server::{Process, get, line, process_with};
use real_tests::{assay, tool, workspace};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A gateway that ends with the test, with one bucket, `assay`.
struct Gateway {
    process: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Gateway {
    fn start() -> Option<Self> {
        let program = tool("versitygw")?;
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("assay")).unwrap();
        let port = free_port();
        let process = Command::new(program)
            .args(["--port", &format!("127.0.0.1:{port}"), "posix"])
            .arg(folder.path())
            .env("ROOT_ACCESS_KEY", "test")
            .env("ROOT_SECRET_KEY", "test-secret")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let gateway = Self { process, port, folder };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(30), "the gateway does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(gateway)
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns the names of what is in the bucket below a prefix.
    fn objects(&self, prefix: &str) -> Vec<String> {
        let folder = self.folder.path().join("assay").join(prefix);
        let files = std::fs::read_dir(folder).into_iter().flatten();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    }
}

#[test]
fn the_tests_of_objects_pass_on_a_real_s3() {
    let Some(gateway) = Gateway::start() else { return };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["test", "--package", "assay-server", "--test", "it", "--", "--nocapture", "objects::"])
        .env("ASSAY_TEST_S3", gateway.url())
        .current_dir(workspace())
        .output()
        .unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}");
    // Not that they were all skipped.
    assert!(text.matches("on http://127.0.0.1:").count() >= 3, "the tests did not run on S3:\n{text}");
}

fn serve(gateway: &Gateway, folder: &Path, port: u16, secret: &str) -> Process {
    let (url, listen) = (gateway.url(), format!("127.0.0.1:{port}"));
    let arguments = ["serve", "--data", "data", "--listen", &listen, "--workers", "0"];
    let objects = ["--objects", "s3://assay/team/documents", "--objects-endpoint", &url];
    let keys = [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", secret)];
    process_with(folder, &[&arguments[..], &objects[..]].concat(), &keys)
}

#[test]
fn a_log_outlives_the_server_in_a_real_s3() {
    let (Some(gateway), Some(curl)) = (Gateway::start(), tool("curl")) else { return };
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut server = serve(&gateway, folder.path(), port, "test-secret");
    let token = line(&mut server, "the first administrator's token, shown only now: ");
    let address = format!("127.0.0.1:{port}");
    let mut state = 1_u64;
    let log: String = (0..500_000)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'a' + u8::try_from(state >> 60).unwrap())
        })
        .collect();
    std::fs::write(folder.path().join("build.log"), &log).unwrap();
    let recorded = Command::new(assay())
        .args(["build", "record", "--server", &format!("http://{address}"), "--outcome", "failure"])
        .args(["--recipe", "0123abc", "--duration", "5", "--log", "build.log"])
        .env("ASSAY_TOKEN", &token)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(recorded.status.success(), "{}", String::from_utf8_lossy(&recorded.stderr));
    let objects = gateway.objects("team/documents");
    // The log, and the one by which the storage is tried.
    assert!(objects.len() == 2 && objects.iter().all(|name| name.len() == 64), "{objects:?}");
    server.kill();
    let mut server = serve(&gateway, folder.path(), port, "test-secret");
    line(&mut server, "note: listening on http://");
    let builds = get(port, "/api/v1/builds", &token).unwrap();
    assert_eq!(builds["items"][0]["logBytes"], 500_000);
    let read = Command::new(curl)
        .args(["--silent", "--fail", "--header", &format!("Authorization: Bearer {token}")])
        .arg(format!("http://{address}/api/v1/builds/1/log"))
        .output()
        .unwrap();
    assert!(read.stdout == log.as_bytes(), "{} bytes", read.stdout.len());
    server.kill();
    // Who has the wrong key learns it at the start, and so does who forgot where the documents are.
    let mut refused = serve(&gateway, folder.path(), port, "wrong");
    line(&mut refused, "caused by: `127.0.0.1:");
    let mut refused =
        process_with(folder.path(), &["serve", "--data", "data", "--listen", "127.0.0.1:0"], &[]);
    line(&mut refused, "error: the server ended");
}
