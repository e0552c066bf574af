//! An image's inventory: every layer in one pass, several at once, then laid over each other.

use crate::Settings;
use crate::cache::{Entry, Known};
use crate::lazy::{self, Lazy};
use crate::progress::{Counted, Progress};
use assay_analyze::{
    AnalyzeLayerError, Budget, LayerAnalysis, Limits, Lockfiles, Matcher, Squashed, analyze_layer,
    resolve_links, squash,
};
use assay_model::{DiffId, Digest, Image, Inventory, Warning};
use assay_oci::{Assurance, OpenImage, ReadLayerError};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Layers of an image that are looked at, the lowest first. Overlayfs stacks 500, Docker stops at 127.
const MAX_LAYERS: usize = 1_000;

/// Why an image's layers could not be analysed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanImageError {
    /// A layer's bytes cannot be had.
    #[error("cannot open layer {number} (`{layer}`)")]
    Open {
        /// The layer's place, from 1.
        number: usize,
        /// Its digest or diff-id.
        layer: String,
        /// Why.
        source: ReadLayerError,
    },
    /// A layer's bytes are not what its digests say, or broke off.
    #[error("cannot use layer {number} (`{layer}`)")]
    Analyze {
        /// The layer's place, from 1.
        number: usize,
        /// Its digest or diff-id.
        layer: String,
        /// Why.
        source: AnalyzeLayerError,
    },
}

/// Reads all layers of an image and returns what is in it.
///
/// Diff-ids that the source did not know (none of the OCI forms leaves them out) are filled in on `image`.
///
/// # Errors
/// Fails when a layer cannot be read or is not the layer the image names. Damage inside a layer is a warning.
pub fn image_inventory(
    opened: &dyn OpenImage,
    image: &mut Image,
    settings: &Settings<'_>,
    progress: &Progress,
) -> Result<Inventory, ScanImageError> {
    progress.layers.store(image.layers.len() as u64, Ordering::Relaxed);
    progress.bytes.store(image.layers.iter().filter_map(|layer| layer.size).sum(), Ordering::Relaxed);

    let known = settings.cache.as_ref().and_then(|cache| {
        cache.inventory(image, |layer| opened.assurance(layer), &settings.matcher, &settings.limits)
    });
    if let Some(inventory) = known {
        progress.layers_done.store(image.layers.len() as u64, Ordering::Relaxed);
        return Ok(inventory);
    }

    // Equal layers (the empty one, often) are read once. Large ones first, so that no core waits at the end.
    let mut first_of: HashMap<DiffId, usize> = HashMap::new();
    let mut same_as = Vec::new();
    for (index, layer) in image.layers.iter().enumerate().take(MAX_LAYERS) {
        same_as.push(layer.diff_id.map_or(index, |diff_id| *first_of.entry(diff_id).or_insert(index)));
    }
    let mut order: Vec<usize> =
        (0..same_as.len()).filter(|index| same_as.get(*index) == Some(index)).collect();
    let size = |index: &usize| image.layers.get(*index).and_then(|layer| layer.size).unwrap_or_default();
    order.sort_by_key(|index| std::cmp::Reverse(size(index)));

    let limits = settings.limits.among(same_as.len());
    let next = AtomicUsize::new(0);
    let done: Mutex<HashMap<usize, Result<LayerAnalysis, ScanImageError>>> = Mutex::new(HashMap::new());
    let failed = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..settings.workers.get().min(order.len()) {
            scope.spawn(|| {
                while let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // One layer that cannot be used ends the scan; reading the others would only cost time.
                    if failed.load(Ordering::Relaxed) {
                        break;
                    }
                    let limits = limits.get(index).unwrap_or(&settings.limits);
                    let result = one_layer(opened, image, index, settings, limits, progress);
                    failed.fetch_or(result.is_err(), Ordering::Relaxed);
                    progress.layers_done.fetch_add(1, Ordering::Relaxed);
                    done.lock().unwrap_or_else(PoisonError::into_inner).insert(index, result);
                }
            });
        }
    });

    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    // Of the layers that failed before the others were given up, the lowest is named.
    let mut analysed: HashMap<usize, LayerAnalysis> = HashMap::new();
    for index in 0..same_as.len() {
        if let Some(result) = done.remove(&index) {
            analysed.insert(index, result?);
        }
    }
    let last_of: HashMap<usize, usize> =
        same_as.iter().zip(0..).map(|(original, index)| (*original, index)).collect();
    let mut layers = Vec::with_capacity(same_as.len());
    for index in 0..same_as.len() {
        let original = same_as.get(index).copied().unwrap_or(index);
        let last_use = last_of.get(&original) == Some(&index);
        // Each copy takes memory, and an image may have the same layer a thousand times.
        let limits = limits.get(index).unwrap_or(&settings.limits);
        let analysis = match last_use {
            true => analysed.remove(&original),
            false => analysed.get(&original).map(|analysis| analysis.within(limits)),
        };
        let analysis = analysis.unwrap_or_default();
        if let Some(layer) = image.layers.get_mut(index) {
            layer.diff_id = layer.diff_id.or(analysis.diff_id);
        }
        layers.push(analysis);
    }
    let cache = settings.cache.as_ref().filter(|_| layers.iter().all(|layer| layer.repeatable));
    let left_out = image.layers.len().saturating_sub(layers.len());
    let mut squashed = squash(layers, true, Lockfiles::WhenNothingInstalled, &settings.matcher);
    if left_out > 0 {
        let message = format!("it has {left_out} layers above the {MAX_LAYERS} that were looked at");
        squashed.inventory.warnings.push(Warning::unscanned("too-many-layers", None, message));
        squashed.files.partial = true;
    }
    assay_usage::judge(&image.config, &mut squashed);
    let Squashed { inventory, files } = squashed;
    // Giving back some ten thousand files takes milliseconds, for which nobody has to wait. Where no thread is to be had they are
    // given back here.
    let _ = std::thread::Builder::new().spawn(move || drop(files));
    if let Some(cache) = cache {
        cache.remember(image);
        cache.store_inventory(image, &inventory, &settings.matcher, &settings.limits);
    }
    Ok(inventory)
}

