//! The password of a key: from a variable, or asked for on the terminal without showing it. And other secrets: from a file or standard input,
//! or asked for likewise.

use crate::environment;
use crate::error::CommandError;
use rustix::termios::{self, LocalModes, OptionalActions, Termios};
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};
#[cfg(feature = "server")]
use std::path::Path;
use zeroize::Zeroizing;

/// The longest password that is taken from a terminal.
const MAX: u64 = 4096;

/// Returns the password of a key that is there.
pub(crate) fn of(key: &str) -> Result<Zeroizing<Vec<u8>>, CommandError> {
    match environment::key_password() {
        Some(password) => Ok(bytes(&password)),
        None => asked(&format!("Password of {key}: ")),
    }
}

/// Returns the password for a new key, asked for twice.
pub(crate) fn new() -> Result<Zeroizing<Vec<u8>>, CommandError> {
    if let Some(password) = environment::key_password() {
        return Ok(bytes(&password));
    }
    let first = asked("Password for the private key (may be empty): ")?;
    if first != asked("The same again: ")? {
        return Err(CommandError::usage("the two passwords differ").hint("run the command again"));
    }
    Ok(first)
}

/// The longest secret that is taken from a file; the longest real ones are service accounts of clouds.
#[cfg(feature = "server")]
const MAX_SECRET: usize = 64 << 10;

/// Returns a secret from a file, or from standard input; where that is a terminal it is asked for. Line ends behind it do not belong to it.
#[cfg(feature = "server")]
pub(crate) fn secret(file: Option<&Path>, prompt: &str) -> Result<Zeroizing<String>, CommandError> {
    const HINT: &str =
        "name a file that holds the secret alone with `--secret-file FILE`, or give it on standard input";
    let failed = |error: io::Error| CommandError::work("cannot read the secret", error).hint(HINT);
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_SECRET));
    let limit = u64::try_from(MAX_SECRET).unwrap_or(u64::MAX);
    match file {
        Some(path) => File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)),
        None if io::stdin().is_terminal() => read(prompt).map(|line| {
            bytes.extend_from_slice(&line);
            line.len()
        }),
        None => io::stdin().take(limit).read_to_end(&mut bytes),
    }
    .map_err(failed)?;
    let text = std::str::from_utf8(&bytes).map_err(|error| failed(io::Error::other(error)))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() || bytes.len() == MAX_SECRET {
        return Err(CommandError::usage("the secret is empty, or too long").hint(HINT));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

fn bytes(text: &Zeroizing<String>) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(text.as_bytes().to_vec())
}

fn asked(prompt: &str) -> Result<Zeroizing<Vec<u8>>, CommandError> {
    const HINT: &str = "set `ASSAY_KEY_PASSWORD` or `COSIGN_PASSWORD`; an empty value is an empty password";
    if !io::stdin().is_terminal() {
        return Err(
            CommandError::usage("a password is needed, and there is no terminal to ask for it").hint(HINT)
        );
    }
    read(prompt).map_err(|error| CommandError::work("cannot ask for the password", error).hint(HINT))
}

fn read(prompt: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    (&terminal).write_all(prompt.as_bytes())?;
    let hidden = Hidden::start(&terminal)?;
    let mut line = Zeroizing::new(Vec::with_capacity(usize::try_from(MAX).unwrap_or_default()));
    let mut byte = [0];
    while line.len() < line.capacity() && (&terminal).read(&mut byte)? == 1 && byte != *b"\n" {
        line.extend_from_slice(&byte);
    }
    drop(hidden);
    (&terminal).write_all(b"\n")?;
    // Interrupt is a character like any other meanwhile, or it would leave the terminal without echo.
    if line.contains(&3) {
        return Err(io::Error::from(io::ErrorKind::Interrupted));
    }
    Ok(line)
}

/// While it lives, the terminal does not show what is typed.
struct Hidden<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Hidden<'a> {
    fn start(terminal: &'a File) -> io::Result<Self> {
        let before = termios::tcgetattr(terminal)?;
        let mut during = before.clone();
        during.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
        termios::tcsetattr(terminal, OptionalActions::Flush, &during)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        // There is nobody to tell, and the user sees it.
        let _ = termios::tcsetattr(self.terminal, OptionalActions::Now, &self.before);
    }
}
