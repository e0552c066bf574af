//! A small bounded store of blocks: tables of an image format, decompressed clusters, metadata of a file system.
//!
//! The oldest block goes first, whoever still uses it: what is asked for often is soon back, and nothing has to be counted.

use crate::disk::{Shared, length, size};
use crate::read_at::ReadAt;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// The blocks, by a number of the owner's.
pub(crate) struct BlockCache {
    inner: Mutex<Inner>,
    /// Bytes that are held at most, but for one block that is larger.
    limit: usize,
}

#[derive(Default)]
struct Inner {
    blocks: HashMap<u64, Arc<[u8]>>,
    order: VecDeque<u64>,
    held: usize,
}

impl BlockCache {
    pub(crate) fn new(limit: usize) -> Self {
        Self { inner: Mutex::default(), limit }
    }

    /// Returns the block of that number, which `load` makes when it is not there.
    pub(crate) fn get(
        &self,
        number: u64,
        load: impl FnOnce() -> io::Result<Vec<u8>>,
    ) -> io::Result<Arc<[u8]>> {
        if let Some(block) = self.lock().blocks.get(&number) {
            return Ok(Arc::clone(block));
        }
        // Two threads may load the same block; better than that one waits for what it does not need.
        let block: Arc<[u8]> = load()?.into();
        let mut inner = self.lock();
        if inner.blocks.insert(number, Arc::clone(&block)).is_none() {
            inner.order.push_back(number);
            inner.held = inner.held.saturating_add(block.len());
        }
        while inner.held > self.limit && inner.order.len() > 1 {
            let Some(oldest) = inner.order.pop_front() else { break };
            let freed = inner.blocks.remove(&oldest).map_or(0, |block| block.len());
            inner.held = inner.held.saturating_sub(freed);
        }
        Ok(block)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A source read in whole blocks that are kept for a while: for many small reads of the same tables.
pub(crate) struct Cached {
    source: Shared,
    cache: BlockCache,
}

/// Bytes of one block of [`Cached`].
const BLOCK: u64 = 4096;

impl Cached {
    pub(crate) fn new(source: Shared, limit: usize) -> Self {
        Self { source, cache: BlockCache::new(limit) }
    }

    /// Returns the source itself, for reads that are too large to be kept.
    pub(crate) fn source(&self) -> &Shared {
        &self.source
    }
}

impl ReadAt for Cached {
    fn len(&self) -> u64 {
        self.source.len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let len = self.source.len();
        if offset >= len || buf.is_empty() {
            return Ok(0);
        }
        let number = offset / BLOCK;
        let block = self.cache.get(number, || {
            let start = number.saturating_mul(BLOCK);
            let mut block = vec![0; size(len.saturating_sub(start).min(BLOCK))];
            self.source.read_exact_at(start, &mut block)?;
            Ok(block)
        })?;
        let within = size(offset % BLOCK);
        Ok(copy(block.get(within..).unwrap_or_default(), buf))
    }
}

/// Copies as much as fits, and returns how much that was.
pub(crate) fn copy(from: &[u8], to: &mut [u8]) -> usize {
    let count = from.len().min(to.len());
    if let (Some(from), Some(to)) = (from.get(..count), to.get_mut(..count)) {
        to.copy_from_slice(from);
    }
    count
}

/// Returns how many bytes of `buf` may be filled when `left` are there.
pub(crate) fn at_most(buf: &mut [u8], left: u64) -> &mut [u8] {
    let count = size(left.min(length(buf.len())));
    buf.get_mut(..count).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_limit_is_held() {
        let cache = BlockCache::new(100);
        for number in 0..10 {
            cache.get(number, || Ok(vec![0; 40])).unwrap();
            assert!(cache.lock().held <= 100);
        }
        assert_eq!(cache.lock().blocks.len(), 2);
        cache.get(9, || panic!("it is there")).unwrap();
        cache.get(99, || Ok(vec![0; 500])).unwrap();
        assert_eq!(cache.lock().order.len(), 1, "a block over the limit is held alone");
    }

    #[test]
    fn blocks_give_the_bytes_of_the_source() {
        let bytes: Vec<u8> = (0..10_000_u32).map(|at| (at % 251) as u8).collect();
        let cached = Cached::new(Arc::new(bytes.clone()), 8192);
        for (offset, len) in [(0, 10), (4090, 20), (0, 10_000), (9_999, 1)] {
            let mut buf = vec![0; len];
            cached.read_exact_at(offset, &mut buf).unwrap();
            assert_eq!(buf, bytes[offset as usize..][..len]);
        }
        assert_eq!(cached.read_at(10_000, &mut [0]).unwrap(), 0);
    }
}
