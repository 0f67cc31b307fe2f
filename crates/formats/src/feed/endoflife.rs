//! Support dates from endoflife.date: API v1 (`/products/full`, `/products/NAME`) and the older per-product list.
//!
//! In v1 `isEol` is a flag and `eolFrom` a day or null; in the older form `eol`, `support`, `lts` and `extendedSupport`
//! are each a flag or a day. Cycle names of the older form may be numbers.

use std::io::Read;

use patchwright_domain::intel::EolCycle;
use patchwright_domain::time::Date;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{FeedError, FeedFormat, FeedSink, Parsed, Tally, open, stream_json};
use crate::bounded::Limits;
use crate::json_stream::{Fields, Sink, items};

/// Products whose extended support (`eoes`) is free for everybody. Elsewhere it is paid or needs an entitlement.
const FREE_EXTENDED: [&str; 1] = ["debian"];

/// A field that is a flag or a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FlagOrDay {
    Absent,
    Flag(bool),
    Day(Date),
}

struct Cycles {
    tally: Tally,
    cycles: Vec<EolCycle>,
    /// The product of the older form, which the document does not name.
    product: Option<String>,
    recognised: bool,
}

impl Cycles {
    /// One product of API v1: `{name, releases: […]}`.
    fn product(&mut self, at: &str, fields: &Fields<'_>) {
        let Some(releases) = fields.raw("releases") else {
            self.tally.seen();
            self.tally.lose(at, "product has no releases", &fields.text("name").unwrap_or_default());
            return;
        };
        let Some(name) = fields.text("name") else {
            self.tally.seen();
            self.tally.lose(at, "product has no name", releases.get());
            return;
        };
        match items(releases) {
            Ok(releases) => {
                self.recognised = true;
                for (index, raw) in releases.into_iter().enumerate() {
                    self.tally.seen();
                    let at = format!("{at}/releases/{index} ({name})");
                    match cycle_v1(raw, &name, &at, &mut self.tally) {
                        Ok(cycle) => self.cycles.push(cycle),
                        Err(what) => self.tally.lose(at, what, raw.get()),
                    }
                }
            }
            Err(why) => {
                self.tally.seen();
                self.tally.lose(at, format!("releases of {name} are not a list: {why}"), releases.get());
            }
        }
    }
}

impl Sink for Cycles {
    fn field(&mut self, key: &str, raw: &RawValue) {
        if key == "result" {
            self.tally.note("/result", "is neither a list nor an object", raw.get());
        }
    }

    fn element(&mut self, list: &str, index: u64, raw: &RawValue) {
        match (list.is_empty(), self.product.clone()) {
            (false, _) => match Fields::parse(raw.get()) {
                Ok(fields) => self.product(&format!("/result/{index}"), &fields),
                Err(why) => {
                    self.tally.seen();
                    self.tally.lose(format!("/result/{index}"), format!("product cannot be read: {why}"), raw.get());
                }
            },
            (true, Some(product)) => {
                self.tally.seen();
                let at = format!("/{index}");
                match cycle_older(raw, &product, &at, &mut self.tally) {
                    Ok(cycle) => {
                        self.recognised = true;
                        self.cycles.push(cycle);
                    }
                    Err(what) => self.tally.lose(at, what, raw.get()),
                }
            }
            (true, None) => {
                self.tally.seen();
                self.tally.lose(format!("/{index}"), "cycle names no product", raw.get());
            }
        }
    }

    fn object(&mut self, _list: &str, fields: &[(String, Box<RawValue>)]) {
        self.product("/result", &Fields::view(fields));
    }
}

impl FeedSink for Cycles {
    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    fn missing(&self) -> Option<&'static str> {
        (!self.recognised).then_some("there is no product with a list of releases")
    }
}

/// Reads API v1: all products (`result` is a list) or one (`result` is an object).
///
/// # Errors
/// See [`FeedError`].
pub fn parse<R: Read>(reader: R, limits: &Limits) -> Result<Parsed<Vec<EolCycle>>, FeedError> {
    run(reader, limits, None)
}

/// Reads the older form, a list of cycles of one product, which the caller must name.
///
/// # Errors
/// See [`FeedError`].
pub fn parse_older<R: Read>(reader: R, product: &str, limits: &Limits) -> Result<Parsed<Vec<EolCycle>>, FeedError> {
    run(reader, limits, Some(product.to_owned()))
}

