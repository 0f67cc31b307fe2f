//! Ansible inventories: INI, YAML, and the JSON of `ansible-inventory --list`. Source: the pages "How to build your inventory" and
//! "Developing dynamic inventory" of the Ansible documentation.
//!
//! Variables win in Ansible's order: `all`, then groups by depth, within a depth by `ansible_group_priority` and name, then the
//! host. Values are never evaluated: a template (`{{ … }}`) or a vault is noted and left out. Aliases of YAML and its `<<` are followed.

use std::collections::{BTreeMap, BTreeSet};

use patchwright_domain::inventory::asset::Field;
use serde_json::Value;

use super::csv::Column;
use super::{AssetError, AssetRecord, Assets, RECORDS_MAX};

const FORMAT: &str = "Ansible inventory";
/// Deepest nesting of groups.
const DEPTH_MAX: usize = 64;

type Vars = BTreeMap<String, Value>;

#[derive(Default)]
struct Group {
    hosts: BTreeSet<String>,
    children: BTreeSet<String>,
    vars: Vars,
}

#[derive(Default)]
struct Inventory {
    groups: BTreeMap<String, Group>,
    hosts: BTreeMap<String, Vars>,
}

/// Variables of a field or key, the strongest first; `patchwright_WORD` stands above them all.
fn variables(column: Column) -> &'static [&'static str] {
    match column {
        Column::Field(Field::Environment) => &["environment", "env"],
        Column::Field(Field::Tier) => &["tier"],
        Column::Field(Field::DataClass) => &["data_class"],
        Column::Field(Field::Exposure) => &["exposure"],
        Column::Field(Field::Zone) => &["zone", "site", "datacenter"],
        Column::Field(Field::Owner) => &["owner", "team"],
        Column::Field(Field::Services) => &["services", "service"],
        Column::Field(Field::Tags) => &["tags"],
        Column::Fqdn => &["fqdn"],
        Column::Serial => &["serial_number"],
        Column::CloudId => &["cloud_id", "instance_id"],
        Column::Mac => &["mac_address"],
        Column::Os => &["os"],
        Column::Hostname | Column::Machine | Column::Groups => &[],
    }
}

/// Reads an inventory in any of the three forms.
///
/// # Errors
/// [`AssetError`] when it is none of them.
pub fn read(bytes: &[u8]) -> Result<Assets, AssetError> {
    let fail = |why: String| AssetError { format: FORMAT, why };
    let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
    let mut assets = Assets::default();
    let mut inventory = Inventory::default();
    let first = text.lines().map(str::trim).find(|l| !l.is_empty() && !l.starts_with(['#', ';'])).unwrap_or_default();
    // The output of `--list` is JSON with lists of hosts; what else begins with a bracket is YAML in flow style, as JSON may be too.
    let listed = if first.starts_with('{') { serde_json::from_str::<Value>(&text).ok() } else { None };
    if let Some(value) = listed.filter(|value| !has_maps_of_hosts(value)) {
        json(&value, &mut inventory, &mut assets).map_err(fail)?;
    } else if is_yaml(first) {
        let documents = crate::yaml::documents_with_aliases(&text).map_err(fail)?;
        let [Value::Object(top)] = documents.as_slice() else {
            return Err(fail("YAML inventories are one map of groups".to_owned()));
        };
        for (name, body) in top {
            yaml_group(name, body, None, 0, &mut inventory, &mut assets);
        }
    } else if first.is_empty() {
        return Err(fail("it is empty".to_owned()));
    } else {
        ini(&text, &mut inventory, &mut assets);
        if inventory.hosts.is_empty() && inventory.groups.is_empty() && assets.lost == 0 {
            return Err(fail("no line of it names a host or a group".to_owned()));
        }
    }
    finish(&inventory, &mut assets);
    Ok(assets)
}

/// Whether the first line that says something is of YAML: a mark, a bracket, or a key with its colon. A line of INI begins with a section
/// or a host, and a colon in it is followed by a port.
fn is_yaml(first: &str) -> bool {
    if first.starts_with(['{', '%']) || first.split_ascii_whitespace().next() == Some("---") {
        return true;
    }
    let quoted = first.chars().next().filter(|c| matches!(c, '"' | '\''));
    let (key, rest) = match quoted.and_then(|quote| first.get(1..)?.split_once(quote)) {
        Some((key, rest)) => (key, rest.trim_start()),
        None => match first.find(": ").or_else(|| first.len().checked_sub(1).filter(|_| first.ends_with(':'))) {
            Some(colon) => first.split_at(colon),
            None => return false,
        },
    };
    // `fe80:: x=y` is a host, and so is `web1 note="a: b"`.
    let word = quoted.is_some() || (!key.trim_end().contains([' ', '\t', '[', '=']) && !key.ends_with(':'));
    !key.is_empty() && word && (rest == ":" || rest.starts_with(": "))
}

