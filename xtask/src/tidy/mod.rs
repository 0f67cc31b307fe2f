//! `cargo xtask tidy`: the rules that no compiler checks. Each is one function from a [`Tree`] to the problems it
//! found, and each has a test that shows it failing.

mod crates;
mod docs;
mod licences;
mod named;
mod source;
mod tree;

use crate::{
    args::Args,
    sh::{self, Failure, Outcome, Tone, paint, say, seconds},
};

use tree::Tree;

const HELP: &str = "\
usage: cargo xtask tidy [--only RULE]

Checks the rules that no compiler checks; prints each broken one with its place. Rules:
  edges         dependencies between our crates are the ones ARCHITECTURE.md draws
  length        no source file over 800 lines
  map           every path and module in ARCHITECTURE.md exists; every crate and domain module is in it
  links         relative links in Markdown files lead somewhere
  shelves       every guide, concept and reference page is linked from docs/README.md
  text          no package registry hosts or paths of one machine in the tree
  allow         every `#[allow(…)]` carries a reason
  dialect       at most ten differences between the two databases, all in one file
  feeds         docs/reference/feeds.md describes every feed of the registry, and no other
  capabilities  docs/reference/capabilities.md has a row and a verdict for each of the 48 capabilities and the toolkit
  tests         every test that a document names (`crates/…/file.rs::name`) exists, and every bad input has one
  lock          no crate that drags in OpenSSL, AWS-LC or libgit2
  licences      every package's licence is in deny.toml's list";

/// One rule: its name and the check.
type Rule = (&'static str, fn(&Tree) -> Vec<String>);

const RULES: &[Rule] = &[
    ("edges", crates::edges),
    ("length", source::length),
    ("map", docs::map),
    ("links", docs::links),
    ("shelves", docs::shelves),
    ("text", source::forbidden_text),
    ("allow", source::allow_without_reason),
    ("dialect", source::dialect_exceptions),
    ("feeds", docs::feeds),
    ("capabilities", docs::capabilities),
    ("tests", named::named_tests),
    ("lock", crates::lock),
    ("licences", licences::licences),
];

/// The command.
pub(crate) fn run(mut args: Args) -> Result<Outcome, Failure> {
    if args.wants_help() {
        say(HELP);
        return Ok(Outcome::Good);
    }
    let only = args.option("--only")?;
    args.finish()?;
    if let Some(name) = &only
        && !RULES.iter().any(|(rule, _)| rule == name)
    {
        return Err(Failure::new(format!("there is no rule `{name}`\n\nhint: `cargo xtask tidy --help` lists them")));
    }
    let tree = Tree::load(&sh::root()?)?;
    let mut outcome = Outcome::Good;
    for (name, check) in RULES {
        if only.as_deref().is_some_and(|wanted| wanted != *name) {
            continue;
        }
        let (problems, took) = sh::timed(|| check(&tree));
        let verdict = if problems.is_empty() {
            paint(Tone::Good, "ok")
        } else {
            outcome = Outcome::Bad;
            paint(Tone::Bad, &format!("{} broken", problems.len()))
        };
        say(&format!("tidy {name}: {verdict} {}", paint(Tone::Quiet, &format!("({})", seconds(took)))));
        for problem in &problems {
            say(&format!("  {problem}"));
        }
    }
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_every_rule() {
        for (name, _) in RULES {
            assert!(HELP.contains(&format!("\n  {name} ")), "{name}");
        }
    }
}
