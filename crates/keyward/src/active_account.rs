//! In which account a request acts.

use crate::observe::record;
use crate::shared::Shared;
use http::Request;
use keyward_core::denial::Denial;
use keyward_core::principal::{Caller, Credential, Principal};
use keyward_tower::Check;
use std::sync::Arc;

/// Chooses the account of the request. On the few operations that help to choose one, there need be none.
#[derive(Clone, Debug)]
pub(crate) struct ActiveAccount(pub(crate) Arc<Shared>, pub(crate) AccountNeed);

/// Whether an operation is one of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountNeed {
    /// It is.
    Needed,
    /// It tells or changes which account that is.
    Chosen,
}

impl<B> Check<B> for ActiveAccount {
    fn check(&self, request: &mut Request<B>) -> Result<(), Denial> {
        // Authentication stands outside this, so a caller is there.
        let caller = request.extensions_mut().remove::<Caller>().ok_or(Denial::CredentialMissing)?;
        let named = request.headers().get("x-active-account").map(|named| named.as_bytes().trim_ascii());
        let needed = self.1 == AccountNeed::Needed;
        if named.is_some_and(<[u8]>::is_empty) {
            // Not as if it were absent: a client that has lost the name of its account must not act in another one.
            let text = "X-Active-Account is empty. Send an account's slug, or leave the header out.";
            return Err(Denial::HeaderMalformed(text.to_owned()));
        }
        let principal = match (&caller.credential, named) {
            // A key that is told nothing else acts where it is bound to: there is nothing to look up.
            (Credential::ApiKey(_), None) => Principal::of(caller),
            // Absent: every other caller is looked up.
            _ => self.0.directory.read().act_in(caller, named, needed)?,
        };
        if let (Some(record), Some(member)) = (record(request), principal.member) {
            let _ = record.account.set(member.account);
        }
        request.extensions_mut().insert(principal);
        Ok(())
    }
}
