//! VEX documents of the three formats, and back.

use assay_model::Timestamp;
use assay_sbom::vex::{
    Format, Heading, Identity, Justification, Product, Statement, Status, merge, read, write,
};

fn lines(statements: &[Statement]) -> String {
    let names = |names: &[Identity]| names.iter().map(Identity::text).collect::<Vec<_>>().join("|");
    let mut lines = Vec::new();
    for statement in statements {
        let products: Vec<String> = statement
            .products
            .iter()
            .map(|product| {
                let parts: Vec<String> = product.parts.iter().map(|part| names(part)).collect();
                let parts = if parts.is_empty() { String::new() } else { format!(" > {}", parts.join(",")) };
                format!("{}{parts}", names(&product.identities))
            })
            .collect();
        lines.push(format!(
            "{} {} [{}] {} by {} at {}",
            statement.vulnerabilities.join("|"),
            statement.status,
            products.join("; "),
            statement.reason(),
            statement.author,
            statement.issued.map(|time| time.to_string()).unwrap_or_default(),
        ));
    }
    lines.join("\n")
}

#[track_caller]
fn check(text: &str, want: &str) {
    let (statements, unknown) = read(text.as_bytes()).unwrap();
    let mut got = lines(&statements);
    if unknown > 0 {
        got.push_str(&format!("\n{unknown} unknown"));
    }
    assert_eq!(got, want);
}

const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

#[test]
fn openvex_of_both_versions() {
    check(
        &r#"{"@context":"https://openvex.dev/ns/v0.2.0","@id":"x","author":"Team","timestamp":"2024-01-01T00:00:00Z","version":1,"statements":[
          {"vulnerability":{"@id":"https://nvd.nist.gov/vuln/detail/CVE-1","name":"CVE-1","aliases":["GHSA-1"]},
           "products":[{"@id":"pkg:oci/app@DIGEST","subcomponents":[{"@id":"pkg:npm/x@1","identifiers":{"purl":"pkg:npm/x@1","cpe23":"cpe:2.3:a:x:x:1:*:*:*:*:*:*:*"}}]}],
           "status":"not_affected","justification":"component_not_present","impact_statement":"gone","timestamp":"2024-02-01T00:00:00Z"},
          {"vulnerability":{"name":"CVE-2"},"products":[{"@id":"pkg:npm/y"}],"status":"odd"}]}"#
            .replace("DIGEST", DIGEST),
        &format!(
            "CVE-1|GHSA-1 not_affected [pkg:oci/app@{DIGEST} > pkg:npm/x@1|cpe:2.3:a:x:x:1:*:*:*:*:*:*:*] \
             component not present: gone by Team at 2024-02-01T00:00:00Z\n1 unknown"
        ),
    );
    check(
        r#"{"@context":"https://openvex.dev/ns","author":"Old","statements":[{"vulnerability":"CVE-3",
          "products":["pkg:apk/wolfi/git@2.39.0-r1"],"subcomponents":["pkg:npm/z"],"status":"fixed"}]}"#,
        "CVE-3 fixed [pkg:apk/wolfi/git@2.39.0-r1 > pkg:npm/z]  by Old at ",
    );
}

#[test]
fn csaf_with_branches_groups_and_relationships() {
    check(
        r#"{"document":{"category":"csaf_vex","csaf_version":"2.0","publisher":{"name":"Vendor"},"tracking":{"current_release_date":"2024-03-01T00:00:00Z"}},
          "product_tree":{"branches":[{"category":"vendor","name":"V","branches":[
             {"category":"product_version","name":"1","product":{"name":"App 1","product_id":"A","product_identification_helper":{"purl":"pkg:oci/app?repository_url=registry.example/app"}}},
             {"category":"product_name","name":"RHEL","product":{"name":"RHEL 9","product_id":"R","product_identification_helper":{"cpe":"cpe:/o:redhat:enterprise_linux:9"}}},
             {"category":"product_version","name":"ssl","product":{"name":"openssl","product_id":"S","product_identification_helper":{"purl":"pkg:rpm/redhat/openssl@3.0?arch=src"}}}]}],
           "relationships":[{"category":"default_component_of","product_reference":"S","relates_to_product_reference":"R","full_product_name":{"name":"openssl on RHEL","product_id":"R:S"}},
             {"category":"default_component_of","product_reference":"S","relates_to_product_reference":"A","full_product_name":{"name":"openssl in App","product_id":"A:S"}}],
           "product_groups":[{"group_id":"G","product_ids":["A","A:S"]}]},
          "vulnerabilities":[{"cve":"CVE-1","ids":[{"system_name":"GitHub","text":"GHSA-1"}],
            "product_status":{"known_not_affected":["A:S","R:S","NOPE"],"under_investigation":["A"]},
            "flags":[{"label":"vulnerable_code_not_present","group_ids":["G"]}],
            "threats":[{"category":"impact","details":"not built in","product_ids":["A:S"]}]}]}"#,
        "CVE-1|GHSA-1 not_affected [pkg:oci/app?repository_url=registry.example/app|App 1|openssl in App > pkg:rpm/redhat/openssl@3.0?arch=src|openssl] \
         vulnerable code not present: not built in by Vendor at 2024-03-01T00:00:00Z\n\
         CVE-1|GHSA-1 not_affected [pkg:rpm/redhat/openssl@3.0?arch=src|openssl]  by Vendor at 2024-03-01T00:00:00Z\n\
         CVE-1|GHSA-1 under_investigation [pkg:oci/app?repository_url=registry.example/app|App 1] vulnerable code not present by Vendor at 2024-03-01T00:00:00Z\n\
         1 unknown",
    );
}

