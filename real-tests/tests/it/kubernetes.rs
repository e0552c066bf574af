//! Admission under a real control plane, with the webhooks as the shipped chart registers them.

use crate::cluster::{ADMIN, Cluster, DEVELOPER, ON_CALL, eventually, free_port, list_path};
use crate::server::{Process, line, process};
use crate::services::{Running, registry, run};
use assay_test::image::{Builder, Tree};
use real_tests::{tool, workspace};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tempfile::TempDir;

const POLICY: &str = "apiVersion: assay.dev/v1
kind: ImagePolicy
metadata: {name: shop}
tiers:
  - name: shop
    match: {namespaces: [shop]}
    onPending: wait
  - name: production
    match: {labels: {environment: production}}
    onPending: wait
rules:
  - nonRoot: {}
";

/// Everything but the cluster: a registry with a good and a bad image, Assay, and the certificates of both ends.
struct Shop {
    folder: TempDir,
    openssl: PathBuf,
    curl: PathBuf,
    _registry: Running,
    host: String,
    good: String,
    port: u16,
    assay: Option<Process>,
    token: String,
}

impl Shop {
    fn open() -> Option<Self> {
        let (docker_registry, skopeo) = (tool("docker-registry")?, tool("skopeo")?);
        let (openssl, curl) = (tool("openssl")?, tool("curl")?);
        let folder = tempfile::tempdir().unwrap();
        let (running, host) = registry(&docker_registry, folder.path(), "", "");
        let mut good = String::new();
        for (name, user) in [("good", "1000"), ("bad", "root"), ("other", "1000"), ("unseen", "1000")] {
            let tree = Tree::new().file("etc/name", name);
            let image = Builder::new().runtime("User", user.into()).layer(tree, "COPY . /").build();
            let layout = folder.path().join(name);
            fs::create_dir_all(&layout).unwrap();
            image.write_layout(&layout, "app");
            let (from, to) =
                (format!("oci:{}:app", layout.display()), format!("docker://{host}/team/{name}:1"));
            run(&skopeo, &["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false", &from, &to]);
            if name == "good" {
                good = image.digest();
            }
        }
        let mut shop = Self {
            folder,
            openssl,
            curl,
            _registry: running,
            host,
            good,
            port: free_port(),
            assay: None,
            token: String::new(),
        };
        shop.write("policy.yaml", POLICY);
        shop.write("advisories/GHSA-xvch-5gv4-984h.json", crate::pipeline::ADVISORY);
        shop.authority("server-authority");
        shop.authority("client-authority");
        shop.certificate("server-authority", "tls", "subjectAltName=IP:127.0.0.1");
        shop.certificate("client-authority", "client", "extendedKeyUsage=clientAuth");
        run(
            &real_tests::assay(),
            &["db", "build", "--quiet", "--from", &shop.path("advisories"), "--out", &shop.path("own.db")],
        );
        shop.token = shop.start();
        Some(shop)
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn authority(&self, name: &str) {
        let (key, certificate) = (self.path(&format!("{name}.key")), self.path(&format!("{name}.crt")));
        let request =
            ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
        let subject = format!("/CN={name}");
        run(
            &self.openssl,
            &[&request[..], &["-subj", &subject, "-keyout", &key, "-out", &certificate]].concat(),
        );
    }

    /// Makes a certificate, or another in its place: the files are replaced one after the other.
    fn certificate(&self, authority: &str, name: &str, extension: &str) {
        let (key, wish, certificate) = (self.path("new.key"), self.path("new.csr"), self.path("new.crt"));
        let request =
            ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=assay"];
        run(&self.openssl, &[&request[..], &["-keyout", &key, "-out", &wish]].concat());
        self.write("extensions", extension);
        let (issuer, secret, extensions) = (
            self.path(&format!("{authority}.crt")),
            self.path(&format!("{authority}.key")),
            self.path("extensions"),
        );
        let sign = [
            "x509",
            "-req",
            "-in",
            &wish,
            "-CA",
            &issuer,
            "-CAkey",
            &secret,
            "-days",
            "2",
            "-extfile",
            &extensions,
        ];
        run(&self.openssl, &[&sign[..], &["-out", &certificate]].concat());
        fs::rename(key, self.path(&format!("{name}.key"))).unwrap();
        fs::rename(certificate, self.path(&format!("{name}.crt"))).unwrap();
    }

    /// Starts Assay, and returns the first administrator's token where it is made now.
    fn start(&mut self) -> String {
        let (listen, database) = (format!("127.0.0.1:{}", self.port), self.path("own.db"));
        let mut assay = process(
            self.folder.path(),
            &[
                "serve",
                "--data",
                "data",
                "--db",
                &database,
                "--listen",
                &listen,
                "--registry",
                &self.host,
                "--policy",
                "policy.yaml",
                "--tls-certificate",
                "tls.crt",
                "--tls-key",
                "tls.key",
                "--client-ca",
                "client-authority.crt",
                "--break-glass",
                "group:on-call",
                "--workload",
                "example.org/Crate=/spec/template/spec",
            ],
        );
        // The token is the last that it says when it starts for the first time.
        let last = if self.token.is_empty() {
            "the first administrator's token, shown only now: "
        } else {
            "note: listening on "
        };
        let token = line(&mut assay, last);
        self.assay = Some(assay);
        token
    }

    fn stop(&mut self) {
        self.assay.take().unwrap().kill();
    }

    fn image(&self, name: &str) -> String {
        format!("{}/team/{name}:1", self.host)
    }

    fn ask(&self, path: &str) -> String {
        let (authority, header) =
            (self.path("server-authority.crt"), format!("Authorization: Bearer {}", self.token));
        let address = format!("https://127.0.0.1:{}{path}", self.port);
        let answer = run(
            &self.curl,
            &["--silent", "--show-error", "--cacert", &authority, "--header", &header, &address],
        );
        String::from_utf8(answer).unwrap()
    }

    /// Returns the serial number of the certificate that Assay shows.
    fn serial(&self) -> String {
        let at = format!("127.0.0.1:{}", self.port);
        let shown = run(&self.openssl, &["s_client", "-connect", &at]);
        let file = self.path("shown.pem");
        fs::write(&file, shown).unwrap();
        String::from_utf8(run(&self.openssl, &["x509", "-noout", "-serial", "-in", &file])).unwrap()
    }

    /// Returns what tells the API server which certificate to show to Assay.
    fn admission_configuration(&self) -> String {
        let kubeconfig = format!(
            "apiVersion: v1\nkind: Config\nusers: [{{name: '127.0.0.1:{}', user: {{client-certificate: {}, client-key: {}}}}}]\n",
            self.port,
            self.path("client.crt"),
            self.path("client.key")
        );
        self.write("webhooks.kubeconfig", &kubeconfig);
        let one = |name: &str| {
            format!(
                "  - name: {name}\n    configuration:\n      apiVersion: apiserver.config.k8s.io/v1\n      \
                 kind: WebhookAdmissionConfiguration\n      kubeConfigFile: {}\n",
                self.path("webhooks.kubeconfig")
            )
        };
        format!(
            "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n{}{}",
            one("ValidatingAdmissionWebhook"),
            one("MutatingAdmissionWebhook")
        )
    }

    /// Returns the chart's manifest for an Assay outside of the cluster, with these values besides.
    fn chart(&self, helm: &Path, values: &[&str]) -> String {
        let (authority, url) = (
            format!("tls.authority={}", self.path("server-authority.crt")),
            format!("webhook.url=https://127.0.0.1:{}", self.port),
        );
        let custom = "webhook.customResources=[{\"group\":\"example.org\",\"version\":\"v1\",\"resource\":\"crates\",\"kind\":\"Crate\",\"path\":\"/spec/template/spec\"}]";
        let base = [
            "--set-file",
            &authority,
            "--set",
            &url,
            "--set-json",
            custom,
            "--set",
            "tls.secret=assay-tls",
            "--set",
            "webhook.tierLabels={environment}",
            "--set",
            "postgres.secret=database",
            "--set",
            "webhook.cluster=eu-1",
        ];
        let more: Vec<&str> = values.iter().flat_map(|value| ["--set", *value]).collect();
        render(helm, &[&base[..], &more].concat())
    }
}

pub(crate) fn render(helm: &Path, arguments: &[&str]) -> String {
    let chart = workspace().join("deploy/chart/assay").display().to_string();
    let base = ["template", "assay", &chart, "--namespace", "assay-system", "--kube-version", "1.35.0"];
    String::from_utf8(run(helm, &[&base[..], arguments].concat())).unwrap()
}

fn pod(images: &[&str]) -> String {
    let containers: Vec<String> = images
        .iter()
        .enumerate()
        .map(|(number, image)| format!("{{name: c{number}, image: '{image}'}}"))
        .collect();
    format!("spec: {{containers: [{}]}}", containers.join(", "))
}

/// Returns a controller of that kind, whose pods run the image.
fn controller(kind: &str, name: &str, image: &str) -> String {
    let labels = format!("metadata: {{labels: {{app: {name}, environment: test}}}}");
    let restart = if kind.ends_with("Job") { ", restartPolicy: Never" } else { "" };
    let template =
        format!("template: {{{labels}, spec: {{containers: [{{name: c, image: '{image}'}}]{restart}}}}}");
    let selector = format!("selector: {{matchLabels: {{app: {name}}}}}");
    match kind {
        "Job" => format!("spec: {{{template}}}"),
        "CronJob" => format!("spec: {{schedule: '* * * * *', jobTemplate: {{spec: {{{template}}}}}}}"),
        "StatefulSet" => format!("spec: {{serviceName: {name}, {selector}, {template}}}"),
        "DaemonSet" => format!("spec: {{{selector}, {template}}}"),
        "Crate" => format!("spec: {{{template}}}"),
        _ => format!("spec: {{replicas: 1, {selector}, {template}}}"),
    }
}

const KINDS: [(&str, &str); 7] = [
    ("apps/v1", "Deployment"),
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
    ("example.org/v1", "Crate"),
];

const CRATES: &str = "spec: {group: example.org, scope: Namespaced, names: {kind: Crate, plural: crates, singular: crate, listKind: CrateList}, \
    versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]}";

/// The reason that the policy gives.
const ROOT: &str = "nonRoot";

#[track_caller]
fn check_denied((status, answer): &(u16, Value)) {
    let message = answer["message"].as_str().unwrap_or_default();
    assert!(
        *status == 403 && message.contains("denied the request") && message.contains(ROOT),
        "{status} {answer}"
    );
}

#[track_caller]
fn check_taken((status, answer): &(u16, Value)) {
    assert!(*status == 200 || *status == 201, "{status} {answer}");
}

fn images_of(pod: &Value) -> Vec<String> {
    let containers = pod["spec"]["containers"].as_array().cloned().unwrap_or_default();
    containers.iter().map(|one| one["image"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Waits until so many pods of an application run, and returns their images.
#[track_caller]
fn running(cluster: &Cluster, namespace: &str, selector: &str, count: usize) -> Vec<String> {
    eventually(&format!("{count} pods of `{selector}` run"), || {
        let path = format!("/api/v1/namespaces/{namespace}/pods?labelSelector={selector}");
        let (_, pods) = cluster.ask(ADMIN, "GET", &path, "");
        let up: Vec<Value> = pods["items"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|pod| pod["status"]["phase"] == "Running")
            .cloned()
            .collect();
        if up.len() == count {
            Ok(up.iter().flat_map(images_of).collect())
        } else {
            Err(format!("{pods} {}", cluster.log("kwok")))
        }
    })
}

/// Waits for an event about an object that holds the text.
#[track_caller]
fn event(cluster: &Cluster, kind: &str, name: &str, text: &str) {
    eventually(&format!("an event of {kind} `{name}` says `{text}`"), || {
        let (_, events) = cluster.ask(ADMIN, "GET", "/api/v1/namespaces/shop/events?limit=500", "");
        let messages: Vec<&str> = events["items"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|event| event["involvedObject"]["kind"] == kind)
            .filter(|event| event["involvedObject"]["name"].as_str().is_some_and(|is| is.starts_with(name)))
            .filter_map(|event| event["message"].as_str())
            .collect();
        if messages.iter().any(|message| message.contains(text)) {
            Ok(())
        } else {
            Err(format!("{messages:?}"))
        }
    });
}

#[test]
fn a_cluster_runs_what_the_policy_admits_and_nothing_else() {
    let Some(helm) = tool("helm") else { return };
    let Some(mut shop) = Shop::open() else { return };
    let Some(cluster) = Cluster::start(&shop.admission_configuration()) else { return };
    for namespace in ["assay-system", "shop"] {
        cluster.apply(ADMIN, "v1", "Namespace", "", namespace, "");
    }
    cluster.apply(
        ADMIN,
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "",
        "crates.example.org",
        CRATES,
    );
    cluster.apply_all(&shop.chart(&helm, &[]));
    let (good, bad) = (shop.image("good"), shop.image("bad"));
    let pinned = format!("{good}@{}", shop.good);

    // Assay's own pods are never asked about: nobody could answer.
    assert_eq!(running(&cluster, "assay-system", "app.kubernetes.io/component=server", 1).len(), 2);
    // Whoever shows no certificate is not answered.
    let validate = format!("https://127.0.0.1:{}/admission/validate", shop.port);
    let (authority, status) =
        (shop.path("server-authority.crt"), ["--write-out", "%{http_code}", "--output", "/dev/null"]);
    let stranger = [&["--silent", "--cacert", &authority, "--data", "{}", &validate][..], &status].concat();
    assert_eq!(run(&shop.curl, &stranger), b"401");

    pods_are_judged_and_pinned(&cluster, &shop, &good, &bad, &pinned);
    // The API server takes the name in the path, and tells it.
    let known: Value = serde_json::from_str(&shop.ask(&format!("/api/v1/images/{}", shop.good))).unwrap();
    assert_eq!(
        (&known["admitted"][0]["cluster"], &known["admitted"][0]["namespace"]),
        (&"eu-1".into(), &"shop".into())
    );
    controllers_are_judged_when_they_are_made(&cluster, &good, &bad);
    assert_eq!(running(&cluster, "shop", "app=deployment", 1), [pinned.as_str()]);
    // Without that, the controllers learn it from their pods.
    cluster.apply_all(&shop.chart(&helm, &["webhook.controllers=false"]));
    for (version, kind, owner) in [
        ("apps/v1", "Deployment", "ReplicaSet"),
        ("apps/v1", "StatefulSet", "StatefulSet"),
        ("apps/v1", "DaemonSet", "DaemonSet"),
        ("batch/v1", "Job", "Job"),
    ] {
        let name = format!("refused-{}", kind.to_lowercase());
        check_taken(&cluster.try_apply(
            DEVELOPER,
            (version, kind, "shop", &name),
            "",
            &controller(kind, &name, &bad),
        ));
        event(&cluster, owner, &name, ROOT);
    }
    cluster.apply_all(&shop.chart(&helm, &[]));

    who_may_break_the_glass_leaves_a_trace(&cluster, &shop, &bad);
    certificates_change_under_load(&cluster, &shop, &good);
    an_outage_keeps_nobody_from_what_brings_nothing_in(&cluster, &mut shop, &good, &pinned);
}

fn pods_are_judged_and_pinned(cluster: &Cluster, shop: &Shop, good: &str, bad: &str, pinned: &str) {
    let make = |name: &str, query: &str, content: &str| {
        cluster.try_apply(DEVELOPER, ("v1", "Pod", "shop", name), query, content)
    };
    // A dry run asks for nothing, and nothing has been seen yet.
    let (status, answer) = make("dry", "&dryRun=All", &pod(&[&shop.image("unseen")]));
    assert_eq!(status, 403, "{answer}");
    assert!(!shop.ask("/api/v1/images").contains("team/unseen"));
    check_denied(&make("bad", "", &pod(&[bad])));
    check_denied(&make("mixed", "", &pod(&[good, bad])));
    check_denied(&make("dry", "&dryRun=All", &pod(&[bad])));
    let made = make("good", "", &pod(&[good]));
    check_taken(&made);
    assert_eq!(images_of(&made.1), [pinned]);
    check_denied(&make(
        "bad-start",
        "",
        &format!(
            "spec: {{initContainers: [{{name: i, image: '{bad}'}}], containers: [{{name: c, image: '{good}'}}]}}"
        ),
    ));
    let volume = |image: &str| {
        format!(
            "spec: {{containers: [{{name: c, image: '{good}'}}], volumes: [{{name: v, image: {{reference: '{image}'}}}}]}}"
        )
    };
    check_denied(&make("bad-volume", "", &volume(bad)));
    let (status, with_volume) = make("volume", "", &volume(good));
    assert_eq!(
        (status, with_volume["spec"]["volumes"][0]["image"]["reference"].as_str()),
        (201, Some(pinned))
    );
    // What `kubectl debug` does.
    let debug = |image: &str| {
        let body =
            serde_json::json!({ "spec": { "ephemeralContainers": [{ "name": "debug", "image": image }] } });
        cluster.ask(
            DEVELOPER,
            "PATCH",
            "/api/v1/namespaces/shop/pods/good/ephemeralcontainers",
            &body.to_string(),
        )
    };
    check_denied(&debug(bad));
    let (status, debugged) = debug(good);
    assert_eq!((status, debugged["spec"]["ephemeralContainers"][0]["image"].as_str()), (200, Some(pinned)));
    // Another image in a pod that runs.
    let replaced = serde_json::json!({ "spec": { "containers": [{ "name": "c0", "image": bad }] } });
    check_denied(&cluster.ask(
        DEVELOPER,
        "PATCH",
        "/api/v1/namespaces/shop/pods/good",
        &replaced.to_string(),
    ));
}

fn controllers_are_judged_when_they_are_made(cluster: &Cluster, good: &str, bad: &str) {
    for (version, kind) in KINDS {
        let name = kind.to_lowercase();
        let make = |image: &str| {
            cluster.try_apply(DEVELOPER, (version, kind, "shop", &name), "", &controller(kind, &name, image))
        };
        check_denied(&make(bad));
        check_taken(&make(good));
        // An update is judged as well; a job cannot be changed at all.
        if kind != "Job" {
            check_denied(&make(bad));
        }
    }
}

fn who_may_break_the_glass_leaves_a_trace(cluster: &Cluster, shop: &Shop, bad: &str) {
    let annotated = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: claimed, namespace: shop, annotations: {{assay.dev/break-glass: 'true'}}}}\n{}",
        pod(&[bad])
    );
    check_denied(&cluster.try_apply(DEVELOPER, ("v1", "Pod", "shop", "claimed"), "", &annotated));
    assert!(!shop.ask("/api/v1/events").contains("break-glass"));
    check_taken(&cluster.try_apply(ON_CALL, ("v1", "Pod", "shop", "emergency"), "", &pod(&[bad])));
    let events = shop.ask("/api/v1/events");
    assert!(events.contains("break-glass") && events.contains("otto"), "{events}");
}

fn certificates_change_under_load(cluster: &Cluster, shop: &Shop, good: &str) {
    let (before, ended) = (shop.serial(), AtomicBool::new(false));
    let (asked, failed) = (AtomicU64::new(0), std::sync::Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for number in 0..3 {
            let (ended, asked, failed) = (&ended, &asked, &failed);
            scope.spawn(move || {
                let mut turn = 0;
                while !ended.load(Ordering::Relaxed) {
                    turn += 1;
                    let name = format!("load-{number}-{turn}");
                    let said = cluster.try_apply(
                        DEVELOPER,
                        ("v1", "Pod", "shop", &name),
                        "&dryRun=All",
                        &pod(&[good]),
                    );
                    asked.fetch_add(1, Ordering::Relaxed);
                    if said.0 != 201 {
                        failed.lock().unwrap().push(said);
                    }
                }
            });
        }
        shop.certificate("server-authority", "tls", "subjectAltName=IP:127.0.0.1");
        let changed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            eventually("the new certificate is shown", || match shop.serial() {
                serial if serial == before => Err(serial),
                _ => Ok(()),
            });
        }));
        std::thread::sleep(Duration::from_secs(1));
        ended.store(true, Ordering::Relaxed);
        changed.unwrap();
    });
    assert!(asked.load(Ordering::Relaxed) > 10);
    assert_eq!(*failed.lock().unwrap(), []);
}

