//! What comes out of stored bytes, held against how many those are.

use super::{Budget, Limits};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Why reading a layer was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GivenUp {
    #[error("the time is up")]
    Time,
    #[error("more than {ratio} bytes come out of each stored byte, and more than {free} in all")]
    Ratio { ratio: u64, free: u64 },
}

impl GivenUp {
    /// Returns the reason if that is what `error` says.
    pub(crate) fn find(error: &io::Error) -> Option<Self> {
        error.get_ref().and_then(|inner| inner.downcast_ref()).copied()
    }

    pub(crate) fn budget(self) -> Budget {
        match self {
            Self::Time => Budget::TIME,
            Self::Ratio { .. } => Budget::RATIO,
        }
    }
}

/// How many of the bytes that may come out whatever the ratio have come, in all layers of a scan.
#[derive(Debug, Clone, Default)]
pub struct Drawn(Arc<AtomicU64>);

/// What undoing compression has brought forth in one layer, held against what the layer has stored.
///
/// What is over the ratio is drawn from one pool for all layers: else a thousand layers would be a thousand bombs.
#[derive(Debug, Default)]
pub(crate) struct Expansion(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    stored: u64,
    expanded: u64,
    /// What is over the ratio at the moment.
    drawn: u64,
}

impl Expansion {
    pub(crate) fn add_stored(&self, bytes: u64) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.stored = counts.stored.saturating_add(bytes);
    }

    /// Returns how many bytes have come out.
    pub(crate) fn expanded(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).expanded
    }

    /// Counts bytes that came out.
    pub(crate) fn add_expanded(&self, bytes: u64, limits: &Limits) -> Result<(), GivenUp> {
        let given_up = GivenUp::Ratio { ratio: limits.ratio, free: limits.free_expansion };
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What is refused is not counted: one file that claims an exbibyte must not be the end of all that follow.
        let expanded = counts.expanded.checked_add(bytes).ok_or(given_up)?;
        let over = expanded.saturating_sub(counts.stored.saturating_mul(limits.ratio));
        let (mine, all) = (counts.drawn, &limits.drawn.0);
        if over > mine {
            let drawn = |all: u64| all.checked_add(over - mine).filter(|all| *all <= limits.free_expansion);
            all.fetch_update(Ordering::Relaxed, Ordering::Relaxed, drawn).map_err(|_| given_up)?;
        } else if over < mine {
            all.fetch_sub(mine - over, Ordering::Relaxed);
        }
        (counts.expanded, counts.drawn) = (expanded, over);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn the_ratio_counts_once_the_free_bytes_are_used_up() {
        let limits = Limits { ratio: 10, free_expansion: 1000, ..Limits::new(PathBuf::new()) };
        let expansion = Expansion::default();
        expansion.add_stored(5);
        assert_eq!(expansion.add_expanded(1050, &limits), Ok(()));
        assert_eq!(expansion.add_expanded(1, &limits), Err(GivenUp::Ratio { ratio: 10, free: 1000 }));
        assert!(expansion.add_expanded(u64::MAX, &limits).is_err());
        expansion.add_stored(1);
        assert_eq!(expansion.add_expanded(10, &limits), Ok(()), "what was refused is not counted");
    }

    #[test]
    fn the_free_bytes_are_there_once_for_all_layers() {
        let limits = Limits { ratio: 10, free_expansion: 1000, ..Limits::new(PathBuf::new()) };
        let (bomb, honest) = (Expansion::default(), Expansion::default());
        bomb.add_stored(1);
        assert_eq!(bomb.add_expanded(1010, &limits), Ok(()));
        honest.add_stored(100);
        assert_eq!(honest.add_expanded(1000, &limits), Ok(()), "the ratio is each layer's own");
        assert!(honest.add_expanded(1, &limits).is_err());
        bomb.add_stored(50);
        assert_eq!(bomb.add_expanded(1, &limits), Ok(()), "it is within the ratio again for the most part");
        assert_eq!(honest.add_expanded(499, &limits), Ok(()));
        assert!(honest.add_expanded(1, &limits).is_err());
    }
}
