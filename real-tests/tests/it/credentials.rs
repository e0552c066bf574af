//! Credentials that the server keeps on PostgreSQL: two of Debian's `docker-registry` whose repositories have other users, a server that
//! only promotes, and a worker on the same database that only scans. Neither has a file with credentials.

use crate::cluster::free_port;
use crate::promote::{Bench, wait};
use crate::server::{get, line, process};
use crate::services::run;
use crate::store::start as start_postgres;
use assay_test::image::{Builder, Tree};
use real_tests::{tool, workspace};

const POLICY: &str = "apiVersion: assay.dev/v1\nkind: ImagePolicy\nmetadata: {name: test}\ntiers: [{name: release}]\nrules:\n  - malware: {}\n";

#[test]
fn servers_and_workers_ask_each_repository_with_what_is_kept_for_it() {
    let (Some(bench), Some(postgres), Some(dump)) = (Bench::new(""), start_postgres(), tool("pg_dump"))
    else {
        return;
    };
    std::fs::write(bench.path().join("policy.yaml"), POLICY).unwrap();
    std::fs::write(bench.path().join("password"), "pass\n").unwrap();
    bench.ok(&["credential", "key", "--out", "credential.key"]);
    let (port, database) = (free_port(), postgres.url("postgres"));
    let (listen, url) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{port}"));
    let host = |name: &str| name.split('/').next().unwrap().to_owned();
    let (reads, writes) = (host(&bench.incoming), host(&bench.release));
    let pair = format!("{}={}", bench.incoming, bench.release);
    let both = ["--database", &database, "--registry", &reads, "--registry", &writes];
    let key = ["--credential-key", "credential.key"];
    let serve = [
        &["--db", "test.db", "serve", "--data", "data", "--listen", &listen, "--workers", "0"][..],
        &["--policy", "policy.yaml", "--promote", &pair, "--crawl", &bench.incoming, "--crawl-every", "2"],
        &both,
        &key,
    ]
    .concat();
    let mut server = process(bench.path(), &serve);
    let token = line(&mut server, "the first administrator's token, shown only now: ");
    std::fs::write(bench.path().join("token"), &token).unwrap();
    let worker = [&["--db", "test.db", "worker"][..], &both, &key].concat();
    let _worker = process(bench.path(), &worker);
    let at = ["--server", &url, "--token-file", "token"];
    let set = |place: &str, user: &str, more: &[&str]| {
        let fixed = ["credential", "set", place, "--user", user, "--secret-file", "password"];
        bench.ok(&[&fixed[..], more, &at].concat());
    };

    let image = Builder::new().layer(Tree::new().file("etc/content", "x"), "COPY . /").build();
    assert!(bench.push(&image, &format!("{}:1.0", bench.incoming), "ci"));
    let job = wait("the crawl that is refused", || {
        let jobs = get(port, "/api/v1/crawls", &token)?;
        jobs["items"].as_array()?.iter().find_map(|one| one["error"].as_str().map(str::to_owned))
    });
    assert!(job.contains("401"), "{job}");
    // Only reading: it is scanned, and cannot be promoted.
    set(&bench.incoming, "ci", &[]);
    let path = format!("/api/v1/images/{}", image.digest());
    wait("the scan", || get(port, &path, &token).filter(|image| image["scan"].is_object()).map(drop));
    assert_eq!(bench.released(&format!("{}:1.0", bench.release)), None);
    set(&bench.release, "releaser", &["--write"]);
    set(&bench.release, "releaser", &[]);
    wait("the promotion", || {
        bench.released(&format!("{}:1.0", bench.release)).filter(|digest| *digest == image.digest())
    });
    let listed = bench.ok(&[&["credential", "list"][..], &at].concat());
    assert!(listed.lines().count() == 4 && !listed.contains("pass\n"), "{listed}");

    let kept = run(&dump, &["--data-only", "--table", "credentials", &database]);
    let kept = String::from_utf8(kept).unwrap();
    assert!(kept.contains("\treleaser\t"), "{kept}");
    // As text, and as PostgreSQL writes bytes.
    assert!(!kept.contains("\tpass\t") && !kept.contains("70617373"), "{kept}");
}

#[test]
fn the_chart_gives_the_keys_to_servers_and_workers_alone() {
    let Some(helm) = tool("helm") else { return };
    let chart = workspace().join("deploy/chart/assay").display().to_string();
    let render = |values: &[&str]| {
        let base = ["template", "assay", &chart, "--set", "postgres.secret=db", "--set", "worker.replicas=1"];
        String::from_utf8(run(&helm, &[&base[..], values].concat())).unwrap()
    };
    let given =
        render(&["--set", "credentials.keySecret=keys", "--set", "credentials.keys={new.key,old.key}"]);
    for line in [
        "- --credential-key=/etc/assay/credentials/new.key\n            - --credential-key=/etc/assay/credentials/old.key\n",
        "- {name: credentials, mountPath: /etc/assay/credentials, readOnly: true}",
        "secret: {secretName: keys, defaultMode: 0440}",
    ] {
        assert_eq!(given.matches(line).count(), 2, "{line} in\n{given}");
    }
    assert!(!render(&[]).contains("credential"));
}
