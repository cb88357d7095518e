//! The SQL of the team list.

use crate::{Sqlite, rows};
use keyward_core::BoxFuture;
use keyward_core::page::Listed;
use keyward_core::permit::{Permit, ReadAccount};
use keyward_core::store::{StoreError, TeamMember, TeamReads};
use rusqlite::params;

/// The members of an account that the user belongs to; of any other account there are none.
const VISIBLE: &str = "FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.account_id = ?1
    AND EXISTS (SELECT 1 FROM memberships own WHERE own.account_id = ?1 AND own.user_id = ?2)";

impl TeamReads for Sqlite {
    fn list_team<'a>(
        &'a self,
        permit: &'a Permit<ReadAccount>,
        after: i64,
        limit: u32,
    ) -> BoxFuture<'a, Result<Listed<TeamMember>, StoreError>> {
        Box::pin(async move {
            let (Ok(who), Ok(member)) = (permit.principal(), permit.member()) else {
                return Ok(Listed { items: Vec::new(), total: 0, has_more: false });
            };
            let (account, user) = (member.account.0, who.user.0);
            let read = move |reads: &crate::Reads<'_>| {
                let total = reads.first(
                    &format!("SELECT count(*) AS n {VISIBLE}"),
                    params![account, user],
                    |row| rows::get::<i64>(row, "n"),
                )?;
                // One more than asked for tells whether there is a next page.
                let sql = format!("SELECT u.*, m.role {VISIBLE} AND u.id > ?3 ORDER BY u.id LIMIT ?4 + 1");
                let mut items = reads.all(&sql, params![account, user, after, limit], |row| {
                    Ok(TeamMember { user: rows::user(row)?, role: rows::role(row)? })
                })?;
                let has_more = items.len() > limit as usize;
                items.truncate(limit as usize);
                Ok(Listed { items, total: total.unwrap_or(0), has_more })
            };
            self.read(read).await
        })
    }
}
