//! What users write to name a key: a file, a variable, a key service, a plug-in.
//!
//! The forms are cosign's (`env://`, `awskms://`, `gcpkms://`, `azurekms://`, `hashivault://`), that of PKCS#11
//! (`pkcs11:`, <https://www.rfc-editor.org/rfc/rfc7512>), and `plugin://NAME/KEY-ID?option=value` for programs that speak Notation's
//! plug-in protocol.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The plug-in that knows keys named by `pkcs11:`.
const PKCS11: &str = "pkcs11";

/// Names a key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyReference {
    /// A file: a key file of cosign's, or PEM.
    File(PathBuf),
    /// A variable with the text of such a file.
    Variable(String),
    /// A key in a key service.
    Service(ServiceKey),
    /// A key that a plug-in knows.
    Plugin(PluginKey),
}

/// A key in a key service, as cosign names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceKey {
    /// Which service.
    pub service: Service,
    /// What stands between `//` and the first `/`; empty when nothing does.
    pub host: String,
    /// The rest.
    pub name: String,
}

/// A key service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// AWS KMS: `awskms://[ENDPOINT]/KEY`.
    Aws,
    /// Google Cloud KMS: `gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K[/cryptoKeyVersions/V]`.
    Google,
    /// Azure Key Vault: `azurekms://VAULT/KEY[/VERSION]`.
    Azure,
    /// HashiCorp Vault's or OpenBao's transit engine: `hashivault://KEY`.
    Vault,
}

impl Service {
    const ALL: [Self; 4] = [Self::Aws, Self::Google, Self::Azure, Self::Vault];

    /// Returns the scheme of its references.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Aws => "awskms",
            Self::Google => "gcpkms",
            Self::Azure => "azurekms",
            Self::Vault => "hashivault",
        }
    }
}

impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.service.scheme();
        match (self.host.as_str(), self.service) {
            ("", Service::Vault | Service::Google) => write!(f, "{scheme}://{}", self.name),
            (host, _) => write!(f, "{scheme}://{host}/{}", self.name),
        }
    }
}

/// A key that a plug-in knows.
#[derive(Clone, PartialEq, Eq)]
pub struct PluginKey {
    /// The plug-in: its program is `notation-<name>`.
    pub plugin: String,
    /// What the plug-in calls the key.
    pub id: String,
    /// Options for the plug-in.
    pub options: BTreeMap<String, String>,
}

// PKCS#11 allows a PIN in the name of a key (`pin-value`), and options may be secrets, too.
impl fmt::Debug for PluginKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PluginKey({})", self.plugin)
    }
}

/// A text names no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKeyReference {
    /// The scheme is not known.
    #[error(
        "`{0}://` is no kind of key: name a file, or use env, awskms, gcpkms, azurekms, hashivault, plugin or pkcs11"
    )]
    Scheme(String),
    /// The rest is not what the scheme asks for.
    #[error("a key of `{scheme}` is written `{form}`")]
    Form {
        /// The scheme.
        scheme: &'static str,
        /// How it is written.
        form: &'static str,
    },
}

impl FromStr for KeyReference {
    type Err = InvalidKeyReference;

    fn from_str(text: &str) -> Result<Self, InvalidKeyReference> {
        if text.starts_with("pkcs11:") {
            return Ok(Self::Plugin(PluginKey {
                plugin: PKCS11.to_owned(),
                id: text.to_owned(),
                options: BTreeMap::new(),
            }));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Ok(Self::File(PathBuf::from(text)));
        };
        if let Some(service) = Service::ALL.into_iter().find(|service| service.scheme() == scheme) {
            return service_key(service, rest).map(Self::Service);
        }
        match scheme {
            "env" if !rest.is_empty() => Ok(Self::Variable(rest.to_owned())),
            "env" => Err(InvalidKeyReference::Form { scheme: "env", form: "env://VARIABLE" }),
            "plugin" => plugin_key(rest).map(Self::Plugin),
            _ => Err(InvalidKeyReference::Scheme(scheme.chars().take(40).collect())),
        }
    }
}

