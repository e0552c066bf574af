//! `assay diff --reproducible`: whether two builds are the same, byte for byte, and if not, why.

use super::{Args, Global};
use crate::environment;
use crate::error::CommandError;
use crate::output;
use crate::repository::{failed, parse, spool};
use assay_engine::reproduce::{Build, Cause, Comparison, Level, compare_builds};
use assay_oci::source::{OpenImage, OpenOptions, Selector, Source};
use assay_oci::{Access, Network, Repository};
use assay_report::diff::DiffFormat;
use assay_report::escape;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::process::ExitCode;

/// The largest configuration that is read, in bytes.
const MAX_CONFIG: u64 = 4 << 20;
/// Differences of one cause that the table shows.
const MAX_SHOWN: usize = 10;

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let ignored = args
        .ignore
        .iter()
        .map(|text| {
            let cause = Cause::ALL.into_iter().find(|cause| cause.name() == text.trim());
            cause.ok_or_else(|| {
                let names: Vec<&str> = Cause::ALL.iter().map(|cause| cause.name()).collect();
                CommandError::usage(format!("`{text}` is no cause of a difference"))
                    .hint(format!("use `--ignore` with some of {}", names.join(", ")))
            })
        })
        .collect::<Result<Vec<Cause>, _>>()?;
    let limits = args.source.limits().limits(environment::scratch_folder());
    let _watch = args.source.limits().watch(&limits.stop);
    let network = crate::source::network(args.source.network(), global, limits.stop.flag())?;
    let (old, new) = (open(&args.old, args, &network)?, open(&args.new, args, &network)?);
    let comparison = compare_builds(&old.build(), &new.build(), &limits);
    let text = match args.format {
        DiffFormat::Json => format!("{:#}\n", document(args, &old, &new, &comparison, &ignored)),
        DiffFormat::Table => table(&comparison, &ignored),
        DiffFormat::Markdown => markdown(&comparison, &ignored),
    };
    output::put(args.output.as_deref(), &text)?;
    Ok(if !comparison.incomplete.is_empty() {
        ExitCode::from(2)
    } else if comparison.is_equal_but_for(&ignored) {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

/// An image, with its documents as they are stored.
struct Opened {
    image: Box<dyn OpenImage>,
    manifest: Option<Vec<u8>>,
    config: Option<Vec<u8>>,
}

impl Opened {
    fn build(&self) -> Build<'_> {
        Build { image: &*self.image, manifest: self.manifest.clone(), config: self.config.clone() }
    }
}

fn open(text: &str, args: &Args, network: &Network) -> Result<Opened, CommandError> {
    let verb = "compare";
    let source: Source = parse(verb, text)?;
    let options = OpenOptions { platform: args.source.platform().cloned(), spool: spool() };
    let image = source.open(&options, network).map_err(|error| failed(verb, text, error))?;
    // Engines and archives of `docker save` keep no manifest, and have the configuration beside the layers.
    let place = Repository::of_source(&source, Access::Read, network, &spool()).ok();
    let (mut manifest, mut config) = (None, image.config().map(<[u8]>::to_vec));
    if let (Some((repository, _)), Some(digest)) = (place, image.image().manifest_digest) {
        let stored =
            repository.resolve(Some(&Selector::Digest(digest))).map_err(|error| failed(verb, text, error))?;
        let document =
            assay_oci::ManifestDocument::parse(&stored.bytes).map_err(|error| failed(verb, text, error))?;
        if let Some(described) = &document.config {
            let bytes = repository.blob(described, MAX_CONFIG).map_err(|error| failed(verb, text, error))?;
            config = Some(bytes);
        }
        manifest = Some(stored.bytes);
    }
    Ok(Opened { image, manifest, config })
}

fn verdict(comparison: &Comparison, ignored: &[Cause]) -> &'static str {
    if !comparison.incomplete.is_empty() {
        "incomplete"
    } else if comparison.causes.is_empty() {
        "identical"
    } else if comparison.is_equal_but_for(ignored) {
        "equal but for what is ignored"
    } else {
        "different"
    }
}

fn document(args: &Args, old: &Opened, new: &Opened, comparison: &Comparison, ignored: &[Cause]) -> Value {
    let side = |text: &str, side: &Opened| {
        let image = side.image.image();
        json!({
            "source": assay_oci::without_password(text),
            "manifest_digest": image.manifest_digest.map(|digest| digest.to_string()),
            "image_id": image.image_id.map(|digest| digest.to_string()),
        })
    };
    let causes: serde_json::Map<String, Value> = comparison
        .causes
        .iter()
        .map(|(cause, count)| (cause.name().to_owned(), json!({ "count": count, "remedy": cause.remedy() })))
        .collect();
    let differences: Vec<Value> = comparison
        .differences
        .iter()
        .map(|one| {
            json!({
                "level": one.level.name(), "cause": one.cause.name(), "layer": one.layer, "path": one.path,
                "old": one.old, "new": one.new, "ignored": ignored.contains(&one.cause),
            })
        })
        .collect();
    json!({
        "schema": "assay.reproducible/v1",
        "verdict": verdict(comparison, ignored),
        "old": side(&args.old, old),
        "new": side(&args.new, new),
        "causes": causes,
        "count": comparison.count(),
        "differences": differences,
        "incomplete": comparison.incomplete,
    })
}

fn table(comparison: &Comparison, ignored: &[Cause]) -> String {
    let mut text = String::new();
    for cause in Cause::ALL {
        let Some(count) = comparison.causes.get(&cause) else { continue };
        let counted = assay_report::summary::count(*count, "difference");
        let note = if ignored.contains(&cause) { " (ignored)" } else { "" };
        let _ = writeln!(text, "{cause}: {counted}{note}");
        let of_cause = comparison.differences.iter().filter(|one| one.cause == cause);
        for one in of_cause.take(MAX_SHOWN) {
            let _ = writeln!(text, "  {}", escape::terminal(&line(one)));
        }
        let more = count.saturating_sub(MAX_SHOWN as u64);
        if more > 0 {
            let _ = writeln!(text, "  and {more} more");
        }
        let _ = writeln!(text, "  to do: {}", cause.remedy());
    }
    for what in &comparison.incomplete {
        let _ = writeln!(text, "not compared: {}", escape::terminal(what));
    }
    let _ = writeln!(text, "{}", verdict(comparison, ignored));
    text
}

fn line(one: &assay_engine::reproduce::Difference) -> String {
    let place = match (one.level, one.layer) {
        (Level::Manifest | Level::Config, _) | (_, None) => one.level.name().to_owned(),
        (_, Some(layer)) => format!("layer {}", layer + 1),
    };
    format!("{place}: {}: {} → {}", one.path, one.old, one.new)
}

fn markdown(comparison: &Comparison, ignored: &[Cause]) -> String {
    let mut text = format!(
        "**{}**\n\n| cause | differences | the first | to do |\n|---|---|---|---|\n",
        verdict(comparison, ignored)
    );
    for cause in Cause::ALL {
        let Some(count) = comparison.causes.get(&cause) else { continue };
        let first =
            comparison.differences.iter().find(|one| one.cause == cause).map(line).unwrap_or_default();
        let note = if ignored.contains(&cause) { " (ignored)" } else { "" };
        let _ = writeln!(
            text,
            "| {cause}{note} | {count} | {} | {} |",
            assay_report::format::escape_markdown(&first),
            cause.remedy()
        );
    }
    text
}
