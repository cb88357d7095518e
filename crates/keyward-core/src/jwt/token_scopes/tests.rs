use super::*;
use crate::jwt::{Algorithm, Email, Link, Typ};
use serde_json::{Value, json};

fn rules(scopes: Scopes) -> Rules {
    Rules {
        issuer: "https://id.example/".to_owned(),
        audiences: vec!["https://api.example".to_owned()],
        audience_setting: "audience",
        audience_claim: None,
        algorithms: vec![Algorithm::Rs256],
        kinds: vec![Typ::AccessToken],
        payload_typ: None,
        leeway: 10,
        max_bytes: 8192,
        max_lifetime: 86_400,
        scopes,
        accounts: std::sync::Arc::default(),
        scope_claims: SCOPE_CLAIMS.map(str::to_owned).to_vec(),
        scope_names: ScopeNames::default(),
        link: Link::Invitation,
        email: Email { claim: "email".to_owned(), verified_claim: "email_verified".to_owned() },
        own: false,
    }
}

/// The rules of our own issuer.
fn own() -> Rules {
    Rules { scope_claims: vec!["scope".to_owned()], own: true, ..rules(Scopes::Require) }
}

fn read(claims: &Value, rules: &Rules) -> Result<TokenScopes, Denial> {
    let payload = claims.to_string();
    TokenScopes::read(&Object::parse(payload.as_bytes()).unwrap(), rules)
}

fn set(text: &str) -> ScopeSet {
    ScopeSet::from_text(text).unwrap()
}

const MODES: [Scopes; 3] = [Scopes::Ignore, Scopes::Narrow, Scopes::Require];

/// What a cell expects, by a letter each: `x` refused, `.` the role alone decides, `-` nothing but `/me`, `r` to read deals, `w`
/// to read and write deals and to say `account:write`. A capital is what an `ignore` entry reads literally, while the role decides.
fn expected(letter: char) -> Result<(Grant, ScopeSet), Denial> {
    let (read, write) = (set("deals:read"), set("account:write deals:read deals:write"));
    Ok(match letter {
        '.' => (Grant::FullAccess, ScopeSet::NONE),
        'R' => (Grant::FullAccess, read),
        'W' => (Grant::FullAccess, write),
        '-' => (Grant::Fixed(ScopeSet::NONE), ScopeSet::NONE),
        'r' => (Grant::Fixed(read), read),
        'w' => (Grant::Fixed(write), write),
        'x' => return Err(Denial::TokenClaims),
        'u' => return Err(Denial::TokenScopesUnread),
        other => panic!("{other:?} is no expectation"),
    })
}

type Form = (&'static str, Option<Value>, [&'static str; 2], [char; 2]);

/// Each form of a claim, and what it comes to at an outside issuer (`ignore`, `narrow`, `require`) and at our own: in `scope`, and
/// in one of the others.
fn table() -> Vec<Form> {
    let openid = "openid profile email address phone offline_access";
    let ours = "deals:read deals:write account:write";
    vec![
        ("absent", None, ["..-", "..-"], ['-', '-']),
        ("null", Some(json!(null)), ["xxx", "xxx"], ['x', 'x']),
        ("a number", Some(json!(1)), ["xxx", "xxx"], ['x', 'x']),
        ("true", Some(json!(true)), ["xxx", "xxx"], ['x', 'x']),
        ("an object", Some(json!({ "deals:read": true })), ["xxx", "xxx"], ['x', 'x']),
        ("a list with a number", Some(json!(["deals:read", 1])), ["xxx", "xxx"], ['x', 'x']),
        ("a list with null", Some(json!([null])), ["xxx", "xxx"], ['x', 'x']),
        ("a list of lists", Some(json!([["deals:read"]])), ["xxx", "xxx"], ['x', 'x']),
        ("empty text", Some(json!("")), [".--", ".--"], ['-', '-']),
        ("spaces", Some(json!("   ")), [".--", ".--"], ['-', '-']),
        ("empty list", Some(json!([])), [".--", ".--"], ['-', '-']),
        ("list of an empty text", Some(json!([""])), [".--", ".--"], ['-', '-']),
        ("text", Some(json!("deals:read")), ["Rrr", "Rrr"], ['r', 'u']),
        ("text with spaces", Some(json!("  deals:read  ")), ["Rrr", "Rrr"], ['r', 'u']),
        ("list", Some(json!(["deals:read"])), ["Rrr", "Rrr"], ['r', 'u']),
        ("commas", Some(json!("deals:read,deals:write")), [".--", ".--"], ['-', '-']),
        ("tabs", Some(json!("deals:read\tdeals:write")), [".--", ".--"], ['-', '-']),
        ("upper case", Some(json!("DEALS:READ")), [".--", ".--"], ['-', '-']),
        ("prefixed", Some(json!("https://api.example.com/deals:read")), [".--", ".--"], ['-', '-']),
        ("misspelt", Some(json!(["deal:read", "deals.read"])), [".--", ".--"], ['-', '-']),
        ("OpenID Connect's as text", Some(json!(openid)), ["..-", ".--"], ['-', '-']),
        ("OpenID Connect's as list", Some(json!(["openid", "email"])), ["..-", ".--"], ['-', '-']),
        ("OpenID Connect's in upper case", Some(json!("OPENID")), [".--", ".--"], ['-', '-']),
        ("foreign", Some(json!("openid crm:write")), [".--", ".--"], ['-', '-']),
        ("ours as text", Some(json!(ours)), ["Www", "Www"], ['w', 'u']),
        ("ours as list", Some(json!(ours.split(' ').collect::<Vec<_>>())), ["Www", "Www"], ['w', 'u']),
        ("mixed", Some(json!("openid crm:write deals:read DEALS:WRITE")), ["Rrr", "Rrr"], ['r', 'u']),
    ]
}

