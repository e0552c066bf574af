//! One layer: how it is stored, what may be wrong with it, and what it may cost.

use crate::{analyze, diff_id, layer, limits, matcher};
use assay_analyze::{
    AnalyzeLayerError, Analyzer, AnalyzerId, Fact, File, FileAnalysis, FolderPass, LayerAnalysis, Limits,
    Lockfiles, Matcher, MemoryBudget, Node, PathFacts, Select, Sink, analyze_layer, resolve_links,
};
use assay_model::contents::{Content, Sum, Sums};
use assay_model::{Package, PackageKind};
use assay_test::image::{Tree, gzip};
use proptest::prelude::*;
use std::io::Read;
use std::panic::catch_unwind;
use std::sync::mpsc;
use std::thread::ThreadId;
use std::time::Duration;

fn sample() -> Tree {
    Tree::new().file("a.list", "pypi a 1").file("skipped", vec![7; 100_000]).file("b.list", "pypi b 1")
}

/// Returns the analysed paths.
fn paths(analysis: &LayerAnalysis) -> Vec<&str> {
    analysis.files.keys().map(String::as_str).collect()
}

/// Returns the codes of all warnings, the layer's own first.
fn codes(analysis: &LayerAnalysis) -> Vec<&str> {
    let of_files = analysis.files.values().flatten().flat_map(|file| &file.said.warnings);
    analysis.warnings.iter().chain(of_files).map(|warning| &*warning.code).collect()
}

/// Bytes that do not compress, so that a cut lies where it is meant to lie.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u32;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    })
    .take(len)
    .collect()
}

#[test]
fn stored_plain_or_compressed_a_layer_is_the_same() {
    let tar = sample().tar();
    let plain = layer(&tar);
    assert_eq!(paths(&plain), ["a.list", "b.list"]);
    assert_eq!(plain.diff_id, Some(diff_id(&tar)));
    assert_eq!((plain.entries, plain.unpacked_size), (3, tar.len() as u64));
    assert_eq!(layer(&gzip(&tar)), plain);
    assert_eq!(layer(&zstd::encode_all(&tar[..], 3).unwrap()), plain);
}

#[test]
fn a_layer_that_is_not_the_named_one_is_refused() {
    let (tar, other) = (sample().tar(), diff_id(b"something else"));
    for blob in [tar.clone(), gzip(&tar)] {
        assert!(analyze_layer(&blob[..], Some(diff_id(&tar)), &matcher(), &limits()).is_ok());
        match analyze_layer(&blob[..], Some(other), &matcher(), &limits()) {
            Err(AnalyzeLayerError::DiffIdMismatch { expected, actual }) => {
                assert_eq!((expected, actual), (other, diff_id(&tar)));
            }
            result => panic!("{result:?}"),
        }
    }
}

#[test]
fn bytes_behind_the_archive_belong_to_the_layer() {
    let mut tar = sample().tar();
    tar.extend_from_slice(&[0; 4096]);
    let (analysis, _) = analyze_layer(&tar[..], Some(diff_id(&tar)), &matcher(), &limits()).unwrap();
    assert_eq!(analysis.unpacked_size, tar.len() as u64);
}

#[test]
fn a_reader_that_fails_is_an_error_and_not_damage() {
    #[derive(Debug)]
    struct Broke;
    impl std::fmt::Display for Broke {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("the connection broke")
        }
    }
    impl std::error::Error for Broke {}
    struct Broken<'a>(&'a [u8]);
    impl std::io::Read for Broken<'_> {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            match self.0.read(buf)? {
                0 => Err(std::io::Error::other(Broke)),
                read => Ok(read),
            }
        }
    }
    for blob in [sample().tar(), gzip(&sample().tar())] {
        for end in [0, 3, blob.len() / 2, blob.len()] {
            match analyze_layer(Broken(&blob[..end]), None, &matcher(), &limits()) {
                Err(AnalyzeLayerError::Read(error)) => {
                    assert!(error.get_ref().unwrap().is::<Broke>(), "{error:?}");
                }
                result => panic!("{result:?}"),
            }
        }
    }
}

