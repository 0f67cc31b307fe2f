//! The bitmap algebra against an evaluator that asks every term of every finding, one after the other.

mod census;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::eval::{data_place, exposure_place, severity_place, state_place, tier_place};
use super::*;
use crate::decision::cvss::{EnvironmentalInput, pick};
use crate::decision::points::exploit_maturity;
use crate::decision::policy::Policy;
use crate::decision::profile::{AssetProfile, DataClass, Exposure, Tier};
use crate::exposure::FindingState;
use crate::exposure::components::Library;
use crate::exposure::fleet::board::{Board, Facts, class_place, due};
use crate::exposure::fleet::history::Exception;
use crate::exposure::fleet::marks::Marks;
use crate::exposure::fleet::{ClaimRef, Day, FleetIndex, HostLoad, HostNo, Intelligence, SubjectNo, VulnNo};
use crate::exposure::matching::ProviderChunk;
use crate::exposure::subject::{Kin, Standing, SubjectKey};
use crate::intel::snapshot::{AdvisoryChunk, compile_advisories};
use crate::intel::{Advisory, Affected, CvssAssessment, EpssScore, KevEntry, VulnFacts};
use crate::inventory::Package;
use crate::time::{Date, Timestamp};
use roaring::RoaringBitmap;

const SOURCES: [&str; 4] = ["openssl", "curl", "nginx", "expat"];
const ECOSYSTEMS: [&str; 2] = ["Debian:12", "Ubuntu:24.04"];
/// One of them has the name of a system's package.
const LIBRARIES: [&str; 3] = ["curl", "jinja2", "zope-interface"];
const TODAY: Day = Day(20_779);

struct World;

fn number(vuln: &str) -> u16 {
    vuln.rsplit('-').next().and_then(|n| n.parse().ok()).unwrap_or_default()
}

impl Facts for World {
    fn facts(&self, vuln: &str) -> VulnFacts {
        let n = number(vuln);
        let mut facts = VulnFacts { id: vuln.to_owned(), ..VulnFacts::default() };
        if n.is_multiple_of(5) {
            facts.kev = Some(KevEntry {
                cve: vuln.to_owned(),
                date_added: Date::parse("2026-11-01").unwrap(),
                due_date: None,
                ransomware_known: false,
                vendor: String::new(),
                product: String::new(),
                cwes: Vec::new(),
            });
        }
        if !n.is_multiple_of(3) {
            facts.epss = Some(EpssScore { score_e5: u32::from(n) * 3_000, percentile_e5: None });
        }
        if !n.is_multiple_of(4) {
            let impact = ["H", "L", "N"][usize::from(n % 3)];
            facts.cvss.push(CvssAssessment {
                source: "nvd".to_owned(),
                vector: format!("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:{impact}/I:{impact}/A:L"),
                published_e1: None,
            });
        }
        facts
    }

    fn known(&self, _: &str) -> Option<Day> {
        None
    }
}

struct Names(Vec<String>);

impl HostRows for Names {
    fn name(&self, host: HostNo) -> &str {
        self.0.get(host as usize).map_or("", String::as_str)
    }

    fn present(&self, host: HostNo, subject: SubjectNo, claim: &ClaimRef) -> Timestamp {
        // Some are long overdue, some are new; what runs is older than what is on disk.
        let running = u32::from(matches!(claim.state, FindingState::RestartPending | FindingState::RebootPending));
        Day(TODAY.0 - u16::try_from((host * 37 + subject * 11 + running) % 120).unwrap()).start()
    }

    fn known(&self, subject: SubjectNo, claim: &ClaimRef) -> Option<Timestamp> {
        let days = u16::try_from((subject + claim.vuln * 5) % 90).unwrap();
        (!claim.vuln.is_multiple_of(3)).then(|| Day(TODAY.0 - days).start())
    }
}

struct Seeded(u64);

impl Seeded {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }
}

struct Fleet {
    index: FleetIndex,
    board: Board,
    names: Names,
    exceptions: Vec<Exception>,
    /// Exceptions of a vulnerability in one package.
    in_package: Vec<(u32, VulnNo, RoaringBitmap, Timestamp)>,
    aside: Vec<(SubjectNo, VulnNo, RoaringBitmap, Timestamp)>,
    marks: Marks,
}

