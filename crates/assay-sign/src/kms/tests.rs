//! Every service as its documentation describes it, in this process: requests are checked, and signatures made with real keys.

use super::*;
use crate::encoding::base64_encode;
use crate::key::{KeyReference, NewKey, PrivateKey};
use crate::notation::scheme_of;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Mutex;

type Serve = dyn Fn(&Request, &PrivateKey) -> (u16, Value) + Send + Sync;

/// A service that has one key, and a process around the client.
struct World {
    key: PrivateKey,
    variables: BTreeMap<&'static str, String>,
    files: BTreeMap<&'static str, String>,
    serve: Box<Serve>,
    seen: std::sync::Arc<Mutex<Vec<String>>>,
}

impl Surroundings for World {
    fn send(&self, request: &Request) -> Result<Answer, TransportError> {
        self.seen.lock().unwrap().push(format!("{request:?}"));
        let (status, body) = (self.serve)(request, &self.key);
        Ok(Answer { status, body: body.to_string().into_bytes() })
    }

    fn now(&self) -> Timestamp {
        Timestamp(1_440_938_160) // 2015-08-30T12:36:00Z
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn file(&self, path: &Path) -> io::Result<String> {
        let text = path.to_str().and_then(|path| self.files.get(path)).cloned();
        text.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

fn world(
    kind: NewKey,
    variables: &[(&'static str, &str)],
    serve: impl Fn(&Request, &PrivateKey) -> (u16, Value) + Send + Sync + 'static,
) -> World {
    World {
        key: PrivateKey::generate(kind).unwrap(),
        variables: variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
        files: BTreeMap::new(),
        serve: Box::new(serve),
        seen: std::sync::Arc::default(),
    }
}

fn reference(text: &str) -> ServiceKey {
    match text.parse().unwrap() {
        KeyReference::Service(key) => key,
        other => panic!("{other:?}"),
    }
}

/// Opens the key and lets it sign in every scheme it is used for.
#[track_caller]
fn check(text: &str, world: World) -> Vec<String> {
    let (public, seen) = (world.key.public_key().clone(), std::sync::Arc::clone(&world.seen));
    let signer = KmsSigner::open(&reference(text), Box::new(world)).unwrap();
    assert_eq!(*signer.public_key(), public);
    let azure_or_edwards = public.algorithm() == KeyAlgorithm::Ed25519;
    let google = text.starts_with("gcpkms") && public.algorithm() == KeyAlgorithm::Rsa;
    let notary = scheme_of(&public).filter(|_| !google);
    for scheme in [Some(signer.scheme()), notary].into_iter().flatten() {
        let signature = signer.sign(scheme, b"message").unwrap();
        assert!(public.verify(scheme, b"message", &signature).is_ok(), "{text} {scheme:?}");
        if let Some(hash) = scheme.hash() {
            let signature = signer.sign_digest(scheme, &hash.of(b"large")).unwrap();
            assert!(public.verify(scheme, b"large", &signature).is_ok(), "{text} {scheme:?}");
        }
    }
    let other = if azure_or_edwards { Scheme::EcdsaDer(Hash::Sha256) } else { Scheme::Ed25519 };
    assert!(matches!(signer.sign(other, b"message"), Err(SignError::Scheme)));
    let shown = format!("{signer:?}");
    assert!(!shown.contains("secret") && shown.contains("KmsSigner"), "{shown}");
    seen.lock().unwrap().clone()
}

fn header<'a>(request: &'a Request, name: &str) -> &'a str {
    request.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

fn decoded(value: &Value) -> Vec<u8> {
    base64_decode(value.as_str().unwrap()).unwrap()
}

fn aws(request: &Request, key: &PrivateKey) -> (u16, Value) {
    let key_id = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    assert_eq!((request.method, request.url.as_str()), ("POST", "https://kms.eu-west-1.amazonaws.com/"));
    assert_eq!(header(request, "content-type"), "application/x-amz-json-1.1");
    let scope = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/kms/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=";
    assert!(header(request, "authorization").starts_with(scope), "{}", header(request, "authorization"));
    assert_eq!(header(request, "x-amz-security-token"), "session");
    let body = body(request);
    assert_eq!(body["KeyId"], key_id);
    match header(request, "x-amz-target") {
        "TrentService.GetPublicKey" => (
            200,
            json!({"KeyId": key_id, "PublicKey": base64_encode(key.public_key().to_der()), "KeyUsage": "SIGN_VERIFY"}),
        ),
        "TrentService.Sign" => {
            let scheme = match body["SigningAlgorithm"].as_str().unwrap() {
                "ECDSA_SHA_256" => Scheme::EcdsaDer(Hash::Sha256),
                "ECDSA_SHA_384" => Scheme::EcdsaDer(Hash::Sha384),
                "RSASSA_PKCS1_V1_5_SHA_256" => Scheme::RsaPkcs1(Hash::Sha256),
                "RSASSA_PSS_SHA_384" => Scheme::RsaPss(Hash::Sha384),
                "ED25519_SHA_512" => Scheme::Ed25519,
                other => {
                    return (
                        400,
                        json!({"__type": "ValidationException", "message": format!("bad algorithm {other}")}),
                    );
                }
            };
            let message = decoded(&body["Message"]);
            let signature = match body["MessageType"].as_str().unwrap() {
                "DIGEST" => key.sign_digest(scheme, &message),
                "RAW" => key.sign(scheme, &message),
                other => panic!("{other}"),
            };
            (200, json!({"KeyId": key_id, "Signature": base64_encode(&signature.unwrap())}))
        }
        other => panic!("{other}"),
    }
}

#[test]
fn requests_to_s3_are_signed_as_its_documentation_has_it() {
    // "GET Object" of <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>.
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let mut request = Request {
        method: "GET",
        url: "https://examplebucket.s3.amazonaws.com/test.txt".to_owned(),
        headers: vec![
            ("range".to_owned(), "bytes=0-9".to_owned()),
            ("x-amz-content-sha256".to_owned(), empty.to_owned()),
        ],
        body: Vec::new(),
    };
    let who = super::aws::Credentials {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
        session_token: None,
    };
    let now = "2013-05-24T00:00:00Z".parse().unwrap();
    super::aws::authorize(&mut request, &who, "us-east-1", "s3", now);
    let signed = header(&request, "authorization");
    assert!(
        signed.ends_with("Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        "{signed}"
    );
}

const AWS: &[(&str, &str)] = &[
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "secret"),
    ("AWS_SESSION_TOKEN", "session"),
];

#[test]
fn aws_signs() {
    for kind in NewKey::ALL {
        let text = "awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
        let seen = check(text, world(kind, AWS, aws));
        assert!(seen.iter().all(|line| !line.contains("secret")), "{seen:?}");
    }
}

/// The vectors of AWS's test suite for Signature Version 4, and the example of its documentation.
#[test]
fn requests_to_aws_are_signed_as_in_its_examples() {
    let who = aws::Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
        session_token: None,
    };
    let check = |method: &'static str, url: &str, service: &str, kind: &str, body: &str, want: &str| {
        let headers =
            if kind.is_empty() { Vec::new() } else { vec![("content-type".to_owned(), kind.to_owned())] };
        let mut request = Request { method, url: url.to_owned(), headers, body: body.as_bytes().to_vec() };
        aws::authorize(&mut request, &who, "us-east-1", service, Timestamp(1_440_938_160));
        let authorization = header(&request, "authorization").to_owned();
        assert!(authorization.ends_with(&format!("Signature={want}")), "{url}: {authorization}");
    };
    let url = "https://example.amazonaws.com/";
    check("GET", url, "service", "", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    check("POST", url, "service", "", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
    check(
        "POST",
        url,
        "service",
        "application/x-www-form-urlencoded",
        "Param1=value1",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    );
    check(
        "GET",
        "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
        "iam",
        "application/x-www-form-urlencoded; charset=utf-8",
        "",
        "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
    );
}

#[test]
fn credentials_of_aws_are_found_where_its_tools_find_them() {
    let text = "awskms:///alias/release";
    let with = |variables: &[(&'static str, &str)], files: &[(&'static str, &str)]| {
        let mut world = world(NewKey::EcdsaP256, variables, |request, key| {
            if request.url.contains("sts.") {
                let body = String::from_utf8(request.body.clone()).unwrap();
                assert!(
                    body.contains("WebIdentityToken=web.token")
                        && body.contains("RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fx"),
                    "{body}"
                );
                let credentials = json!({"AccessKeyId": "WEB", "SecretAccessKey": "s", "SessionToken": "t"});
                return (
                    200,
                    json!({"AssumeRoleWithWebIdentityResponse": {"AssumeRoleWithWebIdentityResult": {"Credentials": credentials}}}),
                );
            }
            if request.url.contains("/pod") {
                assert_eq!(header(request, "authorization"), "let-me");
                return (
                    200,
                    json!({"AccessKeyId": "POD", "SecretAccessKey": "s", "Token": "t", "Expiration": "x"}),
                );
            }
            if request.url.contains("169.254") {
                return (404, Value::Null);
            }
            (
                200,
                json!({"PublicKey": base64_encode(key.public_key().to_der()), "By": header(request, "authorization")}),
            )
        });
        world.variables.insert("AWS_REGION", "eu-west-1".to_owned());
        world.files = files.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
        let seen = std::sync::Arc::clone(&world.seen);
        KmsSigner::open(&reference(text), Box::new(world)).map(|_| seen.lock().unwrap().join(", "))
    };
    let file = "[default]\naws_access_key_id = A\naws_secret_access_key = s\n# x\n[ci]\naws_access_key_id=B\naws_secret_access_key=s\n";
    assert!(with(&[("HOME", "/h")], &[("/h/.aws/credentials", file)]).is_ok());
    assert!(with(&[("HOME", "/h"), ("AWS_PROFILE", "ci")], &[("/h/.aws/credentials", file)]).is_ok());
    let web = [("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"), ("AWS_ROLE_ARN", "arn:aws:iam::1:role/x")];
    let missing = with(&[("HOME", "/h"), ("AWS_PROFILE", "nobody")], &[("/h/.aws/credentials", file)]);
    let error = missing.unwrap_err().to_string();
    assert!(error.contains("no access key of the profile `nobody`"), "{error}");
    // A role at hand must not sign for a profile that is not there.
    let nobody = [("AWS_PROFILE", "nobody"), ("HOME", "/h")];
    assert!(matches!(with(&[&nobody[..], &web].concat(), &[]), Err(KmsError::Credentials { .. })));
    let configuration = "[profile ci]\naws_access_key_id=B\naws_secret_access_key=s\n";
    let ci = [("HOME", "/h"), ("AWS_PROFILE", "ci")];
    assert!(with(&ci, &[("/h/.aws/config", configuration)]).is_ok());
    assert_eq!(
        with(&web, &[("/token", "web.token\n")]).unwrap(),
        "POST https://sts.eu-west-1.amazonaws.com/, POST https://kms.eu-west-1.amazonaws.com/"
    );
    let pod = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/pod"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "let-me"),
    ];
    assert_eq!(
        with(&pod, &[]).unwrap(),
        "GET http://127.0.0.1/pod, POST https://kms.eu-west-1.amazonaws.com/"
    );
    let endpoint = [("AWS_ENDPOINT_URL_KMS", "http://localhost:4566/"), AWS[0], AWS[1]];
    assert_eq!(with(&endpoint, &[]).unwrap(), "POST http://localhost:4566/");
}

#[test]
fn regions_of_aws_are_in_the_domains_of_their_partitions() {
    for (region, url) in [
        ("eu-west-1", "https://kms.eu-west-1.amazonaws.com/"),
        ("us-gov-west-1", "https://kms.us-gov-west-1.amazonaws.com/"),
        ("cn-north-1", "https://kms.cn-north-1.amazonaws.com.cn/"),
        ("us-iso-east-1", "https://kms.us-iso-east-1.c2s.ic.gov/"),
        ("us-isob-east-1", "https://kms.us-isob-east-1.sc2s.sgov.gov/"),
        ("eusc-de-east-1", "https://kms.eusc-de-east-1.amazonaws.eu/"),
    ] {
        let world = world(NewKey::EcdsaP256, AWS, |_, key| {
            (200, json!({"PublicKey": base64_encode(key.public_key().to_der())}))
        });
        let seen = std::sync::Arc::clone(&world.seen);
        let text = format!("awskms:///arn:aws:kms:{region}:111122223333:key/1234");
        KmsSigner::open(&reference(&text), Box::new(world)).unwrap();
        assert_eq!(*seen.lock().unwrap(), [format!("POST {url}")]);
    }
}

#[test]
fn messages_that_a_service_does_not_take_are_not_sent() {
    let text = "awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let signer = KmsSigner::open(&reference(text), Box::new(world(NewKey::Ed25519, AWS, aws))).unwrap();
    assert!(signer.sign(Scheme::Ed25519, &[0; 4096]).is_ok());
    assert!(matches!(signer.sign(Scheme::Ed25519, &[0; 4097]), Err(SignError::NeedsMessage)));
}

const RING: &str = "projects/p/locations/global/keyRings/r/cryptoKeys/k";

fn google(request: &Request, key: &PrivateKey) -> (u16, Value) {
    assert_eq!(header(request, "authorization"), "Bearer secret");
    let path = request.url.strip_prefix("https://cloudkms.googleapis.com/v1/").unwrap();
    let version = format!("{RING}/cryptoKeyVersions/12");
    if path.starts_with(&format!("{RING}/cryptoKeyVersions?")) {
        assert!(path.contains("filter=state%3DENABLED"));
        let names: Vec<Value> =
            [9, 12, 2].iter().map(|n| json!({"name": format!("{RING}/cryptoKeyVersions/{n}")})).collect();
        return (200, json!({"cryptoKeyVersions": names}));
    }
    if path == format!("{version}/publicKey") {
        let algorithm = match key.public_key().algorithm() {
            KeyAlgorithm::EcdsaP256 => "EC_SIGN_P256_SHA256",
            KeyAlgorithm::EcdsaP384 => "EC_SIGN_P384_SHA384",
            KeyAlgorithm::Ed25519 => "EC_SIGN_ED25519",
            _ => "RSA_SIGN_PKCS1_3072_SHA256",
        };
        return (200, json!({"pem": key.public_key().to_pem(), "name": version, "algorithm": algorithm}));
    }
    assert_eq!((request.method, path), ("POST", format!("{version}:asymmetricSign").as_str()));
    let body = body(request);
    let signature = match body.get("data") {
        Some(data) => key.sign(Scheme::Ed25519, &decoded(data)),
        None => {
            let (name, digest) = body["digest"].as_object().unwrap().iter().next().unwrap();
            let scheme = crate::signer::usual_scheme(key.public_key());
            let hash = match name.as_str() {
                "sha256" => Hash::Sha256,
                "sha384" => Hash::Sha384,
                other => panic!("{other}"),
            };
            assert_eq!(scheme.hash(), Some(hash));
            key.sign_digest(scheme, &decoded(digest))
        }
    };
    (200, json!({"signature": base64_encode(&signature.unwrap()), "name": version}))
}

#[test]
fn google_signs() {
    for kind in NewKey::ALL {
        let world = world(kind, &[("GOOGLE_OAUTH_ACCESS_TOKEN", "secret")], google);
        let seen = check(&format!("gcpkms://{RING}"), world);
        assert!(seen[1].ends_with("/cryptoKeyVersions/12/publicKey"), "{seen:?}");
    }
    let named = world(NewKey::EcdsaP256, &[("GOOGLE_OAUTH_ACCESS_TOKEN", "secret")], google);
    let seen = check(&format!("gcpkms://{RING}/versions/12"), named);
    assert!(seen[0].ends_with("/cryptoKeyVersions/12/publicKey"), "{seen:?}");
}

/// A version of a key signs by the algorithm that it was made for.
#[test]
fn keys_of_google_sign_by_their_own_algorithm() {
    let open = |algorithm: &'static str| {
        let token = [("GOOGLE_OAUTH_ACCESS_TOKEN", "secret")];
        let world = world(NewKey::Rsa3072, &token, move |request, key| {
            if request.method == "GET" {
                return (200, json!({"pem": key.public_key().to_pem(), "algorithm": algorithm}));
            }
            let (name, digest) = body(request)["digest"]
                .as_object()
                .unwrap()
                .iter()
                .next()
                .map(|(name, digest)| (name.clone(), decoded(digest)))
                .unwrap();
            let hash = if name == "sha256" { Hash::Sha256 } else { Hash::Sha512 };
            let scheme =
                if algorithm.contains("PSS") { Scheme::RsaPss(hash) } else { Scheme::RsaPkcs1(hash) };
            (200, json!({"signature": base64_encode(&key.sign_digest(scheme, &digest).unwrap())}))
        });
        KmsSigner::open(&reference(&format!("gcpkms://{RING}/versions/12")), Box::new(world))
    };
    let pss = open("RSA_SIGN_PSS_3072_SHA256").unwrap();
    assert_eq!(pss.scheme(), Scheme::RsaPss(Hash::Sha256));
    assert!(pss.sign(pss.scheme(), b"message").is_ok());
    let error = pss.sign(Scheme::RsaPkcs1(Hash::Sha256), b"message").unwrap_err();
    assert!(matches!(error, SignError::Kms(KmsError::Algorithm(name)) if name == "RSA_SIGN_PSS_3072_SHA256"));
    // No verifier of Sigstore signatures takes this one, so that it is not even made.
    let other = open("RSA_SIGN_PKCS1_4096_SHA512").unwrap();
    assert!(matches!(other.sign(other.scheme(), b"message"), Err(SignError::Kms(KmsError::Algorithm(_)))));
    assert!(other.sign(Scheme::RsaPkcs1(Hash::Sha512), b"message").is_ok());
    for unknown in ["RSA_SIGN_RAW_PKCS1_3072", "RSA_DECRYPT_OAEP_3072_SHA256", "HMAC_SHA256", ""] {
        assert!(matches!(open(unknown), Err(KmsError::Answer { .. })), "{unknown}");
    }
}

#[test]
fn a_service_account_of_google_asks_for_a_token() {
    let account = PrivateKey::generate(NewKey::Rsa3072).unwrap();
    let public = account.public_key().clone();
    let mut world = world(
        NewKey::EcdsaP256,
        &[("GOOGLE_APPLICATION_CREDENTIALS", "/account.json")],
        move |request, key| {
            if request.url != "https://oauth2.test/token" {
                return google(request, key);
            }
            let body = String::from_utf8(request.body.clone()).unwrap();
            let (grant, assertion) = body.split_once("&assertion=").unwrap();
            assert_eq!(grant, "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer");
            let (message, signature) = assertion.rsplit_once('.').unwrap();
            let signature = base64_decode(signature).unwrap();
            assert!(public.verify(Scheme::RsaPkcs1(Hash::Sha256), message.as_bytes(), &signature).is_ok());
            let claims: Value =
                serde_json::from_slice(&base64_decode(message.split('.').nth(1).unwrap()).unwrap()).unwrap();
            assert_eq!(claims["iss"], "me@p.iam");
            assert_eq!(claims["aud"], "https://oauth2.test/token");
            (200, json!({"access_token": "secret", "expires_in": 3599, "token_type": "Bearer"}))
        },
    );
    let text = json!({
        "type": "service_account", "client_email": "me@p.iam", "token_uri": "https://oauth2.test/token",
        "private_key": crate::pem::encode("PRIVATE KEY", &account.to_pkcs8().unwrap()),
    });
    world.files.insert("/account.json", text.to_string());
    check(&format!("gcpkms://{RING}/versions/12"), world);
}

fn azure(request: &Request, key: &PrivateKey) -> (u16, Value) {
    if request.url == "https://login.microsoftonline.com/tenant/oauth2/v2.0/token" {
        let body = String::from_utf8(request.body.clone()).unwrap();
        assert_eq!(
            body,
            "grant_type=client_credentials&client_id=app&scope=https%3A%2F%2Fvault.azure.net%2F.default&client_secret=secret%2B1"
        );
        return (200, json!({"access_token": "token"}));
    }
    assert_eq!(header(request, "authorization"), "Bearer token");
    let path = request.url.strip_prefix("https://v.vault.azure.net/keys/release").unwrap();
    let web = |bytes: &[u8]| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
    };
    let public = key.public_key();
    match path {
        "?api-version=7.4" => {
            let value = public.value();
            let key = match public.algorithm() {
                KeyAlgorithm::Rsa => {
                    let mut numbers = crate::der::whole(value, crate::der::tag::SEQUENCE).unwrap();
                    json!({"kty": "RSA-HSM", "n": web(numbers.unsigned().unwrap()), "e": web(numbers.unsigned().unwrap())})
                }
                _ => {
                    let half = value.len() / 2;
                    let curve = format!("P-{}", public.bits());
                    json!({"kty": "EC", "crv": curve, "x": web(&value[1..=half]), "y": web(&value[half + 1..])})
                }
            };
            (200, json!({"key": key}))
        }
        "/sign?api-version=7.4" => {
            let body = body(request);
            let scheme = match body["alg"].as_str().unwrap() {
                "ES256" => Scheme::EcdsaFixed(Hash::Sha256),
                "ES384" => Scheme::EcdsaFixed(Hash::Sha384),
                "RS256" => Scheme::RsaPkcs1(Hash::Sha256),
                "PS384" => Scheme::RsaPss(Hash::Sha384),
                other => return (400, json!({"error": {"message": format!("bad algorithm {other}")}})),
            };
            (200, json!({"value": web(&key.sign_digest(scheme, &decoded(&body["value"])).unwrap())}))
        }
        other => panic!("{other}"),
    }
}

#[test]
fn azure_signs() {
    let variables =
        [("AZURE_TENANT_ID", "tenant"), ("AZURE_CLIENT_ID", "app"), ("AZURE_CLIENT_SECRET", "secret+1")];
    for kind in [NewKey::EcdsaP256, NewKey::EcdsaP384, NewKey::Rsa3072] {
        check("azurekms://v.vault.azure.net/release", world(kind, &variables, azure));
        check("azurekms://v/release", world(kind, &variables, azure));
    }
    // A variable that other tools read does not stand in for the vault that is named.
    let elsewhere =
        [&variables[..], &[("AZURE_KEYVAULT_ENDPOINT", "https://other.vault.azure.net")]].concat();
    check("azurekms://v/release", world(NewKey::EcdsaP256, &elsewhere, azure));
}

fn vault(request: &Request, key: &PrivateKey) -> (u16, Value) {
    assert_eq!((header(request, "x-vault-token"), header(request, "x-vault-namespace")), ("secret", "team"));
    let path = request.url.strip_prefix("http://127.0.0.1:8200/v1/transit/").unwrap();
    let public = key.public_key();
    if path == "keys/release" {
        let (kind, text) = match public.algorithm() {
            KeyAlgorithm::Ed25519 => ("ed25519", base64_encode(public.value())),
            other => (if other == KeyAlgorithm::Rsa { "rsa-3072" } else { "ecdsa-p256" }, public.to_pem()),
        };
        let keys = json!({"2": {"public_key": "old"}, "10": {"public_key": text}});
        return (200, json!({"data": {"type": kind, "latest_version": 10, "keys": keys}}));
    }
    let body = body(request);
    let input = decoded(&body["input"]);
    let signature = match path {
        "sign/release" => key.sign(Scheme::Ed25519, &input),
        path => {
            assert_eq!(body["prehashed"], true);
            let hash = match path.strip_prefix("sign/release/").unwrap() {
                "sha2-256" => Hash::Sha256,
                "sha2-384" => Hash::Sha384,
                other => panic!("{other}"),
            };
            let scheme = match (body["signature_algorithm"].as_str(), body["marshaling_algorithm"].as_str()) {
                (Some("pkcs1v15"), None) => Scheme::RsaPkcs1(hash),
                (Some("pss"), None) if body["salt_length"] == "hash" => Scheme::RsaPss(hash),
                (None, Some("asn1")) => Scheme::EcdsaDer(hash),
                other => panic!("{other:?}"),
            };
            key.sign_digest(scheme, &input)
        }
    };
    (200, json!({"data": {"signature": format!("vault:v10:{}", base64_encode(&signature.unwrap()))}}))
}

const VAULT: &[(&str, &str)] =
    &[("VAULT_ADDR", "http://127.0.0.1:8200/"), ("VAULT_TOKEN", "secret"), ("VAULT_NAMESPACE", "team")];

#[test]
fn vault_signs() {
    for kind in NewKey::ALL {
        check("hashivault://release", world(kind, VAULT, vault));
    }
}

#[test]
fn refusals_and_lies_are_told() {
    let open = |serve: fn(&Request, &PrivateKey) -> (u16, Value)| {
        KmsSigner::open(&reference("hashivault://release"), Box::new(world(NewKey::EcdsaP256, VAULT, serve)))
    };
    let error = open(|_, _| (403, json!({"errors": ["permission denied\u{1b}"]}))).unwrap_err().to_string();
    assert_eq!(error, "`127.0.0.1:8200` answered 403 to the request for the public key (permission denied)");
    assert!(matches!(open(|_, _| (200, json!([1]))), Err(KmsError::Answer { .. })));
    let error =
        open(|_, _| (200, json!({"data": {"latest_version": 1, "keys": {"1": 1_700_000_000}}}))).unwrap_err();
    assert!(error.to_string().contains("no key that signs"), "{error}");
    // A signature by another key is not handed on.
    let liar = open(|request, key| {
        let other = PrivateKey::generate(NewKey::EcdsaP256).unwrap();
        vault(request, if request.method == "GET" { key } else { &other })
    })
    .unwrap();
    let result = liar.sign(Scheme::EcdsaDer(Hash::Sha256), b"message");
    assert!(matches!(result, Err(SignError::Wrong { .. })));
    // Who stands in the address of a proxy is not told.
    let proxied = [("VAULT_ADDR", "https://me:secret@vault.test"), ("VAULT_TOKEN", "x")];
    let refused = world(NewKey::EcdsaP256, &proxied, |request, _| {
        assert_eq!(request.url, "https://me:secret@vault.test/v1/transit/keys/release");
        (403, json!({"errors": []}))
    });
    let seen = std::sync::Arc::clone(&refused.seen);
    let error = KmsSigner::open(&reference("hashivault://release"), Box::new(refused)).unwrap_err();
    assert_eq!(error.to_string(), "`vault.test` answered 403 to the request for the public key");
    assert_eq!(*seen.lock().unwrap(), ["GET https://vault.test/v1/transit/keys/release"]);
    let nobody =
        KmsSigner::open(&reference("hashivault://release"), Box::new(world(NewKey::EcdsaP256, &[], vault)));
    assert!(nobody.unwrap_err().to_string().contains("VAULT_ADDR"));
}
