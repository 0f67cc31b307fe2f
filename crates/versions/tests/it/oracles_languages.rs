//! The same pairs through the package managers of programming languages.

use patchwright_versions::{Scheme, compare};

use crate::oracles::{check_answers, ours, pairs, run};

/// Reads `A|B` lines, answers with a sign. Compiled at test time.
const JAVA: &str = r#"
import java.io.BufferedReader;
import java.io.InputStreamReader;
import org.apache.maven.artifact.versioning.ComparableVersion;

public class Order {
    public static void main(String[] unused) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        StringBuilder out = new StringBuilder();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] pair = line.split("\\|", -1);
            int order = new ComparableVersion(pair[0]).compareTo(new ComparableVersion(pair[1]));
            out.append(order < 0 ? '<' : order > 0 ? '>' : '=').append('\n');
        }
        System.out.print(out);
    }
}
"#;

const MAVEN_JARS: &str = "/usr/share/java/maven-artifact-3.x.jar:/usr/share/java/commons-lang3.jar";

/// Whether the version has none of the forms in which `ComparableVersion` is no order: a token that means nothing, at
/// the beginning of a segment or as a qualifier, before others; or a qualifier between a dot and another separator (see
/// the module).
fn is_plain(version: &str) -> bool {
    let lower = version.to_ascii_lowercase();
    let mut rest = lower.as_str();
    let mut separator = None;
    if !rest.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    loop {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let word = rest.bytes().take_while(|b| !b.is_ascii_digit() && !matches!(b, b'.' | b'-')).count();
        let (token, tail) = rest.split_at(digits.max(word));
        let nothing = matches!(token, "ga" | "final" | "release" | "") || token.bytes().all(|b| b == b'0');
        if nothing && !tail.is_empty() && (word > 0 || token.is_empty() || separator == Some('-')) {
            return false;
        }
        if word > 0 && separator == Some('.') && tail.starts_with(['.', '-']) {
            return false;
        }
        separator = tail.chars().next().filter(|c| matches!(c, '.' | '-')).or(Some('-'));
        rest = tail.strip_prefix(['.', '-']).unwrap_or(tail);
        if rest.is_empty() {
            return true;
        }
    }
}

#[test]
fn maven_like_comparable_version() {
    let folder = std::env::temp_dir().join(format!("patchwright-maven-{}", std::process::id()));
    let class_path = format!("{}:{MAVEN_JARS}", folder.display());
    let ask = |input: &str| -> Result<String, String> {
        std::fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
        let source = folder.join("Order.java");
        std::fs::write(&source, JAVA).map_err(|e| e.to_string())?;
        run("javac", &["-d", &folder.to_string_lossy(), "-cp", MAVEN_JARS, &source.to_string_lossy()], "")?;
        run("java", &["-cp", &class_path, "Order"], input)
    };
    let all = pairs(Scheme::Maven, 387, 40_000);
    // Refused by us, read by Maven: the empty text, and blanks.
    let all: Vec<_> = all.into_iter().filter(|(a, b)| ours(Scheme::Maven, a, b) != "!").collect();
    let input: String = all.iter().map(|(a, b)| format!("{a}|{b}\n")).collect();
    let answers = ask(&input);
    drop(std::fs::remove_dir_all(&folder));
    let answers = match answers {
        Ok(answers) => answers,
        Err(reason) => {
            println!("skipped: no javac, java and libmaven3-core-java to ask: {reason}");
            return;
        }
    };
    let (mut plain, mut signs, mut other) = (Vec::new(), String::new(), [0_usize; 2]);
    assert_eq!(answers.lines().count(), all.len());
    for (pair, answer) in all.into_iter().zip(answers.lines()) {
        if is_plain(&pair.0) && is_plain(&pair.1) {
            signs += answer;
            signs.push('\n');
            plain.push(pair);
        } else {
            other[usize::from(ours(Scheme::Maven, &pair.0, &pair.1) == answer)] += 1;
        }
    }
    assert!(other[1] > 10 * other[0], "of the odd forms {} agree and {} do not", other[1], other[0]);
    println!("maven: of the odd forms {} agree and {} do not", other[1], other[0]);
    check_answers(Scheme::Maven, &plain, &signs);
}

#[test]
fn gem_like_rubygems() {
    let script = r#"
STDIN.each_line(chomp: true) do |line|
  a, b = line.split("|", -1)
  if [a, b].all? { |v| Gem::Version.correct?(v) && !v.strip.empty? }
    puts({ -1 => "<", 0 => "=", 1 => ">" }[Gem::Version.new(a) <=> Gem::Version.new(b)])
  else
    puts "!"
  end
end"#;
    let pairs = pairs(Scheme::Gem, 33, 40_000);
    let input: String = pairs.iter().map(|(a, b)| format!("{a}|{b}\n")).collect();
    match run("ruby", &["-e", script], &input) {
        Ok(answers) => check_answers(Scheme::Gem, &pairs, &answers),
        Err(reason) => println!("skipped: no ruby to ask: {reason}"),
    }
}

/// npm's `semver` reads numbers up to 2^53 - 1; Go and we know no limit.
const NPM_DIGITS_MAX: usize = 15;

#[test]
fn semver_and_go_like_npm() {
    let script = r#"
const places = ["semver", "/usr/lib/node_modules/npm/node_modules/semver", "/usr/share/nodejs/semver",
                "/usr/local/lib/node_modules/npm/node_modules/semver"];
let semver;
for (const place of places) { try { semver = require(place); break; } catch (e) {} }
if (!semver) { console.error("no module semver"); process.exit(1); }
const lines = require("fs").readFileSync(0, "utf8").split("\n");
lines.pop();
console.log(lines.map(line => {
  const [a, b] = line.split("|").map(v => semver.parse(v));
  return a && b ? ["<", "=", ">"][semver.compare(a, b) + 1] : "!";
}).join("\n"));"#;
    for (scheme, seed) in [(Scheme::Semver, 200), (Scheme::Go, 119)] {
        // Only what all three read alike: no short forms, no blanks, no capital V, no toolchain release.
        let fits = |v: &str| {
            let core = v.split(['-', '+']).next().unwrap_or_default();
            let short_numbers = v.split(|c: char| !c.is_ascii_digit()).all(|run| run.len() <= NPM_DIGITS_MAX);
            core.split('.').count() == 3 && short_numbers && !v.starts_with("vv")
        };
        let mut pairs = pairs(scheme, seed, 40_000);
        pairs.retain(|(a, b)| fits(a) && fits(b));
        let input: String = pairs.iter().map(|(a, b)| format!("{a}|{b}\n")).collect();
        match run("node", &["-e", script], &input) {
            Ok(answers) => check_answers(scheme, &pairs, &answers),
            Err(reason) => println!("skipped: no node with npm's semver to ask: {reason}"),
        }
    }
}

/// The forms that the comparison with Maven leaves out must not be the ones that matter.
#[test]
fn the_plain_forms_are_the_ones_that_publishers_write() {
    for version in
        ["1.0.0.Final", "2.17.1", "31.1-jre", "9.4.51.v20230217", "1.0-SNAPSHOT", "3.0.0-alpha-9", "1.8.0_292"]
    {
        assert!(is_plain(version), "{version}");
        assert!(compare(Scheme::Maven, version, "0").is_ok());
    }
}
