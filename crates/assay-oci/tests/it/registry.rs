//! The registry client against registries that are well, ill and malicious.

use crate::{chain, check_sample, layer, network, open, options, refused, sample};
use assay_oci::{
    CredentialSources, Credentials, Network, NetworkOptions, OpenError, OpenImage, RegistryError,
    RegistryErrorKind, Secret, Source, SourceKind,
};
use assay_test::http::{Reply, Request, Server};
use assay_test::image::{Builder, INDEX, Tree, descriptor, digest, index};
use assay_test::registry::Content;
use serde_json::json;
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};

fn content() -> Content {
    Content::new().image("v1", &sample())
}

/// Serves the sample image; `first` may answer in place of the registry. Returns the reference too.
fn serve(first: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static) -> (Server, String) {
    let content = content();
    let server = Server::start(move |request| first(request).unwrap_or_else(|| content.answer(request)));
    let reference = format!("{}/acme/app:v1", server.host());
    (server, reference)
}

/// Opens with credentials for the server.
fn open_as(reference: &str, credentials: Credentials) -> Result<Box<dyn OpenImage>, OpenError> {
    let host = reference.split('/').next().unwrap().to_owned();
    let given = CredentialSources { given: vec![(host, credentials)], ..Default::default() };
    let options = NetworkOptions { credentials: given, ..(**network().options()).clone() };
    source(reference).open(&crate::options(), &Network::new(options))
}

fn source(reference: &str) -> Source {
    Source::Registry(reference.parse().unwrap())
}

fn kind(error: &OpenError) -> RegistryErrorKind {
    match error {
        OpenError::Registry(error) => error.kind(),
        other => panic!("{other}"),
    }
}

fn password() -> Credentials {
    Credentials::Password { user: "user".into(), password: Secret::new("pass") }
}

#[test]
fn an_image_is_pulled_by_tag_and_by_digest() {
    let (server, reference) = serve(|_| None);
    let opened = check_sample(&reference);
    assert_eq!(opened.kind(), SourceKind::Registry);
    assert_eq!(opened.image().manifest_digest.unwrap().to_string(), sample().digest());
    assert_eq!(opened.image().reference, reference);
    check_sample(&format!("{}/acme/app:gone@{}", server.host(), sample().digest()));
    assert!(server.requests().iter().all(|request| request.header("authorization").is_none()));
}

#[test]
fn basic_authentication_is_given_when_asked_for() {
    let (_, reference) = serve(|request| {
        // dXNlcjpwYXNz is `user:pass`.
        let ok = request.header("authorization") == Some("Basic dXNlcjpwYXNz");
        (!ok).then(|| Reply::new(401, "").header("WWW-Authenticate", "Basic realm=\"x\""))
    });
    let opened = open_as(&reference, password()).unwrap();
    assert_eq!(layer(&*opened, 0), sample().layers[0].tar);
    let error = open(&reference).err().unwrap();
    assert_eq!(kind(&error), RegistryErrorKind::Unauthorised);
    assert!(chain(&error).contains("answered 401 to the request for manifest `v1`"), "{}", chain(&error));
    let wrong = Credentials::Password { user: "user".into(), password: Secret::new("secret-word") };
    let error = open_as(&reference, wrong).err().unwrap();
    assert_eq!(kind(&error), RegistryErrorKind::Unauthorised);
    assert!(!format!("{error:?}").contains("secret-word"));
}

/// Serves with tokens that `token` gives for a request to the token server.
fn token_server(
    token: impl Fn(&Request) -> Option<&'static str> + Send + Sync + 'static,
) -> (Server, String) {
    serve(move |request| {
        if request.target.starts_with("/token") {
            return Some(match token(request) {
                Some(token) => Reply::new(200, json!({"token": token}).to_string()),
                None => Reply::new(401, ""),
            });
        }
        let host = request.header("host").unwrap();
        let challenge = format!(
            "Bearer realm=\"http://{host}/token\",service=\"here\",scope=\"repository:acme/app:pull\""
        );
        let ok = request.header("authorization") == Some("Bearer good");
        (!ok).then(|| Reply::new(401, "").header("WWW-Authenticate", &challenge))
    })
}

#[test]
fn a_token_is_fetched_without_credentials_too() {
    let (server, reference) = token_server(|request| {
        assert_eq!(request.target, "/token?service=here&scope=repository%3Aacme%2Fapp%3Apull");
        request.header("authorization").is_none().then_some("good")
    });
    check_sample(&reference);
    assert_eq!(server.count("/token"), 1, "the token is kept");
}

