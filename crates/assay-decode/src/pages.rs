//! A set of page numbers that have been seen.
//!
//! Page-structured files link their pages by number. Remembering which were used makes every walk end, and makes
//! its cost linear in the file's size however the links are bent.

/// The set, one bit for each page of the file.
#[derive(Clone, Debug)]
pub(crate) struct SeenPages {
    bits: Vec<u64>,
    pages: u64,
}

impl SeenPages {
    /// Makes an empty set for a file of `pages` pages, numbered below that.
    pub(crate) fn new(pages: u64) -> Self {
        let words = usize::try_from(pages.div_ceil(64)).unwrap_or(0);
        Self { bits: vec![0; words], pages }
    }

    /// Adds a page; false if it was there already or is not in the file.
    pub(crate) fn insert(&mut self, page: u64) -> bool {
        let mask = 1_u64.checked_shl(u32::try_from(page % 64).unwrap_or(0)).unwrap_or(0);
        let word = usize::try_from(page / 64).ok().and_then(|index| self.bits.get_mut(index));
        match word {
            Some(word) if page < self.pages && *word & mask == 0 => {
                *word |= mask;
                true
            }
            _ => false,
        }
    }
}
