//! `intel build|status|verify`: the compiled data of this machine.

use patchwright_app::intel::{Intel, rebuild};
use patchwright_app::{AppError, Clock};

use super::local::Place;
use crate::args::Intel as Command;
use crate::exit::{Code, Failure};
use crate::{output, progress};

/// Runs it.
pub(crate) fn run(place: &Place, command: &Command) -> Result<Code, Failure> {
    let now = Clock::system().now();
    let dir = &place.config.data_dir;
    match command {
        Command::Build => {
            let bar = progress::spinner(place.quiet, "building from the data that ships with the product");
            let built = rebuild(dir, now);
            bar.finish_and_clear();
            let intel = built?;
            let label = intel.label();
            let records: u64 = label.providers.iter().map(|p| p.records).sum();
            if !place.quiet {
                output::talk(&format!(
                    "{} records of {} providers in {}",
                    records,
                    label.providers.len(),
                    intel.dir().root().display()
                ));
            }
            Ok(Code::Ok)
        }
        Command::Status { output: format } => {
            let intel = Intel::open_or_build(dir, now)?;
            let label = intel.label();
            if *format == output::Format::Json {
                output::json(&label)?;
                return Ok(Code::Ok);
            }
            if !place.quiet {
                output::talk(&format!(
                    "{} · activated {} · snapshot {}",
                    label.label, label.activated_at, label.snapshot
                ));
            }
            output::list(*format, &label.providers, &["provider", "date", "records", "from", "version"], |p| {
                let from = if p.starter { "starter set" } else { "feed" };
                vec![
                    p.provider.clone(),
                    p.date.clone(),
                    p.records.to_string(),
                    from.to_owned(),
                    p.version.clone().unwrap_or_default(),
                ]
            })?;
            Ok(Code::Ok)
        }
        Command::Verify => {
            let intel = Intel::open_or_build(dir, now)?;
            match intel.dir().verify(intel.index()) {
                Ok(()) => {
                    output::out(&format!("{} chunks have the bytes of their names\n", intel.index().chunks.len()))?;
                    Ok(Code::Ok)
                }
                Err(error @ AppError::Intel { .. }) => Err(Failure { code: Code::Findings, ..Failure::from(error) }),
                Err(error) => Err(error.into()),
            }
        }
    }
}