#[test]
fn a_token_is_fetched_with_a_password() {
    let (_, reference) = token_server(|request| {
        (request.header("authorization") == Some("Basic dXNlcjpwYXNz")).then_some("good")
    });
    open_as(&reference, password()).unwrap();
    assert_eq!(kind(&open(&reference).err().unwrap()), RegistryErrorKind::Unauthorised);
}

#[test]
fn an_identity_token_is_posted() {
    let (_, reference) = token_server(|request| {
        let body = String::from_utf8(request.body.clone()).unwrap();
        let ok = request.method == "POST"
            && body.contains("grant_type=refresh_token&")
            && body.ends_with("&refresh_token=id%2Btoken");
        ok.then_some("good")
    });
    open_as(&reference, Credentials::Identity(Secret::new("id+token"))).unwrap();
    open_as(&reference, Credentials::Bearer(Secret::new("good"))).unwrap();
}

#[test]
fn a_token_that_does_not_help_is_not_asked_for_again_and_again() {
    let (server, reference) = token_server(|_| Some("bad"));
    assert_eq!(kind(&open(&reference).err().unwrap()), RegistryErrorKind::Unauthorised);
    assert_eq!(server.count("/token"), 1);
}

#[test]
fn busy_and_broken_registries_are_asked_again() {
    let asked = AtomicUsize::new(0);
    let (_, reference) = serve(move |request| {
        if request.target == "/v2/" {
            return None;
        }
        match asked.fetch_add(1, Ordering::SeqCst) {
            0 => Some(Reply::new(429, "").header("Retry-After", "0")),
            1 => Some(Reply::new(503, "")),
            3 => Some(Reply::new(500, "")),
            _ => None,
        }
    });
    check_sample(&reference);
    let (server, reference) = serve(|request| (request.target != "/v2/").then(|| Reply::new(502, "")));
    assert_eq!(kind(&open(&reference).err().unwrap()), RegistryErrorKind::Server);
    assert_eq!(server.count("/manifests/"), 4, "once and three times more");
}

#[test]
fn refusals_are_told_apart() {
    for (status, expected) in [
        (403, RegistryErrorKind::Denied),
        (404, RegistryErrorKind::NotFound),
        (429, RegistryErrorKind::TooManyRequests),
        (400, RegistryErrorKind::Server),
    ] {
        let body = "{\"errors\":[{\"code\":\"X\",\"message\":\"told\\u001b[31m you\"}]}";
        let (_, reference) =
            serve(move |request| (request.target != "/v2/").then(|| Reply::new(status, body)));
        let error = open(&reference).err().unwrap();
        assert_eq!(kind(&error), expected);
        assert!(error.to_string().ends_with("(told[31m you)"), "{error}");
    }
    // Port 1 of this machine is closed.
    assert_eq!(kind(&open("127.0.0.1:1/x").err().unwrap()), RegistryErrorKind::Unreachable);
    let offline = Network::new(NetworkOptions { offline: true, ..NetworkOptions::default() });
    let error = source("127.0.0.1:1/x").open(&options(), &offline).err().unwrap();
    assert_eq!(kind(&error), RegistryErrorKind::Offline);
}

#[test]
fn a_broken_download_is_taken_up_where_it_broke() {
    let (content, big) = (content(), digest(&sample().layers[2].blob));
    let (server, reference) =
        serve(move |request| request.target.contains(&big).then(|| content.answer(request).cut(400_000)));
    check_sample(&reference);
    let ranges: Vec<_> =
        server.requests().iter().filter_map(|request| request.header("range").map(str::to_owned)).collect();
    assert_eq!(ranges, ["bytes=400000-"]);
}

#[test]
fn a_registry_without_ranges_is_read_from_the_start_again() {
    let asked = AtomicUsize::new(0);
    let content = content();
    let (_, reference) = serve(move |request| {
        let mut request = request.clone();
        request.headers.retain(|(name, _)| name != "range");
        let big = request.target.contains(&digest(&sample().layers[2].blob));
        (big && asked.fetch_add(1, Ordering::SeqCst) == 0)
            .then(|| content.answer(&request).cut(300_000))
            .or_else(|| Some(content.answer(&request)))
    });
    check_sample(&reference);
}

#[test]
fn a_download_that_always_breaks_ends() {
    let content = content();
    let (_, reference) = serve(move |request| {
        request.target.contains("/blobs/").then(|| content.answer(request)).map(|reply| {
            if request.target.contains(&digest(&sample().layers[0].blob)) { reply.cut(0) } else { reply }
        })
    });
    let opened = open(&reference).unwrap();
    let error = opened.read(0).unwrap().read_to_end(&mut Vec::new()).unwrap_err();
    let inner = error.get_ref().unwrap().downcast_ref::<RegistryError>().unwrap();
    assert!(matches!(inner, RegistryError::Interrupted { .. }), "{inner}");
}

