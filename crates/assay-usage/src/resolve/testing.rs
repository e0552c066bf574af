//! Images for tests of resolvers: files of code by path, and how they are started.

use super::{Answer, Context, Memo, Resolver};
use crate::tree::Tree;
use assay_analyze::{Ask, Code, CodeFile, Files, Language};
use assay_model::image::ImageConfig;

/// An image in which all code but what is native is of one language.
#[derive(Clone)]
pub(crate) struct Image {
    language: Language,
    files: Files,
    config: ImageConfig,
    started: Vec<String>,
}

impl Image {
    pub(crate) fn new(language: Language) -> Self {
        Self { language, files: Files::default(), config: ImageConfig::default(), started: Vec::new() }
    }

    fn add(mut self, language: Language, path: &str, name: Option<&str>, asks: &[Ask]) -> Self {
        let code =
            Code { language, size: 1, name: name.map(str::to_owned), library: false, asks: asks.to_vec() };
        self.files.code.insert(path.to_owned(), CodeFile { layer: 0, code });
        self
    }

    pub(crate) fn files(self, paths: &[&str]) -> Self {
        let language = self.language;
        paths.iter().fold(self, |image, path| image.add(language, path, None, &[]))
    }

    pub(crate) fn native(self, paths: &[&str]) -> Self {
        paths.iter().fold(self, |image, path| image.add(Language::Native, path, None, &[]))
    }

    pub(crate) fn asking(self, path: &str, asks: &[Ask]) -> Self {
        let language = self.language;
        self.add(language, path, None, asks)
    }

    pub(crate) fn link(mut self, path: &str, target: &str) -> Self {
        self.files.symlinks.insert(path.to_owned(), target.to_owned());
        self
    }

    pub(crate) fn started(mut self, paths: &[&str]) -> Self {
        self.started = paths.iter().map(|path| (*path).to_owned()).collect();
        self
    }

    pub(crate) fn working_dir(mut self, path: &str) -> Self {
        path.clone_into(&mut self.config.working_dir);
        self
    }

    pub(crate) fn with<T>(&self, run: impl FnOnce(&Context<'_>) -> T) -> T {
        let memo = Memo::default();
        let files = Tree::new(&self.files);
        let context = Context { files: &files, config: &self.config, started: &self.started, memo: &memo };
        run(&context)
    }

    /// Returns all files that are loaded when the interpreter is started with these words.
    pub(crate) fn start(&self, resolver: &dyn Resolver, words: &[&str]) -> Vec<String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let answers = self.with(|context| resolver.start(context, &words));
        answers.into_iter().flat_map(|(_, answer)| files(answer)).collect()
    }
}

fn files(answer: Answer) -> Vec<String> {
    match answer {
        Answer::Files(files) | Answer::Maybe(files, _) => files,
        Answer::BuiltIn => vec!["built in".to_owned()],
        Answer::Absent => Vec::new(),
        Answer::Unknown(why) => vec![format!("unknown: {why}")],
    }
}

/// Checks which files an import of `name` by the file `from` leads to.
#[track_caller]
pub(crate) fn check(resolver: &dyn Resolver, image: &Image, from: &str, name: &str, want: &[&str]) {
    check_ask(resolver, image, from, &Ask::Import(name.to_owned()), want);
}

/// Checks which files an ask of the file `from` leads to.
#[track_caller]
pub(crate) fn check_ask(resolver: &dyn Resolver, image: &Image, from: &str, ask: &Ask, want: &[&str]) {
    let code = Code { language: image.language, size: 1, name: None, library: false, asks: Vec::new() };
    let file = CodeFile { layer: 0, code };
    let mut found = files(image.with(|context| resolver.resolve(context, (from, &file), ask)));
    found.sort();
    let mut want = want.to_vec();
    want.sort_unstable();
    assert_eq!(found, want, "{ask:?}");
}
