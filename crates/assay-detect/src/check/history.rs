//! What the history of an image says of how it was built, by the checks of Dockerfiles.
//!
//! Instructions are put together again from what builders note: `RUN` as the old builder and as BuildKit write it, with the arguments
//! of the build before it. Only checks about safety are asked; the style of a build that is over helps nobody. What was written in
//! the files that were built from (comments that ignore, values of variables) is not known here.

use super::Check;
use super::image::CONFIG;
use crate::lint::dockerfile::{Dockerfile, Instruction, LINTS, Stage, parse};
use crate::lint::shell::Script;
use crate::lint::{Lint, Places};
use assay_model::{Detail, Detection, FindingKind, HistoryEntry, Image};

/// The checks that are asked.
const ASKED: &[&str] = &[
    "dockerfile-add-from-url",
    "dockerfile-insecure-download",
    "dockerfile-password-in-command",
    "dockerfile-pipe-to-shell",
    "dockerfile-secret-in-variable",
    "dockerfile-sensitive-volume",
    "dockerfile-sudo",
    "dockerfile-unauthenticated-package",
    "dockerfile-update-alone",
    "dockerfile-upgrade",
];

/// More entries than this are not looked at.
const MAX_ENTRIES: usize = 2_000;

/// Returns the checks of Dockerfiles that are asked about histories.
pub fn lints() -> impl Iterator<Item = &'static Lint<Dockerfile>> {
    LINTS.iter().copied().filter(|lint| ASKED.contains(&lint.check.id))
}

/// Returns the check of this identifier.
pub fn check(id: &str) -> Option<&'static Check> {
    lints().map(|lint| &lint.check).find(|check| check.id == id)
}

/// Looks at an image's history.
pub fn of_image(image: &Image) -> Vec<Detection> {
    let file = dockerfile(&image.history);
    let mut found = Vec::new();
    for lint in lints() {
        let mut places = Places::default();
        (lint.find)(&file, &mut places);
        for (line, what) in places.into_found() {
            let index = line.saturating_sub(1);
            let mut detection = Detection::new(FindingKind::Misconfiguration, lint.check.id);
            detection.path = format!("{CONFIG}/history/{index}/created_by");
            detection.layer = layer(&image.history, index);
            detection.details = vec![Detail::new("what", what)];
            found.push(detection);
        }
    }
    found
}

/// Returns the index of the layer that an entry made.
fn layer(history: &[HistoryEntry], index: u32) -> Option<u32> {
    let index = usize::try_from(index).ok()?;
    if history.get(index)?.empty_layer {
        return None;
    }
    let before = history.iter().take(index).filter(|entry| !entry.empty_layer).count();
    u32::try_from(before).ok()
}

/// Puts the instructions together again; their lines are the places in the history, from 1.
fn dockerfile(history: &[HistoryEntry]) -> Dockerfile {
    let entries = (1u32..).zip(history.iter().take(MAX_ENTRIES));
    let instructions = entries.filter_map(|(line, entry)| instruction(&entry.created_by, line)).collect();
    let from = Instruction { keyword: "FROM".to_owned(), ..Instruction::default() };
    let stage = Stage { from, image: String::new(), name: None, instructions };
    Dockerfile { stages: vec![stage], ..Dockerfile::default() }
}

fn instruction(created_by: &str, line: u32) -> Option<Instruction> {
    let text = created_by.trim().trim_end_matches("# buildkit").trim_end();
    let text = text.strip_prefix("RUN").map_or(text, str::trim_start);
    // `|2 A=b C=d /bin/sh -c …`: the arguments of the build.
    let text = match text.strip_prefix('|').and_then(|rest| rest.find("/bin/").and_then(|at| rest.get(at..)))
    {
        Some(command) => command,
        None => text,
    };
    let command = [
        "/bin/sh -c ",
        "/bin/bash -c ",
        "/bin/bash -o pipefail -c ",
        "/bin/ash -eo pipefail -c ",
        "/bin/sh -o pipefail -c ",
    ]
    .iter()
    .find_map(|shell| text.strip_prefix(shell));
    if let Some(nop) = command.and_then(|command| command.trim_start().strip_prefix("#(nop)")) {
        return single(nop.trim_start(), line);
    }
    if let Some(command) = command {
        // Every line of a script is the same place of the history.
        let script = Script::parse_with(command, &|_| line);
        return Some(Instruction {
            line,
            keyword: "RUN".to_owned(),
            arguments: command.to_owned(),
            expanded: command.to_owned(),
            script,
            ..Instruction::default()
        });
    }
    single(text, line)
}

/// Reads an instruction that is noted as it was written.
fn single(text: &str, line: u32) -> Option<Instruction> {
    let keyword = text.split_ascii_whitespace().next()?.to_ascii_uppercase();
    if !["ADD", "ENV", "ARG", "VOLUME", "USER", "EXPOSE"].contains(&keyword.as_str()) {
        return None;
    }
    let one_line = text.replace(['\n', '\r'], " ");
    // `ADD file:… in /` is a copy; `VOLUME [/a /b]` is no JSON.
    let one_line = if keyword == "VOLUME" { one_line.replace(['[', ']'], " ") } else { one_line };
    let (file, _) = parse(&format!("FROM x\n{one_line}"));
    let mut instruction = file.stages.into_iter().next()?.instructions.into_iter().next()?;
    instruction.line = line;
    Some(instruction)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_entry(created_by: &str, expected: &[&str]) {
        let entry = HistoryEntry { created_by: created_by.to_owned(), empty_layer: false };
        let image = Image { history: vec![entry], ..Image::default() };
        let found = of_image(&image);
        let rules: Vec<&str> = found.iter().map(|one| one.rule.as_ref()).collect();
        assert_eq!(rules, expected, "{created_by}");
        assert!(
            found.iter().all(|one| one.path == "config.json#/history/0/created_by" && one.layer == Some(0))
        );
    }

    #[test]
    fn both_builders_notes_are_read() {
        check_entry("/bin/sh -c apt-get update", &["dockerfile-update-alone"]);
        check_entry(
            "RUN /bin/sh -c curl -sSL https://x.example/i | sh # buildkit",
            &["dockerfile-pipe-to-shell"],
        );
        check_entry("RUN |1 VERSION=2 /bin/sh -c sudo make # buildkit", &["dockerfile-sudo"]);
        check_entry("/bin/sh -c #(nop)  ENV DB_PASSWORD=hunter2", &["dockerfile-secret-in-variable"]);
        check_entry("ADD https://x.example/a.tgz / # buildkit", &["dockerfile-add-from-url"]);
        check_entry("VOLUME [/etc]", &["dockerfile-sensitive-volume"]);
        check_entry(
            "RUN /bin/sh -c set -eux;\n\tapt-get update\n\tapt-get dist-upgrade -y # buildkit",
            &["dockerfile-upgrade"],
        );
    }

    #[test]
    fn what_is_right_is_left_alone() {
        check_entry("/bin/sh -c #(nop) ADD file:0123 in / ", &[]);
        check_entry(
            "RUN /bin/sh -c apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/* # buildkit",
            &[],
        );
        check_entry("CMD [\"bash\"]", &[]);
        check_entry("COPY a b # buildkit", &[]);
        check_entry("debootstrap", &[]);
    }

    #[test]
    fn every_check_that_is_asked_exists() {
        assert_eq!(lints().count(), ASKED.len());
    }
}
