//! Harbor's side of its scanner API, in the shape of its OpenAPI document.

use crate::fixture::{BUILT, World, database, image, run, token};
use assay_store::Role;
use assay_test::image::BuiltImage;
use assay_test::registry::Content;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const VULNERABILITIES: &str = "application/vnd.security.vulnerability.report; version=1.1";
const SBOM: &str = "application/vnd.security.sbom.report+json; version=1.0";

/// What Harbor sends to have an image scanned.
fn request(host: &str, app: &BuiltImage) -> Value {
    json!({
        "registry": { "url": format!("http://{host}"), "authorization": "Bearer somebody-elses" },
        "artifact": {
            "repository": "team/app", "digest": app.digest(), "tag": "1.0",
            "mime_type": "application/vnd.oci.image.manifest.v1+json",
        },
        "enabled_capabilities": [{ "type": "vulnerability", "produces_mime_types": [VULNERABILITIES] }],
    })
}

struct Harbor<'a>(&'a World);

impl Harbor<'_> {
    /// Authenticates as Harbor does when it is told to use Basic authentication.
    fn headers(role: Role, more: &str) -> String {
        let basic = STANDARD.encode(format!("harbor:{}", token(role).reveal()));
        format!("Authorization: Basic {basic}\r\n{more}")
    }

    async fn scan(&self, body: &Value) -> (u16, Value) {
        let (status, _, body) = self
            .0
            .send("POST", "/harbor/api/v1/scan", &Self::headers(Role::Developer, ""), &body.to_string())
            .await;
        (status, serde_json::from_str(&body).unwrap_or_default())
    }

    async fn report(&self, id: &str, accept: &str, query: &str) -> (u16, String, Value) {
        let headers = Self::headers(Role::Viewer, &format!("Accept: {accept}\r\n"));
        let path = format!("/harbor/api/v1/scan/{id}/report{query}");
        let (status, head, body) = self.0.send("GET", &path, &headers, "").await;
        (status, head.to_ascii_lowercase(), serde_json::from_str(&body).unwrap_or_default())
    }
}

#[test]
fn harbor_has_an_image_scanned_and_reads_the_reports() {
    run(async {
        let app = image(&[("django", "4.0.5"), ("flask", "1.0")]);
        let known = database(&[("CVE-2022-1", "django", "4.0.6")], BUILT);
        let world = World::start(Content::new().image("1.0", &app), &known, None).await;
        let harbor = Harbor(&world);
        let (status, head, body) =
            world.send("GET", "/harbor/api/v1/metadata", &Harbor::headers(Role::Viewer, ""), "").await;
        assert_eq!(status, 200, "{body}");
        assert!(head.contains("application/vnd.scanner.adapter.metadata+json; version=1.1"), "{head}");
        let metadata: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(metadata["scanner"]["name"], "Assay");
        let capabilities = metadata["capabilities"].as_array().unwrap();
        assert_eq!(
            capabilities.iter().map(|one| &one["type"]).collect::<Vec<_>>(),
            ["vulnerability", "sbom"]
        );
        assert!(capabilities[0]["produces_mime_types"].as_array().unwrap().contains(&VULNERABILITIES.into()));
        let updated = &metadata["properties"]["harbor.scanner-adapter/vulnerability-database-updated-at"];
        assert_eq!(updated, "2023-11-14T22:13:20Z");

        let (status, answer) = harbor.scan(&request(&world.registry.host(), &app)).await;
        assert_eq!(status, 202, "{answer}");
        let id = answer["id"].as_str().unwrap().to_owned();
        // Not there yet: neither before it was resolved, nor before it was scanned.
        for _ in 0..2 {
            let (status, head, _) = harbor.report(&id, VULNERABILITIES, "").await;
            assert_eq!(status, 302);
            assert!(head.contains("refresh-after: 5"), "{head}");
            assert!(world.worker.step().await.unwrap());
        }
        let (status, head, report) = harbor.report(&id, VULNERABILITIES, "").await;
        assert_eq!(status, 200, "{report}");
        assert!(head.contains(&format!("content-type: {VULNERABILITIES}")), "{head}");
        assert_eq!(report["severity"], "Critical");
        let artifact = json!({ "repository": "team/app", "digest": app.digest(), "tag": "1.0",
            "mime_type": "application/vnd.oci.image.manifest.v1+json" });
        assert_eq!(report["artifact"], artifact);
        let found = report["vulnerabilities"].as_array().unwrap();
        assert_eq!(found.len(), 1, "{report}");
        let (one, text) = (&found[0], |name: &str| found[0][name].as_str().unwrap_or_default());
        assert_eq!(
            [text("id"), text("package"), text("version"), text("fix_version"), text("severity")],
            ["CVE-2022-1", "django", "4.0.5", "4.0.6", "Critical"]
        );
        assert_eq!(one["links"], json!(["https://www.cve.org/CVERecord?id=CVE-2022-1"]));
        // What Harbor sent to pull with was neither used nor kept.
        assert!(world.registry.requests().iter().all(|request| request.header("authorization").is_none()));

        let raw = harbor.report(&id, "application/vnd.scanner.adapter.vuln.report.raw", "").await.2;
        assert_eq!(raw["schema"], "assay.report/v1");
        for (media_type, key, want) in [
            ("application/spdx+json", "spdxVersion", "SPDX-2.3"),
            ("application/vnd.cyclonedx+json", "bomFormat", "CycloneDX"),
        ] {
            let query = format!("?sbom_media_type={}", media_type.replace('+', "%2B"));
            let (status, _, report) = harbor.report(&id, SBOM, &query).await;
            assert_eq!(status, 200, "{report}");
            assert_eq!(
                (report["media_type"].as_str(), report["sbom"][key].as_str()),
                (Some(media_type), Some(want))
            );
            assert!(report["sbom"].to_string().contains("pkg:pypi/flask@1.0"), "{report}");
        }

        // Asked again, it is scanned again.
        assert_eq!(harbor.scan(&request(&world.registry.host(), &app)).await.0, 202);
        assert_eq!(harbor.report(&id, VULNERABILITIES, "").await.0, 302);
        world.work().await;
        assert_eq!(harbor.report(&id, VULNERABILITIES, "").await.0, 200);
    });
}