#[test]
fn wrong_bytes_are_refused() {
    let (_, reference) = serve(|request| {
        let target = &request.target;
        target
            .contains(&digest(&sample().layers[0].blob))
            .then(|| Reply::new(200, sample().layers[2].blob.clone()))
    });
    let opened = open(&reference).unwrap();
    let error = opened.read(0).unwrap().read_to_end(&mut Vec::new()).unwrap_err();
    assert!(assay_oci::BlobMismatch::find(&error).is_some(), "{error}");
    let (_, reference) =
        serve(|request| request.target.contains(&digest(&sample().config)).then(|| Reply::new(200, "{}")));
    assert!(refused(&reference).contains("has the wrong digest"));
    let (server, _) = serve(|request| request.target.contains("/manifests/").then(|| Reply::new(200, "{}")));
    assert!(
        refused(&format!("{}/acme/app@{}", server.host(), sample().digest()))
            .contains("has the wrong digest")
    );
}

#[test]
fn credentials_do_not_follow_a_redirect_to_another_host() {
    let storage = {
        let content = content();
        Server::start(move |request| content.answer(request))
    };
    let elsewhere = storage.host();
    let (server, reference) = serve(move |request| {
        if request.header("authorization") != Some("Basic dXNlcjpwYXNz") {
            return Some(Reply::new(401, "").header("WWW-Authenticate", "Basic realm=x"));
        }
        let location = format!("http://{elsewhere}{}?signature=1", request.target);
        request
            .target
            .contains("/blobs/")
            .then(|| Reply::new(307, "").header("Location", &location.replace("?signature=1", "")))
    });
    let opened = open_as(&reference, password()).unwrap();
    assert_eq!(layer(&*opened, 0), sample().layers[0].tar);
    assert!(storage.count("/blobs/") >= 2);
    assert!(storage.requests().iter().all(|request| request.header("authorization").is_none()));
    assert!(server.requests().iter().any(|request| request.header("authorization").is_some()));
}

/// Serves the sample to whoever knows the password; what is asked of blobs is redirected to `location`.
fn redirecting(location: impl Fn(&Request) -> String + Send + Sync + 'static) -> (Server, String) {
    serve(move |request| {
        if request.header("authorization") != Some("Basic dXNlcjpwYXNz") {
            return Some(Reply::new(401, "").header("WWW-Authenticate", "Basic realm=x"));
        }
        let blob = request.target.contains("/blobs/");
        blob.then(|| Reply::new(307, "").header("Location", &location(request)))
    })
}

/// Returns all that a failure says, for people and for logs.
fn failure(reference: &str) -> String {
    let error = open_as(reference, password()).err().unwrap();
    format!("{} {error:?}", chain(&error))
}

#[test]
fn a_redirect_to_another_port_or_scheme_drops_the_credentials() {
    // Another port of the same machine is another server, which may be anybody's.
    let asked_back = Server::start(|_| Reply::new(401, "").header("WWW-Authenticate", "Basic realm=x"));
    let port = asked_back.host();
    let (_, reference) = redirecting(move |request| format!("http://{port}{}", request.target));
    let said = failure(&reference);
    assert!(said.contains("answered 401"), "{said}");
    assert_eq!(asked_back.count("/blobs/"), 1, "its 401 is not answered");
    assert!(asked_back.requests().iter().all(|request| request.header("authorization").is_none()));

    // The same host and port by TLS: nobody speaks it there, and nothing is sent without.
    let (server, reference) = redirecting(|request| {
        format!("https://{}{}", request.header("host").unwrap_or_default(), request.target)
    });
    let said = failure(&reference);
    assert!(said.contains("cannot reach"), "{said}");
    let with: Vec<_> =
        server.requests().into_iter().filter(|request| request.target.contains("/blobs/")).collect();
    assert_eq!(with.len(), 3, "each attempt asks the registry once, and it alone");

    // Back at the registry by a detour, the credentials are its own again.
    let content = content();
    let home = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
    let detour = {
        let home = std::sync::Arc::clone(&home);
        Server::start(move |request| {
            let back = format!("http://{}{}?back", home.get().unwrap(), request.target);
            Reply::new(307, "").header("Location", &back)
        })
    };
    let away = detour.host();
    let (server, reference) = serve(move |request| {
        if request.header("authorization") != Some("Basic dXNlcjpwYXNz") {
            return Some(Reply::new(401, "").header("WWW-Authenticate", "Basic realm=x"));
        }
        let mut request = request.clone();
        match request.target.strip_suffix("?back") {
            Some(target) => request.target = target.to_owned(),
            None if request.target.contains("/blobs/") => {
                return Some(
                    Reply::new(307, "").header("Location", &format!("http://{away}{}", request.target)),
                );
            }
            None => {}
        }
        Some(content.answer(&request))
    });
    home.set(server.host()).unwrap();
    open_as(&reference, password()).unwrap();
    assert!(detour.count("/blobs/") > 0 && server.count("?back") > 0);
    assert!(detour.requests().iter().all(|request| request.header("authorization").is_none()));
}

