//! `ruby-php-dotnet`: Debian's own Ruby packages, gems installed by gem, Composer's lockfile and `vendor/`, and the files a .NET publish leaves.
//!
//! No .NET SDK can be had from the registries the corpus uses, so `app.deps.json` and `packages.lock.json` are
//! written here in the SDK's format; there is no oracle for them but this file.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use serde_json::json;

use super::{Kit, Recipe};
use crate::run::output;
use crate::stage::Stage;

pub(super) const RECIPE: Recipe = Recipe {
    name: "ruby-php-dotnet",
    about: "Debian 12 with rack 2.2.3, twig 3.26.0 and log4net 2.0.9 (oracle: dpkg, gem list, composer; .NET by hand)",
    revision: 1,
    needs: &["mmdebstrap", "skopeo", "gem", "composer"],
    forms: &[],
    build,
};

/// Name, version, and the names and ranges of what it needs.
type Gem = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// Gems in the order they can be installed in: name, version and what each needs. They are built and installed by the
/// real `gem`; their content is synthetic, for the same reason as that of the PHP packages below.
const GEMS: &[Gem] = &[
    ("ruby2_keywords", "0.0.5", &[]),
    ("rack", "2.2.3", &[]),
    ("rexml", "3.2.6", &[]),
    ("tilt", "2.0.11", &[]),
    ("mustermann", "1.1.2", &[("ruby2_keywords", "~> 0.0.1")]),
    ("rack-protection", "2.2.0", &[("rack", ">= 0")]),
    (
        "sinatra",
        "2.2.0",
        &[("mustermann", "~> 1.0"), ("rack", "~> 2.2"), ("rack-protection", "= 2.2.0"), ("tilt", "~> 2.0")],
    ),
];

/// The packages Composer installs, with what they require. Their content is synthetic: the public repository cannot
/// be reached from everywhere this is built, so Composer takes them from folders made here.
const PHP: &[(&str, &str, &str)] = &[
    ("twig/twig", "3.26.0", r#"{"symfony/polyfill-mbstring": "^1.3"}"#),
    ("symfony/polyfill-mbstring", "1.27.0", "{}"),
    ("monolog/monolog", "2.9.1", r#"{"psr/log": "^1.0.1 || ^2.0 || ^3.0"}"#),
    ("psr/log", "3.0.0", "{}"),
];

const DEPS: &str = r#"{
  "runtimeTarget": {"name": ".NETCoreApp,Version=v6.0", "signature": ""},
  "compilationOptions": {},
  "targets": {
    ".NETCoreApp,Version=v6.0": {
      "Billing/1.3.0": {
        "dependencies": {"log4net": "2.0.9", "Newtonsoft.Json": "12.0.3"},
        "runtime": {"Billing.dll": {}}
      },
      "log4net/2.0.9": {
        "dependencies": {"System.Configuration.ConfigurationManager": "4.5.0"},
        "runtime": {"lib/netstandard2.0/log4net.dll": {"assemblyVersion": "2.0.9.0", "fileVersion": "2.0.9.0"}}
      },
      "Newtonsoft.Json/12.0.3": {
        "runtime": {"lib/netstandard2.0/Newtonsoft.Json.dll": {"assemblyVersion": "12.0.0.0", "fileVersion": "12.0.3.23909"}}
      },
      "System.Configuration.ConfigurationManager/4.5.0": {
        "runtime": {"lib/netstandard2.0/System.Configuration.ConfigurationManager.dll": {"assemblyVersion": "4.0.1.0", "fileVersion": "4.6.26515.6"}}
      }
    }
  },
  "libraries": {
    "Billing/1.3.0": {"type": "project", "serviceable": false, "sha512": ""},
    "log4net/2.0.9": {"type": "package", "serviceable": true, "sha512": "", "path": "log4net/2.0.9", "hashPath": "log4net.2.0.9.nupkg.sha512"},
    "Newtonsoft.Json/12.0.3": {"type": "package", "serviceable": true, "sha512": "", "path": "newtonsoft.json/12.0.3", "hashPath": "newtonsoft.json.12.0.3.nupkg.sha512"},
    "System.Configuration.ConfigurationManager/4.5.0": {"type": "package", "serviceable": true, "sha512": "", "path": "system.configuration.configurationmanager/4.5.0"}
  }
}
"#;

const LOCK: &str = r#"{
  "version": 1,
  "dependencies": {
    "net6.0": {
      "log4net": {
        "type": "Direct",
        "requested": "[2.0.9, )",
        "resolved": "2.0.9",
        "dependencies": {"System.Configuration.ConfigurationManager": "4.5.0"}
      },
      "Newtonsoft.Json": {"type": "Direct", "requested": "[12.0.3, )", "resolved": "12.0.3"},
      "System.Configuration.ConfigurationManager": {"type": "Transitive", "resolved": "4.5.0"}
    }
  }
}
"#;

