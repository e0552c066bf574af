//! What all Ruby formats share: where gems live, and how they depend on each other.
//!
//! A gem home (`GEM_HOME`) has `specifications/`, with the gems that come with Ruby itself in `specifications/default/`
//! (<https://guides.rubygems.org/command-reference/#gem-environment>); Bundler adds checkouts in `bundler/gems/`.

use assay_model::{Inventory, Location, Origin, Package, PackageKind, path};
use std::collections::HashMap;

/// Returns the gem home that a gemspec belongs to, if it describes an installed gem.
pub(super) fn home(gemspec: &str) -> Option<&str> {
    let folder = path::parent(gemspec);
    let specifications = match path::file_name(folder) {
        "default" => path::parent(folder),
        _ => folder,
    };
    if path::file_name(specifications) == "specifications" {
        return Some(path::parent(specifications));
    }
    checkout(gemspec)
}

/// Returns the gem home of a gemspec in a Git checkout of Bundler's, `bundler/gems/rack-0123456789ab/rack.gemspec`.
///
/// Bundler looks at most two folders deep (its default glob is `{,*,*/*}.gemspec`).
pub(super) fn checkout(gemspec: &str) -> Option<&str> {
    path::ancestors(gemspec).skip(1).take(3).find_map(|gems| {
        let bundler = path::parent(gems);
        let is_it = path::file_name(gems) == "gems" && path::file_name(bundler) == "bundler";
        is_it.then(|| path::parent(bundler))
    })
}

/// Splits `nokogiri-1.13.10-x86_64-linux` into name and version.
pub(super) fn split_full_name(full: &str) -> Option<(&str, &str)> {
    let mut best: Option<(&str, &str, bool)> = None;
    for (at, _) in full.match_indices('-') {
        let Some((name, rest)) = full.split_at_checked(at) else { continue };
        let version = rest.trim_start_matches('-').split('-').next().unwrap_or_default();
        if name.is_empty() || !is_version(version) {
            continue;
        }
        // Platforms end in numbers too (`universal-darwin-20`), but these have no dot.
        let dotted = version.contains('.');
        if best.is_none_or(|(.., best)| dotted || !best) {
            best = Some((name, version, dotted));
        }
    }
    best.map(|(name, version, _)| (name, version))
}

/// Whether the text can be a version: RubyGems wants a number first, and dots between letters and digits.
pub(super) fn is_version(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
}

/// Whether the file lies in the code of an installed gem (`gems/rbs-2.1.0/`), where a lockfile is its authors' own.
pub(super) fn is_inside_gem(file: &str) -> bool {
    path::ancestors(file).any(|folder| {
        let gems = path::parent(folder);
        path::file_name(gems) == "gems"
            && (path::file_name(path::parent(gems)) == "bundler"
                || split_full_name(path::file_name(folder)).is_some())
    })
}

/// Connects installed gems of the same home, and declared ones of the same lockfile.
///
/// What a home does not have comes from the system's homes: `/usr/local/bundle` uses the default gems below
/// `/usr/local/lib/ruby`. Several versions of a gem may lie side by side; which one is loaded depends on the program, so that
/// each of them counts.
pub(super) fn link(inventory: &mut Inventory) {
    inventory.link_by_name(
        |package| package.kind == PackageKind::Gem && package.origin == Origin::Declared,
        |package| vec![package.name.clone()],
        |package| package.locations.first().map_or_else(String::new, |location| location.path.clone()),
        str::to_owned,
    );
    let mut in_home: HashMap<(String, String), Vec<u32>> = HashMap::new();
    let mut in_system: HashMap<String, Vec<u32>> = HashMap::new();
    for (index, package) in inventory.packages.iter().enumerate() {
        let Ok(index) = u32::try_from(index) else { break };
        let Some((location, home)) = installed(package) else { continue };
        in_home.entry((home.to_owned(), package.name.clone())).or_default().push(index);
        if is_system(&location.path) {
            in_system.entry(package.name.clone()).or_default().push(index);
        }
    }
    for (index, package) in inventory.packages.iter_mut().enumerate() {
        let Some((_, home)) = installed(package) else { continue };
        let mut found: Vec<u32> = Vec::new();
        for name in &package.requires {
            let here = in_home.get(&(home.to_owned(), name.clone()));
            found.extend(here.or_else(|| in_system.get(name)).into_iter().flatten());
        }
        found.retain(|found| usize::try_from(*found) != Ok(index));
        found.sort_unstable();
        found.dedup();
        package.depends_on = found;
    }
}