/// Fails by panicking, as a source with a bug would.
struct Panicking<'a>(&'a [u8]);

impl Read for Panicking<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(buf)? {
            0 => panic!("a bug of the source"),
            read => Ok(read),
        }
    }
}

#[test]
fn a_reader_that_panics_ends_the_pass() {
    let tar = many_files().tar();
    for end in [0, tar.len() / 2, tar.len()] {
        let blob = tar[..end].to_vec();
        let (done, ended) = mpsc::channel();
        std::thread::spawn(move || {
            let pass = || analyze_layer(Panicking(&blob), None, &matcher(), &limits()).is_ok();
            done.send(catch_unwind(pass).is_err()).unwrap();
        });
        assert_eq!(ended.recv_timeout(Duration::from_secs(60)), Ok(true), "after {end} bytes");
    }
}

/// Panics with something that panics again when it is dropped: nothing can be caught of that.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("again");
        }
    }
}

#[test]
fn a_thread_that_is_lost_is_said() {
    struct Fails;
    impl Analyzer for Fails {
        fn id(&self) -> AnalyzerId {
            AnalyzerId { name: "fails", revision: 1 }
        }
        fn select(&self) -> &'static [Select] {
            &[Select::Name("bomb")]
        }
        fn analyze(&self, _: &File<'_>, _: &mut Sink<'_>) {
            std::panic::panic_any(Bomb)
        }
    }
    let tar = Tree::new().file("a.list", "pypi a 1").file("bomb", "x").tar();
    let matcher = Matcher::new([&crate::Lines as &dyn Analyzer, &Fails]);
    let (analysis, _) = analyze_layer(&tar[..], None, &matcher, &limits()).unwrap();
    assert_eq!(codes(&analysis), ["analyzer-failed"]);
    assert!(analysis.warnings.iter().all(|warning| warning.incomplete) && !analysis.repeatable);
}

#[test]
fn a_layer_that_breaks_off_keeps_what_came_before() {
    let tree =
        Tree::new().file("a.list", "pypi a 1").file("noise", noise(300_000)).file("b.list", "pypi b 1");
    let tar = tree.tar();
    let packed = gzip(&tar);
    for blob in [&tar[..tar.len() / 2], &packed[..packed.len() / 2]] {
        // It is what its digests say, or the source would have refused it; so the diff-id is not held against it.
        let (analysis, _) = analyze_layer(blob, None, &matcher(), &limits()).unwrap();
        assert_eq!(paths(&analysis), ["a.list"]);
        assert_eq!(codes(&analysis), ["damaged-layer"]);
        assert!(analysis.warnings.iter().all(|warning| warning.incomplete));
    }
    let (analysis, _) =
        analyze_layer(&packed[..packed.len() / 2], Some(diff_id(&tar)), &matcher(), &limits()).unwrap();
    assert_eq!(codes(&analysis), ["damaged-layer"]);
}

#[test]
fn a_file_that_breaks_off_is_looked_at_as_far_as_it_goes() {
    let tar = Tree::new().file("a.list", format!("pypi a 1\n{}", "#\n".repeat(2000))).tar();
    let analysis = analyze(&tar[..2048], &limits()).unwrap().0;
    assert_eq!(paths(&analysis), ["a.list"]);
    assert!(codes(&analysis).contains(&"damaged-file"), "{:?}", codes(&analysis));
}

#[test]
fn an_analyzer_that_fails_costs_only_what_it_had_not_said() {
    let tree = Tree::new()
        .file("a.list", "pypi a 1")
        .file("b.list", "pypi b 1\npanic\npypi lost 1")
        .file("c.list", "MAGIC c\npanic")
        .file("d.list", "pypi d 1");
    let analysis = layer(&tree.tar());
    assert_eq!(paths(&analysis), ["a.list", "b.list", "c.list", "d.list"]);
    assert_eq!(codes(&analysis), ["analyzer-failed", "analyzer-failed"]);
    let said: Vec<usize> = analysis.files.values().flatten().map(|file| file.said.facts.len()).collect();
    assert_eq!(said, [1, 1, 0, 1, 1], "the other analyzer of `c.list` still has its say");
}

