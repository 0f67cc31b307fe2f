//! What the machine's own apt says about a repository, held against what we say: the same files, the same key, for the good
//! case and every attack. apt runs in a folder of its own, without the machine's configuration and without rights.
//!
//! A line of the table says what each of the two does. Where they differ, it says why; a difference that is not written down
//! here fails the test, in either direction.

use std::path::{Path, PathBuf};
use std::process::Command;

use patchwright_domain::time::Timestamp;
use patchwright_trust::repo::{Asked, Packages, check};

use crate::forge::{Files, Gpg, Parts, gzip, has, kinds, stanza};

const GOOD: &str = "good@example.invalid";
const EVIL: &str = "evil@example.invalid";
const LAPSED: &str = "lapsed@example.invalid";
/// Before any day on which this runs: gpg's signatures may not come from the future.
const SIGNED: &str = "20240201T000000";

/// apt's folder, and what it reads.
struct Apt {
    dir: tempfile::TempDir,
}

impl Apt {
    fn new(key: &[u8], options: &str) -> Self {
        let apt = Self { dir: tempfile::Builder::new().prefix("pwapt").tempdir().unwrap() };
        let root = apt.path("root");
        for folder in
            ["etc/apt/preferences.d", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "none", "log"]
        {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        std::fs::create_dir_all(apt.path("got")).unwrap();
        std::fs::write(root.join("status"), "").unwrap();
        std::fs::write(apt.path("key.gpg"), key).unwrap();
        let (key, repo, root) = (apt.path("key.gpg"), apt.path("repo"), root.display());
        let source = format!("deb [signed-by={}{options}] copy:{} stable main\n", key.display(), repo.display());
        std::fs::write(apt.path("root/etc/apt/sources.list"), source).unwrap();
        let conf = format!(
            "Dir \"{root}\";\nDir::State::status \"{root}/status\";\nDir::Etc::parts \"{root}/none\";\n\
             Dir::Etc::main \"{root}/none/none\";\nDir::Log \"{root}/log\";\nAPT::Architecture \"amd64\";\n\
             APT::Architectures {{ \"amd64\"; }};\nAPT::Sandbox::User \"root\";\nAcquire::Languages \"none\";\n"
        );
        std::fs::write(apt.path("apt.conf"), conf).unwrap();
        apt
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Puts files where apt looks, newer than anything that was there.
    fn serve(&self, files: &Files, step: u64) {
        let repo = self.path("repo");
        if repo.exists() {
            std::fs::remove_dir_all(&repo).unwrap();
        }
        for (name, bytes) in &files.0 {
            let path = repo.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, bytes).unwrap();
            let time = std::time::SystemTime::now() - std::time::Duration::from_secs(3_600 - step * 60);
            std::fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        }
    }

    fn run(&self, args: &[&str]) -> (bool, String) {
        let mut command = Command::new("apt-get");
        command.args(args).env("APT_CONFIG", self.path("apt.conf")).env("LC_ALL", "C").current_dir(self.path("got"));
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (output.status.success(), said)
    }

    /// Whether apt believes what is served now: it keeps that Release, and gives the package.
    fn takes(&self, files: &Files) -> (bool, String) {
        let (updated, mut said) = self.run(&["update"]);
        let kept = |name: &str| {
            let served = files.0.get(&format!("dists/stable/{name}"));
            let lists = self.path("root/var/lib/apt/lists");
            served.is_some_and(|bytes| {
                std::fs::read_dir(&lists).unwrap().map(|e| e.unwrap().path()).any(|path| {
                    path.to_string_lossy().ends_with(&format!("_{name}"))
                        && std::fs::read(path).is_ok_and(|b| b == *bytes)
                })
            })
        };
        if !updated || !(kept("InRelease") || kept("Release")) {
            return (false, said);
        }
        let (got, more) = self.run(&["download", "acme"]);
        said.push_str(&more);
        // A package of another digest is left behind too, so what counts is apt's word; its word needs a package.
        let there = std::fs::read_dir(self.path("got")).unwrap().next().is_some();
        assert!(there || !got, "{said}");
        (got, said)
    }
}

/// One repository and what is to be said of it.
struct Case {
    name: &'static str,
    served: Files,
    /// What was served, and taken, before.
    earlier: Option<Files>,
    /// Options of the source beside the key.
    options: &'static str,
    apt_takes: bool,
    /// Why we refuse; nothing when we do not.
    we: Option<&'static str>,
    /// Why the two differ, where they do. `docs/reference/apt-and-patchwright.md` has the same line.
    because: &'static str,
}

/// A date as a Release has it, so many hours from now.
fn date(hours: i64) -> &'static str {
    let at = jiff::Timestamp::now().checked_add(jiff::SignedDuration::from_hours(hours)).unwrap();
    Box::leak(at.strftime("%a, %d %b %Y %H:%M:%S UTC").to_string().into_boxed_str())
}

