//! Keyrings: OpenPGP certificates, binary or armored, and which of them count.

use sequoia_openpgp as openpgp;

use openpgp::Cert;
use openpgp::cert::CertParser;
use openpgp::parse::Parse as _;
use openpgp::serialize::SerializeInto as _;

/// Most certificates in one keyring; Debian's has about twenty.
const CERTS_MAX: usize = 4_096;
/// First line of an armored key (RFC 9580 section 6.2).
const ARMOR: &[u8] = b"-----BEGIN PGP PUBLIC KEY BLOCK-----";

/// Why a keyring cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// GnuPG's own database.
    #[error("this is GnuPG's keybox format")]
    Keybox,
    /// No key in it.
    #[error("there is no OpenPGP key in it{}", why.as_ref().map(|w| format!(" ({w})")).unwrap_or_default())]
    Empty {
        /// What the parser said about the first thing it found.
        why: Option<String>,
    },
}

/// A key named by fingerprint, as `Signed-By` allows it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Allowed {
    fingerprint: String,
    /// Named with `!`: exactly this key, not its subkeys.
    exact: bool,
}

/// Certificates that may vouch for something.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    name: String,
    certs: Vec<Cert>,
    only: Vec<Allowed>,
    problems: Vec<String>,
}

impl Keyring {
    /// A keyring without keys: everything is signed by somebody unknown.
    #[must_use]
    pub fn empty(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Reads a keyring: binary or armored, one armored block or several. A broken key costs only itself
    /// ([`Self::problems`]).
    ///
    /// # Errors
    /// When there is no usable key at all.
    pub fn read(name: impl Into<String>, bytes: &[u8]) -> Result<Self, KeyringError> {
        if bytes.get(8..12) == Some(b"KBXf") {
            return Err(KeyringError::Keybox);
        }
        let mut ring = Self::empty(name);
        let starts: Vec<usize> =
            bytes.windows(ARMOR.len()).enumerate().filter(|(_, w)| *w == ARMOR).map(|(at, _)| at).collect();
        if starts.is_empty() {
            ring.take(bytes);
        }
        for (i, start) in starts.iter().enumerate() {
            let end = starts.get(i + 1).copied().unwrap_or(bytes.len());
            ring.take(bytes.get(*start..end).unwrap_or_default());
        }
        if ring.certs.is_empty() {
            return Err(KeyringError::Empty { why: ring.problems.into_iter().next() });
        }
        Ok(ring)
    }

    fn take(&mut self, bytes: &[u8]) {
        let parser = match CertParser::from_bytes(bytes) {
            Ok(parser) => parser,
            Err(error) => {
                self.problems.push(error.to_string());
                return;
            }
        };
        for cert in parser {
            if self.certs.len() >= CERTS_MAX {
                self.problems.push(format!("more than {CERTS_MAX} keys; the rest was not read"));
                return;
            }
            match cert {
                Ok(cert) => self.certs.push(cert),
                Err(error) => self.problems.push(error.to_string()),
            }
        }
    }

    /// Adds the keys of another keyring.
    pub fn extend(&mut self, other: Self) {
        self.certs.extend(other.certs);
        self.problems.extend(other.problems);
    }

    /// Takes what another keyring knows about the same keys (a revocation, a later end), and its other keys. A key that is
    /// held twice would count by the copy that knows less.
    pub fn merge(&mut self, other: Self) {
        self.problems.extend(other.problems);
        for cert in other.certs {
            let place = self.certs.iter().position(|known| known.fingerprint() == cert.fingerprint());
            let Some(known) = place.map(|at| self.certs.swap_remove(at)) else {
                self.certs.push(cert);
                continue;
            };
            match known.clone().merge_public(cert) {
                Ok(merged) => self.certs.push(merged),
                Err(error) => {
                    self.problems.push(error.to_string());
                    self.certs.push(known);
                }
            }
        }
    }

    /// The part of the keyring that is the key with this fingerprint (upper-case hex) of its primary key.
    #[must_use]
    pub fn only_cert(&self, fingerprint: &str) -> Option<Self> {
        let certs: Vec<Cert> =
            self.certs.iter().filter(|cert| cert.fingerprint().to_hex() == fingerprint).cloned().collect();
        (!certs.is_empty()).then(|| Self { certs, ..Self::empty(self.name.clone()) })
    }

    /// The one key whose primary key has this fingerprint (upper-case hex), in binary form.
    ///
    /// # Errors
    /// When it cannot be written, in words.
    pub fn export(&self, fingerprint: &str) -> Result<Option<Vec<u8>>, String> {
        let cert = self.certs.iter().find(|cert| cert.fingerprint().to_hex() == fingerprint);
        cert.map(|cert| cert.to_vec().map_err(|error| error.to_string())).transpose()
    }

    /// Lets only these fingerprints count (`Signed-By` with fingerprints, `sources.list(5)`): a key's own, its primary
    /// key's, or, with a trailing `!`, exactly that key. Spaces are ignored.
    #[must_use]
    pub fn only(mut self, fingerprints: &[String]) -> Self {
        self.only = fingerprints
            .iter()
            .map(|text| {
                let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
                let exact = plain.ends_with('!');
                Allowed { fingerprint: plain.trim_end_matches('!').to_ascii_uppercase(), exact }
            })
            .collect();
        self
    }

    /// What it is called in verdicts: a path, mostly.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Fingerprints of its primary keys.
    #[must_use]
    pub fn fingerprints(&self) -> Vec<String> {
        self.certs.iter().map(|c| c.fingerprint().to_hex()).collect()
    }

    /// Keys that could not be read.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    pub(crate) fn certs(&self) -> &[Cert] {
        &self.certs
    }

    /// Whether a signature by this key of this certificate counts.
    pub(crate) fn allows(&self, primary: &str, key: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|a| a.fingerprint == key || (!a.exact && a.fingerprint == primary))
    }

    pub(crate) fn allowed(&self) -> Vec<String> {
        self.only.iter().map(|a| a.fingerprint.clone()).collect()
    }
}
