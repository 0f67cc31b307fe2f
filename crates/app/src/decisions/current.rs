//! Decisions in force, kept in memory: what they cover is read once, because it never changes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use patchwright_domain::exposure::Finding;
use patchwright_domain::exposure::vex::{HostIdentity, Library, Source, Statement};
use patchwright_domain::governance::coverage::{Coverage, Part};
use patchwright_domain::governance::document::Document;
use patchwright_domain::governance::exception::Exception;
use patchwright_domain::governance::not_affected::NotAffected;
use patchwright_domain::ids::HostId;
use patchwright_domain::time::Timestamp;
use patchwright_store::Reader;

use super::lasts_longer;
use crate::error::AppError;
use crate::vex::VexInput;
use crate::{Env, Result};

/// Everything in force at some instant.
#[derive(Default)]
pub(crate) struct Decisions {
    /// Exceptions with what they cover.
    pub(crate) exceptions: Vec<(Arc<Exception>, Arc<Coverage>)>,
    /// Statements that something is not affected, with what they cover.
    pub(crate) not_affected: Vec<(Arc<NotAffected>, Arc<Coverage>)>,
    /// What kept documents of others say, of every host.
    pub(crate) documents: Arc<Library>,
    /// The same by document.
    pub(crate) said: BTreeMap<String, Arc<Vec<Statement>>>,
    /// Names the documents.
    documents_stamp: String,
    /// The snapshot that knew other names of what they speak of.
    named_by: String,
    /// Names this set: ids and generations.
    pub(crate) stamp: String,
    /// Places of exceptions and statements that cover a host.
    by_host: HashMap<HostId, (Vec<u32>, Vec<u32>)>,
}

/// The decisions of this process, as they were read last.
#[derive(Default)]
pub(crate) struct DecisionStore(tokio::sync::Mutex<Kept>);

#[derive(Default)]
struct Kept {
    decisions: Arc<Decisions>,
    /// What every decision covers, by its id.
    coverage: BTreeMap<String, Arc<Coverage>>,
}

/// Exceptions in force on one host.
#[derive(Clone, Debug, Default)]
pub struct Excepted(Vec<(Arc<Exception>, Vec<Part>)>);

impl Excepted {
    /// The exception that covers a finding; of several the one that lasts longest.
    #[must_use]
    pub fn find(&self, finding: &Finding) -> Option<&Exception> {
        let mut best: Option<&Exception> = None;
        for (exception, parts) in &self.0 {
            let means = |p: &Part| p.means(&finding.ecosystem, &finding.package, &finding.installed, &finding.vuln);
            if best.is_none_or(|known| lasts_longer(exception, known)) && parts.iter().any(means) {
                best = Some(exception);
            }
        }
        best
    }

    /// Whether nothing is excepted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What is decided about one host.
#[derive(Clone, Debug, Default)]
pub struct Decided {
    /// Exceptions in force.
    pub excepted: Excepted,
    /// Statements of this organisation about it.
    pub vex: Option<VexInput>,
    /// What documents of others say, about whichever host.
    pub(crate) documents: Arc<Library>,
    /// When the first of it ends.
    pub(crate) until: Option<Timestamp>,
}

impl Decisions {
    /// Names what is decided about a host, for caches: what a decision covers does not change.
    pub(crate) fn stamp_of(&self, host: &HostId) -> String {
        let documents = self.documents_stamp.as_str();
        let Some((exceptions, statements)) = self.by_host.get(host) else { return documents.to_owned() };
        let exceptions =
            exceptions.iter().filter_map(|p| self.exceptions.get(*p as usize)).map(|(e, _)| e.id().as_str());
        let statements =
            statements.iter().filter_map(|p| self.not_affected.get(*p as usize)).map(|(s, _)| s.id().as_str());
        std::iter::once(documents).chain(exceptions).chain(statements).collect()
    }

    /// The exception that covers a vulnerability of a package on a host; of several the one that lasts longest.
    pub(crate) fn exception_of(
        &self,
        host: &HostId,
        ecosystem: &str,
        package: &str,
        installed: &str,
        vuln: &str,
    ) -> Option<&Exception> {
        let (exceptions, _) = self.by_host.get(host)?;
        let mut best: Option<&Exception> = None;
        for (exception, covers) in exceptions.iter().filter_map(|p| self.exceptions.get(*p as usize)) {
            let means = |p: &Part| p.means(ecosystem, package, installed, vuln);
            if best.is_none_or(|known| lasts_longer(exception, known)) && covers.on_host(host).any(means) {
                best = Some(exception);
            }
        }
        best
    }

