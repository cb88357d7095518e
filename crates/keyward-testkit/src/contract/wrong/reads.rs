//! What a store that makes one mistake reads, and its upkeep.

use super::{Mistake, Wrong};
use keyward_core::BoxFuture;
use keyward_core::api_key::{ApiKey, Digest, KeyOfSecret, Move};
use keyward_core::clock::{At, Timestamp};
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::left_out::LeftOut;
use keyward_core::list::{Listed, Window};
use keyward_core::live::{Directory, KeyUse};
use keyward_core::oauth::GrantId;
use keyward_core::opaque::TokenDigest;
use keyward_core::permit::{Permit, ReadAccount};
use keyward_core::secret::Secret;
use keyward_core::session::LinkKind;
use keyward_core::store::{
    AccountEntry, AccountFigures, AuditPage, AuditQuery, AuditRow, Figures, KeyReads, KeysOf, OperatorReads,
    Page, Retention, SavedLimits, Served, SignInReads, StoreError, TeamReads, Upkeep, UserDetails, UserEntry,
};
use keyward_core::team::TeamMember;

/// What a read of a store comes to.
type Read<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// What was read, changed by the mistake if it is one of this read.
fn changed<'a, T>(read: Read<'a, T>, change: Option<fn(&mut T)>) -> Read<'a, T>
where
    T: Send + 'a,
{
    let Some(change) = change else { return read };
    Box::pin(async move {
        let mut found = read.await?;
        change(&mut found);
        Ok(found)
    })
}

/// The same of what is answered by yes or no.
fn answered<'a>(read: Read<'a, bool>, answer: Option<fn(bool) -> bool>) -> Read<'a, bool> {
    let Some(answer) = answer else { return read };
    Box::pin(async move { Ok(answer(read.await?)) })
}

/// What nobody did.
fn instead<'a, T: Send + 'a>(answer: T) -> Read<'a, T> {
    Box::pin(async move { Ok(answer) })
}

impl<S: KeyReads + OperatorReads> KeyReads for Wrong<S> {
    fn list_keys<'a>(
        &'a self,
        permit: &'a Permit<ReadAccount>,
        mut of: KeysOf,
        mut label: Option<String>,
        mut window: Window,
    ) -> Read<'a, Listed<ApiKey>> {
        match self.mistake {
            Mistake::KeysAsked(change) => change(&mut of, &mut label, &mut window),
            Mistake::LabelInAnyCase => {
                return Box::pin(async move {
                    let mut listed = self.inner.list_keys(permit, of, None, window).await?;
                    if let Some(label) = label {
                        listed.items.retain(|key| key.label.eq_ignore_ascii_case(&label));
                        listed.total = i64::try_from(listed.items.len()).unwrap_or(i64::MAX);
                    }
                    Ok(listed)
                });
            }
            _ => {}
        }
        let change = if let Mistake::KeysFound(change) = self.mistake { Some(change) } else { None };
        changed(self.inner.list_keys(permit, of, label, window), change)
    }

    fn get_key<'a>(&'a self, permit: &'a Permit<ReadAccount>, key: KeyId) -> Read<'a, Option<ApiKey>> {
        let Mistake::KeyOfAnybody(passes) = self.mistake else { return self.inner.get_key(permit, key) };
        Box::pin(async move {
            let any = self.inner.key(key).await?.filter(passes);
            Ok(any.or(self.inner.get_key(permit, key).await?))
        })
    }
}

impl<S: TeamReads> TeamReads for Wrong<S> {
    fn list_team<'a>(
        &'a self,
        permit: &'a Permit<ReadAccount>,
        mut window: Window,
        mut now: Timestamp,
    ) -> Read<'a, Listed<TeamMember>> {
        if let Mistake::TeamAsked(change) = self.mistake {
            change(&mut window, &mut now);
        }
        let change = if let Mistake::TeamFound(change) = self.mistake { Some(change) } else { None };
        changed(self.inner.list_team(permit, window, now), change)
    }
}