/// CSAF 2.1 (<https://docs.oasis-open.org/csaf/csaf/v2.1/csaf-v2.1.html>): a schema of its own, scores as metrics, several weaknesses, several purls for a
/// product, a time on each flag, and a status for what is not known.
#[test]
fn csaf_2_1_is_read() {
    check(
        r#"{"$schema":"https://docs.oasis-open.org/csaf/csaf/v2.1/schema/csaf.json",
          "document":{"category":"csaf_vex","csaf_version":"2.1","distribution":{"tlp":{"label":"CLEAR"}},"license_expression":"CC0-1.0",
            "publisher":{"category":"vendor","name":"Vendor","namespace":"https://vendor.example"},"title":"A","tracking":{"current_release_date":"2026-03-01T00:00:00.000Z"}},
          "product_tree":{"full_product_names":[
            {"name":"App 1","product_id":"A","product_identification_helper":{"purls":["pkg:oci/app?repository_url=registry.example/app"]}},
            {"name":"App 2","product_id":"B","product_identification_helper":{"purls":["pkg:npm/b@2"]}}]},
          "vulnerabilities":[{"cve":"CVE-1","cwes":[{"id":"CWE-79","name":"XSS","version":"4.13"}],
            "metrics":[{"content":{"cvss_v4":{"baseScore":9.3}},"products":["B"]}],
            "product_status":{"known_not_affected":["A"],"known_affected":["B"]},
            "flags":[{"label":"component_not_present","date":"2026-02-01T00:00:00Z","product_ids":["A"]}],
            "remediations":[{"category":"vendor_fix","details":"upgrade to 3","product_ids":["B"]}]}]}"#,
        "CVE-1 affected [pkg:npm/b@2|App 2] upgrade to 3 by Vendor at 2026-03-01T00:00:00Z\n\
         CVE-1 not_affected [pkg:oci/app?repository_url=registry.example/app|App 1] component not present by Vendor at 2026-03-01T00:00:00Z",
    );
}

#[test]
fn cyclonedx_speaks_of_parts_of_its_subject() {
    check(
        &r#"{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"timestamp":"2024-01-01T00:00:00Z","authors":[{"name":"Team"}],
           "component":{"type":"container","bom-ref":"s","name":"app","version":"DIGEST"}},
          "components":[{"type":"library","bom-ref":"c","name":"x","purl":"pkg:npm/x@1"}],
          "vulnerabilities":[
            {"id":"CVE-1","analysis":{"state":"not_affected","justification":"code_not_reachable","detail":"dead code"},"affects":[{"ref":"c"},{"ref":"nope"}]},
            {"id":"CVE-2","analysis":{"state":"in_triage","lastUpdated":"2024-05-01T00:00:00Z"},"affects":[{"ref":"s"},{"ref":"urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#pkg:npm/z@2"}]},
            {"id":"CVE-3","affects":[{"ref":"c"}]}]}"#
            .replace("DIGEST", DIGEST),
        &format!(
            "CVE-1 not_affected [{DIGEST} > pkg:npm/x@1] vulnerable code not in execute path: dead code by Team at 2024-01-01T00:00:00Z\n\
             CVE-2 under_investigation [{DIGEST}; pkg:npm/z@2]  by Team at 2024-05-01T00:00:00Z\n1 unknown"
        ),
    );
}

