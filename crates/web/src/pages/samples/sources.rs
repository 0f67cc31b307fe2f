//! Samples of sources.

use patchwright_protocol::scan::{ChainLinkView, ExceptionView};
use patchwright_protocol::sources::{
    AssessRequest, DivergenceRow, NewSource, SourceAnswers, SourceDetail, SourceHost, SourceList, SourceQuery,
    SourceRow, SourceTotals,
};

fn row(n: usize) -> SourceRow {
    let text = |t: &str| t.to_owned();
    let (class, state, label, gate, gate_label, verified) = match n % 5 {
        0 => ("third_party", "unassessed", "unassessed", "needs_approval", "patches need an approval", "yes"),
        1 => ("vendor", "unassessed", "unassessed", "open", "patches may enter", "yes"),
        2 => (
            "third_party",
            "accepted_with_conditions",
            "accepted with conditions",
            "open",
            "patches may enter",
            "unknown",
        ),
        3 => ("unknown", "refused", "refused", "closed", "patches must not enter", "no"),
        _ => ("vendor_backports", "lapsed", "lapsed", "needs_approval", "patches need an approval", "yes"),
    };
    SourceRow {
        id: format!("src_{n:020x}"),
        what: text("repository"),
        kind: text("apt"),
        title: text("https://download.docker.com/linux/debian bookworm stable"),
        class: Some(text(class)),
        state: text(state),
        state_label: text(label),
        gate: text(gate),
        gate_label: text(gate_label),
        origins: vec![text("Docker")],
        keys: vec![text("9DC858229FC7DD38854AE2D88D81803C0EBFCD88")],
        verified: text(verified),
        hosts: 12,
        installed: 48,
        hosts_untold: [0, 3, 12].get(n % 3).copied().unwrap_or_default(),
        decision: text(if n % 5 > 1 { "accepted" } else { "none" }),
        pending: 3,
        pending_told: n % 3 != 2,
        review_by: (n % 5 == 2).then(|| text("2027-06-30")),
    }
}

/// The list.
pub(super) fn list(n: usize) -> SourceList {
    SourceList {
        items: (0..n).map(row).collect(),
        total: n as u64 * 2,
        next: (n > 0).then(|| n.to_string()),
        totals: SourceTotals { closed: 1, needs_approval: n as u64, open: 3, lapsed: 2 },
    }
}

/// A filter with something in every field.
pub(super) fn query() -> SourceQuery {
    SourceQuery {
        q: Some("docker \"x\"".to_owned()),
        class: Some("third_party".to_owned()),
        decision: Some("accepted".to_owned()),
        lapsed: Some("yes".to_owned()),
        sort: Some("-hosts".to_owned()),
        after: Some("100".to_owned()),
        limit: Some(50),
    }
}

/// What was typed and refused.
pub(super) fn typed() -> NewSource {
    let text = |t: &str| t.to_owned();
    NewSource {
        what: text("patch"),
        name: text("CVE-2026-1111 <fix>.patch"),
        url: text("https://git.example/project"),
        sha256: Some(text("abc")),
        commit: Some(text("main")),
        assess: AssessRequest {
            decision: text("accept_with_conditions"),
            review_by: Some(text("2020-01-01")),
            conditions: vec![text("staging first"), text("one host")],
            answers: Some(SourceAnswers { publisher: text("upstream"), ..SourceAnswers::default() }),
            reason: text("no \"release\" yet"),
        },
    }
}

/// One source; with nothing known about it where `n` is 0.
pub(super) fn detail(n: usize) -> SourceDetail {
    let text = |t: &str| t.to_owned();
    if n == 0 {
        return SourceDetail { row: row(1), ..SourceDetail::default() };
    }
    SourceDetail {
        row: row(2),
        class_because: vec![text("its Release file says Origin `Docker`, which is not Debian")],
        state_because: vec![text("usr_01 decided on 2026-11-20: needed <here>")],
        identity: vec![(text("address"), text("https://download.docker.com/linux/debian"))],
        answers: SourceAnswers {
            publisher: text("Docker Inc."),
            tests: text("staging \"A\""),
            ..SourceAnswers::default()
        },
        conditions: vec![text("container hosts only"), text("pinned")],
        reviewer: Some(text("usr_01")),
        decided_at: Some(text("2026-11-20T10:00:00Z")),
        hosts: vec![SourceHost { id: text("hst_01"), name: text("web-01"), seen_at: text("2026-11-21T10:00:00Z") }],
        packages: vec![DivergenceRow {
            host_id: text("hst_01"),
            host: text("web-01"),
            package: text("containerd.io"),
            installed: text("1.7.22-1~bpo12+1"),
            offered: Some(text("1.7.24-1")),
            vendor: Some(text("1.6.20~ds1-1+b1")),
            from_here: true,
            from_unknown: false,
            pending: true,
            direction: text("newer"),
            direction_label: text("newer than the vendor's"),
            distance: text("minor"),
            backport: Some(text("`~bpo12+1`: a newer version, rebuilt for Debian 12")),
            because: vec![text("the upstream versions differ")],
            source_id: text("src_01"),
            source: text("https://download.docker.com/linux/debian bookworm stable"),
            state: text("accepted_with_conditions"),
        }],
        untold: vec![text("what it offers is not known: the host has fetched <nothing>")],
        generation: 3,
    }
}

/// A draft of an exception with markup in its texts.
pub(super) fn exception() -> ExceptionView {
    let link = |kind: &str, text: &str| ChainLinkView { kind: kind.to_owned(), text: text.to_owned() };
    ExceptionView {
        id: "exc_0a1b2c3d4e5f60718293".to_owned(),
        obstacle: "declared".to_owned(),
        obstacle_label: "declared constraint".to_owned(),
        source: "openssl".to_owned(),
        package: "libssl3".to_owned(),
        from: "3.0.15-1~deb12u1".to_owned(),
        to: "3.1.0-1".to_owned(),
        rule: Some("billing-openssl".to_owned()),
        owner: Some("A. Owner, billing".to_owned()),
        chain: vec![
            link("patch", "openssl 3.0.15-1~deb12u1 → 3.1.0-1"),
            link("package", "libssl3 3.0.15-1~deb12u1 → 3.1.0-1"),
            link("constraint", "billing-openssl: openssl < 3.1, until 2027-06-30"),
            link("reason", "billing <2.0 uses an engine that 3.1 lost"),
            link("owner", "A. Owner, billing"),
        ],
        stays_open: vec!["CVE-2026-1111".to_owned()],
        expires: "2027-02-20".to_owned(),
        missing: vec!["a compensating control".to_owned(), "an approval".to_owned()],
        request: None,
    }
}
