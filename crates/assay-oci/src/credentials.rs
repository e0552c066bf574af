//! Finds user name and password for a registry in the files and helpers of Docker and Podman.
//!
//! Docker's `config.json` (<https://docs.docker.com/reference/cli/docker/login/>) and containers-auth.json(5). Surprising:
//! Docker Hub's key is `https://index.docker.io/v1/`; podman's keys may name a namespace (`quay.io/acme`), and the longest
//! that fits wins; a helper that answers with the user `<token>` gives an identity token, not a password.

mod helper;
mod lookup;

pub use lookup::{CredentialLookup, LookupError};

use crate::reference::{DOCKER_HUB, Reference};
use crate::secret::Secret;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The largest credentials file; real ones have a few kilobytes.
const MAX_FILE: u64 = 1024 * 1024;

/// Where to look for credentials, in the order of the fields; the first that knows the registry wins.
#[derive(Debug, Clone, Default)]
pub struct CredentialSources {
    /// Credentials given by the user for the registry of this name, ahead of all files.
    pub given: Vec<(String, Credentials)>,
    /// Who keeps credentials that are meant for exactly this and win over files, such as those for writing alone.
    pub ahead: Option<CredentialLookup>,
    /// Files in the format of Docker's `config.json`; missing ones are passed over.
    pub files: Vec<PathBuf>,
    /// Who keeps credentials for what no file knows, such as a server's database.
    pub after: Option<CredentialLookup>,
}

/// The places where Docker and Podman keep credentials, as the environment says.
#[derive(Debug, Clone, Default)]
pub struct UsualPlaces {
    /// `REGISTRY_AUTH_FILE`.
    pub registry_auth_file: Option<PathBuf>,
    /// `DOCKER_CONFIG`, a folder.
    pub docker_config: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`.
    pub runtime_folder: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`.
    pub config_folder: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
}

/// How to prove who one is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// User name and password.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A token to be exchanged for access tokens.
    Identity(Secret),
    /// A token that registries take as it is.
    Bearer(Secret),
}

/// Why credentials could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// The file cannot be read.
    #[error("cannot read the credentials file `{path}`", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The file is no JSON of the known form.
    #[error("the credentials file `{path}` is malformed", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The parser's word.
        source: serde_json::Error,
    },
    /// An entry's `auth` is not `base64(user:password)`.
    #[error("the entry `{key}` of the credentials file `{path}` is malformed", path = path.display())]
    Entry {
        /// The file.
        path: PathBuf,
        /// The entry.
        key: String,
    },
    /// A credential helper failed.
    #[error("the credential helper `docker-credential-{name}` failed: {reason}")]
    Helper {
        /// The helper.
        name: String,
        /// What went wrong, without anything secret.
        reason: String,
    },
    /// Who keeps credentials failed, or cannot open what there is.
    #[error("the credentials that are kept for it cannot be used")]
    Kept(#[from] LookupError),
}

impl CredentialSources {
    /// Returns the files that Podman and Docker would read, in Podman's order.
    pub fn usual(places: &UsualPlaces) -> Self {
        let under = |folder: &Option<PathBuf>, name: &str| folder.as_ref().map(|folder| folder.join(name));
        let docker =
            under(&places.docker_config, "config.json").or(under(&places.home, ".docker/config.json"));
        let config = under(&places.config_folder, "containers/auth.json");
        let files = match &places.registry_auth_file {
            // As in podman: a file that was named replaces the others.
            Some(file) => vec![file.clone()],
            None => [
                under(&places.runtime_folder, "containers/auth.json"),
                config.or(under(&places.home, ".config/containers/auth.json")),
                docker,
            ]
            .into_iter()
            .flatten()
            .collect(),
        };
        Self { files, ..Self::default() }
    }

