//! `cpanfile.snapshot` of Carton (<https://metacpan.org/pod/Carton>): distributions by indentation, with the modules they
//! provide and require.

use super::perl;
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Origin, Package};

/// `cpanfile.snapshot`; [`PerlInstall`](super::perl_install_json::PerlInstall) links it.
pub(super) struct CpanfileSnapshot;

impl Analyzer for CpanfileSnapshot {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "perl-cpanfile-snapshot", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("cpanfile.snapshot")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(text) = file.text(out) else { return };
        let mut package: Option<Package> = None;
        let mut section = "";
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let word = line.split_whitespace().next().unwrap_or_default();
            let depth = line.len().saturating_sub(line.trim_start_matches(' ').len());
            match depth {
                0 | 2 => {
                    if let Some(package) = package.take() {
                        out.package(package);
                    }
                }
                4 => match word {
                    "pathname:" => {
                        package =
                            line.trim().strip_prefix(word).and_then(|path| perl::distribution(path.trim()));
                        if let Some(package) = &mut package {
                            package.origin = Origin::Declared;
                        }
                    }
                    _ => section = word,
                },
                _ => match (section, &mut package) {
                    ("provides:", Some(package)) => package.provides.push(word.to_owned()),
                    // Perl itself is asked for as a module.
                    ("requirements:", Some(package)) if word != "perl" => {
                        package.requires.push(word.to_owned());
                    }
                    _ => {}
                },
            }
        }
        if let Some(package) = package {
            out.package(package);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total, run};
    use assay_analyze::Fact;

    #[test]
    fn distributions() {
        let text = b"# carton snapshot format: version 1.0
DISTRIBUTIONS
  Apache-LogFormat-Compiler-0.36
    pathname: K/KA/KAZEBURO/Apache-LogFormat-Compiler-0.36.tar.gz
    provides:
      Apache::LogFormat::Compiler 0.36
    requirements:
      Module::Build::Tiny 0.035
      perl 5.008001
  Plack-1.0047
    pathname: M/MI/MIYAGAWA/Plack-1.0047.tar.gz
    provides:
      HTTP::Message::PSGI undef
      Plack 1.0047
    requirements:
      Apache::LogFormat::Compiler 0.12
";
        let want = "~ KAZEBURO/Apache-LogFormat-Compiler 0.36 -> Module::Build::Tiny\n~ MIYAGAWA/Plack 1.0047 -> Apache::LogFormat::Compiler\n";
        check(&CpanfileSnapshot, "srv/cpanfile.snapshot", text, want);
        let facts = run(&CpanfileSnapshot, "x", text);
        let Fact::Package(package) = &facts.paths["x"].facts[1] else { panic!() };
        assert_eq!(package.provides, ["HTTP::Message::PSGI", "Plack"]);
        check_total(&CpanfileSnapshot, "cpanfile.snapshot");
    }
}
