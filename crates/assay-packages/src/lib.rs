#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod binary;
mod contents;
pub mod lang;
pub mod os;
#[cfg(test)]
mod testing;

use assay_analyze::Analyzer;

/// Returns those who look at every file and at what it was when it was installed: for a deep scan, for bills of materials with files, and
/// for what tells two images apart.
pub fn of_files() -> impl Iterator<Item = &'static dyn Analyzer> {
    let contents: &'static dyn Analyzer = &contents::Contents;
    std::iter::once(contents).chain(os::SUMS.iter().copied())
}

/// Returns every package analyzer, in the order in which they are linked.
pub fn analyzers() -> impl Iterator<Item = &'static dyn Analyzer> {
    os::ANALYZERS.iter().chain(lang::ANALYZERS).chain(binary::ANALYZERS).copied()
}

#[cfg(test)]
mod tests {
    use assay_analyze::Analyzer;

    /// Their facts would else take the memory of packages.
    #[test]
    fn those_who_look_at_every_file_list_files_and_nobody_else() {
        assert!(super::of_files().all(Analyzer::lists_files));
        assert!(!super::analyzers().any(Analyzer::lists_files));
    }
}
