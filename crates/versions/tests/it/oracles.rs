//! The same pairs through the real tools. Each test says `skipped: …` where its tool is absent.

use std::cmp::Ordering;
use std::io::Write;
use std::process::{Command, Stdio};

use patchwright_versions::{Scheme, compare, pep440, validate};

use crate::generate::Random;

/// Runs a program over some input; `Err` says why it could not.
#[expect(clippy::disallowed_methods, reason = "these tests ask the machine's own tools; `agent::exec` is for hosts")]
pub(crate) fn run(program: &str, arguments: &[&str], input: &str) -> Result<String, String> {
    let mut child = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| format!("failed to start {program}: {e}"))?;
    let mut stdin = child.stdin.take().unwrap();
    let owned = input.to_owned();
    // A thread, because the tool may fill its output before it has read all input.
    let writer = std::thread::spawn(move || stdin.write_all(owned.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let written = writer.join().unwrap();
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let message = said.trim_end().lines().next_back().unwrap_or_default();
        return Err(format!("{program} ended with {}: {message}", output.status));
    }
    written.map_err(|e| format!("failed to write to {program}: {e}"))?;
    Ok(String::from_utf8(output.stdout).unwrap())
}

pub(crate) fn pairs(scheme: Scheme, seed: u64, count: usize) -> Vec<(String, String)> {
    let mut random = Random::new(seed);
    (0..count).map(|_| random.pair(scheme)).collect()
}

fn sign(order: Ordering) -> &'static str {
    match order {
        Ordering::Less => "<",
        Ordering::Equal => "=",
        Ordering::Greater => ">",
    }
}

/// Our answer to a pair as the tools' scripts print it: a sign, or `!` when a text is refused.
pub(crate) fn ours(scheme: Scheme, a: &str, b: &str) -> &'static str {
    compare(scheme, a, b).map_or("!", sign)
}

#[track_caller]
pub(crate) fn check_answers(scheme: Scheme, pairs: &[(String, String)], answers: &str) {
    let answers: Vec<&str> = answers.lines().collect();
    assert_eq!(answers.len(), pairs.len(), "one answer for each pair");
    let mut seen = [0_usize; 4];
    for ((a, b), theirs) in pairs.iter().zip(answers) {
        assert_eq!(ours(scheme, a, b), theirs, "{scheme}: {a:?} against {b:?}");
        seen["<=>!".find(theirs).unwrap()] += 1;
    }
    // The generator must keep producing every kind of pair, else this test says little. librpm and Maven
    // refuse hardly any text.
    let kinds = if matches!(scheme, Scheme::Rpm | Scheme::Maven) { &seen[..3] } else { &seen[..] };
    assert!(kinds.iter().all(|n| *n >= pairs.len() / 200), "answers < = > !: {seen:?}");
    println!("{scheme}: {} pairs agree; < = > !: {seen:?}", pairs.len());
}

/// Pairs for dpkg: one process each, about 2 ms.
const DEB_PAIRS: usize = 2_400;

