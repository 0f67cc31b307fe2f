//! Answers to the questions of approved rules about configuration.
//!
//! Nothing is read but the files that a rule names, and nothing leaves but whether they say what the rule asks: neither their
//! text nor a value.

use patchwright_domain::inventory::{Setting, SettingAnswer, SettingSeen, SettingState};

use crate::look::Look;
use crate::root::Root;

/// Questions answered.
const QUESTIONS_MAX: usize = 200;

/// Files read for one question.
const FILES_MAX: usize = 64;

/// Names looked at in one directory.
const NAMES_MAX: usize = 10_000;

/// Largest file of configuration read.
const BYTES_MAX: u64 = 1 << 20;

/// Answers, in the order of the questions.
pub(crate) fn collect(look: &mut Look<'_>, questions: &[Setting]) -> Vec<SettingAnswer> {
    if questions.len() > QUESTIONS_MAX {
        let what = format!("{} questions about configuration", questions.len() - QUESTIONS_MAX);
        look.unseen(what, format!("only {QUESTIONS_MAX} are answered"), "ask less in the policy");
    }
    questions.iter().take(QUESTIONS_MAX).map(|asked| answer(look.root, asked)).collect()
}

fn answer(root: &Root, asked: &Setting) -> SettingAnswer {
    let mut paths = matching(root, &asked.file);
    let cut = paths.len() > FILES_MAX;
    paths.truncate(FILES_MAX);
    let files = paths
        .into_iter()
        .map(|path| {
            // A pipe or a device would block or never end.
            let plain = std::fs::metadata(root.path(&path)).is_ok_and(|meta| meta.is_file());
            let text = if plain { root.read_text(&path, BYTES_MAX).ok() } else { None };
            let state = text.map_or(SettingState::Unreadable, |text| state(&text, &asked.key, &asked.value));
            SettingSeen { path, state }
        })
        .collect();
    SettingAnswer { asked: asked.clone(), files, cut }
}

/// Paths of a pattern, sorted; at most one more than are read.
fn matching(root: &Root, pattern: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        let mut next = Vec::new();
        for dir in found {
            if !part.contains('*') {
                next.push(format!("{dir}/{part}"));
                continue;
            }
            let inside = if dir.is_empty() { "/" } else { dir.as_str() };
            let names = root.names(inside.trim_start_matches('/'), NAMES_MAX);
            next.extend(names.iter().filter(|name| fits(part, name)).map(|name| format!("{dir}/{name}")));
            if next.len() > FILES_MAX {
                break;
            }
        }
        found = next;
    }
    found.retain(|path| root.exists(path.trim_start_matches('/')));
    found
}

/// Whether a name has the parts of a pattern in their order.
fn fits(pattern: &str, name: &str) -> bool {
    let parts: Vec<&str> = pattern.split('*').collect();
    let (Some((first, rest)), Some(last)) = (parts.split_first(), parts.last()) else { return false };
    let Some(mut left) = name.strip_prefix(first) else { return false };
    if rest.is_empty() {
        return left.is_empty();
    }
    for part in rest.iter().take(rest.len().saturating_sub(1)) {
        let Some((_, after)) = left.split_once(part) else { return false };
        left = after;
    }
    left.ends_with(last)
}

/// What a text says: lines `key value`, `key = value` or `key: value`, sections in brackets, comments after `#`, `;` or `//`.
fn state(text: &str, key: &str, value: &str) -> SettingState {
    let mut section = String::new();
    let mut state = SettingState::Absent;
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) || line.starts_with("//") {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.trim().clone_into(&mut section);
            continue;
        }
        let (found, said) = pair(line);
        let whole = format!("{section}/{found}");
        if !found.eq_ignore_ascii_case(key) && !whole.eq_ignore_ascii_case(key) {
            continue;
        }
        if !said.eq_ignore_ascii_case(value) {
            return SettingState::Other;
        }
        state = SettingState::Equal;
    }
    state
}

/// Key and value of a line, without quotes, closing `;` or `,`, and comment.
fn pair(line: &str) -> (&str, &str) {
    let end = line.find(['=', ':', ' ', '\t']).unwrap_or(line.len());
    let (key, rest) = line.split_at_checked(end).unwrap_or((line, ""));
    let rest = rest.trim_start();
    let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    let rest = [" #", "\t#", " ;", " //"].iter().fold(rest, |text, mark| text.split(mark).next().unwrap_or(text));
    let quotes = ['"', '\''];
    (key.trim_matches(quotes), rest.trim().trim_end_matches([';', ',']).trim().trim_matches(quotes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_setting() {
        let sshd = "# X11Forwarding yes\nPort 22\nx11forwarding no # never\n";
        for (text, key, value, want) in [
            (sshd, "X11Forwarding", "no", SettingState::Equal),
            (sshd, "X11Forwarding", "yes", SettingState::Other),
            (sshd, "AllowTcpForwarding", "no", SettingState::Absent),
            ("X11Forwarding no\nMatch User a\n  X11Forwarding yes\n", "X11Forwarding", "no", SettingState::Other),
            ("server_tokens off;\n", "server_tokens", "off", SettingState::Equal),
            ("\"ipv6\": false,\n", "ipv6", "FALSE", SettingState::Equal),
            ("[a]\nx = 1\n[b]\nx = 2\n", "b/x", "2", SettingState::Equal),
            ("[a]\nx = 1\n[b]\nx = 2\n", "x", "2", SettingState::Other),
            ("key=\"a b\"\n", "key", "a b", SettingState::Equal),
            ("skip-networking\n", "skip-networking", "1", SettingState::Other),
            ("", "x", "1", SettingState::Absent),
        ] {
            assert_eq!(state(text, key, value), want, "{text:?} {key} {value}");
        }
    }

    #[test]
    fn patterns_stay_inside_of_one_name() {
        assert!(fits("*.conf", "a.conf") && fits("sshd_config", "sshd_config") && fits("a*b*c", "axxbyyc"));
        assert!(!fits("*.conf", "a.conf.bak") && !fits("sshd_config", "sshd_config2") && !fits("a*a", "a"));
    }

    #[test]
    fn only_what_is_asked_is_read_and_no_value_leaves() {
        let dir = tempfile::tempdir().unwrap();
        let etc = dir.path().join("etc/app/conf.d");
        std::fs::create_dir_all(&etc).unwrap();
        std::fs::write(etc.join("a.conf"), "feature = off\ntoken = hush\n").unwrap();
        std::fs::write(etc.join("b.conf"), "other = 1\n").unwrap();
        std::fs::create_dir(etc.join("c.conf")).unwrap();
        let root = Root::at(dir.path());
        let ask = |file: &str| {
            let setting = Setting { file: file.to_owned(), key: "feature".to_owned(), value: "off".to_owned() };
            answer(&root, &setting)
        };
        let found = ask("/etc/app/conf.d/*.conf");
        let states: Vec<SettingState> = found.files.iter().map(|f| f.state).collect();
        assert_eq!(states, [SettingState::Equal, SettingState::Absent, SettingState::Unreadable]);
        assert!(found.holds().is_none(), "a folder in the place of a file is doubt");
        assert_eq!(ask("/etc/app/conf.d/a*").holds().unwrap(), ["/etc/app/conf.d/a.conf"]);
        assert!(ask("/etc/app/none/*").files.is_empty());
        assert!(!serde_json::to_string(&found).unwrap().contains("hush"));
    }
}
