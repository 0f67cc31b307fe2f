//! How the outside sees this server.

use url::Url;

/// Settings of the inbound side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebOptions {
    /// Scheme, host and port as browsers show them: `http://127.0.0.1:8080`, `https://patch.example.org`. Changes are taken
    /// only from pages of this origin; for a loopback address its other spellings count as the same.
    pub public_origin: String,
    /// Cookies for HTTPS only, under a `__Host-` name. True whenever browsers reach the console by HTTPS.
    pub secure_cookies: bool,
}

impl WebOptions {
    /// Name of the session cookie. `__Host-` binds it to this host, path `/` and HTTPS (RFC 6265bis, section 4.1.3.2).
    #[must_use]
    pub fn session_cookie(&self) -> &'static str {
        if self.secure_cookies { "__Host-pw" } else { "pw" }
    }

    /// Whether an `Origin` header names this console.
    #[must_use]
    pub fn is_own_origin(&self, origin: &str) -> bool {
        let (Ok(own), Ok(given)) = (Url::parse(&self.public_origin), Url::parse(origin)) else {
            return false;
        };
        if own.origin() == given.origin() {
            return true;
        }
        own.scheme() == given.scheme()
            && own.port_or_known_default() == given.port_or_known_default()
            && is_loopback(&own)
            && is_loopback(&given)
    }

    /// The public origin without a trailing slash.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.public_origin.trim_end_matches('/')
    }
}

fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(origin: &str) -> WebOptions {
        WebOptions { public_origin: origin.to_owned(), secure_cookies: false }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let o = options("https://patch.example.org/");
        assert!(o.is_own_origin("https://patch.example.org") && o.is_own_origin("https://patch.example.org:443"));
        for other in [
            "http://patch.example.org",
            "https://evil.example",
            "https://patch.example.org.evil.example",
            "https://patch.example.org:8443",
            "null",
            "",
        ] {
            assert!(!o.is_own_origin(other), "{other}");
        }
        assert_eq!(o.origin(), "https://patch.example.org");
    }

    #[test]
    fn loopback_has_three_spellings_and_one_port() {
        let o = options("http://127.0.0.1:8080");
        assert!(o.is_own_origin("http://localhost:8080") && o.is_own_origin("http://[::1]:8080"));
        assert!(!o.is_own_origin("http://localhost:8081") && !o.is_own_origin("http://10.0.0.1:8080"));
    }
}
