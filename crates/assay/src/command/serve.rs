//! `assay serve`: the server with its database, webhooks, admission and API.

use super::Global;
use super::worker::{WorkArgs, run_error};
use crate::error::CommandError;
use crate::source::read_file;
use crate::terminal;
use assay_oci::{InvalidReference, Reference};
use assay_server::admission::{Identities, Identity, Judge, LoadPolicyError, Workload};
use assay_server::listen::TlsFiles;
use assay_server::webhook::{InvalidSecret, Secrets};
use assay_server::{Crawls, NotifyUrl, Owners, Serve};
use assay_store::Address;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Run the server: registry webhooks, scan workers, admission and API, with its database in one folder.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay serve --data /var/lib/assay --registry registry.example\n  \
    assay serve --data DIR --registry ghcr.io --webhook-secret github=/run/secrets/github\n  \
    assay serve --data DIR --registry registry.example --crawl registry.example --crawl-every 900\n  \
    assay serve --data DIR --listen 0.0.0.0:8443 --tls-certificate tls.crt --tls-key tls.key --policy policy.yaml\n  \
    assay serve --data DIR --database postgres://assay@db.example/assay --workers 0")]
pub(crate) struct Args {
    /// Where to listen. Addresses that other machines can reach need TLS.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// The folder for everything that is kept; made when it is not there.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,

    /// Keep the database on a PostgreSQL server instead of a file in that folder.
    #[arg(long, value_name = "URL", env = "ASSAY_DATABASE", hide_env_values = true)]
    database: Option<Address>,

    /// Judge workloads of a cluster by this policy.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// The certificate of the server and those that lead to its authority (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,

    /// The key of the certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,

    /// Answer admission reviews of clients that show a certificate of these authorities (PEM), too.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    client_ca: Option<PathBuf>,

    /// Answer admission reviews of anybody: API servers show neither token nor certificate unless they are configured to.
    #[arg(long)]
    anonymous_admission: bool,

    /// Send what people should know (new findings from severity high, tags that moved) to this address as JSON; may be repeated.
    #[arg(long, value_name = "URL", env = "ASSAY_NOTIFY", hide_env_values = true)]
    notify: Vec<NotifyUrl>,

    /// Never judge the workloads of this user or group of the cluster (`user:NAME`, `group:NAME`); may be repeated.
    #[arg(long, value_name = "IDENTITY")]
    exempt: Vec<Identity>,

    /// Let this user or group do what the policy denies, with a warning, an event and a count each time; may be repeated.
    #[arg(long, value_name = "IDENTITY")]
    break_glass: Vec<Identity>,

    /// Judge this kind of custom resource by the pod described at a place in it, such as
    /// `argoproj.io/Rollout=/spec/template/spec`; may be repeated.
    #[arg(long, value_name = "GROUP/KIND=POINTER")]
    workload: Vec<Workload>,

    /// Take events of this kind of registry from who proves to know the secret in the file; may be repeated, also for one kind.
    #[arg(long, value_name = "KIND=FILE", value_parser = webhook_secret)]
    webhook_secret: Vec<(String, PathBuf)>,

    /// Ask this registry at intervals what it has, or only about this repository: what no event told of is found so. May be repeated.
    #[arg(long, value_name = "HOST[/REPOSITORY]", value_parser = crawl_place)]
    crawl: Vec<String>,

    /// How many seconds are between two crawls of the same.
    #[arg(long, value_name = "SECONDS", default_value = "3600", value_parser = clap::value_parser!(u64).range(1..=604_800))]
    crawl_every: u64,

    /// Who answers for which images: lines of a pattern over registry and repository, and an owner; the last that fits counts.
    #[arg(long, value_name = "FILE")]
    owners: Option<PathBuf>,

    #[command(flatten)]
    work: WorkArgs,
}

fn crawl_place(text: &str) -> Result<String, String> {
    let (host, repository) = text.split_once('/').unwrap_or((text, "catalogue"));
    let reference: Reference =
        format!("{host}/{repository}").parse().map_err(|error: InvalidReference| error.to_string())?;
    if host != reference.registry() || repository != reference.repository() {
        return Err(format!(
            "expected `HOST` or `HOST/REPOSITORY`, such as `{}/{}`",
            reference.registry(),
            reference.repository()
        ));
    }
    Ok(text.to_owned())
}

fn webhook_secret(text: &str) -> Result<(String, PathBuf), String> {
    let (kind, path) = text.split_once('=').ok_or("expected `KIND=FILE`")?;
    if assay_server::webhook::by_name(kind).is_none() {
        return Err(InvalidSecret::UnknownWebhook(kind.to_owned()).to_string());
    }
    Ok((kind.to_owned(), PathBuf::from(path)))
}

