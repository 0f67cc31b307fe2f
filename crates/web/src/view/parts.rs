//! Small pieces of markup used on many pages: chips, marks, times, bars, sortable headings.
//!
//! A meaning is always told by a shape and a word as well as a colour, so that nothing is lost in print, in greyscale or
//! for a screen reader.

use patchwright_domain::time::Timestamp;
use patchwright_protocol::fleet::TierRow;

use super::link::Link;
use super::{Html, escape, text};

/// The four meanings a value can have for its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// As it should be, and we looked.
    Good,
    /// Needs a look.
    Attention,
    /// Wrong.
    Bad,
    /// Nobody could tell; never shown as good.
    Unknown,
    /// A plain fact.
    Plain,
}

impl Meaning {
    fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Attention => "attention",
            Self::Bad => "bad",
            Self::Unknown => "unknown",
            Self::Plain => "plain",
        }
    }

    /// Shape in a 12 × 12 box: disc, triangle, diamond, dashed ring; a plain fact has none.
    fn shape(self) -> &'static str {
        match self {
            Self::Good => r#"<circle cx="6" cy="6" r="4.5"/>"#,
            Self::Attention => r#"<path d="M6 1 11.5 11H.5z"/>"#,
            Self::Bad => r#"<path d="M6 .3 11.7 6 6 11.7.3 6z"/>"#,
            Self::Unknown => r#"<circle cx="6" cy="6" r="4.6" class="dash"/>"#,
            Self::Plain => "",
        }
    }
}

