//! A real control plane of Kubernetes: etcd, API server, controller manager, scheduler; and kwok in the place of kubelets.

use crate::services::run;
use real_tests::tool;
use serde_json::Value;
use std::fs::{self, File};
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take that the cluster does by itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who asks the API server: token, name and group.
pub(crate) const ADMIN: (&str, &str, &str) = ("token-admin", "admin", "system:masters");
pub(crate) const DEVELOPER: (&str, &str, &str) = ("token-developer", "dora", "developers");
pub(crate) const ON_CALL: (&str, &str, &str) = ("token-on-call", "otto", "on-call");

/// The control plane, and the programs it is of; all end with it.
pub(crate) struct Cluster {
    folder: TempDir,
    curl: PathBuf,
    address: String,
    programs: Vec<(String, Child)>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for (_, program) in self.programs.iter_mut().rev() {
            let _ = program.kill();
            let _ = program.wait();
        }
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until there is something, and returns it.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut found: impl FnMut() -> Result<T, String>) -> T {
    let begun = Instant::now();
    loop {
        match found() {
            Ok(found) => return found,
            Err(said) => assert!(begun.elapsed() < PATIENCE, "{what}: {said}"),
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

impl Cluster {
    /// Starts one whose API server is told by `admission`, an AdmissionConfiguration, how to show itself to webhooks. `None` when a
    /// program is missing.
    pub(crate) fn start(admission: &str) -> Option<Self> {
        let programs =
            ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "openssl"];
        let programs: Vec<PathBuf> = programs.iter().map(|name| tool(name)).collect::<Option<_>>()?;
        let [etcd, api_server, controllers, scheduler, kwok, openssl] = &programs[..] else { return None };
        let mut cluster = Self {
            folder: tempfile::tempdir().unwrap(),
            curl: tool("curl")?,
            address: format!("127.0.0.1:{}", free_port()),
            programs: Vec::new(),
        };
        let path = |name: &str| cluster.folder.path().join(name).display().to_string();
        let store = format!("http://127.0.0.1:{}", free_port());
        let peers = format!("http://127.0.0.1:{}", free_port());
        let (data, accounts, tokens, admitting) =
            (path("etcd"), path("accounts.key"), path("tokens.csv"), path("admission.yaml"));
        let (certificates, kubeconfig) = (path("certificates"), path("kubeconfig"));
        run(openssl, &["genrsa", "-out", &accounts, "2048"]);
        let lines = [ADMIN, DEVELOPER, ON_CALL]
            .map(|(token, name, group)| format!("{token},{name},{name},\"{group}\"\n"));
        fs::write(&tokens, lines.concat()).unwrap();
        fs::write(&admitting, admission).unwrap();
        let config = format!(
            "apiVersion: v1\nkind: Config\nclusters: [{{name: c, cluster: {{server: 'https://{}', insecure-skip-tls-verify: true}}}}]\n\
             users: [{{name: u, user: {{token: {}}}}}]\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]\ncurrent-context: x\n",
            cluster.address, ADMIN.0
        );
        fs::write(&kubeconfig, config).unwrap();
        let stages = tools_file("kwok-stages/stages.yaml");
        let port = cluster.address.rsplit_once(':').unwrap().1.to_owned();

        cluster.run(
            etcd,
            &[
                "--data-dir",
                &data,
                "--listen-client-urls",
                &store,
                "--advertise-client-urls",
                &store,
                "--listen-peer-urls",
                &peers,
                "--initial-advertise-peer-urls",
                &peers,
                "--initial-cluster",
                &format!("default={peers}"),
                "--unsafe-no-fsync",
            ],
        );
        cluster.run(
            api_server,
            &[
                "--etcd-servers",
                &store,
                "--service-account-issuer=https://cluster",
                "--service-account-signing-key-file",
                &accounts,
                "--service-account-key-file",
                &accounts,
                "--token-auth-file",
                &tokens,
                "--secure-port",
                &port,
                "--bind-address=127.0.0.1",
                "--cert-dir",
                &certificates,
                "--authorization-mode=RBAC",
                "--service-cluster-ip-range=10.0.0.0/24",
                "--disable-admission-plugins=ServiceAccount",
                "--admission-control-config-file",
                &admitting,
                "--feature-gates=ImageVolume=true",
            ],
        );
        eventually("the API server starts", || match cluster.ask(ADMIN, "GET", "/readyz", "") {
            (200, _) => Ok(()),
            (status, answer) => Err(format!("{status} {answer} {}", cluster.log("kube-apiserver"))),
        });
        cluster.run(
            controllers,
            &[
                "--kubeconfig",
                &kubeconfig,
                "--service-account-private-key-file",
                &accounts,
                "--leader-elect=false",
                "--secure-port=0",
            ],
        );
        cluster.run(scheduler, &["--kubeconfig", &kubeconfig, "--leader-elect=false", "--secure-port=0"]);
        cluster.run(
            kwok,
            &[
                "--kubeconfig",
                &kubeconfig,
                "--manage-all-nodes=true",
                &format!("--config={}", stages.display()),
                "--server-address=",
            ],
        );
        cluster.apply(
            ADMIN,
            "v1",
            "Node",
            "",
            "node",
            "status: {capacity: {cpu: 64, memory: 64Gi, pods: 1000}, \
            allocatable: {cpu: 64, memory: 64Gi, pods: 1000}}",
        );
        for (_, name, group) in [DEVELOPER, ON_CALL] {
            let bound = format!(
                "roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}}\n\
                 subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: Group, name: {group}}}]"
            );
            cluster.apply(ADMIN, "rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "", name, &bound);
        }
        Some(cluster)
    }

    fn run(&mut self, program: &Path, arguments: &[&str]) {
        let name = program.file_name().unwrap().to_string_lossy().into_owned();
        let log = File::create(self.folder.path().join(format!("{name}.log"))).unwrap();
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        let child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        self.programs.push((name, child));
    }

    /// Returns the end of a program's log.
    pub(crate) fn log(&self, name: &str) -> String {
        let text = fs::read_to_string(self.folder.path().join(format!("{name}.log"))).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(5)..].join("\n")
    }

    /// Asks the API server as somebody, and returns status and answer. A body is YAML, for a PATCH that of a server-side apply unless
    /// it is JSON, which is a merge patch.
    pub(crate) fn ask(&self, who: (&str, &str, &str), method: &str, path: &str, body: &str) -> (u16, Value) {
        let kind = match method {
            "PATCH" if body.starts_with('{') => "application/merge-patch+json",
            "PATCH" => "application/apply-patch+yaml",
            _ => "application/yaml",
        };
        let mut command = Command::new(&self.curl);
        command.args([
            "--silent",
            "--insecure",
            "--max-time",
            "40",
            "--request",
            method,
            "--write-out",
            "\n%{http_code}",
        ]);
        command.args(["--header", &format!("Authorization: Bearer {}", who.0)]);
        command.args(["--header", &format!("Content-Type: {kind}"), "--header", "Accept: application/json"]);
        if !body.is_empty() {
            command.args(["--data-binary", "@-"]);
        }
        command.arg(format!("https://{}{path}", self.address));
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(body.as_bytes()).unwrap();
        let text = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        let (answer, status) = text.rsplit_once('\n').unwrap();
        (status.parse().unwrap(), serde_json::from_str(answer).unwrap_or_else(|_| answer.into()))
    }

    /// Makes or changes an object, by a server-side apply, and returns status and answer.
    pub(crate) fn try_apply(
        &self,
        who: (&str, &str, &str),
        (version, kind, namespace, name): (&str, &str, &str, &str),
        query: &str,
        content: &str,
    ) -> (u16, Value) {
        let space = if namespace.is_empty() { String::new() } else { format!("\n  namespace: {namespace}") };
        let document = if content.starts_with("apiVersion:") || content.contains("\napiVersion:") {
            content.to_owned()
        } else {
            format!("apiVersion: {version}\nkind: {kind}\nmetadata:\n  name: {name}{space}\n{content}\n")
        };
        let path =
            format!("{}/{name}?fieldManager=test&force=true{query}", list_path(version, kind, namespace));
        self.ask(who, "PATCH", &path, &document)
    }

    /// As [`Self::try_apply`], of something that must be taken.
    #[track_caller]
    pub(crate) fn apply(
        &self,
        who: (&str, &str, &str),
        version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
        content: &str,
    ) {
        let (status, answer) = self.try_apply(who, (version, kind, namespace, name), "", content);
        assert!(status == 200 || status == 201, "{kind} {name}: {status} {answer}");
    }

    /// Applies all documents of a manifest.
    #[track_caller]
    pub(crate) fn apply_all(&self, manifest: &str) {
        for document in manifest.split("\n---").filter(|document| document.contains("\nkind:")) {
            let field = |start: &str| {
                let line = document.lines().find_map(|line| line.strip_prefix(start));
                line.unwrap_or_default().trim().to_owned()
            };
            let namespace = field("  namespace: ");
            self.apply(
                ADMIN,
                &field("apiVersion: "),
                &field("kind: "),
                &namespace,
                &field("  name: "),
                document,
            );
        }
    }
}

/// Returns the address of the objects of a kind.
pub(crate) fn list_path(version: &str, kind: &str, namespace: &str) -> String {
    let root = if version.contains('/') { "apis" } else { "api" };
    let plural = match kind {
        "NetworkPolicy" => "networkpolicies".to_owned(),
        kind => format!("{}s", kind.to_lowercase()),
    };
    if namespace.is_empty() {
        format!("/{root}/{version}/{plural}")
    } else {
        format!("/{root}/{version}/namespaces/{namespace}/{plural}")
    }
}

/// Returns a file below `target/tools`, which is there when a program of the same step is.
fn tools_file(name: &str) -> PathBuf {
    real_tests::workspace().join("target/tools").join(name)
}
