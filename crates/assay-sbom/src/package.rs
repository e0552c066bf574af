//! A package as a component, and a component as a package: also one that another tool wrote.
//!
//! The package URL says most of it. What it leaves out comes from the fields of the component, from Assay's own properties, and
//! from those of Syft and Trivy (their names for the source package differ from each other and between package managers).
//! Writing compares with reading and adds properties only for what would not come back.

use crate::document::{Class, Component};
use crate::property as names;
use crate::spdx2::from_model::split_group;
use assay_model::{
    Origin, Os, Package, PackageKind, Purl, SourcePackage, Usage, UsageStep, distro, software,
};

/// Returns the component that stands for a package; without dependencies and places.
pub(crate) fn component(package: &Package, os: Option<&Os>) -> Component {
    let mut purl = package.purl(os);
    if package.kind.is_os()
        && let Some(source) = &package.source
    {
        purl.qualifiers.insert("upstream".to_owned(), format!("{}@{}", source.name, source.version));
    }
    let scope = |name: &str| {
        let (scope, rest) = name.split_once('/').filter(|_| name.starts_with('@'))?;
        Some((Some(scope.to_owned()), rest.to_owned()))
    };
    let (group, name) =
        scope(&package.name).unwrap_or_else(|| (package.namespace.clone(), package.name.clone()));
    let mut component = Component {
        class: Class::Library,
        group,
        name,
        version: package.version.clone(),
        purl: Some(purl.to_string()),
        supplier: package.vendor.clone(),
        licenses: package.licenses.clone(),
        ..Component::default()
    };
    state_what_is_lost(package, &mut component);
    if let Some(module) = &package.module {
        component.set(names::MODULE, module.as_str());
    }
    if package.origin == Origin::Declared {
        component.set(names::ORIGIN, "declared");
    }
    match package.usage {
        Usage::Used => component.set(names::USAGE, "used"),
        Usage::Unused => component.set(names::USAGE, "unused"),
        Usage::Unknown => {}
    }
    for (number, step) in package.usage_evidence.iter().enumerate() {
        component.set(format!("{}{number}:path", names::USAGE_STEP), step.path.as_str());
        component.set(format!("{}{number}:how", names::USAGE_STEP), step.how.as_str());
    }
    if let Some(size) = package.installed_size {
        component.set(names::INSTALLED_SIZE, size.to_string());
    }
    if package.essential {
        component.set(names::ESSENTIAL, "true");
    }
    for purl in &package.contains {
        component.set(names::CONTAINS, purl.as_str());
    }
    component
}

/// Reads the component back, and adds properties for what differs: from a format that keeps its group, and from one (SPDX) that
/// has only the whole name, to be taken apart with the help of the purl.
fn state_what_is_lost(package: &Package, component: &mut Component) {
    if let Some(read) = self::package(component) {
        state_what_differs(package, &read.package, component);
    }
    let (group, name) = split_group(&component.full_name(), component.purl.as_deref());
    if let Some(read) = self::package(&Component { group, name, ..component.clone() }) {
        state_what_differs(package, &read.package, component);
    }
}

fn state_what_differs(package: &Package, read: &Package, component: &mut Component) {
    let mut state = |name: &str, have: Option<&str>, want: Option<&str>| {
        if have != want {
            component.set(name, want.unwrap_or_default());
        }
    };
    state(names::NAME, Some(&read.name), Some(&package.name));
    state(names::NAMESPACE, read.namespace.as_deref(), package.namespace.as_deref());
    state(names::VERSION, Some(&read.version), Some(&package.version));
    state(names::ARCHITECTURE, read.architecture.as_deref(), package.architecture.as_deref());
    state(names::VENDOR, read.vendor.as_deref(), package.vendor.as_deref());
    let name = |source: &Option<SourcePackage>| source.as_ref().map(|source| source.name.clone());
    let version = |source: &Option<SourcePackage>| source.as_ref().map(|source| source.version.clone());
    if read.source != package.source {
        component.set(names::SOURCE_NAME, name(&package.source).unwrap_or_default());
        component.set(names::SOURCE_VERSION, version(&package.source).unwrap_or_default());
    }
}