fn fleet(seed: u64, hosts: u32) -> Fleet {
    let mut random = Seeded(seed);
    let mut advisories = Vec::new();
    for n in 0..24 {
        let ecosystem = ECOSYSTEMS[random.below(2)];
        let source = SOURCES[random.below(4)];
        advisories.push(Advisory {
            id: format!("CVE-2026-{:04}", 1000 + n / 2 * 2),
            affected: vec![Affected::fixed_in(ecosystem, source, &format!("1.{}-1", 1 + random.below(6)))],
            ..Advisory::default()
        });
    }
    for n in 0..9 {
        advisories.push(Advisory {
            id: format!("CVE-2026-{:04}", 1020 + n),
            affected: vec![Affected::fixed_in("PyPI", LIBRARIES[n % 3], &format!("1.{}", 2 + n % 5))],
            ..Advisory::default()
        });
    }
    let compiled: Vec<(String, AdvisoryChunk)> =
        compile_advisories(&advisories).into_iter().map(|(eco, _, b)| (eco, AdvisoryChunk::open(b).unwrap())).collect();
    let mut intel: Intelligence<'_> = BTreeMap::new();
    for (ecosystem, chunk) in &compiled {
        intel.entry(ecosystem).or_default().push(ProviderChunk { provider: "distro", chunk, subscription: false });
    }
    let mut index = FleetIndex::default();
    let mut names = Vec::new();
    for no in 0..hosts {
        names.push(format!("{}-{no:02}", ["web", "db", "curl-mirror"][random.below(3)]));
        let mut subjects = Vec::new();
        let mut packages = Vec::new();
        for source in SOURCES {
            if random.below(4) == 0 {
                continue;
            }
            let version = format!("1.{}-1", random.below(7));
            let standing = match random.below(5) {
                0 => Standing::Replaced { old: "1.0-1".to_owned() },
                _ => Standing::Installed,
            };
            let key = |version: &str, standing| SubjectKey {
                name: source.to_owned(),
                version: version.to_owned(),
                module: None,
                standing,
                offers: Vec::new(),
                kin: Kin::None,
            };
            subjects.push((key(&version, standing), TODAY));
            for binary in [format!("lib{source}"), format!("{source}-utils")] {
                if random.below(2) == 0 {
                    packages.push(Package {
                        name: binary,
                        version: version.clone(),
                        source: source.to_owned(),
                        source_version: version.clone(),
                        ..Package::default()
                    });
                }
            }
        }
        let profile = AssetProfile {
            environment: ["production", "test"][random.below(2)].to_owned(),
            zone: ["dmz", "Office", ""][random.below(3)].to_owned(),
            owner: ["Team A", "team-b", ""][random.below(3)].to_owned(),
            tier: [Tier::T1, Tier::T2, Tier::T3, Tier::T4][random.below(4)],
            data_class: [DataClass::Restricted, DataClass::Public][random.below(2)],
            exposure: [Exposure::Internet, Exposure::Isolated, Exposure::Unknown][random.below(3)],
            services: vec!["shop".to_owned(), "mail".to_owned()].split_off(random.below(3)),
            tags: vec!["cde".to_owned()].split_off(random.below(2)),
        };
        let ecosystem = ECOSYSTEMS[random.below(2)];
        let mut libraries = Vec::new();
        for name in LIBRARIES {
            // Two versions of one package at once are common.
            for _ in 0..random.below(3) {
                let version = format!("1.{}", random.below(7));
                libraries.push((Library { ecosystem: "PyPI".to_owned(), name: name.to_owned(), version }, TODAY));
            }
        }
        let load =
            HostLoad { ecosystem, subjects: &subjects, packages: &packages, libraries: &libraries, profile: &profile };
        index.host_put(no, &load);
    }
    index.rematch(&intel, 1);
    let board = index.board(&Policy::shipped().unwrap(), &World, 1);
    let now = TODAY.start();
    let some = |random: &mut Seeded| (0..hosts).filter(|_| random.below(2) == 0).collect::<RoaringBitmap>();
    let end = |n: u32| if n.is_multiple_of(2) { now.plus_days(9) } else { now.plus_days(-9) };
    let exceptions: Vec<Exception> = (0u32..)
        .take(index.vuln_count())
        .step_by(4)
        .map(|vuln| Exception { vuln, hosts: some(&mut random), until: end(vuln / 4) })
        .collect();
    let mut marks = Marks::of_exceptions(&exceptions);
    let (mut in_package, mut aside) = (Vec::new(), Vec::new());
    for vuln in (0u32..).take(index.vuln_count()) {
        for name in index.vuln_names(vuln).collect::<Vec<_>>() {
            if random.below(4) == 0 {
                // Two that overlap: the later end counts.
                for n in 0..2 {
                    let hosts = some(&mut random);
                    marks.except(name, vuln, &hosts, end(n));
                    in_package.push((name, vuln, hosts, end(n)));
                }
            }
            for subject in &index.name(name).unwrap().subjects {
                if random.below(5) == 0 {
                    let (hosts, until) = (some(&mut random), end(vuln));
                    marks.set_aside(*subject, vuln, &hosts, until);
                    aside.push((*subject, vuln, hosts, until));
                }
            }
        }
    }
    Fleet { index, board, names: Names(names), exceptions, in_package, aside, marks }
}

