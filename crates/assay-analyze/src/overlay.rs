//! What is visible of many layers: things by path, of which each new layer hides some.
//!
//! The work grows with the entries of the layers, not with their product: a layer's marks are looked up among what is
//! visible, never the other way round.

use crate::cover::path_key;
use crate::facts::Cover;
use assay_model::path::{ancestors, parent};
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::rc::Rc;

/// Things by path.
pub(crate) struct Overlay<T> {
    visible: BTreeMap<Rc<str>, T>,
    /// Paths by the keys that covers use. A path that is hidden later may stay: looking it up then finds nothing.
    paths: HashMap<u128, Rc<str>>,
    /// Likewise the folders in which anything lies.
    folders: HashMap<u128, Rc<str>>,
    last_folder: Rc<str>,
}

impl<T> Default for Overlay<T> {
    fn default() -> Self {
        Self {
            visible: BTreeMap::new(),
            paths: HashMap::new(),
            folders: HashMap::new(),
            last_folder: Rc::from(""),
        }
    }
}

impl<T> Overlay<T> {
    /// Puts something at a path; `covered` says whether another layer follows.
    pub(crate) fn insert(&mut self, path: &str, thing: T, covered: bool) {
        let path: Rc<str> = Rc::from(path);
        if covered {
            self.paths.insert(path_key(&path), Rc::clone(&path));
            let folder = parent(&path);
            if *folder != *self.last_folder {
                self.last_folder = Rc::from(folder);
                for folder in ancestors(&path) {
                    // Once a folder is known, so are those it lies in.
                    if self.folders.insert(path_key(folder), Rc::from(folder)).is_some() {
                        break;
                    }
                }
            }
        }
        self.visible.insert(path, thing);
    }

    /// Removes what a layer hides and gives it to `hidden`.
    pub(crate) fn hide(&mut self, cover: &Cover, mut hidden: impl FnMut(&str, T)) {
        if self.visible.is_empty() {
            return;
        }
        for key in cover.whiteouts.iter().chain(&cover.replaced) {
            if let Some(path) = self.paths.get(key).cloned() {
                self.remove(&path, &mut hidden);
            }
            if let Some(folder) = self.folders.get(key).cloned() {
                self.remove_below(&folder, &mut hidden);
            }
        }
        if cover.opaque.binary_search(&path_key("")).is_ok() {
            self.remove_below("", &mut hidden);
        }
        for key in &cover.opaque {
            if let Some(folder) = self.folders.get(key).cloned() {
                self.remove_below(&folder, &mut hidden);
            }
        }
        for key in &cover.folders {
            if let Some(path) = self.paths.get(key).cloned() {
                self.remove(&path, &mut hidden);
            }
        }
    }

    /// Returns everything that is visible, by path.
    pub(crate) fn into_visible(self) -> BTreeMap<Rc<str>, T> {
        self.visible
    }

    fn remove(&mut self, path: &str, hidden: &mut impl FnMut(&str, T)) {
        if let Some((path, thing)) = self.visible.remove_entry(path) {
            hidden(&path, thing);
        }
    }

    fn remove_below(&mut self, folder: &str, hidden: &mut impl FnMut(&str, T)) {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        loop {
            let below =
                self.visible.range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded)).next();
            let Some(path) = below.map(|(path, _)| Rc::clone(path)).filter(|path| path.starts_with(&prefix))
            else {
                return;
            };
            self.remove(&path, hidden);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Paths of few names, so that they lie in and over each other.
    fn path() -> impl Strategy<Value = String> {
        proptest::collection::vec(prop_oneof![Just("a"), Just("b"), Just("c")], 1..4)
            .prop_map(|parts| parts.join("/"))
    }

    fn paths() -> impl Strategy<Value = Vec<String>> {
        proptest::collection::vec(path(), 0..8)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_is_hidden_is_what_the_cover_says(
            below in paths(), whiteouts in paths(), opaque in paths(), replaced in paths(), folders in paths(),
            root in proptest::bool::weighted(0.1),
        ) {
            let mut overlay = Overlay::default();
            for path in &below {
                overlay.insert(path, (), true);
            }
            let keys = |paths: &[String]| paths.iter().map(|path| path_key(path)).collect();
            let mut cover = Cover {
                whiteouts: keys(&whiteouts),
                opaque: keys(&opaque),
                replaced: keys(&replaced),
                folders: keys(&folders),
            };
            cover.opaque.extend(root.then(|| path_key("")));
            cover.sort();
            let mut gone = Vec::new();
            overlay.hide(&cover, |path, ()| gone.push(path.to_owned()));
            let left: Vec<String> = overlay.into_visible().keys().map(ToString::to_string).collect();
            for path in &below {
                prop_assert_eq!(gone.contains(path), cover.hides(path), "{}", path);
                prop_assert_eq!(left.contains(path), !cover.hides(path), "{}", path);
            }
        }
    }
}