/// Runs the command.
pub(super) fn run(args: Args, global: &Global) -> Result<ExitCode, CommandError> {
    let folder = |error| {
        CommandError::work(format!("cannot use the folder `{}`", args.data.display()), error)
            .hint("name a folder that you may write to with `--data DIR`")
    };
    private_folder(&args.data).map_err(folder)?;
    let data = args.data.canonicalize().map_err(folder)?;
    let address = args.database.clone().unwrap_or_else(|| Address::File(data.join("assay-server.db")));
    let judge = args.policy.as_deref().map(judge).transpose()?;
    let deep = judge.as_ref().is_some_and(Judge::needs_deep_scan);
    if judge.as_ref().is_some_and(Judge::needs_evidence) {
        terminal::note(
            global,
            "the policy asks for signatures or attestations, which the server does not gather yet: its rules about them deny",
        );
    }
    let webhooks = secrets(&args.webhook_secret)?;
    let owners = args.owners.as_deref().map(owners).transpose()?.unwrap_or_default();
    for place in &args.crawl {
        let host = place.split('/').next().unwrap_or(place);
        if !args.work.registry.iter().any(|registry| registry == host) {
            let error = format!("the server was not told that it may ask the registry `{host}`");
            return Err(CommandError::work(format!("cannot crawl `{place}`"), error)
                .hint(format!("name it with `--registry {host}`")));
        }
    }
    let quiet = global.quiet;
    let (listen, secure) = (args.listen, args.tls_certificate.is_some());
    let served = assay_server::serve(Serve {
        work: args.work.work(address, deep, global)?,
        listen,
        tls: args.tls_certificate.zip(args.tls_key).map(|(certificate, key)| TlsFiles {
            certificate,
            key,
            client_authorities: args.client_ca,
        }),
        judge,
        anonymous_admission: args.anonymous_admission,
        notify: args.notify,
        identities: Identities { exempt: args.exempt, break_glass: args.break_glass },
        workloads: args.workload,
        judged_by: data.join("judged-by.db"),
        webhooks,
        crawls: Crawls {
            places: args.crawl.into_iter().collect(),
            every: Duration::from_secs(args.crawl_every),
        },
        owners,
        ready: Box::new(move |address, token| {
            let scheme = if secure { "https" } else { "http" };
            if !quiet {
                terminal::stderr(&format!("note: listening on {scheme}://{address}\n"));
            }
            // Also when quiet: it is shown this once, and nobody gets in without it.
            if let Some(token) = token {
                terminal::stderr(&format!(
                    "the first administrator's token, shown only now: {}\n",
                    token.reveal()
                ));
            }
        }),
    });
    served.map_err(run_error)?;
    Ok(ExitCode::SUCCESS)
}

/// Makes the folder, for this user only: the database tells what is weak in everything that runs. One that is there stays as it is.
fn private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

fn secrets(files: &[(String, PathBuf)]) -> Result<Secrets, CommandError> {
    let mut secrets = Secrets::default();
    for (kind, path) in files {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            CommandError::work(format!("cannot use the secret in `{}`", path.display()), error)
                .hint(format!("write one with `openssl rand -hex 32 > {}`", path.display()))
        };
        let secret = read_file(path).map_err(|error| failed(error.into()))?;
        secrets.add(kind, &secret).map_err(|error| failed(error.into()))?;
    }
    Ok(secrets)
}

fn owners(path: &Path) -> Result<Owners, CommandError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        CommandError::work(format!("cannot read the owners in `{}`", path.display()), error)
            .hint(format!("write lines such as `registry.example/shop/ team-shop` into `{}`", path.display()))
    };
    let bytes = read_file(path).map_err(|error| failed(error.into()))?;
    let text = String::from_utf8(bytes).map_err(|error| failed(error.into()))?;
    Owners::parse(&text).map_err(|error| failed(error.into()))
}

fn judge(path: &Path) -> Result<Judge, CommandError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        CommandError::work(format!("cannot read the policy `{}`", path.display()), error)
            .hint("name a policy with `--policy FILE`; write a first one with `assay policy init --profile baseline`")
    };
    let bytes = read_file(path).map_err(|error| failed(error.into()))?;
    let text = String::from_utf8(bytes).map_err(|error| failed(error.into()))?;
    Judge::parse(&text).map_err(|LoadPolicyError(problems)| crate::gate::mistakes(path, &problems))
}
