//! Arguments of the tools beside the server: versions and scores.

use clap::{Args as ClapArgs, Subcommand};

use crate::output::Format;

/// Commands on package versions.
#[derive(Debug, Subcommand)]
pub(crate) enum Version {
    /// Compare A with B: prints A, B and `<`, `=` or `>`, tab-separated; reads pairs from stdin without arguments
    Compare {
        /// deb, rpm, apk, semver, pep440, maven, gem, go, nuget or composer
        #[arg(long, default_value = "deb")]
        scheme: String,
        /// First version
        a: Option<String>,
        /// Second version
        b: Option<String>,
        /// Output format; `table` is a line a pair
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
    /// Sort versions, oldest first; reads lines from stdin without arguments
    Sort {
        /// deb, rpm, apk, semver, pep440, maven, gem, go, nuget or composer
        #[arg(long, default_value = "deb")]
        scheme: String,
        /// Versions
        versions: Vec<String>,
        /// Output format; `table` is a line a version
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
}

/// Arguments of `cvss`.
#[derive(Debug, ClapArgs)]
pub(crate) struct Cvss {
    /// Vectors
    pub(crate) vectors: Vec<String>,
    /// Output format; `table` is words for vectors of the command line, a line a vector for those of stdin
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Format,
}
