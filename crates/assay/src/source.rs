//! From what the user typed to an inventory, and the database to judge it by: what several sub-commands need.

use crate::command::Global;
use crate::environment;
use crate::error::CommandError;
use crate::limits::LimitArgs;
use crate::terminal::{self, ProgressLine};
use assay_advisories::Database;
use assay_advisories::database::{CorruptDatabase, OpenDatabaseError};
use assay_analyze::Limits;
use assay_detect::check::accumulated;
use assay_detect::malware::OwnRules;
use assay_engine::{
    Knowledge, KnownImage, LayerCache, Progress, Settings, assess, attribute, disk_inventory, find_base,
    folder_inventory, function_inventory, image_inventory, is_newest, is_sbom, newer_base, open_sbom,
};
use assay_match::priority::sort_by_urgency;
use assay_match::{Trust, VexDocument, apply_vex};
use assay_model::finding::UnknownFindingKind;
use assay_model::report::SourceKind;
use assay_model::{Digest, FindingKind, Image, Inventory, Platform, Report};
use assay_oci::source::{OpenOptions, Source, recognise};
use assay_oci::{Network, NetworkOptions, SpoolOptions, without_password};
use assay_sbom::Document;
use assay_sbom::vex::{self, Statement};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

mod bases;

use bases::{Known, repository_images};

/// How sources are opened.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct SourceArgs {
    /// The platform of an image made for several, such as `linux/arm64`.
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<Platform>,

    /// Look for these kinds of findings only, separated by commas: vulnerability, secret, malware, misconfiguration, license.
    #[arg(long, value_name = "KIND,…", env = "ASSAY_SCANNERS")]
    scanners: Option<Scanners>,

    /// Look for malware by your own hashes, package names and rules, too; see the manual's page about malware.
    #[arg(long, value_name = "FILE", env = "ASSAY_MALWARE_RULES", value_parser = crate::command::path)]
    malware_rules: Option<PathBuf>,

    /// Observe what costs more to see: how executables were hardened, what runs by itself, archives, downloads, hidden files.
    #[arg(long)]
    deep: bool,

    /// Whether every file is listed; a command that shows them asks for it.
    #[arg(skip)]
    files: bool,

    /// Read every layer, and keep nothing of it for the next scan.
    #[arg(long, env = "ASSAY_NO_CACHE", value_parser = clap::builder::FalseyValueParser::new())]
    no_cache: bool,

    /// Of layers with a table of contents (zstd:chunked, eStargz) read only the files known by name; the result is partial.
    #[arg(long)]
    lazy: bool,

    /// An image this one may be built on: named like a source, may be repeated. What was scanned before is known anyway.
    #[arg(long, value_name = "SOURCE")]
    base: Vec<String>,

    /// A repository whose images this one may be built on, such as `registry.example/bases/debian`: its tags are listed.
    #[arg(long, value_name = "REPOSITORY")]
    base_repository: Vec<String>,

    /// The file that a disk (`vm:`) stands on, where it does not lie beside it; may be repeated, for the file that this one stands on.
    #[arg(long, value_name = "FILE")]
    backing_file: Vec<PathBuf>,

    /// The zip of a layer of a function (`function:`), the lowest first; may be repeated. It is laid under the function, at /opt.
    #[arg(long, value_name = "ZIP")]
    function_layer: Vec<PathBuf>,

    /// Do not look for what is attached to the image in its registry: statements on vulnerabilities, bills of materials.
    #[arg(long, env = "ASSAY_NO_ATTACHED", value_parser = clap::builder::FalseyValueParser::new())]
    pub(crate) no_attached: bool,

    #[command(flatten)]
    network: NetworkArgs,

    #[command(flatten)]
    limits: LimitArgs,
}

impl SourceArgs {
    /// Looks for packages only.
    pub(crate) fn only_packages(&mut self) {
        self.scanners = Some(Scanners(vec![FindingKind::Vulnerability]));
    }

    /// Returns how registries are reached.
    pub(crate) fn network(&self) -> &NetworkArgs {
        &self.network
    }

    /// Returns what a scan may cost.
    pub(crate) fn limits(&self) -> &LimitArgs {
        &self.limits
    }

    /// Returns the platform that was asked for.
    pub(crate) fn platform(&self) -> Option<&Platform> {
        self.platform.as_ref()
    }

    /// Lists every file.
    pub(crate) fn with_files(&mut self) {
        self.files = true;
    }

    /// Returns the kinds of findings to look for.
    fn scanners(&self) -> &[FindingKind] {
        match &self.scanners {
            Some(Scanners(kinds)) if !kinds.is_empty() => kinds,
            Some(_) | None => &FindingKind::ALL,
        }
    }

