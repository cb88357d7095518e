//! Exact limits, as a caller meets them: what is told, what is refused, and what is never refused.

use super::support::{Answer, Ask, TestApp};
use http::Method;
use keyward::config::LimitsConfig;
use keyward::reload::Reloadable;
use keyward_core::grant::Grant;
use keyward_core::limits::{Overrides, Rate};
use keyward_core::scope::Scope;
use keyward_core::write::limits::SetLimits;
use serde_json::json;
use std::time::Duration;

/// With the figures of the defaults, changed as the test needs it.
pub(crate) async fn limited(change: impl FnOnce(&mut LimitsConfig)) -> TestApp {
    let app = TestApp::new().await;
    let mut limits = LimitsConfig::default();
    change(&mut limits);
    app.app.current.replace(Reloadable { limits, ..Reloadable::default() });
    app
}

fn told(answer: &Answer) -> (Option<&str>, Option<&str>) {
    (answer.header("ratelimit-policy"), answer.header("ratelimit"))
}

/// Sends it so often; the statuses.
async fn statuses<'a>(times: usize, ask: impl Fn() -> Ask<'a>) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..times {
        statuses.push(ask().send().await.status.as_u16());
    }
    statuses
}

#[tokio::test]
async fn reads_and_writes_of_an_account_are_counted_by_themselves_for_all_its_keys() {
    let app = limited(|_| {}).await;
    let answer = app.get("/me").by(&app.admin).expect(200).await;
    assert_eq!(told(&answer), (Some("\"reads\";q=1000;w=60"), Some("\"reads\";r=999;t=60")));
    let answer = app.get("/deals").by(&app.editor).expect(200).await;
    assert_eq!(told(&answer).1, Some("\"reads\";r=998;t=60"), "another user of the account");
    let answer = app.post("/deals").by(&app.admin).json(json!({"title": "x"})).expect(201).await;
    assert_eq!(told(&answer), (Some("\"writes\";q=150;w=60"), Some("\"writes\";r=149;t=60")));
    let answer = app.get("/me").by(&app.stranger).expect(200).await;
    assert_eq!(
        told(&answer),
        (Some("\"reads\";q=200;w=60"), Some("\"reads\";r=199;t=60")),
        "another account"
    );
    // What is refused later has been counted, and says so.
    let answer = app.post("/deals").by(&app.viewer).json(json!({"title": "x"})).expect(403).await;
    assert_eq!(told(&answer).1, Some("\"writes\";r=148;t=60"));
    let answer = app.get("/deals/999").by(&app.admin).expect(404).await;
    assert_eq!(told(&answer).1, Some("\"reads\";r=997;t=60"));
    let me = app.get("/me").by(&app.admin).expect(200).await.data();
    let limits = &me["platform"]["rate_limits"];
    assert_eq!(limits["reads"], json!({"limit": 1000, "remaining": 996, "window_seconds": 60}));
    assert_eq!(limits["writes"], json!({"limit": 150, "remaining": 148, "window_seconds": 60}));
}

#[tokio::test]
async fn over_the_limit_is_429_until_exactly_the_moment_that_it_names() {
    let app = limited(|limits| limits.tiers.standard.reads = Rate::PerMinute(3)).await;
    let ask = || app.get("/me").by(&app.stranger);
    ask().expect(200).await;
    app.clock.pass(Duration::from_millis(1_500));
    assert_eq!(statuses(3, ask).await, [200, 200, 429]);
    let refused = ask().refused(429, "RATE_LIMITED", "Rate limit exceeded. Retry after 59 seconds.").await;
    assert_eq!(refused.header("retry-after"), Some("59"));
    assert_eq!(told(&refused), (Some("\"reads\";q=3;w=60"), Some("\"reads\";r=0;t=59")));
    assert!(refused.header("link").unwrap().contains("#RATE_LIMITED"));
    // Nothing that was refused counts, however often; the wall clock may jump as it likes.
    for jump in [3_600, -7_200, 30 * 86_400] {
        app.clock.advance(jump);
        assert_eq!(statuses(5, ask).await, [429; 5]);
    }
    app.clock.pass(Duration::from_millis(58_499));
    ask().expect(429).await;
    app.clock.pass(Duration::from_millis(1));
    ask().expect(200).await;
    let refused = ask().expect(429).await;
    assert_eq!(refused.header("retry-after"), Some("2"), "the next leaves 1.5 s after the first");
    app.clock.pass(Duration::from_secs(2));
    assert_eq!(statuses(3, ask).await, [200, 200, 429]);
}

