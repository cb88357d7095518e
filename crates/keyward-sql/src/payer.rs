//! In whose share something waits, or is kept.

use keyward_core::address::ClientAddress;
use keyward_core::effect::Context;
use keyward_core::id::{AccountId, UserId};
use keyward_core::idempotency::Claim;
use keyward_core::permit::{Action, Holder, Permit};

/// In whose share it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Payer {
    /// The program's own and the operator's: strangers cannot crowd it out.
    Own,
    /// An account's.
    Account(AccountId),
    /// A user's, where there is no account.
    User(UserId),
    /// A network's, where nobody is known.
    Network(ClientAddress),
    /// That of everybody who is not known, where the network is not at hand either.
    Strangers,
}

impl Payer {
    /// Whether nobody is known: all of these have one turn together.
    pub fn is_stranger(self) -> bool {
        matches!(self, Self::Network(_) | Self::Strangers)
    }

    /// Who waits for a write.
    pub fn of_write<A: Action>(permit: &Permit<A>, context: &Context) -> Self {
        match permit.holder() {
            Holder::Principal(who) => Self::of_user(who.member.map(|member| member.account), who.user),
            Holder::Bearer | Holder::Presenter(_) => Self::Network(network(context)),
            Holder::Operator(_) | Holder::Background => Self::Own,
        }
    }

    /// Who waits for a read.
    pub fn of_read<A: Action>(permit: &Permit<A>) -> Self {
        match permit.holder() {
            Holder::Principal(who) => Self::of_user(who.member.map(|member| member.account), who.user),
            Holder::Bearer | Holder::Presenter(_) | Holder::Operator(_) | Holder::Background => Self::Own,
        }
    }

    /// Whose the answer of a claim is.
    pub fn of_claim(claim: &Claim) -> Self {
        let scope = claim.scope();
        Self::of_user(scope.account, scope.user)
    }

    /// The account's share where there is one, else the user's.
    pub fn of_user(account: Option<AccountId>, user: UserId) -> Self {
        // Absent: the user pays itself.
        account.map_or(Self::User(user), Self::Account)
    }
}

fn network(context: &Context) -> ClientAddress {
    // Absent: all without an address share one part.
    context.address.map_or(ClientAddress::Unknown, |address| ClientAddress::Known(address).network())
}
