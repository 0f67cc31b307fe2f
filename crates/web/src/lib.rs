//! Inbound connections: REST API and server-rendered console.
//!
//! [`pages`] holds the pages as values and templates, [`view`] how values look, [`api`] the REST API; the handlers only read
//! the request, call one use case and frame the answer. Permission is asked inside the use cases; here it is only found out
//! who asks.

pub mod api;
mod assets;
mod console;
mod csv;
mod events;
mod failure;
mod guard;
mod options;
pub mod pages;
pub mod problems;
mod session;
mod state;
pub mod view;
mod xlsx;

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{get, post};
use patchwright_app::Env;
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::TimeoutLayer;

pub use options::WebOptions;
pub use session::link_path;
use state::WebState;

/// Largest form or JSON body; host facts have their own limit.
const BODY_MAX: usize = 1024 * 1024;
/// Time until a request must have begun its answer. Streams go on afterwards.
const REQUEST_TIME: Duration = Duration::from_secs(60);
/// Time that open connections get to end after a shutdown was asked for; event streams never end by themselves.
const SHUTDOWN_TIME: Duration = Duration::from_secs(5);

/// Every route, with its guards.
///
/// Call it inside a tokio runtime: the log of events that returning readers ask for is filled by a task.
pub fn router(env: Env, options: WebOptions) -> Router {
    let state = WebState::new(env, options);
    // Only what carries no form token is compressed: a page that mixes a secret with text a stranger chose must not be (BREACH).
    let open =
        Router::new().route("/assets/{name}", get(assets::get)).merge(api::v1::router()).layer(CompressionLayer::new());
    let documents = Router::new()
        .route("/vex-documents", post(console::vex_documents::import))
        .layer(DefaultBodyLimit::max(console::vex_documents::BODY_MAX));
    Router::new()
        .route("/", get(console::today::get))
        .route("/hosts", get(console::hosts::list))
        .route("/hosts/{id}", get(console::hosts::detail))
        .route("/hosts/{id}/profile", post(console::hosts::profile))
        .route("/hosts/{id}/delete", post(console::hosts::delete))
        .route("/findings", get(console::findings::list))
        .route("/findings/bulk", get(console::bulk::get).post(console::bulk::post))
        .route("/findings/defer", get(console::exceptions::defer).post(console::exceptions::defer_done))
        .route(
            "/findings/not-affected",
            get(console::exceptions::not_affected).post(console::exceptions::not_affected_done),
        )
        .route("/exceptions", get(console::exceptions::list).post(console::exceptions::from_draft))
        .route("/exceptions/{id}", get(console::exceptions::detail))
        .route("/exceptions/{id}/decide", post(console::exceptions::decide))
        .route("/exceptions/{id}/renew", post(console::exceptions::renew))
        .route("/not-affected/{id}", get(console::exceptions::stated))
        .route("/not-affected/{id}/withdraw", post(console::exceptions::withdraw))
        .route("/vex-documents/{id}", get(console::vex_documents::detail))
        .route("/vex-documents/{id}/withdraw", post(console::vex_documents::withdraw))
        .route("/findings/views", post(console::findings::view_save))
        .route("/findings/views/{id}/delete", post(console::findings::view_delete))
        .route("/advisories", get(console::advisories::list))
        .route("/advisories/{id}", get(console::advisories::detail))
        .route("/data", get(console::data::get))
        .route("/data/return", get(console::data::return_form).post(console::data::return_to))
        .route("/sources", get(console::sources::list).post(console::sources::add))
        .route("/sources/{id}", get(console::sources::detail))
        .route("/sources/{id}/assess", post(console::sources::assess))
        .route("/search", get(console::search::get))
        .route("/ui/_/search", get(console::search::part))
        .route("/settings", get(console::settings::get))
        .route("/settings/password", post(console::settings::password))
        .route("/settings/tokens", post(console::settings::token_create))
        .route("/settings/tokens/{id}/revoke", post(console::settings::token_revoke))
        .route("/sign-in", get(console::sign_in::form).post(console::sign_in::password))
        .route("/sign-in/link", post(console::sign_in::link))
        .route("/sign-in/link/{secret}", get(console::sign_in::link_form))
        .route("/sign-out", post(console::sign_in::out))
        .route("/theme", post(console::sign_in::theme))
        .route("/events", get(events::get))
        .route("/api", get(console::plain::api))
        .route("/api/ask", get(console::plain::ask))
        .route("/problems/{code}", get(console::plain::problem))
        .route("/healthz", get(console::plain::healthy))
        .route("/readyz", get(console::plain::ready))
        .merge(open)
        .merge(documents)
        .fallback(console::plain::missing)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(CatchPanicLayer::new())
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_TIME))
        .layer(axum::middleware::from_fn_with_state(state.clone(), guard::finish))
        .with_state(state)
}

/// Serves until `shutdown` is done, then lets open requests end for a few seconds.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (told, mut asked) = tokio::sync::watch::channel(false);
    let graceful = async move {
        shutdown.await;
        // Nobody waiting any more is fine: then the server has ended by itself.
        told.send_replace(true);
    };
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(graceful);
    let deadline = async move {
        if asked.wait_for(|asked| *asked).await.is_ok() {
            tokio::time::sleep(SHUTDOWN_TIME).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        done = server => done,
        () = deadline => {
            tracing::info!("Open streams were closed {} s after the shutdown was asked for", SHUTDOWN_TIME.as_secs());
            Ok(())
        }
    }
}