fn parts() -> Parts {
    Parts { date: date(-2), valid_until: Some(date(24 * 7)), ..Parts::default() }
}

/// Signed by one key, with one file put in afterwards.
fn with(gpg: &Gpg, parts: &Parts, name: &str, bytes: Vec<u8>) -> Files {
    let mut files = parts.signed(gpg, GOOD);
    files.0.insert(name.to_owned(), bytes);
    files
}

const INDEX: &str = "dists/stable/main/binary-all/Packages.gz";
const INRELEASE: &str = "dists/stable/InRelease";
const DEB: &str = "pool/acme_1.0_all.deb";

fn cases(gpg: &Gpg) -> Vec<Case> {
    let good = parts();
    let case =
        |name, served, apt_takes, we| Case { name, served, earlier: None, options: "", apt_takes, we, because: "" };
    let inline = |bytes: Vec<u8>| with(gpg, &good, INRELEASE, bytes);
    let text = |files: &Files| String::from_utf8(files.0[INRELEASE].clone()).unwrap();
    let signed = good.signed(gpg, GOOD);
    let (mut flipped, mut longer) = (good.deb.clone(), good.deb.clone());
    flipped[20] ^= 1;
    longer.push(0);
    let mut detached = good.files();
    detached.0.insert("dists/stable/Release".into(), good.release());
    detached.0.insert("dists/stable/Release.gpg".into(), gpg.detached(&[GOOD], &good.release()));
    let mut wrong_detached = detached.clone();
    wrong_detached.0.insert("dists/stable/Release.gpg".into(), gpg.detached(&[EVIL], &good.release()));
    let mut unsigned = good.files();
    unsigned.0.insert("dists/stable/Release".into(), good.release());
    let of = |parts: Parts| parts.signed(gpg, GOOD);
    let weak_only = String::from_utf8(good.release()).unwrap().replace("SHA256:", "SHA1:");
    let no_date: String = String::from_utf8(good.release())
        .unwrap()
        .lines()
        .filter(|l| !l.starts_with("Date:"))
        .map(|l| format!("{l}\n"))
        .collect();
    let outside = stanza("acme", "../outside/acme_1.0_all.deb", &good.deb);
    let mut escaping = of(Parts { packages: outside, ..parts() });
    escaping.0.insert("../outside/acme_1.0_all.deb".into(), good.deb.clone());
    let newer = of(Parts { date: date(-1), ..parts() });
    vec![
        case("the good case", signed.clone(), true, None),
        case("Release and Release.gpg", detached, true, None),
        case(
            "swapped Packages",
            with(gpg, &good, INDEX, gzip(&stanza("acme", DEB, b"evil"))),
            false,
            Some("digest_differs"),
        ),
        case("flipped byte in a .deb", with(gpg, &good, DEB, flipped), false, Some("digest_differs")),
        case("one byte more in a .deb", with(gpg, &good, DEB, longer), false, Some("size_differs")),
        case(
            "expired Valid-Until",
            of(Parts { date: date(-24 * 30), valid_until: Some(date(-24)), ..parts() }),
            false,
            Some("expired"),
        ),
        case(
            "Valid-Until that is no date",
            of(Parts { valid_until: Some("soon"), ..parts() }),
            false,
            Some("malformed"),
        ),
        case("Date ahead of the clock", of(Parts { date: date(24), ..parts() }), false, Some("not_yet_valid")),
        case("wrong key", inline(gpg.inline(&[EVIL], &good.release())), false, Some("key_unknown")),
        case("wrong key beside the file", wrong_detached, false, Some("key_unknown")),
        case("unsigned Release", unsigned.clone(), false, Some("not_signed")),
        case("unsigned InRelease", inline(good.release()), false, Some("not_signed")),
        case("no Release at all", good.files(), false, Some("file_missing")),
        case(
            "altered after signing",
            inline(text(&signed).replacen("Origin: Acme", "Origin: Acne", 1).into_bytes()),
            false,
            Some("bad_signature"),
        ),
        case(
            "text before the signed part",
            inline(format!("Suite: evil\n{}", text(&signed)).into_bytes()),
            false,
            Some("malformed"),
        ),
        case(
            "text after the signature",
            inline(format!("{}Suite: evil\n", text(&signed)).into_bytes()),
            false,
            Some("malformed"),
        ),
        case(
            "cut off",
            inline(text(&signed).get(..text(&signed).len() - 60).unwrap().as_bytes().to_vec()),
            false,
            Some("malformed"),
        ),
        case(
            "a key that has expired since",
            inline(gpg.inline(&[LAPSED], &good.release())),
            false,
            Some("key_expired"),
        ),
        case("signed over SHA-1", inline(gpg.inline_weak(GOOD, &good.release())), false, Some("weak_digest")),
        case(
            "indexes by SHA-1 only",
            inline(gpg.inline(&[GOOD], weak_only.as_bytes())),
            false,
            Some("no_strong_digest"),
        ),
        case("a good key and an unknown one", inline(gpg.inline(&[GOOD, EVIL], &good.release())), true, None),
        Case {
            earlier: Some(newer.clone()),
            ..case(
                "older InRelease after a newer one",
                of(Parts { date: date(-48), ..parts() }),
                false,
                Some("replayed"),
            )
        },
        Case { earlier: Some(newer.clone()), ..case("the same InRelease again", newer, true, None) },
        Case {
            because: "apt warns about a suite of another name and goes on; a mirror could answer with another signed suite",
            ..case("another suite", of(Parts { suite: "oldstable", ..parts() }), true, Some("suite_differs"))
        },
        Case {
            because: "apt warns and goes on; a Release without a date cannot be told from an older one",
            ..case("no Date", inline(gpg.inline(&[GOOD], no_date.as_bytes())), true, Some("field_missing"))
        },
        Case {
            options: " trusted=yes",
            because: "the source switches apt's check off; what nobody signed stays unverified here",
            ..case("unsigned, and the source says trusted=yes", unsigned, true, Some("not_signed"))
        },
        Case {
            options: " check-valid-until=no",
            because: "the source switches apt's check off; `verify repo` knows no source and counts Valid-Until, `verify sources` takes it and says so",
            ..case(
                "expired, and the source says so",
                of(Parts { date: date(-24 * 30), valid_until: Some(date(-24)), ..parts() }),
                true,
                Some("expired"),
            )
        },
        Case {
            because: "apt follows a path of a signed index wherever it leads and trusts the digest",
            ..case("a path that leads out of the repository", escaping, true, Some("path_escapes"))
        },
    ]
}

