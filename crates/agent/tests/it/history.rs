//! Past changes from logs in a tree.

use crate::fixture::{Tree, gzip};

#[test]
fn logs_and_their_rotated_copies_merge_newest_first() {
    let tree = Tree::new();
    tree.dpkg(&[("alpha", "3", "")])
        .file(
            "var/log/apt/history.log",
            "\nStart-Date: 2026-11-20  10:00:00\nCommandline: apt-get upgrade\nUpgrade: alpha:amd64 (2, 3)\nEnd-Date: 2026-11-20  10:00:30\n",
        )
        .file(
            "var/log/apt/history.log.1.gz",
            gzip(b"\nStart-Date: 2026-10-01  09:00:00\nInstall: alpha:amd64 (2)\nEnd-Date: 2026-10-01  09:01:00\n"),
        )
        .file(
            "var/log/dpkg.log",
            "2026-11-20 10:00:10 upgrade alpha:amd64 2 3\n2026-11-20 10:00:12 status installed alpha:amd64 3\n\
             2026-11-21 08:00:00 install beta:amd64 <none> 1\n2026-11-21 08:00:02 status installed beta:amd64 1\n",
        )
        .file("var/log/dpkg.log.2.gz", gzip(b"2026-01-01 00:00:01 remove old:amd64 9 <none>\n"));
    let facts = tree.look();
    let changes: Vec<(&str, Option<&str>, Option<&str>)> =
        facts.history.iter().map(|h| (h.name.as_str(), h.from.as_deref(), h.to.as_deref())).collect();
    assert_eq!(
        changes,
        [
            ("beta", None, Some("1")),
            ("alpha", Some("2"), Some("3")),
            ("alpha", None, Some("2")),
            ("old", Some("9"), None),
        ],
        "the upgrade that both logs tell counts once"
    );
    assert!(facts.history[1].source.contains("history.log"));
    assert!(facts.history[0].source.contains("dpkg.log"));
}

#[test]
fn a_damaged_log_is_told() {
    let tree = Tree::new();
    let mut broken = gzip(b"2026-01-01 00:00:01 remove old:amd64 9 <none>\n");
    broken.truncate(15);
    tree.dpkg(&[("alpha", "3", "")]).file("var/log/dpkg.log.1.gz", broken);
    let facts = tree.look();
    assert!(facts.unseen.iter().any(|u| u.what.contains("/var/log/dpkg.log.1.gz")), "{:?}", facts.unseen);
}
