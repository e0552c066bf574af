//! The table for people at a terminal.

mod detected;
mod statements;

use super::{Format, Group, Options};
use crate::{summary, words};
use assay_escape::{shorten, terminal};
use assay_model::finding::Decision;
use assay_model::removable::{Removable, RemovalReason};
use assay_model::report::{CoverageState, SourceKind};
use assay_model::{Base, BaseEvidence, Finding, Package, Priority, Report, Severity, Usage};
use comfy_table::{
    Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Table as Grid, Width, presets,
};
use std::io::{self, Write};

/// Writes a table.
pub(super) struct Table;

/// Narrower than this nothing is readable; the text then wraps as the terminal likes.
const MIN_WIDTH: u16 = 60;

/// From how many bytes on leftovers are told without being asked for.
const LEFTOVERS_WORTH_A_LINE: u64 = 1_000_000;

/// How many packages that could be removed are named.
const REMOVABLE_SHOWN: usize = 10;

/// How many warnings are shown before the rest is only counted: the JSON report has them all.
const WARNINGS_SHOWN: usize = 20;

impl Format for Table {
    fn name(&self) -> &'static str {
        "table"
    }

    fn write(&self, report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
        // What a statement takes out of the count is told apart from what is to be done.
        let mut open = report.clone();
        open.findings.retain(|finding| finding.suppression.is_none());
        let view = View { report: &open, options, width: options.width.max(MIN_WIDTH) };
        view.header(out)?;
        match options.group {
            Group::Package => view.by_package(out)?,
            Group::Severity => view.by_severity(out)?,
        }
        view.detected(out)?;
        if options.explain_priority {
            view.priorities(out)?;
        }
        view.statements(report, out)?;
        view.removable(out)?;
        view.leftovers(out)?;
        view.coverage(out)?;
        view.warnings(out)?;
        view.footer(out)
    }
}

/// Spaces between columns.
const GAP: u16 = 2;

/// Characters of an identifier that are shown: the longest of public sources have 24.
const ID_SHOWN: usize = 28;

/// Below this width a table has only what must be there, and from [`WIDE`] on all there is.
const MEDIUM: u16 = 110;

/// From this width on there is room for build instructions and titles beside packages.
const WIDE: u16 = 160;

/// A column of a table.
struct Column {
    name: &'static str,
    constraint: Option<ColumnConstraint>,
}

impl Column {
    /// A column of words that are looked for as a whole and must not be broken over lines.
    const fn whole(name: &'static str) -> Self {
        Self { name, constraint: Some(ColumnConstraint::ContentWidth) }
    }

    /// A column of text that takes the room that is left.
    const fn text(name: &'static str) -> Self {
        Self { name, constraint: None }
    }

    /// A column of text with at most this share of the width.
    const fn share(name: &'static str, percent: u16) -> Self {
        Self { name, constraint: Some(ColumnConstraint::UpperBoundary(Width::Percentage(percent))) }
    }
}

struct View<'a> {
    report: &'a Report,
    options: &'a Options,
    width: u16,
}

/// Marks a package that nothing that is started reaches: removing it is better than patching it.
fn usage_mark(package: &Package) -> &'static str {
    match package.usage {
        Usage::Unused => " (unused)",
        Usage::Used | Usage::Unknown => "",
    }
}

/// The colour of a severity; the word itself always stands beside it.
fn color(severity: Severity) -> Color {
    match severity {
        Severity::Critical => Color::Magenta,
        Severity::High => Color::Red,
        Severity::Medium => Color::Yellow,
        Severity::Low => Color::Cyan,
        Severity::Negligible | Severity::Unknown => Color::Grey,
    }
}

