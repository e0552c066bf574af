//! `cargo xtask bench`: the figures the product must hold, each as a ratio in one run to what it is measured against.
//!
//! A wall-clock time says as much about the machine as about the program. What is compared therefore runs in turns, within the
//! same seconds, and the ratio of each pair counts; the median of the pairs is reported. Nothing here is a test: `--check`
//! makes a missed figure an error, for those who ask.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{corpus, run};

mod instructions;

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The images to scan; by default those of at least 50 MB
    images: Vec<String>,
    /// Pairs of runs per image
    #[arg(long, default_value_t = 7)]
    pairs: usize,
    /// Where the feeds lie from which the database is built
    #[arg(long, default_value = "../shared/feeds")]
    feeds: PathBuf,
    /// Only counts the instructions of the micro benches, with valgrind: comparable between commits on any machine
    #[arg(long)]
    instructions: bool,
    /// Fails when a figure is missed
    #[arg(long)]
    check: bool,
}

/// Images below this size, in bytes, are scanned in a few milliseconds, of which starting the process is the larger part.
const LARGE: u64 = 50 << 20;

/// One line of the table.
struct Row {
    what: String,
    measured: f64,
    unit: &'static str,
    bar: Option<f64>,
    detail: String,
}

/// Measures everything and writes `target/bench/bench.json`.
pub(crate) fn bench(arguments: &Arguments) -> Result<()> {
    if arguments.instructions {
        return instructions::count();
    }
    let programs = Programs::build()?;
    let folder = run::workspace().join("target/bench");
    fs::create_dir_all(&folder)?;
    let database = folder.join("full.db");
    let mut rows = Vec::new();
    build_database(&programs, &arguments.feeds, &database)?;
    rows.extend(database_speed(&programs, &arguments.feeds)?);
    rows.push(start_up(&programs)?);
    for (name, layout) in images(&arguments.images)? {
        println!("bench: {name}");
        rows.extend(scans(&programs, (&name, &layout), &database, &folder, arguments.pairs)?);
    }
    let json: Vec<Value> = rows.iter().map(Row::json).collect();
    fs::write(folder.join("bench.json"), serde_json::to_vec_pretty(&json!({ "rows": json }))?)?;
    print(&rows);
    println!("\nwritten to target/bench/bench.json");
    let missed = rows.iter().filter(|row| row.missed()).count();
    if arguments.check && missed > 0 {
        bail!("{missed} figures were missed");
    }
    Ok(())
}

impl Row {
    fn missed(&self) -> bool {
        self.bar.is_some_and(|bar| self.measured > bar)
    }

    fn json(&self) -> Value {
        json!({
            "what": self.what, "measured": self.measured, "unit": self.unit, "bar": self.bar,
            "missed": self.missed(), "detail": self.detail,
        })
    }
}

fn print(rows: &[Row]) {
    let width = rows.iter().map(|row| row.what.len()).max().unwrap_or_default();
    println!("\n{:width$}  {:>12}  {:>12}", "what", "measured", "bar");
    for row in rows {
        let number = |value: f64| match row.unit {
            "" => format!("{value:.2} x"),
            unit => format!("{value:.2} {unit}"),
        };
        let bar = row.bar.map(number).unwrap_or_default();
        let mark = if row.missed() { "  MISSED" } else { "" };
        println!("{:width$}  {:>12}  {bar:>12}  {}{mark}", row.what, number(row.measured), row.detail);
    }
}

struct Programs {
    assay: PathBuf,
    floor: PathBuf,
    database: PathBuf,
}

impl Programs {
    /// Builds what is measured, optimised as it is shipped.
    fn build() -> Result<Self> {
        let cargo = |arguments: &[&str]| {
            run::visible(Command::new("cargo").args(arguments).current_dir(run::workspace()))
        };
        cargo(&["build", "--release", "--quiet", "--package", "assay"])?;
        cargo(&["build", "--release", "--quiet", "--package", "xtask", "--example", "floor"])?;
        cargo(&["bench", "--quiet", "--no-run", "--package", "assay-advisories"])?;
        let target = target();
        Ok(Self {
            assay: target.join("release/assay"),
            floor: target.join("release/examples/floor"),
            database: newest(&target.join("release/deps"), "database-")?,
        })
    }
}

/// Returns cargo's target folder.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| run::workspace().join("target"), PathBuf::from)
}

/// Returns the program in `folder` that was built last under a name that starts so.
pub(crate) fn newest(folder: &Path, start: &str) -> Result<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(start) && !name.contains('.') {
            found.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    found.sort();
    found
        .pop()
        .map(|(_, path)| path)
        .with_context(|| format!("there is no `{start}…` in {}", folder.display()))
}

/// Returns the layouts to scan, by name.
fn images(names: &[String]) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    for (name, layout) in corpus::built() {
        let wanted = if names.is_empty() { size(&layout)? >= LARGE } else { names.contains(&name) };
        if wanted {
            found.insert(name, layout);
        }
    }
    if found.is_empty() {
        bail!("none of these images is built; run `cargo xtask corpus` first");
    }
    Ok(found)
}

fn size(layout: &Path) -> Result<u64> {
    let blobs = fs::read_dir(layout.join("blobs/sha256"))?;
    blobs.map(|blob| Ok(blob?.metadata()?.len())).sum()
}

