//! What files that are no code are for: which of them no program opens while it serves, and which any program may open.
//!
//! A package may be called unused only if all its files are code that is not reached, or of the first kind here. Everything else speaks
//! against it: a time zone, a certificate or a setting is opened by whoever wants to, without a trace in any program's needs.

use assay_model::path::file_name;
use std::sync::LazyLock;

/// Folders whose files people, compilers, package managers or an init system read; what an image starts does not, or its reader counts
/// as what starts programs by settings.
const IDLE_FOLDERS: &[&str] = &[
    "usr/share/doc/",
    "usr/share/man/",
    "usr/share/info/",
    "usr/share/lintian/",
    "usr/share/bug/",
    "usr/share/doc-base/",
    "usr/share/menu/",
    "usr/share/applications/",
    "usr/share/icons/",
    "usr/share/pixmaps/",
    "usr/share/metainfo/",
    "usr/share/appdata/",
    "usr/share/licenses/",
    "usr/share/bash-completion/",
    "usr/share/zsh/",
    "usr/share/fish/",
    "usr/share/gtk-doc/",
    "usr/share/gir-1.0/",
    "usr/share/aclocal/",
    "usr/share/pkgconfig/",
    "usr/share/cmake/",
    "usr/share/polkit-1/",
    "usr/share/initramfs-tools/",
    "usr/share/apport/",
    "usr/share/reportbug/",
    "usr/share/gdb/",
    "usr/share/pam-configs/",
    "usr/share/binfmts/",
    "usr/share/debhelper/",
    "usr/share/python3/",
    "usr/share/ruby-pkg-kit/",
    "usr/include/",
    "usr/src/",
    "usr/lib/debug/",
    "usr/lib/.build-id/",
    "usr/lib/systemd/",
    "lib/systemd/",
    "etc/systemd/",
    "usr/lib/tmpfiles.d/",
    "usr/lib/sysusers.d/",
    "usr/lib/sysctl.d/",
    "usr/lib/modules-load.d/",
    "usr/lib/udev/",
    "lib/udev/",
    "etc/udev/",
    "etc/bash_completion.d/",
    "etc/init.d/",
    "etc/init/",
    "etc/logrotate.d/",
    "etc/cron.d/",
    "etc/cron.daily/",
    "etc/cron.hourly/",
    "etc/cron.weekly/",
    "etc/cron.monthly/",
    "etc/apparmor.d/",
    "etc/xdg/",
    "etc/kernel/",
    "etc/dpkg/",
    "etc/apt/",
    "var/lib/dpkg/",
    "var/lib/rpm/",
    "usr/lib/sysimage/",
    "lib/apk/",
    "var/cache/",
    "var/lib/pam/",
    "usr/share/dpkg/",
    "usr/lib/mime/",
    "usr/share/omf/",
    "usr/share/gnome/",
    "usr/share/mime-info/",
    "usr/share/vim/",
    "usr/share/nano/",
    "usr/share/emacs/site-lisp/",
];

/// Folders of the same kinds, wherever they lie in another one.
const IDLE_INNER: &[&str] =
    &["pkgconfig", "cmake", "include", "__pycache__", "rubygems-integration", "specifications", "ri"];

/// Ends of names of such files: for compilers, for people, or records of package managers.
const IDLE_SUFFIXES: &[&str] = &[
    ".a",
    ".la",
    ".o",
    ".pc",
    ".h",
    ".hpp",
    ".hh",
    ".inl",
    ".cmake",
    ".m4",
    ".pod",
    ".md",
    ".rst",
    ".html",
    ".gemspec",
    ".pyi",
    ".typed",
    ".d.ts",
    ".d.mts",
    ".d.cts",
    ".map",
    ".pyc",
    ".pyo",
    ".egg-info",
    ".1.gz",
    ".gresource.xml",
];

