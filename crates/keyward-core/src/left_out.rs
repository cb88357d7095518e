//! The rows that a store left out when it opened, or that a list left out since, because they were not as they must be: named by
//! table and id, never by what they hold.

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

    /// One that a list came upon, which comes again with the next list; whether it is new. Those beyond the named ones count as one.
    pub fn note(&mut self, row: LeftOutRow) -> bool {
        let known = self.named.contains(&row) || self.count > NAMED as u64;
        if !known {
            self.add(row);
        }
        !known
    }

    /// Those that are not among these.
    #[must_use]
    pub fn without(&self, others: &Self) -> Self {
        let named: Vec<_> = self.named.iter().filter(|row| !others.named.contains(row)).cloned().collect();
        let gone = (self.named.len() - named.len()) as u64;
        Self { named, count: self.count - gone }
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

    /// Whether a row of this table may be one of them.
    #[must_use]
    pub fn may_have(&self, table: &str) -> bool {
        self.count > self.named.len() as u64 || self.named.iter().any(|one| one.table == table)
    }

    /// In one line, of so many of them at most; `None` where there is none. `when` they were left out.
    #[must_use]
    pub fn told(&self, when: &str, most: usize) -> Option<String> {
        let first = self.named.iter().take(most).map(|LeftOutRow { table, row }| format!("{table} {row}"));
        let first: Vec<String> = first.collect();
        let (count, more) = (self.count, if self.count > first.len() as u64 { ", …" } else { "" });
        let text =
            || format!("{count} left out {when}, because they cannot be read: {}{more}", first.join(", "));
        (count > 0).then(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_named_and_the_rest_are_counted() {
        let mut left_out = LeftOut::default();
        let told = |left_out: &LeftOut| left_out.told("at the start", 2);
        assert_eq!((told(&left_out), left_out.may_be("users", "id 1")), (None, false));
        for id in 1..=3 {
            left_out.add(LeftOutRow { table: "users", row: format!("id {id}") });
        }
        let text = "3 left out at the start, because they cannot be read: users id 1, users id 2, …";
        assert_eq!(told(&left_out).as_deref(), Some(text));
        assert!(left_out.may_be("users", "id 3") && !left_out.may_be("users", "id 4"));
        assert!(left_out.may_have("users") && !left_out.may_have("accounts"));
        (0..NAMED).for_each(|_| left_out.add(LeftOutRow { table: "users", row: "id 5".to_owned() }));
        assert_eq!(left_out.named().len(), NAMED);
        assert!(left_out.may_be("accounts", "id 9"), "it may be one of those that are not named");
        assert!(left_out.may_have("accounts"), "the same");
    }

    #[test]
    fn what_lists_come_upon_again_is_noted_once_and_is_bounded() {
        let row = |id: usize| LeftOutRow { table: "deals", row: format!("id {id}") };
        let mut left_out = LeftOut::default();
        assert_eq!((left_out.note(row(1)), left_out.note(row(1)), left_out.count()), (true, false, 1));
        let new = (0..2 * NAMED).filter(|id| left_out.note(row(*id))).count();
        assert_eq!((new, left_out.count(), left_out.named().len()), (NAMED, NAMED as u64 + 1, NAMED));
        let text = "1001 left out of lists, because they cannot be read: deals id 1, …";
        assert_eq!(left_out.told("of lists", 1).as_deref(), Some(text));
        let mut at_start = LeftOut::default();
        [row(1), row(5_000)].into_iter().for_each(|row| at_start.add(row));
        let rest = left_out.without(&at_start);
        assert_eq!((rest.count(), &rest.named()[0]), (NAMED as u64, &row(0)), "each is named once");
    }
}
