//! Objects as files of a folder: `ab/cdef…`, by the first two digits of their names.

use crate::object::{MAX_OBJECT, ObjectError, ObjectStorage};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// What a file is called before it is whole. What a crash leaves of them is never read.
const UNFINISHED: &str = ".unfinished";

/// A folder of objects. The folder may move together with the database, so the database does not say where it is.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    written: AtomicU64,
}

impl Folder {
    /// Uses a folder; it is made when the first object is written.
    pub fn new(path: PathBuf) -> Self {
        Self { path, written: AtomicU64::new(0) }
    }

    fn file(&self, name: &str) -> io::Result<PathBuf> {
        let is_name = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        let (first, rest) =
            name.split_at_checked(2).filter(|_| is_name).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.path.join(first).join(rest))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let file = self.file(name)?;
        let folder = file.parent().unwrap_or(&self.path);
        let is_new = !folder.is_dir();
        fs::create_dir_all(folder)?;
        // Two writers of the same object each have a file of their own until it is whole.
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let new = folder.join(format!("{UNFINISHED}-{}-{number}", std::process::id()));
        let written = write_new(&new, bytes).and_then(|()| fs::rename(&new, &file));
        if written.is_err() {
            let _ = fs::remove_file(&new);
        }
        written?;
        File::open(folder)?.sync_all()?;
        if is_new {
            File::open(&self.path)?.sync_all()?;
        }
        Ok(())
    }

    fn failed(&self, doing: &'static str, source: io::Error) -> ObjectError {
        ObjectError { doing, place: self.path.display().to_string(), source: source.into() }
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // What is left of a process with the same number is written over.
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

impl ObjectStorage for Folder {
    fn place(&self) -> String {
        "folder".to_owned()
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), ObjectError> {
        self.write(name, bytes).map_err(|error| self.failed("write", error))
    }

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, ObjectError> {
        let read = || -> io::Result<Option<Vec<u8>>> {
            let file = match File::open(self.file(name)?) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                file => file?,
            };
            let mut bytes = Vec::new();
            file.take(MAX_OBJECT.saturating_add(1)).read_to_end(&mut bytes)?;
            if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_OBJECT) {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            Ok(Some(bytes))
        };
        read().map_err(|error| self.failed("read", error))
    }

    fn delete(&self, name: &str) -> Result<(), ObjectError> {
        match self.file(name).and_then(fs::remove_file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.failed("remove", error)),
            _ => Ok(()),
        }
    }
}
