//! The surroundings of every use case: database, intelligence, clock and ids. The only place that reads the clock.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, RwLock};

use patchwright_domain::time::Timestamp;
use patchwright_store::{Access, Db, Options};
use tokio::sync::broadcast;

use crate::error::AppError;
use crate::intel::{Intel, Known};
use crate::policy::PolicySet;

/// Events kept for a slow reader before it has to reload.
const EVENTS_KEPT: usize = 256;

/// Where an installation keeps its things.
#[derive(Clone, Debug)]
pub struct Config {
    /// Data folder: database, intelligence chunks, raw documents.
    pub data_dir: PathBuf,
    /// Database address; nothing means the embedded SQLite file in `data_dir`.
    pub database_url: Option<String>,
    /// No outgoing connection at all.
    pub offline: bool,
}

impl Config {
    /// The database address in use.
    #[must_use]
    pub fn database(&self) -> String {
        self.database_url
            .clone()
            .unwrap_or_else(|| format!("sqlite://{}", self.data_dir.join("patchwright.db").display()))
    }
}

/// Reads the time. The one place in the server that may.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    fixed: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self { fixed: None }
    }

    /// A clock that stands still, for tests and for "as of" questions.
    #[must_use]
    pub fn fixed(at: Timestamp) -> Self {
        Self { fixed: Some(Arc::new(AtomicI64::new(at.0))) }
    }

    /// Puts a clock that stands still, and every copy of it, to another instant. The machine's clock is left alone.
    pub fn put(&self, at: Timestamp) {
        if let Some(fixed) = &self.fixed {
            fixed.store(at.0, Ordering::SeqCst);
        }
    }

    /// The present instant.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else is told to use")]
    pub fn now(&self) -> Timestamp {
        match &self.fixed {
            Some(fixed) => Timestamp(fixed.load(Ordering::SeqCst)),
            None => Timestamp(jiff::Timestamp::now().as_millisecond()),
        }
    }
}

/// A fresh unique part for an id: a UUIDv7 in hex without dashes, so that ids sort by creation.
#[must_use]
pub fn unique() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

/// A fresh secret: 32 random bytes in URL-safe base64, 43 characters.
///
/// # Errors
/// When the operating system gives no randomness.
pub fn secret() -> Result<String, AppError> {
    use base64::Engine as _;
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes).map_err(|e| AppError::internal("failed to get random bytes", e))?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

/// Something that happened; the console listens.
#[derive(Clone, Debug)]
pub struct Event {
    /// Grows by one with each event of this process.
    pub id: u64,
    /// `hosts`, `feeds`, `intel`, `policy`, `exceptions`.
    pub topic: String,
    /// One line for people.
    pub text: String,
}

/// Everything a use case needs; cheap to clone.
#[derive(Clone)]
pub struct Env {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    config: Config,
    clock: Clock,
    intel: RwLock<Arc<Intel>>,
    policy: RwLock<Arc<PolicySet>>,
    known: Known,
    events: broadcast::Sender<Event>,
    next_event: std::sync::atomic::AtomicU64,
    cache: crate::fleet::cache::FleetCache,
    fleet: crate::fleet::index::FleetStore,
    decisions: crate::decisions::current::DecisionStore,
    attempts: crate::auth::Attempts,
}

impl Env {
    /// Opens an installation: makes the data folder, migrates the database, loads intelligence and policy.
    ///
    /// # Errors
    /// [`AppError`] with a hint when the folder, the database or the intelligence cannot be opened.
    pub async fn open(config: Config, clock: Clock) -> Result<Self, AppError> {
        Self::open_for(config, clock, Access::Write).await
    }

    /// The same for who only looks: where the database cannot be written it is opened for reading, and every write fails.
    ///
    /// # Errors
    /// As [`Env::open`].
    pub async fn open_to_read(config: Config, clock: Clock) -> Result<Self, AppError> {
        Self::open_for(config, clock, Access::Read).await
    }

