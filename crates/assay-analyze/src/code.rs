//! What runs, and what it asks for: the facts from which is decided whether a package is used.
//!
//! An analyzer reads these from one file alone; which file answers an [`Ask`] is found once all layers are laid over each
//! other. What a file computes at run time cannot be read from it: that it does so is a fact, too ([`Ask::Dynamic`]), and
//! nothing may be called unused on the strength of a file that says so.

use serde::{Deserialize, Serialize};

/// What runs a file of code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Language {
    /// An ELF program or shared library: the kernel and the dynamic linker.
    Native,
    /// A POSIX shell.
    Shell,
    /// Python.
    Python,
    /// JavaScript under Node; its `package.json` files are code too, as they say which file a name means.
    JavaScript,
    /// Ruby.
    Ruby,
    /// PHP.
    Php,
    /// Perl.
    Perl,
    /// The Java virtual machine.
    Java,
    /// A script whose first line names another interpreter.
    OtherScript,
    /// Settings that others obey when they load code, such as `ld.so.conf`.
    Settings,
}

/// One thing a file of code asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Ask {
    /// The program that runs the file (`PT_INTERP`, or what follows `#!`), and the words it is given before the file's name.
    Interpreter(String, Vec<String>),
    /// A shared library by the name in `DT_NEEDED`; a failure to find it keeps the file from running.
    Library(String),
    /// A folder in which libraries are sought before others (`DT_RPATH`).
    Rpath(String),
    /// A folder in which this file's own libraries are sought (`DT_RUNPATH`).
    Runpath(String),
    /// A folder, or file pattern, that a setting adds to a search path.
    SearchPath(String),
    /// A module by the name its language gives it: `flask.app`, `./util`, `express`, `org.slf4j.Logger`.
    Import(String),
    /// The file a package or archive starts with or hands out: `main` of a `package.json`, `Main-Class` of a jar.
    Entry(String),
    /// A file that is read or run by a name relative to the one that asks, such as `Class-Path` of a jar or PHP's `require`.
    Include(String),
    /// A program that is run, by name or path.
    Run(String),
    /// A library, module or program that a literal names; whether it is loaded cannot be told.
    Maybe(Dynamic, String),
    /// Names that are computed when the file runs: any may be meant.
    Dynamic(Dynamic),
    /// A program that is run with these words, the first of them its name or path. A word with a `$` in it is computed:
    /// `$@` are all words the file itself was given, `$1` the first of them.
    Command(Vec<String>),
    /// The processor its instructions are for: `e_machine`, and whether addresses have 64 bits.
    Processor(u16, bool),
}

/// What is loaded or run under a name that is only known at run time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Dynamic {
    /// A shared library (`dlopen`).
    Library,
    /// A module of the file's own language (`importlib.import_module(name)`, `require(name)`).
    Module,
    /// A program (`execve`, `subprocess`, `$command`).
    Program,
}

/// What one file of code is and asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// What runs it.
    pub language: Language,
    /// Its size in bytes.
    pub size: u64,
    /// The name others ask for it by, where that is not its file's (`DT_SONAME`, `name` of a `package.json`).
    pub name: Option<String>,
    /// Whether the file says it is a library or module only: it cannot be started.
    pub library: bool,
    /// What it asks for, in its order.
    pub asks: Vec<Ask>,
}
