//! Terraform and OpenTofu providers: `.terraform.lock.hcl` (<https://developer.hashicorp.com/terraform/language/files/dependency-lock>)
//! and the programs themselves, whose folders name them:
//! `registry.terraform.io/hashicorp/aws/5.31.0/linux_amd64/terraform-provider-aws_v5.31.0_x5`.
//!
//! A provider is a Go program, too; the modules in it are found by their own analyzer.

use super::lockfile::Declared;
use super::tokens::{HCL, Token, tokens};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Package, PackageKind};

/// Providers, locked and installed.
pub(super) struct Terraform;

const PROGRAM: &str = "terraform-provider-";

impl Analyzer for Terraform {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "terraform", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name(".terraform.lock.hcl"), Select::NameAffixes(PROGRAM, "")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if file.name() != ".terraform.lock.hcl" {
            if let Some(package) = installed(file.path) {
                out.package(package);
            }
            return;
        }
        let Some(text) = file.text(out) else { return };
        let tokens = tokens(&text, &HCL);
        let mut declared = Declared::new(PackageKind::Terraform);
        let mut provider = None;
        for window in tokens.windows(3) {
            match window {
                [Token::Word("provider"), Token::Text(name), Token::Sign('{')] => provider = Some(name),
                [Token::Word("version"), Token::Sign('='), Token::Text(version)] => {
                    if let Some(name) = provider.take() {
                        declared.add(name, version, [], Vec::new());
                    }
                }
                _ => {}
            }
        }
        declared.report(out);
        if tokens.last().is_some_and(|token| !token.is('}')) || provider.is_some() {
            out.warn("damaged-lockfile", "it can be read only in part: its last provider breaks off");
        }
    }
}

/// Returns the provider of a program by the folders it lies in, or, outside of them, by its name alone.
fn installed(path: &str) -> Option<Package> {
    let parts: Vec<&str> = path.split('/').collect();
    if let [.., host, owner, name, version, platform, program] = parts[..]
        && program
            .strip_prefix(PROGRAM)?
            .strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        && host.contains('.')
        && platform.contains('_')
        && version.starts_with(|c: char| c.is_ascii_digit())
    {
        return Some(Package::new(PackageKind::Terraform, format!("{host}/{owner}/{name}"), version));
    }
    let (name, version) = parts.last()?.strip_prefix(PROGRAM)?.split_once("_v")?;
    let version = version.split_once("_x").map_or(version, |(version, _)| version);
    let version = version.strip_suffix(".exe").unwrap_or(version);
    (!name.is_empty() && version.starts_with(|c: char| c.is_ascii_digit()))
        .then(|| Package::new(PackageKind::Terraform, name, version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    #[test]
    fn locked_providers() {
        let text = br#"# This file is maintained automatically by "terraform init".
provider "registry.terraform.io/hashicorp/aws" {
  version     = "5.31.0"
  constraints = "~> 5.0"
  hashes = [
    "h1:XG5BZ3zqaeO9BTEpKOtnTEgqpRWEX2ltNVmFxFjR4kc=",
  ]
}

provider "registry.opentofu.org/hashicorp/random" {
  version = "3.6.0"
}
"#;
        let want =
            "~ registry.opentofu.org/hashicorp/random 3.6.0\n~ registry.terraform.io/hashicorp/aws 5.31.0\n";
        check(&Terraform, "srv/.terraform.lock.hcl", text, want);
        let damaged = b"provider \"a.b/c/d\" {\n version = \"1.0\"\n}\nprovider \"a.b/c/e\" {";
        check(&Terraform, ".terraform.lock.hcl", damaged, "! damaged-lockfile\n~ a.b/c/d 1.0\n");
        check_total(&Terraform, ".terraform.lock.hcl");
    }

    #[test]
    fn installed_providers() {
        let folder = "srv/.terraform/providers/registry.terraform.io/hashicorp/aws/5.31.0/linux_amd64";
        let want = "registry.terraform.io/hashicorp/aws 5.31.0\n";
        check(&Terraform, &format!("{folder}/terraform-provider-aws_v5.31.0_x5"), b"\x7fELF", want);
        check(&Terraform, "opt/terraform-provider-null_v3.2.1", b"", "null 3.2.1\n");
        check(&Terraform, "opt/terraform-provider-aws", b"", "");
        check_total(&Terraform, "terraform-provider-x_v1");
    }
}
