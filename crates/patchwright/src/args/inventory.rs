//! `inventory …`.

use std::path::PathBuf;

use clap::Subcommand;

use crate::output::Format;

/// Commands on inventory.
#[derive(Debug, Subcommand)]
pub(crate) enum Inventory {
    /// Import a folder collected without an agent (one host, or one sub-folder a host)
    Import {
        /// Folder
        dir: PathBuf,
        /// System, where the folder does not say
        #[arg(long, value_name = "ID:VERSION")]
        os: Option<String>,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Print the read-only Ansible playbook that collects such folders
    Playbook,
    /// Import what a CMDB or an inventory says about assets: owner, environment, tier and so on; shows first what changes
    ImportAssets {
        /// CSV, or an Ansible inventory (INI, YAML, or the JSON of `ansible-inventory --list`); `-` is standard input
        file: PathBuf,
        /// Format, where the file name does not say
        #[arg(long, value_enum)]
        format: Option<AssetFormat>,
        /// Columns of a CSV: hostname=Name,owner=Team,…
        #[arg(long, value_name = "KEY=COLUMN,…", conflicts_with = "map_file")]
        map: Option<String>,
        /// The same as a TOML file, which can translate values too
        #[arg(long, value_name = "FILE")]
        map_file: Option<PathBuf>,
        /// Name of this import; its records replace those of the last import of that name (default: the file's name)
        #[arg(long)]
        source: Option<String>,
        /// Only show what would change
        #[arg(long)]
        dry_run: bool,
        /// Why, for the audit trail
        #[arg(long)]
        reason: Option<String>,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Write the hosts with their asset profile as CSV, by the same mapping as an import
    ExportAssets {
        /// Columns: hostname=Name,owner=Team,…
        #[arg(long, value_name = "KEY=COLUMN,…", conflicts_with = "map_file")]
        map: Option<String>,
        /// The same as a TOML file
        #[arg(long, value_name = "FILE")]
        map_file: Option<PathBuf>,
        /// Output format
        #[arg(short, long, value_enum, default_value = "csv")]
        output: Format,
    },
    /// List assets that are in a CMDB but were never enrolled
    Missing {
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// List identities that contradict each other: clones, replaced hosts, ambiguous records
    Conflicts {
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Put rules into force that say what assets are, and show what they change
    AssetRules {
        /// Rules (TOML, kind `assets`)
        file: PathBuf,
        /// Only show what would change
        #[arg(long)]
        dry_run: bool,
        /// Why; needed without --dry-run
        #[arg(long)]
        reason: Option<String>,
        /// Output format
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
}

/// Formats of `inventory import-assets`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum AssetFormat {
    /// A table with a header
    Csv,
    /// An Ansible inventory in any of its forms
    Ansible,
}