impl View<'_> {
    fn cell(&self, text: &str) -> Cell {
        Cell::new(terminal(text))
    }

    fn severity_cell(&self, severity: Severity) -> Cell {
        self.painted(self.cell(severity.name()), severity)
    }

    fn painted(&self, cell: Cell, severity: Severity) -> Cell {
        if !self.options.color {
            return cell;
        }
        let cell = cell.fg(color(severity));
        if severity == Severity::Critical { cell.add_attribute(Attribute::Bold) } else { cell }
    }

    /// In a narrow table priority and severity share a column, one below the other.
    fn urgency_cells(&self, finding: &Finding) -> Vec<Cell> {
        if self.width >= MEDIUM {
            return vec![self.priority_cell(finding.priority), self.severity_cell(finding.severity)];
        }
        let severity = finding.severity.name();
        let text = finding
            .priority
            .map_or_else(|| severity.to_owned(), |priority| format!("{severity}\n({priority})"));
        vec![self.painted(Cell::new(text), finding.severity)]
    }

    fn urgency_columns(&self) -> Vec<Column> {
        if self.width >= MEDIUM {
            vec![Column::whole("PRIORITY"), Column::whole("SEVERITY")]
        } else {
            vec![Column::whole("SEVERITY")]
        }
    }

    /// Marks what cannot wait.
    fn priority_cell(&self, priority: Option<Priority>) -> Cell {
        let cell = self.cell(priority.map_or("", Priority::name));
        match priority {
            Some(Priority::Act) if self.options.color => {
                cell.fg(Color::Magenta).add_attribute(Attribute::Bold)
            }
            Some(Priority::Attend) if self.options.color => cell.fg(Color::Red),
            _ => cell,
        }
    }

    fn bold(&self, text: &str) -> String {
        let text = terminal(text);
        if self.options.color { format!("\x1b[1m{text}\x1b[0m") } else { text.into_owned() }
    }

    fn grid(&self, columns: &[Column], indent: u16) -> Grid {
        let mut grid = Grid::new();
        grid.load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(self.width.saturating_sub(indent));
        if self.options.color {
            grid.enforce_styling();
        } else {
            grid.force_no_tty();
        }
        grid.set_header(columns.iter().map(|column| self.cell(column.name)));
        for (index, column) in columns.iter().enumerate() {
            if let Some(shown) = grid.column_mut(index) {
                shown.set_padding((0, GAP));
                if let Some(constraint) = column.constraint {
                    shown.set_constraint(constraint);
                }
            }
        }
        grid
    }

    /// Returns the column of identifiers. In a narrow table it is as wide as the longest of them, so that what is said about
    /// one goes on the next line.
    fn id_column(&self, narrow: bool) -> Column {
        let rules = self
            .report
            .findings
            .iter()
            .map(|finding| shorten(&terminal(&finding.rule), ID_SHOWN).chars().count());
        let longest = u16::try_from(rules.max().unwrap_or_default()).unwrap_or_default();
        let width = ColumnConstraint::Absolute(Width::Fixed(longest.saturating_add(GAP)));
        Column { name: "ID", constraint: Some(if narrow { width } else { ColumnConstraint::ContentWidth }) }
    }

    fn print(&self, grid: &Grid, indent: &str, out: &mut dyn Write) -> io::Result<()> {
        for line in grid.to_string().lines() {
            writeln!(out, "{}", trimmed(&format!("{indent}{line}")))?;
        }
        Ok(())
    }

    fn header(&self, out: &mut dyn Write) -> io::Result<()> {
        let image = &self.report.image;
        writeln!(out, "{}", self.bold(&image.reference))?;
        let mut facts = Vec::new();
        if let Some(os) = words::os(self.report) {
            facts.push(terminal(&os).into_owned());
        } else if !matches!(self.report.source, SourceKind::Dir | SourceKind::File | SourceKind::Function) {
            facts.push("no operating system".to_owned());
        }
        if let Some(platform) = &image.platform {
            facts.push(terminal(&platform.to_string()).into_owned());
        }
        if !image.layers.is_empty() {
            facts.push(summary::count(image.layers.len() as u64, "layer"));
        }
        facts.push(summary::count(self.report.inventory.packages.len() as u64, "package"));
        self.facts(&facts, out)?;
        if let Some(digest) = image.manifest_digest.or(image.image_id) {
            writeln!(out, "{digest}")?;
        }
        writeln!(out)
    }

    /// Writes facts on as few lines as they fit on.
    fn facts(&self, facts: &[String], out: &mut dyn Write) -> io::Result<()> {
        let mut line = String::new();
        for fact in facts {
            let together = format!("{line}{}{fact}", if line.is_empty() { "" } else { " · " });
            if !line.is_empty() && together.chars().count() > usize::from(self.width) {
                writeln!(out, "{line}")?;
                line.clone_from(fact);
            } else {
                line = together;
            }
        }
        writeln!(out, "{line}")
    }

    /// Writes a sentence, broken between words; what follows the first line is indented.
    fn sentence(&self, text: &str, out: &mut dyn Write) -> io::Result<()> {
        let mut line = String::new();
        for word in text.split(' ') {
            if !line.trim().is_empty()
                && line.chars().count() + 1 + word.chars().count() > usize::from(self.width)
            {
                writeln!(out, "{line}")?;
                line = format!("  {word}");
            } else {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(word);
            }
        }
        writeln!(out, "{line}")
    }

    fn package(&self, index: u32) -> Option<&Package> {
        self.report.inventory.packages.get(index as usize)
    }

    /// Names a layer by its place, its digest and the instruction that made it.
    fn layer(&self, index: Option<u32>, with_instruction: bool) -> Option<String> {
        let index = index?;
        let layer = self.report.image.layers.get(index as usize)?;
        let mut text = format!("layer {}", index + 1);
        if let Some(diff_id) = layer.diff_id {
            text.push_str(&format!(" ({})", diff_id.0.short()));
        }
        if with_instruction && let Some(created_by) = &layer.created_by {
            text.push_str(&format!(": {}", instruction(created_by)));
        }
        Some(text)
    }

    fn by_package(&self, out: &mut dyn Write) -> io::Result<()> {
        // Findings come worst first, so that packages do too.
        let mut order: Vec<u32> = Vec::new();
        for index in self.report.findings.iter().filter_map(|finding| finding.package) {
            if !order.contains(&index) {
                order.push(index);
            }
        }
        for index in order {
            let Some(package) = self.package(index) else { continue };
            let title = self.bold(&format!("{} {}", package.full_name(), package.version));
            writeln!(out, "{title}  {}{}", package.kind.purl_type(), usage_mark(package))?;
            self.places(package, out)?;
            let narrow = self.width < MEDIUM;
            let mut columns = self.urgency_columns();
            columns.extend([self.id_column(narrow), Column::share("FIXED IN", 40), Column::text("TITLE")]);
            let mut grid = self.grid(&columns, 2);
            for finding in self.report.findings.iter().filter(|finding| finding.package == Some(index)) {
                let mut row = self.urgency_cells(finding);
                row.extend([
                    self.cell(&self.marked_rule(finding)),
                    self.cell(&words::fix(finding)),
                    self.cell(&shorten(&finding.title, 160)),
                ]);
                grid.add_row(row);
            }
            self.print(&grid, "  ", out)?;
            writeln!(out)?;
        }
        Ok(())
    }

    /// Writes where a package is: at most three places, each on one line.
    fn places(&self, package: &Package, out: &mut dyn Write) -> io::Result<()> {
        const SHOWN: usize = 3;
        let room = usize::from(self.width).saturating_sub(2);
        for location in package.locations.iter().take(SHOWN) {
            let layer =
                self.layer(location.layer, true).map(|layer| format!("  {layer}")).unwrap_or_default();
            let line = format!("{}{layer}", location.path);
            writeln!(out, "  {}", shorten(&terminal(&line), room))?;
        }
        match package.locations.len().checked_sub(SHOWN) {
            Some(more) if more > 0 => writeln!(out, "  and {}", summary::count(more as u64, "more place")),
            _ => Ok(()),
        }
    }

    /// Marks what is known to be exploited.
    fn marked_rule(&self, finding: &Finding) -> String {
        let rule = shorten(&terminal(&finding.rule), ID_SHOWN);
        if finding.kev.is_some() { format!("{rule} (exploited)") } else { rule }
    }

    fn by_severity(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.report.findings.iter().all(|finding| finding.package.is_none()) {
            return Ok(());
        }
        let (narrow, wide) = (self.width < MEDIUM, self.width >= WIDE);
        let mut columns = self.urgency_columns();
        columns.push(self.id_column(!wide));
        if narrow {
            columns.extend([Column::text("PACKAGE"), Column::whole("FIXED IN"), Column::whole("LAYER")]);
        } else {
            let package = if wide { Column::share("PACKAGE", 25) } else { Column::text("PACKAGE") };
            columns.extend([package, Column::whole("INSTALLED"), Column::whole("FIXED IN")]);
            columns.extend(if wide {
                vec![Column::share("LAYER", 20), Column::text("TITLE")]
            } else {
                vec![Column::whole("LAYER")]
            });
        }
        let versions = if wide { 30 } else { 22 };
        let mut grid = self.grid(&columns, 0);
        for finding in &self.report.findings {
            let Some(package) = finding.package.and_then(|index| self.package(index)) else { continue };
            let name = format!("{}{}", package.full_name(), usage_mark(package));
            let version = shorten(&terminal(&package.version), versions);
            let mut row = self.urgency_cells(finding);
            row.push(self.cell(&self.marked_rule(finding)));
            if narrow {
                let name = package.full_name();
                row.push(self.cell(&format!("{name} {version}{}", usage_mark(package))));
            } else {
                row.extend([self.cell(&name), self.cell(&version)]);
            }
            row.push(self.cell(&shorten(&words::fix(finding), versions)));
            let layer = finding.locations.first();
            if wide {
                let layer = layer.and_then(|place| self.layer(place.layer, true)).unwrap_or_default();
                row.extend([self.cell(&shorten(&layer, 60)), self.cell(&shorten(&finding.title, 120))]);
            } else {
                let number =
                    layer.and_then(|location| location.layer).map(|index| (u64::from(index) + 1).to_string());
                row.push(self.cell(&number.unwrap_or_default()));
            }
            grid.add_row(row);
        }
        self.print(&grid, "", out)?;
        writeln!(out)
    }

    /// Writes the path to each finding's priority.
    fn priorities(&self, out: &mut dyn Write) -> io::Result<()> {
        for finding in &self.report.findings {
            let Some(priority) = finding.priority else { continue };
            let rule = shorten(&terminal(&finding.rule), ID_SHOWN);
            let title = match finding.package.and_then(|index| self.package(index)) {
                Some(package) => format!("{priority}: {rule} in {} {}", package.full_name(), package.version),
                None => format!("{priority}: {rule}"),
            };
            writeln!(out, "{}", self.bold(&title))?;
            for step in &finding.priority_path {
                self.sentence(&terminal(&step_in_words(step)), out)?;
            }
            writeln!(out)?;
        }
        Ok(())
    }

    /// Says what the image could do without: a line for what nothing uses, one for what is probably not needed, or all of it.
    fn removable(&self, out: &mut dyn Write) -> io::Result<()> {
        let all = &self.report.removable;
        if all.is_empty() {
            return Ok(());
        }
        if self.options.removable {
            return self.all_removable(out);
        }
        let (unused, others): (Vec<_>, Vec<_>) =
            all.iter().partition(|one| one.reason == RemovalReason::Unused);
        let lists = [(unused, "that nothing uses"), (others, "that is probably not needed to run")];
        for (list, what) in lists.iter().filter(|(list, _)| !list.is_empty()) {
            let names: Vec<String> =
                list.iter().take(REMOVABLE_SHOWN).map(|one| self.removable_name(one)).collect();
            let more = match list.len().checked_sub(REMOVABLE_SHOWN) {
                Some(more) if more > 0 => format!(" and {more} more; `--removable` lists them"),
                _ => String::new(),
            };
            let count = summary::count(list.len() as u64, "package");
            let what = if list.len() == 1 { (*what).to_owned() } else { what.replace(" is ", " are ") };
            let sentence =
                format!("removing {count} {what} would save {}: {}{more}", savings(list), names.join(", "));
            self.sentence(&sentence, out)?;
        }
        Ok(())
    }

    fn removable_name(&self, one: &Removable) -> String {
        let name = self.package(one.package).map(Package::full_name).unwrap_or_default();
        let name = shorten(&terminal(&name), 60);
        match &one.function {
            Some(function) => format!("{name} ({function})"),
            None => name,
        }
    }

    fn all_removable(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.bold("what the image could do without"))?;
        let columns = [
            Column::text("PACKAGE"),
            Column::whole("WHY"),
            Column::whole("SIZE"),
            Column::whole("FINDINGS"),
            Column::text("DO"),
        ];
        let mut grid = self.grid(&columns, 2);
        for one in &self.report.removable {
            let Some(package) = self.package(one.package) else { continue };
            let why = one.function.as_ref().map_or_else(
                || one.reason.name().to_owned(),
                |function| format!("{} {function}", one.reason.name()),
            );
            let mut instruction = one.instruction.clone();
            if let Some(layer) = one.later_layer {
                instruction.push_str(&format!("; came with layer {}", layer + 1));
            }
            grid.add_row([
                self.cell(&format!("{} {}", package.full_name(), shorten(&terminal(&package.version), 30))),
                self.cell(&why),
                self.cell(&one.bytes.map(size).unwrap_or_default()),
                self.cell(&one.findings.to_string()),
                self.cell(&instruction),
            ]);
        }
        self.print(&grid, "  ", out)?;
        let list: Vec<&Removable> = self.report.removable.iter().collect();
        self.sentence(&format!("removing all of it would save {}", savings(&list)), out)?;
        writeln!(out)
    }

    /// Says what package managers left behind, where it is worth a line.
    fn leftovers(&self, out: &mut dyn Write) -> io::Result<()> {
        let all = &self.report.inventory.leftovers;
        let bytes = all.iter().map(|one| one.bytes).fold(0, u64::saturating_add);
        if bytes < LEFTOVERS_WORTH_A_LINE && !self.options.removable {
            return Ok(());
        }
        let folders: Vec<String> =
            all.iter().map(|one| format!("{} ({})", terminal(&one.folder), size(one.bytes))).collect();
        if folders.is_empty() {
            return Ok(());
        }
        let sentence = format!(
            "package managers left {} behind that nothing needs: {}",
            size(bytes),
            folders.join(", ")
        );
        self.sentence(&sentence, out)
    }

    fn coverage(&self, out: &mut dyn Write) -> io::Result<()> {
        for one in &self.report.coverage {
            let label = one.ecosystem.as_ref().map_or_else(|| one.label.clone(), ToString::to_string);
            let (label, packages) = (terminal(&label).into_owned(), summary::count(one.packages, "package"));
            match (one.state, one.synced_at) {
                (CoverageState::None, _) if one.ecosystem.is_some() => {
                    self.sentence(
                        &format!("not assessed: {packages} of {label}, which no feed in the database covers"),
                        out,
                    )?;
                }
                (CoverageState::None, _) => {
                    self.sentence(&format!("not assessed: {packages}: {label}"), out)?;
                }
                (CoverageState::Stale, Some(time)) => {
                    let date = time.date_text();
                    self.sentence(
                        &format!("old data: advisories for {packages} of {label} are of {date}"),
                        out,
                    )?;
                }
                (CoverageState::Stale, None) | (CoverageState::Covered, _) => {}
            }
        }
        Ok(())
    }

    fn warnings(&self, out: &mut dyn Write) -> io::Result<()> {
        let warnings = &self.report.inventory.warnings;
        for warning in warnings.iter().take(WARNINGS_SHOWN) {
            self.sentence(&format!("warning: {}", terminal(&warning.to_string())), out)?;
        }
        if let Some(more) = warnings.len().checked_sub(WARNINGS_SHOWN).filter(|more| *more > 0) {
            writeln!(out, "warning: {more} more; `--format json` lists them all")?;
        }
        Ok(())
    }

    fn footer(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.bold(&summary::headline(self.report)))?;
        let priorities = summary::priorities(self.report);
        if !priorities.is_empty() {
            writeln!(out, "by priority: {priorities}")?;
        }
        if let Some(base) = &self.report.image.base {
            for line in lineage(base) {
                self.sentence(&terminal(&line), out)?;
            }
        }
        if self.options.hidden > 0 {
            writeln!(out, "{} left out by filters", self.options.hidden)?;
        }
        let unassessed = self.report.unassessed();
        if unassessed > 0 {
            writeln!(out, "{} not assessed", summary::count(unassessed, "package"))?;
        }
        if !self.report.complete() {
            writeln!(out, "incomplete: something was left unscanned, see the warnings")?;
        }
        Ok(())
    }
}

