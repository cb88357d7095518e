//! Whom an issuer may say that a subject is, and which invitation that accepts.
//!
//! An issuer that is confined to accounts speaks for the people of these alone: it claims nobody else, learns of nobody else, and
//! what it has said of somebody keeps no other issuer from saying it where it speaks.

use crate::denial::Denial;
use crate::id::AccountId;
use crate::jwt::{Link, Rules};
use std::sync::Arc;

/// An issuer, and the slugs of its accounts.
type OfIssuer = (Arc<str>, Arc<[String]>);

/// The accounts that each trusted issuer speaks for. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct IssuerAccounts(Arc<[OfIssuer]>);

impl IssuerAccounts {
    /// Of these issuers.
    pub fn of<'r>(rules: impl IntoIterator<Item = &'r Rules>) -> Self {
        let each = rules.into_iter().map(|rules| (rules.issuer.as_str().into(), Arc::clone(&rules.accounts)));
        Self(each.collect())
    }

    /// The slugs of the accounts that an issuer is confined to; `None`: it speaks for all, or is not trusted any more.
    fn confined(&self, issuer: &str) -> Option<&[String]> {
        let (_, accounts) = self.0.iter().find(|(own, _)| **own == *issuer)?;
        Some(&**accounts).filter(|accounts| !accounts.is_empty())
    }

    /// Whether what an issuer says of a user says nothing to one that speaks for these accounts (none: all): it is confined, and
    /// to none of them. An issuer that is not known is taken for one that counts.
    #[must_use]
    pub fn is_apart(&self, issuer: &str, accounts: &[String]) -> bool {
        self.confined(issuer).is_some_and(|own| !own.iter().any(|slug| accounts.contains(slug)))
    }
}

/// The issuer of a token, and what it may do with the address in it.
#[derive(Clone, Copy, Debug)]
pub struct Claimant<'c> {
    /// Its `iss`.
    pub issuer: &'c str,
    /// The slugs of the accounts that it speaks for; none: all.
    pub accounts: &'c [String],
    /// What a user must have to be linked by its address.
    pub link: Link,
    /// What the others speak for.
    pub issuers: &'c IssuerAccounts,
}

/// The user with the verified address of a token, as far as that decides who may claim it. It is not disabled.
#[derive(Clone, Debug, Default)]
pub struct Addressee {
    /// Whether the token's subject is this user already.
    pub linked: bool,
    /// Whether more than an address was ever known of it: a name, a sign-in here, a link that was used.
    pub known: bool,
    /// The issuers of its subjects.
    pub issuers: Vec<Arc<str>>,
    /// The slugs of the accounts that it is a member of; `None`: one that cannot be read.
    pub homes: Vec<Option<String>>,
    /// Its open invitations: the account, and its slug.
    pub invited: Vec<(AccountId, String)>,
}

/// A subject becomes the user's, if it is not yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The account whose invitation is accepted with it.
    pub join: Option<AccountId>,
}

impl Claimant<'_> {
    fn reaches(&self, slug: &str) -> bool {
        self.accounts.is_empty() || self.accounts.iter().any(|own| own == slug)
    }

    fn is_confined(&self) -> bool {
        !self.accounts.is_empty()
    }
}

impl Addressee {
    /// What this issuer's token does to its subject; `None`: nothing, and whoever brought it is told no more than for an address
    /// that nobody has.
    #[must_use]
    pub fn claimed_by(&self, by: &Claimant<'_>) -> Option<Claimed> {
        // An issuer has one subject for a user.
        if !self.linked && self.issuers.iter().any(|own| **own == *by.issuer) {
            return None;
        }
        let open: Vec<AccountId> =
            self.invited.iter().filter(|(_, slug)| by.reaches(slug)).map(|(account, _)| *account).collect();
        let at_home = self.homes.iter().any(|home| !self.is_said_apart(home.as_deref(), by));
        let join = match open.as_slice() {
            [one] if !at_home => Some(*one),
            // Absent: of several none. Whoever invites besides would choose for the person, or spoil its first sign-in.
            _ => None,
        };
        let invited = || self.is_nobody(at_home, by) && !open.is_empty();
        let may = match by.link {
            Link::Invitation | Link::VerifiedEmail if self.linked => join.is_some(),
            Link::Invitation => invited(),
            Link::VerifiedEmail => !by.is_confined() || self.is_member(by) || invited(),
        };
        may.then_some(Claimed { join })
    }

    /// What a sign-in by this issuer's token accepts: the account whose invitation it accepts, if any.
    ///
    /// # Errors
    /// [`Denial::TokenUnlinked`]: the subject is not the user's, and does not become it.
    pub fn sign_in(&self, by: &Claimant<'_>) -> Result<Option<AccountId>, Denial> {
        match self.claimed_by(by) {
            Some(Claimed { join }) => Ok(join),
            // Another request has linked it meanwhile.
            None if self.linked => Ok(None),
            None => Err(Denial::TokenUnlinked),
        }
    }

