//! The one road from our queries to the two drivers: arguments, rows, execution and the bulk insert.

use patchwright_domain::time::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Executor as _, Postgres, Row as _, SqlSafeStr as _, Sqlite, Transaction};

use crate::Generation;
use crate::dialect::Engine;
use crate::error::StoreError;

/// A query with the name under which errors and tests speak of it. `{list}` in the text is where a list of values goes; it is
/// always the last of the parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sql {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

/// Declares the queries of a module, and `ALL` so that a test can prepare each one on both engines.
macro_rules! queries {
    ($($(#[$doc:meta])* $name:ident = $text:expr;)+) => {
        $($(#[$doc])* const $name: $crate::link::Sql = $crate::link::Sql { name: stringify!($name), text: $text };)+
        /// Every query of this module.
        pub(crate) const ALL: &[$crate::link::Sql] = &[$($name),+];
    };
}
pub(crate) use queries;

/// A value on its way to the database.
#[derive(Clone, Debug)]
pub(crate) enum Arg {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

macro_rules! from {
    ($($kind:ident <- $type:ty: |$value:ident| $make:expr;)+) => {$(
        impl From<$type> for Arg {
            fn from($value: $type) -> Self {
                Self::$kind($make)
            }
        }
    )+};
}

from! {
    Int <- i64: |v| Some(v);
    Int <- Option<i64>: |v| v;
    Int <- bool: |v| Some(i64::from(v));
    Int <- Timestamp: |v| Some(v.0);
    Int <- Option<Timestamp>: |v| v.map(|t| t.0);
    Int <- Generation: |v| Some(v.0);
    Text <- &str: |v| Some(v.to_owned());
    Text <- &String: |v| Some(v.clone());
    Text <- String: |v| Some(v);
    Text <- Option<String>: |v| v;
    Text <- &Option<String>: |v| v.clone();
    Bytes <- Vec<u8>: |v| Some(v);
    Bytes <- &[u8]: |v| Some(v.to_vec());
}

/// `args![a, b]`: each through [`Arg::from`].
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::link::Arg::from($value)),*] };
}
pub(crate) use args;

/// Turns a count into what both engines store.
pub(crate) fn int(what: &'static str, count: u64) -> Result<i64, StoreError> {
    i64::try_from(count).map_err(|_| StoreError::Value { what, why: format!("{count} is beyond 2^63 - 1") })
}

/// PostgreSQL takes no zero character in text, SQLite cuts or keeps it as it likes: nobody gets to store one.
fn check(args: &[Arg]) -> Result<(), StoreError> {
    let bad = args.iter().any(|arg| match arg {
        Arg::Text(Some(text)) => text.contains('\0'),
        Arg::Text(None) | Arg::Int(_) | Arg::Bytes(_) => false,
    });
    if bad {
        return Err(StoreError::Value { what: "text", why: "it holds a zero character".to_owned() });
    }
    Ok(())
}

/// A row of either engine.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

macro_rules! getter {
    ($($name:ident -> $type:ty;)+) => {$(
        pub(crate) fn $name(&self, column: &'static str) -> Result<$type, StoreError> {
            match self {
                Self::Sqlite(row) => row.try_get::<$type, _>(column),
                Self::Postgres(row) => row.try_get::<$type, _>(column),
            }
            .map_err(|e| broken(column, &e))
        }
    )+};
}

fn broken(column: &'static str, why: &dyn std::fmt::Display) -> StoreError {
    StoreError::Row { column, why: why.to_string() }
}

impl Row {
    getter! {
        int -> i64;
        opt_int -> Option<i64>;
        text -> String;
        opt_text -> Option<String>;
        bytes -> Vec<u8>;
    }

    pub(crate) fn flag(&self, column: &'static str) -> Result<bool, StoreError> {
        Ok(self.int(column)? != 0)
    }

    pub(crate) fn count(&self, column: &'static str) -> Result<u64, StoreError> {
        u64::try_from(self.int(column)?).map_err(|e| broken(column, &e))
    }

    pub(crate) fn at(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        Ok(Timestamp(self.int(column)?))
    }

    pub(crate) fn opt_at(&self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.opt_int(column)?.map(Timestamp))
    }

    pub(crate) fn generation(&self) -> Result<Generation, StoreError> {
        Ok(Generation(self.int("generation")?))
    }

    /// A text column that a domain type reads.
    pub(crate) fn parse<T>(&self, column: &'static str, read: impl FnOnce(&str) -> Option<T>) -> Result<T, StoreError> {
        let text = self.text(column)?;
        read(&text).ok_or_else(|| broken(column, &format!("`{text}` is not a value of it")))
    }

    /// A JSON column.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        serde_json::from_str(&self.text(column)?).map_err(|e| broken(column, &e))
    }
}

/// JSON for a text column.
pub(crate) fn json<T: serde::Serialize>(what: &'static str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| StoreError::Value { what, why: e.to_string() })
}

