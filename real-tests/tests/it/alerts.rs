//! Alerts and messages with the programs that people use: promtool, Alertmanager and a mail server with TLS.

use crate::cluster::free_port;
use crate::server::{line, process};
use crate::services::run;
use real_tests::{tool, workspace};
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn every_alert_fires_and_clears() {
    let Some(promtool) = tool("promtool") else { return };
    let folder = workspace().join("deploy/prometheus");
    run(&promtool, &["check", "rules", &folder.join("alerts.yaml").display().to_string()]);
    run(&promtool, &["test", "rules", &folder.join("tests.yaml").display().to_string()]);
    // One whose tests would pass whatever the rules say is no test.
    let broken = tempfile::tempdir().unwrap();
    let rules = fs::read_to_string(folder.join("alerts.yaml")).unwrap();
    let changed = rules.replacen("> 0.02", "> 0.2", 1);
    assert_ne!(rules, changed);
    fs::write(broken.path().join("alerts.yaml"), changed).unwrap();
    fs::copy(folder.join("tests.yaml"), broken.path().join("tests.yaml")).unwrap();
    let output = Command::new(&promtool)
        .args(["test", "rules", &broken.path().join("tests.yaml").display().to_string()])
        .output()
        .unwrap();
    assert!(!output.status.success());
}

/// A mail server that takes mail only after STARTTLS and with the right password, and writes what it gets to a folder.
const MAIL_SERVER: &str = r#"
import ssl, sys, time
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
port, certificate, key, folder = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
class Handler:
    count = 0
    async def handle_DATA(self, server, session, envelope):
        assert session.ssl is not None
        Handler.count += 1
        with open(f"{folder}/{Handler.count}.eml", "wb") as file:
            file.write(envelope.content)
        return "250 taken"
def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == b"assay" and data.password == b"hunter2")
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
controller = Controller(Handler(), hostname="127.0.0.1", port=port, tls_context=context, require_starttls=True,
                        authenticator=authenticate, auth_required=True)
controller.start()
while True:
    time.sleep(1)
"#;

fn wait<T>(what: &str, seconds: u64, ready: impl Fn() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = ready() {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(seconds), "{what} did not happen");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Returns the names of the alerts that an Alertmanager has, and whether it has them for active.
fn alerts(port: u16) -> Option<Vec<(String, String)>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET /api/v2/alerts HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let all: Value = serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = all.as_array()?.iter();
    Some(all.map(|alert| (text(&alert["labels"]["alertname"]), text(&alert["labels"]["feed"]))).collect())
}

/// Says what an update of the database could not do, as `assay db update` does.
fn update(folder: &Path, failures: &Value) {
    let status = serde_json::json!({ "schema": "assay.db-update/v1", "failures": failures });
    fs::write(folder.join("assay.db.update.json"), status.to_string()).unwrap();
}

