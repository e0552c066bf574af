//! Where the result of a command goes: to standard output, or to a file that is then whole or not there at all.

use crate::error::CommandError;
use crate::terminal;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Writes to standard output.
pub(crate) fn print(bytes: impl AsRef<[u8]>) -> Result<(), CommandError> {
    terminal::stdout(bytes.as_ref())
        .map_err(|error| CommandError::work("cannot write to standard output", error))
}

/// Writes to a file.
pub(crate) fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<(), CommandError> {
    write_file(path, bytes.as_ref()).map_err(|error| {
        CommandError::work(format!("cannot write `{}`", path.display()), error)
            .hint("name a file in a folder that is there and that you may write to")
    })
}

/// Writes to a file if one is named, and else to standard output.
pub(crate) fn put(path: Option<&Path>, bytes: impl AsRef<[u8]>) -> Result<(), CommandError> {
    match path {
        Some(path) => write(path, bytes),
        None => print(bytes),
    }
}

/// Writes a file whole or not at all.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    // A device or pipe (`/dev/stderr`) cannot be replaced by another file.
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        return std::fs::OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A report is no secret: the user's mask decides who may read it, as for any other file.
    let permissions = std::fs::Permissions::from_mode(0o666);
    let mut file = tempfile::Builder::new().permissions(permissions).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}
