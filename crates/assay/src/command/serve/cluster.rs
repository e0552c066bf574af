//! The cluster's own API, of which the server asks nothing but the labels of a namespace, and only when it is told to.
//!
//! In a pod its address is in two variables and its token in a file:
//! <https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/#without-using-a-proxy>.

use super::WorkArgs;
use crate::command::Global;
use crate::environment;
use crate::error::CommandError;
use crate::source::{self, read_file};
use assay_server::admission::{ClusterApi, LABELS_KEPT, Namespaces};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// Where a pod has its service account.
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
const AUTHORITY: &str = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt";

/// How the cluster's API is asked.
#[derive(Debug, clap::Args)]
pub(super) struct ClusterArgs {
    /// Read the labels of the namespace in which something is to run from the cluster's API, for tiers and rules that look at them.
    /// Where they cannot be read nothing is admitted.
    #[arg(long)]
    namespace_labels: bool,

    /// The cluster's API; without it that of the cluster in which the server runs.
    #[arg(long, value_name = "URL", requires = "namespace_labels", value_parser = address)]
    kubernetes_api: Option<String>,

    /// The file with the token for the API; without it that of the pod's service account.
    #[arg(long, value_name = "FILE", requires = "namespace_labels", value_parser = crate::command::path)]
    kubernetes_token: Option<PathBuf>,

    /// The certificates of the API's authority (PEM); without it, and without `--kubernetes-api`, those of the pod's service account.
    #[arg(long, value_name = "FILE", requires = "namespace_labels", value_parser = crate::command::path)]
    kubernetes_ca: Option<PathBuf>,
}

impl ClusterArgs {
    /// Returns the labels of namespaces, if they may be asked for.
    pub(super) fn namespaces(
        &self,
        work: &WorkArgs,
        global: &Global,
    ) -> Result<Option<Namespaces>, CommandError> {
        if !self.namespace_labels {
            return Ok(None);
        }
        let inside = self.kubernetes_api.is_none();
        let url = match &self.kubernetes_api {
            Some(url) => url.clone(),
            None => own_api().ok_or_else(|| {
                CommandError::usage("the server does not run in a cluster whose API it could ask")
                    .hint("name the API with `--kubernetes-api URL --kubernetes-token FILE`")
            })?,
        };
        if global.offline && !is_local(&url) {
            return Err(CommandError::usage("labels of namespaces cannot be read with `--offline`")
                .hint("leave out `--offline`, or `--namespace-labels`"));
        }
        let token = self.kubernetes_token.clone().unwrap_or_else(|| TOKEN.into());
        let authority = self.kubernetes_ca.clone().or_else(|| inside.then(|| AUTHORITY.into()));
        // What is wrong from the beginning is an error of the command, and not of every pod.
        for file in std::iter::once(&token).chain(&authority) {
            read_file(file).map_err(|error| {
                CommandError::work(format!("cannot use `{}` for the cluster's API", file.display()), error).hint(
                    "let the pod have its service account's token, or name files with `--kubernetes-token` and `--kubernetes-ca`",
                )
            })?;
        }
        let network = source::network(work.network(), global, Arc::default())?;
        let api = ClusterApi::new(&url, token, authority, network.options());
        Ok(Some(Namespaces::new(api, LABELS_KEPT)))
    }
}

/// Returns the address of the API of the cluster in which this runs.
fn own_api() -> Option<String> {
    let host = environment::variable("KUBERNETES_SERVICE_HOST")?;
    let port = environment::variable("KUBERNETES_SERVICE_PORT")?;
    let is_v6 = host.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6());
    let url = if is_v6 { format!("https://[{host}]:{port}") } else { format!("https://{host}:{port}") };
    address(&url).ok()
}

/// Reads the address of an API. It is shown a token, so plain HTTP is for this machine only.
fn address(text: &str) -> Result<String, String> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"@?#\\".contains(&byte));
    match text.split_once("://") {
        Some(("https", rest)) if is_plain && !rest.is_empty() => Ok(text.to_owned()),
        Some(("http", _)) if is_plain && is_local(text) => Ok(text.to_owned()),
        _ => Err("expected `https://HOST:PORT`, or `http://` on this machine".to_owned()),
    }
}

/// Says whether an address is on this machine.
fn is_local(url: &str) -> bool {
    let authority = url.split_once("://").and_then(|(_, rest)| rest.split('/').next()).unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => authority.split(':').next(),
    };
    host.is_some_and(|host| {
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_to_no_other_machine_in_the_clear() {
        for good in
            ["https://10.96.0.1:443", "https://[::1]:6443", "http://127.0.0.1:8001", "http://[::1]:1/x"]
        {
            assert!(address(good).is_ok(), "{good}");
        }
        for wrong in [
            "http://10.96.0.1",
            "http://127.0.0.1.example",
            "http://localhost@elsewhere.example",
            "https://user:secret@api.example",
            "https://api.example?x",
            "https://",
            "api.example",
            "ftp://api.example",
            "https://a b",
        ] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
        assert!(
            is_local("http://127.0.0.1:1") && !is_local("https://10.0.0.1") && !is_local("https://[fe80::1]")
        );
    }
}
