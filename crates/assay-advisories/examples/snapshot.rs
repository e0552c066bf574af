//! Makes the snapshot of vulnerability facts that is built into the binary, with its table of sources and licences.
//!
//! Run by `cargo xtask snapshot`: `snapshot FOLDER FEEDS…` writes `FOLDER/snapshot.zst` and `FOLDER/README.md`. The same feeds and
//! the same `SOURCE_DATE_EPOCH` give the same bytes. Only facts go in: identifiers, aliases, packages, ranges, fixed versions,
//! scores and dates; no prose.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a developer's tool: it talks to the terminal and reads its environment"
)]

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use assay_model::Timestamp;
use assay_model::timestamp::DAY;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let folder = arguments.next().ok_or("usage: snapshot FOLDER FEEDS...")?;
    let feeds: Vec<PathBuf> = arguments.collect();
    let built_at = built_at()?;
    let snapshot = assay_advisories::snapshot::write(&feeds, &folder.join("snapshot.zst"), built_at)?;

    let mut readme = String::from(
        "# assay-snapshot\n\nThe vulnerability facts built into the binary, for when no database has been fetched: identifiers, aliases, \
         packages,\nranges, fixed versions, scores and dates. No prose. `cargo xtask snapshot` makes it, reproducibly for a given\n\
         `SOURCE_DATE_EPOCH`; this page is written by it, too. It is old from its first day: run `assay db update`.\n\n",
    );
    writeln!(readme, "Made on {}, {} bytes compressed.\n", built_at.date_text(), snapshot.bytes)?;
    readme.push_str("| feed | records | data of | licence |\n|---|---|---|---|\n");
    for feed in &snapshot.feeds {
        let date = feed.data_time.map_or_else(|| "unknown".to_owned(), Timestamp::date_text);
        writeln!(readme, "| {} | {} | {date} | {} |", feed.id, feed.used, feed.license)?;
    }
    if !snapshot.left_out.is_empty() {
        writeln!(readme, "\nLeft out to keep it small: {}.", snapshot.left_out.join(", "))?;
    }
    let readme_path = folder.join("README.md");
    std::fs::write(readme_path, readme)?;
    println!("{} bytes; left out: {}", snapshot.bytes, snapshot.left_out.join(", "));
    Ok(())
}

fn built_at() -> Result<Timestamp> {
    if let Ok(text) = std::env::var("SOURCE_DATE_EPOCH") {
        return Ok(Timestamp(text.parse()?));
    }
    let seconds = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
    // Whole days, so that two runs of one day agree.
    Ok(Timestamp(seconds - seconds % DAY))
}