/// Whether a group has a map of hosts or of groups, as in an inventory file; the output of `--list` has lists.
fn has_maps_of_hosts(value: &Value) -> bool {
    let group = |body: &Value| ["hosts", "children"].iter().any(|key| body.get(key).is_some_and(Value::is_object));
    value.as_object().is_some_and(|top| !top.contains_key("_meta") && top.values().any(group))
}

fn json(value: &Value, inventory: &mut Inventory, assets: &mut Assets) -> Result<(), String> {
    let Value::Object(top) = value else { return Err("the JSON is not one object of groups".to_owned()) };
    if !top.contains_key("_meta")
        && !top.values().any(|g| g.is_array() || g.get("hosts").is_some() || g.get("children").is_some())
    {
        return Err("no member of the JSON is a group".to_owned());
    }
    for (name, body) in top {
        if name == "_meta" {
            let hosts = body.get("hostvars").and_then(Value::as_object);
            for (host, vars) in hosts.into_iter().flatten() {
                inventory.hosts.entry(host.clone()).or_default().extend(object(Some(vars)));
            }
            continue;
        }
        let group = inventory.groups.entry(name.clone()).or_default();
        let list = |key: &str| body.get(key).and_then(Value::as_array).into_iter().flatten();
        for host in list("hosts").chain(body.as_array().into_iter().flatten()) {
            match host.as_str() {
                Some(host) => {
                    group.hosts.insert(host.to_owned());
                    inventory.hosts.entry(host.to_owned()).or_default();
                }
                None => assets.lose(&format!("group {name}"), "a host is not a name", &host.to_string()),
            }
        }
        group.children.extend(list("children").filter_map(Value::as_str).map(str::to_owned));
        group.vars.extend(object(body.get("vars")));
    }
    Ok(())
}

fn object(value: Option<&Value>) -> Vars {
    value
        .and_then(Value::as_object)
        .map(|o| o.iter().map(|(k, v)| (k.clone(), v.clone())).collect())
        .unwrap_or_default()
}

fn yaml_group(
    name: &str,
    body: &Value,
    parent: Option<&str>,
    depth: usize,
    inventory: &mut Inventory,
    assets: &mut Assets,
) {
    let at = format!("group {name}");
    if depth > DEPTH_MAX {
        return assets.note(&at, "groups are nested too deep", "");
    }
    if let Some(parent) = parent {
        inventory.groups.entry(parent.to_owned()).or_default().children.insert(name.to_owned());
    }
    inventory.groups.entry(name.to_owned()).or_default();
    let map = match body {
        Value::Object(map) => map,
        Value::Null => return,
        Value::String(_) | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            return assets.note(&at, "the group is not a map", &body.to_string());
        }
    };
    for (key, value) in map {
        match (key.as_str(), value) {
            ("hosts", Value::Object(hosts)) => {
                for (pattern, vars) in hosts {
                    for host in names(pattern, &at, assets) {
                        inventory.hosts.entry(host.clone()).or_default().extend(object(Some(vars)));
                        inventory.groups.entry(name.to_owned()).or_default().hosts.insert(host);
                    }
                }
            }
            ("children", Value::Object(children)) => {
                for (child, body) in children {
                    yaml_group(child, body, Some(name), depth.saturating_add(1), inventory, assets);
                }
            }
            ("vars", Value::Object(_)) => {
                inventory.groups.entry(name.to_owned()).or_default().vars.extend(object(Some(value)));
            }
            ("hosts" | "children" | "vars", Value::Null) => {}
            _ => assets.note(&at, format!("`{key}` is not understood in a group"), &value.to_string()),
        }
    }
}

enum Section {
    Hosts(String),
    Vars(String),
    Children(String),
    Broken,
}

