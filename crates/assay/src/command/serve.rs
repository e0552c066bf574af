//! `assay serve`: the server with its database, webhooks, admission and API.

mod cluster;
mod login;

use super::Global;
use super::worker::{WorkArgs, run_error};
use crate::environment;
use crate::error::CommandError;
use crate::services::Outside;
use crate::source::read_file;
use crate::terminal;
use assay_oci::{InvalidReference, Reference};
use assay_server::admission::{Identities, Identity, Judge, LoadPolicyError, Workload};
use assay_server::listen::{Patience, TlsFiles};
use assay_server::retention::{MAX_DAYS, days};
use assay_server::webhook::{InvalidSecret, Secrets};
use assay_server::{
    Channel, CheckpointExport, Crawls, Notifications, NotifyUrl, Owners, Pair, Promotions, ReadOwners,
    Refresh, Serve,
};
use assay_sign::key::{NewKey, PrivateKey};
use assay_sign::signer::Signer as _;
use assay_store::Address;
use cluster::ClusterArgs;
use login::LoginArgs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Run the server: registry webhooks, scan workers, admission and API, with its database in one folder.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay serve --data /var/lib/assay --registry registry.example\n  \
    assay serve --data DIR --registry ghcr.io --webhook-secret github=/run/secrets/github\n  \
    assay serve --data DIR --registry registry.example --crawl registry.example --crawl-every 900\n  \
    assay serve --data DIR --listen 0.0.0.0:8443 --tls-certificate tls.crt --tls-key tls.key --policy policy.yaml\n  \
    assay serve --data DIR --registry registry.example --policy policy.yaml \\\n      \
        --promote 'registry.example/incoming/*=registry.example/release/*'\n  \
    assay serve --data DIR --database postgres://assay@db.example/assay --objects s3://assay/documents --workers 0\n  \
    assay serve --data DIR --registry registry.example --crawl registry.example --keep-days 180\n  \
    assay serve --data DIR --registry registry.example --notifications notifications.yaml\n  \
    assay serve --data DIR --oidc-issuer https://id.example --oidc-client-id assay --public-url https://assay.example --oidc-role sub=*:viewer")]
pub(crate) struct Args {
    /// Where to listen. Addresses that other machines can reach need TLS.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// How many connections there may be at once, half of them from one other machine at most. Those beyond wait.
    #[arg(long, value_name = "N", default_value = "1000", value_parser = connections)]
    max_connections: usize,

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

    /// Tell whom this file names of what it says: by Slack, mail, Alertmanager or webhooks, by rules (YAML).
    #[arg(long, value_name = "FILE", env = "ASSAY_NOTIFICATIONS")]
    notifications: Option<PathBuf>,

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

    /// A repository of images that others are built on, such as `registry.example/bases/debian`, for rules of the policy about bases: they
    /// count before others that were scanned. May be repeated.
    #[arg(long, value_name = "HOST/REPOSITORY", value_parser = base_repository, requires = "policy")]
    base_repository: Vec<String>,

    /// How many seconds after it was last asked a registry is asked again what is attached to an image: no registry tells when a
    /// signature is taken away. 0 for never.
    #[arg(long, value_name = "SECONDS", default_value = "21600", value_parser = clap::value_parser!(u64).range(0..=2_592_000))]
    refresh_evidence: u64,

    #[command(flatten)]
    cluster: ClusterArgs,
    /// How many seconds are between two looks for images that were never scanned deeply; 0 never looks.
    #[arg(long, value_name = "SECONDS", default_value = "86400", value_parser = clap::value_parser!(u64).range(..=31_536_000))]
    deep_every: u64,

    /// Promote what the policy admits of an incoming repository to a release repository; may be repeated. `HOST/incoming/*=HOST/release/*`
    /// means all repositories below.
    #[arg(long, value_name = "INCOMING=RELEASE")]
    promote: Vec<Pair>,

    /// Judge promotions by this policy, and not by that for workloads.
    #[arg(long, value_name = "FILE", requires = "promote")]
    promote_policy: Option<PathBuf>,

    /// Let promotions move release tags that fit this pattern, such as `latest`; all others stay as they are. May be repeated.
    #[arg(long, value_name = "PATTERN", requires = "promote")]
    promote_move: Vec<String>,

    /// Read the credentials for writing to release repositories from this file; what scans does not know them then.
    #[arg(long, value_name = "FILE", requires = "promote", value_parser = super::path)]
    promote_registry_config: Option<PathBuf>,
    /// Forget images that were not seen for this many days, but nothing that runs, is the last good one of a service, was promoted, or is
    /// part of an index that stays. Without it everything is kept.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_DAYS)))]
    keep_days: Option<u32>,
    /// Sign checkpoints of the audit log by this key (PEM, not encrypted) rather than by one that is made in the folder, `audit.key`.
    #[arg(long, value_name = "FILE", value_parser = super::path)]
    audit_key: Option<PathBuf>,