#[test]
fn addresses_with_a_user_name_in_them_are_not_followed_nor_shown() {
    let elsewhere = Server::start(|_| Reply::new(200, ""));
    let host = elsewhere.host();
    let (_, reference) = redirecting(move |request| format!("http://name:hidden@{host}{}", request.target));
    let said = failure(&reference);
    assert!(said.contains("to an address with a user name in it") && !said.contains("hidden"), "{said}");

    let host = elsewhere.host();
    let (_, reference) = serve(move |_| {
        let challenge = format!("Bearer realm=\"http://name:hidden@{host}/token\"");
        Some(Reply::new(401, "").header("WWW-Authenticate", &challenge))
    });
    let said = failure(&reference);
    assert!(said.contains("a user name in its address") && !said.contains("hidden"), "{said}");
    assert_eq!(elsewhere.requests().len(), 0);

    let typed =
        Source::parse("user:hidden@127.0.0.1:1/x", &|path: &std::path::Path| assay_oci::recognise(path));
    let error = typed.unwrap_err();
    assert!(!format!("{} {error:?}", chain(&error)).contains("hidden"), "{error:?}");
}

#[test]
fn a_token_server_on_another_host_gets_the_password_and_the_registry_the_token() {
    let tokens = Server::start(|request| {
        let known = request.header("authorization") == Some("Basic dXNlcjpwYXNz");
        Reply::new(if known { 200 } else { 401 }, r#"{"token":"good"}"#)
    });
    let host = tokens.host();
    let (server, reference) = serve(move |request| {
        let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"s\"");
        let ok = request.header("authorization") == Some("Bearer good");
        (!ok).then(|| Reply::new(401, "").header("WWW-Authenticate", &challenge))
    });
    open_as(&reference, password()).unwrap();
    assert_eq!(tokens.count("/token"), 1);
    let sent: std::collections::BTreeSet<_> = server
        .requests()
        .iter()
        .filter_map(|request| request.header("authorization").map(str::to_owned))
        .collect();
    assert_eq!(
        sent.into_iter().collect::<Vec<_>>(),
        ["Bearer good"],
        "the password is not the registry's to see"
    );
}

#[test]
fn a_token_server_without_tls_gets_nothing() {
    // Not this machine, and plain HTTP was not allowed; `.invalid` cannot be reached by anybody.
    let (_, reference) = serve(|_| {
        Some(Reply::new(401, "").header("WWW-Authenticate", "Bearer realm=\"http://tokens.invalid/t\""))
    });
    let said = failure(&reference);
    assert!(said.contains("to a token server without TLS"), "{said}");
}

