//! The tests of `assay-store` on a real PostgreSQL, Debian's, in a folder of its own.

use real_tests::{tool, workspace};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server that ends with the test.
pub(crate) struct Postgres {
    process: Child,
    folder: tempfile::TempDir,
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Postgres {
    /// Returns the socket that it listens on.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join(".s.PGSQL.5432")
    }

    /// Returns the address of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://assay@localhost/{database}?host={}", self.folder.path().display())
    }
}

/// Returns a program of PostgreSQL: Debian keeps those of the server in a folder per version, outside the `PATH`.
fn program(name: &str) -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin").join(name)))
        .filter(|path| path.is_file())
        .collect();
    versions.sort();
    versions.pop().or_else(|| tool(name))
}

/// Returns a command that does not run as root, which PostgreSQL refuses to.
fn as_user(program: &Path, root: bool) -> Command {
    if !root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
    command
}

/// Starts one on a socket of its own.
pub(crate) fn start() -> Option<Postgres> {
    let (initdb, postgres) = (program("initdb")?, program("postgres")?);
    let folder = tempfile::tempdir().unwrap();
    let root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    if root {
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        assert!(Command::new("chown").arg("postgres").arg(folder.path()).status().unwrap().success());
    }
    let data = folder.path().join("data");
    let made = as_user(&initdb, root)
        .args(["--auth=trust", "--username=assay", "--no-sync", "-D"])
        .arg(&data)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let process = as_user(&postgres, root)
        .args(["-c", "listen_addresses=", "-c", "max_connections=300", "-D"])
        .arg(&data)
        .arg("-k")
        .arg(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let server = Postgres { process, folder };
    let socket = server.folder.path().join(".s.PGSQL.5432");
    let begun = Instant::now();
    while !socket.exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "PostgreSQL does not start");
        std::thread::sleep(Duration::from_millis(50));
    }
    Some(server)
}

#[test]
fn the_store_behaves_on_postgresql_as_on_sqlite() {
    let Some(server) = start() else { return };
    let url = server.url("{name}");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["test", "--package", "assay-store", "--test", "it", "--", "--nocapture"])
        .env("ASSAY_TEST_POSTGRES", url)
        .current_dir(workspace())
        .output()
        .unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}");
    // Not that they were all skipped.
    assert!(text.matches("on postgres://").count() > 20, "the tests did not run on PostgreSQL:\n{text}");
}
