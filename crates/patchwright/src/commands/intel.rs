//! `intel build|status|verify|list|diff|activate|as-of|key|settings`: the compiled data of this machine.

use patchwright_app::feeds::registry::feed;
use patchwright_app::intel::{self, DiffRow, Intel, LogRow, Rebuilt, rebuild};
use patchwright_app::keys::KeyDir;
use patchwright_app::settings;
use patchwright_app::{AppError, Clock};
use patchwright_domain::intel::authenticity::provider::SignatureDemand;
use patchwright_domain::time::{Date, Timestamp};

use super::local::{Place, block_on, ctx};
use crate::args::{Intel as Command, Signatures};
use crate::exit::{Code, Failure};
use crate::{output, progress};

/// Runs it.
pub(crate) fn run(place: &Place, command: &Command) -> Result<Code, Failure> {
    let now = Clock::system().now();
    let dir = &place.config.data_dir;
    match command {
        Command::Build { output: format } => {
            let bar = progress::spinner(place.quiet, "building from the data that ships with the product");
            let built = rebuild(dir, now);
            bar.finish_and_clear();
            let Rebuilt { intel, dropped, unknown } = built?;
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
            if *format != output::Format::Table {
                #[derive(serde::Serialize)]
                struct Built {
                    snapshot: String,
                    records: u64,
                    providers: usize,
                    dropped: Vec<String>,
                    /// Whether what was in force before could not be read.
                    dropped_unknown: bool,
                }
                let row = Built {
                    snapshot: label.snapshot.clone(),
                    records,
                    providers: label.providers.len(),
                    dropped: dropped.clone(),
                    dropped_unknown: unknown,
                };
                output::one(*format, &row, "", &["snapshot", "records", "providers", "dropped"], |r| {
                    let dropped = output::clean(&r.dropped.join(" "));
                    vec![r.snapshot.clone(), r.records.to_string(), r.providers.to_string(), dropped]
                })?;
            }
            // Said with --quiet too: every answer knows less from here on.
            if let Some(words) = gone(&dropped, unknown) {
                output::talk(&words);
                return Ok(Code::Findings);
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
        Command::Verify { output: format } => {
            let intel = Intel::open_or_build(dir, now)?;
            match intel.dir().verify(intel.index()) {
                Ok(()) => {
                    let key = intel.dir().keys().public()?;
                    #[derive(serde::Serialize)]
                    struct Verified {
                        snapshot: String,
                        chunks: usize,
                        key_id: String,
                    }
                    let row = Verified {
                        snapshot: intel.index().id.clone(),
                        chunks: intel.index().chunks.len(),
                        key_id: key.id().to_string(),
                    };
                    let text = format!(
                        "{} chunks have the bytes of their names; the index is signed by {}\n",
                        row.chunks,
                        key.id().short()
                    );
                    output::one(*format, &row, &text, &["snapshot", "chunks", "key id"], |r| {
                        vec![r.snapshot.clone(), r.chunks.to_string(), r.key_id.clone()]
                    })?;
                    Ok(Code::Ok)
                }
                Err(error @ AppError::Intel { .. }) => Err(Failure { code: Code::Findings, ..Failure::from(error) }),
                Err(error) => Err(error.into()),
            }
        }
        Command::List { limit, output: format } => block_on(async {
            let env = place.open_to_read().await?;
            let rows = intel::activations(&env, &ctx(None), if *limit == 0 { u32::MAX } else { *limit }).await?;
            log_rows(&rows, *format)?;
            Ok(Code::Ok)
        }),
        Command::Diff { a, b, pairs, output: format } => block_on(async {
            let env = place.open_to_read().await?;
            let rows = intel::diff_snapshots(&env, &ctx(None), a, b).await?;
            diff_rows(&rows, *pairs, *format)?;
            Ok(Code::Ok)
        }),
        Command::Activate { snapshot, reason, output: format } => block_on(async {
            let env = place.open().await?;
            let row = intel::return_to(&env, &ctx(Some(reason)), snapshot).await?;
            match format {
                output::Format::Table => output::out(&format!(
                    "snapshot {} is in force again, as sequence {}\n",
                    row.snapshot, row.sequence
                ))?,
                output::Format::Json => output::json(&row)?,
                output::Format::Ndjson | output::Format::Csv => log_rows(std::slice::from_ref(&row), *format)?,
            }
            Ok(Code::Ok)
        }),
        Command::AsOf { at, vuln, output: format } => {
            let at = moment(at)?;
            block_on(as_of(place, at, vuln.as_deref(), *format))
        }
        Command::Key { output: format } => {
            let key = KeyDir::new(dir).secret()?.public();
            #[derive(serde::Serialize)]
            struct Row {
                key: String,
                id: String,
            }
            let row = Row { key: key.to_string(), id: key.id().to_string() };
            output::one(*format, &row, &format!("{key}\n"), &["key", "id"], |r| vec![r.key.clone(), r.id.clone()])?;
            if !place.quiet {
                output::talk(&format!("key id {}", key.id()));
            }
            Ok(Code::Ok)
        }
        Command::Settings {
            shrink_percent,
            keep_snapshots,
            keep_days,
            keep_raw,
            keep_raw_mb,
            signatures,
            reason,
            output: format,
        } => block_on(async {
            let env = place.open_to_read().await?;
            let changes = [shrink_percent, keep_snapshots, keep_days, keep_raw, keep_raw_mb];
            let settings = if changes.iter().any(|c| c.is_some()) || signatures.is_some() {
                let ctx = ctx(reason.as_deref());
                settings::intel_change(&env, &ctx, |old| settings::IntelSettings {
                    shrink_percent: shrink_percent.unwrap_or(old.shrink_percent),
                    keep_snapshots: keep_snapshots.unwrap_or(old.keep_snapshots),
                    keep_days: keep_days.unwrap_or(old.keep_days),
                    keep_raw: keep_raw.unwrap_or(old.keep_raw),
                    keep_raw_mb: keep_raw_mb.unwrap_or(old.keep_raw_mb),
                    signatures: signatures.map_or(old.signatures, |when| match when {
                        Signatures::ByRole => SignatureDemand::ByRole,
                        Signatures::Always => SignatureDemand::Always,
                        Signatures::IfPresent => SignatureDemand::IfPresent,
                        Signatures::IgnoreUnsafe => SignatureDemand::IgnoreUnsafe,
                    }),
                })
                .await?
            } else {
                settings::intel(&env, &ctx(None)).await?
            };
            settings_rows(&settings, *format)?;
            Ok(Code::Ok)
        }),
    }
}

/// What a build from the starter set put out of force, and how it comes back; nothing where all is in force that was.
fn gone(dropped: &[String], unknown: bool) -> Option<String> {
    if unknown {
        return Some(
            "warning: which feeds were in force until now cannot be read; only the starter set is in force\n  \
             hint: `patchwright feed sync` fetches the default feeds, `patchwright feed status` shows what was fetched before"
                .to_owned(),
        );
    }
    if dropped.is_empty() {
        return None;
    }
    let feeds: Vec<&str> = dropped.iter().map(String::as_str).filter(|id| feed(id).is_some()).collect();
    let others: Vec<&str> = dropped.iter().map(String::as_str).filter(|id| feed(id).is_none()).collect();
    let mut words =
        format!("warning: not in force any more, only the starter set is: {}", output::clean(&dropped.join(", ")));
    if !feeds.is_empty() {
        words.push_str(&format!(
            "\n  hint: `patchwright feed sync {}` fetches them again; where a bundle brought them, import it again",
            feeds.join(" ")
        ));
    }
    if !others.is_empty() {
        words
            .push_str(&format!("\n  hint: import the bundle again that brought {}", output::clean(&others.join(", "))));
    }
    Some(words)
}

fn settings_rows(settings: &settings::IntelSettings, format: output::Format) -> Result<(), Failure> {
    #[derive(serde::Serialize)]
    struct Row {
        setting: &'static str,
        value: String,
        meaning: &'static str,
    }
    if format == output::Format::Json {
        return output::json(settings);
    }
    let number = |setting, value: u64, meaning| Row { setting, value: value.to_string(), meaning };
    let rows = [
        number(
            "shrink_percent",
            settings.shrink_percent,
            "a document with a smaller share of the records in force is refused",
        ),
        number("keep_snapshots", settings.keep_snapshots, "snapshots whose data is kept"),
        number("keep_days", settings.keep_days, "days of snapshots kept as well"),
        number("keep_raw", settings.keep_raw, "raw documents kept of each feed"),
        number("keep_raw_mb", settings.keep_raw_mb, "megabytes of raw documents kept in all"),
        Row {
            setting: "signatures",
            value: settings.signatures.word().to_owned(),
            meaning: "when a document of a CSAF provider must be signed",
        },
    ];
    output::list(format, &rows, &["setting", "value", "meaning"], |r| {
        vec![r.setting.to_owned(), r.value.clone(), r.meaning.to_owned()]
    })
}

/// A day, which means its end, or an instant.
fn moment(text: &str) -> Result<Timestamp, Failure> {
    let day = |text: &str| Date::parse(text).filter(|_| text.len() == 10).map(|d| d.start().plus_days(1));
    day(text).map(|end| Timestamp(end.0 - 1)).or_else(|| Timestamp::parse(text)).ok_or_else(|| {
        Failure::new(
            Code::Usage,
            format!("`{}` is neither a day nor an instant", output::clean(text)),
            "write 2026-05-03 or 2026-05-03T12:00:00Z",
        )
    })
}

fn log_rows(rows: &[LogRow], format: output::Format) -> Result<(), Failure> {
    let columns = ["seq", "sequence", "at", "snapshot", "state", "records", "from", "label", "by", "reason"];
    output::list_sparing(format, rows, &columns, &["label", "sequence", "by"], |r| {
        vec![
            r.seq.to_string(),
            r.sequence.to_string(),
            r.at.clone(),
            r.snapshot.get(..12).unwrap_or(&r.snapshot).to_owned(),
            r.state.to_owned(),
            r.records.to_string(),
            output::clean(&r.provider),
            output::clean(&r.label),
            output::clean(&r.actor),
            r.reason.as_deref().map(output::clean).unwrap_or_default(),
        ]
    })
}

fn diff_rows(rows: &[DiffRow], pairs: bool, format: output::Format) -> Result<(), Failure> {
    if format == output::Format::Json {
        return output::json(&rows);
    }
    if pairs {
        #[derive(serde::Serialize)]
        struct Pair<'a> {
            change: &'static str,
            provider: &'a str,
            ecosystem: &'a str,
            package: &'a str,
            vuln: &'a str,
        }
        let mut all = Vec::new();
        for row in rows {
            for (change, list) in [("came", &row.came), ("went", &row.went), ("changed", &row.changed)] {
                all.extend(list.iter().map(|p| Pair {
                    change,
                    provider: &row.provider,
                    ecosystem: row.ecosystem.as_deref().unwrap_or_default(),
                    package: &p.package,
                    vuln: &p.vuln,
                }));
            }
        }
        return output::list(format, &all, &["change", "provider", "ecosystem", "package", "vuln"], |p| {
            [p.change, p.provider, p.ecosystem, p.package, p.vuln].map(output::clean).to_vec()
        });
    }
    let columns = ["provider", "kind", "ecosystem", "rows before", "rows after", "came", "went", "changed", "packages"];
    output::list(format, rows, &columns, |r| {
        let count = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
        vec![
            output::clean(&r.provider),
            r.kind.to_owned(),
            r.ecosystem.as_deref().map(output::clean).unwrap_or_default(),
            r.records.0.to_string(),
            r.records.1.to_string(),
            count(r.counts.map(|c| c.0)),
            count(r.counts.map(|c| c.1)),
            count(r.counts.map(|c| c.2)),
            count(r.counts.map(|_| r.packages)),
        ]
    })
}

async fn as_of(place: &Place, at: Timestamp, vuln: Option<&str>, format: output::Format) -> Result<Code, Failure> {
    let env = place.open_to_read().await?;
    if let Some(vuln) = vuln {
        let rows = intel::known_since(&env, &ctx(None), vuln, Some(at)).await?;
        output::list(format, &rows, &["ecosystem", "package", "since", "seq"], |r| {
            vec![output::clean(&r.ecosystem), output::clean(&r.package), r.since.clone(), r.seq.to_string()]
        })?;
        return Ok(Code::Ok);
    }
    let found = intel::as_of(&env, &ctx(None), at).await?;
    if format == output::Format::Json {
        output::json(&found)?;
        return Ok(Code::Ok);
    }
    log_rows(std::slice::from_ref(&found.entry), format)?;
    for gone in &found.gone {
        output::talk(&format!("not kept any more: {}", output::clean(gone)));
    }
    if found.gone.is_empty() && !place.quiet {
        let opened = Intel::as_of(&env, &ctx(None), at).await?;
        let label = opened.label();
        let newest = label.providers.iter().map(|p| p.date.as_str()).max().unwrap_or_default();
        output::talk(&format!("{} providers, the newest data of {newest}", label.providers.len()));
    }
    Ok(Code::Ok)
}