fn service_key(service: Service, rest: &str) -> Result<ServiceKey, InvalidKeyReference> {
    let (form, split) = match service {
        Service::Aws => {
            ("awskms:///KEY-ID, awskms:///alias/NAME, awskms:///ARN or awskms://ENDPOINT/KEY", true)
        }
        Service::Google => {
            ("gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K[/cryptoKeyVersions/V]", false)
        }
        Service::Azure => ("azurekms://VAULT.vault.azure.net/KEY[/VERSION]", true),
        Service::Vault => ("hashivault://KEY", false),
    };
    let wrong = InvalidKeyReference::Form { scheme: service.scheme(), form };
    let plain = rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(&byte));
    let (host, name) = if split { rest.split_once('/').unwrap_or((rest, "")) } else { ("", rest) };
    let shape = match service {
        Service::Aws => true,
        Service::Azure => !host.is_empty() && name.split('/').count() <= 2,
        Service::Vault => !name.contains('/'),
        Service::Google => {
            let parts: Vec<&str> = name.split('/').collect();
            let words = ["projects", "locations", "keyRings", "cryptoKeys"];
            words.iter().enumerate().all(|(at, word)| parts.get(at * 2) == Some(word))
                && match parts.get(8) {
                    None => parts.len() == 8,
                    // cosign writes `versions`, Google itself `cryptoKeyVersions`.
                    Some(word) => ["versions", "cryptoKeyVersions"].contains(word) && parts.len() == 10,
                }
        }
    };
    // An empty or dotted part would climb out of the service's path.
    let parts = name.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    // A user and password would be sent and shown.
    if plain && shape && parts && !host.contains('@') {
        Ok(ServiceKey { service, host: host.to_owned(), name: name.to_owned() })
    } else {
        Err(wrong)
    }
}

fn plugin_key(rest: &str) -> Result<PluginKey, InvalidKeyReference> {
    let wrong =
        || InvalidKeyReference::Form { scheme: "plugin", form: "plugin://NAME/KEY-ID?option=value&…" };
    let (plugin, rest) = rest.split_once('/').ok_or_else(wrong)?;
    let (id, options) = rest.split_once('?').unwrap_or((rest, ""));
    // The name becomes part of a program's name: nothing may lead out of the search path.
    let is_name = plugin.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && plugin.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !is_name || id.is_empty() {
        return Err(wrong());
    }
    let mut all = BTreeMap::new();
    for option in options.split('&').filter(|option| !option.is_empty()) {
        let (key, value) = option.split_once('=').ok_or_else(wrong)?;
        all.insert(unescaped(key).ok_or_else(wrong)?, unescaped(value).ok_or_else(wrong)?);
    }
    Ok(PluginKey { plugin: plugin.to_owned(), id: unescaped(id).ok_or_else(wrong)?, options: all })
}

/// Undoes percent-encoding; `None` when it is broken or not UTF-8.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        bytes.push(digit(rest.next()?)? << 4 | digit(rest.next()?)?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> String {
        match text.parse() {
            Ok(KeyReference::File(path)) => format!("file {}", path.display()),
            Ok(KeyReference::Variable(name)) => format!("variable {name}"),
            Ok(KeyReference::Service(key)) => {
                format!("{:?} [{}] [{}] {key}", key.service, key.host, key.name)
            }
            Ok(KeyReference::Plugin(key)) => format!("plugin {} [{}] {:?}", key.plugin, key.id, key.options),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn references_are_those_of_cosign() {
        let check = |text: &str, want: &str| assert_eq!(read(text), want);
        check("keys/cosign.key", "file keys/cosign.key");
        check("env://COSIGN_PRIVATE_KEY", "variable COSIGN_PRIVATE_KEY");
        let arn = "arn:aws:kms:us-east-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
        check(&format!("awskms:///{arn}"), &format!("Aws [] [{arn}] awskms:///{arn}"));
        check("awskms:///alias/release", "Aws [] [alias/release] awskms:///alias/release");
        check("awskms://localhost:4566/1234", "Aws [localhost:4566] [1234] awskms://localhost:4566/1234");
        let key = "projects/p/locations/global/keyRings/r/cryptoKeys/k";
        check(&format!("gcpkms://{key}"), &format!("Google [] [{key}] gcpkms://{key}"));
        check(
            &format!("gcpkms://{key}/versions/2"),
            &format!("Google [] [{key}/versions/2] gcpkms://{key}/versions/2"),
        );
        check(
            "azurekms://v.vault.azure.net/k",
            "Azure [v.vault.azure.net] [k] azurekms://v.vault.azure.net/k",
        );
        check("hashivault://k", "Vault [] [k] hashivault://k");
        check(
            "plugin://com.example.x/a%2Fb?pin=1%262&x=",
            "plugin com.example.x [a/b] {\"pin\": \"1&2\", \"x\": \"\"}",
        );
        check("pkcs11:token=a;object=b", "plugin pkcs11 [pkcs11:token=a;object=b] {}");
    }

    #[test]
    fn what_leads_elsewhere_is_refused() {
        for text in [
            "env://",
            "k8s://a/b",
            "awskms://",
            "awskms://host/",
            "awskms://user:secret@host/key",
            "hashivault://a/b",
            "hashivault://..",
            "hashivault://a?b",
            "azurekms://v/",
            "azurekms:///k",
            "azurekms://v/k/1/2",
            "gcpkms://projects/p",
            "plugin://x",
            "plugin://../x/k",
            "plugin://a/b?c",
            "plugin://a/%zz",
            "plugin:///k",
        ] {
            assert!(text.parse::<KeyReference>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(plugin|env|awskms|gcpkms|azurekms|hashivault|pkcs11)?:?/{0,3}\\PC{0,40}") {
            let _ = text.parse::<KeyReference>();
        }
    }
}
