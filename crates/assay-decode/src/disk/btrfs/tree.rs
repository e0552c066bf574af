//! The trees of Btrfs, and the chunks that say where logical addresses are.

use super::{CHUNK_ITEM, FILE_TREE, ROOT_ITEM, WHAT};
use crate::bytes::Endian::Little;
use crate::disk::cache::BlockCache;
use crate::disk::{DiskError, Shared, size};
use crate::read_at::ReadAt;
use std::collections::HashMap;
use std::io;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of nodes held.
const CACHE: usize = 2 << 20;
/// Levels of a tree (on-disk format: `BTRFS_MAX_LEVEL`).
const MAX_LEVEL: u8 = 8;
/// Nodes read for one question: a folder of a million names has 5,000.
const MAX_NODES: u32 = 1 << 14;
const HEADER: usize = 101;

/// The profiles of chunks that spread data over devices or stripes.
const STRIPED: u64 = 1 << 3 | 1 << 6 | 1 << 7 | 1 << 8;

/// What items are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) object: u64,
    pub(super) kind: u8,
    pub(super) offset: u64,
}

impl Key {
    pub(super) fn new(object: u64, kind: u8, offset: u64) -> Self {
        Self { object, kind, offset }
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        Some(Self::new(Little.u64(bytes, 0)?, *bytes.get(8)?, Little.u64(bytes, 9)?))
    }
}

/// A run of logical addresses on this device.
pub(super) struct Chunk {
    pub(super) logical: u64,
    len: u64,
    /// Where it is; `None` when it is spread over stripes or on another device.
    physical: Option<u64>,
}

impl Chunk {
    pub(super) fn parse(logical: u64, data: &[u8], device: u64) -> Option<Self> {
        let (len, profile) = (Little.u64(data, 0)?, Little.u64(data, 24)?);
        let count = usize::from(Little.u16(data, 44)?);
        let mut stripes = data.get(48..)?.chunks_exact(32).take(count);
        // Of several copies, any on this device will do.
        let physical = stripes.find(|stripe| Little.u64(stripe, 0) == Some(device));
        let physical = physical.and_then(|stripe| Little.u64(stripe, 8)).filter(|_| profile & STRIPED == 0);
        Some(Self { logical, len, physical })
    }
}

/// Reads the chunks that the superblock carries so that the others can be found.
pub(super) fn system_chunks(mut bytes: &[u8], device: u64) -> Option<Vec<Chunk>> {
    let mut chunks = Vec::new();
    while !bytes.is_empty() {
        let key = Key::parse(bytes).filter(|key| key.kind == CHUNK_ITEM)?;
        let data = bytes.get(17..)?;
        let stripes = usize::from(Little.u16(data, 44)?);
        let len = stripes.checked_mul(32)?.checked_add(48)?;
        chunks.push(Chunk::parse(key.offset, data.get(..len)?, device)?);
        bytes = data.get(len..)?;
    }
    chunks.sort_by_key(|chunk: &Chunk| chunk.logical);
    Some(chunks)
}

/// Everything that is needed to read trees.
pub(super) struct Trees {
    pub(super) source: Shared,
    node_size: u64,
    /// Sorted by logical address.
    pub(super) chunks: Vec<Chunk>,
    pub(super) root_tree: u64,
    device: u64,
    nodes: BlockCache,
    /// Where the trees of subvolumes are, once asked for.
    known: Mutex<HashMap<u64, u64>>,
}

type Visit<'a> = &'a mut dyn FnMut(Key, &[u8]) -> Result<ControlFlow<()>, DiskError>;

impl Trees {
    pub(super) fn new(source: Shared, node_size: u64, device: u64) -> Self {
        let nodes = BlockCache::new(CACHE);
        Self { source, node_size, chunks: Vec::new(), root_tree: 0, device, nodes, known: Mutex::default() }
    }

    /// Returns where a logical address is on this device, and how many bytes follow it there.
    pub(super) fn physical(&self, logical: u64) -> Result<(u64, u64), DiskError> {
        let damaged = || DiskError::damaged(WHAT, format!("nothing says where address {logical} is"));
        let at = self.chunks.partition_point(|chunk| chunk.logical <= logical);
        let chunk = at.checked_sub(1).and_then(|at| self.chunks.get(at)).ok_or_else(damaged)?;
        let within = logical.saturating_sub(chunk.logical);
        let left = chunk.len.checked_sub(within).filter(|left| *left > 0).ok_or_else(damaged)?;
        let start = chunk.physical.ok_or_else(|| {
            let why = format!("a part of it is not on device {} in one piece", self.device);
            DiskError::unsupported(WHAT, why)
        })?;
        Ok((start.saturating_add(within), left))
    }

