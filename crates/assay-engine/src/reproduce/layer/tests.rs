//! Layers that take too much: of memory, of time, of what can be told.

use super::*;
use assay_analyze::Stop;
use assay_model::{Image, Layer};
use assay_oci::source::SourceKind;
use assay_oci::{Assurance, ReadLayerError};
use assay_test::image::Tree;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// An image of one layer, and what watches how that is read.
struct Fake(Image, Vec<u8>, Option<Watch>);

/// Raises the stop half-way, and counts what is read all the same.
#[derive(Clone)]
struct Watch(Stop, Arc<AtomicUsize>);

struct Late(io::Cursor<Vec<u8>>, Watch);

impl Read for Late {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(buf)?;
        if self.1.1.fetch_add(count, Ordering::Relaxed) > self.0.get_ref().len() / 2 {
            self.1.0.raise();
        }
        Ok(count)
    }
}

impl OpenImage for Fake {
    fn kind(&self) -> SourceKind {
        SourceKind::Oci
    }

    fn image(&self) -> &Image {
        &self.0
    }

    fn read(&self, _: usize) -> Result<Box<dyn Read + Send>, ReadLayerError> {
        let bytes = io::Cursor::new(self.1.clone());
        Ok(match &self.2 {
            Some(watch) => Box::new(Late(bytes, watch.clone())),
            None => Box::new(bytes),
        })
    }

    fn assurance(&self, _: usize) -> Assurance {
        Assurance::Nothing
    }

    fn set_reference(&mut self, _: String) {}
}

fn fake(names: usize, len: usize) -> Fake {
    let tree = (0..names).fold(Tree::new(), |tree, number| {
        tree.file(&format!("{}/{number}", vec!["n".repeat(80); len / 81].join("/")), "x")
    });
    of(tree.tar())
}

fn of(tar: Vec<u8>) -> Fake {
    Fake(Image { layers: vec![Layer::default()], ..Image::default() }, tar, None)
}

#[test]
fn a_listing_takes_no_more_than_its_share() {
    let limits = Limits::new(std::env::temp_dir());
    let image = fake(100, 3000);
    let whole = list(&image, 0, &limits, MAX_LISTING).unwrap();
    assert_eq!((whole.files.len(), whole.truncated, whole.is_unsure), (100, false, false));
    let cost: usize = whole.files.iter().map(File::cost).sum();
    let part = list(&image, 0, &limits, cost / 2).unwrap();
    assert_eq!((part.files.len(), part.truncated), (50, true));
    assert_eq!(part.hash, whole.hash, "all of it is hashed");
}

#[test]
fn what_is_replaced_takes_no_more_than_its_share() {
    let limits = Limits::new(std::env::temp_dir());
    let name = |number: usize| format!("file-{number}");
    let first = (0..100).fold(Tree::new(), |tree, number| tree.file(&name(number), ""));
    let target = "t".repeat(3000);
    let both = (0..100).fold(first, |tree, number| tree.symlink(&name(number), &target));
    let image = of(both.tar());
    let whole = list(&image, 0, &limits, MAX_LISTING).unwrap();
    assert_eq!((whole.files.len(), whole.truncated), (100, false));
    assert!(whole.files.iter().all(|file| file.kind == EntryKind::Symlink));
    let cost: usize = whole.files.iter().map(File::cost).sum();
    let part = list(&image, 0, &limits, cost / 2).unwrap();
    assert!(part.truncated);
    assert!(part.files.iter().map(File::cost).sum::<usize>() <= cost / 2);
    // One name again and again takes the room of one.
    let again = (0..100).fold(Tree::new(), |tree, _| tree.symlink("one", &target));
    let last = list(&of(again.tar()), 0, &limits, cost / 50).unwrap();
    assert_eq!((last.files.len(), last.truncated), (1, false));
}

/// The header of a sparse file in GNU's old form, with nothing but holes.
fn holes(size: u64) -> Vec<u8> {
    let mut header = Tree::new().file("holes", "").tar();
    header.truncate(512);
    header[156] = b'S';
    header[483..495].copy_from_slice(format!("{size:011o}\0").as_bytes());
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

#[test]
fn holes_are_not_read_without_end() {
    let mut limits = Limits::new(std::env::temp_dir());
    limits.bytes_per_file = 1 << 20;
    for (size, lost) in [(1 << 20, 0), ((1 << 20) + 1, 1), (0o77_777_777_777, 1)] {
        let mut image = of(holes(size));
        image.1.extend(Tree::new().file("next", "x").tar());
        let listing = list(&image, 0, &limits, MAX_LISTING).unwrap();
        assert_eq!((listing.lost, listing.files.len()), (lost, if lost == 0 { 2 } else { 1 }), "{size}");
    }
}

#[test]
fn a_file_is_not_read_to_its_end_when_the_time_is_up() {
    let limits = Limits::new(std::env::temp_dir());
    let tar = Tree::new().file("large", vec![7; 4 << 20]).tar();
    let (len, read) = (tar.len(), Arc::new(AtomicUsize::new(0)));
    let mut image = of(tar);
    image.2 = Some(Watch(limits.stop.clone(), Arc::clone(&read)));
    let told = list(&image, 0, &limits, MAX_LISTING).map(|listing| listing.files.len());
    assert_eq!(told.map_err(|error| error.to_string()), Err(TIME_UP.to_owned()));
    let read = read.load(Ordering::Relaxed);
    assert!(read < len * 3 / 4, "{read} of {len}");
}

#[test]
fn what_cannot_be_compared_is_said() {
    let limits = Limits::new(std::env::temp_dir());
    // An entry with an extension that is too large to be read is lost, and the rest is compared.
    let mut damaged = fake(1, 100);
    let mut header = damaged.1[..512].to_vec();
    header[156] = b'x';
    header[124..136].copy_from_slice(b"00007777777\0");
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header.resize(512 + 0o7_777_777_usize.next_multiple_of(512), 0);
    damaged.1.splice(0..0, header);
    let mut result = Comparison::default();
    layers(&damaged, &fake(1, 100), &limits, &mut result);
    assert_eq!(result.incomplete, ["layer 0: 1 entries cannot be read"]);
    assert!(!result.is_equal_but_for(&Cause::ALL));
}

#[test]
fn differences_take_no_more_than_their_share() {
    let mut result = Comparison::default();
    for _ in 0..10_000 {
        add(&mut result, Level::File, Cause::Kind, 0, &"p".repeat(4000), "x".into(), "y".into());
    }
    assert_eq!(result.count(), 10_000);
    let kept: usize = result.differences.iter().map(|one| one.path.len()).sum();
    assert!(kept <= 16 << 20, "{kept}");
}
