//! Where software comes from: sources that hosts report, single artifacts and source patches, and what was decided about them.

use std::collections::{BTreeMap, BTreeSet};

use patchwright_domain::access::{Action, Target};
use patchwright_domain::audit::AuditEntry;
use patchwright_domain::ids::{HostId, SourceId};
use patchwright_domain::inventory::source::assessment::{
    Answers, Assessment, Observed, Request, Verdict, Wish, decide, gate, standing,
};
use patchwright_domain::inventory::source::{
    Artifact, ArtifactForm, Classified, ConfiguredSource, Divergence, SourceClass, SourceKind, SourcePatch, Subject,
    classify, diverge, not_comparable,
};
use patchwright_domain::inventory::{HostFacts, Tri};
use patchwright_domain::time::{Date, Timestamp};
use patchwright_protocol::fleet::Page;
use patchwright_protocol::sources::{
    AssessRequest, DivergenceRow, NewSource, SourceAnswers, SourceDetail, SourceHost, SourceRow,
};
use patchwright_store::{Generation, SeenSource, SourceContent, SourceSight, StoredAssessment, WriteTxn};

use crate::audit::Names;
use crate::error::AppError;
use crate::fleet::page;
use crate::{Ctx, Env, Result};

mod list;

pub use list::list;

/// Sources of one host at most; a machine with a hundred repositories is a rare one.
const HOST_SOURCES_MAX: usize = 1_000;
/// Sentences about what hosts could not tell of one source.
const UNTOLD_MAX: usize = 50;

/// Keeps the sources of a report, inside the transaction that keeps its facts.
pub(crate) async fn on_report(txn: &mut WriteTxn, id: &HostId, facts: &HostFacts, at: Timestamp) -> Result<()> {
    let mut rows: BTreeMap<SourceId, SourceContent> = BTreeMap::new();
    for source in facts.sources.iter().take(HOST_SOURCES_MAX) {
        let subject = Subject::Repository(source.key.clone());
        if subject.faults().is_empty() {
            let content = SourceContent { os: facts.os.clone(), source: source.clone() };
            rows.entry(subject.id()).or_insert(content);
        }
    }
    let rows: Vec<(SourceId, SourceContent)> = rows.into_iter().collect();
    Ok(txn.host_sources_replace(id, &rows, at).await?)
}

/// A source with what hosts show of it and what is on record.
struct Known {
    subject: Subject,
    /// What hosts show, once for all that show it alike.
    sights: Vec<SourceSight>,
    /// What each host reported, where that was asked for: the list needs none of it.
    seen: Vec<SeenSource>,
    stored: Option<StoredAssessment>,
}

impl Known {
    fn new(subject: Subject) -> Self {
        Self { subject, sights: Vec::new(), seen: Vec::new(), stored: None }
    }

    fn observed(&self) -> Vec<Observed> {
        let mut all: Vec<Observed> = Vec::new();
        let contents = self.sights.iter().map(|s| &s.content).chain(self.seen.iter().map(|s| &s.content));
        for content in contents {
            let one = Observed::of(&content.source);
            if !all.contains(&one) {
                all.push(one);
            }
        }
        all
    }

    /// The class that needs most attention where hosts show it differently.
    fn class(&self) -> Option<Classified> {
        self.sights.iter().map(|s| classify(&s.content.source, &s.content.os)).max_by_key(|c| c.class)
    }

    fn assessment(&self) -> Option<&Assessment> {
        self.stored.as_ref().and_then(|s| s.assessment.as_ref())
    }