/// A package read from a component.
pub(crate) struct Found {
    /// The package, without places and dependencies.
    pub(crate) package: Package,
    /// The identifier and version of the operating system that its purl names.
    pub(crate) os: Option<(String, String)>,
}

/// Returns the package that a component is; `None` for what is none: files, images, operating systems, lockfiles.
pub(crate) fn package(component: &Component) -> Option<Found> {
    let purl = component.purl.as_deref().and_then(|purl| purl.parse::<Purl>().ok());
    let mut found = match purl {
        Some(purl) if matches!(purl.kind.as_str(), "oci" | "docker") => return None,
        Some(purl) => from_purl(component, &purl),
        None => without_purl(component)?,
    };
    let package = &mut found.package;
    package.licenses.clone_from(&component.licenses);
    let stated = component.supplier.as_deref().map(str::trim).filter(|supplier| !supplier.is_empty());
    // Conda's channel stands in the purl.
    if package.vendor.is_none() {
        package.vendor = stated.filter(|supplier| *supplier != "NOASSERTION").map(str::to_owned);
    }
    foreign_source(component, package);
    own_properties(component, package);
    if package.name.is_empty() {
        return None;
    }
    Some(found)
}

fn from_purl(component: &Component, purl: &Purl) -> Found {
    let kind = PackageKind::ALL.into_iter().find(|kind| kind.purl_type() == purl.kind);
    let Some(kind) = kind else {
        // A type nobody here knows must not be taken for known software of the same name.
        let name = format!("{}:{}", purl.kind, component.full_name());
        let package = Package::new(PackageKind::Generic, name, component.version.as_str());
        return Found { package, os: None };
    };
    let (namespace, name) = name_of(kind, component, purl);
    let mut version = if component.version.is_empty() {
        purl.version.clone().unwrap_or_default()
    } else {
        component.version.clone()
    };
    if let Some(epoch) = purl.qualifiers.get("epoch").filter(|epoch| *epoch != "0")
        && !version.starts_with(&format!("{epoch}:"))
    {
        version = format!("{epoch}:{version}");
    }
    if kind == PackageKind::Go && name == "stdlib" {
        version = version.trim_start_matches("go").trim_start_matches('v').to_owned();
    }
    let mut package = Package::new(kind, name, version);
    package.namespace = namespace;
    let qualifier = |key: &str| purl.qualifiers.get(key).cloned();
    match kind {
        PackageKind::Conda => {
            (package.architecture, package.vendor) = (qualifier("subdir"), qualifier("channel"));
        }
        PackageKind::Deb
        | PackageKind::Rpm
        | PackageKind::Apk
        | PackageKind::Pacman
        | PackageKind::Opkg
        | PackageKind::Snap
        | PackageKind::Flatpak
        | PackageKind::Bitnami => package.architecture = qualifier("arch"),
        _ => {}
    }
    package.module = qualifier("rpmmod");
    if kind.is_os()
        && let Some(upstream) = purl.qualifiers.get("upstream")
    {
        package.source = Some(upstream_of(upstream, &package));
    }
    // Portage's namespace is the category, opkg has none.
    let names_os =
        matches!(kind, PackageKind::Deb | PackageKind::Rpm | PackageKind::Apk | PackageKind::Pacman);
    let os = names_os.then(|| os_of(purl)).flatten();
    Found { package, os }
}

