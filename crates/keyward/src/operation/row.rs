//! An operation: what it takes to be let in, and how it runs.

use super::id::OperationId;
use super::parts::OperationParts;
use crate::active_account::AccountNeed;
use crate::body_room::Owner;
use crate::call::{self, Call, Reply};
use crate::problem::Problem;
use crate::store::Store;
use axum::body::Body;
use http::{Method, Request, Response};
use keyward_core::BoxFuture;
use keyward_core::denial::Denial;
use keyward_core::effect::{Commit, Effect, Repeatable};
use keyward_core::permit::{Action, Permit, check};
use keyward_core::principal::{Credential, Principal};
use keyward_core::rate_limit::Purpose;
use keyward_core::role::Role;
use keyward_core::scope::Scope;
use std::sync::Arc;

/// What it takes to be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing. Whether the application must still be named.
    Public {
        /// `X-Origin-App` is required.
        origin_app: bool,
        /// What its address is limited for.
        limit: Purpose,
    },
    /// A credential, with this scope if there is one.
    Caller(Option<Scope>),
}

type Run = Arc<
    dyn Fn(Arc<OperationParts>, Request<Body>) -> BoxFuture<'static, Result<Response<Body>, Problem>>
        + Send
        + Sync,
>;

/// One operation.
#[derive(Clone)]
pub struct Row {
    /// Its id.
    pub id: OperationId,
    /// Its verb.
    pub method: Method,
    /// Its path below the API's base, with `{…}` for an id.
    pub path: &'static str,
    /// What it takes to be let in.
    pub access: Access,
    /// Whether it acts in an account.
    pub account: AccountNeed,
    /// The role that a caller needs besides.
    pub role: Option<Role>,
    /// Whether its scope must stand in the credential literally.
    pub literal: bool,
    /// Whether it commits an effect, once for each `Idempotency-Key`.
    pub commits: bool,
    /// Whether its answer shows a secret.
    pub shows_secret: bool,
    /// Whether a key may always end itself by it.
    pub ends_itself: bool,
    pub(super) run: Run,
}

impl Row {
    /// For an operation that helps to choose an account: there need be none.
    pub(crate) fn without_account(self) -> Self {
        Self { account: AccountNeed::Chosen, ..self }
    }

    /// Whether this caller may call it, as far as that can be said before the request is read.
    pub(crate) fn admits(&self, who: &Principal) -> bool {
        let Access::Caller(scope) = self.access else { return true };
        if self.ends_itself && matches!(who.credential, Credential::ApiKey(_)) {
            return true;
        }
        let role = who.member.map(|member| member.role);
        // Absent: an operation that names no scope, or no role, asks for none.
        scope.is_none_or(|scope| who.may(scope) && (!self.literal || who.credential.says(scope)))
            && self.role.is_none_or(|needed| role == Some(needed))
    }

    /// For the operation by which a key may always end itself.
    pub(crate) fn ends_itself(self) -> Self {
        Self { ends_itself: true, ..self }
    }
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.id.name(), self.method, self.path)
    }
}

/// An operation for everyone.
pub(crate) fn open<F, R>(
    id: OperationId,
    method: Method,
    path: &'static str,
    (origin_app, limit): (bool, Purpose),
    handler: F,
) -> Row
where
    F: Fn(Call) -> R + Copy + Send + Sync + 'static,
    R: Future<Output = Result<Reply, Problem>> + Send + 'static,
{
    let run: Run = Arc::new(move |parts, request| {
        Box::pin(async move {
            let call = call::read(&parts, false, Owner::Stranger, request).await?;
            let (id, prefers) = (call.id, call.preferences());
            Ok(call::reply(&parts.shared, (id, &prefers), &handler(call).await?))
        })
    });
    Row {
        id,
        method,
        path,
        access: Access::Public { origin_app, limit },
        account: AccountNeed::Needed,
        role: None,
        literal: false,
        commits: false,
        shows_secret: false,
        ends_itself: false,
        run,
    }
}

/// An operation that reads.
pub(crate) fn read<A, F, R>(id: OperationId, method: Method, path: &'static str, handler: F) -> Row
where
    A: Action,
    F: Fn(Call, Permit<A>) -> R + Copy + Send + Sync + 'static,
    R: Future<Output = Result<Reply, Problem>> + Send + 'static,
{
    let run: Run = Arc::new(move |parts, mut request| {
        Box::pin(async move {
            let principal = call::principal(&mut request)?;
            let owner = Owner::from(&principal);
            let permit = check::<A>(principal)?;
            let call = call::read(&parts, false, owner, request).await?;
            let (id, prefers) = (call.id, call.preferences());
            Ok(call::reply(&parts.shared, (id, &prefers), &handler(call, permit).await?))
        })
    });
    Row {
        id,
        method,
        path,
        access: Access::Caller(A::SCOPE),
        account: AccountNeed::Needed,
        role: A::ROLE,
        literal: A::LITERAL,
        commits: false,
        shows_secret: false,
        ends_itself: false,
        run,
    }
}

/// How a handler turns a call into an effect. It cannot execute it.
pub(crate) type Intend<E> = fn(&Call, &Permit<<E as Effect>::Action>) -> Result<E, Problem>;
/// How a caller is admitted to an action, given the id in the path.
pub(crate) type Admit<A> = fn(Principal, &str) -> Result<Permit<A>, Denial>;

/// An operation that writes.
pub(crate) fn write<E: Repeatable>(
    id: OperationId,
    method: Method,
    path: &'static str,
    handler: Intend<E>,
) -> Row
where
    dyn Store: Commit<E>,
{
    write_admitting(id, method, path, |principal, _| check(principal), handler)
}

/// An operation that writes, to which callers are admitted in a way of its own.
pub(crate) fn write_admitting<E: Repeatable>(
    id: OperationId,
    method: Method,
    path: &'static str,
    admit: Admit<E::Action>,
    handler: Intend<E>,
) -> Row
where
    dyn Store: Commit<E>,
{
    let run: Run = Arc::new(move |parts, mut request| {
        Box::pin(async move {
            let principal = call::principal(&mut request)?;
            let owner = Owner::from(&principal);
            // Absent: no id in the path, so no credential is its own subject.
            let permit =
                admit(principal, call::path_ids(&mut request).await.first().map_or("", String::as_str))?;
            let mut call = call::read(&parts, true, owner, request).await?;
            if E::SHOWS_SECRET {
                call.refuse_guessable()?;
            }
            if let Some(flag) = E::FLAG {
                call.flag = call.query.take_flag(flag)?;
            }
            call.finish_query()?;
            if !E::CONDITIONAL {
                call.conditions.refuse()?;
            }
            let effect = handler(&call, &permit)?;
            call::commit(call, effect, permit).await
        })
    });
    Row {
        id,
        method,
        path,
        access: Access::Caller(E::Action::SCOPE),
        account: AccountNeed::Needed,
        role: E::Action::ROLE,
        literal: E::Action::LITERAL,
        commits: true,
        shows_secret: E::SHOWS_SECRET,
        ends_itself: false,
        run,
    }
}
