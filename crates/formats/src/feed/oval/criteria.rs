//! From a tree of criteria to rows: each way to satisfy the tree that asks something of one package is a row.

use std::collections::{BTreeSet, HashMap};

use patchwright_domain::intel::{Affected, Event, Range, RangeKind, Status, VendorWords};

use crate::feed::rpm_update::release_number;
use crate::feed::ubuntu::ecosystem_of_version;

/// Most ways to satisfy one tree. The largest real ones (a kernel on 25 products) have a few thousand.
const WAYS_MAX: usize = 50_000;

/// Beginnings of the names of systems, as comments say `… is installed`.
const SYSTEMS: [&str; 14] = [
    "AlmaLinux",
    "Amazon Linux",
    "Azure Linux",
    "CBL-Mariner",
    "CentOS",
    "Debian",
    "Fedora",
    "Open Enterprise Server",
    "Oracle Linux",
    "Red Hat",
    "Rocky Linux",
    "SLE ",
    "SUSE ",
    "openSUSE",
];

/// A tree of criteria.
pub(super) enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Leaf { test: u32, comment: u32 },
}

/// A test, as far as packages matter.
pub(super) struct Test {
    pub(super) of_package: bool,
    pub(super) comment: String,
    /// `check="none satisfy"`: how publishers say that another system must be installed.
    pub(super) never: bool,
    pub(super) none_exist: bool,
    pub(super) object: u32,
    pub(super) states: Vec<u32>,
}

/// A state of a package: (operation, value) each.
#[derive(Default)]
pub(super) struct State {
    pub(super) evr: Option<(String, String)>,
    pub(super) version: Option<(String, String)>,
    pub(super) arch: Option<(String, String)>,
    pub(super) signed: bool,
}

/// Everything that criteria point to, by number of its id.
#[derive(Default)]
pub(super) struct Facts {
    pub(super) texts: Vec<String>,
    pub(super) tests: HashMap<u32, Test>,
    pub(super) objects: HashMap<u32, String>,
    pub(super) states: HashMap<u32, State>,
}

/// What a package must be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Is {
    Less(String),
    LessOrEqual(String),
    Greater(String),
    Exactly(String),
    Installed,
    NotInstalled,
    NotAffected,
}

/// What a leaf says.
enum Fact<'f> {
    /// Something of the machine that is not a package: architecture, signature, which kernel runs.
    Environment,
    /// Never true where the feed is used.
    Never,
    System(&'f str),
    Module(&'f str),
    Package(&'f str, Is),
    Unreadable(String),
}

impl Facts {
    fn text(&self, number: u32) -> &str {
        self.texts.get(number as usize).map_or("", String::as_str)
    }

    fn fact(&self, test: u32, comment: u32) -> Fact<'_> {
        let Some(found) = self.tests.get(&test) else {
            return match by_comment(self.text(comment)) {
                Some(fact) => fact,
                None => Fact::Unreadable(format!("test {} is not in the document", self.text(test))),
            };
        };
        if found.never {
            return Fact::Never;
        }
        let said = if found.comment.is_empty() { self.text(comment) } else { &found.comment };
        // SUSE says what a test of a release package means beside the criterion only.
        if let Some(fact) = by_comment(said).or_else(|| by_comment(self.text(comment))) {
            return fact;
        }
        if !found.of_package {
            return Fact::Environment;
        }
        let Some(name) = self.objects.get(&found.object).filter(|name| !name.is_empty()) else {
            return Fact::Unreadable(format!("test {} names no package", self.text(test)));
        };
        let states: Option<Vec<&State>> = found.states.iter().map(|id| self.states.get(id)).collect();
        let Some(states) = states else {
            return Fact::Unreadable(format!("test {} has a state that is not in the document", self.text(test)));
        };
        if states.iter().any(|state| state.signed) {
            return Fact::Environment;
        }
        if let Some((operation, value)) = states.iter().find_map(|state| state.evr.as_ref()) {
            let value = value.strip_prefix("0:").unwrap_or(value).to_owned();
            return match operation.as_str() {
                "less than" if matches!(value.as_str(), "0" | "0-0" | "") => Fact::Package(name, Is::NotAffected),
                "less than" => Fact::Package(name, Is::Less(value)),
                "less than or equal" => Fact::Package(name, Is::LessOrEqual(value)),
                "greater than" | "greater than or equal" => Fact::Package(name, Is::Greater(value)),
                "equals" => Fact::Package(name, Is::Exactly(value)),
                other => Fact::Unreadable(format!("a version is compared with `{other}`")),
            };
        }
        match states.iter().find_map(|state| state.version.as_ref()) {
            // SUSE's way to say that a product has the package and not the flaw.
            Some((_, zero)) if zero == "0" => Fact::Package(name, Is::NotAffected),
            Some(_) => Fact::Environment,
            None if states.iter().any(|state| state.arch.is_some()) => Fact::Environment,
            None if found.none_exist => Fact::Package(name, Is::NotInstalled),
            None => Fact::Package(name, Is::Installed),
        }
    }
}

fn by_comment(comment: &str) -> Option<Fact<'_>> {
    if let Some(module) = comment.strip_prefix("Module ").and_then(|rest| rest.strip_suffix(" is enabled")) {
        return Some(Fact::Module(module));
    }
    let system = comment.strip_suffix(" is installed")?;
    SYSTEMS.iter().any(|start| system.starts_with(start)).then_some(Fact::System(system))
}

