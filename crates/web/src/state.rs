//! What handlers share.

use std::sync::Arc;

use patchwright_app::Env;
use tokio::sync::Semaphore;

use crate::events::EventLog;
use crate::options::WebOptions;

/// Password hashes computed at once. One takes some 20 MB and 20 ms of a core; more at once would let strangers fill the memory.
const SIGN_INS_AT_ONCE: usize = 4;
/// Open event streams; each holds a connection. A person's browser has a few pages open.
const STREAMS_MAX: usize = 256;

/// State of the router; cheap to clone.
#[derive(Clone)]
pub(crate) struct WebState {
    /// Use cases' environment.
    pub(crate) env: Env,
    /// Settings.
    pub(crate) options: Arc<WebOptions>,
    /// Places for password checks.
    pub(crate) sign_ins: Arc<Semaphore>,
    /// Places for event streams.
    pub(crate) streams: Arc<Semaphore>,
    /// Events of the last minutes, for readers that come back.
    pub(crate) log: EventLog,
}

impl WebState {
    /// State over an environment.
    #[must_use]
    pub(crate) fn new(env: Env, options: WebOptions) -> Self {
        Self {
            log: EventLog::follow(&env),
            env,
            options: Arc::new(options),
            sign_ins: Arc::new(Semaphore::new(SIGN_INS_AT_ONCE)),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
        }
    }
}
