//! From what an image starts to every file of code it reaches.
//!
//! There are two rounds. The first follows what is certain: what is started, what that needs, imports and runs. The second follows what
//! may be: plug-ins, names in constants, branches that cannot be told. What is reached in the second is never evidence of use, but keeps
//! a package from being called unused. A file that loads or runs what it computes opens a whole class of files to the second round.

mod libraries;
mod programs;

use crate::grade;
use crate::resolve::native::Libraries;
use crate::resolve::{Answer, Context, Memo, RESOLVERS, Resolver};
use crate::runtimes::{INTERPRETERS, Interpreter, interpreter_for};
use crate::tree::Tree;
use assay_analyze::{Ask, CodeFile, Dynamic, Language, Squashed};
use assay_model::UsageStep;
use assay_model::image::ImageConfig;
use assay_model::path::parent;
use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// Programs that run programs that run programs; images have three or four.
const MAX_DEPTH: usize = 24;

/// Times that the list of what is started may grow before resolvers see it no more: each makes them work out search paths anew.
const MAX_SNAPSHOTS: usize = 64;

/// Different words with which scripts are followed.
const MAX_VISITS: usize = 4096;

/// Steps of a chain that are kept: the first ones and the last ones say most.
const CHAIN_HEAD: usize = 6;
const CHAIN_TAIL: usize = 8;

/// Where programs are sought when the image does not say.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Grades every package of an image by whether what is started reaches it.
pub fn judge(config: &ImageConfig, squashed: &mut Squashed) {
    let snapshots: Vec<OnceCell<Vec<String>>> = (0..MAX_SNAPSHOTS).map(|_| OnceCell::new()).collect();
    let memo = Memo::default();
    let grades = {
        let files = Tree::new(&squashed.files);
        let context = Context { files: &files, config, started: &[], memo: &memo };
        let mut walk = Walk::new(context, &snapshots);
        walk.start();
        walk.run();
        grade::grade(&walk, &squashed.inventory.packages)
    };
    for (package, (usage, evidence)) in squashed.inventory.packages.iter_mut().zip(grades) {
        package.usage = usage;
        package.usage_evidence = evidence;
    }
}

/// How sure it is that a file is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// It may be.
    Maybe,
    /// It is.
    Used,
}

/// How a file is reached.
#[derive(Debug, Clone)]
pub(crate) struct Mark<'a> {
    pub(crate) reach: Reach,
    /// The file that leads to it; `None` for what the configuration starts.
    from: Option<&'a str>,
    how: String,
}

/// Why a whole class of files may be reached.
#[derive(Debug, Clone)]
pub(crate) struct Cause<'a> {
    from: Option<&'a str>,
    how: String,
}

/// Where a step comes from.
#[derive(Clone)]
struct Origin<'a> {
    from: Option<&'a str>,
    reach: Reach,
    how: String,
}

/// The words a script was started with; `None` when nobody knows them.
type Words = Option<Vec<String>>;

