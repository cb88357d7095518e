//! The rows that a store left out when it opened, because they were not as they must be: named by table and id, never by what
//! they hold.

/// As many are named; the rest are counted.
const NAMED: usize = 1_000;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LeftOutRow {
    /// Its table.
    pub table: &'static str,
    /// What names it there, such as `id 7`, or `account_id 1, user_id 7`.
    pub row: String,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct LeftOut {
    named: Vec<LeftOutRow>,
    count: u64,
}

impl LeftOut {
    /// One more.
    pub fn add(&mut self, row: LeftOutRow) {
        self.count = self.count.saturating_add(1);
        if self.named.len() < NAMED {
            self.named.push(row);
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The first of them, by table.
    #[must_use]
    pub fn named(&self) -> &[LeftOutRow] {
        &self.named
    }

    /// Whether a row of this name may be one of them. `true` of any, where there are more than are named.
    #[must_use]
    pub fn may_be(&self, table: &str, row: &str) -> bool {
        self.count > self.named.len() as u64
            || self.named.iter().any(|one| one.table == table && one.row == row)
    }

    /// In one line, of so many of them at most; `None` where there is none.
    #[must_use]
    pub fn told(&self, most: usize) -> Option<String> {
        let first = self.named.iter().take(most).map(|LeftOutRow { table, row }| format!("{table} {row}"));
        let first: Vec<String> = first.collect();
        let (count, more) = (self.count, if self.count > first.len() as u64 { ", …" } else { "" });
        let text = || {
            format!("{count} left out at the start, because they cannot be read: {}{more}", first.join(", "))
        };
        (count > 0).then(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_named_and_the_rest_are_counted() {
        let mut left_out = LeftOut::default();
        assert_eq!((left_out.told(2), left_out.may_be("users", "id 1")), (None, false));
        for id in 1..=3 {
            left_out.add(LeftOutRow { table: "users", row: format!("id {id}") });
        }
        let text = "3 left out at the start, because they cannot be read: users id 1, users id 2, …";
        assert_eq!(left_out.told(2).as_deref(), Some(text));
        assert!(left_out.may_be("users", "id 3") && !left_out.may_be("users", "id 4"));
        (0..NAMED).for_each(|_| left_out.add(LeftOutRow { table: "users", row: "id 5".to_owned() }));
        assert_eq!(left_out.named().len(), NAMED);
        assert!(left_out.may_be("accounts", "id 9"), "it may be one of those that are not named");
    }
}