    fn row(&self, today: Date) -> SourceRow {
        let state = standing(self.assessment(), &self.observed(), today).state;
        let class = self.class().map(|c| c.class);
        let gate = gate(class, state);
        let sources = || self.sights.iter().map(|s| &s.content.source);
        let sum = |of: fn(&SourceSight) -> u64| {
            u32::try_from(self.sights.iter().map(of).fold(0_u64, u64::saturating_add)).unwrap_or(u32::MAX)
        };
        let origins: BTreeSet<&String> = sources().filter_map(|s| s.origin.as_ref()).collect();
        let signed: BTreeSet<&String> = sources().filter_map(|s| s.signed_by.as_ref()).collect();
        let configured: BTreeSet<&String> = sources().flat_map(|s| &s.keys).collect();
        let keys = if signed.is_empty() { configured } else { signed };
        let verified = [(Tri::No, "no"), (Tri::Unknown, "unknown"), (Tri::Yes, "yes")];
        let worst = verified.iter().find(|(tri, _)| sources().any(|s| s.verified == *tri));
        SourceRow {
            id: self.subject.id().to_string(),
            what: self.subject.kind().to_owned(),
            kind: match &self.subject {
                Subject::Repository(key) => key.kind.word(),
                Subject::Artifact(artifact) => artifact.form.word(),
                Subject::Patch(_) => "",
            }
            .to_owned(),
            title: self.subject.title(),
            class: class.map(|c| c.word().to_owned()),
            state: state.word().to_owned(),
            state_label: state.label().to_owned(),
            gate: gate.word().to_owned(),
            gate_label: gate.label().to_owned(),
            origins: origins.into_iter().cloned().collect(),
            keys: keys.into_iter().cloned().collect(),
            verified: worst.map_or("unknown", |(_, word)| word).to_owned(),
            decision: match self.assessment().map(|a| &a.verdict) {
                None => "none",
                Some(Verdict::Refused) => "refused",
                Some(Verdict::Accepted { .. }) => "accepted",
                Some(Verdict::AcceptedWithConditions { .. }) => "accepted_with_conditions",
            }
            .to_owned(),
            hosts: sum(|s| s.hosts),
            installed: sum(|s| s.installed),
            hosts_untold: sum(|s| s.hosts.saturating_sub(s.told)),
            pending: sum(|s| s.pending),
            pending_told: class != Some(SourceClass::Vendor),
            review_by: self.assessment().and_then(|a| match &a.verdict {
                Verdict::Accepted { review_by } | Verdict::AcceptedWithConditions { review_by, .. } => {
                    Some(review_by.to_string())
                }
                Verdict::Refused => None,
            }),
        }
    }

    fn divergence(&self, today: Date) -> Vec<DivergenceRow> {
        let state = standing(self.assessment(), &self.observed(), today).state;
        let (id, title) = (self.subject.id().to_string(), self.subject.title());
        // Hosts of a fleet have the same few versions: each pair is compared once.
        let mut compared: BTreeMap<(&str, Option<&str>, Option<&str>), Divergence> = BTreeMap::new();
        let mut rows = Vec::new();
        for seen in &self.seen {
            let scheme = seen.content.source.key.kind.scheme();
            for package in &seen.content.source.packages {
                let here = match (&package.offered, package.from_here || package.from_unknown) {
                    (Some(offered), false) => offered,
                    (_, true) | (None, false) => &package.installed,
                };
                let key = (here.as_str(), package.vendor.as_deref(), package.vendor_unknown.as_deref());
                let divergence = compared.entry(key).or_insert_with(|| match key {
                    (here, None, Some(why)) => not_comparable(here, why),
                    (here, vendor, _) => diverge(scheme, here, vendor),
                });
                rows.push(DivergenceRow {
                    host_id: seen.host.to_string(),
                    host: seen.hostname.clone(),
                    package: package.name.clone(),
                    installed: package.installed.clone(),
                    offered: package.offered.clone(),
                    vendor: package.vendor.clone(),
                    from_here: package.from_here,
                    from_unknown: package.from_unknown,
                    pending: package.pending,
                    direction: divergence.direction.word().to_owned(),
                    direction_label: divergence.direction.label().to_owned(),
                    distance: divergence.distance.word().to_owned(),
                    backport: divergence.backport.as_ref().map(|b| b.text()),
                    because: divergence.because.clone(),
                    source_id: id.clone(),
                    source: title.clone(),
                    state: state.word().to_owned(),
                });
            }
        }
        rows
    }