#[test]
fn what_harbor_may_not_ask_is_answered_as_its_specification_says() {
    run(async {
        let app = image(&[("django", "4.0.5")]);
        let world = World::start(Content::new().image("1.0", &app), &database(&[], BUILT), None).await;
        let harbor = Harbor(&world);
        let host = world.registry.host();
        let with = |path: &str, value: Value| {
            let mut request = request(&host, &app);
            *request.pointer_mut(path).unwrap() = value;
            request
        };
        for (body, want) in [
            (json!("no request"), 400),
            (json!({ "registry": {} }), 400),
            (with("/registry/url", "http://169.254.169.254".into()), 422),
            (with("/registry/url", format!("http://user@{host}").into()), 422),
            (with("/artifact/repository", "../admin".into()), 422),
            (with("/artifact/digest", "sha256:short".into()), 422),
            (with("/artifact/tag", "not a tag".into()), 422),
            (with("/artifact/mime_type", "application/vnd.cncf.helm.config.v1+json".into()), 501),
            (with("/enabled_capabilities", json!([{ "type": "malware" }])), 501),
            (with("/enabled_capabilities/0/produces_mime_types/0", "text/html".into()), 501),
            (
                with(
                    "/enabled_capabilities",
                    json!([{ "type": "sbom", "parameters": { "sbom_media_types": ["text/html"] } }]),
                ),
                422,
            ),
        ] {
            let (status, answer) = harbor.scan(&body).await;
            assert_eq!(status, want, "{body}: {answer}");
            assert!(answer["error"]["message"].is_string(), "{answer}");
        }
        assert_eq!(world.store.queued().await.unwrap(), 0);
        assert_eq!(world.registry.requests().len(), 0);

        // Without the fields that may be left out.
        let mut short = request(&host, &app);
        short.as_object_mut().unwrap().remove("enabled_capabilities");
        let artifact = short["artifact"].as_object_mut().unwrap();
        artifact.remove("tag");
        artifact.remove("mime_type");
        let (status, answer) = harbor.scan(&short).await;
        assert_eq!(status, 202);
        let id = answer["id"].as_str().unwrap().to_owned();
        assert_eq!(harbor.report(&id, "text/html", "").await.0, 501);
        assert_eq!(harbor.report(&id, SBOM, "").await.0, 400);
        assert_eq!(harbor.report(&id, SBOM, "?sbom_media_type=text/html").await.0, 400);
        assert_eq!(harbor.report("3fa85f64-5717-4562-b3fc-2c963f66afa6", VULNERABILITIES, "").await.0, 404);

        // An image that is not there: told of when it was tried often enough.
        let missing = image(&[("nothing", "1")]);
        let id = harbor.scan(&request(&host, &missing)).await.1["id"].as_str().unwrap().to_owned();
        world.work().await;
        assert_eq!(harbor.report(&id, VULNERABILITIES, "").await.0, 302);

        for (role, path, method, want) in [
            (Role::Viewer, "/harbor/api/v1/scan", "POST", 403),
            (Role::Viewer, "/harbor/api/v1/metadata", "POST", 405),
        ] {
            assert_eq!(world.ask(method, path, Some(role), "{}").await.0, want, "{path}");
        }
        for path in ["/harbor/api/v1/metadata", "/harbor/api/v1/scan/x/report"] {
            assert_eq!(world.ask("GET", path, None, "").await.0, 401, "{path}");
        }
        assert_eq!(world.ask("POST", "/harbor/api/v1/scan", None, "{}").await.0, 401);
    });
}

#[test]
fn a_scan_that_cannot_be_done_ends_with_its_reason() {
    run(async {
        let chart = br#"{"schemaVersion":2,"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}"#;
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let content = Content::new().manifest("1.0", media_type, chart);
        let world = World::start(content, &database(&[], BUILT), None).await;
        let mut request = request(&world.registry.host(), &image(&[]));
        request["artifact"]["digest"] = assay_test::image::digest(chart).into();
        let harbor = Harbor(&world);
        let id = harbor.scan(&request).await.1["id"].as_str().unwrap().to_owned();
        world.work().await;
        let (status, head, answer) = harbor.report(&id, VULNERABILITIES, "").await;
        assert_eq!(
            (status, answer["error"]["message"].as_str()),
            (500, Some("it is no image, so that nothing was scanned"))
        );
        assert!(head.contains("application/vnd.scanner.adapter.error+json; version=1.0"), "{head}");
    });
}
