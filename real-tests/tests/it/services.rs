//! Services and tools of other people that several topics start: `docker-registry`, podman's socket, skopeo.

use assay_test::image::BuiltImage;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that ends with the test.
pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a command to its end and returns what it printed.
#[track_caller]
pub(crate) fn run(program: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(arguments).output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} {arguments:?}: {words}", program.display());
    output.stdout
}

/// Starts Debian's `docker-registry`, with `http` and `more` in its configuration, and returns its address.
pub(crate) fn registry(program: &Path, folder: &Path, http: &str, more: &str) -> (Running, String) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let storage = folder.join(format!("registry-{port}"));
    let config = folder.join(format!("registry-{port}.yml"));
    let text = format!(
        "version: 0.1\nlog: {{level: error}}\nstorage:\n  filesystem: {{rootdirectory: {}}}\n  \
         delete: {{enabled: true}}\n\
         http:\n  addr: 127.0.0.1:{port}\n{http}{more}",
        storage.display()
    );
    fs::write(&config, text).unwrap();
    let mut command = Command::new(program);
    command.arg("serve").arg(&config).stdout(Stdio::null()).stderr(Stdio::null());
    let running = Running(command.spawn().unwrap());
    wait("docker-registry", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    (running, format!("localhost:{port}"))
}

/// Returns what a `docker-registry` is configured with to tell a server of pushes.
pub(crate) fn notifications(listen: &str, token: &str) -> String {
    format!(
        "notifications:\n  endpoints:\n    - name: assay\n      url: http://{listen}/webhooks/distribution\n      \
         headers: {{Authorization: [Bearer {token}]}}\n      timeout: 5s\n      threshold: 3\n      backoff: 1s\n"
    )
}

/// Pushes an image by skopeo, with more of its options.
pub(crate) fn push(skopeo: &Path, folder: &Path, image: &BuiltImage, name: &str, options: &[&str]) {
    let layout = folder.join(image.digest().replace(':', "-"));
    fs::create_dir_all(&layout).unwrap();
    image.write_layout(&layout, "app");
    let (from, to) = (format!("oci:{}:app", layout.display()), format!("docker://{name}"));
    let copy = ["copy", "--quiet", "--dest-tls-verify=false"];
    run(skopeo, &[&copy, options, &[&from, &to]].concat());
}

/// Starts the registry with the referrers API that `cargo xtask tools` builds, and returns its address.
pub(crate) fn referrers_registry(program: &Path) -> (Running, String) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new(program);
    command.arg(format!("127.0.0.1:{port}")).stdout(Stdio::null()).stderr(Stdio::null());
    let running = Running(command.spawn().unwrap());
    wait("the registry with the referrers API", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    (running, format!("localhost:{port}"))
}

/// Loads a `docker save` archive into a store of its own below `folder`, starts podman's service on it and returns its socket.
pub(crate) fn podman_service(program: &Path, folder: &Path, archive: &Path) -> (Running, PathBuf) {
    let at = |name: &str| folder.join(name).display().to_string();
    let store = ["--storage-driver", "vfs", "--root", &at("root"), "--runroot", &at("run")];
    let load = ["load", "--quiet", "--input", &archive.display().to_string()];
    run(program, &[&store[..], &load].concat());
    let socket = folder.join("podman.sock");
    let mut service = Command::new(program);
    service.args(store).args(["system", "service", "--time", "600", &format!("unix://{}", socket.display())]);
    let running = Running(service.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    wait("podman", || socket.exists());
    (running, socket)
}

/// Waits until `ready`.
fn wait(what: &str, ready: impl Fn() -> bool) {
    let start = Instant::now();
    while !ready() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what} did not start");
        std::thread::sleep(Duration::from_millis(50));
    }
}
