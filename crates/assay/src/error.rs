//! What a command says when it fails: the user's words, the chain of causes, and what to do.

use crate::terminal;
use assay_analyze::AnalyzeLayerError;
use assay_engine::{OpenSbomError, ScanDiskError, ScanFolderError, ScanFunctionError};
use assay_oci::source::InvalidSource;
use assay_oci::{
    BlobMismatch, EngineError, EngineKind, OpenError, ReadLayerError, RegistryError, RegistryErrorKind,
    RepositoryError,
};
use assay_report::escape;
use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::process::ExitCode;

/// What kind of failure it is; gives the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The arguments make no sense.
    Usage,
    /// The work could not be done.
    Work,
}

/// A failed command.
#[derive(Debug)]
pub(crate) struct CommandError {
    kind: Kind,
    message: String,
    also: Vec<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
    hints: Vec<String>,
}

impl CommandError {
    /// Returns an error about the arguments.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { kind: Kind::Usage, message: message.into(), also: Vec::new(), source: None, hints: Vec::new() }
    }

    /// Returns an error about the work, with its cause.
    pub(crate) fn work(message: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            kind: Kind::Work,
            message: message.into(),
            also: Vec::new(),
            source: Some(source.into()),
            hints: Vec::new(),
        }
    }

    /// Adds what else is wrong.
    pub(crate) fn also(mut self, messages: impl IntoIterator<Item = String>) -> Self {
        self.also.extend(messages);
        self
    }

    /// Adds what the user can do.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds the hints that a cause suggests.
    pub(crate) fn with_hints_of_cause(mut self) -> Self {
        let mut cause: Option<&(dyn Error + 'static)> = self.source.as_deref().map(|source| source as _);
        let mut hints = Vec::new();
        while let Some(error) = cause {
            // Several links of a chain may suggest the same.
            hints.extend(hint_for(error).filter(|hint| !hints.contains(hint)));
            cause = error.source();
        }
        self.hints.extend(hints);
        self
    }

    /// Returns the message with its causes, as one sentence.
    pub(crate) fn told(&self) -> String {
        let mut told = self.message.clone();
        let mut cause: Option<&(dyn Error + 'static)> = self.source.as_deref().map(|source| source as _);
        let mut last = self.message.clone();
        while let Some(error) = cause {
            let message = error.to_string();
            if message != last {
                told.push_str(": ");
                told.push_str(&message);
            }
            last = message;
            cause = error.source();
        }
        told
    }

    /// Returns the first of what the user can do.
    pub(crate) fn first_hint(&self) -> Option<&str> {
        self.hints.first().map(String::as_str)
    }

    /// Returns the exit code.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self.kind {
            Kind::Usage | Kind::Work => ExitCode::from(2),
        }
    }

    /// Writes the error to standard error.
    pub(crate) fn print(&self) {
        let mut text = format!("error: {}\n", escape::terminal(&self.message));
        for message in &self.also {
            let _ = writeln!(text, "  also: {}", escape::terminal(message));
        }
        let mut cause: Option<&(dyn Error + 'static)> = self.source.as_deref().map(|source| source as _);
        let mut last = self.message.clone();
        while let Some(error) = cause {
            let message = error.to_string();
            // Transparent wrappers say the same as what they wrap.
            if message != last {
                let _ = writeln!(text, "  caused by: {}", escape::terminal(&message));
            }
            last = message;
            cause = error.source();
        }
        for hint in &self.hints {
            let _ = writeln!(text, "hint: {hint}");
        }
        terminal::stderr(&text);
    }
}