#[test]
fn every_form_of_every_claim_under_every_setting_and_issuer() {
    let (mut cells, mut wrong) = (0, Vec::new());
    for claim in SCOPE_CLAIMS {
        for (form, value, outside, own_issuer) in table() {
            let mut claims = json!({ "sub": "ada" });
            if let Some(value) = value {
                claims[claim] = value;
            }
            let column = usize::from(claim != "scope");
            let of_modes = MODES.map(rules).into_iter().zip(outside[column].chars());
            for (rules, letter) in of_modes.chain([(own(), own_issuer[column])]) {
                cells += 1;
                let read = read(&claims, &rules).map(|scopes| (scopes.grant, scopes.literal));
                if read != expected(letter) {
                    wrong.push(format!("{claim} {form} {:?} own={}: {read:?}", rules.scopes, rules.own));
                }
            }
        }
    }
    println!("cells: {cells}, wrong: {}", wrong.len());
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(cells, 4 * table().len() * 4, "no empty cell");
}

#[test]
fn taking_the_last_permission_away_never_widens() {
    let rules = rules(Scopes::Narrow);
    for claim in ["permissions", "scp", "scopes"] {
        for scope in [None, Some("openid profile"), Some("openid deals:read")] {
            let with = |permissions: Value| {
                let mut claims = json!({ (claim): permissions });
                if let Some(scope) = scope {
                    claims["scope"] = json!(scope);
                }
                read(&claims, &rules).unwrap().grant.most()
            };
            let (two, one, none) =
                (with(json!(["deals:read", "deals:write"])), with(json!(["deals:write"])), with(json!([])));
            assert!(one.without(two).is_empty() && none.without(one).is_empty(), "{claim} {scope:?}");
        }
    }
}

#[test]
fn claims_are_read_together_and_one_that_the_entry_leaves_out_is_not_passed_over() {
    let all = rules(Scopes::Narrow);
    let both =
        json!({ "scope": "openid deals:read", "permissions": ["account:read"], "scp": "", "scopes": [] });
    assert_eq!(read(&both, &all).unwrap().grant, Grant::Fixed(set("account:read deals:read")));
    for scopes in MODES {
        let only_scope = Rules { scope_claims: vec!["scope".to_owned()], ..rules(scopes) };
        for claim in ["permissions", "scp", "scopes"] {
            let claims = json!({ "scope": "deals:read", (claim): ["x", "deals:read"] });
            assert_eq!(read(&claims, &only_scope), Err(Denial::TokenScopesUnread), "{claim} {scopes:?}");
        }
        let only_permissions = Rules { scope_claims: vec!["permissions".to_owned()], ..rules(scopes) };
        let claims = json!({ "scope": "openid deals:read", "permissions": [] });
        assert_eq!(read(&claims, &only_permissions), Err(Denial::TokenScopesUnread), "{scopes:?}");
    }
    // Without names of ours it narrows all the same: the issuer decides, and gives nothing.
    let only_scope = Rules { scope_claims: vec!["scope".to_owned()], ..rules(Scopes::Narrow) };
    let claims = json!({ "scope": "openid", "permissions": [] });
    assert_eq!(read(&claims, &only_scope).unwrap().grant, Grant::Fixed(ScopeSet::NONE));
    // A claim of a wrong type is a mistake, listed or not.
    let claims = json!({ "scope": "openid", "permissions": { "deals": "read" } });
    assert_eq!(read(&claims, &only_scope), Err(Denial::TokenClaims));
}

