//! `GET /events`: tells open pages that something changed (server-sent events). The page offers a reload; it never reloads
//! under a reader's eyes. Only the topic's text is sent, never data that a scope could hide.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event as Sse, KeepAlive};
use axum::response::{IntoResponse, Response};
use patchwright_app::{Env, Event};
use tokio::sync::broadcast::error::RecvError;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::BroadcastStream;

use crate::failure::Failure;
use crate::session::Signed;
use crate::state::WebState;

/// Events kept for readers that come back with `Last-Event-ID`.
const KEPT: usize = 256;
/// Between comments that keep the connection open through proxies.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// The last events, filled in the background.
#[derive(Clone, Default)]
pub(crate) struct EventLog {
    kept: Arc<Mutex<VecDeque<Event>>>,
}

/// What a reader missed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Missed {
    /// These, oldest first.
    Known(Vec<(u64, String)>),
    /// More than is kept, or the server was started again in between.
    Unknown,
}

impl EventLog {
    /// A log that follows the environment's events as long as the runtime lives.
    pub(crate) fn follow(env: &Env) -> Self {
        let log = Self::default();
        let mut events = env.events();
        let into = log.clone();
        let follow = async move {
            loop {
                match events.recv().await {
                    Ok(event) => into.push(event),
                    // The reader's gap shows in the ids; `since` answers `Unknown` for it.
                    Err(RecvError::Lagged(_)) => into.clear(),
                    Err(RecvError::Closed) => return,
                }
            }
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(follow);
            }
            Err(_) => tracing::debug!("events are not kept: the router was made outside a runtime"),
        }
        log
    }

    fn push(&self, event: Event) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(event);
    }

    fn clear(&self) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What happened after event `id`.
    pub(crate) fn since(&self, id: u64) -> Missed {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match (kept.front(), kept.back()) {
            (Some(first), Some(last)) if first.id <= id.saturating_add(1) && last.id >= id => {
                Missed::Known(kept.iter().filter(|e| e.id > id).map(|e| (e.id, visible(e))).collect())
            }
            _ => Missed::Unknown,
        }
    }
}

/// What a reader is told: the kind of change, without names, because a reader's scope may not cover the host it names.
fn visible(event: &Event) -> String {
    match event.topic.as_str() {
        "hosts" => "hosts changed",
        "feeds" => "a feed was fetched",
        "intel" => "vulnerability data changed",
        "policy" => "the policy changed",
        _ => "",
    }
    .to_owned()
}

fn changed(id: u64, text: &str) -> Sse {
    Sse::default().event("changed").id(id.to_string()).data(text)
}

/// `GET /events`.
pub(crate) async fn get(State(state): State<WebState>, _signed: Signed, headers: HeaderMap) -> Response {
    let Ok(place) = state.streams.clone().try_acquire_owned() else {
        return Failure::of("too_busy", "too many pages listen for changes").into_response();
    };
    let live = BroadcastStream::new(state.env.events());
    let last = headers.get("last-event-id").and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
    let missed: Vec<Sse> = match last.map(|id| state.log.since(id)) {
        None => Vec::new(),
        Some(Missed::Known(list)) => list.iter().map(|(id, text)| changed(*id, text)).collect(),
        Some(Missed::Unknown) => vec![Sse::default().event("missed").data("the connection was away for a while")],
    };
    let live = live.map(move |next| {
        // The place is given back when the stream is dropped.
        let _held = &place;
        match next {
            Ok(event) => changed(event.id, &visible(&event)),
            Err(_) => Sse::default().event("missed").data("several changes"),
        }
    });
    let stream = tokio_stream::iter(missed).chain(live).map(Ok::<Sse, Infallible>);
    axum::response::Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: u64) -> Event {
        Event { id, topic: "hosts".to_owned(), text: format!("secret-host-{id}: 12 packages") }
    }

    #[test]
    fn a_reader_gets_exactly_what_it_missed() {
        let log = EventLog::default();
        assert_eq!(log.since(3), Missed::Unknown);
        (5..=9).for_each(|id| log.push(event(id)));
        let ids = |id| match log.since(id) {
            Missed::Known(list) => list.into_iter().map(|(id, _)| id).collect(),
            Missed::Unknown => vec![0],
        };
        assert_eq!(ids(7), [8, 9]);
        assert_eq!(ids(4), [5, 6, 7, 8, 9]);
        assert_eq!(ids(9), [0_u64; 0]);
        // Older than what is kept, or newer than this process knows: it has to reload.
        assert_eq!(ids(3), [0]);
        assert_eq!(ids(10), [0]);
    }

    #[test]
    fn the_log_is_bounded_and_names_no_host() {
        let log = EventLog::default();
        (1..=1_000).for_each(|id| log.push(event(id)));
        assert_eq!(log.since(10), Missed::Unknown);
        let Missed::Known(list) = log.since(1_000 - 256) else { panic!("kept events are known") };
        assert_eq!(list.len(), 256);
        assert!(list.iter().all(|(_, text)| !text.contains("secret-host")));
    }
}