    /// Whether it is in an account that a confined issuer speaks for.
    fn is_member(&self, by: &Claimant<'_>) -> bool {
        self.homes.iter().flatten().any(|slug| by.reaches(slug))
    }

    /// Whether it is nobody yet, for this issuer: an invitation, which the admins of any account can make, hands nobody over. To
    /// an issuer that is confined it is nobody only if nothing is known of it: what is known is of people outside its accounts.
    fn is_nobody(&self, at_home: bool, by: &Claimant<'_>) -> bool {
        let elsewhere = self.issuers.iter().any(|issuer| !by.issuers.is_apart(issuer, by.accounts));
        let known = by.is_confined() && self.known;
        !(at_home || elsewhere || known)
    }

    /// Whether a place in an account is nothing but what an issuer apart has said: the person has never been here itself, and that
    /// issuer speaks for the account. So no tenant takes an address that is another's by having it said first.
    fn is_said_apart(&self, home: Option<&str>, by: &Claimant<'_>) -> bool {
        let says = |issuer: &Arc<str>, slug: &str| {
            let own = by.issuers.confined(issuer).filter(|_| by.issuers.is_apart(issuer, by.accounts));
            own.is_some_and(|own| own.iter().any(|one| one == slug))
        };
        home.is_some_and(|slug| !self.known && self.issuers.iter().any(|issuer| says(issuer, slug)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &[&str] = &[];
    const ACME: &[&str] = &["acme"];
    const HARBOR: &[&str] = &["harbor"];
    const BOTH: &[&str] = &["acme", "harbor"];

    fn slugs(slugs: &[&str]) -> Arc<[String]> {
        slugs.iter().map(|slug| (*slug).to_owned()).collect()
    }

    /// What an issuer `i` that speaks for these accounts does, where `h` speaks for harbor, `b` for both and `w` for all.
    fn claimed(addressee: &Addressee, accounts: &[&str], link: Link) -> Option<Option<i64>> {
        let of = |issuer: &str, accounts| (Arc::from(issuer), slugs(accounts));
        let all = [of("i", accounts), of("h", HARBOR), of("b", BOTH), of("w", ALL)];
        let issuers = IssuerAccounts(all.into());
        let accounts = slugs(accounts);
        let by = Claimant { issuer: "i", accounts: &accounts, link, issuers: &issuers };
        addressee.claimed_by(&by).map(|claimed| claimed.join.map(|account| account.0))
    }

    /// A user: subjects' issuers, homes, invitations.
    fn user(issuers: &[&str], homes: &[&str], invited: &[&str]) -> Addressee {
        let id = |slug: &str| AccountId(if slug == "acme" { 1 } else { 2 });
        Addressee {
            linked: false,
            known: false,
            issuers: issuers.iter().map(|issuer| Arc::from(*issuer)).collect(),
            homes: homes.iter().map(|slug| Some((*slug).to_owned())).collect(),
            invited: invited.iter().map(|slug| (id(slug), (*slug).to_owned())).collect(),
        }
    }

    fn known(addressee: Addressee) -> Addressee {
        Addressee { known: true, ..addressee }
    }

    fn linked(addressee: Addressee) -> Addressee {
        Addressee { linked: true, ..addressee }
    }

    /// The last column: what a token of an issuer of these accounts does by `invitation`, and by `verified_email`: nothing, a link
    /// alone (`Some(None)`), or a link and a place.
    #[test]
    fn an_issuer_claims_nobody_but_its_own_people_and_joins_one_open_invitation() {
        let (nothing, link, acme, harbor) = (None, Some(None), Some(Some(1)), Some(Some(2)));
        let table = [
            ("nobody invited it", user(&[], &[], &[]), ALL, nothing, link),
            ("nobody invited it, confined", user(&[], &[], &[]), ACME, nothing, nothing),
            ("invited", user(&[], &[], &["acme"]), ALL, acme, acme),
            ("invited, confined", user(&[], &[], &["acme"]), ACME, acme, acme),
            ("invited elsewhere", user(&[], &[], &["harbor"]), ACME, nothing, nothing),
            ("of several none", user(&[], &[], BOTH), ALL, link, link),
            ("of several none, of one that speaks for both", user(&[], &[], BOTH), BOTH, link, link),
            ("one of several is within its reach", user(&[], &[], BOTH), ACME, acme, acme),
            ("a member elsewhere", user(&[], HARBOR, &[]), ACME, nothing, nothing),
            ("a member elsewhere who is invited", user(&[], HARBOR, &["acme"]), ACME, nothing, nothing),
            ("a member elsewhere who is invited, all", user(&[], HARBOR, &["acme"]), ALL, nothing, link),
            ("a member", user(&[], ACME, &[]), ACME, nothing, link),
            ("a member here and elsewhere", user(&[], BOTH, &[]), ACME, nothing, link),
            (
                "a member of what cannot be read",
                Addressee { homes: vec![None], ..user(&[], &[], &["acme"]) },
                ALL,
                nothing,
                link,
            ),
            ("known, in no account, invited", known(user(&[], &[], &["acme"])), ALL, acme, acme),
            (
                "known, in no account, invited, confined",
                known(user(&[], &[], &["acme"])),
                ACME,
                nothing,
                nothing,
            ),
            ("a subject elsewhere", user(&["w"], &[], &["acme"]), ALL, nothing, acme),
            ("a subject of an issuer that is gone", user(&["gone"], &[], &["acme"]), ALL, nothing, acme),
            ("another subject of this issuer", user(&["i"], &[], &["acme"]), ALL, nothing, nothing),
            // Taken: harbor's own issuer has said that somebody is this address, and put it into harbor.
            ("taken by one confined elsewhere", user(&["h"], HARBOR, &["acme"]), ACME, acme, acme),
            ("taken by one confined elsewhere, all", user(&["h"], HARBOR, &["acme"]), ALL, acme, acme),
            ("taken, and not invited here", user(&["h"], HARBOR, &[]), ACME, nothing, nothing),
            ("taken, and both invite it", user(&["h"], HARBOR, BOTH), ALL, link, link),
            ("who came itself is not taken", known(user(&["h"], HARBOR, &["acme"])), ALL, nothing, link),
            ("a place that the confined one cannot give", user(&["h"], BOTH, &["acme"]), ALL, nothing, link),
            ("one that speaks here too counts", user(&["b"], HARBOR, &["acme"]), ACME, nothing, nothing),
            ("one confined to the same counts", user(&["h"], &[], &["harbor"]), HARBOR, nothing, nothing),
            ("it counts for another of both", user(&["h"], HARBOR, &["acme"]), BOTH, nothing, link),
            // Linked already.
            ("linked, nothing open", linked(user(&["i"], &[], &[])), ALL, nothing, nothing),
            ("linked, one open", linked(user(&["i"], &[], &["harbor"])), ALL, harbor, harbor),
            ("linked, several open", linked(user(&["i"], &[], BOTH)), ALL, nothing, nothing),
            ("linked, and at home", linked(user(&["i"], ACME, &["harbor"])), ALL, nothing, nothing),
            (
                "linked and known, one open again",
                linked(known(user(&["i"], &[], &["acme"]))),
                ACME,
                acme,
                acme,
            ),
        ];
        for (what, addressee, accounts, by_invitation, by_email) in table {
            assert_eq!(
                claimed(&addressee, accounts, Link::Invitation),
                by_invitation,
                "{what}, by invitation"
            );
            assert_eq!(claimed(&addressee, accounts, Link::VerifiedEmail), by_email, "{what}, by address");
        }
    }

    /// The same, as a sign-in finds it: who is linked already signs in, whatever else the token may do.
    #[test]
    fn a_sign_in_needs_a_link_and_accepts_what_its_issuer_may_accept() {
        for (what, addressee, joined) in [
            ("nobody invited it", user(&[], &[], &[]), Err(Denial::TokenUnlinked)),
            ("invited", user(&[], &[], &["acme"]), Ok(Some(AccountId(1)))),
            ("of several none", user(&[], &[], BOTH), Ok(None)),
            ("linked, nothing open", linked(user(&["i"], &[], &[])), Ok(None)),
            ("linked, one open", linked(user(&["i"], &[], &["harbor"])), Ok(Some(AccountId(2)))),
            ("linked, several open", linked(user(&["i"], &[], BOTH)), Ok(None)),
            ("linked, and at home", linked(user(&["i"], ACME, &["harbor"])), Ok(None)),
            ("another subject of this issuer", user(&["i"], &[], &["acme"]), Err(Denial::TokenUnlinked)),
        ] {
            let (accounts, issuers) = (slugs(ALL), IssuerAccounts::default());
            let by = Claimant { issuer: "i", accounts: &accounts, link: Link::Invitation, issuers: &issuers };
            assert_eq!(addressee.sign_in(&by), joined, "{what}");
        }
    }

    #[test]
    fn an_issuer_is_apart_only_where_it_is_known_to_be_confined_to_other_accounts() {
        let issuers = IssuerAccounts([(Arc::from("h"), slugs(HARBOR)), (Arc::from("w"), slugs(ALL))].into());
        for (issuer, accounts, apart) in [
            ("h", ACME, true),
            ("h", ALL, true),
            ("h", HARBOR, false),
            ("h", BOTH, false),
            ("w", ACME, false),
            ("gone", ACME, false),
        ] {
            assert_eq!(issuers.is_apart(issuer, &slugs(accounts)), apart, "{issuer} {accounts:?}");
        }
    }
}
