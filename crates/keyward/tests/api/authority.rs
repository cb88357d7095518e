//! Giver × gift: what each credential of an account's admin may give, and what it may take away. One rule for all: what is given
//! lies within what the giver's credential may do now, and does not outlive the credential's own bounds.
//!
//! What is expected stands in the table, by a letter for each cell: `+` it is done; `s` a scope is missing; `w` the key would be
//! wider than its maker; `r` the role is beyond its giver; `g` the secret is in its grace; `f` the key is another account's; `0` it
//! sees no such key or account; `-` such a credential has no such request. What the database says afterwards decides whether
//! something is done, and a refusal must leave nothing of it.

use crate::browser::{Browser, authorize, code, form_to, text, tokens};
use crate::console::shown;
use crate::log::{Lines, listen};
use crate::mcp;
use crate::support::{Key, Persona, TestApp};
use http::Method;
use keyward::mcp::TOOLS;
use keyward_core::grant::Grant;
use keyward_core::id::{KeyId, UserId};
use keyward_core::jwt::Scopes;
use keyward_core::role::Role;
use keyward_core::scope::{Scope, ScopeSet};
use keyward_core::tier::Tier;
use keyward_core::write::account::CreateAccount;
use keyward_core::write::invitation::InviteByOperator;
use keyward_core::write::key::{IssueKey, RevokeKey, RotateKey};
use keyward_core::write::member::{AddMember, RemoveMember, SetRole};
use keyward_sqlite::faults::number;
use serde_json::{Value, json};

/// The gifts, in the order of the columns.
const GIFTS: [Gift; 21] = [
    Gift::FullKey,
    Gift::ReadingKey,
    Gift::KeyThatReadsDeals,
    Gift::KeyThatWritesTheAccount,
    Gift::NewSecretOfAFullKey,
    Gift::NewSecretOfAReadingKey,
    Gift::Invitation(Role::Admin),
    Gift::Invitation(Role::Editor),
    Gift::Invitation(Role::Viewer),
    Gift::Offer(Role::Viewer, Role::Admin),
    Gift::InvitedAgain(Role::Viewer, Role::Admin),
    Gift::Offer(Role::Editor, Role::Viewer),
    Gift::Role(Role::Viewer, Role::Admin),
    Gift::Role(Role::Viewer, Role::Editor),
    Gift::Role(Role::Editor, Role::Viewer),
    Gift::Dismissal,
    Gift::EndOfAKey,
    Gift::GrantToAnApplication,
    Gift::AccountOfStrangers,
    Gift::OtherAccountOfItsUser,
    Gift::EndOfItself,
];

#[derive(Clone, Copy, Debug)]
enum Gift {
    FullKey,
    ReadingKey,
    KeyThatReadsDeals,
    KeyThatWritesTheAccount,
    NewSecretOfAFullKey,
    NewSecretOfAReadingKey,
    Invitation(Role),
    /// An open invitation, from this role to that one.
    Offer(Role, Role),
    /// The same, by inviting again.
    InvitedAgain(Role, Role),
    /// From this role to that one.
    Role(Role, Role),
    Dismissal,
    EndOfAKey,
    GrantToAnApplication,
    /// Its user is no member there.
    AccountOfStrangers,
    /// Its user is a member there too.
    OtherAccountOfItsUser,
    EndOfItself,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Door {
    Http,
    Mcp,
    Console,
    Operator,
}

/// What is sent: the same on both doors of the API.
struct Sent {
    method: Method,
    path: String,
    tool: &'static str,
    /// The ids of the path, as the tool names them.
    ids: Value,
    body: Value,
}

/// What is given: to whom, or of what, and where it is seen.
struct Case {
    gift: Gift,
    number: usize,
    /// The user or the key that it is about.
    id: i64,
    /// In SQL: 0: nothing came of it; 1: it is done; anything else: something else came of it.
    came: String,
}

fn email(case: usize) -> String {
    format!("guest{case}@acme.example")
}

/// What came of a role on the team, which was this one and is to be that one.
fn role_came(table: &str, user: i64, (from, to): (Role, Role)) -> String {
    let (from, to) = (from.name(), to.name());
    format!(
        "SELECT CASE role WHEN '{to}' THEN 1 WHEN '{from}' THEN 0 ELSE 2 END FROM {table} WHERE user_id = {user}"
    )
}

/// What came of a key, of which this holds.
fn key_came(number: usize, holds: &str) -> String {
    format!(
        "SELECT coalesce((SELECT CASE WHEN {holds} THEN 1 ELSE 2 END FROM api_keys WHERE label = 'k{number}'), 0)"
    )
}

impl TestApp {
    /// Somebody new on the team of the admin's account.
    async fn newcomer(&self, number: usize, role: Role) -> Persona {
        self.someone(&format!("new{number}"), self.admin.account, role).await
    }

