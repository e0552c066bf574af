//! Packs the folder of an OCI layout into a tar archive, the same one each time: sorted names, no owners, no times.

use crate::repository::RepositoryError;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Writes the layout in `folder` into the archive `path`, which is there only once it is whole.
///
/// # Errors
/// Fails when a file cannot be read or the archive cannot be written.
pub fn pack(folder: &Path, path: &Path) -> Result<(), RepositoryError> {
    let failed = |source: io::Error| RepositoryError::Write { path: path.to_owned(), source };
    let beside = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = tempfile::Builder::new().prefix(".writing-").tempfile_in(beside).map_err(failed)?;
    let mut archive = tar::Builder::new(io::BufWriter::with_capacity(1 << 20, file.as_file()));
    let mut add = |name: &str| -> io::Result<()> {
        let mut from = File::open(folder.join(name))?;
        let mut header = tar::Header::new_ustar();
        header.set_size(from.metadata()?.len());
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        archive.append_data(&mut header, name, &mut from)
    };
    for name in ["oci-layout", "index.json"] {
        add(name).map_err(failed)?;
    }
    for name in blobs(folder).map_err(failed)? {
        add(&name).map_err(failed)?;
    }
    archive
        .into_inner()
        .and_then(|buffer| buffer.into_inner().map_err(io::IntoInnerError::into_error))
        .map_err(failed)?;
    super::layout::readable(file.as_file()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

fn blobs(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for algorithm in ["sha256", "sha512"] {
        let below: PathBuf = folder.join("blobs").join(algorithm);
        let entries = match fs::read_dir(&below) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') {
                names.push(format!("blobs/{algorithm}/{name}"));
            }
        }
    }
    names.sort();
    Ok(names)
}