    /// Returns the user's own rules about malware, which are read once.
    fn own_rules(&self) -> Result<Option<&'static OwnRules>, CommandError> {
        static READ: OnceLock<OwnRules> = OnceLock::new();
        let wanted = self.scanners().contains(&FindingKind::Malware);
        let Some(path) = self.malware_rules.as_ref().filter(|path| wanted && !path.as_os_str().is_empty())
        else {
            return Ok(None);
        };
        if let Some(rules) = READ.get() {
            return Ok(Some(rules));
        }
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            CommandError::work(format!("cannot use the rules in `{}`", path.display()), error)
                .hint("see `docs/manual/malware.md` for the form of the file")
        };
        let text = std::fs::read_to_string(path).map_err(|error| failed(error.into()))?;
        let rules = OwnRules::read(&text).map_err(|error| failed(error.into()))?;
        Ok(Some(READ.get_or_init(|| rules)))
    }
}

/// Kinds of findings, separated by commas. None at all means the default: CI systems pass variables that are not set as empty.
#[derive(Debug, Clone)]
struct Scanners(Vec<FindingKind>);

impl FromStr for Scanners {
    type Err = UnknownFindingKind;
    fn from_str(text: &str) -> Result<Self, UnknownFindingKind> {
        let kinds = text.split(',').map(str::trim).filter(|kind| !kind.is_empty());
        kinds.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

/// Statements on which vulnerabilities do not concern what is scanned.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct VexArgs {
    /// Take findings out of the count that this VEX document calls not affected or fixed (OpenVEX, CSAF or CycloneDX); may be
    /// repeated.
    #[arg(long, value_name = "FILE", value_parser = crate::command::path)]
    vex: Vec<PathBuf>,
}

impl VexArgs {
    /// Says whether there are any.
    #[cfg(feature = "server")]
    pub(crate) fn is_given(&self) -> bool {
        !self.vex.is_empty()
    }

    /// Reads the documents.
    pub(crate) fn documents(&self, global: &Global) -> Result<Vec<VexDocument>, CommandError> {
        self.vex
            .iter()
            .map(|path| {
                let (statements, unknown) = read_vex(path)?;
                if unknown > 0 {
                    let count = assay_report::summary::count(unknown as u64, "statement");
                    terminal::note(
                        global,
                        &format!("`{}` has {count} about products it does not define", path.display()),
                    );
                }
                Ok(VexDocument { source: path.display().to_string(), trust: Trust::User, statements })
            })
            .collect()
    }
}

/// Reads a VEX document, and how many of its statements could not be understood.
pub(crate) fn read_vex(path: &std::path::Path) -> Result<(Vec<Statement>, usize), CommandError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        CommandError::work(format!("cannot read the VEX document `{}`", path.display()), error)
    };
    let bytes = read_file(path).map_err(|error| failed(error.into()))?;
    vex::read(&bytes).map_err(|error| {
        failed(error.into()).hint("write one with `assay vex create`; OpenVEX, CSAF and CycloneDX are read")
    })
}

/// Reads a whole file, unless it is larger than any document.
pub(crate) fn read_file(path: &std::path::Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(assay_sbom::MAX_DOCUMENT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > assay_sbom::MAX_DOCUMENT {
        return Err(std::io::Error::other(format!("it has more than {} bytes", assay_sbom::MAX_DOCUMENT)));
    }
    Ok(bytes)
}

/// Returns the digest of what a reader has, however much that is.
pub(crate) fn sha256_of(mut reader: impl std::io::Read) -> std::io::Result<Digest> {
    use sha2::Digest as _;
    let mut hash = sha2::Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = reader.read(&mut buffer)?;
        if read == 0 {
            return Ok(Digest::Sha256(hash.finalize().into()));
        }
        hash.update(buffer.get(..read).unwrap_or_default());
    }
}

/// How registries are reached.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct NetworkArgs {
    /// Read registry credentials from this file instead of Docker's and Podman's.
    #[arg(long, value_name = "FILE", env = "ASSAY_REGISTRY_CONFIG", value_parser = crate::command::path)]
    pub(crate) registry_config: Option<PathBuf>,

    /// Trust this certificate authority, too (PEM); may be repeated.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Vec<PathBuf>,

    /// Talk to registries without TLS; registries on this machine need no flag.
    #[arg(long, env = "ASSAY_PLAIN_HTTP", value_parser = clap::builder::FalseyValueParser::new())]
    pub(crate) plain_http: bool,
}