    async fn invited(&self, number: usize, role: Role) -> UserId {
        let uuid = format!("0b0f6b3e-6ad2-4f3e-9a57-{number:012}");
        let account = self.admin.account;
        self.operate(InviteByOperator { uuid, email: email(number), account, role }).await.0
    }

    /// What must be there before.
    async fn prepared(&self, gift: Gift, own: Option<i64>, number: usize) -> Case {
        let case = |id: i64, came: String| Case { gift, number, id, came };
        let ended = |id: i64| format!("SELECT revoked_at IS NOT NULL FROM api_keys WHERE id = {id}");
        let rotated = |id: i64| format!("SELECT count(*) - 1 FROM api_key_secrets WHERE key_id = {id}");
        match gift {
            Gift::FullKey => case(0, key_came(number, "permission = 'full_access'")),
            Gift::ReadingKey => case(0, key_came(number, "permission = 'read_only'")),
            Gift::KeyThatReadsDeals => case(0, key_came(number, "scopes = 'deals:read'")),
            Gift::KeyThatWritesTheAccount => case(0, key_came(number, "scopes = 'account:write'")),
            Gift::NewSecretOfAFullKey => {
                let id = self.key(&self.admin, Grant::FullAccess).await.id;
                case(id, rotated(id))
            }
            Gift::NewSecretOfAReadingKey => {
                let id = self.scoped(&self.admin, &[Scope::DealsRead]).await.id;
                case(id, rotated(id))
            }
            Gift::Invitation(role) => {
                let (role, email) = (role.name(), email(number));
                let came = format!(
                    "SELECT coalesce((SELECT CASE role WHEN '{role}' THEN 1 ELSE 2 END FROM invitations i
                     JOIN users u ON u.id = i.user_id WHERE u.email = '{email}'), 0)"
                );
                case(0, came)
            }
            Gift::Offer(from, to) | Gift::InvitedAgain(from, to) => {
                let user = self.invited(number, from).await.0;
                case(user, role_came("invitations", user, (from, to)))
            }
            Gift::Role(from, to) => {
                let user = self.newcomer(number, from).await.user.0;
                case(user, role_came("memberships", user, (from, to)))
            }
            Gift::Dismissal => {
                let user = self.newcomer(number, Role::Viewer).await.user.0;
                case(user, format!("SELECT count(*) = 0 FROM memberships WHERE user_id = {user}"))
            }
            Gift::EndOfAKey => {
                let id = self.newcomer(number, Role::Viewer).await.key.id;
                case(id, ended(id))
            }
            Gift::GrantToAnApplication => {
                let before = number_of(self, "SELECT count(*) FROM oauth_grants");
                case(0, format!("SELECT count(*) - {before} FROM oauth_grants"))
            }
            Gift::AccountOfStrangers => {
                let (slug, name) = ("strangers".to_owned(), "Strangers".to_owned());
                let made = CreateAccount { slug, name, account_type: None, tier: Tier::Free };
                case(0, moved_to(self.operate(made).await.0))
            }
            Gift::OtherAccountOfItsUser => {
                self.belongs_to_harbor().await;
                case(0, moved_to(self.harbor.0))
            }
            Gift::EndOfItself => match own {
                Some(id) => case(id, ended(id)),
                None => {
                    let before = number_of(self, "SELECT count(*) FROM sessions");
                    case(0, format!("SELECT {before} - count(*) FROM sessions"))
                }
            },
        }
    }

    /// Makes the admin a member of another account, too.
    async fn belongs_to_harbor(&self) {
        let (account, user) = (self.harbor, self.admin.user);
        let there =
            format!("SELECT count(*) FROM memberships WHERE account_id = {account} AND user_id = {user}");
        if number_of(self, &there) == 0 {
            self.operate(AddMember { account, user, role: Role::Viewer }).await;
        }
    }
}

