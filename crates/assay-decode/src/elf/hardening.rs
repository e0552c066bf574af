//! What compiler and linker did to make an executable harder to exploit, as far as its headers and imports tell.
//!
//! What is surprising: a program can only import what it needs. One without a buffer on its stack has no stack protector, however
//! it was built; so "no" means that none is seen, and a static program says nothing at all.

use super::Elf;

/// The header that says whether the stack is executable; without it, it is on the machines that matter.
const PT_GNU_STACK: u32 = 0x6474_e551;
/// What is made read-only once the program is loaded.
const PT_GNU_RELRO: u32 = 0x6474_e552;

/// How much of what the linker filled in is made read-only before the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relro {
    /// Nothing.
    None,
    /// All but the table of functions, which are bound when they are first called.
    Partial,
    /// Everything.
    Full,
}

/// The measures that are seen; `None` where nothing can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hardening {
    /// Whether it can be loaded at any address.
    pub position_independent: bool,
    /// Whether its stack cannot be executed.
    pub no_execute: bool,
    /// How much is made read-only.
    pub relro: Relro,
    /// Whether it calls the stack protector.
    pub stack_protector: Option<bool>,
    /// Whether it calls checked forms of the C library's functions (`_FORTIFY_SOURCE`).
    pub fortified: Option<bool>,
}

impl Elf<'_> {
    /// Returns the measures that are seen.
    pub fn hardening(&self) -> Hardening {
        let segment = |kind: u32| self.segments().iter().find(|segment| segment.kind == kind);
        let dynamic = self.dynamic();
        let (mut protected, mut checked, mut imports) = (false, false, false);
        self.imports(|name| {
            imports = true;
            if name.starts_with(b"__stack_chk_") {
                protected = true;
            } else if name.starts_with(b"__") && name.ends_with(b"_chk") {
                checked = true;
            }
        });
        Hardening {
            position_independent: self.kind() == 3,
            no_execute: segment(PT_GNU_STACK).is_some_and(|stack| stack.flags & 1 == 0),
            relro: match segment(PT_GNU_RELRO) {
                None => Relro::None,
                Some(_) if dynamic.binds_now => Relro::Full,
                Some(_) => Relro::Partial,
            },
            stack_protector: imports.then_some(protected),
            fortified: imports.then_some(checked),
        }
    }
}
