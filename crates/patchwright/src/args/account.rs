//! `account …` and `link`.

use clap::{Args as ClapArgs, Subcommand};

use crate::output::Format;

/// Commands on accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum Account {
    /// Make an account; its owner signs in by `patchwright link --user NAME` first
    Add {
        /// Name for signing in
        name: String,
        /// Kind of work: viewer, operator, security_officer, approver or admin
        #[arg(long)]
        role: String,
        /// Environment that the account may see; may be given several times, all of them when it is left out
        #[arg(long = "environment", value_name = "NAME")]
        environments: Vec<String>,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// List accounts: role, last sign-in, number of API tokens in force; never a secret
    List {
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// List API tokens of an account, or of all, that are not revoked; never a secret
    Tokens {
        /// Name of the account; all of them when it is left out
        account: Option<String>,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Revoke an API token, whoever owns it: it works no more from that moment
    RevokeToken {
        /// Id, as `account tokens` shows it
        token: String,
        /// Why
        #[arg(long)]
        reason: Option<String>,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
}

/// Arguments of `link`.
#[derive(Debug, ClapArgs)]
pub(crate) struct Link {
    /// Address that browsers use [default: that of the running server of this data folder, else http://127.0.0.1:8470]
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Account
    #[arg(long, default_value = "admin")]
    pub(crate) user: String,
    /// Also set its password aside, end its sessions and revoke its API tokens: for somebody who has forgotten it, or fears that
    /// somebody else knows it
    #[arg(long)]
    pub(crate) forget_password: bool,
    /// With --forget-password: leave its API tokens in force
    #[arg(long, requires = "forget_password")]
    pub(crate) keep_tokens: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
}
