//! The program that `cargo xtask fuzz` runs: libFuzzer (<https://llvm.org/docs/LibFuzzer.html>) around one of the targets.
//!
//! Its settings come in the environment, because the arguments are libFuzzer's: `ASSAY_FUZZ_TARGET` names the target, and
//! `ASSAY_FUZZ_SEEDS` a folder that the seeds of every target are written to instead of fuzzing.
#![no_main]
#![allow(
    unsafe_code,
    missing_docs,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a developer's tool, whose entry points a macro of another crate makes"
)]

#[path = "memory.rs"]
mod memory;

use fuzz::{MEMORY_LIMIT, Target, targets};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

static TARGET: OnceLock<Target> = OnceLock::new();

fn prepare() {
    if let Some(folder) = std::env::var_os("ASSAY_FUZZ_SEEDS") {
        for target in targets() {
            write_seeds(&target, &PathBuf::from(&folder).join(&target.name));
            println!("{}", target.name);
        }
        std::process::exit(0);
    }
    let name = std::env::var("ASSAY_FUZZ_TARGET").expect("`ASSAY_FUZZ_TARGET` names the target");
    let target = targets().into_iter().find(|target| target.name == name).expect("the target is listed");
    // What is made once and kept must not count for the first input that needs it.
    for seed in target.seeds() {
        drop(target.run(&seed));
    }
    assert!(TARGET.set(target).is_ok(), "libFuzzer prepares once");
}

fn write_seeds(target: &Target, folder: &Path) {
    std::fs::create_dir_all(folder).expect("the folder can be made");
    for (number, seed) in target.seeds().iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{number}")), seed).expect("the folder can be written");
    }
}

libfuzzer_sys::fuzz_target!(init: prepare(), |data: &[u8]| {
    let target = TARGET.get().expect("it was prepared");
    let held = memory::peak(|| {
        // Reading twice halves the speed; what depends on the time or on a hash map's order does so often enough.
        if data.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)) % 8 == 0 {
            target.run_twice(data);
        } else {
            drop(target.run(data));
        }
    });
    assert!(held <= MEMORY_LIMIT, "{held} bytes were held for an input of {}", data.len());
});