/// One way to satisfy a tree: on any of these systems, all of these conditions.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Way<'f> {
    systems: BTreeSet<&'f str>,
    modules: BTreeSet<&'f str>,
    packages: BTreeSet<(&'f str, Is)>,
}

impl<'f> Way<'f> {
    fn is_plain(&self) -> bool {
        self.modules.is_empty() && self.packages.is_empty()
    }

    fn and(&self, other: &Way<'f>) -> Way<'f> {
        let common: BTreeSet<&str> = self.systems.intersection(&other.systems).copied().collect();
        let systems = match (self.systems.is_empty(), other.systems.is_empty()) {
            (true, _) => other.systems.clone(),
            (_, true) => self.systems.clone(),
            (false, false) if common.is_empty() => self.systems.union(&other.systems).copied().collect(),
            (false, false) => common,
        };
        Way {
            systems,
            modules: self.modules.union(&other.modules).copied().collect(),
            packages: self.packages.union(&other.packages).cloned().collect(),
        }
    }
}

/// The ways to satisfy a tree.
fn ways<'f>(node: &Node, facts: &'f Facts, odd: &mut BTreeSet<String>) -> Result<Vec<Way<'f>>, String> {
    match node {
        Node::Leaf { test, comment } => {
            let mut way = Way::default();
            match facts.fact(*test, *comment) {
                Fact::Environment => {}
                Fact::Never => return Ok(Vec::new()),
                Fact::System(name) => drop(way.systems.insert(name)),
                Fact::Module(name) => drop(way.modules.insert(name)),
                Fact::Package(name, is) => drop(way.packages.insert((name, is))),
                Fact::Unreadable(why) => {
                    odd.insert(why);
                    return Ok(Vec::new());
                }
            }
            Ok(vec![way])
        }
        Node::Any(children) => {
            let mut all: Vec<Way<'f>> = Vec::new();
            let mut plain: Option<Way<'f>> = None;
            for child in children {
                for way in ways(child, facts, odd)? {
                    if way.is_plain() {
                        plain.get_or_insert_with(Way::default).systems.extend(way.systems);
                    } else {
                        all.push(way);
                    }
                }
            }
            // What any machine satisfies makes its alternatives needless; a choice of systems is one way.
            if plain.as_ref().is_some_and(|way| way.systems.is_empty()) {
                all.clear();
            }
            all.extend(plain);
            within(all)
        }
        Node::All(children) => {
            let mut all = vec![Way::default()];
            for child in children {
                let more = ways(child, facts, odd)?;
                if all.len().saturating_mul(more.len()) > WAYS_MAX {
                    return Err(format!("criteria can be satisfied in more than {WAYS_MAX} ways"));
                }
                all = all.iter().flat_map(|a| more.iter().map(move |b| a.and(b))).collect();
            }
            within(all)
        }
    }
}

