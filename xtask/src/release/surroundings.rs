//! What a release takes from whoever makes it: nothing but what is named.
//!
//! Settings of Cargo, of the compilers and of Assay that happen to be in the environment would change what is built, judged or
//! signed, and nobody would see it in the result.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// What opens a key, where one is given.
const OF_KEYS: &[&str] = &[
    "ASSAY_KEY_PASSWORD",
    "ASSAY_PKCS11_MODULE",
    "ASSAY_PKCS11_PIN",
    "ASSAY_PLUGIN_DIR",
    "COSIGN_PASSWORD",
    "COSIGN_PKCS11_MODULE_PATH",
    "COSIGN_PKCS11_PIN",
];

/// Returns a command without the variables that could change what it makes; `keep` are left to it.
pub(super) fn command(program: impl AsRef<std::ffi::OsStr>, keep: &dyn Fn(&str) -> bool) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_none_or(|name| changes(name) && !keep(name)) {
            command.env_remove(name);
        }
    }
    command
}

/// Returns whether a variable belongs to the key: it opens one, or holds it (`env://NAME`).
pub(super) fn of_key(key: &str, name: &str) -> bool {
    OF_KEYS.contains(&name) || key.strip_prefix("env://") == Some(name)
}

/// Returns whether a variable changes what is built, judged or signed.
fn changes(name: &str) -> bool {
    const PREFIXES: &[&str] = &[
        "ASSAY_",
        "AWS_LC_",
        "CARGO_BUILD_",
        "CARGO_INCREMENTAL",
        "CARGO_ENCODED_",
        "CARGO_PROFILE_",
        "CARGO_TARGET_",
        "CARGO_UNSTABLE_",
        "CMAKE",
        "COSIGN_",
        "CRATE_CC_",
        "RUSTC",
        "RUSTDOC",
        "RUSTFLAGS",
        "SOURCE_DATE_EPOCH",
    ];
    // Each may be for the host, for the target, or end in the name of one; the most particular wins over those that are set here.
    const FLAGS: &[&str] = &["CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "ASFLAGS", "ARFLAGS"];
    const TOOLS: &[&str] = &["CC", "CXX", "AR", "RANLIB"];
    let bare = ["HOST_", "TARGET_"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || FLAGS.iter().any(|flags| bare.starts_with(flags))
        || TOOLS
            .iter()
            .any(|tool| bare.strip_prefix(tool).is_some_and(|rest| rest.is_empty() || rest.starts_with('_')))
}

/// A folder outside of the release and of the workspace that only its owner enters, and that goes with this value: for the key of
/// a trial.
pub(super) struct Private(PathBuf);

impl Private {
    pub(super) fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("assay-release-{}", std::process::id()));
        // Fails when it is there, so that nobody else has prepared it.
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_the_caller_do_not_reach_the_release() {
        for name in [
            "ASSAY_DB",
            "ASSAY_CONFIG",
            "ASSAY_NO_CACHE",
            "CARGO_PROFILE_RELEASE_LTO",
            "CARGO_BUILD_RUSTFLAGS",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_LINKER",
            "CARGO_ENCODED_RUSTFLAGS",
            "RUSTFLAGS",
            "RUSTC_WRAPPER",
            "CFLAGS_x86_64_unknown_linux_musl",
            "TARGET_CFLAGS",
            "HOST_CXXFLAGS",
            "AWS_LC_SYS_NO_ASM",
            "CC",
            "CXX_x86_64_unknown_linux_musl",
            "HOST_AR",
            "TARGET_CC",
            "RANLIB_x86_64-unknown-linux-musl",
            "CARGO_INCREMENTAL",
            "CMAKE_TOOLCHAIN_FILE",
        ] {
            assert!(changes(name), "{name}");
        }
        for name in
            ["PATH", "HOME", "CARGO_HOME", "HTTPS_PROXY", "AWS_PROFILE", "VAULT_TOKEN", "TMPDIR", "ARCH"]
        {
            assert!(!changes(name), "{name}");
        }
        assert!(of_key("k.key", "ASSAY_KEY_PASSWORD") && of_key("env://ASSAY_RELEASE", "ASSAY_RELEASE"));
        assert!(!of_key("env://ASSAY_RELEASE", "ASSAY_DB") && !of_key("k.key", "ASSAY_RELEASE"));
    }

    #[test]
    fn a_trial_leaves_no_key_behind() {
        use std::os::unix::fs::PermissionsExt as _;
        let private = Private::new().unwrap();
        let path = private.path().to_owned();
        fs::write(path.join("assay.key"), "secret").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(Private::new().is_err(), "it is there already");
        drop(private);
        assert!(!path.exists());
    }
}
