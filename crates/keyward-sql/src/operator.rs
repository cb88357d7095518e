//! What the operator reads.

use crate::driver::Row;
use crate::store::{Backend, Store};
use crate::{audit_reads, operator_lists, replaced, rows};
use keyward_core::BoxFuture;
use keyward_core::api_key::{ApiKey, Digest, KeyOfSecret};
use keyward_core::clock::Timestamp;
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::store::{
    AccountEntry, AccountFigures, AuditPage, AuditQuery, AuditRow, OperatorReads, Page, Served, StoreError,
    UserDetails, UserEntry,
};

impl<B: Backend> OperatorReads for Store<B> {
    fn audit(&self, query: AuditQuery) -> BoxFuture<'_, Result<AuditPage, StoreError>> {
        Box::pin(audit_reads::page(self, query, audit_reads::LOOKED_AT))
    }

    fn accounts(
        &self,
        after: AccountId,
        limit: u32,
    ) -> BoxFuture<'_, Result<Page<AccountEntry>, StoreError>> {
        Box::pin(self.read(move |reads| operator_lists::accounts(reads, after, limit)))
    }

    fn users(
        &self,
        of: Option<AccountId>,
        after: UserId,
        limit: u32,
    ) -> BoxFuture<'_, Result<Page<UserEntry>, StoreError>> {
        Box::pin(self.read(move |reads| operator_lists::users(reads, of, after, limit)))
    }

    fn account_figures(
        &self,
        account: AccountId,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Option<AccountFigures>, StoreError>> {
        Box::pin(self.read(move |reads| operator_lists::account_figures(reads, account, now)))
    }

    fn user_details(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Option<UserDetails>, StoreError>> {
        Box::pin(self.read(move |reads| operator_lists::user_details(reads, user, now)))
    }

    fn user_to_end(&self, email: String) -> BoxFuture<'_, Result<Option<UserId>, StoreError>> {
        let id = |row: &Row<'_>| rows::get(row, "id").map(UserId);
        Box::pin(self.read(move |reads| reads.first("SELECT id FROM users WHERE email = ?1", [email], id)))
    }

    fn account_to_end(&self, slug: String) -> BoxFuture<'_, Result<Option<AccountId>, StoreError>> {
        let id = |row: &Row<'_>| rows::get(row, "id").map(AccountId);
        Box::pin(self.read(move |reads| reads.first("SELECT id FROM accounts WHERE slug = ?1", [slug], id)))
    }

    fn has_place(&self, account: AccountId, user: UserId) -> BoxFuture<'_, Result<bool, StoreError>> {
        let sql = "SELECT 1 FROM memberships WHERE account_id = ?1 AND user_id = ?2";
        let place = [account.0, user.0];
        Box::pin(self.read(move |reads| Ok(reads.first(sql, place, |_| Ok(()))?.is_some())))
    }

    fn key_to_end(&self, digests: Vec<Digest>) -> BoxFuture<'_, Result<Option<KeyOfSecret>, StoreError>> {
        let find = move |reads: &crate::Reads<'_>| {
            for digest in &digests {
                if let Some(found) = replaced::key_of(reads, digest)? {
                    return Ok(Some(found));
                }
            }
            Ok(None)
        };
        Box::pin(self.read(find))
    }

    fn key(&self, id: KeyId) -> BoxFuture<'_, Result<Option<ApiKey>, StoreError>> {
        let sql = format!("SELECT {} FROM api_keys WHERE id = ?1", rows::KEY);
        Box::pin(self.read(move |reads| reads.first(&sql, [id.0], rows::key)))
    }

    fn keys(
        &self,
        of: Option<AccountId>,
        after: KeyId,
        limit: u32,
    ) -> BoxFuture<'_, Result<Page<ApiKey>, StoreError>> {
        Box::pin(self.read(move |reads| operator_lists::keys(reads, of, after, limit)))
    }

    fn has_password(&self, user: UserId) -> BoxFuture<'_, Result<bool, StoreError>> {
        let sql = "SELECT 1 FROM users WHERE id = ?1 AND password_hash IS NOT NULL";
        Box::pin(self.read(move |reads| Ok(reads.first(sql, [user.0], |_| Ok(()))?.is_some())))
    }

    fn audit_of(&self, request_id: String) -> BoxFuture<'_, Result<Vec<AuditRow>, StoreError>> {
        let sql = "SELECT * FROM audit WHERE request_id = ?1 ORDER BY id";
        Box::pin(self.read(move |reads| reads.all(sql, [request_id], audit_reads::row)))
    }

    fn served(&self) -> BoxFuture<'_, Result<Served, StoreError>> {
        let newest = |row: &Row<'_>| rows::get(row, "newest");
        Box::pin(async move {
            let file = self.backend.served()?;
            let newest = self.read(move |reads| reads.first(B::NEWEST_CHANGE, [], newest)).await?;
            // Absent: never, the query has one row.
            Ok(Served { file, newest_change: newest.unwrap_or(0) })
        })
    }
}
