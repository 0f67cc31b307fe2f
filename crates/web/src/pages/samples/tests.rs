//! Every page, rendered from its sample: the same text twice, nothing unescaped, nothing inline.

use super::*;

const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>javascript:alert(3)";

/// Appends hostile markup to every text inside a value.
struct Hostile;

impl Spoil for Hostile {
    fn spoil<T: serde::Serialize + serde::de::DeserializeOwned>(&self, value: T) -> T {
        fn walk(value: &mut serde_json::Value) {
            match value {
                serde_json::Value::String(s) => s.push_str(HOSTILE),
                serde_json::Value::Array(list) => list.iter_mut().for_each(walk),
                serde_json::Value::Object(map) => map.values_mut().for_each(walk),
                serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
            }
        }
        let mut json = serde_json::to_value(value).unwrap();
        walk(&mut json);
        serde_json::from_value(json).unwrap()
    }
}

#[test]
fn every_sample_renders_twice_to_the_same_text() {
    for rows in [0, 1, 30] {
        let (a, b) = (all(rows, Theme::Auto, &Plain).unwrap(), all(rows, Theme::Auto, &Plain).unwrap());
        assert!(a.len() >= 20, "{}", a.len());
        for ((name, one), (_, two)) in a.iter().zip(&b) {
            assert_eq!(one, two, "{name}");
            assert!(one.contains("<h1") && one.contains("<main") && one.contains("lang=\"en\""), "{name}");
        }
    }
}

#[test]
fn hostile_text_never_becomes_markup() {
    for rows in [1, 30] {
        for (name, html) in all(rows, Theme::Dark, &Hostile).unwrap() {
            for bad in ["<script>", "<img", "onerror=alert(2)>", "\"'><"] {
                assert!(!html.contains(bad), "{name} contains {bad}");
            }
            assert!(!html.contains("href=\"javascript:"), "{name}");
        }
    }
}

#[test]
fn hostile_text_does_reach_the_pages() {
    // Without this, the test above could pass because nothing was rendered.
    for name in [
        "today",
        "hosts",
        "advisories",
        "advisory",
        "findings-patch",
        "findings-refused",
        "bulk-preview",
        "exceptions",
        "exception",
        "not-affected",
        "vex-document",
        "defer",
        "host-findings",
        "host-available",
        "data",
        "data-return",
        "search",
        "settings-tokens",
    ] {
        let pages = all(30, Theme::Auto, &Hostile).unwrap();
        let html = pages.iter().find(|(n, _)| n == name).map(|(_, html)| html).unwrap();
        assert!(html.contains("&lt;script&gt;") || html.contains("&#60;script&#62;"), "{name}");
    }
}

#[test]
fn pages_obey_the_content_security_policy_and_carry_tokens() {
    for (name, html) in all(30, Theme::Auto, &Plain).unwrap() {
        assert!(!html.contains(" style=") && !html.contains("<style"), "{name} has inline style");
        assert_eq!(html.matches("<script").count(), 1, "{name} has exactly the one external script");
        for form in html.split("<form").skip(1) {
            let form = form.split("</form>").next().unwrap();
            let free = form.contains("action=\"/sign-in\"") || form.contains("action=\"/sign-in/link\"");
            if form.contains("method=\"post\"") && !free {
                assert!(form.contains("name=\"csrf\""), "{name}: a form without a token: {form}");
            }
        }
        for handler in [" onclick=", " onload=", " onsubmit="] {
            assert!(!html.contains(handler), "{name} has an inline handler");
        }
    }
}

#[test]
fn ids_are_unique_and_every_field_has_a_label() {
    for (name, html) in all(30, Theme::Auto, &Plain).unwrap() {
        let mut ids: Vec<&str> = html
            .split(" id=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .filter(|id| !id.starts_with("patch-"))
            .collect();
        ids.sort_unstable();
        let before = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), before, "{name}");
        assert_eq!(html.matches("<h1").count(), 1, "{name} has one first heading");
        assert!(html.contains("class=\"skip\" href=\"#main\""), "{name}");
    }
}

#[test]
fn empty_pages_teach_the_next_step() {
    let pages = all(0, Theme::Auto, &Plain).unwrap();
    let of = |name: &str| pages.iter().find(|(n, _)| n == name).map(|(_, html)| html.clone()).unwrap();
    assert!(of("today").contains("patchwright up") && of("today").contains("patchwright inventory import"));
    assert!(of("hosts").contains("patchwright up"));
    assert!(of("data").contains("patchwright feed sync"));
    assert!(of("advisory").contains("no all-clear"));
    assert!(of("findings-patch").contains("Before trusting that"));
    for (name, html) in &pages {
        assert!(!html.contains('✓') && !html.contains('✔'), "{name} has a bare tick");
    }
}
