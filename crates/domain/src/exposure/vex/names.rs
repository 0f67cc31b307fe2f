//! What distributions and publishers are called in statements: package URLs, `distro` qualifiers and vendors of CPE names.

/// A distribution as documents name it.
struct Distribution {
    /// The ecosystem's family in OSV's spelling.
    family: &'static str,
    /// Type of its package URLs.
    kind: &'static str,
    /// Namespaces of its package URLs, its own spelling first. Publishers spell some of them in several ways.
    namespaces: &'static [&'static str],
    /// What stands before the number in a `distro` qualifier, besides the namespaces: `ID` of os-release, and what scanners write.
    distros: &'static [&'static str],
    /// What is written before the number in a `distro` qualifier; nothing where none is written.
    distro: Option<&'static str>,
    /// Vendors of CPE names (NVD's dictionary), besides the namespaces.
    vendors: &'static [&'static str],
    /// Code names of releases.
    code_names: &'static [(&'static str, &'static str)],
}

const PLAIN: Distribution =
    Distribution { family: "", kind: "", namespaces: &[], distros: &[], distro: None, vendors: &[], code_names: &[] };

const DISTRIBUTIONS: &[Distribution] = &[
    Distribution {
        family: "Debian",
        kind: "deb",
        namespaces: &["debian"],
        distro: Some("debian"),
        code_names: &[
            ("10", "buster"),
            ("11", "bullseye"),
            ("12", "bookworm"),
            ("13", "trixie"),
            ("14", "forky"),
            ("15", "duke"),
        ],
        ..PLAIN
    },
    Distribution {
        family: "Ubuntu",
        kind: "deb",
        namespaces: &["ubuntu"],
        distro: Some("ubuntu"),
        vendors: &["canonical"],
        code_names: &[
            ("14.04", "trusty"),
            ("16.04", "xenial"),
            ("18.04", "bionic"),
            ("20.04", "focal"),
            ("22.04", "jammy"),
            ("24.04", "noble"),
            ("25.04", "plucky"),
            ("25.10", "questing"),
        ],
        ..PLAIN
    },
    Distribution { family: "Echo", kind: "deb", namespaces: &["echo"], ..PLAIN },
    Distribution {
        family: "AlmaLinux",
        kind: "rpm",
        namespaces: &["almalinux", "alma"],
        distro: Some("almalinux"),
        ..PLAIN
    },
    Distribution {
        family: "Rocky Linux",
        kind: "rpm",
        namespaces: &["rocky-linux", "rocky", "rockylinux"],
        distro: Some("rocky"),
        vendors: &["resf"],
        ..PLAIN
    },
    Distribution {
        family: "Red Hat",
        kind: "rpm",
        namespaces: &["redhat", "rhel"],
        distros: &["enterprise_linux", "redhat-enterprise-linux"],
        distro: Some("rhel"),
        ..PLAIN
    },
    Distribution {
        family: "Oracle Linux",
        kind: "rpm",
        namespaces: &["oracle", "oraclelinux", "ol"],
        distro: Some("ol"),
        ..PLAIN
    },
    Distribution {
        family: "Fedora",
        kind: "rpm",
        namespaces: &["fedora"],
        distro: Some("fedora"),
        vendors: &["fedoraproject"],
        ..PLAIN
    },
    Distribution {
        family: "openSUSE",
        kind: "rpm",
        namespaces: &["opensuse"],
        distros: &["opensuse-leap", "opensuse.leap", "leap"],
        vendors: &["suse"],
        ..PLAIN
    },
    Distribution {
        family: "SUSE",
        kind: "rpm",
        namespaces: &["suse", "sles"],
        vendors: &["opensuse", "novell"],
        ..PLAIN
    },
    Distribution {
        family: "Amazon Linux",
        kind: "rpm",
        namespaces: &["amazon", "amzn", "amazonlinux"],
        distro: Some("amzn"),
        ..PLAIN
    },
    Distribution { family: "openEuler", kind: "rpm", namespaces: &["openeuler"], vendors: &["huawei"], ..PLAIN },
    Distribution {
        family: "Azure Linux",
        kind: "rpm",
        namespaces: &["azurelinux", "mariner", "microsoft"],
        distro: Some("azurelinux"),
        ..PLAIN
    },
    Distribution { family: "Mageia", kind: "rpm", namespaces: &["mageia"], distro: Some("mageia"), ..PLAIN },
    Distribution {
        family: "Alpine",
        kind: "apk",
        namespaces: &["alpine"],
        distro: Some("alpine"),
        vendors: &["alpinelinux"],
        ..PLAIN
    },
    Distribution { family: "Wolfi", kind: "apk", namespaces: &["wolfi"], vendors: &["chainguard"], ..PLAIN },
    Distribution { family: "Chainguard", kind: "apk", namespaces: &["chainguard"], ..PLAIN },
];