    /// What is decided about a host.
    pub(crate) fn of_host(&self, host: &HostId) -> Decided {
        let mut out = Decided { documents: self.documents.clone(), ..Decided::default() };
        let Some((exceptions, statements)) = self.by_host.get(host) else { return out };
        let mut ends: Vec<Timestamp> = Vec::new();
        for (exception, covers) in exceptions.iter().filter_map(|p| self.exceptions.get(*p as usize)) {
            ends.push(exception.ends());
            out.excepted.0.push((exception.clone(), covers.on_host(host).cloned().collect()));
        }
        let mut said: Vec<Statement> = Vec::new();
        for (decision, covers) in statements.iter().filter_map(|p| self.not_affected.get(*p as usize)) {
            ends.push(decision.ends());
            let parts: Vec<&Part> = covers.on_host(host).collect();
            said.extend(decision.statements(host, &parts));
        }
        if !said.is_empty() {
            let identity = HostIdentity { ids: vec![host.to_string()], ..HostIdentity::default() };
            out.vex = Some(VexInput { statements: said, host: identity });
        }
        out.until = ends.into_iter().min();
        out
    }
}

/// The decisions in force now.
pub(crate) async fn current(env: &Env, read: &mut Reader) -> Result<Arc<Decisions>> {
    let now = env.now();
    let exceptions = read.exception_in_force(now).await?;
    let not_affected = read.not_affected_in_force(now).await?;
    let documents = read.vex_document_in_force(now).await?;
    let mut stamp = String::new();
    for stored in &exceptions {
        stamp.push_str(&format!("{} {}\n", stored.exception.id(), stored.generation.0));
    }
    for stored in &not_affected {
        stamp.push_str(&format!("{} {}\n", stored.decision.id(), stored.generation.0));
    }
    let mut documents_stamp = String::new();
    for stored in &documents {
        documents_stamp.push_str(&format!("{} {}\n", stored.document.id(), stored.generation.0));
    }
    stamp.push_str(&documents_stamp);
    let intel = env.intel();
    let named_by = if documents.is_empty() { String::new() } else { intel.index().id.clone() };
    stamp.push_str(&named_by);
    let mut kept = env.decisions().0.lock().await;
    if kept.decisions.stamp == stamp {
        return Ok(kept.decisions.clone());
    }
    let mut said: BTreeMap<String, Arc<Vec<Statement>>> = BTreeMap::new();
    for stored in &documents {
        let id = stored.document.id();
        let known = kept.decisions.said.get(id.as_str()).filter(|_| kept.decisions.named_by == named_by);
        let statements = match known {
            Some(known) => known.clone(),
            None => {
                let read = read.vex_document_statements(id).await?.ok_or_else(|| gone(id.as_str()))?;
                let mut said: Vec<Statement> =
                    read.into_iter().zip(0u32..).map(|(s, no)| as_kept(s, no, &stored.document)).collect();
                intel.name_fully(&mut said)?;
                Arc::new(said)
            }
        };
        said.insert(id.to_string(), statements);
    }
    let same = kept.decisions.documents_stamp == documents_stamp && kept.decisions.named_by == named_by;
    let library = if same {
        kept.decisions.documents.clone()
    } else {
        Arc::new(Library::of(said.values().flat_map(|s| s.iter().cloned()).collect()))
    };
    let mut next = Decisions { stamp, documents: library, said, documents_stamp, named_by, ..Decisions::default() };
    let mut coverage: BTreeMap<String, Arc<Coverage>> = BTreeMap::new();
    for stored in exceptions {
        let id = stored.exception.id().clone();
        let covers = match kept.coverage.get(id.as_str()) {
            Some(known) => known.clone(),
            None => Arc::new(read.exception_coverage(&id).await?.ok_or_else(|| gone(id.as_str()))?),
        };
        coverage.insert(id.to_string(), covers.clone());
        next.exceptions.push((Arc::new(stored.exception), covers));
    }
    for stored in not_affected {
        let id = stored.decision.id().clone();
        let covers = match kept.coverage.get(id.as_str()) {
            Some(known) => known.clone(),
            None => Arc::new(read.not_affected_coverage(&id).await?.ok_or_else(|| gone(id.as_str()))?),
        };
        coverage.insert(id.to_string(), covers.clone());
        next.not_affected.push((Arc::new(stored.decision), covers));
    }
    for (place, (_, covers)) in (0u32..).zip(&next.exceptions) {
        for host in &covers.hosts {
            next.by_host.entry(host.clone()).or_default().0.push(place);
        }
    }
    for (place, (_, covers)) in (0u32..).zip(&next.not_affected) {
        for host in &covers.hosts {
            next.by_host.entry(host.clone()).or_default().1.push(place);
        }
    }
    let next = Arc::new(next);
    *kept = Kept { decisions: next.clone(), coverage };
    Ok(next)
}

/// A statement of a document as one of this installation: it lapses with the document, and says where it stands in it.
fn as_kept(statement: Statement, no: u32, document: &Document) -> Statement {
    let source = match statement.source {
        Source::Document { id, place } => Source::Kept { document: document.id().clone(), statement: no, id, place },
        other @ (Source::Kept { .. } | Source::Evidence { .. }) => other,
    };
    let ends = document.ends();
    Statement {
        source,
        expires: Some(statement.expires.map_or(ends, |own| own.min(ends))),
        // Nothing is known to be true before it was here: a document that is dated ahead counts from when it was taken in.
        issued: statement.issued.min(document.filing().at),
        ..statement
    }
}

/// A row was there and what it covers was not: rows are never deleted.
fn gone(id: &str) -> AppError {
    AppError::NotFound { what: "decision", id: id.to_owned() }
}
