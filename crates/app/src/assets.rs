//! Assets: what inventories and configuration databases say about hosts, rules for the rest, and who said what.
//!
//! An import is planned first and applied as planned: each host is guarded by the generation that the plan saw.

use std::collections::{BTreeMap, BTreeSet};

use patchwright_domain::access::{Action, Target, may_move};
use patchwright_domain::audit::AuditEntry;
use patchwright_domain::decision::profile::AssetProfile;
use patchwright_domain::ids::{HostId, PolicyId};
use patchwright_domain::inventory::asset::identity::{
    self, Conflict, Index, Known, Resolution, conflicts, doubles, name_key,
};
use patchwright_domain::inventory::asset::rules::{Asset, Rules};
use patchwright_domain::inventory::asset::{
    Claim, Field, Outcome, Settled, Source, Sources, Standing, rules_again, settle,
};
use patchwright_domain::time::Timestamp;
use patchwright_formats::asset::AssetRecord;
use patchwright_store::{Host, HostFilter, HostOrder, PAGE_MAX, PolicyVersion, Reader, StoredAsset};
use sha2::{Digest as _, Sha256};

use crate::audit::Names;
use crate::error::AppError;
use crate::{Ctx, Env, Result};

mod bulk;

pub use bulk::{BulkPlan, BulkRow, Edit, HOSTS_MAX, bulk_apply, bulk_plan};

/// Kind of the policy document that holds the rules.
pub const KIND: &str = "assets";
/// Hosts whose sources are fetched at once.
const FETCH: usize = 500;
/// Longest name of an import.
const SOURCE_MAX: usize = 100;

/// What an import would do with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Its keys contradict each other: nothing is done with it.
    Conflict,
    /// In the CMDB but never enrolled, and not known before.
    New,
    /// A host gets other values.
    Changed,
    /// Nothing new.
    Unchanged,
}

impl Verdict {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::New => "new",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
        }
    }
}

/// One row of a plan.
#[derive(Clone, Debug, serde::Serialize)]
pub struct PlanRow {
    /// What would happen.
    pub verdict: Verdict,
    /// Name in the record.
    pub name: String,
    /// Host that it speaks of.
    pub host: Option<HostId>,
    /// Keys that say so, changes, and what stays against the record, in words.
    pub why: Vec<String>,
    #[serde(skip)]
    change: Option<Change>,
}

/// A change of one host that was decided but not written.
#[derive(Clone, Debug)]
struct Change {
    host: Host,
    settled: Settled,
}

/// What an import would do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// One row for each record, conflicts first.
    pub rows: Vec<PlanRow>,
    source: String,
    at: Timestamp,
    records: Vec<StoredAsset>,
}

impl Plan {
    /// Records with this verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.rows.iter().filter(|r| r.verdict == verdict).count()
    }
}

/// Everything that is known before a decision.
struct Scene {
    hosts: BTreeMap<HostId, Host>,
    sources: BTreeMap<HostId, Sources>,
    records: Vec<(StoredAsset, AssetRecord)>,
    index: Index,
    rules: Rules,
}

/// The rules in force.
///
/// # Errors
/// The database, or stored rules that no longer parse.
pub(crate) async fn rules(read: &mut Reader) -> Result<Rules> {
    match read.policy_active(KIND).await? {
        None => Ok(Rules::default()),
        Some(version) => rules_parse(&version.text),
    }
}

fn rules_parse(text: &str) -> Result<Rules> {
    Rules::parse(text).map_err(|e| {
        AppError::invalid(
            "asset_rules_invalid",
            format!("the rules cannot be read: {e}"),
            "docs/guides/assets.md shows rules",
        )
    })
}

