//! The contract between the pass over a layer and those who look at files.

use crate::facts::{Fact, LayerFacts};
use crate::limits::{self, Budget, Expansion, Limits};
use assay_decode::ReadAt;
use assay_model::{Detection, Inventory, Package, PathList, Warning};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// An analyzer's name and revision: the key under which its results may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AnalyzerId {
    /// A stable, unique name, such as `dpkg`.
    pub name: &'static str,
    /// Raised whenever the same file could give another result.
    pub revision: u32,
}

/// A file an analyzer wants to see. Paths are relative to the image's root, without a leading `/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Select {
    /// The last component of the path is this: `package-lock.json`.
    Name(&'static str),
    /// The last component starts with the one and ends with the other: `requirements` and `.txt`.
    NameAffixes(&'static str, &'static str),
    /// The whole path is this: `var/lib/dpkg/status`.
    Path(&'static str),
    /// The path ends with this, in any case: `.jar`, `.dist-info/METADATA`.
    Suffix(&'static str),
    /// The path starts with this folder (ending in `/`) and ends with this suffix: `var/lib/dpkg/info/` and `.list`.
    Under(&'static str, &'static str),
    /// The path holds this folder (ending in `/`) anywhere and ends with this suffix: `wp-content/plugins/` and `.php`.
    Within(&'static str, &'static str),
    /// The content starts with these bytes (at most eight): `\x7fELF`.
    Magic(&'static [u8]),
    /// It is a regular file that is not empty. Other names of it (hard links) are not looked at again.
    Any,
    /// It is a regular file or a folder with any of these permission bits.
    Mode(u32),
    /// It is a regular file with capabilities (capabilities(7)).
    Capabilities,
    /// It is a symbolic link below this folder (ending in `/`); its content is its target as written.
    Link(&'static str),
}

/// Looks at single files and says what they tell.
///
/// Called from several threads at once, also for one layer, once per selected file and in no defined order. It sees only the file
/// it is given: it opens nothing, and its output depends on nothing else, so that results can be kept by content.
pub trait Analyzer: Sync {
    /// Returns its name and revision.
    fn id(&self) -> AnalyzerId;

    /// Returns the files it wants, as data, so that one matcher serves all analyzers.
    fn select(&self) -> &'static [Select];

    /// Looks at one file. It cannot fail: what is damaged becomes a warning on `out`, and what was read before it stays.
    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>);

    /// Returns whether it looks into files. When none of those that want a file does, it is not read: only its path and size
    /// are there.
    fn reads(&self) -> bool {
        true
    }

    /// Returns whether it lists files, of which there are a hundred times as many as of everything else that is found: its facts and the
    /// paths they are about take from a budget of their own. All of them are [`Fact::Content`] and [`Fact::Installed`].
    fn lists_files(&self) -> bool {
        false
    }

    /// Connects packages once all layers are laid over each other (dependencies, names found in other files).
    ///
    /// Only packages of the analyzer's own kind may be changed. Runs in the order in which analyzers are listed.
    fn link(&self, _inventory: &mut Inventory) {}
}

/// The largest text an analyzer may take into memory at once, in bytes: lockfiles and package databases stay far below it.
///
/// A parsed lockfile takes up to eight times its text (measured: 480 MB for a `package-lock.json` of 60 MB).
pub const TEXT_LIMIT: u64 = 32 << 20;

/// What a selected path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NodeKind {
    /// A regular file.
    #[default]
    File,
    /// A folder; it has no content.
    Folder,
    /// A symbolic link; its content is its target as written.
    Link,
}

/// What a path is besides its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Its permission bits.
    pub mode: u32,
    /// The number of its owner.
    pub uid: u64,
    /// The number of its group.
    pub gid: u64,
    /// The capabilities that executing it permits, a bit each (capabilities(7)).
    pub capabilities: u64,
}

impl Node {
    /// Returns a regular file of these permission bits, owned by root.
    pub fn file(mode: u32) -> Self {
        Self { mode, ..Self::default() }
    }
}

/// A selected file.
pub struct File<'a> {
    /// Its path inside the image, or `outer.jar!/inner.jar` inside archives.
    pub path: &'a str,
    /// What it is besides its content.
    pub node: Node,
    /// Its content.
    pub content: &'a dyn ReadAt,
}