fn run<R: Read>(reader: R, limits: &Limits, product: Option<String>) -> Result<Parsed<Vec<EolCycle>>, FeedError> {
    let format = FeedFormat::EndOfLife;
    let intake = open(format, reader, limits)?;
    let watch = intake.watch();
    let mut sink = Cycles { tally: Tally::new(), cycles: Vec::new(), product, recognised: false };
    stream_json(format, intake, &watch, limits, &["result"], &mut sink)?;
    Ok(sink.tally.finish(sink.cycles))
}

fn cycle_v1(raw: &RawValue, product: &str, at: &str, tally: &mut Tally) -> Result<EolCycle, String> {
    let value: Value = serde_json::from_str(raw.get()).map_err(|err| format!("cycle cannot be read: {err}"))?;
    let mut cycle = EolCycle {
        product: product.to_owned(),
        cycle: name_of(value.get("name")).ok_or("cycle has no name")?,
        is_lts: value.get("isLts").and_then(Value::as_bool).unwrap_or(false),
        ..EolCycle::default()
    };
    let mut day = |key: &str| match flag_or_day(&value, key, at, tally) {
        FlagOrDay::Day(day) => Some(day),
        FlagOrDay::Absent | FlagOrDay::Flag(_) => None,
    };
    cycle.release = day("releaseDate");
    cycle.active_until = day("eoasFrom");
    cycle.security_until = day("eolFrom");
    let extended = day("eoesFrom");
    set_extended(&mut cycle, extended);
    cycle.ended_undated = cycle.security_until.is_none() && value.get("isEol").and_then(Value::as_bool) == Some(true);
    if let Some(latest) = value.get("latest").filter(|latest| latest.is_object()) {
        cycle.latest = name_of(latest.get("name"));
        cycle.latest_date = match flag_or_day(latest, "date", at, tally) {
            FlagOrDay::Day(day) => Some(day),
            FlagOrDay::Absent | FlagOrDay::Flag(_) => None,
        };
    }
    Ok(cycle)
}

fn cycle_older(raw: &RawValue, product: &str, at: &str, tally: &mut Tally) -> Result<EolCycle, String> {
    let value: Value = serde_json::from_str(raw.get()).map_err(|err| format!("cycle cannot be read: {err}"))?;
    let mut cycle = EolCycle {
        product: product.to_owned(),
        cycle: name_of(value.get("cycle")).ok_or("cycle has no name")?,
        latest: name_of(value.get("latest")),
        ..EolCycle::default()
    };
    let mut read = |key: &str| flag_or_day(&value, key, at, tally);
    let day = |field: FlagOrDay| match field {
        FlagOrDay::Day(day) => Some(day),
        FlagOrDay::Absent | FlagOrDay::Flag(_) => None,
    };
    cycle.release = day(read("releaseDate"));
    cycle.latest_date = day(read("latestReleaseDate"));
    cycle.active_until = day(read("support"));
    // A day in `lts` is when the cycle becomes a long-term one, not when that ends.
    cycle.is_lts = matches!(read("lts"), FlagOrDay::Flag(true) | FlagOrDay::Day(_));
    match read("eol") {
        FlagOrDay::Day(day) => cycle.security_until = Some(day),
        FlagOrDay::Flag(ended) => cycle.ended_undated = ended,
        FlagOrDay::Absent => {}
    }
    let extended = day(read("extendedSupport"));
    set_extended(&mut cycle, extended);
    Ok(cycle)
}

fn set_extended(cycle: &mut EolCycle, until: Option<Date>) {
    if FREE_EXTENDED.contains(&cycle.product.as_str()) {
        cycle.lts_until = until;
        cycle.is_lts |= until.is_some();
    } else {
        cycle.extended_until = until;
    }
}

/// A name that may be a number in documents made from YAML.
fn name_of(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn flag_or_day(value: &Value, key: &str, at: &str, tally: &mut Tally) -> FlagOrDay {
    let unreadable = |tally: &mut Tally, text: &str| {
        tally.note(at, format!("`{key}` is neither a flag nor a date and is left out"), text);
        FlagOrDay::Absent
    };
    match value.get(key) {
        None | Some(Value::Null) => FlagOrDay::Absent,
        Some(Value::Bool(flag)) => FlagOrDay::Flag(*flag),
        Some(Value::String(text)) => match Date::parse(text) {
            Some(day) => FlagOrDay::Day(day),
            None => unreadable(tally, text),
        },
        Some(other) => unreadable(tally, &other.to_string()),
    }
}
