//! What is known of every feed: how it is handed out, which feeds have advisories for an ecosystem. The feeds stand in [`list`]; the
//! steps of adding one are in `ARCHITECTURE.md`, "Adding a feed".

use patchwright_formats::feed::FeedFormat;

mod list;

pub use list::FEEDS;

/// One feed.
#[derive(Clone, Copy, Debug)]
pub struct FeedSpec {
    /// Id; also the provider name of its chunks.
    pub id: &'static str,
    /// Title for people.
    pub title: &'static str,
    /// Who publishes it.
    pub publisher: &'static str,
    /// Home address.
    pub home: &'static str,
    /// Licence of the data.
    pub licence: &'static str,
    /// Hours between fetches; older than four times this is *stale*.
    pub cadence_hours: i64,
    /// Largest document accepted, in bytes.
    pub max_bytes: u64,
    /// Part of `feed sync` without arguments.
    pub by_default: bool,
    /// Native format. KEV is read as JSON or CSV, whichever arrives.
    pub format: FeedFormat,
    /// How the publisher hands it out.
    pub distribution: Distribution,
}

/// How a publisher hands out a feed. A mirror (`--from file://…`) and standard input are read as documents whatever this says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// A CSAF provider: lists of documents that are fetched one by one when they change.
    CsafProvider,
    /// One document at the home address, asked for conditionally.
    SingleDocument,
    /// NVD's API 2.0 at the home address: pages, then what changed since.
    NvdApi,
    /// Documents at these paths below the home address, taken together.
    Files(&'static [&'static str]),
    /// The updates of the rpm repositories at these paths below the home address.
    RpmRepositories(&'static [&'static str]),
    /// A repository or a paged service that is read from a mirror (`--from`) only.
    Mirror,
}

/// Providers whose description is not above their documents: the beginning of their addresses, and where it is.
const PROVIDERS: &[(&str, &str)] =
    &[("https://ftp.suse.com/pub/projects/security/", "https://www.suse.com/.well-known/csaf/provider-metadata.json")];

/// Where the provider of an address describes itself, when that cannot be told from the address.
#[must_use]
pub fn provider_of(url: &str) -> Option<&'static str> {
    PROVIDERS.iter().find(|(begin, _)| url.starts_with(begin)).map(|(_, place)| *place)
}

/// The feed with an id.
#[must_use]
pub fn feed(id: &str) -> Option<&'static FeedSpec> {
    FEEDS.iter().find(|f| f.id == id)
}

/// Feeds with advisories for an ecosystem that can be fetched as they are, the one to take first; nothing where none is known.
#[must_use]
pub fn feeds_for(ecosystem: &str) -> &'static [&'static str] {
    match ecosystem.split(':').next().unwrap_or_default() {
        "Debian" => &["debian-tracker", "debian-dsa", "debian-dla"],
        "Ubuntu" => &["osv-ubuntu"],
        "AlmaLinux" => &["almalinux-errata"],
        "Rocky Linux" => &["osv-rocky"],
        "Red Hat" => &["redhat-vex", "redhat-csaf"],
        "SUSE" | "openSUSE" => &["suse-csaf"],
        "Oracle Linux" => &["oracle-oval"],
        "Azure Linux" => &["azurelinux-oval"],
        "Alpine" => &["alpine-secdb"],
        "Wolfi" => &["wolfi-secdb"],
        "crates.io" => &["ghsa", "rustsec"],
        "PyPI" => &["ghsa", "pypa"],
        "Go" => &["go-vulndb"],
        "RubyGems" => &["ghsa", "rubysec"],
        "Packagist" => &["ghsa", "friends-of-php"],
        "Bitnami" => &["bitnami"],
        name if patchwright_domain::intel::names::is_language(name) => &["ghsa"],
        _ => &[],
    }
}

/// Rows that the smallest whole feed of an ecosystem has at least: a tenth or less of what publishers had for a supported release in
/// 2026. With fewer, what is loaded is a sample, a part of a download or a release that has just begun, and finding nothing says
/// little. 0 where nothing is known of it.
#[must_use]
pub fn least_rows(ecosystem: &str) -> u64 {
    match ecosystem.split(':').next().unwrap_or_default() {
        "Debian" | "Ubuntu" | "AlmaLinux" | "Red Hat" => 2_000,
        "SUSE" | "openSUSE" | "Oracle Linux" | "npm" | "Maven" | "PyPI" | "Go" => 1_000,
        "Rocky Linux" | "Alpine" | "Wolfi" | "crates.io" | "Packagist" | "Bitnami" => 500,
        "RubyGems" => 300,
        "Azure Linux" | "NuGet" => 100,
        _ => 0,
    }
}

/// The command that fetches advisories for ecosystems, for a hint; nothing where no feed has them.
#[must_use]
pub fn sync_command<'e>(ecosystems: impl IntoIterator<Item = &'e str>) -> Option<String> {
    let mut ids: Vec<&str> = Vec::new();
    for id in ecosystems.into_iter().flat_map(feeds_for) {
        if !ids.contains(id) {
            ids.push(id);
        }
    }
    (!ids.is_empty()).then(|| format!("patchwright feed sync {}", ids.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_usable_as_file_names() {
        for (i, feed) in FEEDS.iter().enumerate() {
            assert!(feed.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{}", feed.id);
            assert!(!FEEDS[..i].iter().any(|f| f.id == feed.id), "{}", feed.id);
            assert!(feed.home.starts_with("https://") && feed.cadence_hours > 0 && feed.max_bytes > 0);
        }
    }

    /// Every row of the reference has the address and the cadence that the program has.
    #[test]
    fn the_reference_says_what_the_registry_says() {
        let page = include_str!("../../../../docs/reference/feeds.md");
        for feed in FEEDS {
            let row = page.lines().find(|line| line.starts_with(&format!("| `{}` |", feed.id))).unwrap_or_default();
            let cadence = match feed.cadence_hours {
                24 => "daily".to_owned(),
                168 => "weekly".to_owned(),
                hours => format!("every {hours} hours"),
            };
            for said in [format!("| <{}> |", feed.home), format!("| {cadence} |")] {
                assert!(row.contains(&said), "{}: {said}", feed.id);
            }
        }
        let rows = page.lines().filter(|line| line.starts_with("| `") && line.contains("| <http")).count();
        assert_eq!(rows, FEEDS.len());
    }

    #[test]
    fn a_hint_names_feeds_that_exist_and_can_be_fetched() {
        let ecosystems = [
            "Debian:12",
            "Ubuntu:22.04:LTS",
            "AlmaLinux:9",
            "Rocky Linux:9",
            "Red Hat:9",
            "Oracle Linux:9",
            "Azure Linux:3",
            "SUSE:Linux Enterprise Server 15 SP5",
            "openSUSE:Leap 15.5",
            "Alpine:v3.20",
            "Wolfi",
            "npm",
            "PyPI",
            "Go",
            "crates.io",
            "RubyGems",
            "Packagist",
            "Maven",
            "NuGet",
        ];
        for ecosystem in ecosystems {
            let ids = feeds_for(ecosystem);
            assert!(!ids.is_empty(), "{ecosystem}");
            for id in ids {
                let spec = FEEDS.iter().find(|f| f.id == *id).unwrap();
                assert!(spec.distribution != Distribution::Mirror, "{ecosystem}: {id}");
            }
        }
        assert_eq!(feeds_for("TempleOS:5"), [""; 0]);
        assert_eq!(sync_command(["npm", "PyPI"]).unwrap(), "patchwright feed sync ghsa pypa");
    }
}