    async fn open_for(config: Config, clock: Clock, access: Access) -> Result<Self, AppError> {
        std::fs::create_dir_all(&config.data_dir).map_err(|e| AppError::data_dir(&config.data_dir, e))?;
        let now = clock.now();
        let mark = Mark::of(&config);
        mark.check()?;
        let db = Db::connect(&config.database(), &Options { access, ..Options::new(now) }).await?;
        let read_only = db.is_read_only();
        if !read_only {
            mark.set(now)?;
        }
        let intel = Intel::open_or_build(&config.data_dir, now)?;
        let known = Known::load(&config.data_dir)?;
        let policy = PolicySet::load(&db).await?;
        let (events, _) = broadcast::channel(EVENTS_KEPT);
        let env = Self {
            inner: Arc::new(Inner {
                db,
                config,
                clock,
                intel: RwLock::new(Arc::new(intel)),
                policy: RwLock::new(Arc::new(policy)),
                known,
                events,
                next_event: std::sync::atomic::AtomicU64::new(1),
                cache: crate::fleet::cache::FleetCache::default(),
                fleet: crate::fleet::index::FleetStore::default(),
                decisions: crate::decisions::current::DecisionStore::default(),
                attempts: crate::auth::Attempts::default(),
            }),
        };
        // What another process activated is noted by the next one that may write.
        if !read_only {
            crate::intel::reconcile(&env).await?;
        }
        Ok(env)
    }

    /// The database.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.inner.db
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Settings of the installation.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// The data folder.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.inner.config.data_dir
    }

    /// The active intelligence snapshot.
    #[must_use]
    pub fn intel(&self) -> Arc<Intel> {
        self.inner.intel.read().map_or_else(|poisoned| poisoned.into_inner().clone(), |guard| guard.clone())
    }

    /// Since when vulnerabilities are known here.
    #[must_use]
    pub fn known(&self) -> &Known {
        &self.inner.known
    }

    /// Makes another snapshot the active one in this process. The caller notes it in the activation log.
    pub fn intel_replace(&self, intel: Intel) {
        let text = intel.label().label;
        match self.inner.intel.write() {
            Ok(mut guard) => *guard = Arc::new(intel),
            Err(poisoned) => *poisoned.into_inner() = Arc::new(intel),
        }
        self.event("intel", &text);
    }

    /// The active policy.
    #[must_use]
    pub fn policy(&self) -> Arc<PolicySet> {
        self.inner.policy.read().map_or_else(|poisoned| poisoned.into_inner().clone(), |guard| guard.clone())
    }

    /// Makes another policy the active one.
    pub fn policy_replace(&self, policy: PolicySet) {
        match self.inner.policy.write() {
            Ok(mut guard) => *guard = Arc::new(policy),
            Err(poisoned) => *poisoned.into_inner() = Arc::new(policy),
        }
        self.event("policy", "policy changed");
    }

    /// Listens to events.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.inner.events.subscribe()
    }

    /// Tells listeners that something happened. Nobody listening is fine.
    pub fn event(&self, topic: &str, text: &str) {
        let id = self.inner.next_event.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let event = Event { id, topic: topic.to_owned(), text: text.to_owned() };
        if self.inner.events.send(event).is_err() {
            tracing::trace!("no console is listening");
        }
    }

    pub(crate) fn cache(&self) -> &crate::fleet::cache::FleetCache {
        &self.inner.cache
    }

    pub(crate) fn fleet(&self) -> &crate::fleet::index::FleetStore {
        &self.inner.fleet
    }

    pub(crate) fn decisions(&self) -> &crate::decisions::current::DecisionStore {
        &self.inner.decisions
    }

    pub(crate) fn attempts(&self) -> &crate::auth::Attempts {
        &self.inner.attempts
    }
}

/// The file that says that a data folder has had an embedded database: one that is gone must not be begun anew, as if nothing had
/// ever happened here.
pub(crate) struct Mark {
    /// Nothing with a database server.
    file: Option<PathBuf>,
    database: PathBuf,
}

impl Mark {
    pub(crate) fn of(config: &Config) -> Self {
        let file = config.database_url.is_none().then(|| config.data_dir.join("installation"));
        Self { file, database: config.data_dir.join("patchwright.db") }
    }

    pub(crate) fn check(&self) -> Result<(), AppError> {
        let Some(file) = self.file.as_ref().filter(|file| file.exists()) else { return Ok(()) };
        let what = match std::fs::metadata(&self.database) {
            Ok(meta) if meta.len() > 0 => return Ok(()),
            Ok(_) => "is empty",
            Err(_) => "is gone",
        };
        Err(AppError::DatabaseGone {
            path: self.database.display().to_string(),
            what,
            mark: file.display().to_string(),
        })
    }

    fn set(&self, now: Timestamp) -> Result<(), AppError> {
        let Some(file) = self.file.as_ref().filter(|file| !file.exists()) else { return Ok(()) };
        let text = format!(
            "{now}\nThis folder has a database since then. Patchwright refuses to begin a new one while this file is here.\n"
        );
        std::fs::write(file, text).map_err(|e| AppError::data_dir(file, e))
    }
}
