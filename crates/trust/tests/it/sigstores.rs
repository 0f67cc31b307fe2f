//! sigstore bundles, made here with openssl: a root, a certificate for an identity, a log with three entries.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as B64;
use patchwright_domain::intel::authenticity::Verdict;
use patchwright_trust::blob;
use patchwright_trust::sigstore::{Expected, check};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::forge::{has, kinds, run};

const WHO: &str = "alice@example.invalid";
const ISSUER: &str = "https://issuer.example.invalid";
const ARTIFACT: &[u8] = b"an artifact\n";

struct House {
    dir: tempfile::TempDir,
}

impl House {
    fn new() -> Option<Self> {
        if !has("openssl", "sigstore bundles and plain signatures against openssl") {
            return None;
        }
        let house = Self { dir: tempfile::tempdir().unwrap() };
        for name in ["root", "other", "leaf", "log"] {
            let curve = "ec_paramgen_curve:P-256";
            house.openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", curve, "-out", &format!("{name}.key")]);
            house.openssl(&["pkey", "-in", &format!("{name}.key"), "-pubout", "-out", &format!("{name}.pub")]);
        }
        for name in ["root", "other"] {
            let ca = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"];
            let (key, out) = (format!("{name}.key"), format!("{name}.pem"));
            house.openssl(
                &[&["req", "-x509", "-key", &key, "-subj", "/CN=root", "-days", "30", "-out", &out], &ca[..]].concat(),
            );
        }
        std::fs::write(
            house.path("ext"),
            format!(
                "keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\nsubjectAltName=critical,email:{WHO}\n\
                 1.3.6.1.4.1.57264.1.8=ASN1:UTF8String:{ISSUER}\n"
            ),
        )
        .unwrap();
        house.openssl(&["req", "-new", "-key", "leaf.key", "-subj", "/", "-out", "leaf.csr"]);
        let sign = ["x509", "-req", "-in", "leaf.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial"];
        house.openssl(&[&sign[..], &["-days", "1", "-extfile", "ext", "-out", "leaf.pem"]].concat());
        Some(house)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn openssl(&self, args: &[&str]) {
        run(Command::new("openssl").args(args).current_dir(Path::new(self.dir.path())));
    }

    fn sign(&self, key: &str, data: &[u8]) -> Vec<u8> {
        std::fs::write(self.path("data"), data).unwrap();
        self.openssl(&["dgst", "-sha256", "-sign", &format!("{key}.key"), "-out", "sig", "data"]);
        std::fs::read(self.path("sig")).unwrap()
    }

    fn der(&self, name: &str) -> Vec<u8> {
        blob::pem(&self.text(name), "CERTIFICATE").remove(0)
    }

    fn expected(&self) -> Expected {
        Expected::from_pem(&self.text("root.pem"), &self.text("log.pub"), WHO, ISSUER).unwrap()
    }

    /// The log entry for a body, at place 1 of 3, with a promise from `time`.
    fn entry(&self, kind: &str, body: &Value, time: i64) -> Value {
        let body = B64.encode(serde_json::to_vec(body).unwrap());
        let leaf = |bytes: &[u8]| -> [u8; 32] { Sha256::digest([&[0], bytes].concat()).into() };
        let node = |a: &[u8; 32], b: &[u8; 32]| -> [u8; 32] { Sha256::digest([&[1][..], a, b].concat()).into() };
        let (first, third) = (leaf(b"first"), leaf(b"third"));
        let root = node(&node(&first, &leaf(&B64.decode(&body).unwrap())), &third);
        let text = format!("log.example.invalid\n3\n{}\n", B64.encode(root));
        let note = [&[1, 2, 3, 4][..], &self.sign("log", text.as_bytes())].concat();
        let id = Sha256::digest(blob::pem(&self.text("log.pub"), "PUBLIC KEY").remove(0));
        let promise = format!(
            "{{\"body\":\"{body}\",\"integratedTime\":{time},\"logID\":\"{}\",\"logIndex\":7}}",
            hex::encode(id)
        );
        json!({
            "logIndex": "7", "logId": { "keyId": B64.encode(id) }, "kindVersion": { "kind": kind, "version": "0.0.1" },
            "integratedTime": time.to_string(),
            "inclusionPromise": { "signedEntryTimestamp": B64.encode(self.sign("log", promise.as_bytes())) },
            "inclusionProof": {
                "logIndex": "1", "rootHash": B64.encode(root), "treeSize": "3", "hashes": [B64.encode(first), B64.encode(third)],
                "checkpoint": { "envelope": format!("{text}\n\u{2014} log.example.invalid {}\n", B64.encode(note)) }
            },
            "canonicalizedBody": body
        })
    }

    fn message(&self, time: i64) -> Value {
        let signature = B64.encode(self.sign("leaf", ARTIFACT));
        let body = json!({ "apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {
            "data": { "hash": { "algorithm": "sha256", "value": hex::encode(Sha256::digest(ARTIFACT)) } },
            "signature": { "content": signature, "publicKey": { "content": B64.encode(self.text("leaf.pem")) } } } });
        json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": { "rawBytes": B64.encode(self.der("leaf.pem")) },
                "tlogEntries": [self.entry("hashedrekord", &body, time)]
            },
            "messageSignature": {
                "messageDigest": { "algorithm": "SHA2_256", "digest": B64.encode(Sha256::digest(ARTIFACT)) },
                "signature": signature
            }
        })
    }

    fn envelope(&self, time: i64) -> Value {
        let statement = json!({ "_type": "https://in-toto.io/Statement/v1", "predicateType": "x", "predicate": {},
            "subject": [{ "name": "artifact", "digest": { "sha256": hex::encode(Sha256::digest(ARTIFACT)) } }] });
        let payload = serde_json::to_vec(&statement).unwrap();
        let kind = "application/vnd.in-toto+json";
        let head = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len());
        let signature = B64.encode(self.sign("leaf", &[head.as_bytes(), &payload].concat()));
        let body = json!({ "apiVersion": "0.0.1", "kind": "dsse", "spec": {
            "payloadHash": { "algorithm": "sha256", "value": hex::encode(Sha256::digest(&payload)) },
            "signatures": [{ "signature": signature, "verifier": B64.encode(self.text("leaf.pem")) }] } });
        json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": { "rawBytes": B64.encode(self.der("leaf.pem")) },
                "tlogEntries": [self.entry("dsse", &body, time)]
            },
            "dsseEnvelope": { "payload": B64.encode(&payload), "payloadType": kind, "signatures": [{ "sig": signature }] }
        })
    }
}

