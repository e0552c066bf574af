#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod der;
mod failure;
mod protocol;
mod token;
mod uri;

use failure::Failure;
use protocol::{Described, Metadata, Request, Signed};
use std::io::{self, Read, Write};
use std::process::ExitCode;
use token::Token;

/// Bytes of a request; statements about images are some megabytes at most, in base64.
const MAX_REQUEST: u64 = 64 << 20;

fn main() -> ExitCode {
    match answer() {
        Ok(answer) => {
            // Nobody is left to tell when the caller has gone.
            let _ = io::stdout().lock().write_all(&answer);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            let _ = io::stderr().lock().write_all(&failure.to_json());
            ExitCode::FAILURE
        }
    }
}

fn answer() -> Result<Vec<u8>, Failure> {
    let command = std::env::args().nth(1).unwrap_or_default();
    let mut request = Vec::new();
    io::stdin().lock().take(MAX_REQUEST).read_to_end(&mut request).map_err(Failure::request)?;
    match command.as_str() {
        "get-plugin-metadata" => json(&Metadata::own()),
        "describe-key" => {
            let request = Request::parse(&request)?;
            let key = Token::open(&request, &variable)?.key()?;
            json(&Described::new(&request, &key))
        }
        "generate-signature" => {
            let request = Request::parse(&request)?;
            let token = Token::open(&request, &variable)?;
            let key = token.key()?;
            let algorithm = request.algorithm(&key)?;
            let signature = token.sign(&key, &algorithm, &request.digest(algorithm.hash())?)?;
            json(&Signed::new(&request, &algorithm, &signature, &key.certificates))
        }
        other => Err(Failure::validation(format!("`{other}` is no command of this plug-in"))),
    }
}

fn json(answer: &impl serde::Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(answer).map_err(Failure::request)
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is a program: the environment is read here and nowhere else"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
