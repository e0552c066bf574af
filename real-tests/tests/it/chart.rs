//! What the chart can be told, as helm renders it; what of it promtool understands.

use crate::kubernetes::render;
use crate::services::run;
use real_tests::{tool, workspace};
use std::fs;
use std::process::Command;

/// Returns the documents of a manifest that are of a kind.
fn of_kind<'m>(manifest: &'m str, kind: &str) -> Vec<&'m str> {
    let line = format!("\nkind: {kind}\n");
    manifest.split("\n---\n").filter(|document| format!("\n{document}\n").contains(&line)).collect()
}

#[test]
fn promotion_owners_bases_and_crawls_reach_the_server_and_its_credentials_nobody_else() {
    let Some(helm) = tool("helm") else { return };
    let values = [
        "--set",
        "postgres.secret=database",
        "--set",
        "worker.replicas=1",
        "--set",
        "registries={registry.example}",
        "--set",
        "promotion.pairs={registry.example/in/*=registry.example/out/*,registry.example/a=registry.example/b}",
        "--set",
        "promotion.moving={latest,edge-*}",
        "--set",
        "promotion.policy=kind: ImagePolicy",
        "--set",
        "promotion.credentialsSecret=release",
        "--set",
        "owners=*/pay/ payments",
        "--set",
        "baseRepositories={registry.example/bases/debian}",
        "--set",
        "crawl.places={registry.example}",
        "--set",
        "webhook.cluster=eu-1",
    ];
    let manifest = render(&helm, &values);
    let deployments = of_kind(&manifest, "Deployment");
    let [server, worker] = deployments[..] else { panic!("{manifest}") };
    for line in [
        "- \"--promote=registry.example/in/*=registry.example/out/*\"",
        "- \"--promote=registry.example/a=registry.example/b\"",
        "- --promote-policy=/etc/assay/policy/promotion.yaml",
        "- \"--promote-move=latest\"",
        "- \"--promote-move=edge-*\"",
        "- --promote-registry-config=/etc/assay/release/config.json",
        "- {name: release, mountPath: /etc/assay/release, readOnly: true}",
        "secretName: release",
        "- --owners=/etc/assay/policy/owners",
        "- \"--base-repository=registry.example/bases/debian\"",
        "- \"--crawl=registry.example\"",
        "- --crawl-every=3600",
    ] {
        assert_eq!(server.matches(line).count(), 1, "{line} in\n{server}");
        assert!(!worker.contains(line), "{line}");
    }
    let [files] = of_kind(&manifest, "ConfigMap")[..] else { panic!("{manifest}") };
    assert!(
        files.contains("promotion.yaml: \"kind: ImagePolicy\"")
            && files.contains("owners: \"*/pay/ payments\""),
        "{files}"
    );
    // Every webhook says which cluster asks.
    let paths = manifest.matches("    path: /admission/").count();
    let named = ["validate", "mutate"]
        .map(|name| manifest.matches(&format!("    path: /admission/{name}/eu-1\n")).count());
    assert!(named[0] > 1 && named[1] == 1 && named[0] + named[1] == paths, "{named:?} of {paths}");
    let outside = render(
        &helm,
        &[
            "--set",
            "server.enabled=false",
            "--set",
            "webhook.url=https://assay.example/",
            "--set",
            "webhook.cluster=eu-1",
        ],
    );
    assert!(outside.contains("url: https://assay.example/admission/validate/eu-1\n"), "{outside}");

    let plain = render(&helm, &[]);
    for word in [
        "--promote",
        "--owners",
        "--base-repository",
        "--crawl",
        "release",
        "POD_NAME",
        "ASSAY_OBJECTS",
        "monitoring.coreos.com",
    ] {
        assert!(!plain.contains(word), "{word}");
    }
    assert!(plain.contains("    path: /admission/validate\n"), "{plain}");
}