fn one_layer(
    opened: &dyn OpenImage,
    image: &Image,
    index: usize,
    settings: &Settings<'_>,
    limits: &Limits,
    progress: &Progress,
) -> Result<LayerAnalysis, ScanImageError> {
    let layer = image.layers.get(index);
    let expected = layer.and_then(|layer| layer.diff_id);
    let blob = layer.and_then(|layer| layer.digest);
    let name = || {
        let digest = blob.map(|digest| digest.to_string());
        digest.or(expected.map(|diff_id| diff_id.to_string())).unwrap_or_default()
    };
    let open = || match opened.read(index) {
        Ok(reader) => Ok(Some(Counted { inner: reader, progress })),
        // Windows base layers are not carried by images; the rest of the image can be judged.
        Err(ReadLayerError::NotDistributed(_)) => Ok(None),
        Err(source) => Err(ScanImageError::Open { number: index + 1, layer: name(), source }),
    };
    let failed = |source| ScanImageError::Analyze { number: index + 1, layer: name(), source };
    if limits.stop.is_raised() {
        let message = format!("layer {} ({}) was not looked at before the time was up", index + 1, name());
        let warnings = vec![Budget::TIME.exceeded(None, message)];
        return Ok(LayerAnalysis { diff_id: expected, warnings, ..LayerAnalysis::default() });
    }
    let not_distributed = || {
        let message = format!(
            "layer {} (`{}`) is not distributed with the image and was not scanned",
            index + 1,
            name()
        );
        let warnings = vec![Warning::unscanned("layer-not-distributed", None, message)];
        LayerAnalysis { diff_id: expected, warnings, ..LayerAnalysis::default() }
    };
    // Before the bytes are read: should the file change meanwhile, it is no longer the one that was seen.
    let assurance = opened.assurance(index);
    let known = match (&settings.cache, expected) {
        (Some(cache), Some(diff_id)) => cache.look_up(blob, diff_id, &assurance, &settings.matcher, limits),
        _ => Known::Nothing,
    };

    let entry = match known {
        Known::Entry(entry) => Some(entry),
        Known::IfHashed(entry) => {
            let Some(reader) = open()? else { return Ok(not_distributed()) };
            let confirmed = is_stored(reader, blob.or(expected.map(|diff_id| diff_id.0)));
            match confirmed {
                Ok(true) => {
                    if let (Some(cache), Some(diff_id)) = (&settings.cache, expected) {
                        cache.store_pair(blob, diff_id, &assurance);
                    }
                    Some(entry)
                }
                // Not what was promised: reading it as if nothing were known gives the error that says so.
                Ok(false) => None,
                Err(error) => return Err(failed(AnalyzeLayerError::Read(error))),
            }
        }
        Known::Nothing => None,
    };
    let entry = entry.map(|mut entry| {
        entry.analysis.fit(limits);
        entry
    });
    // What is kept of the whole layer says more than its table could.
    let whole_is_known = entry.as_ref().is_some_and(|entry| entry.stale.is_empty());
    let lazily = match layer.filter(|_| settings.lazy && !whole_is_known) {
        Some(layer) => lazy::read(opened, index, layer, settings, limits, progress),
        None => Lazy::NoTable,
    };
    let mut unusable = None;
    let entry = match lazily {
        Lazy::Read(analysis) => Some(Entry { analysis: *analysis, stale: Vec::new() }),
        Lazy::Unusable(warning) => {
            unusable = Some(warning);
            entry
        }
        Lazy::NoTable => entry,
    };
    let mut analysis = match entry {
        Some(Entry { analysis, stale }) if stale.is_empty() => analysis,
        Some(Entry { mut analysis, stale }) => {
            let all = settings.matcher.analyzers();
            let matcher = Matcher::new(stale.iter().filter_map(|index| all.get(*index).copied()));
            let Some(new) = read_layer(&open, expected, &matcher, limits, &failed)? else {
                return Ok(not_distributed());
            };
            analysis.repeatable &= new.repeatable;
            for (path, said) in new.files {
                analysis.files.entry(path).or_default().extend(said);
            }
            keep(settings, blob, &analysis, &assurance);
            analysis
        }
        None => {
            let Some(analysis) = read_layer(&open, expected, &settings.matcher, limits, &failed)? else {
                return Ok(not_distributed());
            };
            keep(settings, blob, &analysis, &assurance);
            analysis
        }
    };
    // Only now: it is not of the layer, and must not be kept with it.
    analysis.warnings.extend(unusable);
    for warning in &mut analysis.warnings {
        warning.message = format!("layer {} ({}): {}", index + 1, name(), warning.message);
    }
    Ok(analysis)
}

