//! `assay.verdict/v1`.

use super::Options;
use crate::verdict::Verdict;
use std::io::{self, Write};

pub(super) fn write(verdict: &Verdict, _: &Options, out: &mut dyn Write) -> io::Result<()> {
    assay_escape::json::write_pretty(verdict, out)
}
