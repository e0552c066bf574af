//! What is seen of a program's hardening is what the compiler was told.

use assay_decode::elf::{Elf, Relro};
use std::process::Command;

const PROGRAM: &str = "#include <stdio.h>\n#include <string.h>\n\
    int main(int c, char **v) { char b[64]; strcpy(b, v[c - 1]); printf(\"%s\\n\", b); return 0; }\n";

/// Compiles the program with `flags` and checks what is seen: position-independent, no executable stack, relocations, protector,
/// fortified.
#[track_caller]
fn check(flags: &[&str], want: (bool, bool, Relro, Option<bool>, Option<bool>)) {
    let folder = tempfile::tempdir().unwrap();
    let (source, program) = (folder.path().join("a.c"), folder.path().join("a"));
    std::fs::write(&source, PROGRAM).unwrap();
    let built =
        Command::new("gcc").arg("-w").args(flags).arg("-o").arg(&program).arg(&source).status().unwrap();
    assert!(built.success(), "{flags:?}");
    let bytes = std::fs::read(&program).unwrap();
    let seen = Elf::parse(&bytes).unwrap().hardening();
    let seen = (seen.position_independent, seen.no_execute, seen.relro, seen.stack_protector, seen.fortified);
    assert_eq!(seen, want, "{flags:?}");
}

#[test]
fn hardening_is_seen_as_it_was_asked_for() {
    let Some(_gcc) = real_tests::tool("gcc") else { return };
    let all = ["-O2", "-pie", "-fPIE", "-fstack-protector-all", "-D_FORTIFY_SOURCE=2", "-Wl,-z,relro,-z,now"];
    check(&all, (true, true, Relro::Full, Some(true), Some(true)));
    let none =
        ["-O0", "-no-pie", "-fno-stack-protector", "-U_FORTIFY_SOURCE", "-z", "execstack", "-Wl,-z,norelro"];
    check(&none, (false, false, Relro::None, Some(false), Some(false)));
    let partial = ["-O0", "-no-pie", "-fno-stack-protector", "-U_FORTIFY_SOURCE", "-Wl,-z,relro,-z,lazy"];
    check(&partial, (false, true, Relro::Partial, Some(false), Some(false)));
    check(&["-static", "-O2"], (false, true, Relro::Partial, None, None));
}
