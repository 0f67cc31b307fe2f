//! Numbers, times and words as text.

use patchwright_domain::time::{Date, Timestamp};

/// A count of any width, by value or by reference, so that templates need no casts.
pub trait Num {
    /// The count.
    fn num(&self) -> u64;
}

macro_rules! num {
    ($($t:ty),+) => {$(impl Num for $t {
        fn num(&self) -> u64 {
            u64::try_from(*self).unwrap_or(u64::MAX)
        }
    })+};
}

num!(u8, u32, u64, usize);

impl<T: Num + ?Sized> Num for &T {
    fn num(&self) -> u64 {
        (**self).num()
    }
}

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A whole number with thousands separated: `12,345`.
#[must_use]
pub fn number(value: impl Num) -> String {
    let digits = value.num().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 host`, `12 hosts`: the count with its noun in the right form.
#[must_use]
pub fn count(value: impl Num, one: &str, many: &str) -> String {
    format!("{} {}", number(&value), if value.num() == 1 { one } else { many })
}

/// An instant as people read it, with its zone: `2026-11-22 10:00 UTC`. Text that is no instant comes back as it is.
#[must_use]
pub fn instant(text: &str) -> String {
    match Timestamp::parse(text) {
        Some(t) => {
            let iso = t.to_string();
            match (iso.get(..10), iso.get(11..16)) {
                (Some(day), Some(minute)) => format!("{day} {minute} UTC"),
                _ => iso,
            }
        }
        None => text.to_owned(),
    }
}

/// How far an instant lies from `now`: `3 h ago`, `in 5 days`, `just now`. Nothing for text that is neither instant nor day.
#[must_use]
pub fn age(text: &str, now: Timestamp) -> Option<String> {
    let at =
        Timestamp::parse(text).or_else(|| (text.len() == 10).then(|| Date::parse(text)).flatten().map(Date::start))?;
    let gap = now.0.saturating_sub(at.0);
    let words = span(gap.saturating_abs());
    Some(match (words, gap >= 0) {
        (None, _) => "just now".to_owned(),
        (Some(words), true) => format!("{words} ago"),
        (Some(words), false) => format!("in {words}"),
    })
}

/// A length of time in the one unit that fits it; nothing under a minute.
#[must_use]
pub fn span(ms: i64) -> Option<String> {
    let plural = |n: i64, unit: &str| format!("{n} {unit}{}", if n == 1 { "" } else { "s" });
    Some(if ms < MINUTE_MS {
        return None;
    } else if ms < HOUR_MS {
        format!("{} min", ms / MINUTE_MS)
    } else if ms < 2 * DAY_MS {
        format!("{} h", ms / HOUR_MS)
    } else if ms < 90 * DAY_MS {
        plural(ms / DAY_MS, "day")
    } else if ms < 730 * DAY_MS {
        plural(ms / (30 * DAY_MS), "month")
    } else {
        plural(ms / (365 * DAY_MS), "year")
    })
}

/// An age given in hours, as feeds report it: `5 h`, `3 days`.
#[must_use]
pub fn hours(value: &i64) -> String {
    span(value.saturating_mul(HOUR_MS)).unwrap_or_else(|| "under 1 h".to_owned())
}

/// CVSS × 10 as a score: `9.8`.
#[must_use]
pub fn score(e1: u8) -> String {
    format!("{}.{}", e1 / 10, e1 % 10)
}

/// EPSS × 100,000 as a percentage with one decimal: `94.3 %`. Under a tenth of a percent says so.
#[must_use]
pub fn probability(e5: impl Num) -> String {
    let e5 = e5.num();
    if e5 < 100 {
        return "<0.1 %".to_owned();
    }
    // Nothing is certain: the highest that EPSS gives stays below 100 %.
    let tenths = ((e5 + 50) / 100).min(999);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// Risk removed in millionths as an index: `1.25`, `0.042`, `<0.001`.
#[must_use]
pub fn risk(u6: u64) -> String {
    if u6 == 0 {
        return "0".to_owned();
    }
    if u6 < 1_000 {
        return "<0.001".to_owned();
    }
    if u6 >= 1_000_000 {
        return format!("{}.{:02}", number(u6 / 1_000_000), (u6 % 1_000_000) / 10_000);
    }
    format!("0.{:03}", u6 / 1_000)
}

/// Bytes in the unit that fits, powers of ten as the standards have it: `4.2 MB`.
#[must_use]
pub fn bytes(value: impl Num) -> String {
    let value = value.num();
    let (unit, name) = match value {
        0..1_000 => return format!("{value} B"),
        1_000..1_000_000 => (1_000, "kB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        1_000_000_000.. => (1_000_000_000, "GB"),
    };
    format!("{}.{} {name}", value / unit, (value % unit) * 10 / unit)
}

/// A share as `12 of 214 (6 %)`: the count always stands beside the percentage.
#[must_use]
pub fn share(part: impl Num, whole: impl Num) -> String {
    let (part, whole) = (part.num(), whole.num());
    if whole == 0 {
        return format!("{} of 0", number(part));
    }
    let percent = part.saturating_mul(100).saturating_add(whole / 2) / whole;
    format!("{} of {} ({percent} %)", number(part), number(whole))
}

/// A part of a whole in whole percent, for beside its count: `6 %`; a part that is there is never 0 %, one that lacks something
/// never 100 %.
#[must_use]
pub fn percent(part: impl Num, whole: impl Num) -> String {
    let (part, whole) = (part.num(), whole.num());
    if part == 0 || whole == 0 {
        return "0 %".to_owned();
    }
    let percent = part.saturating_mul(100).saturating_add(whole / 2) / whole;
    match percent {
        0 => "<1 %".to_owned(),
        100 if part < whole => ">99 %".to_owned(),
        percent => format!("{percent} %"),
    }
}

/// Our machine words as people say them: `restart_pending` → `restart pending`, `bod-26-04` stays.
#[must_use]
pub fn words(text: &str) -> String {
    text.replace('_', " ")
}

/// A day that is not broken at its hyphens.
#[must_use]
pub fn unbroken(day: &str) -> String {
    day.replace('-', "\u{2011}")
}

/// First letter in upper case.
#[must_use]
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// What was assumed, without the word itself: it stands before it.
#[must_use]
pub fn assumption(text: &str) -> String {
    text.replacen(": assumed: ", ": ", 1)
}

/// Actions of the audit as a sentence goes on behind a name; `{}` is what it was done to, where that has a name.
const DEEDS: [(&str, &str); 39] = [
    ("bundle.export", "wrote a bundle of vulnerability data"),
    ("bundle.import", "took in a bundle of vulnerability data"),
    ("exception.approve", "approved the exception of {}"),
    ("exception.expire", "noted the end of the exception of {}"),
    ("exception.refuse", "refused the exception of {}"),
    ("exception.renew", "asked to renew the exception of {}"),
    ("exception.request", "asked for an exception of {}"),
    ("exception.revoke", "revoked the exception of {}"),
    ("feed.edit", "changed the feed {}"),
    ("feed.sync", "fetched the feed {}"),
    ("finding.view", "looked at findings"),
    ("host.bulk_edit", "classified several hosts"),
    ("host.delete", "removed {}"),
    ("host.edit", "classified {}"),
    ("host.enrol", "took in {}"),
    ("host.import", "took in {}"),
    ("intel.activate", "put other vulnerability data into force"),
    ("inventory.import_assets", "imported assets from {}"),
    ("link.issue", "made a sign-in link for {}"),
    ("password.forget", "set the password of {} aside"),
    ("password.refused", "gave a wrong present password for {}"),
    ("password.set", "set the password of {}"),
    ("policy.apply", "put a policy into force"),
    ("session.end", "signed out"),
    ("session.locked", "has to wait: too many wrong passwords for {}"),
    ("session.refused", "was refused at the sign-in of {}"),
    ("session.start", "signed in"),
    ("setting.edit", "changed the settings of {}"),
    ("source.assess", "assessed the source {}"),
    ("token.create", "made the API token {}"),
    ("token.manage", "revoked the API token {}"),
    ("token.revoke", "revoked the API token {}"),
    ("user.create", "made the account {}"),
    ("vex.state", "said that {} is not affected"),
    ("vex.document.import", "took in the VEX document {}"),
    ("vex.document.supersede", "set the VEX document {} aside for a newer version"),
    ("vex.document.withdraw", "took back the VEX document {}"),
    ("view.delete", "deleted the view {}"),
    ("view.save", "saved the view {}"),
];

/// A line of the audit for people: `link.issue admin` is that somebody made a sign-in link. An action without a sentence here
/// keeps its own word; ids and hashes, which name nothing to anybody, are left out. The audit itself shows both.
#[must_use]
pub fn deed(text: &str, object_id: &str) -> String {
    let (line, reason) = text.split_once(": ").map_or((text, None), |(line, reason)| (line, Some(reason)));
    let (action, object) = line.split_once(' ').unwrap_or((line, ""));
    let machine = object.is_empty()
        || object.len() >= 64 && object.chars().all(|c| c.is_ascii_hexdigit())
        || object == object_id && object.contains('_');
    let object = if machine { "" } else { object };
    let said = match DEEDS.iter().find(|(known, _)| *known == action) {
        Some((_, words)) if object.is_empty() => words.replace(" of {}", "").replace(" for {}", "").replace(" {}", ""),
        Some((_, words)) => words.replace("{}", object),
        None => format!("{} {object}", action.replace(['.', '_'], " ")).trim_end().to_owned(),
    };
    match reason {
        Some(reason) => format!("{said}: {reason}"),
        None => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::parse("2026-11-22T10:00:00Z").unwrap()
    }

    #[test]
    fn numbers_are_grouped_and_counted() {
        for (value, want) in [(0_u64, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(number(value), want);
        }
        assert_eq!(count(1_u32, "host", "hosts"), "1 host");
        assert_eq!(count(0_u32, "host", "hosts"), "0 hosts");
        assert_eq!(share(12_u32, 214_u32), "12 of 214 (6 %)");
        assert_eq!(share(0_u32, 0_u32), "0 of 0");
        for (part, whole, want) in
            [(0_u64, 0_u64, "0 %"), (1, 1_000, "<1 %"), (999, 1_000, ">99 %"), (5, 5, "100 %"), (1, 3, "33 %")]
        {
            assert_eq!(percent(part, whole), want);
        }
    }

    #[test]
    fn times_carry_their_zone_and_age() {
        assert_eq!(instant("2026-11-22T09:59:30Z"), "2026-11-22 09:59 UTC");
        assert_eq!(instant("2026-11-22T10:59:30+02:00"), "2026-11-22 08:59 UTC");
        assert_eq!(instant("yesterday"), "yesterday");
        for (text, want) in [
            ("2026-11-22T09:59:30Z", "just now"),
            ("2026-11-22T09:20:00Z", "40 min ago"),
            ("2026-11-21T09:00:00Z", "25 h ago"),
            ("2026-11-25T10:00:00Z", "in 3 days"),
            ("2026-11-01", "21 days ago"),
            ("2026-05-22T10:00:00Z", "6 months ago"),
            ("2022-11-22T10:00:00Z", "4 years ago"),
        ] {
            assert_eq!(age(text, now()).as_deref(), Some(want), "{text}");
        }
        assert_eq!(age("soon", now()), None);
    }

    #[test]
    fn scores_never_round_into_another_meaning() {
        assert_eq!(score(98), "9.8");
        assert_eq!(score(100), "10.0");
        assert_eq!(probability(94_321_u32), "94.3 %");
        assert_eq!(probability(99_u32), "<0.1 %");
        assert_eq!(probability(100_u32), "0.1 %");
        assert_eq!(risk(42_000), "0.042");
        assert_eq!(risk(12), "<0.001");
        assert_eq!(risk(1_250_000), "1.25");
        assert_eq!(bytes(4_250_000_u64), "4.2 MB");
        assert_eq!(bytes(12_u64), "12 B");
    }

    #[test]
    fn deeds_are_sentences_without_ids() {
        let hash = "a".repeat(64);
        for (text, id, said) in [
            ("link.issue admin", "usr_1", "made a sign-in link for admin"),
            ("policy.apply pol_0198: our own", "pol_0198", "put a policy into force: our own"),
            (
                &format!("intel.activate {hash}: half empty"),
                &hash,
                "put other vulnerability data into force: half empty",
            ),
            ("session.refused no_such_account", "no_such_account", "was refused at the sign-in"),
            ("feed.sync epss", "epss", "fetched the feed epss"),
            ("new.thing x", "x", "new thing x"),
        ] {
            assert_eq!(deed(text, id), said);
        }
        assert_eq!(assumption("Publicly Exposed yes: assumed: nobody said"), "Publicly Exposed yes: nobody said");
    }
}
