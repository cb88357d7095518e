//! Rows that cannot be read: a list shows the others and names them, and what ends something of them ends it.
//!
//! | mistake | test |
//! |---|---|
//! | a deal that cannot be read keeps its team, or is never archived | `whatever_a_deal_holds_a_member_leaves_its_team_and_it_is_archived` |
//! | it takes the list of its account with it | the same |
//! | a page of such rows has no next one | `a_page_of_rows_that_cannot_be_read_goes_on_after_them` |
//! | a deal is shown as if it had no record | `what_hangs_on_a_deal_and_cannot_be_read_is_never_shown_as_if_there_were_none` |
//! | a user that cannot be read takes the team's list with it, or keeps a role | `a_member_who_cannot_be_read_is_off_the_list_and_loses_a_role_and_gains_none` |
//! | a grant that memory does not know outlives its client's revocation | `a_grant_that_memory_does_not_know_is_revoked_by_its_refresh_token` |
//! | nobody learns of it | `doctor_and_the_probe_name_what_no_list_has_come_upon_yet` |

use crate::browser::{call, refresh, text, tokens};
use crate::support::{Persona, TestApp};
use keyward_core::live::Change;
use keyward_core::oauth::{GrantId, Grants};
use keyward_core::store::Upkeep;
use keyward_core::write::disabling::SetUserDisabled;
use keyward_sqlite::faults::{number, spoil};
use serde_json::json;

impl TestApp {
    fn spoil(&self, table: &str, set: &str, which: &str) {
        spoil(&self.database(), table, &format!("UPDATE {table} SET {set} WHERE {which}")).unwrap();
    }

    fn count(&self, what: &str) -> i64 {
        number(&self.database(), &format!("SELECT count(*) FROM {what}")).unwrap()
    }

    fn left_out_of_lists(&self) -> Vec<String> {
        let rows = self.store.left_out_of_lists();
        rows.named().iter().map(|row| format!("{} {}", row.table, row.row)).collect()
    }

    /// The ids of a list.
    async fn ids(&self, path: &str, id: &str) -> Vec<i64> {
        let listed = self.get(path).by(&self.admin).expect(200).await.data();
        listed.as_array().unwrap().iter().map(|item| item[id].as_i64().unwrap()).collect()
    }

    async fn deal_with(&self, member: &Persona) -> i64 {
        let made = self.post("/deals").by(&self.admin).json(json!({"title": "x"})).expect(201).await.data();
        let deal = made["id"].as_i64().unwrap();
        let team = format!("/deals/{deal}/team");
        self.post(&team).by(&self.admin).json(json!({"user_id": member.user})).expect(201).await;
        deal
    }
}

const DEALS: [&str; 13] = [
    "title = CAST(title AS BLOB)",
    "title = NULL",
    "loan_amount_cents = 'much'",
    "loan_type = 'no such thing'",
    "transaction_type = x'00'",
    "business_plan = 'no such thing'",
    "description = x'ff'",
    "estimated_close_date = x'00'",
    "close_date = x'00'",
    "version = 'none'",
    "created_at = 'never'",
    "updated_at = NULL",
    "archived_at = 'never'",
];

#[tokio::test]
async fn whatever_a_deal_holds_a_member_leaves_its_team_and_it_is_archived() {
    let app = TestApp::new().await;
    for spoilt in DEALS {
        let deal = app.deal_with(&app.viewer).await;
        let (before, which) = (app.ids("/deals", "id").await, format!("id = {deal}"));
        app.spoil("deals", spoilt, &which);
        let listed = app.get("/deals").by(&app.admin).expect(200).await.json();
        let others = listed["data"].as_array().unwrap().len();
        assert_eq!(others, before.len() - 1, "{spoilt}");
        let total = app.count(&format!("deals WHERE owner_account_id = {}", app.acme));
        assert_eq!(listed["pagination"]["total"], total, "{spoilt}");
        assert!(app.left_out_of_lists().contains(&format!("deals id {deal}")), "{spoilt}");
        app.get(&format!("/deals/{deal}")).by(&app.admin).expect(500).await;

        let member = format!("/deals/{deal}/team/{}", app.viewer.user);
        let stale = app.delete(&member).by(&app.admin).header("if-match", "\"another\"");
        stale.expect(412).await;
        app.delete(&member).by(&app.admin).expect(200).await;
        let on_team = format!("deal_team WHERE deal_id = {deal} AND user_id = {}", app.viewer.user);
        assert_eq!(app.count(&on_team), 0, "{spoilt}");
        let stale = app.delete(&format!("/deals/{deal}")).by(&app.admin).header("if-match", "\"another\"");
        stale.expect(412).await;
        app.delete(&format!("/deals/{deal}")).by(&app.admin).expect(200).await;
        let archived = format!("deals WHERE {which} AND typeof(archived_at) = 'integer'");
        assert_eq!(app.count(&archived), 1, "{spoilt}");
        let recorded = format!("audit WHERE subject_kind = 'deal' AND subject_id = {deal}");
        assert_eq!(app.count(&recorded), 4, "{spoilt}: made, joined, left, archived");
    }
    // One that can be read, and that the schema does not allow.
    let deal = app.deal_with(&app.viewer).await;
    app.spoil("deals", "loan_amount_cents = -5", &format!("id = {deal}"));
    app.delete(&format!("/deals/{deal}/team/{}", app.viewer.user)).by(&app.admin).expect(200).await;
    app.delete(&format!("/deals/{deal}")).by(&app.admin).expect(200).await;
    // Nor does a deal keep anybody in the account.
    app.delete(&format!("/account/team/{}", app.viewer.user)).by(&app.admin).expect(200).await;
    app.operate(SetUserDisabled { user: app.editor.user, disabled: true }).await;
    app.get("/me").by(&app.viewer).expect(401).await;
    app.get("/me").by(&app.editor).expect(401).await;
}

