//! The step that fixes a finding, as one instruction.

use assay_model::{FixState, Package, PackageKind};

/// Returns what to do about a package with a vulnerability.
pub(crate) fn instruction(package: &Package, fix: FixState, fixed: &[String]) -> String {
    let name = package.full_name();
    match (fix, fixed.first()) {
        (FixState::Fixed, Some(version)) => upgrade(package, &name, version),
        (FixState::Fixed, None) => format!("upgrade `{name}` to a version with the fix"),
        (FixState::NotFixed, _) => {
            format!("no fix has been released; remove `{name}` if it is not needed, or watch for one")
        }
        (FixState::WontFix, _) => {
            format!(
                "the vendor will not fix it; remove `{name}` if it is not needed, or move to a release that has a fix"
            )
        }
        (FixState::EndOfLife, _) => "this release gets no fixes any more; move to a supported one".to_owned(),
        (FixState::Unknown, _) => format!("the source names no fix; see whether a newer `{name}` has one"),
    }
}

/// Returns how to remove a package, with its package manager's own command where it has one.
pub(crate) fn removal(package: &Package) -> String {
    let name = package.full_name();
    let command = match package.kind {
        PackageKind::Deb => format!("apt-get purge {name}"),
        PackageKind::Rpm => format!("dnf remove {name}"),
        PackageKind::Apk => format!("apk del {name}"),
        PackageKind::Pacman => format!("pacman -Rns {name}"),
        PackageKind::Portage => format!("emerge --depclean {name}"),
        PackageKind::Opkg => format!("opkg remove {name}"),
        PackageKind::Python => format!("pip uninstall {name}"),
        PackageKind::Npm => format!("npm uninstall {name}"),
        PackageKind::Gem => format!("gem uninstall {name}"),
        PackageKind::Composer => format!("composer remove {name}"),
        PackageKind::NuGet => format!("dotnet remove package {name}"),
        PackageKind::Go => format!("go get {name}@none"),
        PackageKind::Cargo => format!("cargo remove {name}"),
        PackageKind::Pub => format!("dart pub remove {name}"),
        PackageKind::Cran => format!("Rscript -e 'remove.packages(\"{name}\")'"),
        PackageKind::Cpan => format!("cpanm --uninstall {name}"),
        PackageKind::LuaRocks => format!("luarocks remove {name}"),
        PackageKind::Vcpkg => format!("vcpkg remove {name}"),
        PackageKind::Julia => format!("julia -e 'using Pkg; Pkg.rm(\"{name}\")'"),
        PackageKind::Opam => format!("opam remove {name}"),
        PackageKind::Conda => format!("conda remove {name}"),
        PackageKind::WordPressPlugin => format!("wp plugin delete {name}"),
        PackageKind::WordPressTheme => format!("wp theme delete {name}"),
        PackageKind::Brew => format!("brew uninstall {name}"),
        PackageKind::Snap => format!("snap remove {name}"),
        PackageKind::Flatpak => format!("flatpak uninstall {name}"),
        PackageKind::Maven
        | PackageKind::Hex
        | PackageKind::Otp
        | PackageKind::Swift
        | PackageKind::CocoaPods
        | PackageKind::Hackage
        | PackageKind::Conan
        | PackageKind::Terraform
        | PackageKind::GitHubAction
        | PackageKind::Bitnami
        | PackageKind::Nix
        | PackageKind::Generic => return format!("remove `{name}`: build without it"),
    };
    format!("remove `{name}`: `{command}`, or build without it")
}

fn upgrade(package: &Package, name: &str, version: &str) -> String {
    let plain = version.trim_start_matches('v');
    let command = match package.kind {
        PackageKind::Deb => format!("apt-get install --only-upgrade {name}"),
        PackageKind::Rpm => format!("dnf upgrade {name}"),
        PackageKind::Apk => format!("apk add --upgrade '{name}>={version}'"),
        PackageKind::Pacman => format!("pacman -Syu {name}"),
        PackageKind::Python => format!("pip install '{name}>={version}'"),
        PackageKind::Npm => format!("npm install {name}@{version}"),
        PackageKind::Maven => return format!("raise `{name}` to {version} in the build file"),
        PackageKind::Go if name == "stdlib" => return format!("rebuild with Go {plain} or later"),
        PackageKind::Go => format!("go get {name}@v{plain}"),
        PackageKind::Cargo => format!("cargo update -p {name} --precise {version}"),
        PackageKind::Gem => format!("bundle update {name}"),
        PackageKind::Composer => format!("composer require {name}:^{version}"),
        PackageKind::NuGet => format!("dotnet add package {name} --version {version}"),
        PackageKind::Hex => format!("mix deps.update {name}"),
        PackageKind::Otp => return format!("move to a release of Erlang or Elixir with `{name}` {version}"),
        PackageKind::Pub => format!("dart pub upgrade {name}"),
        PackageKind::Swift => return format!("require {plain} or later of `{name}` in `Package.swift`"),
        PackageKind::CocoaPods => format!("pod update {name}"),
        PackageKind::Hackage => return format!("raise `{name}` to {version} in the project's constraints"),
        PackageKind::Cran => format!("Rscript -e 'install.packages(\"{name}\")'"),
        PackageKind::Cpan => format!("cpanm {name}@{plain}"),
        PackageKind::LuaRocks => format!("luarocks install {name} {version}"),
        PackageKind::Conan => return format!("require `{name}/{version}` or later in the conanfile"),
        PackageKind::Vcpkg => format!("vcpkg upgrade {name}"),
        PackageKind::Julia => format!("julia -e 'using Pkg; Pkg.update(\"{name}\")'"),
        PackageKind::Opam => format!("opam upgrade {name}"),
        PackageKind::Conda => format!("conda install '{name}>={version}'"),
        PackageKind::Terraform => "terraform init -upgrade".to_owned(),
        PackageKind::WordPressPlugin => format!("wp plugin update {name}"),
        PackageKind::WordPressTheme => format!("wp theme update {name}"),
        PackageKind::GitHubAction => return format!("use `{name}@{version}` or later in the workflow"),
        PackageKind::Bitnami => {
            return format!("move to an image of Bitnami with `{name}` {version} or later");
        }
        PackageKind::Portage => format!("emerge --update --oneshot '>={name}-{version}'"),
        PackageKind::Opkg => format!("opkg upgrade {name}"),
        PackageKind::Nix => return format!("move to a channel with `{name}` {version} or later"),
        PackageKind::Brew => format!("brew upgrade {name}"),
        PackageKind::Snap => format!("snap refresh {name}"),
        PackageKind::Flatpak => format!("flatpak update {name}"),
        PackageKind::Generic => return format!("upgrade `{name}` to {version} or later"),
    };
    format!("upgrade `{name}` to {version} or later: `{command}`")
}