#[test]
fn several_servers_share_what_they_must_and_are_replaced_one_after_the_other() {
    let Some(helm) = tool("helm") else { return };
    let values = [
        "--set",
        "postgres.secret=database",
        "--set",
        "server.replicas=3",
        "--set",
        "worker.replicas=1",
        "--set",
        "audit.keySecret=key",
        "--set",
        "audit.checkpoints.claim=log",
        "--set",
        "objects.place=s3://assay/documents",
        "--set",
        "objects.endpoint=https://s3.example",
        "--set",
        "objects.region=eu",
        "--set",
        "objects.credentialsSecret=bucket",
    ];
    let manifest = render(&helm, &values);
    let deployments = of_kind(&manifest, "Deployment");
    let [server, worker] = deployments[..] else { panic!("{manifest}") };
    for line in [
        "rollingUpdate: {maxUnavailable: 0, maxSurge: 1}",
        "topologyKey: kubernetes.io/hostname",
        "--audit-key=/etc/assay/audit/audit.key",
        "--audit-checkpoints=/checkpoints/$(POD_NAME).jsonl",
        "persistentVolumeClaim: {claimName: log}",
    ] {
        assert_eq!(server.matches(line).count(), 1, "{line} in\n{server}");
    }
    for deployment in [server, worker] {
        for line in [
            "{name: ASSAY_OBJECTS, value: \"s3://assay/documents\"}",
            "{name: ASSAY_OBJECTS_ENDPOINT, value: \"https://s3.example\"}",
            "{name: AWS_REGION, value: \"eu\"}",
            "secretKeyRef: {name: bucket, key: secret-access-key}",
        ] {
            // Not for the container beside it, which fetches the vulnerability database.
            assert_eq!(deployment.matches(line).count(), 1, "{line} in\n{deployment}");
        }
    }
    let one = render(&helm, &["--set", "audit.checkpoints.claim=log"]);
    assert!(
        one.contains("--audit-checkpoints=/checkpoints/assay.jsonl") && !one.contains("topologySpread"),
        "{one}"
    );
}

#[test]
fn the_prometheus_operator_scrapes_the_server_and_has_the_alerts_that_are_shipped() {
    let Some(helm) = tool("helm") else { return };
    let scrape = [
        "--set",
        "monitoring.serviceMonitor.enabled=true",
        "--set",
        "monitoring.serviceMonitor.tokenSecret.name=viewer",
        "--set",
        "monitoring.serviceMonitor.labels.release=prometheus",
    ];
    let manifest =
        render(&helm, &[&scrape[..], &["--set", "monitoring.prometheusRule.enabled=true"]].concat());
    let [monitor] = of_kind(&manifest, "ServiceMonitor")[..] else { panic!("{manifest}") };
    for line in [
        "apiVersion: monitoring.coreos.com/v1",
        "    release: prometheus",
        "  jobLabel: app.kubernetes.io/name",
        "    - port: https",
        "        credentials: {\"key\":\"token\",\"name\":\"viewer\"}",
        "        serverName: assay.assay-system.svc",
        "        ca: {secret: {name: assay-tls, key: ca.crt}}",
    ] {
        assert!(monitor.lines().any(|one| one == line), "{line} in\n{monitor}");
    }
    // The job is named by that label of the service: the alerts ask for it.
    let [service] = of_kind(&manifest, "Service")[..] else { panic!("{manifest}") };
    assert!(
        service.contains("    app.kubernetes.io/name: assay\n") && service.contains("name: https"),
        "{service}"
    );
    let own =
        render(&helm, &[&scrape[..], &["--set", "tls.secret=own", "--set", "tls.authority=PEM"]].concat());
    assert!(
        own.contains("ca: {configMap: {name: assay-authority, key: ca.crt}}")
            && own.contains("ca.crt: \"PEM\""),
        "{own}"
    );

    let [rules] = of_kind(&manifest, "PrometheusRule")[..] else { panic!("{manifest}") };
    let spec = rules.split_once("\nspec:\n").unwrap().1;
    let lines: Vec<&str> = spec.lines().map(|line| line.strip_prefix("  ").unwrap_or(line)).collect();
    let shipped = fs::read_to_string(workspace().join("deploy/prometheus/alerts.yaml")).unwrap();
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&lines.join("\n")), words(&shipped));
    let Some(promtool) = tool("promtool") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.yaml");
    fs::write(&file, lines.join("\n")).unwrap();
    run(&promtool, &["check", "rules", &file.display().to_string()]);
    let tests = fs::read_to_string(workspace().join("deploy/prometheus/tests.yaml")).unwrap();
    fs::write(
        folder.path().join("tests.yaml"),
        tests.replace("rule_files: [alerts.yaml]", "rule_files: [rules.yaml]"),
    )
    .unwrap();
    run(&promtool, &["test", "rules", &folder.path().join("tests.yaml").display().to_string()]);
}

#[test]
fn what_makes_no_sense_is_refused_with_the_reason() {
    let Some(helm) = tool("helm") else { return };
    for (values, why) in [
        (&["postgres.secret=db", "server.replicas=2"][..], "audit.keySecret"),
        (&["promotion.pairs={a/b=a/c}"], "registries"),
        (&["monitoring.serviceMonitor.enabled=true"], "tokenSecret.name"),
        (&["webhook.cluster=EU"], "webhook.cluster"),
    ] {
        let chart = workspace().join("deploy/chart/assay").display().to_string();
        let values: Vec<&str> = values.iter().flat_map(|value| ["--set", *value]).collect();
        let output = Command::new(&helm).args(["template", "assay", &chart]).args(&values).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(why), "{values:?}: {said}");
    }
}