impl Fleet {
    fn asking<'a>(&'a self, scope: &'a RoaringBitmap) -> Asking<'a> {
        Asking {
            index: &self.index,
            board: &self.board,
            facts: &World,
            scope,
            rows: &self.names,
            marks: &self.marks,
            now: TODAY.start(),
        }
    }
}

/// One finding.
struct Finding<'f> {
    fleet: &'f Fleet,
    host: HostNo,
    subject: SubjectNo,
    claim: ClaimRef,
}

/// `*` by trying every length.
fn glob(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', rest)) => (0..=text.len()).any(|skip| glob(rest, &text[skip..])),
        Some((c, rest)) => text.split_first().is_some_and(|(t, tail)| t == c && glob(rest, tail)),
    }
}

fn is(patterns: &[Pattern], text: &str) -> bool {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    patterns.iter().any(|p| glob(&p.pieces.join("*").chars().collect::<Vec<_>>(), &text))
}

fn of_family(patterns: &[Pattern], ecosystem: &str) -> bool {
    is(patterns, ecosystem) || is(patterns, ecosystem.split(':').next().unwrap())
}

impl Finding<'_> {
    fn profile(&self) -> &AssetProfile {
        let entry = self.fleet.index.host(self.host).unwrap();
        &self.fleet.index.profiles()[entry.profile as usize]
    }

    fn class(&self) -> usize {
        let entry = self.fleet.index.host(self.host).unwrap();
        let board = &self.fleet.board;
        class_place(board.verdict(board.projection(entry.profile), self.claim.case).unwrap().urgency)
    }

    fn package(&self, patterns: &[Pattern]) -> bool {
        let index = &self.fleet.index;
        let name = index.subject(self.subject).unwrap().name;
        let of_binary = |c: &u32| {
            let c = index.component(*c).unwrap();
            c.name == name && is(patterns, &c.binary)
        };
        self.source(patterns) || index.host(self.host).unwrap().components.iter().any(of_binary)
    }

    fn ecosystem(&self, subject: SubjectNo) -> &str {
        let index = &self.fleet.index;
        index.ecosystem(index.name(index.subject(subject).unwrap().name).unwrap().ecosystem)
    }

    fn source(&self, patterns: &[Pattern]) -> bool {
        let index = &self.fleet.index;
        let name = &index.name(index.subject(self.subject).unwrap().name).unwrap().name;
        if self.ecosystem(self.subject) != "PyPI" {
            return is(patterns, name);
        }
        let spelled = |p: &Pattern| Pattern::new(&p.pieces.join("*").replace(['_', '.'], "-"));
        is(&patterns.iter().map(spelled).collect::<Vec<_>>(), name)
    }

    fn term(&self, term: &Term) -> bool {
        let index = &self.fleet.index;
        let vuln = index.vuln(self.claim.vuln);
        let facts = World.facts(vuln);
        let profile = self.profile();
        match term {
            Term::Text(field, p) => match field {
                TextField::Vuln => is(p, vuln),
                TextField::Package => self.package(p),
                TextField::Source => self.source(p),
                TextField::Ecosystem => of_family(p, self.ecosystem(self.subject)),
                TextField::Host => is(p, self.fleet.names.name(self.host)),
                TextField::Os => {
                    let all = index.host(self.host).unwrap().subjects.iter();
                    all.map(|s| self.ecosystem(*s)).filter(|e| *e != "PyPI").any(|e| of_family(p, e))
                }
                TextField::Environment => is(p, &profile.environment),
                TextField::Zone => is(p, &profile.zone),
                TextField::Owner => is(p, &profile.owner),
                TextField::Service => profile.services.iter().any(|s| is(p, s)),
                TextField::Tag => profile.tags.iter().any(|t| is(p, t)),
            },
            Term::Word(p) => {
                let p = std::slice::from_ref(p);
                is(p, vuln) || is(p, self.fleet.names.name(self.host)) || self.package(p)
            }
            Term::Tier(set) => set.has(tier_place(profile.tier)),
            Term::Exposure(set) => set.has(exposure_place(profile.exposure)),
            Term::Data(set) => set.has(data_place(profile.data_class)),
            Term::Urgency(set) => set.has(4 - self.class()),
            Term::Severity(set) => set.has(severity_place(self.fleet.board.severity(self.claim.case))),
            Term::State(set) => set.has(state_place(self.claim.state)),
            Term::Epss(op, want) => facts.epss.is_some_and(|e| op.holds(f64::from(e.score_e5), *want)),
            Term::Cvss(op, want) => pick(&facts.cvss, &EnvironmentalInput::default(), exploit_maturity(&facts))
                .chosen
                .is_some_and(|(_, _, s)| op.holds(f64::from(s.base_e1), *want)),
            Term::Is(Flag::Kev | Flag::Exploited) => facts.kev.is_some(),
            Term::Is(Flag::Overdue) => {
                if self.term(&Term::Is(Flag::Excepted)) {
                    return false;
                }
                let entry = index.host(self.host).unwrap();
                let board = &self.fleet.board;
                let verdict = board.verdict(board.projection(entry.profile), self.claim.case).unwrap();
                let seen = self.fleet.names.first_seen(self.host, self.subject, &self.claim);
                due(verdict, &board.clocks(self.claim.vuln), seen).is_some_and(|d| d < TODAY.start())
            }
            Term::Is(Flag::Excepted) => {
                let name = index.subject(self.subject).unwrap().name;
                let holds = |vuln: VulnNo, hosts: &RoaringBitmap, until: Timestamp| {
                    vuln == self.claim.vuln && until > TODAY.start() && hosts.contains(self.host)
                };
                self.fleet.exceptions.iter().any(|e| holds(e.vuln, &e.hosts, e.until))
                    || self.fleet.in_package.iter().any(|(n, v, hosts, until)| *n == name && holds(*v, hosts, *until))
            }
            Term::Is(Flag::SetAside) => self.fleet.aside.iter().any(|(subject, vuln, hosts, until)| {
                (*subject, *vuln) == (self.subject, self.claim.vuln)
                    && *until > TODAY.start()
                    && hosts.contains(self.host)
            }),
        }
    }

    fn holds(&self, expr: &Expr, terms: &[Term]) -> bool {
        match expr {
            Expr::All => true,
            Expr::Term(place) => self.term(&terms[*place]),
            Expr::Not(inner) => !self.holds(inner, terms),
            Expr::And(parts) => parts.iter().all(|p| self.holds(p, terms)),
            Expr::Or(parts) => parts.iter().any(|p| self.holds(p, terms)),
        }
    }
}

