//! `cargo xtask corpus`: the images that tests and benches work on, built from the registries' real packages.
//!
//! Each image is a folder `target/corpus/<name>/`: `oci/` is the image as a layout tagged `latest`; `oracle/` holds
//! what the ecosystem's own tool says about its content; other forms (`docker-archive.tar`, …) stand beside them.
//! An image is built in a temporary folder and renamed when complete, so an interrupted run leaves nothing that
//! looks finished; its `stamp` names the recipe's revision, so a second run is instant.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::image::Layout;
use crate::run::{find, is_ci, is_root, output, workspace};

mod alpine_synthetic;
mod apk;
mod buildah_image;
mod debian11_synthetic;
mod debian_minimal;
mod go_app;
mod java_app;
mod kitchen_sink;
mod many_layers;
mod multi_arch;
mod node_app;
mod python_app;
mod rpm;
mod rpm_bdb;
mod rpm_ndb;
mod rpm_sqlite;
mod ruby_php_dotnet;
mod rust_app;
mod umoci_image;
mod wolfi_synthetic;

/// Every image, in building order.
pub(crate) const RECIPES: &[&Recipe] = &[
    &debian_minimal::RECIPE,
    &python_app::RECIPE,
    &node_app::RECIPE,
    &go_app::RECIPE,
    &java_app::RECIPE,
    &rust_app::RECIPE,
    &rpm_sqlite::RECIPE,
    &rpm_ndb::RECIPE,
    &rpm_bdb::RECIPE,
    &alpine_synthetic::RECIPE,
    &wolfi_synthetic::RECIPE,
    &debian11_synthetic::RECIPE,
    &ruby_php_dotnet::RECIPE,
    &many_layers::RECIPE,
    &multi_arch::RECIPE,
    &umoci_image::RECIPE,
    &buildah_image::RECIPE,
    &kitchen_sink::RECIPE,
];

/// Raised when the shared code changes what images contain.
const KIT_REVISION: u32 = 1;

/// How one image is made.
pub(crate) struct Recipe {
    /// Names the folder.
    pub(crate) name: &'static str,
    /// Says what it is for.
    pub(crate) about: &'static str,
    /// Raised with every change to the recipe; cached images of another revision are built again.
    pub(crate) revision: u32,
    /// The programs it calls; an image whose programs are missing is left out with a message.
    pub(crate) needs: &'static [&'static str],
    /// Further forms of the image, made by skopeo.
    pub(crate) forms: &'static [Form],
    /// Fills the kit's folder.
    pub(crate) build: fn(&Kit) -> Result<()>,
}

/// A form of the same image that skopeo derives from the layout.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// `docker-archive.tar`, as `docker save` writes it.
    DockerArchive,
    /// `oci-archive.tar`, the layout in a tar.
    OciArchive,
    /// `oci-zstd/`, a layout with zstd layers.
    OciZstd,
}

impl Form {
    /// All forms.
    pub(crate) const ALL: &'static [Self] = &[Self::DockerArchive, Self::OciArchive, Self::OciZstd];

    fn derive(self, folder: &Path, name: &str) -> Result<()> {
        let from = format!("oci:{}:latest", folder.join("oci").display());
        let mut command = Command::new("skopeo");
        command.args(["copy", "--quiet", "--insecure-policy"]);
        match self {
            Self::DockerArchive => {
                let to = folder.join("docker-archive.tar");
                command.arg(&from).arg(format!("docker-archive:{}:assay.test/{name}:latest", to.display()));
            }
            Self::OciArchive => {
                let to = folder.join("oci-archive.tar");
                command.arg(&from).arg(format!("oci-archive:{}:latest", to.display()));
            }
            Self::OciZstd => {
                let to = folder.join("oci-zstd");
                command.args(["--dest-compress", "--dest-compress-format", "zstd"]).arg(&from);
                command.arg(format!("oci:{}:latest", to.display()));
            }
        }
        output(&mut command).map(|_| ())
    }
}

/// What a recipe works with: its folder, a scratch folder and the parts it shares with others.
pub(crate) struct Kit {
    folder: PathBuf,
    corpus: PathBuf,
    /// The host's settings for pip as environment variables, so that a pip inside a root uses the same index.
    pub(crate) pip_settings: Vec<(&'static str, String)>,
}

impl Kit {
    /// Returns a path in the image's own folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Starts the image's layout.
    pub(crate) fn layout(&self) -> Result<Layout> {
        Layout::create(&self.path("oci"))
    }

    /// Returns a new empty folder that is removed when the image is complete.
    pub(crate) fn scratch(&self, name: &str) -> Result<PathBuf> {
        let scratch = self.path(".scratch");
        fs::create_dir_all(&scratch)?;
        let mut path = scratch.join(name);
        let mut number = 1;
        while path.exists() {
            number += 1;
            path = scratch.join(format!("{name}-{number}"));
        }
        fs::create_dir(&path)?;
        Ok(path)
    }

    /// Stores what a tool said about the image's content.
    pub(crate) fn oracle(&self, name: &str, text: impl AsRef<[u8]>) -> Result<()> {
        crate::stage::write(&self.folder, &format!("oracle/{name}"), text)
    }