#[tokio::test]
async fn a_page_of_rows_that_cannot_be_read_goes_on_after_them() {
    let app = TestApp::new().await;
    let all = app.ids("/deals", "id").await;
    let last = *all.last().unwrap();
    app.spoil("deals", "title = NULL", &format!("id <> {last}"));
    let (mut found, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = app.get(&format!("/deals?limit=1{cursor}")).by(&app.admin).expect(200).await.json();
        found.extend(page["data"].as_array().unwrap().iter().map(|deal| deal["id"].as_i64().unwrap()));
        pages += 1;
        match &page["pagination"] {
            more if more["has_more"] == true => cursor = format!("&cursor={}", text(more, "next_cursor")),
            _ => break,
        }
    }
    assert_eq!((found, pages), (vec![last], all.len()));
    let by_title = app.get("/deals?sort=title&limit=2").by(&app.admin).expect(200).await.json();
    assert_eq!((&by_title["pagination"]["has_more"], &by_title["data"]), (&json!(true), &json!([])));
}

#[tokio::test]
async fn what_hangs_on_a_deal_and_cannot_be_read_is_never_shown_as_if_there_were_none() {
    let app = TestApp::new().await;
    let all = app.ids("/deals", "id").await;
    app.spoil("deal_properties", "units = 'many'", "id = 1");
    app.spoil("deal_team", "deal_role = x'00'", "id = 1");
    let whole = "/deals?include=financials,properties,team,pipelines";
    let first = app.get(whole).by(&app.admin).expect(200).await.data()[0].clone();
    assert_eq!(first["id"], 1);
    let sizes = ["properties", "team"].map(|name| {
        let list = first.as_object().unwrap().iter().find(|(key, _)| key.contains(name)).unwrap().1;
        list.as_array().unwrap().len()
    });
    assert_eq!(sizes, [1, 1], "the others of its lists are there: {first}");
    assert_eq!(app.ids("/deals/1/properties", "id").await, [2]);

    app.spoil("deal_financials", "purchase_price = 'much'", "deal_id = 1");
    assert_eq!(app.ids("/deals?include=financials", "id").await, all[1..], "not as a deal without a record");
    assert_eq!(app.ids("/deals", "id").await, all);
    app.get("/deals/1?include=financials").by(&app.admin).expect(500).await;
    app.get("/deals/1/financials").by(&app.admin).expect(500).await;
    app.get("/deals/1").by(&app.admin).expect(200).await;

    app.spoil("pipelines", "pipeline_name = x'00'", "id = 1");
    app.spoil("pipeline_statuses", "icon = x'00'", "pipeline_id = 2 AND \"order\" = 1");
    assert_eq!(app.ids("/pipelines", "id").await.first(), Some(&2));
    for row in ["deal_properties id 1", "deal_financials deal_id 1", "pipelines id 1"] {
        assert!(
            app.left_out_of_lists().iter().any(|name| name == row),
            "{row}: {:?}",
            app.left_out_of_lists()
        );
    }
}