/// Upstream vendors of the products that distributions ship under the product's own name (NVD's dictionary of CPE names). A vendor
/// that is called as its product, or as its product with `_project` behind it, needs no row.
const UPSTREAMS: &[(&str, &[&str])] = &[
    ("apache", &["tomcat", "subversion", "ant", "maven", "traffic_server"]),
    ("apple", &["cups"]),
    ("cisco", &["clamav"]),
    ("clamav", &["clamav"]),
    ("djangoproject", &["django"]),
    ("docker", &["docker"]),
    ("eclipse", &["jetty", "mosquitto"]),
    ("f5", &["nginx"]),
    ("freedesktop", &["poppler", "systemd", "dbus", "polkit"]),
    ("git-scm", &["git"]),
    (
        "gnu",
        &[
            "bash",
            "binutils",
            "coreutils",
            "cpio",
            "diffutils",
            "emacs",
            "findutils",
            "gcc",
            "gdb",
            "glibc",
            "gnutls",
            "grep",
            "grub2",
            "gzip",
            "inetutils",
            "less",
            "libtasn1",
            "mailman",
            "nano",
            "ncurses",
            "patch",
            "readline",
            "sed",
            "screen",
            "tar",
            "wget",
        ],
    ),
    ("gnupg", &["gnupg", "gnupg2", "libgcrypt", "libksba"]),
    ("gnome", &["glib", "gvfs", "gdk-pixbuf", "librsvg", "libsoup", "evolution", "epiphany"]),
    ("golang", &["go"]),
    ("haxx", &["curl", "libcurl"]),
    ("isc", &["bind", "bind9", "dhcp", "kea"]),
    ("kernel", &["util-linux", "linux-pam", "e2fsprogs"]),
    ("linux-pam", &["pam"]),
    ("mit", &["krb5"]),
    ("mozilla", &["firefox", "firefox-esr", "thunderbird", "nss"]),
    ("nlnetlabs", &["unbound", "nsd", "ldns"]),
    ("openbsd", &["openssh", "opensmtpd"]),
    ("openprinting", &["cups", "cups-filters"]),
    ("oracle", &["mysql", "virtualbox"]),
    ("pcre", &["pcre", "pcre2"]),
    ("python", &["python", "pillow", "urllib3", "requests", "pip", "setuptools"]),
    ("ruby-lang", &["ruby", "rexml"]),
    ("samba", &["samba", "rsync"]),
    ("squid-cache", &["squid"]),
    ("tcpdump", &["tcpdump", "libpcap"]),
    ("thekelleys", &["dnsmasq"]),
    ("todd_miller", &["sudo"]),
    ("tukaani", &["xz", "xz-utils"]),
    ("varnish-cache", &["varnish"]),
    ("videolan", &["vlc", "dav1d"]),
    ("w1.fi", &["wpa_supplicant", "hostapd"]),
    ("x.org", &["xorg-server", "libx11", "libxpm"]),
    ("xmlsoft", &["libxml2", "libxslt"]),
];

fn family(ecosystem: &str) -> &str {
    ecosystem.split(':').next().unwrap_or_default()
}

fn distribution(ecosystem: &str) -> Option<&'static Distribution> {
    let family = family(ecosystem);
    DISTRIBUTIONS.iter().find(|known| known.family == family)
}