#[test]
fn alertmanager_and_a_mail_server_are_told_when_it_begins_and_when_it_is_over() {
    let (Some(manager), Some(openssl), Some(python)) =
        (tool("prometheus-alertmanager"), tool("openssl"), tool("python3"))
    else {
        return;
    };
    let modules = workspace().join("target/tools/python");
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"];
    let authority = ["-subj", "/CN=authority", "-keyout", &at("ca.key"), "-out", &at("ca.pem")];
    run(&openssl, &[&request[..], &authority].concat());
    let names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    let signed =
        ["-CA", &at("ca.pem"), "-CAkey", &at("ca.key"), "-addext", "basicConstraints=critical,CA:FALSE"];
    let files = ["-keyout", &at("key.pem"), "-out", &at("certificate.pem")];
    run(&openssl, &[&request[..], &names, &signed, &files].concat());
    fs::create_dir(folder.path().join("mail")).unwrap();
    fs::write(folder.path().join("password"), "hunter2\n").unwrap();
    fs::write(folder.path().join("manager.yml"), "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
        .unwrap();
    let (mail_port, manager_port) = (free_port(), free_port());
    let mut command = Command::new(python);
    command.env("PYTHONPATH", &modules).args(["-c", MAIL_SERVER, &mail_port.to_string()]);
    command.args([at("certificate.pem"), at("key.pem"), at("mail")]);
    let _mail = Running(command.spawn().unwrap());
    let mut command = Command::new(manager);
    command.args([
        format!("--config.file={}", at("manager.yml")),
        format!("--storage.path={}", at("manager")),
        format!("--web.listen-address=127.0.0.1:{manager_port}"),
        "--cluster.listen-address=".to_owned(),
        "--log.level=error".to_owned(),
    ]);
    let _manager = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    wait("the mail server", 30, || TcpStream::connect(("127.0.0.1", mail_port)).ok());
    wait("Alertmanager", 30, || alerts(manager_port));

    fs::write(
        folder.path().join("notifications.yaml"),
        format!(
            "channels:\n  - {{name: manager, alertmanager: {{url: 'http://127.0.0.1:{manager_port}'}}}}\n  \
             - {{name: mail, email: {{server: 'localhost:{mail_port}', username: assay, password-file: password, \
             from: assay@example.org, to: [security@example.org]}}}}\nwindow: 1s\nthresholds: {{feed-age: 9000d}}\n"
        ),
    )
    .unwrap();
    let notifications = at("notifications.yaml");
    let authority = at("ca.pem");
    let database = at("assay.db");
    // There is no database, so that the built-in facts are used; what fetches it says all the same how it went.
    let arguments = [
        "serve",
        "--data",
        "data",
        "--listen",
        "127.0.0.1:0",
        "--workers",
        "0",
        "--notifications",
        &notifications,
        "--ca-file",
        &authority,
    ];
    update(folder.path(), &serde_json::json!([]));
    fs::create_dir_all(folder.path().join("cache/db")).unwrap();
    std::os::unix::fs::symlink(
        format!("{database}.update.json"),
        folder.path().join("cache/db/assay.db.update.json"),
    )
    .unwrap();
    let mut server = process(folder.path(), &arguments);
    line(&mut server, "note: listening on ");
    // Who is new is told of what happens from then on.
    std::thread::sleep(Duration::from_secs(7));
    update(folder.path(), &serde_json::json!([{ "feed": "osv", "error": "503" }]));
    let mail = |number: u32| fs::read_to_string(folder.path().join(format!("mail/{number}.eml"))).ok();
    let told = ("AssayFeedError".to_owned(), "osv".to_owned());
    wait("the alert", 60, || alerts(manager_port).filter(|all| all.contains(&told)));
    let first = wait("the mail", 60, || mail(1));
    assert!(first.contains("Subject: [Assay] ticket: one piece of news, high at worst"), "{first}");
    assert!(first.contains("cannot update osv: 503"), "{first}");
    update(folder.path(), &serde_json::json!([]));
    wait("the end of the alert", 150, || alerts(manager_port).filter(|all| !all.contains(&told)));
    let second = wait("the second mail", 60, || mail(2));
    assert!(second.contains("over: cannot update osv: 503"), "{second}");
}

#[test]
fn the_chart_gives_the_server_what_it_tells_and_whom() {
    let Some(helm) = tool("helm") else { return };
    let chart = workspace().join("deploy/chart/assay").display().to_string();
    let render = |values: &[&str]| {
        let base = ["template", "assay", &chart, "--set", "postgres.secret=db", "--set", "worker.replicas=1"];
        String::from_utf8(run(&helm, &[&base[..], values].concat())).unwrap()
    };
    let given = render(&["--set", "notifications.secret=told", "--set", "traces=http://collector:4318"]);
    for line in [
        "- --notifications=/etc/assay/notifications/notifications.yaml",
        "- {name: notifications, mountPath: /etc/assay/notifications, readOnly: true}",
        "- {name: notifications, secret: {secretName: told}}",
    ] {
        assert_eq!(given.matches(line).count(), 1, "{line} in\n{given}");
    }
    // Server and workers.
    assert_eq!(given.matches("- \"--traces=http://collector:4318\"").count(), 2, "{given}");
    let plain = render(&[]);
    assert!(!plain.contains("notifications") && !plain.contains("--traces"), "{plain}");
}