/// Returns namespace and name in the ecosystem's spelling: that of the component, where it means what the purl says.
fn name_of(kind: PackageKind, component: &Component, purl: &Purl) -> (Option<String>, String) {
    let group = component.group.as_deref().filter(|group| !group.is_empty());
    let joined = matches!(
        kind,
        PackageKind::Npm
            | PackageKind::Go
            | PackageKind::Swift
            | PackageKind::Terraform
            | PackageKind::GitHubAction
    );
    let join = |namespace: Option<&str>, name: &str| match namespace {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.to_owned(),
    };
    let mut candidate = Package::new(kind, component.name.as_str(), "");
    if joined {
        candidate.name = join(group, &component.name);
    } else if !kind.is_os() || kind == PackageKind::Portage {
        candidate.namespace = group.map(str::to_owned);
    }
    let own = candidate.purl(None);
    let same_namespace = own.namespace == purl.namespace || (kind.is_os() && own.namespace.is_none());
    if own.name == purl.name && same_namespace {
        return (candidate.namespace, candidate.name);
    }
    let namespace = purl.namespace.as_deref();
    if joined {
        (None, join(namespace, &purl.name))
    } else if kind.is_os() && kind != PackageKind::Portage {
        (None, purl.name.clone())
    } else {
        (namespace.map(str::to_owned), purl.name.clone())
    }
}

/// Reads the qualifier `upstream`: `name`, `name@version`, or the file of a source RPM.
fn upstream_of(text: &str, package: &Package) -> SourcePackage {
    if let Some(source) = source_rpm(text, package) {
        return source;
    }
    match text.rsplit_once('@').filter(|(name, version)| !name.is_empty() && !version.is_empty()) {
        Some((name, version)) => SourcePackage { name: name.to_owned(), version: version.to_owned() },
        None => SourcePackage { name: text.to_owned(), version: package.version.clone() },
    }
}

/// Reads the name of a source RPM's file, which leaves out the epoch.
fn source_rpm(text: &str, package: &Package) -> Option<SourcePackage> {
    let stem = text.strip_suffix(".src.rpm").or_else(|| text.strip_suffix(".nosrc.rpm"))?;
    let (rest, release) = stem.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    let epoch = package.epoch().0.map(|epoch| format!("{epoch}:")).unwrap_or_default();
    Some(SourcePackage { name: name.to_owned(), version: format!("{epoch}{version}-{release}") })
}

/// Returns the operating system a purl names: its namespace, and what follows it in the qualifier `distro`.
fn os_of(purl: &Purl) -> Option<(String, String)> {
    let namespace = purl.namespace.clone().unwrap_or_default();
    let Some(distro) = purl.qualifiers.get("distro") else {
        return (!namespace.is_empty()).then_some((namespace, String::new()));
    };
    // `opensuse-leap-15.4`: a known identifier decides where the version starts; else the last hyphen before a digit.
    let known = [Some(namespace.as_str()), distro::DISTROS.iter().map(|it| it.id).find(|id| *id == distro)];
    for id in known.into_iter().flatten().filter(|id| !id.is_empty()) {
        if let Some(rest) = distro.strip_prefix(id) {
            return Some((id.to_owned(), rest.strip_prefix('-').unwrap_or(rest).to_owned()));
        }
    }
    match distro.rsplit_once('-') {
        Some((id, version)) if version.starts_with(|char: char| char.is_ascii_digit()) => {
            Some((id.to_owned(), version.to_owned()))
        }
        // Trivy's purls of RPM-based systems have only the version there.
        _ if distro.starts_with(|char: char| char.is_ascii_digit()) && !namespace.is_empty() => {
            Some((namespace, distro.clone()))
        }
        _ => Some((distro.clone(), String::new())),
    }
}

/// Software known by a name of NVD's, or by nothing but its own.
fn without_purl(component: &Component) -> Option<Found> {
    if !matches!(component.class, Class::Library | Class::Application) {
        return None;
    }
    // Trivy writes a lockfile as an application whose packages depend on it.
    if component.property("aquasecurity:trivy:Class").is_some() {
        return None;
    }
    let by_cpe = component.cpes.iter().find_map(|cpe| {
        let (product, version) = cpe_product(cpe)?;
        let known = software::SOFTWARE.iter().find(|known| known.cpes.contains(&product.as_str()))?;
        Some((known.name.to_owned(), version))
    });
    let (name, version) = match by_cpe {
        Some((name, version)) => {
            (name, if component.version.is_empty() { version } else { component.version.clone() })
        }
        None => (component.full_name(), component.version.clone()),
    };
    Some(Found { package: Package::new(PackageKind::Generic, name, version), os: None })
}