    /// What hosts could not tell, what most of them could not first.
    fn untold(&self) -> Vec<String> {
        let mut said: BTreeMap<&str, usize> = BTreeMap::new();
        for why in self.seen.iter().flat_map(|s| &s.content.source.untold) {
            *said.entry(why.as_str()).or_default() += 1;
        }
        let mut said: Vec<(&str, usize)> = said.into_iter().collect();
        said.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        let more = self.seen.len() > 1;
        let text = |(why, hosts): (&str, usize)| match (more, hosts) {
            (false, _) => why.to_owned(),
            (true, 1) => format!("{why} (1 host)"),
            (true, hosts) => format!("{why} ({hosts} hosts)"),
        };
        said.into_iter().take(UNTOLD_MAX).map(text).collect()
    }
}

/// What one host shows, alone.
fn sight_of(seen: &SeenSource) -> SourceSight {
    let (installed, told) = seen.content.installed();
    SourceSight {
        id: seen.id.clone(),
        environment: seen.environment.clone(),
        content: seen.content.clone(),
        hosts: 1,
        installed,
        pending: seen.content.pending(),
        told: u64::from(told),
    }
}

/// Puts what is on record beside what hosts show.
fn with_record(mut all: BTreeMap<SourceId, Known>, record: Vec<StoredAssessment>) -> Vec<Known> {
    for stored in record {
        match all.get_mut(&stored.id) {
            Some(known) => known.stored = Some(stored),
            // A decision that was withdrawn about something that no host has is nothing to show.
            None if stored.assessment.is_none() => {}
            None => {
                let known = Known { stored: Some(stored.clone()), ..Known::new(stored.subject.clone()) };
                all.insert(stored.id, known);
            }
        }
    }
    all.into_values().collect()
}

/// Every source that the caller may see with what each host reported, by id.
async fn load_packages(env: &Env, ctx: &Ctx) -> Result<Vec<Known>> {
    let scope = ctx.actor.scope();
    let mut read = env.db().read().await?;
    let mut all: BTreeMap<SourceId, Known> = BTreeMap::new();
    for seen in read.host_source_list().await?.into_iter().filter(|s| scope.covers(&s.environment)) {
        let subject = Subject::Repository(seen.content.source.key.clone());
        all.entry(seen.id.clone()).or_insert_with(|| Known::new(subject)).seen.push(seen);
    }
    Ok(with_record(all, read.source_assessment_list().await?))
}

/// Packages of sources that are not the vendor's, and how far they depart from the vendor's version.
///
/// # Errors
/// [`AppError::Forbidden`], or the database.
pub async fn divergence(env: &Env, ctx: &Ctx) -> Result<Vec<DivergenceRow>> {
    ctx.authorize(Action::ViewSources, &Target::OwnScope)?;
    let today = env.now().date();
    let known = load_packages(env, ctx).await?;
    let mut rows: Vec<DivergenceRow> = known.iter().flat_map(|known| known.divergence(today)).collect();
    rows.sort_by(|a, b| (&a.package, &a.host, &a.source).cmp(&(&b.package, &b.host, &b.source)));
    Ok(rows)
}

/// A page of the same list.
///
/// # Errors
/// As [`divergence`]; [`AppError::Invalid`] for a cursor that is none.
pub async fn divergence_page(
    env: &Env,
    ctx: &Ctx,
    (after, limit): (Option<&str>, Option<u32>),
) -> Result<Page<DivergenceRow>> {
    page(divergence(env, ctx).await?, after, limit)
}

async fn find(env: &Env, ctx: &Ctx, id: &str) -> Result<Known> {
    let missing = || AppError::NotFound { what: "source", id: id.to_owned() };
    let id = SourceId::parse(id).ok_or_else(missing)?;
    let scope = ctx.actor.scope();
    let mut read = env.db().read().await?;
    let seen: Vec<SeenSource> =
        read.host_source_of(&id).await?.into_iter().filter(|s| scope.covers(&s.environment)).collect();
    let stored = read.source_assessment_fetch(&id).await?;
    let subject = match (seen.first(), &stored) {
        (Some(seen), _) => Subject::Repository(seen.content.source.key.clone()),
        (None, Some(stored)) => stored.subject.clone(),
        (None, None) => return Err(missing()),
    };
    Ok(Known { sights: seen.iter().map(sight_of).collect(), seen, stored, ..Known::new(subject) })
}