/// Ties every stored record to its host, so that a key that any of them said goes on counting: to the host that it was found to speak of
/// at its import, else to the one that its names and machine digest mean.
fn tie(mut known: Vec<Known>, records: &[(StoredAsset, AssetRecord)]) -> Index {
    let by_name = Index::new(known.clone());
    let places: BTreeMap<HostId, usize> = known.iter().zip(0..).map(|(host, place)| (host.id.clone(), place)).collect();
    for (_, record) in records.iter().filter(|(_, record)| record.conflict.is_none()) {
        let found =
            record.host.clone().filter(|id| places.contains_key(id)).or_else(|| match by_name.resolve(&record.keys) {
                Resolution::Host { id, .. } => Some(id),
                Resolution::NeverEnrolled | Resolution::Conflict { .. } => None,
            });
        if let Some(host) = found.and_then(|id| places.get(&id)).and_then(|place| known.get_mut(*place)) {
            host.before.push(record.keys.clone());
        }
    }
    Index::new(known)
}

pub(crate) fn record_of(stored: &StoredAsset) -> Result<AssetRecord> {
    serde_json::from_value(stored.content.clone())
        .map_err(|e| AppError::internal("failed to read a stored asset record", e))
}

/// Claims of a record.
fn claims(record: &AssetRecord, source: &str, at: Timestamp) -> Vec<Claim> {
    let by = Source { by: Standing::Import, who: source.to_owned(), at };
    record
        .fields
        .iter()
        .map(|(field, value)| Claim { field: *field, value: value.clone(), source: by.clone() })
        .collect()
}