#[test]
fn large_files_are_spooled_and_read_alike() {
    let tree =
        || Tree::new().file("a.list", format!("{}pypi a 1", "#\n".repeat(50_000))).file("b.list", "pypi b 1");
    let small = Limits { memory_per_file: 1000, ..limits() };
    let tar = tree().tar();
    assert_eq!(analyze(&tar, &small).unwrap().0, analyze(&tar, &limits()).unwrap().0);
    assert_eq!(paths(&analyze(&tar, &small).unwrap().0), ["a.list", "b.list"]);
}

#[test]
fn a_spool_that_cannot_be_made_is_a_warning() {
    let nowhere = Limits { memory_per_file: 4, scratch: "/nonexistent/folder".into(), ..limits() };
    let (analysis, _) = analyze(&sample().tar(), &nowhere).unwrap();
    assert_eq!(codes(&analysis), ["unspooled-file", "unspooled-file"]);
    assert_eq!(paths(&analysis), [""; 0]);
}

#[test]
fn a_file_over_the_bound_is_a_warning() {
    let (analysis, _) = analyze(&sample().tar(), &Limits { bytes_per_file: 4, ..limits() }).unwrap();
    assert_eq!(codes(&analysis), ["file-too-large", "file-too-large"]);
}

#[test]
fn a_layer_over_the_bound_is_a_warning() {
    let limits = Limits { bytes_per_layer: 50_000, ..limits() };
    for blob in [sample().tar(), gzip(&sample().tar())] {
        let (analysis, _) = analyze(&blob, &limits).unwrap();
        assert_eq!((paths(&analysis), codes(&analysis)), (vec!["a.list"], vec!["layer-too-large"]));
    }
}

#[test]
fn a_layer_with_too_many_entries_is_a_warning() {
    let (analysis, _) = analyze(&sample().tar(), &Limits { entries_per_layer: 2, ..limits() }).unwrap();
    assert_eq!((paths(&analysis), codes(&analysis)), (vec!["a.list"], vec!["too-many-entries"]));
    assert!(analysis.warnings[0].incomplete);
    assert!(analysis.warnings[0].message.contains("`--max-entries`"), "{}", analysis.warnings[0]);
}

#[test]
fn a_layer_that_swells_is_read_up_to_the_ratio() {
    let tree =
        Tree::new().file("a.list", "pypi a 1").file("zeros", vec![0; 4 << 20]).file("b.list", "pypi b 1");
    let blob = gzip(&tree.tar());
    let tight = Limits { ratio: 50, free_expansion: 1 << 20, ..limits() };
    let (analysis, _) = analyze(&blob, &tight).unwrap();
    assert_eq!((paths(&analysis), codes(&analysis)), (vec!["a.list"], vec!["ratio-too-high"]));
    for enough in [Limits { ratio: 1100, ..tight.clone() }, Limits { free_expansion: 5 << 20, ..tight }] {
        assert_eq!(paths(&analyze(&blob, &enough).unwrap().0), ["a.list", "b.list"]);
    }
}

#[test]
fn long_and_deep_paths_are_passed_over() {
    let deep = format!("{}x.list", "d/".repeat(10));
    let long = format!("{}.list", "l".repeat(90));
    let tree = Tree::new().file(&deep, "pypi a 1").file(&long, "pypi b 1").file("c.list", "pypi c 1");
    let (analysis, _) = analyze(&tree.tar(), &Limits { depth: 9, path_length: 80, ..limits() }).unwrap();
    assert_eq!(paths(&analysis), ["c.list"]);
    assert_eq!(codes(&analysis), ["path-too-deep", "path-too-long"]);
    let (analysis, _) =
        analyze(&tree_of(&[&deep, &long]), &Limits { depth: 10, path_length: 95, ..limits() }).unwrap();
    assert_eq!((paths(&analysis).len(), codes(&analysis).len()), (2, 0));
}

fn tree_of(paths: &[&str]) -> Vec<u8> {
    paths.iter().fold(Tree::new(), |tree, path| tree.file(path, "pypi a 1")).tar()
}

