//! Settings: password, API tokens, the policy in force, the audit.

use askama::Template;
use patchwright_domain::time::Timestamp;
use patchwright_protocol::auth::{TokenCreated, TokenRow};
use patchwright_protocol::fleet::ActivityRow;

use crate::view::frame::{Frame, Notice, User};
use crate::view::{Html, link, parts};

/// A tab, each its own address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// Password.
    #[default]
    Account,
    /// API tokens.
    Tokens,
    /// Policy text.
    Policy,
    /// Audit.
    Audit,
}

impl Tab {
    const ALL: [Self; 4] = [Self::Account, Self::Tokens, Self::Policy, Self::Audit];

    fn word(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Tokens => "tokens",
            Self::Policy => "policy",
            Self::Audit => "audit",
        }
    }

    /// Reads the word; anything unknown is the first tab.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self::ALL.into_iter().find(|t| t.word() == text).unwrap_or_default()
    }
}

/// Scopes of a token and what each lets it do.
const SCOPES: [(&str, &str); 6] = [
    ("read", "read what its owner may read, except the audit and the list of API tokens"),
    ("inventory:write", "report, classify and forget hosts"),
    ("feeds:write", "fetch and change feeds; no address of the API does that yet"),
    ("policy:write", "assess sources; trying and applying policy has no address of the API yet"),
    ("exceptions:write", "ask for exceptions and decide about them, say what is not affected"),
    ("admin", "everything its owner may do"),
];

/// The page around a tab.
#[derive(Template)]
#[template(path = "settings.html")]
pub struct SettingsPage {
    frame: Frame,
    tab: &'static str,
    body: Html,
}

impl SettingsPage {
    /// Puts a rendered tab into its page.
    #[must_use]
    pub fn new(frame: Frame, tab: Tab, body: Html) -> Self {
        Self { frame, tab: tab.word(), body }
    }

    fn question(&self) -> &'static str {
        match Tab::parse(self.tab) {
            Tab::Account => "How do you sign in?",
            Tab::Tokens => "Which scripts may speak for you?",
            Tab::Policy => "Which rules decide?",
            Tab::Audit => "Who did what, and has anyone altered it?",
        }
    }

    fn tabs(&self) -> [(&'static str, &'static str, &'static str); 4] {
        [
            ("account", "Password", "/settings"),
            ("tokens", "API tokens", "/settings?tab=tokens"),
            ("policy", "Policy", "/settings?tab=policy"),
            ("audit", "Audit", "/settings?tab=audit"),
        ]
    }
}

#[derive(Template)]
#[template(path = "settings_account.html")]
struct Account<'a> {
    user: &'a User,
}

/// The password form.
///
/// # Errors
/// When the template cannot be written.
pub fn account(user: &User) -> askama::Result<Html> {
    Account { user }.render().map(Html)
}

#[derive(Template)]
#[template(path = "settings_tokens.html")]
struct Tokens<'a> {
    user: &'a User,
    tokens: &'a [TokenRow],
    created: Option<&'a TokenCreated>,
    scopes: [(&'static str, &'static str); 6],
    now: Timestamp,
}

/// Tokens and the form that makes one; `created` shows its secret this once.
///
/// # Errors
/// When the template cannot be written.
pub fn tokens(
    user: &User,
    tokens: &[TokenRow],
    created: Option<&TokenCreated>,
    now: Timestamp,
) -> askama::Result<Html> {
    Tokens { user, tokens, created, scopes: SCOPES, now }.render().map(Html)
}

#[derive(Template)]
#[template(path = "settings_policy.html")]
struct Policy<'a> {
    name: &'a str,
    hash: &'a str,
    source: &'a str,
}

/// The policy in force: name, hash and text.
///
/// # Errors
/// When the template cannot be written.
pub fn policy(name: &str, hash: &str, source: &str) -> askama::Result<Html> {
    Policy { name, hash, source }.render().map(Html)
}

#[derive(Template)]
#[template(path = "settings_audit.html")]
struct Audit<'a> {
    rows: &'a [ActivityRow],
    before: u64,
    older: Option<u64>,
    verified: Option<Notice>,
    now: Timestamp,
}

/// Records of the audit, newest first, older than number `before` (0: from the newest); and the answer of a verification when
/// one was asked for.
///
/// # Errors
/// When the template cannot be written.
pub fn audit(
    rows: &[ActivityRow],
    before: u64,
    limit: usize,
    verified: Option<Notice>,
    now: Timestamp,
) -> askama::Result<Html> {
    let older = if rows.len() < limit { None } else { rows.iter().map(|r| r.seq).min().filter(|seq| *seq > 1) };
    Audit { rows, before, older, verified, now }.render().map(Html)
}
