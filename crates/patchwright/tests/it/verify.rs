//! `verify` as a user runs it.

use std::process::Command;

use patchwright_testkit::skip::skip;

use crate::run::Bench;

fn sh(bench: &Bench, script: &str) {
    let output = Command::new("sh").args(["-ec", script]).current_dir(bench.dir.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// apt-ftparchive and gpg make the repository, as a publisher would.
const MAKE: &str = r#"
export GNUPGHOME=$PWD/gpg; mkdir -m 700 gpg; mkdir -p repo/pool d/DEBIAN
gpg -q --batch --passphrase '' --quick-gen-key repo@example.invalid ed25519 sign never
gpg -q --export repo@example.invalid > key.gpg
printf 'Package: acme\nVersion: 1.0\nArchitecture: all\nMaintainer: T <t@example.invalid>\nDescription: test\n' > d/DEBIAN/control
dpkg-deb --root-owner-group -Zgzip -b d repo/pool/acme_1.0_all.deb >/dev/null
cd repo; mkdir -p dists/stable/main/binary-all
apt-ftparchive packages pool > dists/stable/main/binary-all/Packages
gzip -9k dists/stable/main/binary-all/Packages
o=APT::FTPArchive::Release
apt-ftparchive -o $o::Suite=stable -o $o::Codename=stable -o $o::Architectures=all -o $o::Components=main release dists/stable > r
mv r dists/stable/Release
gpg -q --batch -u repo@example.invalid --clearsign -o dists/stable/InRelease dists/stable/Release
gpgv -q --keyring ../key.gpg dists/stable/InRelease
gpgconf --kill all
"#;

#[test]
fn a_repository_that_apt_tools_made_is_verified_and_a_changed_package_refused() {
    for program in ["apt-ftparchive", "gpg", "gpgv", "dpkg-deb"] {
        let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
        if !found.status.success() {
            return skip("verify against apt-ftparchive and gpgv", &format!("no `{program}`"));
        }
    }
    let bench = Bench::fresh();
    sh(&bench, MAKE);
    let (repo, key) = (bench.dir.path().join("repo"), bench.dir.path().join("key.gpg"));
    let (repo, key) = (repo.to_str().unwrap(), key.to_str().unwrap());
    let whole = ["verify", "repo", repo, "--suite", "stable", "--keyring", key, "--packages", "-o", "json"];
    let rows: serde_json::Value = serde_json::from_slice(&bench.run(&whole).stdout).unwrap();
    assert_eq!(bench.run(&whole).status.code(), Some(0), "{rows:#}");
    assert_eq!(rows.as_array().unwrap().len(), 4, "the Release, the index in both packings, the package: {rows:#}");
    assert!(
        rows.as_array().unwrap().iter().all(|r| r["outcome"] == "verified" && r["admission"] == "allowed"),
        "{rows:#}"
    );
    let deb = format!("{repo}/pool/acme_1.0_all.deb");
    let one = ["verify", "deb", &deb, "--repo", repo, "--suite", "stable", "--keyring", key, "-o", "json"];
    assert_eq!(bench.run(&one).status.code(), Some(0));
    let mut bytes = std::fs::read(&deb).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&deb, &bytes).unwrap();
    for args in [&whole[..], &one[..]] {
        let output = bench.run(args);
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stdout).contains("digest_differs"));
    }
    // Nothing that was checked is not "all is well".
    let none = bench.fails(&[&whole[..], &["--component", "nosuch"]].concat(), 100);
    assert!(none.contains("names no index") && none.contains("its components are: main"), "{none}");
    // A file that the Release lists and that is changed, beside one in another packing that is good.
    let plain = format!("{repo}/dists/stable/main/binary-all/Packages");
    let good = std::fs::read(&plain).unwrap();
    std::fs::write(&plain, b"Package: evil\n").unwrap();
    let output = bench.run(&whole[..whole.len() - 3]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("binary-all/Packages"), "{output:?}");
    std::fs::remove_file(&plain).unwrap();
    let output = bench.run(&whole[..whole.len() - 3]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("not looked at: 1 file that the Release lists (main/binary-all/Packages)"), "{said}");
    std::fs::write(&plain, good).unwrap();
    // The same repository from the day before: what was accepted is remembered between runs.
    sh(
        &bench,
        "export GNUPGHOME=$PWD/gpg; cd repo/dists/stable; sed -i \"s/^Date:.*/Date: $(date -Ru -d yesterday)/\" Release\n\
         gpg -q --batch --yes -u repo@example.invalid --clearsign -o InRelease Release; gpgconf --kill all",
    );
    let output = bench.run(&whole);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("replayed"));
    // However it is written.
    for target in [format!("{repo}/"), format!("file://{repo}"), format!("{repo}/../repo")] {
        let output = bench.run(&["verify", "repo", &target, "--suite", "stable", "--keyring", key, "-o", "json"]);
        assert!(String::from_utf8_lossy(&output.stdout).contains("replayed"), "{target}: {output:?}");
    }
    // Nothing unverified without a policy and an approver.
    std::fs::remove_file(format!("{repo}/dists/stable/InRelease")).unwrap();
    let policy = bench.file(
        "policy.toml",
        format!(
            "schema = 1\nname = \"site\"\nversion = \"1\"\nvalid_from = 2026-01-01\n[[authenticity.exception]]\nname = \"lab\"\n\
             subjects = [\"{repo}\"]\nexcuses = [\"not_signed\"]\napprovers = [\"alice\"]\nvalid_to = 2099-01-01\nbecause = \"a lab\"\n"
        ),
    );
    let policy = policy.to_str().unwrap();
    let base = ["verify", "repo", repo, "--suite", "stable", "--keyring", key, "--policy", policy];
    assert_eq!(bench.run(&base).status.code(), Some(1), "no approval");
    let approved = |who| bench.run(&[&base[..], &["--approve", who]].concat()).status.code();
    assert_eq!(approved("lab=mallory"), Some(1));
    assert_eq!(approved("lab=alice"), Some(0));
}

#[test]
fn files_are_verified_by_a_digest_and_refused_without_any_proof() {
    let bench = Bench::fresh();
    let file = bench.file("a.txt", "hello\n");
    let file = file.to_str().unwrap();
    let sum = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
    assert_eq!(bench.run(&["verify", "file", file, "--sha256", sum]).status.code(), Some(0));
    assert_eq!(bench.run(&["verify", "file", file, "--sha256", &sum.replace('5', "6")]).status.code(), Some(1));
    let output = bench.run(&["verify", "file", file]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("not signed at all"));
    assert_eq!(bench.run(&["verify", "file", "/nonexistent"]).status.code(), Some(100));
}