/// A word with the shape and colour of its meaning.
#[must_use]
pub fn mark(meaning: Meaning, words: &str) -> Html {
    if meaning == Meaning::Plain {
        return Html(format!(r#"<span class="mark plain">{}</span>"#, escape(words)));
    }
    Html(format!(
        r#"<span class="mark {}"><svg viewBox="0 0 12 12" width="10" height="10" aria-hidden="true">{}</svg>{}</span>"#,
        meaning.class(),
        meaning.shape(),
        escape(words)
    ))
}

/// Steps of urgency, most urgent first, with their level of five.
const URGENCIES: [(&str, u8); 5] = [("emergency", 5), ("critical", 4), ("high", 3), ("medium", 2), ("low", 1)];

fn level(word: &str) -> Option<u8> {
    URGENCIES.iter().find(|(name, _)| *name == word).map(|(_, level)| *level)
}

/// Five bars, as many filled as the level.
fn meter(level: u8) -> String {
    let mut bars = String::new();
    for step in 1..=5_u8 {
        let height = 2 + 2 * step;
        bars.push_str(&format!(
            r#"<rect x="{}" y="{}" width="3" height="{height}"{}/>"#,
            (step - 1) * 4,
            12 - height,
            if step <= level { "" } else { r#" class="off""# }
        ));
    }
    format!(r#"<svg viewBox="0 0 19 12" width="19" height="12" aria-hidden="true">{bars}</svg>"#)
}

/// Urgency under a heading that carries the noun; the noun is there for screen readers.
#[must_use]
pub fn urgency(word: &str) -> Html {
    urgency_with(word, r#"<span class="vh"> urgency</span>"#)
}

/// Urgency standing alone: it carries its noun.
#[must_use]
pub fn urgency_noun(word: &str) -> Html {
    urgency_with(word, " urgency")
}

fn urgency_with(word: &str, noun: &str) -> Html {
    match level(word) {
        Some(found) => Html(format!(
            r#"<span class="urgency u{found}">{}{}{noun}</span>"#,
            meter(found),
            escape(&text::capital(word))
        )),
        None if word.is_empty() => none("none open"),
        None => mark(Meaning::Unknown, word),
    }
}

/// Worst urgency of a host, or that nothing is open.
#[must_use]
pub fn worst(word: &Option<String>) -> Html {
    match word {
        Some(word) => urgency(word),
        None => none("none open"),
    }
}

/// Severity rank: a property of the vulnerability, set apart from urgency by having no meter.
#[must_use]
pub fn severity(word: &str) -> Html {
    match word {
        "unknown" | "" => mark(Meaning::Unknown, "no severity"),
        known => Html(format!(r#"<span class="severity">{}</span>"#, escape(&text::capital(known)))),
    }
}

/// An absent value that is known to be absent.
#[must_use]
pub fn none(words: &str) -> Html {
    Html(format!(r#"<span class="none">{}</span>"#, escape(words)))
}

/// A value that is not known, in the look of the unknown.
#[must_use]
pub fn unknown(words: &str) -> Html {
    mark(Meaning::Unknown, words)
}

/// An optional text or a dimmed replacement.
#[must_use]
pub fn or_none(value: &Option<String>, words: &str) -> Html {
    match value {
        Some(value) if !value.is_empty() => Html(escape(value)),
        Some(_) | None => none(words),
    }
}

/// Text, or the look of the unknown when nobody has said.
#[must_use]
pub fn or_unknown(value: &str, words: &str) -> Html {
    match value {
        "" | "unknown" => unknown(words),
        "not said" => unknown("not said"),
        value => Html(escape(value)),
    }
}

/// `yes` and `no` with given meanings, everything else unknown.
#[must_use]
pub fn tri(value: &str, yes: Meaning, no: Meaning) -> Html {
    match value {
        "yes" => mark(yes, "yes"),
        "no" => mark(no, "no"),
        _ => unknown("unknown"),
    }
}

/// Whether a reboot is needed.
#[must_use]
pub fn reboot(value: &str) -> Html {
    match value {
        "yes" => mark(Meaning::Attention, "reboot pending"),
        "no" => mark(Meaning::Plain, "no reboot needed"),
        _ => unknown("reboot unknown"),
    }
}

/// Instant with its age: the age first, the exact time in UTC beneath.
#[must_use]
pub fn when(value: &str, now: &Timestamp) -> Html {
    match text::age(value, *now) {
        Some(age) => Html(format!(
            r#"<time datetime="{}">{} <span class="exact">{}</span></time>"#,
            escape(value),
            escape(&age),
            escape(&text::instant(value))
        )),
        None if value.is_empty() => unknown("time unknown"),
        None => Html(escape(value)),
    }
}

/// [`when`] for a time that may be absent.
#[must_use]
pub fn when_or(value: &Option<String>, now: &Timestamp, words: &str) -> Html {
    match value {
        Some(value) => when(value, now),
        None => none(words),
    }
}

/// A due date: past ones are bad, those within a week need attention.
#[must_use]
pub fn due(value: &Option<String>, now: &Timestamp) -> Html {
    let Some(value) = value else {
        return none("no due date");
    };
    let Some(at) = Timestamp::parse(value) else {
        return Html(escape(value));
    };
    let left = at.0.saturating_sub(now.0);
    let inner = if left < 0 {
        let by = text::span(left.saturating_abs()).unwrap_or_else(|| "under a minute".to_owned());
        mark(Meaning::Bad, &format!("{by} overdue"))
    } else {
        let words = text::span(left).map_or_else(|| "due now".to_owned(), |span| format!("in {span}"));
        let meaning = if left <= 7 * 86_400_000 { Meaning::Attention } else { Meaning::Plain };
        mark(meaning, &words)
    };
    Html(format!(
        r#"<time datetime="{}">{inner} <span class="exact">{}</span></time>"#,
        escape(value),
        escape(&text::instant(value))
    ))
}

/// CVSS score; its absence is a value of its own.
#[must_use]
pub fn cvss(value: &Option<u8>) -> Html {
    match value {
        Some(e1) => Html(format!(r#"<span class="n">{}</span>"#, text::score(*e1))),
        None => unknown("no score"),
    }
}

/// EPSS probability; its absence is a value of its own.
#[must_use]
pub fn epss(value: &Option<u32>) -> Html {
    match value {
        Some(e5) => Html(format!(r#"<span class="n">{}</span>"#, escape(&text::probability(e5)))),
        None => unknown("not scored"),
    }
}

/// The mark of CISA's catalogue of exploited vulnerabilities.
#[must_use]
pub fn kev(since: &Option<String>, ransomware: &bool) -> Html {
    match since {
        Some(day) => Html(format!(
            r#"<span class="badge kev">In KEV<span class="vh"> (known exploited, CISA, since {})</span></span>{}"#,
            escape(day),
            if *ransomware { r#" <span class="badge kev">Ransomware</span>"# } else { "" }
        )),
        None => Html(String::new()),
    }
}

/// A number as a link to its rows; zero is dimmed and still a link.
#[must_use]
pub fn number_link(value: impl text::Num, href: impl AsRef<str>) -> Html {
    let class = if value.num() == 0 { "n zero" } else { "n" };
    Html(format!(r#"<a class="{class}" href="{}">{}</a>"#, escape(href.as_ref()), text::number(value)))
}

/// A number; zero is dimmed.
#[must_use]
pub fn number(value: impl text::Num) -> Html {
    let class = if value.num() == 0 { "n zero" } else { "n" };
    Html(format!(r#"<span class="{class}">{}</span>"#, text::number(value)))
}

/// One number of a strip: value, noun and address; the meaning shows only when there is something to tell.
#[must_use]
pub fn figure(value: &u32, one: &str, many: &str, href: &str, meaning: Meaning) -> Html {
    let meaning = if *value == 0 { Meaning::Plain } else { meaning };
    Html(format!(
        r#"<a class="figure {}" href="{}"><b>{}</b> <span>{}</span></a>"#,
        if *value == 0 { "zero" } else { meaning.class() },
        escape(href),
        text::number(value),
        mark(meaning, if *value == 1 { one } else { many })
    ))
}

/// Risk removed as a bar against the largest of the list, with its index.
#[must_use]
pub fn risk(value: &u64, largest: &u64) -> Html {
    const WIDTH: u64 = 72;
    let width = if *largest == 0 { 0 } else { value.saturating_mul(WIDTH).div_ceil(*largest).min(WIDTH) };
    Html(format!(
        r#"<span class="risk"><svg viewBox="0 0 {WIDTH} 8" width="{WIDTH}" height="8" aria-hidden="true"><rect class="track" width="{WIDTH}" height="8"/><rect class="fill" width="{width}" height="8"/></svg><span class="n">{}</span></span>"#,
        escape(&text::risk(*value))
    ))
}

/// One tier's findings against their due dates, as a stacked bar on a scale shared by all tiers.
#[must_use]
pub fn sla_bar(row: &TierRow, largest: &u32) -> Html {
    const WIDTH: u64 = 320;
    let scale = |n: u32| if *largest == 0 { 0 } else { u64::from(n).saturating_mul(WIDTH) / u64::from(*largest) };
    // A part that is not zero is at least two pixels wide, or it could not be seen.
    let part = |n: u32| if n == 0 { 0 } else { scale(n).max(2) };
    let (late, soon, rest) = (part(row.overdue), part(row.due_soon), part(row.in_time));
    Html(format!(
        r#"<svg class="sla" viewBox="0 0 {WIDTH} 12" preserveAspectRatio="none" role="img" aria-label="{}"><rect class="track" width="{WIDTH}" height="12"/><rect class="late" width="{late}" height="12"/><rect class="soon" x="{late}" width="{soon}" height="12"/><rect class="rest" x="{}" width="{rest}" height="12"/></svg>"#,
        escape(&format!(
            "{}: {} overdue, {} due within 7 days, {} later",
            row.tier, row.overdue, row.due_soon, row.in_time
        )),
        late + soon
    ))
}

/// Support of an operating system.
#[must_use]
pub fn support(state: &str) -> Html {
    match state {
        "supported" => mark(Meaning::Plain, "supported"),
        "lts" => mark(Meaning::Attention, "on LTS"),
        "extended_only" => mark(Meaning::Bad, "paid support only"),
        "ended" => mark(Meaning::Bad, "support ended"),
        _ => unknown("support unknown"),
    }
}

/// Exposure of an asset in words; nobody having said is the look of the unknown and says what it counts as.
#[must_use]
pub fn exposure(word: &str) -> Html {
    match word {
        "internet" => Html("reachable from the internet".to_owned()),
        "internal" => Html("internal".to_owned()),
        "isolated" => Html("isolated".to_owned()),
        _ => unknown("exposure unknown, judged as internet"),
    }
}

/// State of a feed.
#[must_use]
pub fn feed_state(state: &str) -> Html {
    match state {
        "ok" => mark(Meaning::Good, "up to date"),
        "never" => mark(Meaning::Unknown, "never fetched"),
        "stale" => mark(Meaning::Attention, "stale"),
        "partial" => mark(Meaning::Attention, "partly read"),
        "failed" => mark(Meaning::Bad, "failed"),
        "off" => mark(Meaning::Plain, "switched off"),
        other => mark(Meaning::Unknown, other),
    }
}

/// State of a source's assessment.
#[must_use]
pub fn source_state(state: &str, label: &str) -> Html {
    let meaning = match state {
        "accepted" => Meaning::Good,
        "accepted_with_conditions" | "lapsed" => Meaning::Attention,
        "refused" => Meaning::Bad,
        _ => Meaning::Unknown,
    };
    mark(meaning, if label.is_empty() { state } else { label })
}

/// Where a decision about findings stands.
#[must_use]
pub fn decision_state(state: &str, label: &str) -> Html {
    let meaning = match state {
        "requested" => Meaning::Attention,
        "approved" | "stated" | "kept" => Meaning::Good,
        "expired" | "revoked" | "refused" | "lapsed" | "withdrawn" | "superseded" => Meaning::Plain,
        _ => Meaning::Unknown,
    };
    mark(meaning, if label.is_empty() { state } else { label })
}

/// That something ends soon, in days.
#[must_use]
pub fn ends_soon(days_left: &Option<i64>) -> Html {
    days_left.as_ref().map_or_else(|| mark(Meaning::Attention, "ends soon"), ends_in)
}

/// The same where the days are known.
#[must_use]
pub fn ends_in(days: &i64) -> Html {
    let words = match days {
        0 => "ends today".to_owned(),
        1 => "ends tomorrow".to_owned(),
        days => format!("ends in {days} days"),
    };
    mark(Meaning::Attention, &words)
}

/// What becomes of the patches of a source.
#[must_use]
pub fn source_gate(gate: &str, label: &str) -> Html {
    let meaning = match gate {
        "open" => Meaning::Plain,
        "needs_approval" => Meaning::Attention,
        "closed" => Meaning::Bad,
        _ => Meaning::Unknown,
    };
    mark(meaning, label)
}

/// Who stands behind a source.
#[must_use]
pub fn source_class(class: &Option<String>) -> Html {
    match class.as_deref() {
        Some("vendor") => mark(Meaning::Plain, "vendor"),
        Some("vendor_backports") => mark(Meaning::Plain, "vendor backports"),
        Some("third_party") => mark(Meaning::Plain, "third party"),
        Some(_) => mark(Meaning::Unknown, "unknown"),
        None => mark(Meaning::Plain, "by itself"),
    }
}

/// State of a finding or patch: what has to happen next. `label` is the server's wording.
#[must_use]
pub fn patch_state(state: &str, label: &str) -> Html {
    let meaning = match state {
        "available" | "fix_available" => Meaning::Plain,
        "restart_pending"
        | "reboot_pending"
        | "held"
        | "kept_back"
        | "not_offered"
        | "subscription"
        | "fix_with_subscription" => Meaning::Attention,
        "no_fix" | "offer_unknown" => Meaning::Unknown,
        _ => Meaning::Plain,
    };
    mark(meaning, if label.is_empty() { state } else { label })
}

/// Heading of a sortable column. `key` is the word in the query string; the plain word is the list's natural order (largest or
/// most urgent first where `descending`), and a leading `-` turns it round. `current` is the sort in force.
#[must_use]
pub fn heading(label: &str, key: &str, descending: bool, current: &str, base: &Link, class: &str) -> Html {
    let (word, turned) = match current.strip_prefix('-') {
        Some(word) => (word, true),
        None => (current, false),
    };
    let active = word == key;
    let next = format!("{}{key}", if active && !turned { "-" } else { "" });
    let (aria, arrow) = match (active, descending != turned) {
        (true, true) => (r#" aria-sort="descending""#, r#"<span class="arrow" aria-hidden="true">▼</span>"#),
        (true, false) => (r#" aria-sort="ascending""#, r#"<span class="arrow" aria-hidden="true">▲</span>"#),
        (false, _) => ("", ""),
    };
    Html(format!(
        r#"<th scope="col" class="{class}"{aria}><a href="{}">{}{arrow}</a></th>"#,
        escape(&base.clone().with("sort", &next).without("after").href()),
        escape(label)
    ))
}

/// A shell command as something to copy.
#[must_use]
pub fn command(text: &str) -> Html {
    Html(format!(r#"<code class="command">{}</code>"#, escape(text)))
}

/// A sentence whose parts between backticks are code.
#[must_use]
pub fn prose(words: &str) -> Html {
    let mut out = String::with_capacity(words.len() + 16);
    for (place, part) in words.split('`').enumerate() {
        if place % 2 == 1 {
            out.push_str(&format!("<code>{}</code>", escape(part)));
        } else {
            out.push_str(&escape(part));
        }
    }
    Html(out)
}

/// An address outside: a link when it is plain http(s), text otherwise. Never tells the other site where it was.
#[must_use]
pub fn outside(url: &str) -> Html {
    let safe = url.starts_with("https://") || url.starts_with("http://");
    if safe && !url.chars().any(char::is_control) {
        Html(format!(r#"<a class="outside" rel="noreferrer noopener" href="{0}">{0}</a>"#, escape(url)))
    } else {
        Html(escape(url))
    }
}

/// A vulnerability's id as a link to its page.
#[must_use]
pub fn vuln(id: &str) -> Html {
    Html(format!(r#"<a class="id" href="{}">{}</a>"#, escape(&super::link::advisory(id)), escape(id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::parse("2026-11-22T10:00:00Z").unwrap()
    }

    #[test]
    fn a_meaning_has_a_shape_and_a_word() {
        for (meaning, class) in [
            (Meaning::Good, "good"),
            (Meaning::Attention, "attention"),
            (Meaning::Bad, "bad"),
            (Meaning::Unknown, "unknown"),
        ] {
            let html = mark(meaning, "word").0;
            assert!(html.contains("<svg") && html.contains(class) && html.contains("word"), "{html}");
        }
    }

    #[test]
    fn urgency_fills_as_many_bars_as_its_level() {
        for (word, level) in URGENCIES {
            let html = urgency_noun(word).0;
            assert_eq!(html.matches("class=\"off\"").count(), usize::from(5 - level), "{html}");
            assert!(html.ends_with(" urgency</span>"), "{html}");
        }
        assert!(urgency("strange<").0.contains("unknown") && !urgency("strange<").0.contains("strange<"));
    }

    #[test]
    fn absence_is_a_value_of_its_own() {
        assert!(cvss(&None).0.contains("no score"));
        assert!(cvss(&Some(0)).0.contains("0.0"));
        assert!(epss(&None).0.contains("not scored"));
        assert!(reboot("maybe").0.contains("unknown"));
        assert!(support("").0.contains("unknown"));
    }

    #[test]
    fn due_dates_say_on_which_side_of_now_they_are() {
        let late = due(&Some("2026-11-19T10:00:00Z".to_owned()), &now()).0;
        assert!(late.contains("3 days overdue") && late.contains("bad"), "{late}");
        let soon = due(&Some("2026-11-25T10:00:00Z".to_owned()), &now()).0;
        assert!(soon.contains("in 3 days") && soon.contains("attention"), "{soon}");
        let later = due(&Some("2026-12-25T10:00:00Z".to_owned()), &now()).0;
        assert!(later.contains("plain") && later.contains("2026-12-25 10:00 UTC"), "{later}");
    }

    #[test]
    fn a_heading_turns_its_own_order_round() {
        let base = Link::to("/hosts").with("after", "x");
        let other = heading("Name", "name", false, "findings", &base, "").0;
        assert!(other.contains("/hosts?sort=name") && !other.contains("aria-sort"), "{other}");
        let own = heading("Findings", "findings", true, "findings", &base, "").0;
        assert!(own.contains("/hosts?sort=-findings") && own.contains("aria-sort=\"descending\""), "{own}");
        let turned = heading("Findings", "findings", true, "-findings", &base, "").0;
        assert!(turned.contains("/hosts?sort=findings") && turned.contains("aria-sort=\"ascending\""), "{turned}");
    }

    #[test]
    fn code_inside_a_sentence_is_escaped_too() {
        assert_eq!(prose("send `a<b>` & go").0, "send <code>a&lt;b&gt;</code> &amp; go");
    }

    #[test]
    fn only_web_addresses_become_links() {
        assert!(outside("https://example.org/a").0.contains("noreferrer"));
        assert!(!outside("javascript:alert(1)").0.contains("href"));
        assert!(!outside("file:///etc").0.contains("href"));
    }

    #[test]
    fn bars_never_leave_their_track() {
        let row = TierRow { tier: "T1".into(), hosts: 1, in_time: 0, due_soon: 1, overdue: 400_000 };
        let html = sla_bar(&row, &400_001).0;
        assert!(html.contains("400000 overdue"), "{html}");
        assert!(risk(&5, &0).0.contains("width=\"0\""));
    }
}