/// The reasons for which we refuse, of the first link that breaks.
fn ours(case: &Case, gpg: &Gpg) -> Vec<&'static str> {
    let mut ring = gpg.ring(GOOD);
    ring.extend(gpg.ring(LAPSED));
    let now = Timestamp(jiff::Timestamp::now().as_millisecond());
    let look = |files: &Files, accepted| {
        let asked = Asked { subject: "acme stable".into(), suite: "stable".into(), accepted, ..Asked::default() };
        check(&mut files.clone(), &asked, (&[], &[]), &Packages::All, &ring, now).unwrap()
    };
    let accepted = case.earlier.as_ref().and_then(|earlier| look(earlier, None).release.accepted);
    let done = look(&case.served, accepted);
    let first = done.verdicts().map(kinds).find(|kinds| !kinds.is_empty()).unwrap_or_default();
    assert_eq!(first.is_empty(), done.is_verified(), "{}: {:#?}", case.name, done.verdicts().collect::<Vec<_>>());
    first
}

#[test]
fn apt_and_we_say_the_same_or_the_difference_has_its_reason() {
    let what = "the chain of a repository against the machine's apt";
    if !["apt-get", "gpgv"].iter().all(|program| has(program, what)) {
        return;
    }
    let Some(gpg) = Gpg::signing_at(SIGNED) else { return };
    for (name, expire) in [(GOOD, "never"), (EVIL, "never"), (LAPSED, "seconds=3456000")] {
        gpg.key(name, "20240101T000000", expire);
    }
    let keys = [gpg.export(GOOD), gpg.export(LAPSED)].concat();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/apt-and-patchwright.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut wrong = Vec::new();
    for case in cases(&gpg) {
        let apt = Apt::new(&keys, case.options);
        if let Some(earlier) = &case.earlier {
            apt.serve(earlier, 0);
            let (taken, said) = apt.takes(earlier);
            assert!(taken, "{}: {said}", case.name);
            for entry in std::fs::read_dir(apt.path("got")).unwrap() {
                std::fs::remove_file(entry.unwrap().path()).unwrap();
            }
        }
        apt.serve(&case.served, 1);
        let ((apt_takes, said), we) = (apt.takes(&case.served), ours(&case, &gpg));
        let same = case.we.map_or(we.is_empty(), |kind| we.contains(&kind));
        if apt_takes != case.apt_takes || !same {
            wrong.push(format!("{}: apt takes it: {apt_takes}, we refuse: {we:?}\n{said}", case.name));
        }
        let differ = case.apt_takes != case.we.is_none();
        assert_eq!(differ, !case.because.is_empty(), "{}: a difference has a reason, and only a difference", case.name);
        let words = |takes: bool| if takes { "takes it" } else { "refuses" };
        let line = format!(
            "| {} | {} | {} | {} |",
            case.name,
            words(case.apt_takes),
            case.we.map_or_else(|| "takes it".to_owned(), |kind| format!("refuses: `{kind}`")),
            case.because
        );
        if !page.contains(&line) {
            wrong.push(format!("docs/reference/apt-and-patchwright.md lacks the line {line}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn apt_of_this_test_reads_nothing_of_the_machine() {
    let what = "apt in a folder of its own";
    if !has("apt-get", what) {
        return;
    }
    let apt = Apt::new(b"", "");
    let config = Command::new("apt-config").arg("dump").env("APT_CONFIG", apt.path("apt.conf")).output().unwrap();
    let config = String::from_utf8_lossy(&config.stdout).into_owned();
    let root = apt.path("root");
    for line in config.lines().filter(|l| l.starts_with("Dir::State::") || l.starts_with("Dir::Cache::")) {
        let value = line.split('"').nth(1).unwrap();
        let inside = !value.starts_with('/') || Path::new(value).starts_with(&root);
        assert!(inside, "{line}");
    }
    assert!(config.contains(&format!("Dir \"{}\"", root.display())), "{config}");
    assert!(!config.contains("Post-Invoke"), "{config}");
}
