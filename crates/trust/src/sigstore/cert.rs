//! The signing certificate: its key, whom it is for, on whose word (Fulcio's "OID information").

use std::time::Duration;

use patchwright_domain::time::Timestamp;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::der::{Der, tag};
use crate::blob::PublicKey;

/// `id-kp-codeSigning` (RFC 5280 section 4.2.1.12).
const CODE_SIGNING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03];
/// `id-ce-subjectAltName` (RFC 5280 section 4.2.1.6).
const ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
/// Fulcio's issuer as plain text, and as a UTF8String: 1.3.6.1.4.1.57264.1.1 and .8.
const ISSUER_V1: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xbf, 0x30, 0x01, 0x01];
const ISSUER_V2: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xbf, 0x30, 0x01, 0x08];
/// Fulcio's name of a user without mail address: 1.3.6.1.4.1.57264.1.7.
const OTHER_NAME: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xbf, 0x30, 0x01, 0x07];

const ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    webpki::ring::ECDSA_P256_SHA256,
    webpki::ring::ECDSA_P256_SHA384,
    webpki::ring::ECDSA_P384_SHA256,
    webpki::ring::ECDSA_P384_SHA384,
    webpki::ring::ED25519,
    webpki::ring::RSA_PKCS1_2048_8192_SHA256,
];

/// A signing certificate.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) key: PublicKey,
    pub(super) identities: Vec<String>,
    pub(super) issuer: Option<String>,
}

/// Reads the fields that matter. Says nothing about whether anybody should believe them.
pub(super) fn read(der: &[u8]) -> Result<Leaf, String> {
    let broken = || "it is no certificate in DER".to_owned();
    let mut tbs = Der::new(der).enter(tag::SEQUENCE).and_then(|mut c| c.enter(tag::SEQUENCE)).ok_or_else(broken)?;
    tbs.take(tag::CONTEXT_0);
    tbs.take(tag::INTEGER).ok_or_else(broken)?;
    for _ in ["signature", "issuer", "validity", "subject"] {
        tbs.take(tag::SEQUENCE).ok_or_else(broken)?;
    }
    let key = PublicKey::from_der(tbs.take(tag::SEQUENCE).ok_or_else(broken)?.whole)?;
    let mut leaf = Leaf { key, identities: Vec::new(), issuer: None };
    while let Some(element) = tbs.next() {
        if element.tag != tag::CONTEXT_3 {
            continue;
        }
        let mut list = Der::new(element.value).enter(tag::SEQUENCE).ok_or_else(broken)?;
        while let Some(mut extension) = list.enter(tag::SEQUENCE) {
            let id = extension.take(tag::OID).ok_or_else(broken)?.value;
            extension.take(tag::BOOLEAN);
            let value = extension.take(tag::OCTET_STRING).ok_or_else(broken)?.value;
            match id {
                ALT_NAME => leaf.identities = names(value),
                ISSUER_V1 if leaf.issuer.is_none() => leaf.issuer = Some(String::from_utf8_lossy(value).into_owned()),
                ISSUER_V2 => {
                    let text = Der::new(value).take(tag::UTF8).ok_or_else(broken)?.value;
                    leaf.issuer = Some(String::from_utf8_lossy(text).into_owned());
                }
                _ => {}
            }
        }
    }
    Ok(leaf)
}

/// Mail addresses, URIs and Fulcio's user names.
fn names(value: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let Some(mut list) = Der::new(value).enter(tag::SEQUENCE) else { return found };
    while let Some(name) = list.next() {
        match name.tag {
            0x81 | 0x86 => found.push(String::from_utf8_lossy(name.value).into_owned()),
            tag::CONTEXT_0 => {
                let mut other = Der::new(name.value);
                let id = other.take(tag::OID).map(|e| e.value);
                let text = other.enter(tag::CONTEXT_0).and_then(|mut v| v.take(tag::UTF8));
                if let (Some(OTHER_NAME), Some(text)) = (id, text) {
                    found.push(String::from_utf8_lossy(text.value).into_owned());
                }
            }
            _ => {}
        }
    }
    found
}

/// Whether the certificate leads to one of the roots and was valid, for signing code, at this time.
pub(super) fn chain(leaf: &[u8], others: &[Vec<u8>], roots: &[Vec<u8>], at: Timestamp) -> Result<(), String> {
    let roots: Vec<CertificateDer<'_>> = roots.iter().map(|r| CertificateDer::from(r.as_slice())).collect();
    let mut anchors: Vec<TrustAnchor<'_>> = Vec::new();
    for root in &roots {
        anchors.push(anchor_from_trusted_cert(root).map_err(|e| format!("a given root cannot be used: {e}"))?);
    }
    let others: Vec<CertificateDer<'_>> = others.iter().map(|c| CertificateDer::from(c.as_slice())).collect();
    let leaf = CertificateDer::from(leaf);
    let cert = EndEntityCert::try_from(&leaf).map_err(|e| format!("it cannot be used: {e}"))?;
    let seconds = u64::try_from(at.0.div_euclid(1_000)).map_err(|_| "the signed time is before 1970".to_owned())?;
    let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let usage = KeyUsage::required(CODE_SIGNING);
    cert.verify_for_usage(ALGORITHMS, &anchors, &others, time, usage, None, None)
        .map(|_| ())
        .map_err(|e| format!("{e} (at {at})"))
}