/// What was found in a source.
pub(crate) struct Scanned {
    /// What kind of source it is.
    pub(crate) kind: SourceKind,
    /// The folder that was scanned, or the one of the file.
    tree: Option<PathBuf>,
    /// The image; for a folder only its reference is set.
    pub(crate) image: Image,
    /// What is in it.
    pub(crate) inventory: Inventory,
    /// The image it is built on, where that is a known one, and what else is known.
    base: Option<KnownImage>,
    known: Known,
    /// The bill of materials it was read from, if it was.
    pub(crate) sbom: Option<(Document, Vec<Statement>)>,
}

impl Scanned {
    /// Takes a bill of materials for what is in an image.
    fn of_sbom(document: Document, statements: Vec<Statement>) -> Self {
        let (image, inventory) = document.inventory();
        Self {
            kind: SourceKind::Sbom,
            tree: None,
            image,
            inventory,
            base: None,
            known: Known::default(),
            sbom: Some((document, statements)),
        }
    }
}

/// Does the same for a gate, deeper where its policy asks for that, and for one platform of an index.
pub(crate) fn gate_report(
    text: &str,
    args: &SourceArgs,
    (deep, platform): (bool, Option<&Platform>),
    global: &Global,
    database: (&Database, bool),
    config: &crate::config::Settings,
    vex: &[VexDocument],
) -> Result<Report, CommandError> {
    let mut args = SourceArgs { deep: args.deep || deep, ..args.clone() };
    if let Some(platform) = platform {
        args.platform = Some(platform.clone());
    }
    report(text, &args, global, database, config, vex)
}

/// Opens a source, looks at all of it, and judges what is there.
///
/// Nobody vouches for what is attached to it here, so that statements there are shown and not applied; a gate applies those that its
/// policy honours.
pub(crate) fn report(
    text: &str,
    args: &SourceArgs,
    global: &Global,
    (database, built_in): (&Database, bool),
    config: &crate::config::Settings,
    vex: &[VexDocument],
) -> Result<Report, CommandError> {
    let mut scanned = inventory(text, args, global)?;
    let damaged = |error| damaged_database(error, global);
    let statements = config.statements(text, scanned.tree.as_deref());
    // A bill of materials says too little of the rest to call it good or bad.
    let of_sbom = [FindingKind::Vulnerability, FindingKind::License, FindingKind::Malware];
    let asked = args.scanners().iter().copied();
    let kinds = asked.filter(|kind| scanned.kind != SourceKind::Sbom || of_sbom.contains(kind)).collect();
    let options = assay_detect::Options {
        kinds,
        licenses: config.licenses(scanned.tree.as_deref()),
        own: args.own_rules()?,
        now: None,
    };
    let accumulation = config.accumulation(scanned.tree.as_deref());
    let mut documents = vex.to_vec();
    documents.extend(
        scanned.sbom.take().filter(|(_, statements)| !statements.is_empty()).map(|(_, statements)| {
            VexDocument { source: text.to_owned(), trust: Trust::Subject, statements }
        }),
    );
    let attached = crate::attached::statements(text, scanned.kind, &scanned.image, args, global);
    documents.extend(attached.documents);
    scanned.inventory.warnings.extend(attached.notices);
    scanned.inventory.warnings.sort();
    let mut report =
        assess(scanned.kind, scanned.image, scanned.inventory, database, built_in, &statements, &options)
            .map_err(damaged)?;
    config.note_ignored(&statements, &report.context, global);
    attribute(&mut report);
    apply_vex(&mut report, &documents, database).map_err(damaged)?;
    if accumulated::add(&mut report, &accumulation) {
        sort_by_urgency(&mut report.findings);
    }
    if let Some(base) = &scanned.base {
        let (settings, known) = (settings(args, global)?, &scanned.known);
        let newest = is_newest(base, &known.images, known.looked, &settings);
        let newer = newer_base(&report, base, &known.images, &settings, database).map_err(damaged)?;
        if let Some(base) = &mut report.image.base {
            base.newest = newest;
            base.newer = newer;
        }
    }
    Ok(report)
}

/// Opens a source, looks at all of it, and finds what it is built on.
pub(crate) fn inventory(text: &str, args: &SourceArgs, global: &Global) -> Result<Scanned, CommandError> {
    let mut scanned = contents(text, args, global)?;
    // What a bill of materials says of layers is no proof of a base.
    if scanned.image.layers.is_empty() || scanned.kind == SourceKind::Sbom {
        return Ok(scanned);
    }
    let mut known = Known::default();
    for base in &args.base {
        let base = contents(base, args, global)?;
        known.images.extend(KnownImage::new(&base.image, Knowledge::Named, Some(base.inventory)));
    }
    for repository in &args.base_repository {
        repository_images(repository, args, global, &mut known)?;
    }
    if let Some((base, of)) = find_base(&scanned.image, &known.images, &settings(args, global)?) {
        scanned.image.base = Some(base);
        scanned.base = of;
    }
    scanned.known = known;
    Ok(scanned)
}