fn number_of(app: &TestApp, sql: &str) -> i64 {
    number(&app.database(), sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// Whether any choice of an account leads there.
fn moved_to(account: i64) -> String {
    format!(
        "SELECT EXISTS (SELECT 1 FROM active_accounts WHERE account_id = {account})
         OR EXISTS (SELECT 1 FROM oauth_grants WHERE account_id = {account})"
    )
}

impl Case {
    /// As a request to the API; `None`: it has none.
    fn sent(&self) -> Option<Sent> {
        let Self { gift, number, id, .. } = self;
        let sent = |method, path: &str, tool, ids, body| {
            Some(Sent { method, path: path.to_owned(), tool, ids, body })
        };
        let new_key = |rights: Value| {
            let mut body = json!({ "label": format!("k{number}") });
            body.as_object_mut().unwrap().extend(rights.as_object().unwrap().clone());
            sent(Method::POST, "/api-keys", "create_api_key", json!({}), body)
        };
        let of_key = |method, verb: &str, tool| {
            sent(method, &format!("/api-keys/{id}{verb}"), tool, json!({ "key_id": id }), json!({}))
        };
        let of_member = |method, tool, body: Value| {
            sent(method, &format!("/account/team/{id}"), tool, json!({ "user_id": id }), body)
        };
        let to_account = |slug: &str| {
            sent(Method::PATCH, "/me/active-account", "switch_account", json!({}), json!({ "slug": slug }))
        };
        match gift {
            Gift::FullKey => new_key(json!({ "permission": "full_access" })),
            Gift::ReadingKey => new_key(json!({ "permission": "read_only" })),
            Gift::KeyThatReadsDeals => new_key(json!({ "scopes": ["deals:read"] })),
            Gift::KeyThatWritesTheAccount => new_key(json!({ "scopes": ["account:write"] })),
            Gift::NewSecretOfAFullKey | Gift::NewSecretOfAReadingKey => {
                of_key(Method::POST, "/rotate", "rotate_api_key")
            }
            Gift::Invitation(role) | Gift::InvitedAgain(_, role) => {
                let body = json!({ "email": email(*number), "role": role.name() });
                sent(Method::POST, "/account/team", "invite_team_member", json!({}), body)
            }
            Gift::Offer(_, to) | Gift::Role(_, to) => {
                of_member(Method::PATCH, "update_team_member", json!({ "role": to.name() }))
            }
            Gift::Dismissal => of_member(Method::DELETE, "remove_team_member", json!({})),
            Gift::EndOfAKey => of_key(Method::DELETE, "", "revoke_api_key"),
            // A token ends where it came from.
            Gift::EndOfItself if *id == 0 => None,
            Gift::EndOfItself => of_key(Method::DELETE, "", "revoke_api_key"),
            Gift::AccountOfStrangers => to_account("strangers"),
            Gift::OtherAccountOfItsUser => to_account("harbor"),
            // A person in a browser consents.
            Gift::GrantToAnApplication => None,
        }
    }
}

impl TestApp {
    /// Sends it; whether there is such a request.
    async fn try_to_give(&self, door: Door, giver: &mut Giver<'_>, case: &Case) -> bool {
        match door {
            Door::Http => match case.sent() {
                Some(sent) => self.by_http(&giver.token, sent).await,
                None => {
                    // What is a browser's looks at no credential of the API.
                    self.request(Method::GET, &authorize(&[])).bearer(&giver.token).send().await;
                    return false;
                }
            },
            Door::Mcp => match case.sent() {
                Some(sent) => self.by_mcp(&giver.token, sent).await,
                None => return false,
            },
            Door::Console => return self.by_console(giver.browser.as_mut().unwrap(), case).await,
            Door::Operator => return self.by_operator(case).await,
        }
        true
    }

    async fn by_http(&self, token: &str, sent: Sent) {
        let mut ask = self.anonymous(sent.method, &sent.path).bearer(token);
        if sent.body != json!({}) {
            ask = ask.json(sent.body);
        }
        ask.send().await;
    }

    async fn by_mcp(&self, token: &str, sent: Sent) {
        assert!(TOOLS.iter().any(|tool| tool.name == sent.tool), "{}", sent.tool);
        let mut arguments = sent.body;
        arguments.as_object_mut().unwrap().extend(sent.ids.as_object().unwrap().clone());
        let params = json!({ "name": sent.tool, "arguments": arguments });
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        mcp::send(self, "/mcp", token, &message).await;
    }

    async fn by_console(&self, browser: &mut Browser<'_>, case: &Case) -> bool {
        let keys = "/console/acme/keys";
        let page = browser.get(&format!("{keys}?all=true")).await.text();
        let new_key = |permission: &str| {
            form_to(&page, keys).with("label", &format!("k{}", case.number)).with("permission", permission)
        };
        let of_key = |verb: &str| form_to(&page, &format!("{keys}/{}/{verb}", case.id));
        let form = match case.gift {
            Gift::FullKey => new_key("full_access"),
            Gift::ReadingKey => new_key("read_only"),
            Gift::KeyThatReadsDeals => new_key("scopes").with("scope", "deals:read"),
            Gift::KeyThatWritesTheAccount => new_key("scopes").with("scope", "account:write"),
            Gift::NewSecretOfAFullKey | Gift::NewSecretOfAReadingKey => {
                of_key("rotate").with("grace_seconds", "0")
            }
            Gift::EndOfAKey => of_key("revoke"),
            Gift::EndOfItself => form_to(&page, "/sign-out"),
            Gift::GrantToAnApplication => {
                code(self, "admin", &[]).await;
                return true;
            }
            // Roles are given by no page of it yet, and each of its pages names its account.
            Gift::Invitation(_)
            | Gift::InvitedAgain(..)
            | Gift::Offer(..)
            | Gift::Role(..)
            | Gift::Dismissal
            | Gift::AccountOfStrangers
            | Gift::OtherAccountOfItsUser => return false,
        };
        browser.send(&form).await;
        true
    }

    /// The effects that the operator's orders commit; the orders themselves are in `tests/process/giving.rs`.
    async fn by_operator(&self, case: &Case) -> bool {
        let (account, user) = (self.admin.account, UserId(case.id));
        let key = Some(KeyId(case.id));
        let fixed = |scope: Scope| Grant::Fixed(std::iter::once(scope).collect());
        match case.gift {
            Gift::FullKey => self.issue(case, Grant::FullAccess).await,
            Gift::ReadingKey => self.issue(case, Grant::ReadOnly).await,
            Gift::KeyThatReadsDeals => self.issue(case, fixed(Scope::DealsRead)).await,
            Gift::KeyThatWritesTheAccount => self.issue(case, fixed(Scope::AccountWrite)).await,
            Gift::NewSecretOfAFullKey | Gift::NewSecretOfAReadingKey => {
                let secret = self.app.ring.mint(&*self.random).unwrap();
                self.operate(RotateKey { key, as_sent: String::new(), grace_seconds: 0, secret }).await;
            }
            Gift::Invitation(role) | Gift::InvitedAgain(_, role) | Gift::Offer(_, role) => {
                self.invited(case.number, role).await;
            }
            Gift::Role(_, role) => {
                self.operate(SetRole { account, user, role }).await;
            }
            Gift::Dismissal => {
                self.operate(RemoveMember { account, user }).await;
            }
            Gift::EndOfAKey => {
                self.operate(RevokeKey { key, as_sent: String::new(), descendants: false }).await;
            }
            // The operator acts in no account, and for no application.
            Gift::GrantToAnApplication
            | Gift::AccountOfStrangers
            | Gift::OtherAccountOfItsUser
            | Gift::EndOfItself => return false,
        }
        true
    }

    async fn issue(&self, case: &Case, grant: Grant) {
        let (account, user) = (self.admin.account, self.admin.user);
        let (label, secret) = (format!("k{}", case.number), self.app.ring.mint(&*self.random).unwrap());
        self.operate(IssueKey { account, user, label, grant, expires_at: None, allowed_ips: None, secret })
            .await;
    }

    /// Gives it, by this door; the letter of the cell.
    async fn give(&self, door: Door, giver: &mut Giver<'_>, case: &Case, heard: &Lines) -> char {
        assert_eq!(number_of(self, &case.came), 0, "{:?}: before", case.gift);
        heard.take();
        let asked = self.try_to_give(door, giver, case).await;
        let events = heard.take();
        let denials: Vec<_> = events.iter().filter_map(|event| event["denial"].as_str()).collect();
        let letter = match denials[..] {
            _ if !asked => '-',
            [] => '+',
            ["scope_missing"] => 's',
            ["wider_than_maker"] => 'w',
            ["role_beyond_giver"] => 'r',
            ["secret_in_grace"] => 'g',
            ["account_foreign"] => 'f',
            ["not_found"] => '0',
            _ => panic!("{:?} {denials:?}", case.gift),
        };
        let came = number_of(self, &case.came);
        assert_eq!(came, i64::from(letter == '+'), "{door:?} {:?} {letter}: what came of it", case.gift);
        letter
    }
}

/// A credential of an admin, with its key's id if it is a key.
struct Giver<'a> {
    token: String,
    key: Option<i64>,
    browser: Option<Browser<'a>>,
    /// The doors that it opens.
    doors: &'static [Door],
}

const DOORS: [Door; 4] = [Door::Http, Door::Mcp, Door::Console, Door::Operator];
const BOTH: &[Door] = &[Door::Http, Door::Mcp];

impl Giver<'_> {
    fn of(key: Key) -> Self {
        Self { token: key.secret, key: Some(key.id), browser: None, doors: BOTH }
    }

    fn token(token: String, doors: &'static [Door]) -> Self {
        Self { token, key: None, browser: None, doors }
    }
}