#[tokio::test]
async fn a_member_who_cannot_be_read_is_off_the_list_and_loses_a_role_and_gains_none() {
    let app = TestApp::new().await;
    let team = app.ids("/account/team", "user_id").await;
    let user = app.both.user;
    let change =
        |role: &str| app.patch(&format!("/account/team/{user}")).by(&app.admin).json(json!({ "role": role }));
    app.spoil("users", "first_name = x'00'", &format!("id = {user}"));
    let others: Vec<i64> = team.iter().copied().filter(|id| *id != user.0).collect();
    assert_eq!(app.ids("/account/team", "user_id").await, others);
    assert_eq!(app.left_out_of_lists(), [format!("users id {user}")]);
    change("admin").expect(500).await;
    let lowered = change("viewer").expect(200).await.data();
    let told = ["user_id", "first_name", "email", "role", "status"].map(|name| lowered[name].clone());
    assert_eq!(json!(told), json!([user, null, "both@acme.example", "viewer", "active"]));
    app.post("/deals").by(&app.both).json(json!({"title": "x"})).expect(403).await;
    change("editor").expect(500).await;

    app.spoil("users", "first_name = 'Both'", &format!("id = {user}"));
    let place = format!("account_id = {} AND user_id = {user}", app.acme);
    for spoilt in ["created_at = 'never'", "role = 'emperor'", "role = x'00'"] {
        change("editor").expect(200).await;
        app.spoil("memberships", spoilt, &place);
        if spoilt.starts_with("role") {
            change("editor").expect(500).await;
        }
        assert_eq!(change("viewer").expect(200).await.data()["role"], "viewer", "{spoilt}");
        assert_eq!(app.count(&format!("memberships WHERE role = 'viewer' AND {place}")), 1, "{spoilt}");
    }
    let recorded = "audit WHERE action = 'member.role' AND json_extract(detail, '$.role') = 'viewer'";
    assert_eq!(app.count(recorded), 4);
}

#[tokio::test]
async fn a_grant_that_memory_does_not_know_is_revoked_by_its_refresh_token() {
    for spoilt in ["scopes = 'deals:shred'", "ends_at = 'never'", "number = 'none'", "client_name = x'00'"] {
        let app = TestApp::new().await;
        let granted = tokens(&app, "admin", &[]).await;
        let token = text(&granted, "refresh_token");
        let id = number(&app.database(), "SELECT max(id) FROM oauth_grants").unwrap();
        app.spoil("oauth_grants", spoilt, &format!("id = {id}"));
        // As at a start that leaves it out.
        app.app.directory().publish(vec![Change::GrantsEnded(Grants::One(GrantId(id)))]);
        let revoke = async |client: &str, token: &str| {
            call(&app, "/oauth/revoke", &[("client_id", client), ("token", token)]).await.status.as_u16()
        };
        let live = format!("oauth_grants WHERE id = {id} AND typeof(ended_at) <> 'integer'");
        let forged = format!("{}AAAA", &token[..token.len() - 4]);
        for (client, token) in [("app", forged.as_str()), ("keyward-cli", token)] {
            assert_eq!((revoke(client, token).await, app.count(&live)), (200, 1), "{spoilt}: {client}");
        }
        assert_eq!((revoke("app", token).await, app.count(&live)), (200, 0), "{spoilt}");
        assert_eq!(refresh(&app, token).await.json()["error"], "invalid_grant");
    }
}

#[tokio::test]
async fn doctor_and_the_probe_name_what_no_list_has_come_upon_yet() {
    let app = TestApp::new().await;
    app.store.look_through().await.unwrap();
    assert!(app.left_out_of_lists().is_empty(), "{:?}", app.left_out_of_lists());
    let spoilt = [
        ("deals", "title = NULL", "id = 2"),
        ("deal_financials", "purchase_price = 'much'", "deal_id = 1"),
        ("deal_properties", "units = 'many'", "id = 1"),
        ("deal_team", "deal_role = x'00'", "id = 1"),
        ("pipelines", "pipeline_name = x'00'", "id = 1"),
        ("pipeline_statuses", "icon = x'00'", "id = 1"),
        ("deal_pipelines", "updated_at = 'never'", "deal_id = 1"),
        ("api_keys", "allowed_ips = 'hidden'", "id = 1"),
        ("users", "title = x'00'", "id = 2"),
    ];
    for (table, set, which) in spoilt {
        app.spoil(table, set, which);
    }
    app.store.look_through().await.unwrap();
    let named = app.left_out_of_lists();
    for (table, _, which) in spoilt {
        let name = format!("{table} {}", which.replace(" =", ""));
        assert!(named.iter().any(|row| row.starts_with(&name)), "{name}: {named:?}");
    }
    assert_eq!(named.len() as u64, app.store.figures().rows_left_out);
    assert!(!named.concat().contains("hidden"));
}
