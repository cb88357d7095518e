//! The SQL of a user that is made in two steps. Between them nothing of it is there.

use crate::accounts::{become_known, insert_user, is_nobody, place};
use crate::params;
use crate::rows;
use crate::tx::Tx;
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::effect::{Execute, Stop};
use keyward_core::id::UserId;
use keyward_core::permit::{Administer, Permit};
use keyward_core::store::StoreError;
use keyward_core::write::user::{AddUser, ReserveUser, UserAdded};

fn taken() -> Stop {
    Denial::invalid("email", "email is already in use").into()
}

fn of_address(tx: &Tx<'_>, email: &str) -> Result<Option<UserId>, StoreError> {
    tx.first("SELECT id FROM users WHERE email = ?1", [email], |row| Ok(UserId(rows::get(row, "id")?)))
}

impl Execute<ReserveUser> for Tx<'_> {
    fn execute(&mut self, e: &ReserveUser, _: &Permit<Administer>, now: Timestamp) -> Result<UserId, Stop> {
        match of_address(self, &e.email)? {
            Some(user) if is_nobody(self, user)? => return Ok(user),
            Some(_) => return Err(taken()),
            None => {}
        }
        // The number that a row has had is never another's: SQLite keeps the highest of a table with AUTOINCREMENT.
        let sql =
            "INSERT INTO users (uuid, email, first_name, last_name, created_at) VALUES (?1, ?2, '', '', ?3)";
        let id = self.insert(sql, params![e.uuid, e.email, now.unix()])?;
        self.change("DELETE FROM users WHERE id = ?1", [id])?;
        Ok(UserId(id))
    }
}

impl Execute<AddUser> for Tx<'_> {
    fn execute(
        &mut self,
        e: &AddUser,
        permit: &Permit<Administer>,
        now: Timestamp,
    ) -> Result<UserAdded, Stop> {
        match of_address(self, &e.user.email)? {
            None => insert_user(self, Some(e.id), &e.user, now)?,
            Some(user) if user == e.id && is_nobody(self, user)? => become_known(self, user, &e.user)?,
            // Also somebody who was invited meanwhile: the id that was shown is another.
            Some(_) => return Err(taken()),
        };
        if let Some((account, role)) = e.place
            && !place(self, (account, e.id), role, permit.made_by(), now)?
        {
            return Err(Denial::not_found("Account", &account.to_string()).into());
        }
        Ok(UserAdded { id: e.id, place: e.place })
    }
}