/// Reads a layer with the analyzers of `matcher`; `None` if the image does not carry it.
fn read_layer<R: Read + Send>(
    open: &impl Fn() -> Result<Option<R>, ScanImageError>,
    expected: Option<DiffId>,
    matcher: &Matcher<'_>,
    limits: &Limits,
    failed: &impl Fn(AnalyzeLayerError) -> ScanImageError,
) -> Result<Option<LayerAnalysis>, ScanImageError> {
    let Some(reader) = open()? else { return Ok(None) };
    let (mut analysis, links) = analyze_layer(reader, expected, matcher, limits).map_err(failed)?;
    if !links.is_empty()
        && let Some(reader) = open()?
    {
        resolve_links(reader, &links, &mut analysis, matcher, limits).map_err(failed)?;
    }
    Ok(Some(analysis))
}

fn keep(settings: &Settings<'_>, blob: Option<Digest>, analysis: &LayerAnalysis, assurance: &Assurance) {
    if let Some(cache) = &settings.cache {
        cache.store(blob, analysis, assurance, &settings.matcher, &settings.limits);
    }
}

/// Returns whether stored bytes are those of `digest`, without looking at what they mean.
fn is_stored(mut reader: impl Read, digest: Option<Digest>) -> std::io::Result<bool> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(digest == Some(Digest::Sha256(hash.finalize().into()))),
            Ok(count) => hash.update(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