impl Scene {
    async fn load(env: &Env, ctx: &Ctx) -> Result<Self> {
        let mut read = env.db().read().await?;
        let filter = HostFilter::of(ctx.actor.scope());
        let (mut hosts, mut after) = (BTreeMap::new(), None::<String>);
        loop {
            let page = read.host_list(&filter, HostOrder::Name, after.as_deref(), PAGE_MAX).await?;
            hosts.extend(page.hosts.into_iter().map(|h| (h.id.clone(), h)));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let ids: Vec<HostId> = hosts.keys().cloned().collect();
        let mut sources = BTreeMap::new();
        for part in ids.chunks(FETCH) {
            sources.extend(read.profile_sources_fetch(part).await?);
        }
        let mut records = Vec::new();
        for stored in read.asset_record_list().await? {
            let record = record_of(&stored)?;
            records.push((stored, record));
        }
        let known = hosts.values().map(|host| Known {
            id: host.id.clone(),
            hostname: host.hostname.clone(),
            machine: host.machine.clone(),
            last_seen: host.last_seen,
            before: Vec::new(),
        });
        let index = tie(known.collect(), &records);
        let rules = rules(&mut read).await?;
        Ok(Self { hosts, sources, records, index, rules })
    }

    fn sources(&self, id: &HostId) -> Sources {
        self.sources.get(id).cloned().unwrap_or_default()
    }

    /// Groups of each host, from every stored record that speaks of it, but those of one import.
    fn groups(&self, without: Option<&str>) -> BTreeMap<HostId, Vec<String>> {
        let mut out: BTreeMap<HostId, Vec<String>> = BTreeMap::new();
        let speaks = |s: &StoredAsset, r: &AssetRecord| {
            Some(s.source.as_str()) != without && !r.groups.is_empty() && r.conflict.is_none()
        };
        for (_, record) in self.records.iter().filter(|(s, r)| speaks(s, r)) {
            if let Resolution::Host { id, .. } = self.index.resolve(&record.keys) {
                out.entry(id).or_default().extend(record.groups.iter().cloned());
            }
        }
        out
    }
}

fn settle_host(
    host: &Host,
    sources: &Sources,
    rules: &Rules,
    groups: &[String],
    said: &[Claim],
    at: Timestamp,
) -> Settled {
    let os = host.ecosystem.clone().unwrap_or_default();
    let ruled = rules.claims(&Asset { hostname: &host.hostname, os: &os, groups }, at);
    let first = rules_again(&host.profile, sources, &ruled);
    let mut last = settle(&first.profile, &first.sources, said);
    last.outcomes = first.outcomes.into_iter().chain(last.outcomes).collect();
    last
}

/// Changes and refusals in words; agreement is not worth one.
fn words(settled: &Settled, before: &AssetProfile) -> Vec<String> {
    let mut out: Vec<String> = Field::ALL
        .into_iter()
        .filter_map(|field| {
            let (from, to) = (field.get(before), field.get(&settled.profile));
            let who = settled
                .sources
                .get(&field)
                .map_or("no rule speaks any more".to_owned(), |s| format!("{} {}", s.by.word(), s.who));
            (from != to).then(|| format!("{}: `{from}` becomes `{to}` ({who})", field.word()))
        })
        .collect();
    for outcome in &settled.outcomes {
        match outcome {
            Outcome::Outranked { field, stays, claimed, claimant: Standing::Import, by } => out.push(format!(
                "{}: `{stays}` stays, {} {} said it; claimed was `{claimed}`",
                field.word(),
                by.by.word(),
                by.who
            )),
            Outcome::Refused(error) => out.push(error.to_string()),
            // What a rule would say where somebody spoke is how it is meant to be.
            Outcome::Outranked { .. } | Outcome::Changed { .. } | Outcome::Agreed { .. } => {}
        }
    }
    out
}

/// Says what an import of these records under the name `source` would do.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::Invalid`] for a name that is none.
pub async fn import_plan(env: &Env, ctx: &Ctx, source: &str, records: &[AssetRecord]) -> Result<Plan> {
    ctx.authorize(Action::ImportHost, &Target::OwnScope)?;
    if source.trim().is_empty() || source.len() > SOURCE_MAX || source.chars().any(char::is_control) {
        return Err(AppError::invalid("asset_source", "the import has no usable name", "name it with --source"));
    }
    let at = env.now();
    let scene = Scene::load(env, ctx).await?;
    let other_groups = scene.groups(Some(source));
    let keys: Vec<identity::Keys> = records.iter().map(|r| r.keys.clone()).collect();
    let double = doubles(&keys);
    let resolved: Vec<Resolution> = keys.iter().map(|k| scene.index.resolve(k)).collect();
    let mut meant: BTreeMap<&HostId, usize> = BTreeMap::new();
    for resolution in &resolved {
        if let Resolution::Host { id, .. } = resolution {
            *meant.entry(id).or_default() += 1;
        }
    }
    let stored_before: BTreeMap<&str, &(StoredAsset, AssetRecord)> =
        scene.records.iter().filter(|(s, _)| s.source == source).map(|both| (both.0.name_key.as_str(), both)).collect();
    let (mut rows, mut keep) = (Vec::new(), BTreeMap::new());
    for (place, (record, resolution)) in records.iter().zip(&resolved).enumerate() {
        let key = name_key(&record.keys.hostname);
        let mut said = record.said();
        let old = stored_before.get(key.as_str()).filter(|(_, old)| old.said() == said);
        // A record that says what it said before keeps its date, so that nothing changes by repeating an import.
        let said_at = old.map_or(at, |(stored, _)| stored.imported_at);
        let name = record.keys.hostname.clone();
        let conflict = |because: String| PlanRow {
            verdict: Verdict::Conflict,
            name: name.clone(),
            host: None,
            why: vec![because],
            change: None,
        };
        let row = match (double.get(&place), resolution) {
            (Some(because), _) => conflict(format!("{}: {because}", record.at)),
            (None, Resolution::Conflict { because }) => conflict(because.clone()),
            (None, Resolution::Host { id, .. }) if meant.get(id).is_some_and(|n| *n > 1) => {
                conflict(format!("several records speak of host {id}"))
            }
            (None, Resolution::NeverEnrolled) => PlanRow {
                verdict: if old.is_some() { Verdict::Unchanged } else { Verdict::New },
                name: name.clone(),
                host: None,
                why: vec!["in the CMDB but never enrolled".to_owned()],
                change: None,
            },
            (None, Resolution::Host { id, because }) => {
                let Some(host) = scene.hosts.get(id) else { continue };
                let mut groups = other_groups.get(id).cloned().unwrap_or_default();
                groups.extend(record.groups.iter().cloned());
                let sources = scene.sources(id);
                let settled = settle_host(host, &sources, &scene.rules, &groups, &claims(record, source, said_at), at);
                let changed = settled.profile != host.profile;
                let by = because.iter().map(|k| k.word()).collect::<Vec<_>>().join(", ");
                let mut why = vec![format!("found by {by}")];
                why.extend(words(&settled, &host.profile));
                let write = changed || settled.sources != sources;
                PlanRow {
                    verdict: if changed { Verdict::Changed } else { Verdict::Unchanged },
                    name: name.clone(),
                    host: Some(id.clone()),
                    why,
                    change: write.then(|| Change { host: host.clone(), settled }),
                }
            }
        };
        said.host.clone_from(&row.host);
        said.conflict = (row.verdict == Verdict::Conflict).then(|| row.why.join("; "));
        let content =
            serde_json::to_value(said).map_err(|e| AppError::internal("failed to write an asset record", e))?;
        rows.push(row);
        // The first of two records of one name is kept, with the reason why it speaks for no host.
        keep.entry(key.clone()).or_insert(StoredAsset {
            source: source.to_owned(),
            name_key: key,
            content,
            imported_at: said_at,
        });
    }
    rows.sort_by(|a, b| a.verdict.cmp(&b.verdict).then_with(|| a.name.cmp(&b.name)));
    Ok(Plan { rows, source: source.to_owned(), at, records: keep.into_values().collect() })
}

/// Carries out a plan, all of it or nothing.
///
/// # Errors
/// [`AppError::Forbidden`] without rights on a host's environment before or after; [`AppError::Conflict`] when somebody changed a
/// host since the plan.
pub async fn import_apply(env: &Env, ctx: &Ctx, plan: &Plan) -> Result<()> {
    ctx.authorize(Action::ImportHost, &Target::OwnScope)?;
    let mut txn = env.db().write().await?;
    for change in plan.rows.iter().filter_map(|r| r.change.as_ref()) {
        change_save(&mut txn, ctx, change, &plan.source, plan.at).await?;
    }
    txn.asset_records_replace(&plan.source, &plan.records).await?;
    txn.audit_append(AuditEntry {
        at: plan.at,
        actor: ctx.actor.word(),
        action: "inventory.import_assets".to_owned(),
        object: plan.source.clone(),
        reason: ctx.reason.clone(),
        detail: serde_json::json!({
            "records": plan.records.len(), "new": plan.count(Verdict::New), "changed": plan.count(Verdict::Changed),
            "conflict": plan.count(Verdict::Conflict), "unchanged": plan.count(Verdict::Unchanged),
        }),
        request_id: ctx.request_id.clone(),
    });
    txn.commit().await?;
    env.event("hosts", &format!("assets of {} were imported", plan.source));
    Ok(())
}

async fn change_save(
    txn: &mut patchwright_store::WriteTxn,
    ctx: &Ctx,
    change: &Change,
    cause: &str,
    at: Timestamp,
) -> Result<()> {
    let (host, settled) = (&change.host, &change.settled);
    let decision = may_move(&ctx.actor, Action::EditHost, &host.profile.environment, &settled.profile.environment);
    if !decision.allowed {
        return Err(AppError::forbidden(&decision));
    }
    txn.host_profile_save(&host.id, &settled.profile, host.generation).await?;
    txn.profile_sources_save(&host.id, &settled.sources).await?;
    txn.audit_append(AuditEntry {
        at,
        actor: ctx.actor.word(),
        action: Action::EditHost.word().to_owned(),
        object: host.id.to_string(),
        reason: ctx.reason.clone(),
        detail: serde_json::json!({
            "name": host.hostname, "cause": cause,
            "before": serde_json::to_value(&host.profile).unwrap_or_default(),
            "after": serde_json::to_value(&settled.profile).unwrap_or_default(),
        }),
        request_id: ctx.request_id.clone(),
    });
    Ok(())
}

/// Tries rules on every host; puts them into force and writes what they change unless `dry_run`.
///
/// # Errors
/// [`AppError::Invalid`] when they do not parse or no reason is given; [`AppError::Conflict`] when somebody was faster.
pub async fn rules_apply(env: &Env, ctx: &Ctx, text: &str, dry_run: bool) -> Result<Vec<PlanRow>> {
    ctx.authorize(if dry_run { Action::SimulatePolicy } else { Action::ApplyPolicy }, &Target::Installation)?;
    let rules = rules_parse(text)?;
    let at = env.now();
    let scene = Scene::load(env, ctx).await?;
    let groups = scene.groups(None);
    let mut rows = Vec::new();
    for host in scene.hosts.values() {
        let sources = scene.sources(&host.id);
        let own = groups.get(&host.id).map(Vec::as_slice).unwrap_or_default();
        let settled = settle_host(host, &sources, &rules, own, &[], at);
        if settled.profile == host.profile && settled.sources == sources {
            continue;
        }
        rows.push(PlanRow {
            verdict: if settled.profile == host.profile { Verdict::Unchanged } else { Verdict::Changed },
            name: host.hostname.clone(),
            host: Some(host.id.clone()),
            why: words(&settled, &host.profile),
            change: Some(Change { host: host.clone(), settled }),
        });
    }
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    if dry_run {
        return Ok(rows);
    }
    let reason = ctx.reason_needed("a change of rules")?;
    let id = PolicyId::from_unique(&crate::env::unique());
    let hash = hex::encode(Sha256::digest(text.as_bytes()));
    let mut txn = env.db().write().await?;
    let before = txn.policy_active(KIND).await?.map(|v| v.id);
    txn.policy_insert(&PolicyVersion {
        id: id.clone(),
        kind: KIND.to_owned(),
        text: text.to_owned(),
        hash: hash.clone(),
        valid_from: at,
        author: ctx.actor.word(),
        created: at,
        active: false,
    })
    .await?;
    txn.policy_activate(&id, KIND, before.as_ref()).await?;
    for change in rows.iter().filter_map(|r| r.change.as_ref()) {
        change_save(&mut txn, ctx, change, "asset rules", at).await?;
    }
    txn.audit_append(AuditEntry {
        at,
        actor: ctx.actor.word(),
        action: Action::ApplyPolicy.word().to_owned(),
        object: id.to_string(),
        reason: Some(reason),
        detail: serde_json::json!({"kind": KIND, "hash": hash, "rules": rules.list().len(), "hosts": rows.len()}),
        request_id: ctx.request_id.clone(),
    });
    txn.commit().await?;
    env.event("hosts", "asset rules were applied");
    Ok(rows)
}

/// The profile of a host that reports: rules, and records of inventories that speak of it.
pub(crate) async fn on_report(read: &mut Reader, host: &Host, sources: &Sources, at: Timestamp) -> Result<Settled> {
    let full = name_key(&host.hostname);
    let short = full.split('.').next().unwrap_or(&full).to_owned();
    let rules = rules(read).await?;
    let others = read.host_by_hostname(&host.hostname).await?;
    let alone = others.iter().all(|h| h.id == host.id);
    let this = Known {
        id: host.id.clone(),
        hostname: host.hostname.clone(),
        machine: host.machine.clone(),
        last_seen: at,
        before: Vec::new(),
    };
    let (mut groups, mut said) = (Vec::new(), Vec::new());
    for stored in read.asset_record_by_name(&[full, short]).await? {
        let record = record_of(&stored)?;
        if record.conflict.is_some() {
            continue;
        }
        // Two hosts of one name: the record may mean either, so it speaks for neither.
        if alone && matches!(identity::resolve(&record.keys, std::slice::from_ref(&this)), Resolution::Host { .. }) {
            said.extend(claims(&record, &stored.source, stored.imported_at));
            groups.extend(record.groups);
        }
    }
    Ok(settle_host(host, sources, &rules, &groups, &said, at))
}

/// An asset that is in a configuration database but no host here.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Missing {
    /// Name.
    pub name: String,
    /// Import that names it.
    pub source: String,
    /// When it was imported.
    pub imported: String,
    /// Owner that the record names.
    pub owner: String,
    /// Environment that the record names.
    pub environment: String,
}

