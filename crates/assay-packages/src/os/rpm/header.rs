//! The header of an RPM package, as the package database keeps it (<https://rpm-software-management.github.io/rpm/manual/format_header.html>).
//!
//! Two big-endian counts, an index of 16-byte entries (tag, type, offset, count), and a store the offsets point into.
//! What is surprising: in the database there is no magic before it, and entries that rpm added at installation stand behind the
//! signed ones and replace those with the same tag. Nothing is copied: a value is found when it is asked for.

/// The most entries rpm itself accepts (`hdrchkTags`).
const ENTRIES_LIMIT: usize = 0xffff;

/// The tags that are read, by rpm's names (`rpmtag.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    Name = 1000,
    Version = 1001,
    Release = 1002,
    Epoch = 1003,
    Size = 1009,
    Vendor = 1011,
    License = 1014,
    Arch = 1022,
    OldFileNames = 1027,
    FileDigests = 1035,
    FileFlags = 1037,
    SourceRpm = 1044,
    FileVerifyFlags = 1045,
    ProvideName = 1047,
    RequireName = 1049,
    DirIndexes = 1116,
    BaseNames = 1117,
    DirNames = 1118,
    LongSize = 5009,
    FileDigestAlgo = 5011,
    ModularityLabel = 5096,
}

const INT32: u32 = 4;
const INT64: u32 = 5;
const STRING: u32 = 6;
const STRING_ARRAY: u32 = 8;
const I18N_STRING: u32 = 9;

/// A header whose counts fit its bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header<'a> {
    index: &'a [[u8; 16]],
    store: &'a [u8],
}

impl<'a> Header<'a> {
    /// Reads the counts; `None` when they promise more than there is.
    pub(super) fn parse(blob: &'a [u8]) -> Option<Self> {
        let (entries, rest) = blob.split_first_chunk::<4>()?;
        let (bytes, rest) = rest.split_first_chunk::<4>()?;
        let entries =
            usize::try_from(u32::from_be_bytes(*entries)).ok().filter(|&count| count <= ENTRIES_LIMIT)?;
        let bytes = usize::try_from(u32::from_be_bytes(*bytes)).ok()?;
        let (index, rest) = rest.split_at_checked(entries.checked_mul(16)?)?;
        Some(Self { index: index.as_chunks().0, store: rest.get(..bytes)? })
    }

    /// Returns a single string.
    pub(super) fn string(self, tag: Tag) -> Option<&'a [u8]> {
        self.strings(tag).next()
    }

    /// Returns the strings of an array; it ends early when the store does.
    pub(super) fn strings(self, tag: Tag) -> impl Iterator<Item = &'a [u8]> {
        let (mut rest, count) = self.value(tag, &[STRING, STRING_ARRAY, I18N_STRING]).unwrap_or_default();
        (0..count).map_while(move |_| {
            let end = rest.iter().position(|&byte| byte == 0)?;
            let (string, after) = rest.split_at_checked(end)?;
            rest = after.get(1..)?;
            Some(string)
        })
    }

    /// Returns the numbers of an array; it ends early when the store does.
    pub(super) fn numbers(self, tag: Tag) -> impl Iterator<Item = u32> {
        let (rest, count) = self.value(tag, &[INT32]).unwrap_or_default();
        rest.as_chunks().0.iter().take(count).map(|&chunk| u32::from_be_bytes(chunk))
    }

    /// Returns a single 64-bit number.
    pub(super) fn long(self, tag: Tag) -> Option<u64> {
        let (rest, _) = self.value(tag, &[INT64])?;
        rest.first_chunk().map(|&chunk| u64::from_be_bytes(chunk))
    }

    /// Returns how many elements the index promises.
    pub(super) fn count(self, tag: Tag) -> usize {
        self.value(tag, &[INT32, STRING, STRING_ARRAY, I18N_STRING]).map_or(0, |(_, count)| count)
    }

    /// Returns the store from where the value begins, and its count.
    fn value(self, tag: Tag, kinds: &[u32]) -> Option<(&'a [u8], usize)> {
        // Backwards, because what was added at installation replaces what was signed.
        self.index.iter().rev().find_map(|entry| {
            let [found, kind, offset, count] = fields(entry);
            (found == tag.number() && kinds.contains(&kind)).then_some(())?;
            Some((self.store.get(usize::try_from(offset).ok()?..)?, usize::try_from(count).ok()?))
        })
    }
}

impl Tag {
    fn number(self) -> u32 {
        self as u32
    }
}

fn fields(entry: &[u8; 16]) -> [u32; 4] {
    let mut fields = [0; 4];
    for (field, &chunk) in fields.iter_mut().zip(entry.as_chunks().0) {
        *field = u32::from_be_bytes(chunk);
    }
    fields
}
