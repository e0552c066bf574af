//! What the server is told of by files: whom to notify, and what an update of the database could not do.

use crate::Place;
use assay_test::http::{Reply, Server};

#[test]
fn an_update_that_fails_leaves_word_beside_the_database() {
    let place = Place::new();
    let mirror = Server::start(|_| Reply::new(404, ""));
    let url = format!("http://somebody:HIDDEN@{}", mirror.host());
    let ran = place.run(&["db", "update", "--mirror", &url, "--db", "fetched.db"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let status = std::fs::read_to_string(place.path("fetched.db.update.json")).unwrap();
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["schema"], "assay.db-update/v1");
    let failure = &status["failures"][0];
    assert_eq!(failure["feed"], "the vulnerability database");
    assert!(failure["error"].as_str().unwrap().contains("no feed could be fetched"), "{status}");
    assert!(!status.to_string().contains("HIDDEN"), "{status}");
}

#[test]
fn mistakes_in_notifications_are_told_and_secrets_are_not() {
    let place = Place::new();
    for (text, want) in [
        (
            "channels: [{name: chat, slack: {url-file: secrets/slack}}]",
            "channel `chat`: its address cannot be used: expected `https://…`",
        ),
        (
            "channels: [{name: chat, slack: {url-file: secrets/other}}]",
            "cannot read the secret `secrets/other` of the channel `chat`",
        ),
        ("channels: [{name: chat, slak: {}}]", "unknown field"),
    ] {
        place.write("settings/notifications.yaml", text);
        place.write("settings/secrets/slack", "http://hooks.example/services/HIDDEN\n");
        let ran = place.run(&["serve", "--data", "data", "--notifications", "settings/notifications.yaml"]);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains(want), "{}", ran.stderr);
        assert!(ran.stderr.contains("hint: ") && !ran.stderr.contains("HIDDEN"), "{}", ran.stderr);
        assert!(!place.path("data/assay-server.db").exists(), "the database was touched");
    }
}