/// What is in the CMDB but never enrolled.
///
/// # Errors
/// [`AppError::Forbidden`], or the database.
pub async fn missing(env: &Env, ctx: &Ctx) -> Result<Vec<Missing>> {
    ctx.authorize(Action::ViewHosts, &Target::OwnScope)?;
    let scene = Scene::load(env, ctx).await?;
    let scope = ctx.actor.scope();
    let field = |record: &AssetRecord, wanted: Field| {
        record.fields.iter().find(|(f, _)| *f == wanted).map(|(_, v)| v.clone()).unwrap_or_default()
    };
    Ok(scene
        .records
        .iter()
        .filter(|(_, r)| matches!(scene.index.resolve(&r.keys), Resolution::NeverEnrolled))
        .map(|(stored, record)| Missing {
            name: record.keys.hostname.clone(),
            source: stored.source.clone(),
            imported: stored.imported_at.to_string(),
            owner: field(record, Field::Owner),
            environment: field(record, Field::Environment),
        })
        .filter(|m| scope.covers(&m.environment))
        .collect())
}

/// Something about identities that a person has to look at.
#[derive(Clone, Debug, serde::Serialize)]
pub struct IdentityConflict {
    /// `cloned`, `unclear`, `replaced` or `record`.
    pub kind: &'static str,
    /// Names it concerns.
    pub names: Vec<String>,
    /// What is wrong, in words.
    pub why: String,
}

