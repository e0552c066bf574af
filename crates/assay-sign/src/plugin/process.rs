//! Runs a plug-in: bounded in time and in what is read from it.

use super::protocol::{Failure, Request};
use serde::de::DeserializeOwned;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// What a call of a plug-in may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long it may take; a token may want to be touched.
    pub time: Duration,
    /// Bytes of an answer.
    pub answer: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { time: Duration::from_secs(120), answer: 4 << 20 }
    }
}

/// Why a plug-in did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PluginError {
    /// There is no such program.
    #[error(
        "there is no plug-in `{plugin}`: a program `notation-{plugin}` was looked for in {}",
        shown(folders)
    )]
    Missing {
        /// Its name.
        plugin: String,
        /// Where it was looked for.
        folders: Vec<PathBuf>,
    },
    /// It cannot be started.
    #[error("cannot run `{}`", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// It took too long.
    #[error("the plug-in did not answer to `{command}` within {seconds} seconds")]
    Time {
        /// What it was asked.
        command: &'static str,
        /// The limit.
        seconds: u64,
    },
    /// It answered too much, or something else than the protocol says.
    #[error("the plug-in's answer to `{command}` cannot be used: {reason}")]
    Answer {
        /// What it was asked.
        command: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// It answered with an error.
    #[error("the plug-in refused `{command}`: {message}")]
    Refused {
        /// What it was asked.
        command: &'static str,
        /// Its words.
        message: String,
    },
    /// It makes no bare signatures.
    #[error("the plug-in `{plugin}` cannot make bare signatures (`SIGNATURE_GENERATOR.RAW`)")]
    Capability {
        /// Its name.
        plugin: String,
    },
    /// It speaks another version of the protocol.
    #[error("the plug-in `{plugin}` does not speak version 1 of the protocol")]
    Contract {
        /// Its name.
        plugin: String,
    },
    /// Its key cannot be used.
    #[error("the key of the plug-in `{plugin}` cannot be used: {reason}")]
    Key {
        /// Its name.
        plugin: String,
        /// What is wrong.
        reason: String,
    },
}

fn shown(folders: &[PathBuf]) -> String {
    let shown: Vec<String> = folders.iter().map(|folder| format!("`{}`", folder.display())).collect();
    shown.join(", ")
}

/// Finds the program of a plug-in: as Notation keeps them, `<folder>/<name>/notation-<name>`, or directly in one of the folders, also
/// under the name `assay-plugin-<name>`.
///
/// # Errors
/// Fails when it is in none of them.
pub fn find(plugin: &str, folders: &[PathBuf]) -> Result<PathBuf, PluginError> {
    let name = format!("notation-{plugin}");
    let places = folders.iter().flat_map(|folder| {
        [folder.join(plugin).join(&name), folder.join(&name), folder.join(format!("assay-plugin-{plugin}"))]
    });
    let is_program =
        |path: &PathBuf| path.metadata().is_ok_and(|file| file.is_file() && file.mode() & 0o111 != 0);
    places
        .into_iter()
        .find(is_program)
        .ok_or_else(|| PluginError::Missing { plugin: plugin.to_owned(), folders: folders.to_vec() })
}

/// Bytes of an error that are read.
const MAX_ERROR: u64 = 64 << 10;
/// How often it is looked whether the program has ended.
const GLANCE: Duration = Duration::from_millis(5);

/// Asks the program one thing, and reads its answer.
pub(super) fn call<T: DeserializeOwned>(
    program: &Path,
    command: &'static str,
    request: &Request<'_>,
    limits: &Limits,
) -> Result<T, PluginError> {
    let said = ask(program, command, request, limits)?;
    serde_json::from_slice(&said).map_err(|error| PluginError::Answer { command, reason: error.to_string() })
}

/// Asks the program one thing, and returns what it says.
pub(super) fn ask(
    program: &Path,
    command: &'static str,
    request: &Request<'_>,
    limits: &Limits,
) -> Result<Vec<u8>, PluginError> {
    let end = Instant::now() + limits.time;
    let started = |source| PluginError::Start { program: program.to_owned(), source };
    let answer = |reason: String| PluginError::Answer { command, reason };
    let request = serde_json::to_vec(request).map_err(|error| answer(error.to_string()))?;
    let mut child = Command::new(program)
        .arg(command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(started)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A large request may fill the pipe while the program writes its answer. One that does not read will say so by its status.
        std::thread::spawn(move || stdin.write_all(&request));
    }
    // One byte more than allowed shows that there is more.
    let stdout = read(child.stdout.take(), limits.answer.saturating_add(1));
    let stderr = read(child.stderr.take(), MAX_ERROR);
    let late = || PluginError::Time { command, seconds: limits.time.as_secs() };
    let left = || end.saturating_duration_since(Instant::now());
    let said = stdout.recv_timeout(left());
    let too_long =
        said.as_ref().is_ok_and(|bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limits.answer);
    if said.is_err() || too_long {
        let _ = child.kill();
    }
    let status = wait(&mut child, end).map_err(started)?;
    let said = said.map_err(|_| late())?;
    if too_long {
        return Err(answer(format!("it is longer than {} bytes", limits.answer)));
    }
    let Some(status) = status else { return Err(late()) };
    if !status.success() {
        let words = stderr.recv_timeout(left().max(GLANCE)).unwrap_or_default();
        return Err(PluginError::Refused { command, message: refusal(&words, status) });
    }
    Ok(said)
}

/// Reads at most `limit` bytes on a thread of its own.
fn read(from: Option<impl Read + Send + 'static>, limit: u64) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(from) = from {
            // What came before an error is all there is.
            let _ = from.take(limit).read_to_end(&mut bytes);
        }
        // Nobody listens any more after the time limit.
        let _ = sender.send(bytes);
    });
    receiver
}

/// Waits for the program to end, and ends it when its time is up.
fn wait(child: &mut Child, end: Instant) -> io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= end {
            let _ = child.kill();
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(GLANCE);
    }
}

fn refusal(words: &[u8], status: ExitStatus) -> String {
    // What the program writes goes to a terminal in the end.
    let clean = |text: &str| text.chars().filter(|c| !c.is_control()).take(500).collect::<String>();
    let failure: Option<Failure> = serde_json::from_slice(words).ok();
    if let Some(failure) = failure {
        let (message, code) = (clean(&failure.error_message), clean(&failure.error_code));
        match (message.is_empty(), code.is_empty()) {
            (false, false) => return format!("{message} ({code})"),
            (false, true) => return message,
            (true, false) => return code,
            (true, true) => {}
        }
    }
    let text = String::from_utf8_lossy(words);
    let line = clean(text.lines().next_back().unwrap_or_default());
    if line.is_empty() { format!("it ended with {status}") } else { line }
}
