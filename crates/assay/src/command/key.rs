//! `assay key`: make, read and look at keys.

mod rotate;

use super::Global;
use crate::error::CommandError;
use crate::output;
use crate::services::Outside;
use crate::source::NetworkArgs;
use crate::{keys, password, terminal};
use assay_sign::key::{KeyFile, NewKey, PrivateKey, PublicKey};
use assay_sign::make::hint;
use assay_sign::signer::Signer as _;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Make, import and look at keys that sign.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Generate(GenerateArgs),
    Import(ImportArgs),
    Public(PublicArgs),
    Inspect(InspectArgs),
    Rotate(rotate::Args),
}

/// Make a key pair: NAME.key, encrypted with a password as cosign does it, and NAME.pub.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay key generate --out release\n  \
    ASSAY_KEY_PASSWORD=… assay key generate --out release --algorithm ed25519\n\n\
    The password comes from ASSAY_KEY_PASSWORD or COSIGN_PASSWORD, or is asked for. cosign reads both files.")]
struct GenerateArgs {
    #[command(flatten)]
    out: OutArgs,

    /// The kind of key: ecdsa-p256, ecdsa-p384, ed25519 or rsa-3072.
    #[arg(long, value_name = "KIND", default_value = "ecdsa-p256")]
    algorithm: NewKey,
}

/// Encrypt a private key of another tool: PEM in the form PKCS#8, PKCS#1 or SEC 1.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  \
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out rsa.pem\n  \
    assay key import rsa.pem --out release")]
struct ImportArgs {
    /// The private key, not encrypted, or a key file of cosign's, whose password stays the same.
    #[arg(value_name = "FILE", value_parser = super::path)]
    file: PathBuf,

    #[command(flatten)]
    out: OutArgs,
}

#[derive(Debug, clap::Args)]
struct OutArgs {
    /// Write NAME.key and NAME.pub.
    #[arg(long, value_name = "NAME", value_parser = super::path)]
    out: PathBuf,

    /// Replace files that are there; whatever the old key signed is then verified by nobody who has the new one only.
    #[arg(long)]
    force: bool,
}

/// Print the public key of a key.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  assay key public release.key > release.pub\n  assay key public awskms:///alias/release"
)]
struct PublicArgs {
    /// A key, named as for `assay sign --key`.
    #[arg(value_name = "KEY")]
    key: String,

    #[command(flatten)]
    network: NetworkArgs,
}

/// Say what a key file is, without opening it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  assay key inspect release.pub")]
struct InspectArgs {
    /// A public or private key.
    #[arg(value_name = "FILE", value_parser = super::path)]
    file: PathBuf,

    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    match &args.action {
        Action::Generate(args) => {
            args.out.free()?;
            let key = PrivateKey::generate(args.algorithm)
                .map_err(|error| CommandError::work("cannot make a key", error))?;
            args.out.write(&key, global)?;
        }
        Action::Import(args) => {
            args.out.free()?;
            let shown = format!("`{}`", args.file.display());
            args.out.write(&keys::private_key(&keys::read_file(&args.file)?, &shown)?, global)?;
        }
        Action::Public(args) => {
            let key = keys::public_key(&args.key, Outside::new(&args.network, global)?)?;
            output::print(key.to_pem())?;
        }
        Action::Inspect(args) => inspect(args)?,
        Action::Rotate(args) => return rotate::run(args, global),
    }
    Ok(ExitCode::SUCCESS)
}

impl OutArgs {
    fn file(&self, suffix: &str) -> PathBuf {
        let mut name = OsString::from(&self.out);
        name.push(suffix);
        PathBuf::from(name)
    }

    /// Sees to it that nothing is replaced, before anybody types a password for nothing.
    fn free(&self) -> Result<(), CommandError> {
        if self.force {
            return Ok(());
        }
        match [self.file(".key"), self.file(".pub")].into_iter().find(|path| path.symlink_metadata().is_ok())
        {
            Some(path) => Err(CommandError::usage(format!("`{}` is there already", path.display()))
                .hint("choose another name with `--out NAME`, or replace the key for good with `--force`")),
            None => Ok(()),
        }
    }

    fn write(&self, key: &PrivateKey, global: &Global) -> Result<(), CommandError> {
        let file = KeyFile::seal(key, &password::new()?)
            .map_err(|error| CommandError::work("cannot encrypt the key", error))?;
        let public = key.public_key();
        for (path, text, mode) in
            [(self.file(".key"), file.to_pem(), 0o600), (self.file(".pub"), public.to_pem(), 0o644)]
        {
            write_new(&path, text.as_bytes(), mode, self.force).map_err(|error| {
                CommandError::work(format!("cannot write `{}`", path.display()), error)
                    .hint("name files in a folder that is there and that you may write to with `--out NAME`")
            })?;
            terminal::note(global, &format!("wrote `{}`", path.display()));
        }
        terminal::note(
            global,
            &format!("the key is {}, its fingerprint {}", public.algorithm(), public.fingerprint_hex()),
        );
        Ok(())
    }
}

/// Writes a file whole or not at all, and only over another if `force`.
pub(super) fn write_new(path: &Path, bytes: &[u8], mode: u32, force: bool) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
    let mut file = tempfile::Builder::new().permissions(permissions).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    if force {
        file.persist(path)?;
    } else {
        file.persist_noclobber(path)?;
    }
    Ok(())
}

fn inspect(args: &InspectArgs) -> Result<(), CommandError> {
    let text = keys::read_file(&args.file)?;
    let shown = args.file.display();
    let rows: Vec<(&str, String)> = if KeyFile::is(&text) {
        let file = KeyFile::parse(&text).map_err(|error| {
            CommandError::work(format!("cannot read the private key in `{shown}`"), error)
                .hint("make a new one with `assay key generate --out NAME`")
        })?;
        vec![
            ("kind", "private key".to_owned()),
            ("encryption", format!("scrypt (N={}, r=8, p=1) and XSalsa20-Poly1305", file.cost())),
        ]
    } else if text.contains("PRIVATE KEY") {
        let key = keys::private_key(&text, &format!("`{shown}`"))?;
        let mut rows = vec![("kind", "private key".to_owned()), ("encryption", "none".to_owned())];
        rows.extend(of(key.public_key()));
        rows
    } else {
        let key = PublicKey::from_pem(&text).map_err(|error| {
            CommandError::work(format!("cannot read the public key in `{shown}`"), error)
                .hint("a public key is the file `NAME.pub` that `assay key generate --out NAME` writes")
        })?;
        let mut rows = vec![("kind", "public key".to_owned())];
        rows.extend(of(&key));
        rows
    };
    if args.json {
        let object: serde_json::Map<_, _> =
            rows.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        return output::print(format!("{:#}\n", serde_json::Value::Object(object)));
    }
    let lines: String = rows.into_iter().map(|(name, value)| format!("{name:12} {value}\n")).collect();
    output::print(lines)
}

fn of(key: &PublicKey) -> [(&'static str, String); 4] {
    [
        ("algorithm", key.algorithm().to_string()),
        ("bits", key.bits().to_string()),
        ("fingerprint", key.fingerprint_hex()),
        ("hint", hint(key)),
    ]
}