#[test]
fn memory_for_what_is_found_is_bounded_over_all_layers() {
    let tree = |first: usize| {
        let names = (first..first + 20).map(|number| format!("{number}.list"));
        names.fold(Tree::new(), |tree, name| tree.file(&name, "pypi a 1")).tar()
    };
    let limits = Limits { facts: MemoryBudget::new(60_000), ..limits() };
    let (first, _) = analyze(&tree(0), &limits).unwrap();
    let (second, _) = analyze(&tree(20), &limits).unwrap();
    assert_eq!((paths(&first).len(), codes(&first).len()), (20, 0), "{:?}", first.warnings);
    assert!(paths(&second).len() < 20);
    assert_eq!(codes(&second), ["too-many-facts"]);
}

#[test]
fn what_hard_links_repeat_is_counted() {
    let lines = (0..100).map(|number| format!("pypi p{number} 1\n")).collect::<String>();
    let tree = (0..1000).fold(Tree::new().file("a.list", lines), |tree, number| {
        tree.hard_link(&format!("{number:04}.list"), "a.list")
    });
    let limits = Limits { facts: MemoryBudget::new(1 << 20), ..limits() };
    let (analysis, _) = analyze(&tree.tar(), &limits).unwrap();
    assert!(paths(&analysis).len() < 40, "{}", paths(&analysis).len());
    assert_eq!(codes(&analysis), ["too-many-facts"]);
}

#[test]
fn when_the_time_is_up_what_was_found_stays() {
    let limits = limits();
    limits.stop.raise();
    let (analysis, _) = analyze(&gzip(&sample().tar()), &limits).unwrap();
    assert_eq!((paths(&analysis).len(), codes(&analysis)), (0, vec!["timed-out"]));
    assert_eq!(analysis.diff_id, None, "nobody has seen all of it");
}

#[test]
fn a_layer_compressed_in_another_way_is_a_warning() {
    let (analysis, _) = analyze(b"\xfd7zXZ\0\0 and so on", &limits()).unwrap();
    assert_eq!(codes(&analysis), ["damaged-layer"]);
}

#[test]
fn warnings_are_bounded_by_their_code_and_the_others_counted() {
    let tree = (0..50).fold(Tree::new(), |tree, number| tree.file(&format!("{number:02}.list"), "damaged"));
    let tree = tree.file("many.list", "odd\n".repeat(1000)).file("z.list", "damaged\npypi a 1");
    let (analysis, _) = analyze(&tree.tar(), &Limits { warnings_per_code: 10, ..limits() }).unwrap();
    let codes = codes(&analysis);
    let count = |code: &str| codes.iter().filter(|have| **have == code).count();
    assert_eq!((count("damaged-list"), count("odd-list")), (10, 10));
    let summary: Vec<_> =
        analysis.warnings.iter().map(|warning| (warning.message.as_str(), warning.incomplete)).collect();
    assert_eq!(
        summary,
        [
            ("41 more warnings `damaged-list` are left out", true),
            ("990 more warnings `odd-list` are left out", false)
        ]
    );
    assert!(paths(&analysis).contains(&"z.list"), "what is said of a file stays");
}

#[test]
fn a_file_that_says_too_much_does_not_silence_those_behind_it() {
    let many = (0..10_000).map(|number| format!("pypi p{number} 1\n")).collect::<String>();
    let tree = Tree::new().file("a.list", many.clone()).file("b.list", many).file("c.list", "pypi c 1");
    let limits = Limits { facts: MemoryBudget::new(1 << 20), ..limits() };
    let (analysis, _) = analyze(&tree.tar(), &limits.among(1)[0]).unwrap();
    assert_eq!(paths(&analysis), ["a.list", "b.list", "c.list"]);
    assert_eq!(codes(&analysis), ["too-many-facts", "too-many-facts"]);
    assert!(!analysis.repeatable, "alone, or another time, it may say more");
}

