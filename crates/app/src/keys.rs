//! The key pair of this installation, `<data>/keys`: made on the first use, the secret half readable by its owner only and
//! never printed. Who can read it can sign in the installation's name, as whoever can write the data folder can do anything
//! here anyway; what it protects is what leaves the folder (bundles) and what is put into it by somebody who has not the key.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use patchwright_domain::signing::{PublicKey, SecretKey};

use crate::error::AppError;

/// What stands before the base64 of the seed in the secret file.
const SEED_PREFIX: &str = "ed25519-seed:";

/// Where the keys are.
#[derive(Clone, Debug)]
pub struct KeyDir {
    root: PathBuf,
}

impl KeyDir {
    /// The keys of a data folder.
    #[must_use]
    pub fn new(data_dir: &Path) -> Self {
        Self { root: data_dir.join("keys") }
    }

    fn secret_path(&self) -> PathBuf {
        self.root.join("installation.key")
    }

    /// The file with the public key.
    #[must_use]
    pub fn public_path(&self) -> PathBuf {
        self.root.join("installation.pub")
    }

    /// Whether there is a key already.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.public_path().exists() || self.secret_path().exists()
    }

    /// The public key.
    ///
    /// # Errors
    /// [`AppError::File`] when there is none or it cannot be read, [`AppError::Invalid`] when it is no key.
    pub fn public(&self) -> Result<PublicKey, AppError> {
        let path = self.public_path();
        match std::fs::read_to_string(&path) {
            Ok(text) => PublicKey::parse(&text).map_err(|e| bad(&path, &e.to_string())),
            // A crash between the two files left only the secret one.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && self.secret_path().exists() => {
                let key = self.read_secret()?.public();
                self.write_public(&key)?;
                Ok(key)
            }
            Err(source) => Err(AppError::File { doing: "read", path: path.display().to_string(), source }),
        }
    }

    /// The secret key; makes the pair on the first use. Of several processes that make one at once, one wins.
    ///
    /// # Errors
    /// [`AppError::File`], or [`AppError::Invalid`] when the file is no key.
    pub fn secret(&self) -> Result<SecretKey, AppError> {
        if !self.secret_path().exists() {
            if self.public_path().exists() {
                return Err(AppError::invalid(
                    "key_missing",
                    format!("`{}` is gone, but its public key is there", self.secret_path().display()),
                    "restore it from a backup; to begin with a new key remove the `keys` folder and run `patchwright intel build`",
                ));
            }
            self.make()?;
        }
        let key = self.read_secret()?;
        if !self.public_path().exists() {
            self.write_public(&key.public())?;
        }
        Ok(key)
    }

    fn read_secret(&self) -> Result<SecretKey, AppError> {
        let path = self.secret_path();
        let text = std::fs::read_to_string(&path).map_err(|source| file("read", &path, source))?;
        let seed = text.trim().strip_prefix(SEED_PREFIX).and_then(|rest| BASE64.decode(rest).ok());
        let seed: Option<[u8; 32]> = seed.and_then(|bytes| bytes.try_into().ok());
        seed.map(|seed| SecretKey::from_seed(&seed)).ok_or_else(|| bad(&path, "it does not hold a key of ours"))
    }

    fn write_public(&self, key: &PublicKey) -> Result<(), AppError> {
        crate::intel::write_atomic(&self.public_path(), format!("{key}\n").as_bytes())
    }

    fn make(&self) -> Result<(), AppError> {
        let mut seed = [0u8; 32];
        getrandom::fill(&mut seed).map_err(|e| AppError::internal("failed to get random bytes", e))?;
        std::fs::create_dir_all(&self.root).map_err(|source| file("make", &self.root, source))?;
        let temporary = self.root.join(format!(".{}.tmp", crate::env::unique()));
        let path = self.secret_path();
        let made = (|| {
            let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
            file.write_all(format!("{SEED_PREFIX}{}\n", BASE64.encode(seed)).as_bytes())?;
            file.sync_all()?;
            // A link, not a rename: it never takes the place of a key that another process made meanwhile.
            match std::fs::hard_link(&temporary, &path) {
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
                other => other,
            }
        })();
        let removed = std::fs::remove_file(&temporary);
        made.map_err(|source| file("write", &path, source))?;
        removed.map_err(|source| file("remove", &temporary, source))
    }
}

fn file(doing: &'static str, path: &Path, source: std::io::Error) -> AppError {
    AppError::File { doing, path: path.display().to_string(), source }
}

fn bad(path: &Path, why: &str) -> AppError {
    AppError::invalid("key_damaged", format!("`{}`: {why}", path.display()), "restore the file from a backup")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_only_its_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let keys = KeyDir::new(dir.path());
        assert!(!keys.exists() && keys.public().is_err());
        let made: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| keys.secret().unwrap().public())).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert!(made.iter().all(|k| *k == made[0]), "{made:?}");
        let mode = std::fs::metadata(keys.secret_path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::remove_file(keys.public_path()).unwrap();
        assert_eq!(keys.public().unwrap(), made[0]);
        std::fs::remove_file(keys.secret_path()).unwrap();
        assert!(keys.secret().is_err(), "a lost key is not replaced in silence");
        let names: Vec<_> = std::fs::read_dir(dir.path().join("keys")).unwrap().collect();
        assert_eq!(names.len(), 1, "no temporary file stays: {names:?}");
    }
}
