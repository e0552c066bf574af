//! Every page and every table, as a team sees them.

use super::{BLUE_FILE, Fleet, on_this_thread, tells};
use std::collections::BTreeSet;
use std::path::Path;

/// Pages by their addresses, each with everything that there is in the place of its names.
fn pages(fleet: &Fleet) -> Vec<(&'static str, Vec<String>)> {
    let digests = [fleet.red.digest(), fleet.blue.digest(), fleet.both.digest()];
    let of = |rest: &str| digests.iter().map(|digest| format!("/images/{digest}{rest}")).collect::<Vec<_>>();
    let file = assay_test::image::digest(BLUE_FILE);
    let mut compared = Vec::new();
    for one in &digests {
        compared.extend(digests.iter().map(|other| format!("/images/{one}/compare?with={other}")));
    }
    vec![
        ("/", vec!["/".to_owned()]),
        (
            "/images",
            vec!["/images".to_owned(), "/images?text=app".to_owned(), "/images?severity=critical".to_owned()],
        ),
        ("/images/{digest}", of("")),
        ("/images/{digest}/packages", of("/packages")),
        ("/images/{digest}/compare", compared),
        (
            "/search",
            vec![
                "/search?text=app".to_owned(),
                "/search?text=lib".to_owned(),
                "/search?text=CVE-2022-1".to_owned(),
            ],
        ),
        (
            "/advisories/{id}",
            vec!["/advisories/CVE-2022-1".to_owned(), "/advisories/CVE-2022-1?triage=settled".to_owned()],
        ),
        ("/packages", vec!["/packages?name=django".to_owned()]),
        ("/files/{sha256}", vec![format!("/files/{file}")]),
        ("/triage", vec!["/triage".to_owned(), "/triage?ended=all".to_owned()]),
        ("/triage/{id}", (0..10).map(|id| format!("/triage/{id}")).collect()),
        ("/events", vec!["/events".to_owned()]),
        ("/promotions", vec!["/promotions".to_owned()]),
        ("/queue", vec!["/queue".to_owned()]),
        ("/policy", vec!["/policy".to_owned()]),
        ("/audit", vec!["/audit".to_owned()]),
    ]
}

/// Returns a page without what in it only repeats what was asked for.
fn without(text: &str, asked: &str) -> String {
    let escaped = asked.replace('/', "&#x2f;").replace('&', "&amp;");
    let mut left = text.replace(asked, "").replace(&escaped, "");
    for part in asked.split(['/', '=']).filter(|part| part.contains("sha256:")) {
        let part = part.split('?').next().unwrap();
        left = left.replace(part, "").replace(part.trim_start_matches("sha256:"), "");
    }
    left
}

#[test]
fn no_page_and_no_table_tells_a_team_of_another() {
    on_this_thread(async |fleet| {
        // Every page there is.
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pages");
        let mut known = BTreeSet::new();
        for file in std::fs::read_dir(source).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            known.extend(
                text.split("path: \"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()),
            );
        }
        let all = pages(&fleet);
        assert_eq!(all.iter().map(|(page, _)| (*page).to_owned()).collect::<BTreeSet<_>>(), known);
        let mut told = BTreeSet::new();
        for (page, addresses) in &all {
            let mut opened = 0;
            for address in addresses {
                let (status, html) = fleet.ask("red-admin", "GET", address, "").await;
                assert!(status == 200 || status == 404 || status == 403, "{address}: {status} {html}");
                opened += usize::from(status == 200);
                let own = without(&html, address);
                assert!(!tells(&fleet, &own), "{address}: {own}");
                let (_, whole) = fleet.ask("admin", "GET", address, "").await;
                if tells(&fleet, &without(&whole, address)) {
                    told.insert(*page);
                }
                // Its tables, as documents.
                for table in whole.split("table=").skip(1).filter_map(|rest| rest.split("&amp;").next()) {
                    for form in ["csv", "json"] {
                        let separator = if address.contains('?') { '&' } else { '?' };
                        let table = format!("{address}{separator}table={table}&format={form}");
                        let (_, document) = fleet.ask("red-admin", "GET", &table, "").await;
                        assert!(!tells(&fleet, &without(&document, address)), "{table}: {document}");
                    }
                }
            }
            let is_of_fleet = ["/queue", "/policy", "/audit"].contains(page);
            // Nobody but the blue team has that file, so that page says that there is none.
            assert_eq!(opened == 0, is_of_fleet, "{page}");
        }
        // All tell who sees everything, but that nothing is to be done.
        let silent: Vec<&str> =
            all.iter().map(|(page, _)| *page).filter(|page| !told.contains(page)).collect();
        assert_eq!(silent, ["/queue"]);
        // In the menu is what can be opened.
        let (_, html) = fleet.ask("red-admin", "GET", "/", "").await;
        for (page, is_there) in [
            ("Images", true),
            ("Events", true),
            ("Queue and feeds", false),
            ("Policy", false),
            ("Audit", false),
        ] {
            assert_eq!(html.contains(&format!(">{page}</a>")), is_there, "{page}");
        }
        assert!(html.contains("(admin, red)"), "{html}");
        for format in ["json", "html", "cyclonedx", "spdx", "sarif", "csv", "markdown"] {
            let of = |digest: &str| format!("/images/{digest}/download/{format}");
            assert_eq!(fleet.ask("red-admin", "GET", &of(&fleet.blue.digest()), "").await.0, 404);
            for digest in [fleet.red.digest(), fleet.both.digest()] {
                let (status, file) = fleet.ask("red-admin", "GET", &of(&digest), "").await;
                assert!(status == 200 && !tells(&fleet, &file), "{format}: {status} {file}");
            }
        }
    });
}