#[test]
fn what_is_replaced_does_not_count() {
    let tree = (0..100).fold(Tree::new(), |tree, round| {
        let tree = (0..10).fold(tree, |tree, number| {
            tree.file(&format!("srv/{number}.list"), "pypi a 1").symlink(&format!("srv/l{number}"), "x")
        });
        if round < 99 { tree.file("srv", "") } else { tree }
    });
    // Room for some thirty of a thousand files, and for a hundred of four thousand marks.
    let limits = Limits { facts: MemoryBudget::new(80_000), marks: MemoryBudget::new(1600), ..limits() };
    let (analysis, _) = analyze(&tree.tar(), &limits).unwrap();
    assert_eq!((paths(&analysis).len(), analysis.symlinks.len(), codes(&analysis).len()), (10, 10, 0));
    assert_eq!(analysis.cover.replaced.len(), 21);
}

#[test]
fn a_layer_without_room_is_still_laid_over_the_others() {
    let many = (0..100).fold(Tree::new(), |tree, number| tree.file(&format!("{number}.list"), "pypi a 1"));
    let limits = Limits { facts: MemoryBudget::new(20_000), ..limits() };
    let (analysis, _) =
        analyze(&many.whiteout("gone").opaque("away").file("new", "").tar(), &limits).unwrap();
    assert_eq!(codes(&analysis), ["too-many-facts"; 2], "of the layer, and of the file that was cut");
    for path in ["gone", "gone/x", "away/x", "new", "99.list"] {
        assert!(analysis.cover.hides(path), "{path}");
    }
    assert!(!analysis.repeatable);
}

#[test]
fn marks_are_bounded_and_what_is_said_of_files_is_not_touched() {
    let many = (0..100).fold(Tree::new(), |tree, number| tree.whiteout(&format!("{number:02}")));
    let limits = Limits { marks: MemoryBudget::new(160), ..limits() };
    let (analysis, _) = analyze(&many.file("a.list", "pypi a 1").tar(), &limits).unwrap();
    assert_eq!((codes(&analysis), paths(&analysis)), (vec!["too-many-marks"], vec!["a.list"]));
    assert!(analysis.cover.hides("09") && !analysis.cover.hides("10"));
    assert!(!analysis.repeatable);
}

#[test]
fn an_analysis_that_does_not_fit_is_cut() {
    let whole = layer(&sample().whiteout("gone").symlink("l", "x").tar());
    let mut cut = whole.clone();
    cut.fit(&Limits { facts: MemoryBudget::new(3000), marks: MemoryBudget::new(0), ..limits() });
    assert_eq!((paths(&cut), codes(&cut)), (vec!["a.list"], vec!["too-many-marks", "too-many-facts"]));
    assert!(!cut.cover.hides("gone"));
    let mut fitting = whole.clone();
    fitting.fit(&limits());
    assert_eq!(fitting, whole);
}

