//! Settings: `assay.yaml`, variables and options, in rising precedence, and what each source's context comes to.
//!
//! The file is found upwards from the working folder, or named with `--config`. One that lies inside the folder that is being
//! scanned belongs to the judged: unless it was named, it may only make the judgement stricter (SPEC, principle 9).

use crate::command::Global;
use crate::context::ContextArgs;
use crate::environment;
use crate::error::CommandError;
use crate::terminal;
use assay_detect::check::accumulated::Accumulation;
use assay_model::context::{Context, Grade, Setting, Stated, Statements};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

mod accumulation;
mod licenses;
mod pattern;
mod read;
#[cfg(test)]
mod schema;
mod tree;

pub(crate) use read::{Config, read};
pub(crate) use tree::Problem;

/// The name that is looked for.
pub(crate) const FILE_NAME: &str = "assay.yaml";

/// No settings file is larger; more than this is something else.
const MAX_BYTES: u64 = 1 << 20;

/// All settings but those of one source.
#[derive(Debug)]
pub(crate) struct Settings {
    /// What options and variables state.
    given: Stated,
    /// The file, where there is one.
    file: Option<ConfigFile>,
}

/// A settings file.
#[derive(Debug)]
struct ConfigFile {
    path: PathBuf,
    /// Whether the user named it, rather than it being found.
    named: bool,
    config: Config,
}

impl Settings {
    /// Reads options, variables and the file.
    pub(crate) fn load(args: &ContextArgs, global: &Global) -> Result<Self, CommandError> {
        let given = args.stated()?;
        let found = match &global.config {
            Some(path) => Some((path.clone(), true)),
            None => find(environment::working_folder().as_deref()).map(|path| (path, false)),
        };
        let file = match found {
            Some((path, named)) => {
                let config = read_file(&path)?;
                Some(ConfigFile { path, named, config })
            }
            None => None,
        };
        Ok(Self { given, file })
    }

    /// Reads options, variables and the file only when it was named: for what decides whether an image may run.
    pub(crate) fn named_only(args: &ContextArgs, global: &Global) -> Result<Self, CommandError> {
        let file = match &global.config {
            Some(path) => Some(ConfigFile { path: path.clone(), named: true, config: read_file(path)? }),
            None => None,
        };
        Ok(Self { given: args.stated()?, file })
    }

    /// Returns the file's path, where there is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(|file| file.path.as_path())
    }

    /// Returns what is stated about a source. `tree` is the folder that is scanned, if it is one.
    pub(crate) fn statements(&self, source: &str, tree: Option<&Path>) -> Statements {
        let Some(file) = &self.file else {
            return Statements { operator: self.given.clone(), subject: Stated::default() };
        };
        let mut matching = Stated::default();
        for rule in file.config.images.iter().filter(|rule| pattern::matches(&rule.pattern, source)) {
            matching = matching.strictest(&rule.context);
        }
        let stated = matching.over(&file.config.context);
        if !file.named && tree.is_some_and(|tree| lies_in(&file.path, tree)) {
            return Statements { operator: self.given.clone(), subject: stated };
        }
        Statements { operator: self.given.clone().over(&stated), subject: Stated::default() }
    }

    /// Returns what the file says, unless it lies inside the folder that is scanned and was not named: then it has no say.
    fn trusted(&self, tree: Option<&Path>) -> Option<&Config> {
        let file = self.file.as_ref();
        let file = file.filter(|file| file.named || !tree.is_some_and(|tree| lies_in(&file.path, tree)));
        file.map(|file| &file.config)
    }

    /// Returns which licences are a finding.
    pub(crate) fn licenses(&self, tree: Option<&Path>) -> assay_detect::license::Policy {
        self.trusted(tree).and_then(|config| config.licenses.clone()).unwrap_or_default()
    }

    /// Returns from how many findings on they are one of their own.
    pub(crate) fn accumulation(&self, tree: Option<&Path>) -> Accumulation {
        self.trusted(tree).and_then(|config| config.accumulation).unwrap_or_default()
    }

    /// Tells the user what of a file inside the scanned folder does not count.
    pub(crate) fn note_ignored(&self, statements: &Statements, context: &Context, global: &Global) {
        fn ignored<T: Grade>(stated: Option<&Setting<T>>, own: &Setting<T>) -> Option<String> {
            let stated = stated.filter(|stated| stated.value < own.value)?;
            Some(format!("{} {} ({})", T::KEY, stated.value.name(), stated.origin))
        }
        let subject = &statements.subject;
        let all = [
            ignored(subject.environment.as_ref(), &context.environment),
            ignored(subject.exposure.as_ref(), &context.exposure),
            ignored(subject.data.as_ref(), &context.data),
            ignored(subject.criticality.as_ref(), &context.criticality),
        ];
        let all: Vec<String> = all.into_iter().flatten().collect();
        if let (false, Some(path)) = (all.is_empty(), self.path()) {
            terminal::note(
                global,
                &format!(
                    "`{}` lies in the scanned folder and may only raise its context; without effect: {}\n\
                     hint: name the file with `--config {}` if it is yours",
                    path.display(),
                    all.join(", "),
                    path.display(),
                ),
            );
        }
    }
}

/// Returns the nearest settings file from a folder upwards.
fn find(from: Option<&Path>) -> Option<PathBuf> {
    from?.ancestors().map(|folder| folder.join(FILE_NAME)).find(|path| path.is_file())
}

/// Returns whether a file lies in a folder, links followed; what cannot be told counts as yes.
fn lies_in(file: &Path, folder: &Path) -> bool {
    match (file.canonicalize(), folder.canonicalize()) {
        (Ok(file), Ok(folder)) => file.starts_with(folder),
        _ => true,
    }
}

/// Reads and checks a settings file.
pub(crate) fn read_file(path: &Path) -> Result<Config, CommandError> {
    let failed = |error: io::Error| {
        CommandError::work(format!("cannot read the settings in `{}`", path.display()), error)
            .hint("check the path given with `--config` or `ASSAY_CONFIG`, and that you may read it")
    };
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(CommandError::usage(format!(
            "`{}` is no settings file: it is larger than 1 MiB",
            path.display()
        ))
        .hint("name another file with `--config FILE`"));
    }
    let text = String::from_utf8(bytes).map_err(|_| {
        CommandError::usage(format!("`{}` is no settings file: it is not UTF-8 text", path.display()))
            .hint("name another file with `--config FILE`")
    })?;
    let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.display().to_string());
    read(&text, &name).map_err(|problems| mistakes(path, &problems))
}

/// Puts everything that is wrong with a file into one error.
fn mistakes(path: &Path, problems: &[Problem]) -> CommandError {
    let place = |problem: &Problem| match problem.line {
        0 => format!("`{}`", path.display()),
        line => format!("`{}` line {line}", path.display()),
    };
    let told = |problem: &Problem| format!("{}: {}", place(problem), problem.message);
    let mut messages = problems.iter().map(told);
    let first = messages.next().unwrap_or_default();
    let hint = problems.first().and_then(|problem| problem.hint.clone());
    CommandError::usage(first)
        .also(messages)
        .hint(hint.unwrap_or_else(|| "see docs/manual/config.md for what the file may hold".to_owned()))
}
