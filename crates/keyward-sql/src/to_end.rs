//! What an ending reads of a row: ids, and single columns that may hold anything. Nothing else of it is read, so that no value
//! of a row keeps what it stands for alive.

use crate::driver::Row;
use crate::error::is_constraint;
use crate::params;
use crate::tx::Tx;
use crate::value::{FromValue, ToValue, Value};
use keyward_core::id::UserId;
use keyward_core::store::StoreError;

/// A number; `None`: there is none, or something else.
pub(crate) fn number(row: &Row<'_>, column: &str) -> Option<i64> {
    // Absent: it is not read, and the row ends without it.
    i64::from_value(row.value(column).ok()?).ok()
}

/// A text; `None`: there is none, or something else.
pub(crate) fn text(row: &Row<'_>, column: &str) -> Option<String> {
    // Absent: it is not read, and the row ends without it.
    String::from_value(row.value(column).ok()?).ok()
}

/// So many bytes; `None`: there are none, or something else.
pub(crate) fn bytes<const N: usize>(row: &Row<'_>, column: &str) -> Option<[u8; N]> {
    // Absent: it is not read, and the row ends without it.
    FromValue::from_value(row.value(column).ok()?).ok()
}

/// The columns that name a row of a table, each a number.
pub type Named = &'static [&'static str];

/// What names a row, as far as it can be read. It is written out only where the row is left out: of all rows that are read it would
/// cost as much as reading them.
pub(crate) struct Place {
    named: Named,
    /// As many as there are names.
    ids: [Option<i64>; 2],
}

impl Place {
    pub(crate) fn of(row: &Row<'_>, named: Named) -> Self {
        let id = |place: usize| named.get(place).and_then(|column| number(row, column));
        Self { named, ids: [id(0), id(1)] }
    }

    pub(crate) fn name(&self) -> String {
        let part = |(column, id): (&&str, &Option<i64>)| match id {
            Some(id) => format!("{column} {id}"),
            None => format!("{column} ?"),
        };
        self.named.iter().zip(&self.ids).map(part).collect::<Vec<_>>().join(", ")
    }
}

/// The name of a row that is left out.
pub(crate) fn name_of(row: &Row<'_>, named: Named) -> String {
    Place::of(row, named).name()
}

/// Whether a column holds nothing. What cannot be read is something.
pub(crate) fn is_null(row: &Row<'_>, column: &str) -> bool {
    matches!(row.value(column), Ok(Value::Null))
}

/// Sets one column of a user's row; whether there is such a user.
pub(crate) fn set_of_user(
    tx: &Tx<'_>,
    column: &'static str,
    user: UserId,
    value: impl ToValue,
) -> Result<bool, StoreError> {
    let sql = format!("UPDATE users SET {column} = ?2 WHERE id = ?1");
    let changed = match tx.change(&sql, params![user.0, &value]) {
        Err(error) if is_constraint(&error) => {
            tracing::error!(%user, %error, "values of another type in the row of a user are replaced");
            tx.change(&mended(column), params![user.0, &value])
        }
        changed => changed,
    };
    Ok(changed? > 0)
}

const TEXTS: [&str; 7] = ["uuid", "email", "first_name", "last_name", "title", "photo_url", "password_hash"];
const TIMES: [&str; 3] = ["created_at", "last_login_at", "disabled_at"];

/// SQLite changes no row that holds a value of another type than its column's. Here such values are written as texts that name
/// nobody, and 0, in the same statement.
fn mended(column: &'static str) -> String {
    let text = |name: &str| {
        format!(
            "{name} = CASE WHEN typeof({name}) = 'text' THEN {name} ELSE 'unreadable-' || id || '-' || lower(hex({name})) END"
        )
    };
    let texts = TEXTS.into_iter().filter(|name| *name != column);
    let (kept, free) = texts.partition::<Vec<_>, _>(|name| REQUIRED.contains(name));
    let free = free
        .into_iter()
        .map(|name| format!("{name} = CASE WHEN typeof({name}) IN ('text', 'null') THEN {name} END"));
    let times = TIMES.into_iter().filter(|name| *name != column).map(|name| {
        format!(
            "{name} = CASE WHEN typeof({name}) = 'integer' THEN {name} WHEN {name} IS NOT NULL THEN 0 END"
        )
    });
    // An address is not verified by what cannot be read.
    let verified =
        "email_verified_at = CASE WHEN typeof(email_verified_at) = 'integer' THEN email_verified_at END";
    let verified = (column != "email_verified_at").then(|| verified.to_owned());
    // Nor is a user erased by it.
    let erased = "erased_at = CASE WHEN typeof(erased_at) = 'integer' THEN erased_at END".to_owned();
    let rest = verified.into_iter().chain([erased]);
    let all: Vec<String> = kept.into_iter().map(text).chain(free).chain(times).chain(rest).collect();
    format!("UPDATE users SET {column} = ?2, {} WHERE id = ?1", all.join(", "))
}

/// Of the texts, those that cannot be absent.
const REQUIRED: [&str; 4] = ["uuid", "email", "first_name", "last_name"];
