//! Signing in and tokens.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An API token as listed; the secret is shown once, at creation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenRow {
    /// Id.
    pub id: String,
    /// Name given by its owner.
    pub name: String,
    /// Scopes.
    pub scopes: Vec<String>,
    /// Owner.
    pub owner: String,
    /// Created, RFC 3339.
    pub created: String,
    /// Expires, RFC 3339.
    pub expires: Option<String>,
    /// Last used, RFC 3339.
    pub last_used: Option<String>,
}

/// Request for a token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenRequest {
    /// Name.
    pub name: String,
    /// Scopes: `read`, `inventory:write`, `feeds:write`, `policy:write`, `exceptions:write`, `admin`.
    pub scopes: Vec<String>,
    /// Days until it expires, 1 to 365.
    pub days: u32,
}

/// A fresh token with its secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenCreated {
    /// The row.
    pub token: TokenRow,
    /// The secret, shown this once.
    pub secret: String,
}

/// Who is signed in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Whoami {
    /// User or token name.
    pub name: String,
    /// Role.
    pub role: String,
    /// Password is set.
    pub has_password: bool,
}
