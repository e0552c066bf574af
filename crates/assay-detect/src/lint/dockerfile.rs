//! The checks of Dockerfiles and Containerfiles: one file each, and the list of them all.
//!
//! They cover the rules of hadolint (<https://github.com/hadolint/hadolint>) that matter for safety and repeatability, under our
//! own names with its numbers as aliases, and what it does not look for: downloads that are run, secrets, rights.

use super::Lint;

mod add_from_url;
mod add_instead_of_copy;
mod administrative_port;
mod apt;
mod cd_instead_of_workdir;
mod change_shell;
mod consecutive_runs;
mod copy_from_self;
mod copy_from_unknown;
mod copy_many_without_folder;
mod copy_relative;
mod copy_then_extract;
mod curl_and_wget;
mod duplicate_stage_name;
mod forbidden_onbuild;
mod insecure_download;
mod insecure_run;
mod invalid_instruction;
mod invalid_label_key;
mod invalid_port;
mod large_uid;
mod latest_tag;
mod maintainer;
mod missing_healthcheck;
mod multiple_cmd;
mod multiple_entrypoint;
mod multiple_healthcheck;
mod no_assume_yes;
mod package_cache_left;
mod password_in_command;
mod pipe_to_shell;
mod pipe_without_pipefail;
mod platform;
mod pointless_command;
mod recommended_packages;
mod relative_workdir;
mod root_user;
mod secret_file_copied;
mod secret_in_variable;
mod self_reference_in_env;
mod sensitive_volume;
mod setuid;
mod shell_form;
mod sudo;
mod syntax;
mod unauthenticated_package;
mod unpinned_digest;
mod unpinned_library;
mod unpinned_package;
mod untagged_image;
mod unverified_download;
mod update_alone;
mod upgrade;
mod wget_progress;
mod world_writable;

pub use syntax::{Dockerfile, Heredoc, Instruction, Stage, parse};

/// Every check, those of safety first.
pub const LINTS: &[&Lint<Dockerfile>] = &[
    &root_user::LINT,
    &sudo::LINT,
    &secret_in_variable::LINT,
    &secret_file_copied::LINT,
    &password_in_command::LINT,
    &world_writable::LINT,
    &setuid::LINT,
    &insecure_run::LINT,
    &pipe_to_shell::LINT,
    &unverified_download::LINT,
    &insecure_download::LINT,
    &unauthenticated_package::LINT,
    &add_from_url::LINT,
    &add_instead_of_copy::LINT,
    &untagged_image::LINT,
    &latest_tag::LINT,
    &unpinned_digest::LINT,
    &platform::LINT,
    &upgrade::LINT,
    &update_alone::LINT,
    &unpinned_package::LINT,
    &unpinned_library::LINT,
    &no_assume_yes::LINT,
    &recommended_packages::LINT,
    &package_cache_left::LINT,
    &apt::LINT,
    &curl_and_wget::LINT,
    &pipe_without_pipefail::LINT,
    &cd_instead_of_workdir::LINT,
    &change_shell::LINT,
    &pointless_command::LINT,
    &large_uid::LINT,
    &consecutive_runs::LINT,
    &missing_healthcheck::LINT,
    &multiple_healthcheck::LINT,
    &multiple_cmd::LINT,
    &multiple_entrypoint::LINT,
    &shell_form::LINT,
    &invalid_port::LINT,
    &administrative_port::LINT,
    &sensitive_volume::LINT,
    &invalid_instruction::LINT,
    &relative_workdir::LINT,
    &copy_many_without_folder::LINT,
    &copy_from_unknown::LINT,
    &copy_from_self::LINT,
    &duplicate_stage_name::LINT,
    &forbidden_onbuild::LINT,
    &self_reference_in_env::LINT,
    &copy_relative::LINT,
    &invalid_label_key::LINT,
    &maintainer::LINT,
    &copy_then_extract::LINT,
    &wget_progress::LINT,
];
