//! `findings …`.

use clap::{Subcommand, ValueEnum};

use crate::output::Format;

/// Commands on the findings of all hosts.
#[derive(Debug, Subcommand)]
pub(crate) enum Findings {
    /// Ask over all hosts: `findings query "cve:CVE-2026-* and zone:dmz"`
    #[command(after_help = after_help())]
    Query {
        /// Query; every finding when it is left out
        #[arg(default_value = "")]
        text: String,
        /// By what findings are put together
        #[arg(long, value_enum, default_value_t)]
        group: Group,
        /// Rows
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: u32,
        /// Cursor: the `next` of the page before
        #[arg(long)]
        after: Option<String>,
        /// The fleet as it was at the end of this day (UTC), as 2026-09-30
        #[arg(long, value_name = "DAY")]
        as_of: Option<String>,
        /// With --as-of: match what was known then, or what is known now
        #[arg(long, value_enum, requires = "as_of")]
        known: Option<Known>,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Show open and overdue findings by tier, and how long fixes take by urgency
    Stats {
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
}

/// Of what time the vulnerability data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Known {
    /// What was known on that day
    Then,
    /// What is known today
    Now,
}

impl Known {
    /// As the question has it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Then => "then",
            Self::Now => "now",
        }
    }
}

/// Groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    /// One upgrade of a package in an ecosystem
    #[default]
    Patch,
    /// Vulnerability
    Vuln,
    /// Host
    Host,
    /// Accountable owner
    Owner,
}

impl Group {
    /// The word of the API.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Patch => "patch",
            Self::Vuln => "vuln",
            Self::Host => "host",
            Self::Owner => "owner",
        }
    }
}

fn after_help() -> String {
    let mut text = "Terms are `field:value`, joined by `and`, `or`, `not` and parentheses; `*` stands for any characters; `a,b` is either; \
                    a bare word is part of a host, package or CVE; numbers and ranks are compared: `epss>0.1`, `urgency>=high`.\n\nFields:\n"
        .to_owned();
    for (field, what) in patchwright_domain::exposure::fleet::query::FIELDS {
        text.push_str(&format!("  {field:<10} {what}\n"));
    }
    text
}
