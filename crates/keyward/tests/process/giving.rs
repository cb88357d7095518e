//! What the operator gives: the row of the table of giver × gift (`tests/api/authority.rs`) that holds for orders. They go over the
//! socket of a running server, and what they give is there when the command returns.

use crate::orders::order;
use crate::support::Server;
use serde_json::{Value, json};

#[test]
fn each_gift_of_the_operator_is_an_order_and_says_by_what_it_was_made() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::demo(Some(home.path()));
    let give = |line: &str| order(home.path(), &line.split(' ').collect::<Vec<_>>());
    let get = |path: &str| server.client(&server.admin()).get(path).data(200);
    let (account, owner) = ("--account acme-capital", "--user admin@acme.example --label given");
    let keys: Vec<Value> =
        ["--permission full_access", "--permission read_only", "--scope deals:read", "--scope account:write"]
            .iter()
            .map(|rights| give(&format!("key create {account} {owner} {rights}")))
            .collect();
    for key in &keys {
        let rotated = give(&format!("key rotate {}", key["id"]));
        let opens = |key: &Value| server.client(key["api_key"].as_str().unwrap()).get("/me").status;
        assert_eq!(opens(key), 401, "it has another secret now");
        assert_eq!(opens(&rotated), 200);
    }
    let operator = json!({ "kind": "operator", "id": null });
    let listed = get("/api-keys?all=true&limit=100");
    let given: Vec<&Value> =
        listed.as_array().unwrap().iter().filter(|key| key["label"] == "given").collect();
    assert_eq!(given.len(), keys.len());
    assert!(given.iter().all(|key| key["made_by"] == operator), "{given:?}");

    let email = "given@acme.example";
    for role in ["viewer", "editor", "admin"] {
        give(&format!("user invite {role}.{email} {account} --role {role}"));
    }
    give(&format!("user role viewer@acme.example {account} --role admin"));
    let team = get("/account/team?limit=100");
    let role = |of: &str| {
        let one = team.as_array().unwrap().iter().find(|one| one["email"] == of);
        one.map(|one| (one["role"].clone(), one["status"].clone(), one["made_by"].clone()))
    };
    for (of, given, status) in [
        ("viewer.given@acme.example", "viewer", "invited"),
        ("editor.given@acme.example", "editor", "invited"),
        ("admin.given@acme.example", "admin", "invited"),
        ("viewer@acme.example", "admin", "active"),
    ] {
        assert_eq!(role(of), Some((json!(given), json!(status), operator.clone())), "{of}");
    }
    give(&format!("user remove viewer@acme.example {account}"));
    give(&format!("key revoke {}", keys[0]["id"]));
    let team = get("/account/team?limit=100");
    assert!(!team.as_array().unwrap().iter().any(|one| one["email"] == "viewer@acme.example"));
    let left = get("/api-keys?all=true&limit=100");
    assert!(!left.as_array().unwrap().iter().any(|key| key["id"] == keys[0]["id"]), "{left}");
}
