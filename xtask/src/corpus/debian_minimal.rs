//! `debian-minimal`: one layer, as a distribution publishes its base image.

use anyhow::Result;

use super::{Form, Kit, Recipe};
use crate::stage::Stage;

pub(super) const RECIPE: Recipe = Recipe {
    name: "debian-minimal",
    about: "Debian 12 minbase in one layer (oracle: dpkg-query)",
    revision: 1,
    needs: &["mmdebstrap", "skopeo"],
    forms: Form::ALL,
    build,
};

fn build(kit: &Kit) -> Result<()> {
    let mut layout = kit.layout()?;
    let stage = Stage::debian(kit, &layout)?;
    stage.dpkg_oracle()?;
    let image = stage.finish()?;
    layout.tag(image, "latest");
    layout.finish()
}
