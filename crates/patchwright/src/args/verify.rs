//! Arguments of the checks of authenticity.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use crate::output::Format;

/// How a check ends where something is refused, and how it is printed.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct Judge {
    /// Policy whose `authenticity` section decides what may enter unverified [default: the one in force]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Say what would follow if this approver approved under this exception; nothing is stored
    #[arg(long, value_name = "EXCEPTION=APPROVER")]
    pub(crate) approve: Vec<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
}

/// Where a repository is and whose keys count.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct RepoArgs {
    /// Suite of a Debian-style repository; one that ends in / is a folder of a flat one
    #[arg(long)]
    pub(crate) suite: Option<String>,
    /// Keyring, binary or armored; may be given again
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) keyring: Vec<PathBuf>,
    /// Components [default: all]
    #[arg(long)]
    pub(crate) component: Vec<String>,
    /// Architectures [default: all]
    #[arg(long)]
    pub(crate) arch: Vec<String>,
}

/// Checks of authenticity.
#[derive(Debug, Subcommand)]
pub(crate) enum Verify {
    /// A repository (Debian style with --suite, else RPM): Release or repomd.xml, indexes, and with --packages every package
    Repo {
        /// Folder or address
        target: String,
        /// Which and by whose keys
        #[command(flatten)]
        repo: RepoArgs,
        /// Also read and compare every package
        #[arg(long)]
        packages: bool,
        /// What then
        #[command(flatten)]
        judge: Judge,
    },
    /// Debian packages against a repository
    Deb {
        /// Packages
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Folder or address of the repository
        #[arg(long, value_name = "DIR-OR-URL")]
        repo: String,
        /// Which and by whose keys
        #[command(flatten)]
        of: RepoArgs,
        /// What then
        #[command(flatten)]
        judge: Judge,
    },
    /// RPM packages by their own signatures
    Rpm {
        /// Packages
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Keyring, binary or armored; may be given again
        #[arg(long, value_name = "FILE", required = true)]
        keyring: Vec<PathBuf>,
        /// What then
        #[command(flatten)]
        judge: Judge,
    },
    /// One file by a signature, a bundle, a list of checksums or a digest
    File(VerifyFile),
    /// This machine's own apt sources, by the lists that apt keeps
    Sources {
        /// What then
        #[command(flatten)]
        judge: Judge,
    },
}

/// Arguments of `verify file`.
#[derive(Debug, ClapArgs)]
pub(crate) struct VerifyFile {
    /// File
    pub(crate) path: PathBuf,
    /// Detached signature of the file, or of the list of --checksums
    #[arg(long, value_name = "FILE")]
    pub(crate) signature: Option<PathBuf>,
    /// OpenPGP keyring for --signature; may be given again
    #[arg(long, value_name = "FILE", conflicts_with_all = ["minisign_key", "public_key"])]
    pub(crate) keyring: Vec<PathBuf>,
    /// minisign public key for --signature
    #[arg(long, value_name = "FILE", conflicts_with = "public_key")]
    pub(crate) minisign_key: Option<PathBuf>,
    /// Public key in PEM for --signature (cosign's key pairs)
    #[arg(long, value_name = "FILE")]
    pub(crate) public_key: Option<PathBuf>,
    /// List of checksums that names the file
    #[arg(long, value_name = "FILE")]
    pub(crate) checksums: Option<PathBuf>,
    /// SHA-256 that you know from somewhere else
    #[arg(long, value_name = "HEX", conflicts_with_all = ["signature", "checksums", "bundle"])]
    pub(crate) sha256: Option<String>,
    /// sigstore bundle
    #[arg(long, value_name = "FILE", requires_all = ["roots", "log_key", "identity", "issuer"], conflicts_with_all = ["signature", "checksums"])]
    pub(crate) bundle: Option<PathBuf>,
    /// Root certificates in PEM for --bundle
    #[arg(long, value_name = "FILE")]
    pub(crate) roots: Option<PathBuf>,
    /// Key of the transparency log in PEM for --bundle
    #[arg(long, value_name = "FILE")]
    pub(crate) log_key: Option<PathBuf>,
    /// Identity that the certificate has to be for
    #[arg(long)]
    pub(crate) identity: Option<String>,
    /// OpenID issuer that the certificate has to rest on
    #[arg(long, value_name = "URL")]
    pub(crate) issuer: Option<String>,
    /// What then
    #[command(flatten)]
    pub(crate) judge: Judge,
}