fn hint_for(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(error) = error.downcast_ref::<RegistryError>() {
        return registry_hint(error);
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return io_hint(error);
    }
    if let Some(error) = error.downcast_ref::<RepositoryError>() {
        return repository_hint(error);
    }
    if let Some(error) = error.downcast_ref::<ScanFolderError>() {
        return Some(match error {
            ScanFolderError::NothingToRead { .. } => {
                "name a lockfile such as `Cargo.lock`, or the whole folder with `dir:PATH`".to_owned()
            }
            _ => READABLE.to_owned(),
        });
    }
    if let Some(error) = error.downcast_ref::<OpenSbomError>() {
        return Some(match error {
            OpenSbomError::Content { .. } => {
                "make it again as CycloneDX or SPDX, for example with `assay sbom SOURCE`".to_owned()
            }
            _ => READABLE.to_owned(),
        });
    }
    if let Some(error) = error.downcast_ref::<ScanDiskError>() {
        return match error {
            ScanDiskError::NotADisk { .. } => Some(
                "name a raw, qcow2, vmdk, vhd or vhdx file; unpack a compressed one first, such as with `gunzip`"
                    .to_owned(),
            ),
            ScanDiskError::Incomplete { .. } => Some(
                "put the other files of the disk beside it, or name what it stands on with `--backing-file FILE`"
                    .to_owned(),
            ),
            ScanDiskError::NotAFile { .. } => {
                Some("copy a device to a file first, such as with `dd if=/dev/sdb of=disk.raw`".to_owned())
            }
            ScanDiskError::Open { .. } => {
                Some("let the disk's own tool look at it, such as `qemu-img check FILE`".to_owned())
            }
            _ => Some(READABLE.to_owned()),
        };
    }
    if let Some(error) = error.downcast_ref::<ScanFunctionError>() {
        return Some(match error {
            ScanFunctionError::Open { .. } => {
                "name a zip; scan a folder with `dir:PATH`, a container image by its reference".to_owned()
            }
            _ => READABLE.to_owned(),
        });
    }
    if let Some(error) = error.downcast_ref::<ReadLayerError>() {
        return match error {
            ReadLayerError::Registry(error) => registry_hint(error),
            ReadLayerError::Missing(_) => {
                Some("make the image again: one of its layers was not saved".to_owned())
            }
            _ => None,
        };
    }
    if let Some(AnalyzeLayerError::DiffIdMismatch { .. }) = error.downcast_ref::<AnalyzeLayerError>() {
        return Some("build the image again: its configuration names other layers than it has".to_owned());
    }
    if let Some(error) = error.downcast_ref::<InvalidSource>() {
        return Some(match error {
            InvalidSource::Missing(_) => {
                "check the path; for an image of a registry leave out `./`".to_owned()
            }
            _ => "give an image such as `registry.example/app:1.0`, or a path; see `assay scan --help`"
                .to_owned(),
        });
    }
    open_hint(error.downcast_ref::<OpenError>()?)
}

fn repository_hint(error: &RepositoryError) -> Option<String> {
    match error {
        RepositoryError::Registry(error) => registry_hint(error),
        RepositoryError::Open(error) => open_hint(error),
        RepositoryError::Missing { .. } => {
            Some("check name and tag, such as with `assay ref resolve REFERENCE`".to_owned())
        }
        RepositoryError::ReadOnly { .. } => {
            Some("copy it to where it can be written, such as with `assay copy IMAGE oci:DIR`".to_owned())
        }
        RepositoryError::NoRepository { .. } => Some(
            "push the image to a registry, or save it as an OCI layout with `skopeo copy`, and name that"
                .to_owned(),
        ),
        RepositoryError::Contended { .. } => Some("try again when fewer others write to it".to_owned()),
        RepositoryError::Full { .. } => {
            Some("remove artifacts that are not needed, or use a registry that lists referrers".to_owned())
        }
        RepositoryError::Write { .. } => Some("name a folder that you may write to".to_owned()),
        _ => None,
    }
}

