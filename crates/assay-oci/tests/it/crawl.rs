//! Lists of registries: all pages of them, with the credentials of each repository, and none from elsewhere.

use crate::{network, sample};
use assay_oci::registry::{Crawler, Listing};
use assay_oci::{CredentialSources, Network, NetworkOptions};
use assay_test::http::{Reply, Request, Server};
use assay_test::registry::Content;
use serde_json::json;

fn crawler(server: &Server, repository: &str) -> Crawler {
    Crawler::connect(&format!("{}/{repository}", server.host()).parse().unwrap(), &network()).unwrap()
}

/// Lists the tags that a registry gives by pages of a thousand, of which it may ignore everything but a link.
fn tags(count: usize, linked: bool, most: usize) -> (Listing, usize) {
    let server = Server::start(move |request: &Request| {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        if path == "/v2/" {
            return Reply::new(200, "{}");
        }
        let key = if linked { "token=" } else { "last=t" };
        let from = query.split('&').find_map(|one| one.strip_prefix(key)).map_or(0, |at| at.parse().unwrap());
        let page: Vec<String> = (from + 1..=count).take(1000).map(|tag| format!("t{tag:06}")).collect();
        let next = from + page.len();
        let reply = Reply::new(200, json!({ "name": "acme/app", "tags": page }).to_string());
        if linked && next < count {
            return reply.header("Link", &format!("<{path}?n=1000&token={next}>; rel=\"next\""));
        }
        reply
    });
    (crawler(&server, "acme/app").tags(most).unwrap(), server.count("tags/list"))
}

#[test]
fn all_pages_are_read_and_no_more_names_than_asked_for() {
    for linked in [false, true] {
        let check = |count, most, want: (usize, bool)| {
            let (listing, _) = tags(count, linked, most);
            assert_eq!((listing.names.len(), listing.complete), want, "{count} {linked}");
        };
        check(0, 10, (0, true));
        check(999, 10_000, (999, true));
        check(1000, 10_000, (1000, true));
        check(2500, 10_000, (2500, true));
        check(2500, 2500, (2500, true));
        check(2500, 1200, (1200, false));
    }
    // Two pages for a thousand and one.
    assert_eq!(tags(1001, true, 10_000).1, 2);
}

#[test]
fn a_repository_that_is_not_there_has_no_tags_and_other_errors_are_errors() {
    for (status, want) in
        [(404, Some(Listing { complete: true, ..Listing::default() })), (403, None), (500, None)]
    {
        let server = Server::start(move |request| {
            Reply::new(if request.target == "/v2/" { 200 } else { status }, r#"{"errors":[]}"#)
        });
        let options = NetworkOptions { retries: 0, ..(**network().options()).clone() };
        let reference = format!("{}/acme/app", server.host()).parse().unwrap();
        let crawler = Crawler::connect(&reference, &Network::new(options)).unwrap();
        assert_eq!(crawler.tags(10).ok(), want, "{status}");
        // Only repositories can be none; a registry without a list of them is an error.
        assert!(crawler.repositories(10).is_err(), "{status}");
    }
}

#[test]
fn what_a_tag_stands_for_is_asked_without_fetching_it() {
    let content = Content::new().image("v1", &sample());
    let server = Server::start(move |request| content.answer(request));
    let one = crawler(&server, "acme/app");
    assert_eq!(one.digest_of("v1").unwrap().unwrap().to_string(), sample().digest());
    assert_eq!(one.digest_of("v2").unwrap(), None);
    assert!(server.requests().iter().all(|request| request.method == "HEAD" || request.target == "/v2/"));
    // A registry that does not say it.
    let manifest = sample().manifest;
    let silent = Server::start(move |_| Reply::new(200, manifest.clone()));
    assert_eq!(crawler(&silent, "acme/app").digest_of("v1").unwrap().unwrap().to_string(), sample().digest());
}

#[test]
fn each_repository_is_asked_with_its_own_credentials() {
    let server = Server::start(|request| {
        let sent = request.header("authorization").unwrap_or_default();
        let who = match sent {
            "Basic YXBwOmE=" => "app",
            "Basic YWxsOmI=" => "all",
            _ if request.target == "/v2/" => return Reply::new(200, "{}"),
            _ => return Reply::new(401, "").header("WWW-Authenticate", "Basic realm=\"r\""),
        };
        let key = if request.target.contains("_catalog") { "repositories" } else { "tags" };
        Reply::new(200, json!({ key: [who] }).to_string())
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth.json");
    let host = server.host();
    let auths = json!({ "auths": { format!("{host}/acme/app"): {"auth": "YXBwOmE="}, host.clone(): {"auth": "YWxsOmI="} } });
    std::fs::write(&file, auths.to_string()).unwrap();
    let credentials = CredentialSources { files: vec![file], ..Default::default() };
    let network = Network::new(NetworkOptions { credentials, ..(**network().options()).clone() });
    let connect =
        |repository| Crawler::connect(&format!("{host}/{repository}").parse().unwrap(), &network).unwrap();
    let one = |listing: Listing| listing.names.into_iter().next().unwrap();
    assert_eq!(one(connect("acme/app").tags(10).unwrap()), "app");
    assert_eq!(one(connect("acme/other").tags(10).unwrap()), "all");
    assert_eq!(one(connect("catalogue").repositories(10).unwrap()), "all");
}