/// An open transaction on either engine.
#[derive(Debug)]
pub(crate) enum Link {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// One statement bound to its arguments, for the driver at hand.
macro_rules! bound {
    ($text:expr, $persistent:expr, $args:expr) => {{
        let mut query = sqlx::query(AssertSqlSafe($text)).persistent($persistent);
        for arg in $args {
            query = match arg {
                Arg::Int(value) => query.bind(value),
                Arg::Text(value) => query.bind(value),
                Arg::Bytes(value) => query.bind(value),
            };
        }
        query
    }};
}

/// Longest list that one statement takes; longer ones are asked in parts.
const LIST_MAX: usize = 1024;

/// Rows of one bulk statement: enough to make the round trip cheap, few enough that a row of a hundred kilobytes does not
/// gather to a gigabyte.
const BULK_ROWS_MAX: usize = 500;

/// Parameters of one statement: SQLite's limit is 32,766, PostgreSQL's 65,535.
const BULK_PARAMETERS_MAX: usize = 32_000;

/// An insert of many rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bulk {
    pub(crate) name: &'static str,
    /// `INSERT INTO t (a, b)`.
    pub(crate) head: &'static str,
    /// `ON CONFLICT …`, or nothing.
    pub(crate) tail: &'static str,
    pub(crate) columns: usize,
}

impl Bulk {
    /// The statement for `rows` rows.
    pub(crate) fn text(&self, rows: usize) -> String {
        use std::fmt::Write as _;
        let mut text = format!("{} VALUES ", self.head);
        let mut parameter = 0;
        for row in 0..rows {
            text.push_str(if row == 0 { "(" } else { ", (" });
            for column in 0..self.columns {
                parameter += 1;
                let comma = if column == 0 { "" } else { ", " };
                // Writing to a String cannot fail.
                if write!(text, "{comma}${parameter}").is_err() {
                    return text;
                }
            }
            text.push(')');
        }
        text.push(' ');
        text.push_str(self.tail);
        text
    }

    fn rows_per_statement(&self) -> usize {
        (BULK_PARAMETERS_MAX / self.columns.max(1)).clamp(1, BULK_ROWS_MAX)
    }
}

/// Puts placeholders for `length` values where `{list}` stands, numbered from `first`.
pub(crate) fn with_list(text: &str, first: usize, length: usize) -> String {
    let places: Vec<String> = (first..first + length).map(|n| format!("${n}")).collect();
    text.replace("{list}", &places.join(", "))
}

/// List lengths are rounded up to a power of four by repeating the last value, so that there are six statements to cache
/// instead of a thousand.
fn padded(length: usize) -> usize {
    let mut size = 1;
    while size < length {
        size *= 4;
    }
    size
}

impl Link {
    pub(crate) fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// Runs a statement and gives the number of rows it touched.
    pub(crate) async fn execute(&mut self, sql: Sql, args: Vec<Arg>) -> Result<u64, StoreError> {
        self.run(sql.name, sql.text, true, args).await
    }

    async fn run(&mut self, name: &str, text: &str, persistent: bool, args: Vec<Arg>) -> Result<u64, StoreError> {
        check(&args)?;
        match self {
            Self::Sqlite(txn) => {
                bound!(text, persistent, args).execute(&mut **txn).await.map(|done| done.rows_affected())
            }
            Self::Postgres(txn) => {
                bound!(text, persistent, args).execute(&mut **txn).await.map(|done| done.rows_affected())
            }
        }
        .map_err(|e| StoreError::sort(format!("running {name}"), e))
    }

    /// Runs a guarded statement: no row touched is a conflict.
    pub(crate) async fn guarded(
        &mut self,
        sql: Sql,
        args: Vec<Arg>,
        what: &'static str,
        id: &str,
    ) -> Result<(), StoreError> {
        match self.execute(sql, args).await? {
            0 => Err(StoreError::Conflict { what, id: id.to_owned() }),
            _ => Ok(()),
        }
    }

    pub(crate) async fn all(&mut self, sql: Sql, args: Vec<Arg>) -> Result<Vec<Row>, StoreError> {
        self.fetch(sql.name, sql.text, args).await
    }

    async fn fetch(&mut self, name: &str, text: &str, args: Vec<Arg>) -> Result<Vec<Row>, StoreError> {
        check(&args)?;
        match self {
            Self::Sqlite(txn) => bound!(text, true, args)
                .fetch_all(&mut **txn)
                .await
                .map(|rows| rows.into_iter().map(Row::Sqlite).collect()),
            Self::Postgres(txn) => bound!(text, true, args)
                .fetch_all(&mut **txn)
                .await
                .map(|rows| rows.into_iter().map(Row::Postgres).collect()),
        }
        .map_err(|e| StoreError::sort(format!("running {name}"), e))
    }

