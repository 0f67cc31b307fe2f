//! The JSON of a bundle (sigstore's `sigstore_bundle.proto`, in protobuf's JSON mapping: 64-bit numbers are texts).

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Bundle {
    pub(super) media_type: String,
    pub(super) verification_material: Material,
    pub(super) message_signature: Option<MessageSignature>,
    pub(super) dsse_envelope: Option<Envelope>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Material {
    pub(super) certificate: Option<Raw>,
    pub(super) x509_certificate_chain: Option<Chain>,
    #[serde(default)]
    pub(super) tlog_entries: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Chain {
    pub(super) certificates: Vec<Raw>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Raw {
    pub(super) raw_bytes: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    pub(super) log_index: String,
    pub(super) log_id: LogId,
    pub(super) kind_version: KindVersion,
    #[serde(default)]
    pub(super) integrated_time: String,
    pub(super) inclusion_promise: Option<Promise>,
    pub(super) inclusion_proof: Option<InclusionProof>,
    pub(super) canonicalized_body: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogId {
    pub(super) key_id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct KindVersion {
    pub(super) kind: String,
    pub(super) version: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Promise {
    pub(super) signed_entry_timestamp: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InclusionProof {
    #[serde(default = "zero")]
    pub(super) log_index: String,
    pub(super) root_hash: String,
    pub(super) tree_size: String,
    #[serde(default)]
    pub(super) hashes: Vec<String>,
    pub(super) checkpoint: Checkpoint,
}

/// Protobuf leaves out what is zero.
fn zero() -> String {
    "0".to_owned()
}

#[derive(Debug, Deserialize)]
pub(super) struct Checkpoint {
    pub(super) envelope: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessageSignature {
    pub(super) message_digest: Option<MessageDigest>,
    pub(super) signature: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct MessageDigest {
    pub(super) algorithm: String,
    pub(super) digest: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Envelope {
    pub(super) payload: String,
    pub(super) payload_type: String,
    pub(super) signatures: Vec<EnvelopeSignature>,
}

#[derive(Debug, Deserialize)]
pub(super) struct EnvelopeSignature {
    pub(super) sig: String,
}

/// The body of a log entry.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Body {
    pub(super) kind: String,
    pub(super) api_version: String,
    pub(super) spec: Spec,
}

/// `hashedrekord` has `data` and `signature`, `dsse` has `payloadHash` and `signatures`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Spec {
    pub(super) data: Option<Data>,
    pub(super) signature: Option<BodySignature>,
    pub(super) payload_hash: Option<BodyHash>,
    #[serde(default)]
    pub(super) signatures: Vec<DsseSignature>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Data {
    pub(super) hash: BodyHash,
}

#[derive(Debug, Deserialize)]
pub(super) struct BodyHash {
    pub(super) algorithm: String,
    pub(super) value: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BodySignature {
    pub(super) content: String,
    pub(super) public_key: Content,
}

#[derive(Debug, Deserialize)]
pub(super) struct Content {
    pub(super) content: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct DsseSignature {
    pub(super) signature: String,
    pub(super) verifier: String,
}

/// An in-toto statement.
#[derive(Debug, Deserialize)]
pub(super) struct Statement {
    #[serde(default)]
    pub(super) subject: Vec<Subject>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Subject {
    #[serde(default)]
    pub(super) digest: std::collections::BTreeMap<String, String>,
}
