//! Keys as users name them: read from files and variables and decrypted there, or left with who keeps them.

use crate::environment;
use crate::error::CommandError;
use crate::password;
use crate::services::Outside;
use assay_sign::key::{
    InvalidKeyReference, KeyFile, KeyReference, MAX_FILE, OpenKeyError, PluginKey, PrivateKey, PublicKey,
};
use assay_sign::kms::KmsSigner;
use assay_sign::plugin::{Limits, PluginError, PluginSigner, find};
use assay_sign::signer::Signer;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use zeroize::Zeroizing;

/// The key that signs.
#[derive(Debug, clap::Args)]
pub(crate) struct KeyArgs {
    /// The private key: a file (of `assay key` or cosign, or PEM), `env://VARIABLE`, a key in a key service (`awskms://`,
    /// `gcpkms://`, `azurekms://`, `hashivault://`), `plugin://NAME/KEY-ID`, or `pkcs11:…`.
    #[arg(long, value_name = "KEY", env = "ASSAY_KEY", hide_env_values = true)]
    pub(crate) key: String,
}

/// Reads the name of a key.
pub(crate) fn reference(text: &str) -> Result<KeyReference, CommandError> {
    text.parse().map_err(|error: InvalidKeyReference| {
        CommandError::usage(error.to_string()).hint("see `assay sign --help` for the kinds of keys")
    })
}

/// Returns what signs with the key of that name; `outside` is how key services are reached.
pub(crate) fn signer(text: &str, outside: Outside) -> Result<Box<dyn Signer>, CommandError> {
    match reference(text)? {
        KeyReference::File(path) => {
            let shown = format!("`{}`", path.display());
            let text = read_file(&path)?;
            private_key(&text, &shown).map(|key| Box::new(key) as Box<dyn Signer>)
        }
        KeyReference::Variable(name) => {
            let text = variable(&name)?;
            private_key(&text, &format!("the variable `{name}`")).map(|key| Box::new(key) as Box<dyn Signer>)
        }
        KeyReference::Plugin(key) => plugin(key),
        KeyReference::Service(key) => {
            let signer = KmsSigner::open(&key, Box::new(outside)).map_err(|error| {
                CommandError::work(format!("cannot use the key `{key}`"), error)
                    .hint("see docs/manual/sign.md about keys in key services")
                    .with_hints_of_cause()
            })?;
            Ok(Box::new(signer))
        }
        _ => Err(CommandError::usage("keys of that kind cannot be used here").hint("name a file")),
    }
}

fn plugin(key: PluginKey) -> Result<Box<dyn Signer>, CommandError> {
    let name = key.plugin.clone();
    let failed = |error: PluginError| {
        let hint = match &error {
            PluginError::Missing { .. } => {
                format!(
                    "put `notation-{name}` or `assay-plugin-{name}` into one of them, or name a folder with `ASSAY_PLUGIN_DIR`"
                )
            }
            _ => "see docs/manual/sign.md about keys in tokens and plug-ins".to_owned(),
        };
        CommandError::work(format!("cannot use the key of the plug-in `{name}`"), error).hint(hint)
    };
    let program = find(&key.plugin, &environment::plugin_folders()).map_err(failed)?;
    Ok(Box::new(PluginSigner::open(program, key, Limits::default()).map_err(failed)?))
}

/// Returns the public key of that name; of a private key, its public half.
pub(crate) fn public_key(text: &str, outside: Outside) -> Result<PublicKey, CommandError> {
    let (text, shown) = match reference(text)? {
        KeyReference::File(path) => (read_file(&path)?, format!("`{}`", path.display())),
        KeyReference::Variable(name) => (variable(&name)?, format!("the variable `{name}`")),
        _ => return signer(text, outside).map(|signer| signer.public_key().clone()),
    };
    match PublicKey::from_pem(&text) {
        Ok(key) => Ok(key),
        Err(_) if text.contains("PRIVATE KEY") => Ok(private_key(&text, &shown)?.public_key().clone()),
        Err(error) => Err(CommandError::work(format!("cannot read the public key in {shown}"), error)
            .hint("a public key is the file `NAME.pub` that `assay key generate --out NAME` writes")),
    }
}

/// Reads a key file or PEM, asking for its password where it has one.
pub(crate) fn private_key(text: &str, shown: &str) -> Result<PrivateKey, CommandError> {
    let failed = || format!("cannot read the private key in {shown}");
    if KeyFile::is(text) {
        let file = KeyFile::parse(text).map_err(|error| {
            CommandError::work(failed(), error).hint("make a new one with `assay key generate --out NAME`")
        })?;
        return file.open(&password::of(shown)?).map_err(|error| {
            let hint = match &error {
                OpenKeyError::Password => "check `ASSAY_KEY_PASSWORD` or `COSIGN_PASSWORD`",
                _ => "make a new one with `assay key generate --out NAME`",
            };
            CommandError::work(failed(), error).hint(hint)
        });
    }
    PrivateKey::from_pem(text).map_err(|error| {
        CommandError::work(failed(), error).hint(
            "name the file `NAME.key` of `assay key generate --out NAME`, or of `cosign generate-key-pair`",
        )
    })
}

/// Reads the text of a key.
pub(crate) fn read_file(path: &Path) -> Result<Zeroizing<String>, CommandError> {
    let failed = |error: io::Error| {
        CommandError::work(format!("cannot read the key `{}`", path.display()), error)
            .hint("check the path; make a key with `assay key generate --out NAME`")
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE));
    let limit = u64::try_from(MAX_FILE).unwrap_or(u64::MAX);
    File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)).map_err(failed)?;
    let text = std::str::from_utf8(&bytes).map_err(|error| failed(io::Error::other(error)))?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn variable(name: &str) -> Result<Zeroizing<String>, CommandError> {
    environment::variable(name).map(Zeroizing::new).ok_or_else(|| {
        CommandError::usage(format!("the variable `{name}` holds no key"))
            .hint(format!("set `{name}` to the text of a key file"))
    })
}
