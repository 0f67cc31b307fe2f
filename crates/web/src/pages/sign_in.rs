//! Signing in by password or one-time link.

use askama::Template;

use crate::view::frame::Frame;
use crate::view::parts;

/// The password form.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub struct SignInPage {
    /// Frame without a user.
    pub frame: Frame,
    /// Local path to go to afterwards.
    pub next: String,
    /// Why the last try was refused; the same words whatever was wrong.
    pub refused: Option<String>,
}

/// The page that a one-time link opens. Opening it does not redeem the link, so that a prefetcher or a mail scanner
/// cannot use it up; its button posts the secret.
#[derive(Template)]
#[template(path = "link.html")]
pub struct LinkPage {
    /// Frame without a user.
    pub frame: Frame,
    /// The secret.
    pub secret: String,
}
