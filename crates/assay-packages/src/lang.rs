//! Programming languages: installed packages and lockfiles.

use assay_analyze::Analyzer;

mod conan_lock;
mod conda;
mod dart_pubspec_lock;
mod dotnet_bundle;
mod dotnet_deps;
mod dotnet_packages_config;
mod dotnet_packages_lock;
mod elixir_mix_lock;
mod erlang_app;
mod erlang_rebar_lock;
mod executable;
mod github_workflow;
mod go_binary;
mod go_mod;
mod haskell_cabal_freeze;
mod haskell_stack_lock;
mod java_archive;
mod java_gradle_lock;
mod java_maven_install;
mod java_pom;
mod julia_manifest;
pub(crate) mod lenient;
mod lockfile;
mod lua_rockspec;
mod node;
mod node_bun_lock;
mod node_bun_lockb;
mod node_deno_lock;
mod node_package_json;
mod node_package_lock;
mod node_pnpm_lock;
mod node_yarn_lock;
mod ocaml_opam;
mod perl;
mod perl_cpanfile_snapshot;
mod perl_install_json;
mod php;
mod php_composer_lock;
mod php_installed;
mod python;
mod python_egg;
mod python_metadata;
mod python_pdm_lock;
mod python_pipfile_lock;
mod python_poetry_lock;
mod python_pylock;
mod python_requirements;
mod python_uv_lock;
mod r_description;
mod r_renv_lock;
mod ruby;
mod ruby_gemfile_lock;
mod ruby_gemspec;
mod rust_auditable;
mod rust_cargo_lock;
mod swift_package_resolved;
mod swift_podfile_lock;
mod terraform;
mod tokens;
mod vcpkg;
mod wordpress;

#[cfg(test)]
use crate::testing;

/// The analyzers, in the order in which they are linked.
pub const ANALYZERS: &[&dyn Analyzer] = &[
    &go_binary::GoBinary,
    &go_mod::GoMod,
    &java_archive::JavaArchive,
    &java_pom::JavaPom,
    &java_gradle_lock::GradleLock,
    &rust_auditable::RustAuditable,
    &rust_cargo_lock::CargoLock,
    &dotnet_deps::DotnetDeps,
    &dotnet_bundle::DotnetBundle,
    &dotnet_packages_lock::DotnetPackagesLock,
    &dotnet_packages_config::DotnetPackagesConfig,
    &node_package_json::NodePackageJson,
    &node_package_lock::PackageLock,
    &node_yarn_lock::YarnLock,
    &node_pnpm_lock::PnpmLock,
    &node_bun_lock::BunLock,
    &python_metadata::PythonMetadata,
    &python_egg::PythonEgg,
    &python_requirements::Requirements,
    &python_pipfile_lock::PipfileLock,
    &python_poetry_lock::PoetryLock,
    &python_pdm_lock::PdmLock,
    &python_uv_lock::UvLock,
    &python_pylock::Pylock,
    &ruby_gemspec::RubyGemspec,
    &ruby_gemfile_lock::GemfileLock,
    &php_installed::ComposerInstalled,
    &php_composer_lock::ComposerLock,
    &elixir_mix_lock::MixLock,
    &erlang_rebar_lock::RebarLock,
    &erlang_app::ErlangApp,
    &dart_pubspec_lock::PubspecLock,
    &swift_package_resolved::PackageResolved,
    &swift_podfile_lock::PodfileLock,
    &haskell_cabal_freeze::CabalFreeze,
    &haskell_stack_lock::StackLock,
    &r_description::RDescription,
    &r_renv_lock::RenvLock,
    &perl_install_json::PerlInstall,
    &perl_cpanfile_snapshot::CpanfileSnapshot,
    &lua_rockspec::Rockspec,
    &terraform::Terraform,
    &ocaml_opam::Opam,
    &conan_lock::ConanLock,
    &vcpkg::Vcpkg,
    &julia_manifest::JuliaManifest,
    &node_deno_lock::DenoLock,
    &node_bun_lockb::BunLockb,
    &java_maven_install::MavenInstall,
    &wordpress::WordPress,
    &github_workflow::GitHubWorkflow,
    &conda::Conda,
];