/// One source with everything that is known about it.
///
/// # Errors
/// [`AppError::NotFound`], [`AppError::Forbidden`], or the database.
pub async fn show(env: &Env, ctx: &Ctx, id: &str) -> Result<SourceDetail> {
    ctx.authorize(Action::ViewSources, &Target::OwnScope)?;
    let known = find(env, ctx, id).await?;
    told(env, &known).await
}

/// A source with people and tokens called by their names; who is gone stays an id.
async fn told(env: &Env, known: &Known) -> Result<SourceDetail> {
    let mut detail = detail(known, env.now().date());
    if let Some(reviewer) = detail.reviewer.clone() {
        let names = Names::of(&mut env.db().read().await?, std::iter::once(reviewer.as_str())).await?;
        if let Some(name) = names.of_id(&reviewer) {
            let (id, who) = (format!("{reviewer} decided on "), format!("{name} decided on "));
            detail.state_because = detail.state_because.iter().map(|text| text.replace(&id, &who)).collect();
            detail.reviewer = Some(name.to_owned());
        }
    }
    Ok(detail)
}

fn detail(known: &Known, today: Date) -> SourceDetail {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let identity = match &known.subject {
        Subject::Repository(key) => {
            let each = |of: fn(&ConfiguredSource) -> Option<&String>| {
                let all: BTreeSet<&String> = known.seen.iter().filter_map(|s| of(&s.content.source)).collect();
                all.into_iter().cloned().collect::<Vec<_>>().join(", ")
            };
            let suite = match key.kind {
                SourceKind::Apt => "suite",
                SourceKind::Dnf => "repository id",
                SourceKind::Zypper => "alias",
                SourceKind::Apk => "branch",
            };
            vec![
                pair("address", &key.uri),
                pair(suite, &key.suite),
                pair("components", &key.components.join(" ")),
                pair("label", &each(|s| s.label.as_ref())),
                pair("tag", &each(|s| s.tag.as_ref())),
                pair("service", &each(|s| s.service.as_ref())),
            ]
        }
        Subject::Artifact(a) => vec![pair("file", &a.name), pair("sha256", &a.sha256), pair("address", &a.url)],
        Subject::Patch(p) => vec![
            pair("upstream", &p.upstream),
            pair("commit", p.commit.as_deref().unwrap_or_default()),
            pair("sha256", p.sha256.as_deref().unwrap_or_default()),
        ],
    };
    let assessment = known.assessment();
    SourceDetail {
        row: known.row(today),
        class_because: known.class().map(|c| c.because).unwrap_or_default(),
        state_because: standing(assessment, &known.observed(), today).because,
        untold: known.untold(),
        identity: identity.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
        answers: assessment.map(|a| answers_view(&a.answers)).unwrap_or_default(),
        conditions: match assessment.map(|a| &a.verdict) {
            Some(Verdict::AcceptedWithConditions { conditions, .. }) => conditions.clone(),
            Some(Verdict::Accepted { .. } | Verdict::Refused) | None => Vec::new(),
        },
        reviewer: assessment.map(|a| a.reviewer.clone()),
        decided_at: assessment.map(|a| a.decided_at.to_string()),
        hosts: known
            .seen
            .iter()
            .map(|s| SourceHost { id: s.host.to_string(), name: s.hostname.clone(), seen_at: s.seen_at.to_string() })
            .collect(),
        packages: known.divergence(today),
        generation: known.stored.as_ref().map_or(0, |s| s.generation.0),
    }
}

fn answers_view(a: &Answers) -> SourceAnswers {
    let Answers { publisher, origin_commit, builder, key, pinning, support, tests, departure } = a.clone();
    SourceAnswers { publisher, origin_commit, builder, key, pinning, support, tests, departure }
}

fn answers_read(a: SourceAnswers) -> Answers {
    let SourceAnswers { publisher, origin_commit, builder, key, pinning, support, tests, departure } = a;
    Answers { publisher, origin_commit, builder, key, pinning, support, tests, departure }
}

