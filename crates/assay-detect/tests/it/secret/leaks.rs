//! What people leave in images: files as tools and frameworks have them, and the secrets in them.

use super::draw::Draw;
use super::scanner;

/// Path, content in the language of samples, and `rule:line` of all that is found.
const LEAKS: &[(&str, &str, &[&str])] = &[
    (
        "srv/docker-compose.yml",
        "services:\n  db:\n    image: postgres:16\n    environment:\n      POSTGRES_USER: app\n      POSTGRES_PASSWORD: k7<a:10>\n      DATABASE_URL: postgres://app:x9<a:10>@db:5432/app\n",
        &["password-assignment:6", "database-uri:7"],
    ),
    (
        "srv/.env",
        "NODE_ENV=production\nJWT_SECRET=<a:48>\nSTRIPE_KEY=sk_live_<a:24>\nDB_PASS=secret\nSENTRY_DSN=https://<h:32>@o1.ingest.sentry.io/1\nPORT=3000\n",
        &["secret-assignment:2", "stripe-secret-token:3"],
    ),
    (
        "srv/src/main/resources/application.properties",
        "server.port=8080\nspring.datasource.url=jdbc:mysql://db/app\nspring.datasource.username=app\nspring.datasource.password=q8<a:10>\nspring.jpa.show-sql=true\n",
        &["password-assignment:4"],
    ),
    (
        "var/www/html/wp-config.php",
        "<?php\ndefine( 'DB_NAME', 'wordpress' );\ndefine( 'DB_USER', 'wordpress' );\ndefine( 'DB_PASSWORD', 'v4<a:12>' );\ndefine( 'AUTH_KEY', '<a:64>' );\n",
        &["password-assignment:4", "secret-assignment:5"],
    ),
    (
        "srv/app/settings.py",
        "DEBUG = False\nSECRET_KEY = 'django-insecure-<a:50>'\nDATABASES = {'default': {'USER': 'app', 'PASSWORD': 'z3<a:10>', 'HOST': 'db'}}\n",
        &["secret-assignment:2", "password-assignment:3"],
    ),
    (
        "srv/appsettings.json",
        "{\n  \"ConnectionStrings\": {\n    \"Default\": \"Server=db;Database=app;User Id=sa;Password=m5<a:10>;\"\n  },\n  \"Jwt\": { \"Issuer\": \"acme\", \"SigningKey\": \"<a:44>\" }\n}\n",
        &["password-assignment:3", "secret-assignment:5"],
    ),
    (
        "root/.kube/config",
        "apiVersion: v1\nkind: Config\nusers:\n- name: admin\n  user:\n    token: <jwt>\n    client-certificate-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUI=\n",
        &["jwt:6"],
    ),
    (
        "root/.docker/config.json",
        "{\n\t\"auths\": {\n\t\t\"https://index.docker.io/v1/\": {\n\t\t\t\"auth\": \"<basic>\"\n\t\t}\n\t}\n}\n",
        &["docker-config-auth:4"],
    ),
    ("root/.npmrc", "registry=https://npm.acme.net/\n//npm.acme.net/:_authToken=<uuid>\n", &["npmrc-auth:2"]),
    ("root/.netrc", "machine git.acme.net\n  login deploy\n  password t6<a:12>\n", &["netrc-password:3"]),
    ("root/.git-credentials", "https://deploy:ghp_<a:30><crc62>@github.com\n", &["github-pat:1"]),
    (
        "srv/.git/config",
        "[remote \"origin\"]\n\turl = https://oauth2:glpat-<a:20>@gitlab.acme.net/a/b.git\n",
        &["gitlab-pat:2"],
    ),
    (
        "root/.config/pip/pip.conf",
        "[global]\nextra-index-url = https://ci:u2<a:12>@pypi.acme.net/simple\n",
        &["uri-password:2"],
    ),
    (
        "root/.m2/settings.xml",
        "<settings>\n  <servers>\n    <server>\n      <id>nexus</id>\n      <username>ci</username>\n      <password>w8<a:10></password>\n    </server>\n  </servers>\n</settings>\n",
        &["password-assignment:6"],
    ),
    (
        "root/.ssh/id_ed25519",
        "-----BEGIN OPENSSH PRIVATE KEY-----\n<openssh>\n-----END OPENSSH PRIVATE KEY-----\n",
        &["private-key:1"],
    ),
    (
        "srv/terraform.tfstate",
        "{\n  \"attributes\": {\n    \"access_key\": \"AKIA<k:16>\",\n    \"secret_access_key\": \"<b:40>\",\n    \"password\": \"n4<a:14>\"\n  }\n}\n",
        &["aws-access-key-id:3", "aws-secret-access-key:4", "password-assignment:5"],
    ),
    (
        "root/.bash_history",
        "cd /srv\nexport GITHUB_TOKEN=ghp_<a:30><crc62>\ncurl -u admin:s8<a:10> https://nexus.acme.net/\nmysql -u root --password=d2<a:10> app\nexit\n",
        &["github-pat:2", "curl-auth-user:3", "password-assignment:4"],
    ),
    (
        "srv/deploy.sh",
        "#!/bin/sh\nAPI_KEY=\"<a:32>\"\ncurl -H \"Authorization: Bearer <a:40>\" https://api.acme.net/v1\n",
        &["secret-assignment:2", "curl-auth-header:3"],
    ),
    (
        "srv/app/client.js",
        "const client = new Client({\n  apiKey: '<a:32>',\n  region: 'eu-central-1',\n});\nfetch(url, { headers: { 'X-Api-Key': '<a:40>' } });\n",
        &["secret-assignment:2", "secret-assignment:5"],
    ),
    (
        "srv/app/Config.java",
        "class Config {\n    private static final String CLIENT_SECRET = \"<a:32>\";\n    String password = System.getenv(\"DB_PASSWORD_2\");\n}\n",
        &["secret-assignment:2"],
    ),
    (
        "srv/secret.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ntype: Opaque\ndata:\n  password: <b64:18>\n",
        &["kubernetes-secret:7"],
    ),
    (
        "srv/values.yaml",
        "image:\n  tag: v1.4.2\nauth:\n  existingSecret: db-credentials-2024\n  secretKeyRef: password\n  token: \"\"\n",
        &[],
    ),
    (
        "srv/package-lock.json",
        "{\n  \"node_modules/asana\": {\n    \"integrity\": \"sha512-<b:86>==\",\n    \"resolved\": \"https://npm.example.com/asana/-/asana-1.0.2.tgz\"\n  }\n}\n",
        &[],
    ),
    (
        "etc/nginx/nginx.conf",
        "ssl_certificate_key /etc/ssl/private/site.key;\nssl_session_ticket_key /etc/nginx/ticket80.key;\nproxy_set_header Authorization $http_authorization;\nauth_basic_user_file /etc/nginx/htpasswd;\n",
        &[],
    ),
    (
        "srv/Gemfile.lock",
        "GIT\n  remote: https://github.com/acme/auth_token\n  revision: <h:40>\n  specs:\n    auth_token (0.1.2)\n",
        &[],
    ),
];

#[test]
fn what_people_leave_in_images_is_found() {
    let mut wrong = Vec::new();
    for (path, content, want) in LEAKS {
        for seed in 1..=10 {
            let drawn = Draw::new(seed).sample(content);
            let found = scanner().scan(path, &drawn, &mut |_| true).unwrap().hits;
            let found: Vec<_> =
                found.iter().map(|hit| format!("{}:{}", hit.rule.id, hit.line.unwrap_or_default())).collect();
            if found != *want {
                wrong.push(format!("{path}: {found:?} in\n{}", String::from_utf8_lossy(&drawn)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}
