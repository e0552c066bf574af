//! Traces, as an in-process collector gets them.

use crate::fixture::{BUILT, World, database, image, run};
use assay_oci::NetworkOptions;
use assay_test::http::{Reply, Server};
use assay_test::registry::Content;
use serde_json::Value;
use std::time::{Duration, Instant};

/// Returns all spans that a collector got.
fn spans(collector: &Server) -> Vec<Value> {
    let mut spans = Vec::new();
    for request in collector.requests() {
        assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/otlp/v1/traces"));
        assert_eq!(request.header("content-type"), Some("application/json"));
        let document: Value = serde_json::from_slice(&request.body).unwrap();
        spans.extend(
            document["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().iter().cloned(),
        );
    }
    spans
}

fn attribute(span: &Value, name: &str) -> String {
    let all = span["attributes"].as_array().unwrap();
    let found = all
        .iter()
        .find(|attribute| attribute["key"] == name)
        .unwrap_or_else(|| panic!("no {name} in {span}"));
    let value = &found["value"];
    value["stringValue"].as_str().or(value["intValue"].as_str()).unwrap().to_owned()
}

fn start(world: &World, collector: &str) {
    let url = format!("http://{collector}/otlp/").parse().unwrap();
    let network = NetworkOptions { retries: 0, ..NetworkOptions::default() };
    world.metrics.traces.start(url, network, "test 1").unwrap();
}

async fn finish(world: &World) {
    let metrics = world.metrics.clone();
    tokio::task::spawn_blocking(move || metrics.traces.finish()).await.unwrap();
}

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[test]
fn requests_jobs_and_decisions_are_told_of_as_parts_of_one_another() {
    run(async {
        let app = image(&[("flask", "1")]);
        let world = World::start(
            Content::new().image("1.0", &app),
            &database(&[], BUILT),
            Some(crate::admission::POLICY),
        )
        .await;
        let collector = Server::start(|_| Reply::new(200, "{}"));
        start(&world, &collector.host());
        world.push(&world.registry.host(), "1.0", &app.digest()).await;
        world.work().await;
        let review = serde_json::json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
                "uid": "1", "kind": { "group": "", "version": "v1", "kind": "Pod" }, "operation": "CREATE", "namespace": "shop",
                "object": { "spec": { "containers": [{ "image": "registry.example/app:1.0" }] } } } });
        let traced = format!("traceparent: {PARENT}\r\n");
        let (status, ..) =
            world.send("POST", "/admission/validate?timeout=5s", &traced, &review.to_string()).await;
        assert_eq!(status, 200);
        // What the caller does not record is not recorded here, and nobody wants to read of questions about health.
        let unrecorded = traced.replace("b7-01", "b7-00");
        world.send("GET", "/api/v1/images", &unrecorded, "").await;
        world.ask("GET", "/healthz", None, "").await;
        world.ask("GET", &format!("/api/v1/images/{}?token=HIDDEN", app.digest()), None, "").await;
        finish(&world).await;
        let spans = spans(&collector);
        let named =
            |name: &str| -> Vec<&Value> { spans.iter().filter(|span| span["name"] == name).collect() };
        let one = |name: &str| {
            let found = named(name);
            assert_eq!(found.len(), 1, "{name}: {found:?}");
            found[0]
        };
        assert_eq!(attribute(one("POST /webhooks/{registry}"), "http.response.status_code"), "202");
        assert_eq!(attribute(one("GET /api/v1/images/{digest}"), "http.response.status_code"), "401");
        assert_eq!(named("GET /api/v1/images").len() + named("GET /healthz").len(), 0);

        let (request, decision) = (one("POST /admission/validate"), one("admission decision"));
        assert_eq!(request["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(request["parentSpanId"], "00f067aa0ba902b7");
        assert_eq!(
            (&decision["traceId"], &decision["parentSpanId"]),
            (&request["traceId"], &request["spanId"])
        );
        assert_eq!(attribute(decision, "assay.admission.namespace"), "shop");

        let job = one("job scan");
        assert_eq!(attribute(job, "assay.job.name"), app.digest());
        let parts: Vec<&str> = spans
            .iter()
            .filter(|span| span["parentSpanId"] == job["spanId"] && span["traceId"] == job["traceId"])
            .map(|span| span["name"].as_str().unwrap())
            .collect();
        assert_eq!(parts, ["queue wait", "fetch", "scan", "write"]);
        let time = |span: &Value, name: &str| span[name].as_str().unwrap().parse::<u64>().unwrap();
        for part in spans.iter().filter(|span| span["parentSpanId"] == job["spanId"]) {
            assert!(time(part, "startTimeUnixNano") >= time(job, "startTimeUnixNano"));
            assert!(time(part, "endTimeUnixNano") <= time(job, "endTimeUnixNano"));
        }
        // An image that is not there: its job fails, and so does the step that found out.
        world.push(&world.registry.host(), "2.0", &format!("sha256:{}", "0".repeat(64))).await;
        world.work().await;
        finish(&world).await;
        let spans = self::spans(&collector);
        let failed: Vec<&Value> = spans.iter().filter(|span| span["status"]["code"] == 2).collect();
        let names: Vec<&str> = failed.iter().map(|span| span["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["fetch", "job resolve"]);
        assert!(spans.iter().all(|span| !span.to_string().contains("HIDDEN")));
        let metrics = world.metrics.render(&[], 0, crate::fixture::now());
        assert!(metrics.contains(&format!("assay_spans_total {}\n", spans.len())), "{metrics}");
    });
}

#[test]
fn a_collector_that_is_away_or_slow_keeps_nobody_waiting() {
    run(async {
        let world = World::start(Content::new(), &database(&[], BUILT), None).await;
        // It answers nothing for as long as the test runs.
        let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        start(&world, &deaf.local_addr().unwrap().to_string());
        let begun = Instant::now();
        for _ in 0..40 {
            let (status, _) = world.ask("GET", "/api/v1/nothing", None, "").await;
            assert_eq!(status, 404);
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        // More than there is room for.
        let clock = world.worker.clock.clone();
        for _ in 0..10_000 {
            let open = world.metrics.traces.begin(&clock, None).unwrap();
            let span = open.end("x", assay_server::trace::SpanKind::Internal, open.start, Vec::new(), None);
            world.metrics.traces.add(span);
        }
        let dropped = world.metrics.render(&[], 0, crate::fixture::now());
        let dropped =
            dropped.lines().find_map(|line| line.strip_prefix("assay_spans_dropped_total ")).unwrap();
        assert!(dropped.parse::<u64>().unwrap() > 1000, "{dropped}");
    });
}
