//! A trail that is read on, write by write: a write leaves the one row that is said of it, or none.

use super::trail::{rows, trail};
use crate::contract::{Bench, IdentityStore, at, must};
use keyward_core::clock::At;
use keyward_core::denial::Denial;
use keyward_core::effect::{Commit, Context, Effect, Ended};
use keyward_core::idempotency::Claim;
use keyward_core::permit::Permit;
use keyward_core::store::{AuditQuery, AuditRow};
use keyward_core::write::key::KeyMade;
use std::collections::HashMap;
use std::net::IpAddr;
use uuid::Uuid;

/// A trail that is read on.
pub(super) struct Book<'b, 's, S> {
    pub(super) bench: &'b Bench<'s, S>,
    /// The newest row that was read.
    last: i64,
    /// The last number of each account.
    numbers: HashMap<i64, i64>,
    /// The moment of the last write. Each write has its own.
    pub(super) seconds: i64,
}

/// By whom a row says that something was done.
#[derive(Clone, Copy, Debug)]
pub(super) struct By {
    pub(super) user: Option<i64>,
    pub(super) kind: &'static str,
    pub(super) id: Option<i64>,
    pub(super) operator: Option<&'static str>,
}

impl By {
    pub(super) const ADA: Self = Self { user: None, kind: "operator", id: None, operator: Some("ada") };
    pub(super) const OPERATOR: Self = Self { operator: None, ..Self::ADA };
    pub(super) const BACKGROUND: Self = Self { kind: "background", ..Self::OPERATOR };

    pub(super) fn key(key: &KeyMade) -> Self {
        let (user, id) = (Some(key.key.user.0), Some(key.key.id.0));
        Self { user, kind: "api_key", id, operator: None }
    }
}

impl<'b, 's, S: IdentityStore> Book<'b, 's, S> {
    /// All that was written so far is read.
    pub(super) async fn open(bench: &'b Bench<'s, S>) -> Self {
        let mut book = Self { bench, last: 0, numbers: HashMap::new(), seconds: 0 };
        for row in trail(bench).await {
            book.read(&row);
        }
        book
    }

    fn read(&mut self, row: &AuditRow) {
        self.last = row.id;
        if let Some((account, number)) = row.account_id.zip(row.account_seq) {
            self.numbers.insert(account, number);
        }
    }

    /// The rows that are new.
    async fn new_rows(&self) -> Vec<AuditRow> {
        rows(self.bench, AuditQuery { after: self.last, ..AuditQuery::first(100) }).await
    }

    /// An origin that no other write has.
    fn origin(&self) -> Context {
        let number = self.seconds.unsigned_abs();
        let address: IpAddr = if number.is_multiple_of(3) {
            [0x2001, 0xdb8, 0, 0, 0, 0, 0, 7].into()
        } else {
            [203, 0, 113, 7].into()
        };
        Context {
            request_id: Uuid::from_u128(u128::from(number)),
            address: Some(address).filter(|_| number % 3 < 2),
            origin_app: format!("app {number}"),
        }
    }

    async fn write<E>(
        &mut self,
        effect: E,
        permit: Permit<E::Action>,
        claim: Option<Claim>,
    ) -> (Ended<E::Done>, Context)
    where
        S: Commit<E>,
        E: Effect,
    {
        self.seconds += 1;
        let (origin, at) = (self.origin(), At::Fixed(at(self.seconds)));
        let ended = self.bench.store.commit(effect, permit, origin.clone(), claim, at).await;
        (must("a write works", ended), origin)
    }

    /// A write that leaves one row, with this action, about something of this kind: the row says nothing but what is so.
    pub(super) async fn leaves<E>(
        &mut self,
        effect: E,
        permit: Permit<E::Action>,
        by: By,
        said: (&str, &str),
    ) -> E::Done
    where
        S: Commit<E>,
        E: Effect,
    {
        self.leaves_once(effect, permit, None, (by, said)).await
    }

