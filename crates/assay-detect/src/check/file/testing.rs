//! Every check finds its bad examples and passes its good ones.

use super::*;
use assay_analyze::{LayerFacts, Matcher, Node, NodeKind};

impl FileCheck {
    fn found(&self, path: &str, node: Node, content: &[u8]) -> usize {
        let mut facts = LayerFacts::default();
        let file = File { path, node, content: &content };
        self.analyze(&file, &mut Sink::new(path, &mut facts));
        facts.paths.values().map(|facts| facts.facts.len()).sum()
    }

    pub(super) fn found_in(&self, example: &Example, capabilities: u64) -> usize {
        self.found(
            example.path,
            Node { capabilities, ..Node::file(example.mode) },
            example.content.as_bytes(),
        )
    }

    pub(super) fn found_in_folder(&self, path: &str, mode: u32) -> usize {
        self.found(path, Node { kind: NodeKind::Folder, ..Node::file(mode) }, b"")
    }

    pub(super) fn found_of_user(&self, path: &str, mode: u32, uid: u64) -> usize {
        self.found(path, Node { uid, ..Node::file(mode) }, b"")
    }
}

/// Whether the check is asked at all, as the pass over a layer asks.
fn is_selected(check: &'static FileCheck, example: &Example) -> bool {
    let matcher = Matcher::new(std::iter::once(check as &dyn Analyzer));
    let mut found = Vec::new();
    matcher.by_path(example.path, &mut found);
    matcher.by_node(&Node::file(example.mode), &mut found);
    !found.is_empty()
}

#[test]
fn examples() {
    for check in CHECKS {
        for example in check.bad {
            assert!(is_selected(check, example), "{} does not select {}", check.check.id, example.path);
            assert!(check.found_in(example, 0) > 0, "{} misses {example:?}", check.check.id);
        }
        for example in check.good {
            let found = is_selected(check, example) && check.found_in(example, 0) > 0;
            assert!(!found, "{} finds {example:?}", check.check.id);
        }
    }
}