fn open_hint(error: &OpenError) -> Option<String> {
    match error {
        // These two say the same as what they wrap, which is then no link of its own in the chain.
        OpenError::Registry(error) => registry_hint(error),
        OpenError::Engine(error) => engine_hint(error),
        OpenError::Missing { .. } => Some("check the path".to_owned()),
        OpenError::Read { .. } => Some(READABLE.to_owned()),
        OpenError::NotAnImage { .. } => Some(
            "scan a folder with `dir:PATH`; archives come from `docker save` or `skopeo copy`".to_owned(),
        ),
        OpenError::Damaged { .. } => {
            Some("make the archive again: it was cut off or changed after it was written".to_owned())
        }
        OpenError::Incomplete { .. } | OpenError::Digest { .. } | OpenError::LayerCount { .. } => {
            Some("make the image again: it was changed after it was made, or not saved whole".to_owned())
        }
        OpenError::Malformed { .. } | OpenError::NoManifest { .. } => {
            Some("check that an image is meant: this is something else, or damaged".to_owned())
        }
        OpenError::NoSuchImage { place, names, .. } => {
            names.first().map(|name| format!("name one of them after the path: `{place}:{name}`"))
        }
        OpenError::Spool { .. } => {
            Some("set `TMPDIR` to a folder with enough room that can be written".to_owned())
        }
        OpenError::Ambiguous { place, names } => {
            let name = names.first().map_or("TAG", String::as_str);
            Some(format!("name one of them: `oci:{place}:{name}` or `docker-archive:{place}:{name}`"))
        }
        OpenError::UnknownPlatform { available, .. } => {
            available.first().map(|platform| format!("choose one with `--platform {platform}`"))
        }
        OpenError::MediaType { .. } | OpenError::Artifact { .. } => {
            Some("only container images are scanned; this is another kind of artifact".to_owned())
        }
        OpenError::Empty { .. } => {
            Some("there is nothing in it to scan; was the right image named?".to_owned())
        }
        _ => None,
    }
}

/// Looks at what an error of a layer's reader holds: `source` skips it, as it says the same.
fn io_hint(error: &io::Error) -> Option<String> {
    let inner = error.get_ref()?;
    if inner.is::<BlobMismatch>() {
        return Some(
            "fetch or make the image again: its bytes are not those that its digests name".to_owned(),
        );
    }
    let registry = inner.downcast_ref().and_then(registry_hint);
    registry.or_else(|| inner.downcast_ref().and_then(io_hint)).or_else(|| inner.source().and_then(hint_for))
}

/// For files and folders that are there.
const READABLE: &str = "check the path, and that you may read it";

fn engine_hint(error: &EngineError) -> Option<String> {
    Some(match error {
        EngineError::NoSocket { engine, .. } => {
            let variable = match engine {
                EngineKind::Docker => "DOCKER_HOST",
                EngineKind::Podman => "CONTAINER_HOST",
            };
            format!("start {engine}, or name its socket with `{variable}=unix:///path/to.sock`")
        }
        EngineError::Connection { engine, .. } => {
            format!("check that {engine} is running and that you may use its socket")
        }
        EngineError::NoSuchImage { engine, reference } => {
            format!("run `{engine} pull {reference}`, or leave out the prefix to read it from its registry")
        }
        _ => return None,
    })
}

fn registry_hint(error: &RegistryError) -> Option<String> {
    Some(match error.kind() {
        RegistryErrorKind::Offline => "leave out `--offline` (`ASSAY_OFFLINE`)".to_owned(),
        RegistryErrorKind::Unreachable => {
            "check the name and the network; a registry without TLS needs `--plain-http`".to_owned()
        }
        RegistryErrorKind::Untrusted => {
            "name the registry's certificate authority with `--ca-file FILE`".to_owned()
        }
        RegistryErrorKind::Unauthorised => {
            let registry = if let RegistryError::Status { host, .. } = error { host } else { "REGISTRY" };
            format!("run `docker login {registry}`, or name a credentials file with `--registry-config FILE`")
        }
        RegistryErrorKind::Denied => "these credentials may not read the image; use others".to_owned(),
        RegistryErrorKind::NotFound => {
            "check the repository and the tag; private images need `docker login`".to_owned()
        }
        RegistryErrorKind::TooManyRequests => "try again later, or log in for a higher limit".to_owned(),
        RegistryErrorKind::Server => "check that it is a registry; if it is, try again later".to_owned(),
        RegistryErrorKind::Local => "check the settings of proxy, certificates and credentials".to_owned(),
        _ => return None,
    })
}