/// The state of the search.
pub(crate) struct Walk<'a> {
    pub(crate) files: &'a Tree<'a>,
    context: Context<'a>,
    snapshots: &'a [OnceCell<Vec<String>>],
    libraries: Libraries<'a>,
    path: Vec<String>,
    /// Folders that scripts add to search paths.
    more_path: Vec<String>,
    marks: HashMap<&'a str, Mark<'a>>,
    /// Symbolic links by which something was reached.
    links: HashMap<&'a str, Mark<'a>>,
    sure: VecDeque<(&'a str, Words)>,
    unsure: VecDeque<(&'a str, Words)>,
    /// Scripts that were followed with these words.
    visits: HashSet<(&'a str, Words)>,
    started: Vec<String>,
    pub(crate) any_library: Option<Cause<'a>>,
    pub(crate) any_program: Option<Cause<'a>>,
    /// Groups of interpreters, any of whose modules may be loaded.
    pub(crate) any_module: BTreeMap<&'static str, Cause<'a>>,
    /// Interpreters that are reached, or may be.
    pub(crate) interpreters: BTreeMap<&'static str, Cause<'a>>,
    /// Why nothing at all can be said.
    pub(crate) nothing: Option<Cause<'a>>,
    preloaded: bool,
    /// Links to libraries by their names, once they were asked for.
    link_names: Option<HashMap<&'a str, Vec<&'a str>>>,
}

impl<'a> Walk<'a> {
    fn new(context: Context<'a>, snapshots: &'a [OnceCell<Vec<String>>]) -> Self {
        let files = context.files;
        let path = variable(context.config, "PATH").unwrap_or(DEFAULT_PATH);
        let path = path.split(':').filter_map(|folder| files.real_path(folder)).collect();
        let libraries = Libraries::new(files, context.config);
        Self {
            files,
            context,
            snapshots,
            libraries,
            path,
            more_path: Vec::new(),
            marks: HashMap::new(),
            links: HashMap::new(),
            sure: VecDeque::new(),
            unsure: VecDeque::new(),
            visits: HashSet::new(),
            started: Vec::new(),
            any_library: None,
            any_program: None,
            any_module: BTreeMap::new(),
            interpreters: BTreeMap::new(),
            nothing: None,
            preloaded: false,
            link_names: None,
        }
    }

    /// Begins with what the image's configuration starts.
    fn start(&mut self) {
        let config = self.context.config;
        let words: Vec<String> = config.entrypoint.iter().chain(&config.command).cloned().collect();
        if words.is_empty() {
            self.nothing = Some(Cause { from: None, how: "nothing says what is started".to_owned() });
            return;
        }
        let how = if config.entrypoint.is_empty() { "command" } else { "entry point" };
        let origin = Origin { from: None, reach: Reach::Used, how: format!("{how}: {}", words.join(" ")) };
        if !self.command(&words, &origin, &Words::None, 0) {
            let how = format!(
                "`{}`, which is started, is not among the image's files of code",
                words.first().map_or("", |word| word)
            );
            self.nothing = Some(Cause { from: None, how });
        }
        let check = &config.health_check;
        let words = match check.split_first() {
            Some((kind, rest)) if kind == "CMD" => rest.to_vec(),
            Some((kind, rest)) if kind == "CMD-SHELL" => {
                ["/bin/sh".to_owned(), "-c".to_owned()].into_iter().chain(rest.iter().cloned()).collect()
            }
            _ => Vec::new(),
        };
        let origin =
            Origin { from: None, reach: Reach::Used, how: format!("health check: {}", words.join(" ")) };
        // A health check that cannot run fails and starts nothing.
        self.command(&words, &origin, &Words::None, 0);
    }

    /// Follows everything to its end.
    fn run(&mut self) {
        if self.nothing.is_some() {
            return;
        }
        let (mut libraries, mut programs, mut shells) = (false, false, false);
        let mut modules = HashSet::new();
        loop {
            if let Some((path, words)) = self.sure.pop_front() {
                self.follow(path, &words, Reach::Used);
            } else if let Some((path, words)) = self.unsure.pop_front() {
                // It may have become sure since.
                if self.marks.get(path).is_some_and(|mark| mark.reach == Reach::Maybe) {
                    self.follow(path, &words, Reach::Maybe);
                }
            } else if self.any_program.is_some() && !programs {
                programs = true;
                self.open(is_startable, self.any_program.clone());
            } else if self.any_library.is_some() && !libraries {
                libraries = true;
                self.open(
                    |file| file.code.library && file.code.language == Language::Native,
                    self.any_library.clone(),
                );
            } else if self.any_module.contains_key(SHELL) && !shells {
                shells = true;
                let cause = self.any_module.get(SHELL).cloned();
                self.open(|file| file.code.language == Language::Shell, cause);
            } else if let Some(name) = self.any_module.keys().find(|name| !modules.contains(*name)).copied() {
                modules.insert(name);
                self.open_modules(name);
            } else {
                break;
            }
        }
    }

    /// Makes every file of a class one that may be reached.
    fn open(&mut self, is_meant: impl Fn(&CodeFile) -> bool, cause: Option<Cause<'a>>) {
        let Some(cause) = cause else { return };
        let files = self.files;
        let origin = Origin { from: cause.from, reach: Reach::Maybe, how: cause.how };
        for (path, file) in &files.code {
            if is_meant(file) && !self.marks.contains_key(path.as_str()) {
                self.add(path, &origin, Words::None);
            }
        }
        // What may be started may be started by its interpreter: resolvers see all of them at once.
        self.snapshot();
    }

    /// Any module of a language may be loaded: its files are not followed one by one (what they import is open already), but what they
    /// load and run besides is, and so are its native modules.
    fn open_modules(&mut self, name: &'static str) {
        let Some(group) = INTERPRETERS.iter().find(|one| one.name == name) else { return };
        let Some(cause) = self.any_module.get(name).cloned() else { return };
        let origin = Origin { from: cause.from, reach: Reach::Maybe, how: cause.how };
        let files = self.files;
        for (path, file) in &files.code {
            if Some(file.code.language) == group.language {
                if self.is_runtime(path) {
                    continue;
                }
                for ask in &file.code.asks {
                    if matches!(
                        ask,
                        Ask::Import(_)
                            | Ask::Include(_)
                            | Ask::Entry(_)
                            | Ask::Dynamic(Dynamic::Module)
                            | Ask::Maybe(Dynamic::Module, _)
                    ) {
                        continue;
                    }
                    self.ask(path, file, ask, &Words::None, Reach::Maybe);
                }
            } else if file.code.language == Language::Native
                && group.native.iter().any(|part| path.contains(part))
            {
                self.add(path, &origin, Words::None);
            }
        }
    }

    /// Returns the code at a path and remembers the links on the way.
    fn find(&mut self, path: &str, origin: &Origin<'a>) -> Option<(&'a str, &'a CodeFile)> {
        let files = self.files;
        if let Some(found) = files.exact(path.trim_start_matches('/')) {
            return Some(found);
        }
        let mut links = Vec::new();
        let real = files.follow(path, &mut |link| links.push(link.to_owned()))?;
        let (path, file) = files.exact(&real)?;
        for link in links {
            // A link to a folder (`bin` to `usr/bin`) is on everybody's way.
            let is_file = files.real_path(&link).is_some_and(|real| real == path);
            if let Some((link, _)) = files.symlinks.get_key_value(&link).filter(|_| is_file) {
                let mark = Mark { reach: origin.reach, from: origin.from, how: format!("a link to {path}") };
                let known = self.links.entry(link).or_insert_with(|| mark.clone());
                if known.reach < mark.reach {
                    *known = mark;
                }
            }
        }
        Some((path, file))
    }

    /// Marks a file as reached.
    fn add(&mut self, path: &'a str, origin: &Origin<'a>, words: Words) {
        let known = self.marks.get(path).map(|mark| mark.reach);
        if known.is_none_or(|known| known < origin.reach) {
            self.marks.insert(path, Mark { reach: origin.reach, from: origin.from, how: origin.how.clone() });
        } else if words.is_none()
            || self.visits.len() >= MAX_VISITS
            || self.visits.contains(&(path, words.clone()))
        {
            return;
        }
        match origin.reach {
            Reach::Used => self.sure.push_back((path, words)),
            Reach::Maybe => self.unsure.push_back((path, words)),
        }
    }

    /// Follows all that one file asks for.
    fn follow(&mut self, path: &'a str, words: &Words, reach: Reach) {
        let Some((_, file)) = self.files.exact(path) else { return };
        if words.is_some() {
            self.visits.insert((path, words.clone()));
        }
        if file.code.language == Language::Native {
            return self.native(path, file, reach);
        }
        for ask in &file.code.asks {
            self.ask(path, file, ask, words, reach);
        }
    }

    fn resolver(language: Language) -> Option<&'static dyn Resolver> {
        RESOLVERS.iter().copied().find(|resolver| resolver.language() == language)
    }

    fn is_runtime(&self, path: &str) -> bool {
        RESOLVERS.iter().any(|resolver| resolver.is_runtime(&self.context, path))
    }

    /// Follows one thing a file asks for.
    fn ask(&mut self, path: &'a str, file: &'a CodeFile, ask: &Ask, words: &Words, reach: Reach) {
        let origin = |reach: Reach, how: String| Origin { from: Some(path), reach, how };
        let language = file.code.language;
        match ask {
            Ask::Interpreter(program, options) if language != Language::Native => {
                let mut all = vec![program.clone()];
                all.extend(options.iter().cloned());
                all.push(format!("/{path}"));
                all.extend(words.iter().flatten().cloned());
                self.command(&all, &origin(reach, format!("interpreter of the script: {program}")), words, 1);
            }
            Ask::Command(line) => {
                let how = format!("run by the script: {}", shown(line));
                self.command(line, &origin(reach, how), words, 1);
            }
            Ask::Run(program) => {
                let line = [program.clone()];
                self.command(&line, &origin(reach, format!("run: {program}")), words, 1);
            }
            Ask::Include(name) if language == Language::Shell => {
                let how = format!("read by the script: {name}");
                let name =
                    if name.starts_with('/') { name.clone() } else { format!("{}/{name}", parent(path)) };
                let origin = origin(reach, how);
                if let Some((found, _)) = self.find(&name, &origin) {
                    self.add(found, &origin, words.clone());
                }
            }
            Ask::SearchPath(folder) if language == Language::Shell => {
                if folder.contains('$') {
                    return;
                }
                self.libraries.add_folder(folder);
                self.more_path
                    .extend(self.files.real_path(folder).filter(|folder| !self.more_path.contains(folder)));
            }
            Ask::Maybe(Dynamic::Library, name) => {
                self.library(name, path, file, Reach::Maybe, "named in its constants");
            }
            Ask::Maybe(Dynamic::Program, name) => {
                let line = [name.clone()];
                self.command(
                    &line,
                    &origin(Reach::Maybe, format!("may run {name}, which its constants name")),
                    &Words::None,
                    1,
                );
            }
            Ask::Dynamic(kind) => {
                if self.is_runtime(path) {
                    return;
                }
                let group = interpreter_for(language).map_or(SHELL, |group| group.name);
                let how = match kind {
                    Dynamic::Library => "may load any library: the name is computed",
                    Dynamic::Program => "may run any program: the name is computed",
                    Dynamic::Module => "may load any module of its language: the name is computed",
                };
                self.any(*kind, group, Cause { from: Some(path), how: how.to_owned() });
            }
            Ask::Library(name) if language != Language::Settings => {
                self.library(name, path, file, reach, "needed");
            }
            Ask::Interpreter(..) | Ask::Library(_) | Ask::Rpath(_) | Ask::Runpath(_) | Ask::Processor(..) => {
            }
            Ask::SearchPath(_)
            | Ask::Import(_)
            | Ask::Entry(_)
            | Ask::Include(_)
            | Ask::Maybe(Dynamic::Module, _) => {
                let Some(resolver) = Self::resolver(language) else { return };
                let answer = resolver.resolve(&self.context, (path, file), ask);
                let reach = if matches!(ask, Ask::Maybe(..)) { Reach::Maybe } else { reach };
                self.answer(answer, &origin(reach, described(ask)), interpreter_for(language));
            }
        }
    }

    /// Opens a whole class of files, unless it is open already.
    fn any(&mut self, kind: Dynamic, group: &'static str, cause: Cause<'a>) {
        match kind {
            Dynamic::Library => {
                self.any_library.get_or_insert(cause);
            }
            Dynamic::Program => {
                self.any_program.get_or_insert(cause);
            }
            Dynamic::Module => {
                self.any_module.entry(group).or_insert(cause);
            }
        }
    }

    /// Follows what a resolver said.
    fn answer(&mut self, answer: Answer, origin: &Origin<'a>, group: Option<&'static Interpreter>) {
        let (paths, reach, how) = match answer {
            Answer::BuiltIn | Answer::Absent => return,
            Answer::Files(paths) => (paths, origin.reach, origin.how.clone()),
            Answer::Maybe(paths, why) => (paths, Reach::Maybe, why),
            Answer::Unknown(why) => {
                if let Some(group) = group {
                    self.any_module.entry(group.name).or_insert(Cause { from: origin.from, how: why });
                }
                return;
            }
        };
        let origin = Origin { from: origin.from, reach, how };
        for path in paths {
            if let Some((path, _)) = self.find(&path, &origin) {
                self.add(path, &origin, Words::None);
            }
        }
    }

    fn begin(&mut self, path: &str) {
        if !self.started.iter().any(|known| known == path) {
            self.started.push(path.to_owned());
            self.snapshot();
        }
    }

    /// Lets resolvers see what was started since they last looked.
    fn snapshot(&mut self) {
        if self.context.started.len() == self.started.len() {
            return;
        }
        let free = self.snapshots.iter().find(|cell| cell.get().is_none());
        if let Some(cell) = free {
            self.context.started = cell.get_or_init(|| self.started.clone());
        }
    }

    /// Returns how a file is reached.
    pub(crate) fn mark(&self, path: &str) -> Option<&Mark<'a>> {
        self.marks.get(path)
    }

    /// Returns the paths of all files that are reached or may be.
    pub(crate) fn reached(&self) -> impl Iterator<Item = &'a str> {
        self.marks.keys().copied()
    }

    /// Returns how a symbolic link was used.
    pub(crate) fn link(&self, path: &str) -> Option<&Mark<'a>> {
        self.links.get(path)
    }

    /// Returns the steps from what is started to the file at `path`.
    pub(crate) fn chain(&self, path: &str, mark: &Mark<'a>) -> Vec<UsageStep> {
        let mut steps = vec![UsageStep { path: path.to_owned(), how: mark.how.clone() }];
        self.chain_before(mark.from, &mut steps);
        steps.reverse();
        if steps.len() > CHAIN_HEAD + CHAIN_TAIL {
            let left_out = steps.len() - CHAIN_HEAD - CHAIN_TAIL;
            let step = UsageStep { path: String::new(), how: format!("{left_out} more steps") };
            steps.splice(CHAIN_HEAD..CHAIN_HEAD + left_out, [step]);
        }
        steps
    }

    /// Returns the steps to a cause.
    pub(crate) fn reasons(&self, cause: &Cause<'a>) -> Vec<UsageStep> {
        let path = cause.from.unwrap_or_default();
        let mut steps = vec![UsageStep { path: path.to_owned(), how: cause.how.clone() }];
        if let Some(mark) = self.marks.get(path) {
            self.chain_before(mark.from, &mut steps);
        }
        steps.reverse();
        steps
    }

    fn chain_before(&self, mut at: Option<&'a str>, steps: &mut Vec<UsageStep>) {
        // A file is marked by one that was marked before it, so chains end; the bound only says so.
        while let Some(mark) = at.and_then(|path| self.marks.get(path)) {
            if steps.len() > self.marks.len() {
                break;
            }
            steps.push(UsageStep { path: at.unwrap_or_default().to_owned(), how: mark.how.clone() });
            at = mark.from;
        }
    }
}