fn wish(request: &AssessRequest) -> Result<Wish> {
    let day = || {
        request.review_by.as_deref().and_then(Date::parse).ok_or_else(|| {
            AppError::invalid("review_date", "an acceptance needs a review date", "write a day as 2027-06-30")
        })
    };
    Ok(match request.decision.as_str() {
        "accept" => Wish::Decide(Verdict::Accepted { review_by: day()? }),
        "accept_with_conditions" => {
            Wish::Decide(Verdict::AcceptedWithConditions { review_by: day()?, conditions: request.conditions.clone() })
        }
        "refuse" => Wish::Decide(Verdict::Refused),
        "withdraw" => Wish::Withdraw,
        other => {
            return Err(AppError::invalid(
                "source_decision",
                format!("`{other}` is not a decision about a source"),
                "decide accept, accept_with_conditions, refuse or withdraw",
            ));
        }
    })
}

/// Decides about a source that is known. `expected` is the generation that the caller saw (0 for none), or nothing for "as it is
/// now".
///
/// # Errors
/// [`AppError::Invalid`] with everything that stands against the decision; [`AppError::Conflict`] when somebody decided meanwhile.
pub async fn assess(
    env: &Env,
    ctx: &Ctx,
    id: &str,
    request: AssessRequest,
    expected: Option<i64>,
) -> Result<SourceDetail> {
    ctx.authorize(Action::AssessSource, &Target::Installation)?;
    let known = find(env, ctx, id).await?;
    save(env, ctx, known, request, expected).await
}

/// Makes a single artifact or a source patch known, with the first decision about it.
///
/// # Errors
/// As [`assess`].
pub async fn add(env: &Env, ctx: &Ctx, new: NewSource) -> Result<SourceDetail> {
    ctx.authorize(Action::AssessSource, &Target::Installation)?;
    let hex = |text: String| text.trim().to_ascii_lowercase();
    let subject = match new.what.as_str() {
        "artifact" => Subject::Artifact(Artifact {
            form: ArtifactForm::of_name(&new.name),
            name: new.name,
            sha256: new.sha256.map(hex).unwrap_or_default(),
            url: new.url,
        }),
        "patch" => Subject::Patch(SourcePatch {
            name: new.name,
            upstream: new.url,
            commit: new.commit.map(hex),
            sha256: new.sha256.map(hex),
        }),
        other => {
            return Err(AppError::invalid(
                "source_subject",
                format!("`{other}` cannot be added"),
                "add an artifact or a patch; repositories come from the hosts that have them",
            ));
        }
    };
    let stored = env.db().read().await?.source_assessment_fetch(&subject.id()).await?;
    save(env, ctx, Known { stored, ..Known::new(subject) }, new.assess, None).await
}

async fn save(
    env: &Env,
    ctx: &Ctx,
    known: Known,
    request: AssessRequest,
    expected: Option<i64>,
) -> Result<SourceDetail> {
    let now = env.now();
    let before = known.stored.as_ref().map(|s| s.generation);
    let expected = match expected {
        Some(0) => None,
        Some(n) => Some(Generation(n)),
        None => before,
    };
    let wish = wish(&request)?;
    let answers = match request.answers {
        Some(answers) => answers_read(answers),
        None => known.assessment().map(|a| a.answers.clone()).unwrap_or_default(),
    };
    let wanted = Request {
        subject: known.subject.clone(),
        seen: known.observed(),
        answers,
        wish,
        reviewer: ctx.actor.word(),
        reason: request.reason.clone(),
    };
    let assessment = decide(known.assessment(), wanted, now).map_err(|against| {
        let said: Vec<String> = against.iter().map(ToString::to_string).collect();
        AppError::invalid("source_refused", said.join("; "), "correct what is named and decide again")
    })?;
    let id = known.subject.id();
    let mut txn = env.db().write().await?;
    txn.source_assessment_save(&known.subject, assessment.as_ref(), expected).await?;
    txn.audit_append(AuditEntry {
        at: now,
        actor: ctx.actor.word(),
        action: Action::AssessSource.word().to_owned(),
        object: id.to_string(),
        reason: Some(request.reason),
        detail: serde_json::json!({
            "source": known.subject.title(), "decision": request.decision,
            "before": known.assessment(), "after": assessment,
        }),
        request_id: ctx.request_id.clone(),
    });
    txn.commit().await?;
    env.event("sources", &format!("{} was assessed", known.subject.title()));
    told(env, &find(env, ctx, id.as_str()).await?).await
}
