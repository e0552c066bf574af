//! Files that are in no tar: those of a folder, a disk or a zip.

use super::Pass;
use crate::analyzer::Node;
use crate::facts::LayerAnalysis;
use crate::limits::Limits;
use crate::matcher::{MAGIC_LEN, Matcher};
use assay_decode::read_at::ReadAt;
use assay_model::Warning;
use std::io::BufRead;

/// Analyses files that are not in a tar, one after the other: those of a folder, a disk or a zip.
pub struct FolderPass<'a> {
    pass: Pass<'a>,
    /// Whether files are inside something that is stored in fewer bytes than they may come to.
    inside: bool,
}

impl<'a> FolderPass<'a> {
    /// Starts with nothing seen.
    pub fn new(matcher: &'a Matcher<'a>, limits: &'a Limits) -> Self {
        Self { pass: Pass::new(matcher, limits), inside: false }
    }

    /// Starts with nothing seen of something that is stored in `stored` bytes: files that are looked at count as expanded.
    ///
    /// A disk's tables, or a zip's, can give the same bytes to any number of files.
    pub fn inside(matcher: &'a Matcher<'a>, limits: &'a Limits, stored: u64) -> Self {
        let pass = Pass::new(matcher, limits);
        pass.expansion.add_stored(stored);
        Self { pass, inside: true }
    }

    /// Looks at one file; returns whether any analyzer wanted it.
    pub fn file(&mut self, path: &str, node: Node, content: &dyn ReadAt) -> bool {
        let pass = &mut self.pass;
        pass.out.entries += 1;
        if !self.inside {
            pass.expansion.add_stored(content.len());
        }
        pass.out.unpacked_size = pass.out.unpacked_size.saturating_add(content.len());
        let mut found = std::mem::take(&mut pass.found);
        pass.matcher.by_path(path, &mut found);
        let mut start = [0; MAGIC_LEN];
        let len = content.read_at(0, &mut start).unwrap_or_default();
        pass.matcher.by_magic(start.get(..len).unwrap_or_default(), &mut found);
        if !content.is_empty() {
            pass.matcher.by_being(&mut found);
        }
        pass.matcher.by_node(&node, &mut found);
        let wanted = !found.is_empty();
        pass.without_lists(&mut found);
        if wanted && content.len() > pass.limits.bytes_per_file {
            pass.too_large(path, content.len());
        } else if found.is_empty() || !self.inside || pass.look_into(path, content.len(), &found) {
            pass.run(path, node, content, &found);
        }
        pass.found = found;
        wanted
    }

    /// Looks at one file of `size` bytes that can only be read from its beginning.
    ///
    /// What was said of an earlier file of the same path is forgotten.
    pub fn stream(&mut self, path: &str, node: Node, size: u64, reader: &mut dyn BufRead) {
        let pass = &mut self.pass;
        pass.out.entries += 1;
        pass.out.unpacked_size = pass.out.unpacked_size.saturating_add(size);
        pass.forget(path);
        let mut found = std::mem::take(&mut pass.found);
        pass.matcher.by_path(path, &mut found);
        let start = match reader.fill_buf() {
            Ok(start) => start,
            Err(error) => {
                pass.warn(Warning::unscanned("damaged-file", Some(path), error.to_string()));
                &[]
            }
        };
        pass.matcher.by_magic(start.get(..start.len().min(MAGIC_LEN)).unwrap_or_default(), &mut found);
        if size > 0 {
            pass.matcher.by_being(&mut found);
        }
        pass.matcher.by_node(&node, &mut found);
        pass.without_lists(&mut found);
        if !found.is_empty()
            && pass.look_into(path, size, &found)
            && let Some(content) = pass.content(path, size, &mut { reader }, &found)
        {
            pass.run_content(path, node, &content, &found);
        }
        pass.found = found;
    }

    /// Looks at one folder, of which only what it is counts.
    pub fn folder(&mut self, path: &str, node: Node) {
        self.pass.folder(path, node);
    }

    /// Returns whether anybody wants a symbolic link of this path; then it is worth while to read its target.
    pub fn wants_link(&self, path: &str) -> bool {
        let mut found = Vec::new();
        self.pass.matcher.by_link(path, &mut found);
        !found.is_empty()
    }

    /// Looks at one symbolic link.
    pub fn link(&mut self, path: &str, node: Node, target: &str) {
        self.pass.link(path, node, target);
    }

    /// Records what could not be looked at.
    pub fn warn(&mut self, warning: Warning) {
        self.pass.warn(warning);
    }

    /// Returns whether nothing more can be kept or the time is up, so that looking on is of no use.
    pub fn is_over(&self) -> bool {
        self.pass.full || self.pass.limits.stop.is_raised()
    }

    /// Returns what was found.
    pub fn finish(self) -> LayerAnalysis {
        self.pass.finish().0
    }
}
