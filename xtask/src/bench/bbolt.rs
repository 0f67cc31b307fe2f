//! Writes a database file in the format of bbolt (version 2), the key-value store that Trivy reads.
//!
//! Only what a reader needs: two meta pages, an empty free list, and one B+ tree per bucket, built bottom-up. All numbers
//! are little-endian. A page starts with `id u64, flags u16, count u16, overflow u32`; a leaf element is
//! `flags u32, pos u32, key size u32, value size u32`, a branch element `pos u32, key size u32, page u64`, where `pos`
//! counts from the element itself. A bucket is a leaf value `root page u64, sequence u64`; root page 0 means that a page
//! with the bucket's own elements follows in the value ("inline").

use std::collections::BTreeMap;

use crate::sh::{Attempt, Failure};

const PAGE: usize = 4096;
const HEADER: usize = 16;
const ELEMENT: usize = 16;

const FLAG_BRANCH: u16 = 0x01;
const FLAG_LEAF: u16 = 0x02;
const FLAG_META: u16 = 0x04;
const FLAG_FREELIST: u16 = 0x10;
/// On a leaf element: the value is a bucket.
const FLAG_BUCKET: u32 = 0x01;

const MAGIC: u32 = 0xED0C_DAED;
const VERSION: u32 = 2;

/// bbolt keeps a bucket inside its parent's page up to a quarter of a page.
const INLINE_MAX: usize = PAGE / 4;

/// A reader maps at least this much.
const FILE_MIN: usize = 32 * 1024;

/// What a key leads to.
#[derive(Debug)]
pub(crate) enum Node {
    Value(Vec<u8>),
    Bucket(Bucket),
}

/// Keys in byte order.
pub(crate) type Bucket = BTreeMap<Vec<u8>, Node>;

/// The whole file.
pub(crate) fn database(root: &Bucket) -> Result<Vec<u8>, Failure> {
    // Pages 0 and 1 are the meta pages, 2 the free list.
    let mut file = File { pages: vec![0; 3 * PAGE] };
    let top = file.bucket(root)?;
    let used = file.next_id()?;
    let mut bytes = Vec::new();
    for id in 0..2 {
        bytes.extend(meta_page(id, top, used)?);
    }
    bytes.extend(padded(page(2, FLAG_FREELIST, 0, &[])?));
    bytes.extend(file.pages.iter().skip(3 * PAGE));
    if bytes.len() < FILE_MIN {
        bytes.resize(FILE_MIN, 0);
    }
    Ok(bytes)
}

struct File {
    pages: Vec<u8>,
}

/// One element of a leaf page.
struct Leaf<'a> {
    flags: u32,
    key: &'a [u8],
    value: Vec<u8>,
}

impl File {
    fn next_id(&self) -> Result<u64, Failure> {
        u64::try_from(self.pages.len() / PAGE).attempt(|| "number a page".into())
    }

    /// Writes a bucket's tree; gives its root page.
    fn bucket(&mut self, bucket: &Bucket) -> Result<u64, Failure> {
        let mut leaves = Vec::with_capacity(bucket.len());
        for (key, node) in bucket {
            leaves.push(match node {
                Node::Value(value) => Leaf { flags: 0, key, value: value.clone() },
                Node::Bucket(inner) => Leaf { flags: FLAG_BUCKET, key, value: self.bucket_value(inner)? },
            });
        }
        // The first key of a page and its number, level by level.
        let mut level: Vec<(&[u8], u64)> = Vec::new();
        for group in groups(&leaves, |leaf| ELEMENT + leaf.key.len() + leaf.value.len()) {
            let id = self.next_id()?;
            let first = group.first().map_or(&[][..], |leaf| leaf.key);
            self.pages.extend(padded(leaf_page(id, group)?));
            level.push((first, id));
        }
        while level.len() > 1 {
            let mut above = Vec::new();
            for group in groups(&level, |(key, _)| ELEMENT + key.len()) {
                let id = self.next_id()?;
                let first = group.first().map_or(&[][..], |(key, _)| key);
                self.pages.extend(padded(branch_page(id, group)?));
                above.push((first, id));
            }
            level = above;
        }
        level.first().map(|(_, id)| *id).ok_or_else(|| Failure::new("a bucket without a page"))
    }