#[test]
fn deb_like_dpkg() {
    if let Err(reason) = run("dpkg", &["--compare-versions", "1", "lt", "2"], "") {
        println!("skipped: no dpkg to ask: {reason}");
        return;
    }
    let mut pairs = pairs(Scheme::Deb, 12, DEB_PAIRS);
    // A text that begins with a hyphen would be an option to dpkg, and an empty one means "no version".
    pairs.retain(|(a, b)| ![a, b].into_iter().any(|v| v.starts_with('-') || v.is_empty() || v.contains('|')));
    // One process per pair: dpkg confirms our answer (status 0), denies it (1) or refuses a text (2);
    // for a pair that we refuse, any question will do.
    let script = r#"
        while IFS='|' read -r a relation b; do
            dpkg --compare-versions "$a" "$relation" "$b" 2>/dev/null </dev/null
            echo $?
        done"#;
    let question = |(a, b): &(String, String)| {
        let relation = match ours(Scheme::Deb, a, b) {
            "<" => "lt",
            ">" => "gt",
            _ => "eq",
        };
        format!("{a}|{relation}|{b}\n")
    };
    let answers: String = std::thread::scope(|scope| {
        let workers: Vec<_> = pairs
            .chunks(pairs.len().div_ceil(2))
            .map(|half| {
                let input: String = half.iter().map(question).collect();
                scope.spawn(move || run("sh", &["-c", script], &input).unwrap())
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let answers: String = answers
        .lines()
        .zip(&pairs)
        .map(|(status, (a, b))| match (status, ours(Scheme::Deb, a, b)) {
            ("0", our) => format!("{our}\n"),
            ("1", our) => panic!("dpkg denies that {a:?} {our} {b:?}"),
            ("2", _) => "!\n".to_owned(),
            other => panic!("unexpected status {other:?} for {a:?} {b:?}"),
        })
        .collect();
    check_answers(Scheme::Deb, &pairs, &answers);
}

#[test]
fn rpm_like_librpm() {
    // `rpm.vercmp` of 4.16 and later reads epoch and release and fails on a text it refuses.
    let script = r"%{lua:
        for line in io.lines() do
            local at = line:find('|', 1, true)
            local fine, order = pcall(rpm.vercmp, line:sub(1, at - 1), line:sub(at + 1))
            if not fine then print('!')
            elseif order < 0 then print('<')
            elseif order > 0 then print('>')
            else print('=') end
        end}";
    // Whether `print` ends a line differs between releases, so only the signs themselves count.
    let ask = |input: &str| -> Result<String, String> {
        let said = run("rpm", &["--eval", script], input)?;
        let signs = said.chars().filter(|c| "<=>!".contains(*c));
        Ok(signs.flat_map(|sign| [sign, '\n']).collect())
    };
    match ask("1:1|2\n1|\n") {
        Ok(answers) if answers == ">\n!\n" => {}
        Ok(other) => {
            println!("skipped: this rpm does not compare epochs in rpm.vercmp: {other:?}");
            return;
        }
        Err(reason) => {
            println!("skipped: no rpm to ask: {reason}");
            return;
        }
    }
    let pairs = pairs(Scheme::Rpm, 4_18, 40_000);
    let input: String = pairs.iter().map(|(a, b)| format!("{a}|{b}\n")).collect();
    check_answers(Scheme::Rpm, &pairs, &ask(&input).unwrap());
}

/// A Python that has `packaging`: of the environment named for such tools, or the machine's.
fn python_with_packaging() -> Result<String, String> {
    let mut candidates = Vec::new();
    if let Ok(folder) = std::env::var("PATCHWRIGHT_ORACLES") {
        candidates.push(format!("{folder}/bin/python"));
    }
    candidates.push("python3".to_owned());
    let mut reasons = Vec::new();
    for python in candidates {
        match run(&python, &["-c", "import packaging.version"], "") {
            Ok(_) => return Ok(python),
            Err(reason) => reasons.push(reason),
        }
    }
    Err(reasons.join("; "))
}

#[test]
fn pep440_like_packaging() {
    let python = match python_with_packaging() {
        Ok(python) => python,
        Err(reason) => {
            println!("skipped: no Python with packaging to ask: {reason}");
            return;
        }
    };
    let script = r#"
import sys
from packaging.version import InvalidVersion, Version
for line in sys.stdin:
    a, b = line.rstrip("\n").split("|")
    try:
        a, b = Version(a), Version(b)
    except InvalidVersion:
        print("!")
        continue
    print("<" if a < b else ">" if a > b else "=", a, b, sep="|")
"#;
    let pairs = pairs(Scheme::Pep440, 440, 40_000);
    let input: String = pairs.iter().map(|(a, b)| format!("{a}|{b}\n")).collect();
    let answers = run(&python, &["-c", script], &input).unwrap();
    let mut signs = String::new();
    for (answer, (a, b)) in answers.lines().zip(&pairs) {
        let mut fields = answer.split('|');
        signs.push_str(fields.next().unwrap());
        signs.push('\n');
        // Where both texts are versions, the normalised forms follow.
        for (normal, text) in fields.zip([a, b]) {
            assert_eq!(pep440::Version::parse(text).unwrap().to_string(), normal);
        }
    }
    check_answers(Scheme::Pep440, &pairs, &signs);
}

#[test]
fn the_machines_own_packages_are_valid_and_their_keys_small() {
    let Ok(listed) = run("dpkg-query", &["-W", "-f", "${Version}\n"], "") else {
        println!("skipped: no dpkg-query to ask");
        return;
    };
    let (mut texts, mut keys) = (0, 0);
    for version in listed.lines().filter(|line| !line.is_empty()) {
        validate(Scheme::Deb, version).unwrap();
        texts += version.len();
        keys += patchwright_versions::sort_key(Scheme::Deb, version).unwrap().len();
    }
    println!("deb: {keys} bytes of keys for {texts} bytes of versions");
    assert!(keys <= texts + texts / 10, "{keys} bytes of keys for {texts} bytes of versions");
}