/// Findings by class, hosts and vulnerabilities of one group, row by row.
type Plain = BTreeMap<BucketKey, ([u64; 5], RoaringBitmap, RoaringBitmap)>;

/// The groups, the excepted findings in them, and the findings left out.
fn naive(fleet: &Fleet, scope: &RoaringBitmap, query: &Query, group: GroupBy) -> (Plain, u64, u64) {
    let mut out = Plain::new();
    let (mut excepted, mut left) = (0, 0);
    for (host, entry) in fleet.index.entries().filter(|(no, _)| scope.contains(*no)) {
        for subject in entry.subjects.iter().copied() {
            let found = fleet.index.subject(subject).unwrap();
            for claim in &found.claims {
                let finding = Finding { fleet, host, subject, claim: *claim };
                if !finding.holds(&query.root, &query.terms) {
                    continue;
                }
                if !query.terms.contains(&Term::Is(Flag::SetAside)) && finding.term(&Term::Is(Flag::SetAside)) {
                    left += 1;
                    continue;
                }
                excepted += u64::from(finding.term(&Term::Is(Flag::Excepted)));
                let key = match group {
                    GroupBy::Patch => BucketKey::Patch(found.name),
                    GroupBy::Vuln => BucketKey::Vuln(claim.vuln),
                    GroupBy::Host => BucketKey::Host(host),
                    GroupBy::Owner => BucketKey::Owner(finding.profile().owner.as_str().into()),
                };
                let slot = out.entry(key).or_default();
                slot.0[finding.class()] += 1;
                slot.1.insert(host);
                slot.2.insert(claim.vuln);
            }
        }
    }
    (out, excepted, left)
}

