//! `PUT /api/v1/hosts/{id}/profile`

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse as _;
use patchwright_app::hosts;
use patchwright_domain::decision::profile::AssetProfile;
use patchwright_protocol::problem::ProblemDetails;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::{Answer, Body, generation_tag, generation_wanted, not_first};
use crate::console::hosts::host_id;
use crate::failure::Failure;
use crate::pages::host_tabs::{parse_class, parse_exposure, parse_tier};
use crate::session::Caller;
use crate::state::WebState;

/// What a host is to the organisation. Members that are left out become unknown or empty.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Profile {
    /// Environment (`production`).
    environment: String,
    /// `T1` to `T4`; `T3` when left out.
    tier: String,
    /// `restricted`, `confidential`, `public` or `unknown`.
    data_class: String,
    /// `internet`, `internal`, `isolated` or `unknown`, which counts as internet.
    exposure: String,
    /// Zone or site.
    zone: String,
    /// Accountable owner.
    owner: String,
    /// Services that the host carries.
    services: Vec<String>,
    /// Regulatory tags.
    tags: Vec<String>,
}

impl Profile {
    /// # Errors
    /// [`Failure`] naming the word that is not known.
    fn read(self) -> Result<AssetProfile, Failure> {
        let one_of = |name: &str, value: &str, known: &[&str]| {
            if value.is_empty() || known.contains(&value) {
                return Ok(());
            }
            Err(Failure::of("invalid", format!("`{name}` is one of {}", known.join(", "))))
        };
        one_of("tier", &self.tier, &["T1", "T2", "T3", "T4"])?;
        one_of("data_class", &self.data_class, &["restricted", "confidential", "public", "unknown"])?;
        one_of("exposure", &self.exposure, &["internet", "internal", "isolated", "unknown"])?;
        let sorted = |mut list: Vec<String>| {
            list.sort();
            list.dedup();
            list
        };
        Ok(AssetProfile {
            tier: parse_tier(&self.tier),
            data_class: parse_class(&self.data_class),
            exposure: parse_exposure(&self.exposure),
            environment: self.environment,
            zone: self.zone,
            owner: self.owner,
            services: sorted(self.services),
            tags: sorted(self.tags),
        })
    }
}

/// Says what a host is to the organisation.
#[utoipa::path(
    put, path = "/api/v1/hosts/{id}/profile", tag = "Hosts", operation_id = "hosts_profile",
    description = "Replaces the asset profile, on which urgency and due dates depend. Needs `If-Match` with the `ETag` of \
                   the host, so that nobody's change is overwritten unseen. Changing the environment needs rights in the old and in the new \
                   one; leaving it out takes the host out of its environment.",
    params(
        ("id" = String, Path, description = "Host id (`hst_…`)."),
        ("If-Match" = String, Header, description = "`ETag` of the host that the change was made from; its generation alone, `\"gN\"`, is enough."),
    ),
    request_body = Profile,
    responses(
        (status = 204, description = "Saved; the `ETag` names the new generation, for the next change."),
        (status = 401, description = "No session and no valid token.", body = ProblemDetails),
        (status = 403, description = "Role or token scope does not cover it.", body = ProblemDetails),
        (status = 404, description = "No such host, or not in the caller's scope.", body = ProblemDetails),
        (status = 412, description = "Somebody changed the host first, or `If-Match` is not a tag of it.", body = ProblemDetails),
        (status = 422, description = "A word that is not known.", body = ProblemDetails),
        (status = 428, description = "`If-Match` is missing.", body = ProblemDetails),
    ),
    security(("token" = []))
)]
pub(crate) async fn handler(
    State(state): State<WebState>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(profile): Body<Profile>,
) -> Answer {
    let id = host_id(&id)?;
    let wanted = generation_wanted(&headers, "host")?;
    // The new generation comes from the change itself: reading the host again needs a right that changing it does not.
    let now = hosts::profile_save(&state.env, &caller.ctx, &id, profile.read()?, wanted).await.map_err(not_first)?;
    Ok((StatusCode::NO_CONTENT, [(header::ETAG, generation_tag(now))]).into_response())
}
