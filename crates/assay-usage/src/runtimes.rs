//! What well-known programs and libraries load or run by themselves: tables, so that "it can load anything" is said only of those
//! of which nothing better is known.

use crate::resolve::RESOLVERS;
use assay_analyze::Language;
use assay_model::path::file_name;

/// What a native file loads by names that are not in `DT_NEEDED`, and whether it runs programs of its own accord.
pub(crate) struct Runtime {
    /// How its file's name, or `DT_SONAME`, begins; what follows is no letter.
    names: &'static [&'static str],
    /// Folders of plug-ins, beside it or in a system's library folder.
    pub(crate) plugins: &'static [&'static str],
    /// How names of libraries begin that lie in the same places.
    pub(crate) prefixes: &'static [&'static str],
    /// Whether it runs programs by names that are not constants.
    pub(crate) runs: bool,
}

const fn loads(names: &'static [&'static str], plugins: &'static [&'static str]) -> Runtime {
    Runtime { names, plugins, prefixes: &[], runs: false }
}

/// Native files whose loading is known.
const RUNTIMES: &[Runtime] = &[
    // Name services by `nsswitch.conf`, character sets by `gconv-modules`, and the unwinder when a thread is cancelled.
    Runtime {
        names: &["libc.so", "libc-2", "ld-linux", "libpthread", "libc.musl", "ld-musl"],
        plugins: &["gconv"],
        prefixes: &["libnss_", "libgcc_s.so"],
        runs: false,
    },
    // What these load or run is what their caller names; callers that do are counted by the functions they import.
    loads(
        &[
            "libdl",
            "librt",
            "libresolv",
            "libglib-2",
            "libgmodule-2",
            "libuv",
            "libapr-1",
            "libsqlite3",
            "libicuuc",
            "libxml2",
            "libltdl",
            "libstdc++",
        ],
        &[],
    ),
    loads(&["libcrypto.so", "libssl.so"], &["ossl-modules", "engines-3", "engines-1.1", "engines-81.3"]),
    loads(&["libpam.so"], &["security"]),
    loads(&["libkrb5.so", "libgssapi_krb5.so", "libkadm5", "libk5crypto"], &["krb5/plugins", "gss"]),
    loads(&["libsasl2.so"], &["sasl2"]),
    loads(&["libp11-kit.so", "libgnutls.so"], &["pkcs11"]),
    loads(&["libgio-2"], &["gio/modules"]),
    loads(&["nginx"], &["nginx/modules"]),
    Runtime {
        names: &["apache2", "httpd"],
        plugins: &["apache2/modules", "httpd/modules"],
        prefixes: &[],
        runs: true,
    },
    // Shells run what their scripts say, and these programs what their words say.
    loads(
        &[
            "sh",
            "bash",
            "dash",
            "ash",
            "ksh",
            "ksh93",
            "mksh",
            "zsh",
            "busybox",
            "toybox",
            "env",
            "tini",
            "tini-static",
            "dumb-init",
            "docker-init",
            "catatonit",
            "su-exec",
            "gosu",
            "nice",
            "nohup",
            "timeout",
            "stdbuf",
            "setsid",
            "setpriv",
            "xargs",
            "find",
            "ionice",
            "chrt",
            "taskset",
            "flock",
            "prlimit",
            "awk",
            "gawk",
            "mawk",
            "original-awk",
            "sed",
            "sort",
            "split",
            "time",
            "tar",
            "gzip",
        ],
        &[],
    ),
];

/// A language's interpreter: how it is recognised, and whose files it runs.
pub(crate) struct Interpreter {
    /// The group's name, in words.
    pub(crate) name: &'static str,
    /// Its language, where there is one with a reader.
    pub(crate) language: Option<Language>,
    /// How names of its programs begin; a version may follow.
    programs: &'static [&'static str],
    /// How names of its libraries begin.
    libraries: &'static [&'static str],
    /// How names of its files end.
    pub(crate) suffixes: &'static [&'static str],
    /// What is part of the path of its native modules.
    pub(crate) native: &'static [&'static str],
}

