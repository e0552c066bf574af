//! What single files of code ask for: one analyzer per language.

mod elf;
mod java;
mod javascript;
mod ld_so_conf;
mod perl;
mod php;
mod python;
mod record;
mod ruby;
pub(crate) mod shell;
mod text;

use assay_analyze::{Analyzer, Ask};

/// The analyzers, in their order.
pub(crate) const ANALYZERS: &[&dyn Analyzer] = &[
    &elf::ElfFile,
    &ld_so_conf::LinkerSettings,
    &shell::ShellScript,
    &record::PythonRecord,
    &python::PythonImports,
    &javascript::JavaScriptImports,
    &java::JavaClassPath,
    &ruby::RubyRequires,
    &php::PhpIncludes,
    &perl::PerlUses,
];

/// Returns what a Python text, as given after `-c`, asks for.
pub(crate) fn python_text(text: &str) -> Vec<Ask> {
    text::read(python::scan, text)
}

/// Returns what a JavaScript text, as given after `-e`, asks for.
pub(crate) fn javascript_text(text: &str) -> Vec<Ask> {
    text::read(javascript::scan, text)
}

/// Returns what a Ruby text, as given after `-e`, asks for.
pub(crate) fn ruby_text(text: &str) -> Vec<Ask> {
    text::read(ruby::scan, text)
}

/// Returns what a PHP text, as given after `-r`, asks for.
pub(crate) fn php_text(text: &str) -> Vec<Ask> {
    text::read(php::scan, text)
}

/// Returns what a Perl text, as given after `-e`, asks for.
pub(crate) fn perl_text(text: &str) -> Vec<Ask> {
    text::read(perl::scan, text)
}

#[cfg(test)]
pub(crate) mod testing {
    use assay_analyze::{Analyzer, Fact, File, LayerFacts, Sink};

    /// Returns what an analyzer says a file asks for, as words.
    pub(crate) fn facts(analyzer: &dyn Analyzer, path: &str, content: &[u8]) -> Vec<String> {
        let mut facts = LayerFacts::default();
        analyzer.analyze(&File::new(path, 0o755, &content), &mut Sink::new(path, &mut facts));
        let said = facts.paths.remove(path).unwrap_or_default();
        assert!(said.warnings.is_empty(), "{:?}", said.warnings);
        said.facts
            .iter()
            .flat_map(|fact| match fact {
                Fact::Code(code) => super::text::testing::words(&code.asks),
                Fact::OwnedFiles { package, files, .. } => {
                    files.iter().map(|file| format!("{package} owns {file}")).collect()
                }
                _ => Vec::new(),
            })
            .collect()
    }
}