/// Says what comes from the base, and what a newer one would change.
fn lineage(base: &Base) -> Vec<String> {
    let name = match (&base.reference, base.manifest_digest) {
        (Some(reference), _) => format!("`{reference}`"),
        (None, Some(digest)) => digest.to_string(),
        (None, None) => "whose name is not known".to_owned(),
    };
    let sure = match base.evidence {
        BaseEvidence::LayerPrefix => "",
        BaseEvidence::Annotation | BaseEvidence::History => " (not certain: ",
    };
    let detail = if sure.is_empty() { String::new() } else { format!("{sure}{})", base.detail) };
    let mut lines = vec![match base.layers {
        Some(_) => format!(
            "{} of {} come from the base image {name}{detail}",
            base.findings,
            summary::count(base.of_findings, "finding")
        ),
        None => format!("built on the base image {name}; which layers are its is not known{detail}"),
    }];
    if let Some(newer) = &base.newer {
        let digest = newer.manifest_digest.map(|digest| format!(" ({})", digest.short())).unwrap_or_default();
        let date = newer.created.map(|time| format!(" of {}", time.date_text())).unwrap_or_default();
        lines.push(format!(
            "building on the newer base `{}`{date}{digest} would remove {} and add {}",
            newer.reference,
            summary::count(newer.removes.len() as u64, "finding"),
            newer.adds.len()
        ));
    }
    lines
}

