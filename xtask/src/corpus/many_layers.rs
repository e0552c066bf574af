//! `many-layers`: more than forty layers that add, overwrite, delete, replace and link.
//!
//! Real packages take part: requests is upgraded by pip in a later layer, hostname is removed by dpkg, tzdata is
//! installed and removed again, and a folder with a package inside is replaced as a whole (an opaque directory).

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;

use anyhow::{Result, bail};

use super::{Form, Kit, Recipe};
use crate::stage::Stage;

pub(super) const RECIPE: Recipe = Recipe {
    name: "many-layers",
    about: "40+ layers with whiteouts, opaque directories, hard links and upgrades (oracle: dpkg, pip, paths.txt)",
    revision: 1,
    needs: &["mmdebstrap", "skopeo", "python3"],
    forms: &[Form::DockerArchive],
    build,
};

fn build(kit: &Kit) -> Result<()> {
    let mut layout = kit.layout()?;
    let mut stage = Stage::debian(kit, &layout)?;
    stage.run(
        "apt-get update && apt-get install -y --no-install-recommends python3 python3-venv && \
         rm -rf /var/lib/apt/lists/*",
    )?;
    stage.run("python3 -m venv /opt/venv")?;
    let pip = "/opt/venv/bin/pip install --no-cache-dir --no-compile --no-deps";
    stage.run(&format!("{pip} requests==2.30.0 idna==3.4 certifi==2022.12.7"))?;
    stage.run(&format!("{pip} urllib3==1.26.15 charset-normalizer==3.1.0 Jinja2==3.1.2"))?;
    // A later layer upgrades: the old dist-info folder becomes a whiteout, the new one appears.
    stage.run(&format!("{pip} requests==2.31.0"))?;
    stage.run("/opt/venv/bin/pip uninstall -y Jinja2")?;
    stage.run("dpkg --purge --force-remove-essential --force-depends hostname")?;
    stage.run("apt-get update && apt-get install -y tzdata && rm -rf /var/lib/apt/lists/*")?;
    stage.run("apt-get purge -y tzdata")?;

    // A vendored package in a folder that a later layer replaces as a whole.
    let metadata = |name: &str, version: &str| {
        (
            format!("srv/vendor/{name}-{version}.dist-info/METADATA"),
            format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"),
        )
    };
    for (name, version) in [("sqlparse", "0.4.3"), ("pytz", "2022.7")] {
        let (path, text) = metadata(name, version);
        stage.write(&path, text)?;
    }
    stage.commit("COPY vendor /srv/vendor # buildkit")?;
    fs::rename(stage.root().join("srv/vendor"), stage.root().join("srv/.old"))?;
    let (path, text) = metadata("sqlparse", "0.4.4");
    stage.write(&path, text)?;
    fs::remove_dir_all(stage.root().join("srv/.old"))?;
    stage.commit("RUN /bin/sh -c rm -rf /srv/vendor && cp -r /build/vendor /srv/vendor # buildkit")?;

    // Hard links in one layer, one of which a later layer removes, another it overwrites.
    stage.write("srv/links/first", "one file under three names\n")?;
    fs::hard_link(stage.root().join("srv/links/first"), stage.root().join("srv/links/second"))?;
    fs::hard_link(stage.root().join("srv/links/first"), stage.root().join("srv/links/third"))?;
    stage.commit("COPY links /srv/links # buildkit")?;
    fs::remove_file(stage.root().join("srv/links/first"))?;
    stage.commit("RUN /bin/sh -c rm /srv/links/first # buildkit")?;
    fs::remove_file(stage.root().join("srv/links/second"))?;
    stage.write("srv/links/second", "another file\n")?;
    stage.commit("RUN /bin/sh -c echo another file > /srv/links/second # buildkit")?;

    // A folder becomes a file, a file becomes a folder, a folder becomes a link.
    stage.write("srv/shape/folder/inside", "text\n")?;
    stage.write("srv/shape/file", "text\n")?;
    stage.write("srv/shape/tolink/inside", "text\n")?;
    stage.commit("COPY shape /srv/shape # buildkit")?;
    let shape = stage.root().join("srv/shape");
    fs::remove_dir_all(shape.join("folder"))?;
    fs::write(shape.join("folder"), "now a file\n")?;
    fs::remove_file(shape.join("file"))?;
    stage.write("srv/shape/file/inside", "now in a folder\n")?;
    fs::remove_dir_all(shape.join("tolink"))?;
    symlink("/srv/links", shape.join("tolink"))?;
    stage.commit("RUN /bin/sh -c /build/reshape # buildkit")?;

    // Names that only PAX or GNU headers can hold.
    let long = format!("srv/long/{}/{}", "d".repeat(120), "f".repeat(180));
    stage.write(&long, "long\n")?;
    stage.write("srv/long/grüße aus köln.txt", "utf-8\n")?;
    stage.commit("COPY long /srv/long # buildkit")?;

    // Many small layers; every fifth removes what an earlier one added.
    for number in 0..30 {
        let path = format!("srv/parts/{number:02}.txt");
        if number % 5 == 4 {
            let old = format!("srv/parts/{:02}.txt", number - 3);
            fs::remove_file(stage.root().join(&old))?;
            stage.commit(&format!("RUN /bin/sh -c rm /{old} # buildkit"))?;
        } else {
            stage.write(&path, format!("part {number}\n"))?;
            stage.write("srv/parts/latest", format!("{number}\n"))?;
            stage.commit(&format!("COPY parts/{number:02}.txt /srv/parts/ # buildkit"))?;
        }
    }
    stage.dpkg_oracle()?;
    kit.oracle("pip.json", stage.shell("/opt/venv/bin/pip list --format json")?)?;
    kit.oracle("paths.txt", paths(&stage)?)?;
    let image = stage.finish()?;
    layout.tag(image, "latest");
    layout.finish()
}

/// Lists what must exist (`+`) and what must not (`-`) when all layers are applied.
fn paths(stage: &Stage<'_>) -> Result<String> {
    let site = "opt/venv/lib/python3.11/site-packages";
    let mut text = String::new();
    let mut note = |path: &str| -> Result<()> {
        let there = stage.root().join(path).symlink_metadata().is_ok();
        writeln!(text, "{} {path}", if there { '+' } else { '-' })?;
        Ok(())
    };
    for path in [
        &format!("{site}/requests-2.31.0.dist-info/METADATA"),
        &format!("{site}/requests-2.30.0.dist-info/METADATA"),
        &format!("{site}/Jinja2-3.1.2.dist-info/METADATA"),
        "usr/bin/hostname",
        "usr/share/zoneinfo/UTC",
        "srv/vendor/sqlparse-0.4.4.dist-info/METADATA",
        "srv/vendor/sqlparse-0.4.3.dist-info/METADATA",
        "srv/vendor/pytz-2022.7.dist-info/METADATA",
        "srv/.old",
        "srv/links/first",
        "srv/links/second",
        "srv/links/third",
        "srv/shape/folder",
        "srv/shape/folder/inside",
        "srv/shape/file/inside",
        "srv/shape/tolink",
        "srv/long/grüße aus köln.txt",
    ] {
        note(path)?;
    }
    for number in 0..30 {
        note(&format!("srv/parts/{number:02}.txt"))?;
    }
    if text.contains("+ opt/venv/lib/python3.11/site-packages/requests-2.30.0") {
        bail!("pip did not replace requests");
    }
    Ok(text)
}
