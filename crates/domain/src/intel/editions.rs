//! Editions of one release, as publishers name them, and the ecosystems under which hosts are matched.
//!
//! SUSE files its updates by product: the server, the desktop, modules and extensions that one host has side by side, and paid support that
//! begins where that of the server ends. A host that has a package got it from some of them, so that modules and extensions count for the
//! server of the same service pack; what only paid support publishes is a subscription's ([`subscription_of`]).
//!
//! [`subscription_of`]: crate::exposure::matching::subscription_of

/// Editions and extensions of SUSE Linux Enterprise whose packages lie on hosts of the server's release: the beginnings of their names.
const FREE: [&str; 9] = [
    "Server",
    "Desktop",
    "High Performance Computing",
    "Module for",
    "Software Development Kit",
    "Workstation Extension",
    "High Availability",
    "Real Time",
    "Live Patching",
];
/// Words in names of what is paid for beside the server.
const PAID: [&str; 6] = ["LTSS", "ESPOS", "SAP", "TERADATA", "BCL", "BUSINESS CRITICAL"];
/// Service packs of SUSE Linux Enterprise 12: its modules name none and go with each.
const PACKS_OF_12: [&str; 6] = ["", " SP1", " SP2", " SP3", " SP4", " SP5"];

/// The ecosystems of hosts that a statement about a product is about, where that is not the product's own name; `None` where it is.
#[must_use]
pub fn ecosystems_of_edition(ecosystem: &str) -> Option<Vec<String>> {
    if let Some(product) = ecosystem.strip_prefix("Red Hat:enterprise_linux:") {
        // `9::appstream`: repositories of one release share its advisories.
        let major =
            product.split([':', '.']).next().filter(|m| !m.is_empty() && m.bytes().all(|b| b.is_ascii_digit()))?;
        return Some(vec![format!("Red Hat:{major}")]);
    }
    let product = ecosystem.strip_prefix("SUSE:Linux Enterprise ")?;
    let (edition, release, rest) = parts(product)?;
    let upper = product.to_ascii_uppercase();
    let paid = PAID.iter().any(|word| upper.contains(word));
    let known = FREE.iter().any(|begin| edition.starts_with(begin));
    // Another word behind the release is a product of its own: an image of a cloud, a preview.
    if !known || !(rest.is_empty() || paid) {
        return None;
    }
    let of = |release: &str| format!("SUSE:Linux Enterprise Server {release}{}", if paid { "-LTSS" } else { "" });
    let found: Vec<String> = if release == "12" && edition.starts_with("Module for") {
        PACKS_OF_12.iter().map(|pack| of(&format!("12{pack}"))).collect()
    } else {
        vec![of(&release)]
    };
    (found.as_slice() != [ecosystem]).then_some(found)
}

/// `("Module for Basesystem", "15 SP6", "")`, `("Server", "15 SP3", "LTSS")`.
fn parts(product: &str) -> Option<(&str, String, &str)> {
    let at = product
        .match_indices(' ')
        .map(|(at, _)| at)
        .find(|at| product.get(at + 1..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())))?;
    let (edition, tail) = (product.get(..at)?, product.get(at + 1..)?);
    let (number, tail) = tail.split_at(tail.find([' ', '-']).unwrap_or(tail.len()));
    let pack = tail.strip_prefix(" SP").map(|rest| rest.split_at(rest.find([' ', '-']).unwrap_or(rest.len())));
    let (release, tail) = match pack {
        Some((pack, tail)) if !pack.is_empty() && pack.bytes().all(|b| b.is_ascii_digit()) => {
            (format!("{number} SP{pack}"), tail)
        }
        Some(_) | None => (number.to_owned(), tail),
    };
    Some((edition, release, tail.trim_start_matches([' ', '-'])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_one_release_are_matched_with_its_server() {
        for (product, hosts) in [
            ("SUSE:Linux Enterprise Module for Basesystem 15 SP6", &["SUSE:Linux Enterprise Server 15 SP6"][..]),
            ("SUSE:Linux Enterprise Desktop 15 SP6", &["SUSE:Linux Enterprise Server 15 SP6"]),
            ("SUSE:Linux Enterprise High Availability Extension 15", &["SUSE:Linux Enterprise Server 15"]),
            ("SUSE:Linux Enterprise Software Development Kit 12 SP5", &["SUSE:Linux Enterprise Server 12 SP5"]),
            ("SUSE:Linux Enterprise Server 15-LTSS", &["SUSE:Linux Enterprise Server 15-LTSS"]),
            ("SUSE:Linux Enterprise Server 12 SP5-LTSS", &["SUSE:Linux Enterprise Server 12 SP5-LTSS"]),
            (
                "SUSE:Linux Enterprise Server LTSS Extended Security 12 SP5",
                &["SUSE:Linux Enterprise Server 12 SP5-LTSS"],
            ),
            (
                "SUSE:Linux Enterprise High Performance Computing 15 SP3-ESPOS",
                &["SUSE:Linux Enterprise Server 15 SP3-LTSS"],
            ),
            ("SUSE:Linux Enterprise Server for SAP Applications 15 SP3", &["SUSE:Linux Enterprise Server 15 SP3-LTSS"]),
            ("SUSE:Linux Enterprise Server for SAP applications 16.0", &["SUSE:Linux Enterprise Server 16.0-LTSS"]),
            ("Red Hat:enterprise_linux:9::appstream", &["Red Hat:9"]),
        ] {
            let found = ecosystems_of_edition(product).unwrap_or_else(|| vec![product.to_owned()]);
            assert_eq!(found, hosts, "{product}");
        }
        let web = ecosystems_of_edition("SUSE:Linux Enterprise Module for Web and Scripting 12").unwrap();
        assert!(web.len() == 6 && web.contains(&"SUSE:Linux Enterprise Server 12 SP5".to_owned()), "{web:?}");
        for own in [
            "SUSE:Linux Enterprise Server 15 SP6",
            "SUSE:Linux Enterprise Micro 5.5",
            "SUSE:Linux Enterprise Server 15 SP4-CHOST-BYOS",
            "SUSE:Manager Server 4.3",
            "openSUSE:Leap 15.6",
            "Red Hat:rhel_eus:9.2",
            "Red Hat:9",
        ] {
            assert_eq!(ecosystems_of_edition(own), None, "{own}");
        }
    }
}