impl<'a> File<'a> {
    /// Returns a regular file of these permission bits, owned by root.
    pub fn new(path: &'a str, mode: u32, content: &'a dyn ReadAt) -> Self {
        Self { path, node: Node::file(mode), content }
    }

    /// Returns the last component of the path.
    pub fn name(&self) -> &'a str {
        assay_model::path::file_name(self.path)
    }

    /// Returns the whole content, or warns on `out` and returns `None` when it is larger than `limit` or cannot be read.
    pub fn bytes(&self, limit: u64, out: &mut Sink<'_>) -> Option<Cow<'a, [u8]>> {
        let len = self.content.len();
        if len > limit {
            out.warn(
                "file-too-large",
                format!("it has {len} bytes, more than the {limit} that are read of such a file"),
            );
            return None;
        }
        if let Some(slice) = self.content.as_slice() {
            return Some(Cow::Borrowed(slice));
        }
        match self.content.read_range(0, len, usize::try_from(limit).unwrap_or(usize::MAX)) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                out.warn("unreadable-file", error.to_string());
                None
            }
        }
    }

    /// Returns the content as text up to [`TEXT_LIMIT`]; bytes that are not UTF-8 become U+FFFD, a byte order mark is dropped.
    pub fn text(&self, out: &mut Sink<'_>) -> Option<Cow<'a, str>> {
        let text = match self.bytes(TEXT_LIMIT, out)? {
            Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
            Cow::Owned(bytes) => Cow::Owned(match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            }),
        };
        Some(match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.strip_prefix('\u{feff}').unwrap_or(text)),
            Cow::Owned(text) => match text.strip_prefix('\u{feff}') {
                Some(rest) => Cow::Owned(rest.to_owned()),
                None => Cow::Owned(text),
            },
        })
    }
}

/// Takes what an analyzer has to say about one file.
pub struct Sink<'a> {
    path: &'a str,
    facts: &'a mut LayerFacts,
    budget: Option<(&'a Limits, &'a Expansion)>,
    /// Whether facts take from the memory of the list of files.
    listing: bool,
    /// What the facts about the file cost.
    pub(crate) cost: u64,
    pub(crate) left_out: LeftOut,
    /// How often each code was warned of, and whether it leaves something unscanned.
    warned: BTreeMap<&'static str, (u64, bool)>,
}

/// What of a file is not in what is said about it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LeftOut {
    /// There is no more memory for it.
    pub(crate) facts: bool,
    /// There is no more memory for the list of files.
    pub(crate) file_list: bool,
    /// What archives inside the file hold is too much.
    pub(crate) expansion: bool,
}

impl LeftOut {
    pub(crate) fn any(self) -> bool {
        self.facts || self.file_list || self.expansion
    }
}

/// Archives within archives that are looked at when nobody says otherwise.
const ARCHIVE_DEPTH: usize = 8;

/// Warnings of one code that are kept of a file when nobody says otherwise.
const WARNINGS: usize = 100;

impl<'a> Sink<'a> {
    /// Returns a sink for what is said about the file at `path`.
    pub fn new(path: &'a str, facts: &'a mut LayerFacts) -> Self {
        let left_out = LeftOut::default();
        Self { path, facts, budget: None, listing: false, cost: 0, left_out, warned: BTreeMap::new() }
    }

    /// Returns a sink that takes no more than the budgets of a scan allow; `listing` says which memory facts take.
    pub(crate) fn within(
        path: &'a str,
        facts: &'a mut LayerFacts,
        limits: &'a Limits,
        expansion: &'a Expansion,
        listing: bool,
    ) -> Self {
        Self { budget: Some((limits, expansion)), listing, ..Self::new(path, facts) }
    }

    /// Returns how many warnings of each code were not kept, and whether they leave something unscanned.
    pub(crate) fn unsaid(&self) -> impl Iterator<Item = (&'static str, u64, bool)> {
        let most = u64::try_from(self.most_warnings()).unwrap_or(u64::MAX);
        let rest = move |count: u64| count.checked_sub(most).filter(|rest| *rest > 0);
        self.warned
            .iter()
            .filter_map(move |(code, (count, unscanned))| Some((*code, rest(*count)?, *unscanned)))
    }