async fn made(app: &TestApp, body: Value) -> Giver<'_> {
    Giver::of(app.post("/api-keys").by(&app.admin).json(body).expect(201).await.new_key())
}

async fn outside(app: &TestApp, scopes: Option<String>) -> Giver<'_> {
    app.link(app.admin.user, "auth0|admin").await;
    let mut claims = app.issuer.claims("auth0|admin");
    if let Some(scopes) = scopes {
        claims["scope"] = json!(scopes);
    }
    Giver::token(app.issuer.key().token(&claims), &[Door::Http])
}

async fn ours<'a>(app: &'a TestApp, scopes: &str, besides: &[(&str, &str)]) -> Giver<'a> {
    let asked = [&[("scope", scopes)][..], besides].concat();
    let tokens = tokens(app, "admin", &asked).await;
    Giver::token(text(&tokens, "access_token").to_owned(), BOTH)
}

async fn giver<'a>(app: &'a TestApp, name: &str) -> Giver<'a> {
    let all = || ScopeSet::all().names().join(" ");
    match name {
        "full_access key" => Giver::of(app.key(&app.admin, Grant::FullAccess).await),
        "full_access key with an end" => {
            made(app, json!({ "label": "k", "expires_at": "2099-01-01T00:00:00Z" })).await
        }
        "full_access key with ranges" => {
            made(app, json!({ "label": "k", "allowed_ips": ["0.0.0.0/0", "::/0"] })).await
        }
        "key of every scope" => Giver::of(app.scoped(&app.admin, Scope::ALL).await),
        "key of account:write" => Giver::of(app.scoped(&app.admin, &[Scope::AccountWrite]).await),
        "read_only key" => Giver::of(app.key(&app.admin, Grant::ReadOnly).await),
        "full_access key in its grace" => {
            let key = app.key(&app.admin, Grant::FullAccess).await;
            let path = format!("/api-keys/{}/rotate", key.id);
            app.post(&path).by(&app.admin).json(json!({ "grace_seconds": 3600 })).expect(200).await;
            Giver::of(key)
        }
        "token that names every scope" => outside(app, Some(all())).await,
        "token that names account:write" => outside(app, Some("account:write".into())).await,
        "token that names what a viewer may" => {
            outside(app, Some(Role::Viewer.scopes().names().join(" "))).await
        }
        "token without scopes" | "token without scopes that are required" => outside(app, None).await,
        "token of ours for every scope" => ours(app, &all(), &[]).await,
        "token of ours for every scope in all accounts" => {
            app.belongs_to_harbor().await;
            ours(app, &all(), &[("account", "acme"), ("reach", "all")]).await
        }
        "token of ours for account:write" => ours(app, "account:write", &[]).await,
        "token of ours that reads" => ours(app, "account:read deals:read", &[]).await,
        "session in the console" => {
            let mut browser = Browser::new(app);
            browser.sign_in("admin", "/console").await;
            Giver { browser: Some(browser), ..Giver::token(String::new(), &[Door::Console]) }
        }
        "operator" => Giver::token(String::new(), &[Door::Operator]),
        other => panic!("{other}"),
    }
}