    /// Append a signed checkpoint of the audit log to this file at intervals; best where the server can only append.
    #[arg(long, value_name = "FILE", value_parser = super::path)]
    audit_checkpoints: Option<PathBuf>,

    /// How many seconds are between two of them.
    #[arg(long, value_name = "SECONDS", default_value = "3600", value_parser = clap::value_parser!(u64).range(1..=604_800))]
    audit_checkpoint_every: u64,

    #[command(flatten)]
    login: LoginArgs,
    /// Who answers for which images: lines of a pattern over registry and repository, and an owner; the last that fits counts. Read again
    /// when it changes. Owners are teams, to which tokens and people can be bound.
    #[arg(long, value_name = "FILE")]
    owners: Option<PathBuf>,

    #[command(flatten)]
    work: WorkArgs,
}

/// Returns the full name of a repository.
fn base_repository(text: &str) -> Result<String, String> {
    let reference: assay_oci::Reference =
        text.parse().map_err(|error: assay_oci::InvalidReference| error.to_string())?;
    if reference.digest().is_some() || reference.tag().is_some_and(|tag| text.ends_with(&format!(":{tag}"))) {
        return Err("it names an image and not a repository; leave out tag and digest".to_owned());
    }
    Ok(format!("{}/{}", reference.registry(), reference.repository()))
}

