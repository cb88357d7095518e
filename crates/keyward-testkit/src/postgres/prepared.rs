//! Which statements PostgreSQL prepares: it reads them, knows each table, column and function in them, and the type of each parameter.

use super::{Postgres, dialect, text};
use std::collections::BTreeMap;

/// Statements that PostgreSQL does not prepare yet: words by which they alone are known, and why not.
pub type Excepted = (&'static str, &'static str);

impl Postgres {
    /// What PostgreSQL says of each statement, or that it prepares it.
    ///
    /// # Panics
    /// Its client cannot be run.
    #[must_use]
    pub fn prepare(&self, statements: &[String]) -> Vec<Result<(), String>> {
        let lines = statements.iter().enumerate();
        let script: String =
            lines.map(|(at, sql)| format!("PREPARE s{at} AS {};\n", dialect::statement(sql))).collect();
        let output = self.script(&script, "ON_ERROR_STOP=0");
        let said = text(&output.stderr);
        // Each line of the script is a statement, and each of these begins with `psql:<file>:<line>: `.
        let refused: BTreeMap<usize, &str> = said
            .lines()
            .filter_map(|line| {
                let (place, said) = line.split_once(": ")?;
                Some((place.rsplit(':').next()?.parse().ok()?, said.trim()))
            })
            .collect();
        (1..=statements.len())
            .map(|line| refused.get(&line).map_or(Ok(()), |said| Err((*said).to_owned())))
            .collect()
    }

    /// That each statement is prepared but for those that are excepted, and that each of these is there and is not.
    ///
    /// # Panics
    /// It is not so: with each line of what must change.
    pub fn prepares_all_but(&self, statements: &[String], excepted: &[Excepted]) {
        let mut wrong = Vec::new();
        let mut met = vec![0_usize; excepted.len()];
        for (sql, said) in statements.iter().zip(self.prepare(statements)) {
            let sql = dialect::statement(sql);
            let by = excepted.iter().position(|(words, _)| sql.contains(words));
            if let Some(place) = by.and_then(|place| met.get_mut(place)) {
                *place += 1;
            }
            match (said, by) {
                (Err(said), None) => {
                    wrong.push(format!("is not prepared, and not excepted: {sql}\n    {said}"))
                }
                (Ok(()), Some(_)) => wrong.push(format!("is prepared, and excepted: {sql}")),
                (Ok(()), None) | (Err(_), Some(_)) => {}
            }
        }
        for ((words, why), met) in excepted.iter().zip(met) {
            if met == 0 {
                wrong.push(format!("no statement has the words {words:?} ({why})"));
            }
        }
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), statements.len(), wrong.join("\n"));
    }
}
