//! What a deep scan observed: a summary by topic, and the places that are out of the ordinary.

use super::{Column, View};
use crate::escape::shorten;
use crate::summary;
use assay_model::observation::{Observation, Topic};
use std::io::{self, Write};

/// Observations of a topic that are shown: the JSON report has them all.
const SHOWN: usize = 15;

impl View<'_> {
    /// Writes what was observed; nothing unless the scan was a deep one.
    pub(super) fn observed(&self, out: &mut dyn Write) -> io::Result<()> {
        if !self.report.inventory.deep {
            return Ok(());
        }
        writeln!(out, "{}", self.bold("observed by the deep scan"))?;
        for topic in Topic::ALL {
            let all: Vec<&Observation> =
                self.report.inventory.observations.iter().filter(|one| one.topic == topic).collect();
            self.sentence(&headline(topic, &all), out)?;
            let odd: Vec<&&Observation> = all.iter().filter(|one| is_odd(one)).collect();
            if odd.is_empty() {
                continue;
            }
            let columns = [Column::share("WHERE", 50), Column::text("WHAT")];
            let mut grid = self.grid(&columns, 2);
            for one in odd.iter().take(SHOWN) {
                let layer = self.layer(one.layer, false).map(|layer| format!(" in {layer}"));
                let place = format!("{}{}", shorten(&one.path, 120), layer.unwrap_or_default());
                grid.add_row([self.cell(&place), self.cell(&shorten(&words(one), 240))]);
            }
            self.print(&grid, "  ", out)?;
            if let Some(more) = odd.len().checked_sub(SHOWN).filter(|more| *more > 0) {
                writeln!(out, "  and {more} more; the JSON report has them all")?;
            }
        }
        writeln!(out)
    }
}

fn headline(topic: Topic, all: &[&Observation]) -> String {
    let count = all.len() as u64;
    let with = |name: &str, value: &str| all.iter().filter(|one| one.detail(name) == Some(value)).count();
    match topic {
        Topic::Executable => format!(
            "{}: {} not position-independent, {} with an executable stack, {} without read-only relocations, {} without a \
             stack protector",
            summary::count(count, "program or library").replace("librarys", "libraries"),
            with("position-independent", "no"),
            with("no-execute", "no"),
            with("relro", "none"),
            with("stack-protector", "no"),
        ),
        Topic::Library => format!(
            "{} linked into programs or copied into them, {} of them of a known version",
            summary::count(count, "library").replace("librarys", "libraries"),
            all.iter().filter(|one| one.detail("version").is_some()).count(),
        ),
        Topic::Modified => summary::count(count, "file") + " changed since the package was installed",
        Topic::Start => summary::count(count, "file") + " with what runs by itself",
        Topic::Download => summary::count(count, "script") + " with commands that fetch",
        Topic::Archive => summary::count(count, "archive") + " lying in the image",
        Topic::Hidden => summary::count(count, "file") + " in a place or of a name that hides",
    }
}

/// Returns whether people should see it: most executables and units are those of the distribution.
fn is_odd(one: &Observation) -> bool {
    match one.topic {
        Topic::Executable => {
            one.detail("packed").is_some()
                || one.detail("no-execute") == Some("no")
                || one.detail("rpath").is_some()
        }
        Topic::Start => !one.path.contains("lib/systemd/"),
        Topic::Library | Topic::Modified | Topic::Download | Topic::Archive | Topic::Hidden => true,
    }
}

fn words(one: &Observation) -> String {
    let odd = |name: &str, value: &str| match one.topic {
        Topic::Executable => matches!(
            (name, value),
            ("packed" | "rpath" | "kind", _)
                | ("no-execute" | "position-independent", "no")
                | ("relro", "none")
        ),
        Topic::Modified => name == "package",
        Topic::Library | Topic::Start | Topic::Download | Topic::Archive | Topic::Hidden => true,
    };
    let details = one.details.iter().filter(|detail| odd(&detail.name, &detail.value));
    let details: Vec<String> = details.map(|detail| format!("{}: {}", detail.name, detail.value)).collect();
    details.join("; ")
}