/// Beginnings of names that people read.
const IDLE_NAMES: &[&str] = &[
    "README",
    "LICENSE",
    "LICENCE",
    "COPYING",
    "COPYRIGHT",
    "NEWS",
    "ChangeLog",
    "CHANGELOG",
    "CHANGES",
    "AUTHORS",
    "THANKS",
    "NOTICE",
    "HISTORY",
    "TODO",
];

/// Data that programs of other packages open, although the folder has a package's name.
const SHARED: &[&str] = &[
    "etc/ssl/",
    "etc/pki/",
    "etc/ca-certificates",
    "usr/share/ca-certificates",
    "usr/local/share/ca-certificates",
    "usr/share/zoneinfo",
    "usr/share/tzdata",
    "usr/share/terminfo/",
    "usr/lib/terminfo/",
    "lib/terminfo/",
    "etc/terminfo/",
    "usr/share/tabset/",
    "usr/share/fonts/",
    "etc/fonts/",
    "usr/share/fontconfig/",
    "usr/share/mime/",
    "usr/share/X11/",
    "usr/share/xml/",
    "usr/share/sgml/",
    "usr/share/i18n/",
    "usr/lib/locale/",
    "usr/share/locale-langpack/",
    "usr/share/hwdata/",
    "usr/share/misc/",
    "usr/share/iso-codes/",
    "usr/share/publicsuffix/",
    "usr/share/dict/",
    "usr/share/hunspell/",
    "usr/share/themes/",
    "usr/share/glib-2.0/",
    "usr/share/dbus-1/",
    "etc/dbus-1/",
    "etc/krb5",
    "etc/crypto-policies/",
    "usr/share/crypto-policies/",
    "usr/share/java/",
    "usr/share/maven-repo/",
    "usr/share/javascript/",
    "etc/security/",
    "etc/pam.d/",
    "etc/profile.d/",
    "etc/alternatives/",
    "etc/ld.so.conf.d/",
    "etc/nsswitch.conf",
    "etc/services",
    "etc/protocols",
];

static SORTED_FOLDERS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let mut folders = IDLE_FOLDERS.to_vec();
    folders.sort_unstable();
    folders
});

/// Returns whether nothing that an image starts opens such a file, or only its own package does for people to read.
pub(crate) fn is_idle(path: &str) -> bool {
    // No folder is in another one of them, so that only the last that sorts before the path can be one that it begins with.
    let folders = &*SORTED_FOLDERS;
    let last =
        folders.partition_point(|folder| *folder <= path).checked_sub(1).and_then(|last| folders.get(last));
    last.is_some_and(|folder| path.starts_with(folder)) || is_idle_anywhere(path)
}

fn is_idle_anywhere(path: &str) -> bool {
    let name = file_name(path);
    name.rfind('.').and_then(|dot| name.get(dot..)).is_some_and(|end| IDLE_SUFFIXES.contains(&end))
        || IDLE_NAMES.iter().any(|start| name.starts_with(start))
        || [".d.ts", ".1.gz"].iter().any(|end| name.ends_with(end))
        || has_idle_folder(path)
        || is_library_link_name(name)
}

/// Returns whether a path leads through a folder of these kinds.
fn has_idle_folder(path: &str) -> bool {
    // The folder before, if it lies in another one.
    let mut before = "";
    let mut parts = path.split('/').peekable();
    let mut is_first = true;
    while let Some(part) = parts.next() {
        let is_folder = parts.peek().is_some();
        if (is_folder && (part.ends_with(".dist-info") || part.ends_with(".egg-info")))
            || (is_folder && !is_first && IDLE_INNER.contains(&part))
            || (is_folder && before == "share" && part == "doc")
            || (before == "man" && part.starts_with("man"))
        {
            return true;
        }
        before = if is_first { "" } else { part };
        is_first = false;
    }
    false
}

/// `libfoo.so` without a version is what a linker looks for when a program is built; where it is a library, it is code and judged as such.
fn is_library_link_name(name: &str) -> bool {
    name.starts_with("lib") && name.ends_with(".so")
}