    fn node(&self, logical: u64) -> Result<Arc<[u8]>, DiskError> {
        let (at, left) = self.physical(logical)?;
        if left < self.node_size {
            return Err(DiskError::damaged(WHAT, "a node of a tree is cut off"));
        }
        let len = self.node_size;
        let load = || -> io::Result<Vec<u8>> {
            let node = self.source.read_range(at, len, size(len))?.into_owned();
            match Little.u64(&node, 48) {
                Some(own) if own == logical => Ok(node),
                _ => Err(DiskError::damaged(WHAT, "a node of a tree is another one").into()),
            }
        };
        self.nodes.get(logical, load).map_err(DiskError::reading("a node of a tree of btrfs"))
    }

    /// Calls `each` with all items of the tree at `root` whose key is not below `first`, in order, until it breaks.
    pub(super) fn visit(&self, root: u64, first: Key, each: Visit<'_>) -> Result<(), DiskError> {
        let mut nodes = MAX_NODES;
        self.visit_node(root, None, first, &mut nodes, each).map(|_| ())
    }

    fn visit_node(
        &self,
        logical: u64,
        level: Option<u8>,
        first: Key,
        nodes: &mut u32,
        each: Visit<'_>,
    ) -> Result<ControlFlow<()>, DiskError> {
        let damaged = || DiskError::damaged(WHAT, "a node of a tree makes no sense");
        *nodes = nodes.checked_sub(1).ok_or(DiskError::TooMuch {
            what: WHAT,
            of: "nodes in a tree",
            limit: u64::from(MAX_NODES),
        })?;
        let node = self.node(logical)?;
        let here = node.get(100).copied().filter(|here| *here < MAX_LEVEL).ok_or_else(damaged)?;
        if level.is_some_and(|level| level != here) {
            return Err(damaged());
        }
        let count = size(u64::from(Little.u32(&node, 96).ok_or_else(damaged)?));
        let body = node.get(HEADER..).ok_or_else(damaged)?;
        let Some(below) = here.checked_sub(1) else {
            for item in body.chunks_exact(25).take(count) {
                let key = Key::parse(item).ok_or_else(damaged)?;
                if key < first {
                    continue;
                }
                let place = (Little.u32(item, 17), Little.u32(item, 21));
                let (Some(offset), Some(len)) = place else { return Err(damaged()) };
                let data = body
                    .get(size(u64::from(offset))..)
                    .and_then(|rest| rest.get(..size(u64::from(len))))
                    .ok_or_else(damaged)?;
                if each(key, data)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            return Ok(ControlFlow::Continue(()));
        };
        let pointers: Vec<(Key, u64)> = body
            .chunks_exact(33)
            .take(count)
            .filter_map(|pointer| Some((Key::parse(pointer)?, Little.u64(pointer, 17)?)))
            .collect();
        // The last child whose first key is not above what is wanted may hold it.
        let start = pointers.partition_point(|(key, _)| *key <= first).saturating_sub(1);
        for (_, child) in pointers.into_iter().skip(start) {
            if self.visit_node(child, Some(below), first, nodes, each)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Returns the logical address of the tree of that number.
    pub(super) fn tree(&self, number: u64) -> Result<u64, DiskError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&number).copied();
        if let Some(known) = known {
            return Ok(known);
        }
        let mut found = None;
        // Subvolumes have the numbers from 256 on, the first one 5; other trees hold no files.
        if number == FILE_TREE || number >= super::FIRST_NUMBER {
            self.visit(self.root_tree, Key::new(number, ROOT_ITEM, 0), &mut |key, data| {
                if (key.object, key.kind) == (number, ROOT_ITEM) {
                    found = Little.u64(data, 176);
                }
                Ok(ControlFlow::Break(()))
            })?;
        }
        let found = found.ok_or_else(|| DiskError::damaged(WHAT, format!("there is no tree {number}")))?;
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(number, found);
        Ok(found)
    }
}
