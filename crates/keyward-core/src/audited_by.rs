//! By whom and by what a write was done, as the audit trail records it.

use crate::id::UserId;
use crate::permit::Holder;

/// By what a write was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditedBy<'h> {
    /// The kind of the credential, or what stands for it: `jwt`, `password`, `operator`, `background`.
    pub kind: &'static str,
    /// The id of the credential within its kind; `None`: it is not known by an id.
    pub id: Option<i64>,
    /// The operating system's user who gave the operator's command, if known.
    pub operator: Option<&'h str>,
}

impl Holder {
    /// By what it does a write.
    #[must_use]
    pub fn audited_by(&self) -> AuditedBy<'_> {
        let (kind, id, operator) = match self {
            Self::Principal(who) => (who.credential.kind(), Some(who.credential.id()), None),
            Self::Bearer => ("jwt", None, None),
            Self::Presenter(what) => (what.word(), None, None),
            Self::Operator(name) => ("operator", None, name.as_deref()),
            Self::Background => ("background", None, None),
        };
        AuditedBy { kind, id, operator }
    }

    /// The user who does it. `proved`: the user that something presented has proved to be.
    #[must_use]
    pub fn actor(&self, proved: Option<UserId>) -> Option<UserId> {
        match self {
            Self::Principal(who) => Some(who.user),
            Self::Presenter(_) => proved,
            Self::Bearer | Self::Operator(_) | Self::Background => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::opaque::TokenDigest;
    use crate::permit::Presented;
    use crate::principal::{Caller, Credential, Principal, SessionCredential};

    #[test]
    fn each_holder_has_its_own_name_and_only_a_known_user_is_an_actor() {
        let session = Credential::Session(SessionCredential {
            id: 5,
            digest: TokenDigest::of("a token"),
            created_at: Timestamp::FIRST,
            ends_at: Timestamp::FIRST,
        });
        let caller = Principal::of(Caller { user: UserId(1), credential: session });
        // The last column: whether a user that something has proved is the actor.
        for (holder, kind, id, operator, actor) in [
            (Holder::Principal(caller), "session", Some(5), None, Some(UserId(1))),
            (Holder::Bearer, "jwt", None, None, None),
            (Holder::Presenter(Presented::Password), "password", None, None, Some(UserId(9))),
            (Holder::Presenter(Presented::Link), "link", None, None, Some(UserId(9))),
            (Holder::Presenter(Presented::Client), "oauth_client", None, None, Some(UserId(9))),
            (Holder::Operator(None), "operator", None, None, None),
            (Holder::Operator(Some("root".into())), "operator", None, Some("root"), None),
            (Holder::Background, "background", None, None, None),
        ] {
            assert_eq!(holder.audited_by(), AuditedBy { kind, id, operator });
            assert_eq!(holder.actor(Some(UserId(9))), actor, "{kind}");
        }
        assert_eq!(Holder::Presenter(Presented::Password).actor(None), None);
    }
}
