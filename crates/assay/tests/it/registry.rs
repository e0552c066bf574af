//! Registries that cannot be reached, deny, or give something wrong.

use crate::{Place, image};
use assay_test::http::{Reply, Request, Server};
use assay_test::registry::Content;

fn serve(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> String {
    format!("{}/team/app:1", Server::start(answer).host())
}

#[test]
fn an_image_is_scanned_from_its_registry() {
    let place = Place::new();
    let content = Content::new().image("1", &image());
    let source = serve(move |request| content.answer(request));
    let ran = place.run(&["scan", &source]);
    insta::assert_snapshot!(place.shown(&ran));
}

#[test]
fn a_registry_that_does_not_answer() {
    // The port was free a moment ago, and nobody listens on it now.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let source = format!("127.0.0.1:{port}/team/app:1");
    insta::assert_snapshot!(Place::new().refused(&["scan", &source]));
}

#[test]
fn a_registry_that_wants_to_know_who_asks() {
    let source = serve(|_| Reply::new(401, "{}").header("WWW-Authenticate", "Basic realm=\"here\""));
    insta::assert_snapshot!(Place::new().refused(&["scan", &source]));
}

#[test]
fn a_registry_that_denies() {
    let body = r#"{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}"#;
    let source = serve(move |_| Reply::new(403, body));
    insta::assert_snapshot!(Place::new().refused(&["scan", &source]));
}

#[test]
fn an_image_that_the_registry_does_not_have() {
    let source = serve(|request| Content::new().answer(request));
    insta::assert_snapshot!(Place::new().refused(&["scan", &source]));
}

#[test]
fn a_registry_that_gives_other_bytes() {
    let image = image();
    let wrong = assay_test::image::digest(&image.layers[1].blob);
    let content = Content::new().image("1", &image);
    let source = serve(move |request| {
        if request.target.ends_with(&wrong) {
            Reply::new(200, "x".repeat(5000))
        } else {
            content.answer(request)
        }
    });
    insta::assert_snapshot!(Place::new().refused(&["scan", &source]));
}

#[test]
fn something_that_is_no_registry() {
    let source = serve(|_| Reply::new(200, "<html>hello</html>").header("Content-Type", "text/html"));
    insta::assert_snapshot!(Place::new().refused(&["scan", &source]));
}

#[test]
fn offline_means_no_connection() {
    let server = Server::start(|_| Reply::new(200, "{}"));
    let place = Place::new();
    let stderr = place.refused(&["scan", "registry.example/team/app:1", "--offline"]);
    insta::assert_snapshot!(stderr);
    assert_eq!(server.requests().len(), 0);
    place.layout("image", &image());
    assert_eq!(place.run(&["scan", "oci:image", "--offline"]).code, 0);
}