    pub(crate) async fn optional(&mut self, sql: Sql, args: Vec<Arg>) -> Result<Option<Row>, StoreError> {
        Ok(self.all(sql, args).await?.pop())
    }

    /// The row of a query that always gives one.
    pub(crate) async fn one(&mut self, sql: Sql, args: Vec<Arg>) -> Result<Row, StoreError> {
        match self.optional(sql, args).await? {
            Some(row) => Ok(row),
            None => Err(StoreError::sort(format!("running {}", sql.name), sqlx::Error::RowNotFound)),
        }
    }

    /// Asks with a list, in as many parts as it needs. Order holds within a part only.
    pub(crate) async fn all_in(&mut self, sql: Sql, args: &[Arg], list: &[Arg]) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        for part in list.chunks(LIST_MAX) {
            let size = padded(part.len());
            let text = with_list(sql.text, args.len() + 1, size);
            let mut all = args.to_vec();
            all.extend_from_slice(part);
            if let Some(last) = part.last() {
                all.resize(args.len() + size, last.clone());
            }
            rows.append(&mut self.fetch(sql.name, &text, all).await?);
        }
        Ok(rows)
    }

    /// Changes the rows of a list and gives their number.
    pub(crate) async fn execute_in(&mut self, sql: Sql, args: &[Arg], list: &[Arg]) -> Result<u64, StoreError> {
        let mut touched = 0;
        for part in list.chunks(LIST_MAX) {
            let size = padded(part.len());
            let text = with_list(sql.text, args.len() + 1, size);
            let mut all = args.to_vec();
            all.extend_from_slice(part);
            if let Some(last) = part.last() {
                all.resize(args.len() + size, last.clone());
            }
            touched += self.run(sql.name, &text, true, all).await?;
        }
        Ok(touched)
    }

    /// Inserts many rows with few statements. Row by row through the driver is 45 times slower on SQLite.
    pub(crate) async fn bulk(&mut self, bulk: Bulk, rows: Vec<Vec<Arg>>) -> Result<u64, StoreError> {
        let per_statement = bulk.rows_per_statement();
        let full = (rows.len() >= per_statement).then(|| bulk.text(per_statement));
        let mut touched = 0;
        let mut rest = rows;
        while !rest.is_empty() {
            let next = rest.split_off(per_statement.min(rest.len()));
            let part = std::mem::replace(&mut rest, next);
            let count = part.len();
            let args: Vec<Arg> = part.into_iter().flatten().collect();
            if args.len() != count * bulk.columns {
                return Err(StoreError::Value {
                    what: bulk.name,
                    why: format!("{} values for {count} rows of {} columns", args.len(), bulk.columns),
                });
            }
            touched += match &full {
                // Only the full size and the single row come often enough to be worth a place in the statement cache.
                Some(text) if count == per_statement => self.run(bulk.name, text, true, args).await?,
                Some(_) | None => self.run(bulk.name, &bulk.text(count), count == 1, args).await?,
            };
        }
        Ok(touched)
    }

    /// Runs a text of several statements without parameters.
    pub(crate) async fn script(&mut self, doing: &str, text: String) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(txn) => txn.execute(sqlx::raw_sql(AssertSqlSafe(text))).await.map(|_| ()),
            Self::Postgres(txn) => txn.execute(sqlx::raw_sql(AssertSqlSafe(text))).await.map(|_| ()),
        }
        .map_err(|e| StoreError::sort(doing, e))
    }

    /// Lets the engine read a statement without running it.
    pub(crate) async fn prepare(&mut self, name: &str, text: String) -> Result<(), StoreError> {
        let text = AssertSqlSafe(text).into_sql_str();
        match self {
            Self::Sqlite(txn) => txn.prepare(text).await.map(|_| ()),
            Self::Postgres(txn) => txn.prepare(text).await.map(|_| ()),
        }
        .map_err(|e| StoreError::sort(format!("preparing {name}"), e))
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(txn) => txn.commit().await,
            Self::Postgres(txn) => txn.commit().await,
        }
        .map_err(|e| StoreError::sort("committing", e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bulk_text_numbers_its_places() {
        let bulk = Bulk { name: "T", head: "INSERT INTO t (a, b)", tail: "ON CONFLICT DO NOTHING", columns: 2 };
        assert_eq!(bulk.text(2), "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4) ON CONFLICT DO NOTHING");
        assert_eq!(bulk.rows_per_statement(), 500);
        assert_eq!(Bulk { columns: 100, ..bulk }.rows_per_statement(), 320);
    }

    #[test]
    fn lists_are_padded_to_few_sizes() {
        assert_eq!([1, 2, 4, 5, 17, 1024].map(padded), [1, 4, 4, 16, 64, 1024]);
        assert_eq!(with_list("x IN ({list})", 3, 2), "x IN ($3, $4)");
    }
}