#[test]
fn other_documents_are_refused() {
    let refused = |text: &str| read(text.as_bytes()).unwrap_err().to_string();
    let unknown = "it is no VEX document: neither OpenVEX nor CSAF nor CycloneDX with vulnerabilities";
    assert_eq!(refused("{}"), unknown);
    assert_eq!(refused("SPDXVersion: SPDX-2.3"), unknown);
    assert_eq!(refused("{"), "it is not JSON");
    assert_eq!(
        refused(r#"{"document":{"csaf_version":"2.0","category":"csaf_informational_advisory"}}"#),
        "it is a CSAF document of the category `csaf_informational_advisory`, not `csaf_vex`"
    );
}

fn statement(name: &str, product: Product, status: Status, day: i64) -> Statement {
    Statement {
        vulnerabilities: vec![name.to_owned(), format!("GHSA-{name}")],
        products: vec![product],
        status,
        justification: (status == Status::NotAffected).then_some(Justification::InlineMitigations),
        impact: (status == Status::NotAffected).then(|| "a filter \"<in>\" front".to_owned()),
        action: (status == Status::Affected).then(|| "upgrade".to_owned()),
        author: "Team".to_owned(),
        issued: Some(Timestamp(day * 86_400)),
    }
}

fn image(part: Option<&str>) -> Product {
    Product {
        identities: vec![Identity::parse(&format!("pkg:oci/app@{DIGEST}"))],
        parts: part.map(|part| vec![Identity::parse(part)]).into_iter().collect(),
    }
}

fn heading(statements: &[Statement]) -> Heading {
    Heading::new("Team", "https://team.example", Timestamp(3 * 86_400), "1.0", statements)
}

#[test]
fn statements_come_back_from_every_format() {
    let statements = [
        statement("CVE-2024-1", image(Some("pkg:npm/x@1")), Status::NotAffected, 3),
        statement("CVE-2024-2", image(None), Status::Affected, 3),
        statement("CVE-2024-3", image(Some("pkg:deb/debian/y@1?arch=amd64")), Status::Fixed, 3),
        statement("CVE-2024-4", image(Some("pkg:npm/x")), Status::UnderInvestigation, 3),
    ];
    for format in [Format::OpenVex, Format::Csaf, Format::CycloneDx] {
        let mut bytes = Vec::new();
        write(&statements, &heading(&statements), format, &mut bytes).unwrap();
        let (read, unknown) = read(&bytes).unwrap();
        assert_eq!(unknown, 0, "{format:?}");
        // Names for people come beside the identifiers.
        let mut read = read;
        for identities in read
            .iter_mut()
            .flat_map(|statement| &mut statement.products)
            .flat_map(|product| std::iter::once(&mut product.identities).chain(&mut product.parts))
        {
            identities.retain(|identity| matches!(identity, Identity::Purl(_)));
            identities.dedup();
        }
        assert_eq!(lines(&read), lines(&statements), "{format:?}");
        insta::assert_snapshot!(format!("vex-{format:?}"), String::from_utf8(bytes).unwrap());
    }
}

#[test]
fn a_document_about_parts_of_two_products_is_no_cyclonedx() {
    let other = Product { identities: vec![Identity::parse("pkg:oci/b@1")], ..image(Some("pkg:npm/x")) };
    let statements = [
        statement("CVE-1", image(Some("pkg:npm/x")), Status::Fixed, 1),
        statement("CVE-1", other, Status::Fixed, 1),
    ];
    let error = write(&statements, &heading(&statements), Format::CycloneDx, &mut Vec::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a CycloneDX document is about one product, and the statements are about parts of several"
    );
}

#[test]
fn the_newest_statement_of_each_author_is_kept() {
    let x = || Product::new(Identity::parse("pkg:npm/x"));
    let y = || Product::new(Identity::parse("pkg:npm/y"));
    let both =
        Statement { products: vec![x(), y()], ..statement("CVE-1", x(), Status::UnderInvestigation, 1) };
    let other = Statement { author: "Other".into(), ..statement("CVE-1", x(), Status::Affected, 1) };
    let merged = merge(vec![
        statement("CVE-1", x(), Status::NotAffected, 3),
        both,
        other,
        statement("CVE-1", x(), Status::Fixed, 2),
    ]);
    assert_eq!(
        lines(&merged),
        "CVE-1|GHSA-CVE-1 affected [pkg:npm/x] upgrade by Other at 1970-01-02T00:00:00Z\n\
         CVE-1|GHSA-CVE-1 under_investigation [pkg:npm/y]  by Team at 1970-01-02T00:00:00Z\n\
         CVE-1|GHSA-CVE-1 not_affected [pkg:npm/x] inline mitigations already exist: a filter \"<in>\" front by Team at 1970-01-04T00:00:00Z"
    );
}
