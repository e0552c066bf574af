//! Every plug-in file is registered: declared by its parent module, and what it defines is in the parent's list.
//!
//! The lists are explicit and ordered because the list is the documentation. A forgotten line would leave a plug-in
//! that compiles, passes its own tests and never runs.

use std::fs;
use std::path::Path;

use crate::{none, walk, workspace};

/// A folder of plug-ins: the folder, and how the definition of one starts in a line of its file.
struct Folder(&'static str, Definition);

enum Definition {
    /// `impl <Trait> for <Name>`, and the list holds `<Name>`.
    Trait(&'static str),
    /// `const <NAME>: <Type>`, and the list holds `<NAME>`.
    Const(&'static str),
    /// Every file is one; the parent uses it by the module's name.
    Module,
}

use Definition::{Const, Module, Trait};

const FOLDERS: &[Folder] = &[
    Folder("crates/assay-model/src/distro", Const("Distro")),
    Folder("crates/assay-oci/src/source", Module),
    Folder("crates/assay-packages/src/os", Trait("Analyzer")),
    Folder("crates/assay-packages/src/lang", Trait("Analyzer")),
    Folder("crates/assay-packages/src/binary", Trait("Analyzer")),
    Folder("crates/assay-usage/src/code", Trait("Analyzer")),
    Folder("crates/assay-usage/src/resolve", Trait("Resolver")),
    Folder("crates/assay-advisories/src/feed", Trait("Feed")),
    Folder("crates/assay-detect/src/check/file", Const("FileCheck")),
    Folder("crates/assay-detect/src/check/image", Const("ImageCheck")),
    Folder("crates/assay-detect/src/check/system", Const("SystemCheck")),
    Folder("crates/assay-detect/src/lint/dockerfile", Const("Lint<Dockerfile>")),
    Folder("crates/assay-detect/src/lint/compose", Const("Lint<Compose>")),
    Folder("crates/assay-detect/src/lint/kubernetes", Const("Lint<Workload>")),
    Folder("crates/assay-detect/src/malware", Const("Rule")),
    Folder("crates/assay-detect/src/deep", Trait("Analyzer")),
    Folder("crates/assay-sign/src/predicate/ci", Const("Ci")),
    Folder("crates/assay-report/src/format", Trait("Format")),
    Folder("crates/assay-policy/src/rule", Trait("Rule")),
    Folder("crates/assay-policy/src/import", Module),
    Folder("crates/assay-policy/src/render", Module),
    Folder("crates/assay-server/src/webhook", Trait("Webhook")),
    Folder("crates/assay/src/command", Module),
    Folder("xtask/src/corpus", Const("Recipe")),
];

fn violations(folder: &Path, definition: &Definition) -> Vec<String> {
    let Ok(parent) = fs::read_to_string(folder.with_extension("rs")) else { return Vec::new() };
    let (mods, rest): (Vec<&str>, Vec<&str>) =
        parent.lines().partition(|line| line.trim_end().ends_with(';') && line.contains("mod "));
    let rest = rest.join("\n");
    let mut wrong = Vec::new();
    let mut files = Vec::new();
    walk(folder, &mut files);
    for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "rs")) {
        let shown = file.strip_prefix(workspace()).unwrap_or(file).display();
        let module = file.file_stem().unwrap().to_str().unwrap();
        let direct = file.parent() == Some(folder);
        let declared = mods.iter().any(|line| line.trim().ends_with(&format!("mod {module};")));
        if direct && !declared {
            wrong.push(format!("{shown}: no `mod {module};` in its parent"));
        }
        let text = fs::read_to_string(file).unwrap();
        for name in definition.names(&text, module, direct) {
            if !has_word(&rest, &name) {
                wrong.push(format!("{shown}: `{name}` is not in its parent's list"));
            }
        }
    }
    wrong
}

impl Definition {
    /// Returns what the list must hold for a file with this text.
    fn names(&self, text: &str, module: &str, direct: bool) -> Vec<String> {
        // What only tests define need not be registered, and tests come last in a file.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let name = |line: &str| line.split(|c: char| !is_word(c)).next().unwrap_or_default().to_owned();
        match self {
            Trait(of) => {
                let start = format!("impl {of} for ");
                code.lines().filter_map(|line| line.strip_prefix(&start)).map(name).collect()
            }
            Const(of) => {
                let constants = code.lines().filter_map(|line| line.split_once("const "));
                constants
                    .filter(|(before, after)| !before.contains("//") && after.contains(&format!(": {of} =")))
                    .map(|(_, after)| format!("{module}::{}", name(after)))
                    .collect()
            }
            Module if direct && module != "tests" => vec![format!("{module}::")],
            Module => Vec::new(),
        }
    }
}

fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_word) && (word.ends_with(':') || !after.is_some_and(is_word))
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[test]
fn every_plugin_is_registered() {
    let mut wrong = Vec::new();
    for Folder(folder, definition) in FOLDERS {
        wrong.extend(violations(&workspace().join(folder), definition));
    }
    none(&wrong);
}

#[test]
fn a_plugin_that_is_not_listed_is_found() {
    let check = |definition: &Definition, parent: &str, file: &str, expected: &[&str]| {
        let root = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let folder = root.join(format!("plugins-{}", std::process::id())).join("lang");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.with_extension("rs"), parent).unwrap();
        fs::write(folder.join("npm.rs"), file).unwrap();
        let wrong = violations(&folder, definition);
        fs::remove_dir_all(folder.parent().unwrap()).unwrap();
        let found: Vec<&str> = wrong.iter().map(|text| text.rsplit_once(": ").unwrap().1).collect();
        assert_eq!(found, expected);
    };
    let file = "impl Analyzer for NpmLock {}\n";
    check(&Trait("Analyzer"), "mod npm;\nconst ALL = &[&npm::NpmLock];\n", file, &[]);
    check(
        &Trait("Analyzer"),
        "mod npm;\nconst ALL = &[&npm::NpmLockfile];\n",
        file,
        &["`NpmLock` is not in its parent's list"],
    );
    check(&Trait("Analyzer"), "const ALL = &[&npm::NpmLock];\n", file, &["no `mod npm;` in its parent"]);
    let helper = "fn helper() {}\n#[cfg(test)]\nmod tests {}\nimpl Analyzer for Fake {}\n";
    check(&Trait("Analyzer"), "mod npm;\n", helper, &[]);
    check(
        &Const("Distro"),
        "mod npm;\n",
        "pub(super) const NPM: Distro = Distro {};\n",
        &["`npm::NPM` is not in its parent's list"],
    );
    check(&Module, "mod npm;\nfn run() { npm::run() }\n", "", &[]);
    check(&Module, "mod npm;\n", "", &["`npm::` is not in its parent's list"]);
}
