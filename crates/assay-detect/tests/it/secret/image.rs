//! Secrets in image configurations.

use super::draw::Draw;
use super::scanner;
use assay_detect::secret::{in_image, redact};
use assay_model::{HistoryEntry, Image};

/// Returns `pointer: rule` for what is found.
fn found(image: &Image) -> Vec<String> {
    in_image(scanner(), image)
        .iter()
        .map(|found| format!("{}: {}", found.pointer, found.hit.rule.id))
        .collect()
}

fn image(env: &[String]) -> Image {
    let mut image = Image::default();
    image.config.env = env.to_vec();
    image
}

#[test]
fn the_environment_labels_commands_and_history_are_searched() {
    let mut draw = Draw::new(5);
    let mut text = |sample: &str| String::from_utf8(draw.sample(sample)).unwrap();
    let env = text("GITHUB_TOKEN=ghp_<a:30><crc62>");
    let mut image = image(&[env.clone(), "PATH=/usr/bin".to_owned(), text("DB_PASSWORD=<a:12>")]);
    image.labels.insert("net.acme.key".to_owned(), text("AKIA<k:16>"));
    image.config.command = vec!["serve".to_owned(), "--api-key".to_owned(), text("<a:40>")];
    let step = |created_by: String| HistoryEntry { created_by, empty_layer: false };
    image.history = vec![
        step("ADD rootfs.tar /".to_owned()),
        step(format!("ENV {env}")),
        step(text("RUN |1 NPM_TOKEN=npm_<a:30><crc62> /bin/sh -c npm ci")),
    ];
    assert_eq!(
        found(&image),
        [
            "config.json#/config/Env/0: github-pat",
            "config.json#/config/Env/2: password-assignment",
            "config.json#/config/Labels/net.acme.key: aws-access-key-id",
            "config.json#/config/Cmd: secret-assignment",
            "config.json#/history/2/created_by: npm-access-token",
        ]
    );
    let said = format!(
        "{:?}",
        in_image(scanner(), &image)
            .iter()
            .map(|one| (&one.pointer, &one.hit.shown, &one.hit.name))
            .collect::<Vec<_>>()
    );
    for piece in draw.pieces.iter().filter(|piece| piece.len() > 8) {
        assert!(!said.contains(std::str::from_utf8(piece).unwrap()));
    }
}

#[test]
fn nothing_of_a_secret_stays_in_a_redacted_image() {
    let mut draw = Draw::new(9);
    let mut text = |sample: &str| String::from_utf8(draw.sample(sample)).unwrap();
    let token = text("ghp_<a:30><crc62>");
    let mut image = image(&[
        format!("GITHUB_TOKEN={token}"),
        "POSTGRES_PASSWORD=root".to_owned(),
        "HOME=/root".to_owned(),
    ]);
    image.labels.insert("token".to_owned(), token.clone());
    image.annotations.insert("token".to_owned(), token.clone());
    let key = text("<a:40>");
    image.config.command = vec!["--api-key".to_owned(), key.clone()];
    for created_by in [
        format!("ENV GITHUB_TOKEN={token}"),
        "ENV POSTGRES_PASSWORD=root".to_owned(),
        format!("RUN x --api-key {key}"),
    ] {
        image.history.push(HistoryEntry { created_by, empty_layer: true });
    }
    redact(&mut image);
    let said = format!("{image:?}");
    assert!(!said.contains(&token[6..]) && !said.contains(&key) && !said.contains("PASSWORD=root"), "{said}");
    assert!(said.contains("HOME=/root"), "a word that is somebody's password stays a word");
}

#[test]
fn a_weak_password_in_the_environment_counts() {
    for setting in [
        "POSTGRES_PASSWORD=postgres",
        "ADMIN_PASSWORD=changeit",
        "MYSQL_ROOT_PASSWORD=root",
        "APP_SECRET=s3cret",
    ] {
        assert_eq!(found(&image(&[setting.to_owned()])).len(), 1, "{setting}");
    }
}

#[test]
fn ordinary_environments_hold_no_secrets() {
    for setting in [
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D",
        "GPG_KEYS=39B641343D8C104B2B146DC3F9C39DC0B9698544 E60913E4DF209907D8E30D96659A97C9CF2A795A",
        "PYTHON_SHA256=c909157bb25ec114e5869124cc2a9c4a4d4c1e957ca4ff553f1edc692101154e",
        "PYTHON_GET_PIP_URL=https://github.com/pypa/get-pip/raw/0d8570dc44796f4369b652222cf176b3db6ac70e/public/get-pip.py",
        "JAVA_VERSION=jdk-21.0.4+7",
        "NGINX_VERSION=1.27.1",
        "PHPIZE_DEPS=autoconf \t\tdpkg-dev \t\tfile",
        "REDIS_DOWNLOAD_SHA=5b38ca47a528ec6fddb2ea6f7a4cd8d6",
        "POSTGRES_PASSWORD_FILE=/run/secrets/db",
        "DB_PASSWORD=",
        "DB_PASSWORD=${DB_PASSWORD}",
        "TOKEN=none",
        "MYSQL_ALLOW_EMPTY_PASSWORD=yes",
        "KEYCLOAK_TOKEN_URL=https://id.acme.net/token",
        "TOKENIZERS_PARALLELISM=false",
    ] {
        assert_eq!(found(&image(&[setting.to_owned()])), [""; 0], "{setting}");
    }
}
