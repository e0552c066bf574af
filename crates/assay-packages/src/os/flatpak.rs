//! Flatpak: the `metadata` of each deployed application and runtime,
//! `flatpak/{app,runtime}/<id>/<arch>/<branch>/<commit>/metadata` (<https://docs.flatpak.org/en/latest/flatpak-command-reference.html>).
//!
//! Identity is in the folders. A deployment has no version but its branch: a runtime's is its release (`23.08`), an
//! application's usually `stable`; the commit, which tells builds apart, means nothing to advisories.

use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Inventory, Package, PackageKind};

/// Reads Flatpak's deployments.
pub(super) struct Flatpak;

impl Analyzer for Flatpak {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "flatpak", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Within("flatpak/app/", "/metadata"), Select::Within("flatpak/runtime/", "/metadata")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let parts: Vec<&str> = file.path.rsplit('/').collect();
        let [_, commit, branch, architecture, id, "app" | "runtime", "flatpak", ..] = parts[..] else {
            return;
        };
        if commit.len() != 64 {
            return;
        }
        let Some(text) = file.text(out) else { return };
        let mut package = Package::new(PackageKind::Flatpak, id, branch);
        package.architecture = Some(architecture.to_owned());
        // `runtime=org.gnome.Platform/x86_64/45` in the first group.
        let value = text.lines().find_map(|line| line.trim().strip_prefix("runtime="));
        package.requires.extend(value.and_then(|runtime| runtime.split('/').next()).map(str::to_owned));
        out.package(package);
    }

    fn link(&self, inventory: &mut Inventory) {
        super::link_by_provides(inventory, PackageKind::Flatpak);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{analyze, packages};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn deployments() {
        let text = b"[Application]\nname=org.gnome.gedit\nruntime=org.gnome.Platform/x86_64/45\nsdk=org.gnome.Sdk/x86_64/45\n";
        let folder = "var/lib/flatpak/app/org.gnome.gedit/x86_64/stable";
        let facts = analyze(&Flatpak, &format!("{folder}/{}/metadata", "0a".repeat(32)), text);
        let package = packages(&facts)[0];
        assert_eq!((package.name.as_str(), package.version.as_str()), ("org.gnome.gedit", "stable"));
        assert_eq!(package.requires, ["org.gnome.Platform"]);
        assert!(packages(&analyze(&Flatpak, &format!("{folder}/active/metadata"), text)).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
        #[test]
        fn any_text_is_survived(path in "[a-z/]{0,20}", text in "(runtime=|[a-z/=]|\n){0,20}") {
            analyze(&Flatpak, &format!("{path}/flatpak/app/a/b/c/{}/metadata", "0".repeat(64)), text.as_bytes());
            analyze(&Flatpak, &path, text.as_bytes());
        }
    }
}
