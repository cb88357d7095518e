//! What only the operator asks of a store.

use super::{
    AccountEntry, AccountFigures, AuditPage, AuditQuery, AuditRow, Page, StoreError, UserDetails, UserEntry,
};
use crate::BoxFuture;
use crate::api_key::{ApiKey, Digest, KeyOfSecret};
use crate::clock::Timestamp;
use crate::id::{AccountId, KeyId, UserId};
use serde::{Deserialize, Serialize};

/// What only the operator asks of a store.
pub trait OperatorReads: Send + Sync {
    /// Rows of the audit trail, oldest first.
    fn audit(&self, query: AuditQuery) -> BoxFuture<'_, Result<AuditPage, StoreError>>;

    /// Accounts after that one.
    fn accounts(&self, after: AccountId, limit: u32)
    -> BoxFuture<'_, Result<Page<AccountEntry>, StoreError>>;

    /// Users after that one; of an account, its members. Users who were erased are not among them.
    fn users(
        &self,
        of: Option<AccountId>,
        after: UserId,
        limit: u32,
    ) -> BoxFuture<'_, Result<Page<UserEntry>, StoreError>>;

    /// What an account has, whatever else its row holds; `None`: there is none.
    fn account_figures(
        &self,
        account: AccountId,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Option<AccountFigures>, StoreError>>;

    /// What is kept of a user, whatever else its row holds; `None`: there is none, or it was erased.
    fn user_details(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Option<UserDetails>, StoreError>>;

    /// The user with this address, in lower case, whatever else the row holds: to end what it may do.
    fn user_to_end(&self, email: String) -> BoxFuture<'_, Result<Option<UserId>, StoreError>>;

    /// The account of this slug, whatever else the row holds: to end what somebody may do in it.
    fn account_to_end(&self, slug: String) -> BoxFuture<'_, Result<Option<AccountId>, StoreError>>;

    /// Whether a user is a member of an account, whatever else any of the rows holds.
    fn has_place(&self, account: AccountId, user: UserId) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// The key that has, or had, the secret with one of these digests, whatever else the rows hold: to end it. Of the secrets
    /// that were replaced a bounded number is kept.
    fn key_to_end(&self, digests: Vec<Digest>) -> BoxFuture<'_, Result<Option<KeyOfSecret>, StoreError>>;

    /// A key, revoked or not.
    fn key(&self, id: KeyId) -> BoxFuture<'_, Result<Option<ApiKey>, StoreError>>;

    /// Keys that were not revoked, after that one: of an account, or of all, the accounts one after the other.
    fn keys(
        &self,
        of: Option<AccountId>,
        after: KeyId,
        limit: u32,
    ) -> BoxFuture<'_, Result<Page<ApiKey>, StoreError>>;

    /// Whether a user has a password.
    fn has_password(&self, user: UserId) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// The rows of the audit trail that one request made.
    fn audit_of(&self, request_id: String) -> BoxFuture<'_, Result<Vec<AuditRow>, StoreError>>;

    /// What is served now, to hold a copy against that another process makes.
    ///
    /// # Errors
    /// [`StoreError`], also where the file is no longer the one that was opened.
    fn served(&self) -> BoxFuture<'_, Result<Served, StoreError>>;
}

/// What a server serves from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// Device and inode of the file that is open; `None`: the system has no such numbers.
    pub file: Option<(u64, u64)>,
    /// The id of the newest row of the audit trail: each change that was acknowledged has one.
    pub newest_change: i64,
}