#[test]
fn a_token_server_that_redirects_is_not_followed() {
    let elsewhere = Server::start(|_| Reply::new(200, r#"{"token":"good"}"#));
    let host = elsewhere.host();
    let (_, reference) = serve(move |request| {
        if request.target.starts_with("/token") {
            return Some(Reply::new(307, "").header("Location", &format!("http://{host}/token")));
        }
        let realm = format!("Bearer realm=\"http://{}/token\"", request.header("host").unwrap_or_default());
        Some(Reply::new(401, "").header("WWW-Authenticate", &realm))
    });
    let said = failure(&reference);
    assert!(said.contains("answered 307 to the request for a token"), "{said}");
    assert_eq!(elsewhere.requests().len(), 0);
}

#[test]
fn redirects_are_bounded_and_do_not_leave_tls() {
    let (_, reference) = serve(|request| {
        (request.target != "/v2/").then(|| Reply::new(302, "").header("Location", &request.target))
    });
    assert!(refused(&reference).contains("more than five times"));
    let (_, reference) = serve(|request| {
        (request.target != "/v2/")
            .then(|| Reply::new(302, "").header("Location", "http://registry.example/x"))
    });
    assert!(refused(&reference).contains("to an address without TLS"));
    let (_, reference) = serve(|request| {
        (request.target != "/v2/").then(|| Reply::new(302, "").header("Location", "file:///etc/passwd"))
    });
    assert!(refused(&reference).contains("to an address without TLS"));
}

#[test]
fn endless_answers_end() {
    let (_, reference) = serve(|request| {
        request.target.contains("/manifests/").then(|| Reply::new(200, vec![b' '; 65_536]).endless())
    });
    assert!(refused(&reference).contains("sends more than 4194304 bytes"));
    let (_, reference) = serve(|request| {
        let endless = request.target.contains(&digest(&sample().layers[0].blob));
        endless.then(|| Reply::new(200, vec![b' '; 65_536]).endless())
    });
    let opened = open(&reference).unwrap();
    let error = opened.read(0).unwrap().read_to_end(&mut Vec::new()).unwrap_err();
    assert!(assay_oci::BlobMismatch::find(&error).is_some(), "{error}");
}

#[test]
fn indexes_are_resolved_and_their_nesting_is_bounded() {
    let make = |name: &str| Builder::new().architecture(name).layer(Tree::new().file("a", name), "x").build();
    let (arm64, s390x) = (make("arm64"), make("s390x"));
    let index = index(&[&arm64, &s390x]);
    let mut nested = vec![index.clone()];
    for _ in 0..5 {
        let inner = descriptor(INDEX, nested.last().unwrap());
        nested.push(
            json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [inner]}).to_string().into_bytes(),
        );
    }
    let mut content =
        Content::new().image("arm64", &arm64).image("s390x", &s390x).manifest("multi", INDEX, &index);
    for (depth, bytes) in nested.iter().enumerate() {
        content = content.manifest(&format!("nested{depth}"), INDEX, bytes);
    }
    let server = Server::start(move |request| content.answer(request));
    let with = |tag: &str, platform: &str| {
        let mut options = options();
        options.platform = Some(platform.parse().unwrap());
        source(&format!("{}/x:{tag}", server.host())).open(&options, &network())
    };
    let opened = with("multi", "linux/arm64").unwrap();
    assert_eq!(opened.image().index_digest.unwrap().to_string(), digest(&index));
    assert_eq!(opened.image().manifest_digest.unwrap().to_string(), arm64.digest());
    // `linux/amd64` was not asked for, but it is the default and there is none.
    assert!(refused(&format!("{}/x:multi", server.host())).contains("made for `linux/arm64`, `linux/s390x`"));
    assert!(with("arm64", "linux/amd64").err().unwrap().to_string().contains("made for `linux/arm64`"));
    with("nested2", "linux/s390x").unwrap();
    assert!(with("nested5", "linux/s390x").err().unwrap().to_string().contains("nesting of indexes"));
}

#[test]
fn old_manifests_are_named() {
    let old = br#"{"schemaVersion":1,"name":"x","fsLayers":[]}"#;
    let content =
        Content::new().manifest("v1", "application/vnd.docker.distribution.manifest.v1+prettyjws", old);
    let server = Server::start(move |request| content.answer(request));
    assert!(refused(&format!("{}/x:v1", server.host())).contains("unsupported media type"));
}

#[test]
fn a_part_of_a_layer_is_exactly_what_was_asked_for() {
    let image = sample();
    let blob = image.layers[2].blob.clone();
    for (answer, want) in [
        ("right", Ok(())),
        ("another", Err("not the range asked for")),
        ("whole", Err("not the range asked for")),
        ("longer", Err("sends more than 100 bytes")),
        ("shorter", Err("broke while reading")),
        ("refused", Err("answered 403")),
    ] {
        let (content, all) = (Content::new().image("v1", &image), blob.clone());
        let server = Server::start(move |request| {
            let Some(range) = request.header("range") else { return content.answer(request) };
            assert_eq!(range, "bytes=50-149");
            let part = |from: usize, to: usize| {
                Reply::new(206, &all[from..to])
                    .header("Content-Range", &format!("bytes 50-149/{}", all.len()))
            };
            match answer {
                "right" => part(50, 150),
                "another" => Reply::new(206, &all[..100]).header("Content-Range", "bytes 0-99/200"),
                "whole" => Reply::new(200, all.clone()),
                "longer" => part(50, 160),
                "shorter" => part(50, 140),
                _ => Reply::new(403, ""),
            }
        });
        let opened = open(&format!("{}/x:v1", server.host())).unwrap();
        let got = opened.read_part(2, 50, 100);
        match want {
            Ok(()) => assert_eq!(got.unwrap(), blob[50..150]),
            Err(text) => {
                let said = chain(&got.unwrap_err());
                assert!(said.contains(text), "{answer}: {said}");
            }
        }
    }
}