fn term_text() -> impl Strategy<Value = String> {
    let fixed = [
        "cve:CVE-2026-1004",
        "cve:cve-2026-10*",
        "vuln:*8",
        "package:curl",
        "source:openssl",
        "package:lib*",
        "pkg:expat-utils",
        "host:web-*",
        "host:db-0*,web-01",
        "source:Zope.Interface",
        "package:zope_*",
        "os:debian",
        "os:pypi",
        "ecosystem:Ubuntu:24.04",
        "ecosystem:pypi,debian",
        "env:production",
        "zone:dmz,office",
        "zone:\"\"",
        "owner:\"team a\"",
        "service:shop",
        "tag:cde",
        "tier:T1,T2",
        "tier>=T2",
        "tier<2",
        "exposure:internet",
        "data:restricted",
        "urgency>=high",
        "urgency:low",
        "urgency<critical",
        "severity>=medium",
        "severity:unknown",
        "state:fix",
        "state:restart,none",
        "is:kev",
        "is:exploited",
        "is:overdue",
        "is:excepted",
        "is:set-aside",
        "epss>0.3",
        "epss<=0.3",
        "cvss>=7",
        "cvss<7",
        "curl",
        "1008",
        "we*",
        "libcurl",
    ];
    proptest::sample::select(fixed.to_vec()).prop_map(str::to_owned)
}