/// Returns `vendor:product` and the version of a CPE name of either binding (<https://nvlpubs.nist.gov/nistpubs/Legacy/IR/nistir7695.pdf>).
fn cpe_product(cpe: &str) -> Option<(String, String)> {
    let rest = cpe.strip_prefix("cpe:2.3:").or_else(|| cpe.strip_prefix("cpe:/"))?;
    let mut fields = vec![String::new()];
    let mut chars = rest.chars();
    while let Some(char) = chars.next() {
        match (char, fields.last_mut()) {
            (':', _) => fields.push(String::new()),
            ('\\', Some(last)) => last.extend(chars.next()),
            (char, Some(last)) => last.push(char),
            (_, None) => {}
        }
    }
    let [_part, vendor, product, version, ..] = fields.as_slice() else { return None };
    let version = if matches!(version.as_str(), "*" | "-") { String::new() } else { version.clone() };
    Some((format!("{vendor}:{product}"), version))
}

/// Reads the source package as Trivy and Syft write it.
fn foreign_source(component: &Component, package: &mut Package) {
    let get = |name: &str| component.property(name).filter(|value| !value.is_empty());
    if package.module.is_none() {
        package.module = get("aquasecurity:trivy:Modularitylabel")
            .or(get("syft:metadata:modularityLabel"))
            .map(str::to_owned);
    }
    if package.source.is_some() || !package.kind.is_os() {
        return;
    }
    if let Some(name) = get("aquasecurity:trivy:SrcName") {
        let epoch = get("aquasecurity:trivy:SrcEpoch").filter(|epoch| *epoch != "0");
        let version = get("aquasecurity:trivy:SrcVersion").map_or_else(
            || package.version.clone(),
            |version| {
                let release = get("aquasecurity:trivy:SrcRelease").map(|release| format!("-{release}"));
                let epoch = epoch.map(|epoch| format!("{epoch}:")).unwrap_or_default();
                format!("{epoch}{version}{}", release.unwrap_or_default())
            },
        );
        package.source = Some(SourcePackage { name: name.to_owned(), version });
    } else if let Some(file) = get("syft:metadata:sourceRpm") {
        package.source = source_rpm(file, package);
    } else if let Some(name) = get("syft:metadata:source").or(get("syft:metadata:originPackage")) {
        let version = get("syft:metadata:sourceVersion").unwrap_or(&package.version).to_owned();
        package.source = Some(SourcePackage { name: name.to_owned(), version });
    }
}