fn ini(text: &str, inventory: &mut Inventory, assets: &mut Assets) {
    let mut section = Section::Hosts("ungrouped".to_owned());
    for (line, number) in text.lines().map(str::trim).zip(1_usize..) {
        let at = format!("line {number}");
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[')
            && let Some((inside, after)) = rest.split_once(']')
            && (after.trim().is_empty() || after.trim_start().starts_with('#'))
        {
            section = match inside.trim().split_once(':') {
                None => Section::Hosts(inside.trim().to_owned()),
                Some((group, "vars")) => Section::Vars(group.to_owned()),
                Some((group, "children")) => Section::Children(group.to_owned()),
                Some(_) => {
                    assets.note(&at, "this kind of section is not known; its lines are left out", line);
                    Section::Broken
                }
            };
            if let Section::Hosts(group) | Section::Vars(group) | Section::Children(group) = &section {
                inventory.groups.entry(group.clone()).or_default();
            }
            continue;
        }
        match &section {
            Section::Hosts(group) => {
                let Some(words) = words(line) else {
                    assets.lose(&at, "a quote is not closed", line);
                    continue;
                };
                let mut words = words.into_iter();
                let pattern = words.next().unwrap_or_default();
                let mut vars = Vars::new();
                for word in words {
                    match word.split_once('=') {
                        Some((key, value)) => {
                            vars.insert(key.to_owned(), Value::String(value.to_owned()));
                        }
                        None => assets.note(&at, "a word is no variable", &word),
                    }
                }
                for host in names(&pattern, &at, assets) {
                    inventory.hosts.entry(host.clone()).or_default().extend(vars.clone());
                    inventory.groups.entry(group.clone()).or_default().hosts.insert(host);
                }
            }
            Section::Vars(group) => match line.split_once('=') {
                Some((key, value)) => {
                    let value = value.trim();
                    let bare =
                        ['"', '\''].into_iter().find_map(|q| value.strip_prefix(q)?.strip_suffix(q)).unwrap_or(value);
                    let vars = &mut inventory.groups.entry(group.clone()).or_default().vars;
                    vars.insert(key.trim().to_owned(), Value::String(bare.to_owned()));
                }
                None => assets.note(&at, "a line of variables has no `=`", line),
            },
            Section::Children(group) => {
                let child = line.split_whitespace().next().unwrap_or_default().to_owned();
                inventory.groups.entry(child.clone()).or_default();
                inventory.groups.entry(group.clone()).or_default().children.insert(child);
            }
            Section::Broken => {}
        }
    }
}

/// Words of a host line as a shell would split them, without comments; nothing when a quote stays open.
fn words(line: &str) -> Option<Vec<String>> {
    let (mut out, mut word, mut started, mut quote) = (Vec::new(), String::new(), false, None);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some('"') | None, '\\') => word.extend(chars.next()),
            (Some(_), c) => word.push(c),
            (None, '"' | '\'') => (quote, started) = (Some(c), true),
            (None, '#') if !started => break,
            (None, c) if c.is_whitespace() => {
                if started {
                    out.push(std::mem::take(&mut word));
                    started = false;
                }
            }
            (None, c) => {
                word.push(c);
                started = true;
            }
        }
    }
    if quote.is_some() {
        return None;
    }
    if started {
        out.push(word);
    }
    Some(out)
}

/// The hosts that a pattern stands for: `web[01:03].example.org`, `db-[a:c]`, `n[0:10:5]`; a port is cut off.
fn names(pattern: &str, at: &str, assets: &mut Assets) -> Vec<String> {
    let mut done = Vec::new();
    let mut open = vec![pattern.to_owned()];
    while let Some(next) = open.pop() {
        let split = next.split_once('[').and_then(|(head, rest)| {
            let (range, tail) = rest.split_once(']')?;
            range.contains(':').then_some((head, range, tail))
        });
        let Some((head, range, tail)) = split else {
            let host = match next.rsplit_once(':') {
                Some((host, port)) if !host.contains(':') && port.bytes().all(|b| b.is_ascii_digit()) => host,
                Some(_) | None => next.as_str(),
            };
            done.push(host.to_owned());
            continue;
        };
        let Some(values) = expand(range) else {
            assets.lose(at, format!("`[{range}]` is no range"), pattern);
            return Vec::new();
        };
        if done.len().saturating_add(open.len()).saturating_add(values.len()) > RECORDS_MAX {
            assets.lose(at, format!("it stands for more than {RECORDS_MAX} hosts"), pattern);
            return Vec::new();
        }
        open.extend(values.into_iter().rev().map(|value| format!("{head}{value}{tail}")));
    }
    done
}

fn expand(range: &str) -> Option<Vec<String>> {
    let mut parts = range.split(':');
    let (from, to) = (parts.next()?, parts.next()?);
    let step: usize = parts.next().map_or(Some(1), |s| s.parse().ok()).filter(|s| *s > 0)?;
    if parts.next().is_some() {
        return None;
    }
    if let (Ok(low), Ok(high)) = (if from.is_empty() { Ok(0) } else { from.parse::<u32>() }, to.parse::<u32>()) {
        let width = if from.starts_with('0') && from.len() > 1 { from.len() } else { 0 };
        let many = usize::try_from(high.checked_sub(low)?).ok()?;
        if many > RECORDS_MAX {
            return None;
        }
        return Some((low..=high).step_by(step).map(|n| format!("{n:0width$}")).collect());
    }
    let letter = |text: &str| {
        let mut chars = text.chars();
        chars.next().filter(|c| c.is_ascii_alphabetic() && chars.next().is_none())
    };
    let (low, high) = (letter(from)?, letter(to)?);
    (low <= high).then(|| (low..=high).step_by(step).map(|c| c.to_string()).collect())
}