impl<S: SignInReads> SignInReads for Wrong<S> {
    fn password_of(&self, email: String) -> Read<'_, Option<(UserId, Secret)>> {
        if !matches!(self.mistake, Mistake::PasswordKept) {
            return self.inner.password_of(email);
        }
        if let Some(known) = self.held().passwords.get(&email).cloned() {
            return instead(known);
        }
        Box::pin(async move {
            let found = self.inner.password_of(email.clone()).await?;
            self.held().passwords.insert(email, found.clone());
            Ok(found)
        })
    }

    fn link(&self, digest: TokenDigest, mut now: Timestamp) -> Read<'_, Option<(UserId, LinkKind)>> {
        if let Mistake::LinkAsked(change) = self.mistake {
            change(&mut now);
        }
        let change = if let Mistake::LinkFound(change) = self.mistake { Some(change) } else { None };
        changed(self.inner.link(digest, now), change)
    }

    fn nonce_to_end(&self, grant: GrantId) -> Read<'_, Option<[u8; 16]>> {
        self.inner.nonce_to_end(grant)
    }

    fn knows_code(&self, digest: TokenDigest) -> Read<'_, bool> {
        let answer = if let Mistake::CodeKnown(answer) = self.mistake { Some(answer) } else { None };
        answered(self.inner.knows_code(digest), answer)
    }
}

impl<S: OperatorReads> OperatorReads for Wrong<S> {
    fn audit(&self, mut query: AuditQuery) -> Read<'_, AuditPage> {
        if let Mistake::AuditAsked(change) = self.mistake {
            change(&mut query);
        }
        let change = if let Mistake::AuditFound(change) = self.mistake { Some(change) } else { None };
        changed(self.inner.audit(query), change)
    }

    fn accounts(&self, after: AccountId, limit: u32) -> Read<'_, Page<AccountEntry>> {
        let change = if let Mistake::AccountsFound(change) = self.mistake { Some(change) } else { None };
        changed(self.inner.accounts(after, limit), change)
    }

    fn users(&self, of: Option<AccountId>, after: UserId, limit: u32) -> Read<'_, Page<UserEntry>> {
        let change = if let Mistake::UsersFound(change) = self.mistake { Some(change) } else { None };
        changed(self.inner.users(of, after, limit), change)
    }

    fn account_figures(&self, account: AccountId, now: Timestamp) -> Read<'_, Option<AccountFigures>> {
        let change = if let Mistake::FiguresFound(change) = self.mistake { Some(change) } else { None };
        changed(self.inner.account_figures(account, now), change)
    }

    fn user_details(&self, user: UserId, now: Timestamp) -> Read<'_, Option<UserDetails>> {
        let change = if let Mistake::DetailsFound(change) = self.mistake { Some(change) } else { None };
        changed(self.inner.user_details(user, now), change)
    }

    fn user_to_end(&self, email: String) -> Read<'_, Option<UserId>> {
        match self.mistake {
            Mistake::NobodyToEnd => instead(None),
            _ => self.inner.user_to_end(email),
        }
    }

    fn account_to_end(&self, slug: String) -> Read<'_, Option<AccountId>> {
        match self.mistake {
            Mistake::NobodyToEnd => instead(None),
            _ => self.inner.account_to_end(slug),
        }
    }

    fn has_place(&self, account: AccountId, user: UserId) -> Read<'_, bool> {
        let answer = if let Mistake::PlaceFound(answer) = self.mistake { Some(answer) } else { None };
        answered(self.inner.has_place(account, user), answer)
    }

    fn key_to_end(&self, digests: Vec<Digest>) -> Read<'_, Option<KeyOfSecret>> {
        match self.mistake {
            Mistake::NoKeyToEnd => instead(None),
            _ => self.inner.key_to_end(digests),
        }
    }

    fn key(&self, id: KeyId) -> Read<'_, Option<ApiKey>> {
        self.inner.key(id)
    }

    fn keys(&self, of: Option<AccountId>, after: KeyId, limit: u32) -> Read<'_, Page<ApiKey>> {
        let change = if let Mistake::OperatorKeysFound(change) = self.mistake { Some(change) } else { None };
        changed(self.inner.keys(of, after, limit), change)
    }

    fn has_password(&self, user: UserId) -> Read<'_, bool> {
        let answer = if let Mistake::HasPassword(answer) = self.mistake { Some(answer) } else { None };
        answered(self.inner.has_password(user), answer)
    }

    fn audit_of(&self, request_id: String) -> Read<'_, Vec<AuditRow>> {
        self.inner.audit_of(request_id)
    }

    fn served(&self) -> Read<'_, Served> {
        let change = if let Mistake::ServedFound(change) = self.mistake { Some(change) } else { None };
        changed(self.inner.served(), change)
    }
}