fn connections(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|number| (2..=100_000).contains(number))
        .ok_or_else(|| "expected 2 to 100000".to_owned())
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
    let promotions = promotions(&args, global)?;
    let judge = args.policy.as_deref().map(|path| judge(path, &args, global)).transpose()?;
    let judges = || judge.iter().chain(&promotions.judge);
    let deep = judges().any(Judge::needs_deep_scan);
    let webhooks = secrets(&args.webhook_secret)?;
    let mut notifications = args.notifications.as_deref().map(notifications).transpose()?.unwrap_or_default();
    notifications.channels.extend(args.notify.into_iter().map(Channel::of_url));
    let owners_file = args.owners.clone();
    let owners = owners_file.as_deref().map(owners).transpose()?.unwrap_or_default();
    for place in &args.crawl {
        let host = place.split('/').next().unwrap_or(place);
        if !args.work.registry.iter().any(|registry| registry == host) {
            let error = format!("the server was not told that it may ask the registry `{host}`");
            return Err(CommandError::work(format!("cannot crawl `{place}`"), error)
                .hint(format!("name it with `--registry {host}`")));
        }
    }
    let namespaces = args.cluster.namespaces(&args.work, global)?;
    let work = args.work.work(address, deep, global)?;
    let audit_key = audit_key(args.audit_key.as_deref(), &data)?;
    let login = args.login.login(&work)?;
    let quiet = global.quiet;
    let (listen, secure) = (args.listen, args.tls_certificate.is_some());
    let served = assay_server::serve(Serve {
        work,
        login,
        audit_key,
        checkpoints: args.audit_checkpoints.map(|path| CheckpointExport {
            every: Duration::from_secs(args.audit_checkpoint_every),
            keep: Arc::new(move |line| append(&path, line)),
        }),
        listen,
        patience: Patience { connections: args.max_connections, ..Patience::default() },
        tls: args.tls_certificate.zip(args.tls_key).map(|(certificate, key)| TlsFiles {
            certificate,
            key,
            client_authorities: args.client_ca,
        }),
        judge,
        anonymous_admission: args.anonymous_admission,
        notifications,
        update: crate::update_status::reader(global),
        identities: Identities { exempt: args.exempt, break_glass: args.break_glass },
        workloads: args.workload,
        namespaces,
        judged_by: data.join("judged-by.db"),
        webhooks,
        crawls: Crawls {
            places: args.crawl.into_iter().collect(),
            every: Duration::from_secs(args.crawl_every),
        },
        refresh: Refresh {
            every: (args.refresh_evidence > 0).then(|| Duration::from_secs(args.refresh_evidence)),
        },
        promotions,
        deepen_every: Duration::from_secs(args.deep_every),
        keep: args.keep_days.map(days),
        owners,
        read_owners: owners_file.map(|path| -> Arc<ReadOwners> { Arc::new(move || read_owners(&path)) }),
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

/// Reads what is said about promotions.
fn promotions(args: &Args, global: &Global) -> Result<Promotions, CommandError> {
    for pair in &args.promote {
        if let Some(host) =
            pair.hosts().into_iter().find(|host| !args.work.registry.iter().any(|one| one == host))
        {
            let error = format!("the server was not told that it may ask the registry `{host}`");
            return Err(CommandError::work(format!("cannot promote by `{pair}`"), error)
                .hint(format!("name it with `--registry {host}`")));
        }
    }
    if !args.promote.is_empty() && args.policy.is_none() && args.promote_policy.is_none() {
        return Err(CommandError::usage("nothing says what may be promoted").hint(
            "name a policy with `--policy FILE`, or with `--promote-policy FILE` one for promotions alone",
        ));
    }
    let given = args.promote_registry_config.as_ref().filter(|path| !path.as_os_str().is_empty());
    Ok(Promotions {
        pairs: args.promote.clone(),
        judge: args.promote_policy.as_deref().map(|path| judge(path, args, global)).transpose()?,
        moving: args.promote_move.clone(),
        credentials: given.map(|path| environment::credentials(Some(path))),
    })
}

/// Reads the key by which the server signs checkpoints; the one in its folder is made when it is not there, its public half beside it.
fn audit_key(named: Option<&Path>, data: &Path) -> Result<PrivateKey, CommandError> {
    let own = data.join("audit.key");
    let path = named.unwrap_or(&own);
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        CommandError::work(format!("cannot use the key `{}` for checkpoints", path.display()), error)
            .hint("name a private key in PEM, not encrypted, with `--audit-key FILE`, or leave that out")
    };
    if named.is_none() && !own.exists() {
        let key = PrivateKey::generate(NewKey::EcdsaP256).map_err(|error| failed(error.into()))?;
        let pem = key.to_pem().map_err(|error| failed(error.into()))?;
        // Never without its name: a key that was half written would be another at the next start.
        let write = |name: &str, text: &str, mode: u32| -> std::io::Result<()> {
            let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
            let mut file = tempfile::Builder::new().permissions(permissions).tempfile_in(data)?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(data.join(name))?;
            Ok(())
        };
        write("audit.pub", &key.public_key().to_pem(), 0o644).map_err(|error| failed(error.into()))?;
        write("audit.key", &pem, 0o600).map_err(|error| failed(error.into()))?;
        return Ok(key);
    }
    let bytes = zeroize::Zeroizing::new(read_file(path).map_err(|error| failed(error.into()))?);
    let text = std::str::from_utf8(&bytes).map_err(|error| failed(error.into()))?;
    PrivateKey::from_pem(text).map_err(|error| failed(error.into()))
}

/// Appends a line, which is on the disk when this is done.
fn append(path: &Path, line: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(line.as_bytes())?;
    file.sync_data()
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

/// Reads who is told of what. Files that it names are looked for beside it.
fn notifications(path: &Path) -> Result<Notifications, CommandError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        CommandError::work(format!("cannot use the notifications in `{}`", path.display()), error)
            .hint("see `docs/manual/notifications.md` for what can be in it")
    };
    let bytes = read_file(path).map_err(|error| failed(error.into()))?;
    let text = String::from_utf8(bytes).map_err(|error| failed(error.into()))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let read = |name: &Path| read_file(&folder.join(name));
    Notifications::parse(&text, &read).map_err(|error| failed(error.into()))
}

fn owners(path: &Path) -> Result<Owners, CommandError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        CommandError::work(format!("cannot read the owners in `{}`", path.display()), error)
            .hint(format!("write lines such as `registry.example/shop/ team-shop` into `{}`", path.display()))
    };
    read_owners(path).map_err(failed)
}

fn read_owners(path: &Path) -> Result<Owners, Box<dyn std::error::Error + Send + Sync>> {
    Ok(Owners::parse(&String::from_utf8(read_file(path)?)?)?)
}

fn judge(path: &Path, args: &Args, global: &Global) -> Result<Judge, CommandError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        CommandError::work(format!("cannot read the policy `{}`", path.display()), error)
            .hint("name a policy with `--policy FILE`; write a first one with `assay policy init --profile baseline`")
    };
    let bytes = read_file(path).map_err(|error| failed(error.into()))?;
    let text = String::from_utf8(bytes).map_err(|error| failed(error.into()))?;
    let judge =
        Judge::parse(&text).map_err(|LoadPolicyError(problems)| crate::gate::mistakes(path, &problems))?;
    let outside = || Outside::new(args.work.network(), global);
    let (roots, material) = crate::gate::trust(judge.policy(), path, &outside)?;
    Ok(judge.trusting(roots, &material).building_on(args.base_repository.clone()))
}