    /// The same under a claim.
    pub(super) async fn leaves_once<E>(
        &mut self,
        effect: E,
        permit: Permit<E::Action>,
        claim: Option<Claim>,
        (by, said): (By, (&str, &str)),
    ) -> E::Done
    where
        S: Commit<E>,
        E: Effect,
    {
        let (ended, origin) = self.write(effect, permit, claim).await;
        let done = match ended {
            Ended::Done(done, _) => done,
            Ended::Refused(denial) => panic!("{said:?} is done: {denial:?}"),
            Ended::Replayed(_) => panic!("{said:?} was done before"),
        };
        let new = self.new_rows().await;
        let [row] = new.as_slice() else { panic!("{said:?} leaves one row: {new:?}") };
        assert_eq!(row, &self.expected::<E>(row.id, &done, &origin, (by, said)), "the row of {said:?}");
        let found = must("its rows", self.bench.store.audit_of(origin.request_id.to_string()).await);
        assert_eq!(found, new, "and it is found by its request");
        self.read(row);
        done
    }

    fn expected<E: Effect>(
        &self,
        id: i64,
        done: &E::Done,
        origin: &Context,
        (by, (action, kind)): (By, (&str, &str)),
    ) -> AuditRow {
        let subject = E::subject(done);
        let account = subject.account.map(|account| account.0);
        AuditRow {
            id,
            at: at(self.seconds),
            account_id: account,
            account_seq: account.map(|account| self.numbers.get(&account).copied().unwrap_or(0) + 1),
            actor_user_id: by.user,
            credential_kind: by.kind.to_owned(),
            credential_id: by.id,
            action: action.to_owned(),
            subject_kind: kind.to_owned(),
            subject_id: subject.id,
            detail: E::detail(done),
            address: origin.address.map(|address| address.to_string()),
            origin_app: origin.origin_app.clone(),
            request_id: origin.request_id.to_string(),
            operator: by.operator.map(str::to_owned),
        }
    }

    /// A write that leaves no row, and what it came to.
    pub(super) async fn leaves_nothing<E>(
        &mut self,
        effect: E,
        permit: Permit<E::Action>,
        claim: Option<Claim>,
    ) -> Ended<E::Done>
    where
        S: Commit<E>,
        E: Effect,
    {
        let (ended, origin) = self.write(effect, permit, claim).await;
        assert_eq!(self.new_rows().await, Vec::new(), "{} leaves no row", E::AUDIT);
        let found = must("its rows", self.bench.store.audit_of(origin.request_id.to_string()).await);
        assert_eq!(found, Vec::new(), "nor is one found by its request");
        ended
    }

    /// What changes nothing.
    pub(super) async fn is_as_it_was<E>(&mut self, effect: E, permit: Permit<E::Action>) -> E::Done
    where
        S: Commit<E>,
        E: Effect,
    {
        match self.leaves_nothing(effect, permit, None).await {
            Ended::Done(done, _) => done,
            Ended::Refused(denial) => panic!("{} is done: {denial:?}", E::AUDIT),
            Ended::Replayed(_) => panic!("nothing was claimed"),
        }
    }

    /// What is refused.
    pub(super) async fn is_refused<E>(&mut self, effect: E, permit: Permit<E::Action>) -> Denial
    where
        S: Commit<E>,
        E: Effect,
    {
        match self.leaves_nothing(effect, permit, None).await {
            Ended::Refused(denial) => denial,
            Ended::Done(..) | Ended::Replayed(_) => panic!("{} is refused", E::AUDIT),
        }
    }

    /// Under this claim it was done before.
    pub(super) async fn is_replayed<E>(&mut self, effect: E, permit: Permit<E::Action>, claim: Claim)
    where
        S: Commit<E>,
        E: Effect,
    {
        match self.leaves_nothing(effect, permit, Some(claim)).await {
            Ended::Replayed(_) => {}
            Ended::Refused(denial) => panic!("{} has its answer: {denial:?}", E::AUDIT),
            Ended::Done(..) => panic!("{} was done before", E::AUDIT),
        }
    }
}
