//! Every regular file with its size, its permissions and the digests of its content, for those who ask for every file: a deep scan, which
//! compares them with what package managers installed, a bill of materials with files, and what tells two images apart.
//!
//! Three digests of everything cost about as much as inflating it, so that no ordinary scan does this.

use assay_analyze::{Analyzer, AnalyzerId, Fact, File, Select, Sink};
use assay_decode::ReadAt;
use assay_model::contents::{Content, Sums};
use md5::{Digest as _, Md5};
use sha1::Sha1;
use sha2::Sha256;
use std::io;

/// Takes the digests of files.
pub(crate) struct Contents;

/// Bytes that are read at a time of what is not in memory.
const WINDOW: usize = 256 << 10;

impl Analyzer for Contents {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "contents", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        // By its path and not for being a file: an empty file is one, too, and so is another name of one.
        &[Select::Under("", "")]
    }

    fn lists_files(&self) -> bool {
        true
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let sums = match sums(file.content) {
            Ok(sums) => sums,
            Err(error) => return out.warn("unreadable-file", error.to_string()),
        };
        let (node, size) = (file.node, file.content.len());
        let content = Content { size, mode: node.mode & 0o7777, uid: node.uid, gid: node.gid, sums };
        out.fact(Fact::Content(Box::new(content)));
    }
}

fn sums(content: &dyn ReadAt) -> io::Result<Sums> {
    let (mut md5, mut sha1, mut sha256) = (Md5::new(), Sha1::new(), Sha256::new());
    let mut add = |bytes: &[u8]| {
        md5.update(bytes);
        sha1.update(bytes);
        sha256.update(bytes);
    };
    if let Some(all) = content.as_slice() {
        // In parts, so that the second and third find them in the processor's cache.
        all.chunks(WINDOW).for_each(add);
    } else {
        let mut buffer = vec![0; WINDOW];
        let mut offset = 0_u64;
        loop {
            match content.read_at(offset, &mut buffer) {
                Ok(0) => break,
                Ok(read) => {
                    add(buffer.get(..read).unwrap_or_default());
                    offset = offset.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(Sums { md5: md5.finalize().into(), sha1: sha1.finalize().into(), sha256: sha256.finalize().into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_total, run};
    use assay_model::contents::hex;

    #[test]
    fn digests_are_those_of_the_tools() {
        let facts = run(&Contents, "a", b"abc");
        let [Fact::Content(content)] = facts.paths["a"].facts.as_slice() else { panic!("{facts:?}") };
        assert_eq!((content.size, content.mode), (3, 0o644));
        // `printf abc | md5sum`, and so on.
        assert_eq!(hex(&content.sums.md5), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(hex(&content.sums.sha1), "a9993e364706816aba3e25717850c26c9cd0d89d");
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex(&content.sums.sha256), sha256);
    }

    #[test]
    fn total() {
        check_total(&Contents, "a");
    }
}