fn settings(args: &SourceArgs, global: &Global) -> Result<Settings<'static>, CommandError> {
    let workers = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut settings =
        Settings::new(args.limits.limits(environment::scratch_folder()), workers, args.scanners());
    if let Some(own) = args.own_rules()? {
        let own = std::iter::once(own as &dyn assay_analyze::Analyzer);
        settings.matcher = assay_analyze::Matcher::new(assay_engine::analyzers(args.scanners()).chain(own));
    }
    settings.cache = (!args.no_cache).then(|| layer_cache(global));
    settings.lazy = args.lazy;
    let settings = if args.deep { settings.deep() } else { settings };
    Ok(if args.files { settings.files() } else { settings })
}

fn open_options(args: &SourceArgs, limits: &Limits) -> OpenOptions {
    let spool = SpoolOptions {
        folder: limits.scratch.clone(),
        limit: limits.bytes_per_layer,
        ratio: limits.ratio,
        free: limits.free_expansion,
        stop: limits.stop.flag(),
    };
    OpenOptions { platform: args.platform.clone(), spool }
}

/// Opens a source and looks at all of it.
fn contents(text: &str, args: &SourceArgs, global: &Global) -> Result<Scanned, CommandError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        CommandError::work(format!("cannot scan `{}`", without_password(text)), error).with_hints_of_cause()
    };
    let source = Source::parse(text, &|path| recognise(path)).map_err(|error| failed(error.into()))?;
    let misplaced = [
        ("--backing-file", "vm:", !args.backing_file.is_empty() && !matches!(source, Source::Vm(_))),
        (
            "--function-layer",
            "function:",
            !args.function_layer.is_empty() && !matches!(source, Source::Function(_)),
        ),
    ];
    if let Some((option, kind, _)) = misplaced.into_iter().find(|(_, _, misplaced)| *misplaced) {
        let error = CommandError::usage(format!("`{option}` is for sources of the kind `{kind}` only"));
        let path = SourceKind::ALL.iter().find_map(|kind| text.strip_prefix(kind.name())?.strip_prefix(':'));
        let path = path.unwrap_or(text);
        return Err(error.hint(format!("leave out `{option}`, or name the source as `{kind}{path}`")));
    }
    let settings = settings(args, global)?;
    let stop = settings.limits.stop.clone();
    let _watch = args.limits.watch(&stop);
    let progress = Arc::new(Progress::default());
    let _line = ProgressLine::start(global, &without_password(text), &progress);

    if let Some(found) = crate::attached::sbom(&source, args, global, &stop)? {
        let mut scanned = Scanned::of_sbom(found.document, found.statements);
        scanned.inventory.warnings.extend(found.notices);
        scanned.inventory.warnings.sort();
        return Ok(scanned);
    }
    let sbom = match &source {
        Source::Sbom(path) => Some(path),
        Source::File(path) => Some(path).filter(|path| is_sbom(path)),
        _ => None,
    };
    if let Some(path) = sbom {
        let (document, statements) = open_sbom(path).map_err(|error| failed(error.into()))?;
        return Ok(Scanned::of_sbom(document, statements));
    }
    if let Source::Dir(path) | Source::File(path) = &source {
        let kind = if matches!(source, Source::Dir(_)) { SourceKind::Dir } else { SourceKind::File };
        let inventory = folder_inventory(path, &settings, &progress).map_err(|error| failed(error.into()))?;
        let image = Image { reference: source.to_string(), ..Image::default() };
        let folder = if kind == SourceKind::Dir { Some(path.as_path()) } else { path.parent() };
        // A bare file name has an empty parent, which means the working folder.
        let tree =
            folder.map(|folder| if folder.as_os_str().is_empty() { ".".into() } else { folder.to_owned() });
        return Ok(Scanned { kind, tree, image, inventory, base: None, known: Known::default(), sbom: None });
    }
    let single = match &source {
        Source::Vm(path) => Some((
            SourceKind::Vm,
            disk_inventory(path, &args.backing_file, &settings, &progress)
                .map_err(|error| failed(error.into()))?,
        )),
        Source::Function(path) => Some((
            SourceKind::Function,
            function_inventory(path, &args.function_layer, &settings, &progress)
                .map_err(|error| failed(error.into()))?,
        )),
        _ => None,
    };
    if let Some((kind, (inventory, image_id))) = single {
        let image = Image { reference: source.to_string(), image_id, ..Image::default() };
        return Ok(Scanned {
            kind,
            tree: None,
            image,
            inventory,
            base: None,
            known: Known::default(),
            sbom: None,
        });
    }
    let network = network(&args.network, global, stop.flag())?;
    let options = open_options(args, &settings.limits);
    let opened = source.open(&options, &network).map_err(|error| failed(error.into()))?;
    let mut image = opened.image().clone();
    let inventory =
        image_inventory(&*opened, &mut image, &settings, &progress).map_err(|error| failed(error.into()))?;
    let kind = opened.kind();
    Ok(Scanned { kind, tree: None, image, inventory, base: None, known: Known::default(), sbom: None })
}

