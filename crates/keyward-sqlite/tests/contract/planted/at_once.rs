//! Faults of a store at which two write at the same time: what the second one finds is not what the first one left.

use super::{Fault, mistake, rows};
use keyward_core::id::{AccountId, UserId};
use keyward_core::live::Change;
use keyward_core::role::Role;
use keyward_core::team::TeamMember;
use keyward_core::write::account::CreateAccount;
use keyward_core::write::key::RotateKey;
use keyward_core::write::team::{ChangeRole, TeamChanged};
use keyward_testkit::contract::{Mistake, edit};
use std::any::Any;

const ROTATIONS: &str = "of_two_rotations_at_once_one_is_made";
const ADMINS: &str = "of_two_admins_who_demote_each_other_one_stays";
const CODE: &str = "of_two_who_redeem_one_code_the_second_ends_the_grant";
const REFRESH: &str = "two_who_refresh_with_one_token_have_the_same_successor";
const LINK: &str = "of_two_who_use_one_link_one_chooses_a_password";

/// A demotion, as if it was done.
fn demoted(effect: &dyn Any) -> Option<Box<dyn Any>> {
    let demotion = effect.downcast_ref::<ChangeRole>().filter(|change| change.role == Role::Viewer)?;
    let member = TeamMember {
        user: demotion.user?,
        first_name: None,
        last_name: None,
        email: String::new(),
        role: Role::Viewer,
        photo_url: None,
        made_by: None,
        invited: false,
    };
    Some(Box::new(TeamChanged { account: AccountId(1), member, before: Some(Role::Admin), now: true }))
}

/// After a demotion memory has no admin of the account.
fn no_admin_in_memory(done: &mut dyn Any, directory: &keyward_core::live::Directory) {
    edit(done, |changed: &mut TeamChanged| {
        if changed.member.role == Role::Viewer {
            let viewer = |id| Change::Member(changed.account, UserId(id), Some(Role::Viewer));
            directory.publish([viewer(1), viewer(2)]);
        }
    });
}

pub(super) const FAULTS: &[Fault] = &[
    mistake(
        "of two rotations at once both are made",
        Mistake::OperatorsRight,
        ROTATIONS,
        "one of two rotations is made",
    ),
    mistake(
        "of two rotations at once the first leaves no grace",
        Mistake::Effect(|effect| edit(effect, |rotate: &mut RotateKey| rotate.grace_seconds = 0)),
        ROTATIONS,
        "the other came with a secret that was replaced",
    ),
    rows(
        "of two keys at once the second is not counted",
        "CREATE TRIGGER planted AFTER INSERT ON api_keys WHEN new.label = 'new'
         BEGIN UPDATE api_keys SET expires_at = 1 WHERE id = new.id; END",
        "of_two_keys_for_the_last_place_one_is_made",
        "one place, one key",
    ),
    mistake(
        "of two accounts at once with one slug both are made",
        Mistake::Effect(|effect| {
            edit(effect, |create: &mut CreateAccount| create.slug = create.name.to_lowercase());
        }),
        "of_two_accounts_with_one_slug_one_is_made",
        "one of two accounts is made",
    ),
    mistake(
        "of two accounts at once the one that was refused is answered",
        Mistake::Pretended(|effect| {
            let create = effect.downcast_ref::<CreateAccount>().filter(|create| create.name == "Other")?;
            Some(Box::new(AccountId(i64::from(create.slug == "new"))))
        }),
        "of_two_accounts_with_one_slug_one_is_made",
        "one of two accounts is made",
    ),
    mistake(
        "two admins who demote each other are both answered",
        Mistake::Pretended(demoted),
        ADMINS,
        "one of them",
    ),
    mistake(
        "of two admins who demote each other memory keeps none",
        Mistake::Done(no_admin_in_memory),
        ADMINS,
        "an admin stays",
    ),
    rows(
        "two who redeem one code both have the grant",
        "CREATE TRIGGER planted BEFORE UPDATE OF redeemed_at ON oauth_codes BEGIN SELECT RAISE(IGNORE); END",
        CODE,
        "one of two has the grant",
    ),
    rows(
        "who redeems a code second is a stranger",
        "CREATE TRIGGER planted AFTER UPDATE OF redeemed_at ON oauth_codes
         BEGIN DELETE FROM oauth_codes WHERE digest = new.digest; END",
        CODE,
        "the other is a replay",
    ),
    rows(
        "two who refresh with one token both move it on",
        "CREATE TRIGGER planted AFTER UPDATE OF number ON oauth_grants WHEN old.number IS NOT NULL
         BEGIN UPDATE oauth_grants SET number = old.number WHERE id = old.id; END",
        REFRESH,
        "the same token, made once",
    ),
    rows(
        "who refreshes second comes too late",
        "CREATE TRIGGER planted AFTER UPDATE OF rotated_at ON oauth_grants WHEN old.number IS NOT NULL
         BEGIN UPDATE oauth_grants SET rotated_at = 0 WHERE id = old.id; END",
        REFRESH,
        "within its grace a replaced token is answered",
    ),
    rows(
        "two who use one link both choose a password",
        "CREATE TRIGGER planted BEFORE DELETE ON password_links BEGIN SELECT RAISE(IGNORE); END",
        LINK,
        "a link is used once",
    ),
    rows(
        "two who use one link are both refused",
        "CREATE TRIGGER planted BEFORE INSERT ON password_links BEGIN SELECT RAISE(IGNORE); END",
        LINK,
        "a link is used once",
    ),
];
