//! `verify file`: which proof the command line gives.

use std::path::Path;

use patchwright_domain::intel::authenticity::Verdict;
use patchwright_domain::time::Timestamp;
use patchwright_trust::file::{ARTIFACT_MAX, Proof, check as check_file};
use patchwright_trust::keyring::Keyring;
use patchwright_trust::openpgp::is_cleartext_signed;
use patchwright_trust::sigstore::Expected;
use patchwright_trust::{SMALL_MAX, digest};

use crate::args::VerifyFile;
use crate::exit::{Code, Failure};

/// A file as it is: unpacking would change what was signed.
fn raw(path: &Path, max: u64) -> Result<Vec<u8>, Failure> {
    digest::read_at_most(&mut super::open(path)?, max)
        .map_err(|e| Failure::plain(Code::Input, format!("failed to read `{}`: {e}", path.display())))
}

fn text(path: Option<&Path>) -> Result<Option<(String, String)>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let bytes = raw(path, SMALL_MAX)?;
    Ok(Some((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned())))
}

pub(super) fn check(args: &VerifyFile, now: Timestamp) -> Result<Verdict, Failure> {
    let name = args.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let data = raw(&args.path, ARTIFACT_MAX)?;
    let signature = args.signature.as_deref().map(|path| raw(path, SMALL_MAX)).transpose()?;
    let ring = if args.keyring.is_empty() { Keyring::empty("no keyring") } else { super::keyring(&args.keyring)? };
    let minisign = text(args.minisign_key.as_deref())?;
    let public = text(args.public_key.as_deref())?;
    let signed = signature.as_deref().map(|signature| match (&minisign, &public) {
        (Some((key_name, key)), _) => Proof::Minisign { signature, key_name, key },
        (None, Some((key_name, key))) => Proof::Blob { signature, key_name, key },
        (None, None) => Proof::OpenPgp { signature, ring: &ring },
    });
    if let Some(sha256) = &args.sha256 {
        return Ok(check_file(&name, &data, Some(&Proof::Digest { sha256 }), now));
    }
    if let Some(path) = &args.checksums {
        let list = raw(path, SMALL_MAX)?;
        let list_name = path.display().to_string();
        let proof = match signed.as_ref() {
            None if is_cleartext_signed(&list) => Proof::SignedList { name: &list_name, list: &list, ring: &ring },
            proof => Proof::List { name: &list_name, list: &list, proof },
        };
        return Ok(check_file(&name, &data, Some(&proof), now));
    }
    if let Some(path) = &args.bundle {
        let bundle = raw(path, SMALL_MAX)?;
        let expected = expected(args)?;
        return Ok(check_file(&name, &data, Some(&Proof::Sigstore { bundle: &bundle, expected: &expected }), now));
    }
    Ok(check_file(&name, &data, signed.as_ref(), now))
}

fn expected(args: &VerifyFile) -> Result<Expected, Failure> {
    let missing = || {
        Failure::new(
            Code::Usage,
            "--bundle needs --roots, --log-key, --identity and --issuer",
            "name all four: whose certificate, from which issuer, by which roots and log; `patchwright verify file --help`",
        )
    };
    let (_, roots) = text(args.roots.as_deref())?.ok_or_else(missing)?;
    let (_, log) = text(args.log_key.as_deref())?.ok_or_else(missing)?;
    let identity = args.identity.as_deref().ok_or_else(missing)?;
    let issuer = args.issuer.as_deref().ok_or_else(missing)?;
    Expected::from_pem(&roots, &log, identity, issuer).map_err(|why| {
        Failure::new(Code::Input, why, "take the roots and the log's key from the publisher's trusted root document")
    })
}