#[test]
fn an_entry_that_would_leave_the_image_is_skipped_and_said() {
    // The builder refuses such a path, so that the header is changed afterwards.
    let mut tar = Tree::new().file("aa/a.list", "pypi a 1").file("b.list", "pypi b 1").tar();
    tar[..2].copy_from_slice(b"..");
    let sum: u32 = (0..512).map(|at| if (148..156).contains(&at) { 32 } else { u32::from(tar[at]) }).sum();
    tar[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let analysis = layer(&tar);
    assert_eq!((paths(&analysis), codes(&analysis)), (vec!["b.list"], vec!["skipped-entry"]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_bytes_are_a_layer_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..4096)) {
        let _ = analyze(&bytes, &limits());
    }

    /// A file above the memory of one is looked at before the next is read; all others by a second thread, later: batches that are full
    /// are in flight while the entries after them replace, remove and link to what is in them.
    #[test]
    fn which_thread_looks_at_a_file_changes_nothing(
        entries in proptest::collection::vec((0_u8..9, 0_usize..9, 0_usize..9, 0_usize..3), 0..40),
    ) {
        const PATHS: [&str; 9] =
            ["a.list", "d", "d/a.list", "d/e", "d/e/b.list", "c.list", "d/e/f/a.list", "x", "x/MAGIC"];
        const CONTENTS: [&str; 3] = ["pypi a 1\ndamaged\n", "MAGIC m", "npm b 2\nowns b x y\nodd"];
        let mut tree = Tree::new();
        for (kind, path, other, content) in entries {
            let (path, other) = (PATHS[path], PATHS[other]);
            tree = match kind {
                0..=2 => tree.file(path, CONTENTS[content]),
                3 => tree.hard_link(path, other),
                4 => tree.folder(path),
                5 => tree.symlink(path, other),
                6 => tree.whiteout(path),
                // A batch and a half, so that the next entries find one that is handed over and one that is being filled.
                _ => (0..384).fold(tree, |tree, number| {
                    tree.file(&format!("{path}/{content}/{number:03}.list"), format!("npm n{number} {other}"))
                }),
            };
        }
        let tar = tree.tar();
        let one_by_one = Limits { memory_per_file: 0, ..limits() };
        let analyze = |limits: &Limits| {
            let (mut analysis, links) = analyze(&tar, limits).unwrap();
            resolve_links(&tar[..], &links, &mut analysis, &matcher(), limits).unwrap();
            analysis
        };
        prop_assert_eq!(analyze(&limits()), analyze(&one_by_one));
    }

    #[test]
    fn a_changed_layer_never_stops_the_scan(
        packed in any::<bool>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let tar = sample().hard_link("c.list", "skipped").whiteout("x").tar();
        let mut blob = if packed { gzip(&tar) } else { tar };
        for (at, byte) in changes {
            let at = at.index(blob.len());
            blob[at] = byte;
        }
        blob.truncate(cut.index(blob.len()) + 1);
        if let Ok((mut analysis, links)) = analyze(&blob, &limits()) {
            let _ = resolve_links(&blob[..], &links, &mut analysis, &matcher(), &limits());
        }
    }
}

/// Files of which several batches are made.
fn many_files() -> Tree {
    (0..2000).fold(Tree::new(), |tree, number| {
        tree.file(&format!("{:02}/{number:04}.list", number / 100), format!("pypi p{number} 1"))
    })
}

/// Reads lists, but slowly on the thread that reads the layer, or on the other one.
struct Slow {
    reads: ThreadId,
    slow: Thread,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Thread {
    Reading,
    Looking,
}

impl Analyzer for Slow {
    fn id(&self) -> AnalyzerId {
        crate::Lines.id()
    }
    fn select(&self) -> &'static [Select] {
        crate::Lines.select()
    }
    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let here = if std::thread::current().id() == self.reads { Thread::Reading } else { Thread::Looking };
        if here == self.slow {
            std::thread::sleep(Duration::from_millis(40));
        }
        crate::Lines.analyze(file, out);
    }
}

#[test]
fn near_the_budget_it_does_not_matter_which_thread_was_faster() {
    let list = |packages: usize, len: usize| {
        let lines = (0..packages).map(|number| format!("pypi p{number} 1\n"));
        format!("{}{}", lines.collect::<String>(), "#\n".repeat(len / 2))
    };
    // What is said of six small files is more, or less, than what is set aside for a batch; the large file takes what is left.
    for packages in [100, 600] {
        let small = (0..12).fold(Tree::new(), |tree, number| {
            tree.file(&format!("{number:02}.list"), list(packages, 100_000))
        });
        let tar = small.file("large.list", list(12_000, 300_000)).file("z.list", "pypi z 1").tar();
        let analyze = |slow: Thread| {
            let slow = Slow { reads: std::thread::current().id(), slow };
            let limits = Limits { facts: MemoryBudget::new(18 << 20), ..limits() };
            let matcher = Matcher::new([&slow as &dyn Analyzer]);
            analyze_layer(&tar[..], None, &matcher, &limits).unwrap().0
        };
        let (one, other) = (analyze(Thread::Reading), analyze(Thread::Looking));
        let said = |analysis: &LayerAnalysis| -> Vec<(String, usize)> {
            let facts = |all: &[FileAnalysis]| all.iter().map(|one| one.said.facts.len()).sum();
            analysis.files.iter().map(|(path, all)| (path.clone(), facts(all))).collect()
        };
        assert_eq!(said(&one), said(&other), "{packages}");
        assert_eq!(one, other, "{packages}");
        assert!(codes(&one).contains(&"too-many-facts"), "{:?}", said(&one));
    }
}