/// Reads Assay's own properties, which overrule the rest.
fn own_properties(component: &Component, package: &mut Package) {
    let given = |value: &str| (!value.is_empty()).then(|| value.to_owned());
    let mut source: (Option<String>, Option<String>) = (None, None);
    let mut steps: Vec<(usize, UsageStep)> = Vec::new();
    for (name, value) in &component.properties {
        match name.as_str() {
            names::NAME => package.name.clone_from(value),
            names::NAMESPACE => package.namespace = given(value),
            names::VERSION => package.version.clone_from(value),
            names::ARCHITECTURE => package.architecture = given(value),
            names::VENDOR => package.vendor = given(value),
            names::MODULE => package.module = given(value),
            names::SOURCE_NAME => source.0 = Some(value.clone()),
            names::SOURCE_VERSION => source.1 = Some(value.clone()),
            names::ORIGIN if value == "declared" => package.origin = Origin::Declared,
            names::USAGE if value == "used" => package.usage = Usage::Used,
            names::USAGE if value == "unused" => package.usage = Usage::Unused,
            names::INSTALLED_SIZE => package.installed_size = value.parse().ok(),
            names::ESSENTIAL => package.essential = value == "true",
            names::CONTAINS => package.contains.push(value.clone()),
            _ => {
                if let Some((number, part)) = names::numbered(name, names::USAGE_STEP) {
                    // The steps come in order, so that the last is the one to look at.
                    if steps.last().is_none_or(|(last, _)| *last != number) {
                        steps.push((number, UsageStep { path: String::new(), how: String::new() }));
                    }
                    if let Some((_, step)) = steps.last_mut() {
                        let field = if part == "path" { &mut step.path } else { &mut step.how };
                        field.clone_from(value);
                    }
                }
            }
        }
    }
    package.usage_evidence = steps.into_iter().map(|(_, step)| step).collect();
    if let (Some(name), Some(version)) = source {
        package.source = (!name.is_empty()).then_some(SourcePackage { name, version });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn os(id: &str, version: &str) -> Os {
        Os { distro: distro::by_id(id), id: id.to_owned(), version: version.to_owned(), ..Os::default() }
    }

    #[track_caller]
    fn round_trip(package: &Package, os: Option<&Os>) -> Component {
        let component = component(package, os);
        let found = super::package(&component).unwrap();
        assert_eq!(found.package, *package, "{component:?}");
        if let (Some((id, version)), Some(os)) = (found.os, os) {
            assert_eq!((id, version), (os.id.clone(), os.version.clone()));
        }
        component
    }

    #[test]
    fn packages_come_back_from_their_components() {
        let mut package = Package::new(PackageKind::Deb, "libssl3", "1:3.0.11-1+b2");
        package.source = Some(SourcePackage { name: "openssl".into(), version: "1:3.0.11-1".into() });
        package.architecture = Some("amd64".into());
        package.vendor = Some("A Team <team@example.org>".into());
        let component = round_trip(&package, Some(&os("debian", "12")));
        assert_eq!(
            component.purl.as_deref(),
            Some(
                "pkg:deb/debian/libssl3@3.0.11-1%2Bb2?arch=amd64&distro=debian-12&epoch=1&upstream=openssl%401:3.0.11-1"
            )
        );
        assert_eq!(component.properties, Vec::new());
        round_trip(&Package::new(PackageKind::Rpm, "Judy", "1.0-1"), Some(&os("opensuse-leap", "15.4")));
        round_trip(&Package::new(PackageKind::Pacman, "Zstd", "1"), Some(&os("arch", "")));
        round_trip(&Package::new(PackageKind::Npm, "@babel/core", "7.0.0"), None);
        round_trip(&Package::new(PackageKind::Python, "Foo_Bar", "1.0"), None);
        round_trip(&Package::new(PackageKind::Go, "github.com/BurntSushi/toml", "v1.2.0"), None);
        round_trip(&Package::new(PackageKind::Go, "stdlib", "1.22.1"), None);
        round_trip(&Package::new(PackageKind::Composer, "a", "1"), None);
        let mut package = Package::new(PackageKind::Conda, "absl-py", "0.4.1");
        package.source = Some(SourcePackage { name: "absl".into(), version: "2".into() });
        (package.architecture, package.vendor) = (Some("linux-64".into()), Some("conda-forge".into()));
        (package.usage, package.origin) = (Usage::Unused, Origin::Declared);
        package.usage_evidence = vec![
            UsageStep { path: "a".into(), how: "b".into() },
            UsageStep { path: "".into(), how: "c".into() },
        ];
        package.contains = vec!["pkg:pypi/x@1".into(), "pkg:pypi/y@1".into()];
        (package.essential, package.installed_size) = (true, Some(7));
        round_trip(&package, None);
    }

    #[test]
    fn every_kind_comes_back_with_whatever_it_has() {
        let os = os("debian", "12");
        for kind in PackageKind::ALL {
            for os in [None, Some(&os)] {
                let mut package = Package::new(kind, "Some_Name/Part@x", "1:2.0+x~y");
                round_trip(&package, os);
                package.namespace = Some("Name Space/é".into());
                package.architecture = Some("amd64".into());
                package.module = Some("nodejs:18:1:x".into());
                package.vendor = Some("Vendor".into());
                package.source = Some(SourcePackage { name: "a@b".into(), version: String::new() });
                round_trip(&package, os);
            }
        }
    }

    #[track_caller]
    fn check_foreign(purl: &str, name: &str, version: &str, properties: &[(&str, &str)], want: &str) {
        let properties =
            properties.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let component = Component {
            name: name.to_owned(),
            version: version.to_owned(),
            purl: Some(purl.to_owned()),
            properties,
            ..Component::default()
        };
        let Found { package, os } = super::package(&component).unwrap();
        let source = package.source.map(|source| format!("{} {}", source.name, source.version));
        let os = os.map(|(id, version)| format!("{id} {version}"));
        let got = format!(
            "{} {} | {} | {}",
            package.name,
            package.version,
            source.unwrap_or_default(),
            os.unwrap_or_default()
        );
        assert_eq!(got, want);
    }

    #[test]
    fn what_other_tools_write_is_understood() {
        let deb = "pkg:deb/debian/libc6@2.36-9%2Bdeb12u7?arch=amd64&distro=debian-12.6";
        let trivy = [
            ("aquasecurity:trivy:SrcName", "glibc"),
            ("aquasecurity:trivy:SrcVersion", "2.36"),
            ("aquasecurity:trivy:SrcRelease", "9+deb12u7"),
        ];
        check_foreign(
            deb,
            "libc6",
            "2.36-9+deb12u7",
            &trivy,
            "libc6 2.36-9+deb12u7 | glibc 2.36-9+deb12u7 | debian 12.6",
        );
        let syft = "pkg:deb/debian/libc6@2.36-9?arch=amd64&upstream=glibc&distro=debian-12";
        check_foreign(syft, "libc6", "2.36-9", &[], "libc6 2.36-9 | glibc 2.36-9 | debian 12");
        let rpm = "pkg:rpm/redhat/openssl-libs@3.0.1-42.el9_0?arch=x86_64&epoch=1&upstream=openssl-3.0.1-42.el9_0.src.rpm&distro=rhel-9.0";
        check_foreign(
            rpm,
            "openssl-libs",
            "3.0.1-42.el9_0",
            &[],
            "openssl-libs 1:3.0.1-42.el9_0 | openssl 1:3.0.1-42.el9_0 | rhel 9.0",
        );
        check_foreign("pkg:golang/stdlib@1.22.1", "stdlib", "go1.22.1", &[], "stdlib 1.22.1 |  | ");
        check_foreign("pkg:maven/org.x/y@1", "org.x:y", "1", &[], "y 1 |  | ");
        check_foreign(
            "pkg:apk/alpine/musl@1.2?distro=3.19.1",
            "musl",
            "1.2",
            &[("syft:metadata:originPackage", "musl-x")],
            "musl 1.2 | musl-x 1.2 | alpine 3.19.1",
        );
        check_foreign("pkg:huggingface/nginx@1", "nginx", "1", &[], "huggingface:nginx 1 |  | ");
    }

    #[test]
    fn software_is_known_by_its_cpe() {
        let component = Component {
            name: "whatever".into(),
            cpes: vec!["cpe:2.3:a:haxx:curl:8.1.0:*:*:*:*:*:*:*".into()],
            ..Component::default()
        };
        let found = super::package(&component).unwrap().package;
        assert_eq!((found.name.as_str(), found.version.as_str()), ("curl", "8.1.0"));
        assert!(
            super::package(&Component { class: Class::File, name: "x".into(), ..Component::default() })
                .is_none()
        );
    }
}