    /// The value of a bucket's element: a page number, or the whole bucket when it is small and holds no other bucket.
    fn bucket_value(&mut self, bucket: &Bucket) -> Result<Vec<u8>, Failure> {
        let plain: Option<Vec<Leaf<'_>>> = bucket
            .iter()
            .map(|(key, node)| match node {
                Node::Value(value) => Some(Leaf { flags: 0, key, value: value.clone() }),
                Node::Bucket(_) => None,
            })
            .collect();
        if let Some(leaves) = plain {
            let size: usize = leaves.iter().map(|l| ELEMENT + l.key.len() + l.value.len()).sum();
            if HEADER + size <= INLINE_MAX {
                let mut value = vec![0; 16];
                value.extend(leaf_page(0, &leaves)?);
                return Ok(value);
            }
        }
        let mut value = self.bucket(bucket)?.to_le_bytes().to_vec();
        value.extend(0u64.to_le_bytes());
        Ok(value)
    }
}

/// Consecutive elements that fit one page; an element larger than a page gets one of its own. At least one group.
fn groups<T>(items: &[T], size: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let mut found = Vec::new();
    let mut rest = items;
    loop {
        let mut used = HEADER;
        let mut take = 0;
        for item in rest {
            let with_it = used + size(item);
            if with_it > PAGE && take > 0 {
                break;
            }
            used = with_it;
            take += 1;
        }
        let (group, after) = rest.split_at(take);
        found.push(group);
        if after.is_empty() {
            return found;
        }
        rest = after;
    }
}

fn leaf_page(id: u64, leaves: &[Leaf<'_>]) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    let mut data: Vec<u8> = Vec::new();
    for (at, leaf) in leaves.iter().enumerate() {
        let pos = (leaves.len() - at) * ELEMENT + data.len();
        body.extend(leaf.flags.to_le_bytes());
        body.extend(small(pos)?.to_le_bytes());
        body.extend(small(leaf.key.len())?.to_le_bytes());
        body.extend(small(leaf.value.len())?.to_le_bytes());
        data.extend(leaf.key);
        data.extend(&leaf.value);
    }
    body.extend(data);
    page(id, FLAG_LEAF, leaves.len(), &body)
}

fn branch_page(id: u64, children: &[(&[u8], u64)]) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    let mut data: Vec<u8> = Vec::new();
    for (at, (key, child)) in children.iter().enumerate() {
        let pos = (children.len() - at) * ELEMENT + data.len();
        body.extend(small(pos)?.to_le_bytes());
        body.extend(small(key.len())?.to_le_bytes());
        body.extend(child.to_le_bytes());
        data.extend(*key);
    }
    body.extend(data);
    page(id, FLAG_BRANCH, children.len(), &body)
}

fn meta_page(id: u64, root: u64, used: u64) -> Result<Vec<u8>, Failure> {
    let mut meta = Vec::new();
    meta.extend(MAGIC.to_le_bytes());
    meta.extend(VERSION.to_le_bytes());
    meta.extend(small(PAGE)?.to_le_bytes());
    meta.extend(0u32.to_le_bytes());
    meta.extend(root.to_le_bytes());
    meta.extend(0u64.to_le_bytes());
    // Free list's page, pages in use, transaction: the reader takes the meta page with the higher one.
    meta.extend(2u64.to_le_bytes());
    meta.extend(used.to_le_bytes());
    meta.extend(id.to_le_bytes());
    let sum = fnv1a(&meta);
    meta.extend(sum.to_le_bytes());
    Ok(padded(page(id, FLAG_META, 0, &meta)?))
}

fn page(id: u64, flags: u16, count: usize, body: &[u8]) -> Result<Vec<u8>, Failure> {
    let pages = (HEADER + body.len()).div_ceil(PAGE);
    let mut bytes = Vec::with_capacity(HEADER + body.len());
    bytes.extend(id.to_le_bytes());
    bytes.extend(flags.to_le_bytes());
    bytes.extend(u16::try_from(count).attempt(|| "count a page's elements".into())?.to_le_bytes());
    bytes.extend(small(pages - 1)?.to_le_bytes());
    bytes.extend(body);
    Ok(bytes)
}

fn padded(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.resize(bytes.len().next_multiple_of(PAGE), 0);
    bytes
}

fn small(n: usize) -> Result<u32, Failure> {
    u32::try_from(n).attempt(|| "write a size that has 32 bits".into())
}