fn an_outage_keeps_nobody_from_what_brings_nothing_in(
    cluster: &Cluster,
    shop: &mut Shop,
    good: &str,
    pinned: &str,
) {
    shop.stop();
    let (status, answer) = cluster.try_apply(DEVELOPER, ("v1", "Pod", "shop", "during"), "", &pod(&[good]));
    assert_eq!(status, 500, "{answer}");
    assert!(answer["message"].as_str().unwrap().contains("failed calling webhook"), "{answer}");
    let change = |path: &str, body: &str| cluster.ask(DEVELOPER, "PATCH", path, body);
    let in_shop =
        |version: &str, kind: &str, name: &str| format!("{}/{name}", list_path(version, kind, "shop"));
    let label = r#"{"metadata": {"labels": {"colour": "green"}}}"#;
    check_taken(&change(&in_shop("v1", "Pod", "good"), label));
    check_taken(&change(&in_shop("apps/v1", "Deployment", "deployment"), label));
    check_taken(&change(&in_shop("example.org/v1", "Crate", "crate"), label));
    check_taken(&change(&in_shop("apps/v1", "Deployment", "deployment"), r#"{"spec": {"replicas": 2}}"#));
    let scale = format!("{}/scale", in_shop("apps/v1", "StatefulSet", "statefulset"));
    check_taken(&change(&scale, r#"{"spec": {"replicas": 2}}"#));
    // A label that a tier looks at changes what holds for it.
    let tier = r#"{"metadata": {"labels": {"environment": "production"}}}"#;
    assert_eq!(change(&in_shop("v1", "Pod", "good"), tier).0, 500);
    event(cluster, "ReplicaSet", "deployment", "failed calling webhook");
    // Assay's own pods come up again meanwhile: nothing waits for nobody.
    let path = "/api/v1/namespaces/assay-system/pods?labelSelector=app.kubernetes.io/component=server";
    check_taken(&cluster.ask(ADMIN, "DELETE", path, ""));
    assert_eq!(running(cluster, "assay-system", "app.kubernetes.io/component=server", 1).len(), 2);
    shop.start();
    check_taken(&change(&in_shop("v1", "Pod", "good"), tier));
    // What came in by another way is judged when it moves.
    check_denied(&change(&in_shop("v1", "Pod", "emergency"), tier));
    check_taken(&change(&in_shop("v1", "Pod", "emergency"), label));
    assert_eq!(running(cluster, "shop", "app=deployment", 2), [pinned, pinned]);
}

#[test]
fn the_chart_is_rendered_and_its_containers_may_do_nothing_but_their_work() {
    let Some(helm) = tool("helm") else { return };
    let whole = [
        "--set",
        "postgres.secret=database",
        "--set",
        "server.replicas=2",
        "--set",
        "worker.replicas=3",
        "--set",
        "audit.keySecret=key",
    ];
    let manifest = render(&helm, &whole);
    for (kind, count) in [
        ("Deployment", 2),
        ("Service", 1),
        ("ServiceAccount", 1),
        ("ValidatingWebhookConfiguration", 1),
        ("MutatingWebhookConfiguration", 1),
        ("NetworkPolicy", 1),
        ("PodDisruptionBudget", 1),
        // Assay asks the cluster for nothing, so it may do nothing.
        ("ClusterRole", 0),
        ("Role", 0),
        ("PersistentVolumeClaim", 0),
    ] {
        let found = manifest.lines().filter(|line| *line == format!("kind: {kind}")).count();
        assert_eq!(found, count, "{kind}");
    }
    let times = |text: &str| manifest.matches(text).count();
    // Two containers in each of the two.
    assert_eq!(times("          image: "), 4);
    for setting in ["readOnlyRootFilesystem: true", "allowPrivilegeEscalation: false", "drop: [ALL]"] {
        assert_eq!(times(setting), 4, "{setting}");
    }
    // Pods that are still sent to a server that goes are judged.
    assert_eq!(times("preStop: {sleep: {seconds: 5}}"), 1);
    assert_eq!((times("--anonymous-admission"), times("--deep")), (1, 0));
    assert_eq!(times("failurePolicy: Fail"), times("sideEffects: NoneOnDryRun"));
    assert_eq!(times("kubernetes.io/metadata.name"), times("failurePolicy: Fail"));

    // Without webhooks the server has its certificate all the same.
    let alone = render(&helm, &["--set", "webhook.enabled=false"]);
    assert!(
        alone.contains("kind: Secret\nmetadata:\n  name: assay-tls")
            && !alone.contains("WebhookConfiguration")
    );
    // An authority of clients is there so that nobody else is answered.
    let closed = render(&helm, &["--set", "tls.clientAuthority=PEM"]);
    assert!(closed.contains("--client-ca=") && !closed.contains("--anonymous-admission"));
    let outside = ["--set", "server.enabled=false", "--set", "webhook.url=https://assay.example"];
    assert!(!render(&helm, &outside).contains("\"assay-system\""));
    let deep = render(&helm, &[&whole[..], &["--set", "worker.deep=true"]].concat());
    assert_eq!(deep.matches("            - --deep\n").count(), 1);

    let fails = |values: &[&str]| {
        let chart = workspace().join("deploy/chart/assay").display().to_string();
        let arguments: Vec<&str> = values.iter().flat_map(|value| ["--set", *value]).collect();
        let output =
            Command::new(&helm).args(["template", "assay", &chart]).args(arguments).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(fails(&["server.replicas=2"]).contains("postgres.secret"));
    assert!(fails(&["worker.replicas=1"]).contains("postgres.secret"));
    let chart = workspace().join("deploy/chart/assay").display().to_string();
    run(&helm, &["lint", "--strict", &chart]);
}