#[tokio::test]
async fn the_limit_stands_behind_the_credential_and_the_account_and_before_the_scope_and_the_body() {
    let app = limited(|limits| limits.tiers.enterprise.writes = Rate::PerMinute(1)).await;
    let post = || app.post("/deals").by(&app.admin);
    post().json(json!({"title": "one"})).expect(201).await;
    post().header("x-active-account", "harbor").json(json!({})).expect(403).await;
    app.request(Method::POST, "/api/external/v2/deals").by(&app.admin).expect(400).await;
    post().bearer("x").expect(400).await;
    app.post("/deals").bearer("lev_sk_wrong").json(json!({})).expect(401).await;
    post().raw("not JSON").expect(429).await;
    app.post("/deals").by(&app.viewer).json(json!({"title": "x"})).expect(429).await;
    app.get("/deals").by(&app.admin).expect(200).await;
}

#[tokio::test]
async fn the_operators_word_for_an_account_goes_before_its_tier() {
    let app = limited(|_| {}).await;
    let set = async |reads, writes| {
        let overrides = Overrides { reads, writes, keys: None };
        app.operate(SetLimits { account: app.acme, overrides }).await;
    };
    set(Some(Rate::PerMinute(2)), Some(Rate::Unlimited)).await;
    assert_eq!(statuses(3, || app.get("/me").by(&app.admin)).await, [200, 200, 429]);
    let answer = app.post("/deals").by(&app.admin).json(json!({"title": "x"})).expect(201).await;
    assert_eq!(told(&answer), (None, None), "what is not limited is not told of");
    // A higher figure holds from the next request, and so does a lower one.
    set(Some(Rate::PerMinute(4)), None).await;
    assert_eq!(statuses(3, || app.get("/me").by(&app.admin)).await, [200, 200, 429]);
    set(Some(Rate::PerMinute(1)), None).await;
    app.clock.pass(Duration::from_millis(59_999));
    app.get("/me").by(&app.admin).expect(429).await;
}

#[tokio::test]
async fn a_clock_that_is_put_forward_or_back_an_hour_changes_nothing() {
    let app = limited(|limits| limits.health_per_minute = 2).await;
    let ask = || app.get("/health");
    assert_eq!(statuses(2, ask).await, [200, 200]);
    for hours in [1, -2, 1] {
        app.clock.advance(hours * 3_600);
        let refused = ask().expect(429).await;
        assert_eq!(refused.header("retry-after"), Some("60"), "{hours}");
    }
    app.clock.pass(Duration::from_millis(60_001));
    ask().expect(200).await;
}

#[tokio::test]
async fn public_operations_are_limited_by_address_and_a_64_is_one() {
    let app = limited(|limits| limits.health_per_minute = 3).await;
    let validate = |from: &'static str| {
        app.post("/auth/validate-api-key").json(json!({"api_key": "lev_sk_guess"})).from(from)
    };
    assert_eq!(statuses(11, || validate("192.0.2.1")).await, [&[200; 10][..], &[429]].concat());
    validate("192.0.2.2").expect(200).await;
    let refused = validate("::ffff:192.0.2.1").expect(429).await;
    assert_eq!(told(&refused), (Some("\"validate\";q=10;w=60"), Some("\"validate\";r=0;t=60")));
    // It is refused before the application's name, and before a body is looked at.
    app.request(Method::POST, "/api/external/v2/auth/validate-api-key").from("192.0.2.1").expect(429).await;
    let health = |from: &'static str| app.request(Method::GET, "/api/external/v2/health").from(from);
    assert_eq!(statuses(2, || health("2001:db8:1:2::1")).await, [200, 200]);
    assert_eq!(statuses(2, || health("2001:db8:1:2:ffff::9")).await, [200, 429]);
    health("2001:db8:1:3::1").expect(200).await;
}