#[test]
fn what_archives_hold_is_counted_whichever_thread_inflates_it() {
    /// Asks to inflate as many bytes as the file says.
    struct Inflates;
    impl Analyzer for Inflates {
        fn id(&self) -> AnalyzerId {
            AnalyzerId { name: "inflates", revision: 1 }
        }
        fn select(&self) -> &'static [Select] {
            &[Select::Suffix(".zip")]
        }
        fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
            let Some(text) = file.text(out) else { return };
            if out.expand(text.parse().unwrap()) {
                out.package(Package::new(PackageKind::Generic, file.name(), "1"));
            }
        }
    }
    let matcher = Matcher::new([&Inflates as &dyn Analyzer]);
    // More than is set aside for a batch, much less, and what is over the budget.
    let sizes = [60 << 20, 1 << 20, 30 << 20, 90 << 20, 1 << 20];
    let tree = (0..).zip(sizes).fold(Tree::new(), |tree, (number, size): (u32, u32)| {
        tree.file(&format!("{number}.zip"), size.to_string())
    });
    let limits = Limits { ratio: 1, free_expansion: 100 << 20, ..limits() };
    let (analysis, _) = analyze_layer(&tree.tar()[..], None, &matcher, &limits).unwrap();
    let full: Vec<&str> = paths(&analysis)
        .into_iter()
        .filter(|path| analysis.files[*path].iter().any(|one| !one.said.facts.is_empty()))
        .collect();
    assert_eq!(full, ["0.zip", "1.zip", "2.zip", "4.zip"]);
    assert_eq!(codes(&analysis), ["ratio-too-high"]);
}

/// Lists every file.
struct Lists;

impl Analyzer for Lists {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "lists", revision: 1 }
    }
    fn select(&self) -> &'static [Select] {
        &[Select::Under("", "")]
    }
    fn lists_files(&self) -> bool {
        true
    }
    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let sums = Sums { md5: [0; 16], sha1: [0; 20], sha256: [0; 32] };
        let content = Content { size: file.content.len(), mode: file.node.mode, uid: 0, gid: 0, sums };
        out.fact(Fact::Content(Box::new(content)));
    }
}

#[test]
fn a_list_of_very_many_files_costs_no_package() {
    let tree = (0..3000).fold(Tree::new(), |tree, number| tree.file(&format!("srv/{number:04}"), "content"));
    let tree = (0..3000).fold(tree, |tree, number| tree.hard_link(&format!("usr/{number:04}"), "srv/0000"));
    let tar = (0..50).fold(tree, |tree, number| tree.file(&format!("z/{number:02}.list"), "pypi a 1")).tar();
    // Room for twice as many packages, and for some hundred files in the list.
    let analyze = |analyzers: &[&dyn Analyzer]| {
        let (facts, file_list) = (MemoryBudget::new(260_000), MemoryBudget::new(100_000));
        let matcher = Matcher::new(analyzers.iter().copied());
        analyze_layer(&tar[..], None, &matcher, &Limits { facts, file_list, ..limits() }).unwrap()
    };
    let (alone, _) = analyze(&[&crate::Lines]);
    let (mut both, links) = analyze(&[&crate::Lines, &Lists]);
    assert!(links.is_empty());
    assert_eq!((paths(&alone).len(), codes(&alone)), (50, vec![]));
    assert_eq!(codes(&both), ["too-many-files"]);
    assert!(both.warnings[0].incomplete && !both.repeatable, "with more memory there is more");
    both.files.values_mut().for_each(|all| all.retain(|one| one.analyzer != "lists"));
    let listed = both.files.extract_if(.., |_, all| all.is_empty()).count();
    assert!((50..500).contains(&listed), "{listed}");
    assert_eq!(both.files, alone.files);
}