/// Each giver with its cells, in the order of [`GIFTS`].
const TABLE: [(&str, &str); 18] = [
    // keys, new secrets, invitations, open ones (raised, again, lowered), roles, dismissal, end of a key, a grant, an account of
    // strangers, another account of its user, end of itself
    ("full_access key", "++++ ++ +++ +++ +++ + + - 0 f +"),
    ("full_access key with an end", "++++ ww rrr rr+ rr+ + + - 0 f +"),
    ("full_access key with ranges", "++++ ww rrr rr+ rr+ + + - 0 f +"),
    ("key of every scope", "ww++ w+ rrr rr+ rr+ + + - 0 f +"),
    ("key of account:write", "www+ ww rrr rr+ rr+ + + - s s +"),
    ("read_only key", "ssss ss sss sss sss s s - 0 f +"),
    ("full_access key in its grace", "gggg gg ggg ggg ggg g g - 0 f +"),
    ("token that names every scope", "ww++ w+ +++ +++ +++ + + - 0 + -"),
    ("token that names account:write", "www+ ww rrr rr+ rr+ + + - s s -"),
    ("token that names what a viewer may", "ww++ w+ rr+ rr+ rr+ + + - 0 + -"),
    ("token without scopes", "ssss ss rrr rr+ rr+ + + - 0 + -"),
    ("token without scopes that are required", "ssss ss sss sss sss s s - s s -"),
    ("token of ours for every scope", "ww++ w+ +++ +++ +++ + + - 0 0 -"),
    ("token of ours for every scope in all accounts", "ww++ w+ +++ +++ +++ + + - 0 + -"),
    ("token of ours for account:write", "www+ ww rrr rr+ rr+ + + - s s -"),
    ("token of ours that reads", "ssss ss sss sss sss s s - 0 0 -"),
    ("session in the console", "++++ ++ --- --- --- - + + - - +"),
    ("operator", "++++ ++ +++ +++ +++ + + - - - -"),
];