/// Builds the gems, and makes Composer's project `php/` with `composer.json`, what Composer says about it.
fn parts(_: &Kit, folder: &Path) -> Result<()> {
    let gems = folder.join("gems");
    for (name, version, needs) in GEMS {
        let mut spec = format!(
            "Gem::Specification.new do |s|\n  s.name = '{name}'\n  s.version = '{version}'\n  s.licenses = ['MIT']\n"
        );
        spec.push_str(
            "  s.summary = 'Synthetic gem of the corpus'\n  s.authors = ['Corpus']\n  s.files = ['lib.rb']\n",
        );
        for (other, range) in *needs {
            writeln!(spec, "  s.add_runtime_dependency '{other}', '{range}'")?;
        }
        spec.push_str("end\n");
        crate::stage::write(&gems, "lib.rb", format!("# {name}\n"))?;
        crate::stage::write(&gems, &format!("{name}.gemspec"), spec)?;
        let mut command = Command::new("gem");
        command.current_dir(&gems).env("SOURCE_DATE_EPOCH", crate::image::EPOCH.to_string());
        output(command.args(["build", "--silent", "--force", &format!("{name}.gemspec")]))?;
    }
    let project = folder.join("php");
    let mut repositories = vec![json!({"packagist.org": false})];
    for (name, version, requires) in PHP {
        let requires: serde_json::Value = serde_json::from_str(requires)?;
        let package = json!({
            "name": name, "version": version, "type": "library", "license": "MIT", "require": requires,
            "description": "synthetic package of the corpus",
        });
        let source = format!("php-packages/{name}");
        crate::stage::write(folder, &format!("{source}/composer.json"), package.to_string())?;
        let url = format!("../{source}");
        repositories.push(json!({"type": "path", "url": url, "options": {"symlink": false}}));
    }
    let wanted = json!({
        "name": "acme/newsletter", "license": "proprietary", "repositories": repositories,
        "require": {"twig/twig": "3.26.0", "monolog/monolog": "2.9.1"},
    });
    crate::stage::write(&project, "composer.json", serde_json::to_string_pretty(&wanted)?)?;
    let composer = |arguments: &[&str]| {
        let mut command = Command::new("composer");
        command.current_dir(&project).env("COMPOSER_ALLOW_SUPERUSER", "1").args(arguments);
        output(command.args(["--no-interaction", "--no-plugins"]))
    };
    composer(&["install", "--no-dev", "--no-scripts", "--ignore-platform-reqs", "--quiet"])?;
    fs::write(folder.join("composer.json"), composer(&["show", "--format=json"])?)?;
    Ok(())
}

fn build(kit: &Kit) -> Result<()> {
    let part = kit.part("ruby-php", 3, parts)?;
    let mut layout = kit.layout()?;
    let mut stage = Stage::debian(kit, &layout)?;
    stage.run(
        "apt-get update && apt-get install -y --no-install-recommends ruby ruby-nokogiri && rm -rf /var/lib/apt/lists/*",
    )?;
    stage.copy(&part.join("gems"), "tmp/gems")?;
    let all = GEMS.iter().map(|(name, version, _)| format!("/tmp/gems/{name}-{version}.gem"));
    let files = all.collect::<Vec<_>>().join(" ");
    stage.shell(&format!("gem install --local --force --no-document {files} && rm -rf /tmp/gems"))?;
    let said =
        GEMS.iter().map(|(name, version, _)| format!("{name}:{version}")).collect::<Vec<_>>().join(" ");
    stage.commit(&format!("RUN /bin/sh -c gem install --no-document {said} # buildkit"))?;
    stage.copy(&part.join("php"), "srv/newsletter")?;
    stage.commit("RUN /bin/sh -c composer install --no-dev # buildkit")?;
    kit.oracle("composer.json", fs::read(part.join("composer.json"))?)?;
    stage.write("srv/billing/Billing.deps.json", DEPS)?;
    stage.write("srv/billing/src/packages.lock.json", LOCK)?;
    stage.commit("COPY --from=publish /app /srv/billing # buildkit")?;
    stage.label(
        "assay.corpus.synthetic.ruby",
        "the gems below /var/lib/gems have the names and versions of real ones only",
    );
    stage.label("assay.corpus.synthetic.dotnet", "the .NET files were written by the corpus");
    stage.label(
        "assay.corpus.synthetic.php",
        "the PHP packages have the names and versions of real ones, not the code",
    );
    stage.meta("CMD [\"rackup\"]");
    stage.config("Cmd", json!(["rackup"]));
    kit.oracle("gem.txt", stage.shell("gem list --local")?)?;
    stage.dpkg_oracle()?;
    let image = stage.finish()?;
    layout.tag(image, "latest");
    layout.finish()
}