/// Clones, replaced hosts, and records whose keys contradict each other.
///
/// # Errors
/// [`AppError::Forbidden`], or the database.
pub async fn identity_conflicts(env: &Env, ctx: &Ctx) -> Result<Vec<IdentityConflict>> {
    ctx.authorize(Action::ViewHosts, &Target::Installation)?;
    let scene = Scene::load(env, ctx).await?;
    let mut read = env.db().read().await?;
    let sightings = read.sightings_shared().await?;
    let names: BTreeSet<String> = sightings.iter().map(|s| name_key(&s.hostname)).collect();
    let sharing: Vec<HostId> =
        scene.hosts.values().filter(|h| names.contains(&name_key(&h.hostname))).map(|h| h.id.clone()).collect();
    let mut hardware = BTreeMap::new();
    for part in sharing.chunks(FETCH) {
        let stored = read.host_facts_latest_many(part).await?;
        hardware.extend(stored.into_iter().map(|s| (s.host, s.facts.hardware)));
    }
    drop(read);
    let digest = |machine: &str| machine.chars().take(12).collect::<String>();
    let mut out: Vec<IdentityConflict> = conflicts(&sightings, scene.index.known(), &hardware)
        .into_iter()
        .map(|conflict| match conflict {
            Conflict::Cloned { machine, names, because } => IdentityConflict {
                kind: "cloned",
                why: format!(
                    "one machine digest, {}…, of several machines: {because}; give each a machine id of its own \
                     (rm /etc/machine-id, systemd-machine-id-setup)",
                    digest(&machine)
                ),
                names,
            },
            Conflict::Unclear { machine, names, because } => IdentityConflict {
                kind: "unclear",
                why: format!(
                    "the last one reports the machine digest {}… of the others: renamed, or cloned ({because}). Each was kept as a host of \
                     its own. Where one was renamed: `patchwright host delete` the old name; where all live: give each a machine id of its own",
                    digest(&machine)
                ),
                names,
            },
            Conflict::Replaced { name, newer, older } => {
                let older = older.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                IdentityConflict {
                    kind: "replaced",
                    names: vec![name],
                    why: format!("{newer} has the name of {older} and another machine digest: delete the host that is gone, or rename one"),
                }
            }
        })
        .collect();
    for (stored, record) in &scene.records {
        let because = record.conflict.clone().or_else(|| match scene.index.resolve(&record.keys) {
            Resolution::Conflict { because } => Some(because),
            Resolution::Host { .. } | Resolution::NeverEnrolled => None,
        });
        if let Some(because) = because {
            let names = vec![record.keys.hostname.clone()];
            out.push(IdentityConflict { kind: "record", names, why: format!("in {}: {because}", stored.source) });
        }
    }
    Ok(out)
}