/// Package URL type and namespaces of a distribution.
pub(super) fn of_distribution(ecosystem: &str) -> Option<(&'static str, &'static [&'static str])> {
    distribution(ecosystem).map(|known| (known.kind, known.namespaces))
}

/// The value of a `distro` qualifier that means the release of an ecosystem; nothing where none is written, or it would not be known
/// again (`Ubuntu:Pro:…`).
pub(super) fn distro(ecosystem: &str) -> Option<String> {
    let word = distribution(ecosystem)?.distro?;
    let release = ecosystem.split(':').nth(1)?;
    Some(format!("{word}-{}", release.trim_start_matches('v'))).filter(|text| is_distro(ecosystem, text))
}

/// Whether the value of a `distro` qualifier means the release of an ecosystem. Scanners write `debian-12`, `debian-12.5`,
/// `rhel-9.4`, `ubuntu/jammy`, `bookworm` and `12`; where a distribution is named it must be this one.
pub(super) fn is_distro(ecosystem: &str, stated: &str) -> bool {
    let Some(known) = distribution(ecosystem) else { return false };
    let release = ecosystem.split(':').nth(1).unwrap_or_default();
    // `Leap 15.6` and `v3.20` are numbers with a word before them.
    let release = release.rsplit(' ').next().unwrap_or_default().trim_start_matches('v');
    let stated = stated.to_ascii_lowercase();
    let (name, number) = match stated.rsplit_once(['-', '/', ':']) {
        Some((name, number)) => (Some(name), number),
        None => (None, stated.as_str()),
    };
    if let Some(name) = name
        && !known.namespaces.contains(&name)
        && !known.distros.contains(&name)
    {
        return false;
    }
    let number = number.trim_start_matches('v');
    let starts =
        |long: &str, short: &str| long == short || long.strip_prefix(short).is_some_and(|rest| rest.starts_with('.'));
    let by_name = known.code_names.iter().any(|(of, code)| *of == release && *code == number);
    !release.is_empty() && !number.is_empty() && (starts(number, release) || starts(release, number) || by_name)
}

/// Whether the vendor of a CPE name publishes `product` as the package of an ecosystem: the distribution itself, or the product's
/// own upstream.
pub(super) fn is_vendor(ecosystem: &str, vendor: &str, product: &str) -> bool {
    let of_distribution =
        distribution(ecosystem).is_some_and(|k| k.namespaces.contains(&vendor) || k.vendors.contains(&vendor));
    of_distribution
        || vendor == product
        || vendor.strip_suffix("_project") == Some(product)
        || UPSTREAMS.iter().any(|(known, products)| *known == vendor && products.contains(&product))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_is_meant_by_name_and_number() {
        for (ecosystem, stated, want) in [
            ("Debian:12", "debian-12", true),
            ("Debian:12", "debian-12.5", true),
            ("Debian:12", "debian-bookworm", true),
            ("Debian:12", "bookworm", true),
            ("Debian:12", "12", true),
            ("Debian:12", "12.5", true),
            ("Debian:12", "rhel-12", false),
            ("Debian:12", "ubuntu-12", false),
            ("Debian:12", "debian-1", false),
            ("Debian:12", "debian-11", false),
            ("Debian:12", "bullseye", false),
            ("Debian:12", "debian-", false),
            ("Debian:12", "", false),
            ("Ubuntu:22.04:LTS", "jammy", true),
            ("Ubuntu:22.04:LTS", "ubuntu/jammy", true),
            ("Ubuntu:22.04:LTS", "ubuntu-22.04", true),
            ("Ubuntu:22.04:LTS", "esm-apps/jammy", false),
            ("Red Hat:9", "rhel-9.4", true),
            ("Red Hat:9", "redhat-9", true),
            ("Red Hat:9", "almalinux-9", false),
            ("AlmaLinux:9", "almalinux-9.3", true),
            ("AlmaLinux:9", "rhel-9.3", false),
            ("Alpine:v3.20", "alpine-3.20.1", true),
            ("Alpine:v3.20", "v3.20", true),
            ("openSUSE:Leap 15.6", "opensuse-leap-15.6", true),
            ("PyPI", "debian-12", false),
        ] {
            assert_eq!(is_distro(ecosystem, stated), want, "{stated} on {ecosystem}");
        }
    }

    #[test]
    fn a_vendor_is_the_distribution_or_the_upstream() {
        for (vendor, product, want) in [
            ("openssl", "openssl", true),
            ("debian", "openssl", true),
            ("haxx", "curl", true),
            ("sudo_project", "sudo", true),
            ("evil", "openssl", false),
            ("haxx", "openssl", false),
            ("canonical", "openssl", false),
            ("", "openssl", false),
        ] {
            assert_eq!(is_vendor("Debian:12", vendor, product), want, "{vendor}:{product}");
        }
        assert!(is_vendor("Ubuntu:22.04:LTS", "canonical", "openssl"));
    }
}
