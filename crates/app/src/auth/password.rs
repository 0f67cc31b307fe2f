//! Passwords: hashing with argon2id, and which ones are refused because they are guessed first.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash};

use crate::Result;
use crate::error::AppError;

/// Shortest password; NIST SP 800-63B asks for 8, an administrator's deserves more.
pub const PASSWORD_MIN: usize = 12;
/// Longest password hashed, so that a huge one costs nothing.
pub const PASSWORD_MAX: usize = 256;
/// Fewest different characters: a sentence of words has a dozen.
const DIFFERENT_MIN: usize = 5;
/// Longest part that, repeated, makes a password nobody has to guess twice.
const REPEATED_MAX: usize = 6;
/// What people type when they are asked for something long. Compared without digits and signs at both ends.
const COMMON: [&str; 24] = [
    "administrator",
    "adminadmin",
    "adminpassword",
    "changeme",
    "changemeplease",
    "changemenow",
    "defaultpassword",
    "iloveyou",
    "letmein",
    "letmeinplease",
    "mypassword",
    "newpassword",
    "patchwright",
    "password",
    "passwordpassword",
    "passphrase",
    "qwertyuiop",
    "qwertyuiopasdf",
    "secret",
    "secretpassword",
    "superuser",
    "thisismypassword",
    "trustno",
    "welcome",
];
/// Rows of keys and characters that people run along.
const RUNS: [&str; 6] = [
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
];

/// Hashing takes tens of milliseconds of CPU: never on the threads that answer requests.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|e| AppError::internal("failed to hash a password", e))
}

/// Whether this is the password of the hash. Takes as long without a hash as with one, so that the time of the answer tells
/// nothing.
pub(super) async fn fits(stored: Option<String>, given: &str) -> Result<bool> {
    let given = given.to_owned();
    blocking(move || match stored.as_deref().map(PasswordHash::new) {
        Some(Ok(parsed)) if given.len() <= PASSWORD_MAX => {
            Argon2::default().verify_password(given.as_bytes(), &parsed).is_ok()
        }
        _ => {
            let cut: String = given.chars().take(PASSWORD_MAX).collect();
            drop(Argon2::default().hash_password(cut.as_bytes()));
            false
        }
    })
    .await
}

/// The hash of a password.
pub(super) async fn hashed(new: &str) -> Result<String> {
    let given = new.to_owned();
    blocking(move || Argon2::default().hash_password(given.as_bytes()).map(|h| h.to_string()))
        .await?
        .map_err(|e| AppError::internal("failed to hash a password", std::io::Error::other(e.to_string())))
}

/// Refuses what is too short, too long, or among the first that anybody would guess.
pub(super) fn check(new: &str, name: &str) -> Result<()> {
    let hint = "a sentence of five words is good and easy to keep in mind";
    if new.chars().count() < PASSWORD_MIN || new.len() > PASSWORD_MAX {
        let detail = format!("a password has {PASSWORD_MIN} to {PASSWORD_MAX} characters");
        return Err(AppError::invalid("password_length", detail, hint));
    }
    match guessed(new, name) {
        None => Ok(()),
        Some(why) => {
            Err(AppError::invalid("password_guessed", format!("this password is guessed at once: {why}"), hint))
        }
    }
}

/// Why a password is among the first guesses; nothing for the others.
fn guessed(new: &str, name: &str) -> Option<&'static str> {
    let lower: Vec<char> = new.to_lowercase().chars().collect();
    let text: String = lower.iter().collect();
    let mut different = lower.clone();
    different.sort_unstable();
    different.dedup();
    if different.len() < DIFFERENT_MIN {
        return Some("it has only a few different characters");
    }
    let repeats = |length: usize| lower.chunks(length).all(|part| lower.starts_with(part));
    if (1..=REPEATED_MAX).any(repeats) {
        return Some("it repeats the same few characters");
    }
    let backwards: String = text.chars().rev().collect();
    if RUNS.iter().any(|run| run.contains(&text) || run.contains(&backwards)) {
        return Some("it runs along the keyboard or the alphabet");
    }
    let word: String = text.chars().filter(|c| c.is_alphabetic()).collect();
    let own = name.to_lowercase();
    if COMMON.contains(&word.as_str()) || (!own.is_empty() && (word == own || word == format!("{own}{own}"))) {
        return Some("it is a common word with digits or signs around it");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_guesses_are_refused_and_sentences_are_not() {
        for bad in [
            "aaaaaaaaaaaa",
            "abababababababab",
            "abcdeabcdeabcde",
            "123456789012",
            "abcdefghijklmn",
            "qwertyuiopasdf",
            "Password1234!",
            "patchwright2026",
            "admin1234567",
            "Wel-come-123456",
        ] {
            assert!(check(bad, "admin").is_err(), "{bad}");
        }
        for good in ["correct horse battery", "four more words here", "tr0ub4dor&3xyz", "лошадь верно батарея"]
        {
            assert!(check(good, "admin").is_ok(), "{good}");
        }
        assert!(check("short", "admin").is_err() && check(&"word ".repeat(60), "admin").is_err());
    }
}