#[test]
fn a_claim_that_the_entry_adds_narrows_by_being_there() {
    let listed = SCOPE_CLAIMS.iter().copied().chain(["https://acme.example/roles"]);
    let rules = Rules { scope_claims: listed.map(str::to_owned).collect(), ..rules(Scopes::Narrow) };
    let grant = |value: Value| {
        read(&json!({ "https://acme.example/roles": value }), &rules).map(|scopes| scopes.grant)
    };
    assert_eq!(grant(json!(["deals:read"])), Ok(Grant::Fixed(set("deals:read"))));
    assert_eq!(grant(json!([])), Ok(Grant::Fixed(ScopeSet::NONE)));
    assert_eq!(grant(json!("openid")), Ok(Grant::Fixed(ScopeSet::NONE)));
    assert_eq!(grant(json!(7)), Err(Denial::TokenClaims));
    assert_eq!(read(&json!({}), &rules).unwrap().grant, Grant::FullAccess);
}

#[test]
fn a_prefix_is_taken_off_first_then_names_are_translated_and_nothing_else_is_ours() {
    let map =
        [("Deals.Read".to_owned(), set("deals:read")), ("All".to_owned(), set("deals:read deals:write"))];
    let names = |prefix: &str| ScopeNames { prefix: prefix.to_owned(), map: map.clone().into() };
    // Prefix, name, scopes; none: it is not ours.
    let table = [
        ("", "Deals.Read", Some("deals:read")),
        ("", "All", Some("deals:read deals:write")),
        ("", "account:read", Some("account:read")),
        ("", "deals.read", None),
        ("", "all", None),
        ("", "api/deals:read", None),
        ("api/", "api/deals:read", Some("deals:read")),
        ("api/", "api/Deals.Read", Some("deals:read")),
        ("api/", "deals:read", None),
        ("api/", "Deals.Read", None),
        ("api/", "crm/deals:read", None),
        ("api/", "API/deals:read", None),
        ("api/", "api/api/deals:read", None),
        ("api/", "api/", None),
        ("api/", "openid", None),
        ("https://api.example.com/", "https://api.example.com/deals:read", Some("deals:read")),
        ("https://api.example.com/", "https://api.example.com.evil/deals:read", None),
    ];
    for (prefix, name, scopes) in table {
        let rules = Rules { scope_names: names(prefix), ..rules(Scopes::Narrow) };
        assert_eq!(rules.scope_names.scopes(name), scopes.map(set), "{prefix:?} {name:?}");
        let read = read(&json!({ "scp": name }), &rules).unwrap();
        assert_eq!(read.grant, Grant::Fixed(scopes.map_or(ScopeSet::NONE, set)), "{prefix:?} {name:?}");
    }
    // With them a name of ours in a claim that is left out is found too.
    let rules =
        Rules { scope_names: names("api/"), scope_claims: vec!["scope".to_owned()], ..rules(Scopes::Narrow) };
    assert_eq!(read(&json!({ "scp": ["api/All"] }), &rules), Err(Denial::TokenScopesUnread));
}

#[test]
fn what_narrowed_and_what_was_not_understood_is_told() {
    let text =
        |claims: Value, scopes| read(&claims, &rules(scopes)).unwrap().report.map(|report| report.text());
    assert_eq!(text(json!({ "scope": "openid" }), Scopes::Narrow), None);
    assert_eq!(text(json!({ "scp": ["crm:write"] }), Scopes::Ignore), None);
    assert_eq!(
        text(json!({ "scope": "openid", "permissions": [] }), Scopes::Narrow).unwrap(),
        "permissions narrows it to nothing but /me."
    );
    let claims = json!({ "scope": "openid Deals.Read", "scp": ["deals:read", "a\tb", "Deals.Read"] });
    assert_eq!(
        text(claims, Scopes::Narrow).unwrap(),
        "scope, scp narrows it to deals:read. Not scopes of this API: \"Deals.Read\", \"a\\tb\"; scope_prefix and scope_map \
         translate names."
    );
    assert_eq!(
        text(json!({}), Scopes::Require).unwrap(),
        "scopes = \"require\" narrows it to nothing but /me."
    );
    // What is kept of it has a bound.
    let many: Vec<String> = (0..1_000).map(|number| format!("{number}{}", "x".repeat(1_000))).collect();
    let report = read(&json!({ "scp": many }), &rules(Scopes::Narrow)).unwrap().report.unwrap();
    assert_eq!(report.unknown.len(), UNKNOWN);
    assert!(report.unknown.iter().all(|name| name.chars().count() == CHARACTERS));
    assert_eq!(read(&json!({ "scope": "deals:read" }), &own()).unwrap().report, None);
}
