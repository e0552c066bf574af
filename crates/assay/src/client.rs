//! A server that is told or asked something by a command: its address, the token, and how its answers are read.

use crate::command::Global;
use crate::environment;
use crate::error::CommandError;
use crate::source::{self, NetworkArgs, read_file};
use assay_oci::Network;
use assay_oci::exchange::Exchange;
use assay_sign::kms::host_of;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;

/// Bytes of an answer; lists come in pages.
const MAX_ANSWER: u64 = 64 << 20;
/// The longest token.
const MAX_TOKEN: usize = 4096;

/// Which server, and who asks.
#[derive(Debug, clap::Args)]
pub(crate) struct ServerArgs {
    /// The server, by its address.
    #[arg(long, value_name = "URL", env = "ASSAY_SERVER")]
    server: String,

    /// Read the token from this file instead of the variable ASSAY_TOKEN.
    #[arg(long, value_name = "FILE", value_parser = crate::command::path)]
    token_file: Option<PathBuf>,
}

/// The way to a server.
pub(crate) struct Client {
    network: Network,
    base: String,
    token: String,
}

impl ServerArgs {
    /// Prepares; sends nothing.
    pub(crate) fn client(&self, network: &NetworkArgs, global: &Global) -> Result<Client, CommandError> {
        let base = self.server.trim_end_matches('/').to_owned();
        let network = source::network(network, global, Arc::default())?;
        let host = host_of(&base);
        let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
        let is_here = matches!(name, "localhost" | "127.0.0.1" | "[::1]");
        let may_be_plain = is_here || network.options().plain_http;
        if !(base.starts_with("https://") || (base.starts_with("http://") && may_be_plain)) {
            return Err(CommandError::usage(format!(
                "the token is not sent to `{host}` without TLS"
            ))
            .hint("name the server with `--server https://HOST`; plain HTTP is for this machine, and elsewhere with `--plain-http`"));
        }
        let text = match &self.token_file {
            Some(path) => {
                let bytes = read_file(path).map_err(|error| {
                    CommandError::work(format!("cannot read the token in `{}`", path.display()), error)
                        .hint("check the path, and that you may read it")
                })?;
                String::from_utf8(bytes).unwrap_or_default()
            }
            None => environment::variable("ASSAY_TOKEN").unwrap_or_default(),
        };
        let token = text.trim().to_owned();
        let is_token = |byte: u8| byte.is_ascii_graphic();
        if token.is_empty() || token.len() > MAX_TOKEN || !token.bytes().all(is_token) {
            return Err(CommandError::usage("there is no token that the server could know you by").hint(
                "name a file with it with `--token-file FILE`, or set `ASSAY_TOKEN`; an administrator makes one with role `developer`",
            ));
        }
        Ok(Client { network, base, token })
    }
}

impl Client {
    /// Sends JSON and returns the answer; `null`, if there is none. `doing` says what for: `record the build`.
    pub(crate) fn send(
        &self,
        doing: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, CommandError> {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            CommandError::work(format!("cannot {doing} at `{}`", host_of(&self.base)), error)
        };
        let exchange = Exchange {
            method,
            url: &format!("{}{path}", self.base),
            headers: &[
                ("authorization".to_owned(), format!("Bearer {}", self.token)),
                ("content-type".to_owned(), "application/json".to_owned()),
            ],
            body: &body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
            limit: MAX_ANSWER,
        };
        let answer = self.network.exchange(&exchange).map_err(|error| {
            failed(error.into()).hint("check `--server URL`, and that the server runs: `curl URL/healthz`")
        })?;
        let document: Option<Value> = serde_json::from_slice(&answer.body).ok();
        if (200..300).contains(&answer.status) {
            return Ok(document.unwrap_or_default());
        }
        let status = answer.status;
        let detail = document.as_ref().and_then(|document| document.get("detail")?.as_str());
        let error = failed(match detail {
            Some(detail) => {
                let detail: String = detail.chars().take(2000).collect();
                format!("it answered {status}: {detail}").into()
            }
            None => format!("it answered {status}, and not as the server of Assay does").into(),
        });
        Err(match status {
            401 => error.hint("give a token that holds with `--token-file FILE` or `ASSAY_TOKEN`"),
            403 => error.hint("ask an administrator for a token with the role `developer`"),
            _ if detail.is_none() => error.hint("check the address of the server with `curl URL/healthz`"),
            _ => error,
        })
    }
}

/// Encodes a text as a segment of a path.
pub(crate) fn segment(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}