    /// Returns the credentials for a reference. May run a credential helper.
    ///
    /// # Errors
    /// Fails when a file is there but cannot be used, and when a helper or who keeps credentials fails: never goes on without any then.
    pub fn find(&self, reference: &Reference) -> Result<Option<Credentials>, CredentialError> {
        let given = self.given.iter().find(|(registry, _)| registry == reference.registry());
        if let Some((_, credentials)) = given {
            return Ok(Some(credentials.clone()));
        }
        let kept = |lookup: &Option<CredentialLookup>| match lookup {
            Some(lookup) => lookup.find(reference),
            None => Ok(None),
        };
        if let Some(credentials) = kept(&self.ahead)? {
            return Ok(Some(credentials));
        }
        for path in &self.files {
            if let Some(credentials) = read(path)?.and_then(|file| file.find(path, reference).transpose()) {
                return credentials.map(Some);
            }
        }
        Ok(kept(&self.after)?)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ConfigFile {
    auths: Option<BTreeMap<String, Entry>>,
    creds_store: Option<String>,
    cred_helpers: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

fn read(path: &Path) -> Result<Option<ConfigFile>, CredentialError> {
    let read_error = |source| CredentialError::Read { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(source) => return Err(read_error(source)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut bytes).map_err(read_error)?;
    if bytes.trim_ascii().is_empty() {
        return Ok(None);
    }
    let parsed = serde_json::from_slice(&bytes);
    parsed.map(Some).map_err(|source| CredentialError::Malformed { path: path.to_owned(), source })
}

impl ConfigFile {
    fn find(&self, path: &Path, reference: &Reference) -> Result<Option<Credentials>, CredentialError> {
        let registry = reference.registry();
        // Helpers know Docker Hub by its historical address only.
        let helper_name = if registry == DOCKER_HUB { "https://index.docker.io/v1/" } else { registry };
        let helpers = self.cred_helpers.iter().flatten();
        let helper = helpers.filter(|(key, _)| host_of(key) == registry).map(|(_, name)| name).next();
        if let Some(name) = helper {
            return helper::get(name, helper_name);
        }
        let full = format!("{registry}/{}", reference.repository());
        let entries = self.auths.iter().flatten();
        let fitting = entries.filter(|(key, _)| covers(key, registry, &full));
        for (key, entry) in longest_first(fitting) {
            if let Some(found) = entry.credentials(path, key)? {
                return Ok(Some(found));
            }
        }
        match &self.creds_store {
            Some(name) if !name.is_empty() => helper::get(name, helper_name),
            _ => Ok(None),
        }
    }
}

fn longest_first<'a>(
    entries: impl Iterator<Item = (&'a String, &'a Entry)>,
) -> impl Iterator<Item = (&'a String, &'a Entry)> {
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by_key(|(key, _)| std::cmp::Reverse(key.len()));
    entries.into_iter()
}

/// Returns the registry that a key such as `https://index.docker.io/v1/` names.
fn host_of(key: &str) -> &str {
    let rest = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let host = rest.split('/').next().unwrap_or(rest);
    match host {
        "index.docker.io" | "registry-1.docker.io" => DOCKER_HUB,
        host => host,
    }
}

/// Tells whether a key is for the image: the registry's own, or podman's for a namespace.
fn covers(key: &str, registry: &str, full: &str) -> bool {
    let is_url = key.starts_with("https://") || key.starts_with("http://");
    match key.split_once('/') {
        Some((_, path)) if !is_url && !matches!(path, "" | "v1/" | "v2/" | "v1" | "v2") => full
            .strip_prefix(key.trim_end_matches('/'))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        _ => host_of(key) == registry,
    }
}

impl Entry {
    fn credentials(&self, path: &Path, key: &str) -> Result<Option<Credentials>, CredentialError> {
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        if let Some(token) = filled(&self.identitytoken) {
            return Ok(Some(Credentials::Identity(Secret::new(token))));
        }
        if let Some(token) = filled(&self.registrytoken) {
            return Ok(Some(Credentials::Bearer(Secret::new(token))));
        }
        if let Some(auth) = filled(&self.auth) {
            let decoded = decode_base64(&auth).and_then(|bytes| String::from_utf8(bytes).ok());
            let pair = decoded.as_deref().and_then(|text| text.split_once(':'));
            let Some((user, password)) = pair else {
                return Err(CredentialError::Entry { path: path.to_owned(), key: key.to_owned() });
            };
            // Docker pads the password with NUL in files of old versions.
            let password = Secret::new(password.trim_end_matches('\0'));
            return Ok(Some(Credentials::Password { user: user.to_owned(), password }));
        }
        Ok(match (filled(&self.username), filled(&self.password)) {
            (Some(user), Some(password)) => {
                Some(Credentials::Password { user, password: Secret::new(password) })
            }
            // An empty entry only says that `credsStore` has it.
            _ => None,
        })
    }
}

/// Decodes standard base64, padded or not.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in text.trim().trim_end_matches('=').bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xfff;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, reference: &str) -> Option<String> {
        let file: ConfigFile = serde_json::from_str(json).unwrap();
        let found = file.find(Path::new("config.json"), &reference.parse().unwrap()).unwrap();
        found.map(|credentials| match credentials {
            Credentials::Password { user, password } => format!("{user}:{}", password.reveal()),
            Credentials::Identity(token) => format!("identity {}", token.reveal()),
            Credentials::Bearer(token) => format!("bearer {}", token.reveal()),
        })
    }

    #[test]
    fn keys_are_matched_as_docker_and_podman_do() {
        // dXNlcjpwYXNz is `user:pass`, YTpi is `a:b`.
        let hub = r#"{"auths":{"https://index.docker.io/v1/":{"auth":"dXNlcjpwYXNz"}}}"#;
        assert_eq!(check(hub, "alpine").unwrap(), "user:pass");
        assert_eq!(check(hub, "ghcr.io/x"), None);
        let podman = r#"{"auths":{"quay.io":{"auth":"YTpi"},"quay.io/acme":{"auth":"dXNlcjpwYXNz"}}}"#;
        assert_eq!(check(podman, "quay.io/acme/api").unwrap(), "user:pass");
        assert_eq!(check(podman, "quay.io/acme2/api").unwrap(), "a:b");
        let urls =
            r#"{"auths":{"https://r.io:5000/v2/":{"identitytoken":"t"}, "b.io":{"registrytoken":"r"}}}"#;
        assert_eq!(check(urls, "r.io:5000/x").unwrap(), "identity t");
        assert_eq!(check(urls, "b.io/x").unwrap(), "bearer r");
        assert_eq!(check(urls, "r.io/x"), None);
        assert_eq!(check(r#"{"auths":{"r.io":{}}}"#, "r.io/x"), None);
        assert_eq!(check(r#"{"auths":null}"#, "r.io/x"), None);
    }

    #[test]
    fn the_first_that_knows_wins_and_what_cannot_be_opened_is_no_lack() {
        fn keeps(password: &'static str) -> Option<CredentialLookup> {
            Some(CredentialLookup::new(move |reference| match (reference.repository(), password) {
                ("none", _) => Ok(None),
                ("shut", "after") => Err("it is shut".into()),
                ("shut", _) => Ok(None),
                _ => Ok(Some(Credentials::Identity(Secret::new(password)))),
            }))
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        std::fs::write(&file, r#"{"auths":{"r.io/filed":{"registrytoken":"file"}}}"#).unwrap();
        let check = |ahead, after, name: &str| {
            let sources = CredentialSources { given: Vec::new(), ahead, files: vec![file.clone()], after };
            sources.find(&name.parse().unwrap()).map_err(|error| error.to_string())
        };
        let token = |text: &str| Ok(Some(Credentials::Identity(Secret::new(text))));
        assert_eq!(check(keeps("ahead"), keeps("after"), "r.io/filed"), token("ahead"));
        assert_eq!(
            check(None, keeps("after"), "r.io/filed"),
            Ok(Some(Credentials::Bearer(Secret::new("file"))))
        );
        assert_eq!(check(None, keeps("after"), "r.io/other"), token("after"));
        assert_eq!(check(keeps("ahead"), keeps("after"), "r.io/none"), Ok(None));
        assert!(check(None, keeps("after"), "r.io/shut").is_err());
    }

    #[test]
    fn usual_places_are_podmans_then_dockers() {
        let places = UsualPlaces {
            home: Some("/h".into()),
            runtime_folder: Some("/r".into()),
            ..UsualPlaces::default()
        };
        let files: Vec<_> = CredentialSources::usual(&places).files;
        let expected =
            ["/r/containers/auth.json", "/h/.config/containers/auth.json", "/h/.docker/config.json"];
        assert_eq!(files, expected.map(PathBuf::from));
    }

    #[test]
    fn base64_decodes_with_and_without_padding() {
        assert_eq!(decode_base64("YTpiYw==").unwrap(), b"a:bc");
        assert_eq!(decode_base64("YTpiYw").unwrap(), b"a:bc");
        assert_eq!(decode_base64("a b"), None);
    }
}