/// Returns whether data lies where only programs of these names look: `usr/share/git-core/…` for `git`, `etc/nginx/…` for `nginx`.
pub(crate) fn is_private(path: &str, names: &[&str]) -> bool {
    if SHARED.iter().any(|shared| path.starts_with(shared)) {
        return false;
    }
    // `usr/share/locale/de/LC_MESSAGES/git.mo`: translations have the name of the programs that show them.
    path.split('/').skip(1).any(|part| {
        let part = part.trim_start_matches('.');
        names.iter().any(|name| {
            name.len() > 1
                && part.strip_prefix(name).is_some_and(|rest| {
                    rest.is_empty()
                        || rest.starts_with(['.', '-', '_'])
                        || rest.starts_with(|next: char| next.is_ascii_digit())
                })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What [`has_idle_folder`] looks for, as it stands in a path.
    const IDLE_PARTS: &[&str] = &[
        "/pkgconfig/",
        "/cmake/",
        "/include/",
        ".dist-info/",
        ".egg-info/",
        "/man/man",
        "/__pycache__/",
        "/rubygems-integration/",
        "/specifications/",
        "/ri/",
        "/share/doc/",
    ];

    proptest! {
        #[test]
        fn idle_folders_are_found_wherever_they_lie(
            parts in proptest::collection::vec(prop_oneof![
                "[a-z]{0,3}", "(x|)(\\.dist-info|\\.egg-info)(x|)", "(pkgconfig|cmake|include|__pycache__|ri|specifications)s?",
                "man[0-9]?|xman", "share|doc|shared", "usr|etc|lib|apt|systemd", "rubygems-integration",
            ], 0..6),
        ) {
            let path = parts.join("/");
            prop_assert_eq!(has_idle_folder(&path), IDLE_PARTS.iter().any(|part| path.contains(part)), "{}", path);
            let inside = IDLE_FOLDERS.iter().any(|folder| path.starts_with(folder));
            prop_assert_eq!(is_idle(&path), inside || is_idle_anywhere(&path), "{}", path);
        }
    }

    #[test]
    fn no_idle_folder_lies_in_another() {
        for folder in IDLE_FOLDERS {
            let path = format!("{folder}x");
            assert!(is_idle(&path));
            assert_eq!(IDLE_FOLDERS.iter().filter(|other| path.starts_with(**other)).count(), 1, "{folder}");
        }
    }

    #[test]
    fn files_are_told_apart() {
        for path in [
            "usr/share/doc/x/copyright",
            "usr/include/a.h",
            "usr/lib/x86_64-linux-gnu/pkgconfig/z.pc",
            "usr/lib/libz.a",
            "a/LICENSE.txt",
            "s/x-1.dist-info/METADATA",
            "usr/lib/python3/dist-packages/__pycache__/a.cpython-311.pyc",
            "usr/share/man/man1/a.1.gz",
        ] {
            assert!(is_idle(path), "{path}");
        }
        for path in [
            "etc/nginx/nginx.conf",
            "usr/share/zoneinfo/UTC",
            "usr/lib/a.so.1",
            "usr/lib/libssl.so.3",
            "lib/libz.so.8",
            "etc/services",
            "usr/share/perl5/a.pm",
        ] {
            assert!(!is_idle(path), "{path}");
        }
        assert!(is_private("etc/nginx/nginx.conf", &["nginx"]));
        assert!(is_private("usr/share/git-core/templates/x", &["git"]));
        assert!(is_private("usr/share/locale/de/LC_MESSAGES/git.mo", &["git"]));
        assert!(!is_private("usr/share/gitweb/x", &["git"]));
        assert!(!is_private("usr/share/ca-certificates/mozilla/x.crt", &["ca-certificates"]));
        assert!(!is_private("etc/services", &["netbase"]));
    }
}