/// Drops spaces at the end of a line, also those before the sequences that end a colour.
fn trimmed(line: &str) -> String {
    let (mut text, mut sequences) = (line.trim_end(), String::new());
    while let Some((before, codes)) = text.rsplit_once("\x1b[")
        && codes
            .strip_suffix('m')
            .is_some_and(|codes| codes.bytes().all(|byte| byte.is_ascii_digit() || byte == b';'))
    {
        sequences = format!("\x1b[{codes}{sequences}");
        text = before.trim_end();
    }
    format!("{text}{sequences}")
}

/// Says what removing packages saves: `12.3 MB and 4 findings`.
fn savings(list: &[&Removable]) -> String {
    let bytes = list.iter().filter_map(|one| one.bytes).fold(0, u64::saturating_add);
    let findings: u64 = list.iter().map(|one| one.findings).sum();
    let findings = summary::count(findings, "finding");
    if bytes == 0 { findings } else { format!("{} and {findings}", size(bytes)) }
}

/// Writes a size in powers of a thousand, as disks are sold.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// Writes `- exploitation = active, because …`.
fn step_in_words(step: &Decision) -> String {
    format!("- {} = {}, because {}", step.point, step.value, step.reason)
}

/// Drops what builders put before the words of the Dockerfile.
fn instruction(created_by: &str) -> String {
    let text = created_by.trim();
    let text = text.strip_prefix("/bin/sh -c #(nop) ").unwrap_or(text);
    let text = text.strip_prefix("/bin/sh -c ").map_or_else(|| text.to_owned(), |run| format!("RUN {run}"));
    let text = text.replace("RUN /bin/sh -c ", "RUN ");
    let text = text.trim_end().trim_end_matches("# buildkit");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::instruction;

    #[test]
    fn instructions_read_as_in_the_dockerfile() {
        assert_eq!(instruction("/bin/sh -c #(nop)  CMD [\"sh\"]"), "CMD [\"sh\"]");
        assert_eq!(instruction("/bin/sh -c apt-get  update"), "RUN apt-get update");
        assert_eq!(instruction("RUN /bin/sh -c pip install x # buildkit"), "RUN pip install x");
        assert_eq!(instruction("COPY app / # buildkit"), "COPY app /");
    }
}
