//! `bun.lockb`, the binary lockfile of Bun before 1.2 (<https://bun.com/docs/pm/lockfile>): recognised, and not read.
//!
//! Its layout is that of Bun's memory and is not documented. A project that has only this lockfile must not look as if it had no
//! dependencies, so a warning says how to get one that can be read.

use super::lockfile::is_inside_package;
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};

/// `bun.lockb`.
pub(super) struct BunLockb;

impl Analyzer for BunLockb {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "node-bun-lockb", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("bun.lockb")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if !is_inside_package(file.path) {
            out.warn(
                "unread-lockfile",
                "this binary form is not read; `bun install --save-text-lockfile` writes `bun.lock`, which is",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::check;

    #[test]
    fn it_is_said_that_it_is_not_read() {
        check(
            &BunLockb,
            "srv/bun.lockb",
            b"#!/usr/bin/env bun\nbun-lockfile-format-v0\n\x02",
            "! unread-lockfile\n",
        );
        check(&BunLockb, "srv/node_modules/x/bun.lockb", b"", "");
    }
}