/// Prepares the way to the network; starts nothing.
pub(crate) fn network(
    args: &NetworkArgs,
    global: &Global,
    stop: Arc<AtomicBool>,
) -> Result<Network, CommandError> {
    let mut extra_certificates = Vec::new();
    for path in &args.ca_file {
        let pem = std::fs::read(path).map_err(|error| {
            CommandError::work(format!("cannot read the certificates in `{}`", path.display()), error)
        })?;
        extra_certificates.push(pem);
    }
    let variable =
        |upper: &str, lower: &str| environment::variable(lower).or_else(|| environment::variable(upper));
    Ok(Network::new(NetworkOptions {
        offline: global.offline,
        plain_http: args.plain_http,
        extra_certificates,
        https_proxy: variable("HTTPS_PROXY", "https_proxy"),
        // The upper-case spelling is not read: a CGI request could set it (CVE-2016-5385).
        http_proxy: environment::variable("http_proxy"),
        no_proxy: variable("NO_PROXY", "no_proxy").unwrap_or_default(),
        credentials: environment::credentials(
            args.registry_config.as_ref().filter(|path| !path.as_os_str().is_empty()),
        ),
        docker_sockets: environment::docker_sockets(),
        podman_sockets: environment::podman_sockets(),
        stop,
        ..NetworkOptions::default()
    }))
}

/// Returns the cache of layer analyses.
pub(crate) fn layer_cache(global: &Global) -> LayerCache {
    LayerCache::new(environment::cache_folder(global), global.cache_size.0, environment::now())
        .of_program(environment::program())
}

/// Returns the file in which `assay db update` keeps the database.
pub(crate) fn database_path(global: &Global) -> PathBuf {
    environment::cache_folder(global).join("db").join("assay.db")
}

/// Opens the database that was named, or else the one that was fetched, or else the built-in snapshot; says whether it is the
/// snapshot.
pub(crate) fn open_database(global: &Global) -> Result<(Database, bool), CommandError> {
    let (path, named) = match &global.db {
        Some(path) => (path.clone(), true),
        None => (database_path(global), false),
    };
    if !named && !path.exists() {
        return snapshot(global);
    }
    Database::open(&path).map(|database| (database, false)).map_err(|error| {
        let hint = match &error {
            OpenDatabaseError::Io(_) if named => "check the path given with `--db` or `ASSAY_DB`",
            _ if named => "build it again with `assay db build --from DIR --out FILE`",
            _ => "run `assay db update`, or name a database with `--db FILE`",
        };
        CommandError::work(format!("cannot open the vulnerability database `{}`", path.display()), error)
            .hint(hint)
    })
}

fn snapshot(global: &Global) -> Result<(Database, bool), CommandError> {
    let database = Database::from_snapshot(assay_snapshot::SNAPSHOT).map_err(|error| {
        CommandError::work("cannot open the vulnerability facts built into this program", error)
    })?;
    let mut ages: Vec<String> = database
        .contributing_feeds()
        .map_err(|error| damaged_database(error, global))?
        .into_iter()
        .map(|feed| match feed.data_time {
            Some(time) => format!("{} {} ({})", feed.id, time.date_text(), feed.license),
            None => format!("{} ({})", feed.id, feed.license),
        })
        .collect();
    ages.sort();
    if !global.quiet {
        terminal::stderr(&format!(
            "note: no database has been fetched; using the facts built into this program on {}:\n  {}\n\
             hint: run `assay db update` for current advisories\n",
            database.built_at().date_text(),
            ages.join("\n  ")
        ));
    }
    Ok((database, true))
}

/// Says that a record of the database is damaged.
pub(crate) fn damaged_database(error: CorruptDatabase, global: &Global) -> CommandError {
    let path = global.db.clone().unwrap_or_else(|| database_path(global));
    CommandError::work(format!("cannot use the vulnerability database `{}`", path.display()), error)
        .hint("fetch it again with `assay db update`")
}