/// What a package manager excepts may be among what is missing, and is not to be taken for modified; what runs is known all the same.
#[test]
fn a_list_that_was_cut_is_not_compared() {
    let sums = Sums { md5: [0; 16], sha1: [0; 20], sha256: [0; 32] };
    let content = Content { size: 1, mode: 0o755, uid: 0, gid: 0, sums };
    let installed = vec![("usr/bin/a".to_owned(), Some(Sum::Md5([1; 16])))];
    let facts = vec![
        Fact::Package(Box::new(Package::new(PackageKind::Deb, "a", "1"))),
        Fact::Installed { manager: "dpkg".into(), package: "a".to_owned(), files: installed },
        Fact::Content(Box::new(content)),
    ];
    let said = FileAnalysis { analyzer: "lists", said: PathFacts { facts, warnings: Vec::new() } };
    let whole = LayerAnalysis { files: [("usr/bin/a".to_owned(), vec![said])].into(), ..Default::default() };
    let cut = LayerAnalysis { warnings: vec![limits().too_many_files()], ..whole.clone() };
    let squash =
        |layer| assay_analyze::squash(vec![layer], true, Lockfiles::WhenNothingInstalled, &matcher());
    let (whole, cut) = (squash(whole), squash(cut));
    assert_eq!((whole.inventory.observations.len(), whole.files.partial), (1, false));
    assert_eq!((cut.inventory.observations.len(), cut.files.partial), (0, false));
    assert_eq!(cut.inventory.files, whole.inventory.files);
}

#[test]
fn an_analysis_that_was_kept_is_cut_by_its_list_first() {
    let tree = (0..50).fold(Tree::new(), |tree, number| tree.file(&format!("{number:02}.list"), "pypi a 1"));
    let matcher = Matcher::new([&crate::Lines as &dyn Analyzer, &Lists]);
    let (whole, _) = analyze_layer(&tree.tar()[..], None, &matcher, &limits()).unwrap();
    let of = |analysis: &LayerAnalysis, name: &str| {
        analysis.files.values().flatten().filter(|one| one.analyzer == name).count()
    };
    assert_eq!((of(&whole, "lines"), of(&whole, "lists")), (50, 50));
    let mut cut = whole.clone();
    cut.fit(&Limits { file_list: MemoryBudget::new(10_000), ..limits() });
    assert_eq!((of(&cut, "lines"), codes(&cut)), (50, vec!["too-many-files"]));
    assert!((1..50).contains(&of(&cut, "lists")), "{}", of(&cut, "lists"));
    // And what was taken in vain on the way is there again.
    let limits = Limits { facts: MemoryBudget::new(300_000), ..limits() };
    let mut fitting = whole.clone();
    fitting.fit(&limits);
    assert_eq!(fitting, whole);
}

#[test]
fn what_is_inside_something_else_is_held_against_its_stored_bytes() {
    let (matcher, limits) = (matcher(), Limits { ratio: 10, free_expansion: 0, ..limits() });
    let mut pass = FolderPass::inside(&matcher, &limits, 2);
    let content = b"pypi a 1".as_slice();
    pass.file("a.list", Node::file(0o644), &content);
    pass.stream("b.list", Node::file(0o644), 8, &mut b"pypi b 1".as_slice());
    // Two bytes may become twenty; nobody wants this one, so that it costs nothing.
    pass.file("skipped", Node::file(0o644), &noise(1000).as_slice());
    pass.stream("c.list", Node::file(0o644), 8, &mut b"pypi c 1".as_slice());
    pass.file("d.list", Node::file(0o644), &content);
    let analysis = pass.finish();
    assert_eq!(paths(&analysis), ["a.list", "b.list"]);
    assert_eq!(codes(&analysis), ["ratio-too-high"]);
}

#[test]
fn a_later_file_of_the_same_path_replaces_the_earlier() {
    let (matcher, limits) = (matcher(), limits());
    let mut pass = FolderPass::inside(&matcher, &limits, 100);
    pass.stream("a.list", Node::file(0o644), 8, &mut b"pypi a 1".as_slice());
    pass.stream("a.list", Node::file(0o644), 8, &mut b"pypi b 1".as_slice());
    let analysis = pass.finish();
    let expected = layer(&Tree::new().file("a.list", "pypi b 1").tar());
    assert_eq!(analysis.files, expected.files);
}
