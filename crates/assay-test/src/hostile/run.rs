//! Scans a case with the real program under a limit on memory, and says what went wrong.
//!
//! The limit is `RLIMIT_DATA`: all memory a process can write to (heap, anonymous mappings, stacks of its threads). Unlike
//! `RLIMIT_AS` it does not count what is only mapped to be read, such as the vulnerability database and the program itself, nor
//! the address space that the allocator merely sets aside for each thread; unlike a cgroup it needs no rights. An allocation
//! over it fails, which ends the program at once, so that passing means staying below.

use super::{Case, Ends};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The memory a scan may take, in KiB.
const MEMORY: u64 = 512 * 1024;
/// How long a scan may take before the harness ends it; it guards against hanging, and says nothing about speed.
const HANGS: Duration = Duration::from_secs(300);

/// What came of a scan.
#[derive(Debug)]
pub struct Outcome {
    /// How long it took.
    pub seconds: f64,
    /// How long processors worked for it, as last seen: on a busy machine it says more.
    pub cpu: f64,
    /// The most memory in use at once, in KiB, as last seen.
    pub peak: u64,
    /// What is not as it should be; empty when the case passes.
    pub problems: Vec<String>,
}

/// Builds a case in the empty folder `folder` and scans it with `program`.
pub fn run(case: &Case, program: &Path, folder: &Path) -> Outcome {
    let source = folder.join("source");
    let scratch = folder.join("scratch");
    fs::create_dir_all(&source).unwrap();
    fs::create_dir_all(&scratch).unwrap();
    let subject = (case.build)(&source);
    let (report, errors) = (folder.join("report.json"), folder.join("errors.txt"));
    let start = Instant::now();
    let mut child = Command::new("bash")
        .args(["-c", "ulimit -d \"$1\" && shift && exec \"$@\"", "bash"])
        .arg(MEMORY.to_string())
        .arg(program)
        .args(["scan", "--quiet", "--format", "json"])
        .args(case.args)
        .arg(&subject.source)
        .env("TMPDIR", &scratch)
        .env("ASSAY_CACHE_DIR", folder.join("cache"))
        .env("HOME", folder)
        .stdin(Stdio::null())
        .stdout(fs::File::create(&report).unwrap())
        .stderr(fs::File::create(&errors).unwrap())
        .spawn()
        .unwrap();
    let (status, times) = (format!("/proc/{}/status", child.id()), format!("/proc/{}/stat", child.id()));
    let (mut peak, mut cpu) = (0, 0.0_f64);
    let ended = loop {
        // The high-water mark only grows, and is gone with the process: looked at often, little of it is missed.
        let seen = fs::read_to_string(&status).unwrap_or_default();
        let mark =
            seen.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().split(' ').next()?.parse().ok());
        peak = peak.max(mark.unwrap_or(0));
        cpu = cpu.max(cpu_seconds(&fs::read_to_string(&times).unwrap_or_default()));
        if let Some(ended) = child.try_wait().unwrap() {
            break Some(ended);
        }
        if start.elapsed() > HANGS {
            child.kill().unwrap();
            child.wait().unwrap();
            break None;
        }
        thread::sleep(Duration::from_millis(5));
    };
    let seconds = start.elapsed().as_secs_f64();
    drop(subject);
    let (report, errors) = (fs::read(&report).unwrap(), fs::read(&errors).unwrap());
    let errors = String::from_utf8_lossy(&errors).into_owned();
    let mut problems = Vec::new();
    match ended {
        None => problems.push(format!("it did not end within {} s", HANGS.as_secs())),
        Some(ended) => check(case, ended.code(), &report, &errors, &mut problems),
    }
    if errors.chars().any(|c| c.is_control() && c != '\n') {
        problems.push(format!("control characters in what it says: {errors:?}"));
    }
    let left = fs::read_dir(&scratch).unwrap().count();
    if left > 0 {
        problems.push(format!("{left} temporary files are left behind"));
    }
    fs::remove_dir_all(folder).unwrap();
    Outcome { seconds, cpu, peak, problems }
}

/// Reads how long a process has worked, its own and the kernel's time (proc_pid_stat(5)): in hundredths of seconds everywhere.
fn cpu_seconds(stat: &str) -> f64 {
    // The name of the program stands in parentheses and may hold anything.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn check(case: &Case, code: Option<i32>, report: &[u8], errors: &str, problems: &mut Vec<String>) {
    let shown: String = errors.chars().take(600).collect();
    match case.ends {
        Ends::Refused(says) => {
            if code != Some(2) || !errors.contains(says) {
                problems.push(format!("exit code {code:?}, expected an error with `{says}`: {shown}"));
            }
        }
        Ends::Report { found, codes } => {
            let Ok(report) = serde_json::from_slice::<Value>(report) else {
                problems.push(format!("exit code {code:?} and no report: {shown}"));
                return;
            };
            let partial = report["complete"] == false;
            if code != Some(if partial { 2 } else { 0 }) {
                problems.push(format!("exit code {code:?} with complete = {}: {shown}", !partial));
            }
            let names = |list: &str, field: &str| -> Vec<String> {
                let list = report[list].as_array().cloned().unwrap_or_default();
                let mut names: Vec<_> =
                    list.iter().map(|one| one[field].as_str().unwrap_or("").to_owned()).collect();
                names.sort();
                names.dedup();
                names
            };
            let (packages, warnings) = (names("packages", "name"), names("warnings", "code"));
            for name in found.iter().filter(|name| packages.iter().all(|have| have != *name)) {
                problems.push(format!("`{name}` was not found; warnings: {warnings:?}"));
            }
            for name in codes.iter().filter(|name| warnings.iter().all(|have| have != *name)) {
                problems.push(format!("no warning `{name}`, but {warnings:?}"));
            }
            if !codes.is_empty() && !partial {
                problems.push("the report does not say that it is incomplete".to_owned());
            }
            if warnings.iter().any(|code| code == "analyzer-failed") {
                problems.push(format!("an analyzer failed: {}", report["warnings"]));
            }
        }
    }
}
