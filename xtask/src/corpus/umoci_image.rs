//! `umoci-image`: the same minimal Debian packed by umoci, with a second layer from its own unpack and repack.

use std::fs;
use std::process::Command;

use anyhow::Result;

use super::{Kit, Recipe};
use crate::run::output;
use crate::stage::Stage;

pub(super) const RECIPE: Recipe = Recipe {
    name: "umoci-image",
    about: "minimal Debian written by umoci in two layers, the second deleting a package (oracle: dpkg-query)",
    revision: 1,
    needs: &["mmdebstrap", "umoci"],
    forms: &[],
    build,
};

fn build(kit: &Kit) -> Result<()> {
    let layout = kit.path("oci");
    let name = format!("{}:latest", layout.display());
    let umoci = |arguments: &[&str]| {
        let mut command = Command::new("umoci");
        command.args(arguments);
        command
    };
    output(umoci(&["init", "--layout"]).arg(&layout))?;
    output(&mut umoci(&["new", "--image", &name]))?;
    let scrap = crate::image::Layout::create(&kit.scratch("scrap")?)?;
    let debian = Stage::debian(kit, &scrap)?;
    let bundle = kit.scratch("bundle")?.join("b");
    output(umoci(&["unpack", "--image", &name]).arg(&bundle))?;
    let root = bundle.join("rootfs");
    output(Command::new("cp").args(["-a", "-T"]).arg(debian.root()).arg(&root))?;
    let history = |text: &str| format!("--history.created_by={text}");
    output(
        umoci(&["repack", "--refresh-bundle", "--image", &name])
            .arg(history("umoci repack base"))
            .arg(&bundle),
    )?;
    // The root of the stage and of the bundle are equal, so the stage's dpkg can tell what the bundle will hold.
    debian.shell("dpkg --purge --force-remove-essential --force-depends hostname")?;
    debian.dpkg_oracle()?;
    for path in [
        "var/lib/dpkg/status",
        "var/lib/dpkg/info/hostname.list",
        "var/lib/dpkg/info/hostname.md5sums",
        "bin/hostname",
    ] {
        let from = debian.root().join(path);
        if from.exists() {
            fs::copy(&from, root.join(path))?;
        } else {
            fs::remove_file(root.join(path))?;
        }
    }
    output(umoci(&["repack", "--image", &name]).arg(history("dpkg --purge hostname")).arg(&bundle))?;
    output(&mut umoci(&["config", "--image", &name, "--config.cmd", "bash", "--no-history"]))?;
    debian.finish()?;
    Ok(())
}