fn installed(package: &Package) -> Option<(&Location, &str)> {
    let location = package.locations.first()?;
    let is_it = package.kind == PackageKind::Gem && package.origin == Origin::Installed;
    if is_it { Some((location, home(&location.path)?)) } else { None }
}

/// Whether every program sees the gem: it came with Ruby, or lies where distributions and `gem install` put them.
fn is_system(gemspec: &str) -> bool {
    gemspec.contains("specifications/default/")
        || gemspec.starts_with("usr/")
        || gemspec.starts_with("var/lib/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes() {
        for (gemspec, expected) in [
            ("var/lib/gems/3.1.0/specifications/rack-2.2.3.gemspec", Some("var/lib/gems/3.1.0")),
            (
                "usr/lib/ruby/gems/3.1.0/specifications/default/uri-0.11.0.gemspec",
                Some("usr/lib/ruby/gems/3.1.0"),
            ),
            ("specifications/rack-2.2.3.gemspec", Some("")),
            ("b/bundler/gems/rack-0123456789ab/rack.gemspec", Some("b")),
            ("b/bundler/gems/rails-0123456789ab/activejob/activejob.gemspec", Some("b")),
            ("b/bundler/gems/rails-0123456789ab/a/b/c/d.gemspec", None),
            ("b/gems/rack-2.2.3/rack.gemspec", None),
            ("app/rack.gemspec", None),
            ("rack.gemspec", None),
        ] {
            assert_eq!(home(gemspec), expected, "{gemspec}");
        }
    }

    #[test]
    fn full_names() {
        for (full, expected) in [
            ("rack-2.2.3", Some(("rack", "2.2.3"))),
            ("rack-protection-2.2.0", Some(("rack-protection", "2.2.0"))),
            ("nokogiri-1.13.10-x86_64-linux", Some(("nokogiri", "1.13.10"))),
            ("ffi-1.15.4-universal-darwin-20", Some(("ffi", "1.15.4"))),
            ("x-1", Some(("x", "1"))),
            ("rails-7.1.0.rc1", Some(("rails", "7.1.0.rc1"))),
            ("a-2b-1.0", Some(("a-2b", "1.0"))),
            ("rack", None),
            ("-1.0", None),
            ("rack-", None),
        ] {
            assert_eq!(split_full_name(full), expected, "{full}");
        }
        assert!(is_inside_gem("usr/lib/ruby/gems/3.1.0/gems/rbs-2.1.0/steep/Gemfile.lock"));
        assert!(is_inside_gem("b/bundler/gems/rails-0123456789ab/Gemfile.lock"));
        assert!(!is_inside_gem("app/gems/billing/Gemfile.lock"));
        assert!(!is_inside_gem("app/Gemfile.lock"));
    }

    #[test]
    fn homes_see_themselves_first_and_then_the_system() {
        let gem = |name: &str, folder: &str, requires: &[&str]| {
            let mut package = Package::new(PackageKind::Gem, name, "1");
            let path = format!("{folder}/{name}-1.gemspec");
            package.locations = vec![Location { path, layer: None }];
            package.requires = requires.iter().map(|name| (*name).to_owned()).collect();
            package
        };
        let mut inventory = Inventory {
            packages: vec![
                gem("a", "srv/one/specifications", &["b", "json"]),
                gem("b", "srv/one/specifications", &[]),
                gem("b", "srv/two/specifications", &["a", "b", "json"]),
                gem("json", "srv/two/specifications", &[]),
                gem("json", "opt/ruby/specifications/default", &[]),
                gem("b", "usr/local/bundle/specifications", &["json"]),
            ],
            ..Inventory::default()
        };
        link(&mut inventory);
        let edges: Vec<_> = inventory.packages.iter().map(|package| package.depends_on.clone()).collect();
        assert_eq!(edges, [vec![1, 4], vec![], vec![3], vec![], vec![], vec![4]]);
    }
}
