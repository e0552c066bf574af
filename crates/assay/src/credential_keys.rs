//! The keys that encrypt the credentials which a server keeps, as `--credential-key` names them.

use crate::error::CommandError;
use assay_server::{CredentialKey, Keyring};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The most that is read of a file; a key has some 70 bytes.
const MAX: u64 = 4096;

/// Rights of those who are neither the owner of a file nor of its group. The group may read: Kubernetes gives secrets to processes by it.
const OTHERS: u32 = 0o007;

/// Reads keys in their order: the first encrypts.
pub(crate) fn keyring(paths: &[PathBuf]) -> Result<Keyring, CommandError> {
    let given = paths.iter().filter(|path| !path.as_os_str().is_empty());
    Ok(Keyring::new(given.map(|path| read(path)).collect::<Result<_, _>>()?))
}

/// Reads a key.
pub(crate) fn read(path: &Path) -> Result<CredentialKey, CommandError> {
    let shown = path.display();
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        CommandError::work(format!("cannot use the credential key `{shown}`"), error)
    };
    let make = format!("make one with `assay credential key --out {shown}`");
    let open = || -> io::Result<(u32, Zeroizing<Vec<u8>>)> {
        let file = File::open(path)?;
        let mode = file.metadata()?.mode();
        let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
        file.take(MAX).read_to_end(&mut bytes)?;
        Ok((mode, bytes))
    };
    let (mode, bytes) = open().map_err(|error| failed(error.into()).hint(make.clone()))?;
    if mode & OTHERS != 0 {
        return Err(failed("everybody on this machine may read or change it".into())
            .hint(format!("take that from others with `chmod o= {shown}`")));
    }
    CredentialKey::parse(&bytes).map_err(|error| failed(error.into()).hint(make))
}