/// What several records say of one host: of each key the last word.
fn merged(records: &[identity::Keys]) -> identity::Keys {
    let last = |read: fn(&identity::Keys) -> &String| {
        records.iter().rev().map(read).find(|text| !text.is_empty()).cloned().unwrap_or_default()
    };
    identity::Keys {
        hostname: last(|k| &k.hostname),
        fqdn: last(|k| &k.fqdn),
        machine: last(|k| &k.machine),
        serial: last(|k| &k.serial),
        cloud_id: last(|k| &k.cloud_id),
        mac: last(|k| &k.mac),
    }
}

/// Hosts as records: what an export writes and an import reads back.
///
/// # Errors
/// [`AppError::Forbidden`], or the database.
pub async fn export(env: &Env, ctx: &Ctx) -> Result<Vec<AssetRecord>> {
    ctx.authorize(Action::ViewHosts, &Target::OwnScope)?;
    let scene = Scene::load(env, ctx).await?;
    let groups = scene.groups(None);
    let blank = AssetProfile::default();
    let mut out: Vec<AssetRecord> = scene
        .index
        .known()
        .iter()
        .filter_map(|known| {
            let host = scene.hosts.get(&known.id)?;
            let sources = scene.sources(&host.id);
            let mut keys = merged(&known.before);
            keys.hostname.clone_from(&host.hostname);
            keys.machine = host.machine.clone().unwrap_or_default();
            // A default that nobody said would come back as somebody's word.
            let fields = Field::ALL
                .into_iter()
                .map(|f| (f, f.get(&host.profile)))
                .filter(|(f, value)| sources.contains_key(f) || *value != f.get(&blank))
                .collect();
            let mut groups = groups.get(&host.id).cloned().unwrap_or_default();
            groups.sort();
            groups.dedup();
            Some(AssetRecord { keys, os: host.os_pretty.clone(), groups, fields, ..AssetRecord::default() })
        })
        .collect();
    out.sort_by(|a, b| a.keys.hostname.cmp(&b.keys.hostname));
    Ok(out)
}

