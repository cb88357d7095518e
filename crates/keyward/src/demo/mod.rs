//! The sample data: two accounts, five people, seven keys, 625 deals and what hangs on them.

mod deals;
mod hanging;
mod person;

pub use person::DemoPerson;

use crate::operate::AdminError;
use crate::operate::operator::{Operator, Person};
use crate::store::Store;
use keyward_core::api_key::{KeyRing, Settled};
use keyward_core::clock::Clock;
use keyward_core::grant::Grant;
use keyward_core::id::{AccountId, UserId};
use keyward_core::oauth::{Client, ClientOrigin};
use keyward_core::random::Random;
use keyward_core::role::Role;
use keyward_core::secret::Secret;
use keyward_core::tier::Tier;
use keyward_core::write::client::CreateClient;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What the demo prints, and keeps in a file for its user alone.
///
/// It holds secrets, so it is not printed otherwise.
#[derive(Serialize, Deserialize)]
pub(crate) struct Credentials {
    accounts: Vec<Value>,
    users: Vec<Value>,
    pub(crate) api_keys: Vec<Key>,
}

/// A key of the demo.
#[derive(Serialize, Deserialize)]
pub(crate) struct Key {
    id: i64,
    pub(crate) api_key: String,
    pub(crate) permission: String,
    pub(crate) user_email: String,
    pub(crate) account: String,
}

impl Credentials {
    /// Whom the sign-in page offers.
    pub(crate) fn people(&self) -> Vec<DemoPerson> {
        let person = |user: &Value| {
            let text = |name: &str| user.get(name).and_then(Value::as_str).map(str::to_owned);
            let email = text("email")?;
            let known = MEMBERS.iter().find(|member| member.person.email == email);
            let name = known.map(|known| format!("{} {}", known.person.first_name, known.person.last_name));
            let accounts = user.get("accounts").and_then(Value::as_array).into_iter().flatten();
            let place = |account: &Value| {
                Some(format!("{} in {}", account.get("role")?.as_str()?, account.get("slug")?.as_str()?))
            };
            let places: Vec<String> = accounts.filter_map(place).collect();
            let password = Secret::new(text("password")?);
            Some(DemoPerson { name: name.unwrap_or_default(), email, password, places: places.join(", ") })
        };
        self.users.iter().filter_map(person).collect()
    }

    /// With the server's address in front: the line of `demo --json`.
    pub(crate) fn at<'a>(&'a self, url: &'a str) -> impl Serialize + 'a {
        #[derive(Serialize)]
        struct Line<'a> {
            url: &'a str,
            #[serde(flatten)]
            credentials: &'a Credentials,
        }
        Line { url, credentials: self }
    }
}

struct Member {
    person: Person<'static>,
    /// By the index of the account.
    roles: &'static [(usize, Role)],
}

const ACCOUNTS: [(&str, &str, &str, Tier); 2] = [
    ("acme-capital", "Acme Capital", "brokerage", Tier::Enterprise),
    ("harbor-lending", "Harbor Lending", "lender", Tier::Standard),
];

const fn person(
    email: &'static str,
    first_name: &'static str,
    last_name: &'static str,
    title: &'static str,
) -> Person<'static> {
    Person { email, first_name, last_name, title: Some(title) }
}

const MEMBERS: [Member; 5] = [
    Member {
        person: person("admin@acme.example", "Avery", "Stone", "Managing Director"),
        roles: &[(0, Role::Admin)],
    },
    Member {
        person: person("editor@acme.example", "Emerson", "Vale", "Associate"),
        roles: &[(0, Role::Editor)],
    },
    Member {
        person: person("viewer@acme.example", "Vivian", "Marsh", "Analyst"),
        roles: &[(0, Role::Viewer)],
    },
    Member {
        person: person("admin@harbor.example", "Harper", "Lane", "Head of Lending"),
        roles: &[(1, Role::Admin)],
    },
    Member {
        person: person("both@acme.example", "Blake", "Rivers", "Vice President"),
        roles: &[(0, Role::Editor), (1, Role::Viewer)],
    },
];

/// Fills an empty store.
pub(crate) async fn fill(
    store: &dyn Store,
    ring: &KeyRing,
    random: &dyn Random,
    clock: &dyn Clock,
) -> Result<Credentials, AdminError> {
    let operator = Operator::new(store, ring, random);
    let mut credentials = Credentials { accounts: Vec::new(), users: Vec::new(), api_keys: Vec::new() };
    let mut accounts = Vec::new();
    for (slug, name, kind, tier) in ACCOUNTS {
        let id = operator.account(slug, name, Some(kind), tier).await?;
        credentials.accounts.push(json!({ "id": id, "slug": slug, "tier": tier.name() }));
        accounts.push((id, slug));
    }
    let mut users = Vec::new();
    for member in &MEMBERS {
        users.push(add(&operator, member, &accounts, &mut credentials).await?);
    }
    operator.commit(CreateClient(demo_client(clock.now()))).await?;
    for (index, (account, _)) in accounts.iter().enumerate() {
        operator.deals(*account, deals::of(index, &users, clock.now())).await?;
    }
    Ok(credentials)
}

/// The application of the demo.
fn demo_client(now: keyward_core::clock::Timestamp) -> Client {
    let uris = ["http://127.0.0.1/callback".to_owned(), "http://localhost/callback".to_owned()];
    Client {
        id: "lev-demo".into(),
        name: "Lev demo application".to_owned(),
        redirect_uris: uris.into(),
        origin: ClientOrigin::Operator,
        secret: None,
        refreshes: true,
        created_at: now,
    }
}

/// Adds one person, with memberships and keys.
async fn add(
    operator: &Operator<'_>,
    member: &Member,
    accounts: &[(AccountId, &str)],
    credentials: &mut Credentials,
) -> Result<UserId, AdminError> {
    let email = member.person.email;
    let password = operator.password()?;
    let user = operator.user(&member.person, &password).await?;
    let mut shown = Vec::new();
    for (index, role) in member.roles {
        let Some((account, slug)) = accounts.get(*index) else { continue };
        operator.member(*account, user, *role).await?;
        shown.push(json!({ "slug": slug, "role": role.name() }));
        let mut grants = vec![Grant::FullAccess];
        if email == "admin@acme.example" {
            grants.push(Grant::ReadOnly);
        }
        for grant in grants {
            let permission = grant.permission().unwrap_or_default();
            let label = format!("Demo {permission} key of {}", member.person.first_name);
            let bounds = Settled { grant, expires_at: None, allowed_ips: None };
            let (id, secret) = operator.key(*account, user, &label, bounds).await?;
            credentials.api_keys.push(Key {
                id: id.0,
                api_key: secret.expose().to_owned(),
                permission: permission.to_owned(),
                user_email: email.to_owned(),
                account: (*slug).to_owned(),
            });
        }
    }
    credentials
        .users
        .push(json!({ "id": user, "email": email, "password": password.expose(), "accounts": shown }));
    Ok(user)
}
