//! RPM packages, built and signed by rpm itself.

use std::process::Command;

use patchwright_trust::keyring::Keyring;
use patchwright_trust::{digest, repomd, rpm};

use crate::forge::{Files, Gpg, gzip, has, kinds, now, run};

const GOOD: &str = "good@example.invalid";
const SPEC: &str = "Name: acme\nVersion: 1.0\nRelease: 1\nSummary: test\nLicense: MIT\nBuildArch: noarch\n%description\ntest\n\
%install\nmkdir -p %{buildroot}/opt/acme\necho hello > %{buildroot}/opt/acme/file\n%files\n/opt/acme/file\n";

/// An unsigned and a signed package.
fn packages(gpg: &Gpg) -> Option<(Vec<u8>, Vec<u8>)> {
    let what = "RPM signatures against rpm";
    if !has("rpmbuild", what) || !has("rpmsign", what) {
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let spec = dir.path().join("acme.spec");
    std::fs::write(&spec, SPEC).unwrap();
    let top = format!("_topdir {}", dir.path().display());
    run(Command::new("rpmbuild").args(["-bb", "--define", &top]).arg(&spec));
    let path = dir.path().join("RPMS/noarch/acme-1.0-1.noarch.rpm");
    let unsigned = std::fs::read(&path).unwrap();
    let mut sign = Command::new("rpmsign");
    sign.env("GNUPGHOME", gpg.home()).args([
        "--define",
        "__gpg /usr/bin/gpg",
        "--define",
        &format!("_gpg_name {GOOD}"),
    ]);
    run(sign.arg("--addsign").arg(&path));
    let signed = std::fs::read(&path).unwrap();
    assert_ne!(unsigned, signed, "rpmsign signed nothing");
    Some((unsigned, signed))
}

#[test]
fn a_signed_package_is_verified_and_every_attack_on_it_refused() {
    let Some(gpg) = Gpg::new() else { return };
    // rpmsign uses the real clock, and so does the key.
    gpg.key(GOOD, "20260101T000000", "never");
    gpg.key("evil@example.invalid", "20260101T000000", "never");
    let Some((unsigned, signed)) = packages(&gpg) else { return };
    let later = now().plus_days(3_650);
    let check = |bytes: &[u8], ring: &Keyring| rpm::check("acme.rpm", &mut &*bytes, ring, later);
    let ring = gpg.ring(GOOD);
    let good = check(&signed, &ring);
    assert!(good.verdict.is_verified(), "{:#?}", good.verdict);
    assert_eq!(good.label.as_deref(), Some("acme-1.0-1.noarch"));
    assert_eq!(good.sha256, digest::sha256(&signed));
    // Attack: unsigned RPM.
    assert_eq!(kinds(&check(&unsigned, &ring).verdict), ["not_signed"]);
    // Attack: wrong key.
    let wrong = check(&signed, &gpg.ring("evil@example.invalid")).verdict;
    assert!(!wrong.is_verified() && kinds(&wrong).contains(&"key_unknown"), "{wrong:?}");
    // Attack: one flipped byte, anywhere behind the lead and the signature header's padding.
    let mut refused = 0;
    for at in (96..signed.len()).step_by(29) {
        let mut bytes = signed.clone();
        bytes[at] ^= 1;
        let verdict = check(&bytes, &ring).verdict;
        if verdict.is_verified() {
            // Only bytes that nobody signs may change unseen: those of the signature header.
            assert!(at < header_start(&signed), "a flipped byte at {at} was not seen");
        } else {
            refused += 1;
        }
    }
    assert!(refused > 20, "{refused}");
    // Attack: the payload's end cut off.
    assert!(!check(&signed[..signed.len() - 1], &ring).verdict.is_verified());
    // The oracle agrees about the two whole ones.
    let dir = tempfile::tempdir().unwrap();
    let (key, file) = (dir.path().join("key.asc"), dir.path().join("acme.rpm"));
    std::fs::write(&key, run(gpg.command("20261126T100000").args(["--armor", "--export", GOOD])).stdout).unwrap();
    let database = format!("_dbpath {}", dir.path().join("db").display());
    let keys = || {
        let mut command = Command::new("rpmkeys");
        command.args(["--define", &database]);
        command
    };
    run(keys().arg("--import").arg(&key));
    for (bytes, verified) in [(&signed, true), (&unsigned, false)] {
        std::fs::write(&file, bytes).unwrap();
        let output = keys().args(["-Kv", "--define", "_pkgverify_level all"]).arg(&file).output().unwrap();
        assert_eq!(output.status.success(), verified, "{}", String::from_utf8_lossy(&output.stdout));
    }
}

/// Where the second header begins.
fn header_start(bytes: &[u8]) -> usize {
    let magic = [0x8e, 0xad, 0xe8, 0x01];
    let starts: Vec<usize> = bytes.windows(4).enumerate().filter(|(_, w)| *w == magic).map(|(at, _)| at).collect();
    starts[1]
}

#[test]
fn a_repository_is_followed_from_repomd_to_its_packages() {
    let Some(gpg) = Gpg::new() else { return };
    gpg.key(GOOD, "20260101T000000", "never");
    let ring = gpg.ring(GOOD);
    let package = b"the bytes of a package".to_vec();
    let primary = format!(
        "<metadata xmlns=\"http://linux.duke.edu/metadata/common\" packages=\"1\"><package type=\"rpm\"><name>acme</name>\
         <arch>noarch</arch><version epoch=\"0\" ver=\"1.0\" rel=\"1\"/><checksum type=\"sha256\" pkgid=\"YES\">{}</checksum>\
         <size package=\"{}\" installed=\"1\"/><location href=\"Packages/acme.rpm\"/></package></metadata>",
        digest::sha256(&package),
        package.len()
    );
    let primary = gzip(primary.as_bytes());
    let root = |digest: &str| {
        format!(
            "<repomd xmlns=\"http://linux.duke.edu/metadata/repo\"><revision>1764000000</revision><data type=\"primary\">\
             <checksum type=\"sha256\">{digest}</checksum><location href=\"repodata/primary.xml.gz\"/><size>{}</size></data></repomd>",
            primary.len()
        )
    };
    let signed = root(&digest::sha256(&primary));
    let mut files = Files::default();
    files.0.insert("repodata/repomd.xml".into(), signed.clone().into());
    files.0.insert("repodata/repomd.xml.asc".into(), gpg.detached(&[GOOD], signed.as_bytes()));
    files.0.insert("repodata/primary.xml.gz".into(), primary.clone());
    files.0.insert("Packages/acme.rpm".into(), package);
    let look =
        |files: &Files, accepted| repomd::check(&mut files.clone(), "acme", accepted, true, &ring, now()).unwrap();
    let done = look(&files, None);
    assert!(done.is_verified(), "{done:#?}");
    assert_eq!((done.parts.len(), done.listed), (2, 1));
    assert_eq!(done.parts[1].subject, "acme 1.0-1");
    // An older one, a changed list, a changed package, no signature.
    assert_eq!(kinds(&look(&files, Some(now())).root), ["replayed"]);
    let mut bad = files.clone();
    bad.0.get_mut("Packages/acme.rpm").unwrap()[3] ^= 1;
    assert_eq!(kinds(&look(&bad, None).parts[1]), ["digest_differs"]);
    let mut bad = files.clone();
    bad.0.get_mut("repodata/primary.xml.gz").unwrap()[12] ^= 1;
    assert_eq!(kinds(&look(&bad, None).parts[0]), ["digest_differs"]);
    let mut bad = files.clone();
    bad.0.insert("repodata/repomd.xml".into(), root(&"0".repeat(64)).into());
    assert_eq!(kinds(&look(&bad, None).root), ["bad_signature"]);
    files.0.remove("repodata/repomd.xml.asc");
    assert_eq!(kinds(&look(&files, None).root), ["not_signed"]);
}

#[test]
fn attack_changed_metadata_that_is_not_the_list_of_packages() {
    let Some(gpg) = Gpg::new() else { return };
    gpg.key(GOOD, "20260101T000000", "never");
    let ring = gpg.ring(GOOD);
    let (primary, filelists) = (gzip(b"<metadata packages=\"0\"></metadata>"), gzip(b"<filelists></filelists>"));
    let data = |kind: &str, bytes: &[u8]| {
        format!(
            "<data type=\"{kind}\"><checksum type=\"sha256\">{}</checksum><location href=\"repodata/{kind}.xml.gz\"/><size>{}</size></data>",
            digest::sha256(bytes),
            bytes.len()
        )
    };
    let root = format!(
        "<repomd><revision>1764000000</revision>{}{}{}</repomd>",
        data("primary", &primary),
        data("filelists", &filelists),
        data("other", b"not mirrored")
    );
    let mut files = Files::default();
    files.0.insert("repodata/repomd.xml".into(), root.clone().into());
    files.0.insert("repodata/repomd.xml.asc".into(), gpg.detached(&[GOOD], root.as_bytes()));
    files.0.insert("repodata/primary.xml.gz".into(), primary);
    files.0.insert("repodata/filelists.xml.gz".into(), filelists);
    let look = |files: &Files| repomd::check(&mut files.clone(), "acme", None, false, &ring, now()).unwrap();
    let done = look(&files);
    assert!(done.is_verified(), "{done:#?}");
    assert_eq!((done.parts.len(), done.unseen.as_slice()), (2, &["other".to_owned()][..]), "what is not there is told");
    files.0.get_mut("repodata/filelists.xml.gz").unwrap()[12] ^= 1;
    let done = look(&files);
    assert!(!done.is_verified());
    assert_eq!(kinds(&done.parts[1]), ["digest_differs"]);
}