fn within(mut all: Vec<Way<'_>>) -> Result<Vec<Way<'_>>, String> {
    all.sort_unstable();
    all.dedup();
    if all.len() > WAYS_MAX { Err(format!("criteria can be satisfied in more than {WAYS_MAX} ways")) } else { Ok(all) }
}

/// The rows of a definition, and what of it could not be made a row.
pub(super) fn rows(
    tree: &Node,
    platforms: &[String],
    facts: &Facts,
) -> Result<(Vec<Affected>, BTreeSet<String>), String> {
    let mut odd = BTreeSet::new();
    let mut out: Vec<Affected> = Vec::new();
    for way in ways(tree, facts, &mut odd)? {
        match row(&way) {
            Ok(None) => {}
            Ok(Some((name, affected))) => {
                let systems: Vec<&str> = match way.systems.is_empty() {
                    true => platforms.iter().map(String::as_str).collect(),
                    false => way.systems.iter().copied().collect(),
                };
                let version = way.packages.iter().find_map(|(_, is)| is.version()).unwrap_or_default();
                let known: BTreeSet<String> = systems.iter().filter_map(|name| ecosystem(name, version)).collect();
                if known.is_empty() {
                    odd.insert(format!("a statement about {name} does not say for which release"));
                }
                out.extend(known.into_iter().map(|ecosystem| Affected {
                    ecosystem,
                    package: name.to_owned(),
                    module: match way.modules.is_empty() {
                        true => None,
                        false => Some(way.modules.iter().copied().collect::<Vec<_>>().join(",")),
                    },
                    ..affected.clone()
                }));
            }
            Err(why) => drop(odd.insert(why)),
        }
    }
    // Ways that differ in what is not kept (which kernel runs) give the same row; publishers' order is of no meaning.
    let mut once = BTreeSet::new();
    out.retain(|a| once.insert(format!("{a:?}")));
    if out.is_empty() {
        let why = odd.pop_first().unwrap_or_else(|| "no criterion compares the version of a package".to_owned());
        return Err(format!("definition gives no statement about packages: {why}"));
    }
    Ok((out, odd))
}

impl Is {
    fn version(&self) -> Option<&str> {
        match self {
            Self::Less(v) | Self::LessOrEqual(v) | Self::Greater(v) | Self::Exactly(v) => Some(v),
            Self::Installed | Self::NotInstalled | Self::NotAffected => None,
        }
    }
}

/// The statement of one way, and the package; nothing when it asks nothing of a package.
fn row<'f>(way: &Way<'f>) -> Result<Option<(&'f str, Affected)>, String> {
    // A kernel update also asks that no live patch fixes the flaw already: which one runs is not known of a host.
    let live = |name: &str| name.starts_with("kpatch-patch");
    let others: BTreeSet<&str> = way.packages.iter().map(|(name, _)| *name).filter(|name| !live(name)).collect();
    let all: BTreeSet<&str> = way.packages.iter().map(|(name, _)| *name).collect();
    let names = if others.is_empty() { all } else { others };
    let mut names = names.into_iter();
    let Some(name) = names.next() else { return Ok(None) };
    if let Some(second) = names.next() {
        return Err(format!("a statement asks something of {name} and of {second} at once"));
    }
    let own: Vec<&Is> = way.packages.iter().filter(|(n, _)| *n == name).map(|(_, is)| is).collect();
    let has = |wanted: &Is| own.contains(&wanted);
    let mut events = Vec::new();
    let mut versions = Vec::new();
    let mut status = Status::Affected;
    if has(&Is::NotAffected) || (has(&Is::Installed) && has(&Is::NotInstalled)) {
        status = Status::NotAffected;
    } else if has(&Is::NotInstalled) {
        return Ok(None);
    } else {
        // Several bounds: the highest lower one and the lowest upper one would decide; publishers give one of each.
        events.push(Event::Introduced("0".to_owned()));
        for is in own {
            match is {
                Is::Greater(v) => events = vec![Event::Introduced(v.clone())],
                Is::Exactly(v) => versions.push(v.clone()),
                Is::Less(_) | Is::LessOrEqual(_) | Is::Installed | Is::NotInstalled | Is::NotAffected => {}
            }
        }
        for (_, is) in way.packages.iter().filter(|(n, _)| *n == name) {
            match is {
                Is::Less(v) => {
                    status = Status::Fixed;
                    events.push(Event::Fixed(v.clone()));
                }
                Is::LessOrEqual(v) => events.push(Event::LastAffected(v.clone())),
                Is::Greater(_) | Is::Exactly(_) | Is::Installed | Is::NotInstalled | Is::NotAffected => {}
            }
        }
        if !versions.is_empty() {
            events.clear();
        }
    }
    let ranges = match events.is_empty() {
        true => Vec::new(),
        false => vec![Range { kind: RangeKind::Ecosystem, events }],
    };
    Ok(Some((name, Affected { status, ranges, versions, vendor: VendorWords::default(), ..Affected::default() })))
}

/// The ecosystem of a system's name. `version` of the package tells the number where the name does not.
fn ecosystem(system: &str, version: &str) -> Option<String> {
    let number = |rest: &str| {
        let word = rest.split_whitespace().next().unwrap_or_default();
        let major = word.split('.').next().unwrap_or_default();
        (!major.is_empty() && major.bytes().all(|b| b.is_ascii_digit())).then(|| major.to_owned())
    };
    if let Some(rest) = system.strip_prefix("Red Hat Enterprise Linux") {
        // `8.6 EUS` and the like are releases of their own.
        let rest = rest.trim();
        let plain = rest.bytes().all(|b| b.is_ascii_digit());
        return Some(if plain { format!("Red Hat:{rest}") } else { format!("Red Hat:Enterprise Linux {rest}") });
    }
    for (start, family) in [
        ("Debian GNU/Linux", "Debian"),
        ("Debian", "Debian"),
        ("AlmaLinux", "AlmaLinux"),
        ("Rocky Linux", "Rocky Linux"),
        ("Oracle Linux", "Oracle Linux"),
        ("Fedora", "Fedora"),
        ("Amazon Linux", "Amazon Linux"),
        ("Azure Linux", "Azure Linux"),
        ("CBL-Mariner", "Azure Linux"),
    ] {
        if let Some(rest) = system.strip_prefix(start) {
            let told = number(rest).or_else(|| release_number(version).map(str::to_owned));
            return told.map(|number| format!("{family}:{number}"));
        }
    }
    if let Some(rest) = system.strip_prefix("Ubuntu ") {
        return Some(ecosystem_of_version(rest.split_whitespace().next()?));
    }
    if let Some(rest) = system.strip_prefix("openSUSE ") {
        return Some(format!("openSUSE:{rest}"));
    }
    if let Some(rest) = system.strip_prefix("SUSE ") {
        return Some(format!("SUSE:{rest}"));
    }
    Some(format!("SUSE:{system}")).filter(|_| SYSTEMS.iter().any(|start| system.starts_with(start)))
}
