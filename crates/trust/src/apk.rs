//! Index of an apk repository: `APKINDEX.tar.gz` is two gzip members behind each other, and the first holds nothing but the signature
//! over the bytes of the second, in a file named after the key (apk-tools, "apk v2 package format").

use std::io::Read as _;

use flate2::bufread::GzDecoder;
use patchwright_formats::bounded::{FileInZip, Limits, each_file_in_tar};
use ring::digest;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RsaParameters, UnparsedPublicKey,
};

use crate::blob::pem;
use crate::sigstore::der::{Der, tag};

/// Largest signature member after unpacking; real ones have 1 KiB.
const SIGNATURE_MAX: u64 = 1 << 20;
/// Bytes of the digest that apk puts into the name of a cached index.
const NAME_BYTES: usize = 4;

/// What signs an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexSignature {
    /// A key that the host trusts: the name of its file.
    Holds(String),
    /// There is a signature, and it proves nothing.
    Refused {
        /// Name of the key that it claims.
        key: String,
        /// Why not.
        why: String,
    },
    /// There is none.
    Missing,
}

/// Names under which apk caches the index of a repository, by the address as it is configured: apk-tools 2 takes SHA-1, 3 takes SHA-256.
#[must_use]
pub fn cached_names(address: &str) -> [String; 2] {
    [&digest::SHA1_FOR_LEGACY_USE_ONLY, &digest::SHA256].map(|algorithm| {
        let digest = digest::digest(algorithm, address.as_bytes());
        format!("APKINDEX.{}.tar.gz", hex::encode(digest.as_ref().get(..NAME_BYTES).unwrap_or_default()))
    })
}

/// Checks the signature of an index. `key` gives the content of a key file of the host by its name.
#[must_use]
pub fn check_index(bytes: &[u8], key: &dyn Fn(&str) -> Option<Vec<u8>>) -> IndexSignature {
    let mut first = GzDecoder::new(bytes);
    let mut tar = Vec::new();
    if first.by_ref().take(SIGNATURE_MAX).read_to_end(&mut tar).is_err() {
        return IndexSignature::Missing;
    }
    let signed = first.into_inner();
    let mut found: Option<(String, Vec<u8>)> = None;
    let limits = Limits { record: SIGNATURE_MAX, ..Limits::default() };
    let read = each_file_in_tar(&mut tar.as_slice(), &limits, &|name| name.starts_with(".SIGN."), &mut |file| {
        if let (FileInZip::Bytes { name, bytes }, None) = (file, &found) {
            found = Some((name.to_owned(), bytes.to_vec()));
        }
    });
    let (Ok(_), Some((name, signature))) = (read, found) else { return IndexSignature::Missing };
    // apk-tools 2 still signs with SHA-1, which is what its index has; a collision needs the one who signs to help.
    let (key_name, algorithm): (&str, &'static RsaParameters) = if let Some(name) = name.strip_prefix(".SIGN.RSA256.") {
        (name, &RSA_PKCS1_2048_8192_SHA256)
    } else if let Some(name) = name.strip_prefix(".SIGN.RSA.") {
        (name, &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY)
    } else {
        return refused(&name, "its kind of signature is not known");
    };
    if key_name.is_empty() || key_name.contains('/') {
        return refused(key_name, "the name of its key is no file name");
    }
    let Some(content) = key(key_name) else { return refused(key_name, "the host has no such key") };
    let Some(public) = rsa_key(&content) else { return refused(key_name, "the key's file holds no RSA key") };
    match UnparsedPublicKey::new(algorithm, public).verify(signed, &signature) {
        Ok(()) => IndexSignature::Holds(key_name.to_owned()),
        Err(_) => refused(key_name, "the signature is not over these bytes by this key"),
    }
}

fn refused(key: &str, why: &str) -> IndexSignature {
    IndexSignature::Refused { key: key.to_owned(), why: why.to_owned() }
}

/// The RSA key (RFC 8017, appendix A.1.1) inside a public key in PEM.
fn rsa_key(content: &[u8]) -> Option<Vec<u8>> {
    let blocks = pem(std::str::from_utf8(content).ok()?, "PUBLIC KEY");
    let mut spki = Der::new(blocks.first()?).enter(tag::SEQUENCE)?;
    spki.enter(tag::SEQUENCE)?;
    spki.take(tag::BIT_STRING)?.value.strip_prefix(&[0]).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_apk_gives() {
        // As apk-tools 2 prints them in its warnings.
        let name = |address: &str| cached_names(address)[0].clone();
        assert_eq!(name("http://dl-cdn.alpinelinux.org/alpine/v3.10/main"), "APKINDEX.00740ba1.tar.gz");
        assert_eq!(name("http://dl-cdn.alpinelinux.org/alpine/v3.7/community"), "APKINDEX.5022a8a2.tar.gz");
    }

    #[test]
    fn what_is_no_index_has_no_signature() {
        for bytes in [&b""[..], b"APKINDEX", &[0x1f, 0x8b, 8, 0]] {
            assert_eq!(check_index(bytes, &|_| None), IndexSignature::Missing);
        }
    }
}