fn query_text() -> impl Strategy<Value = String> {
    term_text().prop_recursive(4, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| format!("not ({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) and ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) {b}")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("{a} or {b}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bitmaps_say_what_rows_say(seed in 0u64..40, scope in any::<u32>(), text in query_text()) {
        let fleet = fleet(seed, 18);
        let scope: RoaringBitmap = (0..18u32).filter(|no| scope & (1 << no) != 0).collect();
        let query = parse(&text).unwrap();
        for group in [GroupBy::Patch, GroupBy::Vuln, GroupBy::Host, GroupBy::Owner] {
            let answer = fleet.asking(&scope).answer(&query, group);
            let (plain, excepted, left) = naive(&fleet, &scope, &query, group);
            prop_assert_eq!((answer.excepted, answer.aside), (excepted, left), "{}", text);
            prop_assert_eq!(answer.buckets.len(), plain.len(), "{}", text);
            let mut findings = 0;
            for bucket in &answer.buckets {
                let (classes, hosts, vulns) = &plain[&bucket.key];
                prop_assert_eq!(&bucket.classes, classes, "{} {:?}", text, bucket.key);
                prop_assert_eq!(&bucket.hosts, hosts, "{} {:?}", text, bucket.key);
                prop_assert_eq!(bucket.vulns, vulns.len(), "{} {:?}", text, bucket.key);
                prop_assert!(bucket.examples.iter().all(|v| vulns.contains(*v)));
                prop_assert_eq!(bucket.examples.len() as u64, vulns.len().min(3));
                findings += bucket.findings;
            }
            prop_assert_eq!(answer.findings, findings);
            let listed = fleet.asking(&scope).list(&query);
            let each: Vec<(SubjectNo, VulnNo, HostNo)> = listed
                .iter()
                .flat_map(|f| f.vulns.iter().flat_map(|v| f.hosts.iter().map(|h| (f.subject, *v, h))))
                .collect();
            let distinct: std::collections::BTreeSet<_> = each.iter().collect();
            prop_assert_eq!((each.len() as u64, distinct.len()), (findings, each.len()), "{}: each once", text);
            prop_assert!(answer.hosts.is_subset(&scope));
            prop_assert!(answer.buckets.windows(2).all(|w| w[0].worst() <= w[1].worst()));
        }
    }

    #[test]
    fn no_text_stops_the_parser(text in "[a-z:<>=,*\"() é]{0,40}") {
        if let Err(error) = parse(&text) {
            prop_assert!(error.at <= text.chars().count());
            prop_assert!(!error.hint.is_empty());
        }
    }
}

#[test]
fn the_test_fleets_have_something_of_everything() {
    // A property over empty answers would prove nothing.
    let fleet = fleet(7, 18);
    let scope = fleet.index.all().clone();
    let count = |text: &str| fleet.asking(&scope).answer(&parse(text).unwrap(), GroupBy::Patch).findings;
    let all = count("");
    assert!(all > 50, "{all}");
    for text in [
        "is:kev",
        "is:overdue",
        "is:excepted",
        "cvss>=7",
        "epss>0.3",
        "state:fix",
        "state:restart",
        "package:lib*",
        "zone:dmz",
        "os:debian",
        "ecosystem:debian",
        "ecosystem:PyPI",
        "source:zope_interface",
        "severity:unknown",
        "tier>=T2",
    ] {
        let some = count(text);
        assert!(some > 0 && some < all, "{text}: {some} of {all}");
        assert_eq!(some + count(&format!("not {text}")), all, "{text}");
    }
    // What is set aside is beside all of these, and comes only when it is asked for.
    let aside = count("is:set-aside");
    assert!(aside > 0);
    assert_eq!(count("not is:set-aside"), all);
    assert_eq!(count("is:set-aside or not is:set-aside"), all + aside);
    assert_eq!(fleet.asking(&scope).answer(&parse("").unwrap(), GroupBy::Patch).aside, aside);
}

#[test]
fn a_missing_score_fulfils_no_comparison() {
    let fleet = fleet(7, 18);
    let scope = fleet.index.all().clone();
    let count = |text: &str| fleet.asking(&scope).answer(&parse(text).unwrap(), GroupBy::Vuln).findings;
    assert!(count("epss>=0") + count("epss<0") < count(""));
    assert!(count("cvss<=10") < count(""));
}

#[test]
fn words_and_precedence() {
    let show = |text: &str| format!("{:?}", parse(text).unwrap().root);
    assert_eq!(show("a b or c"), "Or([And([Term(0), Term(1)]), Term(2)])");
    assert_eq!(show("a and not b AND c"), "And([Term(0), Not(Term(1)), Term(2)])");
    assert_eq!(show("(a or b) c"), "And([Or([Term(0), Term(1)]), Term(2)])");
    assert_eq!(show("  "), "All");
    assert_eq!(parse("\"and\"").unwrap().terms, [Term::Word(Pattern::within("and"))]);
    assert_eq!(parse("env:Test").unwrap(), parse("ENVIRONMENT:test").unwrap());
    // A bare word that only looks like a comparison is not one: it begins with a digit.
    assert!(matches!(parse("2024-1").unwrap().terms[..], [Term::Word(_)]));
}

#[test]
fn a_link_narrows_a_query_without_changing_it() {
    let narrow = |text: &str| narrowed(text, &term("source", "libx y"));
    assert_eq!(narrow(""), "source:\"libx y\"");
    assert_eq!(narrow("zone:dmz curl"), "zone:dmz curl and source:\"libx y\"");
    assert_eq!(narrow("is:kev or zone:dmz"), "(is:kev or zone:dmz) and source:\"libx y\"");
    assert_eq!(narrow(&narrow("is:kev or zone:dmz")), "(is:kev or zone:dmz) and source:\"libx y\"");
    assert!(parse(&narrow("zone:")).is_err());
    for (value, want) in [("Debian:12", "os:Debian:12"), ("", "os:\"\""), ("a,b", "os:\"a,b\""), ("a\"b", "os:\"a*b\"")]
    {
        assert_eq!(term("os", value), want);
        assert!(parse(want).is_ok(), "{want}");
    }
}

#[test]
fn errors_name_place_and_remedy() {
    let cases: &[(&str, usize, &str, &str)] = &[
        ("zone:dmz and ownr:x", 13, "no field `ownr`", "did you mean `owner`?"),
        ("tier:T11", 5, "`T11` is no value of `tier`", "did you mean `T1`? Values: T1, T2, T3, T4"),
        ("urgency:hihg", 8, "`hihg` is no value of `urgency`", "did you mean `high`?"),
        ("urgency>foo", 8, "`foo` is no value of `urgency`", "Values: low, medium, high"),
        ("is:late", 3, "`late` is no value of `is`", "overdue"),
        ("zone:dmz and", 12, "ends where a term is expected", "zone:dmz"),
        ("(zone:dmz", 0, "not closed", ")"),
        ("zone:dmz)", 8, "closes nothing", "remove"),
        ("zone:", 5, "a value is missing", "zone:dmz"),
        ("owner:\"a b", 6, "no second one", "\""),
        ("cvss>=11", 6, "no number from 0 to 10", "cvss>=7"),
        ("epss>lots", 5, "no number from 0 to 1", "epss>=0.7"),
        ("zone>dmz", 0, "cannot be compared", "zone:VALUE"),
        ("state>=fix", 7, "no order", "state:fix,restart"),
        ("severity>unknown", 9, "no place in the order", "severity:unknown"),
        ("a or or b", 5, "a term is expected", "quotes"),
        ("cvss>7,8", 5, "compared with one value", "or"),
    ];
    for (text, at, what, hint) in cases {
        let error = parse(text).unwrap_err();
        assert_eq!(error.at, *at, "{text}: {error:?}");
        assert!(error.what.contains(what), "{text}: {error:?}");
        assert!(error.hint.contains(hint), "{text}: {error:?}");
    }
    assert!(!parse("urgency>foo").unwrap_err().hint.contains("did you mean"), "two letters of three are another word");
    assert!(parse(&"(".repeat(60)).unwrap_err().what.contains("nested"));
    assert!(parse(&"a ".repeat(300)).unwrap_err().what.contains("terms"));
    assert!(parse(&"a".repeat(5_000)).unwrap_err().what.contains("longer"));
}

#[test]
fn signs_of_other_languages_are_refused_with_what_to_write() {
    let cases = [
        ("host!=web0", "`!=`", "write `not host:web0`"),
        ("host != web0", "`!=`", "write `not FIELD:VALUE`"),
        ("urgency!=high", "`!=`", "write `not urgency:high`"),
        ("!host:web0", "`!`", "write `not host:web0`"),
        ("!", "`!`", "write `not FIELD:VALUE`"),
        ("host~web", "`~`", "write `host:*web*`"),
        ("host=~web", "begin with `~`", "FIELD:VALUE"),
        ("host==web0", "begin with `=`", "FIELD:VALUE"),
        ("host = web0", "`=`", "write `FIELD:VALUE`"),
        ("urgency >= high", "`>=`", "right after each other"),
        ("set-aside=yes", "`=`", "write `FIELD:yes`"),
        ("package:openssl && tier:T1", "`&&`", "write `and`"),
        ("package:openssl&&tier:T1", "`&&`", "write `and`"),
        ("a || b", "`||`", "write `or`"),
        ("a | b", "`|`", "write `or`"),
        ("host:!web0", "begin with `!`", "not host:web0"),
        ("ownr:<b>", "no field `ownr`", "did you mean `owner`?"),
    ];
    for (text, what, hint) in cases {
        let error = parse(text).unwrap_err();
        assert!(error.what.contains(what), "{text}: {error:?}");
        assert!(error.hint.contains(hint), "{text}: {error:?}");
    }
    // In quotes everything is a word, and these are names as they come.
    for text in
        ["\"a!=b\"", "\"a && b\"", "host:\"=x\"", "owner:R&D", "libc6+deb12u1", "c++", "not host:web0", "epss>=0.7"]
    {
        assert!(parse(text).is_ok(), "{text}: {:?}", parse(text));
    }
    assert_eq!(parse("\"a!=b\"").unwrap().terms, [Term::Word(Pattern::within("a!=b"))]);
    assert!(parse(&term("host", "~x")).is_ok(), "a link asks for a name that begins with such a sign in quotes");
}