    fn most_warnings(&self) -> usize {
        self.budget.map_or(WARNINGS, |(limits, _)| limits.warnings_per_code)
    }

    /// Returns how deep archives within archives are looked at.
    pub fn archive_depth(&self) -> usize {
        self.budget.map_or(ARCHIVE_DEPTH, |(limits, _)| limits.archive_depth)
    }

    /// Counts bytes that an archive inside the file is about to give; false, with a warning, when the layer has given too many.
    ///
    /// To be asked before they are inflated: what is refused must not have cost anything.
    #[must_use]
    pub fn expand(&mut self, bytes: u64) -> bool {
        let Some((limits, expansion)) = self.budget else { return true };
        match expansion.add_expanded(bytes, limits) {
            Ok(()) => !limits.stop.is_raised(),
            Err(reason) => {
                if !std::mem::replace(&mut self.left_out.expansion, true) {
                    self.facts.warn(self.path, reason.budget().exceeded(Some(self.path), reason));
                }
                false
            }
        }
    }

    /// Returns whether to look no further: nothing more would be taken, or the time is up.
    pub fn is_over(&self) -> bool {
        self.left_out.facts
            || self.left_out.file_list
            || self.budget.is_some_and(|(limits, _)| limits.stop.is_raised())
    }

    /// Reports that a budget is exceeded.
    pub fn exceeded(&mut self, budget: Budget, what: impl std::fmt::Display) {
        self.facts.warn(self.path, budget.exceeded(Some(self.path), what));
    }

    /// Reports a package; its location is the file, so `locations` stays empty unless it lies deeper (`a.jar!/b.jar`), in
    /// which case the analyzer adds one [`Location`](assay_model::Location) with `layer: None`.
    pub fn package(&mut self, package: Package) {
        self.fact(Fact::Package(Box::new(package)));
    }

    /// Reports the files a package of the package manager `manager` (`dpkg`, `rpm`, `apk`) owns.
    ///
    /// `package` is the name, with `:architecture` where the package manager keeps several.
    pub fn owned_files(&mut self, manager: &'static str, package: impl Into<String>, files: PathList) {
        self.fact(Fact::OwnedFiles { manager: Cow::Borrowed(manager), package: package.into(), files });
    }

    /// Reports what the content gives away.
    pub fn detection(&mut self, detection: Detection) {
        self.fact(Fact::Detection(Box::new(detection)));
    }

    /// Reports anything else.
    pub fn fact(&mut self, fact: Fact) {
        if self.left_out.facts || self.left_out.file_list {
            return;
        }
        if let Some((limits, _)) = self.budget {
            let cost = limits::cost(&fact);
            if !limits.memory(self.listing).spend(cost, self.cost) {
                if self.listing {
                    // Said once of the layer, not of each of its files.
                    self.left_out.file_list = true;
                    return;
                }
                self.left_out.facts = true;
                return self.facts.warn(self.path, limits.too_many_facts(Some(self.path)));
            }
            self.cost = self.cost.saturating_add(cost);
        }
        self.facts.add(self.path, fact);
    }

    /// Reports damage that leaves something unscanned.
    pub fn warn(&mut self, code: &'static str, message: impl Into<String>) {
        self.say(Warning::unscanned(code, Some(self.path), message), code);
    }

    /// Reports something odd that leaves nothing unscanned.
    pub fn notice(&mut self, code: &'static str, message: impl Into<String>) {
        self.say(Warning::notice(code, Some(self.path), message), code);
    }

    fn say(&mut self, warning: Warning, code: &'static str) {
        let most = self.most_warnings();
        let (count, unscanned) = self.warned.entry(code).or_default();
        *count = count.saturating_add(1);
        *unscanned |= warning.incomplete;
        // Each of a damaged database's million records would have its own.
        if usize::try_from(*count).is_ok_and(|count| count <= most) {
            self.facts.warn(self.path, warning);
        }
    }
}
