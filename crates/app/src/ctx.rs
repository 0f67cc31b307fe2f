//! Who asks, and under which request: the first argument of every use case after the environment.

use patchwright_domain::access::{Action, Actor, Target, may};

use crate::error::AppError;

/// The caller of a use case.
#[derive(Clone, Debug)]
pub struct Ctx {
    /// Who.
    pub actor: Actor,
    /// Request id, in logs, audit and error answers.
    pub request_id: String,
    /// Reason the caller gave, where the action wants one.
    pub reason: Option<String>,
}

impl Ctx {
    /// Asks permission; the first line of every use case.
    ///
    /// # Errors
    /// [`AppError::Forbidden`] with the reason.
    pub fn authorize(&self, action: Action, target: &Target<'_>) -> Result<(), AppError> {
        let decision = may(&self.actor, action, target);
        if decision.allowed { Ok(()) } else { Err(AppError::forbidden(&decision)) }
    }

    /// The reason, for what must not be done without one.
    ///
    /// # Errors
    /// [`AppError::Invalid`] when the caller gave none.
    pub fn reason_needed(&self, what: &str) -> Result<String, AppError> {
        self.reason.clone().filter(|r| !r.trim().is_empty()).ok_or_else(|| {
            AppError::invalid("reason_missing", format!("{what} needs a reason"), "give it with --reason")
        })
    }
}
