//! `cargo xtask fuzz`: libFuzzer over every target, in turn, on the stable toolchain.
//!
//! This is what `cargo fuzz -s none` does: the compiler's coverage pass is switched on by its LLVM options, and the runtime is the
//! crate `libfuzzer-sys`. Everything made lies below `target/fuzz`: the build, a corpus per target that grows from run to
//! run, what was found, and a log per target.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::check::cargo;
use crate::run::{output, visible, workspace};

/// What the compiler is told: count edges, and show comparisons to the fuzzer.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";
/// The most seconds of a turn: short enough that every target comes up, long enough to get past the corpus.
const SLICE: u64 = 60;
/// Seconds that a turn may take beyond its time, for reading a large corpus on a busy machine.
const GRACE: u64 = 120;
/// Seconds that one input may take.
const TIMEOUT: u64 = 10;
/// Seconds of an input that are worth looking at.
const SLOW: u64 = 1;
/// Longest input. Larger ones only slow the fuzzer down; what depends on size is a test of hostile images.
const MAX_LENGTH: u32 = 64 << 10;
/// Kilobytes of stack, as the threads of a scan have.
const STACK: u32 = 2048;
/// Megabytes of memory, the fuzzer's own included.
const MEMORY: u32 = 2048;

/// What `cargo xtask fuzz` is told.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How many seconds to fuzz in all; by default a minute, which says no more than that everything runs
    #[arg(long, default_value_t = 60)]
    time: u64,
    /// Only targets whose name holds this; may be given several times
    #[arg(long)]
    target: Vec<String>,
    /// How many targets to run at once
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Lists the targets
    #[arg(long)]
    list: bool,
    /// Runs one input, such as one that was found, through the one target named
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
}

/// What was done with one target.
#[derive(Default, Clone)]
struct Tally {
    seconds: f64,
    executions: u64,
    found: Vec<PathBuf>,
}

/// Returns the processor's seconds that the programs this one has waited for took: on a busy machine an hour is not an hour.
fn processor_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name, which may hold anything: fields 16 and 17, in hundredths of a second (proc_pid_stat(5)).
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    fields.skip(13).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// Builds the fuzzer and runs it.
pub(crate) fn fuzz(arguments: &Arguments) -> Result<()> {
    let program = build()?;
    let folder = workspace().join("target/fuzz");
    let names = seeds(&program, &folder.join("seeds"))?;
    let chosen = |name: &&String| {
        arguments.target.is_empty() || arguments.target.iter().any(|part| name.contains(part))
    };
    let names: Vec<String> = names.iter().filter(chosen).cloned().collect();
    ensure!(!names.is_empty(), "no target has such a name; `--list` prints them");
    if arguments.list {
        for name in names {
            println!("{name}");
        }
        return Ok(());
    }
    if let Some(input) = &arguments.input {
        let [name] = &names[..] else { bail!("`--input` needs a `--target` that names exactly one") };
        return visible(fuzzer(&program, name).arg(input));
    }
    rounds(&program, &folder, &names, arguments)
}

/// Builds the fuzzer, instrumented, and returns where it is.
fn build() -> Result<PathBuf> {
    let host = output(Command::new("rustc").arg("-vV"))?;
    let host =
        host.lines().find_map(|line| line.strip_prefix("host: ")).context("`rustc -vV` names no host")?;
    let folder = workspace().join("target/fuzz/build");
    // With a target given, the flags are not for build scripts and procedural macros, which nothing links the runtime to.
    let mut command =
        cargo(&["build", "--quiet", "--profile", "fuzz", "--package", "fuzz", "--features", "libfuzzer"]);
    command.args(["--bin", "fuzz", "--target", host, "--target-dir"]).arg(&folder);
    visible(command.env("RUSTFLAGS", FLAGS).current_dir(workspace()))?;
    Ok(folder.join(host).join("fuzz/fuzz"))
}

/// Writes the seeds of every target below `folder` and returns the targets' names.
fn seeds(program: &Path, folder: &Path) -> Result<Vec<String>> {
    let _ = fs::remove_dir_all(folder);
    let listed = output(Command::new(program).env("ASSAY_FUZZ_SEEDS", folder))?;
    Ok(listed.lines().map(str::to_owned).collect())
}

/// Returns a call of the fuzzer, with bounds.
fn fuzzer(program: &Path, name: &str) -> Command {
    // Deep recursion shows only on a stack as small as that of the threads that do this work.
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -s {STACK} -c 0; exec \"$0\" \"$@\"")]).arg(program);
    command.arg(format!("-rss_limit_mb={MEMORY}")).arg(format!("-timeout={TIMEOUT}"));
    // Putting names to a stack takes seconds, in which the fuzzer takes the input for one that does not end.
    command.env("ASSAY_FUZZ_TARGET", name).env("RUST_BACKTRACE", "0");
    command
}

