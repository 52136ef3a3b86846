//! Many people at once, for batches: a few queries however many there are.

use std::collections::HashMap;

use sqlx::AssertSqlSafe;
use zeroize::Zeroizing;

use super::sealed::PersonKey;
use crate::id::PersonId;
use crate::{App, Result, db};

/// People looked up together.
const TOGETHER: usize = 1_000;

/// Who is found under each phone, by the value of [`super::phone_index`], of those who agreed to be
/// found.
///
/// # Errors
/// Any fault of the database.
pub(crate) async fn found_by(app: &App, indexes: &[String]) -> Result<HashMap<String, PersonId>> {
    let mut found = HashMap::with_capacity(indexes.len());
    for some in indexes.chunks(TOGETHER) {
        let sql = format!(
            "SELECT phone_index, id FROM people WHERE findable = 1 AND phone_index IN ({})",
            db::places(1, some.len())
        );
        let mut query = sqlx::query_as(AssertSqlSafe(sql));
        for index in some {
            query = query.bind(index.clone());
        }
        let rows: Vec<(String, PersonId)> = query.fetch_all(app.db.read()).await?;
        found.extend(rows);
    }
    Ok(found)
}

/// The confirmed names of those who have one.
///
/// # Errors
/// Any fault of the database; `internal` for a name that does not open.
pub(crate) async fn names_of(
    app: &App,
    persons: &[PersonId],
) -> Result<HashMap<PersonId, Zeroizing<String>>> {
    let mut names = HashMap::with_capacity(persons.len());
    for some in persons.chunks(TOGETHER) {
        let sql = format!(
            "SELECT id, data_key, name FROM people WHERE name IS NOT NULL AND data_key IS NOT NULL AND id IN ({})",
            db::places(1, some.len())
        );
        let mut query = sqlx::query_as(AssertSqlSafe(sql));
        for person in some {
            query = query.bind(*person);
        }
        let rows: Vec<(PersonId, Vec<u8>, Vec<u8>)> = query.fetch_all(app.db.read()).await?;
        for (person, key, name) in rows {
            names.insert(person, PersonKey::open(app, person, &key)?.text("people.name", &name)?);
        }
    }
    Ok(names)
}

/// Whether `given`, a surname or a whole name, is what the confirmed `name` begins with.
pub(crate) fn is_named(name: &str, given: &str) -> bool {
    !given.is_empty() && name.starts_with(given)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_surname_or_the_whole_name_fits_and_nothing_else() {
        let check = |given: &str, fits: bool| assert_eq!(is_named("欧阳小明", given), fits, "{given}");
        check("欧", true);
        check("欧阳", true);
        check("欧阳小明", true);
        check("欧阳小明明", false);
        check("小明", false);
        check("", false);
    }
}