fn clock() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap() + 5
}

fn verdict(bundle: &Value, artifact: &[u8], expected: &Expected) -> Verdict {
    Verdict::of("artifact", check("artifact", &serde_json::to_vec(bundle).unwrap(), artifact, expected))
}

#[test]
fn bundles_of_both_kinds_are_verified_and_every_part_is_needed() {
    let Some(house) = House::new() else { return };
    let good = house.expected();
    let time = clock();
    for bundle in [house.message(time), house.envelope(time)] {
        let done = verdict(&bundle, ARTIFACT, &good);
        assert!(done.is_verified(), "{done:#?}");
        assert!(!verdict(&bundle, b"another artifact\n", &good).is_verified());
        // Somebody else, or somebody else's word.
        let other = Expected { identity: "mallory@example.invalid".into(), ..good.clone() };
        assert_eq!(kinds(&verdict(&bundle, ARTIFACT, &other)), ["identity_differs"]);
        let other = Expected { issuer: "https://evil.example.invalid".into(), ..good.clone() };
        assert_eq!(kinds(&verdict(&bundle, ARTIFACT, &other)), ["issuer_differs"]);
        // Another root of the same name; another log.
        let other = Expected { roots: vec![house.der("other.pem")], ..good.clone() };
        assert_eq!(kinds(&verdict(&bundle, ARTIFACT, &other)), ["certificate_invalid"]);
        let other = Expected { log: blob::PublicKey::from_pem(&house.text("leaf.pub")).unwrap(), ..good.clone() };
        assert_eq!(kinds(&verdict(&bundle, ARTIFACT, &other)), ["log_invalid"]);
        // Parts changed one by one.
        let entry = "/verificationMaterial/tlogEntries/0";
        let flips = [
            "/inclusionProof/hashes/0",
            "/inclusionProof/rootHash",
            "/inclusionPromise/signedEntryTimestamp",
            "/canonicalizedBody",
        ];
        for part in flips {
            let mut bad = bundle.clone();
            let value = bad.pointer_mut(&format!("{entry}{part}")).unwrap();
            let mut bytes = B64.decode(value.as_str().unwrap()).unwrap();
            let at = bytes.len() / 2;
            bytes[at] ^= 1;
            *value = B64.encode(bytes).into();
            assert_eq!(kinds(&verdict(&bad, ARTIFACT, &good)), ["log_invalid"], "{part}");
        }
        for (part, value) in
            [("/inclusionProof/logIndex", "0"), ("/inclusionProof/treeSize", "4"), ("/integratedTime", "1")]
        {
            let mut bad = bundle.clone();
            *bad.pointer_mut(&format!("{entry}{part}")).unwrap() = value.into();
            assert_eq!(kinds(&verdict(&bad, ARTIFACT, &good)), ["log_invalid"], "{part}");
        }
        let mut bad = bundle.clone();
        bad.pointer_mut(entry).unwrap().as_object_mut().unwrap().remove("inclusionPromise");
        assert_eq!(kinds(&verdict(&bad, ARTIFACT, &good)), ["not_supported"], "no signed time");
        let mut bad = bundle.clone();
        *bad.pointer_mut("/verificationMaterial/tlogEntries").unwrap() = json!([]);
        assert_eq!(kinds(&verdict(&bad, ARTIFACT, &good)), ["log_invalid"]);
    }
    // Logged after the certificate's end.
    let late = house.message(time + 3 * 86_400);
    assert_eq!(kinds(&verdict(&late, ARTIFACT, &good)), ["certificate_invalid"]);
}

#[test]
fn plain_signatures_over_a_blob() {
    let Some(house) = House::new() else { return };
    let signature = house.sign("leaf", ARTIFACT);
    let of = |signature: &[u8], data: &[u8], key: &str| {
        Verdict::of("x", blob::check("x", signature, data, key, &house.text(key)))
    };
    assert!(of(&signature, ARTIFACT, "leaf.pub").is_verified());
    assert!(of(format!("{}\n", B64.encode(&signature)).as_bytes(), ARTIFACT, "leaf.pub").is_verified());
    assert_eq!(kinds(&of(&signature, b"other", "leaf.pub")), ["bad_signature"]);
    assert_eq!(kinds(&of(&signature, ARTIFACT, "root.pub")), ["bad_signature"]);
    assert_eq!(kinds(&of(&signature, ARTIFACT, "root.pem")), ["keyring_unusable"]);
}