/// A field of a host with its source.
#[derive(Clone, Debug, serde::Serialize)]
pub struct FieldRow {
    /// Field.
    pub field: &'static str,
    /// Value.
    pub value: String,
    /// `person`, `import`, `rule` or `default`.
    pub by: &'static str,
    /// Who, as people call them: the name of an account or a token, of an import or a rule.
    pub who: String,
    /// The account or the token by id, or what `who` says.
    pub who_id: String,
    /// When; empty for defaults.
    pub at: String,
}

/// The profile of a host, field by field, with who said it.
///
/// # Errors
/// [`AppError::Forbidden`], or the database.
pub async fn field_rows(env: &Env, ctx: &Ctx, host: &Host) -> Result<Vec<FieldRow>> {
    ctx.authorize(Action::ViewHosts, &Target::Environment(&host.profile.environment))?;
    let mut read = env.db().read().await?;
    let found = read.profile_sources_fetch(std::slice::from_ref(&host.id)).await?;
    let sources = found.into_iter().next().map(|(_, s)| s).unwrap_or_default();
    let names = Names::of(&mut read, sources.values().map(|source| source.who.as_str())).await?;
    let blank = AssetProfile::default();
    Ok(Field::ALL
        .into_iter()
        .map(|field| {
            let value = field.get(&host.profile);
            let (by, who_id, at) = match sources.get(&field) {
                Some(source) => (source.by.word(), source.who.clone(), source.at.to_string()),
                None if value == field.get(&blank) => ("default", String::new(), String::new()),
                None => ("person", "set before sources were kept".to_owned(), String::new()),
            };
            let who = names.of_id(&who_id).unwrap_or(&who_id).to_owned();
            FieldRow { field: field.word(), value, by, who, who_id, at }
        })
        .collect())
}