/// Runs a program to its end; returns how long that took.
fn timed(command: &mut Command) -> Result<Duration> {
    let start = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    let took = start.elapsed();
    // 2 is a partial result, which some images of the corpus give on purpose.
    if status.success() || status.code() == Some(2) {
        Ok(took)
    } else {
        bail!("{command:?} failed: {status}")
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Scans one image: cold against the floor, again from the cache, and for its memory.
fn scans(
    programs: &Programs,
    (name, layout): (&str, &Path),
    database: &Path,
    folder: &Path,
    pairs: usize,
) -> Result<Vec<Row>> {
    let source = format!("oci:{}", layout.display());
    let scan = |more: &[&str]| {
        let mut command = Command::new(&programs.assay);
        command.args(["scan", "--quiet", "--offline", "--allow-partial", "--format", "json", "--db"]);
        command.arg(database).args(more).arg(&source);
        command.env("ASSAY_CACHE_DIR", folder.join("cache"));
        command
    };
    let floor = || {
        let mut command = Command::new(&programs.floor);
        command.arg(layout);
        command
    };
    // Once each, so that all bytes are in memory.
    timed(&mut floor())?;
    timed(&mut scan(&["--no-cache"]))?;
    let spread = |values: &[f64]| {
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(0.0, f64::max);
        format!("{least:.0}-{most:.0} ms")
    };
    let mut rows = Vec::new();
    for (what, kinds, bar) in [("cold scan", "vulnerability", 1.25), ("cold scan, all kinds", "", 2.0)] {
        let (mut ratios, mut floors, mut colds) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..pairs {
            let mut cold = scan(&["--no-cache"]);
            cold.env("ASSAY_SCANNERS", kinds);
            let (floor, cold) = (millis(timed(&mut floor())?), millis(timed(&mut cold)?));
            ratios.push(cold / floor);
            floors.push(floor);
            colds.push(cold);
        }
        let detail = format!("scan {}, floor {}", spread(&colds), spread(&floors));
        let what = format!("{what}: {name}");
        rows.push(Row { what, measured: median(ratios), unit: "", bar: Some(bar), detail });
    }
    timed(&mut scan(&[]))?;
    let warm: Vec<f64> =
        (0..pairs.max(10)).map(|_| timed(&mut scan(&[])).map(millis)).collect::<Result<_>>()?;
    let detail = spread(&warm);
    let what = format!("rescan: {name}");
    rows.push(Row { what, measured: median(warm), unit: "ms", bar: Some(40.0), detail });
    for (what, more) in [("memory, cold", &["--no-cache"][..]), ("memory, rescan", &[])] {
        let bytes = memory(&mut scan(more))?;
        let what = format!("{what}: {name}");
        let detail = "RssAnon + RssShmem, the most that was seen".to_owned();
        rows.push(Row { what, measured: bytes as f64 / 1048576.0, unit: "MiB", bar: Some(256.0), detail });
    }
    Ok(rows)
}

/// Returns the most memory of its own that a program has, by asking every millisecond.
fn memory(command: &mut Command) -> Result<u64> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut most = 0;
    while child.try_wait()?.is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let field = |name: &str| -> u64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
        };
        most = most.max((field("RssAnon:") + field("RssShmem:")) * 1024);
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(most)
}

fn start_up(programs: &Programs) -> Result<Row> {
    let times = (0..30)
        .map(|_| timed(Command::new(&programs.assay).arg("--version")).map(millis))
        .collect::<Result<Vec<_>>>()?;
    let measured = median(times);
    let detail = "`assay --version`, whole process".to_owned();
    Ok(Row { what: "start-up".to_owned(), measured, unit: "ms", bar: Some(10.0), detail })
}

/// Builds the database of the full feeds, which scans are then judged by.
fn build_database(programs: &Programs, feeds: &Path, database: &Path) -> Result<()> {
    if !feeds.is_dir() {
        bail!("there are no feeds in `{}`; name their folder with `--feeds`", feeds.display());
    }
    let mut build = Command::new(&programs.assay);
    build.args(["db", "build", "--quiet", "--from"]).arg(feeds).arg("--out").arg(database);
    run::output(&mut build).map(drop)
}

/// Compiles the database, opens it and looks names up, many times in one process.
fn database_speed(programs: &Programs, feeds: &Path) -> Result<Vec<Row>> {
    let text = run::output(Command::new(&programs.database).arg(feeds.canonicalize()?))?;
    let line = |name: &str| {
        text.lines().find_map(|line| line.strip_prefix(name)).context("the bench says nothing of it")
    };
    let micros = |word: &str| -> Result<f64> {
        let word = word.split_whitespace().next().unwrap_or_default();
        let end = word.find(|c: char| c.is_alphabetic() || c == 'µ').context("no unit")?;
        let (number, unit) = word.split_at(end);
        let factor = match unit {
            "ns" => 1e-3,
            "µs" => 1.0,
            "ms" => 1e3,
            "s" => 1e6,
            _ => bail!("`{unit}` is no unit of time"),
        };
        Ok(number.parse::<f64>()? * factor)
    };
    let row = |what: &str, measured, unit, bar, detail: &str| Row {
        what: what.to_owned(),
        measured,
        unit,
        bar: Some(bar),
        detail: detail.to_owned(),
    };
    let compiled = line("compile: ")?;
    let (records, rest) = compiled.split_once(" records, ").context("no count of records")?;
    let (_, took) = rest.rsplit_once(", ").context("no time")?;
    let per_million = micros(took)? / records.parse::<f64>()?.max(1.0);
    Ok(vec![
        row("compile the database", per_million, "s/M", 60.0, compiled),
        row("open the database", micros(line("open: ")?)? / 1e3, "ms", 2.0, ""),
        row("look one name up", micros(line("lookup: ")?)?, "µs", 2.0, ""),
        row(
            "look recognised software up",
            micros(line("software lookup: ")?)?,
            "µs",
            2.0,
            "each of two names, of CPE and Bitnami",
        ),
    ])
}