#[tokio::test]
async fn a_thousand_bad_credentials_are_throttled_and_never_a_good_one() {
    let app = limited(|_| {}).await;
    let bad = || app.get("/me").bearer(&app.unknown_key()).from("192.0.2.1");
    let answers = statuses(1_000, bad).await;
    assert!(
        answers[..60].iter().all(|status| *status == 401)
            && answers[60..].iter().all(|status| *status == 429)
    );
    let refused = bad().refused(429, "RATE_LIMITED", "Rate limit exceeded. Retry after 60 seconds.").await;
    assert_eq!(told(&refused).0, Some("\"failed_auth\";q=60;w=60"));
    assert!(refused.header("www-authenticate").is_none());
    assert_eq!(statuses(100, || app.get("/me").by(&app.admin).from("192.0.2.1")).await, [200; 100]);
    app.get("/me").from("192.0.2.1").expect(401).await;
    app.get("/me").bearer("x").from("192.0.2.7").expect(401).await;
    // A key that is good and may not do this is no bad credential.
    let narrow = app.key(&app.admin, Grant::Fixed([Scope::DealsRead].into_iter().collect())).await;
    app.get("/account/team").key(&narrow).from("192.0.2.1").expect(403).await;
    let never = limited(|limits| limits.failed_auth_per_minute = 0).await;
    assert_eq!(statuses(200, || never.get("/me").bearer("x")).await, [401; 200]);
}

#[tokio::test]
async fn in_shadow_nothing_is_refused() {
    let app = limited(|limits| {
        limits.shadow = true;
        limits.tiers.enterprise.reads = Rate::PerMinute(2);
        limits.validate_per_minute = 1;
        limits.failed_auth_per_minute = 1;
    })
    .await;
    assert_eq!(statuses(5, || app.get("/me").by(&app.admin)).await, [200; 5]);
    assert_eq!(statuses(3, || app.get("/me").bearer("x")).await, [401; 3]);
    let validate = || app.post("/auth/validate-api-key").json(json!({"api_key": "lev_sk_guess"}));
    assert_eq!(statuses(3, validate).await, [200; 3]);
    let told_last = app.get("/me").by(&app.admin).expect(200).await;
    assert_eq!(told(&told_last).1, Some("\"reads\";r=0;t=60"));
}

#[tokio::test]
async fn own_back_ends_may_ask_about_any_number_of_keys_and_nobody_else() {
    let app = limited(|limits| {
        limits.validate_per_minute = 2;
        limits.validate_unlimited_from =
            ["10.1.0.0/16".parse().unwrap(), "2001:db8:1::/48".parse().unwrap()].into();
    })
    .await;
    let validate = |from: &'static str| {
        app.post("/auth/validate-api-key").json(json!({"api_key": "lev_sk_guess"})).from(from)
    };
    for inside in ["10.1.2.3", "2001:db8:1:2::3", "::ffff:10.1.9.9"] {
        assert_eq!(statuses(20, || validate(inside)).await, [200; 20], "{inside}");
        assert_eq!(told(&validate(inside).send().await), (None, None), "what is not limited is not told of");
    }
    for outside in ["10.2.2.3", "2001:db8:2::1"] {
        assert_eq!(statuses(3, || validate(outside)).await, [200, 200, 429], "{outside}");
    }
    // The other limits by address are as they were.
    let bad = limited(|limits| {
        limits.failed_auth_per_minute = 1;
        limits.validate_unlimited_from = ["10.1.0.0/16".parse().unwrap()].into();
    })
    .await;
    assert_eq!(statuses(2, || bad.get("/me").bearer("lev_sk_x").from("10.1.2.3")).await, [401, 429]);
}

#[tokio::test]
async fn the_older_fields_stand_beside_the_drafts_where_they_are_wanted() {
    let older = |answer: &Answer| {
        ["limit", "remaining", "reset"]
            .map(|name| answer.header(&format!("x-ratelimit-{name}")).map(str::to_owned))
    };
    let off = limited(|_| {}).await;
    assert_eq!(older(&off.get("/me").by(&off.admin).expect(200).await), [None, None, None]);
    let app = limited(|limits| {
        limits.legacy_headers = true;
        limits.tiers.enterprise.reads = Rate::PerMinute(2);
        limits.failed_auth_per_minute = 1;
    })
    .await;
    // 2026-03-20T15:30:45Z, and a second more, since that second has begun.
    let reset = (1_774_020_645 + 60 + 1).to_string();
    for (status, remaining) in [(200, "1"), (200, "0"), (429, "0")] {
        let answer = app.get("/me").by(&app.admin).expect(status).await;
        let expected = [Some("2".to_owned()), Some(remaining.to_owned()), Some(reset.clone())];
        assert_eq!(older(&answer), expected, "{status}");
        assert!(told(&answer).1.is_some(), "the draft's are there too");
    }
    app.get("/me").bearer("lev_sk_x").expect(401).await;
    let throttled = app.get("/me").bearer("lev_sk_x").expect(429).await;
    assert_eq!(older(&throttled)[0].as_deref(), Some("1"));
}
