//! The options that say what a scan may cost, and the watch that tells it when the time is up.

use crate::bytes::Bytes;
use assay_analyze::{Limits, MemoryBudget, Stop};
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

/// What a scan may cost; see `docs/manual/limits.md`.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArgs {
    /// Bytes of an uncompressed layer that are looked at, such as `64GiB`.
    #[arg(long, value_name = "SIZE", default_value = "64GiB")]
    max_layer_size: Bytes,

    /// Bytes of a single file that are looked at.
    #[arg(long, value_name = "SIZE", default_value = "4GiB")]
    max_file_size: Bytes,

    /// Entries of a layer, or of a folder.
    #[arg(long, value_name = "N", default_value = "10000000")]
    max_entries: NonZeroU64,

    /// Bytes of a path inside the image.
    #[arg(long, value_name = "BYTES", default_value = "4096")]
    max_path_length: NonZeroUsize,

    /// Folders within folders.
    #[arg(long, value_name = "N", default_value = "512")]
    max_depth: NonZeroUsize,

    /// Archives within archives.
    #[arg(long, value_name = "N", default_value = "8")]
    max_archive_depth: usize,

    /// Bytes that may come out of one compressed byte of a layer, after the first 4 GiB of an image.
    #[arg(long, value_name = "N", default_value = "200")]
    max_ratio: NonZeroU64,

    /// Memory for what is found in all layers together.
    #[arg(long, value_name = "SIZE", default_value = "144MiB")]
    max_facts: Bytes,

    /// Memory for the list of every file, where one is asked for (`--deep`, a bill of materials or a comparison with files).
    #[arg(long, value_name = "SIZE", default_value = "96MiB")]
    max_file_list: Bytes,

    /// Memory for the marks by which layers hide what lies below, in all layers together: 16 bytes for each entry.
    #[arg(long, value_name = "SIZE", default_value = "64MiB")]
    max_marks: Bytes,

    /// Time for one source, such as `90s`, `10m` or `1h`; what was found by then is reported.
    #[arg(long, value_name = "TIME", default_value = "30m", env = "ASSAY_TIMEOUT")]
    timeout: Time,
}

impl LimitArgs {
    /// Returns the limits of one scan, spooling to `scratch`.
    pub(crate) fn limits(&self, scratch: PathBuf) -> Limits {
        Limits {
            bytes_per_layer: self.max_layer_size.0,
            bytes_per_file: self.max_file_size.0,
            entries_per_layer: self.max_entries.get(),
            path_length: self.max_path_length.get(),
            depth: self.max_depth.get(),
            archive_depth: self.max_archive_depth,
            ratio: self.max_ratio.get(),
            facts: MemoryBudget::new(self.max_facts.0),
            file_list: MemoryBudget::new(self.max_file_list.0),
            marks: MemoryBudget::new(self.max_marks.0),
            ..Limits::new(scratch)
        }
    }

    /// Starts the time of one scan.
    pub(crate) fn watch(&self, stop: &Stop) -> Watch {
        self.watch_for(stop, Duration::MAX)
    }

    /// Starts the time of something that may take as long as a scan, but no longer than `most`.
    pub(crate) fn watch_for(&self, stop: &Stop, most: Duration) -> Watch {
        let (sender, receiver) = mpsc::channel();
        let (time, stop) = (self.timeout.0.min(most), stop.clone());
        std::thread::spawn(move || {
            if receiver.recv_timeout(time) == Err(RecvTimeoutError::Timeout) {
                stop.raise();
            }
        });
        Watch { _ends: sender }
    }
}

/// Raises the flag when the time is up, unless it is dropped before.
pub(crate) struct Watch {
    _ends: Sender<()>,
}

/// A length of time: `90`, `90s`, `10m`, `1h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Time(Duration);

impl FromStr for Time {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = split(text);
        let expected = || "expected a time such as 90s, 10m or 1h".to_owned();
        let number: u64 = number.parse().map_err(|_| expected())?;
        let seconds = match unit {
            "" | "s" => Some(number),
            "m" => number.checked_mul(60),
            "h" => number.checked_mul(3600),
            _ => return Err(expected()),
        };
        // A year is as good as for ever, and every clock can count to it.
        Ok(Self(Duration::from_secs(seconds.unwrap_or(u64::MAX).min(365 * 86_400))))
    }
}

fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end).unwrap_or((text, ""));
    (number, unit.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, FromArgMatches, Parser};

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        limits: LimitArgs,
    }

    #[test]
    fn times_are_read() {
        for (text, seconds) in [("90", 90), ("90s", 90), ("10m", 600), ("1h", 3600)] {
            assert_eq!(text.parse(), Ok(Time(Duration::from_secs(seconds))), "{text}");
        }
        for text in ["", "m", "-1", "1.5g", "4x"] {
            assert!(text.parse::<Time>().is_err(), "{text}");
        }
    }

    /// The defaults stand here as text for the help and in `Limits` as numbers for library users.
    #[test]
    fn the_defaults_are_the_published_ones() {
        let args = LimitArgs::from_arg_matches(&Cli::command().get_matches_from(["x"])).unwrap();
        let (own, published) = (args.limits(PathBuf::new()), Limits::new(PathBuf::new()));
        let numbers = |limits: &Limits| {
            [
                limits.bytes_per_layer,
                limits.bytes_per_file,
                limits.entries_per_layer,
                limits.path_length as u64,
                limits.depth as u64,
                limits.archive_depth as u64,
                limits.ratio,
                limits.free_expansion,
                limits.facts.limit(),
                limits.file_list.limit(),
                limits.marks.limit(),
            ]
        };
        assert_eq!(numbers(&own), numbers(&published));
    }

    /// The manual's table has every budget with its option, default and code, and nothing else.
    #[test]
    fn the_manual_says_the_same() {
        let page =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/manual/limits.md"));
        let page = page.unwrap();
        let mut rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `--")).collect();
        let command = Cli::command();
        for budget in assay_analyze::Budget::ALL {
            let argument = command.get_arguments().find(|argument| {
                argument.get_long().is_some_and(|long| budget.flag.strip_prefix("--") == Some(long))
            });
            let default = argument.unwrap().get_default_values()[0].to_str().unwrap().to_owned();
            let at = rows.iter().position(|row| row.starts_with(&format!("| `{}", budget.flag)));
            let row = rows.remove(at.unwrap_or_else(|| panic!("no row for `{}`", budget.flag)));
            assert!(row.contains(&format!("| {default} |")), "{row} lacks {default}");
            assert!(row.contains(&format!("| `{}` |", budget.code)), "{row} lacks {}", budget.code);
        }
        assert_eq!(rows, [""; 0], "rows of no budget");
        assert_eq!(command.get_arguments().filter(|argument| argument.get_long().is_some()).count(), 11);
    }

    #[test]
    fn the_watch_raises_the_flag_only_when_nobody_ended_it() {
        let mut args = LimitArgs::from_arg_matches(&Cli::command().get_matches_from(["x"])).unwrap();
        let ended = Stop::default();
        drop(args.watch(&ended));
        args.timeout = Time(Duration::ZERO);
        let stop = Stop::default();
        let watch = args.watch(&stop);
        while !stop.is_raised() {
            std::thread::yield_now();
        }
        drop(watch);
        assert!(!ended.is_raised());
    }
}
