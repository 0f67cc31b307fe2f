//! The gate for matching: labelled cases in `tests/quality/cases.tsv`, each through the matcher that the program uses.
//!
//! A verdict was derived from what the vendor says, never from our own code. Version orders are asked of dpkg and rpm again
//! where these are installed. A missing finding fails the gate, and so does an extra one that is not in [`KNOWN_GAPS`].

mod case;
mod oracle;

use std::collections::BTreeMap;

use case::Case;

/// Cases in which the matcher says too much, each with the reason why that stands.
const KNOWN_GAPS: [(&str, &str); 0] = [];

/// Classes that have to be there by name: what users of other scanners complain about.
const CLASSES: [&str; 31] = [
    "grype-3405-os-owned-language-package",
    "grype-942-kernel-headers",
    "grype-3126-upstream-kernel",
    "wazuh-21169-old-kernel",
    "vuls-1916-two-kernels",
    "wazuh-37747-survives-upgrade",
    "wazuh-37762-reappears-after-purge",
    "trivy-771-module-stream",
    "alma-2342-outside-of-modules",
    "vunnel-848-eol-state",
    "wazuh-24997-undetermined",
    "debian-no-dsa",
    "debian-unimportant",
    "debian-postponed",
    "debian-ignored",
    "vex-grype-1589-subcomponent",
    "vex-trivy-6077-product-purl",
    "wazuh-30119-two-versions",
    "withdrawn",
    "last-affected",
    "not-affected",
    "several-providers",
    "no-version-as-bound",
    "rocky-source-names",
    "azure-source-names",
    "redhat-source-names",
    "suse-kernel",
    "build-lines",
    "ubuntu-flavours",
    "undetermined-beside-a-fix",
    "component-spelling",
];

/// Right and wrong answers. A case without a finding that stays without one is a true negative.
#[derive(Clone, Copy, Default)]
struct Tally {
    hit: usize,
    quiet: usize,
    extra: usize,
    missing: usize,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.hit += other.hit;
        self.quiet += other.quiet;
        self.extra += other.extra;
        self.missing += other.missing;
    }

    /// Compares two lists of findings; a finding in another state is a missing one and an extra one.
    fn of(wanted: &[String], found: &[String]) -> Self {
        let mut left = found.to_vec();
        let mut tally = Self::default();
        for want in wanted {
            match left.iter().position(|f| f == want) {
                Some(place) => {
                    left.swap_remove(place);
                    tally.hit += 1;
                }
                None => tally.missing += 1,
            }
        }
        tally.extra = left.len();
        tally.quiet = usize::from(wanted.is_empty() && found.is_empty());
        tally
    }

    /// Precision, recall and F1 in thousandths, rounded down.
    fn rates(self) -> [usize; 3] {
        let share = |part: usize, whole: usize| (part * 1000).checked_div(whole).unwrap_or(1000);
        [
            share(self.hit, self.hit + self.extra),
            share(self.hit, self.hit + self.missing),
            share(2 * self.hit, 2 * self.hit + self.extra + self.missing),
        ]
    }
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/quality/cases.tsv")).unwrap();
    text.lines().filter(|line| !line.starts_with('#')).skip(1).map(Case::read).collect()
}

#[test]
fn labelled_cases_get_their_verdicts() {
    let cases = cases();
    assert!(cases.len() >= 300, "{} cases", cases.len());
    let mut table: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut gaps = Vec::new();
    for case in &cases {
        let found = case.found();
        let tally = Tally::of(&case.wanted, &found);
        table.entry(&case.class).or_default().add(tally);
        let known = KNOWN_GAPS.iter().find(|(id, _)| *id == case.id);
        if let (Some((id, reason)), true) = (known, tally.extra > 0) {
            gaps.push(format!("{id}: {reason}"));
        }
        assert!(known.is_none() || tally.extra > 0, "{}: the gap is closed, take it off the list", case.id);
        if tally.missing > 0 || (tally.extra > 0 && known.is_none()) {
            wrong.push(format!(
                "{}: wants {:?}, found {found:?} ({})\n  {}\n  {}",
                case.id, case.wanted, case.why, case.host, case.statements
            ));
        }
    }
    println!("{:40} {:>5} {:>5} {:>5} {:>5}", "class", "TP", "TN", "FP", "FN");
    let mut all = Tally::default();
    for (class, tally) in &table {
        println!("{class:40} {:5} {:5} {:5} {:5}", tally.hit, tally.quiet, tally.extra, tally.missing);
        all.add(*tally);
    }
    println!("{:40} {:5} {:5} {:5} {:5}", "all", all.hit, all.quiet, all.extra, all.missing);
    let [precision, recall, f1] = all.rates().map(|rate| format!("{}.{:03}", rate / 1000, rate % 1000));
    println!("{} cases: precision {precision}, recall {recall}, F1 {f1}", cases.len());
    gaps.iter().for_each(|gap| println!("known gap {gap}"));
    for class in CLASSES {
        assert!(table.contains_key(class), "no case of {class}");
    }
    assert!(wrong.is_empty(), "{} wrong verdicts:\n{}", wrong.len(), wrong.join("\n"));
}

/// The labels themselves: dpkg and rpm say of each plain case which version is older.
#[test]
fn dpkg_and_rpm_agree_with_the_labels() {
    let cases = cases();
    for (tool, orders) in [("dpkg", oracle::dpkg as oracle::Order), ("rpm", oracle::rpm)] {
        let plain: Vec<(&Case, (String, String))> =
            cases.iter().filter_map(|case| Some((case, case.plain(tool)?))).collect();
        assert!(plain.len() >= 30, "{} plain cases for {tool}", plain.len());
        let pairs: Vec<&(String, String)> = plain.iter().map(|(_, pair)| pair).collect();
        let Some(older) = orders(&pairs) else {
            println!("skipped: no {tool} that compares versions here");
            continue;
        };
        assert_eq!(older.len(), plain.len(), "{tool} answered each pair");
        for ((case, (installed, fixed)), older) in plain.iter().zip(older) {
            assert_eq!(older, !case.wanted.is_empty(), "{}: {tool} on {installed} and {fixed}", case.id);
        }
        println!("{tool} agrees with {} labels", plain.len());
    }
}

#[test]
fn the_tally_counts_what_is_missing_and_what_is_extra() {
    let list = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
    let counts = |want: &[&str], found: &[&str]| {
        let t = Tally::of(&list(want), &list(found));
        [t.hit, t.quiet, t.extra, t.missing]
    };
    assert_eq!(counts(&[], &[]), [0, 1, 0, 0]);
    assert_eq!(counts(&["fix"], &["fix"]), [1, 0, 0, 0]);
    assert_eq!(counts(&["fix"], &["nofix"]), [0, 0, 1, 1]);
    assert_eq!(counts(&["fix"], &["fix", "fix"]), [1, 0, 1, 0]);
    assert_eq!(counts(&[], &["fix"]), [0, 0, 1, 0]);
    assert_eq!(Tally { hit: 2, quiet: 0, extra: 1, missing: 1 }.rates(), [666, 666, 666]);
}
