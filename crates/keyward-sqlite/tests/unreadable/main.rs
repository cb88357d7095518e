//! A row that cannot be read loses no ending: what is ended is named by ids, and nothing else of it is read.
//!
//! For each table, and each of its columns that does not name the row or whose it is, every row but those of the user that acts holds
//! something else there: nothing, a value of another type, an unknown word. Once before the file is opened, so that memory knows
//! none of them, and once while it is open, so that memory knows them as they were. Then everything that can end ends. In the end
//! the rows are put right, as by a version that reads them, the file is opened again, and all of it has ended.
//!
//! | file | what |
//! |---|---|
//! | `main.rs` | the table: table × column × value × when × ending |
//! | `home.rs` | a store with somebody for each ending |
//! | `endings.rs` | the endings, and how it is seen that they hold |
//! | `spoil.rs` | making rows unreadable, and putting them right |
//! | `clock.rs` | a recorded time that cannot be read |
//! | `others.rs` | a sign-in that sweeps, an accepted clock, and what is written for many keys at once |
//! | `rest.rs` | sweeps, the names of rows that are left out, and a store that does not say which root secret it belongs to |

#![cfg(feature = "fault-injection")]
#![expect(clippy::disallowed_methods, reason = "the tests do as the operator does")]

#[cfg(test)]
mod clock;
#[cfg(test)]
mod endings;
#[cfg(test)]
mod home;
#[cfg(test)]
mod others;
#[cfg(test)]
mod rest;
#[cfg(test)]
mod spoil;

#[cfg(test)]
mod table {
    use super::endings::{Ending, Outcome};
    use super::home::{Home, Template};
    use super::spoil::{Spoil, When, columns};

    /// Where an ending is refused for a reason of its own; each with that reason.
    fn may_be_refused(ending: Ending, spoil: &Spoil, when: When) -> bool {
        match ending {
            // In person, or by a key, of whom memory knows nothing: nobody is let in who could act.
            Ending::Disconnect | Ending::SignOut => {
                when == When::BeforeItIsOpened && ["users", "sessions"].contains(&spoil.table)
            }
            // Its admins are not let in, and nobody accepts an invitation into an account that cannot be read.
            Ending::DismissInvited | Ending::LowerRoleByAdmin | Ending::LowerOffer => {
                when == When::BeforeItIsOpened && spoil.table == "accounts"
            }
            // Whether a user is disabled cannot be read: nobody is given a link.
            Ending::ResetPassword if spoil.table == "users" => spoil.column == "disabled_at",
            // A link has an end, and none can be judged while nobody knows the time. The operator disables the user instead.
            Ending::ResetPassword => when == When::BeforeItIsOpened && spoil.table == "clock",
            _ => false,
        }
    }

    async fn every_ending(template: &Template, spoil: &Spoil, when: When) -> Vec<String> {
        let mut home = Home::new(template);
        if when == When::BeforeItIsOpened {
            home.spoil(spoil);
        }
        home.open();
        if when == When::WhileItIsOpen {
            home.spoil(spoil);
        }
        let mut faults = Vec::new();
        let mut ended = Vec::new();
        for ending in Ending::ALL {
            match home.end(ending).await {
                Outcome::Ended => ended.push(ending),
                Outcome::Refused(_) if may_be_refused(ending, spoil, when) => {}
                Outcome::Refused(why) => faults.push(format!("{spoil} {when:?}: {ending:?}: {why}")),
            }
        }
        let told = home.recorded();
        if told < i64::try_from(ended.len()).unwrap() {
            faults.push(format!("{spoil} {when:?}: {} ended, and the audit trail has {told}", ended.len()));
        }
        let hold = |home: &Home<'_>, ended: &[Ending], what: &str| -> Vec<String> {
            let lives = ended.iter().filter(|ending| home.lives(**ending));
            lives.map(|ending| format!("{spoil} {when:?}: {ending:?} does not hold {what}")).collect()
        };
        faults.extend(hold(&home, &ended, "at once"));
        home.close();
        home.open();
        faults.extend(hold(&home, &ended, "after a restart"));
        home.close();
        home.put_right(spoil);
        home.open();
        faults.extend(hold(&home, &ended, "once the rows can be read"));
        faults
    }

    async fn no_ending_is_lost(table: &'static str) {
        let template = Template::new().await;
        let mut faults = Vec::new();
        let mut count = 0;
        for spoil in columns(&template.path, table) {
            for when in [When::BeforeItIsOpened, When::WhileItIsOpen] {
                faults.extend(every_ending(&template, &spoil, when).await);
                count += 1;
            }
        }
        assert!(count > 0, "{table} has columns");
        assert!(faults.is_empty(), "{} in {count} stores:\n{}", faults.len(), faults.join("\n"));
    }

    #[tokio::test]
    async fn where_nothing_ends_all_of_it_lives() {
        let template = Template::new().await;
        let mut home = Home::new(&template);
        home.open();
        let dead: Vec<Ending> = Ending::ALL.into_iter().filter(|ending| !home.lives(*ending)).collect();
        assert!(dead.is_empty(), "{dead:?} are seen to hold although nothing has ended");
        for spoil in ["accounts", "users", "api_keys", "oauth_grants", "sessions"]
            .into_iter()
            .flat_map(|table| columns(&template.path, table))
        {
            home.close();
            home.spoil(&spoil);
            home.put_right(&spoil);
            home.open();
            let dead: Vec<Ending> = Ending::ALL.into_iter().filter(|ending| !home.lives(*ending)).collect();
            assert!(dead.is_empty(), "{spoil} was put right, and {dead:?} are dead");
        }
    }

    macro_rules! tables {
        ($($name:ident: $table:literal),* $(,)?) => {$(
            #[tokio::test]
            async fn $name() {
                no_ending_is_lost($table).await;
            }
        )*};
    }

    tables! {
        an_account_that_cannot_be_read_loses_no_ending: "accounts",
        a_user_that_cannot_be_read_loses_no_ending: "users",
        a_membership_that_cannot_be_read_loses_no_ending: "memberships",
        a_key_that_cannot_be_read_loses_no_ending: "api_keys",
        a_secret_that_cannot_be_read_loses_no_ending: "api_key_secrets",
        an_identity_that_cannot_be_read_loses_no_ending: "identities",
        a_chosen_account_that_cannot_be_read_loses_no_ending: "active_accounts",
        an_invitation_that_cannot_be_read_loses_no_ending: "invitations",
        a_client_that_cannot_be_read_loses_no_ending: "oauth_clients",
        a_grant_that_cannot_be_read_loses_no_ending: "oauth_grants",
        a_code_that_cannot_be_read_loses_no_ending: "oauth_codes",
        a_session_that_cannot_be_read_loses_no_ending: "sessions",
        a_link_that_cannot_be_read_loses_no_ending: "password_links",
        a_signing_key_that_cannot_be_read_loses_no_ending: "signing_keys",
        a_kept_answer_that_cannot_be_read_loses_no_ending: "idempotency",
        a_row_of_the_audit_trail_that_cannot_be_read_loses_no_ending: "audit",
        a_recorded_time_that_cannot_be_read_loses_no_ending: "clock",
    }
}