/// Returns whether a file can be run by its own name: a program, or a script with an interpreter. Other code is run by an interpreter that
/// is told its name; that one is told so by words nobody knows is not assumed of all of it.
fn is_startable(file: &CodeFile) -> bool {
    match file.code.language {
        Language::Native => !file.code.library,
        _ => file.code.asks.iter().any(|ask| matches!(ask, Ask::Interpreter(..))),
    }
}

/// The name of the group of shell scripts among those whose modules may be any.
pub(crate) const SHELL: &str = "shell";

fn variable<'c>(config: &'c ImageConfig, name: &str) -> Option<&'c str> {
    config.env.iter().find_map(|setting| setting.strip_prefix(name)?.strip_prefix('='))
}

/// Shows a command, not more of it than fits a line.
fn shown(words: &[String]) -> String {
    let mut text = words.join(" ");
    if text.len() > 80 {
        text = text.chars().take(79).collect();
        text.push('…');
    }
    text
}

/// Puts an ask into words.
fn described(ask: &Ask) -> String {
    match ask {
        Ask::Interpreter(name, _) => format!("interpreter: {name}"),
        Ask::Library(name) => format!("needed: {name}"),
        Ask::Import(name) => format!("imported: {name}"),
        Ask::Entry(name) => format!("starts with: {name}"),
        Ask::Include(name) => format!("read: {name}"),
        Ask::Run(name) => format!("run: {name}"),
        Ask::Command(words) => format!("run: {}", shown(words)),
        Ask::Maybe(_, name) => format!("named in its constants: {name}"),
        Ask::SearchPath(name) | Ask::Rpath(name) | Ask::Runpath(name) => {
            format!("on the search path: {name}")
        }
        Ask::Dynamic(_) | Ask::Processor(..) => "loaded".to_owned(),
    }
}
