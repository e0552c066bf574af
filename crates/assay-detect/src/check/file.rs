//! Checks of single files: their permissions, owners and content. One file each, and the list of them all.

use super::Check;
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Detail, Detection, FindingKind};

mod authorized_keys;
mod backup_file;
mod duplicate_id;
mod empty_password;
mod executable_in_tmp;
mod file_capabilities;
mod password_set;
mod private_host_key;
mod readable_shadow;
mod second_root;
mod setuid;
mod setuid_unusual;
mod shell_history;
mod sudo_without_password;
mod version_control;
mod weak_password_hash;
mod world_writable_file;
mod world_writable_folder;
mod writable_program;

/// A check of single files.
#[derive(Debug)]
pub struct FileCheck {
    /// What it is.
    pub check: Check,
    /// The files it wants.
    pub select: &'static [Select],
    /// Whether it looks into them.
    pub reads: bool,
    /// Files in which it finds something.
    pub bad: &'static [Example],
    /// Files in which it finds nothing.
    pub good: &'static [Example],
    /// Looks at a file.
    pub find: fn(&File<'_>, &mut Places<'_, '_>),
}

/// A file as an example.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// Its path.
    pub path: &'static str,
    /// Its permission bits.
    pub mode: u32,
    /// Its content.
    pub content: &'static str,
}

/// Larger files of settings are not read.
const TEXT_LIMIT: u64 = 4 << 20;

/// More places in one file say nothing new.
const MAX_PLACES: usize = 50;

/// Takes the places in a file at which a check found something.
pub struct Places<'a, 'b> {
    rule: &'static str,
    out: &'a mut Sink<'b>,
    count: usize,
}

impl Places<'_, '_> {
    fn add(&mut self, line: Option<u32>, details: Vec<Detail>) {
        self.count = self.count.saturating_add(1);
        if self.count <= MAX_PLACES {
            let mut detection = Detection::new(FindingKind::Misconfiguration, self.rule);
            detection.line = line;
            detection.details = details;
            self.out.detection(detection);
        }
    }

    /// Adds the file.
    fn here(&mut self) {
        self.add(None, Vec::new());
    }

    /// Adds the file, with something observed.
    fn with(&mut self, name: &'static str, value: String) {
        self.add(None, vec![Detail::new(name, value)]);
    }

    /// Adds the file, with its permission bits.
    fn mode(&mut self, file: &File<'_>) {
        self.with("mode", format!("{}: {:04o}", file.path, file.node.mode & 0o7777));
    }

    /// Adds a line of the file, with what it is about. Never a secret.
    fn at(&mut self, line: u32, what: &str) {
        let what: String = what.chars().take(120).collect();
        self.add(Some(line), vec![Detail::new("what", what)]);
    }

    /// Returns the content as text.
    fn text(&mut self, file: &File<'_>) -> Option<String> {
        if file.content.len() > TEXT_LIMIT {
            return None;
        }
        Some(file.text(self.out)?.into_owned())
    }

    /// Returns the lines that are no comment, with their numbers.
    fn lines(&mut self, file: &File<'_>) -> Vec<(u32, String)> {
        let text = self.text(file).unwrap_or_default();
        let numbered = (1u32..).zip(text.lines().map(str::trim));
        numbered
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
            .map(|(number, line)| (number, line.to_owned()))
            .collect()
    }

    /// Returns the records of `passwd(5)` and its like, with their lines.
    fn records<'t>(&mut self, file: &File<'t>) -> Vec<(u32, Vec<&'t str>)> {
        let Some(text) = file
            .content
            .as_slice()
            .filter(|_| file.content.len() <= TEXT_LIMIT)
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
        else {
            return Vec::new();
        };
        let numbered = (1u32..).zip(text.lines());
        let records =
            numbered.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with(['#', '+', '-']));
        records.map(|(number, line)| (number, line.trim_end().split(':').collect())).collect()
    }
}

impl Analyzer for FileCheck {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: self.check.id, revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        self.select
    }

    fn reads(&self) -> bool {
        self.reads
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        (self.find)(file, &mut Places { rule: self.check.id, out, count: 0 });
    }
}

/// Every check of single files.
pub const CHECKS: &[&FileCheck] = &[
    &setuid::CHECK,
    &setuid_unusual::CHECK,
    &file_capabilities::CHECK,
    &world_writable_file::CHECK,
    &world_writable_folder::CHECK,
    &empty_password::CHECK,
    &password_set::CHECK,
    &weak_password_hash::CHECK,
    &second_root::CHECK,
    &duplicate_id::CHECK,
    &readable_shadow::CHECK,
    &private_host_key::CHECK,
    &authorized_keys::CHECK,
    &version_control::CHECK,
    &shell_history::CHECK,
    &backup_file::CHECK,
    &sudo_without_password::CHECK,
    &executable_in_tmp::CHECK,
    &writable_program::CHECK,
];

#[cfg(test)]
mod testing;
