//! A real dnf host: this machine's own rpm and dnf in a mount namespace of their own, on an overlay of its file system with another
//! operating system's name, a signed repository that is built for the test, and an rpm database.
//!
//! Needs root (to build the namespace; the look itself also runs as nobody), rpm, dnf, createrepo_c and gpg; skipped otherwise.

use std::fs;
use std::path::Path;
use std::time::Duration;

use patchwright_agent::exec::Job;
use patchwright_agent::{Root, collect};
use patchwright_domain::inventory::source::{Direction, Distance, SourceClass, classify, diverge};
use patchwright_domain::inventory::{EntitlementState, HostFacts, PackageFormat, PatcherKind};
use patchwright_versions::Scheme;

use crate::fixture::{have, options, soon, unseen};

/// Marks the line on standard output that carries the facts.
const MARK: &str = "FACTS-OF-DNF-HOST ";

/// Builds packages in two versions, a repository with advisories, signatures on both, and a module label.
const REPOSITORY: &str = r#"
set -eu
D=$1; mkdir -p "$D/top" "$D/repo" "$D/gnupg"; chmod 700 "$D/gnupg"; export GNUPGHOME=$D/gnupg
gpg -q --batch --passphrase '' --quick-gen-key 'Acme <rpm@acme.invalid>' rsa3072 sign never 2>/dev/null
gpg -q --armor --export rpm@acme.invalid > "$D/repo/KEY.asc"
spec() {
cat > "$D/$1-$2.spec" <<S
Name: $1
Version: $2
Release: ${4:-1}
Summary: test
License: MIT
Vendor: Acme
BuildArch: noarch
${3:+Requires: $3}
%description
test
%install
mkdir -p %{buildroot}/usr/lib/python3.9/site-packages/$1-$2.dist-info
printf 'Metadata-Version: 2.1\nName: $1\nVersion: $2\n' > %{buildroot}/usr/lib/python3.9/site-packages/$1-$2.dist-info/METADATA
%files
/usr/lib/python3.9/site-packages/$1-$2.dist-info
S
rpmbuild -bb --quiet --define "_topdir $D/top" --define "_rpmdir ${OUT:-$D/repo}" --define "_dbpath $D/db" "$D/$1-$2.spec" >/dev/null 2>&1; }
for v in 1.0 1.1; do spec acme $v; spec acme-lib $v; spec acme-locked $v; spec acme-excluded $v; done
spec acme-app 1.0; spec acme-app 1.1 acme-extra; spec acme-extra 2.0
spec acme-broken 1.0; spec acme-broken 1.1 acme-nowhere
spec acme-stream 18.1 '' '1.module_el9.1.0+11+abcdef'
OUT=$D/other spec acme 2.0 '' 1.el9; OUT=$D/other spec acme-own 3.0
rpmsign --define '__gpg /usr/bin/gpg' --define '_gpg_name rpm@acme.invalid' --define "_gpg_path $D/gnupg" --addsign "$D"/repo/noarch/*.rpm "$D"/other/noarch/*.rpm >/dev/null 2>&1
createrepo_c -q "$D/repo"; createrepo_c -q "$D/other"
update() { # id type severity package cve...
printf '<update from="sec@acme.invalid" status="final" type="%s" version="1"><id>%s</id><title>t</title><severity>%s</severity><issued date="2026-11-20 00:00:00"/><description>d</description><references>' "$2" "$1" "$3"
p=$4; id=$1; shift 4
for cve; do printf '<reference href="https://acme.invalid/" id="%s" type="cve" title="%s"/>' "$cve" "$cve"; done
printf '</references><pkglist><collection short="a"><name>a</name><package name="%s" version="1.1" release="1" epoch="0" arch="noarch" src="%s-1.1-1.src.rpm"><filename>%s-1.1-1.noarch.rpm</filename></package></collection></pkglist></update>' "$p" "$p" "$p"; }
{ echo '<?xml version="1.0"?><updates>'
  update ACME-2026:0001 security Critical acme CVE-2026-1001 CVE-2026-1002
  update ACME-2026:0002 bugfix None acme-lib
  update ACME-2026:0003 security Moderate acme-locked CVE-2026-1003
  echo '</updates>'; } > "$D/updateinfo.xml"
modifyrepo_c --mdtype=updateinfo "$D/updateinfo.xml" "$D/repo/repodata" >/dev/null 2>&1
gpg -q --batch --yes -u rpm@acme.invalid --detach-sign --armor "$D/repo/repodata/repomd.xml"
gpgconf --kill all
"#;

/// Makes the host and runs the program given behind the folder in it.
const HOST: &str = r#"
set -eu
D=$1; TESTS=$2; CERTIFICATE=$3; MORE=$4
mount --make-rprivate /
mkdir -p "$D/host"; mount -t tmpfs tmpfs "$D/host"; mkdir "$D/host/upper" "$D/host/work" "$D/host/root"; R=$D/host/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$D/host/upper,workdir=$D/host/work" "$R"
mount --rbind /proc "$R/proc"; mount --rbind /dev "$R/dev"; mount -t tmpfs -o mode=1777 tmpfs "$R/tmp"; mount -t tmpfs tmpfs "$R/run"
mkdir "$R/tmp/repo" "$R/tmp/other"; mount --bind "$D/repo" "$R/tmp/repo"; mount --bind "$D/other" "$R/tmp/other"; cp "$TESTS" "$R/tmp/it"; chmod 755 "$R/tmp/it"
if [ -e "$CERTIFICATE" ]; then cp "$CERTIFICATE" "$R/tmp/certificate.pem"; fi
mkdir -p "$R/.old"; cd "$R"; pivot_root . .old; cd /; umount -l /.old; rmdir /.old
rm -rf /var/lib/dpkg/status /var/lib/dpkg/status.d /etc/os-release /etc/yum.repos.d /var/lib/rpm /var/lib/dnf /var/cache/dnf /opt /srv /usr/local
mkdir -p /etc/yum.repos.d /etc/rpm /etc/dnf/plugins /etc/dnf/modules.d /usr/local/lib/python3.9/site-packages/requests-2.0.dist-info
printf 'ID=acme\nVERSION_ID="1"\nPRETTY_NAME="Acme 1"\n' > /etc/os-release
echo '%_dbpath /var/lib/rpm' > /etc/rpm/macros
printf '[main]\ngpgcheck=1\nplugins=0\nexclude=acme-excl*\n' > /etc/dnf/dnf.conf
printf '[acme]\nname=acme\nbaseurl=file:///tmp/repo\nenabled=1\ngpgcheck=1\nrepo_gpgcheck=1\ngpgkey=file:///tmp/repo/KEY.asc\n' > /etc/yum.repos.d/acme.repo
echo 'acme-locked-0:1.0-1.*' > /etc/dnf/plugins/versionlock.list
printf '[acme-stream]\nname=acme-stream\nstream=18\nprofiles=\nstate=enabled\n' > /etc/dnf/modules.d/acme-stream.module
printf 'Name: requests\nVersion: 2.0\n' > /usr/local/lib/python3.9/site-packages/requests-2.0.dist-info/METADATA
export LC_ALL=C
dnf() { command dnf -y -q --releasever=1 "$@" >/dev/null 2>/tmp/dnf.err || { cat /tmp/dnf.err >&2; exit 1; }; }
dnf --disableexcludes=all install acme-1.0 acme-lib-1.0 acme-app-1.0 acme-broken-1.0 acme-locked-1.0 acme-excluded-1.0 acme-stream
dnf upgrade acme-lib
mkdir -p /etc/dnf/vars; printf '1\n' > /etc/dnf/vars/releasever
eval "$MORE"
if [ -n "$CERTIFICATE" ]; then
  mkdir -p /etc/pki/entitlement
  if [ -e /tmp/certificate.pem ]; then install -m 644 /tmp/certificate.pem /etc/pki/entitlement/1.pem; fi
  printf '[vendor]\nname=vendor\nbaseurl=https://vendor.invalid/\nenabled=1\nskip_if_unavailable=1\nsslclientcert=/etc/pki/entitlement/1.pem\n' > /etc/yum.repos.d/vendor.repo
fi
before() { find /var/lib/dnf /var/cache/dnf /var/log /etc -xdev -type f -printf '%p %s %T@\n' | sort; }
before > /tmp/before
for user in 0 65534; do
  mkdir -p "/tmp/home$user"; chown "$user" "/tmp/home$user"
  HOME=/tmp/home$user TMPDIR=/tmp/home$user setpriv --reuid=$user --regid=$user --clear-groups \
    /tmp/it --exact dnf_host::inner_look --ignored --nocapture --test-threads=1
  ls -A "/tmp/home$user" | sed 's/^/LEFT /'
done
before > /tmp/after; diff /tmp/before /tmp/after | sed 's/^/CHANGED /'
"#;

/// A certificate made for this test, valid until 2026-03-01.
const LAPSED: &str = "\
-----BEGIN CERTIFICATE-----
MIIBHjCBxAIBATAKBggqhkjOPQQDAjAbMRkwFwYDVQQDDBBhY21lLWVudGl0bGVt
ZW50MB4XDTI1MDEwMTAwMDAwMFoXDTI2MDMwMTEyMzQ1NlowGzEZMBcGA1UEAwwQ
YWNtZS1lbnRpdGxlbWVudDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABF7A/PW5
OYq77QkKF5qgZmhJI+6FKoTejI4qgbQtX0++e+V5P3hqnDW8b5iONXwfQMhU6rTM
IHRATHHo6K55osEwCgYIKoZIzj0EAwIDSQAwRgIhAKPaDnQdmgcP0gTXFoZevkc5
rBoA7uYbBiHxL2EQZTH3AiEAruJ08F7H3SyulKaVOIjahpmY/s4ePs1t0sKi8qXr
AKc=
-----END CERTIFICATE-----
";

/// Runs only inside the host that [`HOST`] makes.
#[test]
#[ignore = "started by the other tests of this file in a host of its own"]
fn inner_look() {
    let facts = collect(&Root::host(), &options(), &mut |_| {});
    println!("\n{MARK}{}", serde_json::to_string(&facts).unwrap());
}

/// Facts as root and as nobody; nothing where such a host cannot be made.
fn look(certificate: Option<&Path>, more: &str) -> Option<[HostFacts; 2]> {
    if !have(&["rpm", "rpmbuild", "rpmsign", "dnf", "createrepo_c", "modifyrepo_c", "gpg", "unshare", "setpriv"]) {
        return None;
    }
    let dir = tempfile::Builder::new().prefix("patchwright-dnf-host-").tempdir().unwrap();
    let namespace = Job::new("unshare").args(["--mount", "true"]).run_ok(soon());
    if let Err(error) = namespace {
        println!("skipped: no mount namespace here: {error}");
        return None;
    }
    let run = |job: Job| job.limit(Duration::from_mins(5)).run_ok(soon());
    run(Job::new("bash").args(["-c", REPOSITORY, "repository"]).args([dir.path()])).unwrap();
    let tests = std::env::current_exe().unwrap();
    let certificate = certificate.map(Path::as_os_str).unwrap_or_default();
    let job = Job::new("unshare")
        .args(["--mount", "bash", "-c", HOST, "host"])
        .args([dir.path(), &tests])
        .args([certificate])
        .args([more]);
    let text = run(job).unwrap();
    for line in text.lines() {
        assert!(!line.starts_with("LEFT ") && !line.starts_with("CHANGED "), "a look leaves nothing behind: {line}");
    }
    let facts: Vec<HostFacts> =
        text.lines().filter_map(|line| serde_json::from_str(line.strip_prefix(MARK)?).ok()).collect();
    Some(<[HostFacts; 2]>::try_from(facts).expect("the inner test prints its facts once for each user"))
}

#[test]
fn a_dnf_host_is_described_without_root() {
    let Some(both) = look(None, "") else {
        return;
    };
    for facts in &both {
        check(facts);
    }
    let [root, nobody] = both;
    assert_eq!(root.packages, nobody.packages);
    assert_eq!(root.pending, nobody.pending);
    assert_eq!(root.transaction, nobody.transaction);
    assert_eq!(root.history, nobody.history);
    assert_eq!(root.components, nobody.components);
}

fn check(facts: &HostFacts) {
    assert_eq!((facts.format, facts.os.id.as_str()), (Some(PackageFormat::Rpm), "acme"));
    let package = |name: &str| facts.packages.iter().find(|p| p.name == name).unwrap();
    assert_eq!(facts.packages.len(), 7, "{:#?}", facts.packages);
    assert_eq!((package("acme").version.as_str(), package("acme").origin.as_deref()), ("1.0-1", Some("Acme")));
    assert_eq!(package("acme-lib").version, "1.1-1");
    assert!(package("acme-locked").held && package("acme-excluded").held && !package("acme").held);
    // rpmbuild writes no label here, as on Oracle Linux 8: the enabled stream of the module of that name stands in for it.
    assert_eq!(facts.modules, ["acme-stream:18"]);
    assert_eq!(package("acme-stream").module.as_deref(), Some("acme-stream:18"));

    let pending: Vec<(&str, &str, &str, bool)> = facts
        .pending
        .iter()
        .map(|p| (p.name.as_str(), p.installed.as_str(), p.candidate.as_str(), p.security))
        .collect();
    assert_eq!(
        pending,
        [
            ("acme", "1.0-1", "1.1-1", true),
            ("acme-app", "1.0-1", "1.1-1", false),
            ("acme-broken", "1.0-1", "1.1-1", false),
            ("acme-excluded", "1.0-1", "1.1-1", false),
            ("acme-locked", "1.0-1", "1.1-1", true),
        ],
        "{:#?}",
        facts.unseen
    );
    assert_eq!(facts.pending[0].origin.as_deref(), Some("acme"));
    assert!(facts.lists_refreshed_at.is_some());

    let transaction = facts.transaction.as_ref().unwrap_or_else(|| panic!("{:#?}", facts.unseen));
    let steps: Vec<(&str, Option<&str>, Option<&str>)> =
        transaction.steps.iter().map(|s| (s.name.as_str(), s.from.as_deref(), s.to.as_deref())).collect();
    for step in [
        ("acme", Some("1.0-1"), Some("1.1-1")),
        ("acme-app", Some("1.0-1"), Some("1.1-1")),
        ("acme-extra", None, Some("2.0-1")),
    ] {
        assert!(steps.contains(&step), "{steps:?}");
    }
    let kept: Vec<(&str, bool)> = transaction.kept_back.iter().map(|k| (k.name.as_str(), k.held)).collect();
    assert!(kept.contains(&("acme-broken", false)) && kept.contains(&("acme-excluded", true)), "{kept:?}");
    let broken = transaction.kept_back.iter().find(|k| k.name == "acme-broken").unwrap();
    assert!(broken.because.iter().any(|why| why.contains("nothing provides acme-nowhere")), "{broken:?}");

    let fixes: Vec<(&str, &str, &str, Option<&str>)> = facts
        .candidate_fixes
        .iter()
        .map(|f| (f.source.as_str(), f.cve.as_str(), f.fixed.as_str(), f.advisory.as_deref()))
        .collect();
    assert!(fixes.contains(&("acme", "CVE-2026-1001", "1.1-1", Some("ACME-2026:0001"))), "{fixes:?}");
    assert!(fixes.contains(&("acme", "CVE-2026-1002", "1.1-1", Some("ACME-2026:0001"))), "{fixes:?}");

    let upgrade = facts.history.iter().find(|h| h.name == "acme-lib" && h.from.is_some()).unwrap();
    assert_eq!((upgrade.from.as_deref(), upgrade.to.as_deref()), (Some("1.0-1"), Some("1.1-1")));
    assert_eq!(upgrade.source, "dnf history");
    assert!(facts.patchers.iter().all(|p| p.kind != PatcherKind::DnfAutomatic));

    let owned: Vec<(&str, Option<&str>)> = facts
        .components
        .iter()
        .filter(|c| c.name.starts_with("acme") || c.name == "requests")
        .map(|c| (c.name.as_str(), c.owned_by.as_deref()))
        .collect();
    assert!(owned.contains(&("acme", Some("acme"))) && owned.contains(&("requests", None)), "{owned:?}");
    assert!(facts.entitlements.is_empty());
}

/// A host whose subscription lapsed: "no updates" must not read as patched.
#[test]
fn a_lapsed_or_missing_subscription_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let lapsed = dir.path().join("lapsed.pem");
    fs::write(&lapsed, LAPSED).unwrap();
    let Some([_, facts]) = look(Some(&lapsed), "") else {
        return;
    };
    assert_eq!(facts.entitlements.len(), 1);
    assert_eq!(facts.entitlements[0].state, EntitlementState::Lapsed, "{:?}", facts.entitlements);
    assert_eq!(facts.entitlements[0].repositories, ["vendor"]);
    assert_eq!(facts.entitlements[0].until.unwrap().to_string(), "2026-03-01T12:34:56Z");
    let told = unseen(&facts, "without a subscription").unwrap();
    assert!(told.why.contains("lapsed on 2026-03-01") && told.why.contains("does not mean patched"), "{told:?}");
    let Some([_, facts]) = look(Some(&dir.path().join("nowhere.pem")), "") else {
        return;
    };
    assert_eq!(facts.entitlements[0].state, EntitlementState::Missing);
    assert!(unseen(&facts, "without a subscription").is_some());
}

/// The first repository becomes the vendor's by its key, and another one is added that has a newer version and a package of its own.
const THIRD_PARTY: &str = r#"
printf 'ID=almalinux\nVERSION_ID="9.4"\nPRETTY_NAME="AlmaLinux 9.4"\n' > /etc/os-release
mkdir -p /etc/pki/rpm-gpg; cp /tmp/repo/KEY.asc /etc/pki/rpm-gpg/RPM-GPG-KEY-AlmaLinux-9
sed -i 's#^gpgkey=.*#gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-AlmaLinux-9#' /etc/yum.repos.d/acme.repo
printf '[other]\nname=other\nbaseurl=file:///tmp/other\nenabled=1\ngpgcheck=1\ngpgkey=file:///tmp/repo/KEY.asc\n' > /etc/yum.repos.d/other.repo
dnf upgrade acme; dnf install acme-own
"#;

/// dnf's own record says where packages came from, its metadata what the vendor has; both without root.
#[test]
fn a_third_party_repository_is_compared_with_the_vendors() {
    let Some(both) = look(None, THIRD_PARTY) else {
        return;
    };
    for facts in both {
        let by = |id: &str| {
            facts.sources.iter().find(|s| s.key.suite == id).unwrap_or_else(|| panic!("{:#?}", facts.sources))
        };
        let (vendor, other) = (by("acme"), by("other"));
        assert_eq!(classify(vendor, &facts.os).class, SourceClass::Vendor);
        assert_eq!(classify(other, &facts.os).class, SourceClass::ThirdParty);
        assert_eq!((vendor.installed, other.installed), (Some(6), Some(2)), "{:#?}", facts.sources);
        assert!(other.untold.is_empty(), "{:?}", other.untold);
        let package = |name: &str| other.packages.iter().find(|p| p.name == name).unwrap();
        let acme = package("acme");
        assert!(acme.from_here && !acme.from_unknown, "{acme:?}");
        assert_eq!((acme.installed.as_str(), acme.vendor.as_deref()), ("2.0-1.el9", Some("1.1-1")));
        let divergence = diverge(Scheme::Rpm, &acme.installed, acme.vendor.as_deref());
        assert_eq!((divergence.direction, divergence.distance), (Direction::Newer, Distance::Major));
        assert_eq!(divergence.backport.unwrap().release, "9");
        let own = package("acme-own");
        assert!(own.from_here && own.vendor.is_none() && own.vendor_unknown.is_none(), "{own:?}");
    }
}
