//! What a command says when it fails: the user's words, the chain of causes, and what to do.

use crate::command::Global;
use crate::terminal;
use assay_oci::source::InvalidSource;
use assay_oci::{EngineError, OpenError, RegistryError, RegistryErrorKind};
use assay_report::escape;
use std::error::Error;
use std::fmt::Write as _;
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
    source: Option<Box<dyn Error + Send + Sync>>,
    hints: Vec<String>,
}

impl CommandError {
    /// Returns an error about the arguments.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { kind: Kind::Usage, message: message.into(), source: None, hints: Vec::new() }
    }

    /// Returns an error about the work, with its cause.
    pub(crate) fn work(message: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: Kind::Work, message: message.into(), source: Some(source.into()), hints: Vec::new() }
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
            hints.extend(hint_for(error));
            cause = error.source();
        }
        self.hints.extend(hints);
        self
    }

    /// Returns the exit code.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self.kind {
            Kind::Usage | Kind::Work => ExitCode::from(2),
        }
    }

    /// Writes the error to standard error.
    pub(crate) fn print(&self, _global: &Global) {
        let mut text = format!("error: {}\n", escape::terminal(&self.message));
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
    if let Some(error) = error.downcast_ref::<InvalidSource>() {
        return Some(match error {
            InvalidSource::Missing(_) => "check the path; for an image of a registry leave out `./`".to_owned(),
            _ => "give an image such as `registry.example/app:1.0`, or a path; see `assay scan --help`".to_owned(),
        });
    }
    if let Some(error) = error.downcast_ref::<EngineError>() {
        return Some(match error {
            EngineError::NoSocket { engine, .. } => {
                format!("start {engine}, or name its socket with `DOCKER_HOST=unix:///path/to.sock`")
            }
            EngineError::NoSuchImage { engine, reference } => {
                format!("run `{engine} pull {reference}`, or leave out the prefix to read it from its registry")
            }
            _ => return None,
        });
    }
    match error.downcast_ref::<OpenError>()? {
        OpenError::Missing { .. } => Some("check the path".to_owned()),
        OpenError::NotAnImage { .. } => {
            Some("scan a folder with `dir:PATH`; archives come from `docker save` or `skopeo copy`".to_owned())
        }
        OpenError::Damaged { .. } | OpenError::Incomplete { .. } | OpenError::Digest { .. } => {
            Some("make the archive again: it was cut off or changed after it was written".to_owned())
        }
        OpenError::Spool { .. } => Some("set `TMPDIR` to a folder with enough room that can be written".to_owned()),
        OpenError::Ambiguous { place, names } => {
            let name = names.first().map_or("TAG", String::as_str);
            Some(format!("name one of them: `oci:{place}:{name}` or `docker-archive:{place}:{name}`"))
        }
        OpenError::UnknownPlatform { available, .. } => {
            available.first().map(|platform| format!("choose one with `--platform {platform}`"))
        }
        OpenError::MediaType { .. } => {
            Some("only container images are scanned; this is another kind of artifact".to_owned())
        }
        OpenError::Empty { .. } => Some("there is nothing in it to scan; was the right image named?".to_owned()),
        _ => None,
    }
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
            "run `docker login REGISTRY`, or name a credentials file with `--registry-config FILE`".to_owned()
        }
        RegistryErrorKind::Denied => "these credentials may not read the image; use others".to_owned(),
        RegistryErrorKind::NotFound => "check the repository and the tag; private images need `docker login`".to_owned(),
        RegistryErrorKind::TooManyRequests => "try again later, or log in for a higher limit".to_owned(),
        _ => return None,
    })
}