/// Depth of each group below `all`; a circle of groups ends at the limit with a problem.
fn depths<'i>(inventory: &'i Inventory, assets: &mut Assets) -> BTreeMap<&'i str, usize> {
    let mut depth: BTreeMap<&str, usize> =
        inventory.groups.keys().map(|g| (g.as_str(), usize::from(g != "all"))).collect();
    for round in 0..=DEPTH_MAX {
        let mut moved = false;
        for (name, group) in &inventory.groups {
            let below = depth.get(name.as_str()).copied().unwrap_or(1).saturating_add(1);
            for child in group.children.iter().filter(|c| *c != "all" && name != "all") {
                let place = depth.entry(child.as_str()).or_insert(1);
                if *place < below {
                    *place = below;
                    moved = true;
                }
            }
        }
        if !moved {
            return depth;
        }
        if round == DEPTH_MAX {
            assets.note("groups", "groups are children of each other in a circle", "");
        }
    }
    depth
}

fn finish(inventory: &Inventory, assets: &mut Assets) {
    let depth = depths(inventory, assets);
    let mut parents: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut member: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, group) in &inventory.groups {
        for child in &group.children {
            parents.entry(child).or_default().insert(name);
        }
        for host in &group.hosts {
            member.entry(host).or_default().insert(name);
        }
    }
    for (host, own) in &inventory.hosts {
        let mut groups: BTreeSet<&str> = BTreeSet::from(["all"]);
        let mut open: Vec<&str> = member.get(host.as_str()).into_iter().flatten().copied().collect();
        while let Some(group) = open.pop() {
            if groups.insert(group) {
                open.extend(parents.get(group).into_iter().flatten());
            }
        }
        let vars_of = |group: &str| inventory.groups.get(group).map(|g| &g.vars);
        let priority = |group: &str| {
            let value = vars_of(group).and_then(|v| v.get("ansible_group_priority"));
            value.and_then(|v| v.as_i64().or_else(|| v.as_str()?.parse().ok())).unwrap_or(1_i64)
        };
        let mut order: Vec<(usize, i64, &str)> =
            groups.iter().map(|g| (depth.get(g).copied().unwrap_or(0), priority(g), *g)).collect();
        order.sort_unstable();
        let mut vars: BTreeMap<&str, &Value> = BTreeMap::new();
        for (_, _, group) in order {
            vars.extend(vars_of(group).into_iter().flatten().map(|(k, v)| (k.as_str(), v)));
        }
        vars.extend(own.iter().map(|(k, v)| (k.as_str(), v)));
        let mut record = AssetRecord { at: format!("host {host}"), ..AssetRecord::default() };
        host.clone_into(&mut record.keys.hostname);
        record.groups = groups.into_iter().filter(|g| !matches!(*g, "all" | "ungrouped")).map(str::to_owned).collect();
        for column in Column::ALL {
            let ours = format!("patchwright_{}", column.word());
            let found = vars.get(ours.as_str()).or_else(|| variables(column).iter().find_map(|name| vars.get(name)));
            let Some(text) = found.and_then(|value| plain(value, &record.at, assets)).filter(|t| !t.is_empty()) else {
                continue;
            };
            match column {
                Column::Fqdn => record.keys.fqdn = text,
                Column::Machine => record.keys.machine = text,
                Column::Serial => record.keys.serial = text,
                Column::CloudId => record.keys.cloud_id = text,
                Column::Mac => record.keys.mac = text,
                Column::Os => record.os = text,
                Column::Field(field) => assets.field(&mut record, field, &text),
                Column::Hostname | Column::Groups => {}
            }
        }
        assets.take(record);
    }
}

/// A variable as text; lists become words separated by `;`, written as lists or as Python writes them.
fn plain(value: &Value, at: &str, assets: &mut Assets) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(";"),
        Value::Null => return None,
        Value::Object(_) => {
            assets.note(at, "a map is no value of a field", &value.to_string());
            return None;
        }
    };
    if text.contains("{{") || text.starts_with("$ANSIBLE_VAULT") {
        assets.note(at, "a template or vault is not evaluated and left out", &text);
        return None;
    }
    let list = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    Some(list.map_or(text.clone(), |inside| {
        inside.split(',').map(|part| part.trim().trim_matches(['"', '\''])).collect::<Vec<_>>().join(";")
    }))
}