/// Where a giver is looked at.
async fn app_of(name: &str) -> TestApp {
    TestApp::of_issuer(|entry| {
        if name.ends_with("that are required") {
            entry.scopes = Scopes::Require;
        }
    })
    .await
}

#[tokio::test]
async fn every_giver_gives_what_the_table_says_and_nothing_more() {
    let (heard, _guard) = listen();
    let (mut filled, mut wrong) = (0, Vec::new());
    for (name, cells) in TABLE {
        let cells: Vec<char> = cells.chars().filter(|cell| *cell != ' ').collect();
        assert_eq!(cells.len(), GIFTS.len(), "{name}: no cell is empty");
        for door in DOORS {
            let app = app_of(name).await;
            let mut giver = giver(&app, name).await;
            if !giver.doors.contains(&door) {
                continue;
            }
            for (gift, expected) in GIFTS.into_iter().zip(&cells) {
                filled += 1;
                let case = app.prepared(gift, giver.key, filled).await;
                let answer = app.give(door, &mut giver, &case, &heard).await;
                if answer != *expected {
                    wrong.push(format!("{door:?} {name}, {gift:?}: {answer}, expected {expected}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {filled} cells:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(filled, 29 * GIFTS.len());
}

/// What a person in the console gives: the keys of each permission, and their ends. Roles are given by no page of it yet.
#[tokio::test]
async fn a_person_in_the_console_gives_keys_within_the_role_and_nobody_elses() {
    for (name, role) in [("admin", Role::Admin), ("viewer", Role::Viewer)] {
        let app = TestApp::new().await;
        let persona = if role == Role::Admin { &app.admin } else { &app.viewer };
        let mut browser = Browser::new(&app);
        browser.sign_in(name, "/console").await;
        for permission in ["full_access", "read_only"] {
            let form = form_to(&browser.get("/console/acme/keys").await.text(), "/console/acme/keys");
            let form = form.with("label", permission).with("permission", permission);
            assert_eq!(browser.send(&form).await.status, 303, "{name} {permission}");
            let secret = shown(&browser.get("/console/acme/keys").await.text()).unwrap();
            let me = app.get("/me").bearer(&secret).expect(200).await.data();
            let granted = me["platform"]["granted_scopes"].as_array().unwrap().len();
            let within = if permission == "full_access" { role.scopes() } else { ScopeSet::reads() };
            assert_eq!(granted, within.iter().count(), "{name} {permission}");
        }
        let listed = app.get("/api-keys").bearer(&persona.key.secret).expect(200).await.data();
        let by_session = |key: &&Value| key["made_by"]["kind"] == "session";
        assert_eq!(listed.as_array().unwrap().iter().filter(by_session).count(), 2);
        // Another's key: an admin ends it, and nobody rotates it.
        let path = format!("/console/acme/keys/{}", app.editor.key.id);
        let page = browser.get("/console/acme/keys?all=true").await.text();
        if role == Role::Admin {
            browser.send(&form_to(&page, &format!("{path}/revoke"))).await;
            app.get("/me").by(&app.editor).expect(401).await;
        } else {
            assert!(!page.contains(&path), "a viewer is shown its own keys alone");
        }
    }
}

/// What the operator gives is bounded by nothing, and says by what it was made.
#[tokio::test]
async fn what_the_operator_gives_is_said_to_be_the_operators() {
    let app = TestApp::new().await;
    let invited = InviteByOperator {
        uuid: "0b0f6b3e-6ad2-4f3e-9a57-2f9a4b1c7d10".to_owned(),
        email: "invited@acme.example".to_owned(),
        account: app.admin.account,
        role: Role::Admin,
    };
    app.operate(invited).await;
    let operator = json!({ "kind": "operator", "id": null });
    let team = app.get("/account/team?limit=100").by(&app.viewer).expect(200).await.data();
    assert!(team.as_array().unwrap().iter().all(|one| one["made_by"] == operator), "{team}");
    let keys = app.get("/api-keys?all=true").by(&app.admin).expect(200).await.data();
    assert!(keys.as_array().unwrap().iter().all(|key| key["made_by"] == operator), "{keys}");
}
