//! What key services need of the outside: the network, the clock, variables and files.

use crate::command::Global;
use crate::environment;
use crate::error::CommandError;
use crate::source::{self, NetworkArgs};
use assay_model::Timestamp;
use assay_oci::Network;
use assay_oci::exchange::Exchange;
use assay_sign::kms::{Answer, MAX_ANSWER, Request, Surroundings, TransportError, host_of};
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The longest file with credentials that is read.
const MAX_FILE: u64 = 1 << 20;

/// The outside as the process has it.
pub(crate) struct Outside(Network);

impl Outside {
    /// Prepares; starts nothing.
    pub(crate) fn new(network: &NetworkArgs, global: &Global) -> Result<Self, CommandError> {
        source::network(network, global, Arc::new(AtomicBool::new(false))).map(Self)
    }
}

impl Surroundings for Outside {
    fn send(&self, request: &Request) -> Result<Answer, TransportError> {
        let exchange = Exchange {
            method: request.method,
            url: &request.url,
            headers: &request.headers,
            body: &request.body,
            limit: MAX_ANSWER,
        };
        match self.0.exchange(&exchange) {
            Ok(answer) => Ok(Answer { status: answer.status, body: answer.body }),
            Err(error) => Err(TransportError { host: host_of(&request.url), source: error.into() }),
        }
    }

    fn now(&self) -> Timestamp {
        environment::clock()
    }

    fn variable(&self, name: &str) -> Option<String> {
        environment::variable(name)
    }

    fn file(&self, path: &Path) -> io::Result<String> {
        let mut text = String::new();
        std::fs::File::open(path)?.take(MAX_FILE).read_to_string(&mut text)?;
        Ok(text)
    }
}