    /// Returns the folder of something several images contain, made by `make` the first time.
    pub(crate) fn part(
        &self,
        name: &str,
        revision: u32,
        make: fn(&Self, &Path) -> Result<()>,
    ) -> Result<PathBuf> {
        let done = self.corpus.join(format!(".parts/{name}-{revision}"));
        if !done.exists() {
            let partial = self.corpus.join(format!(".parts/.{name}-{}", std::process::id()));
            fs::create_dir_all(&partial)?;
            make(self, &partial).with_context(|| format!("cannot make the part `{name}`"))?;
            fs::rename(&partial, &done)?;
        }
        Ok(done)
    }
}

/// Returns the folder of all images: `$ASSAY_CORPUS`, or `target/corpus` of the workspace.
pub(crate) fn folder() -> PathBuf {
    std::env::var_os("ASSAY_CORPUS").map_or_else(|| workspace().join("target/corpus"), PathBuf::from)
}

/// Returns the layouts of the images that are built, by name.
pub(crate) fn built() -> Vec<(String, PathBuf)> {
    let layout = |recipe: &&Recipe| (recipe.name.to_owned(), folder().join(recipe.name).join("oci"));
    RECIPES.iter().map(layout).filter(|(_, layout)| layout.join("index.json").is_file()).collect()
}

/// Prints the table of images.
pub(crate) fn list() {
    for recipe in RECIPES {
        let state = if is_fresh(recipe) { "built" } else { "" };
        println!("{:20} {:6} {}", recipe.name, state, recipe.about);
    }
}

/// Builds the images named, or all of them; returns the names of those left out.
pub(crate) fn build(names: &[String]) -> Result<Vec<String>> {
    if let Some(unknown) = names.iter().find(|name| RECIPES.iter().all(|r| r.name != name.as_str())) {
        bail!("there is no image `{unknown}`; `cargo xtask corpus --list` shows them");
    }
    let mut missing = Vec::new();
    let wanted = RECIPES.iter().filter(|r| names.is_empty() || names.iter().any(|name| name == r.name));
    let stale: Vec<_> = wanted.filter(|recipe| !is_fresh(recipe)).collect();
    if stale.is_empty() {
        println!("corpus: everything is built in {}", folder().display());
        return Ok(missing);
    }
    if !is_root() {
        return as_root(names);
    }
    for recipe in stale {
        let lacking: Vec<_> = recipe.needs.iter().copied().filter(|tool| find(tool).is_none()).collect();
        let result = if lacking.is_empty() {
            build_one(recipe)
        } else {
            Err(anyhow::anyhow!("missing: {} (`cargo xtask tools` installs them)", lacking.join(", ")))
        };
        if let Err(error) = result {
            println!("corpus: {:20} LEFT OUT: {error:#}", recipe.name);
            missing.push(recipe.name.to_owned());
        }
    }
    if is_ci() && !missing.is_empty() {
        bail!("images could not be built: {}", missing.join(", "));
    }
    Ok(missing)
}

// Boot-strapping a root and changing into it needs root; the images are given back to the caller afterwards.
fn as_root(names: &[String]) -> Result<Vec<String>> {
    let Some(sudo) = find("sudo") else {
        println!("corpus: LEFT OUT: building images needs root, and there is no sudo");
        return if is_ci() { bail!("images need root") } else { Ok(vec!["all".to_owned()]) };
    };
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(&sudo);
    command.args(["-n", "-E", "env"]).arg(format!("PATH={path}")).arg(std::env::current_exe()?).arg("corpus");
    let built = crate::run::visible(command.args(names));
    let owner = output(Command::new("id").arg("-u"))?;
    output(Command::new(sudo).args(["-n", "chown", "-R", owner.trim()]).arg(folder()))?;
    match built {
        Ok(()) => Ok(Vec::new()),
        Err(error) if is_ci() => Err(error),
        Err(error) => {
            println!("corpus: LEFT OUT: {error:#}");
            Ok(vec!["all".to_owned()])
        }
    }
}

fn build_one(recipe: &Recipe) -> Result<()> {
    let start = Instant::now();
    let corpus = folder();
    fs::create_dir_all(&corpus)?;
    let work = corpus.join(format!(".{}.partial", recipe.name));
    if work.exists() {
        fs::remove_dir_all(&work).context("cannot clear an interrupted build")?;
    }
    fs::create_dir(&work)?;
    let kit = Kit { folder: work.clone(), corpus: corpus.clone(), pip_settings: pip_settings() };
    (recipe.build)(&kit)?;
    for form in recipe.forms {
        form.derive(&work, recipe.name)?;
    }
    let scratch = work.join(".scratch");
    if scratch.exists() {
        fs::remove_dir_all(scratch)?;
    }
    fs::write(work.join("about.txt"), format!("{}\n", recipe.about))?;
    fs::write(work.join("stamp"), stamp(recipe))?;
    let done = corpus.join(recipe.name);
    if done.exists() {
        fs::remove_dir_all(&done)?;
    }
    fs::rename(&work, &done)?;
    println!("corpus: {:20} built in {:.1} s", recipe.name, start.elapsed().as_secs_f64());
    Ok(())
}

fn is_fresh(recipe: &Recipe) -> bool {
    fs::read_to_string(folder().join(recipe.name).join("stamp")).is_ok_and(|text| text == stamp(recipe))
}

fn stamp(recipe: &Recipe) -> String {
    format!("{} {KIT_REVISION}.{}\n", recipe.name, recipe.revision)
}

fn pip_settings() -> Vec<(&'static str, String)> {
    [("index-url", "PIP_INDEX_URL"), ("extra-index-url", "PIP_EXTRA_INDEX_URL"), ("proxy", "PIP_PROXY")]
        .into_iter()
        .filter_map(|(key, name)| {
            let mut command = Command::new("python3");
            command.args(["-m", "pip", "config", "get", &format!("global.{key}")]);
            output(&mut command).ok().map(|value| (name, value.trim().to_owned()))
        })
        .collect()
}