/// The interpreters.
pub(crate) const INTERPRETERS: &[Interpreter] = &[
    Interpreter {
        name: "Python",
        language: Some(Language::Python),
        programs: &["python", "pypy"],
        libraries: &["libpython", "libpypy", "mod_wsgi", "python3_plugin"],
        suffixes: &[".py", ".pyc", ".pyo", ".pth", ".egg", ".pyz", ".pyx", ".pxd"],
        native: &["site-packages/", "dist-packages/", "lib-dynload/"],
    },
    Interpreter {
        name: "Node",
        language: Some(Language::JavaScript),
        programs: &["node", "nodejs", "deno", "bun", "qjs"],
        libraries: &["libnode"],
        suffixes: &[".js", ".mjs", ".cjs", ".node", ".ts", ".jsx"],
        native: &[".node", "node_modules/", "nodejs/"],
    },
    Interpreter {
        name: "Ruby",
        language: Some(Language::Ruby),
        programs: &["ruby", "jruby"],
        libraries: &["libruby"],
        suffixes: &[".rb"],
        native: &["/ruby/", "/gems/", "rubygems"],
    },
    Interpreter {
        name: "PHP",
        language: Some(Language::Php),
        programs: &["php", "php-fpm", "php-cgi", "frankenphp"],
        libraries: &["libphp", "mod_php"],
        suffixes: &[".php", ".phar", ".inc"],
        native: &["/php/"],
    },
    Interpreter {
        name: "Perl",
        language: Some(Language::Perl),
        programs: &["perl"],
        libraries: &["libperl", "mod_perl"],
        suffixes: &[".pl", ".pm", ".ph", ".al", ".ix", ".pod"],
        native: &["/perl"],
    },
    Interpreter {
        name: "Java",
        language: Some(Language::Java),
        programs: &["java", "jexec"],
        libraries: &["libjvm", "libjli", "libgij"],
        suffixes: &[".jar", ".class", ".jmod", ".war", ".ear", ".jsa"],
        native: &["/jvm/", "/jni/", "/jre/", "/jdk"],
    },
    Interpreter {
        name: "Lua",
        language: None,
        programs: &["lua", "luajit", "texlua"],
        libraries: &["liblua"],
        suffixes: &[".lua"],
        native: &["/lua/"],
    },
    Interpreter {
        name: "Tcl",
        language: None,
        programs: &["tclsh", "wish", "expect"],
        libraries: &["libtcl", "libtk"],
        suffixes: &[".tcl", ".tm"],
        native: &["/tcl"],
    },
    Interpreter {
        name: "Guile",
        language: None,
        programs: &["guile"],
        libraries: &["libguile"],
        suffixes: &[".scm", ".go"],
        native: &["/guile/"],
    },
    Interpreter {
        name: "Emacs",
        language: None,
        programs: &["emacs"],
        libraries: &[],
        suffixes: &[".el", ".elc", ".eln"],
        native: &["/emacs/"],
    },
    Interpreter {
        name: "R",
        language: None,
        programs: &["R", "Rscript"],
        libraries: &["libR.so"],
        suffixes: &[".R", ".rdb", ".rds"],
        native: &["/R/"],
    },
    Interpreter {
        name: ".NET",
        language: None,
        programs: &["dotnet", "mono"],
        libraries: &["libhostfxr", "libcoreclr", "libhostpolicy", "libmonosgen"],
        suffixes: &[".dll", ".exe"],
        native: &["/dotnet/", "/mono/"],
    },
];

fn begins(name: &str, known: &str) -> bool {
    name.strip_prefix(known)
        .is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_alphabetic() || next == '_'))
}

/// Returns what is known of a native file, by its path and `DT_SONAME`.
pub(crate) fn runtime(path: &str, soname: Option<&str>) -> Option<&'static Runtime> {
    let is =
        |name: &str| RUNTIMES.iter().find(|runtime| runtime.names.iter().any(|known| begins(name, known)));
    is(file_name(path)).or_else(|| soname.and_then(is))
}

/// Returns the interpreter that a native file is, or is the heart of.
pub(crate) fn interpreter(path: &str, soname: Option<&str>) -> Option<&'static Interpreter> {
    let version = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit() || b".-".contains(&byte));
    let is = |name: &str| {
        INTERPRETERS.iter().find(|one| {
            one.programs.iter().any(|known| name.strip_prefix(known).is_some_and(version))
                || one.libraries.iter().any(|known| name.starts_with(known))
        })
    };
    is(file_name(path)).or_else(|| soname.and_then(is))
}

/// Returns the interpreter whose code a file is, by its name.
pub(crate) fn interpreter_of(path: &str) -> Option<&'static Interpreter> {
    let name = file_name(path);
    INTERPRETERS
        .iter()
        .find(|one| one.suffixes.iter().any(|suffix| name.len() > suffix.len() && name.ends_with(suffix)))
}

/// Returns the interpreter of a language.
pub(crate) fn interpreter_for(language: Language) -> Option<&'static Interpreter> {
    INTERPRETERS.iter().find(|one| one.language == Some(language))
}

impl Interpreter {
    /// Returns whether what its files ask for is read and followed.
    pub(crate) fn is_followed(&self) -> bool {
        RESOLVERS.iter().any(|resolver| Some(resolver.language()) == self.language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_recognised_by_their_names() {
        let name = |path: &str| interpreter(path, None).map(|one| one.name);
        assert_eq!(name("usr/bin/python3.11"), Some("Python"));
        assert_eq!(name("usr/bin/nodejs"), Some("Node"));
        assert_eq!(name("usr/lib/x86_64-linux-gnu/libnode.so.108"), Some("Node"));
        assert_eq!(name("usr/bin/pythonize"), None);
        assert_eq!(name("usr/bin/perl"), Some("Perl"));
        assert_eq!(name("usr/bin/perlbug"), None);
        assert!(runtime("lib/x86_64-linux-gnu/libc.so.6", None).is_some());
        assert!(
            runtime("opt/libfoo.so", Some("libcrypto.so.3"))
                .is_some_and(|one| one.plugins.contains(&"ossl-modules"))
        );
        assert!(runtime("usr/bin/shred", None).is_none());
        assert!(runtime("usr/bin/sh", None).is_some());
    }
}
