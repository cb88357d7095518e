//! What the operator's lists read: pages of rows, in the order of their ids, and what is known of one account or one user.

use crate::account::{Account, User};
use crate::clock::Timestamp;
use crate::list::Found;
use crate::role::Role;

/// A page of a list of the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows that can be read.
    pub items: Vec<T>,
    /// The id after which the next page begins; `None`: this is the last one.
    pub next: Option<i64>,
}

impl<T> Page<T> {
    /// A page from the rows that were found, `limit` of them if there are more. One that cannot be read is missing from it, and the next
    /// page begins after it.
    #[must_use]
    pub fn readable(rows: Vec<Found<T>>, limit: u32) -> Self {
        let is_full = u32::try_from(rows.len()).is_ok_and(|rows| rows >= limit);
        let next = rows.last().filter(|_| is_full).and_then(|row| row.id);
        Self { items: rows.into_iter().filter_map(|row| row.item).collect(), next }
    }
}

/// An account in a list.
#[derive(Clone, Debug)]
pub struct AccountEntry {
    /// The account.
    pub account: Account,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A user in a list.
#[derive(Clone, Debug)]
pub struct UserEntry {
    /// The user.
    pub user: User,
    /// When it was made.
    pub created_at: Timestamp,
    /// The role in the account whose members are listed.
    pub role: Option<Role>,
}

/// What an account has, in figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountFigures {
    /// When it was made.
    pub created_at: Timestamp,
    /// Its members, disabled ones included.
    pub members: u32,
    /// Those of them that are admins and not disabled.
    pub admins: u32,
    /// Its invitations that are open.
    pub invitations: u32,
}

/// What is kept of a user beside its own row. It is what the user is to be given who asks what is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserDetails {
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether it has a password.
    pub password: bool,
    /// The accounts that it is a member of, by slug, with its role; disabled accounts included.
    pub accounts: Vec<(String, String)>,
    /// The accounts that it is invited to, by slug, with the role that is offered.
    pub invitations: Vec<(String, String)>,
    /// The issuers and subjects that are linked to it.
    pub identities: Vec<(String, String)>,
    /// The applications that act for it, by name.
    pub applications: Vec<String>,
    /// Browsers that are signed in.
    pub sessions: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_cannot_be_read_ends_no_list() {
        let row = |id: i64, item| Found { id: Some(id), item };
        let page = Page::readable(vec![row(1, Some('a')), row(2, None)], 2);
        assert_eq!((page.items, page.next), (vec!['a'], Some(2)));
        let page = Page::readable(vec![row(3, None)], 2);
        assert_eq!((page.items, page.next), (vec![], None), "a page that is not full is the last");
        assert_eq!(Page::readable(Vec::<Found<()>>::new(), 2).next, None);
    }
}