/// FNV-1a, 64 bits: the checksum of a meta page.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader written from the description above, not from the writer.
    struct Reader<'a>(&'a [u8]);

    impl Reader<'_> {
        fn u16(&self, at: usize) -> usize {
            usize::from(u16::from_le_bytes(self.0[at..at + 2].try_into().unwrap()))
        }
        fn u32(&self, at: usize) -> usize {
            u32::from_le_bytes(self.0[at..at + 4].try_into().unwrap()) as usize
        }
        fn u64(&self, at: usize) -> usize {
            usize::try_from(u64::from_le_bytes(self.0[at..at + 8].try_into().unwrap())).unwrap()
        }

        /// Finds `path` from the bucket whose root page starts at byte `at`, going down by key order as bbolt does.
        fn get(&self, at: usize, path: &[&[u8]]) -> Option<Vec<u8>> {
            let (key, rest) = path.split_first()?;
            let count = self.u16(at + 10);
            if self.u16(at + 8) == usize::from(FLAG_BRANCH) {
                let child = (0..count)
                    .map(|i| {
                        let e = at + HEADER + i * ELEMENT;
                        let start = e + self.u32(e);
                        (&self.0[start..start + self.u32(e + 4)], self.u64(e + 8))
                    })
                    .take_while(|(first, _)| first <= key)
                    .last()?;
                return self.get(child.1 * PAGE, path);
            }
            for i in 0..count {
                let e = at + HEADER + i * ELEMENT;
                let start = e + self.u32(e + 4);
                let end = start + self.u32(e + 8);
                if self.0[start..end] != **key {
                    continue;
                }
                if rest.is_empty() {
                    return Some(self.0[end..end + self.u32(e + 12)].to_vec());
                }
                assert_eq!(self.u32(e), 1, "a bucket has its flag");
                return match self.u64(end) {
                    0 => self.get(end + 16, rest),
                    page => self.get(page * PAGE, rest),
                };
            }
            None
        }
    }

    fn key(n: u32) -> Vec<u8> {
        format!("key-{n:05}").into_bytes()
    }

    #[test]
    fn every_key_is_found_through_branches_and_inline_buckets() {
        let small: Bucket = (0..3).map(|n| (key(n), Node::Value(vec![7; 10]))).collect();
        let large: Bucket = (0..20_000).map(|n| (key(n), Node::Value(n.to_le_bytes().to_vec()))).collect();
        let many: Bucket = (0..500)
            .map(|n| {
                let inner: Bucket = (0..2).map(|m| (key(m), Node::Value(key(n)))).collect();
                (key(n), Node::Bucket(inner))
            })
            .collect();
        let big: Bucket = [(b"big".to_vec(), Node::Value(vec![9; 3 * PAGE]))].into_iter().collect();
        let root: Bucket = [("big", big), ("large", large), ("many", many), ("small", small)]
            .into_iter()
            .map(|(name, bucket)| (name.as_bytes().to_vec(), Node::Bucket(bucket)))
            .collect();
        let bytes = database(&root).unwrap();
        let file = Reader(&bytes);
        let meta = PAGE + HEADER;
        let top = file.u64(meta + 16) * PAGE;
        for n in 0..20_000 {
            assert_eq!(file.get(top, &[b"large", &key(n)]).unwrap(), n.to_le_bytes());
        }
        for n in 0..500 {
            assert_eq!(file.get(top, &[b"many", &key(n), &key(1)]).unwrap(), key(n));
        }
        assert_eq!(file.get(top, &[b"small", &key(2)]).unwrap(), [7; 10]);
        assert_eq!(file.get(top, &[b"big", b"big"]).unwrap().len(), 3 * PAGE);
        assert_eq!(file.get(top, &[b"large", b"key-20000"]), None);
        assert_eq!(bytes.len() % PAGE, 0);
        assert_eq!(file.u64(meta + 40) * PAGE, bytes.len(), "pages in use");
    }

    #[test]
    fn meta_pages_carry_magic_version_and_checksum() {
        let bytes = database(&Bucket::new()).unwrap();
        let file = Reader(&bytes);
        for id in 0..2 {
            let meta = id * PAGE + HEADER;
            assert_eq!(file.u32(meta), 0xED0C_DAED);
            assert_eq!(file.u32(meta + 4), 2);
            let sum = u64::from_le_bytes(bytes[meta + 56..meta + 64].try_into().unwrap());
            assert_eq!(sum, fnv1a(&bytes[meta..meta + 56]));
        }
        // From the reference vectors of the hash's authors.
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert!(bytes.len() >= FILE_MIN);
    }
}
