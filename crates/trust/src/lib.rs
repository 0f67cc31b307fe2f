//! Is this artifact what its publisher signed? Repositories, packages, single files; the answer is always a
//! [`Verdict`](patchwright_domain::intel::authenticity::Verdict) with every reason.
//!
//! Server and agent use the same code: an agent believes no server about a signature. Nothing here reads a clock, the
//! network or a directory: bytes, readers, keys, `now` and what was accepted before are arguments.
//!
//! | what | where |
//! |---|---|
//! | OpenPGP keys and signatures (RFC 9580, RFC 4880) | [`keyring`], [`openpgp`] |
//! | Debian repositories: Release, index, package | [`release`], [`index`], [`repo`] |
//! | apt's own sources and lists | [`apt`] |
//! | index of an apk repository | [`apk`] |
//! | RPM packages and repositories | [`rpm`], [`repomd`] |
//! | minisign, checksum lists, plain ECDSA signatures | [`minisign`], [`checksums`], [`blob`] |
//! | sigstore bundles, offline | [`sigstore`] |
//! | one file with what lies beside it | [`file`] |

pub mod apk;
pub mod apt;
pub mod blob;
pub mod checksums;
pub mod digest;
pub mod file;
pub mod index;
pub mod keyring;
pub mod minisign;
pub mod openpgp;
pub mod release;
pub mod repo;
pub mod repomd;
pub mod rpm;
pub mod sigstore;

/// Largest keyring, signature or signed index of a repository that is read, in bytes; Debian's Release files have 200 KB.
pub const SMALL_MAX: u64 = 32 << 20;
/// Largest index after unpacking, in bytes; Debian's largest (`main`, amd64) has 50 MB.
pub const INDEX_MAX: u64 = 1 << 30;
