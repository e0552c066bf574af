//! Collects what is wrong with a package database into one warning, however often it is wrong.

use assay_analyze::Sink;
use std::borrow::Cow;

/// What was found damaged in one file.
#[derive(Debug, Default)]
pub(super) struct Damage {
    first: Option<Cow<'static, str>>,
    more: u64,
}

impl Damage {
    /// Notes a problem; only the first is kept in words, since a file of garbage has millions.
    pub(super) fn add(&mut self, problem: impl Into<Cow<'static, str>>) {
        if self.first.is_none() {
            self.first = Some(problem.into());
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// Warns on `out` if there was a problem.
    pub(super) fn report(self, out: &mut Sink<'_>) {
        let Some(first) = self.first else { return };
        let more = match self.more {
            0 => String::new(),
            1 => ", and one problem more".to_owned(),
            more => format!(", and {more} problems more"),
        };
        out.warn("damaged-package-database", format!("{first}{more}; packages may be missing"));
    }
}