/// Gives every target a turn, over and over, until the time is up.
fn rounds(program: &Path, folder: &Path, names: &[String], arguments: &Arguments) -> Result<()> {
    let jobs = arguments.jobs.max(1);
    let share = arguments.time.saturating_mul(jobs as u64) / names.len() as u64;
    let slice = share.clamp(1, SLICE);
    println!("{} targets, {jobs} at once, {slice} s each in turn, {} s in all", names.len(), arguments.time);
    let end = Instant::now() + Duration::from_secs(arguments.time);
    let (start, before) = (Instant::now(), processor_seconds());
    let next = AtomicUsize::new(0);
    let tallies: Mutex<BTreeMap<String, Tally>> = Mutex::default();
    std::thread::scope(|scope| {
        let work = || -> Result<()> {
            loop {
                let turn = next.fetch_add(1, Ordering::Relaxed);
                // Every target has at least one turn.
                if turn >= names.len() && Instant::now() >= end {
                    return Ok(());
                }
                let name = names.get(turn % names.len()).context("there is a target")?;
                let tally = one_turn(program, folder, name, slice)?;
                for found in &tally.found {
                    println!("{name}: found {}", found.display());
                }
                let mut all = tallies.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let sum = all.entry(name.clone()).or_default();
                sum.seconds += tally.seconds;
                sum.executions += tally.executions;
                sum.found.extend(tally.found);
            }
        };
        let threads: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(|_| bail!("a thread panicked")))
    })?;
    println!(
        "\n{:.0} s, of which {:.0} s on a processor",
        start.elapsed().as_secs_f64(),
        processor_seconds() - before
    );
    report(&tallies.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// Fuzzes one target for a while.
fn one_turn(program: &Path, folder: &Path, name: &str, seconds: u64) -> Result<Tally> {
    let place = |kind: &str| folder.join(kind).join(name);
    let (corpus, findings) = (place("corpus"), place("found"));
    for made in [&corpus, &findings, &folder.join("logs")] {
        fs::create_dir_all(made)?;
    }
    let before = listing(&findings)?;
    let log = folder.join("logs").join(format!("{name}.log"));
    let file = File::create(&log)?;
    let start = Instant::now();
    let mut command = fuzzer(program, name);
    command.arg(format!("-max_total_time={seconds}")).arg(format!("-max_len={MAX_LENGTH}"));
    command.arg(format!("-report_slow_units={SLOW}")).args(["-print_final_stats=1", "-reload=0"]);
    command.arg(format!("-artifact_prefix={}/", findings.display())).arg(&corpus).arg(place("seeds"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
    let status = wait(&mut command, Duration::from_secs(2 * seconds + GRACE))?;
    let seconds = start.elapsed().as_secs_f64();
    let text = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    let mut found: Vec<PathBuf> =
        listing(&findings)?.into_iter().filter(|path| !before.contains(path)).collect();
    // A busy machine makes everything slow now and then; an input is slow when it is slow again.
    found.retain(|path| !is_slow(path) || again_slow(program, name, path));
    ensure!(status.success() || !found.is_empty(), "the fuzzer of `{name}` failed: see {}", log.display());
    Ok(Tally { seconds, executions: executions(&text), found })
}

/// Waits for the fuzzer, but not for ever: one that meets its own alarm while it dies may hold its locks for good.
fn wait(command: &mut Command, limit: Duration) -> Result<ExitStatus> {
    let mut child = command.spawn().context("cannot start the fuzzer")?;
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if start.elapsed() > limit {
            child.kill()?;
            return Ok(child.wait()?);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn is_slow(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy());
    name.is_some_and(|name| name.starts_with("slow-unit-") || name.starts_with("timeout-"))
}

fn again_slow(program: &Path, name: &str, path: &Path) -> bool {
    (0..3).all(|_| {
        let start = Instant::now();
        // The seeds are read before the input is: what they take is taken off.
        let _ = fuzzer(program, name).arg("-runs=0").stderr(Stdio::null()).status();
        let alone = start.elapsed();
        let start = Instant::now();
        let _ = fuzzer(program, name).arg(path).stderr(Stdio::null()).status();
        start.elapsed().saturating_sub(alone) > Duration::from_secs(SLOW)
    })
}

fn listing(folder: &Path) -> Result<Vec<PathBuf>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}

/// Returns how many inputs were tried, as the last lines of the log say; after a crash, the last line that counts.
fn executions(log: &str) -> u64 {
    let counted = log.lines().filter_map(|line| {
        let number =
            line.strip_prefix("stat::number_of_executed_units:").or_else(|| line.strip_prefix('#'))?;
        number.split_whitespace().next()?.trim_end_matches(':').parse().ok()
    });
    counted.max().unwrap_or(0)
}

fn report(tallies: &BTreeMap<String, Tally>) -> Result<()> {
    println!("\n{:<32} {:>9} {:>12} {:>6}", "target", "seconds", "executions", "found");
    let mut sum = Tally::default();
    for (name, tally) in tallies {
        println!("{name:<32} {:>9.0} {:>12} {:>6}", tally.seconds, tally.executions, tally.found.len());
        sum.seconds += tally.seconds;
        sum.executions += tally.executions;
        sum.found.extend(tally.found.iter().cloned());
    }
    println!("{:<32} {:>9.0} {:>12} {:>6}", "all", sum.seconds, sum.executions, sum.found.len());
    if sum.found.is_empty() {
        return Ok(());
    }
    for path in &sum.found {
        println!("  {}", path.display());
    }
    bail!(
        "{} inputs were found; `cargo xtask fuzz --target NAME --input FILE` runs one again",
        sum.found.len()
    )
}
