//! Settings that people change: bounds of what is kept, and shares at which a feed is refused.

use patchwright_domain::access::{Action, Target};
use patchwright_domain::audit::AuditEntry;
use patchwright_domain::intel::authenticity::provider::SignatureDemand;
use patchwright_store::{Db, Generation, Reader};
use serde::{Deserialize, Serialize};

use crate::error::AppError;
use crate::{Ctx, Env, Result};

/// Key of the one setting that holds them.
const KEY: &str = "intel";

/// Settings of vulnerability data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IntelSettings {
    /// A document, or one release in it, with less than this share (percent) of the records in force is refused.
    pub shrink_percent: u64,
    /// Snapshots whose chunks are kept, the active one among them.
    pub keep_snapshots: u64,
    /// Days for which chunks of earlier snapshots are kept as well.
    pub keep_days: u64,
    /// Raw documents kept of each feed.
    pub keep_raw: u64,
    /// Bytes that all raw documents may take, in MB; the oldest go first.
    pub keep_raw_mb: u64,
    /// When a document of a CSAF provider has to have a digest and a signature.
    pub signatures: SignatureDemand,
}

impl Default for IntelSettings {
    fn default() -> Self {
        Self {
            shrink_percent: 67,
            keep_snapshots: 10,
            keep_days: 0,
            keep_raw: 2,
            keep_raw_mb: 8_192,
            signatures: SignatureDemand::ByRole,
        }
    }
}

impl IntelSettings {
    fn check(self) -> Result<Self> {
        let within = [
            ("shrink_percent", self.shrink_percent, 0, 100),
            ("keep_snapshots", self.keep_snapshots, 1, 10_000),
            ("keep_days", self.keep_days, 0, 3_650),
            ("keep_raw", self.keep_raw, 0, 1_000),
            ("keep_raw_mb", self.keep_raw_mb, 0, 1 << 30),
        ];
        match within.iter().find(|(_, value, low, high)| value < low || value > high) {
            None => Ok(self),
            Some((name, value, low, high)) => Err(AppError::invalid(
                "setting_invalid",
                format!("`{name}` is {value}; it must be from {low} to {high}"),
                "give a value inside these bounds",
            )),
        }
    }

    pub(crate) async fn load(db: &Db) -> Result<Self> {
        Ok(read(&mut db.read().await?).await?.0)
    }
}

async fn read(reader: &mut Reader) -> Result<(IntelSettings, Option<Generation>)> {
    match reader.setting_fetch(KEY).await? {
        None => Ok((IntelSettings::default(), None)),
        Some(setting) => {
            let value = serde_json::from_str(&setting.value)
                .map_err(|e| AppError::internal("failed to read the setting `intel`", e))?;
            Ok((value, Some(setting.generation)))
        }
    }
}

/// The settings in force.
///
/// # Errors
/// [`AppError::Forbidden`], or the database.
pub async fn intel(env: &Env, ctx: &Ctx) -> Result<IntelSettings> {
    ctx.authorize(Action::ViewFeeds, &Target::Installation)?;
    IntelSettings::load(env.db()).await
}

/// Changes them. The reason is on record.
///
/// # Errors
/// [`AppError::Invalid`] without a reason or outside of the bounds, [`AppError::Conflict`] when somebody was faster.
pub async fn intel_change(
    env: &Env,
    ctx: &Ctx,
    change: impl FnOnce(IntelSettings) -> IntelSettings,
) -> Result<IntelSettings> {
    ctx.authorize(Action::EditSettings, &Target::Installation)?;
    let reason = ctx.reason_needed("a change of settings")?;
    let mut txn = env.db().write().await?;
    let (before, generation) = read(&mut txn).await?;
    let after = change(before).check()?;
    let text = serde_json::to_string(&after).map_err(|e| AppError::internal("failed to write a setting", e))?;
    txn.setting_save(KEY, &text, generation).await?;
    txn.audit_append(AuditEntry {
        at: env.now(),
        actor: ctx.actor.word(),
        action: Action::EditSettings.word().to_owned(),
        object: KEY.to_owned(),
        reason: Some(reason),
        detail: serde_json::json!({ "before": before, "after": after }),
        request_id: ctx.request_id.clone(),
    });
    txn.commit().await?;
    Ok(after)
}