impl<S: Upkeep> Upkeep for Wrong<S> {
    fn directory(&self) -> &Directory {
        self.inner.directory()
    }

    fn figures(&self) -> Figures {
        self.inner.figures()
    }

    fn left_out(&self) -> &LeftOut {
        self.inner.left_out()
    }

    fn left_out_of_lists(&self) -> LeftOut {
        self.inner.left_out_of_lists()
    }

    fn look_through(&self) -> Read<'_, ()> {
        self.inner.look_through()
    }

    fn ping(&self) -> Read<'_, ()> {
        match self.mistake {
            Mistake::NoAnswer => Box::pin(async { Err(StoreError::Unavailable("a mistake".into())) }),
            _ => self.inner.ping(),
        }
    }

    fn write_uses<'a>(&'a self, uses: &'a [KeyUse]) -> Read<'a, ()> {
        match self.mistake {
            Mistake::UsesLost => instead(()),
            _ => self.inner.write_uses(uses),
        }
    }

    fn purge(&self, now: At) -> Read<'_, usize> {
        match (self.mistake, now) {
            (Mistake::NothingPurged, _) => instead(0),
            (Mistake::PurgedEarly(seconds), At::Fixed(now)) => {
                self.inner.purge(At::Fixed(now.plus_seconds(seconds)))
            }
            _ => self.inner.purge(now),
        }
    }

    fn forget(&self, now: At, keep: Retention) -> Read<'_, usize> {
        match (self.mistake, now) {
            (Mistake::NothingForgotten(said), _) => instead(said),
            (Mistake::ForgottenEarly(seconds), At::Fixed(now)) => {
                self.inner.forget(At::Fixed(now.plus_seconds(seconds)), keep)
            }
            _ => self.inner.forget(now, keep),
        }
    }

    fn record_clock(&self) -> Read<'_, ()> {
        self.inner.record_clock()
    }

    fn write_fault(&self) -> Option<&'static str> {
        self.inner.write_fault()
    }

    fn try_writing(&self) -> Read<'_, ()> {
        self.inner.try_writing()
    }

    fn save_limits(&self, saved: Vec<(String, Vec<u64>)>, at_ms: u64) -> Read<'_, ()> {
        match self.mistake {
            Mistake::LimitsLost => instead(()),
            _ => self.inner.save_limits(saved, at_ms),
        }
    }

    fn take_limits(&self) -> Read<'_, Option<SavedLimits>> {
        if !matches!(self.mistake, Mistake::LimitsStay) {
            return self.inner.take_limits();
        }
        Box::pin(async move {
            let taken = self.inner.take_limits().await?;
            let mut held = self.held();
            held.limits = taken.or(held.limits.take());
            Ok(held.limits.clone())
        })
    }

    fn move_digests(&self, moves: Vec<Move>) -> Read<'_, ()> {
        match self.mistake {
            Mistake::MovesLost => instead(()),
            _ => self.inner.move_digests(moves),
        }
    }
}
