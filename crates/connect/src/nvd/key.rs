//! The key that raises NVD's rate limit: from the environment or a file, never printed.

use std::ffi::OsString;
use std::fmt;
use std::io::Read as _;
use std::path::PathBuf;

use patchwright_app::feeds::port::FetchError;
use reqwest::header::HeaderValue;

use super::file_error;

/// Variable with the key itself.
pub(super) const KEY_VARIABLE: &str = "PATCHWRIGHT_NVD_API_KEY";
/// Variable with the path of a file that holds the key.
pub(super) const KEY_FILE_VARIABLE: &str = "PATCHWRIGHT_NVD_API_KEY_FILE";
/// Longest key; NVD's have 36 characters.
const KEY_MAX: usize = 256;

/// A key. Printing it prints no key.
#[derive(Clone)]
pub struct ApiKey(HeaderValue);

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

impl ApiKey {
    /// The key of this process, looked up with `variable`; nothing when neither variable is set.
    ///
    /// # Errors
    /// [`FetchError`] when the file cannot be read or the key cannot be one. The key is not in the error.
    pub fn find(variable: impl Fn(&str) -> Option<OsString>) -> Result<Option<Self>, FetchError> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        if let Some(key) = set(KEY_VARIABLE) {
            return Self::of(&key.to_string_lossy(), KEY_VARIABLE).map(Some);
        }
        let Some(path) = set(KEY_FILE_VARIABLE).map(PathBuf::from) else {
            return Ok(None);
        };
        let mut text = String::new();
        std::fs::File::open(&path)
            .and_then(|file| file.take(KEY_MAX as u64 * 2).read_to_string(&mut text))
            .map_err(|e| file_error("read the NVD key in", &path, &e))?;
        Self::of(&text, KEY_FILE_VARIABLE).map(Some)
    }

    fn of(text: &str, from: &str) -> Result<Self, FetchError> {
        let text = text.trim();
        let usable = !text.is_empty() && text.len() <= KEY_MAX && text.bytes().all(|b| b.is_ascii_graphic());
        let value = if usable { HeaderValue::from_str(text).ok() } else { None };
        let mut value = value.ok_or_else(|| FetchError::Key {
            from: from.to_owned(),
            why: "it does not hold a usable key (one word of plain characters)".to_owned(),
        })?;
        value.set_sensitive(true);
        Ok(Self(value))
    }

    pub(super) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}
