//! Runs a credential helper: `docker-credential-<name> get` with the server on standard input.
//!
//! <https://github.com/docker/docker-credential-helpers#development>. Helpers may hang on a dialog or print without end;
//! both are bounded.

use super::{CredentialError, Credentials};
use crate::secret::Secret;
use serde::Deserialize;
use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long a helper may take; one that fetches a cloud token needs a second or two.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The most bytes of an answer.
const MAX_ANSWER: u64 = 64 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

/// Waits a little for a helper that has said what it had to say, then ends it.
fn end(child: &mut Child) -> std::io::Result<ExitStatus> {
    for _ in 0..200 {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    // It may have ended by itself meanwhile.
    let _ = child.kill();
    child.wait()
}

/// Asks the helper `name` for the credentials of `server`; `None` when it has none.
pub(super) fn get(name: &str, server: &str) -> Result<Option<Credentials>, CredentialError> {
    let failed = |reason: &str| CredentialError::Helper { name: name.to_owned(), reason: reason.to_owned() };
    // The name becomes part of a program's name: nothing may lead out of the search path.
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        return Err(failed("its name is not letters, digits, `-`, `_` and `.`"));
    }
    let mut child = Command::new(format!("docker-credential-{name}"))
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(&format!("it cannot be started: {error}")))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that does not read its input will say so by its status.
        let _ = stdin.write_all(server.as_bytes());
    }
    let (sender, receiver) = mpsc::channel();
    let stdout = child.stdout.take();
    std::thread::spawn(move || {
        let mut answer = Vec::new();
        let read = stdout.map(|stdout| stdout.take(MAX_ANSWER).read_to_end(&mut answer));
        // Nobody listens after the time limit.
        let _ = sender.send(read.transpose().map(|_| answer));
    });
    let answer = receiver.recv_timeout(TIMEOUT);
    if answer.is_err() {
        let _ = child.kill();
    }
    let status = end(&mut child).map_err(|error| failed(&error.to_string()))?;
    let Ok(answer) = answer else { return Err(failed("it took longer than 30 seconds")) };
    let answer = answer.map_err(|error| failed(&error.to_string()))?;
    if !status.success() {
        // The reference implementation answers a missing entry in words only.
        let text = String::from_utf8_lossy(&answer);
        let missing = text.contains("credentials not found");
        return if missing { Ok(None) } else { Err(failed(&format!("it ended with {status}"))) };
    }
    let answer: Answer =
        serde_json::from_slice(&answer).map_err(|_| failed("its answer is not the expected JSON"))?;
    Ok(match (answer.username.as_str(), answer.secret) {
        (_, secret) if secret.is_empty() => None,
        ("<token>", secret) => Some(Credentials::Identity(Secret::new(secret))),
        (user, secret) => {
            Some(Credentials::Password { user: user.to_owned(), password: Secret::new(secret) })
        }
    })
}
